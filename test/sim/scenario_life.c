/*
 * Scenarios of a session's life: how peers find each other, what they see of
 * each other's silence, sleep, moves and death, and how they part.
 */
#include "scenario.h"

#include "base/err.h"

#define KB UINT64_C(1000)
#define MB UINT64_C(1000000)

/* What duet(1) promises: 15 s of silence, and the words that say so. */
#define UNREACHABLE_LIMIT_US WORLD_S(15)
/* An outage is over so soon after it ends: probes are a second apart (PROTOCOL.md §9.3). */
#define BACK_LIMIT_US WORLD_S(3)

/* What `number` holds for the scenarios here. */
enum { N_FROM, N_UNTIL, N_NODE, N_EXTRA };

/* A path on which `bytes` take a few seconds, so that things can happen meanwhile. */
static void slow_pair(struct world *w, uint64_t bytes)
{
    w->default_link = scenario_path(w);
    w->default_link.rate_bytes_per_s = world_pick(w, 250 * KB, 500 * KB);
    w->default_link.queue_bytes = 100 * KB;
    scenario_pair(w, 0);
    for (size_t i = 0; i < 2; i++)
        ui_send(w, i, 1 - i, bytes / 2, 0)->reply_us = 0;
    scenario_chatter(w, 0, 1, 20, WORLD_S(6));
}

static void dig_hole(struct world *w, size_t from, size_t to)
{
    struct link_config *c = &world_link(w, from, to)->cfg;

    c->holes[c->hole_count++] = (struct link_hole){.from_us = w->number[N_FROM], .until_us = w->number[N_UNTIL]};
}

/* A hole in the middle of the transfer, one way or both. */
static void hole(struct world *w, uint64_t length_us)
{
    if (w->node_count == 0)
        scenario_two_nodes(w);
    slow_pair(w, 3 * MB);
    w->number[N_FROM] = world_pick(w, WORLD_S(0.5), WORLD_S(3));
    w->number[N_UNTIL] = w->number[N_FROM] + length_us;
    uint64_t ways = world_pick(w, 1, 3);
    if ((ways & 1) != 0)
        dig_hole(w, 0, 1);
    if ((ways & 2) != 0)
        dig_hole(w, 1, 0);
    w->number[N_EXTRA] = ways;
    scenario_bound(w, w->number[N_UNTIL] + WORLD_S(40));
}

static void short_hole(struct world *w)
{
    hole(w, world_pick(w, WORLD_S(1), WORLD_S(10)));
}

static void check_short_hole(struct world *w)
{
    if (w->nodes[0]->ui.unreachable + w->nodes[1]->ui.unreachable > 0)
        world_fail(w, "a hole of 10 s or less was called unreachable");
}

static void long_hole(struct world *w)
{
    hole(w, world_pick(w, WORLD_S(20), WORLD_S(60)));
}

static void check_long_hole(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui_peer *p = ui_peer_of(&w->nodes[i]->ui, 1 - i);
        bool is_deaf = (w->number[N_EXTRA] & (i == 1 ? 1 : 2)) != 0;
        if (!is_deaf)
            continue; /* it heard the other all the time */
        if (w->nodes[i]->ui.unreachable != 1 || w->nodes[i]->ui.back != 1)
            world_fail(w, "node %zu: %zu times unreachable, %zu times back", i, w->nodes[i]->ui.unreachable,
                       w->nodes[i]->ui.back);
        else if (p->unreachable_at.us > w->number[N_FROM] + UNREACHABLE_LIMIT_US + WORLD_S(0.5))
            world_fail(w, "node %zu: unreachable %.3f s after the hole began", i,
                       (double)(p->unreachable_at.us - w->number[N_FROM]) / 1e6);
        else if (p->back_at.us > w->number[N_UNTIL] + BACK_LIMIT_US + WORLD_S(0.5))
            world_fail(w, "node %zu: back %.3f s after the hole ended", i,
                       (double)(p->back_at.us - w->number[N_UNTIL]) / 1e6);
    }
}

/* Holes of half a second to three, again and again. */
static void flapping(struct world *w)
{
    scenario_two_nodes(w);
    slow_pair(w, 2 * MB);
    w->number[N_UNTIL] = WORLD_S(0.3);
    for (size_t i = 0; i < LINK_HOLES; i++) {
        w->number[N_FROM] = w->number[N_UNTIL] + world_pick(w, WORLD_S(0.2), WORLD_S(2));
        w->number[N_UNTIL] = w->number[N_FROM] + world_pick(w, WORLD_S(0.2), WORLD_S(3));
        dig_hole(w, 0, 1);
        dig_hole(w, 1, 0);
    }
    w->may_miss_left = true;
    scenario_bound(w, WORLD_S(240));
}

static void kill_fire(struct world *w, uint64_t node)
{
    world_kill_node(w, w->nodes[node]);
}

static bool is_mourned(struct world *w)
{
    const struct ui *u = &w->nodes[1 - w->number[N_NODE]]->ui;

    return u->lost == 1;
}

static void death(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t lost_us = world_pick_log(w, WORLD_S(20), WORLD_S(600));

    w->nodes[world_pick(w, 0, 1)]->endpoint_config.params.lost_us = lost_us;
    w->number[N_NODE] = world_pick(w, 0, 1);
    w->number[N_FROM] = world_pick(w, WORLD_S(1), WORLD_S(20)); /* during the files, or in the quiet after them */
    w->number[N_EXTRA] = lost_us < LOST_DEFAULT_US ? lost_us : LOST_DEFAULT_US;
    slow_pair(w, 2 * MB);
    for (size_t i = 0; i < w->deed_count; i++)
        w->deeds[i].want = WANT_EITHER;
    world_at(w, w->number[N_FROM], kill_fire, w->number[N_NODE]);
    w->goal = is_mourned;
    scenario_bound(w, w->number[N_FROM] + w->number[N_EXTRA] + WORLD_S(30));
}

static void check_death(struct world *w)
{
    size_t left_behind = 1 - w->number[N_NODE];
    const struct ui_peer *p = ui_peer_of(&w->nodes[left_behind]->ui, w->number[N_NODE]);
    uint64_t died = w->number[N_FROM];

    if (w->nodes[left_behind]->ui.unreachable != 1 || p->unreachable_at.us > died + UNREACHABLE_LIMIT_US)
        world_fail(w, "unreachable %.3f s after its death",
                   (double)time_since(p->unreachable_at, DUET_TIME(died)) / 1e6);
    if (p->gone_at.us + WORLD_S(6) < died + w->number[N_EXTRA] ||
        p->gone_at.us > died + w->number[N_EXTRA] + WORLD_S(5))
        world_fail(w, "lost %.3f s after its death instead of %.3f",
                   (double)time_since(p->gone_at, DUET_TIME(died)) / 1e6, (double)w->number[N_EXTRA] / 1e6);
    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];
        bool is_told = d->from == left_behind ? d->is_done || d->is_failed_here : d->is_arrived || d->is_failed_there;
        if (d->type == DEED_SEND && d->is_started && (d->from == left_behind || d->is_offered_there) && !is_told)
            world_fail(w, "the peer is lost and transfer %s has no end", d->source->name);
    }
}

/* The user leaves when everything has come to its end, and the peer is dead, or dies: 30 s of silence are enough. */
#define LEAVE_SILENCE_US WORLD_S(30)

static void leave_fire(struct world *w, uint64_t node)
{
    struct request m = {.type = REQUEST_LEAVING};

    world_tell(w, w->nodes[node], &m);
}

static void leave_the_dead(struct world *w)
{
    scenario_two_nodes(w);
    w->number[N_NODE] = world_pick(w, 0, 1);
    w->number[N_FROM] = world_pick(w, WORLD_S(1), WORLD_S(20));
    w->number[N_UNTIL] = world_pick(w, WORLD_S(1), WORLD_S(60));
    slow_pair(w, 2 * MB);
    for (size_t i = 0; i < w->deed_count; i++)
        w->deeds[i].want = WANT_EITHER;
    world_at(w, w->number[N_FROM], kill_fire, w->number[N_NODE]);
    world_at(w, w->number[N_UNTIL], leave_fire, 1 - w->number[N_NODE]);
    w->goal = is_mourned;
    scenario_bound(w, w->number[N_FROM] + w->number[N_UNTIL] + 2 * LEAVE_SILENCE_US);
}

static void check_leave_the_dead(struct world *w)
{
    const struct ui_peer *p = ui_peer_of(&w->nodes[1 - w->number[N_NODE]]->ui, w->number[N_NODE]);
    uint64_t died = w->number[N_FROM], patient = died + LEAVE_SILENCE_US;
    uint64_t wanted = w->number[N_UNTIL] > patient ? w->number[N_UNTIL] : patient;

    if (p->gone_at.us + WORLD_S(6) < wanted || p->gone_at.us > wanted + WORLD_S(1))
        world_fail(w, "lost %.3f s after its death, when %.3f s were due",
                   (double)time_since(p->gone_at, DUET_TIME(died)) / 1e6, (double)(wanted - died) / 1e6);
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

/* Both connect, at the same time or nearly so. */
static void simultaneous(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t apart = world_chance(w, 0.3) ? 0 : world_pick_log(w, 1, WORLD_MS(300));

    w->default_link =
        (struct link_config){.delay_us = world_pick_log(w, 10, WORLD_MS(200)),
                             .jitter_us = world_chance(w, 0.5) ? 0 : world_pick_log(w, 100, WORLD_MS(200)),
                             .loss = world_chance(w, 0.6) ? 0 : world_pick_unit(w, 0, 0.3),
                             .duplicate = world_chance(w, 0.7) ? 0 : 0.5};
    world_link(w, 0, 1);
    w->default_link.delay_us = world_chance(w, 0.5) ? w->default_link.delay_us : world_pick_log(w, 10, WORLD_MS(200));
    for (size_t i = 0; i < 2; i++)
        w->nodes[i]->endpoint_config.accept = world_chance(w, 0.6);
    w->may_miss_left = w->default_link.loss > 0.2;
    scenario_pair(w, 0);
    ui_connect(w, 1, 0, apart);
    ui_say(w, 0, 1, 20, world_pick(w, 0, WORLD_S(1)));
    ui_say(w, 1, 0, 20, world_pick(w, 0, WORLD_S(1)));
    /* Long enough for a second session to show itself. */
    w->number[N_UNTIL] = WORLD_S(12);
    world_at(w, w->number[N_UNTIL], nothing_fire, 0);
    w->goal = has_met_once;
    scenario_bound(w, WORLD_S(60));
}

static void check_simultaneous(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (u->connected != 1 || u->failed != 0 || u->lost != 0 || u->keys_asked != 1)
            world_fail(w, "node %zu: %zu connected, %zu failed, %zu lost, %zu keys", i, u->connected, u->failed,
                       u->lost, u->keys_asked);
    }
}

static void move_fire(struct world *w, uint64_t arg)
{
    char text[ADDR_TEXT_BYTES];
    struct node *n = w->nodes[arg % 2];

    world_move_node(n, arg < 2);
    world_log(w, "%zu is now %s", n->index, addr_format(&n->addr, text));
}

/* One host, several addresses, and the one that was dialled is not the one it would choose to answer from. */
static void many_homes(struct world *w)
{
    scenario_two_nodes(w);
    for (size_t i = 0; i < 2; i++) {
        struct node *n = w->nodes[i];
        n->aliases = world_pick(w, 1, 3);
        n->known_as = world_pick(w, 0, n->aliases);
    }
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    scenario_pair(w, 0);
    for (size_t i = 0; i < 2; i++)
        ui_send(w, i, 1 - i, 300 * KB, 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(6));
    if (world_chance(w, 0.3))
        world_at(w, world_pick(w, WORLD_S(1), WORLD_S(5)), move_fire, world_pick(w, 0, 3));
    scenario_bound(w, WORLD_S(60));
}

/* Hosts known by a name with several addresses, some of them dead.  One calls, or both do at about the same time. */
static void names(struct world *w)
{
    scenario_two_nodes(w);
    for (size_t i = 0; i < 2; i++) {
        struct node *n = w->nodes[i];
        n->aliases = world_pick(w, 0, 3);
        n->known_as = world_pick(w, 0, n->aliases);
        n->is_known_as_all = true;
        n->dead_before = world_pick(w, 0, 3);
    }
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    scenario_pair(w, 0);
    if (world_chance(w, 0.5))
        ui_connect(w, 1, 0, world_pick(w, 0, WORLD_S(1)));
    ui_send(w, 0, 1, 30 * KB, 0);
    scenario_chatter(w, 0, 1, 10, WORLD_S(20)); /* what is half-open for a lost leg would be heard of by then */
    scenario_bound(w, WORLD_S(60));
}

static void check_many_homes(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (u->connected != 1 || u->failed != 0 || u->lost != 0)
            world_fail(w, "node %zu: %zu connected, %zu failed, %zu lost", i, u->connected, u->failed, u->lost);
    }
}

static void start_fire(struct world *w, uint64_t node)
{
    world_start_node(w, w->nodes[node]);
}

/* The one who is called starts after the call began. */
static void late(struct world *w)
{
    scenario_two_nodes(w);
    uint64_t at = world_pick_log(w, WORLD_MS(10), WORLD_S(25));

    w->default_link = scenario_path(w);
    world_start_node(w, w->nodes[0]);
    ui_connect(w, 0, 1, 0);
    world_at(w, at, start_fire, 1);
    ui_say(w, 0, 1, 50, 0);
    ui_send(w, 1, 0, 30 * KB, 0);
    scenario_bound(w, at + WORLD_S(6)); /* SYNs come every two seconds by then */
}

static bool has_failed(struct world *w)
{
    return w->nodes[0]->ui.failed > 0;
}

static void nobody_there(struct world *w)
{
    scenario_two_nodes(w);
    w->number[N_EXTRA] = world_chance(w, 0.5) ? 0 : world_pick(w, WORLD_S(2), WORLD_S(60));
    w->default_link = scenario_path(w);
    w->nodes[0]->endpoint_config.connect_timeout_us = w->number[N_EXTRA];
    bool is_deaf = world_chance(w, 0.5);
    w->nodes[1]->endpoint_config.accept = false;
    world_start_node(w, w->nodes[0]);
    if (is_deaf)
        world_start_node(w, w->nodes[1]);
    ui_connect(w, 0, 1, 0);
    w->quitter = 0;
    w->goal = has_failed;
    scenario_bound(w, WORLD_S(62));
}

static void check_nobody_there(struct world *w)
{
    const struct ui *u = &w->nodes[0]->ui;
    uint64_t limit = w->number[N_EXTRA] != 0 ? w->number[N_EXTRA] : WORLD_S(30);

    if (u->failed != 1 || u->connected != 0)
        world_fail(w, "%zu failed, %zu connected", u->failed, u->connected);
    if (u->failed_err == DUET_ETIMEOUT && (u->failed_at.us < limit || u->failed_at.us > limit + WORLD_S(1)))
        world_fail(w, "gave up after %.3f s instead of %.3f", (double)u->failed_at.us / 1e6, (double)limit / 1e6);
    if (u->failed_err != DUET_ETIMEOUT && u->failed_err != DUET_EREFUSED)
        world_fail(w, "failed with %d", u->failed_err);
}

static void quit_fire(struct world *w, uint64_t arg)
{
    struct node *n = w->nodes[arg % 2];

    if (n->hub != NULL)
        ui_quit(w, n, arg >= 2);
}

static bool has_parted(struct world *w)
{
    size_t leaver = w->number[N_NODE] % 2;

    return w->nodes[leaver]->was_quit && hub_done(w->nodes[leaver]->hub) &&
           (w->nodes[1 - leaver]->ui.left + w->nodes[1 - leaver]->ui.lost > 0 ||
            w->nodes[1 - leaver]->ui.connected == 0);
}

/* One leaves at some moment: politely, or with the file half sent. */
static void parting(struct world *w)
{
    scenario_two_nodes(w);
    bool at_once = world_chance(w, 0.6);

    slow_pair(w, 1 * MB);
    world_link(w, 0, 1)->cfg.loss = world_link(w, 1, 0)->cfg.loss = world_pick_unit(w, 0, 0.2);
    for (size_t i = 0; i < w->deed_count; i++)
        w->deeds[i].want = WANT_EITHER;
    w->number[N_NODE] = world_pick(w, 0, 1) + (at_once ? 2 : 0);
    w->number[N_FROM] = world_pick(w, WORLD_S(1), WORLD_S(4));
    w->quitter = w->number[N_NODE] % 2;
    world_at(w, w->number[N_FROM], quit_fire, w->number[N_NODE]);
    w->goal = has_parted;
    /* In order: the rest of the file first, at 20 % loss. */
    scenario_bound(w, at_once ? w->number[N_FROM] + WORLD_S(15) : WORLD_S(400));
}

static void check_parting(struct world *w)
{
    size_t leaver = w->number[N_NODE] % 2;
    const struct ui *other = &w->nodes[1 - leaver]->ui;

    if (other->connected == 1 && other->left != 1)
        world_fail(w, "the goodbye was not heard");
    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];
        bool was_promised =
            w->number[N_NODE] < 2 && d->from == leaver && d->is_started && d->started_at.us < w->number[N_FROM];
        if (was_promised && d->type == DEED_SAY && !d->is_arrived)
            world_fail(w, "text %u was said before an orderly goodbye and did not arrive", d->id);
        if (was_promised && d->type == DEED_SEND && !d->is_arrived)
            world_fail(w, "%s was sent before an orderly goodbye and did not arrive", d->source->name);
    }
}

/* The source address changes in the middle, as behind a NAT that forgot, or on another network. */
static void rebind(struct world *w)
{
    scenario_two_nodes(w);
    slow_pair(w, 2 * MB);
    w->default_link.loss = 0;
    uint64_t at = 0;
    size_t mover = world_pick(w, 0, 1);
    for (uint64_t i = world_pick(w, 1, 5); i > 0; i--) {
        at += world_pick(w, WORLD_S(1), WORLD_S(5));
        world_at(w, at, move_fire, mover + world_pick(w, 0, 1) * 2);
    }
    /* The moved one must have something to say, or nobody can know where it is. */
    for (unsigned i = 0; i < 20; i++)
        ui_say(w, mover, 1 - mover, 30, world_pick(w, 0, WORLD_S(20)));
    scenario_bound(w, WORLD_S(90));
}

static void freeze_fire(struct world *w, uint64_t arg)
{
    struct node *n = w->nodes[arg % 2];

    if (n->hub != NULL)
        world_freeze_node(w, n, arg >= 2, w->number[N_UNTIL]);
}

/* Suspended or stopped, for less time than makes a peer lost. */
static void nap(struct world *w)
{
    scenario_two_nodes(w);
    slow_pair(w, 2 * MB);
    w->number[N_NODE] = world_pick(w, 0, 3);
    w->number[N_FROM] = world_pick(w, WORLD_S(0.5), WORLD_S(4));
    w->number[N_UNTIL] = w->number[N_FROM] + world_pick_log(w, WORLD_S(0.5), WORLD_S(500));
    world_at(w, w->number[N_FROM], freeze_fire, w->number[N_NODE]);
    scenario_bound(w, w->number[N_UNTIL] + WORLD_S(40));
}

static void check_nap(struct world *w)
{
    size_t sleeper = w->number[N_NODE] % 2;
    uint64_t length = w->number[N_UNTIL] - w->number[N_FROM];

    if (w->nodes[sleeper]->ui.lost + w->nodes[1 - sleeper]->ui.lost > 0)
        world_fail(w, "lost after a sleep of %.1f s", (double)length / 1e6);
    if (length > WORLD_S(16) && w->nodes[1 - sleeper]->ui.unreachable != 1)
        world_fail(w, "a sleep of %.1f s was not noticed", (double)length / 1e6);
}

static bool is_buried(struct world *w)
{
    size_t sleeper = w->number[N_NODE] % 2;

    return w->nodes[1 - sleeper]->ui.lost == 1 &&
           w->nodes[sleeper]->ui.lost + w->nodes[sleeper]->ui.left == w->nodes[sleeper]->ui.connected;
}

/* Asleep for an hour: the other gave up long ago; the sleeper must find out, and both may meet again. */
static void long_sleep(struct world *w)
{
    scenario_two_nodes(w);
    slow_pair(w, 2 * MB);
    for (size_t i = 0; i < w->deed_count; i++)
        w->deeds[i].want = WANT_EITHER;
    w->number[N_NODE] = world_pick(w, 0, 1);
    w->number[N_FROM] = world_pick(w, WORLD_S(0.5), WORLD_S(4));
    w->number[N_UNTIL] = w->number[N_FROM] + WORLD_S(world_chance(w, 0.5) ? 3600 : 30.0 * 86400);
    world_at(w, w->number[N_FROM], freeze_fire, w->number[N_NODE]);
    w->goal = is_buried;
    scenario_bound(w, w->number[N_UNTIL] + WORLD_S(660));
}

static void restart_fire(struct world *w, uint64_t node)
{
    world_start_node(w, w->nodes[node]);
    for (size_t i = 0; i < w->deed_count; i++) {
        struct deed *d = &w->deeds[i];
        if (d->from == node && !d->is_started)
            d->is_scheduled = false;
    }
}

static bool has_met_again(struct world *w)
{
    return w->number[N_EXTRA] == 2 && world_is_settled(w) && ui_sessions(&w->nodes[0]->ui, 1) == 1 &&
           ui_sessions(&w->nodes[1]->ui, 0) == 1;
}

static void reconnect_fire(struct world *w, uint64_t node)
{
    w->number[N_EXTRA] = 2;
    ui_connect(w, node, 1 - node, w->now.us);
    ui_say(w, node, 1 - node, 40, 0);
    ui_say(w, 1 - node, node, 40, 0);
    ui_send(w, node, 1 - node, 50 * KB, WORLD_MS(20));
}

/* One dies and comes back under the same address and key, while the other still holds the old session. */
static void restart(struct world *w)
{
    scenario_two_nodes(w);
    size_t node = world_pick(w, 0, 1);

    slow_pair(w, 1 * MB);
    for (size_t i = 0; i < w->deed_count; i++)
        w->deeds[i].want = WANT_EITHER;
    w->number[N_FROM] = world_pick(w, WORLD_S(0.5), WORLD_S(3));
    w->number[N_UNTIL] = w->number[N_FROM] + world_pick_log(w, WORLD_MS(10), WORLD_S(20));
    world_at(w, w->number[N_FROM], kill_fire, node);
    world_at(w, w->number[N_UNTIL], restart_fire, node);
    world_at(w, w->number[N_UNTIL] + 1, reconnect_fire, node);
    w->goal = has_met_again;
    scenario_bound(w, w->number[N_UNTIL] + WORLD_S(20));
}

static void impostor_fire(struct world *w, uint64_t node)
{
    struct node *n = w->nodes[node];

    rand_bytes(&w->rng, n->identity.secret, sizeof(n->identity.secret));
    noise_public(n->identity.public, n->identity.secret);
    n->endpoint_config.identity = n->identity;
    restart_fire(w, node);
    ui_connect(w, node, 1 - node, w->now.us);
    ui_say(w, node, 1 - node, 40, 0)->want = WANT_EITHER;
    w->number[N_EXTRA] = 1;
}

static bool is_turned_away(struct world *w)
{
    const struct ui *u = &w->nodes[w->number[N_NODE]]->ui;

    return w->number[N_EXTRA] == 1 && u->connects + u->left + u->lost + u->failed > w->number[N_UNTIL];
}

/* Somebody comes back under the same address with another key: turned away, the first session untouched. */
static void changed_identity(struct world *w)
{
    scenario_two_nodes(w);
    size_t node = world_pick(w, 0, 1);

    w->default_link = scenario_path(w);
    scenario_pair(w, 0);
    ui_say(w, 0, 1, 40, 0);
    ui_say(w, 1, 0, 40, 0);
    w->number[N_NODE] = node;
    w->number[N_UNTIL] = node == 0 ? 2 : 1; /* its calls, the first one included */
    world_at(w, WORLD_S(2), kill_fire, node);
    world_at(w, WORLD_S(3), impostor_fire, node);
    w->goal = is_turned_away;
    w->may_miss_left = true;
    scenario_bound(w, WORLD_S(40));
}

static void check_changed_identity(struct world *w)
{
    const struct ui *host = &w->nodes[1 - w->number[N_NODE]]->ui;

    if (host->keys_asked != 2 || host->connected != 1)
        world_fail(w, "%zu keys asked, %zu connected", host->keys_asked, host->connected);
    for (size_t i = 0; i < w->deed_count; i++) {
        if (w->deeds[i].want == WANT_EITHER && w->deeds[i].is_arrived)
            world_fail(w, "a text of the impostor got through");
    }
}

static bool has_idled(struct world *w)
{
    return w->now.us >= w->number[N_UNTIL] && world_is_settled(w);
}

/* Nothing to say for up to two hours: heartbeats and rekeying keep the session whole. */
static void idle(struct world *w)
{
    scenario_two_nodes(w);
    w->number[N_UNTIL] = world_pick(w, WORLD_S(60), WORLD_S(7200));
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.1);
    w->nodes[0]->endpoint_config.params.heartbeat_us = world_pick_log(w, HEARTBEAT_MIN_US, HEARTBEAT_DEFAULT_US);
    scenario_pair(w, 0);
    ui_say(w, 0, 1, 100, WORLD_S(1));
    ui_say(w, 1, 0, 100, w->number[N_UNTIL] - WORLD_S(10));
    ui_send(w, 0, 1, 100 * KB, w->number[N_UNTIL] - WORLD_S(5));
    world_at(w, w->number[N_UNTIL], nothing_fire, 0);
    w->goal = has_idled;
    scenario_bound(w, w->number[N_UNTIL] + WORLD_S(20));
}

static void check_idle(struct world *w)
{
    if (w->nodes[0]->ui.unreachable + w->nodes[1]->ui.unreachable > 0)
        world_fail(w, "an idle peer was called unreachable");
    uint64_t limit = (w->number[N_UNTIL] / w->nodes[0]->endpoint_config.params.heartbeat_us + 40) * 6 + 1000;
    if (w->datagrams > limit)
        world_fail(w, "%llu datagrams in an idle session, limit %llu", (unsigned long long)w->datagrams,
                   (unsigned long long)limit);
}

static const struct scenario table[] = {
    {.name = "short-hole", .weight = 4, .setup = short_hole, .check = check_short_hole},
    {.name = "long-hole", .weight = 4, .setup = long_hole, .check = check_long_hole},
    {.name = "flapping", .weight = 3, .setup = flapping},
    {.name = "death", .weight = 5, .setup = death, .check = check_death},
    {.name = "leave-the-dead", .weight = 3, .setup = leave_the_dead, .check = check_leave_the_dead},
    {.name = "simultaneous", .weight = 10, .rounds = 100, .setup = simultaneous, .check = check_simultaneous},
    {.name = "many-homes", .weight = 5, .rounds = 10, .setup = many_homes, .check = check_many_homes},
    {.name = "names", .weight = 5, .rounds = 10, .setup = names, .check = check_many_homes},
    {.name = "late", .weight = 3, .setup = late},
    {.name = "nobody-there", .weight = 2, .setup = nobody_there, .check = check_nobody_there},
    {.name = "parting", .weight = 6, .setup = parting, .check = check_parting},
    {.name = "rebind", .weight = 5, .setup = rebind},
    {.name = "nap", .weight = 4, .setup = nap, .check = check_nap},
    {.name = "long-sleep", .weight = 2, .setup = long_sleep},
    {.name = "restart", .weight = 3, .setup = restart},
    {.name = "changed-identity", .weight = 2, .setup = changed_identity, .check = check_changed_identity},
    {.name = "idle", .weight = 2, .setup = idle, .check = check_idle},
};

const struct scenario_table scenarios_life = {.v = table, .count = sizeof(table) / sizeof(table[0])};
