#include "conn/caution.h"

#include "unit.h"

#include "inside.h"

static const duet_time t0 = {.us = 1000000};

Test(caution, holds_for_a_while_then_twice_as_long)
{
    struct caution c = {.last_us = 0};
    duet_time now = t0;
    uint64_t lasts = CAUTION_FIRST_US;

    cr_expect_not(caution_holds(&c, now));
    for (int i = 0; i < 20; i++) {
        caution_helped(&c, now);
        caution_helped(&c, time_add(now, 1));
        cr_expect(caution_holds(&c, time_add(now, lasts - 1)), "%d", i);
        cr_expect_not(caution_holds(&c, time_add(now, lasts)), "%d", i);
        now = time_add(now, lasts + 1000);
        lasts = 2 * lasts < CAUTION_MAX_US ? 2 * lasts : CAUTION_MAX_US;
    }
}

Test(caution, begins_anew_after_a_good_time)
{
    struct caution c = {.last_us = 0};
    duet_time now = t0;

    caution_helped(&c, now);
    now = time_add(now, CAUTION_FIRST_US + 1);
    caution_helped(&c, now);
    now = time_add(now, 2 * CAUTION_FIRST_US + 2 * CAUTION_FIRST_US + 1);
    caution_helped(&c, now);
    cr_expect_eq(c.last_us, CAUTION_FIRST_US);
}

static struct pair pair;
static uint8_t file[400000];

static void file_from(int side)
{
    uint64_t id;

    cr_assert_eq(endpoint_open_bulk(pair.e[side], pair.conn[side], &id), 0);
    cr_assert_eq(endpoint_accept_bulk(pair.e[1 - side], pair.conn[1 - side], id, 1 << 20, pair.now), 0);
    pair_run_for(&pair, US_PER_S);
    cr_assert_eq(endpoint_supply(pair.e[side], pair.conn[side], id, 0, file, sizeof(file), 1, pair.now), 0);
    cr_assert_eq(endpoint_finish(pair.e[side], pair.conn[side], id, sizeof(file), pair.now), 0);
}

Test(caution, who_is_behind_a_router_that_drops_marks_connects_and_gets_files)
{
    for (int side = 0; side < 2; side++) {
        pair_open_usual(&pair);
        pair.drops_marked = true;
        pair_connect(&pair);
        file_from(side);
        pair_run_for(&pair, 5 * US_PER_S);
        cr_expect_eq(pair.count[1 - side][EVENT_FINISHED], 1, "side %d", side);
        pair_close(&pair);
    }
}

Test(caution, a_path_that_begins_to_drop_marks_goes_on)
{
    for (int side = 0; side < 2; side++) {
        pair_open_usual(&pair);
        pair.carries_marks = true;
        pair_connect(&pair);
        pair.drops_marked = true;
        file_from(side);
        pair_run_for(&pair, 15 * US_PER_S);
        cr_expect_eq(pair.count[1 - side][EVENT_FINISHED], 1, "side %d", side);
        pair_close(&pair);
    }
}

/* Packets in the first train that leaves now. */
static size_t next_train(void)
{
    static uint8_t out[65536];
    struct envelope to;
    size_t segment;
    const ssize_t len = endpoint_send(pair.e[0], &to, out, sizeof(out), &segment, pair.now);

    return len <= 0 ? 0 : ((size_t)len + segment - 1) / segment;
}

Test(caution, after_two_timeouts_packets_leave_alone_and_where_that_helped_for_a_while)
{
    uint8_t frames[32];

    pair_open_usual(&pair);
    pair_connect(&pair);
    file_from(0);
    struct conn *c = inside_session(&pair, 0);
    size_t most = 0;
    for (size_t n; (n = next_train()) > 0;)
        most = n > most ? n : most;
    cr_assert_gt(most, 1);
    pair.now = time_add(pair.now, 3 * US_PER_S);
    c->loss.pto_count = CONN_CAUTION_PTOS;
    c->loss.probes_due = LOSS_PROBES;
    endpoint_update(pair.e[0], c, pair.now);
    cr_assert_eq(next_train(), 1);
    cr_expect_not(caution_holds(&c->in_single, pair.now), "nothing came of it yet");

    struct writer w = writer_of(frames, sizeof(frames));
    const uint64_t ack[] = {FRAME_ACK, c->next_number - 1, 0, 0, 0};
    for (size_t i = 0; i < sizeof(ack) / sizeof(*ack); i++)
        writer_varint(&w, ack[i]);
    cr_assert_eq(inside_send(&pair, 1, &w), 0);
    cr_expect(caution_holds(&c->in_single, pair.now) && caution_holds(&c->unmarked, pair.now));
    for (size_t n; (n = next_train()) > 0;)
        cr_expect_eq(n, 1);
    pair_close(&pair);
}
