/*
 * Scenarios of one that takes no connections (`duet send -c`): connected with the answer to its SYN, it offers its
 * files behind its own HELLO.  What gets lost, crosses, restarts or takes its time must cost no more than it has to,
 * and never a file or a second session.
 */
#include "scenario.h"

#include "app/transfer.h"
#include "base/err.h"
#include "conn/conn.h"

#define KB UINT64_C(1000)

/* What `number` holds for the scenarios here. */
enum { N_LIMIT, N_UNTIL, N_EXTRA };

/* Node 0 is that one, node 1 receives. */
static void sender_and_receiver(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->nodes[0]->endpoint_config.accept = false;
    w->nodes[0]->hub_config = (struct hub_config){.accept_offers = false};
    w->nodes[0]->ui.cfg.is_eager = true;
    w->nodes[1]->hub_config.accept_offers = true;
}

/* Each step of either user and disk, some of them one after the other. */
static uint64_t hands_us(const struct world *w)
{
    uint64_t us = 0;

    for (size_t i = 0; i < 2; i++)
        us += w->nodes[i]->ui.cfg.trust_us + 4 * w->nodes[i]->disk.cfg.latency_us;
    return us;
}

/* A small file is there two and a half round trips after the SYN; a lost ACK costs one and a quarter more. */
static void early(struct world *w)
{
    sender_and_receiver(w);
    uint64_t rtt = 2 * w->default_link.delay_us, repeat = rtt * 5 / 4;
    bool is_ack_lost = world_chance(w, 0.5);

    if (is_ack_lost)
        world_link(w, 0, 1)->cfg.loss_mask = 2; /* the first is the SYN */
    if (repeat < CONN_ACK_FIRST_US)
        repeat = CONN_ACK_FIRST_US;
    w->number[N_LIMIT] = rtt * 5 / 2 + (is_ack_lost ? repeat : 0) + hands_us(w) + WORLD_MS(12);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick(w, 1, 4 * KB), 0);
    scenario_bound(w, WORLD_S(30));
}

static void check_early(struct world *w)
{
    const struct deed *d = &w->deeds[0];

    if (d->arrived_at.us > w->number[N_LIMIT])
        world_fail(w, "the file was there after %.1f ms, limit %.1f", (double)d->arrived_at.us / 1e3,
                   (double)w->number[N_LIMIT] / 1e3);
}

/* Any of the first packets gets lost, or many do. */
static void early_loss(struct world *w)
{
    sender_and_receiver(w);
    for (size_t i = 0; i < 2; i++)
        world_link(w, i, 1 - i)->cfg.loss_mask = world_chance(w, 0.5) ? 0 : UINT64_C(1) << world_pick(w, 0, 5);
    if (world_chance(w, 0.4))
        world_link(w, 0, 1)->cfg.loss = world_link(w, 1, 0)->cfg.loss = world_pick_unit(w, 0, 0.3);
    if (world_chance(w, 0.3))
        world_link(w, 0, 1)->cfg.jitter_us = world_pick_log(w, 100, WORLD_MS(100)); /* data overtakes the ACK */
    w->may_miss_left = true;
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 40); i > 0; i--)
        ui_send(w, 0, 1, world_pick_log(w, 1, 20 * KB), 0);
    scenario_bound(w, WORLD_S(60));
}

static bool has_met_once(struct world *w)
{
    return w->now.us >= w->number[N_UNTIL] && world_is_settled(w);
}

static void nothing_fire(struct world *w, uint64_t arg)
{
    (void)w;
    (void)arg;
}

/* The receiver calls, too, and takes connections: whichever SYN is first, the sender's makes the session. */
static void early_crossing(struct world *w)
{
    sender_and_receiver(w);
    w->default_link =
        (struct link_config){.delay_us = world_pick_log(w, 10, WORLD_MS(200)),
                             .jitter_us = world_chance(w, 0.5) ? 0 : world_pick_log(w, 100, WORLD_MS(200)),
                             .loss = world_chance(w, 0.6) ? 0 : world_pick_unit(w, 0, 0.3),
                             .duplicate = world_chance(w, 0.7) ? 0 : 0.5};
    w->may_miss_left = w->default_link.loss > 0.2;
    uint64_t apart = world_chance(w, 0.3) ? 0 : world_pick_log(w, 1, WORLD_MS(600));
    bool is_first = world_chance(w, 0.5);
    world_start_node(w, w->nodes[0]);
    world_start_node(w, w->nodes[1]);
    ui_connect(w, 0, 1, is_first ? 0 : apart);
    ui_connect(w, 1, 0, is_first ? apart : 0);
    ui_send(w, 0, 1, world_pick_log(w, 1, 20 * KB), 0);
    ui_say(w, 1, 0, 20, world_pick(w, 0, WORLD_S(1)));
    w->number[N_UNTIL] = WORLD_S(12);
    world_at(w, w->number[N_UNTIL], nothing_fire, 0);
    w->goal = has_met_once;
    scenario_bound(w, WORLD_S(60));
}

static void check_met_once(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (u->connected != 1 || u->failed != 0 || u->lost != 0 || u->keys_asked != 1)
            world_fail(w, "node %zu: %zu connected, %zu failed, %zu lost, %zu keys", i, u->connected, u->failed,
                       u->lost, u->keys_asked);
    }
}

static void kill_fire(struct world *w, uint64_t node)
{
    world_kill_node(w, w->nodes[node]);
}

static void restart_fire(struct world *w, uint64_t node)
{
    world_start_node(w, w->nodes[node]);
}

/* The receiver is started anew between its answer and the ACK: what was sent behind that leaves once more. */
static void early_restart(struct world *w)
{
    sender_and_receiver(w);
    w->default_link.delay_us = world_pick(w, WORLD_MS(2), WORLD_MS(100));
    scenario_pair(w, 0);
    /* The SYN is there after the delay (and its time on the line), the ACK not before two more. */
    uint64_t at = world_pick(w, w->default_link.delay_us + WORLD_MS(1.5), 3 * w->default_link.delay_us - 1);
    world_at(w, at, kill_fire, 1);
    world_at(w, at + world_pick_log(w, 1, WORLD_S(10)), restart_fire, 1);
    for (uint64_t i = world_pick(w, 1, 20); i > 0; i--)
        ui_send(w, 0, 1, world_pick_log(w, 1, 20 * KB), 0);
    scenario_bound(w, WORLD_S(25));
}

/* A refusal leaves nobody connected, and the world otherwise waits for that. */
static bool has_decided(struct world *w)
{
    const struct ui *u = &w->nodes[0]->ui;

    for (size_t i = 0; i < w->deed_count; i++) {
        if (!deed_is_settled(&w->deeds[i]))
            return false;
    }
    return u->connected + u->left > 0;
}

/* The receiver's user compares the key for half a minute, and then says yes, or no; or takes no files at all. */
static void early_doubt(struct world *w)
{
    enum { YES, NO, NO_FILES };
    sender_and_receiver(w);
    w->nodes[1]->ui.cfg.trust_us = world_pick(w, WORLD_S(1), WORLD_S(40));
    w->number[N_EXTRA] = world_pick(w, YES, NO_FILES);
    w->nodes[1]->ui.cfg.trusts = w->number[N_EXTRA] != NO;
    w->nodes[1]->hub_config.receive_files = w->number[N_EXTRA] != NO_FILES;
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    w->may_miss_left = true;
    scenario_pair(w, 0);
    for (uint64_t i = world_pick(w, 1, 60); i > 0; i--)
        ui_send(w, 0, 1, world_pick_log(w, 1, 5 * KB), 0)->want = w->number[N_EXTRA] == YES ? WANT_DONE : WANT_FAILED;
    w->goal = has_decided;
    scenario_bound(w, w->nodes[1]->ui.cfg.trust_us + WORLD_S(30));
}

static void check_doubt(struct world *w)
{
    const int wanted = w->number[N_EXTRA] == 0 ? 0 : w->number[N_EXTRA] == 1 ? DUET_ECLOSED : DUET_EREFUSED;

    size_t offered = 0;

    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];
        offered += d->is_offered_here;
        if (d->err_here != wanted || (wanted != 0 && d->is_offered_there))
            world_fail(w, "%s ended with %s%s", d->source->name, err_name(d->err_here),
                       d->is_offered_there ? ", and the user was asked" : "");
    }
    if (wanted == DUET_EREFUSED && offered > TRANSFERS_PER_PEER)
        world_fail(w, "%zu files were offered to one who said that it takes none", offered);
    if (w->nodes[0]->ui.connected != (wanted == DUET_ECLOSED ? 0 : 1))
        world_fail(w, "%zu times connected", w->nodes[0]->ui.connected);
}

/* Two that take no connections and no files, and answer no questions, call each other: as two `duet send -c`, or
 * `duet ask`.  Each leaves as soon as it knows how its own thing ended. */
static const struct deed *own_deed(const struct world *w, size_t node)
{
    return w->deeds[0].from == node ? &w->deeds[0] : &w->deeds[1];
}

static bool knows_its_end(const struct world *w, size_t node)
{
    const struct deed *d = own_deed(w, node);
    const struct ui *u = &w->nodes[node]->ui;

    return u->failed > 0 || u->left + u->lost > 0 || (d->type == DEED_ASK ? d->is_done : d->is_failed_here);
}

static void leave_fire(struct world *w, uint64_t node)
{
    if (w->nodes[node]->was_quit)
        return;
    if (knows_its_end(w, node))
        ui_quit(w, w->nodes[node], false);
    else
        world_at(w, w->now.us + WORLD_MS(1), leave_fire, node);
}

static bool both_know_their_end(struct world *w)
{
    return knows_its_end(w, 0) && knows_its_end(w, 1);
}

static void sole_crossing(struct world *w)
{
    scenario_two_nodes(w);
    w->default_link =
        (struct link_config){.delay_us = world_pick_log(w, 10, WORLD_MS(200)),
                             .jitter_us = world_chance(w, 0.5) ? 0 : world_pick_log(w, 100, WORLD_MS(200)),
                             .loss = world_chance(w, 0.6) ? 0 : world_pick_unit(w, 0, 0.3),
                             .duplicate = world_chance(w, 0.7) ? 0 : 0.5};
    w->may_miss_left = w->default_link.loss > 0;
    uint64_t apart = world_chance(w, 0.3) ? 0 : world_pick_log(w, 1, WORLD_S(5));
    for (size_t i = 0; i < 2; i++) {
        w->nodes[i]->endpoint_config.accept = false;
        w->nodes[i]->hub_config = (struct hub_config){.give_up_us = WORLD_S(30)};
        w->nodes[i]->ui.cfg.is_eager = true;
        world_start_node(w, w->nodes[i]);
        ui_connect(w, i, 1 - i, i * apart);
        if (world_chance(w, 0.7))
            ui_send(w, i, 1 - i, world_pick_log(w, 1, 20 * KB), 0)->want = WANT_FAILED;
        else
            ui_ask(w, i, 1 - i, "time", NULL, 0)->want = WANT_EITHER;
        world_at(w, WORLD_MS(1), leave_fire, i);
    }
    w->goal = both_know_their_end;
    scenario_bound(w, WORLD_S(36));
}

static void check_sole_crossing(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        const struct deed *d = own_deed(w, i);
        bool met = w->default_link.loss == 0;
        if (u->connected > 1 || u->keys_asked > 1 || (u->failed > 0) == (u->keys_asked > 0) ||
            (met && u->keys_asked == 0))
            world_fail(w, "node %zu: %zu connected, %zu failed, %zu keys", i, u->connected, u->failed, u->keys_asked);
        if (ui_sessions(u, UI_NOBODY) > 0)
            world_fail(w, "node %zu has half a session left", i);
        if (d->is_arrived || d->is_offered_there || (d->type == DEED_ASK && d->is_done && !d->is_failed_here))
            world_fail(w, "node %zu got what it wanted", i);
    }
    if (w->default_link.loss == 0 && own_deed(w, 0)->err_here != DUET_EREFUSED &&
        own_deed(w, 1)->err_here != DUET_EREFUSED && own_deed(w, 0)->type == DEED_SEND &&
        own_deed(w, 1)->type == DEED_SEND)
        world_fail(w, "nobody was told that the other takes no files");
}

static const struct scenario table[] = {
    {.name = "early", .weight = 3, .rounds = 10, .setup = early, .check = check_early},
    {.name = "early-loss", .weight = 3, .rounds = 10, .setup = early_loss, .check = check_met_once},
    {.name = "early-crossing", .weight = 5, .rounds = 50, .setup = early_crossing, .check = check_met_once},
    {.name = "early-restart", .weight = 2, .rounds = 10, .setup = early_restart},
    {.name = "early-doubt", .weight = 2, .rounds = 2, .setup = early_doubt, .check = check_doubt},
    {.name = "sole-crossing", .weight = 3, .rounds = 50, .setup = sole_crossing, .check = check_sole_crossing},
};

const struct scenario_table scenarios_early = {.v = table, .count = sizeof(table) / sizeof(table[0])};
