/* cc_bbr_loss: which loss is a floor, which is congestion, which a policer's.  A span is one round
 * trip, of 100 packets as a rule. */
#include "unit.h"
#include <string.h>

#include "recovery/cc_bbr.h"

#define PACKET 1000
#define SPAN 100
#define RTT 100000

static struct cc_bbr_loss f;
static struct loss l;
static duet_time now;
static unsigned span_packets;

static void setup(void)
{
    span_packets = SPAN;
    memset(&l, 0, sizeof l);
    l.reorder_steps = 1;
    rtt_init(&l.rtt);
    now = DUET_TIME(1000000);
    rtt_sample(&l.rtt, RTT, 0, now);
    cc_bbr_loss_init(&f, now);
}

TestSuite(cc_bbr_loss, .init = setup);

#define PARTS 5    /* of a span, acknowledged one after the other */
#define APART 1000 /* packets between two bursts */

/* Sends a span at the gain, then another at 1, whose time resolves the first: `lost` of it did not
 * arrive, in so many runs, `gap` packets after the last one of the span before. */
static struct cc_bbr_verdict span_in_runs(double gain, bool guard, unsigned lost, uint64_t rtt_us, unsigned runs,
                                          unsigned gap)
{
    const duet_time sent_at = now;
    struct cc_bbr_verdict all = {.congested = false}, v;

    cc_bbr_loss_span(&f, gain, false, guard, now);
    cc_bbr_loss_sent(&f, span_packets * PACKET, span_packets * PACKET);
    now = time_add(now, RTT);
    cc_bbr_loss_span(&f, 1, false, false, now);
    cc_bbr_loss_sent(&f, PACKET, PACKET);
    rtt_sample(&l.rtt, rtt_us, 0, now);
    struct loss_summary s;
    for (unsigned i = 0; i < PARTS; i++) {
        const unsigned gone = lost * (i + 1) / PARTS - lost * i / PARTS;
        s = (struct loss_summary){.acked_bytes = (span_packets / PARTS - gone) * PACKET,
                                  .largest_acked_sent_at = sent_at,
                                  .rtt_sampled = true};
        cc_bbr_loss_update(&f, &l, &s, PACKET, now);
        s = (struct loss_summary){.lost_bytes = gone * PACKET,
                                  .largest_lost_sent_at = sent_at,
                                  .lost_runs = runs * (i + 1) / PARTS - runs * i / PARTS,
                                  .lost_gap = gap};
        v = cc_bbr_loss_update(&f, &l, &s, PACKET, now);
        all = v.congested ? v : all;
    }
    now = time_add(now, 3 * RTT);
    s = (struct loss_summary){.acked_bytes = PACKET, .largest_acked_sent_at = now};
    v = cc_bbr_loss_update(&f, &l, &s, PACKET, now);
    all.floor_refuted = v.floor_refuted;
    all.floor_held = v.floor_held;
    return all;
}

/* Lost one by one, as by a policer or a radio. */
static struct cc_bbr_verdict span(double gain, bool guard, unsigned lost, uint64_t rtt_us)
{
    return span_in_runs(gain, guard, lost, rtt_us, lost, lost > 0 ? span_packets / lost : 0);
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

/* The loss that a policer's bucket causes goes on; a burst leaves what came before and after it whole. */
Test(cc_bbr_loss, a_burst_is_no_congestion_where_no_queue_stands)
{
    static const struct {
        double gain;
        unsigned lost, runs, gap;
        uint64_t rtt_us;
        bool doubted, congested;
    } rows[] = {
        {1, 60, 1, APART, RTT, false, false},       /* more than half of a round trip, in one piece */
        {1, 60, 60, 1, RTT, false, true},           /* as much of it, here and there */
        {1.25, 40, 2, APART, RTT, false, false},    /* a probe meets two bursts … */
        {1.25, 20, 20, 5, RTT, false, true},        /* … or an empty bucket, */
        {1.25, 40, 1, APART, 2 * RTT, false, true}, /* … or overfills a queue */
        {1, 20, 1, APART, RTT, true, false},        /* the estimate was raised, and a burst came */
        {1, 20, 20, 5, RTT, true, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        learn(0, 12);
        cc_bbr_loss_doubt(&f, rows[i].doubted);
        const struct cc_bbr_verdict v =
            span_in_runs(rows[i].gain, false, rows[i].lost, rows[i].rtt_us, rows[i].runs, rows[i].gap);
        cr_assert_eq(v.congested, rows[i].congested, "row %zu", i);
    }
}

/* Half a policer's share of the loss is still there when the next span begins; one burst after the other is not. */
/* Of Startup, whose round trips show that somebody was late. */
static bool startup_span_is_congested(unsigned packets, unsigned lost)
{
    const duet_time sent_at = now;

    cc_bbr_loss_span(&f, 2.77, true, false, now);
    cc_bbr_loss_sent(&f, packets * PACKET, packets * PACKET);
    now = time_add(now, 2 * RTT);
    cc_bbr_loss_span(&f, 2.77, true, false, now);
    cc_bbr_loss_sent(&f, PACKET, PACKET);
    rtt_sample(&l.rtt, 2 * RTT, 0, now);
    struct loss_summary s = {
        .acked_bytes = (packets - lost) * PACKET, .largest_acked_sent_at = sent_at, .rtt_sampled = true};
    cc_bbr_loss_update(&f, &l, &s, PACKET, now);
    s = (struct loss_summary){.lost_bytes = lost * PACKET, .largest_lost_sent_at = sent_at, .lost_runs = lost};
    return cc_bbr_loss_update(&f, &l, &s, PACKET, now).congested;
}

/* As rows: what was sent before, all of which arrived; and what is judged. */
Test(cc_bbr_loss, a_dozen_packets_do_not_end_startup)
{
    static const struct {
        unsigned before, packets, lost;
        bool congested;
    } rows[] = {
        {10, 12, 5, false}, /* a radio's, as likely as not */
        {10, 40, 16, false},
        {10, 40, 30, true},  /* no radio loses so much */
        {100, 40, 16, true}, /* enough to know that there was no floor */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        startup_span_is_congested(rows[i].before, 0);
        f.floor_packets = rows[i].before;
        cr_assert_eq(startup_span_is_congested(rows[i].packets, rows[i].lost), rows[i].congested, "row %zu", i);
    }
}

Test(cc_bbr_loss, bursts_far_apart_do_not_add_up)
{
    learn(0, 12);
    for (int i = 0; i < 20; i++)
        cr_assert_not(span_in_runs(1, false, 50, RTT, 1, APART).congested, "burst %d", i);
}

Test(cc_bbr_loss, a_guard_between_bursts_refutes_no_floor)
{
    for (int i = 0; i < 12; i++)
        span_in_runs(1, false, i % 3 != 0 ? 30 : 0, RTT, 1, APART);
    cr_assert_gt(f.floor, .1);
    cr_assert_not(span_in_runs(.75, true, 0, RTT, 0, 0).floor_refuted, "one span without a burst proves nothing");
    cr_assert_gt(f.floor, .1);
}

Test(cc_bbr_loss, what_a_guard_found_at_another_rate_is_soon_forgotten)
{
    learn(20, 12);
    cr_assert(span(.75, true, 20, RTT).floor_held);
    unsigned guards = 0;
    while (guards < 8 && !span(.75, true, 0, RTT).floor_refuted)
        guards++;
    cr_assert_leq(guards, 3);
}

Test(cc_bbr_loss, a_guard_of_few_packets_proves_nothing)
{
    learn(20, 12);
    span_packets = 40;
    const struct cc_bbr_verdict v = span(.75, true, 0, RTT);
    cr_assert(!v.floor_refuted && !v.floor_held);
    cr_assert(span(.75, true, 0, RTT).floor_refuted, "two of them do");
}

/* Guards without a loss that it takes to refute a floor, after so many of that length that have held it. */
static unsigned guards_to_refute(unsigned packets, unsigned held)
{
    unsigned guards = 1;

    setup();
    learn(20, 12);
    span_packets = packets;
    while (held-- > 0)
        span(.75, true, packets / 5, RTT);
    while (guards < 20 && !span(.75, true, 0, RTT).floor_refuted)
        guards++;
    return guards;
}

/* The rate may have been another; and a path changes. */
Test(cc_bbr_loss, old_guards_count_less_by_number_and_by_length)
{
    cr_assert_eq(guards_to_refute(50, 1), 2);
    cr_assert_leq(guards_to_refute(50, 8), 3, "%u short ones", guards_to_refute(50, 8));
    cr_assert_leq(guards_to_refute(300, 4), 2, "%u long ones", guards_to_refute(300, 4));
}

Test(cc_bbr_loss, a_span_is_long_enough_to_tell_something)
{
    cc_bbr_loss_span(&f, 1, false, false, now);
    cc_bbr_loss_sent(&f, 63 * PACKET, PACKET);
    cr_assert_not(cc_bbr_loss_full(&f, PACKET, now));
    cr_assert(cc_bbr_loss_full(&f, PACKET, time_add(now, 25000)), "a slow path's span ends by the clock");
    cc_bbr_loss_sent(&f, PACKET, PACKET);
    cr_assert(cc_bbr_loss_full(&f, PACKET, now));
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
