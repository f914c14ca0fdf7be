/*
 * node: the running program behind a front end: starts the net and disk
 * threads, hands messages to and fro, joins them.
 *
 *   ui thread ── to_net ──▶ net thread ── to_disk ──▶ disk thread
 *             ◀─ to_ui ───             ◀─ from_disk ─
 *
 * All functions: the ui (main) thread only.
 */
#ifndef DUET_IO_NODE_H
#define DUET_IO_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/hub.h"
#include "app/notice.h"
#include "app/request.h"
#include "base/addr.h"
#include "conn/endpoint.h"

#define NODE_ERROR_BYTES 256

struct node_config {
    struct endpoint_config endpoint; /* seed is filled in by node_start */
    struct hub_config hub;           /* wall_offset_us is filled in by node_start */
    int family;                      /* 0: IPv6 and IPv4 on one socket where possible; 4; 6 */
    const char *bind;                /* --bind, an address literal; NULL: any */
    uint16_t port;                   /* 0: any free */
    bool port_fallback;              /* the port is only a wish: take any free one when it is in use */
    const char *out_dir; /* where received files go; NULL: ".", which need not be writable until a file comes */
    const char *trace;   /* --trace FILE; NULL: none */
    bool no_gso;         /* never use UDP_SEGMENT */
};

struct node;

/*
 * Binds, opens the trace and the directory, starts the threads.  0, or a negative
 * code with one line for the user in error (what, which, why, what to do):
 * DUET_ESYS (port in use, no permission, out_dir missing or not writable, trace: errno in *sys), DUET_EINVAL (bind),
 * DUET_ENOMEM, DUET_ENOTFOUND (cc).
 */
int node_start(const struct node_config *cfg, struct node **out, char error[NODE_ERROR_BYTES], int *sys);

/* Waits while the queue is full (net drains it without waiting for ui).
 * Takes ownership. */
void node_send(struct node *n, struct request *m);

/* Readable when node_next has something. */
int node_fd(const struct node *n);

/* The next message for ui; false: none now.  The caller disposes of it. */
bool node_next(struct node *n, struct notice *out);

/* Sends REQUEST_QUIT at once if it was not sent, drains, joins both threads, closes the socket. */
void node_stop(struct node *n);

#endif
