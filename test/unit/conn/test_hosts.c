#include "conn/hosts.h"

#include "unit.h"

static struct hosts hosts;
static const duet_time t0 = {.us = 1000000};

static void start(void)
{
    hosts_init(&hosts, 42);
}

static void stop(void)
{
    hosts_dispose(&hosts);
}

TestSuite(hosts, .init = start, .fini = stop);

Test(hosts, the_table_is_made_with_the_first_of_them)
{
    const struct duet_addr a = {.family = ADDR_V4, .ip = {10}};

    cr_assert_null(hosts.set, "who only calls needs none");
    cr_assert_not_null(hosts_at(&hosts, &a, t0));
    cr_assert_not_null(hosts.set);
}

static struct duet_addr address(uint32_t n)
{
    return (struct duet_addr){
        .family = ADDR_V4, .ip = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, .port = (uint16_t)n};
}

static struct host *at(uint32_t n, duet_time now)
{
    const struct duet_addr a = address(n);

    return hosts_at(&hosts, &a, now);
}

Test(hosts, one_has_so_many_answers_at_once_and_then_one_by_one)
{
    struct host *h = at(1, t0);

    for (int i = 0; i < HOSTS_ANSWERS; i++)
        cr_assert(host_takes_answer(h, t0), "%d", i);
    cr_assert_not(host_takes_answer(h, t0));
    cr_assert_not(host_takes_answer(h, time_add(t0, HOSTS_ANSWER_US - 1)));
    cr_assert(host_takes_answer(h, time_add(t0, HOSTS_ANSWER_US)));
    cr_assert_not(host_takes_answer(h, time_add(t0, HOSTS_ANSWER_US)));
    const duet_time later = time_add(t0, 1000 * US_PER_S);
    for (int i = 0; i < HOSTS_ANSWERS; i++)
        cr_assert(host_takes_answer(h, later), "%d", i);
    cr_assert_not(host_takes_answer(h, later));
}

Test(hosts, a_wasted_answer_counts_for_several)
{
    struct host *h = at(1, t0);

    for (int i = 0; i < HOSTS_ANSWERS / HOSTS_WASTED; i++) {
        cr_assert(host_takes_answer(h, t0), "%d", i);
        host_wasted(h, t0);
    }
    cr_assert_not(host_takes_answer(h, t0));
    cr_assert_not(time_is_never(h->wasted_at));
}

/* Whoever comes from a million addresses makes us forget hosts, but none that has a place. */
Test(hosts, those_with_a_place_stay_when_the_table_is_full)
{
    struct host *h = at(0, t0);

    h->half_open = 1;
    for (uint32_t i = 1; i < 100000; i++)
        at(i, time_add(t0, i));
    cr_assert_eq(at(0, t0), h);
    cr_assert_eq(h->half_open, 1);
}

Test(hosts, a_set_of_hosts_with_places_has_no_room)
{
    uint32_t full = 0;

    for (uint32_t i = 0; i < 20 * HOSTS_SETS * HOSTS_WAYS; i++) {
        struct host *h = at(i, t0);
        if (h == NULL)
            full++;
        else
            h->half_open = 1;
    }
    cr_assert_eq(full, 19 * HOSTS_SETS * HOSTS_WAYS);
}

Test(hosts, half_as_many_again_as_there_are_places_find_room)
{
    for (uint32_t i = 0; i < 256; i++) {
        struct host *h = at(i, t0);
        cr_assert_not_null(h);
        h->half_open = 1;
    }
}
