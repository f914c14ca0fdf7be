#include "io/clock.h"

#include "unit.h"
#include <stdio.h>

Test(clock, never_goes_back)
{
    duet_time last = clock_now();

    for (int i = 0; i < 1000; i++) {
        const duet_time now = clock_now();

        cr_assert(!time_before(now, last));
        last = now;
    }
}

Test(clock, date_is_year_month_day_of_the_wall_clock)
{
    char date[CLOCK_DATE_BYTES];
    int year = 0, month = 0, day = 0, used = 0;

    cr_assert_eq(sscanf(clock_date(date), "%4d-%2d-%2d%n", &year, &month, &day, &used), 3);
    cr_expect_eq(date[used], '\0');
    cr_expect_eq(used, 10);
    /* A year has 31556952 s on average. */
    const int expected = 1970 + (int)(clock_wall_us() / US_PER_S / 31556952);
    cr_expect(year >= expected - 1 && year <= expected + 1);
}
