/*
 * host: a program with a node of its own on a free port of the loopback, and a home with known_peers, for what cli tells
 * peers and remembers.
 */
#ifndef DUET_TEST_HOST_H
#define DUET_TEST_HOST_H

#include "client/client.h"

/* Opens node and home of `p`, where somebody can answer; one at a time. */
void host_open(struct program *p);
void host_close(struct program *p);

#endif
