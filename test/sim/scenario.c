#include "scenario.h"

#include <assert.h>
#include <string.h>

#define MTU_BYTES 1472 /* 1500 less IPv4 and UDP */

static const struct scenario_table *const tables[] = {&scenarios_link,   &scenarios_life,     &scenarios_hostile,
                                                      &scenarios_crooks, &scenarios_observer, &scenarios_early,
                                                      &scenarios_app,    &scenarios_flows,    &scenarios_end};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

size_t scenario_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLES; i++)
        count += tables[i]->count;
    return count;
}

const struct scenario *scenario_at(size_t index)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (index < tables[i]->count)
            return &tables[i]->v[index];
        index -= tables[i]->count;
    }
    return NULL;
}

const struct scenario *scenario_by_name(const char *name)
{
    for (size_t i = 0; i < scenario_count(); i++) {
        if (strcmp(scenario_at(i)->name, name) == 0)
            return scenario_at(i);
    }
    return NULL;
}

/* Consecutive seeds walk over all scenarios, each as often as its weight says. */
const struct scenario *scenario_for_seed(uint64_t seed)
{
    uint64_t total = 0;

    for (size_t i = 0; i < scenario_count(); i++)
        total += scenario_at(i)->weight;
    assert(total > 0);
    /* A stride prime to any total below it spreads neighbours far apart. */
    uint64_t at = seed * UINT64_C(7919) % total;
    for (size_t i = 0;; i++) {
        if (at < scenario_at(i)->weight)
            return scenario_at(i);
        at -= scenario_at(i)->weight;
    }
}

struct link_config scenario_path(struct world *w)
{
    uint64_t rate = world_pick_log(w, 1000000, 20000000);
    uint64_t delay = world_pick_log(w, WORLD_MS(0.5), WORLD_MS(50));
    uint64_t product = rate * 2 * delay / US_PER_S;

    return (struct link_config){
        .rate_bytes_per_s = rate,
        .delay_us = delay,
        .queue_bytes = world_pick(w, 64 * 1024, 128 * 1024) + product,
        .mtu_bytes = MTU_BYTES,
    };
}

void scenario_two_nodes(struct world *w)
{
    world_add_node(w);
    world_add_node(w);
    w->quitter = world_pick(w, 0, 1);
}

void scenario_pair(struct world *w, uint64_t at_us)
{
    if (w->node_count == 0)
        scenario_two_nodes(w);
    world_start_node(w, w->nodes[0]);
    world_start_node(w, w->nodes[1]);
    ui_connect(w, 0, 1, at_us);
}

void scenario_chatter(struct world *w, size_t a, size_t b, unsigned texts, uint64_t over_us)
{
    for (unsigned i = 0; i < texts; i++) {
        bool forth = world_chance(w, 0.5);
        ui_say(w, forth ? a : b, forth ? b : a, world_pick_log(w, 12, 2000), world_pick(w, 0, over_us));
    }
}

void scenario_bound(struct world *w, uint64_t us)
{
    w->bound = time_add(w->now, us);
}
