/*
 * Scenarios of programs that end: `duet send` leaves once it has its receipts, `duet recv` once its peer has left, and
 * each process is gone with the last thing its hub waited for.  What it owed the other by then nobody else can say.
 */
#include "scenario.h"

#define KB UINT64_C(1000)

static bool are_gone(struct world *w)
{
    return w->nodes[0]->hub == NULL && w->nodes[1]->hub == NULL;
}

/* Files at up to 15 % loss: there, half of the goodbyes need more than one packet each way. */
static void programs(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.delay_us = world_pick_log(w, 10, WORLD_MS(100));
    w->default_link.loss = world_pick_unit(w, 0.05, 0.15);
    for (size_t i = 0; i < 2; i++)
        w->nodes[i]->ui.cfg.is_program = true;
    w->nodes[0]->endpoint_config.accept = world_chance(w, 0.5);
    w->nodes[1]->hub_config.accept_offers = true;
    scenario_pair(w, 0);
    for (uint64_t files = world_pick(w, 1, 3); files > 0; files--)
        ui_send(w, 0, 1, world_pick_log(w, 1, 200 * KB), 0);
    w->goal = are_gone;
    w->no_finish = true;
    scenario_bound(w, WORLD_S(120));
}

/* Neither has repeated its goodbye to nobody, until it gave up: the longest of all waits. */
static void check_programs(struct world *w)
{
    const struct ui *receiver = &w->nodes[1]->ui;

    for (size_t i = 0; i < w->deed_count; i++) {
        if (!w->deeds[i].is_done)
            world_fail(w, "a file was not sent");
    }
    if (receiver->left != 1 || receiver->lost != 0)
        world_fail(w, "the receiver saw %zu leave, and lost %zu", receiver->left, receiver->lost);
    if (w->nodes[0]->gave_up > 0 || w->nodes[1]->gave_up > 0)
        world_fail(w, "a goodbye had no answer: %llu, %llu", (unsigned long long)w->nodes[0]->gave_up,
                   (unsigned long long)w->nodes[1]->gave_up);
}

static const struct scenario table[] = {
    {.name = "programs", .weight = 4, .rounds = 20, .setup = programs, .check = check_programs},
};

const struct scenario_table scenarios_end = {.v = table, .count = sizeof(table) / sizeof(table[0])};
