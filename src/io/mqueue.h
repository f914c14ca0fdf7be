/*
 * mqueue: the queue between two threads: bounded, first in first out, messages
 * of one kind, any number of producers, one consumer.  Bounded in messages and
 * in bytes of text: a peer's longest texts must not add up behind a ui that
 * stands still.
 *
 * Two file descriptors make it fit an event loop:
 *   ready_fd   readable exactly while a message is waiting, or the queue is closed
 *   room_fd    becomes readable when there is room again after a refused mqueue_push
 *
 * A pushed message and what it points to belong to the queue, then to who pops
 * it; a refused one still belongs to the sender.
 */
#ifndef DUET_IO_MQUEUE_H
#define DUET_IO_MQUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/message.h"

/* Full from this much text on (the last one may have gone beyond it). */
#define MQUEUE_TEXT_BYTES (4 * 1024 * 1024)

struct mqueue;

/* NULL: out of memory or file descriptors (errno). capacity > 0. */
struct mqueue *mqueue_new(const struct message_kind *kind, size_t capacity);
/* Disposes of the messages still inside.  No thread may use it any more.  NULL is fine. */
void mqueue_free(struct mqueue *q);

/* A copy of m, a message of its kind.  false: full (room_fd will tell) or closed. */
bool mqueue_push(struct mqueue *q, const void *m);
/* Waits for room.  false: closed. */
bool mqueue_push_wait(struct mqueue *q, const void *m);

/* false: empty. */
bool mqueue_pop(struct mqueue *q, void *out);
/* Waits for a message.  false: closed and empty. */
bool mqueue_pop_wait(struct mqueue *q, void *out);

/* From now on pushes are refused; what is inside can still be popped. */
void mqueue_close(struct mqueue *q);

int mqueue_ready_fd(const struct mqueue *q);
int mqueue_room_fd(const struct mqueue *q);
/* Makes room_fd quiet again; call it before trying the push anew. */
void mqueue_room_seen(struct mqueue *q);

#endif
