/*
 * invariants: what must hold after every step of every run, whatever the
 * scenario.  `monitor` is one node as an observer of its wire sees it:
 *
 *   - every datagram it sends parses; packet numbers of one connection rise
 *     strictly, so no (key, nonce) is used twice
 *   - to an address it did not choose itself and that cannot have proven itself
 *     yet, at most three times the bytes that came from there
 *   - nothing at all to an address that sent nothing but garbage
 *
 * An address may have proven itself once a datagram came from it that was sent
 * after its owner had heard from the node there: weaker than what the endpoint
 * must demand, so an honest endpoint never trips over it.
 */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct world;
struct node;
struct datagram;

/* First byte of the addresses that garbage comes from. */
#define GARBAGE_NET 66

struct monitor_remote {
    struct duet_addr addr; /* family ADDR_NONE: a free slot */
    bool is_chosen, is_heard, is_proven;
    uint64_t in_bytes, out_bytes;
};

struct monitor_sealed {
    uint64_t dcid;
    uint64_t next; /* numbers below are used */
    uint64_t count;
};

struct monitor {
    struct monitor_remote *remotes; /* open addressing, a power of two */
    size_t remote_count, remote_cap;
    struct monitor_sealed *sealed;
    size_t sealed_count, sealed_cap;
    uint64_t looks;
    uint64_t retries, syn_acks;
};

void monitor_dispose(struct monitor *m);

/* The node's user named this address. */
void monitor_chose(struct monitor *m, const struct duet_addr *addr);
void monitor_delivered(struct world *w, struct node *n, const struct datagram *d);
void monitor_sent(struct world *w, struct node *n, const struct duet_addr *to, const uint8_t *dgram, size_t len);
/* Will a datagram from `node` at `addr` have been sent by one who heard from m's node there? */
bool monitor_is_heard(struct monitor *m, const struct duet_addr *addr);

/* After a turn of the crank, and after all was said and done. */
void invariants_after_turn(struct world *w, struct node *n);
void invariants_at_end(struct world *w);

#endif
