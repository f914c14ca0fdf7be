/* cc_bbr_path: what samples of the delivery rate make of the bandwidth, round by round. */
#include "unit.h"

#include "base/num.h"
#include "recovery/cc_bbr.h"

#define PACKET 1400u
#define FLOOR 0.0

static struct cc_bbr_path path;
static struct loss loss;
static duet_time now;

static void set_up(void)
{
    now = DUET_TIME(1000000);
    loss = (struct loss){.delivered_at = now};
    cc_bbr_path_init(&path, now);
}

TestSuite(cc_bbr_path, .init = set_up);

/* A round trip in which `packets` were delivered at once, by an acknowledgement of the first packet sent in it. */
static void round_trip(uint64_t rtt_us, unsigned packets, bool steady)
{
    const uint64_t before = loss.delivered_bytes, bytes = (uint64_t)packets * PACKET;

    now = time_add(now, rtt_us);
    loss.delivered_bytes += bytes;
    loss.delivered_at = now;
    loss.rtt.min_us = loss.rtt.min_us == 0 ? rtt_us : num_min(loss.rtt.min_us, rtt_us);
    const struct loss_summary s = {
        .acked_bytes = bytes,
        .rate_bytes_per_s = bytes * US_PER_S / rtt_us,
        .rate_delivered = bytes,
        .rate_prior_delivered = before,
        .rate_in_flight = bytes,
    };
    cr_assert(cc_bbr_path_update(&path, &loss, &s, FLOOR, steady, UINT64_MAX, PACKET, now));
}

/* The mean of twelve packets a round trip, but eight come in one and sixteen in the next. */
static void uneven_rounds(unsigned rounds, uint64_t rtt_us, bool steady)
{
    for (unsigned i = 0; i < rounds; i++)
        round_trip(rtt_us, i % 2 == 0 ? 8 : 16, steady);
}

static double in_packets_a_round(uint64_t rtt_us)
{
    return (double)cc_bbr_path_bw(&path) * (double)rtt_us / (double)US_PER_S / PACKET;
}

/* Forgets what was measured up to now. */
static void end_both_cycles(uint64_t rtt_us, unsigned packets)
{
    for (int i = 0; i < 2; i++) {
        path.cycle_ends = true;
        round_trip(rtt_us, packets, true);
    }
}

Test(cc_bbr_path, on_a_short_path_a_sample_spans_several_round_trips)
{
    uneven_rounds(8, 1000, true);
    end_both_cycles(1000, 12);
    uneven_rounds(30, 1000, true);
    cr_assert_float_eq(in_packets_a_round(1000), 12, 0.1, "%.2f", in_packets_a_round(1000));
}

Test(cc_bbr_path, on_a_longer_one_it_is_one_round_trip)
{
    uneven_rounds(8, 5000, true);
    cr_assert_float_eq(in_packets_a_round(5000), 16, 0.1, "%.2f", in_packets_a_round(5000));
}

Test(cc_bbr_path, while_the_window_opens_every_round_counts_by_itself)
{
    for (unsigned packets = 10; packets <= 320; packets *= 2)
        round_trip(1000, packets, false);
    cr_assert_float_eq(in_packets_a_round(1000), 320, 0.1, "%.2f", in_packets_a_round(1000));
}

Test(cc_bbr_path, a_path_shorter_than_all_marks_reach_is_measured_over_all_of_them)
{
    uneven_rounds(2 * CC_BBR_MARKS, 100, true);
    end_both_cycles(100, 12);
    uneven_rounds(2 * CC_BBR_MARKS, 100, true);
    cr_assert_float_eq(in_packets_a_round(100), 12, 0.3, "%.2f", in_packets_a_round(100));
}

Test(cc_bbr_path, silence_of_our_own_is_no_part_of_a_sample)
{
    uneven_rounds(8, 1000, true);
    end_both_cycles(1000, 12);
    now = time_add(now, US_PER_S);
    cc_bbr_path_restart(&path, US_PER_S, now);
    path.bw[0] = path.bw[1] = 0;
    round_trip(1000, 12, true);
    round_trip(1000, 12, true);
    cr_assert_float_eq(in_packets_a_round(1000), 12, 0.1, "%.2f", in_packets_a_round(1000));
}

/* Where a packet takes longer to be due than to come back each is a round trip of its own, and
 * every other one says that the path carries twice what it does. */
Test(cc_bbr_path, where_the_pace_is_slower_than_the_path_is_short_a_sample_spans_many_packets)
{
    for (int i = 0; i < 200; i++) {
        if (i == 60)
            path.bw[0] = path.bw[1] = 0; /* the first ones had few marks */
        round_trip(i % 2 == 0 ? 1000 : 2000, 1, true);
    }
    cr_assert_float_eq((double)cc_bbr_path_bw(&path) * 1500 / 1e6 / PACKET, 1, 0.03, "%.3f packets in 1.5 ms",
                       (double)cc_bbr_path_bw(&path) * 1500 / 1e6 / PACKET);
}

/* As many as it takes to even out a path that is quick and slow by turns, sixteen packets each. */
Test(cc_bbr_path, such_a_sample_is_thirty_two_packets)
{
    for (int i = 0; i < 320; i++) {
        if (i == 96)
            path.bw[0] = path.bw[1] = 0; /* the first ones had few marks */
        round_trip(i / 16 % 2 == 0 ? 1000 : 2000, 1, true);
    }
    cr_assert_float_eq((double)cc_bbr_path_bw(&path) * 1500 / 1e6 / PACKET, 1, 0.1, "%.3f packets in 1.5 ms",
                       (double)cc_bbr_path_bw(&path) * 1500 / 1e6 / PACKET);
}

/* A program that was away for 5 ms finds the ACKs of what the one before sent, all at once: on a path of 0.2 ms a sample
 * as long as that is none of the path. */
Test(cc_bbr_path, on_a_short_path_an_absence_makes_no_sample)
{
    for (int i = 0; i < 200; i++) {
        if (i == 60)
            path.bw[0] = path.bw[1] = 0; /* the first ones had few marks */
        round_trip(200, 1, true);
        round_trip(5000, i % 2 == 0 ? 1 : 11, true);
    }
    const double packets = (double)cc_bbr_path_bw(&path) * 5200 / 1e6 / PACKET;
    cr_assert_float_eq(packets, 7, 0.8, "%.2f packets in 5.2 ms", packets);
}

static void rounds_of_rtts(unsigned rounds, uint64_t least_us, uint64_t spread_us, bool counts)
{
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned k = 0; k < 20; k++)
            cc_bbr_path_rtt(&path, least_us + spread_us * k / 19);
        cc_bbr_path_rtt_round(&path, counts);
    }
}

Test(cc_bbr_path, jitter_is_what_the_usual_round_trip_exceeds_the_least_by)
{
    const struct rtt r = {.min_us = 10000};

    rounds_of_rtts(8, 10000, 8000, true);
    cr_assert_eq(cc_bbr_path_jitter_us(&path, &r), 0, "one stretch of rounds may have met a queue that grew");
    rounds_of_rtts(8, 30000, 8000, true);
    cr_assert_float_eq((double)cc_bbr_path_jitter_us(&path, &r), 4000, 100, "a queue that stands adds nothing");
    rounds_of_rtts(8, 10000, 40000, true);
    cr_assert_float_eq((double)cc_bbr_path_jitter_us(&path, &r), 4000, 100, "one that grew for a stretch neither");
    rounds_of_rtts(8, 10000, 40000, true);
    cr_assert_eq(cc_bbr_path_jitter_us(&path, &r), r.min_us, "never more than the round trip itself");
    rounds_of_rtts(16, 10000, 0, false);
    cr_assert_eq(cc_bbr_path_jitter_us(&path, &r), r.min_us, "what does not count changes nothing");
    rounds_of_rtts(8, 10000, 0, true);
    cr_assert_eq(cc_bbr_path_jitter_us(&path, &r), 0);
}
