/*
 * Scenarios of what users do: files of all sizes in all directions, changes of
 * mind at any moment, disks that fail, keys not trusted, questions, crowds.
 */
#include "scenario.h"

#include <stdio.h>

#include "base/err.h"

#define KB UINT64_C(1000)
#define MB UINT64_C(1000000)

static void crossing(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.02);
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 2, 10); i > 0; i--) {
        size_t from = world_pick(w, 0, 1);
        ui_send(w, from, 1 - from, world_pick_log(w, 1 * KB, 1 * MB), world_pick(w, 0, WORLD_S(1)));
    }
    scenario_chatter(w, 0, 1, 40, WORLD_S(2));
    scenario_bound(w, WORLD_S(120));
}

static void texts(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.05);
    scenario_pair(w, 0);
    scenario_chatter(w, 0, 1, (unsigned)world_pick(w, 50, 300), world_chance(w, 0.5) ? 0 : WORLD_S(3));
    scenario_bound(w, WORLD_S(120));
}

static void long_text(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    scenario_pair(w, 0);
    ui_say(w, 0, 1, 12, 0);
    ui_say(w, 0, 1, world_pick_log(w, 64 * 1024, 1024 * 1024), 10);
    ui_say(w, 0, 1, 12, 20);
    ui_say(w, 1, 0, 50, WORLD_MS(50));
    scenario_bound(w, WORLD_S(60));
}

static void sizes(struct world *w)
{
    scenario_two_nodes(w);
    static const uint64_t bytes[] = {0,
                                     1,
                                     2,
                                     CHUNK_BYTES - 1,
                                     CHUNK_BYTES,
                                     CHUNK_BYTES + 1,
                                     2 * CHUNK_BYTES - 1,
                                     2 * CHUNK_BYTES,
                                     2 * CHUNK_BYTES + 1};

    w->default_link = scenario_path(w);
    w->nodes[1]->hub_config.accept_offers = world_chance(w, 0.5);
    scenario_pair(w, 0);
    for (size_t i = 0; i < 4; i++)
        ui_send(w, 0, 1, bytes[world_pick(w, 0, sizeof(bytes) / sizeof(bytes[0]) - 1)], world_pick(w, 0, WORLD_S(1)));
    ui_send(w, 0, 1, 0, 0);
    scenario_bound(w, WORLD_S(60));
}

/* A path on which a file is under way for about a second. */
static void slow_path(struct world *w)
{
    w->default_link = scenario_path(w);
    w->default_link.rate_bytes_per_s = world_pick(w, 300 * KB, 900 * KB);
    w->default_link.loss = world_chance(w, 0.6) ? 0 : world_pick_unit(w, 0, 0.03);
}

static void cancel(struct world *w)
{
    scenario_two_nodes(w);
    slow_path(w);
    w->nodes[0]->hub_config.accept_offers = world_chance(w, 0.3);
    w->nodes[1]->hub_config.accept_offers = world_chance(w, 0.3);
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 6); i > 0; i--) {
        size_t from = world_pick(w, 0, 1);
        struct deed *d = ui_send(w, from, 1 - from, world_pick_log(w, 1 * KB, 600 * KB), world_pick(w, 0, WORLD_S(1)));
        uint64_t after = world_pick_log(w, 1, WORLD_S(2));
        d->want = WANT_EITHER;
        if (world_chance(w, 0.6))
            d->cancel_here_us = after;
        if (world_chance(w, 0.6))
            d->cancel_there_us = world_chance(w, 0.3) ? after : world_pick_log(w, 1, WORLD_S(2));
        if (world_chance(w, 0.1))
            d->reply = REPLY_REJECT;
        if (d->cancel_here_us == UI_NEVER && d->cancel_there_us == UI_NEVER && d->reply == REPLY_ACCEPT)
            d->want = WANT_DONE;
    }
    scenario_chatter(w, 0, 1, 20, WORLD_S(3));
    ui_send(w, 0, 1, 20 * KB, WORLD_S(4)); /* and everything still works afterwards */
    scenario_bound(w, WORLD_S(90));
}

static void reject(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    if (world_chance(w, 0.4))
        w->nodes[1]->hub_config.receive_files = false;
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 4); i > 0; i--) {
        struct deed *d = ui_send(w, 0, 1, world_pick_log(w, 1, 500 * KB), world_pick(w, 0, WORLD_S(1)));
        d->want = WANT_FAILED;
        d->reply = REPLY_REJECT;
    }
    ui_send(w, 1, 0, 50 * KB, WORLD_S(1));
    scenario_chatter(w, 0, 1, 6, WORLD_S(2));
    scenario_bound(w, WORLD_S(30));
}

static void disk_fault(struct world *w)
{
    scenario_two_nodes(w);
    slow_path(w);
    w->nodes[1]->hub_config.accept_offers = world_chance(w, 0.5);
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 3); i > 0; i--) {
        struct deed *d = ui_send(w, 0, 1, world_pick_log(w, 1 * KB, 900 * KB), world_pick(w, 0, WORLD_S(1)));
        d->want = WANT_FAILED;
        d->source->fault = (enum source_fault)world_pick(w, FAULT_OPEN, FAULT_COMMIT);
        d->source->fault_at = world_pick(w, 0, d->source->bytes - 1);
    }
    ui_send(w, 0, 1, 50 * KB, WORLD_MS(500));
    ui_send(w, 1, 0, 50 * KB, WORLD_MS(700));
    scenario_chatter(w, 0, 1, 20, WORLD_S(4));
    scenario_bound(w, WORLD_S(60));
}

/* The receiver's disk is the bottleneck: the sender slows, the chat does not. */
static void slow_disk(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    struct disk_config slow = {.latency_us = world_pick_log(w, WORLD_MS(1), WORLD_MS(50)),
                               .rate_bytes_per_s = world_pick(w, 300 * KB, 2 * MB)};
    w->nodes[world_pick(w, 0, 1)]->disk.cfg = slow;
    scenario_pair(w, 0);
    uint64_t bytes = world_pick(w, 1 * MB, 4 * MB);
    ui_send(w, 0, 1, bytes, 0);
    scenario_chatter(w, 0, 1, 40, WORLD_S(4));
    scenario_bound(w, WORLD_S(10) + 3 * bytes * US_PER_S / slow.rate_bytes_per_s +
                          bytes / CHUNK_BYTES * 400 * slow.latency_us);
}

static void check_chat_flows(struct world *w)
{
    const struct link_config *c = &w->default_link;
    uint64_t limit = WORLD_S(1) + c->queue_bytes * US_PER_S / c->rate_bytes_per_s + 8 * c->delay_us;

    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];
        uint64_t took = time_since(d->arrived_at, d->started_at);
        if (d->type == DEED_SAY && took > limit)
            world_fail(w, "a text took %llu ms, limit %llu", (unsigned long long)took / 1000,
                       (unsigned long long)limit / 1000);
    }
}

/* The user does not look at the screen: nothing may be lost or stand still. */
static void user_away(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    scenario_pair(w, 0);
    w->nodes[1]->ui.cfg.away_until_us = WORLD_S(1) + world_pick(w, 0, WORLD_S(10));
    ui_send(w, 0, 1, 100 * KB, 0);
    scenario_chatter(w, 0, 1, 100, WORLD_S(5));
    scenario_bound(w, WORLD_S(60));
}

static bool nobody_is_connected(struct world *w)
{
    const struct ui *a = &w->nodes[0]->ui, *b = &w->nodes[1]->ui;

    return a->left + a->lost + a->failed > 0 &&
           (b->keys_asked == 0 || b->left + b->lost > 0 || w->now.us > WORLD_S(20));
}

static void trust_refused(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    size_t wary = world_pick(w, 0, 1);
    w->nodes[wary]->ui.cfg.trusts = false;
    if (world_chance(w, 0.2))
        w->nodes[1 - wary]->ui.cfg.trusts = false;
    scenario_pair(w, 0);
    /* The other one would like to talk and to send: none of it may get through. */
    ui_say(w, 1 - wary, wary, 100, 0)->want = WANT_EITHER;
    struct deed *d = ui_send(w, 1 - wary, wary, 100 * KB, 0);
    d->want = WANT_EITHER;
    w->goal = nobody_is_connected;
    w->may_miss_left = true;
    scenario_bound(w, WORLD_S(30));
}

static void check_nothing_passed(struct world *w)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        if (w->deeds[i].is_arrived || w->deeds[i].is_offered_there)
            world_fail(w, "deed %zu got through to one who refused", i + 1);
    }
    if (w->nodes[0]->ui.connected + w->nodes[1]->ui.connected > 1)
        world_fail(w, "connected on both sides in spite of a refusal");
}

static void asks(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 20); i > 0; i--) {
        static const char *const questions[][2] = {{"echo hello world", "hello world"},
                                                   {"reverse abc def", "fed cba"},
                                                   {"sum 1 2 39", "42"},
                                                   {"ping", NULL},
                                                   {"time", NULL}};
        const char *const *q = questions[world_pick(w, 0, 4)];
        size_t from = world_pick(w, 0, 1);
        ui_ask(w, from, 1 - from, q[0], q[1], world_pick(w, 0, WORLD_S(1)));
    }
    ui_ask(w, 0, 1, "no-such-command at all", NULL, 0);
    scenario_chatter(w, 0, 1, 4, WORLD_S(1));
    scenario_bound(w, WORLD_S(30));
}

/* Up to fifty peers at one waiting node. */
static void crowd(struct world *w)
{
    size_t peers = world_pick(w, 10, 50);

    w->default_link = scenario_path(w);
    w->default_link.rate_bytes_per_s = 0; /* each has its own line; the meeting place is fast */
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.05);
    for (size_t i = 0; i <= peers; i++)
        world_add_node(w);
    for (size_t i = 0; i <= peers; i++)
        world_start_node(w, w->nodes[i]);
    for (size_t i = 1; i <= peers; i++) {
        ui_connect(w, i, 0, world_pick(w, 0, WORLD_S(1)));
        scenario_chatter(w, 0, i, 2, WORLD_S(1));
        bool forth = world_chance(w, 0.5);
        if (world_chance(w, 0.3))
            ui_send(w, forth ? i : 0, forth ? 0 : i, world_pick_log(w, 1 * KB, 40 * KB), WORLD_MS(100));
    }
    w->quitter = world_pick(w, 0, 1);
    scenario_bound(w, WORLD_S(90));
}

static const struct scenario table[] = {
    {.name = "crossing", .weight = 5, .setup = crossing},
    {.name = "texts", .weight = 3, .setup = texts},
    {.name = "long-text", .weight = 2, .setup = long_text},
    {.name = "sizes", .weight = 4, .setup = sizes},
    {.name = "cancel", .weight = 8, .setup = cancel},
    {.name = "reject", .weight = 3, .setup = reject},
    {.name = "disk-fault", .weight = 6, .setup = disk_fault},
    {.name = "slow-disk", .weight = 3, .setup = slow_disk, .check = check_chat_flows},
    {.name = "user-away", .weight = 2, .setup = user_away},
    {.name = "trust-refused", .weight = 3, .setup = trust_refused, .check = check_nothing_passed},
    {.name = "asks", .weight = 3, .setup = asks},
    {.name = "crowd", .weight = 2, .setup = crowd},
};

const struct scenario_table scenarios_app = {.v = table, .count = sizeof(table) / sizeof(table[0])};
