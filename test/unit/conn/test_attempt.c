/* Calls to hosts with several addresses, in virtual time: hosts, each with an address of either family and a delay for
 * each, of which some lead nowhere. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conn/attempt.h"
#include "inside.h"

#define HOSTS 3
#define PLACES 2 /* of each host: 0 is IPv6, 1 is IPv4 */
#define WIRE 1024
#define MS(n) (UINT64_C(1000) * (n))
#define SECONDS(n) (UINT64_C(1000000) * (n))

enum { ALICE, BOB, CAROL };

struct flying {
    duet_time at;
    int to, from, place;
    size_t len;
    uint8_t bytes[LIMIT_PACKET_MIN_BYTES];
};

static struct {
    struct endpoint *e[HOSTS];
    duet_time now;
    uint64_t delay_us[PLACES];
    bool is_dead[HOSTS][PLACES]; /* nothing gets there, */
    bool is_mute[HOSTS][PLACES]; /* nothing gets away from there */
    struct flying wire[WIRE];
    size_t flying;
    int count[HOSTS][EVENT_STOPPED + 1];
    struct endpoint_event last[HOSTS][EVENT_STOPPED + 1];
    duet_time connected_at[HOSTS];
    size_t syns; /* of alice's, in all, and when the first went to each place of BOB */
    duet_time first_syn[HOSTS][PLACES];
} net;

static struct duet_addr at(int host, int place)
{
    struct duet_addr a = {.family = place == 0 ? ADDR_V6 : ADDR_V4, .port = 6254};

    if (place == 0)
        memcpy(a.ip, (const uint8_t[16]){0xfd, [15] = (uint8_t)(host + 1)}, sizeof a.ip);
    else
        memcpy(a.ip, (const uint8_t[4]){10, 0, 0, (uint8_t)(host + 1)}, 4);
    return a;
}

static void start_as(uint64_t seed, const bool accepts[HOSTS])
{
    static const char *const names[] = {"alice", "bob", "carol"};

    net.now = DUET_TIME(SECONDS(1));
    net.delay_us[0] = net.delay_us[1] = MS(10);
    for (int i = 0; i < HOSTS; i++) {
        struct endpoint_config cfg = pair_config(seed + (uint64_t)i * 1000, names[i]);
        cfg.accept = accepts[i];
        net.e[i] = endpoint_new(&cfg, net.now);
        cr_assert_not_null(net.e[i]);
    }
}

static void stop(void)
{
    for (int i = 0; i < HOSTS; i++)
        endpoint_free(net.e[i]);
    memset(&net, 0, sizeof net);
}

static void start(void)
{
    start_as(1, (const bool[HOSTS]){true, true, true});
}

TestSuite(attempt, .init = start, .fini = stop);

static bool find_place(const struct duet_addr *addr, int *host, int *place)
{
    for (*host = 0; *host < HOSTS; ++*host)
        for (*place = 0; *place < PLACES; ++*place) {
            const struct duet_addr a = at(*host, *place);
            if (addr_equal(&a, addr))
                return true;
        }
    return false;
}

static void note_syn(int from, const struct duet_addr *to, const uint8_t *bytes)
{
    int host, place;

    if (from != ALICE || bytes[0] != PACKET_SYN)
        return;
    net.syns++;
    if (find_place(to, &host, &place) && net.first_syn[host][place].us == 0)
        net.first_syn[host][place] = net.now;
}

static void send_all(int from)
{
    static uint8_t buf[65536];
    struct envelope out;
    size_t segment;
    ssize_t n;

    while ((n = endpoint_send(net.e[from], &out, buf, sizeof buf, &segment, net.now)) > 0) {
        for (size_t done = 0; done < (size_t)n; done += segment) {
            const size_t len = (size_t)n - done < segment ? (size_t)n - done : segment;
            struct flying *f = &net.wire[net.flying];

            note_syn(from, &out.route.peer, buf + done);
            cr_assert_lt(net.flying, WIRE);
            if (len > sizeof f->bytes || !find_place(&out.route.peer, &f->to, &f->place) || f->to == from ||
                net.is_dead[f->to][f->place] || net.is_mute[from][f->place])
                continue;
            f->from = from;
            f->len = len;
            f->at = time_add(net.now, net.delay_us[f->place]);
            memcpy(f->bytes, buf + done, len);
            net.flying++;
        }
    }
}

static void hear(int host)
{
    struct endpoint_event ev;

    while (endpoint_poll(net.e[host], &ev)) {
        net.count[host][ev.type]++;
        net.last[host][ev.type] = ev;
        if (ev.type == EVENT_CONNECTED)
            net.connected_at[host] = net.now;
    }
}

static void settle(void)
{
    for (int i = 0; i < HOSTS; i++) {
        endpoint_tick(net.e[i], net.now);
        hear(i);
        send_all(i);
        hear(i);
    }
}

static void deliver(size_t i)
{
    struct flying f = net.wire[i];
    const struct duet_addr from = at(f.from, f.place);

    memmove(&net.wire[i], &net.wire[i + 1], (--net.flying - i) * sizeof f);
    endpoint_recv(net.e[f.to], &(struct envelope){.route.peer = from}, f.bytes, f.len, f.len, net.now);
    hear(f.to);
}

static void run(uint64_t us)
{
    const duet_time until = time_add(net.now, us);

    for (;;) {
        duet_time next = DUET_NEVER;

        settle();
        for (int i = 0; i < HOSTS; i++)
            next = time_min(next, endpoint_deadline(net.e[i]));
        for (size_t i = 0; i < net.flying; i++)
            next = time_min(next, net.wire[i].at);
        if (time_before(until, next)) {
            net.now = until;
            return;
        }
        net.now = time_max(net.now, next);
        for (size_t i = 0; i < net.flying;)
            if (time_due(net.wire[i].at, net.now))
                deliver(i);
            else
                i++;
    }
}

static conn_id call_these(int from, const struct duet_addr *addrs, size_t count, const struct expected_keys *expected)
{
    static const struct expected_keys anybody;
    conn_id id = 0;

    cr_assert_eq(endpoint_call(net.e[from], addrs, count, expected != NULL ? expected : &anybody, net.now, &id), 0);
    return id;
}

static conn_id call(int from, int to)
{
    const struct duet_addr addrs[PLACES] = {at(to, 0), at(to, 1)};

    return call_these(from, addrs, PLACES, NULL);
}

/* Both know each other, once, and nothing else was told to either. */
static void expect_one_session(int a, int b)
{
    const int sides[] = {a, b};

    for (int i = 0; i < 2; i++) {
        const int *count = net.count[sides[i]];

        cr_assert_eq(count[EVENT_CONNECTED], 1, "%d sessions", count[EVENT_CONNECTED]);
        cr_assert_eq(count[EVENT_FAILED] + count[EVENT_CLOSED] + count[EVENT_HINT] + count[EVENT_TRIED], 0);
        cr_assert_eq(endpoint_conn_count(net.e[sides[i]]), 1);
    }
}

static uint64_t since_ms(duet_time t, duet_time began)
{
    return time_since(t, began) / MS(1);
}

Test(attempt, a_dead_first_address_costs_one_delay)
{
    const duet_time began = net.now;

    net.is_dead[BOB][0] = true;
    const conn_id id = call(ALICE, BOB);

    run(SECONDS(1));
    expect_one_session(ALICE, BOB);
    cr_expect_eq(since_ms(net.first_syn[BOB][1], began), 250);
    cr_expect_leq(since_ms(net.connected_at[ALICE], began), 250 + 40, "and the handshake");
    const struct endpoint_event *ev = &net.last[ALICE][EVENT_CONNECTED];

    cr_expect_neq(ev->conn, id);
    cr_expect_eq(ev->connected.replaces, id, "the call is known by its number");
    cr_expect(ev->connected.initiated);
    cr_expect_eq(ev->connected.addr.family, ADDR_V4);
}

Test(attempt, the_first_address_is_enough_where_it_works)
{
    const conn_id id = call(ALICE, BOB);

    run(SECONDS(20));
    expect_one_session(ALICE, BOB);
    cr_expect_eq(net.last[ALICE][EVENT_CONNECTED].conn, id);
    cr_expect_eq(net.last[ALICE][EVENT_CONNECTED].connected.replaces, 0);
    cr_expect_eq(net.first_syn[BOB][1].us, 0, "the other one was not troubled");
}

/* At both of its addresses the peer answers; whichever answer is first, the other leads to nothing that anybody hears of. */
Test(attempt, a_host_that_answers_at_both_addresses_has_one_session)
{
    static const struct {
        uint64_t v6_ms, v4_ms;
        uint8_t wins;
    } row[] = {
        {200, 200, ADDR_V6}, {400, 10, ADDR_V4}, {175, 50, ADDR_NONE}, /* both at the very same time */
        {170, 50, ADDR_V6},  {180, 50, ADDR_V4},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        stop();
        start();
        net.delay_us[0] = MS(row[i].v6_ms);
        net.delay_us[1] = MS(row[i].v4_ms);
        call(ALICE, BOB);
        run(MS(row[i].v6_ms));
        run(LIMIT_HALF_OPEN_US + SECONDS(1));
        expect_one_session(ALICE, BOB);
        cr_expect_neq(net.first_syn[BOB][1].us, 0, "row %zu is no race", i);
        if (row[i].wins != ADDR_NONE)
            cr_expect_eq(net.last[ALICE][EVENT_CONNECTED].connected.addr.family, row[i].wins, "row %zu", i);
    }
}

Test(attempt, the_ack_of_one_leg_only_ever_leaves)
{
    net.delay_us[0] = MS(175);
    net.delay_us[1] = MS(50);
    call(ALICE, BOB);
    run(MS(351)); /* both answers are there */
    cr_expect_eq(endpoint_conn_count(net.e[ALICE]), 1);
    cr_expect_eq(net.count[ALICE][EVENT_FAILED] + net.count[ALICE][EVENT_CLOSED], 0);
}

Test(attempt, what_reaches_the_host_and_never_comes_back_holds_up_nothing)
{
    net.is_mute[BOB][0] = true;
    call(ALICE, BOB);
    run(SECONDS(1));
    cr_expect_eq(net.count[ALICE][EVENT_CONNECTED], 1);
    cr_expect_eq(net.count[BOB][EVENT_CONNECTED], 1);
    run(LIMIT_HALF_OPEN_US);
    expect_one_session(ALICE, BOB);
}

Test(attempt, nobody_at_any_address_is_one_failure)
{
    const duet_time began = net.now;

    net.is_dead[BOB][0] = net.is_dead[BOB][1] = true;
    const conn_id id = call(ALICE, BOB);

    run(SECONDS(29));
    cr_expect_eq(net.count[ALICE][EVENT_FAILED], 0);
    run(SECONDS(2));
    cr_assert_eq(net.count[ALICE][EVENT_FAILED], 1);
    cr_expect_eq(net.last[ALICE][EVENT_FAILED].conn, id);
    cr_expect_eq(net.last[ALICE][EVENT_FAILED].failed.err, DUET_ETIMEOUT);
    cr_expect_eq(net.count[ALICE][EVENT_TRIED], 2, "and of each address why");
    cr_expect_eq(net.last[ALICE][EVENT_TRIED].conn, id);
    cr_expect_eq(endpoint_conn_count(net.e[ALICE]), 0);
    cr_expect(time_is_never(endpoint_deadline(net.e[ALICE])), "nothing is left to do");
    cr_expect_eq(since_ms(net.first_syn[BOB][1], began), 250);
}

Test(attempt, addresses_are_begun_one_by_one)
{
    struct duet_addr addrs[CALL_ADDRESSES];
    static const struct expected_keys anybody;
    conn_id id;

    for (size_t i = 0; i < CALL_ADDRESSES; i++)
        addrs[i] = (struct duet_addr){.family = ADDR_V4, .ip = {192, 0, 2, (uint8_t)i}, .port = 1};
    cr_assert_eq(endpoint_call(net.e[ALICE], addrs, CALL_ADDRESSES, &anybody, net.now, &id), 0);
    for (size_t i = 1; i <= CALL_ADDRESSES; i++) {
        run(i == 1 ? MS(249) : MS(250));
        cr_expect_eq(endpoint_conn_count(net.e[ALICE]), i);
    }
    run(SECONDS(31));
    cr_expect_eq(net.count[ALICE][EVENT_FAILED], 1);
    cr_expect_eq(net.count[ALICE][EVENT_TRIED], CALL_ADDRESSES);
    cr_expect_eq(endpoint_conn_count(net.e[ALICE]), 0);
}

/* ── hints and refusals ──────────────────────────────────────────────── */

Test(attempt, a_hint_about_one_address_brings_the_next_at_once_and_no_word)
{
    const struct duet_addr first = at(BOB, 0), second = at(BOB, 1);
    const duet_time began = net.now;

    for (int cannot = 0; cannot < 2; cannot++) {
        stop();
        start();
        net.is_dead[BOB][0] = true;
        call(ALICE, BOB);
        run(MS(20));
        if (cannot == 1)
            cr_expect(endpoint_cannot_send(net.e[ALICE], &first, ENETUNREACH));
        else
            endpoint_nobody_listens(net.e[ALICE], &first);
        cr_expect_not(endpoint_cannot_send(net.e[ALICE], &second, ENETUNREACH), "nobody is called there yet");
        run(SECONDS(1));
        expect_one_session(ALICE, BOB);
        cr_expect_eq(since_ms(net.first_syn[BOB][1], began), 20);
    }
}

Test(attempt, hints_are_told_once_every_address_had_its_time)
{
    const struct duet_addr second = at(BOB, 1);

    net.is_dead[BOB][0] = net.is_dead[BOB][1] = true;
    call(ALICE, BOB);
    run(MS(260));
    endpoint_nobody_listens(net.e[ALICE], &second);
    run(MS(230));
    cr_expect_eq(net.count[ALICE][EVENT_HINT], 0, "the first may be about to answer");
    run(MS(20));
    cr_assert_eq(net.count[ALICE][EVENT_HINT], 1);
    cr_expect(addr_equal(&net.last[ALICE][EVENT_HINT].hint.addr, &second));
    net.is_dead[BOB][1] = false; /* the program starts */
    run(SECONDS(2));
    cr_expect_eq(net.count[ALICE][EVENT_HINT], 1, "one line");
    cr_expect_eq(net.count[ALICE][EVENT_CONNECTED], 1, "a hint ends nothing");
    cr_expect_eq(net.count[ALICE][EVENT_FAILED], 0);
}

/* No common parameters: it refuses. */
static void speak(int host, uint32_t suite)
{
    struct endpoint_config cfg = pair_config(77 + (uint64_t)host, "somebody");

    endpoint_free(net.e[host]);
    cfg.params.suites = suite;
    net.e[host] = endpoint_new(&cfg, net.now);
    cr_assert_not_null(net.e[host]);
}

/* Whichever of the two is dead: the reason is the peer's, and it is there long before the time is up. */
Test(attempt, a_refusal_says_more_than_silence_and_ends_it_soon)
{
    for (int dead = 0; dead < PLACES; dead++) {
        stop();
        start();
        speak(ALICE, SUITE_AES128GCM);
        speak(BOB, SUITE_CHACHA20POLY1305);
        net.is_dead[BOB][dead] = true;
        call(ALICE, BOB);
        run(MS(250) + LIMIT_FOREIGN_ANSWER_US - MS(500));
        cr_expect_eq(net.count[ALICE][EVENT_FAILED], 0, "the other address has its time");
        run(SECONDS(1));
        cr_assert_eq(net.count[ALICE][EVENT_FAILED], 1);
        cr_expect_eq(net.last[ALICE][EVENT_FAILED].failed.err, DUET_EREFUSED);
        cr_expect_eq(net.count[ALICE][EVENT_TRIED], 2);
        cr_expect_eq(endpoint_conn_count(net.e[ALICE]), 0);
    }
}

/* A name with two addresses, of which one is another host's by now. */
Test(attempt, the_key_expected_wins_whoever_answers_first)
{
    const struct endpoint_config bob = pair_config(1001, "bob");
    struct expected_keys expected = {.count = 1};

    noise_print(expected.prints[0], bob.identity.public);
    for (int order = 0; order < 2; order++) {
        const struct duet_addr addrs[] = {at(order == 0 ? CAROL : BOB, 0), at(order == 0 ? BOB : CAROL, 1)};

        stop();
        start();
        net.delay_us[0] = order == 0 ? MS(10) : MS(500);
        call_these(ALICE, addrs, 2, &expected);
        run(SECONDS(20));
        expect_one_session(ALICE, BOB);
        cr_expect_eq(net.count[CAROL][EVENT_CONNECTED], 0);
    }
}

Test(attempt, another_key_counts_where_the_expected_one_has_no_answer)
{
    const struct endpoint_config bob = pair_config(1001, "bob");
    const struct duet_addr addrs[] = {at(CAROL, 0), at(BOB, 1)};
    const duet_time began = net.now;
    struct expected_keys expected = {.count = 1};

    net.is_dead[BOB][1] = true;
    noise_print(expected.prints[0], bob.identity.public);
    call_these(ALICE, addrs, 2, &expected);
    run(SECONDS(5));
    expect_one_session(ALICE, CAROL);
    cr_expect_leq(since_ms(net.first_syn[BOB][1], began), 21,
                  "an answer of another key brings the next address at once");
    cr_expect_geq(time_since(net.connected_at[ALICE], began), LIMIT_FOREIGN_ANSWER_US);
}

/* ── ends ────────────────────────────────────────────────────────────── */

Test(attempt, its_owner_ends_it_whatever_its_legs_do)
{
    static const uint64_t when_ms[] = {0, 1, 249, 251, 400, 1000};

    for (size_t i = 0; i < sizeof when_ms / sizeof when_ms[0]; i++) {
        stop();
        start();
        net.is_dead[BOB][0] = net.is_dead[BOB][1] = true;
        const conn_id id = call(ALICE, BOB);

        run(MS(when_ms[i]));
        endpoint_close(net.e[ALICE], id, CLOSE_OK, NULL, net.now);
        hear(ALICE);
        cr_expect_eq(net.count[ALICE][EVENT_FAILED], 1, "at once");
        cr_expect_eq(net.last[ALICE][EVENT_FAILED].conn, id);
        cr_expect_eq(net.last[ALICE][EVENT_FAILED].failed.err, DUET_ECANCELLED);
        const size_t syns = net.syns;

        run(SECONDS(40));
        cr_expect_eq(net.syns, syns, "nothing leaves any more");
        cr_expect_eq(net.count[ALICE][EVENT_FAILED], 1);
        cr_expect_eq(endpoint_conn_count(net.e[ALICE]), 0);
    }
}

Test(attempt, its_owner_ends_it_after_the_answer_of_one)
{
    net.is_dead[BOB][0] = true;
    const conn_id id = call(ALICE, BOB);

    run(MS(275)); /* the ACK is on its way: Bob will take it for a session */
    cr_assert_eq(net.count[ALICE][EVENT_CONNECTED], 0);
    endpoint_close(net.e[ALICE], id, CLOSE_OK, "changed my mind", net.now);
    run(SECONDS(5));
    cr_expect_eq(net.count[ALICE][EVENT_CONNECTED], 0);
    cr_expect_eq(net.count[ALICE][EVENT_FAILED], 1);
    cr_expect_eq(net.last[ALICE][EVENT_FAILED].conn, id);
    cr_expect_eq(net.count[BOB][EVENT_CLOSED], 1, "who was told of a session is told of its end");
    cr_expect_eq(endpoint_conn_count(net.e[ALICE]) + endpoint_conn_count(net.e[BOB]), 0);
}

Test(attempt, an_endpoint_may_go_in_the_middle_of_it)
{
    net.is_dead[BOB][0] = true;
    call(ALICE, BOB);
    call(ALICE, CAROL);
    run(MS(100)); /* nothing leaks */
}

Test(attempt, a_session_at_any_of_the_addresses_serves)
{
    const struct duet_addr addrs[PLACES] = {at(BOB, 0), at(BOB, 1)};
    static const struct expected_keys anybody;
    conn_id id;

    net.is_dead[BOB][0] = true;
    call(ALICE, BOB);
    run(SECONDS(1));
    cr_expect_eq(endpoint_call(net.e[ALICE], addrs, PLACES, &anybody, net.now, &id), DUET_EEXIST);
    cr_expect_eq(id, net.last[ALICE][EVENT_CONNECTED].conn);
}

/* ── both call each other ────────────────────────────────────────────── */

/* Bit n of `dead`: place n / 2 of side n % 2. */
static void open_both(uint64_t seed, uint64_t apart_us, unsigned dead, const uint64_t delay_us[PLACES], int sole)
{
    stop();
    start_as(seed, (const bool[HOSTS]){(sole & 1) == 0, (sole & 2) == 0, true});
    memcpy(net.delay_us, delay_us, sizeof net.delay_us);
    for (unsigned i = 0; i < 4; i++)
        net.is_dead[i % 2][i / 2] = dead >> i & 1;
    call(ALICE, BOB);
    run(apart_us);
    if (net.count[BOB][EVENT_CONNECTED] > 0)
        return; /* there is a session already */
    call(BOB, ALICE);
    run(LIMIT_HALF_OPEN_US + SECONDS(2));
    for (int i = 0; i < 2; i++)
        cr_assert(
            net.count[i][EVENT_CONNECTED] == 1 && net.count[i][EVENT_FAILED] == 0 && net.count[i][EVENT_CLOSED] == 0 &&
                endpoint_conn_count(net.e[i]) == 1,
            "seed %lu apart %lu dead %x sole %d delays %lu %lu: side %d has %d sessions, %d failures, %d ends, %zu "
            "connections",
            (unsigned long)seed, (unsigned long)apart_us, dead, sole, (unsigned long)delay_us[0],
            (unsigned long)delay_us[1], i, net.count[i][EVENT_CONNECTED], net.count[i][EVENT_FAILED],
            net.count[i][EVENT_CLOSED], endpoint_conn_count(net.e[i]));
}

/* Which of both gives way is the same at every address, however the SYNs of the one and the other fall. */
Test(attempt, both_calling_at_all_their_addresses_end_in_one_session)
{
    static const uint64_t delays[][PLACES] = {{10000, 10000}, {10000, 40000}, {150000, 10000}, {300000, 60000}};
    static const unsigned dead[] = {0, 1 | 2, 4 | 8}; /* none; all of IPv6; all of IPv4 */

    for (uint64_t seed = 1; seed <= 4; seed++)
        for (size_t d = 0; d < 4; d++)
            for (size_t k = 0; k < 3; k++)
                for (uint64_t apart = 0; apart < 700000; apart += 33000)
                    for (int sole = 0; sole < 4; sole += seed % 2 == 0 ? 1 : 4)
                        open_both(seed, apart, dead[k], delays[d], sole);
}
