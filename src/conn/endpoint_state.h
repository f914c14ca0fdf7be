/*
 * endpoint_state: what an endpoint is made of, and its tables.  For the files of the endpoint only
 * (endpoint.c, endpoint_streams.c, accept.c); everyone else sees endpoint.h.
 */
#ifndef DUET_CONN_ENDPOINT_STATE_H
#define DUET_CONN_ENDPOINT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/idmap.h"
#include "conn/conn.h"
#include "conn/hosts.h"
#include "crypto/cookie.h"

#define ENDPOINT_REPLIES 64 /* answers without a connection that wait to leave; more are dropped */

/* A RETRY, VERSION or refusing SYN-ACK: nothing is kept for whoever gets it. */
struct endpoint_reply {
    struct duet_route to;
    size_t len;
    uint8_t bytes[LIMIT_SYN_ACK_BYTES];
};

struct attempt;

struct endpoint {
    struct conn_shared shared;
    struct cookie cookie;
    bool accept;
    struct idmap by_id;  /* our id → connection */
    struct idmap by_syn; /* tag of a SYN we answered (accept.c) → connection */
    uint64_t syn_secret; /* of those tags */
    struct heap timers;  /* conn.timer */
    struct conn **all;   /* every connection, unordered */
    size_t count, cap;
    size_t half_open;
    struct attempt *attempts; /* calls under way, the newest first (attempt.h) */
    duet_time wasted_since;   /* a second in which … */
    size_t wasted;            /* so many SYNs cost an answer and made no connection, */
    size_t wasted_proven;     /* and so many of them had a good token */
    struct hosts hosts;
    struct conn *ready_first, *ready_last; /* can send now, first come first served */
    struct endpoint_reply replies[ENDPOINT_REPLIES];
    size_t reply_head, reply_count;
    struct endpoint_counters counters;
};

/* Puts a new connection into the tables.  0, or an error and the connection is freed. */
int endpoint_add(struct endpoint *e, struct conn *c, duet_time now);
/* Takes it out and frees it; no attempt counts on it any more. */
void endpoint_remove(struct endpoint *e, struct conn *c);
/* Sets its timer and its readiness anew; one that is DEAD is removed and freed. */
void endpoint_refresh(struct endpoint *e, struct conn *c, duet_time now);

/* ---- endpoint_update.c ---- */

/* Something happened to c: its attempt hears of it, and the tables are brought up to date. */
void endpoint_update(struct endpoint *e, struct conn *c, duet_time now);

/* ---- endpoint_state.c ---- */

/* When c can send next; what holds it back until then is noted. */
duet_time endpoint_plan(struct conn *c, duet_time now);
/* Its timer, or `send_at` when that is earlier. */
void endpoint_set_timer(struct endpoint *e, struct conn *c, duet_time send_at);
/* It has nothing to send (any more). */
void endpoint_leave_ready(struct endpoint *e, struct conn *c);

/* NULL: there is none of that id; _open: or none whose streams can be used. */
struct conn *endpoint_find(const struct endpoint *e, conn_id id);
struct conn *endpoint_find_open(const struct endpoint *e, conn_id id);
/* A random id in nobody's use. */
conn_id endpoint_fresh_id(struct endpoint *e);

#endif
