/*
 * time: a point in time as a type of its own, so that clocks and integers
 * cannot mix.  Microseconds since an arbitrary start; the core never asks for
 * the time, it is handed in (io/clock is the only clock).
 *
 * Durations are plain uint64_t with _us in their names.  All arithmetic
 * saturates; DUET_NEVER is later than every other time and absorbs additions.
 */
#ifndef DUET_BASE_TIME_H
#define DUET_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t us;
} duet_time;

#define DUET_NEVER ((duet_time){.us = UINT64_MAX})
#define DUET_TIME(microseconds) ((duet_time){.us = (microseconds)})

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)

static inline bool time_is_never(duet_time t)
{
    return t.us == UINT64_MAX;
}

/* t + delta, saturating at DUET_NEVER. */
static inline duet_time time_add(duet_time t, uint64_t delta_us)
{
    return t.us > UINT64_MAX - delta_us ? DUET_NEVER : DUET_TIME(t.us + delta_us);
}

/* t - delta, saturating at 0; DUET_NEVER stays. */
static inline duet_time time_back(duet_time t, uint64_t delta_us)
{
    if (time_is_never(t))
        return t;
    return DUET_TIME(t.us < delta_us ? 0 : t.us - delta_us);
}

/* How long after `earlier` is `later`?  0 when it is not after. */
static inline uint64_t time_since(duet_time later, duet_time earlier)
{
    return later.us > earlier.us ? later.us - earlier.us : 0;
}

static inline bool time_before(duet_time a, duet_time b)
{
    return a.us < b.us;
}

/* Has the deadline come?  Never for DUET_NEVER. */
static inline bool time_due(duet_time deadline, duet_time now)
{
    return !time_is_never(deadline) && deadline.us <= now.us;
}

static inline duet_time time_min(duet_time a, duet_time b)
{
    return a.us < b.us ? a : b;
}

static inline duet_time time_max(duet_time a, duet_time b)
{
    return a.us > b.us ? a : b;
}

#endif
