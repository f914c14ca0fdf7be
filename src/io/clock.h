/*
 * clock: the only clock of the program.
 *
 * CLOCK_BOOTTIME, so that a suspended laptop finds its deadlines passed when it
 * wakes; every other module is handed a duet_time.  The wall clock is asked
 * only for what people read (the `time` service, dates in files).  Any thread.
 */
#ifndef DUET_IO_CLOCK_H
#define DUET_IO_CLOCK_H

#include <stdint.h>

#include "base/time.h"

duet_time clock_now(void);

/* Microseconds since 1970, UTC. */
uint64_t clock_wall_us(void);

/* "2026-01-31", today in UTC. Returns out. */
#define CLOCK_DATE_BYTES 16
const char *clock_date(char out[CLOCK_DATE_BYTES]);

#endif
