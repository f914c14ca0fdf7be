/*
 * tracer: the ring behind endpoint_trace_poll (trace.h).  Off: every call is a
 * no-op.  Inside the endpoint; connections write, the endpoint reads.
 */
#ifndef DUET_CONN_TRACER_H
#define DUET_CONN_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn/trace.h"

struct tracer {
    struct trace_event *v; /* TRACE_EVENTS of them; NULL: off */
    size_t head;
    size_t count;
    uint64_t dropped;
};

int tracer_init(struct tracer *t, bool on); /* 0, DUET_ENOMEM */
void tracer_dispose(struct tracer *t);
void tracer_push(struct tracer *t, const struct trace_event *ev);
bool tracer_pop(struct tracer *t, struct trace_event *ev);

#endif
