/*
 * services: the remote commands this side answers (`duet ask`, /ask).
 *
 * A const table: one entry, one function.  Services are pure: argument and wall
 * time in, bounded text out.  Asking "ping" the round trip is measured by the
 * side that asks (app/asks).  Any thread.
 */
#ifndef DUET_APP_SERVICES_H
#define DUET_APP_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"

struct service_call {
    const char *arg; /* as the peer sent it: any bytes */
    size_t arg_len;
    uint64_t wall_us; /* µs since 1970-01-01 UTC */
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
