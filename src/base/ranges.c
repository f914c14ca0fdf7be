/*
 * ranges: see the header.  The array is kept sorted, disjoint and non-touching
 * at every return, so where a change begins is found by binary search; what it
 * takes in or takes away is looked at one by one, and goes with one memmove.
 * Numbers mostly arrive in order, so the end of the array is looked at first.
 */
#include "base/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define FIRST_CAP 8

void ranges_init(struct ranges *r, size_t max)
{
    assert(max > 0 && max <= SIZE_MAX / 2 / sizeof(struct range));
    *r = (struct ranges){.max = max};
}

void ranges_dispose(struct ranges *r)
{
    free(r->v);
    *r = (struct ranges){.max = r->max};
}

/* First index whose range ends above `value`: the one that holds it, or the next higher one.  A peer that chooses the
 * values cannot make the processor guess wrong: no branch depends on them. */
static size_t first_ending_above(const struct ranges *r, uint64_t value)
{
    size_t at = 0, left = r->count;

    if (left > 0 && r->v[left - 1].end <= value)
        return left;
    if (left > 1 && r->v[left - 2].end <= value)
        return left - 1;
    for (size_t half; left > 1; left -= half) {
        half = left / 2;
        at += (r->v[at + half - 1].end <= value) * half;
    }
    return at;
}

static int grow(struct ranges *r)
{
    size_t cap = r->cap == 0 ? FIRST_CAP : 2 * r->cap;

    if (cap > r->max)
        cap = r->max;
    struct range *v = realloc(r->v, cap * sizeof(*v));
    if (v == NULL)
        return DUET_ENOMEM;
    r->v = v;
    r->cap = cap;
    return 0;
}

static int insert(struct ranges *r, size_t at, struct range one)
{
    if (r->count == r->max)
        return DUET_EFULL;
    if (r->count == r->cap) {
        const int err = grow(r);

        if (err != 0)
            return err;
    }
    if (at < r->count)
        memmove(&r->v[at + 1], &r->v[at], (r->count - at) * sizeof(r->v[0]));
    r->moved += r->count - at;
    r->v[at] = one;
    r->count++;
    return 0;
}

/* Takes the elements [from, to) out of the array. */
static void erase(struct ranges *r, size_t from, size_t to)
{
    if (from == to)
        return;
    if (to < r->count)
        memmove(&r->v[from], &r->v[to], (r->count - to) * sizeof(r->v[0]));
    r->moved += r->count - to;
    r->count -= to - from;
}

int ranges_add(struct ranges *r, uint64_t start, uint64_t end)
{
    assert(start <= end);
    if (start == end)
        return 0;

    /* [lo, hi) are the ranges that overlap or touch the new one. */
    const size_t lo = start == 0 ? 0 : first_ending_above(r, start - 1);
    size_t hi = lo;

    while (hi < r->count && r->v[hi].start <= end)
        hi++;
    if (lo == hi)
        return insert(r, lo, (struct range){.start = start, .end = end});
    if (start < r->v[lo].start)
        r->v[lo].start = start;
    if (end < r->v[hi - 1].end)
        end = r->v[hi - 1].end;
    r->v[lo].end = end;
    erase(r, lo + 1, hi);
    return 0;
}

int ranges_remove(struct ranges *r, uint64_t start, uint64_t end)
{
    assert(start <= end);
    if (start == end)
        return 0;

    /* [lo, hi) are the ranges that lose something; the first and the last may keep a part. */
    size_t lo = first_ending_above(r, start);
    size_t hi = lo;

    while (hi < r->count && r->v[hi].start < end)
        hi++;
    if (lo == hi)
        return 0;
    const bool keeps_left = r->v[lo].start < start;
    const bool keeps_right = r->v[hi - 1].end > end;

    if (keeps_left && keeps_right && lo + 1 == hi) {
        const int err = insert(r, hi, (struct range){.start = end, .end = r->v[lo].end});

        if (err == 0)
            r->v[lo].end = start;
        return err;
    }
    if (keeps_left)
        r->v[lo++].end = start;
    if (keeps_right)
        r->v[--hi].start = end;
    erase(r, lo, hi);
    return 0;
}

void ranges_trim_below(struct ranges *r, uint64_t floor)
{
    erase(r, 0, first_ending_above(r, floor));
    if (r->count > 0 && r->v[0].start < floor)
        r->v[0].start = floor;
}

void ranges_drop_first(struct ranges *r)
{
    if (r->count > 0)
        erase(r, 0, 1);
}

bool ranges_contains(const struct ranges *r, uint64_t value)
{
    const size_t i = first_ending_above(r, value);

    return i < r->count && r->v[i].start <= value;
}

uint64_t ranges_overlap(const struct ranges *r, uint64_t start, uint64_t end)
{
    uint64_t sum = 0;

    for (size_t i = first_ending_above(r, start); i < r->count && r->v[i].start < end; i++) {
        const uint64_t from = r->v[i].start > start ? r->v[i].start : start;
        const uint64_t to = r->v[i].end < end ? r->v[i].end : end;

        sum += to - from;
    }
    return sum;
}

uint64_t ranges_end_of(const struct ranges *r, uint64_t value)
{
    const size_t i = first_ending_above(r, value);

    return i < r->count && r->v[i].start <= value ? r->v[i].end : value;
}

bool ranges_first_gap(const struct ranges *r, uint64_t start, uint64_t end, struct range *gap)
{
    size_t i = first_ending_above(r, start);

    if (i < r->count && r->v[i].start <= start)
        start = r->v[i++].end;
    if (start >= end)
        return false;
    *gap = (struct range){.start = start, .end = end};
    if (i < r->count && r->v[i].start < end)
        gap->end = r->v[i].start;
    return true;
}
