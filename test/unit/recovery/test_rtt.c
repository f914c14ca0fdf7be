/* rtt: RFC 9002 §5.3 worked by hand, and what a hostile or stopped peer may not do to it. */
#include "unit.h"

#include "recovery/rtt.h"

#define MS(n) ((n)*US_PER_MS)

Test(rtt, takes_the_first_sample_as_it_is)
{
    struct rtt r;

    rtt_init(&r);
    cr_assert(!r.sampled);
    cr_assert_eq(r.srtt_us, RTT_INITIAL_US);
    rtt_sample(&r, MS(80), MS(20), DUET_TIME(0));
    cr_assert(r.sampled);
    cr_assert_eq(r.latest_us, MS(80));
    cr_assert_eq(r.srtt_us, MS(80));
    cr_assert_eq(r.rttvar_us, MS(40));
    cr_assert_eq(r.min_us, MS(80));
}

Test(rtt, follows_the_rfc_with_ack_delay)
{
    static const struct {
        uint64_t sample_us, delay_us, srtt_us, rttvar_us;
    } rows[] = {
        {.sample_us = 100000, .delay_us = 0, .srtt_us = 100000, .rttvar_us = 50000},
        /* 120 less 10 of delay is 110: off by 10. */
        {.sample_us = 120000, .delay_us = 10000, .srtt_us = 101250, .rttvar_us = 40000},
        /* 104 less 10 would fall below the minimum of 100: not adjusted. */
        {.sample_us = 104000, .delay_us = 10000, .srtt_us = 101593, .rttvar_us = 30687},
        /* a delay claimed beyond the bound counts as the bound of 25. */
        {.sample_us = 200000, .delay_us = 9000000, .srtt_us = 110768, .rttvar_us = 41367},
    };
    struct rtt r;

    rtt_init(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rtt_sample(&r, rows[i].sample_us, rows[i].delay_us, DUET_TIME(i));
        cr_assert_eq(r.srtt_us, rows[i].srtt_us, "row %zu: srtt %lu", i, r.srtt_us);
        cr_assert_eq(r.rttvar_us, rows[i].rttvar_us, "row %zu: rttvar %lu", i, r.rttvar_us);
    }
}

Test(rtt, minimum_ignores_ack_delay_and_forgets_after_a_window)
{
    struct rtt r;

    rtt_init(&r);
    rtt_sample(&r, MS(50), 0, DUET_TIME(0));
    rtt_sample(&r, MS(60), MS(25), DUET_TIME(1));
    cr_assert_eq(r.min_us, MS(50));

    /* The path got longer: the turn of the first window still knows 50, the next does not. */
    rtt_sample(&r, MS(90), 0, DUET_TIME(RTT_MIN_WINDOW_US));
    cr_assert_eq(r.min_us, MS(50));
    rtt_sample(&r, MS(95), 0, DUET_TIME(2 * RTT_MIN_WINDOW_US - 1));
    cr_assert_eq(r.min_us, MS(50));
    rtt_sample(&r, MS(200), 0, DUET_TIME(2 * RTT_MIN_WINDOW_US));
    cr_assert_eq(r.min_us, MS(90), "one slow sample at the turn is not the minimum");
    rtt_sample(&r, MS(40), 0, DUET_TIME(2 * RTT_MIN_WINDOW_US + 1));
    cr_assert_eq(r.min_us, MS(40));
}

Test(rtt, bounds_samples)
{
    struct rtt r;

    rtt_init(&r);
    rtt_sample(&r, 0, 0, DUET_TIME(0));
    cr_assert_eq(r.srtt_us, 1, "never 0: it is divided by");
    for (int i = 0; i < 20; i++)
        rtt_sample(&r, 1, 0, DUET_TIME(1));
    cr_assert_eq(r.srtt_us, 1);
    rtt_sample(&r, UINT64_MAX, 0, DUET_TIME(2));
    cr_assert_eq(r.latest_us, RTT_SAMPLE_MAX_US);
}

Test(rtt, pto_has_a_least_variance_term)
{
    struct rtt r;

    rtt_init(&r);
    cr_assert_eq(rtt_pto_us(&r), RTT_INITIAL_US + 4 * (RTT_INITIAL_US / 2) + RTT_ACK_DELAY_US + RTT_LATE_US);
    rtt_sample(&r, MS(10), 0, DUET_TIME(0));
    cr_assert_eq(rtt_pto_us(&r), MS(10) + MS(20) + RTT_ACK_DELAY_US + RTT_LATE_US);
    for (int i = 0; i < 60; i++)
        rtt_sample(&r, MS(10), 0, DUET_TIME(0));
    cr_assert_eq(rtt_pto_us(&r), MS(10) + RTT_GRANULARITY_US + RTT_ACK_DELAY_US + RTT_LATE_US);
    r.ack_delay_us = 200;
    cr_assert_eq(rtt_pto_us(&r), MS(10) + RTT_GRANULARITY_US + 200 + RTT_LATE_US, "what the peer was told");
}

Test(rtt, a_bound_lowers_the_guess_and_the_first_sample_replaces_it)
{
    struct rtt r;
    rtt_init(&r);
    rtt_bound(&r, RTT_INITIAL_US + 1);
    cr_assert_eq(r.srtt_us, RTT_INITIAL_US);
    rtt_bound(&r, 150000);
    cr_assert_eq(r.srtt_us, 150000);
    cr_assert_eq(r.rttvar_us, 75000);
    cr_assert_not(r.sampled);
    rtt_sample(&r, 50000, 0, DUET_TIME(1));
    cr_assert_eq(r.srtt_us, 50000);
    rtt_bound(&r, 10000);
    cr_assert_eq(r.srtt_us, 50000, "what was measured stays");
    cr_assert_eq(r.min_us, 50000);
}

/* A first sample that met a queue of our own: the handshake has shown that the path is shorter. */
Test(rtt, a_bound_is_the_minimum_until_a_sample_is_lower)
{
    static const struct {
        uint64_t bound_us, sample_us, least_us;
    } rows[] = {{480000, 878000, 480000}, {480000, 310000, 310000}, {150000, 310000, 150000}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rtt r;

        rtt_init(&r);
        rtt_bound(&r, rows[i].bound_us);
        rtt_sample(&r, rows[i].sample_us, 0, DUET_TIME(1));
        cr_expect_eq(r.min_us, rows[i].least_us, "row %zu", i);
        cr_expect_eq(r.srtt_us, rows[i].sample_us, "row %zu", i);
    }
}
