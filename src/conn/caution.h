/*
 * caution: for how long to do without something that a path may not carry: ECN
 * marks, which some routers drop, or trains, which some drivers spoil.
 *
 * What goes wrong looks like an outage, so nothing is given up for good: after
 * CAUTION_FIRST_US it is tried again, and each failure doubles that, up to
 * CAUTION_MAX_US.  Once all went well for as long, it begins anew.
 * Value type; virtual time.
 */
#ifndef DUET_CONN_CAUTION_H
#define DUET_CONN_CAUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define CAUTION_FIRST_US UINT64_C(10000000)
#define CAUTION_MAX_US UINT64_C(600000000)

struct caution {
    duet_time until;  /* while before: be careful; 0 us: it never was needed */
    uint64_t last_us; /* how long it lasted, or lasts */
};

/* It seems to have helped to do without. */
void caution_helped(struct caution *c, duet_time now);
bool caution_holds(const struct caution *c, duet_time now);

#endif
