/* cc_bbr_yield: what comes rarely, or empties the queue, is yielded to; what does neither is not, unless it costs too
 * much. */
#include "unit.h"

#include "recovery/cc_bbr.h"

#define PACKET 1000
#define MIN_RTT_US 40000
#define FULL_QUEUE_US 80000

static struct cc_bbr_yield y;
static uint64_t round_count;

static void setup(void)
{
    round_count = 10;
    cc_bbr_yield_init(&y);
}

TestSuite(cc_bbr_yield, .init = setup);

/* Between two events the round-trip time falls to low_us. */
static void congested_with(uint64_t low_us, uint64_t rounds, int times)
{
    while (times-- > 0) {
        cc_bbr_yield_rtt(&y, FULL_QUEUE_US);
        cc_bbr_yield_rtt(&y, low_us);
        cc_bbr_yield_event(&y, round_count += rounds, MIN_RTT_US);
    }
}

/* … and the queue stays. */
static void congested_each(uint64_t rounds, int times)
{
    congested_with(70000, rounds, times);
}

static void lose(unsigned of_100, int rounds)
{
    const struct loss_summary s = {.acked_bytes = (100 - of_100) * PACKET, .lost_bytes = of_100 * PACKET};

    while (rounds-- > 0)
        cc_bbr_yield_update(&y, &s, true);
}

Test(cc_bbr_yield, yields_fully_before_anything_is_known)
{
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1);
    congested_each(4, 1);
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1, "the first event has none before it");
}

Test(cc_bbr_yield, yields_fully_to_a_rival_that_takes_its_time)
{
    congested_each(40, 20);
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1);
}

Test(cc_bbr_yield, does_not_yield_to_a_rival_that_overfills_the_queue_every_8_rounds)
{
    congested_each(8, 30);
    cr_assert_lt(cc_bbr_yield_weight(&y, 0), 0.01);
}

Test(cc_bbr_yield, yields_by_half_in_between)
{
    congested_each(13, 30);
    cr_assert_float_eq(cc_bbr_yield_weight(&y, 0), 0.5, 0.01);
}

Test(cc_bbr_yield, yields_to_frequent_events_that_empty_the_queue)
{
    /* Of 80 ms everybody's 30 % are 24: to 56. */
    static const struct {
        uint64_t low_us;
        double weight;
    } rows[] = {{40000, 1}, {56000, 1}, {62000, 1}, {65000, 0.5}, {68000, 0}, {80000, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        congested_with(rows[i].low_us, 8, 40);
        cr_assert_float_eq(cc_bbr_yield_weight(&y, 0), rows[i].weight, 0.01, "row %zu: %g", i,
                           cc_bbr_yield_weight(&y, 0));
    }
}

Test(cc_bbr_yield, wants_no_deeper_fall_than_to_the_minimum)
{
    for (int i = 0; i < 40; i++) {
        cc_bbr_yield_rtt(&y, 44000);
        cc_bbr_yield_rtt(&y, 40500);
        cc_bbr_yield_event(&y, round_count += 8, MIN_RTT_US);
    }
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1);
}

Test(cc_bbr_yield, one_long_pause_does_not_undo_what_was_learnt)
{
    congested_each(8, 20);
    congested_each(1000, 1);
    cr_assert_lt(cc_bbr_yield_weight(&y, 0), 0.6);
    congested_each(1000, 12);
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1);
}

Test(cc_bbr_yield, takes_losses_of_following_rounds_for_one_event)
{
    for (int i = 0; i < 20; i++) {
        congested_each(30, 1);
        congested_each(1, 3);
    }
    cr_assert_eq(cc_bbr_yield_weight(&y, 0), 1);
}

Test(cc_bbr_yield, yields_again_when_holding_out_costs_too_much)
{
    static const struct {
        unsigned lost_of_100;
        double floor, weight;
    } rows[] = {{2, 0, 0}, {3, 0, 0.4}, {5, 0, 1}, {9, 0.07, 0}, {20, 0.2, 0}, {30, 0.2, 1}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        congested_each(7, 30);
        lose(rows[i].lost_of_100, 200);
        cr_assert_float_eq(cc_bbr_yield_weight(&y, rows[i].floor), rows[i].weight, 0.01, "row %zu", i);
    }
}
