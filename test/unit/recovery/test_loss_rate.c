/* loss: the delivery-rate samples, draft-cheng-iccrg-delivery-rate-estimation. */
#include "unit.h"

#include "recovery/loss.h"

#define RTT 50000
#define BYTES 1000

static struct loss l;
static struct loss_summary s;

static void setup(void)
{
    loss_init(&l);
}

static void teardown(void)
{
    loss_dispose(&l);
}

TestSuite(loss_rate, .init = setup, .fini = teardown);

static void send_at(uint64_t n, uint64_t at_us)
{
    cr_assert_not_null(loss_sent(&l, n, BYTES, true, false, DUET_TIME(at_us)));
}

static void ack_at(uint64_t start, uint64_t end, uint64_t at_us)
{
    struct frame_ack a = {.largest = end - 1, .range_count = 1, .ranges = {{.start = start, .end = end}}};
    bool spurious;

    cr_assert_eq(loss_ack(&l, &a, DUET_TIME(at_us), &s), 0);
    while (loss_take_acked(&l, &spurious))
        ;
    while (loss_take_lost(&l))
        ;
}

Test(loss_rate, one_packet_delivers_itself_in_a_round_trip)
{
    send_at(0, 1000);
    ack_at(0, 1, 1000 + RTT);
    cr_assert_eq(s.rate_delivered, BYTES);
    cr_assert_eq(s.rate_prior_delivered, 0);
    cr_assert_eq(s.rate_bytes_per_s, BYTES * US_PER_S / RTT);
    cr_assert_eq(s.rate_in_flight, BYTES);
    cr_assert_eq(s.largest_acked_sent_at.us, 1000);
    cr_assert(!s.rate_app_limited);
}

/*
 * A window of 100 over a bottleneck of one packet per ms (1 MB/s): once the first burst and what
 * it clocked out are through, every sample is the bottleneck's rate, though the window is twice what the path holds.
 */
Test(loss_rate, a_full_path_shows_the_bottleneck)
{
    uint64_t next = 0;

    for (; next < 100; next++)
        send_at(next, 0);
    for (uint64_t n = 0; n < 2000; n++) {
        uint64_t now = RTT + n * 1000;
        ack_at(0, n + 1, now);
        send_at(next++, now);
        cr_assert_leq(s.rate_bytes_per_s, 1020000, "packet %lu: %lu", n, s.rate_bytes_per_s);
        if (n >= 200) {
            cr_assert_geq(s.rate_bytes_per_s, 999000, "packet %lu: %lu", n, s.rate_bytes_per_s);
            cr_assert_leq(s.rate_bytes_per_s, 1001000, "packet %lu: %lu", n, s.rate_bytes_per_s);
            cr_assert_eq(s.rate_in_flight, 100 * BYTES);
        }
    }
}

/*
 * One packet per ms leaves and is acknowledged 50 ms later, but the ACKs of 40 ms come in one instant, and in
 * the middle of them a packet leaves: its acknowledging interval begins 40 ms too late.  The sending one rules.
 */
Test(loss_rate, compressed_acks_do_not_inflate_the_rate)
{
    for (uint64_t ms = 0; ms < 300; ms++) {
        uint64_t now = ms * 1000;
        if (ms == 140)
            ack_at(0, 52, now);
        send_at(ms, now);
        if (ms < 50 || (ms > 100 && ms < 140))
            continue;
        ack_at(0, ms - 49, now);
        cr_assert_gt(s.rate_bytes_per_s, 0);
        cr_assert_leq(s.rate_bytes_per_s, 1050000, "at %lu ms: %lu", ms, s.rate_bytes_per_s);
    }
}

/* Two sparse packets, then 100 at once; the ACKs come slowly: the acknowledging interval rules. */
Test(loss_rate, a_burst_of_ours_does_not_inflate_the_rate)
{
    uint64_t next = 0;

    for (; next < 100; next++)
        send_at(next, 0);
    ack_at(0, 100, RTT);
    for (; next < 200; next++)
        send_at(next, RTT + 1000);
    for (uint64_t n = 100; n < 200; n++) {
        ack_at(0, n + 1, 2 * RTT + 1000 + (n - 100) * 2000);
        cr_assert_leq(s.rate_bytes_per_s, 500000, "packet %lu: %lu", n, s.rate_bytes_per_s);
    }
    cr_assert_geq(s.rate_bytes_per_s, 390000, "%lu", s.rate_bytes_per_s);
}

Test(loss_rate, idle_time_does_not_dilute_the_rate)
{
    send_at(0, 0);
    ack_at(0, 1, RTT);
    send_at(1, 10 * US_PER_S);
    send_at(2, 10 * US_PER_S);
    ack_at(1, 3, 10 * US_PER_S + RTT);
    cr_assert_eq(s.rate_delivered, 2 * BYTES);
    cr_assert_eq(s.rate_bytes_per_s, 2 * BYTES * US_PER_S / RTT);
}

Test(loss_rate, the_newest_packet_gives_the_sample)
{
    send_at(0, 0);
    send_at(1, 10000);
    ack_at(0, 1, RTT);
    send_at(2, RTT);
    ack_at(1, 3, 2 * RTT); /* of 1 and 2, 2 knows that 0 was delivered */
    cr_assert_eq(s.rate_prior_delivered, BYTES);
    cr_assert_eq(s.rate_delivered, 2 * BYTES);
    cr_assert_eq(s.largest_acked_sent_at.us, RTT);
    cr_assert_eq(s.rate_bytes_per_s, 2 * BYTES * US_PER_S / RTT);
}

Test(loss_rate, app_limited_samples_are_marked_until_the_bubble_is_through)
{
    send_at(0, 0);
    send_at(1, 0);
    loss_app_limited(&l);
    send_at(2, 1000);
    ack_at(0, 1, RTT);
    cr_assert(!s.rate_app_limited, "0 left before");
    send_at(3, RTT);
    ack_at(1, 3, RTT + 2000);
    cr_assert(s.rate_app_limited);
    send_at(4, RTT + 2000); /* 3000 bytes are through, the mark was at 2000 */
    ack_at(3, 4, 2 * RTT);
    cr_assert(s.rate_app_limited, "3 left before the mark was passed");
    ack_at(4, 5, 2 * RTT + 2000);
    cr_assert(!s.rate_app_limited);
}

Test(loss_rate, app_limited_with_nothing_in_flight_marks_the_next)
{
    loss_app_limited(&l);
    send_at(0, 0);
    ack_at(0, 1, RTT);
    cr_assert(s.rate_app_limited);
    send_at(1, RTT);
    ack_at(1, 2, 2 * RTT);
    cr_assert(!s.rate_app_limited);
}

Test(loss_rate, losses_of_the_span_are_counted)
{
    for (uint64_t n = 0; n < 10; n++)
        send_at(n, 0);
    ack_at(0, 1, RTT);
    for (uint64_t n = 10; n < 20; n++)
        send_at(n, RTT);
    ack_at(10, 20, 2 * RTT); /* 1..9 are lost by it */
    cr_assert_eq(s.lost_bytes, 9 * BYTES);
    cr_assert_eq(s.rate_lost, 9 * BYTES);
    cr_assert_eq(s.rate_delivered, 10 * BYTES);
    send_at(20, 2 * RTT);
    ack_at(20, 21, 3 * RTT);
    cr_assert_eq(s.rate_lost, 0, "they were lost before 20 left");
}

Test(loss_rate, what_was_thought_lost_is_delivered_all_the_same)
{
    for (uint64_t n = 0; n < 4; n++)
        send_at(n, 0);
    ack_at(3, 4, RTT);
    struct loss_summary t;
    loss_timer(&l, loss_deadline(&l), &t);
    cr_assert_eq(t.lost_bytes, 3 * BYTES);
    ack_at(0, 4, RTT + RTT / 2);
    cr_assert_eq(l.delivered_bytes, 4 * BYTES);
}

Test(loss_rate, a_clock_that_stands_still_gives_no_rate)
{
    send_at(0, 5);
    ack_at(0, 1, 5);
    cr_assert_eq(s.rate_delivered, BYTES);
    cr_assert_eq(s.rate_bytes_per_s, 0);
}

Test(loss_rate, packets_that_count_nothing_give_no_sample)
{
    cr_assert_not_null(loss_sent(&l, 0, BYTES, false, false, DUET_TIME(0)));
    ack_at(0, 1, RTT);
    cr_assert_eq(s.rate_delivered, 0);
    cr_assert_eq(s.rate_bytes_per_s, 0);
    cr_assert(!s.rtt_sampled, "an ACK of an ACK may be held for long");
}
