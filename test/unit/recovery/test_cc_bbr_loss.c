/* cc_bbr_loss: which loss is a floor, which is congestion, which a policer's.  One span is 100 packets and one round trip. */
#include "unit.h"
#include <string.h>

#include "duet/recovery/cc_bbr.h"

#define PACKET 1000
#define SPAN 100
#define RTT 100000

static struct cc_bbr_loss f;
static struct loss l;
static duet_time now;

static void setup(void)
{
    memset(&l, 0, sizeof l);
    l.reorder_steps = 1;
    rtt_init(&l.rtt);
    now = DUET_TIME(1000000);
    rtt_sample(&l.rtt, RTT, 0, now);
    cc_bbr_loss_init(&f, now);
}

TestSuite(cc_bbr_loss, .init = setup);

/* Sends a span at the gain, then another at 1, whose time resolves the first: `lost` of it did not arrive. */
static struct cc_bbr_verdict span(double gain, bool guard, unsigned lost, uint64_t rtt_us)
{
    const duet_time sent_at = now;
    struct cc_bbr_verdict all = {.congested = false}, v;

    cc_bbr_loss_span(&f, gain, false, guard, now);
    cc_bbr_loss_sent(&f, SPAN * PACKET, SPAN * PACKET);
    now = time_add(now, RTT);
    cc_bbr_loss_span(&f, 1, false, false, now);
    cc_bbr_loss_sent(&f, PACKET, PACKET);
    rtt_sample(&l.rtt, rtt_us, 0, now);
    struct loss_summary s = {
        .acked_bytes = (SPAN - lost) * PACKET, .largest_acked_sent_at = sent_at, .rtt_sampled = true};
    all = cc_bbr_loss_update(&f, &l, &s, PACKET, now);
    s = (struct loss_summary){.lost_bytes = lost * PACKET, .largest_lost_sent_at = sent_at};
    v = cc_bbr_loss_update(&f, &l, &s, PACKET, now);
    all = v.congested ? v : all;
    now = time_add(now, 3 * RTT);
    s = (struct loss_summary){.acked_bytes = PACKET, .largest_acked_sent_at = now};
    v = cc_bbr_loss_update(&f, &l, &s, PACKET, now);
    all.floor_refuted = v.floor_refuted;
    all.floor_held = v.floor_held;
    return all;
}

static void learn(unsigned lost, unsigned spans)
{
    for (unsigned i = 0; i < spans; i++)
        span(1, false, lost, RTT);
}

Test(cc_bbr_loss, steady_loss_without_a_queue_becomes_the_floor)
{
    static const struct {
        unsigned lost;
        double floor;
    } rows[] = {
        {.lost = 0, .floor = 0}, {.lost = 5, .floor = .05}, {.lost = 20, .floor = .2}, {.lost = 29, .floor = .25}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        learn(rows[i].lost, 12);
        cr_assert_float_eq(f.floor, rows[i].floor, 0.01, "%u lost: floor %g", rows[i].lost, f.floor);
    }
}

Test(cc_bbr_loss, bursts_of_loss_are_no_floor)
{
    for (int i = 0; i < 12; i++)
        span(1, false, i % 4 == 0 ? 20 : 0, RTT);
    cr_assert_eq(f.floor, 0);
}

Test(cc_bbr_loss, what_exceeds_the_floor_is_congestion_where_a_queue_or_a_probe_explains_it)
{
    static const struct {
        unsigned floor, lost;
        double gain;
        uint64_t rtt_us;
        bool congested;
    } rows[] = {
        {.floor = 0, .lost = 2, .gain = 1, .rtt_us = 2 * RTT, .congested = false},
        {.floor = 0, .lost = 10, .gain = 1, .rtt_us = 2 * RTT, .congested = true},
        {.floor = 0, .lost = 10, .gain = 1, .rtt_us = RTT, .congested = false},
        {.floor = 0, .lost = 20, .gain = 1.25, .rtt_us = RTT, .congested = true},
        {.floor = 10, .lost = 12, .gain = 1.25, .rtt_us = 2 * RTT, .congested = false},
        {.floor = 10, .lost = 25, .gain = 1.25, .rtt_us = 2 * RTT, .congested = true},
        {.floor = 20, .lost = 24, .gain = 1.25, .rtt_us = RTT, .congested = false},
        {.floor = 20, .lost = 80, .gain = 1, .rtt_us = RTT, .congested = true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        learn(rows[i].floor, 12);
        const struct cc_bbr_verdict v = span(rows[i].gain, false, rows[i].lost, rows[i].rtt_us);
        cr_assert_eq(v.congested, rows[i].congested, "row %zu", i);
        if (v.congested)
            cr_assert_eq(v.probing, rows[i].gain > 1, "row %zu", i);
    }
}

/* At a millisecond of RTT a queue of one BDP is a millisecond too, and the probe's first packets find it empty. */
Test(cc_bbr_loss, a_short_queue_shows_in_the_usual_round_trip)
{
    static const struct {
        uint64_t min_us, usual_us;
        bool queued;
    } rows[] = {{1000, 1400, false}, {1000, 1900, true}, {4000, 5800, false}, {4000, 6500, true}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        learn(0, 12);
        rtt_init(&l.rtt);
        rtt_sample(&l.rtt, rows[i].min_us, 0, now);
        for (int k = 0; k < 60; k++)
            rtt_sample(&l.rtt, rows[i].usual_us, 0, now);
        const struct cc_bbr_verdict v = span(1.25, false, 20, rows[i].min_us + 100);
        cr_assert(v.congested && v.probing && !v.overestimated, "row %zu", i);
        cr_assert_eq(v.queued, rows[i].queued, "row %zu", i);
    }
}

Test(cc_bbr_loss, a_raised_bandwidth_is_doubted_without_a_queue)
{
    learn(0, 12);
    cc_bbr_loss_doubt(&f, true);
    const struct cc_bbr_verdict v = span(1, false, 20, RTT);
    cr_assert(v.congested && v.overestimated && !v.probing);
}

Test(cc_bbr_loss, a_guard_tells_a_policer_from_a_radio)
{
    learn(20, 12);
    cr_assert(span(.75, true, 20, RTT).floor_held);
    cr_assert_float_eq(f.floor, .2, .01);

    setup();
    learn(20, 12);
    cr_assert(span(.75, true, 0, RTT).floor_refuted);
    cr_assert_eq(f.floor, 0);
}

Test(cc_bbr_loss, a_guard_is_complete_with_as_many_packets_as_are_kept)
{
    for (int guard = 0; guard < 2; guard++) {
        cc_bbr_loss_span(&f, .75, false, guard, now);
        cc_bbr_loss_sent(&f, 511 * PACKET, PACKET);
        cr_assert_not(cc_bbr_loss_guarded(&f, PACKET));
        cc_bbr_loss_sent(&f, PACKET, PACKET);
        cr_assert_eq(cc_bbr_loss_guarded(&f, PACKET), guard);
    }
}

Test(cc_bbr_loss, what_a_dead_path_swallowed_says_nothing)
{
    learn(0, 12);
    cc_bbr_loss_span(&f, 1, false, false, now);
    cc_bbr_loss_sent(&f, SPAN * PACKET, SPAN * PACKET);
    const duet_time sent_at = now;
    now = time_add(now, 10 * US_PER_S);
    cc_bbr_loss_outage(&f);
    cc_bbr_loss_span(&f, 1, false, false, now);
    const struct loss_summary s = {.lost_bytes = SPAN * PACKET, .largest_lost_sent_at = sent_at};
    cr_assert_not(cc_bbr_loss_update(&f, &l, &s, PACKET, now).congested);
    cr_assert_eq(f.floor, 0);
}

Test(cc_bbr_loss, more_gains_than_spans_forget_the_oldest)
{
    for (int i = 0; i < 3 * CC_BBR_SPANS; i++) {
        now = time_add(now, 10);
        cc_bbr_loss_span(&f, 1, false, false, now);
        cc_bbr_loss_sent(&f, PACKET, PACKET);
        cr_assert_leq(f.span_count, CC_BBR_SPANS);
    }
    const struct loss_summary s = {.lost_bytes = PACKET, .largest_lost_sent_at = DUET_TIME(1000000)};
    cc_bbr_loss_update(&f, &l, &s, PACKET, now);
}
