/*
 * tail: the end of a file on a lossy path.  When nothing new is left to send,
 * what is still unacknowledged is sent again without waiting to know it lost,
 * within the window and the pacer's leave: one pass over what was outstanding
 * when the pass began, the next pass half an RTT later.  Without it the last few
 * packets cost several round trips, each with a fresh chance of being lost.
 *
 * The newest packet goes first: of the oldest the acknowledgement is due any
 * moment, of the newest the loss would be known last.  A packet repeated is not
 * repeated again, its copy is; so is the copy, not it, what loss recovery waits
 * for from then on.
 *
 * What this may cost is bounded: a pass begins only when what is in flight is
 * little, beside the window and beside what is left of the budget, and only where
 * packets got lost lately; on a clean path it would be waste.
 *
 * Value type; owned by the connection.
 */
#ifndef DUET_RECOVERY_TAIL_H
#define DUET_RECOVERY_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "duet/base/time.h"
#include "duet/recovery/loss.h"

#define TAIL_FLIGHT_DIVISOR 4   /* a pass begins once no more than this part of the window is in flight … */
#define TAIL_BUDGET_SHARE 2     /* … and of the budget that is left */
#define TAIL_BUDGET_DIVISOR 32  /* all repeats are at most this part of the bytes sent … */
#define TAIL_BUDGET_BYTES 65536 /* … and this, for a small file's sake */
#define TAIL_LOST_MIN_PACKETS 4 /* losses on this path before repeating is worth it … */
#define TAIL_LOST_RECENT_RTTS 8 /* … and the last of them no longer ago than this */

struct tail {
    uint64_t below;       /* the pass goes down from here; 0: none is under way */
    duet_time pass_at;    /* when the next one may begin */
    uint64_t spent_bytes; /* repeated so far */
};

void tail_init(struct tail *t);

/* The packet to repeat next, marked `repeated`; NULL: none now, ask again at *again (DUET_NEVER: after the next
 * acknowledgement).  sent_bytes: all that the connection has sent.  The record is good until the next loss_sent. */
const struct sent_packet *tail_next(struct tail *t, const struct loss *l, uint64_t window_bytes, uint64_t sent_bytes,
                                    duet_time now, duet_time *again);

#endif
