/*
 * transfer_send: the sending side of a file transfer.
 *
 *   REQUEST_SEND → JOB_OPEN → OFFER → ACCEPT → JOB_READ… / supply… → finish, JOB_DIGEST → DIGEST
 *                → COMPLETE → NOTICE_SENT
 *
 * Chunks come from the send pool, shared evenly by the transfers that read; one
 * is the disk's, then the endpoint's until RELEASED.  A transfer reads ahead of
 * its peer's credit, which follows what the path and the peer's disk take, by
 * SEND_AHEAD_BYTES, and of what was sent by SEND_UNSENT_BYTES; so a slow one
 * does not fill our memory.  Many to a peer that allows everything and
 * acknowledges nothing do: hence the last chunks are for peers that hold next to
 * none, however many files go to one.  Owned by the net thread.
 */
#ifndef DUET_APP_TRANSFER_SEND_H
#define DUET_APP_TRANSFER_SEND_H

#include <stdint.h>

#include "app/transfer.h"

#define SEND_AHEAD_BYTES (16 * CHUNK_BYTES)  /* of what the peer allows … */
#define SEND_UNSENT_BYTES (32 * CHUNK_BYTES) /* … and of what was sent: more would only leave the cache again */
_Static_assert(RUNS_LOW_BYTES + CHUNK_BYTES <= SEND_UNSENT_BYTES, "who has read so much will be told when to go on");
#define SEND_RESERVED_CHUNKS 8 /* of the pool, for peers that hold fewer than … */
#define SEND_LEAST_CHUNKS 2    /* … so many: one being read, one being sent */
_Static_assert((CHUNK_POOL - SEND_RESERVED_CHUNKS) * CHUNK_BYTES >= LIMIT_WINDOW_MAX_BYTES,
               "one transfer alone can fill the largest window");

/* Starts; ui hears NOTICE_SENDING later, or NOTICE_TRANSFER_FAILED. */
void transfer_send_start(struct env *env, struct peer *peer, uint32_t ui_id, const char *path);

/* One that could not even start. */
void transfer_send_refused(struct env *env, conn_id conn, uint32_t ui_id, const char *path, int err, const char *words);

/* What was offered to a peer before it said that it takes none. */
void transfer_send_none_taken(struct env *env, const struct peer *peer, const char *words);

/* ACCEPT, REFUSE, COMPLETE or FAILED of the peer. */
void transfer_send_message(struct env *env, struct peer *peer, const struct appmsg *m);

/* RELEASED, STOPPED. */
void transfer_send_event(struct env *env, const struct endpoint_event *ev);

/* DONE_OPENED, DONE_READ, DONE_DIGEST. */
void transfer_send_done(struct env *env, struct transfer *t, const struct disk_result *done);

/* Lets every transfer that may read have its share of free chunks. */
void transfer_send_pump(struct env *env);

#endif
