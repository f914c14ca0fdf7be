/*
 * outbox: messages on their way to another thread, in order, until its queue
 * takes them.  Grows by doubling.  When no memory is left for a message of the
 * ui it is disposed of and `lost` is set: the hub then ends every session
 * rather than going on with a hole.  Owned by one thread.
 */
#ifndef DUET_APP_OUTBOX_H
#define DUET_APP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "app/msg.h"

struct outbox_entry {
    struct msg m;
    size_t text_len; /* weighed when it came: the text may be gone when it leaves */
};

struct outbox {
    struct outbox_entry *v; /* ring of cap entries */
    size_t head, count, cap;
    size_t text_bytes; /* of all texts waiting */
    bool lost;
};

/* `reserve` messages fit without asking for memory.  0, DUET_ENOMEM. */
int outbox_init(struct outbox *o, size_t reserve);
void outbox_dispose(struct outbox *o);

/* Takes ownership.  0; DUET_ENOMEM: disposed of, lost is set (a chunk in it stays the caller's). */
int outbox_push(struct outbox *o, struct msg m);
/* A snapshot of a transfer: replaces the one still waiting, if any. */
void outbox_push_progress(struct outbox *o, struct msg m);

struct msg *outbox_first(struct outbox *o); /* NULL: empty; it stays ours until outbox_drop */
void outbox_drop(struct outbox *o);         /* the first one has a new owner */

#endif
