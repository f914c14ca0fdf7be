/*
 * progress: how fast a transfer moves, smoothed, and when it will be done.
 *
 * An exponentially weighted mean with a time constant of about PROGRESS_TAU_US,
 * sampled whenever asked (the weight follows the time that passed).  Value type.
 */
#ifndef DUET_APP_PROGRESS_H
#define DUET_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define PROGRESS_TAU_US (2 * US_PER_S)
/* The first packets leave as a burst, however slow the path: a rate of less than this is none yet. */
#define PROGRESS_FIRST_US US_PER_S
#define PROGRESS_INTERVAL_US (100 * US_PER_MS) /* snapshots of one transfer are at least this far apart */

struct progress {
    bool started;
    bool measured;  /* rate holds at least one sample; before, it is 0 */
    duet_time at;   /* last sample; before the first one, when the first byte was not there yet */
    uint64_t bytes; /* done then */
    uint64_t rate_bytes_per_s;
};

/* Takes `bytes` done at `now` into the mean. */
void progress_sample(struct progress *p, uint64_t bytes, duet_time now);

/* Time for what is left of `total`; UINT64_MAX: unknown (nothing moves). */
uint64_t progress_eta_us(const struct progress *p, uint64_t total);

#endif
