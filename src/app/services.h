/*
 * services: the remote commands this side answers (`duet ask`, /ask).
 *
 * A const table: one entry, one function.  Services are pure: argument, wall
 * time and status in, bounded text out.  Only peers that the user trusts ask.  Asking "ping" the round trip is measured by the
 * side that asks (app/asks).  Any thread.
 */
#ifndef DUET_APP_SERVICES_H
#define DUET_APP_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"
#include "conn/types.h"

/* What this side is at, and how the peer that asks reaches it. */
struct service_status {
    const char *version; /* NULL: not told */
    uint64_t up_us;
    size_t peers;              /* connected and trusted, the one that asks among them */
    size_t receiving, sending; /* files offered or under way */
    struct endpoint_stats path;
};

struct service_call {
    const char *arg; /* as the peer sent it: any bytes */
    size_t arg_len;
    uint64_t wall_us; /* µs since 1970-01-01 UTC */
    const struct service_status *status;
};

struct service_answer {
    bool ok;
    size_t len;
    char text[APPMSG_ANSWER_BYTES];
};

struct service {
    const char *name;
    const char *help; /* "sum NUMBER…: adds the numbers" */
    void (*run)(const struct service_call *call, struct service_answer *out);
};

extern const struct service services[];
extern const size_t services_count;

/* Runs the command of this name; an unknown one is answered with what there is. */
void services_run(const char *name, size_t name_len, const struct service_call *call, struct service_answer *out);

#endif
