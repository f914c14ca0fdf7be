/*
 * ranges: a set of uint64 as sorted, disjoint, non-touching half-open ranges.
 *
 * Serves what was acknowledged, received, lost, written.  Adding finds its
 * place by binary search; touching ranges merge, so a set without holes is one
 * element.  Bounded: more than `max` separate ranges is DUET_EFULL and changes
 * nothing.  Owned by one thread; `v` is on the heap and grows by doubling.
 */
#ifndef DUET_BASE_RANGES_H
#define DUET_BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t start;
    uint64_t end; /* exclusive; start < end always */
};

struct ranges {
    struct range *v; /* ascending; v[i].end < v[i+1].start */
    size_t count;
    size_t cap;
    size_t max;     /* most ranges this set may hold */
    uint64_t moved; /* ranges moved to make or close a place so far: what changes in the middle cost */
};

void ranges_init(struct ranges *r, size_t max);
void ranges_dispose(struct ranges *r);

/* Adds [start, end).  An empty range is fine and changes nothing.
 * 0, DUET_EFULL, DUET_ENOMEM. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t end);

/* Takes [start, end) out; may split one range in two.  0, DUET_EFULL, DUET_ENOMEM. */
int ranges_remove(struct ranges *r, uint64_t start, uint64_t end);

/* Drops everything below `floor`.  Never fails. */
void ranges_trim_below(struct ranges *r, uint64_t floor);

/* Drops the lowest range (an ACK sender that forgets its oldest). */
void ranges_drop_first(struct ranges *r);

bool ranges_contains(const struct ranges *r, uint64_t value);

/* How many values of [start, end) are inside? */
uint64_t ranges_overlap(const struct ranges *r, uint64_t start, uint64_t end);

/* The end of the range that holds `value`, or `value` itself where none does. */
uint64_t ranges_end_of(const struct ranges *r, uint64_t value);

/* The first part of [start, end) that is NOT inside; false when all of it is, or it is empty. */
bool ranges_first_gap(const struct ranges *r, uint64_t start, uint64_t end, struct range *gap);

#endif
