#include "unit.h"

#include "recovery/pmtud.h"

#define BASE 1200

static struct pmtud p;
static uint64_t number;

static void begin(void)
{
    pmtud_init(&p, BASE, 65507);
    number = 0;
}

TestSuite(pmtud, .init = begin);

/* Sends the probe that is wanted; its size. */
static uint32_t probe(duet_time now)
{
    const uint32_t size = pmtud_wants(&p, now);

    pmtud_go_on(&p, now);
    cr_assert_eq(pmtud_wants(&p, now), size, "it was looked ahead");
    if (size > 0)
        pmtud_sent(&p, ++number, size);
    return size;
}

Test(pmtud, tries_the_largest_first_and_takes_what_passes)
{
    const duet_time now = DUET_TIME(1);
    cr_assert_eq(probe(now), 65507);
    cr_assert_eq(pmtud_wants(&p, now), 0, "one at a time");
    cr_assert(pmtud_acked(&p, number, 0, now, now));
    cr_assert_eq(p.current_bytes, 65507);
    cr_assert_eq(probe(now), 0);
}

Test(pmtud, a_size_the_interface_refuses_costs_no_round_trip)
{
    const duet_time now = DUET_TIME(1);
    static const uint32_t refused[] = {65507, 8972};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(probe(now), refused[i]);
        cr_assert(!pmtud_too_big(&p, refused[i], 0, now));
    }
    cr_assert_eq(probe(now), 1472);
    cr_assert(pmtud_acked(&p, number, 0, now, now));
    cr_assert_eq(p.current_bytes, 1472);
}

Test(pmtud, what_the_interface_takes_is_the_next_size)
{
    const duet_time now = DUET_TIME(1);
    cr_assert_eq(probe(now), 65507);
    cr_assert(!pmtud_too_big(&p, 65507, 1252, now));
    cr_assert_eq(probe(now), 1252);
    for (int i = 0; i < PMTUD_TRIES; i++) {
        pmtud_lost(&p, number, 0, now);
        cr_assert_eq(probe(now), i < PMTUD_TRIES - 1 ? 1252 : 1232, "%d", i); /* the way behind it is narrower */
    }
    cr_assert(pmtud_acked(&p, number, 0, now, now));
    const duet_time later = time_add(now, PMTUD_RAISE_US);
    cr_assert_eq(probe(now), 0);
    cr_assert_eq(probe(later), 65507, "another interface may take more");
    static const uint32_t nonsense[] = {0, 1, BASE, 65507, 70000};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        begin();
        cr_assert_eq(probe(now), 65507);
        cr_assert(!pmtud_too_big(&p, 65507, nonsense[i], now));
        cr_assert_eq(probe(now), 8972, "%u", nonsense[i]);
    }
}

Test(pmtud, a_size_is_given_up_after_three_lost_probes)
{
    const duet_time now = DUET_TIME(1);
    for (int i = 0; i < PMTUD_TRIES; i++) {
        cr_assert_eq(probe(now), 65507);
        pmtud_lost(&p, number, 0, now);
    }
    cr_assert_eq(probe(now), 8972);
}

Test(pmtud, never_probes_above_what_the_peer_takes)
{
    pmtud_init(&p, BASE, 1440);
    cr_assert_eq(probe(DUET_TIME(1)), 1440);
    for (int i = 0; i < PMTUD_TRIES; i++) {
        pmtud_lost(&p, number, 0, DUET_TIME(1));
        cr_assert_eq(probe(DUET_TIME(1)), i < PMTUD_TRIES - 1 ? 1440 : 1432);
    }
}

Test(pmtud, searches_again_after_a_while)
{
    const duet_time now = DUET_TIME(1);
    pmtud_init(&p, BASE, BASE);
    cr_assert_eq(probe(now), 0);
    p.ceiling_bytes = 1400;
    cr_assert_eq(probe(time_add(now, PMTUD_RAISE_US - 1)), 0);
    cr_assert_eq(probe(time_add(now, PMTUD_RAISE_US)), 1400);
}

static void prove(uint32_t size)
{
    pmtud_sent(&p, ++number, size);
    cr_assert(pmtud_acked(&p, number, 0, DUET_TIME(1), DUET_TIME(1)));
}

Test(pmtud, full_packets_lost_while_small_ones_arrive_are_a_black_hole)
{
    prove(1472);
    for (int i = 0; i < PMTUD_HOLE_PACKETS; i++) {
        cr_assert(!pmtud_acked(&p, 1000, 100, DUET_TIME(50), DUET_TIME(60)), "not yet");
        pmtud_lost(&p, 100 + (uint64_t)i, 1472, DUET_TIME(10 + (uint64_t)i));
    }
    cr_assert(!pmtud_acked(&p, 1000, 100, DUET_TIME(5), DUET_TIME(60)), "a small one sent before them says nothing");
    cr_assert(pmtud_acked(&p, 1001, 100, DUET_TIME(50), DUET_TIME(60)));
    cr_assert_eq(p.current_bytes, BASE);
    cr_assert_eq(probe(DUET_TIME(61)), 0, "not at once");
    cr_assert_gt(probe(time_add(DUET_TIME(60), PMTUD_HOLE_US)), BASE);
}

static void fall_into_a_hole(uint64_t sent_us, duet_time at)
{
    for (int i = 0; i < PMTUD_HOLE_PACKETS; i++)
        pmtud_lost(&p, 100 + (uint64_t)i, p.current_bytes, DUET_TIME(sent_us + (uint64_t)i));
    cr_assert(pmtud_acked(&p, 1001, 100, DUET_TIME(sent_us + 40), at));
    cr_assert_eq(p.current_bytes, BASE);
}

static void lose_all_probes(duet_time at)
{
    while (probe(at) > 0)
        pmtud_lost(&p, number, 0, at);
}

Test(pmtud, after_a_burst_that_looked_like_a_hole_larger_packets_are_back_in_a_second)
{
    prove(1472);
    for (uint64_t round = 0; round < 3; round++) {
        const duet_time at = DUET_TIME((round + 1) * 10000000);
        fall_into_a_hole(at.us - 100, at);
        cr_assert_gt(probe(time_add(at, PMTUD_HOLE_US)), BASE);
        cr_assert(pmtud_acked(&p, number, 0, at, at));
    }
}

Test(pmtud, a_hole_that_stays_is_asked_about_less_and_less)
{
    duet_time at = DUET_TIME(10000000);

    prove(1472);
    fall_into_a_hole(at.us - 100, at);
    for (uint64_t wait_us = PMTUD_HOLE_US; wait_us < PMTUD_RAISE_US; wait_us *= 2) {
        cr_assert_eq(time_since(p.search_at, at), wait_us);
        at = p.search_at;
        lose_all_probes(at);
    }
    cr_assert_eq(time_since(p.search_at, at), PMTUD_RAISE_US);
}

Test(pmtud, a_burst_of_drops_before_a_full_one_that_arrived_is_no_hole)
{
    prove(1472);
    cr_assert(!pmtud_acked(&p, 500, 1472, DUET_TIME(40), DUET_TIME(45)));
    for (int i = 0; i < 2 * PMTUD_HOLE_PACKETS; i++)
        pmtud_lost(&p, 100 + (uint64_t)i, 1472, DUET_TIME(20));
    cr_assert(!pmtud_acked(&p, 1001, 100, DUET_TIME(50), DUET_TIME(60)));
    cr_assert_eq(p.current_bytes, 1472);
}

Test(pmtud, a_path_that_shrinks_under_us_is_believed)
{
    prove(8972);
    cr_assert(pmtud_too_big(&p, 8972, 0, DUET_TIME(5)));
    cr_assert_eq(p.current_bytes, BASE);
}
