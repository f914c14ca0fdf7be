/* What happens because time passed, and what a lost packet of each kind costs. */
#include "unit.h"
#include <malloc.h>
#include <string.h>

#include "base/err.h"
#include "inside.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)
#define HOUR SECONDS(3600)

static struct pair pair;

static void start(void)
{
    pair_open_usual(&pair);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_timers, .init = start, .fini = stop);

/* Loses the next `lose_count` datagrams of lose_type to lose_to. */
static int lose_to, lose_count;
static uint8_t lose_type;

static bool lose_some(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)len;
    if (to != lose_to || (bytes[0] & ~PACKET_EPOCH_MASK) != (lose_type & ~PACKET_EPOCH_MASK) || lose_count == 0 ||
        (lose_type != PACKET_DATA && bytes[0] != lose_type))
        return true;
    lose_count--;
    return false;
}

Test(conn_timers, a_lost_packet_of_the_handshake_delays_it_only)
{
    static const struct {
        int to;
        uint8_t type;
    } rows[] = {{1, PACKET_SYN}, {0, PACKET_SYN_ACK}, {1, PACKET_ACK}, {0, PACKET_DATA}, {1, PACKET_DATA}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int n = 1; n <= 3; n++) {
            stop();
            start();
            conn_id id;
            lose_to = rows[i].to;
            lose_type = rows[i].type;
            lose_count = n;
            pair.filter = lose_some;
            cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
            pair_run_for(&pair, SECONDS(5));
            cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1, "%s, %d lost", packet_type_name(rows[i].type), n);
            cr_assert_eq(pair.count[1][EVENT_CONNECTED], 1, "%s, %d lost", packet_type_name(rows[i].type), n);
            cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 2);
            cr_assert_not(inside_session(&pair, 1)->done_wanted);
        }
    }
}

Test(conn_timers, a_lost_first_credit_is_told_again_before_it_could_be_missed)
{
    static uint8_t file[1000];
    uint64_t id;
    pair.delay_us = 100000;
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &id), 0);
    cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], id, 0, file, sizeof file, 1, pair.now), 0);
    lose_to = 0;
    lose_type = PACKET_DATA;
    lose_count = 1;
    pair.filter = lose_some;
    const uint64_t pto_us = rtt_pto_us(&inside_session(&pair, 1)->loss.rtt);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], id, 1 << 20, pair.now), 0);
    pair_run_for(&pair, 2 * pair.delay_us + pto_us / 4 + 10000);
    cr_assert_eq(lose_count, 0);
    cr_assert_eq(pair.count[1][EVENT_EXTENT], 1, "after %lu us", 2 * pair.delay_us + pto_us / 4);
    pair_run_for(&pair, SECONDS(5));
    cr_assert_eq(inside_session(&pair, 1)->early.count, 0);
}

Test(conn_timers, a_lost_ack_or_its_answer_costs_a_round_trip_or_a_tenth_of_a_second)
{
    static const struct {
        int to;
        uint8_t type;
        uint64_t rtt_us, bound_us; /* from the start to connected: two round trips, and what the loss costs */
    } rows[] = {
        {1, PACKET_ACK, 20000, 40000 + CONN_ACK_FIRST_US}, {0, PACKET_DATA, 20000, 40000 + CONN_ACK_FIRST_US},
        {1, PACKET_ACK, 80000, 160000 + 100000},           {0, PACKET_DATA, 80000, 160000 + 100000},
        {1, PACKET_ACK, 400000, 800000 + 100000},          {0, PACKET_DATA, 400000, 800000 + 100000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stop();
        start();
        conn_id id;
        pair.delay_us = rows[i].rtt_us / 2;
        lose_to = rows[i].to;
        lose_type = rows[i].type;
        lose_count = 1;
        pair.filter = lose_some;
        cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
        /* A SYN that had to be repeated (the last rows) tells no round trip, only that it is not above what is
         * guessed. */
        pair_run_for(&pair, rows[i].bound_us + 1000);
        cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1, "row %zu", i);
        cr_assert_eq(pair.count[1][EVENT_CONNECTED], 1, "row %zu", i);
    }
}

Test(conn_timers, an_ack_is_not_repeated_before_it_can_be_answered)
{
    conn_id id;
    pair.delay_us = HANDSHAKE_FIRST_US / 2 - 1000; /* just below the repeat of the SYN */
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run_for(&pair, SECONDS(3));
    cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1);
    cr_assert_eq(pair.sent[0], 3, "SYN, ACK, the ACK of HANDSHAKE_DONE: %lu", pair.sent[0]);
    cr_assert_eq(pair.sent[1], 2, "SYN-ACK, HANDSHAKE_DONE: %lu", pair.sent[1]);
}

Test(conn_timers, the_answer_tells_the_responder_the_round_trip_too)
{
    conn_id id;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair.filter = NULL;
    pair_run_for(&pair, 30001); /* SYN, SYN-ACK, ACK */
    cr_assert_eq(inside_session(&pair, 1)->loss.rtt.srtt_us, 20000);
}

#define FILE_BYTES 4000000

/* A file from side 0, of which the first `supplied` bytes are there. */
static void start_file(size_t size, size_t supplied)
{
    static uint8_t file[FILE_BYTES];
    uint64_t stream;
    pair_connect(&pair);
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &stream), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], stream, size, pair.now), 0);
    cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], stream, 0, file, supplied, 1, pair.now), 0);
    cr_assert_eq(endpoint_finish(pair.e[0], pair.conn[0], stream, size, pair.now), 0);
}

static bool lose_to_receiver(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)bytes, (void)len;
    return to != 1;
}

Test(conn_timers, a_receiver_that_hears_no_more_of_a_file_speaks_up)
{
    start_file(1000000, 1000000);
    pair_run_for(&pair, 45000);
    const struct conn *c = inside_session(&pair, 1);
    cr_assert_not(time_is_never(c->liveness.file_at));
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 0);
    pair.filter = lose_to_receiver; /* as if its NAT had moved it */
    pair_run_for(&pair, 15000);
    const duet_time last_at = c->liveness.file_at;
    for (uint64_t wait_us = LIVENESS_FILE_MIN_US; wait_us <= 8 * LIVENESS_FILE_MIN_US; wait_us *= 2) {
        pair_run(&pair, time_add(last_at, wait_us));
        cr_assert_eq(c->liveness.file_at.us, last_at.us);
        cr_assert_eq(c->liveness.file_asked_at.us, last_at.us + wait_us, "%lu after %lu", c->liveness.file_asked_at.us,
                     last_at.us);
        cr_assert_leq(c->liveness.spoke_at.us, last_at.us + wait_us);
    }
}

/* What the receiver asks after, in microseconds since the last bytes, when nothing reaches it from now on. */
static uint64_t first_ask_us(void)
{
    const struct conn *c = inside_session(&pair, 1);
    pair.filter = lose_to_receiver;
    pair_run_for(&pair, pair.delay_us + 1000); /* but for what is under way */
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 0);
    cr_assert_gt(rtt_pto_us(&c->loss.rtt), 2 * LIVENESS_FILE_MIN_US);
    const duet_time asked_before = c->liveness.file_asked_at;
    while (c->liveness.file_asked_at.us == asked_before.us)
        pair_run_for(&pair, 1000);
    return time_since(c->liveness.file_asked_at, c->liveness.file_at);
}

Test(conn_timers, where_a_file_flows_the_receiver_asks_before_a_round_trip_has_passed)
{
    pair.delay_us = 100000;
    start_file(FILE_BYTES, FILE_BYTES);
    pair_run_for(&pair, 700000);
    cr_assert_eq(first_ask_us(), LIVENESS_FILE_MIN_US);
}

Test(conn_timers, where_its_bytes_are_rare_the_receiver_asks_after_a_probe_timeout)
{
    uint64_t stream;
    pair.delay_us = 100000;
    pair_connect(&pair);
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &stream), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], stream, 1 << 20, pair.now), 0);
    for (uint64_t i = 0; i < 60; i++) {
        static const uint8_t bytes[1000];
        cr_assert_eq(
            endpoint_supply(pair.e[0], pair.conn[0], stream, i * sizeof bytes, bytes, sizeof bytes, 1, pair.now), 0);
        pair_run_for(&pair, 80000);
    }
    const uint64_t pto_us = rtt_pto_us(&inside_session(&pair, 1)->loss.rtt);
    cr_assert_eq(first_ask_us(), pto_us);
}

Test(conn_timers, a_receiver_that_slept_asks_once)
{
    start_file(1000000, 1000000);
    pair_run_for(&pair, 45000);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, 15000); /* what was under way is there */
    pair.now = time_add(pair.now, HOUR);
    pair_run_for(&pair, SECONDS(1));
    const struct conn *c = inside_session(&pair, 1);
    cr_assert(time_before(pair.now, endpoint_deadline(pair.e[1])), "a deadline in the past would wake it for ever");
    cr_assert_leq(time_since(pair.now, c->liveness.heard_at), 2 * SECONDS(1));
    pair_run_for(&pair, SECONDS(20));
    cr_assert_eq(pair.count[1][EVENT_UNREACHABLE], 1, "waking up again and again is no news of the peer");
}

Test(conn_timers, a_sender_that_pauses_is_asked_a_few_times_only)
{
    start_file(1000000, 100000);
    pair_run_for(&pair, SECONDS(1));
    const uint64_t before = pair.sent[1];
    pair_run_for(&pair, SECONDS(9));
    cr_assert_leq(pair.sent[1] - before, 8, "%lu", pair.sent[1] - before);
    const uint64_t later = pair.sent[1];
    pair_run_for(&pair, SECONDS(50));
    cr_assert_leq(pair.sent[1] - later, 12, "heartbeats only: %lu", pair.sent[1] - later);
}

Test(conn_timers, a_file_that_is_there_is_not_asked_after)
{
    start_file(1000000, 1000000);
    pair_run_for(&pair, SECONDS(10));
    const struct conn *c = inside_session(&pair, 1);
    cr_assert_eq(pair.count[1][EVENT_FINISHED], 1);
    cr_assert(time_is_never(c->liveness.file_at));
    cr_assert(time_before(c->liveness.file_asked_at, DUET_TIME(SECONDS(2))), "only the start of the session");
}

/* Nobody is unreachable who was not asked. */
Test(conn_timers, a_long_heartbeat_makes_no_healthy_peer_unreachable)
{
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    a.params.heartbeat_us = b.params.heartbeat_us = HEARTBEAT_MAX_US;
    stop();
    pair_open(&pair, &a, &b);
    pair.delay_us = 10000;
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(300));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
}

/* The same SYN, answered twice, then the first answer again: whatever keys come about, no number is used twice. */
Test(conn_timers, no_packet_number_is_used_twice_however_often_the_answer_changes)
{
    static uint8_t syn[LIMIT_SYN_BYTES], answer[2][LIMIT_PACKET_MIN_BYTES], out[65536];
    size_t answer_len[2], segment;
    struct envelope to;
    conn_id id;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    cr_assert_eq(endpoint_send(pair.e[0], &to, syn, sizeof syn, &segment, pair.now), LIMIT_SYN_BYTES);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pair_give(&pair, 1, syn, sizeof syn), 0);
        answer_len[i] = (size_t)endpoint_send(pair.e[1], &to, answer[i], sizeof answer[i], &segment, pair.now);
        pair.now = time_add(pair.now, 2 * LIMIT_HALF_OPEN_US);
        endpoint_tick(pair.e[1], pair.now);
        cr_assert_eq(endpoint_conn_count(pair.e[1]), 0);
    }
    pair.filter = pair_lose_all;
    uint64_t next = 0;
    for (int i = 0; i < 3; i++) {
        struct conn *c = inside_conn(pair.e[0], id);
        c->repeats = CONN_ACK_TRIES + 1; /* the SYN left again: another answer may come */
        cr_assert_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = pair.addr[1]}, answer[i % 2],
                                   answer_len[i % 2], answer_len[i % 2], pair.now),
                     0);
        cr_assert_eq(c->state, CONN_ACK_SENT);
        cr_assert_geq(c->next_number, next);
        c->liveness.ping_wanted = true;
        endpoint_update(pair.e[0], c, pair.now);
        while (endpoint_send(pair.e[0], &to, out, sizeof out, &segment, pair.now) > 0)
            continue;
        cr_assert_gt(c->next_number, next, "the PING left");
        next = c->next_number;
    }
}

Test(conn_timers, a_lost_close_is_repeated_until_answered)
{
    for (int n = 1; n <= 3; n++) {
        for (int to = 0; to < 2; to++) {
            stop();
            start();
            pair_connect(&pair);
            pair_run_for(&pair, SECONDS(1));
            lose_to = to;
            lose_type = PACKET_DATA;
            lose_count = n;
            pair.filter = lose_some;
            endpoint_close(pair.e[0], pair.conn[0], 0x105, "bye", pair.now);
            pair_run_for(&pair, SECONDS(5));
            cr_assert_eq(pair.count[1][EVENT_CLOSED], 1);
            cr_assert(pair.last[1][EVENT_CLOSED].closed.end == END_LEFT &&
                      pair.last[1][EVENT_CLOSED].closed.code == 0x105);
            cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
            cr_assert_eq(pair.last[0][EVENT_CLOSED].closed.end, END_LOCAL);
            cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0);
        }
    }
}

Test(conn_timers, closing_ends_even_if_nobody_answers)
{
    pair_connect(&pair);
    pair.filter = pair_lose_all;
    const uint64_t sent = pair.sent[0];
    endpoint_close(pair.e[0], pair.conn[0], 0, "", pair.now);
    pair_run_for(&pair, SECONDS(5));
    cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
    cr_assert_leq(pair.sent[0] - sent, CONN_CLOSE_TRIES);
    cr_assert_eq(endpoint_conn_count(pair.e[0]), 0);
}

/* Nobody has to wait where nothing gets lost: the answer's ACK comes with the last packet. */
Test(conn_timers, a_goodbye_that_gets_through_is_over_in_a_round_trip_and_a_half)
{
    pair.delay_us = 20000;
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    endpoint_close(pair.e[0], pair.conn[0], 0, "", pair.now);
    cr_assert(endpoint_is_parting(pair.e[0]) && !endpoint_is_parting(pair.e[1]));
    pair_run_for(&pair, 30000);
    cr_assert(endpoint_is_parting(pair.e[0]) && endpoint_is_parting(pair.e[1]));
    pair_run_for(&pair, 31000);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(endpoint_conn_count(pair.e[i]), 0, "side %d", i);
    cr_assert_eq(endpoint_counters(pair.e[0]).closes_unanswered, 0);
}

/* Its answers get lost, and so it is still there for the last of the repeats. */
Test(conn_timers, who_was_told_goodbye_answers_every_repeat)
{
    for (int lost = 0; lost < CONN_CLOSE_TRIES; lost++) {
        stop();
        start();
        pair_connect(&pair);
        pair_run_for(&pair, SECONDS(1));
        lose_to = 0;
        lose_type = PACKET_DATA;
        lose_count = lost;
        pair.filter = lose_some;
        endpoint_close(pair.e[0], pair.conn[0], 0, "", pair.now);
        pair_run_for(&pair, SECONDS(5));
        cr_assert_eq(endpoint_counters(pair.e[0]).closes_unanswered, 0, "%d lost", lost);
        cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0);
    }
}

Test(conn_timers, both_closing_at_once_end_once_each)
{
    pair_connect(&pair);
    for (int i = 0; i < 2; i++)
        endpoint_close(pair.e[i], pair.conn[i], 0, "", pair.now);
    pair_run_for(&pair, SECONDS(5));
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pair.count[i][EVENT_CLOSED], 1);
        cr_assert_eq(endpoint_conn_count(pair.e[i]), 0);
    }
}

Test(conn_timers, cancelling_an_attempt_fails_it_as_cancelled)
{
    conn_id id;
    for (uint64_t after = 0; after <= 20000; after += 20000) {
        stop();
        start();
        cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
        pair_run_for(&pair, after);
        pair.filter = pair_lose_all;
        endpoint_close(pair.e[0], id, 0, "", pair.now);
        pair_run_for(&pair, SECONDS(10));
        cr_assert_eq(pair.count[0][EVENT_FAILED], 1, "after %lu", (unsigned long)after);
        cr_assert_eq(pair.last[0][EVENT_FAILED].failed.err, DUET_ECANCELLED, "after %lu: %s", (unsigned long)after,
                     err_name(pair.last[0][EVENT_FAILED].failed.err));
        cr_assert_eq(endpoint_conn_count(pair.e[0]), 0);
        pair.filter = NULL;
    }
}

Test(conn_timers, a_suspended_side_asks_before_it_judges)
{
    static const uint64_t naps[] = {SECONDS(20), HOUR, 30 * 24 * HOUR};
    for (size_t i = 0; i < 3; i++) {
        stop();
        start();
        pair_connect(&pair);
        pair_run_for(&pair, SECONDS(1));
        /* Both sleep, as two laptops: no time passes for either but on the clock. */
        pair.now = time_add(pair.now, naps[i]);
        pair_run_for(&pair, SECONDS(3));
        for (int s = 0; s < 2; s++) {
            cr_assert_eq(pair.count[s][EVENT_CLOSED] + pair.count[s][EVENT_UNREACHABLE], 0, "nap %zu side %d", i, s);
            cr_assert_eq(endpoint_conn_count(pair.e[s]), 1);
        }
        pair_run_for(&pair, SECONDS(60));
        cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
    }
}

Test(conn_timers, a_sleeper_with_data_in_the_air_goes_on_soon_after)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    pair_run_for(&pair, 12000); /* the ACK is on its way */
    pair.now = time_add(pair.now, HOUR);
    pair_run_for(&pair, SECONDS(1));
    const duet_time then = pair.now;
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    pair.filter = lose_some;
    lose_to = 1;
    lose_type = PACKET_DATA;
    lose_count = 1;
    while (!endpoint_flushed(pair.e[0], pair.conn[0]))
        pair_run_for(&pair, 10000);
    /* The late ACK taught an RTT of RTT_SAMPLE_MAX_US at most, and one probe timeout of that has to pass. */
    cr_assert_leq(time_since(pair.now, then), SECONDS(8));
    cr_assert_eq(pair.count[0][EVENT_CLOSED] + pair.count[1][EVENT_CLOSED], 0);
}

Test(conn_timers, a_peer_that_is_gone_when_we_wake_is_unreachable_then_lost)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.now = time_add(pair.now, HOUR);
    pair.filter = pair_lose_all;
    pair_run_for(&pair, SECONDS(10));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE], 0);
    pair_run_for(&pair, SECONDS(6));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE], 1);
    cr_assert_eq(pair.count[0][EVENT_CLOSED], 0);
    pair_run_for(&pair, SECONDS(600));
    cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
    cr_assert_eq(pair.last[0][EVENT_CLOSED].closed.end, END_LOST);
}

Test(conn_timers, five_seconds_of_silence_are_invisible_and_data_goes_on)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = pair_lose_all;
    endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
    pair_run_for(&pair, SECONDS(5));
    pair.filter = NULL;
    pair_run_for(&pair, SECONDS(2));
    cr_assert(endpoint_flushed(pair.e[0], pair.conn[0]));
    cr_assert_eq(pair.count[0][EVENT_UNREACHABLE] + pair.count[1][EVENT_UNREACHABLE], 0);
}

Test(conn_timers, a_session_goes_on_through_many_rekeys)
{
    pair_connect(&pair);
    uint8_t buf[16];
    for (int i = 0; i < 20; i++) {
        pair_run_for(&pair, SECONDS(60));
        for (int s = 0; s < 2; s++) {
            cr_assert_eq(endpoint_write(pair.e[s], pair.conn[s], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now),
                         5);
            pair_run_for(&pair, SECONDS(1));
            cr_assert_eq(endpoint_read(pair.e[1 - s], pair.conn[1 - s], STREAM_CHAT, buf, sizeof buf, pair.now), 5);
        }
    }
    for (int s = 0; s < 2; s++) {
        cr_assert_geq(keys_sent_epochs(inside_session(&pair, s)->keys), 8);
        cr_assert_eq(pair.count[s][EVENT_CLOSED] + pair.count[s][EVENT_UNREACHABLE], 0);
    }
    cr_assert_eq(endpoint_counters(pair.e[0]).unauthentic + endpoint_counters(pair.e[1]).unauthentic, 0);
}

Test(conn_timers, rekeys_survive_loss)
{
    pair_connect(&pair);
    for (int i = 0; i < 20; i++) {
        lose_to = i % 2;
        lose_type = PACKET_DATA;
        lose_count = 5;
        pair.filter = lose_some;
        endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now);
        pair_run_for(&pair, SECONDS(121));
        cr_assert(endpoint_flushed(pair.e[0], pair.conn[0]));
    }
    cr_assert_geq(keys_sent_epochs(inside_session(&pair, 0)->keys), 15);
}

/* Any call order, then: what is due is due in the future, or there is something to send. */
Test(conn_timers, no_deadline_is_left_in_the_past)
{
    uint64_t seed = 1;
    pair_connect(&pair);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        pair.filter = seed >> 60 < 4 ? pair_lose_all : NULL;
        if (seed >> 40 & 1)
            endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"x", 1, pair.now);
        pair_run_for(&pair, seed >> 45 & 0xffff);
        for (int s = 0; s < 2; s++)
            cr_assert(time_before(pair.now, endpoint_deadline(pair.e[s])), "step %d", i);
        uint8_t buf[64];
        while (endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, buf, sizeof buf, pair.now) > 0)
            continue;
    }
    cr_assert_eq(pair.count[0][EVENT_CLOSED] + pair.count[1][EVENT_CLOSED], 0);
}

Test(conn_timers, an_idle_connection_costs_little_memory)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(3600));
    for (int s = 0; s < 2; s++) {
        const struct conn *c = inside_session(&pair, s);
        size_t pages = c->loss.sent.spare != NULL;
        for (size_t i = 0; i < c->loss.sent.cap / SENTMAP_PAGE; i++)
            pages += c->loss.sent.pages[i] != NULL;
        const size_t bytes = sizeof *c + pages * SENTMAP_PAGE * sizeof(struct sent_packet) + c->replay.word_count * 8 +
                             c->acktr.received.cap * sizeof(struct range) + c->streams.ordered.fixed[0].in.bytes.cap +
                             c->streams.ordered.fixed[1].in.bytes.cap + c->streams.ordered.fixed[0].out.bytes.cap +
                             c->streams.ordered.fixed[1].out.bytes.cap;
        cr_assert_null(c->hs);
        cr_assert_leq(c->loss.sent.cap, 128, "%zu numbers", c->loss.sent.cap);
        cr_assert_leq(pages, 3);
        cr_assert_leq(bytes, 12000, "%zu bytes", bytes);
    }
}

/* ---- is it still there? ---- */

static bool lose_most(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)to, (void)bytes, (void)len;
    return p->sent[0] % 4 == 0;
}

Test(conn_timers, a_peer_that_is_asked_is_there_after_a_round_trip)
{
    pair_connect(&pair);
    cr_assert_eq(endpoint_ask(pair.e[0], pair.conn[0], pair.now), 0);
    pair_run_for(&pair, 3 * pair.delay_us);
    cr_assert_eq(pair.count[0][EVENT_PRESENCE], 1);
    cr_expect(pair.last[0][EVENT_PRESENCE].is_there);
    pair_run_for(&pair, SECONDS(5));
    cr_expect_eq(pair.count[0][EVENT_PRESENCE], 1, "once");
}

Test(conn_timers, a_peer_that_is_asked_and_gone_is_known_to_be_within_a_moment)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = pair_lose_all;
    cr_assert_eq(endpoint_ask(pair.e[0], pair.conn[0], pair.now), 0);
    pair_run_for(&pair, LIVENESS_ANSWER_MIN_US - 1000);
    cr_assert_eq(pair.count[0][EVENT_PRESENCE], 0);
    pair_run_for(&pair, 2000);
    cr_assert_eq(pair.count[0][EVENT_PRESENCE], 1);
    cr_expect_not(pair.last[0][EVENT_PRESENCE].is_there);
    cr_expect_eq(pair.count[0][EVENT_UNREACHABLE], 0, "nobody else needs to know");
}

Test(conn_timers, it_is_asked_several_times_before_it_is_taken_for_gone)
{
    pair_connect(&pair);
    pair_run_for(&pair, SECONDS(1));
    pair.filter = lose_most;
    cr_assert_eq(endpoint_ask(pair.e[0], pair.conn[0], pair.now), 0);
    pair_run_for(&pair, LIVENESS_ANSWER_MIN_US + 1000);
    cr_assert_eq(pair.count[0][EVENT_PRESENCE], 1);
    cr_expect(pair.last[0][EVENT_PRESENCE].is_there);
}

Test(conn_timers, nobody_that_is_not_connected_can_be_asked)
{
    conn_id id;

    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    cr_expect_eq(endpoint_ask(pair.e[0], id, pair.now), DUET_ENOTFOUND);
    cr_expect_eq(endpoint_ask(pair.e[0], id + 1, pair.now), DUET_ENOTFOUND);
}
