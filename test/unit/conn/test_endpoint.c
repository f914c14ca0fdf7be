#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "pair.h"

#define SECONDS(n) ((uint64_t)(n)*US_PER_S)

struct seen {
    int count[2][EVENT_STOPPED + 1];
    struct endpoint_event last[2];
    uint8_t *file;
    uint64_t file_bytes;
};

static void note(struct pair *p, int side, const struct endpoint_event *ev)
{
    struct seen *s = p->user;
    s->count[side][ev->type]++;
    s->last[side] = *ev;
    if (ev->type == EVENT_EXTENT) {
        memcpy(s->file + ev->extent.offset, ev->extent.data, ev->extent.len);
        s->file_bytes += ev->extent.len;
        cr_assert(endpoint_consumed(p->e[side], ev->conn, ev->stream, ev->extent.len, p->now) == 0);
    }
}

static struct pair pair;
static struct seen seen;

static void open_pair(void)
{
    memset(&pair, 0, sizeof pair);
    memset(&seen, 0, sizeof seen);
    const struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");
    pair.delay_us = 10000;
    pair.user = &seen;
    pair.on_event = note;
    pair_open(&pair, &a, &b);
}

static void close_pair(void)
{
    pair_close(&pair);
    free(seen.file);
}

TestSuite(endpoint, .init = open_pair, .fini = close_pair);

Test(endpoint, connects_and_both_learn_name_and_key)
{
    pair_connect(&pair);
    cr_assert_eq(seen.count[0][EVENT_CONNECTED], 1);
    cr_assert_eq(seen.count[1][EVENT_CONNECTED], 1);
    cr_assert_str_eq(seen.last[0].connected.name, "bob");
    cr_assert_str_eq(seen.last[1].connected.name, "alice");
    cr_assert_arr_eq(seen.last[0].connected.key, pair_config(2, "bob").identity.public, NOISE_KEY_BYTES);
    cr_assert_eq(seen.last[0].connected.session, seen.last[1].connected.session);
    cr_assert(seen.last[0].connected.initiated && !seen.last[1].connected.initiated);
}

Test(endpoint, ordered_bytes_arrive_in_order)
{
    pair_connect(&pair);
    uint8_t buf[64];
    cr_assert_eq(endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, (const uint8_t *)"hello", 5, pair.now), 5);
    pair_run(&pair, time_add(pair.now, SECONDS(1)));
    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, buf, sizeof buf, pair.now), 5);
    cr_assert_arr_eq(buf, "hello", 5);
    cr_assert(endpoint_flushed(pair.e[0], pair.conn[0]));
}

static uint64_t lcg;
static bool lose_some(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes, (void)len;
    lcg = lcg * 6364136223846793005u + 1442695040888963407u;
    return lcg >> 33 >= (UINT64_C(1) << 31) / 10;
}

static void transfer(size_t bytes)
{
    uint64_t stream;
    uint8_t *file = malloc(bytes);
    seen.file = calloc(1, bytes);
    for (size_t i = 0; i < bytes; i++)
        file[i] = (uint8_t)(i * 31 + (i >> 8));
    cr_assert_eq(endpoint_open_bulk(pair.e[0], pair.conn[0], &stream), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1], pair.conn[1], stream, 1 << 20, pair.now), 0);
    cr_assert_eq(endpoint_supply(pair.e[0], pair.conn[0], stream, 0, file, bytes, 77, pair.now), 0);
    cr_assert_eq(endpoint_finish(pair.e[0], pair.conn[0], stream, bytes, pair.now), 0);
    pair_run(&pair, time_add(pair.now, SECONDS(120)));
    cr_assert_eq(seen.count[1][EVENT_FINISHED], 1);
    cr_assert_eq(seen.count[0][EVENT_SENT], 1);
    cr_assert_eq(seen.count[0][EVENT_RELEASED], 1);
    cr_assert_eq(seen.file_bytes, bytes);
    cr_assert_arr_eq(seen.file, file, bytes);
    free(file);
}

Test(endpoint, a_file_arrives_whole)
{
    pair_connect(&pair);
    transfer(3000000);
}

Test(endpoint, a_file_arrives_whole_through_ten_percent_loss)
{
    pair_connect(&pair);
    pair.filter = lose_some;
    transfer(3000000);
}

/* Ethernet: larger datagrams are not worth a train. */
static bool lose_large(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes;
    return len <= 1472;
}

static bool lose_large_and_some(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    return lose_large(p, to, bytes, len) && lose_some(p, to, bytes, len);
}

Test(endpoint, a_file_arrives_whole_by_trains)
{
    pair.trains = true;
    pair.filter = lose_large;
    pair_connect(&pair);
    transfer(3000000);
    cr_assert_lt(pair.handed_over[1] * 4, pair.sent[0], "%lu calls for %lu datagrams", pair.handed_over[1],
                 pair.sent[0]);
}

Test(endpoint, a_file_arrives_whole_by_trains_with_holes)
{
    pair.trains = true;
    pair_connect(&pair);
    pair.filter = lose_large_and_some;
    transfer(3000000);
}

Test(endpoint, closing_is_told_to_the_peer_with_its_reason)
{
    pair_connect(&pair);
    endpoint_close(pair.e[0], pair.conn[0], CLOSE_OK, "bye", pair.now);
    pair_run(&pair, time_add(pair.now, SECONDS(5)));
    cr_assert_eq(seen.count[1][EVENT_CLOSED], 1);
    cr_assert_eq(seen.last[1].closed.end, END_LEFT);
    cr_assert_str_eq(seen.last[1].closed.reason, "bye");
    cr_assert_eq(seen.count[0][EVENT_CLOSED], 1);
    cr_assert_eq(seen.last[0].closed.end, END_LOCAL);
    cr_assert_eq(endpoint_conn_count(pair.e[0]) + endpoint_conn_count(pair.e[1]), 0);
}

static bool lose_all(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes, (void)len;
    return false;
}

Test(endpoint, silence_is_unreachable_then_back)
{
    pair_connect(&pair);
    pair.filter = lose_all;
    pair_run(&pair, time_add(pair.now, SECONDS(20)));
    cr_assert_eq(seen.count[0][EVENT_UNREACHABLE], 1);
    cr_assert_eq(seen.count[1][EVENT_UNREACHABLE], 1);
    pair.filter = NULL;
    pair_run(&pair, time_add(pair.now, SECONDS(4)));
    cr_assert_eq(seen.count[0][EVENT_BACK], 1);
    cr_assert_eq(seen.count[1][EVENT_BACK], 1);
}

Test(endpoint, long_silence_is_lost)
{
    pair_connect(&pair);
    pair.filter = lose_all;
    pair_run(&pair, time_add(pair.now, SECONDS(700)));
    cr_assert_eq(seen.count[0][EVENT_CLOSED], 1);
    cr_assert_eq(seen.last[0].closed.end, END_LOST);
    cr_assert_eq(endpoint_conn_count(pair.e[0]), 0);
}

Test(endpoint, both_connecting_at_once_end_in_one_session)
{
    conn_id id[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(endpoint_connect(pair.e[i], &pair.addr[1 - i], pair.now, &id[i]), 0);
    pair_run(&pair, time_add(pair.now, SECONDS(10)));
    cr_assert_eq(seen.count[0][EVENT_CONNECTED], 1);
    cr_assert_eq(seen.count[1][EVENT_CONNECTED], 1);
    cr_assert_eq(endpoint_conn_count(pair.e[0]), 1);
    cr_assert_eq(endpoint_conn_count(pair.e[1]), 1);
    cr_assert_eq(seen.count[0][EVENT_FAILED] + seen.count[1][EVENT_FAILED], 0);
}

Test(endpoint, an_idle_session_stays_quiet_but_alive)
{
    pair_connect(&pair);
    const uint64_t before = pair.sent[0] + pair.sent[1];
    pair_run(&pair, time_add(pair.now, SECONDS(600)));
    cr_assert_eq(seen.count[0][EVENT_UNREACHABLE] + seen.count[1][EVENT_UNREACHABLE], 0);
    cr_assert_leq(pair.sent[0] + pair.sent[1] - before, 600 / 5 * 4);
}

Test(endpoint, nobody_answering_is_a_timeout)
{
    conn_id id;
    pair.filter = lose_all;
    cr_assert_eq(endpoint_connect(pair.e[0], &pair.addr[1], pair.now, &id), 0);
    pair_run(&pair, time_add(pair.now, SECONDS(40)));
    cr_assert_eq(seen.count[0][EVENT_FAILED], 1);
    cr_assert_eq(seen.last[0].failed.err, DUET_ETIMEOUT);
}

static uint64_t window_after_a_file(uint8_t ecn)
{
    struct endpoint_stats st;
    pair.ecn = ecn;
    pair_connect(&pair);
    transfer(1000000);
    cr_assert_eq(endpoint_stats(pair.e[0], pair.conn[0], &st), 0);
    cr_assert_eq(st.lost_packets, 0);
    return st.cwnd_bytes;
}

Test(endpoint, marks_of_a_router_hold_the_window_down)
{
    const uint64_t marked = window_after_a_file(3);
    close_pair();
    open_pair();
    cr_assert_lt(marked * 4, window_after_a_file(2));
}
