/*
 * roster: who was let in and what is being transferred, as the node's events tell it.
 *
 * Pure state in bounded tables: no curses, no clock.  Peers and transfers are named by ids; a pointer to a peer holds
 * until that peer is removed, one to a transfer until the next call that adds or removes one.  Main thread.
 *
 * Who may take a place: anyone while there are fewer than ROSTER_PEERS, but the peers of one host half of them at most,
 * so that nobody can keep the others out from one address.
 */
#ifndef DUET_CLIENT_ROSTER_H
#define DUET_CLIENT_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <duet/duet.h>

#include "base/addr.h"
#include "base/idmap.h"

#define ROSTER_PEERS 2048 /* of the 4096 connections of the endpoint: a newcomer can still be told that it is full */
#define ROSTER_PEERS_PER_HOST 1024 /* … of one address, or one /64 of IPv6 */
#define ROSTER_TRANSFERS 256

#define ROSTER_NAME_BYTES DUET_SHOWN_NAME_BYTES
#define ROSTER_FILE_BYTES 256

enum roster_peer_state {
    ROSTER_TRUSTED, /* we said yes, it has not yet */
    ROSTER_CONNECTED,
};
#define ROSTER_STATES (ROSTER_CONNECTED + 1)

struct roster_peer {
    enum roster_peer_state state; /* changed by roster_enter only */
    unsigned slot;                /* its bit in a set of peers; another one's once it is removed */
    uint64_t id;
    char name[ROSTER_NAME_BYTES];
    char fingerprint[DUET_FINGERPRINT_BYTES];
    struct duet_addr addr;
    bool unreachable;
    uint64_t silent_since_us;     /* the ui's clock, when it fell silent; valid while unreachable */
    bool has_stats, wants_stats;  /* wants: the user asked, the answer is told */
    struct duet_peer_stats stats; /* latest */
    bool offered;                 /* it offered a file */
    bool dialled;                 /* we called it */
};

enum roster_transfer_state {
    ROSTER_OFFERED, /* receiving: our answer is due; sending: the peer's */
    ROSTER_RUNNING,
};

struct roster_transfer {
    uint32_t id;
    uint64_t peer;
    bool sending;
    uint64_t began_us; /* the ui's clock */
    uint32_t request;  /* the ui's number of the duet_send_file it came from */
    enum roster_transfer_state state;
    bool stalled;
    char name[ROSTER_FILE_BYTES];
    uint64_t moved_us; /* the ui's clock, when done_bytes last changed */
    uint64_t done_bytes, total_bytes, rate_bytes_per_s, eta_us;
};

/* All zero is an empty one. */
struct roster {
    struct roster_peer **slots; /* slot_count of them, as many as were needed at once; NULL: free */
    size_t slot_count;
    size_t counts[ROSTER_STATES];
    struct idmap by_id;
    struct roster_transfer transfers[ROSTER_TRANSFERS]; /* the first transfer_count, oldest first */
    size_t transfer_count;
};

void roster_dispose(struct roster *r);

/* TRUSTED.  NULL: no room for it, or no memory. */
struct roster_peer *roster_add_peer(struct roster *r, uint64_t id, const struct duet_addr *addr);
struct roster_peer *roster_peer(const struct roster *r, uint64_t id); /* NULL: unknown */
void roster_remove_peer(struct roster *r, uint64_t id);
void roster_enter(struct roster *r, struct roster_peer *p, enum roster_peer_state state);
size_t roster_count(const struct roster *r, enum roster_peer_state state);
/* The first peer at or after `slot`; NULL: no more.  Of any state. */
struct roster_peer *roster_from(const struct roster *r, unsigned slot);
/* The first connected peer after `after` (NULL: from the start); NULL: no more. */
struct roster_peer *roster_next_connected(const struct roster *r, const struct roster_peer *after);
/* A connected peer by its name, or by the first four or more characters of its fingerprint; NULL:
 * none, or more than one (then *ambiguous). */
struct roster_peer *roster_named(const struct roster *r, const char *name, bool *ambiguous);

/* NULL: the table is full (the transfer goes on, only not shown). */
struct roster_transfer *roster_add_transfer(struct roster *r, uint32_t id);
struct roster_transfer *roster_transfer(struct roster *r, uint32_t id); /* NULL: unknown */
void roster_remove_transfer(struct roster *r, uint32_t id);
void roster_update(struct roster *r, const struct duet_progress *p, uint64_t now_us);

/* The only offer that waits for our answer; 0: none, or more than one. */
uint32_t roster_only_offer(const struct roster *r);

/* Does something count on, second by second: a transfer, a silence? */
bool roster_is_busy(const struct roster *r);

#endif
