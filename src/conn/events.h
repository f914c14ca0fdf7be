/*
 * events: the queue between connections and endpoint_poll.
 *
 * Grows as needed: its length is bounded by what one train or one tick can
 * cause, because the contract of endpoint.h drains it after every call.
 */
#ifndef DUET_CONN_EVENTS_H
#define DUET_CONN_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "conn/types.h"

struct events {
    struct endpoint_event *v; /* a ring of cap, a power of two */
    size_t head;
    size_t count;
    size_t cap;
    uint64_t dropped; /* for want of memory */
};

void events_init(struct events *q);
void events_dispose(struct events *q);
void events_push(struct events *q, const struct endpoint_event *ev);
bool events_pop(struct events *q, struct endpoint_event *ev);

#endif
