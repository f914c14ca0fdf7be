/* Who takes no connections is connected with the answer to its SYN: what it says then must arrive whatever gets
 * lost. */
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "inside.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)
#define WORDS "said at once"

static struct pair pair;
static struct endpoint_config config[2];
static char got[64];
static duet_time began, connected_at[2], got_at;

/* Side 0 says WORDS as soon as it is connected; what side 1 reads, and when, is noted. */
static void talk(struct pair *p, int side, const struct endpoint_event *ev)
{
    if (ev->type == EVENT_CONNECTED) {
        connected_at[side] = p->now;
        if (side == 0)
            cr_assert_eq(
                endpoint_write(p->e[0], ev->conn, STREAM_CONTROL, (const uint8_t *)WORDS, sizeof WORDS, p->now),
                sizeof WORDS);
    }
    if (ev->type == EVENT_READABLE && side == 1) {
        const size_t had = strlen(got);
        endpoint_read(p->e[1], ev->conn, STREAM_CONTROL, (uint8_t *)got + had, sizeof got - 1 - had, p->now);
        got_at = p->now;
    }
}

static void start(void)
{
    memset(&pair, 0, sizeof pair);
    memset(got, 0, sizeof got);
    config[0] = pair_config(1, "alice");
    config[1] = pair_config(2, "bob");
    config[0].accept = false;
    pair.on_event = talk;
}

static void stop(void)
{
    pair_close(&pair);
}

/* Everything anew. */
static void again(void)
{
    stop();
    start();
}

TestSuite(conn, .init = start, .fini = stop);

/* Loses the next `lose_count` datagrams of lose_type to lose_to. */
static int lose_to, lose_count;
static uint8_t lose_type;

static bool lose_some(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)len;
    if (to != lose_to || lose_count == 0 ||
        (lose_type == PACKET_DATA ? bytes[0] & ~PACKET_EPOCH_MASK : bytes[0]) != lose_type)
        return true;
    lose_count--;
    return false;
}

static void connect(uint64_t rtt_us)
{
    conn_id id;
    pair_open(&pair, &config[0], &config[1]);
    pair.delay_us = rtt_us / 2;
    began = pair.now;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
}

static void check_said_once(void)
{
    cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1);
    cr_assert_str_eq(got, WORDS);
    cr_assert_eq(inside_session(&pair, 0)->session, inside_session(&pair, 1)->session);
    const struct endpoint_counters n = endpoint_counters(pair.e[1]);
    cr_assert_eq(n.unauthentic + n.malformed, 0, "what overtook the ACK is no attack");
}

Test(conn, one_that_takes_no_connections_is_heard_with_its_ack)
{
    connect(80000);
    pair_run_for(&pair, SECONDS(1));
    cr_assert_eq(time_since(connected_at[0], began), 80000);
    cr_assert_eq(time_since(connected_at[1], began), 120000);
    cr_assert_eq(time_since(got_at, began), 120000, "behind the ACK, not after its answer");
    check_said_once();
}

Test(conn, one_that_takes_connections_waits_for_the_answer_to_its_ack)
{
    config[0].accept = true;
    connect(80000);
    pair_run_for(&pair, 159999);
    cr_assert_eq(pair.count[0][EVENT_CONNECTED], 0);
    pair_run_for(&pair, 1);
    cr_assert_eq(pair.count[0][EVENT_CONNECTED], 1);
}

/* A quarter of a round trip later than it could be: the ACK goes again, and what was behind it with it. */
Test(conn, what_was_behind_a_lost_ack_comes_with_the_next)
{
    static const uint64_t rtts[] = {20000, 80000, 200000};
    for (size_t i = 0; i < sizeof rtts / sizeof *rtts; i++) {
        for (int mode = MODE_BURST; mode <= MODE_STEP; mode++) {
            const uint64_t repeat_us = rtts[i] * 5 / 4 > CONN_ACK_FIRST_US ? rtts[i] * 5 / 4 : CONN_ACK_FIRST_US;
            again();
            config[0].params.mode = (enum params_mode)mode;
            connect(rtts[i]);
            lose_to = 1;
            lose_type = PACKET_ACK;
            lose_count = 1;
            pair.filter = lose_some;
            pair_run_for(&pair, SECONDS(3));
            cr_assert_leq(time_since(got_at, began), rtts[i] * 3 / 2 + repeat_us, "RTT %lu", rtts[i]);
            check_said_once();
        }
    }
}

Test(conn, what_is_sent_before_the_answer_survives_any_packet_lost)
{
    static const struct {
        int to;
        uint8_t type;
    } rows[] = {{1, PACKET_SYN}, {0, PACKET_SYN_ACK}, {1, PACKET_ACK}, {0, PACKET_DATA}, {1, PACKET_DATA}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int n = 1; n <= 3; n++) {
            again();
            connect(80000);
            lose_to = rows[i].to;
            lose_type = rows[i].type;
            lose_count = n;
            pair.filter = lose_some;
            pair_run_for(&pair, SECONDS(5));
            check_said_once();
            cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 2);
            cr_assert_eq(inside_session(&pair, 0)->state, CONN_ESTABLISHED);
        }
    }
}

/* Started again with these settings, after the first answer left and before the ACK came. */
static void restart_responder(const struct endpoint_config *cfg)
{
    while (pair.count[0][EVENT_CONNECTED] == 0)
        pair_run_for(&pair, 1000);
    endpoint_free(pair.e[1]);
    pair.e[1] = endpoint_new(cfg, pair.now);
    cr_assert_not_null(pair.e[1]);
}

Test(conn, a_responder_started_again_gets_all_that_was_sent)
{
    connect(80000);
    config[1].seed[0] ^= 1;
    const conn_id id = inside_conn(pair.e[0], 0)->id;
    restart_responder(&config[1]);
    const uint64_t used = inside_conn(pair.e[0], id)->next_number;
    pair_run_for(&pair, SECONDS(20));
    check_said_once();
    cr_assert_eq(inside_session(&pair, 0)->state, CONN_ESTABLISHED);
    cr_assert_eq(got_at.us, connected_at[1].us, "behind the ACK once more");
    cr_assert_geq(inside_session(&pair, 1)->largest_received, used, "no number twice");
}

/* What the owner was told of the peer stays true: its key, and what was negotiated. */
Test(conn, another_peer_cannot_answer_once_we_are_connected)
{
    for (int other = 0; other < 2; other++) {
        again();
        connect(80000);
        struct endpoint_config cfg = pair_config(other == 0 ? 3 : 2, "mallory");
        cfg.seed[0] ^= 1;
        if (other == 1)
            cfg.params.window_bytes = LIMIT_WINDOW_MIN_BYTES;
        restart_responder(&cfg);
        pair_run_for(&pair, SECONDS(29));
        cr_assert_eq(pair.count[1][EVENT_CONNECTED], 0);
        cr_assert_eq(pair.count[0][EVENT_CLOSED], 0);
        pair_run_for(&pair, SECONDS(2));
        cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
        cr_assert_eq(pair.last[0][EVENT_CLOSED].closed.end, END_UNANSWERED);
        cr_assert_eq(endpoint_conn_count(pair.e[0]), 0);
    }
}

/* Without the ACK it could not be read. */
Test(conn, a_goodbye_before_the_answer_is_understood)
{
    for (int n = 0; n <= 3; n++) {
        again();
        connect(80000);
        lose_to = 1;
        lose_type = PACKET_ACK;
        lose_count = n;
        pair.filter = lose_some;
        while (pair.count[0][EVENT_CONNECTED] == 0)
            pair_run_for(&pair, 1000);
        endpoint_close(pair.e[0], pair.conn[0], CLOSE_TRUST, "no", pair.now);
        pair_run_for(&pair, SECONDS(5));
        cr_assert_eq(pair.count[1][EVENT_CONNECTED], 1, "%d lost", n);
        cr_assert_eq(pair.count[1][EVENT_CLOSED], 1, "%d lost", n);
        cr_assert_eq(pair.last[1][EVENT_CLOSED].closed.code, CLOSE_TRUST);
        cr_assert_eq(pair.count[0][EVENT_CLOSED], 1);
        cr_assert_eq(pair.last[0][EVENT_CLOSED].closed.end, END_LOCAL);
        cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0);
    }
}

/* Side 0 decides to leave in the very moment the other's goodbye comes in: its own has not left yet. */
Test(conn, who_closes_is_answered_also_by_one_that_was_just_about_to_close)
{
    pair.delay_us = 20000;
    pair_open(&pair, &config[0], &config[1]);
    pair_connect(&pair);
    pair_run(&pair, time_add(pair.now, SECONDS(1)));
    endpoint_close(pair.e[1], pair.conn[1], CLOSE_OK, "bye", pair.now);
    pair_run(&pair, time_add(pair.now, 10000));
    cr_assert_eq(pair.wire_count, 1);
    pair.now = pair.wire[0].at;
    endpoint_close(pair.e[0], pair.conn[0], CLOSE_OK, "bye", pair.now);
    cr_assert_eq(endpoint_recv(pair.e[0], &(struct envelope){.route.peer = pair.addr[1]}, pair.wire[0].bytes,
                               pair.wire[0].len, pair.wire[0].len, pair.now),
                 0);
    free(pair.wire[0].bytes);
    pair.wire_count = 0;
    pair_run(&pair, time_add(pair.now, 25000));
    for (int side = 0; side < 2; side++) {
        cr_assert_eq(pair.count[side][EVENT_CLOSED], 1, "side %d", side);
        cr_assert_eq(pair.last[side][EVENT_CLOSED].closed.end, END_LOCAL, "side %d", side);
    }
    cr_assert_eq(endpoint_conn_count(pair.e[1]), 0, "it repeats its goodbye to nobody");
    pair_run(&pair, time_add(pair.now, SECONDS(5)));
    cr_assert_eq(endpoint_conn_count(pair.e[0]), 0);
}
