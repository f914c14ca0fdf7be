#include "conn/events.h"

#include <stdlib.h>

#define EVENTS_FIRST 16

void events_init(struct events *q)
{
    *q = (struct events){.v = NULL};
}

void events_dispose(struct events *q)
{
    free(q->v);
    events_init(q);
}

static bool grow_ring(struct events *q)
{
    const size_t cap = q->cap == 0 ? EVENTS_FIRST : q->cap * 2;
    struct endpoint_event *v = malloc(cap * sizeof(*v));

    if (v == NULL)
        return false;
    for (size_t i = 0; i < q->count; i++)
        v[i] = q->v[(q->head + i) & (q->cap - 1)];
    free(q->v);
    q->v = v;
    q->head = 0;
    q->cap = cap;
    return true;
}

void events_push(struct events *q, const struct endpoint_event *ev)
{
    if (q->count == q->cap && !grow_ring(q)) {
        q->dropped++;
        return;
    }
    q->v[(q->head + q->count++) & (q->cap - 1)] = *ev;
}

bool events_pop(struct events *q, struct endpoint_event *ev)
{
    if (q->count == 0)
        return false;
    *ev = q->v[q->head];
    q->head = (q->head + 1) & (q->cap - 1);
    q->count--;
    return true;
}
