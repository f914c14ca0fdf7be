/*
 * pair: two endpoints joined by a perfect wire with a delay, in virtual time:
 * just enough of a network to test the connection layer by itself (the
 * simulator in test/sim is the real one).  A test may look at, change or drop
 * each datagram on its way.
 */
#ifndef DUET_TEST_PAIR_H
#define DUET_TEST_PAIR_H

#include "conn/endpoint.h"

#define PAIR_WIRE 4096

struct pair_datagram {
    duet_time at;
    int to;
    struct duet_addr from;
    uint8_t ecn;
    size_t len;
    uint8_t *bytes;
};

struct pair {
    struct endpoint *e[2];
    struct duet_addr addr[2];
    duet_time now;
    uint64_t delay_us;
    struct pair_datagram wire[PAIR_WIRE];
    size_t wire_count;
    struct duet_route sent_on; /* what the filter looks at */
    /* Returns false to drop; may change the bytes. */
    bool (*filter)(struct pair *p, int to, uint8_t *bytes, size_t len);
    /* Every event of either side. */
    void (*on_event)(struct pair *p, int side, const struct endpoint_event *ev);
    /* Somebody else drains that side's events (a hub), and wants its next turn at turn_at; NULL: nobody does. */
    void (*turn[2])(struct pair *p);
    duet_time turn_at[2];
    uint8_t ecn;                      /* ECN bits every datagram arrives with */
    bool carries_marks, drops_marked; /* marks arrive as they were sent; or nothing that has one does */
    bool trains;                      /* equal datagrams that arrive together are handed over as one train */
    uint64_t handed_over[2];
    void *user;
    conn_id conn[2];                                  /* of the last EVENT_CONNECTED */
    int count[2][EVENT_STOPPED + 1];                  /* events of each type, */
    struct endpoint_event last[2][EVENT_STOPPED + 1]; /* and the last one */
    uint64_t sent[2], sent_bytes[2];
};

struct endpoint_config pair_config(uint64_t seed, const char *name);
void pair_open(struct pair *p, const struct endpoint_config *a, const struct endpoint_config *b);
/* Alice and Bob, 10 ms apart; *p begins anew. */
void pair_open_usual(struct pair *p);
void pair_close(struct pair *p);
/* Runs until `until`, or until nothing is left to happen. */
void pair_run(struct pair *p, duet_time until);
void pair_run_for(struct pair *p, uint64_t us);
/* Hands a copy of a datagram to that side, as from the other one; endpoint_recv's code. */
int pair_give(struct pair *p, int to, const uint8_t *bytes, size_t len);
/* A filter: nothing arrives. */
bool pair_lose_all(struct pair *p, int to, uint8_t *bytes, size_t len);
/* Connects side 0 to side 1 and runs until both know. */
void pair_connect(struct pair *p);

#endif
