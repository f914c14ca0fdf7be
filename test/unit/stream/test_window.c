/* The window as rows of (time, consumed, round trip) and what it comes to. */
#include "unit.h"

#include "stream/recvstate.h"
#include "stream/window.h"

#define MAX_BYTES (48 * 1024 * 1024)
#define MIB UINT64_C(1048576)

static struct window w;

static void start(void)
{
    window_init(&w, WINDOW_INITIAL_BYTES, MAX_BYTES);
}

TestSuite(window, .init = start);

/* `rate` bytes a second in pieces of `piece` for so long. */
static void consume(uint64_t piece, uint64_t rate, uint64_t rtt_us, uint64_t for_us)
{
    static uint64_t now_us;
    const uint64_t step_us = piece * US_PER_S / rate;
    window_consumed(&w, 0, rtt_us, DUET_TIME(now_us)); /* nothing for so long: a fresh start */
    for (uint64_t end = now_us + for_us; now_us < end;) {
        now_us += step_us;
        window_consumed(&w, piece, rtt_us, DUET_TIME(now_us));
    }
    now_us += 100 * US_PER_S;
}

Test(window, comes_to_rest_at_four_to_eight_times_what_a_round_trip_consumes)
{
    static const struct {
        uint64_t piece, rate, rtt_us, expected;
    } rows[] = {
        {1432, 125000, 50000, 2 * MIB},                   /* 1 Mbit/s: 6 KB */
        {1432, 12500000, 40000, 2 * MIB},                 /* 100 Mbit/s, 500 KB: just not more than a quarter */
        {1432, 12500000, 50000, 4 * MIB},                 /* 625 KB */
        {1432, 12500000, 300000, 16 * MIB},               /* 3.75 MB */
        {1432, 125000000, 100000, 48 * MIB},              /* 12.5 MB */
        {1432, 125000000, 300000, 48 * MIB},              /* 37.5 MB */
        {256 * 1024, 10000000, 100000, 4 * MIB},          /* a disk of 10 MB/s, by whole chunks */
        {256 * 1024, 10000000, 1000, 2 * MIB},            /* … next door */
        {256 * 1024, UINT64_C(1375000000), 100, 8 * MIB}, /* 11 Gbit/s on a local path: a round counts as 1 ms */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        window_init(&w, WINDOW_INITIAL_BYTES, MAX_BYTES);
        consume(rows[i].piece, rows[i].rate, rows[i].rtt_us, 5 * US_PER_S);
        cr_expect_eq(w.bytes, rows[i].expected, "row %zu: %lu", i, (unsigned long)w.bytes);
    }
}

Test(window, leads_a_sender_that_triples_its_rate_each_round_trip)
{
    const uint64_t rtt_us = 100000, pieces = 20;
    uint64_t now_us = US_PER_S, flight = 64 * 1024;
    window_consumed(&w, 0, rtt_us, DUET_TIME(now_us));
    for (int round = 0; round < 6; round++, flight *= 3) {
        cr_assert_leq(flight, w.bytes, "round %d", round);
        for (uint64_t i = 0; i < pieces; i++) {
            now_us += rtt_us / pieces;
            window_consumed(&w, flight / pieces, rtt_us, DUET_TIME(now_us));
        }
    }
}

/* The net thread was away: what the disk wrote meanwhile is told in one go. */
Test(window, what_comes_in_one_go_was_consumed_over_the_time_before)
{
    window_consumed(&w, 0, 100, DUET_TIME(US_PER_S));
    for (uint64_t i = 0; i < 1000; i++)
        window_consumed(&w, 1000, 100, DUET_TIME(US_PER_S + i));
    cr_assert_eq(w.bytes, WINDOW_INITIAL_BYTES, "a sample is not shorter than WINDOW_SAMPLE_MIN_US");
    cr_assert(window_consumed(&w, 2000000, 100, DUET_TIME(US_PER_S + WINDOW_SAMPLE_MIN_US)));
    cr_assert_eq(w.bytes, 2 * WINDOW_INITIAL_BYTES, "3 MB in 5 ms are 600 KB in 1 ms");
}

Test(window, an_application_that_pauses_is_not_taken_for_a_fast_one)
{
    for (uint64_t i = 1; i < 100; i++)
        cr_assert_not(window_consumed(&w, WINDOW_INITIAL_BYTES, 50000, DUET_TIME(i * US_PER_S)));
}

Test(window, never_passes_its_maximum)
{
    static const uint64_t max[] = {65536, WINDOW_INITIAL_BYTES, 3 * MIB};
    for (size_t i = 0; i < sizeof max / sizeof *max; i++) {
        window_init(&w, WINDOW_INITIAL_BYTES, max[i]);
        cr_assert_leq(w.bytes, max[i]);
        consume(65536, 1000000000, 100000, US_PER_S);
        cr_assert_eq(w.bytes, max[i]);
        cr_assert_not(window_consumed(&w, MAX_BYTES, 100000, DUET_TIME(UINT64_MAX - 1)));
    }
}

Test(window, extremes_of_time_and_bytes_do_no_harm)
{
    window_consumed(&w, MAX_BYTES, 5 * US_PER_S, DUET_TIME(0));
    window_consumed(&w, MAX_BYTES, 0, DUET_TIME(0));
    window_consumed(&w, MAX_BYTES, UINT64_C(5) * US_PER_S, DUET_TIME(UINT64_MAX - 1));
    cr_assert(w.bytes >= WINDOW_INITIAL_BYTES && w.bytes <= MAX_BYTES);
}

Test(window, a_stream_has_the_window_or_its_cap_and_is_told_by_sixteenths)
{
    static const struct {
        uint64_t max, cap, window, step;
    } rows[] = {
        {MAX_BYTES, UINT64_MAX, 2 * MIB, 2 * MIB / RECV_GRANT_SHARE},
        {MAX_BYTES, 2 * MIB + 1, 2 * MIB, 2 * MIB / RECV_GRANT_SHARE},
        {MAX_BYTES, MIB, MIB, MIB / RECV_GRANT_SHARE},
        {MAX_BYTES, 1600, 1600, 100},
        {MIB, UINT64_MAX, MIB, MIB / RECV_GRANT_SHARE},
        {65536, UINT64_MAX, 65536, 4096},
        {MAX_BYTES, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        window_init(&w, WINDOW_INITIAL_BYTES, rows[i].max);
        cr_expect_eq(window_capped(&w, rows[i].cap), rows[i].window, "row %zu", i);
        cr_expect_eq(window_step(&w, rows[i].cap), rows[i].step, "row %zu", i);
    }
}
