/*
 * Scenarios of paths: clean ones with their upper bound on completion time, and
 * each kind of damage by itself and all together.
 */
#include "scenario.h"

#define KB UINT64_C(1000)
#define MB UINT64_C(1000000)

/* The time `bytes` take at `share` of the path's rate, with `rtts` round trips to get going. */
static uint64_t time_for(const struct world *w, uint64_t bytes, double share, unsigned rtts)
{
    const struct link_config *c = &w->default_link;

    return WORLD_S((double)bytes / ((double)c->rate_bytes_per_s * share)) + 2 * c->delay_us * rtts;
}

static void clean(struct world *w)
{
    uint64_t bytes = world_pick_log(w, 50 * KB, 3 * MB);

    w->default_link = scenario_path(w);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, bytes, 0)->reply_us = 0;
    scenario_chatter(w, 0, 1, 6, WORLD_S(1));
    /* Two round trips to shake hands, two for the offer, slow start, two to commit; the chat ends a second later. */
    scenario_bound(w, WORLD_S(2) + time_for(w, bytes, 0.5, 24));
}

static void clean_3mb(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = (struct link_config){.rate_bytes_per_s = world_pick(w, MB, 4 * MB),
                                           .delay_us = WORLD_MS(25),
                                           .queue_bytes = 300 * KB,
                                           .mtu_bytes = 1472};
    w->nodes[0]->disk.cfg.latency_us = w->nodes[1]->disk.cfg.latency_us = 100;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, 3 * MB, 0)->reply_us = 0;
    scenario_bound(w, WORLD_S(0.3) + time_for(w, 3 * MB, 0.7, 8));
}

static void lossy(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_pick_unit(w, 0, 0.3);
    w->may_miss_left = w->default_link.loss > 0.2;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 10 * KB, 200 * KB), world_pick(w, 0, WORLD_S(1)));
    scenario_chatter(w, 0, 1, 10, WORLD_S(5));
    scenario_bound(w, WORLD_S(240));
}

static void burst_lossy(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.burst_start = world_pick_unit(w, 0.001, 0.02);
    w->default_link.burst_end = world_pick_unit(w, 0.05, 0.3);
    w->default_link.burst_loss = world_pick_unit(w, 0.5, 1);
    w->may_miss_left = true;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 20 * KB, 500 * KB), 0);
    scenario_chatter(w, 0, 1, 10, WORLD_S(5));
    scenario_bound(w, WORLD_S(240));
}

/* Any of the first 64 datagrams each way: the handshake and what follows. */
static void masked(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss_mask = rand_u64(&w->rng) & rand_u64(&w->rng);
    world_link(w, 0, 1);
    w->default_link.loss_mask = rand_u64(&w->rng) & rand_u64(&w->rng);
    w->may_miss_left = true;
    scenario_pair(w, 0);
    ui_send(w, 1, 0, world_pick_log(w, 1 * KB, 50 * KB), 0);
    scenario_chatter(w, 0, 1, 4, WORLD_S(1));
    scenario_bound(w, WORLD_S(90));
}

static void reordering(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.reorder = world_pick_unit(w, 0.01, 0.5);
    w->default_link.reorder_us = world_pick_log(w, 500, WORLD_MS(100));
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 50 * KB, 1 * MB), 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(2));
    scenario_bound(w, WORLD_S(60));
}

static void duplicating(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.duplicate = world_pick_unit(w, 0.05, 1);
    w->default_link.jitter_us = world_pick_log(w, 100, WORLD_MS(30));
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 50 * KB, 1 * MB), 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(2));
    scenario_bound(w, WORLD_S(60));
}

static void corrupting(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.corrupt = world_pick_unit(w, 0.01, 0.2);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 20 * KB, 200 * KB), 0);
    scenario_chatter(w, 0, 1, 10, WORLD_S(2));
    scenario_bound(w, WORLD_S(240));
}

static void truncating(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.truncate = world_pick_unit(w, 0.01, 0.2);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 20 * KB, 200 * KB), 0);
    scenario_chatter(w, 0, 1, 10, WORLD_S(2));
    scenario_bound(w, WORLD_S(240));
}

static void everything_at_once(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_pick_unit(w, 0, 0.05);
    w->default_link.corrupt = world_pick_unit(w, 0, 0.02);
    w->default_link.truncate = world_pick_unit(w, 0, 0.02);
    w->default_link.duplicate = world_pick_unit(w, 0, 0.2);
    w->default_link.reorder = world_pick_unit(w, 0, 0.2);
    w->default_link.reorder_us = WORLD_MS(30);
    w->default_link.burst_start = 0.002;
    w->default_link.burst_end = 0.2;
    w->default_link.burst_loss = 0.8;
    w->may_miss_left = true;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 20 * KB, 300 * KB), 0);
    ui_send(w, 1, 0, world_pick_log(w, 20 * KB, 300 * KB), 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(5));
    scenario_bound(w, WORLD_S(300));
}

static void stepwise(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t bytes = world_pick_log(w, 1 * KB, 60 * KB);

    w->default_link = scenario_path(w);
    bool lossless = world_chance(w, 0.5);
    w->default_link.loss = lossless ? 0 : world_pick_unit(w, 0, 0.15);
    /* One asks for step mode, which binds both; the invariant watches the one that asked. */
    w->nodes[0]->endpoint_config.params.mode = MODE_STEP;
    if (world_chance(w, 0.5))
        w->nodes[1]->endpoint_config.params.mode = MODE_STEP;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, bytes, 0);
    scenario_chatter(w, 0, 1, 6, WORLD_S(1));
    uint64_t packets = bytes / 1100 + 200;
    scenario_bound(w, lossless ? WORLD_S(3) + packets * (2 * w->default_link.delay_us + WORLD_MS(8)) : WORLD_S(240));
}

static void tiny_window(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t bytes = world_pick_log(w, 50 * KB, 1 * MB);

    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.02);
    w->nodes[world_pick(w, 0, 1)]->endpoint_config.params.window_bytes = LIMIT_WINDOW_MIN_BYTES;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, bytes, 0);
    scenario_chatter(w, 0, 1, 6, WORLD_S(1));
    uint64_t rounds = bytes / LIMIT_WINDOW_MIN_BYTES + 30;
    scenario_bound(w, WORLD_S(30) + rounds * 2 * (2 * w->default_link.delay_us + WORLD_MS(80)));
}

static void small_packets(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t bytes = world_pick_log(w, 50 * KB, 1 * MB);

    w->default_link = scenario_path(w);
    w->default_link.mtu_bytes = LIMIT_PACKET_MIN_BYTES;
    w->nodes[world_pick(w, 0, 1)]->endpoint_config.params.max_packet_bytes = LIMIT_PACKET_MIN_BYTES;
    w->nodes[0]->send_cap = world_pick(w, LIMIT_PACKET_MIN_BYTES, 8000);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, bytes, 0);
    scenario_chatter(w, 0, 1, 6, WORLD_S(1));
    scenario_bound(w, WORLD_S(3) + time_for(w, bytes, 0.4, 24));
}

/* An old modem: what little passes is shared between a file and a chat, and the chat must not wait for the file. */
static void thin(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = (struct link_config){.rate_bytes_per_s = world_pick_log(w, 8 * KB, 32 * KB),
                                           .delay_us = world_pick(w, WORLD_MS(20), WORLD_MS(150)),
                                           .queue_bytes = world_pick(w, 8 * KB, 24 * KB),
                                           .mtu_bytes = 1472};
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick(w, 50 * KB, 150 * KB), 0);
    for (unsigned i = 0; i < 10; i++)
        ui_say(w, 0, 1, 100, world_pick(w, 0, WORLD_S(8)));
    scenario_bound(w, WORLD_S(90));
}

/* A text waits at most for the queue that its own file built and a few round trips. */
static void check_thin(struct world *w)
{
    const struct link_config *c = &w->default_link;
    uint64_t limit = WORLD_S(2) + c->queue_bytes * US_PER_S / c->rate_bytes_per_s + 6 * c->delay_us;

    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];
        if (d->type == DEED_SAY && time_since(d->arrived_at, d->started_at) > limit)
            world_fail(w, "a text took %llu ms, limit %llu",
                       (unsigned long long)time_since(d->arrived_at, d->started_at) / 1000,
                       (unsigned long long)limit / 1000);
    }
}

static void lopsided(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    world_link(w, 0, 1);
    w->default_link.rate_bytes_per_s = world_pick_log(w, 60 * KB, 500 * KB); /* the way of acknowledgements */
    world_link(w, 1, 0);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick_log(w, 200 * KB, 3 * MB), 0);
    scenario_chatter(w, 0, 1, 6, WORLD_S(1));
    scenario_bound(w, WORLD_S(60));
}

static void big(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t bytes = world_pick(w, 15 * MB, 60 * MB);

    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : 0.001;
    scenario_pair(w, 0);
    ui_send(w, 0, 1, bytes, 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(1));
    scenario_bound(w, WORLD_S(30) + time_for(w, bytes, 0.1, 40));
}

static const struct scenario table[] = {
    {.name = "clean", .weight = 6, .setup = clean},
    {.name = "clean-3mb", .weight = 2, .setup = clean_3mb},
    {.name = "loss", .weight = 8, .setup = lossy},
    {.name = "burst-loss", .weight = 5, .setup = burst_lossy},
    {.name = "mask", .weight = 6, .setup = masked},
    {.name = "reorder", .weight = 4, .setup = reordering},
    {.name = "duplicate", .weight = 3, .setup = duplicating},
    {.name = "corrupt", .weight = 4, .setup = corrupting},
    {.name = "truncate", .weight = 3, .setup = truncating},
    {.name = "everything", .weight = 5, .setup = everything_at_once},
    {.name = "step", .weight = 5, .setup = stepwise},
    {.name = "tiny-window", .weight = 3, .setup = tiny_window},
    {.name = "small-packets", .weight = 3, .setup = small_packets},
    {.name = "thin", .weight = 3, .setup = thin, .check = check_thin},
    {.name = "lopsided", .weight = 3, .setup = lopsided},
    {.name = "big", .weight = 2, .setup = big},
};

const struct scenario_table scenarios_link = {.v = table, .count = sizeof(table) / sizeof(table[0])};
