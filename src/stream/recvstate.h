/*
 * recvstate: which bytes of a stream have arrived, and how many more may.
 *
 * The part that ordered and bulk streams share; it knows offsets, not bytes.
 * The limit counts distinct bytes received, so a hole does not stall a bulk
 * stream; an ordered one is bounded by offset besides (recvstream).
 * Owned by one connection.
 */
#ifndef DUET_STREAM_RECVSTATE_H
#define DUET_STREAM_RECVSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/extents.h"
#include "stream/sendstate.h"

/*
 * New credit is told once this part of the window has gathered.  What has gathered is credit the
 * sender lacks.  Measured (sim --perf one, windows of about a bandwidth-delay product, RTT 50 to
 * 300 ms, loss 0 to 20 %): against 1/4, by 1/8 11 to 16 % more gets through, by 1/16 16 to 24 %, by
 * 1/32 17 to 28 %; the packets of both sides together grow by 3 % at most, since most limits ride
 * on an ACK that leaves anyhow.
 */
#define RECV_GRANT_SHARE 16

struct recvstate {
    struct extents got;
    uint64_t distinct_bytes; /* received, without repeats */
    uint64_t consumed_bytes; /* of them the application is done with */
    uint64_t limit_bytes;    /* distinct bytes the peer was told it may send */
    uint64_t window_bytes;   /* limit_bytes follows consumed_bytes + window_bytes */
    uint64_t step_bytes;     /* … by at least so much at a time */
    uint64_t final_bytes;    /* STREAM_SIZE_UNKNOWN: no fin seen */
};

/* The step is RECV_GRANT_SHARE of the window. */
void recvstate_init(struct recvstate *s, uint64_t window_bytes, size_t max_ranges);
void recvstate_dispose(struct recvstate *s);

/*
 * May this frame come, and how many bytes of it are new?  Checks sizes and credit, changes nothing.
 * 0; DUET_EPROTOCOL: beyond or against the final size; DUET_EFLOW: more than the limit.
 */
int recvstate_check(const struct recvstate *s, const struct stream_piece *p, uint64_t *fresh);

/* The next part of p that is new; `left` bytes at or after `from` are, and that is not 0. */
struct range recvstate_fresh(const struct recvstate *s, const struct stream_piece *p, uint64_t from, uint64_t left);

/* Records a checked piece; `fresh` is what the check said.
 * 0, DUET_EFULL, DUET_ENOMEM: the packet must count as not received. */
int recvstate_add(struct recvstate *s, const struct stream_piece *p, uint64_t fresh);

void recvstate_consumed(struct recvstate *s, uint64_t bytes);

/* From now on another window and step; a limit once told stays. */
void recvstate_set_window(struct recvstate *s, uint64_t window_bytes, uint64_t step_bytes);

/* Is a new limit worth telling?  Then it is adopted and given. */
bool recvstate_new_limit(struct recvstate *s, uint64_t *limit_bytes);

/* Every byte up to the final size is here. */
bool recvstate_complete(const struct recvstate *s);

#endif
