#include "io/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_US 1000

static uint64_t read_us(clockid_t clock)
{
    struct timespec t;
    const int failed = clock_gettime(clock, &t);

    assert(failed == 0); /* both clocks exist since Linux 2.6.39 */
    (void)failed;
    return (uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / NS_PER_US;
}

duet_time clock_now(void)
{
    return DUET_TIME(read_us(CLOCK_BOOTTIME));
}

uint64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

const char *clock_date(char out[CLOCK_DATE_BYTES])
{
    const time_t seconds = (time_t)(clock_wall_us() / US_PER_S);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(out, CLOCK_DATE_BYTES, "%Y-%m-%d", &tm) == 0)
        snprintf(out, CLOCK_DATE_BYTES, "-"); /* a year of five digits: the clock is set to nonsense */
    return out;
}
