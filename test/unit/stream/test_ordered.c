/* Two tables joined by hand: what a connection does with them is in test/unit/conn/test_endpoint_streams.c. */
#include "stream/ordered.h"

#include "unit.h"
#include <string.h>

#include "base/err.h"

static struct ordered_table a, b; /* a: initiator */
static uint8_t bytes[2 * LIMIT_APP_FIRST_BYTES];

static void start(void)
{
    ordered_init(&a, true);
    ordered_init(&b, false);
}

static void stop(void)
{
    ordered_dispose(&a);
    ordered_dispose(&b);
}

TestSuite(ordered, .init = start, .fini = stop);

static void give(struct ordered_table *to, const struct frame *f)
{
    if (f->type == FRAME_MAX_STREAMS)
        ordered_allowed(to, f->allowed.streams, f->allowed.bytes);
    else if (f->type == FRAME_MAX_STREAM_DATA)
        ordered_find(to, f->stream)->out.state.limit_bytes = f->max;
    else
        cr_assert_fail("%s", frame_type_name(f->type));
}

static void updates(struct ordered_table *from, struct ordered_table *to)
{
    struct frame f;

    while (ordered_next_update(from, &f))
        give(to, &f);
    cr_expect_not(ordered_update_wanted(from));
}

/* Carries what a's stream would send next to b; bytes carried, -1: nothing. */
static ssize_t carry(uint64_t id, size_t max_len)
{
    struct ordered *from = ordered_find(&a, id), *to;
    struct stream_piece p;
    bool is_new, readable, writable, done;

    if (!ordered_next(&a, from, max_len, &p))
        return -1;
    const uint8_t *data = ordered_bytes(from, &p, NULL);
    cr_assert_eq(ordered_named(&b, id, &to, &is_new), 0);
    cr_assert_eq(ordered_push(&b, to, &p, data, &readable), 0);
    cr_assert_eq(ordered_sent(&a, from, &p), 0);
    cr_assert_eq(ordered_acked(from, &p, &writable, &done), 0);
    return (ssize_t)p.len;
}

static uint64_t opened(void)
{
    uint64_t id;

    cr_assert_eq(ordered_open(&a, PRIORITY_NORMAL, &id), 0);
    return id;
}

Test(ordered, nothing_is_allowed_before_the_peer_is_trusted_and_once_only)
{
    struct frame f;

    cr_expect_not(ordered_update_wanted(&b));
    ordered_allow(&b, LIMIT_APP_SUM_MAX_BYTES);
    cr_assert(ordered_next_update(&b, &f));
    cr_expect_eq(f.type, FRAME_MAX_STREAMS);
    cr_expect_eq(f.allowed.streams, LIMIT_APP_STREAMS);
    cr_expect_eq(f.allowed.bytes, LIMIT_APP_SUM_FIRST_BYTES);
    ordered_allow(&b, LIMIT_APP_SUM_MAX_BYTES);
    cr_expect_not(ordered_update_wanted(&b));
    ordered_update_lost(&b, FRAME_MAX_STREAMS, 0);
    cr_expect(ordered_update_wanted(&b));
}

Test(ordered, what_waits_for_leave_has_nothing_to_send)
{
    struct stream_piece p;
    const uint64_t id = opened();
    struct ordered *o = ordered_find(&a, id);

    cr_assert_eq(ordered_write(o, bytes, 10), 10);
    cr_expect_not(ordered_next(&a, o, 100, &p));
    ordered_reset(o, 1);
    cr_expect_not(ordered_update_wanted(&a), "not even that it is given up");
    ordered_allowed(&a, 1, 1000);
    cr_expect(ordered_update_wanted(&a));
    cr_expect_eq(ordered_write(o, bytes, 1), DUET_ECLOSED);
}

Test(ordered, the_sum_is_of_all_and_the_credit_of_each)
{
    const uint64_t one = opened(), two = opened();

    ordered_allow(&b, LIMIT_APP_SUM_MAX_BYTES);
    updates(&b, &a);
    a.may_send = LIMIT_APP_FIRST_BYTES + 100;
    cr_assert_eq(ordered_write(ordered_find(&a, one), bytes, sizeof(bytes)), sizeof(bytes));
    cr_assert_eq(ordered_write(ordered_find(&a, two), bytes, 1000), 1000);
    size_t sent = 0;
    for (ssize_t n; (n = carry(one, sizeof(bytes))) > 0;)
        sent += (size_t)n;
    cr_expect_eq(sent, LIMIT_APP_FIRST_BYTES);
    cr_expect_eq(carry(two, 1000), 100);
    cr_expect_eq(carry(two, 1000), -1);
    cr_expect_eq(b.received_bytes, LIMIT_APP_FIRST_BYTES + 100);
}

Test(ordered, what_is_read_comes_back_as_credit)
{
    const uint64_t id = opened();
    struct frame f;

    ordered_allow(&b, LIMIT_APP_SUM_MAX_BYTES);
    updates(&b, &a);
    struct ordered *o = ordered_find(&a, id);
    cr_assert_eq(ordered_write(o, bytes, LIMIT_APP_FIRST_BYTES), LIMIT_APP_FIRST_BYTES);
    while (carry(id, 1 << 16) > 0)
        continue;
    struct ordered *in = ordered_find(&b, id);
    cr_assert_eq(ordered_read(&b, in, bytes, 1 << 17, 1000, DUET_TIME(1000)), 1 << 17);
    cr_assert(ordered_next_update(&b, &f) && f.type == FRAME_MAX_STREAMS);
    cr_expect_gt(f.allowed.bytes, LIMIT_APP_SUM_FIRST_BYTES);
    give(&a, &f);
    cr_assert(ordered_next_update(&b, &f) && f.type == FRAME_MAX_STREAM_DATA);
    cr_expect_gt(f.max, LIMIT_APP_FIRST_BYTES);
    give(&a, &f);
    cr_expect_not(ordered_update_wanted(&b));
}

Test(ordered, a_lost_announcement_is_repeated_until_the_peer_knows)
{
    const uint64_t id = opened();
    struct ordered *o = ordered_find(&a, id);
    struct stream_piece p, again;

    ordered_allowed(&a, 1, 1000);
    cr_assert(ordered_next(&a, o, 100, &p));
    cr_expect_eq(p.len, 0);
    cr_expect_not(p.fin);
    cr_assert_eq(ordered_sent(&a, o, &p), 0);
    cr_expect_not(ordered_next(&a, o, 100, &again));
    cr_assert_eq(ordered_lost(o, &p), 0);
    cr_assert(ordered_next(&a, o, 100, &again));
    bool writable, done;
    cr_assert_eq(ordered_acked(o, &p, &writable, &done), 0); /* late */
    cr_assert_eq(ordered_sent(&a, o, &again), 0);
    cr_assert_eq(ordered_lost(o, &again), 0);
    cr_expect_not(ordered_next(&a, o, 100, &p), "it knows");
}

Test(ordered, the_bytes_of_a_piece_lie_in_one_place)
{
    const uint64_t id = opened();

    ordered_allow(&b, LIMIT_APP_SUM_MAX_BYTES);
    updates(&b, &a);
    struct ordered *o = ordered_find(&a, id);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    uint8_t got[3000];
    size_t at = 0;
    for (int round = 0; round < 60; round++) {
        cr_assert_eq(ordered_write(o, bytes + at, 1000), 1000);
        while (carry(id, 700) > 0)
            continue;
        const ssize_t n = ordered_read(&b, ordered_find(&b, id), got, sizeof(got), 1000, DUET_TIME(1000));
        cr_assert_eq(n, 1000);
        cr_assert_arr_eq(got, bytes + at, 1000);
        at += 1000;
        updates(&b, &a);
    }
    cr_expect_leq(o->out.bytes.cap, 4096, "it wrapped many times");
}
