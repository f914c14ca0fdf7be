/*
 * early_repeat: chat under loss.  A small frame of the control or chat stream is sent
 * again a quarter and three quarters of a probe timeout after it first left,
 * unless it was acknowledged by then (the stream knows): two bets that it was lost, placed before
 * anyone can know.  At 20 % loss 99.2 % of messages then arrive within one such
 * timeout, instead of waiting for it; the cost is a few hundred bytes, and
 * nothing at all where a file's packets carry them along.  So is the first credit
 * of a file, without which nothing of it can come.
 *
 * Value type of the connection; virtual time.
 */
#ifndef DUET_CONN_EARLY_REPEAT_H
#define DUET_CONN_EARLY_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "stream/sendstate.h"

#define EARLY_MAX_BYTES 300 /* of one frame; longer ones are files in all but name */
#define EARLY_FRAMES 16     /* remembered at once; more are left to loss recovery */
#define EARLY_TIMES 2
#define EARLY_CREDIT_DIVISOR 4 /* a first credit goes so many times as early: all of a file waits for it */

struct early_frame {
    uint64_t stream;
    uint64_t offset;
    uint32_t len;     /* 0: the first credit of a bulk stream */
    uint32_t repeats; /* done so far */
    duet_time at;     /* when the next is due */
    uint64_t step_us; /* half a probe timeout: from one repeat to the next */
};

struct early_repeat {
    struct early_frame frames[EARLY_FRAMES];
    size_t count;
};

/* A frame of an ordered stream left for the first time. */
void early_sent(struct early_repeat *e, uint64_t stream, const struct stream_piece *p, uint64_t pto_us, duet_time now);
/* The first credit of a bulk stream left. */
void early_credit(struct early_repeat *e, uint64_t stream, uint64_t pto_us, duet_time now);
/* Takes a frame whose time has come; false: none.  The caller has those of its bytes sent again
 * that are not acknowledged; a piece without bytes is the first credit of the stream, to be told
 * again unless something has come on it. */
bool early_due(struct early_repeat *e, duet_time now, uint64_t *stream, struct stream_piece *p);
duet_time early_deadline(const struct early_repeat *e);

#endif
