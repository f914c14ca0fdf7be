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

/* What the node would say of this key: fingerprint and known_peers.  dialled: NULL for a peer that came to us. */
void host_fill_key(const struct duet_identity *id, struct duet_peer_key *key, const char *dialled);
/* The node takes texts and files for this peer, which is not there. */
void host_has_peer(struct client *c, uint64_t peer);

#endif
