/*
 * extents: everything that touches one leaf is left to ranges; here it is found
 * by binary search, split when full, joined with a neighbour when both are
 * small, and what a change takes from other leaves is taken from them.  Two
 * neighbours together hold more than half a leaf, so the row is short.
 */
#include "base/extents.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ROW_SHRINK_FROM 8

void extents_init(struct extents *x, size_t max)
{
    assert(max > 0);
    *x = (struct extents){.max = max};
}

void extents_dispose(struct extents *x)
{
    for (size_t i = 0; i < x->leaf_count; i++)
        ranges_dispose(&x->leaves[i]);
    free(x->leaves);
    extents_init(x, x->max);
}

static uint64_t leaf_start(const struct extents *x, size_t i)
{
    return x->leaves[i].v[0].start;
}

static uint64_t leaf_end(const struct extents *x, size_t i)
{
    return x->leaves[i].v[x->leaves[i].count - 1].end;
}

/* The set is not empty. */
static struct range *last_range(const struct extents *x)
{
    const struct ranges *leaf = &x->leaves[x->leaf_count - 1];

    return &leaf->v[leaf->count - 1];
}

/* The first leaf that ends above `value`; leaf_count: none.  Bytes mostly come in order: the last
 * one first. */
static size_t leaf_ending_above(const struct extents *x, uint64_t value)
{
    size_t at = 0, left = x->leaf_count;

    if (left > 0 && leaf_end(x, left - 1) <= value)
        return left;
    if (left > 0 && leaf_start(x, left - 1) <= value)
        return left - 1;
    /* As in ranges: no branch depends on what a peer chose. */
    for (size_t half; left > 1; left -= half) {
        half = left / 2;
        at += (leaf_end(x, at + half - 1) <= value) * half;
    }
    return at;
}

/* ---- the row ---- */

/* Makes place for a leaf at `at`, empty. */
static int open_leaf(struct extents *x, size_t at)
{
    if (x->leaf_count == x->leaf_cap) {
        const size_t cap = x->leaf_cap == 0 ? 1 : 2 * x->leaf_cap;
        struct ranges *leaves = realloc(x->leaves, cap * sizeof(*leaves));

        if (leaves == NULL)
            return DUET_ENOMEM;
        x->leaves = leaves;
        x->leaf_cap = cap;
    }
    if (at < x->leaf_count)
        memmove(&x->leaves[at + 1], &x->leaves[at], (x->leaf_count - at) * sizeof(x->leaves[0]));
    x->moved += x->leaf_count - at;
    x->leaf_count++;
    ranges_init(&x->leaves[at], EXTENTS_LEAF);
    return 0;
}

static void shrink_row(struct extents *x)
{
    if (x->leaf_count == 0) {
        free(x->leaves);
        x->leaves = NULL;
        x->leaf_cap = 0;
    } else if (x->leaf_cap > ROW_SHRINK_FROM && x->leaf_count < x->leaf_cap / 4) {
        struct ranges *leaves = realloc(x->leaves, x->leaf_cap / 2 * sizeof(*leaves));

        if (leaves == NULL)
            return; /* a long row is no harm */
        x->leaves = leaves;
        x->leaf_cap /= 2;
    }
}

/* Takes the leaves [from, to) out of the row. */
static void close_leaves(struct extents *x, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        x->count -= x->leaves[i].count;
        x->moved += x->leaves[i].moved;
        ranges_dispose(&x->leaves[i]);
    }
    if (from < to && to < x->leaf_count)
        memmove(&x->leaves[from], &x->leaves[to], (x->leaf_count - to) * sizeof(x->leaves[0]));
    x->moved += from < to ? x->leaf_count - to : 0;
    x->leaf_count -= to - from;
    shrink_row(x);
}

/* Appends `count` ranges, all above what `to` holds. */
static int append(struct ranges *to, const struct range *v, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = ranges_add(to, v[i].start, v[i].end);
    return rc;
}

/* Leaf `at` is full: its upper half becomes the next one. */
static int split(struct extents *x, size_t at)
{
    const int rc = open_leaf(x, at + 1);

    if (rc != 0)
        return rc;
    struct ranges *low = &x->leaves[at], *high = &x->leaves[at + 1];
    const size_t half = low->count / 2;
    if (append(high, low->v + half, low->count - half) != 0) {
        high->count = 0; /* they are all in `low` still */
        close_leaves(x, at + 1, at + 2);
        return DUET_ENOMEM;
    }
    x->moved += high->count;
    low->count = half;
    return 0;
}

/* Leaf `at` became smaller: it disappears, or it and a neighbour become one if that is small
 * still. */
static void tidy(struct extents *x, size_t at)
{
    if (x->leaves[at].count == 0) {
        close_leaves(x, at, at + 1);
        return;
    }
    const size_t low = at > 0 ? at - 1 : at;
    for (size_t i = low; i <= at && i + 1 < x->leaf_count; i++) {
        struct ranges *a = &x->leaves[i], *b = &x->leaves[i + 1];
        const size_t kept = a->count;

        if (kept + b->count > EXTENTS_LEAF / 2)
            continue;
        if (append(a, b->v, b->count) != 0) {
            a->count = kept; /* no memory: they stay two */
            return;
        }
        x->count += b->count;
        x->moved += b->count;
        close_leaves(x, i + 1, i + 2);
        return;
    }
}

/* ---- changes ---- */

typedef int change(struct ranges *r, uint64_t start, uint64_t end);

/* Lets ranges_add or ranges_remove change leaf `at` alone; splits it when it has to be larger. */
static int change_leaf(struct extents *x, size_t at, change *how, uint64_t start, uint64_t end)
{
    struct ranges *leaf = &x->leaves[at];
    const size_t before = leaf->count;

    /* With as many as are allowed in all, no leaf may grow. */
    if (x->count == x->max)
        leaf->max = before;
    const int rc = how(leaf, start, end);
    leaf->max = EXTENTS_LEAF;
    if (rc == DUET_EFULL && x->count < x->max) {
        const int err = split(x, at);

        if (err != 0)
            return err;
        /* A new range between the two halves goes to the end of the lower one. */
        return change_leaf(x, at + (leaf_start(x, at + 1) <= start), how, start, end);
    }
    x->count += leaf->count - before;
    if (leaf->count < before)
        tidy(x, at);
    return rc;
}

/* What the leaves above `at` hold of [start, *end), or touching its end, goes; *end becomes the end
 * of all of it. */
static void absorb(struct extents *x, size_t at, uint64_t *end)
{
    const size_t from = at + 1;
    size_t to = from;

    while (to < x->leaf_count && leaf_end(x, to) <= *end)
        to++;
    close_leaves(x, from, to);
    if (from >= x->leaf_count || leaf_start(x, from) > *end)
        return;
    /* One leaf reaches beyond. */
    struct ranges *leaf = &x->leaves[from];
    const size_t before = leaf->count;
    *end = ranges_end_of(leaf, *end);
    ranges_trim_below(leaf, *end);
    x->count -= before - leaf->count;
    tidy(x, from);
}

/* The usual case, told by one look: what begins in the highest range or just after it makes that
 * longer. */
static bool extend_last(struct extents *x, uint64_t start, uint64_t end)
{
    struct range *last = x->count > 0 ? last_range(x) : NULL;

    if (last == NULL || start < last->start || start > last->end)
        return false;
    if (end > last->end)
        last->end = end;
    return true;
}

int extents_add(struct extents *x, uint64_t start, uint64_t end)
{
    assert(start <= end);
    if (start == end || extend_last(x, start, end))
        return 0;
    if (x->leaf_count == 0) {
        const int rc = open_leaf(x, 0);

        if (rc != 0)
            return rc;
    }
    /* The leaf it overlaps or touches first, or the one below or above it where it stands alone. */
    size_t at = x->count == 0 || start == 0 ? 0 : leaf_ending_above(x, start - 1);
    if (at == x->leaf_count)
        at--;
    /* Only what joins the last range of the leaf can reach further, and that needs no room. */
    if (at + 1 < x->leaf_count && leaf_start(x, at + 1) <= end)
        absorb(x, at, &end);
    const int rc = change_leaf(x, at, ranges_add, start, end);
    if (x->count == 0)
        close_leaves(x, 0, x->leaf_count);
    return rc;
}

/* The usual case: the beginning of the lowest range, which stays. */
static bool cut_first(struct extents *x, uint64_t start, uint64_t end)
{
    struct range *first = x->count > 0 ? &x->leaves[0].v[0] : NULL;

    if (first == NULL || start > first->start || end <= first->start || end >= first->end)
        return false;
    first->start = end;
    return true;
}

int extents_remove(struct extents *x, uint64_t start, uint64_t end)
{
    assert(start <= end);
    if (cut_first(x, start, end))
        return 0;
    while (start < end) {
        const size_t at = leaf_ending_above(x, start);

        if (at == x->leaf_count || leaf_start(x, at) >= end)
            return 0;
        const uint64_t until = leaf_end(x, at) < end ? leaf_end(x, at) : end;
        const int rc = change_leaf(x, at, ranges_remove, start, until);
        /* Only a range cut in two needs room, and then it is the only one. */
        if (rc != 0)
            return rc;
        start = until;
    }
    return 0;
}

/* ---- questions ---- */

struct range extents_first(const struct extents *x)
{
    assert(x->count > 0);
    return x->leaves[0].v[0];
}

uint64_t extents_end(const struct extents *x)
{
    assert(x->count > 0);
    return last_range(x)->end;
}

uint64_t extents_end_of(const struct extents *x, uint64_t value)
{
    const size_t at = leaf_ending_above(x, value);

    return at < x->leaf_count ? ranges_end_of(&x->leaves[at], value) : value;
}

uint64_t extents_overlap(const struct extents *x, uint64_t start, uint64_t end)
{
    uint64_t sum = 0;

    /* All above, or all of it in the lowest range: the usual cases again. */
    if (x->count == 0 || start >= last_range(x)->end)
        return 0;
    if (start >= x->leaves[0].v[0].start && end <= x->leaves[0].v[0].end)
        return end - start;
    for (size_t i = leaf_ending_above(x, start); i < x->leaf_count && leaf_start(x, i) < end; i++)
        sum += ranges_overlap(&x->leaves[i], start, end);
    return sum;
}

bool extents_first_gap(const struct extents *x, uint64_t start, uint64_t end, struct range *gap)
{
    const size_t at = leaf_ending_above(x, start);

    if (start >= end)
        return false;
    if (at == x->leaf_count) {
        *gap = (struct range){.start = start, .end = end};
        return true;
    }
    if (!ranges_first_gap(&x->leaves[at], start, end, gap))
        return false;
    /* Nothing touches, so a gap at the end of a leaf is not empty. */
    if (at + 1 < x->leaf_count && leaf_start(x, at + 1) < gap->end)
        gap->end = leaf_start(x, at + 1);
    return true;
}

bool extents_covers(const struct extents *x, uint64_t start, uint64_t end)
{
    return start >= end || extents_end_of(x, start) >= end;
}
