/*
 * flows: the streams and datagrams of the application of one session, between
 * the messages of the front end and the endpoint (PROTOCOL.md §7.1, §7.2).
 *
 *   in    what has come is handed over as NOTICE_STREAM_DATA, FLOW_AHEAD_BYTES of a stream and FLOWS_AHEAD_BYTES of all at
 *         most before the front end says that it consumed them (REQUEST_STREAM_CONSUMED); what is beyond that stays in the
 *         endpoint, and is credit the peer lacks
 *   out   what the endpoint does not take yet waits here, in the messages it came in; NOTICE_STREAM_WROTE says how much
 *         has left, so that the front end bounds what it hands over
 *
 * Nothing is told before the session is live.  Embedded in the session; owned by the net thread.
 */
#ifndef DUET_APP_FLOWS_H
#define DUET_APP_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/env.h"
#include "app/peer.h"
#include "app/request.h"

#define FLOW_AHEAD_BYTES (1024 * 1024)      /* handed to the front end and not consumed, of one stream, */
#define FLOWS_AHEAD_BYTES (4 * 1024 * 1024) /* … and of all of a session */
#define FLOW_DATA_BYTES (64 * 1024)         /* in one message */
#define FLOWS_DATAGRAMS 64                  /* datagrams on their way to the front end: more are dropped, */
#define FLOWS_DATAGRAM_BYTES (256 * 1024)   /* and more than these bytes */

struct flow;

struct flows {
    struct flow **v; /* unordered */
    size_t count, cap;
    size_t next;          /* who reads first in the next turn */
    uint64_t ahead_bytes; /* of all */
    size_t datagrams;     /* on their way to the front end, */
    size_t datagram_bytes;
    uint64_t datagrams_dropped; /* for want of room there, and not told yet */
    size_t datagram_most;       /* what the front end knows it may send */
    bool news;                  /* some are to be told, read or written */
};

void flows_dispose(struct flows *f);

/* From the front end: REQUEST_STREAM_… and REQUEST_DATAGRAM.  Takes their blobs. */
void flows_handle(struct flows *f, struct env *env, struct peer *p, struct request *m);
/* From the endpoint: what is about a stream of the application, or a datagram. */
void flows_event(struct flows *f, struct env *env, struct peer *p, const struct endpoint_event *ev);
/* A NOTICE_DATAGRAM has left for the front end. */
void flows_took_datagram(struct flows *f, size_t len);

/* Once the session is live: tells, reads and writes what can be. */
void flows_pump(struct flows *f, struct env *env, struct peer *p);

/* Nothing can move before a message or an event comes. */
bool flows_rest(const struct flows *f);
/* The endpoint has taken all that was written. */
bool flows_written(const struct flows *f);

#endif
