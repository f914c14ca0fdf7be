/*
 * world: two or more nodes, each an endpoint with its hub, a scripted user and
 * a disk in memory, joined by links, in virtual time.
 *
 * The loop takes the earliest event, sets the clock to it and fires it; there
 * are no threads, sockets, files or clocks, so the same seed is the same run to
 * the byte (`hash` takes in every datagram sent).  Each node's own clock is the
 * world's plus a skew of its own, so that times cannot leak between nodes.
 *
 * A run goes through phases: PHASE_RUN until the scenario's goal is met (by
 * default: everything the users set out to do has come to its end), then
 * everyone leaves in order, which is watched too.  Whatever breaks an
 * invariant calls world_fail; the first failure is kept and ends the run.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/hub.h"
#include "base/heap.h"
#include "base/rand.h"
#include "conn/endpoint.h"
#include "crook.h"
#include "disk.h"
#include "invariants.h"
#include "outsider.h"
#include "simlink.h"
#include "source.h"
#include "ui.h"

#define WORLD_NODES 64
#define WORLD_FAILURE_BYTES 512
#define WORLD_NUMBERS 16
#define WORLD_S(seconds) ((uint64_t)((seconds)*1e6))
#define WORLD_MS(milliseconds) ((uint64_t)((milliseconds)*1e3))

struct world;
struct node;
struct scenario;

struct event {
    struct heap_node heap; /* first: the heap hands these back */
    void (*fire)(struct world *w, struct event *e);
    void (*drop)(struct event *e); /* a world ends before its time came; may be NULL */
    bool is_owned;                 /* by the heap: freed once fired, or with the world */
};

struct datagram {
    struct event event;
    struct duet_addr from, to;
    size_t alias;              /* of the receiver, which it goes to */
    struct duet_addr original; /* of an injected copy; ADDR_NONE: it is none */
    size_t node;               /* who gets it */
    bool is_injected;          /* by an attacker */
    bool is_damaged;
    bool is_echo; /* its sender had heard from the receiver: may prove the address */
    size_t len;
    uint8_t bytes[];
};

struct node {
    size_t index;
    struct duet_addr addr; /* as the others see it, */
    size_t aliases;        /* which has so many more, world_address 1 to here; */
    size_t known_as;       /* whoever dials it dials this one (0: addr), and takes answers from no other */
    bool calls_by_key;     /* its calls are for the key of whom it dials, which it knows */
    bool is_known_as_all;  /* whoever dials it dials them all, known_as the first of them, */
    size_t dead_before;    /* and before them so many addresses where nobody is */
    struct noise_keypair identity;
    struct endpoint_config endpoint_config;
    struct hub_config hub_config;
    struct endpoint *endpoint; /* NULL: not started, or dead */
    struct hub *hub;
    struct crook *crook; /* instead of a hub; NULL: an honest node */
    struct disk disk;
    struct ui ui;
    struct monitor monitor;
    struct event timer;
    uint64_t skew_us;
    size_t send_cap;
    uint64_t frozen_until_us;
    bool is_frozen;    /* suspended or stopped */
    bool frozen_keeps; /* what arrives meanwhile waits in the socket's buffer */
    size_t frozen_bytes;
    struct datagram *kept[128]; /* owned; frozen_bytes of them */
    size_t kept_count;
    duet_time turned_at; /* world time of the last turn, and how many there were at that time with nothing new */
    unsigned idle_turns;
    bool was_quit;
    uint64_t gave_up; /* goodbyes without an answer, when its program ended */
};

/* DRAIN: everybody is done; what the endpoints still keep must go by itself. */
enum world_phase { PHASE_RUN, PHASE_FIRST_LEAVES, PHASE_ALL_LEAVE, PHASE_DRAIN, PHASE_OVER };

struct world {
    uint64_t seed;
    const struct scenario *scenario;
    int verbose;
    struct duet_rand rng; /* the scenario's dice */
    duet_time now;
    duet_time bound; /* the goal must be met by then */
    enum world_phase phase;
    struct heap events;
    size_t node_count;
    struct node *nodes[WORLD_NODES];
    struct link *links[WORLD_NODES][WORLD_NODES];
    struct link_config default_link;
    struct deed *deeds;
    size_t deed_count, deed_cap;
    uint64_t deeds_started;
    struct outsider *outsider; /* who attacks without a session; NULL: nobody */
    bool has_strangers;        /* some whose keys are no node's come: nobody lets them in */
    bool is_dirty;             /* something happened that the goal may depend on */
    bool no_finish;            /* leave without goodbyes once the goal is met */
    bool may_miss_left;        /* so lossy that a goodbye may not get through */
    size_t quitter;
    duet_time leaving_at; /* when the goodbyes began */
    uint64_t steps;
    uint64_t hash;
    uint64_t datagrams;
    bool failed;
    char failure[WORLD_FAILURE_BYTES];
    /* The scenario's own. */
    bool (*goal)(struct world *w);                          /* NULL: world_is_settled */
    void (*tap)(struct world *w, const struct datagram *d); /* sees each clean delivery before the endpoint does */
    /* Sees what is sent to a node, before the link has it; may be NULL. */
    void (*overhear)(struct world *w, const struct duet_addr *from, size_t to, const uint8_t *bytes, size_t len);
    /* What goes to an address where no node is; may be NULL. */
    void (*stray)(struct world *w, const struct duet_addr *to, const uint8_t *bytes, size_t len);
    /* Hears what a user is told, behind the simulator; may be NULL. */
    void (*told)(struct world *w, struct node *n, const struct notice *m);
    uint64_t number[WORLD_NUMBERS];
    void *own; /* freed with free() */
};

struct world *world_new(const struct scenario *s, uint64_t seed, int verbose);
void world_free(struct world *w);

/* A node with a key, an address and default configurations, not yet started: change those, then start it. */
struct node *world_add_node(struct world *w);
void world_start_node(struct world *w, struct node *n);
/* Gone from one moment to the next: no goodbye. */
void world_kill_node(struct world *w, struct node *n);
/* A program (ui.cfg.is_program) whose work is done says goodbye, now. */
void world_leave(struct world *w, struct node *n);
/* Until then it does not run; what its user does meanwhile waits. */
void world_freeze_node(struct world *w, struct node *n, bool keeps, uint64_t until_us);
void world_free_node(struct world *w, struct node *n);
/* The k-th of its addresses; which of them that is. */
struct duet_addr world_address(const struct node *n, size_t k);
bool world_is_at(const struct node *n, const struct duet_addr *addr, size_t *k);
/* The source address its datagrams carry from now on; the former leads nowhere. */
void world_move_node(struct node *n, bool only_port);

/* The link from a to b, made of default_link at first use. */
struct link *world_link(struct world *w, size_t a, size_t b);

/* Runs until the goal and the goodbyes, or the first failure. */
void world_run(struct world *w);

/* Turns the node's crank: hub, ui, disk, datagrams out, until it rests. */
void world_turn(struct world *w, struct node *n);
/* Hands a message to the node's hub and turns the crank; takes ownership. */
void world_tell(struct world *w, struct node *n, struct request *m);
/* A result of its disk; the node is not frozen. */
void world_tell_done(struct world *w, struct node *n, struct disk_result *done);
void world_tell_later(struct world *w, struct node *n, const struct request *m, uint64_t after_us);

/* Calls fire(w, arg) at world time `at_us`, or now when that has passed. */
void world_at(struct world *w, uint64_t at_us, void (*fire)(struct world *w, uint64_t arg), uint64_t arg);

/* A datagram of the node's leaves on that route. */
void world_transmit(struct world *w, struct node *n, const struct duet_route *route, const uint8_t *bytes, size_t len);

/* A datagram from nowhere to a node, arriving now; later, and as a copy of one from `original`. */
void world_inject(struct world *w, const struct duet_addr *from, size_t node, const uint8_t *bytes, size_t len);
void world_inject_copy(struct world *w, const struct duet_addr *from, const struct duet_addr *original, size_t node,
                       const uint8_t *bytes, size_t len, uint64_t after_us);

/* Everything the users set out to do has come to its end. */
bool world_is_settled(const struct world *w);

/* Bytes of heap in use by this process: all worlds, the simulator itself among it. */
uint64_t world_memory(void);

duet_time world_node_time(const struct world *w, const struct node *n);

void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_log(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Dice: both ends included. */
uint64_t world_pick(struct world *w, uint64_t low, uint64_t high);
uint64_t world_pick_log(struct world *w, uint64_t low, uint64_t high); /* as many small as large ones */
double world_pick_unit(struct world *w, double low, double high);
bool world_chance(struct world *w, double p);

/* Puts an event of static life where it belongs in time; DUET_NEVER takes it out. */
void world_set_event(struct world *w, struct event *e, duet_time at);

#endif
