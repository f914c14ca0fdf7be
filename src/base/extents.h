/*
 * extents: ranges.h for tens of thousands of ranges.
 *
 * A sorted row of small `ranges`: a change in the middle moves the neighbours
 * within one of them, not everything above it.  A set of few ranges is one of
 * them.  The invariant is that of ranges.h over all: sorted, disjoint,
 * non-touching, at most `max`; DUET_EFULL and DUET_ENOMEM change nothing.
 * Owned by one thread; memory follows the number of ranges in both directions.
 */
#ifndef DUET_BASE_EXTENTS_H
#define DUET_BASE_EXTENTS_H

#include "base/ranges.h"

#define EXTENTS_LEAF 64 /* ranges in one of the row: 1 KB is the most that one change moves there */

struct extents {
    struct ranges *leaves; /* ascending, none empty */
    size_t leaf_count;
    size_t leaf_cap;
    size_t count; /* ranges in all */
    size_t max;
    uint64_t moved; /* as ranges: of leaves that are gone, and of the row itself */
};

void extents_init(struct extents *x, size_t max);
void extents_dispose(struct extents *x);

/* As ranges_add and ranges_remove. */
int extents_add(struct extents *x, uint64_t start, uint64_t end);
int extents_remove(struct extents *x, uint64_t start, uint64_t end);

/* The lowest range, the end of the highest; the set is not empty. */
struct range extents_first(const struct extents *x);
uint64_t extents_end(const struct extents *x);

/* Is the whole of [start, end) inside?  True for an empty one. */
bool extents_covers(const struct extents *x, uint64_t start, uint64_t end);
/* As ranges_overlap, ranges_end_of, ranges_first_gap. */
uint64_t extents_overlap(const struct extents *x, uint64_t start, uint64_t end);
uint64_t extents_end_of(const struct extents *x, uint64_t value);
bool extents_first_gap(const struct extents *x, uint64_t start, uint64_t end, struct range *gap);

#endif
