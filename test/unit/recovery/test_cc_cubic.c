/* cc_cubic: the curve, its friendliness, its reductions, and when it must not move. */
#include "unit.h"
#include <math.h>

#include "recovery/cc.h"

#define PACKET 1000
#define RTT 100000
#define WINDOW (UINT64_C(1) << 30)

static struct cc c;
static struct loss l;
static uint64_t now_us;

static void setup(void)
{
    now_us = 10 * US_PER_S;
    loss_init(&l);
    rtt_sample(&l.rtt, RTT, 0, DUET_TIME(0));
    cr_assert_eq(cc_init(&c, "cubic", PACKET, WINDOW, DUET_TIME(now_us)), 0);
}

TestSuite(cc_cubic, .init = setup);

/* An ACK of packets sent one round trip ago. */
static void acked(uint64_t bytes, bool limited)
{
    struct loss_summary s = {.acked_bytes = bytes, .largest_acked_sent_at = DUET_TIME(now_us - RTT)};

    l.delivered_bytes += bytes;
    c.ops->update(&c, &l, &s, limited ? CC_WAS_LIMITED : CC_UNLIMITED, DUET_TIME(now_us));
}

static void lost(uint64_t bytes, uint64_t sent_at_us)
{
    struct loss_summary s = {.lost_bytes = bytes, .largest_lost_sent_at = DUET_TIME(sent_at_us)};

    c.ops->update(&c, &l, &s, CC_WAS_LIMITED, DUET_TIME(now_us));
}

static void spurious(uint64_t bytes)
{
    struct loss_summary s = {.spurious_bytes = bytes};

    c.ops->update(&c, &l, &s, CC_WAS_LIMITED, DUET_TIME(now_us));
}

/* A window's worth over one round trip in so many ACKs. */
static void round_trip_in(uint64_t acks, bool limited)
{
    uint64_t window = c.cwnd_bytes;

    for (uint64_t i = 0; i < acks; i++) {
        now_us += RTT / acks;
        acked(window / acks, limited);
    }
}

static void round_trip(bool limited)
{
    round_trip_in(20, limited);
}

/* In congestion avoidance with a maximum of `packets`, reduced just now, recovery over. */
static void reduced_from(uint64_t packets)
{
    c.cwnd_bytes = packets * PACKET;
    lost(PACKET, now_us);
    cr_assert_eq(c.cwnd_bytes, packets * PACKET * 7 / 10);
    now_us += RTT + 1;
}

Test(cc_cubic, slow_start_doubles_each_round)
{
    uint64_t before = c.cwnd_bytes;

    round_trip(true);
    cr_assert_eq(c.cwnd_bytes, 2 * before);
    cr_assert_eq(c.pacing_bytes_per_s, 2 * c.cwnd_bytes * 10, "twice the window per RTT of 100 ms");
    round_trip(true);
    cr_assert_eq(c.cwnd_bytes, 4 * before);
}

Test(cc_cubic, follows_the_curve_of_the_rfc)
{
    reduced_from(1000);
    acked(PACKET, true);
    uint64_t epoch = now_us;
    double k = cbrt(300 / 0.4);

    cr_assert_float_eq(c.cubic.curve.k_s, k, 0.001);
    for (int i = 0; i < 180; i++) {
        round_trip(true);
        double t = (double)(now_us - epoch) / 1e6;
        double want = 0.4 * pow(t - k, 3) + 1000;
        double got = (double)c.cwnd_bytes / PACKET;
        if (i >= 10) /* the window of the reduction takes a few round trips to reach the curve */
            cr_assert_float_eq(got, want, 2.5, "t %.1f: %.1f, not %.1f", t, got, want);
    }
    cr_assert_gt(c.cwnd_bytes, 1200 * PACKET, "past the old maximum by then");
    cr_assert_float_eq((double)c.pacing_bytes_per_s, 1.25 * (double)c.cwnd_bytes * 10, 10.0);
}

Test(cc_cubic, growth_is_not_lost_in_small_acks)
{
    uint64_t cwnd[2];

    for (unsigned i = 0; i < 2; i++) {
        setup();
        reduced_from(1000);
        for (int r = 0; r < 120; r++)
            round_trip_in(i == 0 ? 10 : 1000, true);
        cwnd[i] = c.cwnd_bytes;
    }
    cr_assert_float_eq((double)cwnd[1], (double)cwnd[0], PACKET, "%lu, %lu", cwnd[0], cwnd[1]);
}

Test(cc_cubic, is_as_fast_as_reno_where_the_curve_is_flat)
{
    /* 20 packets at 10 ms: K is 2.5 s; Reno adds 0.53 packets per round trip, until the old window, then 1. */
    loss_init(&l);
    rtt_sample(&l.rtt, 10000, 0, DUET_TIME(0));
    reduced_from(20);
    for (int i = 0; i < 10; i++) {
        for (int part = 0; part < 10; part++) {
            now_us += 1000;
            acked(c.cwnd_bytes / 10, true);
        }
    }
    double got = (double)c.cwnd_bytes / PACKET;
    cr_assert_float_eq(got, 14 + 10 * 0.529, 0.5, "%.2f", got);
    for (int i = 0; i < 100; i++) {
        now_us += 1000;
        acked(c.cwnd_bytes / 10, true);
    }
    got = (double)c.cwnd_bytes / PACKET;
    cr_assert_float_eq(got, 14 + 11.3 * 0.529 + 8.7, 0.7, "%.2f", got);
}

Test(cc_cubic, one_reduction_per_round_trip)
{
    uint64_t sent = now_us;

    c.cwnd_bytes = 100 * PACKET;
    now_us += RTT;
    lost(PACKET, sent);
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET);
    uint64_t reduced = now_us;
    now_us += RTT / 2;
    lost(PACKET, reduced);
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET, "sent before the reduction");
    now_us += RTT;
    lost(PACKET, reduced + 1);
    cr_assert_eq(c.cwnd_bytes, 49 * PACKET);
}

Test(cc_cubic, no_growth_during_recovery)
{
    c.cwnd_bytes = 100 * PACKET;
    lost(PACKET, now_us);
    now_us += RTT; /* what is acknowledged now left when the window was reduced */
    acked(10 * PACKET, true);
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET);
    now_us += 1;
    acked(10 * PACKET, true);
    cr_assert_gt(c.cwnd_bytes, 70 * PACKET);
}

Test(cc_cubic, fast_convergence_makes_room)
{
    reduced_from(100);
    cr_assert_float_eq(c.cubic.curve.w_max_bytes, 100.0 * PACKET, 1);
    lost(PACKET, now_us);
    cr_assert_eq(c.cwnd_bytes, 49 * PACKET);
    cr_assert_float_eq(c.cubic.curve.w_max_bytes, 70 * 0.85 * PACKET, 1, "below the last maximum: less still");
}

Test(cc_cubic, the_window_has_a_floor_and_a_ceiling)
{
    for (int i = 0; i < 50; i++) {
        now_us += 2 * RTT;
        lost(PACKET, now_us - 1);
    }
    cr_assert_eq(c.cwnd_bytes, CC_MIN_PACKETS * PACKET);

    cc_init(&c, "cubic", PACKET, 100 * PACKET, DUET_TIME(now_us));
    for (int i = 0; i < 20; i++)
        round_trip(true);
    cr_assert_eq(c.cwnd_bytes, 200 * PACKET);
}

/* The window at its floor on a path of rtt_us, and so many losses more, each of a packet sent after the one before. */
static void lost_at_the_floor(uint64_t rtt_us, int times)
{
    rtt_init(&l.rtt);
    rtt_sample(&l.rtt, rtt_us, 0, DUET_TIME(0));
    cc_init(&c, "cubic", PACKET, WINDOW, DUET_TIME(now_us));
    acked(PACKET, true); /* learns the round trip */
    c.cwnd_bytes = CC_MIN_PACKETS * PACKET;
    for (int i = 0; i < times; i++) {
        now_us += 20000;
        lost(PACKET, now_us);
    }
}

static double packets_a_round_trip(void)
{
    return (double)c.pacing_bytes_per_s * (double)l.rtt.srtt_us / (double)US_PER_S / PACKET;
}

Test(cc_cubic, on_a_short_path_losses_end_at_no_two_packets_a_round_trip)
{
    lost_at_the_floor(200, 1);
    cr_assert_lt(packets_a_round_trip(), 2);
    lost_at_the_floor(200, 8);
    cr_assert_lt(packets_a_round_trip(), 0.25, "%g", packets_a_round_trip());
    cr_assert_geq(c.cwnd_bytes, CC_MIN_PACKETS * PACKET);
    lost_at_the_floor(RTT, 8);
    cr_assert_float_eq(packets_a_round_trip(), 1.25 * CC_MIN_PACKETS, 0.01, "a long one has time enough as it is");
}

Test(cc_cubic, a_longer_round_is_reduced_once_too)
{
    lost_at_the_floor(200, 8);
    const double before = packets_a_round_trip();
    now_us += 20000;
    for (int i = 0; i < 10; i++, now_us += 500)
        lost(PACKET, now_us);
    cr_assert_geq(packets_a_round_trip(), 0.69 * before, "%g of %g", packets_a_round_trip(), before);
}

Test(cc_cubic, a_longer_round_grows_with_the_pace_until_it_is_a_round_trip_again)
{
    lost_at_the_floor(200, 8);
    for (int i = 0; i < 20000 && c.cubic.round_us > 0; i++) {
        now_us += 10000;
        struct loss_summary s = {.acked_bytes = c.cwnd_bytes, .largest_acked_sent_at = DUET_TIME(now_us - 200)};
        c.ops->update(&c, &l, &s, CC_UNLIMITED, DUET_TIME(now_us));
    }
    cr_assert_eq(c.cubic.round_us, 0);
    cr_assert_gt(packets_a_round_trip(), 2);
}

Test(cc_cubic, a_mistake_takes_the_longer_round_back)
{
    lost_at_the_floor(200, 0);
    const uint64_t rate = c.pacing_bytes_per_s;
    lost(PACKET, now_us);
    cr_assert_gt(c.cubic.round_us, 0);
    spurious(PACKET);
    cr_assert_eq(c.cubic.round_us, 0);
    cr_assert_leq(c.pacing_bytes_per_s, rate);
    cr_assert_eq(c.cwnd_bytes, CC_MIN_PACKETS * PACKET);
}

Test(cc_cubic, an_idle_application_does_not_grow_the_window)
{
    uint64_t before = c.cwnd_bytes;

    for (int i = 0; i < 10; i++)
        round_trip(false);
    cr_assert_eq(c.cwnd_bytes, before, "in slow start");

    reduced_from(1000);
    round_trip(true);
    before = c.cwnd_bytes;
    for (int i = 0; i < 100; i++)
        round_trip(false);
    cr_assert_eq(c.cwnd_bytes, before, "in avoidance");
    round_trip(true);
    cr_assert_leq(c.cwnd_bytes, before + before / 20, "nor does the curve run on meanwhile");
}

Test(cc_cubic, silence_does_not_advance_the_curve)
{
    reduced_from(1000);
    round_trip(true);
    uint64_t before = c.cwnd_bytes;

    now_us += 60 * US_PER_S;
    c.ops->sent(&c, PACKET, PACKET, DUET_TIME(now_us));
    now_us += RTT;
    acked(PACKET, true);
    cr_assert_leq(c.cwnd_bytes, before + PACKET);
    round_trip(true);
    cr_assert_leq(c.cwnd_bytes, before + before / 20);
}

Test(cc_cubic, undoes_a_reduction_that_was_a_mistake)
{
    reduced_from(1000);
    round_trip(true);
    round_trip(true);
    struct cc_cubic_curve curve = c.cubic.curve;
    uint64_t cwnd = c.cwnd_bytes, since = now_us;

    lost(3 * PACKET, now_us);
    cr_assert_lt(c.cwnd_bytes, cwnd);
    now_us += RTT / 2;
    lost(2 * PACKET, since); /* of the same window */
    spurious(4 * PACKET);
    cr_assert_lt(c.cwnd_bytes, cwnd, "one is still lost");
    spurious(PACKET);
    cr_assert_eq(c.cwnd_bytes, cwnd);
    cr_assert_eq(c.cubic.curve.ssthresh_bytes, curve.ssthresh_bytes);
    cr_assert_eq(c.cubic.curve.epoch_start.us, curve.epoch_start.us);
    cr_assert_float_eq(c.cubic.curve.w_max_bytes, curve.w_max_bytes, 0.5);
    round_trip(true);
    cr_assert_gt(c.cwnd_bytes, cwnd, "and it grows on at once");
    cwnd = c.cwnd_bytes;
    spurious(PACKET);
    cr_assert_eq(c.cwnd_bytes, cwnd, "only once");
}

Test(cc_cubic, undo_goes_back_to_slow_start)
{
    round_trip(true);
    uint64_t cwnd = c.cwnd_bytes;

    lost(PACKET, now_us);
    spurious(PACKET);
    cr_assert_eq(c.cwnd_bytes, cwnd);
    round_trip(true);
    cr_assert_eq(c.cwnd_bytes, 2 * cwnd);
}

Test(cc_cubic, a_mark_reduces_like_a_loss_but_is_never_undone)
{
    c.cwnd_bytes = 100 * PACKET;
    c.ops->marked(&c, DUET_TIME(now_us - 10), DUET_TIME(now_us));
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET);
    c.ops->marked(&c, DUET_TIME(now_us), DUET_TIME(now_us + RTT / 2));
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET, "the same window");
    spurious(PACKET);
    cr_assert_eq(c.cwnd_bytes, 70 * PACKET);
}

Test(cc_cubic, persistent_congestion_starts_over)
{
    struct loss_summary s = {
        .lost_bytes = 10 * PACKET,
        .largest_lost_sent_at = DUET_TIME(now_us),
        .persistent_congestion = true,
    };

    c.cwnd_bytes = 100 * PACKET;
    c.ops->update(&c, &l, &s, CC_WAS_LIMITED, DUET_TIME(now_us));
    cr_assert_eq(c.cwnd_bytes, CC_MIN_PACKETS * PACKET);
    spurious(10 * PACKET);
    cr_assert_eq(c.cwnd_bytes, CC_MIN_PACKETS * PACKET);
    now_us += RTT;
    round_trip(true);
    cr_assert_eq(c.cwnd_bytes, 2 * CC_MIN_PACKETS * PACKET, "by slow start");
    for (int i = 0; i < 6; i++)
        round_trip(true);
    cr_assert_geq(c.cwnd_bytes, 70 * PACKET);
    cr_assert_leq(c.cwnd_bytes, 80 * PACKET, "up to the threshold");
    cr_assert_float_eq(c.cubic.curve.k_s, 0, 1e-9, "and a curve that begins there");
}

/* ---- HyStart++ ---- */

/* A round of slow start in `samples` ACKs, each with this RTT. */
static void sampled_round(uint64_t rtt_us, unsigned samples)
{
    uint64_t window = c.cwnd_bytes, left_at = l.delivered_bytes;

    for (unsigned i = 0; i < samples; i++) {
        struct loss_summary s = {
            .acked_bytes = window / samples,
            .rtt_sampled = true,
            .largest_acked_sent_at = DUET_TIME(now_us),
            .rate_delivered = window,
            .rate_prior_delivered = left_at,
        };
        now_us += RTT / samples;
        l.delivered_bytes += s.acked_bytes;
        l.rtt.latest_us = rtt_us;
        c.ops->update(&c, &l, &s, CC_WAS_LIMITED, DUET_TIME(now_us));
    }
}

Test(cc_cubic, hystart_leaves_slow_start_when_the_round_trip_rises)
{
    c.cwnd_bytes = 64 * PACKET;
    sampled_round(100000, 16);
    sampled_round(112000, 16);
    cr_assert(!c.cubic.hystart.in_css, "an eighth is 12.5 ms");
    cr_assert_eq(c.cwnd_bytes, 256 * PACKET);
    sampled_round(126000, 16);
    cr_assert(c.cubic.hystart.in_css);
    uint64_t cwnd = c.cwnd_bytes;
    sampled_round(127000, 16);
    cr_assert_float_eq((double)c.cwnd_bytes, 1.25 * (double)cwnd, PACKET, "a quarter of the growth");
    for (int i = 0; i < 3; i++)
        sampled_round(130000, 16);
    cr_assert_eq(c.cubic.curve.ssthresh_bytes, UINT64_MAX);
    sampled_round(130000, 16);
    cr_assert_lt(c.cubic.curve.ssthresh_bytes, UINT64_MAX, "five rounds of it end slow start, the first in part");
    cr_assert_geq(c.cwnd_bytes, c.cubic.curve.ssthresh_bytes);
    cwnd = c.cwnd_bytes;
    round_trip(true);
    cr_assert_leq(c.cwnd_bytes, cwnd + 10 * PACKET, "now by the curve");
}

Test(cc_cubic, hystart_takes_jitter_back)
{
    c.cwnd_bytes = 64 * PACKET;
    sampled_round(100000, 16);
    sampled_round(120000, 16);
    cr_assert(c.cubic.hystart.in_css);
    sampled_round(105000, 16);
    cr_assert(!c.cubic.hystart.in_css);
    uint64_t cwnd = c.cwnd_bytes;
    sampled_round(105000, 16);
    cr_assert_geq(c.cwnd_bytes, 2 * cwnd - 16);
}

Test(cc_cubic, hystart_thresholds_are_bounded)
{
    static const struct {
        uint64_t before_us, after_us;
        unsigned samples;
        bool leaves;
    } rows[] = {
        {.before_us = 1000, .after_us = 4999, .samples = 16, .leaves = false},
        {.before_us = 1000, .after_us = 5000, .samples = 16, .leaves = true},
        {.before_us = 64000, .after_us = 71999, .samples = 16, .leaves = false},
        {.before_us = 64000, .after_us = 72000, .samples = 16, .leaves = true},
        {.before_us = 400000, .after_us = 415999, .samples = 16, .leaves = false},
        {.before_us = 400000, .after_us = 416000, .samples = 16, .leaves = true},
        {.before_us = 100000, .after_us = 200000, .samples = 7, .leaves = false},
        {.before_us = 100000, .after_us = 200000, .samples = 8, .leaves = true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        setup();
        c.cwnd_bytes = 64 * PACKET;
        sampled_round(rows[i].before_us, 16);
        sampled_round(rows[i].after_us, rows[i].samples);
        cr_assert_eq(c.cubic.hystart.in_css, rows[i].leaves, "row %zu", i);
    }
}

Test(cc_cubic, hystart_is_for_the_first_slow_start_only)
{
    c.cwnd_bytes = 1000 * PACKET;
    lost(PACKET, now_us);
    c.cwnd_bytes = 64 * PACKET;
    now_us += 1;
    for (uint64_t i = 0; i < 3; i++)
        sampled_round(100000 + 50000 * i, 16);
    cr_assert(!c.cubic.hystart.in_css);
    cr_assert_eq(c.cwnd_bytes, 64 * 8 * PACKET);
}
