/*
 * scenario: one family of runs.  `setup` builds nodes, links and plans from the
 * world's dice; the world then runs until the goal; `check` judges what only
 * this scenario can.  The tables of all scenarios are joined in scenario.c.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

struct scenario {
    const char *name;
    unsigned weight; /* how often it is drawn */
    unsigned rounds; /* worlds per seed; 0: 1 */
    void (*setup)(struct world *w);
    void (*check)(struct world *w); /* NULL: nothing more */
};

struct scenario_table {
    const struct scenario *v;
    size_t count;
};

extern const struct scenario_table scenarios_link;     /* paths that damage, delay and lose */
extern const struct scenario_table scenarios_life;     /* holes, deaths, sleep, moves, meetings, partings */
extern const struct scenario_table scenarios_hostile;  /* floods, replays, garbage, tampering */
extern const struct scenario_table scenarios_crooks;   /* whoever wears a node out, and an honest peer beside it */
extern const struct scenario_table scenarios_observer; /* one who copies packets, and is faster */
extern const struct scenario_table scenarios_early;    /* `duet send`, which says all it can as soon as it can */
extern const struct scenario_table scenarios_app;      /* what users do: files, cancels, refusals, questions, crowds */
extern const struct scenario_table scenarios_flows;    /* programs that have streams and datagrams of their own */
extern const struct scenario_table scenarios_end;      /* programs that end with what they came for */

size_t scenario_count(void);
const struct scenario *scenario_at(size_t index);
const struct scenario *scenario_by_name(const char *name);
const struct scenario *scenario_for_seed(uint64_t seed);

/* Building blocks. */

/* A path of everyday quality: 1-20 MB/s, RTT 1-100 ms, a queue of at least a bandwidth-delay product, MTU 1500. */
struct link_config scenario_path(struct world *w);
/* Two nodes; 0 connects to 1, which waits, at `at_us`.  Nodes are started. */
void scenario_pair(struct world *w, uint64_t at_us);
/* The same without starting or connecting. */
void scenario_two_nodes(struct world *w);
/* Short texts in both directions, spread over `over_us`. */
void scenario_chatter(struct world *w, size_t a, size_t b, unsigned texts, uint64_t over_us);
/* The goal must be met `us` after now. */
void scenario_bound(struct world *w, uint64_t us);

#endif
