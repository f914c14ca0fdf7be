/* What a peer can make us hold, before it is trusted and after we want no more of it. */
#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "inside.h"

static struct pair pair;
static uint8_t bytes[LIMIT_STREAM_WINDOW_BYTES];

static void start(void)
{
    pair_open_usual(&pair);
    pair_connect(&pair);
}

static void stop(void)
{
    pair_close(&pair);
}

TestSuite(conn_memory, .init = start, .fini = stop);

static size_t held(int side)
{
    const struct conn *c = inside_conn(pair.e[side], 0);

    return c == NULL ? 0 : c->streams.ordered.fixed[0].in.bytes.cap + c->streams.ordered.fixed[1].in.bytes.cap;
}

static size_t parked(int side)
{
    return pair.e[side]->shared.parked_bytes;
}

/* Alice fills both ordered streams as far as Bob lets her; he reads nothing. */
static void fill(void)
{
    for (uint64_t stream = STREAM_CONTROL; stream <= STREAM_CHAT; stream += STREAM_CHAT)
        cr_assert_gt(endpoint_write(pair.e[0], pair.conn[0], stream, bytes, sizeof(bytes), pair.now), 0);
    pair_run_for(&pair, 2 * US_PER_S);
}

Test(conn_memory, a_stream_nobody_reads_holds_its_first_window_only)
{
    fill();
    cr_expect_eq(held(1), 2 * LIMIT_STREAM_FIRST_BYTES);
    cr_expect_eq(parked(1), 2 * LIMIT_STREAM_FIRST_BYTES);
    cr_expect_eq(pair.count[1][EVENT_CLOSED], 0);
}

Test(conn_memory, the_first_read_opens_the_whole_window)
{
    uint8_t one;

    fill();
    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, &one, 1, pair.now), 1);
    cr_expect_eq(parked(1), LIMIT_STREAM_FIRST_BYTES, "the other one is still unread");
    pair_run_for(&pair, 2 * US_PER_S);
    cr_expect_geq(held(1), LIMIT_STREAM_WINDOW_BYTES);
}

Test(conn_memory, a_first_read_of_nothing_opens_it_as_well)
{
    uint8_t one;

    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, &one, 1, pair.now), 0);
    fill();
    cr_expect_geq(held(1), LIMIT_STREAM_WINDOW_BYTES);
}

Test(conn_memory, one_byte_at_the_end_of_the_window_is_counted_too)
{
    struct frame f = {.type = FRAME_STREAM, .stream = STREAM_CHAT};

    f.data.offset = LIMIT_STREAM_FIRST_BYTES - 1;
    f.data.len = 1;
    f.data.data = bytes;
    inside_send_frame(&pair, 0, &f);
    cr_expect_eq(parked(1), LIMIT_STREAM_FIRST_BYTES);
    f.data.offset++;
    inside_send_frame(&pair, 0, &f);
    pair_run_for(&pair, US_PER_S);
    cr_expect_eq(pair.last[0][EVENT_CLOSED].closed.code, CLOSE_FLOW, "and one behind it is too much");
}

Test(conn_memory, what_strangers_may_park_in_all_has_a_bound)
{
    uint8_t got[8];

    pair.e[1]->shared.parked_bytes += LIMIT_PARKED_BYTES; /* by others */
    cr_assert_eq(endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, bytes, sizeof(got), pair.now), sizeof(got));
    pair_run_for(&pair, US_PER_S);
    cr_expect_eq(held(1), 0, "dropped");
    cr_expect_not(endpoint_flushed(pair.e[0], pair.conn[0]), "and not acknowledged");
    pair.e[1]->shared.parked_bytes -= LIMIT_PARKED_BYTES;
    pair_run_for(&pair, 2 * US_PER_S);
    cr_expect(endpoint_flushed(pair.e[0], pair.conn[0]), "it came again");
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, got, sizeof(got), pair.now), sizeof(got));
}

Test(conn_memory, who_is_trusted_is_read_whatever_strangers_have_parked)
{
    uint8_t got[8];

    cr_assert_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, got, sizeof(got), pair.now), 0);
    pair.e[1]->shared.parked_bytes += LIMIT_PARKED_BYTES;
    cr_assert_eq(endpoint_write(pair.e[0], pair.conn[0], STREAM_CHAT, bytes, sizeof(got), pair.now), sizeof(got));
    pair_run_for(&pair, US_PER_S);
    cr_expect_eq(endpoint_read(pair.e[1], pair.conn[1], STREAM_CHAT, got, sizeof(got), pair.now), sizeof(got));
}

/* Refused, it answers no CLOSE: ours is repeated for seconds, and holds nothing but its keys meanwhile. */
Test(conn_memory, closing_lets_go_of_all_that_came_at_once)
{
    fill();
    pair.filter = pair_lose_all;
    endpoint_close(pair.e[1], pair.conn[1], CLOSE_TRUST, "no", pair.now);
    cr_assert_eq(inside_conn(pair.e[1], 0)->state, CONN_CLOSING);
    cr_expect_eq(held(1), 0);
    cr_expect_eq(parked(1), 0);
    pair.filter = NULL;
    pair_run_for(&pair, 3 * US_PER_S);
    cr_expect_eq(pair.count[0][EVENT_CLOSED], 1, "and its goodbye arrives");
    cr_expect_eq(pair.last[0][EVENT_CLOSED].closed.code, CLOSE_TRUST);
    cr_expect_eq(pair.count[1][EVENT_CLOSED], 1);
}

Test(conn_memory, what_comes_while_closing_is_not_kept)
{
    fill();
    pair.filter = pair_lose_all;
    endpoint_close(pair.e[1], pair.conn[1], CLOSE_TRUST, "no", pair.now);
    for (uint64_t i = 0; i < 300; i++) { /* beyond the numbers that are left out, too */
        struct frame f = {.type = FRAME_STREAM, .stream = STREAM_CHAT};

        f.data.offset = i;
        f.data.len = 100;
        f.data.data = bytes;
        inside_send_frame(&pair, 0, &f);
        pair_run_for(&pair, 10000);
    }
    cr_expect_eq(held(1), 0);
}

Test(conn_memory, who_is_left_lets_go_as_well)
{
    fill();
    endpoint_close(pair.e[0], pair.conn[0], CLOSE_OK, "bye", pair.now);
    pair_run_for(&pair, 20000);
    cr_assert_eq(inside_conn(pair.e[1], 0)->state, CONN_DRAINING);
    cr_expect_eq(held(1), 0);
    cr_expect_eq(parked(1), 0);
}
