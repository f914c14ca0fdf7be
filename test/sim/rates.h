/*
 * rates: a line whose rate changes, as a phone's does while it is carried about.  Every step lasts
 * between min_us and max_us, uniformly, and has a rate between base/factor and base·factor, uniform
 * in its logarithm: next to base as often above as below it.  The whole trace is drawn beforehand,
 * so that a queue knows when what it holds will have left; after RATES_STEPS it begins anew.  The
 * same seed gives the same trace.
 */
#ifndef SIM_RATES_H
#define SIM_RATES_H

#include <stdint.h>

#include "base/time.h"

#define RATES_STEPS 256

struct rates {
    uint64_t until_us[RATES_STEPS]; /* ascending; the last one is the length of the trace */
    uint64_t bytes_per_s[RATES_STEPS];
};

/* factor > 1, 0 < min_us <= max_us. */
void rates_init(struct rates *r, uint64_t base_bytes_per_s, double factor, uint64_t min_us, uint64_t max_us,
                uint64_t seed);
/* In byte·µs/s, so that nothing is rounded: what the line carries from one moment to a later one. */
uint64_t rates_carried(const struct rates *r, duet_time from, duet_time to);
/* When it has carried so many byte·µs/s more, rounded up; *rest: what it carries beyond them by then. */
duet_time rates_when(const struct rates *r, duet_time from, uint64_t carried, uint64_t *rest);

#endif
