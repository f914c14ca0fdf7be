/*
 * served: commands of a peer that the front end answers: those it registered
 * (PROTOCOL.md §8.4), by name for all sessions, and for each session those that
 * wait for their answer.  Owned by the net thread.
 */
#ifndef DUET_APP_SERVED_H
#define DUET_APP_SERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"
#include "base/time.h"

#define SERVED_NAMES 64
#define SERVED_ASKS_MAX 32                       /* of one peer: as many as it may have waiting (PROTOCOL.md §8.4) */
#define SERVED_WAIT_US (UINT64_C(30) * US_PER_S) /* a program that does not answer by then is said not to */

struct served {
    char names[SERVED_NAMES][APPMSG_COMMAND_BYTES + 1];
    size_t count;
};

/* 0, also for one that is there; DUET_EINVAL: not one word of 1 to APPMSG_COMMAND_BYTES bytes; DUET_EFULL. */
int served_add(struct served *s, const char *name);
void served_remove(struct served *s, const char *name);
bool served_has(const struct served *s, const char *name, size_t len);

struct served_ask {
    uint32_t id; /* the peer's, not 0 */
    duet_time until;
};

struct served_asks {
    struct served_ask v[SERVED_ASKS_MAX]; /* in the order they came: the first is due first */
    size_t count;
};

/* 0; DUET_EPROTOCOL: no id, or one that waits already; DUET_EFULL: SERVED_ASKS_MAX wait. */
int served_asks_add(struct served_asks *r, uint32_t id, duet_time now);
/* It is answered; false: none waits under this id. */
bool served_asks_take(struct served_asks *r, uint32_t id);
/* Takes one whose time is over; false: none. */
bool served_asks_expired(struct served_asks *r, duet_time now, uint32_t *id);
duet_time served_asks_deadline(const struct served_asks *r);

#endif
