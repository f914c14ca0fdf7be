/*
 * tail: the end of a file on a lossy path.  When nothing new is left to send,
 * what is still unacknowledged is sent again without waiting to know it lost,
 * the oldest first, within the window and the pacer's leave: one pass over
 * what was outstanding when the pass began, the next pass half an RTT later.
 * Without it the last few packets cost several round trips, each with a fresh
 * chance of being lost.  Only where losses were seen: on a clean path it would
 * be waste.
 *
 * Value type; owned by the connection.
 */
#ifndef DUET_RECOVERY_TAIL_H
#define DUET_RECOVERY_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "duet/base/time.h"
#include "duet/recovery/loss.h"

#define TAIL_LOSS_DIVISOR 64    /* worth it above a loss of 1 in so many packets … */
#define TAIL_LOSS_MIN_PACKETS 4 /* … and never because of fewer than this */

struct tail {
    uint64_t at;       /* next number to look at */
    uint64_t end;      /* the pass covers numbers below this */
    duet_time pass_at; /* when the pass began */
};

void tail_init(struct tail *t);

#define TAIL_FLIGHT_DIVISOR 4 /* repeats begin once no more than this part of the window is in flight */

/* Is this path one on which the tail is worth repeating, and is only the tail left in flight? */
bool tail_worth(const struct loss *l, uint64_t window_bytes);

/* Number of the packet to repeat next; SENTMAP_NONE: none now, ask again at *again (DUET_NEVER: nothing is outstanding). */
uint64_t tail_next(struct tail *t, struct loss *l, duet_time now, duet_time *again);

#endif
