/*
 * net: the worker thread that turns the crank: the socket, the timer and the
 * queues on one side, endpoint and hub on the other.  It alone touches
 * endpoint, hub, socket and trace while it runs.
 *
 * A turn does a bounded amount of everything (one fill of the receive buffers,
 * a batch of messages, what is due, a batch of trains), so a flood of datagrams
 * delays neither timers nor chat nor what goes out.  It sleeps when there is
 * nothing to do and wakes for a datagram, a message, a deadline, a writable
 * socket, or a queue that has room again.
 *
 * Ends when, after REQUEST_QUIT, the hub is done (or NET_QUIT_US after a REQUEST_QUIT
 * "at once"); the last message to ui is NOTICE_STOPPED.
 */
#ifndef DUET_IO_NET_H
#define DUET_IO_NET_H

#include <stdint.h>

#include "app/hub.h"
#include "conn/endpoint.h"
#include "io/mqueue.h"
#include "io/tracefile.h"
#include "io/udp.h"

#define NET_MESSAGES 64            /* taken from each queue in one turn */
#define NET_REFUSALS 16            /* ICMP errors heard of in one turn */
#define NET_TRAINS 16              /* sent in one turn */
#define NET_QUIT_US 3000000        /* after "quit at once" the thread ends by then, whatever peers and disk do */
#define NET_LINGER_US 200000       /* most waiting for a full socket before the last packets are given up */
#define NET_BREATH_US 1000         /* sleep when a deadline is due that nothing can be done about */
#define NET_TRACE_FLUSH_US 1000000 /* the trace file is at most this far behind while packets flow */
#define NET_IDLE_TURNS 8           /* turns in a row that did nothing before that sleep */

struct net_config { /* everything is borrowed and outlives the thread */
    struct endpoint *endpoint;
    struct hub *hub;
    struct udp *udp;
    struct tracefile *trace;            /* NULL: none */
    struct mqueue *from_ui, *to_ui;     /* of struct request, struct notice */
    struct mqueue *to_disk, *from_disk; /* of struct disk_job, struct disk_result */
};

struct net;

/* 0, DUET_ENOMEM, DUET_ESYS (errno in *sys). */
int net_start(const struct net_config *cfg, struct net **out, int *sys);

/* Waits for its end.  Whoever waits must keep to_ui drained. */
void net_join(struct net *n);

#endif
