/*
 * sessions: the hub's table of sessions: found by their connection, and told
 * apart by whether there may be something to do for them.
 *
 * A thousand peers that say nothing must not cost a look at each with every
 * datagram of the one that sends a file.  So a session rests once nothing can
 * move in it, and is awake again as soon as somebody looks it up: a message of
 * ui, an event of the endpoint, a transfer of its own.  Owned by the net thread.
 *
 *   v[0 … awake) are to be pumped, v[awake … count) rest
 */
#ifndef DUET_APP_SESSIONS_H
#define DUET_APP_SESSIONS_H

#include <stddef.h>

#include "app/session.h"
#include "base/idmap.h"

struct sessions {
    struct session **v; /* each knows its place in it */
    size_t count, awake, cap;
    struct idmap by_conn; /* to struct session; the ids are random numbers of our own endpoint */
};

/* All zero is an empty table. */
void sessions_dispose(struct sessions *t);

/* Takes the session, awake.  0; DUET_ENOMEM, DUET_EEXIST: still the caller's. */
int sessions_add(struct sessions *t, struct session *s);
/* NULL: unknown.  It is awake then. */
struct session *sessions_find(struct sessions *t, conn_id conn);
/* Nothing is freed. */
void sessions_remove(struct sessions *t, struct session *s);

/* A session that fell silent while a newer one with the same key works, s being one of the two; NULL: none.  Looks at
 * all: for when s has begun or ceased to work. */
struct session *sessions_replaced(const struct sessions *t, struct session *s);

/* How many there are with this key, those that say goodbye aside; and is one of them asked whether it lives? */
size_t sessions_of_key(const struct sessions *t, const uint8_t key[NOISE_KEY_BYTES]);
bool sessions_is_asked(const struct sessions *t, const uint8_t key[NOISE_KEY_BYTES]);

void sessions_rest(struct sessions *t, struct session *s);
void sessions_wake_all(struct sessions *t);

#endif
