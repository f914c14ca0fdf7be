/*
 * accept: what an endpoint does with a SYN: answer, repeat, ask for a cookie,
 * give way, refuse or ignore (PROTOCOL.md §3.3).  A part of endpoint with a
 * file of its own, because everything an unproven stranger can reach is here.
 */
#ifndef DUET_CONN_ACCEPT_H
#define DUET_CONN_ACCEPT_H

#include "conn/endpoint_state.h"
#include "wire/packet.h"

/* A parsed SYN.  As endpoint_recv. */
int accept_syn(struct endpoint *e, const struct packet *p, const struct envelope *outside, size_t len, duet_time now);

/* A SYN of another version: says which we speak. */
void accept_other_version(struct endpoint *e, const struct packet *p, const struct duet_route *from);

/* Our own attempt begins: half-open answers to one of its addresses that lose against it go, the
 * others will replace it. */
void accept_attempt_begins(struct endpoint *e, const struct attempt *own, duet_time now);

/* `c`, an answer of ours, was confirmed: the attempt it stands for ends without a word. */
void accept_confirmed(struct endpoint *e, struct conn *c, duet_time now);

#endif
