/*
 * heap: a binary min-heap of deadlines, intrusive, so that one node belongs to
 * its owner and moving it is O(log n).  Equal deadlines leave in the order of
 * their `tie` (a running number, fresh whenever a node gets another deadline),
 * so a simulation is reproducible.  A node starts zeroed and is taken out before
 * its owner goes; disposing the heap touches no node.
 * Owned by one thread.
 */
#ifndef DUET_BASE_HEAP_H
#define DUET_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct heap_node {
    duet_time at;
    uint64_t tie;
    size_t slot; /* index in the heap + 1; 0: not in it */
};

struct heap {
    struct heap_node **v;
    size_t count;
    size_t cap;
    uint64_t next_tie;
};

void heap_init(struct heap *h);
void heap_dispose(struct heap *h);

/* Puts the node at `at`, or moves it there; DUET_NEVER takes it out.  0, DUET_ENOMEM. */
int heap_set(struct heap *h, struct heap_node *n, duet_time at);
void heap_remove(struct heap *h, struct heap_node *n);

/* The earliest node, NULL when empty. */
struct heap_node *heap_first(const struct heap *h);

#endif
