#include "base/heap.h"

#include <stdlib.h>

#include "base/err.h"

#define FIRST_CAP 16

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

/* The nodes are not touched: their owners may be gone already. */
void heap_dispose(struct heap *h)
{
    free(h->v);
    *h = (struct heap){0};
}

static bool earlier(const struct heap_node *a, const struct heap_node *b)
{
    return time_before(a->at, b->at) || (a->at.us == b->at.us && a->tie < b->tie);
}

static void place(struct heap *h, size_t i, struct heap_node *n)
{
    h->v[i] = n;
    n->slot = i + 1;
}

/* Brings n, for which index i is free, up to where its parent is earlier. */
static size_t sift_up(struct heap *h, size_t i, const struct heap_node *n)
{
    while (i > 0 && earlier(n, h->v[(i - 1) / 2])) {
        place(h, i, h->v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    return i;
}

/* Brings n, for which index i is free, down to where its children are later. */
static size_t sift_down(struct heap *h, size_t i, const struct heap_node *n)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->count)
            return i;
        if (child + 1 < h->count && earlier(h->v[child + 1], h->v[child]))
            child++;
        if (!earlier(h->v[child], n))
            return i;
        place(h, i, h->v[child]);
        i = child;
    }
}

static void settle(struct heap *h, size_t i, struct heap_node *n)
{
    i = sift_up(h, i, n);
    place(h, sift_down(h, i, n), n);
}

static int grow(struct heap *h)
{
    const size_t cap = h->cap == 0 ? FIRST_CAP : 2 * h->cap;

    struct heap_node **v = reallocarray(h->v, cap, sizeof(struct heap_node *));

    if (v == NULL)
        return DUET_ENOMEM;
    h->v = v;
    h->cap = cap;
    return 0;
}

int heap_set(struct heap *h, struct heap_node *n, duet_time at)
{
    if (time_is_never(at)) {
        heap_remove(h, n);
        return 0;
    }
    if (n->slot != 0 && n->at.us == at.us)
        return 0;
    if (n->slot == 0 && h->count == h->cap) {
        const int err = grow(h);

        if (err != 0)
            return err;
    }
    n->at = at;
    n->tie = h->next_tie++;
    settle(h, n->slot == 0 ? h->count++ : n->slot - 1, n);
    return 0;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    if (n->slot == 0)
        return;
    const size_t hole = n->slot - 1;
    struct heap_node *last = h->v[--h->count];

    n->slot = 0;
    if (last != n)
        settle(h, hole, last);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count == 0 ? NULL : h->v[0];
}
