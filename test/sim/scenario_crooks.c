/*
 * Whoever wears a node out, and honest peers beside it: whatever it does, what
 * they say arrives at once, their files keep the rate they have without it,
 * they get in while it is at work, and the victim's memory has a bound.
 */
#include <stdlib.h>

#include "base/num.h"
#include "conn/endpoint_state.h"
#include "scenario.h"

#define KB UINT64_C(1000)
#define FROM_US WORLD_S(0.2)
#define USUAL_S 6
#define SIEGE_S 12  /* until all places are taken, and some more */
#define MISER_S 20  /* until one that moves nothing on is given up */
#define GIVE_UP_S 2 /* the victim's --timeout; beside a peer that lives it is 15 s */
#define STRANGERS_S 60
#define HONEST_CONNECT_US WORLD_S(3)
#define HONEST_TEXT_US WORLD_MS(200)
#define HONEST_TEXTS 60
#define HONEST_FILE_BYTES UINT64_C(3000000)
#define STEADY_BYTES_PER_S 200000       /* --limit of a file that lasts as long as the strangers */
#define HELD_BYTES (2 * 1024 * 1024)    /* of a crook's streams, at the victim */
#define MEMORY_BYTES (16 * 1024 * 1024) /* all of the world, the crooks themselves among it */
#define STRANGERS_MEMORY_BYTES (32 * 1024 * 1024)
#define SAMPLE_US WORLD_MS(20)
#define SHARE_LATE(us) ((us) / 4 + HONEST_TEXT_US) /* by so much a file may be later than alone */

enum { VICTIM, HONEST, NEWCOMER };

/* A crook, or after those an outsider. */
#define KINDS ((uint64_t)CROOK_KINDS + OUTSIDER_KINDS)

struct beside {
    uint64_t kind;
    size_t honest;         /* nodes, and deeds of theirs; the first deed is the file */
    uint64_t from_us;      /* the honest one calls */
    uint64_t late_from_us; /* the newcomer does */
    uint64_t until_us;
    uint64_t memory_before, memory_most, memory_bound;
    uint64_t held_most;
};

static bool is_outsider(const struct beside *b)
{
    return b->kind >= CROOK_KINDS;
}

static const char *name_of(const struct beside *b)
{
    return is_outsider(b) ? outsider_name((enum outsider_kind)(b->kind - CROOK_KINDS))
                          : crook_name((enum crook_kind)b->kind);
}

/* ---- what is watched meanwhile ---- */

/* What came on ordered streams and is in the victim's memory. */
static uint64_t held_bytes(const struct endpoint *e)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < e->count; i++)
        sum += e->all[i]->streams.ordered.fixed[0].in.bytes.cap + e->all[i]->streams.ordered.fixed[1].in.bytes.cap;
    return sum;
}

static void sample_fire(struct world *w, uint64_t left)
{
    struct beside *b = w->own;

    b->held_most = num_max(b->held_most, held_bytes(w->nodes[VICTIM]->endpoint));
    b->memory_most = num_max(b->memory_most, world_memory());
    if (left > 0)
        world_at(w, w->now.us + SAMPLE_US, sample_fire, left - 1);
}

static bool is_honest(const struct world *w, const struct deed *d)
{
    const struct beside *b = w->own;

    return d->from < b->honest && d->to < b->honest;
}

static bool honest_are_settled(struct world *w)
{
    const struct beside *b = w->own;

    for (size_t i = 0; i < w->deed_count; i++) {
        if (is_honest(w, &w->deeds[i]) && !w->deeds[i].is_done)
            return false;
    }
    return w->now.us >= b->until_us;
}

/* ---- the world ---- */

static struct beside *begin(struct world *w, uint64_t kind, size_t honest)
{
    struct beside *b = calloc(1, sizeof(*b));
    struct node *victim;

    if (b == NULL)
        abort();
    w->own = b;
    b->kind = kind;
    b->honest = honest;
    b->memory_bound = MEMORY_BYTES;
    for (size_t i = 0; i < honest; i++)
        world_add_node(w);
    w->default_link = (struct link_config){.rate_bytes_per_s = world_pick(w, 2000 * KB, 10000 * KB),
                                           .delay_us = world_pick(w, WORLD_MS(1), WORLD_MS(20)),
                                           .queue_bytes = 256 * 1024};
    victim = w->nodes[VICTIM];
    victim->ui.cfg.message_us = kind == CROOK_FLOOD ? 333 : 0;            /* a slow reader of stdout */
    victim->ui.cfg.trust_us = world_pick(w, WORLD_MS(50), WORLD_MS(300)); /* time to park */
    w->nodes[HONEST]->calls_by_key = true;
    w->no_finish = true;
    w->goal = honest_are_settled;
    w->has_strangers = !is_outsider(b) && crook_is_stranger((enum crook_kind)kind);
    return b;
}

/* What the user of the victim has with a peer that takes everything and moves nothing on. */
static void trade_with_miser(struct world *w, size_t miser)
{
    if (world_chance(w, 0.7))
        w->nodes[VICTIM]->hub_config.give_up_us = WORLD_S(GIVE_UP_S);
    ui_send(w, VICTIM, miser, HONEST_FILE_BYTES, 0)->want = WANT_EITHER;
    for (size_t i = 0; i < HONEST_TEXTS; i++) {
        ui_say(w, VICTIM, miser, world_pick_log(w, 12, 20000), i * WORLD_MS(20))->want = WANT_EITHER;
        ui_ask(w, VICTIM, miser, "ping", NULL, i * WORLD_MS(20))->want = WANT_EITHER;
    }
}

static void add_crooks(struct world *w, const struct beside *b)
{
    const enum crook_kind kind = (enum crook_kind)b->kind;

    for (size_t i = 0; i < (kind == CROOK_OFFERS ? 2 : kind == CROOK_PARK ? 8 : 1); i++) {
        struct node *n = world_add_node(w);

        if (kind == CROOK_MISER)
            trade_with_miser(w, n->index);
        crook_make(w, n, kind, VICTIM, FROM_US, b->until_us);
    }
}

/* Starts them all; from here on memory counts. */
static void let_loose(struct world *w, bool is_alone)
{
    struct beside *b = w->own;

    b->memory_before = world_memory();
    if (!is_alone && !is_outsider(b))
        add_crooks(w, b);
    for (size_t i = 0; i < w->node_count; i++)
        world_start_node(w, w->nodes[i]);
    if (!is_alone && is_outsider(b))
        outsider_begin(w, (enum outsider_kind)(b->kind - CROOK_KINDS), VICTIM, b->until_us);
    world_log(w, "%s", name_of(b));
    sample_fire(w, b->until_us / SAMPLE_US);
    scenario_bound(w, 3 * b->until_us);
}

static void honest_beside(struct world *w, uint64_t kind, bool is_alone)
{
    struct beside *b = begin(w, kind, NEWCOMER);
    const bool is_siege = kind == CROOK_KINDS + OUTSIDER_SIEGE;

    b->until_us = WORLD_S(is_siege ? SIEGE_S : kind == CROOK_MISER ? MISER_S : USUAL_S);
    b->from_us = WORLD_S(is_siege ? SIEGE_S / 2 : 1);
    ui_connect(w, HONEST, VICTIM, b->from_us);
    ui_send(w, HONEST, VICTIM, HONEST_FILE_BYTES, 0);
    for (size_t i = 0; i < HONEST_TEXTS; i++)
        ui_say(w, HONEST, VICTIM, 40, i * WORLD_S(USUAL_S - 2) / HONEST_TEXTS);
    let_loose(w, is_alone);
}

static uint64_t any_kind(struct world *w)
{
    return world_pick(w, 0, KINDS - 1);
}

static void crooks(struct world *w)
{
    honest_beside(w, any_kind(w), false);
}

static void no_crooks(struct world *w)
{
    honest_beside(w, any_kind(w), true);
}

static uint64_t file_us(const struct world *w)
{
    return time_since(w->deeds[0].done_at, w->deeds[0].started_at);
}

/* How long the file takes in the same world without the crook. */
static uint64_t file_us_alone(struct world *w)
{
    static const struct scenario alone = {.name = "no-crooks", .setup = no_crooks};
    struct world *twin = world_new(&alone, w->seed, 0);

    no_crooks(twin);
    world_run(twin);
    if (twin->failed)
        world_fail(w, "without the crook: %s", twin->failure);
    const uint64_t us = file_us(twin);

    world_free(twin);
    return us;
}

/* ---- what must hold ---- */

static void check_connected(struct world *w, size_t node, uint64_t asked_us)
{
    const struct ui_peer *p = ui_peer_of(&w->nodes[node]->ui, VICTIM);

    if (p == NULL || !p->is_connected || p->connected_at.us > asked_us + HONEST_CONNECT_US)
        world_fail(w, "%s: honest node %zu is connected after %.3f s", name_of(w->own), node,
                   p == NULL ? -1.0 : ((double)p->connected_at.us - (double)asked_us) / 1e6);
}

static void check_texts(struct world *w)
{
    uint64_t slowest_us = 0;

    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *d = &w->deeds[i];

        if (d->type == DEED_SAY && is_honest(w, d))
            slowest_us = num_max(slowest_us, time_since(d->arrived_at, d->started_at));
    }
    world_log(w, "slowest text %.0f ms", (double)slowest_us / 1e3);
    if (slowest_us > HONEST_TEXT_US)
        world_fail(w, "%s: a text took %.0f ms", name_of(w->own), (double)slowest_us / 1e3);
}

static void check_memory(struct world *w)
{
    const struct beside *b = w->own;
    const uint64_t memory = b->memory_most - num_min(b->memory_before, b->memory_most);

    world_log(w, "memory %.1f MB, held %.1f", (double)memory / 1e6, (double)b->held_most / 1e6);
    if (memory > b->memory_bound)
        world_fail(w, "%s: %.1f MB of memory", name_of(b), (double)memory / 1e6);
    if (b->held_most > HELD_BYTES)
        world_fail(w, "%s: %.1f MB of its streams are held", name_of(b), (double)b->held_most / 1e6);
}

static void check_file(struct world *w, uint64_t alone_us)
{
    const uint64_t us = file_us(w);

    world_log(w, "file %.0f ms, alone %.0f ms", (double)us / 1e3, (double)alone_us / 1e3);
    if (us > alone_us + SHARE_LATE(alone_us))
        world_fail(w, "%s: the file took %.0f ms, alone %.0f", name_of(w->own), (double)us / 1e3,
                   (double)alone_us / 1e3);
}

/* Who was told not to wait for ever did not. */
static void check_miser(struct world *w)
{
    const struct node *victim = w->nodes[VICTIM];
    const struct ui_peer *p = ui_peer_of(&w->nodes[VICTIM]->ui, NEWCOMER);

    if (p == NULL || !p->is_connected)
        world_fail(w, "the miser was never connected");
    else if (p->is_gone != (victim->hub_config.give_up_us != 0))
        world_fail(w, "a miser is %s", p->is_gone ? "given up unasked" : "waited for without end");
}

static void check_crooks(struct world *w)
{
    const struct beside *b = w->own;

    check_connected(w, HONEST, b->from_us);
    check_texts(w);
    check_memory(w);
    check_file(w, file_us_alone(w));
    if (is_outsider(b))
        outsider_check(w);
    else if (b->kind == CROOK_MISER)
        check_miser(w);
}

/* ---- places taken by others ---- */

static void siege(struct world *w)
{
    honest_beside(w, CROOK_KINDS + OUTSIDER_SIEGE, false);
}

static void check_siege(struct world *w)
{
    const struct beside *b = w->own;

    check_connected(w, HONEST, b->from_us);
    check_texts(w);
    check_memory(w);
    outsider_check(w);
}

/* ---- a thousand strangers in a minute ---- */

static void strangers(struct world *w)
{
    struct beside *b = begin(w, CROOK_STRANGERS, NEWCOMER + 1);

    b->until_us = WORLD_S(STRANGERS_S);
    b->late_from_us = world_pick(w, WORLD_S(5), WORLD_S(STRANGERS_S - 5));
    b->memory_bound = STRANGERS_MEMORY_BYTES;
    w->nodes[HONEST]->endpoint_config.limit_bytes_per_s = STEADY_BYTES_PER_S;
    ui_connect(w, HONEST, VICTIM, 0);
    ui_send(w, HONEST, VICTIM, (uint64_t)STEADY_BYTES_PER_S * (STRANGERS_S - 5), 0);
    for (size_t i = 0; i < 2 * STRANGERS_S; i++) {
        ui_say(w, HONEST, VICTIM, 40, i * WORLD_S(STRANGERS_S - 1) / (2 * STRANGERS_S));
        ui_say(w, VICTIM, HONEST, 40, i * WORLD_S(STRANGERS_S - 1) / (2 * STRANGERS_S));
    }
    ui_connect(w, NEWCOMER, VICTIM, b->late_from_us);
    ui_say(w, NEWCOMER, VICTIM, 40, 0);
    ui_say(w, VICTIM, NEWCOMER, 40, 0);
    let_loose(w, false);
}

static void check_strangers(struct world *w)
{
    const struct beside *b = w->own;
    const struct ui *u = &w->nodes[VICTIM]->ui;

    check_connected(w, HONEST, 0);
    check_connected(w, NEWCOMER, b->late_from_us);
    check_texts(w);
    check_memory(w);
    check_file(w, WORLD_S(STRANGERS_S - 5));
    if (u->connected != 2 || u->lost + u->left != 0)
        world_fail(w, "%zu connected, %zu lost, %zu left", u->connected, u->lost, u->left);
}

static const struct scenario table[] = {
    {.name = "crooks", .weight = 7, .rounds = 3, .setup = crooks, .check = check_crooks},
    {.name = "siege", .weight = 1, .setup = siege, .check = check_siege},
    {.name = "strangers", .weight = 1, .setup = strangers, .check = check_strangers},
};

const struct scenario_table scenarios_crooks = {.v = table, .count = sizeof(table) / sizeof(table[0])};
