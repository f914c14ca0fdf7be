#include "unit.h"
#include <string.h>

#include "duet/conn/path.h"
#include "duet/wire/limits.h"

static const struct duet_route home = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 1}};
static const struct duet_route cafe = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 2}, .port = 1}};
static const struct duet_route train = {.peer = {.family = ADDR_V4, .ip = {10, 0, 0, 1}, .port = 2}};
static struct duet_rand rng;
static struct path p;
static const duet_time t0 = {.us = 1000000};

static void start(void)
{
    rand_init_u64(&rng, 1);
    path_init(&p, &home, true);
}

TestSuite(path, .init = start);

Test(path, an_unproven_address_gets_three_times_what_came_from_it)
{
    path_init(&p, &home, false);
    cr_assert_eq(path_allowance(&p), 0);
    path_received(&p, 100);
    cr_assert_eq(path_allowance(&p), 300);
    path_sent(&p, 250);
    cr_assert_eq(path_allowance(&p), 50);
    path_sent(&p, 100);
    cr_assert_eq(path_allowance(&p), 0);
    path_validate(&p);
    cr_assert_eq(path_allowance(&p), UINT64_MAX);
}

Test(path, a_move_is_proven_by_the_response_from_there_only)
{
    uint8_t wrong[FRAME_PATH_BYTES] = {0};
    path_move(&p, &cafe, &rng, t0);
    cr_assert(route_equal(&p.route, &cafe) && !p.validated);
    cr_assert_eq(p.challenge_at.us, t0.us);
    cr_assert_not(path_response(&p, &cafe, wrong));
    cr_assert_not(path_response(&p, &home, p.challenge));
    cr_assert(path_response(&p, &cafe, p.challenge));
    cr_assert(p.validated && time_is_never(p.give_up_at) && time_is_never(p.challenge_at));
    cr_assert_not(path_response(&p, &cafe, p.challenge), "nothing to prove any more");
}

Test(path, an_unanswered_challenge_falls_back)
{
    path_move(&p, &cafe, &rng, t0);
    cr_assert_not(path_tick(&p, time_add(t0, PATH_VALIDATE_US - 1)));
    cr_assert(path_tick(&p, time_add(t0, PATH_VALIDATE_US)));
    cr_assert(route_equal(&p.route, &home) && p.validated);
    cr_assert_not(path_tick(&p, time_add(t0, 10 * PATH_VALIDATE_US)));
}

Test(path, coming_home_needs_no_proof)
{
    path_move(&p, &cafe, &rng, t0);
    path_move(&p, &home, &rng, t0);
    cr_assert(route_equal(&p.route, &home) && p.validated);
}

Test(path, a_second_move_before_the_proof_still_falls_back_to_the_proven_address)
{
    uint8_t first[FRAME_PATH_BYTES];
    path_move(&p, &cafe, &rng, t0);
    memcpy(first, p.challenge, sizeof first);
    path_received(&p, 5000);
    path_move(&p, &train, &rng, time_add(t0, 1000));
    cr_assert_eq(path_allowance(&p), 0, "what came from elsewhere counts for nothing here");
    cr_assert_not(path_response(&p, &train, first), "each address has its own challenge");
    cr_assert(path_tick(&p, time_add(t0, 1000 + PATH_VALIDATE_US)));
    cr_assert(route_equal(&p.route, &home));
}

Test(path, without_a_former_address_it_stays)
{
    path_init(&p, &home, false);
    path_move(&p, &cafe, &rng, t0);
    cr_assert_not(path_tick(&p, time_add(t0, PATH_VALIDATE_US)));
    cr_assert(route_equal(&p.route, &cafe));
    cr_assert(time_is_never(p.give_up_at), "asked once, not in a loop");
}
