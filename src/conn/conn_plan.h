/*
 * conn_plan: when a connection can send next, and what holds it back until then.  Part of conn
 * (conn.h), used by the endpoint.
 *
 * conn_plan only looks.  conn_apply_plan acts on what it saw: the pacer, the controller and path
 * MTU discovery hear what files wait for, and the end of a file is repeated (recovery/tail.h).  The
 * endpoint does both after whatever happened to a connection.
 */
#ifndef DUET_CONN_CONN_PLAN_H
#define DUET_CONN_CONN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "conn/conn.h"

/* What files wait for. */
enum conn_limit {
    LIMITED_BY_OTHERS, /* not asked: something else leaves first, or nothing may leave at all */
    LIMITED_BY_PACING, /* their turn */
    LIMITED_BY_CWND,   /* room in min(cwnd, window) */
    LIMITED_BY_APP,    /* there is room, but nothing new to send */
    LIMITED_BY_BOTH,   /* neither room nor anything to send; or the route in use may lead nowhere */
};

struct conn_plan {
    duet_time at; /* conn_send will have something, as far as that does not depend on other timers; DUET_NEVER */
    enum conn_limit limited_by;
    uint32_t paced_bytes; /* so long a packet of files … */
    duet_time paced_at;   /* … has its turn then; DUET_NEVER: none waits for one */
    bool has_tail;        /* that packet, if any, is of what is unacknowledged of files of which nothing new is left */
    bool fills_larger;    /* there are files to fill larger packets: path MTU discovery may go on */
};

struct conn_plan conn_plan(const struct conn *c, duet_time now);

/* The act.  Returns when conn_send will have something: plan->at, unless the tail's turn is
 * earlier. */
duet_time conn_apply_plan(struct conn *c, const struct conn_plan *plan, duet_time now);

#endif
