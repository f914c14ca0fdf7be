/*
 * patience: how long to wait for a peer that lives but moves nothing on.
 *
 * A peer can acknowledge every packet and still withhold credit, COMPLETE,
 * DELIVERED or ANSWER.  Who has nothing else to do (send, ask, the end of input)
 * would wait for ever.  So we note when anything of ours last moved: a byte
 * acknowledged, a text delivered, a command answered, a file stored.
 *
 * A person is not hurried: an offer may wait for its answer, and a key for its
 * judgement, as long as the peer's owner thinks.  Nor is a peer blamed for our
 * own disk.  One that checks and stores a file has PATIENCE_STORE_BYTES_PER_S
 * beyond that, as a slow card does not sync a large file in half a minute.
 * Embedded in the session; owned by the net thread.
 */
#ifndef DUET_APP_PATIENCE_H
#define DUET_APP_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define PATIENCE_STORE_BYTES_PER_S 1000000 /* a slow USB stick; what waits in the page cache is less than the file */
#define PATIENCE_PENDING_BITS 16           /* of the mark */
#define PATIENCE_LOOK_US US_PER_S          /* an acknowledgement is no event: one is noticed this late at most */

struct env;
struct session;

struct patience {
    uint64_t mark; /* changes when something moves */
    duet_time moved_at, looked_at;
    bool waits;          /* there is something that the peer's program alone keeps from moving */
    uint64_t allowed_us; /* for storing files, beyond the limit */
};

/* Looks anew; in every round in which somebody waits. */
void patience_look(struct session *s, const struct env *env);

/* When to give up, as of the last look; DUET_NEVER: nothing is waited for.  limit_us: without movement. */
duet_time patience_ends(const struct session *s, uint64_t limit_us);
/* When to look anew, in any case. */
duet_time patience_look_at(const struct session *s);

#endif
