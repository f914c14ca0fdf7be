/*
 * outbox: messages of one kind on their way to another thread, in order, until
 * its queue takes them.  Grows by doubling.  When no memory is left for a
 * message it is disposed of and `lost` is set: the hub then ends every session
 * rather than going on with a hole.  Owned by one thread.
 */
#ifndef DUET_APP_OUTBOX_H
#define DUET_APP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "app/message.h"

struct outbox {
    const struct message_kind *kind;
    unsigned char *v;  /* ring of cap messages */
    size_t *text_lens; /* of each, weighed when it came: the text may be gone when it leaves */
    size_t head, count, cap;
    size_t text_bytes; /* of all texts waiting */
    bool lost;
};

/* `reserve` messages fit without asking for memory.  0, DUET_ENOMEM. */
int outbox_init(struct outbox *o, const struct message_kind *kind, size_t reserve);
void outbox_dispose(struct outbox *o);

/* Takes ownership of a copy.  0; DUET_ENOMEM: disposed of, lost is set (a chunk in it stays the caller's). */
int outbox_push(struct outbox *o, void *m);
/* The same for a snapshot, which replaces the one still waiting of the same thing, if any. */
int outbox_push_snapshot(struct outbox *o, void *m, bool (*is_same)(const void *waiting, const void *m));

void *outbox_first(struct outbox *o); /* NULL: empty; it stays ours until outbox_drop */
void outbox_drop(struct outbox *o);   /* the first one has a new owner */

#endif
