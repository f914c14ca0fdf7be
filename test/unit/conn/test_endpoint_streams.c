/* Streams and datagrams of the application between two endpoints, over a wire that may lose, and what a peer may not
 * do with them. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "inside.h"
#include "pair.h"

#define BOTH (FEATURE_STREAMS | FEATURE_DATAGRAMS)
#define STREAMS 8
#define MUCH (3 * 1024 * 1024)

static struct pair pair;

static uint8_t byte_at(uint64_t stream, uint64_t offset)
{
    return (uint8_t)(stream * 37 + offset * 131 + (offset >> 8) * 7 + (offset >> 16));
}

/* What a side has of one stream: written, read, and how it ended. */
struct flow {
    uint64_t id;
    uint64_t to_write, written, read;
    bool finished, eof;
};
static struct flow flows[2][STREAMS];
static size_t flow_count[2];
static bool reads[2]; /* does this side read what comes? */

static struct flow *flow_of(int side, uint64_t id)
{
    for (size_t i = 0; i < flow_count[side]; i++) {
        if (flows[side][i].id == id)
            return &flows[side][i];
    }
    cr_assert(flow_count[side] < STREAMS);
    flows[side][flow_count[side]] = (struct flow){.id = id};
    return &flows[side][flow_count[side]++];
}

static void write_on(int side, struct flow *f)
{
    uint8_t buf[5000];

    while (f->written < f->to_write) {
        const size_t len = num_min(sizeof(buf), f->to_write - f->written);
        for (size_t i = 0; i < len; i++)
            buf[i] = byte_at(f->id, f->written + i);
        const ssize_t n = endpoint_write(pair.e[side], pair.conn[side], f->id, buf, len, pair.now);
        cr_assert_geq(n, 0);
        f->written += (uint64_t)n;
        if ((size_t)n < len)
            return;
    }
    if (!f->finished) {
        f->finished = true;
        cr_assert_eq(endpoint_finish_stream(pair.e[side], pair.conn[side], f->id, pair.now), 0);
    }
}

static void read_on(int side, struct flow *f)
{
    uint8_t buf[4001];
    ssize_t n;

    while ((n = endpoint_read(pair.e[side], pair.conn[side], f->id, buf, sizeof(buf), pair.now)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            cr_assert_eq(buf[i], byte_at(f->id, f->read + (uint64_t)i), "stream %lu at %lu", f->id, f->read);
        f->read += (uint64_t)n;
    }
    cr_assert(n == 0 || n == DUET_EEOF, "%zd", n);
    f->eof = f->eof || n == DUET_EEOF;
}

static void on_event(struct pair *p, int side, const struct endpoint_event *ev)
{
    (void)p;
    if (ev->type == EVENT_OPENED)
        (void)flow_of(side, ev->stream);
    if (ev->type == EVENT_READABLE && stream_id_is_app(ev->stream) && reads[side])
        read_on(side, flow_of(side, ev->stream));
    if (ev->type == EVENT_WRITABLE && stream_id_is_app(ev->stream))
        write_on(side, flow_of(side, ev->stream));
}

static void open_with(uint64_t features0, uint64_t features1)
{
    struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");

    memset(&pair, 0, sizeof(pair));
    memset(flows, 0, sizeof(flows));
    memset(flow_count, 0, sizeof(flow_count));
    reads[0] = reads[1] = true;
    pair.delay_us = 10000;
    pair.on_event = on_event;
    a.params.features = features0;
    b.params.features = features1;
    pair_open(&pair, &a, &b);
    pair_connect(&pair);
}

static void allow(int side)
{
    endpoint_allow(pair.e[side], pair.conn[side], pair.now);
}

static void open_trusted(void)
{
    open_with(BOTH, BOTH);
    allow(0);
    allow(1);
    pair_run_for(&pair, 100000);
}

static uint64_t open_stream(int side, enum stream_priority priority)
{
    uint64_t id;

    cr_assert_eq(endpoint_open_stream(pair.e[side], pair.conn[side], priority, &id, pair.now), 0);
    (void)flow_of(side, id);
    return id;
}

static void say(int side, uint64_t id, const char *text)
{
    const size_t len = strlen(text);

    cr_assert_eq(endpoint_write(pair.e[side], pair.conn[side], id, (const uint8_t *)text, len, pair.now), (ssize_t)len);
}

/* So many of the bytes that flow_of's reader expects. */
static void put(int side, uint64_t id, size_t len)
{
    struct flow *f = flow_of(side, id);
    uint8_t buf[100];

    for (size_t i = 0; i < len; i++)
        buf[i] = byte_at(id, f->written + i);
    cr_assert_eq(endpoint_write(pair.e[side], pair.conn[side], id, buf, len, pair.now), (ssize_t)len);
    f->written += len;
}

static void hears(int side, uint64_t id, const char *text)
{
    char buf[100] = "";

    cr_expect_eq(endpoint_read(pair.e[side], pair.conn[side], id, (uint8_t *)buf, sizeof(buf) - 1, pair.now),
                 (ssize_t)strlen(text));
    cr_expect_str_eq(buf, text);
}

static size_t streams_open_at(int side)
{
    return inside_session(&pair, side)->streams.ordered.count;
}

static bool lose_some(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    static unsigned n;

    (void)p, (void)to, (void)bytes, (void)len;
    return n++ % 7 != 3;
}

TestSuite(app_streams, .init = open_trusted);

Test(app_streams, carry_bytes_both_ways_and_are_gone_when_both_have_ended)
{
    reads[0] = reads[1] = false;
    const uint64_t id = open_stream(0, PRIORITY_NORMAL);
    cr_expect_eq(id, 24);
    say(0, id, "ping");
    pair_run_for(&pair, 50000);
    cr_expect_eq(pair.count[1][EVENT_OPENED], 1);
    cr_expect_eq(pair.last[1][EVENT_OPENED].stream, id);
    hears(1, id, "ping");
    say(1, id, "pong");
    cr_expect_eq(endpoint_finish_stream(pair.e[1], pair.conn[1], id, pair.now), 0);
    cr_expect_eq(endpoint_write(pair.e[1], pair.conn[1], id, (const uint8_t *)"x", 1, pair.now), DUET_ECLOSED);
    pair_run_for(&pair, 50000);
    hears(0, id, "pong");
    uint8_t byte;
    cr_expect_eq(endpoint_read(pair.e[0], pair.conn[0], id, &byte, 1, pair.now), DUET_EEOF);
    cr_expect_eq(endpoint_read(pair.e[0], pair.conn[0], id, &byte, 1, pair.now), DUET_ECLOSED);
    cr_expect_eq(streams_open_at(0), 1, "ours may still write");
    say(0, id, "more");
    cr_expect_eq(endpoint_finish_stream(pair.e[0], pair.conn[0], id, pair.now), 0);
    pair_run_for(&pair, 50000);
    hears(1, id, "more");
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], id, &byte, 1, pair.now), DUET_EEOF);
    pair_run_for(&pair, 50000);
    cr_expect_eq(pair.count[0][EVENT_SENT], 1);
    cr_expect_eq(pair.count[1][EVENT_SENT], 1);
    cr_expect_eq(streams_open_at(0), 0);
    cr_expect_eq(streams_open_at(1), 0);
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], id, &byte, 1, pair.now), DUET_ENOTFOUND);
    pair_close(&pair);
}

Test(app_streams, several_each_way_arrive_byte_for_byte_where_packets_get_lost)
{
    static const enum stream_priority kinds[] = {PRIORITY_INTERACTIVE, PRIORITY_NORMAL, PRIORITY_BACKGROUND};

    pair.filter = lose_some;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < 3; i++) {
            struct flow *f = flow_of(side, open_stream(side, kinds[i]));
            f->to_write = MUCH / (i + 1);
            write_on(side, f);
            cr_expect_leq(f->written, ORDERED_UNSENT_BYTES, "it does not take all at once");
        }
    }
    for (int round = 0; round < 400 && pair.count[0][EVENT_SENT] + pair.count[1][EVENT_SENT] < 12; round++) {
        pair_run_for(&pair, 100000);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < flow_count[side]; i++) {
                if (flows[side][i].eof && !flows[side][i].finished)
                    write_on(side, &flows[side][i]); /* the answering side says nothing of its own */
            }
        }
    }
    pair_run_for(&pair, 1000000);
    for (int side = 0; side < 2; side++) {
        cr_expect_eq(flow_count[side], 6);
        for (size_t i = 0; i < 6; i++) {
            const struct flow *f = &flows[side][i], *other = flow_of(1 - side, f->id);
            cr_expect(f->eof, "stream %lu at side %d", f->id, side);
            cr_expect_eq(f->read, other->written);
        }
        cr_expect_eq(streams_open_at(side), 0);
        cr_expect_eq(pair.count[side][EVENT_CLOSED], 0);
    }
    pair_close(&pair);
}

Test(app_streams, one_that_says_nothing_is_announced_all_the_same)
{
    pair.filter = pair_lose_all; /* the announcement gets lost, and comes again */
    const uint64_t id = open_stream(0, PRIORITY_INTERACTIVE);
    pair_run_for(&pair, 30000);
    pair.filter = NULL;
    pair_run_for(&pair, 2000000);
    cr_expect_eq(pair.count[1][EVENT_OPENED], 1);
    put(1, id, 13);
    pair_run_for(&pair, 50000);
    cr_expect_eq(flow_of(0, id)->read, 13);
    pair_close(&pair);
}

Test(app_streams, an_empty_one_is_its_end)
{
    const uint64_t id = open_stream(1, PRIORITY_NORMAL);

    cr_expect_eq(id, 25);
    cr_expect_eq(endpoint_finish_stream(pair.e[1], pair.conn[1], id, pair.now), 0);
    pair_run_for(&pair, 50000);
    cr_expect(flow_of(0, id)->eof);
    cr_expect_eq(flow_of(0, id)->read, 0);
    pair_close(&pair);
}

Test(app_streams, a_reset_is_told_once_and_drops_what_was_not_read)
{
    uint8_t buf[10];

    reads[1] = false;
    const uint64_t id = open_stream(0, PRIORITY_NORMAL);
    say(0, id, "nobody reads this");
    pair_run_for(&pair, 50000);
    cr_expect_eq(endpoint_reset(pair.e[0], pair.conn[0], id, 77, pair.now), 0);
    cr_expect_eq(endpoint_write(pair.e[0], pair.conn[0], id, buf, 1, pair.now), DUET_ECLOSED);
    pair_run_for(&pair, 50000);
    cr_expect_eq(pair.count[1][EVENT_RESET], 1);
    cr_expect_eq(pair.last[1][EVENT_RESET].code, 77);
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], id, buf, sizeof(buf), pair.now), DUET_ECLOSED);
    const struct ordered_table *t = &inside_session(&pair, 1)->streams.ordered;
    cr_expect_eq(t->consumed_bytes, t->received_bytes, "its credit goes back");
    cr_expect_eq(endpoint_reset(pair.e[1], pair.conn[1], id, 0, pair.now), 0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(streams_open_at(0) + streams_open_at(1), 0);
    pair_close(&pair);
}

Test(app_streams, a_stop_has_the_sender_reset_with_its_code)
{
    const uint64_t id = open_stream(0, PRIORITY_NORMAL);
    struct flow *f = flow_of(0, id);

    reads[1] = false;
    f->to_write = MUCH;
    write_on(0, f);
    pair_run_for(&pair, 50000);
    cr_expect_eq(endpoint_stop(pair.e[1], pair.conn[1], id, 5, pair.now), 0);
    pair_run_for(&pair, 100000);
    cr_expect_eq(pair.count[0][EVENT_STOPPED], 1);
    cr_expect_eq(pair.last[0][EVENT_STOPPED].code, 5);
    cr_expect_eq(pair.count[1][EVENT_RESET], 0, "who stopped knows");
    cr_expect_eq(endpoint_stream_held(pair.e[0], pair.conn[0], id), 0);
    const struct ordered_table *t = &inside_session(&pair, 1)->streams.ordered;
    cr_expect_eq(t->consumed_bytes, t->received_bytes);
    cr_expect_eq(t->received_bytes, inside_session(&pair, 0)->streams.ordered.sent_bytes);
    pair_close(&pair);
}

Test(app_streams, who_does_not_read_holds_back_who_writes)
{
    const uint64_t id = open_stream(0, PRIORITY_NORMAL);
    struct flow *f = flow_of(0, id);

    reads[1] = false;
    f->to_write = 4 * MUCH;
    write_on(0, f);
    pair_run_for(&pair, 3000000);
    const struct ordered_table *t = &inside_session(&pair, 1)->streams.ordered;
    cr_expect_eq(t->received_bytes, LIMIT_APP_FIRST_BYTES);
    cr_expect_leq(f->written, LIMIT_APP_FIRST_BYTES + ORDERED_UNSENT_BYTES);
    say(0, STREAM_CHAT, "hello");
    pair_run_for(&pair, 30000);
    cr_expect_eq(pair.last[1][EVENT_READABLE].stream, STREAM_CHAT, "chat goes on");
    reads[1] = true;
    read_on(1, flow_of(1, id));
    pair_run_for(&pair, 8000000);
    cr_expect(flow_of(1, id)->eof);
    cr_expect_eq(flow_of(1, id)->read, 4 * MUCH);
    cr_expect_gt(t->window.bytes, LIMIT_APP_SUM_FIRST_BYTES, "the window has grown");
    cr_expect_leq(t->window.bytes, LIMIT_APP_SUM_MAX_BYTES);
    pair_close(&pair);
}

Test(app_streams, all_together_have_one_sum)
{
    reads[1] = false;
    for (int i = 0; i < STREAMS; i++) {
        struct flow *f = flow_of(0, open_stream(0, PRIORITY_NORMAL));
        f->to_write = MUCH;
        write_on(0, f);
    }
    pair_run_for(&pair, 5000000);
    const struct ordered_table *t = &inside_session(&pair, 1)->streams.ordered;
    cr_expect_eq(t->received_bytes, LIMIT_APP_SUM_FIRST_BYTES);
    size_t memory = 0;
    for (size_t i = 0; i < t->count; i++)
        memory += t->v[i]->in.bytes.cap;
    cr_expect_leq(memory, 2 * LIMIT_APP_SUM_FIRST_BYTES);
    pair_close(&pair);
}

Test(app_streams, the_peer_tells_how_many_and_more_wait_until_some_are_over)
{
    uint64_t id, first = 0;

    for (int i = 0; i < LIMIT_APP_STREAMS; i++) {
        cr_assert_eq(endpoint_open_stream(pair.e[0], pair.conn[0], PRIORITY_NORMAL, &id, pair.now), 0);
        cr_assert_eq(endpoint_finish_stream(pair.e[0], pair.conn[0], id, pair.now), 0);
        first = i == 0 ? id : first;
    }
    cr_expect_eq(endpoint_open_stream(pair.e[0], pair.conn[0], PRIORITY_NORMAL, &id, pair.now), DUET_EFULL);
    pair.on_event = NULL;
    pair_run_for(&pair, 50000);
    cr_expect_eq(streams_open_at(1), LIMIT_APP_STREAMS);
    uint8_t byte;
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], first, &byte, 1, pair.now), DUET_EEOF);
    cr_expect_eq(endpoint_finish_stream(pair.e[1], pair.conn[1], first, pair.now), 0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(endpoint_read(pair.e[0], pair.conn[0], first, &byte, 1, pair.now), DUET_EEOF);
    cr_expect_eq(streams_open_at(0), LIMIT_APP_STREAMS - 1);
    cr_expect_eq(endpoint_open_stream(pair.e[0], pair.conn[0], PRIORITY_NORMAL, &id, pair.now), 0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(streams_open_at(1), LIMIT_APP_STREAMS, "the new one is there");
    cr_expect_eq(pair.count[1][EVENT_CLOSED], 0);
    pair_close(&pair);
}

Test(app_streams, idle_ones_keep_no_memory)
{
    const uint64_t id = open_stream(0, PRIORITY_NORMAL);

    put(0, id, 11);
    pair_run_for(&pair, 50000);
    const struct ordered *out = inside_session(&pair, 0)->streams.ordered.v[0];
    const struct ordered *in = inside_session(&pair, 1)->streams.ordered.v[0];
    cr_expect_gt(out->out.bytes.cap + in->in.bytes.cap, 0);
    pair_run_for(&pair, 20000000);
    cr_expect_eq(out->out.bytes.cap + in->in.bytes.cap, 0);
    put(0, id, 8);
    pair_run_for(&pair, 50000);
    cr_expect_eq(flow_of(1, id)->read, 19);
    pair_close(&pair);
}

Test(app_streams, interactive_ones_go_first_and_background_ones_last)
{
    uint64_t id[3];
    static const enum stream_priority kinds[] = {PRIORITY_BACKGROUND, PRIORITY_NORMAL, PRIORITY_INTERACTIVE};

    for (int i = 0; i < 3; i++) {
        id[i] = open_stream(0, kinds[i]);
        struct flow *f = flow_of(0, id[i]);
        f->to_write = 200000;
        write_on(0, f);
    }
    uint64_t last_read[3] = {0};
    while (flow_of(1, id[2])->read < 200000) {
        pair_run_for(&pair, 5000);
        for (int i = 0; i < 3; i++)
            last_read[i] = flow_of(1, id[i])->read;
    }
    cr_expect_lt(last_read[1], 150000, "normal while interactive was under way");
    while (flow_of(1, id[1])->read < 200000)
        pair_run_for(&pair, 5000);
    cr_expect_lt(flow_of(1, id[0])->read, 150000);
    pair_run_for(&pair, 2000000);
    cr_expect_eq(flow_of(1, id[0])->read, 200000);
    pair_close(&pair);
}

/* ---- before the peer is trusted, and without the features ---- */

TestSuite(app_before);

Test(app_before, nothing_of_a_stranger_is_kept_and_nothing_of_ours_leaves_before_it_may)
{
    open_with(BOTH, BOTH);
    const uint64_t id = open_stream(0, PRIORITY_INTERACTIVE);
    put(0, id, 9);
    cr_expect_eq(endpoint_reset(pair.e[0], pair.conn[0], open_stream(0, PRIORITY_NORMAL), 1, pair.now), 0);
    pair_run_for(&pair, 3000000);
    cr_expect_eq(streams_open_at(1), 0);
    cr_expect_eq(pair.count[1][EVENT_OPENED], 0);
    cr_expect_eq(pair.count[1][EVENT_CLOSED], 0, "an honest peer waits");
    allow(1);
    pair_run_for(&pair, 50000);
    cr_expect_eq(pair.count[1][EVENT_OPENED], 2);
    cr_expect_eq(flow_of(1, id)->read, 9);
    put(1, id, 7);
    pair_run_for(&pair, 1000000);
    cr_expect_eq(flow_of(0, id)->read, 0, "the other side has not allowed anything");
    allow(0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(flow_of(0, id)->read, 7);
    pair_close(&pair);
}

Test(app_before, without_the_features_there_are_none)
{
    static const uint64_t rows[][2] = {{0, 0}, {BOTH, 0}, {0, BOTH}};
    uint64_t id;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_with(rows[i][0], rows[i][1]);
        for (int side = 0; side < 2; side++) {
            const uint64_t sent = pair.sent[side];
            allow(side);
            pair_run_for(&pair, 100000);
            cr_expect_eq(pair.sent[side], sent, "nothing to say");
            cr_expect_eq(endpoint_open_stream(pair.e[side], pair.conn[side], PRIORITY_NORMAL, &id, pair.now),
                         DUET_EUNSUPPORTED);
            cr_expect_eq(endpoint_datagram_max(pair.e[side], pair.conn[side]), 0);
            cr_expect_eq(endpoint_send_datagram(pair.e[side], pair.conn[side], (const uint8_t *)"x", 1, pair.now),
                         DUET_EUNSUPPORTED);
        }
        pair_close(&pair);
    }
}

/* ---- datagrams ---- */

static uint8_t got[64][LIMIT_PACKET_MAX_BYTES];
static size_t got_len[64], got_count;

static void keep_datagram(struct pair *p, int side, const struct endpoint_event *ev)
{
    (void)p;
    if (ev->type != EVENT_DATAGRAM || side != 1)
        return;
    cr_assert(got_count < 64);
    memcpy(got[got_count], ev->extent.data, ev->extent.len);
    got_len[got_count++] = ev->extent.len;
}

static void open_for_datagrams(void)
{
    open_trusted();
    got_count = 0;
    pair.on_event = keep_datagram;
}

static int send_datagram(const void *bytes, size_t len)
{
    return endpoint_send_datagram(pair.e[0], pair.conn[0], bytes, len, pair.now);
}

TestSuite(datagrams_between, .init = open_for_datagrams);

Test(datagrams_between, arrive_as_they_were_sent)
{
    static uint8_t big[LIMIT_PACKET_MAX_BYTES];
    const size_t most = endpoint_datagram_max(pair.e[0], pair.conn[0]);

    cr_assert_geq(most, 1164);
    memset(big, 7, most);
    cr_expect_eq(send_datagram("", 0), 0);
    cr_expect_eq(send_datagram("hello", 5), 0);
    cr_expect_eq(send_datagram(big, most), 0);
    cr_expect_eq(send_datagram(big, most + 1), DUET_ERANGE);
    pair_run_for(&pair, 50000);
    cr_assert_eq(got_count, 3);
    cr_expect_eq(got_len[0], 0);
    cr_expect_eq(got_len[1], 5);
    cr_expect_arr_eq(got[1], "hello", 5);
    cr_expect_eq(got_len[2], most);
    cr_expect_arr_eq(got[2], big, most);
    struct endpoint_stats stats;
    cr_expect_eq(endpoint_stats(pair.e[0], pair.conn[0], &stats), 0);
    cr_expect_eq(stats.datagrams_sent, 3);
    cr_expect_eq(endpoint_stats(pair.e[1], pair.conn[1], &stats), 0);
    cr_expect_eq(stats.datagrams_received, 3);
    pair_close(&pair);
}

Test(datagrams_between, what_got_lost_is_not_sent_again)
{
    pair.filter = pair_lose_all;
    cr_expect_eq(send_datagram("lost", 4), 0);
    pair_run_for(&pair, 5000);
    pair.filter = NULL;
    cr_expect_eq(send_datagram("next", 4), 0);
    pair_run_for(&pair, 5000000);
    cr_assert_eq(got_count, 1);
    cr_expect_arr_eq(got[0], "next", 4);
    pair_close(&pair);
}

Test(datagrams_between, the_oldest_gives_way_where_too_many_wait)
{
    for (uint8_t i = 0; i < DATAGRAM_QUEUE + 10; i++)
        cr_assert_eq(send_datagram(&i, 1), 0);
    pair_run_for(&pair, 100000);
    cr_expect_eq(got_count, DATAGRAM_QUEUE);
    cr_expect_eq(got[0][0], 10);
    struct endpoint_stats stats;
    cr_expect_eq(endpoint_stats(pair.e[0], pair.conn[0], &stats), 0);
    cr_expect_eq(stats.datagrams_dropped, 10);
    pair_close(&pair);
}

Test(datagrams_between, wait_for_the_congestion_window)
{
    static uint8_t big[1000];

    pair.filter = pair_lose_all;
    for (int i = 0; i < 60; i++)
        cr_assert_eq(send_datagram(big, sizeof(big)), 0);
    pair_run_for(&pair, 5000);
    const struct conn *c = inside_session(&pair, 0);
    cr_expect_leq(c->loss.bytes_in_flight, c->cc.cwnd_bytes);
    cr_expect_gt(c->streams.datagrams.count, 0, "some are left");
    pair_close(&pair);
}

Test(datagrams_between, one_that_no_packet_holds_any_more_is_given_up)
{
    static uint8_t big[LIMIT_PACKET_MAX_BYTES];
    struct conn *c = inside_session(&pair, 0);

    c->packet_bytes = 1400;
    pair.filter = pair_lose_all;
    while (c->streams.datagrams.count < 2)
        cr_assert_eq(send_datagram(big, 1300), 0);
    c->packet_bytes = LIMIT_PACKET_MIN_BYTES;
    pair.filter = NULL;
    cr_expect_eq(send_datagram("small", 5), 0);
    pair_run_for(&pair, 5000000);
    cr_assert_geq(got_count, 1);
    cr_expect_arr_eq(got[got_count - 1], "small", 5);
    cr_expect_geq(c->streams.datagrams.dropped, 2);
    pair_close(&pair);
}

Test(datagrams_between, leave_acknowledgements_their_turn)
{
    static uint8_t big[LIMIT_PACKET_MAX_BYTES];
    const size_t most = endpoint_datagram_max(pair.e[0], pair.conn[0]);

    pair.on_event = NULL;
    for (int i = 0; i < 200; i++) {
        (void)send_datagram(big, most);
        (void)endpoint_send_datagram(pair.e[1], pair.conn[1], big, most, pair.now);
        pair_run_for(&pair, 1000);
    }
    pair_run_for(&pair, 1000000);
    for (int side = 0; side < 2; side++) {
        const struct conn *c = inside_session(&pair, side);
        cr_expect_eq(c->loss.lost_packets, 0);
        cr_expect_eq(c->datagrams_sent, 200);
        cr_expect_eq(c->loss.pto_count, 0);
    }
    pair_close(&pair);
}

Test(datagrams_between, a_strangers_are_dropped)
{
    pair_close(&pair);
    open_with(BOTH, BOTH);
    pair.on_event = keep_datagram;
    cr_expect_eq(send_datagram("psst", 4), 0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(got_count, 0);
    cr_expect_eq(pair.count[1][EVENT_CLOSED], 0);
    allow(1);
    cr_expect_eq(send_datagram("hello", 5), 0);
    pair_run_for(&pair, 50000);
    cr_expect_eq(got_count, 1);
    pair_close(&pair);
}
