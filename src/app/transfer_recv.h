/*
 * transfer_recv: the receiving side of a file transfer.
 *
 *   OFFER → NOTICE_OFFER → REQUEST_ACCEPT → JOB_CREATE → (a share of the window) → ACCEPT → extents → JOB_WRITE…
 *         → all written, DIGEST → JOB_COMMIT → COMPLETE, NOTICE_RECEIVED
 *
 * Owned by the net thread.
 */
#ifndef DUET_APP_TRANSFER_RECV_H
#define DUET_APP_TRANSFER_RECV_H

#include <stdbool.h>
#include <stdint.h>

#include "app/transfer.h"

#define RECV_FLUSH_US (100 * US_PER_MS) /* a chunk that does not fill is written after this */
#define RECV_FLUSH_BYTES (32 * 1024)    /* … or, in a small window, holding this much at least … */
#define RECV_FLUSH_SHARE 8              /* … and this part of what the window leaves each transfer */
#define RECV_REFUSALS_TOLD 16           /* offers of one peer refused out of hand that our user hears of */

/* One of which no byte came for so long loses its place, when somebody waits who has none: longer than it takes until a
 * peer is known to be unreachable. */
#define RECV_STILL_US (15 * US_PER_S)

/* OFFER, DIGEST or CANCEL of the peer. */
void transfer_recv_message(struct env *env, struct peer *peer, const struct appmsg *m);

/* EXTENT, FINISHED, RESET. */
void transfer_recv_event(struct env *env, const struct endpoint_event *ev);

/* DONE_CREATED, DONE_WROTE, DONE_COMMITTED (its path is taken). */
void transfer_recv_done(struct env *env, struct transfer *t, struct disk_result *done);

/* The user's answer to NOTICE_OFFER; false: there is nothing to answer. */
bool transfer_recv_answer(struct env *env, struct transfer *t, bool accept);

/* Shares the window among those that receive and lets waiting ones begin. */
void transfer_recv_pump(struct env *env);

/* Writes out chunks that were open too long; when the next one will be. */
void transfer_recv_tick(struct env *env);
duet_time transfer_recv_deadline(const struct env *env);

#endif
