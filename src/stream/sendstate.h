/*
 * sendstate: which bytes of a stream still have to leave.
 *
 * The part that ordered and bulk streams share; it knows offsets, not bytes.
 * Every byte offset is in at most one of
 *   ready   supplied, never sent            lost    sent, to be sent again
 *   (none)  in the air                      acked   the peer has it
 * Credit counts fresh bytes (sent for the first time), not offsets, so extents
 * may be supplied in any order; for an ordered stream the two are the same.
 * Owned by one connection.
 */
#ifndef DUET_STREAM_SENDSTATE_H
#define DUET_STREAM_SENDSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/extents.h"

#define STREAM_SIZE_UNKNOWN UINT64_MAX

/* A run of one stream, as one STREAM frame carries it. */
struct stream_piece {
    uint64_t offset;
    size_t len;
    bool fin;
};

struct sendstate {
    struct extents ready;
    struct extents lost;
    struct extents acked;
    uint64_t acked_bytes;  /* in `acked` */
    uint64_t supplied_end; /* one past the highest offset ever supplied */
    uint64_t fresh_bytes;  /* sent for the first time so far */
    uint64_t limit_bytes;  /* of them the peer allows */
    uint64_t final_bytes;  /* size of the stream; STREAM_SIZE_UNKNOWN: not finished */
    bool fin_in_air;       /* a fin was sent and not reported lost */
    bool fin_acked;
    bool announce; /* the peer is to hear of the stream, if only by a frame without bytes */
    bool is_known; /* it has */
};

void sendstate_init(struct sendstate *s, uint64_t limit_bytes, size_t max_ranges);
void sendstate_dispose(struct sendstate *s);

/* [start, end) may be sent.  0; DUET_EINVAL: past the final size; DUET_EFULL, DUET_ENOMEM. */
int sendstate_supply(struct sendstate *s, uint64_t start, uint64_t end);
/* The peer learns of the stream by its first frame: one without bytes if there are none. */
void sendstate_announce(struct sendstate *s);
/* There is nothing at or after final_bytes.  0; DUET_EINVAL: something is, or another size was
 * given. */
int sendstate_finish(struct sendstate *s, uint64_t final_bytes);

/*
 * What to send next: lost bytes first, then ready ones as far as the credit
 * (and `fresh_allowed`, the connection's own bounds) goes, then a lone fin, or
 * the announcement.
 * Changes nothing.  false: nothing may leave now.  *fresh: never sent before.
 */
bool sendstate_next(const struct sendstate *s, size_t max_len, uint64_t fresh_allowed, struct stream_piece *out,
                    bool *fresh);

/* Is there something sendstate_next would give, with unlimited fresh_allowed? */
bool sendstate_wants(const struct sendstate *s);

/* The piece left / arrived / got lost.  0, DUET_ENOMEM, DUET_EFULL (then the connection must end:
 * bytes would be forgotten). */
int sendstate_sent(struct sendstate *s, const struct stream_piece *p);
int sendstate_acked(struct sendstate *s, const struct stream_piece *p);
int sendstate_lost(struct sendstate *s, const struct stream_piece *p);

/* All bytes up to the final size and the fin are acknowledged. */
bool sendstate_done(const struct sendstate *s);
/* First offset not yet acknowledged contiguously from 0. */
uint64_t sendstate_acked_prefix(const struct sendstate *s);

#endif
