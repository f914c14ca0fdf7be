/* loss: what an ACK costs must not depend on how much is in flight.  Work is counted, not timed. */
#include "unit.h"

#include "base/rand.h"
#include "recovery/acktr.h"
#include "recovery/loss.h"

#define RTT 100000
#define SEARCH (2 * (2 * BITMAP_LEVELS - 1)) /* words of one sentmap_next at worst: up, down, and round the ring */
#define PER_PACKET (SEARCH + 4)              /* words and records looked at per packet whose fate changed … */
#define PER_RANGE SEARCH                     /* … and per range of the frame that is new … */
#define PER_ACK (5 * SEARCH + 2 * LIMIT_ACK_RANGES / 4) /* … and per ACK: scans, and lines of repeated ranges */
/* What all of that is on average per packet acknowledged, whatever is in flight. */
#define TOUCHED_MAX 6        /* nothing lost */
#define TOUCHED_MAX_HOLES 20 /* 256 ranges repeated by every ACK */

static const uint64_t flights[] = {1000, 10000, 100000};

static void drain(struct loss *l)
{
    bool spurious;

    while (loss_take_acked(l, &spurious))
        ;
    while (loss_take_lost(l))
        ;
}

static void fill(struct loss *l, uint64_t count)
{
    loss_init(l);
    for (uint64_t n = 0; n < count; n++)
        loss_sent(l, n, 1000, true, false, DUET_TIME(n));
}

/* Work of one ACK with its takes, held against the bound. */
static uint64_t one_ack(struct loss *l, const struct frame_ack *a, uint64_t now_us)
{
    struct loss_summary s;
    uint64_t work = l->sent.work, fates = l->acked_packets + l->lost_packets;

    cr_assert_eq(loss_ack(l, a, DUET_TIME(now_us), &s), 0);
    drain(l);
    work = l->sent.work - work;
    fates = l->acked_packets + l->lost_packets - fates;
    cr_assert_leq(work, PER_ACK + PER_RANGE * a->range_count + PER_PACKET * fates, "%lu for %lu fates, %zu ranges",
                  work, fates, a->range_count);
    return work;
}

Test(loss_work, acks_in_order_cost_the_same_in_any_flight)
{
    uint64_t work[3];

    for (int i = 0; i < 3; i++) {
        struct loss l;
        uint64_t total = 0;

        fill(&l, flights[i]);
        for (uint64_t n = 0; n < 800; n += 8) {
            struct frame_ack a = {.largest = n + 7, .range_count = 1, .ranges = {{.start = 0, .end = n + 8}}};
            total += one_ack(&l, &a, RTT + n);
        }
        work[i] = total;
        loss_dispose(&l);
    }
    cr_assert_leq(work[2], work[0] + work[0] / 10, "%lu at 1k, %lu at 100k", work[0], work[2]);
}

Test(loss_work, acks_with_holes_cost_their_ranges)
{
    for (int i = 0; i < 3; i++) {
        struct loss l;
        struct duet_rand r;
        uint64_t n = flights[i];

        rand_init_u64(&r, n);
        fill(&l, n);
        /* 20 % loss: each ACK lists the newest runs; the window slides on at the same time. */
        struct ranges got;
        ranges_init(&got, 100000);
        for (uint64_t acked = 0; acked < 4 * n && acked < 100000; acked++) {
            if (rand_below(&r, 5) > 0)
                ranges_add(&got, acked, acked + 1);
            uint64_t now = acked + n + RTT;
            loss_sent(&l, n + acked, 1000, true, false, DUET_TIME(now));
            if (acked % 8 > 0 || got.count == 0)
                continue;
            struct frame_ack a = {.largest = got.v[got.count - 1].end - 1};
            while (a.range_count < 64 && a.range_count < got.count) {
                a.ranges[a.range_count] = got.v[got.count - 1 - a.range_count];
                a.range_count++;
            }
            one_ack(&l, &a, now);
            if (got.count > 64)
                ranges_trim_below(&got, got.v[got.count - 64].start);
        }
        ranges_dispose(&got);
        loss_dispose(&l);
    }
}

Test(loss_work, the_worst_ack_is_bounded)
{
    struct loss l;
    struct frame_ack a = {.largest = 199999, .range_count = LIMIT_ACK_RANGES};

    /* Single packets spread over the whole flight; then the same frame over and over, which changes nothing. */
    fill(&l, 200000);
    for (size_t i = 0; i < LIMIT_ACK_RANGES; i++) {
        uint64_t n = 199999 - i * 780;
        a.ranges[i] = (struct range){.start = n, .end = n + 1};
    }
    for (uint64_t i = 0; i < 10; i++)
        one_ack(&l, &a, 200000 + i);
    loss_dispose(&l);
}

Test(loss_work, a_timer_that_finds_nothing_costs_nothing)
{
    for (int i = 0; i < 3; i++) {
        struct loss l;
        struct loss_summary s;

        fill(&l, flights[i]);
        uint64_t work = l.sent.work;
        loss_timer(&l, DUET_TIME(flights[i]), &s);
        cr_assert_leq(l.sent.work - work, 40);
        loss_dispose(&l);
    }
}

/*
 * The receiver's own tracker writes the ACKs: its 256 ranges are repeated in each.  A packet leaves every step, comes
 * `flight` / 2 steps later or not at all, and so do the ACKs.  Work per packet acknowledged after two windows.
 */
static double touched_per_packet(uint64_t flight, uint64_t lost_of_100)
{
    struct duet_rand r;
    struct loss l;
    struct acktr a;
    struct frame_ack *frames = calloc(flight, sizeof(*frames));
    const uint64_t step_us = 100, delay = flight / 2, end = 3 * flight + 30000;
    uint64_t work = 0, acked = 0;

    cr_assert_not_null(frames);
    rand_init_u64(&r, flight);
    loss_init(&l);
    acktr_init(&a);
    for (uint64_t step = 0; step < end; step++) {
        const duet_time now = DUET_TIME(step * step_us);
        struct frame_ack *late = &frames[step % delay];
        struct loss_summary s;

        if (step == 2 * flight) {
            work = l.sent.work;
            acked = l.acked_packets;
        }
        cr_assert_not_null(loss_sent(&l, step, 1000, true, false, now));
        if (late->range_count > 0 && rand_below(&r, 100) >= lost_of_100)
            cr_assert_eq(loss_ack(&l, late, now, &s), 0);
        drain(&l);
        late->range_count = 0;
        if (step < delay || rand_below(&r, 100) < lost_of_100)
            continue;
        cr_assert_eq(acktr_received(&a, step - delay, true, false, 0, flight * step_us, now), 0);
        if (!time_due(acktr_deadline(&a), now))
            continue;
        const uint64_t from = acktr_from(&a);
        late->largest = acktr_sent(&a, now);
        for (size_t i = a.received.count; i-- > 0 && (late->range_count == 0 || a.received.v[i].end > from);)
            late->ranges[late->range_count++] = a.received.v[i];
        if (step % 256 == 0 && step > flight)
            acktr_confirmed(&a, 0, step - flight);
    }
    cr_assert_geq(l.eliciting_in_flight, flight * 9 / 10);
    cr_assert_leq(l.eliciting_in_flight, flight * 13 / 10);
    const double touched = (double)(l.sent.work - work) / (double)(l.acked_packets - acked);
    loss_dispose(&l);
    acktr_dispose(&a);
    free(frames);
    return touched;
}

Test(loss_work, what_a_packet_costs_does_not_grow_with_the_flight_or_its_holes)
{
    static const uint64_t loss[] = {0, 1, 20};

    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof(flights) / sizeof(flights[0]); k++) {
            const double touched = touched_per_packet(flights[k], loss[i]);
            cr_assert_leq(touched, loss[i] == 0 ? TOUCHED_MAX : TOUCHED_MAX_HOLES,
                          "%g a packet with %lu in flight and %lu %% lost", touched, flights[k], loss[i]);
        }
    }
}
