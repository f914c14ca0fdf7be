/* What unproven strangers can do to an endpoint: SYNs of every kind. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "conn/handshake.h"
#include "inside.h"

static struct endpoint *e;
static struct endpoint_config cfg;
static struct duet_rand rng;
static duet_time now;
static uint8_t syn[LIMIT_SYN_BYTES];
static struct handshake last;

static void start_with(bool accept)
{
    cfg = pair_config(2, "bob");
    cfg.accept = accept;
    now = DUET_TIME(1000000);
    rand_init_u64(&rng, 4);
    e = endpoint_new(&cfg, now);
    cr_assert_not_null(e);
}

static void start(void)
{
    start_with(true);
}

static void stop(void)
{
    endpoint_free(e);
}

TestSuite(accept, .init = start, .fini = stop);

static struct duet_addr address(uint64_t n)
{
    return (struct duet_addr){
        .family = ADDR_V4, .ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, .port = 9};
}

static void make_syn(uint64_t cid_i)
{
    const struct endpoint_config mine = pair_config(1, "alice");
    cr_assert_eq(handshake_start(&last, &mine, cid_i, &rng), 0);
    cr_assert_eq(handshake_syn(&last, syn, sizeof syn), LIMIT_SYN_BYTES);
}

static int give(uint8_t *dgram, size_t len, const struct duet_addr *from)
{
    uint8_t copy[2 * LIMIT_SYN_BYTES];
    memcpy(copy, dgram, len);
    return endpoint_recv(e, &(struct envelope){.route.peer = *from}, copy, len, len, now);
}

static int give_syn(uint64_t cid_i, uint64_t from)
{
    const struct duet_addr a = address(from);
    make_syn(cid_i);
    return give(syn, sizeof syn, &a);
}

/* The next datagram out; 0: none. */
static size_t take(uint8_t out[LIMIT_PACKET_MIN_BYTES], struct duet_addr *to)
{
    uint8_t buf[65536];
    size_t segment;
    struct envelope outside;
    const ssize_t n = endpoint_send(e, &outside, buf, sizeof buf, &segment, now);
    *to = outside.route.peer;
    cr_assert(n >= 0 && n <= LIMIT_PACKET_MIN_BYTES);
    memcpy(out, buf, (size_t)n);
    return (size_t)n;
}

static size_t drain_out(void)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    size_t count = 0;
    while (take(out, &to) > 0)
        count++;
    return count;
}

Test(accept, a_replayed_syn_is_answered_alike_and_changes_nothing)
{
    uint8_t first[LIMIT_PACKET_MIN_BYTES], out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    const struct duet_addr from = address(1);
    make_syn(7);
    cr_assert_eq(give(syn, sizeof syn, &from), 0);
    const size_t len = take(first, &to);
    cr_assert(len > 0 && len < LIMIT_SYN_ACK_BYTES);
    const struct conn *c = inside_conn(e, 0);
    const struct handshake hs = *c->hs;
    const conn_id id = c->id;
    const duet_time end_at = c->end_at;
    for (int i = 0; i < 10000; i++) {
        cr_assert_eq(give(syn, sizeof syn, &from), 0);
        cr_assert_eq(take(out, &to), len);
        cr_assert_arr_eq(out, first, len);
    }
    cr_assert_eq(endpoint_conn_count(e), 1);
    c = inside_conn(e, 0);
    cr_assert(c->id == id && c->end_at.us == end_at.us && c->state == CONN_SYN_RECEIVED);
    cr_assert_arr_eq(c->hs, &hs, sizeof hs);
}

/* What somebody who sees a SYN gets to us before it. */
enum forerunner { COPY_FROM_ELSEWHERE, OTHER_EPHEMERAL, OTHER_PROPOSAL, OTHER_FLAGS, FORERUNNERS };

static void give_forerunner(enum forerunner kind, const struct duet_addr *caller)
{
    const struct duet_addr elsewhere = address(2);
    struct endpoint_config his = pair_config(1, "alice");
    struct handshake changed;

    if (kind == OTHER_PROPOSAL)
        his.params.heartbeat_us = HEARTBEAT_MAX_US;
    his.accept = kind != OTHER_FLAGS;
    /* Anybody can make the last two: the payload of message 1 is sealed under public values only. */
    cr_assert_eq(kind == OTHER_EPHEMERAL ? handshake_start(&changed, &his, last.cid_i, &rng)
                                         : handshake_start_again(&changed, &his, last.cid_i, last.noise.e.secret),
                 0);
    handshake_syn(&changed, syn, sizeof syn);
    cr_assert_eq(give(syn, sizeof syn, kind == COPY_FROM_ELSEWHERE ? &elsewhere : caller), 0);
    cr_assert_eq(drain_out(), 1);
}

/* The answer to the SYN of `last`, from there, is one that `last` can read; the ACK to it. */
static size_t answered(const struct duet_addr *caller, uint8_t ack[LIMIT_PACKET_MIN_BYTES])
{
    const struct endpoint_config mine = pair_config(1, "alice");
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;

    handshake_syn(&last, syn, sizeof syn);
    cr_assert_eq(give(syn, sizeof syn, caller), 0);
    const size_t len = take(out, &to);
    cr_assert_gt(len, 0, "it is not answered");
    cr_assert(addr_equal(&to, caller));
    cr_assert_eq(packet_parse(&p, out, len), 0);
    cr_assert_eq(handshake_confirm(&last, &mine, NULL, &p), 0);
    const ssize_t n = handshake_ack(&last, ack, LIMIT_PACKET_MIN_BYTES);
    cr_assert_gt(n, 0);
    return (size_t)n;
}

Test(accept, whoever_is_faster_than_a_syn_does_not_keep_it_from_being_answered)
{
    for (enum forerunner kind = 0; kind < FORERUNNERS; kind++) {
        const struct duet_addr caller = address(1), elsewhere = address(2);
        uint8_t ack[LIMIT_PACKET_MIN_BYTES];
        struct endpoint_event ev;
        stop();
        start();
        make_syn(7);
        give_forerunner(kind, &caller);
        const size_t len = answered(&caller, ack);
        cr_expect_eq(e->half_open, 2, "kind %d", kind);
        cr_expect_eq(give(ack, len, &elsewhere), DUET_ENOTFOUND, "kind %d", kind);
        cr_expect_eq(give(ack, len, &caller), 0, "kind %d", kind);
        cr_assert(endpoint_poll(e, &ev) && ev.type == EVENT_CONNECTED, "kind %d", kind);
        cr_expect(addr_equal(&ev.connected.addr, &caller), "kind %d", kind);
        cr_expect_eq(e->half_open, 1, "kind %d", kind);
    }
}

Test(accept, the_syn_of_a_session_that_comes_again_is_dropped)
{
    const struct duet_addr caller = address(1);
    uint8_t ack[LIMIT_PACKET_MIN_BYTES];
    struct inside_state before;
    make_syn(7);
    const size_t len = answered(&caller, ack);
    cr_assert_eq(give(ack, len, &caller), 0);
    drain_out();
    inside_save(e, &before);
    cr_assert_eq(give(syn, sizeof syn, &caller), DUET_EREPLAY);
    cr_assert(inside_same(e, &before));
    cr_assert_eq(drain_out(), 0);
}

/* A host with two addresses: whatever answers a SYN leaves from the one it was sent to. */
Test(accept, every_answer_leaves_from_the_address_that_was_asked)
{
    const struct duet_addr second = {.family = ADDR_V4, .ip = {10, 9, 9, 9}};
    const struct endpoint_config elsewhere = pair_config(3, "carol");
    const struct duet_route asked = {.peer = address(1), .local = second};
    enum { ANSWER, RETRY, REFUSAL, VERSION, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        uint8_t out[65536];
        size_t segment;
        struct envelope outside = {.route = asked};
        stop();
        start();
        for (uint64_t i = 0; kind == RETRY && i < LIMIT_HALF_OPEN_RETRY; i++)
            give_syn(100 + i, 50 + i);
        make_syn(7);
        if (kind == REFUSAL) {
            struct endpoint_config strange = elsewhere;
            e->shared.cfg.params.suites = SUITE_CHACHA20POLY1305;
            strange.params.suites = SUITE_AES128GCM;
            cr_assert_eq(handshake_start(&last, &strange, 7, &rng), 0);
            cr_assert_eq(handshake_syn(&last, syn, sizeof syn), LIMIT_SYN_BYTES);
        }
        drain_out();
        syn[1] = (uint8_t)(syn[1] + (kind == VERSION));
        if (kind == VERSION)
            inside_fix_crc(syn, sizeof syn);
        endpoint_recv(e, &outside, syn, sizeof syn, sizeof syn, now);
        outside = (struct envelope){.ecn = 0};
        cr_assert_gt(endpoint_send(e, &outside, out, sizeof out, &segment, now), 0, "kind %d", kind);
        cr_expect(addr_equal(&outside.route.peer, &asked.peer), "kind %d", kind);
        cr_expect(addr_same_host(&outside.route.local, &second), "kind %d", kind);
        cr_expect_eq(outside.ecn, 0);
    }
}

/* The SYN of a call of ours comes back, from `peer` to `local`. */
static int give_own_syn(const struct duet_addr *called, struct duet_route back, struct endpoint_event *told)
{
    uint8_t own[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    conn_id id;
    cr_assert_eq(endpoint_connect(e, called, now, &id), 0);
    const size_t len = take(own, &to);
    cr_assert(len > 0 && addr_equal(&to, called));
    for (int i = 0; i < 2; i++) {
        uint8_t copy[sizeof own];
        memcpy(copy, own, len);
        cr_expect_eq(endpoint_recv(e, &(struct envelope){.route = back}, copy, len, len, now),
                     i == 0 || endpoint_conn_count(e) > 0 ? DUET_EREPLAY : DUET_EREFUSED);
        if (endpoint_conn_count(e) == 0)
            break;
    }
    cr_assert(endpoint_poll(e, told), "nothing was told");
    cr_expect_eq(told->conn, id);
    struct endpoint_event more;
    cr_expect_not(endpoint_poll(e, &more), "told once");
    return (int)endpoint_conn_count(e);
}

Test(accept, a_call_to_ourselves_ends_when_its_syn_comes_back)
{
    const struct duet_addr home = {.family = ADDR_V4, .ip = {127, 0, 0, 1}, .port = 9};
    const struct duet_addr home2 = {.family = ADDR_V4, .ip = {127, 0, 0, 2}, .port = 9};
    const struct duet_addr card = address(1);
    const struct {
        struct duet_addr called;
        struct duet_route back;
    } row[] = {{card, {card, card}}, {home, {home, home}}, {home2, {home, home2}}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct endpoint_event told;
        cr_expect_eq(give_own_syn(&row[i].called, row[i].back, &told), 0, "row %zu: the attempt is over", i);
        cr_assert_eq(told.type, EVENT_FAILED, "row %zu", i);
        cr_expect_eq(told.failed.err, DUET_ESELF, "row %zu", i);
    }
}

/* Whoever sees our SYN can send it back: that must not end the call. */
Test(accept, our_syn_sent_back_by_another_host_is_a_hint)
{
    const struct duet_addr called = address(1), ours = address(2);
    const struct duet_addr senders[] = {called, ours}; /* the second is what he says */
    for (size_t i = 0; i < 2; i++) {
        struct endpoint_event told;
        stop();
        start();
        cr_expect_eq(give_own_syn(&called, (struct duet_route){senders[i], ours}, &told), 1, "%zu: it goes on", i);
        cr_assert_eq(told.type, EVENT_HINT, "%zu", i);
        cr_expect_eq(told.hint.what, HINT_COMES_BACK);
        cr_expect(addr_equal(&told.hint.addr, &called));
    }
}

Test(accept, a_syn_sent_to_another_of_our_addresses_is_not_the_same_one)
{
    const struct duet_route first = {.peer = address(1), .local = {.family = ADDR_V4, .ip = {10, 9, 9, 9}}};
    const struct duet_route second = {.peer = address(1), .local = {.family = ADDR_V4, .ip = {10, 9, 9, 8}}};
    uint8_t copy[LIMIT_SYN_BYTES];
    make_syn(7);
    memcpy(copy, syn, sizeof copy);
    cr_assert_eq(endpoint_recv(e, &(struct envelope){.route = first}, copy, sizeof copy, sizeof copy, now), 0);
    drain_out();
    cr_assert_eq(endpoint_recv(e, &(struct envelope){.route = second}, syn, sizeof syn, sizeof syn, now), 0);
    cr_assert_eq(e->half_open, 2);
    cr_assert_eq(drain_out(), 1);
    cr_expect(route_equal(&e->all[0]->path.route, &first));
    cr_expect(route_equal(&e->all[1]->path.route, &second));
}

Test(accept, an_address_of_ours_that_is_gone_leaves_the_choice_to_the_kernel)
{
    const struct duet_route asked = {.peer = address(1), .local = {.family = ADDR_V4, .ip = {10, 9, 9, 9}}};
    const struct duet_addr other = {.family = ADDR_V4, .ip = {10, 9, 9, 8}};
    make_syn(7);
    cr_assert_eq(endpoint_recv(e, &(struct envelope){.route = asked}, syn, sizeof syn, sizeof syn, now), 0);
    endpoint_local_gone(e, &other);
    cr_assert_eq(inside_conn(e, 0)->path.route.local.family, ADDR_V4);
    endpoint_local_gone(e, &asked.local);
    cr_assert_eq(inside_conn(e, 0)->path.route.local.family, ADDR_NONE);
}

Test(accept, half_open_answers_are_retried_capped_and_expire)
{
    for (uint64_t i = 0; i < LIMIT_HALF_OPEN_RETRY; i++)
        cr_assert_eq(give_syn(100 + i, i), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY);
    cr_assert_eq(drain_out(), LIMIT_HALF_OPEN_RETRY);

    for (uint64_t i = 0; i < 5; i++)
        cr_assert_eq(give_syn(5000 + i, 300 + i), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY);
    cr_assert_eq(endpoint_counters(e).retries_sent, 5);
    cr_assert_eq(drain_out(), 5);

    now = time_add(now, LIMIT_HALF_OPEN_US);
    endpoint_tick(e, now);
    cr_assert_eq(endpoint_conn_count(e), 0);
    cr_assert_eq(e->half_open, 0);
    struct endpoint_event ev;
    cr_assert_not(endpoint_poll(e, &ev), "nobody asked for them");
    cr_assert_eq(give_syn(9000, 1), 0);
    cr_assert_eq(e->half_open, 1);
}

/* Sends the last SYN again with the token of the RETRY that is next to leave. */
static int retried(uint64_t from, uint64_t then_from)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    const struct duet_addr a = address(from), b = address(then_from);
    cr_assert_eq(give(syn, sizeof syn, &a), 0);
    const size_t len = take(out, &to);
    cr_assert(addr_equal(&to, &a));
    cr_assert_eq(packet_parse(&p, out, len), 0);
    cr_assert_eq(p.type, PACKET_RETRY);
    last.has_token = true;
    memcpy(last.token, p.token, sizeof last.token);
    handshake_syn(&last, syn, sizeof syn);
    return give(syn, sizeof syn, &b);
}

static void fill_to_retry(void)
{
    for (uint64_t i = 0; i < LIMIT_HALF_OPEN_RETRY; i++)
        cr_assert_eq(give_syn(100 + i, i), 0);
    drain_out();
}

/* A token that does not check out is as good as none. */
Test(accept, a_token_proves_its_own_address_and_id_only)
{
    fill_to_retry();
    make_syn(5000);
    cr_assert_eq(retried(300, 301), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY, "another address");
    cr_assert_eq(endpoint_counters(e).retries_sent, 2);
    drain_out();
    make_syn(5001);
    cr_assert_eq(retried(300, 300), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY + 1);
    last.cid_i = 5002;
    handshake_syn(&last, syn, sizeof syn);
    const struct duet_addr a = address(300);
    cr_assert_eq(give(syn, sizeof syn, &a), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY + 1, "another id");
    cr_assert_eq(endpoint_counters(e).retries_sent, 4);
}

Test(accept, a_bad_token_proves_no_address)
{
    make_syn(5000);
    last.has_token = true;
    memset(last.token, 7, sizeof last.token);
    handshake_syn(&last, syn, sizeof syn);
    const struct duet_addr a = address(300);
    cr_assert_eq(give(syn, sizeof syn, &a), 0);
    cr_assert_eq(endpoint_conn_count(e), 1);
    cr_assert_not(e->all[0]->path.validated);
}

Test(accept, a_token_lives_its_time_only)
{
    fill_to_retry();
    make_syn(5000);
    cr_assert_eq(retried(300, 300), 0);
    now = time_add(now, LIMIT_HALF_OPEN_US);
    endpoint_tick(e, now);
    cr_assert_eq(endpoint_conn_count(e), 0);
    const struct handshake mine = last;
    fill_to_retry();
    last = mine;
    handshake_syn(&last, syn, sizeof syn);
    cr_assert_eq(retried(300, 300), 0, "it is answered by a new one");
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN_RETRY + 1);
}

Test(accept, good_tokens_do_not_pass_the_cap)
{
    fill_to_retry();
    for (uint64_t i = LIMIT_HALF_OPEN_RETRY; i < 2 * LIMIT_HALF_OPEN; i++) {
        make_syn(5000 + i);
        cr_assert_eq(retried(300 + i, 300 + i), 0);
        drain_out();
        cr_assert_leq(endpoint_conn_count(e), LIMIT_HALF_OPEN);
    }
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN);
    cr_assert_eq(give_syn(9999, 9999), 0, "without a token it is asked for one, and gets no place");
    cr_assert_eq(endpoint_conn_count(e), LIMIT_HALF_OPEN);
    cr_assert_eq(endpoint_counters(e).retries_sent, 2 * LIMIT_HALF_OPEN - LIMIT_HALF_OPEN_RETRY + 1);
}

static size_t places_of(const struct duet_addr *a)
{
    size_t n = 0;
    for (size_t i = 0; i < e->count; i++)
        n += addr_same_site(&e->all[i]->path.route.peer, a) && e->all[i]->state == CONN_SYN_RECEIVED;
    return n;
}

/* A SYN of this address, proven; the code of the second try. */
static int proven_syn(uint64_t cid_i, const struct duet_addr *a)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    make_syn(cid_i);
    int rc = give(syn, sizeof syn, a);
    const size_t len = take(out, &to);
    if (len == 0 || packet_parse(&p, out, len) != 0 || p.type != PACKET_RETRY)
        return rc;
    last.has_token = true;
    memcpy(last.token, p.token, sizeof last.token);
    handshake_syn(&last, syn, sizeof syn);
    rc = give(syn, sizeof syn, a);
    drain_out();
    return rc;
}

/* The connection that answers the SYN of that id; NULL: there is none. */
static const struct conn *answer_to(uint64_t cid_i)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->all[i]->peer_cid == cid_i)
            return e->all[i];
    return NULL;
}

/* Two hosts that repeat their SYNs for ever would hold all places; an IPv6 host has as many addresses as it likes. */
Test(accept, a_newcomer_takes_the_oldest_place_of_the_busiest_host)
{
    struct duet_addr busy = {.family = ADDR_V6, .ip = {0x20, 1, 13, 0xb8, [15] = 1}, .port = 7};
    const struct duet_addr less_busy = address(77);
    for (uint64_t i = 0; i < LIMIT_HALF_OPEN_PER_HOST; i++) {
        busy.ip[14] = (uint8_t)i;
        cr_assert_eq(proven_syn(1000 + i, &busy), 0);
        cr_assert_eq(places_of(&busy), i + 1);
        now = time_add(now, 1000);
    }
    cr_assert_eq(proven_syn(1901, &busy), 0);
    cr_assert_eq(places_of(&busy), LIMIT_HALF_OPEN_PER_HOST, "its own oldest had to go");
    cr_assert_null(answer_to(1000));
    cr_assert_not_null(answer_to(1901));
    for (uint64_t i = 0; i + 8 < LIMIT_HALF_OPEN_PER_HOST; i++)
        cr_assert_eq(proven_syn(3000 + i, &less_busy), 0);
    for (uint64_t i = 0; e->half_open < LIMIT_HALF_OPEN; i++)
        cr_assert_eq(proven_syn(4000 + i, &(struct duet_addr){.family = ADDR_V4, .ip = {11, 0, 0, (uint8_t)i}}), 0);
    const struct duet_addr honest = address(9999);
    cr_assert_eq(proven_syn(8000, &honest), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN);
    cr_assert_eq(places_of(&busy), LIMIT_HALF_OPEN_PER_HOST - 1);
    cr_assert_null(answer_to(1001), "the oldest of the busiest");
    cr_assert_eq(places_of(&honest), 1);
    now = time_add(now, 4 * US_PER_S);
    for (uint64_t i = 0; i < LIMIT_HALF_OPEN_PER_HOST; i++)
        proven_syn(6000 + i, &less_busy);
    cr_assert_not_null(answer_to(6000));
    cr_assert_eq(places_of(&honest), 1, "who has one place keeps it");
}

Test(accept, who_has_few_places_keeps_an_older_one)
{
    const struct duet_addr quiet = address(1), busy[] = {address(2), address(3)}, honest = address(9999);
    cr_assert_eq(proven_syn(1, &quiet), 0);
    for (uint64_t i = 1; i < LIMIT_HALF_OPEN; i++) {
        now = time_add(now, 1000);
        cr_assert_eq(proven_syn(1000 + i, &busy[i % 2]), 0);
    }
    cr_assert_eq(proven_syn(8000, &honest), 0);
    cr_assert_eq(e->half_open, LIMIT_HALF_OPEN);
    cr_expect_eq(places_of(&quiet), 1);
    cr_expect_eq(places_of(&honest), 1);
}

Test(accept, repeated_syns_hold_a_place_for_its_one_life)
{
    const struct duet_addr from = address(1);
    const duet_time began = now;
    make_syn(7);
    while (time_since(now, began) < LIMIT_HALF_OPEN_US) {
        cr_assert_eq(give(syn, sizeof syn, &from), 0);
        drain_out();
        endpoint_tick(e, now);
        cr_assert_eq(e->half_open, 1);
        now = time_add(now, US_PER_S);
    }
    endpoint_tick(e, now);
    cr_assert_eq(e->half_open, 0);
}

/* One token, and behind it garbage or the same SYN of somebody whose answer is refused, as often as one likes. */
Test(accept, a_good_token_buys_a_bounded_number_of_wasted_answers)
{
    enum { SYNS = 2000 };
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    struct endpoint_config mine = pair_config(1, "alice");
    const struct duet_addr from = address(300), honest = address(301);
    stop();
    cfg.params.suites = SUITE_CHACHA20POLY1305;
    e = endpoint_new(&cfg, now);
    fill_to_retry();
    mine.params.suites = SUITE_AES128GCM;
    cr_assert_eq(handshake_start(&last, &mine, 5000, &rng), 0);
    handshake_syn(&last, syn, sizeof syn);
    cr_assert_eq(retried(300, 300), DUET_EREFUSED);
    size_t answers = 0;
    for (size_t i = 0; i < SYNS; i++) {
        (void)give(syn, sizeof syn, &from);
        const size_t len = take(out, &to);
        answers += len > 0 && packet_parse(&p, out, len) == 0 && p.type == PACKET_SYN_ACK;
        now = time_add(now, 1000);
    }
    cr_expect_leq(answers, HOSTS_ANSWERS / HOSTS_WASTED + SYNS * UINT64_C(1000) / HOSTS_ANSWER_US / HOSTS_WASTED + 2,
                  "%zu answers in 2 s", answers);
    cr_expect_eq(proven_syn(8000, &honest), 0, "others are answered meanwhile");
    cr_expect_eq(places_of(&honest), 1);
}

/* Each within what a host may have, and all of them together more than can be had. */
Test(accept, hosts_that_waste_answers_together_have_a_bound_as_well)
{
    enum { WASTERS = 64 };
    static struct handshake calls[WASTERS];
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    struct endpoint_config mine = pair_config(1, "alice");
    const struct duet_addr honest = address(9999);
    stop();
    cfg.params.suites = SUITE_CHACHA20POLY1305;
    e = endpoint_new(&cfg, now);
    mine.params.suites = SUITE_AES128GCM;
    for (uint64_t i = 0; i < WASTERS; i++)
        cr_assert_eq(handshake_start(&calls[i], &mine, 5000 + i, &rng), 0);
    size_t answers = 0;
    for (size_t k = 0; k < HOSTS_ANSWERS * WASTERS; k++) {
        struct handshake *call = &calls[k % WASTERS];
        const struct duet_addr from = address(k % WASTERS);
        handshake_syn(call, syn, sizeof syn);
        (void)give(syn, sizeof syn, &from);
        const size_t len = take(out, &to);
        if (len == 0 || packet_parse(&p, out, len) != 0)
            continue;
        answers += p.type == PACKET_SYN_ACK;
        if (p.type == PACKET_RETRY) {
            call->has_token = true;
            memcpy(call->token, p.token, sizeof call->token);
        }
    }
    cr_expect_eq(answers, LIMIT_WASTED_ANSWERS + LIMIT_WASTED_PROVEN);
    cr_expect_eq(proven_syn(8000, &honest), 0, "who wasted none is answered");
    cr_expect_eq(places_of(&honest), 1);
}

Test(accept, replies_nobody_fetches_are_bounded)
{
    fill_to_retry();
    for (uint64_t i = 0; i < 1000; i++)
        give_syn(5000 + i, 300 + i);
    cr_assert_eq(e->reply_count, ENDPOINT_REPLIES);
    cr_assert_eq(drain_out(), ENDPOINT_REPLIES);
}

Test(accept, another_version_is_told_ours_in_few_bytes)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    const struct duet_addr from = address(1);
    make_syn(7);
    syn[1] = DUET_VERSION_WIRE + 1;
    inside_fix_crc(syn, sizeof syn);
    cr_assert_eq(give(syn, sizeof syn, &from), DUET_EUNSUPPORTED);
    const size_t len = take(out, &to);
    cr_assert(len > 0 && len <= 40);
    cr_assert_eq(packet_parse(&p, out, len), 0);
    cr_assert(p.type == PACKET_VERSION && p.cid_i == 7 && p.versions_len == 1 && p.versions[0] == DUET_VERSION_WIRE);
    cr_assert_eq(endpoint_conn_count(e), 0);
}

Test(accept, one_that_takes_no_connections_is_silent)
{
    endpoint_set_accept(e, false);
    cr_assert_eq(give_syn(7, 1), DUET_EREFUSED);
    syn[1]++;
    inside_fix_crc(syn, sizeof syn);
    const struct duet_addr from = address(1);
    give(syn, sizeof syn, &from);
    cr_assert_eq(drain_out(), 0);
    cr_assert_eq(endpoint_conn_count(e), 0);
}

Test(accept, no_common_parameters_are_refused_and_forgotten)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    struct endpoint_config mine = pair_config(1, "alice");
    const struct duet_addr from = address(1);
    stop();
    cfg.params.suites = SUITE_CHACHA20POLY1305;
    e = endpoint_new(&cfg, now);
    mine.params.suites = SUITE_AES128GCM;
    cr_assert_eq(handshake_start(&last, &mine, 7, &rng), 0);
    handshake_syn(&last, syn, sizeof syn);
    cr_assert_eq(give(syn, sizeof syn, &from), DUET_EREFUSED);
    cr_assert_eq(endpoint_counters(e).refused, 1);
    cr_assert_eq(packet_parse(&p, out, take(out, &to)), 0);
    cr_assert_eq(handshake_confirm(&last, &mine, NULL, &p), DUET_EREFUSED);
    cr_assert_eq(last.refusal, REFUSAL_PARAMS);
    cr_assert_eq(endpoint_conn_count(e), 0);
}

/* Each answer costs three multiplications on the curve, whether something comes of it or not. */
Test(accept, strangers_who_waste_answers_have_to_prove_their_address)
{
    enum { SYNS = 2000 };
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    struct packet p;
    struct endpoint_config mine = pair_config(1, "alice");

    stop();
    cfg.params.suites = SUITE_CHACHA20POLY1305;
    e = endpoint_new(&cfg, now);
    mine.params.suites = SUITE_AES128GCM;
    size_t answers = 0, retries = 0;
    for (uint64_t i = 0; i < SYNS; i++) {
        const struct duet_addr from = address(i);
        if (i < 10) { /* the others are one and the same from elsewhere: as good, and cheaper to make */
            cr_assert_eq(handshake_start(&last, &mine, 7 + i, &rng), 0);
            handshake_syn(&last, syn, sizeof syn);
        }
        (void)give(syn, sizeof syn, &from);
        now = time_add(now, 100);
        const size_t len = take(out, &to);
        cr_assert_eq(packet_parse(&p, out, len), 0);
        answers += p.type == PACKET_SYN_ACK;
        retries += p.type == PACKET_RETRY;
    }
    cr_expect_leq(answers, LIMIT_HALF_OPEN_RETRY, "%zu answers in 0.2 s", answers);
    cr_expect_eq(answers + retries, SYNS);
    cr_expect_eq(retried(5, 5), DUET_EREFUSED, "who proves its address is told why");
    cr_assert_eq(packet_parse(&p, out, take(out, &to)), 0);
    cr_expect_eq(p.type, PACKET_SYN_ACK);
    now = time_add(now, 1000000);
    cr_expect_eq(give(syn, sizeof syn, &(struct duet_addr){.family = ADDR_V4, .port = 1}), DUET_EREFUSED,
                 "a token of another");
    cr_expect_eq(give_syn(1, 1), 0, "a second later they are believed again");
}

Test(accept, no_flipped_bit_of_a_syn_makes_a_connection)
{
    static uint8_t good[LIMIT_SYN_BYTES];
    struct inside_state before;
    struct duet_addr to;
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    const struct duet_addr from = address(1);
    make_syn(7);
    memcpy(good, syn, sizeof syn);
    inside_save(e, &before);
    for (size_t bit = 0; bit < 16 * sizeof syn; bit++) {
        const bool crc_made_right = bit >= 8 * sizeof syn;
        memcpy(syn, good, sizeof syn);
        syn[bit / 8 % sizeof syn] ^= (uint8_t)(1u << bit % 8);
        if (crc_made_right && bit / 8 % sizeof syn >= sizeof syn - 4)
            break;
        if (crc_made_right)
            inside_fix_crc(syn, sizeof syn);
        now = time_add(now, US_PER_S / LIMIT_WASTED_ANSWERS + 1); /* at once, most would be asked for a token */
        cr_assert_neq(give(syn, sizeof syn, &from), 0, "bit %zu", bit);
        cr_assert(inside_same(e, &before), "bit %zu", bit);
        cr_assert_leq(take(out, &to), 40, "bit %zu", bit); /* another version is told ours */
    }
}

Test(accept, garbage_of_every_length_is_dropped)
{
    uint8_t buf[1500];
    const struct duet_addr from = address(1);
    struct inside_state before;
    cr_assert_eq(give_syn(7, 1), 0);
    drain_out();
    inside_save(e, &before);
    for (size_t len = 0; len < sizeof buf; len++) {
        rand_bytes(&rng, buf, len);
        if (len > 0 && len % 3 == 0)
            buf[0] = (uint8_t)(len % 7); /* a type that exists */
        if (len >= 17 && len % 5 == 0) {
            buf[0] = PACKET_DATA;
            struct writer w = writer_of(buf + 1, 16);
            writer_u64(&w, before.conns[0].id);
            writer_u64(&w, len);
        }
        if (len >= 8 && len % 2 == 0 && buf[0] != PACKET_DATA)
            inside_fix_crc(buf, len);
        cr_assert_neq(endpoint_recv(e, &(struct envelope){.route.peer = from}, buf, len, len, now), 0, "length %zu",
                      len);
    }
    cr_assert(inside_same(e, &before));
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    for (size_t n; (n = take(out, &to)) > 0;)
        cr_assert_leq(n, 40, "only VERSION answers what cannot be read");
}

/* An address that never speaks again gets three times what it sent at most, however long one waits. */
Test(accept, a_silent_initiator_gets_no_more_than_three_times_its_bytes)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    size_t in = 0, sent = 0;
    const struct duet_addr from = address(1);
    make_syn(7);
    for (int ms = 0; ms < 20000; ms += 100) {
        now = time_add(now, 100000);
        endpoint_tick(e, now);
        if (ms % 1500 == 0 && ms < 4000) {
            give(syn, sizeof syn, &from);
            in += sizeof syn;
        }
        size_t n;
        while ((n = take(out, &to)) > 0)
            sent += n;
        cr_assert_leq(sent, 3 * in);
    }
    cr_assert_eq(endpoint_conn_count(e), 0);
    cr_assert_leq(sent, in, "never on a timer");
}

/* ── simultaneous open ───────────────────────────────────────────────── */

Test(accept, a_spoofed_syn_does_not_demote_our_attempt)
{
    const struct duet_addr peer = address(1);
    struct endpoint_event ev;
    conn_id own;
    cr_assert_eq(endpoint_connect(e, &peer, now, &own), 0);
    drain_out();
    for (uint64_t cid = 50; cid < 60; cid++)
        give_syn(cid, 1); /* about half of them have the larger key */
    cr_assert_gt(endpoint_conn_count(e), 1);
    cr_assert_eq(inside_conn(e, own)->state, CONN_SYN_SENT);
    now = time_add(now, LIMIT_HALF_OPEN_US);
    endpoint_tick(e, now);
    cr_assert_eq(endpoint_conn_count(e), 1);
    cr_assert_not(endpoint_poll(e, &ev), "an answer that came to nothing is nobody's event");
    cr_assert_eq(inside_conn(e, own)->state, CONN_SYN_SENT);
}

Test(accept, an_own_syn_come_back_is_dropped)
{
    uint8_t out[LIMIT_PACKET_MIN_BYTES];
    struct duet_addr to;
    const struct duet_addr peer = address(1);
    struct inside_state before;
    conn_id own;
    cr_assert_eq(endpoint_connect(e, &peer, now, &own), 0);
    cr_assert_eq(take(out, &to), LIMIT_SYN_BYTES);
    cr_assert_eq(give(out, LIMIT_SYN_BYTES, &peer), DUET_EREPLAY);
    inside_save(e, &before); /* the hint was given */
    cr_assert_eq(give(out, LIMIT_SYN_BYTES, &peer), DUET_EREPLAY);
    out[2] |= PACKET_SYN_SOLE; /* one that would win, were it not ours */
    inside_fix_crc(out, LIMIT_SYN_BYTES);
    cr_assert_eq(give(out, LIMIT_SYN_BYTES, &peer), DUET_EREPLAY);
    cr_assert(inside_same(e, &before));
}

static struct pair pair;
static int connected[2], failed[2], closed[2];

static void count_events(struct pair *p, int side, const struct endpoint_event *ev)
{
    (void)p;
    connected[side] += ev->type == EVENT_CONNECTED;
    failed[side] += ev->type == EVENT_FAILED;
    closed[side] += ev->type == EVENT_CLOSED;
}

static uint32_t drop_mask; /* the n-th datagram is lost where bit n is set */
static uint32_t datagrams;

static bool drop_masked(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes, (void)len;
    const uint32_t n = datagrams++;
    return n >= 32 || (drop_mask >> n & 1) == 0;
}

/* One side connects `apart_us` after the other; both must end in one session, the same, in opposite roles.  Bit n of
 * `sole`: side n takes no connections; then it stays initiator where the other takes some. */
static void open_both(uint64_t seed, uint64_t delay_us, uint64_t apart_us, uint32_t mask, int sole)
{
    memset(&pair, 0, sizeof pair);
    memset(connected, 0, sizeof connected);
    memset(failed, 0, sizeof failed);
    memset(closed, 0, sizeof closed);
    drop_mask = mask;
    datagrams = 0;
    struct endpoint_config c[2] = {pair_config(seed, "alice"), pair_config(seed + 1000, "bob")};
    conn_id id[2];
    for (int i = 0; i < 2; i++)
        c[i].accept = (sole >> i & 1) == 0;
    pair.delay_us = delay_us;
    pair.on_event = count_events;
    pair.filter = drop_masked;
    pair_open(&pair, &c[0], &c[1]);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(endpoint_connect(pair.e[i], &pair.addr[1 - i], pair.now, &id[i]), 0);
        if (i == 0)
            pair_run(&pair, time_add(pair.now, apart_us));
    }
    pair_run(&pair, time_add(pair.now, 10 * delay_us));
    cr_assert(mask != 0 || sole == 3 || (connected[0] > 0 && connected[1] > 0),
              "seed %lu apart %lu sole %d: not at once", (unsigned long)seed, (unsigned long)apart_us, sole);
    pair_run(&pair, time_add(pair.now, 12 * US_PER_S));
    for (int i = 0; i < 2; i++) {
        const size_t conns = endpoint_conn_count(pair.e[i]);
        cr_assert(connected[i] == 1 && failed[i] == 0 && closed[i] == 0 && conns == 1,
                  "seed %lu apart %lu mask %x sole %d: side %d connected %d failed %d conns %zu", (unsigned long)seed,
                  (unsigned long)apart_us, mask, sole, i, connected[i], failed[i], conns);
    }
    const struct conn *a = inside_session(&pair, 0), *b = inside_session(&pair, 1);
    cr_assert(a->session == b->session && a->initiator != b->initiator, "seed %lu", (unsigned long)seed);
    cr_assert(sole == 0 || sole == 3 || a->initiator == (sole == 1), "seed %lu sole %d", (unsigned long)seed, sole);
    pair_close(&pair);
}

/* apart from 0 to a round trip: the second connects with the first's SYN, or its own SYN-ACK, in flight.  From one and
 * a half trips on there is a session already. */
Test(accept, both_connecting_at_any_distance_end_in_one_session)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        for (uint64_t apart = 0; apart < 30000; apart += 1000) {
            for (int sole = 0; sole < 4; sole++)
                open_both(seed, 10000, apart, 0, sole);
        }
    }
}

Test(accept, both_connecting_with_a_datagram_lost_end_in_one_session)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (uint64_t apart = 0; apart < 30000; apart += 5000) {
            for (uint32_t n = 0; n < 4 * 6; n++)
                open_both(seed, 10000, apart, 1u << n / 4, (int)(n % 4));
        }
    }
}

/* Only a dishonest peer does both: answers our SYN, and calls us with one that wins.  What our owner was told stays. */
Test(accept, a_session_is_not_given_up_for_an_attempt_of_the_peer)
{
    struct endpoint_config c[3] = {pair_config(1, "alice"), pair_config(1001, "bob"), pair_config(2001, "bob too")};
    uint8_t out[65536];
    size_t segment;
    conn_id id[2];
    memset(&pair, 0, sizeof pair);
    memset(connected, 0, sizeof connected);
    memset(closed, 0, sizeof closed);
    pair.on_event = count_events;
    c[0].accept = c[1].accept = false;
    pair_open(&pair, &c[0], &c[1]);
    struct endpoint *also = endpoint_new(&c[2], pair.now);
    do { /* until its key is the larger one */
        if (endpoint_conn_count(pair.e[1]) > 0)
            endpoint_close(pair.e[1], id[1], 0, NULL, pair.now);
        cr_assert_eq(endpoint_connect(pair.e[1], &pair.addr[0], pair.now, &id[1]), 0);
        if (endpoint_conn_count(pair.e[0]) == 0)
            cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id[0]), 0);
    } while (memcmp(inside_conn(pair.e[1], id[1])->hs->noise.e.public,
                    inside_conn(pair.e[0], id[0])->hs->noise.e.public, NOISE_KEY_BYTES) < 0);
    struct envelope at;
    size_t len = (size_t)endpoint_send(pair.e[1], &at, out, sizeof out, &segment, pair.now);
    cr_assert_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = pair.addr[1]}, out, len, len, pair.now), 0);
    len = (size_t)endpoint_send(pair.e[0], &at, out, sizeof out, &segment, pair.now);
    cr_assert_eq(endpoint_recv(also, &(struct envelope){.route.peer = pair.addr[0]}, out, len, len, pair.now), 0);
    len = (size_t)endpoint_send(also, &at, out, sizeof out, &segment, pair.now);
    cr_assert_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = pair.addr[1]}, out, len, len, pair.now), 0);
    pair_run(&pair, time_add(pair.now, US_PER_S));
    cr_assert_eq(connected[0], 2, "the one that answered, and the one that called");
    cr_assert_eq(endpoint_conn_count(pair.e[0]), 2, "an end that nobody hears of is none");
    endpoint_free(also);
    pair_close(&pair);
}
