/*
 * datagrams: those of the application that wait to leave (PROTOCOL.md §7.2).
 *
 * A short queue: what cannot leave soon is worth nothing, so that the newest
 * takes the place of the oldest.  Owned by one connection; part of `streams`.
 */
#ifndef DUET_STREAM_DATAGRAMS_H
#define DUET_STREAM_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

#define DATAGRAM_QUEUE 64                 /* what a path of 10 Mbit/s takes in 75 ms, of full packets */
#define DATAGRAM_QUEUE_BYTES (256 * 1024) /* four of the largest */

struct waiting_datagram {
    uint8_t *bytes; /* heap; not NULL, even of an empty one */
    size_t len;
};

struct datagrams {
    struct waiting_datagram v[DATAGRAM_QUEUE];
    size_t head, count;
    size_t bytes;     /* of all */
    uint64_t dropped; /* that never left */
};

void datagrams_dispose(struct datagrams *q);

/* A copy of it goes to the end, the oldest are dropped to make room.  0, DUET_ENOMEM. */
int datagrams_push(struct datagrams *q, const uint8_t *bytes, size_t len);
/* The next to leave; NULL: none. */
const struct waiting_datagram *datagrams_first(const struct datagrams *q);
/* It left. */
void datagrams_pop(struct datagrams *q);
/* It never will. */
void datagrams_drop(struct datagrams *q);

#endif
