/*
 * Scenarios with an attacker: one who sends from any address (floods, replays,
 * garbage), and one on the path who turns bits of the handshake.
 */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>

#include "wire/packet.h"

#define KB UINT64_C(1000)
#define TEMPLATES 256                        /* different SYNs an attacker has at hand */
#define TAPPED 64                            /* datagrams it overheard last */
#define FLOOD_MEMORY_BYTES (4 * 1024 * 1024) /* what a flood may cost the victim */
#define FLOOD_CONNECT_US WORLD_S(3)
#define BATCH_US 1000

struct attacker {
    uint8_t syns[TEMPLATES][LIMIT_SYN_BYTES];
    size_t syn_count;
    struct {
        size_t node;
        size_t len;
        struct duet_addr from;
        uint8_t bytes[2048];
    } tapped[TAPPED];
    size_t tapped_count;
    uint64_t left, batch; /* datagrams to send, and how many at a time */
    uint64_t memory_before;
    struct endpoint_counters before;
};

static struct attacker *attacker_new(struct world *w)
{
    struct attacker *a = calloc(1, sizeof(*a));

    if (a == NULL)
        abort();
    w->own = a;
    return a;
}

static struct duet_addr random_addr(struct world *w, uint8_t net)
{
    return (struct duet_addr){
        .family = ADDR_V4,
        .ip = {net, (uint8_t)world_pick(w, 0, 255), (uint8_t)world_pick(w, 0, 255), (uint8_t)world_pick(w, 1, 254)},
        .port = (uint16_t)world_pick(w, 1024, 65535)};
}

/* Genuine first messages, made by an endpoint of the attacker that calls many addresses and is thrown away. */
static void make_syns(struct world *w, struct attacker *a)
{
    struct endpoint_config cfg = w->nodes[0]->endpoint_config;
    static uint8_t buf[65536];

    rand_bytes(&w->rng, cfg.seed, sizeof(cfg.seed));
    rand_bytes(&w->rng, cfg.identity.secret, sizeof(cfg.identity.secret));
    noise_public(cfg.identity.public, cfg.identity.secret);
    struct endpoint *e = endpoint_new(&cfg, DUET_TIME(US_PER_S));
    if (e == NULL)
        abort();
    for (size_t i = 0; i < TEMPLATES; i++) {
        struct duet_addr to = random_addr(w, 200);
        conn_id id;
        if (endpoint_connect(e, &to, DUET_TIME(US_PER_S), &id) < 0)
            world_fail(w, "the attacker cannot make SYN %zu", i);
    }
    for (;;) {
        struct envelope to;
        size_t segment;
        ssize_t len = endpoint_send(e, &to, buf, sizeof(buf), &segment, DUET_TIME(US_PER_S));
        if (len <= 0)
            break;
        if (len == LIMIT_SYN_BYTES && a->syn_count < TEMPLATES)
            memcpy(a->syns[a->syn_count++], buf, LIMIT_SYN_BYTES);
    }
    endpoint_free(e);
    if (a->syn_count == 0)
        world_fail(w, "the attacker has no SYN");
}

static void flood_fire(struct world *w, uint64_t victim)
{
    struct attacker *a = w->own;

    for (uint64_t i = 0; i < a->batch && a->left > 0; i++, a->left--) {
        struct duet_addr from = random_addr(w, 198);
        world_inject(w, &from, victim, a->syns[world_pick(w, 0, a->syn_count - 1)], LIMIT_SYN_BYTES);
    }
    if (a->left > 0)
        world_at(w, w->now.us + BATCH_US, flood_fire, victim);
}

static bool flood_is_over(struct world *w)
{
    const struct attacker *a = w->own;

    return a->left == 0 && world_is_settled(w);
}

/* The victim is the one that waits; the honest caller comes while the flood is on. */
static void syn_flood(struct world *w)
{
    scenario_two_nodes(w);
    struct attacker *a = attacker_new(w);

    w->default_link = scenario_path(w);
    world_start_node(w, w->nodes[0]);
    world_start_node(w, w->nodes[1]);
    make_syns(w, a);
    a->batch = world_pick_log(w, 1, 50); /* 1000 to 50000 SYNs a second */
    a->left = world_chance(w, 0.02) ? 1000000 : world_chance(w, 0.3) ? 100000 : world_pick(w, 5000, 20000);
    a->memory_before = world_memory();
    world_at(w, 0, flood_fire, 1);
    ui_connect(w, 0, 1, world_pick(w, WORLD_MS(50), WORLD_MS(400)));
    ui_say(w, 0, 1, 40, 0);
    ui_send(w, 1, 0, 20 * KB, 0);
    w->goal = flood_is_over;
    scenario_bound(w, WORLD_S(30) + a->left / a->batch * BATCH_US);
}

static void check_flood(struct world *w)
{
    const struct attacker *a = w->own;
    const struct ui_peer *p = ui_peer_of(&w->nodes[0]->ui, 1);
    struct node *victim = w->nodes[1];
    /* The watch on the wire keeps every address it saw, which is not the victim's to answer for. */
    uint64_t watch = victim->monitor.remote_cap * sizeof(struct monitor_remote);
    uint64_t used = world_memory();

    if (p->connected_at.us > WORLD_MS(400) + FLOOD_CONNECT_US)
        world_fail(w, "an honest peer connected only after %.3f s", (double)p->connected_at.us / 1e6);
    if (used > a->memory_before + watch + FLOOD_MEMORY_BYTES)
        world_fail(w, "the flood cost %llu bytes", (unsigned long long)(used - a->memory_before - watch));
    if (victim->monitor.retries == 0)
        world_fail(w, "no RETRY was sent");
    /* Sixty-four half-open ones without a proof at a time, each kept for its life. */
    uint64_t answers = (w->now.us / LIMIT_HALF_OPEN_US + 2) * LIMIT_HALF_OPEN_RETRY * 3;
    if (victim->monitor.syn_acks > answers + 20)
        world_fail(w, "%llu SYN-ACKs, limit %llu", (unsigned long long)victim->monitor.syn_acks,
                   (unsigned long long)answers);
}

/* Overhearing */

static void overhear(struct world *w, const struct datagram *d)
{
    struct attacker *a = w->own;
    size_t i = a->tapped_count < TAPPED ? a->tapped_count : world_pick(w, 0, TAPPED - 1);

    if (d->len > sizeof(a->tapped[0].bytes) || d->len == 0)
        return;
    if (a->tapped_count < TAPPED)
        a->tapped_count++;
    a->tapped[i].node = d->node;
    a->tapped[i].len = d->len;
    a->tapped[i].from = d->from;
    memcpy(a->tapped[i].bytes, d->bytes, d->len);
}

/* Sends something overheard again, from where it came or from elsewhere. */
static void replay_one(struct world *w, const struct attacker *a, bool only_syns)
{
    size_t i = world_pick(w, 0, a->tapped_count - 1);
    bool is_syn = a->tapped[i].bytes[0] == PACKET_SYN;

    if (only_syns && !is_syn)
        return;
    /* A SYN may be answered (within 3x) wherever it comes from; nothing else may. */
    struct duet_addr elsewhere = random_addr(w, is_syn ? 198 : GARBAGE_NET);
    world_inject(w, world_chance(w, 0.5) ? &a->tapped[i].from : &elsewhere, a->tapped[i].node, a->tapped[i].bytes,
                 a->tapped[i].len);
}

/* Random bytes, cut and bent copies, bytes that look like packets. */
static void garbage_one(struct world *w, const struct attacker *a)
{
    static uint8_t bytes[2048];
    size_t len = world_pick(w, 0, 1500);
    size_t node = world_pick(w, 0, 1);
    struct duet_addr from = random_addr(w, GARBAGE_NET);

    rand_bytes(&w->rng, bytes, len);
    if (a->tapped_count > 0 && world_chance(w, 0.6)) {
        size_t i = world_pick(w, 0, a->tapped_count - 1);
        node = a->tapped[i].node;
        len = a->tapped[i].len;
        memcpy(bytes, a->tapped[i].bytes, len);
        if (world_chance(w, 0.5))
            from = a->tapped[i].from;
        uint64_t bit = world_pick(w, 0, len * 8 - 1);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (world_chance(w, 0.3))
            len = world_pick(w, 0, len);
    } else if (len > 0) {
        static const uint8_t types[] = {PACKET_SYN, PACKET_RETRY,   PACKET_SYN_ACK,
                                        PACKET_ACK, PACKET_VERSION, PACKET_DATA};
        bytes[0] = types[world_pick(w, 0, sizeof(types) - 1)];
    }
    world_inject(w, &from, node, bytes, len);
}

static void garbage_fire(struct world *w, uint64_t kind)
{
    struct attacker *a = w->own;

    for (uint64_t i = 0; i < a->batch && a->left > 0 && !w->failed; i++, a->left--) {
        if (kind == 0 || a->tapped_count == 0)
            garbage_one(w, a);
        else
            replay_one(w, a, kind == 2);
    }
    if (a->left > 0 && w->phase == PHASE_RUN)
        world_at(w, w->now.us + BATCH_US * 2, garbage_fire, kind);
}

static void attacked_pair(struct world *w, uint64_t datagrams, uint64_t kind)
{
    scenario_two_nodes(w);
    struct attacker *a = attacker_new(w);

    a->left = datagrams;
    a->batch = world_pick(w, 1, 5);
    w->tap = overhear;
    w->default_link = scenario_path(w);
    w->default_link.rate_bytes_per_s = world_pick(w, 200 * KB, 800 * KB);
    w->default_link.loss = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.02);
    scenario_pair(w, 0);
    ui_send(w, 0, 1, world_pick(w, 100 * KB, 400 * KB), 0);
    ui_send(w, 1, 0, world_pick(w, 10 * KB, 100 * KB), 0);
    scenario_chatter(w, 0, 1, 20, WORLD_S(1));
    world_at(w, world_pick(w, 0, WORLD_MS(200)), garbage_fire, kind);
    scenario_bound(w, WORLD_S(60));
}

static void garbage(struct world *w)
{
    attacked_pair(w, world_pick(w, 500, 4000), 0);
}

static void replays(struct world *w)
{
    attacked_pair(w, world_pick(w, 500, 4000), 1);
}

/* Keeps SYNs rather than anything that came later. */
static void overhear_syns(struct world *w, const struct datagram *d)
{
    if (d->bytes[0] == PACKET_SYN)
        overhear(w, d);
}

static void syn_replays(struct world *w)
{
    attacked_pair(w, world_pick(w, 1000, 5000), 2);
    w->tap = overhear_syns;
}

static void check_undisturbed(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (u->connected != 1 || u->keys_asked != 1 || u->lost != 0 || u->unreachable != 0 || u->failed != 0)
            world_fail(w, "node %zu: %zu connected, %zu keys, %zu lost, %zu unreachable, %zu failed", i, u->connected,
                       u->keys_asked, u->lost, u->unreachable, u->failed);
    }
}

/* On the path: one bit of SYN, SYN-ACK or ACK is turned (and the CRC mended) in every copy, or in the first few. */
static bool is_decided(struct world *w)
{
    const struct ui *a = &w->nodes[0]->ui, *b = &w->nodes[1]->ui;

    return a->failed > 0 || a->left + a->lost > 0 || (a->connected == 1 && b->connected == 1 && world_is_settled(w));
}

static void tamper(struct world *w)
{
    static const uint8_t types[] = {PACKET_SYN, PACKET_SYN_ACK, PACKET_ACK};

    scenario_two_nodes(w);
    w->default_link = (struct link_config){.delay_us = WORLD_MS(5),
                                           .flip_type = types[world_pick(w, 0, 2)],
                                           .flip_bit = (uint32_t)world_pick(w, 0, world_chance(w, 0.7) ? 2399 : 9599),
                                           .flip_left = world_chance(w, 0.5) ? 1000 : 1};
    w->number[0] = w->default_link.flip_left;
    w->may_miss_left = true;
    world_log(w, "bit %u of %u packets of type %u", w->default_link.flip_bit, w->default_link.flip_left,
              w->default_link.flip_type);
    scenario_pair(w, 0);
    ui_say(w, 0, 1, 20, 0)->want = w->default_link.flip_left > 1 ? WANT_EITHER : WANT_DONE;
    w->goal = is_decided;
    scenario_bound(w, WORLD_S(45));
}

static void check_tamper(struct world *w)
{
    const struct ui *a = &w->nodes[0]->ui, *b = &w->nodes[1]->ui;

    /* A bit turned once costs a repeat, no more. */
    if (w->number[0] == 1 && (a->connected != 1 || b->connected != 1))
        world_fail(w, "one flipped bit kept the peers apart");
    if (a->connected > 1 || b->connected > 1)
        world_fail(w, "connected more than once");
}

static const struct scenario table[] = {
    {.name = "syn-flood", .weight = 3, .setup = syn_flood, .check = check_flood},
    {.name = "garbage", .weight = 4, .setup = garbage, .check = check_undisturbed},
    {.name = "replays", .weight = 4, .setup = replays, .check = check_undisturbed},
    {.name = "syn-replays", .weight = 3, .setup = syn_replays, .check = check_undisturbed},
    {.name = "tamper", .weight = 5, .rounds = 20, .setup = tamper, .check = check_tamper},
};

const struct scenario_table scenarios_hostile = {.v = table, .count = sizeof(table) / sizeof(table[0])};
