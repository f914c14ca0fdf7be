/* What a peer with keys may do with streams and datagrams of the application, and what closes the connection: frames
 * that endpoint_open_stream and its like never send, sealed by hand.  PROTOCOL.md §7.1, §7.2, §10. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "inside.h"
#include "pair.h"

#define HOSTILE 0 /* the initiator */
#define VICTIM 1
#define BOTH (FEATURE_STREAMS | FEATURE_DATAGRAMS)

static struct pair pair;
static uint8_t bytes[LIMIT_PACKET_MIN_BYTES];

static void open_pair(uint64_t features, bool trusted)
{
    struct endpoint_config a = pair_config(1, "mallory"), b = pair_config(2, "bob");

    memset(&pair, 0, sizeof(pair));
    pair.delay_us = 1000;
    a.params.features = b.params.features = features;
    pair_open(&pair, &a, &b);
    pair_connect(&pair);
    if (trusted)
        endpoint_allow(pair.e[VICTIM], pair.conn[VICTIM], pair.now);
    pair_run_for(&pair, 100000);
}

static void frame(const struct frame *f)
{
    (void)inside_send_frame(&pair, HOSTILE, f);
    pair_run_for(&pair, 10000);
}

static void stream_frame(uint64_t id, uint64_t offset, size_t len, bool fin)
{
    frame(&(struct frame){
        .type = FRAME_STREAM, .stream = id, .data = {.offset = offset, .data = bytes, .len = len, .fin = fin}});
}

static void reset_frame(uint64_t id, uint64_t final_bytes)
{
    frame(&(struct frame){.type = FRAME_RESET_STREAM, .stream = id, .reset = {.code = 1, .final_bytes = final_bytes}});
}

static bool is_closed(uint64_t code)
{
    return pair.count[VICTIM][EVENT_CLOSED] == 1 && pair.last[VICTIM][EVENT_CLOSED].closed.end == END_ERROR &&
           pair.last[VICTIM][EVENT_CLOSED].closed.code == code;
}

static const struct ordered_table *table(void)
{
    return &inside_session(&pair, VICTIM)->streams.ordered;
}

/* The peer's stream of that index, of normal priority. */
static uint64_t theirs(uint64_t index)
{
    return stream_id_app(true, PRIORITY_NORMAL, index);
}

/* ---- what closes, in a table: one frame each against a fresh session ---- */

enum trust { STRANGER, TRUSTED };

#define STREAM_OF(i, o, n, f)                                                                        \
    {                                                                                                \
        .type = FRAME_STREAM, .stream = i, .data = {.offset = o, .data = bytes, .len = n, .fin = f } \
    }
#define RESET_OF(i, n)                                                                   \
    {                                                                                    \
        .type = FRAME_RESET_STREAM, .stream = i, .reset = {.code = 1, .final_bytes = n } \
    }
#define STOP_OF(i)                                        \
    {                                                     \
        .type = FRAME_STOP_STREAM, .stream = i, .code = 1 \
    }
#define CREDIT_OF(i)                                               \
    {                                                              \
        .type = FRAME_MAX_STREAM_DATA, .stream = i, .max = 1 << 20 \
    }
#define MESSAGE                                                     \
    {                                                               \
        .type = FRAME_DATAGRAM, .data = {.data = bytes, .len = 10 } \
    }
#define LIMITS                                                \
    {                                                         \
        .type = FRAME_MAX_STREAMS, .allowed = { 64, 1 << 20 } \
    }
#define OPEN 99 /* goes on */

/* 24 is theirs(1), 25 ours(1); 1048 is theirs(65). */
static const struct {
    const char *what;
    uint64_t features;
    enum trust trust;
    struct frame frame;
    uint64_t want; /* close code */
} rows[] = {
    {"a stream before trust", BOTH, STRANGER, STREAM_OF(24, 0, 1, false), CLOSE_FLOW},
    {"an announcement before trust", BOTH, STRANGER, STREAM_OF(24, 0, 0, false), CLOSE_FLOW},
    {"a reset before trust", BOTH, STRANGER, RESET_OF(24, 0), CLOSE_FLOW},
    {"a stop before trust", BOTH, STRANGER, STOP_OF(24), CLOSE_FLOW},
    {"credit before trust", BOTH, STRANGER, CREDIT_OF(24), CLOSE_FLOW},
    {"a datagram before trust", BOTH, STRANGER, MESSAGE, OPEN},
    {"limits before trust", BOTH, STRANGER, LIMITS, OPEN},
    {"the first stream", BOTH, TRUSTED, STREAM_OF(24, 0, 1, false), OPEN},
    {"the last that is allowed", BOTH, TRUSTED, STREAM_OF(1048 - 16, 0, 1, false), OPEN},
    {"one too many", BOTH, TRUSTED, STREAM_OF(1048, 0, 1, false), CLOSE_FLOW},
    {"a reset of one too many", BOTH, TRUSTED, RESET_OF(1048, 0), CLOSE_FLOW},
    {"all of the first credit", BOTH, TRUSTED, STREAM_OF(24, LIMIT_APP_FIRST_BYTES - 5, 5, false), OPEN},
    {"a byte beyond the first credit", BOTH, TRUSTED, STREAM_OF(24, LIMIT_APP_FIRST_BYTES - 5, 6, false), CLOSE_FLOW},
    {"a reset beyond the credit", BOTH, TRUSTED, RESET_OF(24, LIMIT_APP_FIRST_BYTES + 1), CLOSE_FLOW},
    {"a reset within it", BOTH, TRUSTED, RESET_OF(24, LIMIT_APP_FIRST_BYTES), OPEN},
    {"data on a stream only the victim may open", BOTH, TRUSTED, STREAM_OF(25, 0, 1, false), CLOSE_PROTOCOL},
    {"a reset of it", BOTH, TRUSTED, RESET_OF(25, 0), CLOSE_PROTOCOL},
    {"a stop of it", BOTH, TRUSTED, STOP_OF(25), CLOSE_PROTOCOL},
    {"credit for it", BOTH, TRUSTED, CREDIT_OF(25), CLOSE_PROTOCOL},
    {"an id of index 0", BOTH, TRUSTED, STREAM_OF(8, 0, 1, false), CLOSE_PROTOCOL},
    {"a reset of index 0", BOTH, TRUSTED, RESET_OF(12, 0), CLOSE_PROTOCOL},
    {"an id of priority 0", BOTH, TRUSTED, STREAM_OF(16, 0, 1, false), CLOSE_PROTOCOL},
    {"a stop of priority 0", BOTH, TRUSTED, STOP_OF(16), CLOSE_PROTOCOL},
    {"a fin on control", BOTH, TRUSTED, STREAM_OF(0, 0, 0, true), CLOSE_PROTOCOL},
    {"a stream without the feature", FEATURE_DATAGRAMS, TRUSTED, STREAM_OF(24, 0, 1, false), CLOSE_PROTOCOL},
    {"a reset without the feature", FEATURE_DATAGRAMS, TRUSTED, RESET_OF(24, 0), OPEN},
    {"a stop without the feature", 0, TRUSTED, STOP_OF(24), OPEN},
    {"credit without the feature", 0, TRUSTED, CREDIT_OF(24), OPEN},
    {"limits without the feature", FEATURE_DATAGRAMS, TRUSTED, LIMITS, CLOSE_PROTOCOL},
    {"a datagram without the feature", FEATURE_STREAMS, TRUSTED, MESSAGE, CLOSE_PROTOCOL},
    {"a datagram", FEATURE_DATAGRAMS, TRUSTED, MESSAGE, OPEN},
};

Test(app_hostile, each_frame_that_no_honest_peer_sends_closes_with_its_code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_pair(rows[i].features, rows[i].trust == TRUSTED);
        frame(&rows[i].frame);
        if (rows[i].want == OPEN)
            cr_expect_eq(pair.count[VICTIM][EVENT_CLOSED], 0, "%s", rows[i].what);
        else
            cr_expect(is_closed(rows[i].want), "%s: %d, %lu", rows[i].what, pair.count[VICTIM][EVENT_CLOSED],
                      pair.last[VICTIM][EVENT_CLOSED].closed.code);
        pair_close(&pair);
    }
}

/* ---- what takes several frames ---- */

/* The other endpoint behaves, so it must not hear what is said to a peer that does not. */
static bool lose_to_hostile(struct pair *p, int to, uint8_t *dgram, size_t len)
{
    (void)p, (void)dgram, (void)len;
    return to != HOSTILE;
}

static void open_trusting(void)
{
    open_pair(BOTH, true);
}

TestSuite(app_hostile_steps, .init = open_trusting);

Test(app_hostile_steps, no_more_in_all_than_the_sum_allows)
{
    const uint64_t streams = LIMIT_APP_SUM_FIRST_BYTES / LIMIT_APP_FIRST_BYTES;

    for (uint64_t i = 1; i <= streams; i++)
        stream_frame(theirs(i), LIMIT_APP_FIRST_BYTES - 1, 1, false); /* a hole counts like what fills it */
    cr_expect_eq(pair.count[VICTIM][EVENT_CLOSED], 0);
    cr_expect_eq(table()->received_bytes, LIMIT_APP_SUM_FIRST_BYTES);
    stream_frame(theirs(streams + 1), 0, 1, false);
    cr_expect(is_closed(CLOSE_FLOW));
    pair_close(&pair);
}

Test(app_hostile_steps, a_reset_uses_up_the_sum_like_data)
{
    const uint64_t streams = LIMIT_APP_SUM_FIRST_BYTES / LIMIT_APP_FIRST_BYTES;

    for (uint64_t i = 1; i <= streams; i++)
        stream_frame(theirs(i), LIMIT_APP_FIRST_BYTES - 1, 1, false);
    reset_frame(theirs(streams + 1), 1);
    cr_expect(is_closed(CLOSE_FLOW));
    pair_close(&pair);
}

Test(app_hostile_steps, its_streams_stay_counted_until_our_half_has_ended)
{
    for (uint64_t i = 1; i <= LIMIT_APP_STREAMS; i++)
        reset_frame(theirs(i), 0);
    cr_expect_eq(table()->count, LIMIT_APP_STREAMS);
    cr_expect_eq(pair.count[VICTIM][EVENT_RESET], LIMIT_APP_STREAMS);
    reset_frame(theirs(LIMIT_APP_STREAMS + 1), 0);
    cr_expect(is_closed(CLOSE_FLOW));
    pair_close(&pair);
}

Test(app_hostile_steps, the_size_of_a_stream_is_settled_once)
{
    static const struct {
        uint64_t first_offset;
        size_t first_len;
        bool first_fin;
        bool reset;
        uint64_t offset;
        size_t len;
        bool fin;
    } sizes[] = {
        {0, 10, true, false, 10, 1, false}, /* beyond the end */
        {0, 10, true, false, 0, 5, true},   /* another end */
        {10, 5, false, false, 0, 5, true},  /* below what came */
        {0, 10, true, true, 11, 0, false},  /* a reset of another size */
        {0, 10, false, true, 9, 0, false},  /* … of less than came */
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int stopped = 0; stopped < 2; stopped++) {
            if (stopped && sizes[i].first_fin)
                continue; /* over already */
            pair_close(&pair);
            open_trusting();
            stream_frame(theirs(1), sizes[i].first_offset, sizes[i].first_len, sizes[i].first_fin);
            if (stopped)
                (void)endpoint_stop(pair.e[VICTIM], pair.conn[VICTIM], theirs(1), 1, pair.now);
            if (sizes[i].reset)
                reset_frame(theirs(1), sizes[i].offset);
            else
                stream_frame(theirs(1), sizes[i].offset, sizes[i].len, sizes[i].fin);
            cr_expect(is_closed(CLOSE_PROTOCOL), "row %zu, stopped %d", i, stopped);
        }
    }
    pair_close(&pair);
}

Test(app_hostile_steps, what_comes_after_a_stop_is_counted_and_not_kept)
{
    pair.filter = lose_to_hostile;
    stream_frame(theirs(1), 0, 100, false);
    (void)endpoint_stop(pair.e[VICTIM], pair.conn[VICTIM], theirs(1), 1, pair.now);
    for (uint64_t at = 100; at < LIMIT_APP_FIRST_BYTES - 2000; at += 1000)
        stream_frame(theirs(1), at, 1000, false);
    cr_expect_eq(pair.count[VICTIM][EVENT_CLOSED], 0);
    cr_expect_eq(table()->v[0]->in.bytes.cap, 0);
    cr_expect_eq(table()->v[0]->in.state.got.count, 0);
    cr_expect_eq(table()->consumed_bytes, table()->received_bytes);
    stream_frame(theirs(1), LIMIT_APP_FIRST_BYTES, 1, false);
    cr_expect(is_closed(CLOSE_FLOW), "its own limit still holds");
    pair_close(&pair);
}

Test(app_hostile_steps, frames_of_a_stream_that_is_over_are_ignored)
{
    uint8_t buf[10];
    uint64_t id;

    cr_assert_eq(endpoint_open_stream(pair.e[HOSTILE], pair.conn[HOSTILE], PRIORITY_NORMAL, &id, pair.now), 0);
    cr_assert_eq(id, theirs(1));
    stream_frame(theirs(1), 0, 3, true);
    cr_assert_eq(endpoint_read(pair.e[VICTIM], pair.conn[VICTIM], theirs(1), buf, sizeof(buf), pair.now), 3);
    cr_assert_eq(endpoint_read(pair.e[VICTIM], pair.conn[VICTIM], theirs(1), buf, sizeof(buf), pair.now), DUET_EEOF);
    endpoint_reset(pair.e[VICTIM], pair.conn[VICTIM], theirs(1), 1, pair.now);
    pair_run_for(&pair, 100000);
    cr_assert_eq(table()->count, 0);
    stream_frame(theirs(1), 0, 3, true);
    stream_frame(theirs(1), 100, 3, false);
    reset_frame(theirs(1), 3);
    frame(&(struct frame){.type = FRAME_STOP_STREAM, .stream = theirs(1), .code = 1});
    frame(&(struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = theirs(1), .max = 1});
    cr_expect_eq(pair.count[VICTIM][EVENT_CLOSED], 0);
    cr_expect_eq(pair.count[VICTIM][EVENT_OPENED], 1);
    cr_expect_eq(table()->count, 0);
    pair_close(&pair);
}

Test(app_hostile_steps, an_index_is_used_once_whatever_the_priority)
{
    stream_frame(theirs(1), 0, 3, false);
    stream_frame(stream_id_app(true, PRIORITY_BACKGROUND, 1), 0, 3, false);
    cr_expect_eq(table()->count, 1);
    cr_expect_eq(table()->received_bytes, 3);
    pair_close(&pair);
}

Test(app_hostile_steps, holes_are_bounded)
{
    for (uint64_t at = 1; at <= 2 * (LIMIT_APP_RANGES + 100); at += 2)
        stream_frame(theirs(1), at, 1, false);
    cr_expect_eq(pair.count[VICTIM][EVENT_CLOSED], 0);
    cr_expect_eq(table()->v[0]->in.state.got.count, LIMIT_APP_RANGES);
    pair_close(&pair);
}

Test(app_hostile_steps, of_a_key_with_several_sessions_each_gets_less)
{
    const uint64_t first = table()->window.max_bytes;
    conn_id second;

    cr_expect_eq(first, LIMIT_APP_SUM_MAX_BYTES);
    /* The same key once more, from another port. */
    struct endpoint_config again = pair_config(1, "mallory");
    again.params.features = BOTH;
    endpoint_free(pair.e[HOSTILE]);
    again.seed[0] ^= 1;
    pair.e[HOSTILE] = endpoint_new(&again, pair.now);
    pair.addr[HOSTILE].port++;
    const conn_id old = pair.conn[VICTIM];
    cr_assert_eq(endpoint_connect(pair.e[HOSTILE], &pair.addr[VICTIM], pair.now, &second), 0);
    pair_run_for(&pair, 1000000);
    cr_assert_neq(pair.conn[VICTIM], old);
    endpoint_allow(pair.e[VICTIM], pair.conn[VICTIM], pair.now);
    const struct conn *c = inside_conn(pair.e[VICTIM], pair.conn[VICTIM]);
    cr_expect_eq(c->streams.ordered.window.max_bytes, LIMIT_APP_SUM_MAX_BYTES / 2);
    pair_close(&pair);
}

Test(app_hostile_steps, limits_never_shrink)
{
    struct conn *c = inside_session(&pair, VICTIM);

    frame(&(struct frame){.type = FRAME_MAX_STREAMS, .allowed = {10, 1000}});
    frame(&(struct frame){.type = FRAME_MAX_STREAMS, .allowed = {5, 2000}});
    cr_expect_eq(c->streams.ordered.may_open, 10);
    cr_expect_eq(c->streams.ordered.may_send, 2000);
    pair_close(&pair);
}
