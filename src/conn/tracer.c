#include "conn/tracer.h"

#include <stdlib.h>

#include "base/err.h"

const char *trace_name(enum trace_type type)
{
    static const char *const names[] = {
#define X(name, words) [name] = words,
        TRACE_LIST(X)
#undef X
    };

    return names[type];
}

int tracer_init(struct tracer *t, bool on)
{
    *t = (struct tracer){.v = NULL};
    if (!on)
        return 0;
    t->v = calloc(TRACE_EVENTS, sizeof(*t->v));
    return t->v == NULL ? DUET_ENOMEM : 0;
}

void tracer_dispose(struct tracer *t)
{
    free(t->v);
    *t = (struct tracer){.v = NULL};
}

void tracer_push(struct tracer *t, const struct trace_event *ev)
{
    if (t->v == NULL)
        return;
    if (t->count == TRACE_EVENTS) {
        t->dropped++;
        return;
    }
    t->v[(t->head + t->count++) % TRACE_EVENTS] = *ev;
}

bool tracer_pop(struct tracer *t, struct trace_event *ev)
{
    if (t->count == 0)
        return false;
    *ev = t->v[t->head];
    t->head = (t->head + 1) % TRACE_EVENTS;
    t->count--;
    return true;
}
