/* What a session makes of packets: genuine ones again, forged ones, those its state is not for, and trains of them. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "inside.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)

static struct pair pair;

static void start(void)
{
    pair_open_usual(&pair);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_recv, .init = start, .fini = stop);

/* ── a collection of genuine packets ─────────────────────────────────── */

#define KEPT 64

static struct {
    int to;
    size_t len;
    uint8_t bytes[LIMIT_PACKET_MIN_BYTES];
} kept[KEPT];
static size_t kept_count;

static bool keep(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p;
    if (kept_count < KEPT && len <= sizeof kept[0].bytes) {
        kept[kept_count].to = to;
        kept[kept_count].len = len;
        memcpy(kept[kept_count++].bytes, bytes, len);
    }
    return true;
}

static void keep_a_session(void)
{
    kept_count = 0;
    pair.filter = keep;
    pair_connect(&pair);
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    endpoint_write(pair.e[1], pair.conn[1], STREAM_CONTROL, (const uint8_t *)"hi", 2, pair.now);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = NULL;
    cr_assert_geq(kept_count, 6);
}

Test(conn_recv, replayed_packets_of_every_kind_change_nothing)
{
    struct inside_state before[2];
    keep_a_session();
    for (int i = 0; i < 2; i++)
        inside_save(pair.e[i], &before[i]);
    for (size_t i = 0; i < kept_count; i++) {
        cr_assert_neq(pair_give(&pair, kept[i].to, kept[i].bytes, kept[i].len), 0, "%zu: type %x", i, kept[i].bytes[0]);
        if (kept[i].bytes[0] != PACKET_SYN) /* which anyone may send afresh */
            cr_assert_neq(pair_give(&pair, 1 - kept[i].to, kept[i].bytes, kept[i].len), 0, "%zu reflected", i);
        for (int s = 0; s < 2; s++)
            cr_assert(inside_same(pair.e[s], &before[s]), "%zu: type %x", i, kept[i].bytes[0]);
    }
}

Test(conn_recv, no_flipped_bit_of_a_data_packet_is_taken)
{
    keep_a_session();
    struct conn *c = inside_session(&pair, 0);
    uint8_t frames[40], dgram[LIMIT_PACKET_MIN_BYTES];
    struct writer w = writer_of(frames, sizeof frames);
    const struct frame f = {
        .type = FRAME_STREAM, .stream = STREAM_CHAT, .data = {5, (const uint8_t *)"more", 4, false}};
    struct inside_state before;
    frame_write(&w, &f);
    const size_t len = inside_seal(c, &w, dgram, pair.now);
    inside_save(pair.e[1], &before);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        dgram[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(pair_give(&pair, 1, dgram, len), 0, "bit %zu", bit);
        cr_assert(inside_same(pair.e[1], &before), "bit %zu", bit);
        dgram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < len; n++)
        cr_assert_neq(pair_give(&pair, 1, dgram, n), 0, "%zu bytes", n);
    cr_assert(inside_same(pair.e[1], &before));
    cr_assert_eq(pair_give(&pair, 1, dgram, len), 0, "whole it opens");
}

/* ── state × packet ──────────────────────────────────────────────────── */

/* The session's own packets, the ids in them put right, so that only the state can be the reason to ignore them. */
static size_t fit(const struct conn *c, enum packet_type type, uint8_t out[LIMIT_PACKET_MIN_BYTES])
{
    uint8_t noise[200] = {1}, token[LIMIT_TOKEN_BYTES] = {2};
    const uint64_t id = c->id;
    switch (type) {
    case PACKET_SYN:
        return (size_t)packet_write_syn(out, LIMIT_PACKET_MIN_BYTES, 0, c->initiator ? id : c->peer_cid, NULL, noise,
                                        100);
    case PACKET_RETRY:
        return (size_t)packet_write_retry(out, LIMIT_PACKET_MIN_BYTES, id, token);
    case PACKET_SYN_ACK:
        return (size_t)packet_write_syn_ack(out, LIMIT_PACKET_MIN_BYTES, id, 99, noise, 150);
    case PACKET_ACK:
        return (size_t)packet_write_ack(out, LIMIT_PACKET_MIN_BYTES, id, noise, 100);
    case PACKET_VERSION: {
        const size_t len = (size_t)packet_write_version(out, LIMIT_PACKET_MIN_BYTES, id);
        out[len - 5] = DUET_VERSION_WIRE + 1; /* peer speaks another one */
        inside_fix_crc(out, len);
        return len;
    }
    case PACKET_DATA:
        packet_write_data_header(out, 0, id, 77);
        memset(out + LIMIT_DATA_HEADER_BYTES, 3, 60);
        return LIMIT_DATA_HEADER_BYTES + 60;
    }
    return 0;
}

static const enum packet_type types[] = {PACKET_SYN, PACKET_RETRY,   PACKET_SYN_ACK,
                                         PACKET_ACK, PACKET_VERSION, PACKET_DATA};

/* All packets but those in `taken` (bits by index in types) leave the connection as it is. */
static void ignores(int side, struct conn *c, enum conn_state state, unsigned taken)
{
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    cr_assert_not_null(c);
    cr_assert_eq(c->state, state, "%s", conn_state_name(c->state));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct inside_state before;
        if (taken >> i & 1)
            continue;
        inside_save(pair.e[side], &before);
        const size_t len = fit(c, types[i], dgram);
        cr_assert_neq(pair_give(&pair, side, dgram, len), 0, "%s in %s", packet_type_name(types[i]),
                      conn_state_name(state));
        const uint64_t received = c->path.received_bytes;
        c->path.received_bytes = before.conns[0].path.received_bytes; /* what comes from an address counts for it */
        cr_assert(inside_same(pair.e[side], &before), "%s in %s", packet_type_name(types[i]), conn_state_name(state));
        c->path.received_bytes = received;
    }
}

Test(conn_recv, each_state_ignores_the_packets_that_are_not_for_it)
{
    conn_id id;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, 1000);
    ignores(0, inside_conn(pair.e[0], 0), CONN_SYN_SENT, 1u << 1 | 1u << 4); /* RETRY, VERSION */
    pair_run_for(&pair, 10000);
    ignores(1, inside_conn(pair.e[1], 0), CONN_SYN_RECEIVED, 0);
    pair_run_for(&pair, 10000);
    ignores(0, inside_conn(pair.e[0], 0), CONN_ACK_SENT, 0);
    pair_run_for(&pair, SECONDS(1));
    for (int i = 0; i < 2; i++)
        ignores(i, inside_session(&pair, i), CONN_ESTABLISHED, 0);
    endpoint_close(pair.e[0], pair.conn[0], 0, "", pair.now);
    pair_run_for(&pair, 5000);
    ignores(0, inside_session(&pair, 0), CONN_CLOSING, 0);
    pair_run_for(&pair, 6000);
    ignores(1, inside_session(&pair, 1), CONN_DRAINING, 0);
}

Test(conn_recv, one_retry_is_followed_at_once_and_a_second_only_renews_the_token)
{
    conn_id id;
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, 1000);
    struct conn *c = inside_conn(pair.e[0], id);
    const size_t len = fit(c, PACKET_RETRY, dgram);
    const uint64_t sent = pair.sent[0];
    cr_assert_eq(pair_give(&pair, 0, dgram, len), 0);
    pair_run_for(&pair, 1000);
    cr_assert_eq(pair.sent[0], sent + 1, "the SYN with its token leaves at once");
    dgram[10] ^= 1; /* the first byte of the token */
    const ssize_t again = packet_write_retry(dgram, sizeof dgram, id, dgram + 10);
    cr_assert_eq(pair_give(&pair, 0, dgram, (size_t)again), 0);
    cr_assert_eq(c->hs->token[0], dgram[10]);
    pair_run_for(&pair, 1000);
    cr_assert_eq(pair.sent[0], sent + 1, "a forger cannot make us send");
}

Test(conn_recv, a_version_packet_words_the_error_but_ends_nothing)
{
    conn_id id;
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    pair.filter = pair_lose_all;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, 1000);
    struct conn *c = inside_conn(pair.e[0], id);
    size_t len = (size_t)packet_write_version(dgram, sizeof dgram, id);
    cr_assert_neq(pair_give(&pair, 0, dgram, len), 0, "one that lists ours is nonsense");
    len = fit(c, PACKET_VERSION, dgram);
    cr_assert_eq(pair_give(&pair, 0, dgram, len), 0);
    pair_run_for(&pair, SECONDS(29));
    cr_assert_eq(pair.count[0][EVENT_FAILED], 0);
    pair_run_for(&pair, SECONDS(2));
    cr_assert_eq(pair.count[0][EVENT_FAILED], 1);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.err, DUET_EUNSUPPORTED);
}

/* ---- an answer of another key than is on file ---- */

static uint8_t seen_syn[LIMIT_SYN_BYTES];
static size_t seen_len;

/* Somebody on the way reads the SYN, and cannot stop it. */
static bool read_syn(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p;
    if (to == 1 && len <= sizeof seen_syn && bytes[0] == PACKET_SYN) {
        memcpy(seen_syn, bytes, len);
        seen_len = len;
    }
    return true;
}

static bool read_syn_and_lose_it(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    read_syn(p, to, bytes, len);
    return false;
}

static struct expected_keys key_of(const struct endpoint_config *cfg)
{
    struct expected_keys expected = {.count = 2};

    noise_print(expected.prints[1], cfg->identity.public); /* it need not be the first */
    return expected;
}

/* A call whose SYN was read, for the key of that side. */
static conn_id call_for(const struct endpoint_config *cfg, bool (*filter)(struct pair *, int, uint8_t *, size_t))
{
    const struct expected_keys expected = key_of(cfg);
    conn_id id;

    pair.filter = filter;
    cr_assert_eq(endpoint_call(pair.e[0], &pair.addr[1], 1, &expected, pair.now, &id), 0);
    pair_run_for(&pair, 1000);
    cr_assert_gt(seen_len, 0);
    return id;
}

/* Mallory's answer comes before Bob's; endpoint_recv's code. */
static int forge(enum params_refusal refusal, uint64_t cid_r)
{
    const struct endpoint_config mallory = pair_config(99, "mallory");
    struct duet_rand rng;
    struct handshake h;
    struct packet syn;
    uint8_t dgram[LIMIT_SYN_ACK_BYTES];

    rand_init_u64(&rng, cid_r);
    cr_assert_eq(packet_parse(&syn, seen_syn, seen_len), 0);
    cr_assert_eq(handshake_answer(&h, &mallory, &syn, cid_r, refusal, &rng), 0);
    const ssize_t len = handshake_syn_ack(&h, dgram, sizeof dgram);

    handshake_wipe(&h);
    cr_assert_gt(len, 0);
    return pair_give(&pair, 0, dgram, (size_t)len);
}

static void expect_bob_is_reached(void)
{
    const struct endpoint_config bob = pair.e[1]->shared.cfg;

    pair_run_for(&pair, LIMIT_FOREIGN_ANSWER_US * 2);
    cr_assert_eq(pair.count[0][EVENT_FAILED], 0);
    cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1);
    cr_assert_arr_eq(pair.last[0][EVENT_CONNECTED].connected.key, bob.identity.public, NOISE_KEY_BYTES);
    cr_assert_eq(pair.count[1][EVENT_CONNECTED], 1);
}

Test(conn_recv, a_refusal_of_another_key_does_not_end_a_call_whose_key_is_on_file)
{
    call_for(&pair.e[1]->shared.cfg, read_syn);
    cr_assert_eq(forge(REFUSAL_PARAMS, 77), 0);
    cr_assert_neq(forge(REFUSAL_PARAMS, 78), 0, "one is kept, not many");
    expect_bob_is_reached();
}

Test(conn_recv, an_answer_of_another_key_does_not_take_the_place_of_the_one_on_file)
{
    call_for(&pair.e[1]->shared.cfg, read_syn);
    cr_assert_eq(forge(REFUSAL_NONE, 77), 0);
    expect_bob_is_reached();
}

Test(conn_recv, where_the_key_on_file_keeps_silent_the_answer_of_another_is_acted_on)
{
    const struct endpoint_config mallory = pair_config(99, "mallory");

    call_for(&pair.e[1]->shared.cfg, read_syn_and_lose_it);
    cr_assert_eq(forge(REFUSAL_NONE, 77), 0);
    pair_run_for(&pair, LIMIT_FOREIGN_ANSWER_US - 1000);
    cr_assert_neq(forge(REFUSAL_NONE, 78), 0, "a second one does not prolong the wait");
    cr_assert_eq(inside_conn(pair.e[0], 0)->state, CONN_SYN_SENT);
    pair_run_for(&pair, 2000);
    const struct conn *c = inside_conn(pair.e[0], 0);

    cr_assert_eq(c->state, CONN_ACK_SENT);
    cr_assert_arr_eq(c->peer_key, mallory.identity.public, NOISE_KEY_BYTES);
    cr_assert_eq(c->peer_cid, 77);
}

Test(conn_recv, a_refusal_of_another_key_is_told_where_the_one_on_file_keeps_silent)
{
    call_for(&pair.e[1]->shared.cfg, read_syn_and_lose_it);
    cr_assert_eq(forge(REFUSAL_PARAMS, 77), 0);
    pair_run_for(&pair, LIMIT_FOREIGN_ANSWER_US - 1000);
    cr_assert_eq(pair.count[0][EVENT_FAILED], 0);
    pair_run_for(&pair, 2000);
    cr_assert_eq(pair.count[0][EVENT_FAILED], 1);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.err, DUET_EREFUSED);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.refusal, REFUSAL_PARAMS);
}

Test(conn_recv, the_time_for_connecting_ends_the_wait_for_the_key_on_file)
{
    const conn_id id = call_for(&pair.e[1]->shared.cfg, read_syn_and_lose_it);
    struct conn *c = inside_conn(pair.e[0], id);

    c->end_at = time_add(pair.now, LIMIT_FOREIGN_ANSWER_US / 3);
    cr_assert_eq(forge(REFUSAL_PARAMS, 77), 0);
    pair_run_for(&pair, LIMIT_FOREIGN_ANSWER_US / 3 + 1000);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.err, DUET_EREFUSED, "what is known is told, not just silence");
}

Test(conn_recv, the_key_on_file_may_refuse_at_once)
{
    const struct endpoint_config mallory = pair_config(99, "mallory");

    call_for(&mallory, read_syn);
    cr_assert_eq(forge(REFUSAL_PARAMS, 77), 0);
    pair_run_for(&pair, 1);
    cr_assert_eq(pair.count[0][EVENT_FAILED], 1);
}

Test(conn_recv, a_retry_or_version_from_another_address_is_dropped)
{
    const struct duet_addr other = {.family = ADDR_V4, .ip = {10, 9, 9, 9}, .port = 6254};
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    conn_id id;
    pair.filter = pair_lose_all;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, 1000);
    const struct conn *c = inside_conn(pair.e[0], id);
    static const enum packet_type kinds[] = {PACKET_RETRY, PACKET_VERSION};
    for (size_t i = 0; i < 2; i++) {
        const size_t len = fit(inside_conn(pair.e[0], id), kinds[i], dgram);
        cr_expect_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = other}, dgram, len, len, pair.now),
                     DUET_ENOTFOUND);
    }
    cr_expect_not(c->hs->has_token);
    cr_expect_not(c->other_version);
}

Test(conn_recv, a_syn_ack_or_ack_from_another_address_is_dropped)
{
    const struct duet_addr other = {.family = ADDR_V4, .ip = {10, 9, 9, 9}, .port = 6254};
    conn_id id;
    pair.filter = keep;
    kept_count = 0;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, 15000);
    cr_assert(kept_count == 2 && kept[1].to == 0);
    cr_assert_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = other}, kept[1].bytes, kept[1].len,
                               kept[1].len, pair.now),
                 DUET_ENOTFOUND);
    pair_run_for(&pair, 8000);
    cr_assert(kept_count == 3 && kept[2].to == 1);
    cr_assert_eq(endpoint_recv(pair.e[1], &(struct envelope){.route.peer = other}, kept[2].bytes, kept[2].len,
                               kept[2].len, pair.now),
                 DUET_ENOTFOUND);
}

Test(conn_recv, a_refused_attempt_fails_with_the_reason)
{
    stop();
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    conn_id id;
    a.params.suites = SUITE_AES128GCM;
    b.params.suites = SUITE_CHACHA20POLY1305;
    pair_open(&pair, &a, &b);
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, SECONDS(1));
    cr_assert_eq(pair.count[0][EVENT_FAILED], 1);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.err, DUET_EREFUSED);
    cr_assert_eq(pair.last[0][EVENT_FAILED].failed.refusal, REFUSAL_PARAMS);
    cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0);
}

/* Bob's answer to the SYN that was read, when that comes from somebody else as well. */
static size_t answer_to_a_copy(uint8_t answer[LIMIT_PACKET_MIN_BYTES])
{
    static uint8_t buf[65536];
    const struct duet_addr elsewhere = {.family = ADDR_V4, .ip = {203, 0, 113, 5}, .port = 5};
    struct envelope outside = {.route.peer = elsewhere};
    size_t segment;

    memcpy(buf, seen_syn, seen_len);
    cr_assert_eq(endpoint_recv(pair.e[1], &outside, buf, seen_len, seen_len, pair.now), 0);
    const ssize_t len = endpoint_send(pair.e[1], &outside, buf, sizeof buf, &segment, pair.now);

    cr_assert(len > 0 && addr_equal(&outside.route.peer, &elsewhere));
    memcpy(answer, buf, (size_t)len);
    return (size_t)len;
}

/* Who saw the SYN got an answer for himself, and passes it on as if it came from the peer. */
Test(conn_recv, an_answer_to_a_copy_of_the_syn_does_not_take_the_place_of_ours)
{
    uint8_t answer[LIMIT_PACKET_MIN_BYTES];

    call_for(&pair.e[1]->shared.cfg, read_syn);
    pair_run_for(&pair, 10000);
    const size_t len = answer_to_a_copy(answer);

    pair_run_for(&pair, 10000);
    const struct conn *c = inside_conn(pair.e[0], 0);
    const uint64_t ours = c->peer_cid;

    cr_assert_eq(c->state, CONN_ACK_SENT);
    cr_expect_eq(pair_give(&pair, 0, answer, len), DUET_ENOTFOUND);
    cr_expect_eq(c->peer_cid, ours);
    expect_bob_is_reached();
}

/* He was faster even with that: it costs the time of a few ACKs. */
Test(conn_recv, an_answer_to_a_copy_of_the_syn_that_is_first_does_not_end_the_call)
{
    uint8_t answer[LIMIT_PACKET_MIN_BYTES];

    call_for(&pair.e[1]->shared.cfg, read_syn);
    const size_t len = answer_to_a_copy(answer);

    cr_assert_eq(pair_give(&pair, 0, answer, len), 0);
    cr_assert_eq(inside_conn(pair.e[0], 0)->state, CONN_ACK_SENT);
    expect_bob_is_reached();
}

static uint8_t kept_ack[LIMIT_PACKET_MIN_BYTES];
static size_t kept_ack_len;

/* Keeps the ACK and lets nothing back to the initiator. */
static bool keep_ack(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p;
    if (to == 1 && bytes[0] == PACKET_ACK && len <= sizeof kept_ack) {
        memcpy(kept_ack, bytes, len);
        kept_ack_len = len;
    }
    return to == 1 || bytes[0] != PACKET_DATA;
}

Test(conn_recv, the_same_ack_brings_handshake_done_again_and_an_invented_one_nothing)
{
    conn_id id;
    struct packet p;
    uint8_t forged[LIMIT_PACKET_MIN_BYTES], noise[LIMIT_PACKET_MIN_BYTES];
    kept_ack_len = 0;
    pair.filter = keep_ack;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, 40000);
    cr_assert_gt(kept_ack_len, 0);
    struct conn *c = inside_session(&pair, 1);
    c->done_wanted = false;

    cr_assert_eq(packet_parse(&p, kept_ack, kept_ack_len), 0);
    memcpy(noise, p.noise, p.noise_len);
    noise[p.noise_len - 1] ^= 1;
    const ssize_t len = packet_write_ack(forged, sizeof forged, p.cid_r, noise, p.noise_len);
    cr_assert_gt(len, 0);
    cr_assert_neq(pair_give(&pair, 1, forged, (size_t)len), 0);
    cr_assert(!c->done_wanted);

    cr_assert_eq(pair_give(&pair, 1, kept_ack, kept_ack_len), 0);
    cr_assert(c->done_wanted);
}

/* ── trains ──────────────────────────────────────────────────────────── */

#define CAR 64 /* bytes of each datagram in the trains below */

/* A packet of c with this frame and padding, CAR bytes long. */
static void add_car(uint8_t *train, size_t index, struct conn *c, const struct frame *f)
{
    uint8_t frames[CAR], dgram[LIMIT_PACKET_MIN_BYTES];
    struct writer w = writer_of(frames, CAR - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES);
    frame_write(&w, f);
    writer_fill(&w, FRAME_PADDING, writer_left(&w));
    cr_assert_eq(inside_seal(c, &w, dgram, pair.now), CAR);
    memcpy(train + index * CAR, dgram, CAR);
}

Test(conn_recv, a_bad_datagram_does_not_stop_the_train_it_comes_in)
{
    static const struct frame ping = {.type = FRAME_PING};
    uint8_t train[4 * CAR];
    pair_connect(&pair);
    struct conn *from = inside_session(&pair, 0), *to = inside_session(&pair, 1);
    const uint64_t before = to->received_packets;
    for (size_t i = 0; i < 4; i++)
        add_car(train, i, from, &ping);
    train[CAR + CAR / 2] ^= 1;       /* the second is forged */
    memset(train + 2 * CAR, 0, CAR); /* the third is nobody's */
    cr_assert_eq(
        endpoint_recv(pair.e[1], &(struct envelope){.route.peer = pair.addr[0]}, train, sizeof train, CAR, pair.now),
        DUET_EAUTH);
    cr_assert_eq(to->received_packets, before + 2);
    cr_assert_eq(endpoint_counters(pair.e[1]).unauthentic, 1);
    cr_assert_eq(endpoint_counters(pair.e[1]).malformed + endpoint_counters(pair.e[1]).unknown, 1);
}

Test(conn_recv, what_comes_behind_a_broken_rule_in_the_same_train_is_not_taken)
{
    static const struct frame ping = {.type = FRAME_PING};
    /* Forbidden to the one who connected. */
    static const struct frame done = {.type = FRAME_HANDSHAKE_DONE};
    uint8_t train[4 * CAR];
    pair_connect(&pair);
    struct conn *from = inside_session(&pair, 0);
    for (size_t i = 0; i < 4; i++)
        add_car(train, i, from, i == 1 ? &done : &ping);
    endpoint_recv(pair.e[1], &(struct envelope){.route.peer = pair.addr[0]}, train, sizeof train, CAR, pair.now);
    pair_run_for(&pair, SECONDS(5));
    cr_assert_eq(pair.count[1][EVENT_CLOSED], 1);
    cr_assert_eq(pair.last[1][EVENT_CLOSED].closed.code, CLOSE_PROTOCOL);
    cr_assert_eq(endpoint_conn_count(pair.e[1]), 0);
}

Test(conn_recv, a_train_may_hold_packets_of_two_connections)
{
    static const struct frame ping = {.type = FRAME_PING};
    static const struct frame bye = {.type = FRAME_CLOSE};
    uint8_t train[6 * CAR];
    conn_id id;
    pair_connect(&pair);
    struct conn *first = inside_session(&pair, 0);
    const conn_id first_there = pair.conn[1];
    inside_session(&pair, 0)->liveness.unreachable =
        true; /* or a second session with the same address would be refused */
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, SECONDS(1));
    struct conn *second = inside_session(&pair, 0);
    cr_assert_neq(first, second);
    struct conn *second_there = inside_session(&pair, 1);
    const uint64_t before = second_there->received_packets;
    for (size_t i = 0; i < 6; i++)
        add_car(train, i, i % 2 == 0 ? first : second, i == 2 ? &bye : &ping);
    cr_assert_eq(
        endpoint_recv(pair.e[1], &(struct envelope){.route.peer = pair.addr[0]}, train, sizeof train, CAR, pair.now),
        0);
    cr_assert_eq(second_there->received_packets, before + 3);
    pair_run_for(&pair, SECONDS(5));
    cr_assert_null(inside_conn(pair.e[1], first_there), "the first has left");
    cr_assert_not_null(inside_conn(pair.e[1], second_there->id));
}
