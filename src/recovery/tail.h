/*
 * tail: the end of a file on a lossy path.  When nothing new is left to send,
 * the pipe is idle but for the retransmissions, and each of those that is lost
 * again costs another round trip and more: with 500 of them under way at 20 %
 * loss four rounds.  So each goes out in so many copies that hardly ever none
 * arrives, within the window and the pacer's leave.  Passes over what is
 * outstanding, TAIL_PASSES in a round trip, repeat
 *   - what left since the last new data: retransmissions and copies;
 *   - what left before a packet that arrived: it is as good as lost, and loss
 *     recovery only waits whether it was overtaken (not where that happens);
 *   - everything, when that is little.  Of many packets most arrive unaided.
 * A packet repeated is not repeated again, its copy is; so is the copy, not it,
 * what loss recovery waits for from then on.  A pass later, so that a burst of
 * losses does not take all copies.
 *
 * What this may cost is bounded by a budget, and only where packets got lost lately
 * is anything repeated; on a clean path it would be waste.
 *
 * Value type; owned by the connection.
 */
#ifndef DUET_RECOVERY_TAIL_H
#define DUET_RECOVERY_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "recovery/loss.h"

#define TAIL_MISSED 0.001       /* chance that none of the copies of a packet arrives, if … */
#define TAIL_COPIES_MAX 4       /* … so many, itself included, will do: with five the budget ends before the tail */
#define TAIL_PASSES 16          /* a round trip, … */
#define TAIL_PASS_LEAST_US 500  /* … so far apart at least */
#define TAIL_LITTLE_BYTES 65536 /* all is repeated once no more than this is in flight … */
#define TAIL_LITTLE_DIVISOR 4   /* … nor than this part of the window, */
#define TAIL_LITTLE_SHARE 2     /* … nor of the budget that is left */
#define TAIL_BUDGET_DIVISOR 32  /* all repeats are at most this part of the bytes sent … */
#define TAIL_BUDGET_BYTES 65536 /* … and this, for a small file's sake */
#define TAIL_LOST_MIN_PACKETS 4 /* losses on this path before repeating is worth it … */
#define TAIL_LOST_RECENT_RTTS 8 /* … and the last of them no longer ago than this */

struct tail {
    uint64_t since;       /* the first number after all that was new */
    uint64_t at, end;     /* the pass under way goes on from here to there; equal: none is */
    bool all;             /* … and takes everything */
    duet_time pass_at;    /* when the next one may begin */
    uint64_t spent_bytes; /* repeated so far */
    uint8_t copy;         /* of the packet that leaves next: see sent_packet */
};

void tail_init(struct tail *t);

/* A packet left.  more: there is new data left to send, so it is not of the tail. */
void tail_sent(struct tail *t, struct sent_packet *p, bool more);

/* The packet to repeat next, marked `repeated`; NULL: none now, ask again at *again (DUET_NEVER:
 * after the next acknowledgement).  sent_bytes: all that the connection has sent.  The record is
 * good until the next loss_sent. */
const struct sent_packet *tail_next(struct tail *t, struct loss *l, uint64_t window_bytes, uint64_t sent_bytes,
                                    duet_time now, duet_time *again);

#endif
