/*
 * host: a client with a node of its own on a free port of the loopback, and a home with known_peers, for what it tells
 * peers and remembers.
 */
#ifndef DUET_TEST_HOST_H
#define DUET_TEST_HOST_H

#include "client/client.h"

/* Opens node and home of `c`, where somebody can answer; one at a time. */
void host_open(struct client *c);
void host_close(struct client *c);

#endif
