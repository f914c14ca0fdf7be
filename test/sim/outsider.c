#include "outsider.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conn/handshake.h"
#include "conn/hosts.h"
#include "wire/packet.h"
#include "world.h"

#define SYNS 1024
#define SIEGE_REPEAT_US WORLD_MS(4500) /* before the places are free again */
#define WASTE_HOSTS 4
#define WASTE_REPEAT_US WORLD_MS(0.5)
#define UNKNOWN_SUITE (UINT32_C(1) << 7)

/* A SYN and where it comes from. */
struct caller {
    struct duet_addr addr;
    struct handshake hs;
};

struct outsider {
    enum outsider_kind kind;
    size_t victim;
    uint64_t began_us, until_us;
    struct endpoint_config cfg; /* its own key */
    struct caller callers[SYNS];
    size_t count;
    uint64_t repeat_us;
    uint64_t forged, tokens;
};

const char *outsider_name(enum outsider_kind kind)
{
    static const char *const names[] = {
#define X(name, what) [name] = #name ": " what,
        OUTSIDER_LIST(X)
#undef X
    };
    return names[kind];
}

/* ---- hosts that call ---- */

static bool is_at_it(const struct world *w)
{
    return w->phase == PHASE_RUN && w->now.us <= w->outsider->until_us;
}

static void call_once(struct world *w, uint64_t i)
{
    struct outsider *o = w->outsider;
    struct caller *c = &o->callers[i];
    uint8_t syn[LIMIT_SYN_BYTES];

    if (!is_at_it(w))
        return;
    if (handshake_syn(&c->hs, syn, sizeof(syn)) != LIMIT_SYN_BYTES)
        world_fail(w, "the outsider cannot write a SYN");
    world_inject(w, &c->addr, o->victim, syn, sizeof(syn));
}

static void call_fire(struct world *w, uint64_t i)
{
    if (!is_at_it(w))
        return;
    call_once(w, i);
    world_at(w, w->now.us + w->outsider->repeat_us, call_fire, i);
}

static void add_caller(struct world *w, const struct duet_addr *addr, uint64_t first_us)
{
    struct outsider *o = w->outsider;
    struct caller *c = &o->callers[o->count];

    c->addr = *addr;
    c->addr.port = (uint16_t)(1024 + o->count);
    if (handshake_start(&c->hs, &o->cfg, world_pick(w, 1, UINT64_MAX), &w->rng) != 0)
        world_fail(w, "the outsider cannot make a SYN");
    world_at(w, o->began_us + first_us, call_fire, o->count++);
}

/* A RETRY's token goes into the SYN, at once. */
static void hear(struct world *w, const struct duet_addr *to, const uint8_t *bytes, size_t len)
{
    struct outsider *o = w->outsider;
    struct packet p;

    if (packet_parse(&p, bytes, len) != 0 || p.type != PACKET_RETRY)
        return;
    for (size_t i = 0; i < o->count; i++) {
        struct caller *c = &o->callers[i];
        if (c->hs.cid_i != p.cid_i || !addr_equal(&c->addr, to))
            continue;
        memcpy(c->hs.token, p.token, sizeof(c->hs.token));
        c->hs.has_token = true;
        o->tokens++;
        world_at(w, w->now.us + WORLD_MS(1), call_once, i);
    }
}

/* Three hosts of 86, two of 256, or one IPv6 network whose SYNs come each from an address of its own. */
static void lay_siege(struct world *w)
{
    static const struct {
        size_t hosts, syns;
        bool v6;
    } kinds[] = {{3, 86, false}, {2, 256, false}, {1, 512, true}};
    const size_t kind = world_pick(w, 0, sizeof(kinds) / sizeof(kinds[0]) - 1);

    w->outsider->repeat_us = SIEGE_REPEAT_US;
    for (size_t i = 0; i < kinds[kind].hosts * kinds[kind].syns; i++) {
        const uint8_t host = (uint8_t)(i % kinds[kind].hosts);
        const struct duet_addr v4 = {.family = ADDR_V4, .ip = {198, 51, 100, host}};
        const struct duet_addr v6 = {.family = ADDR_V6,
                                     .ip = {0x20, 1, 13, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i}};

        add_caller(w, kinds[kind].v6 ? &v6 : &v4, world_pick(w, 0, SIEGE_REPEAT_US));
    }
}

static void waste_answers(struct world *w)
{
    struct outsider *o = w->outsider;

    o->repeat_us = WASTE_REPEAT_US;
    o->cfg.params.suites = UNKNOWN_SUITE; /* of a later version, perhaps: it gets an answer, which refuses it */
    for (uint8_t i = 0; i < WASTE_HOSTS; i++)
        add_caller(w, &(struct duet_addr){.family = ADDR_V4, .ip = {198, 51, 100, i}}, i * WORLD_MS(0.1));
}

/* ---- who is on the way, and quicker ---- */

/* Refuses the call, with a key of its own. */
static void forge_refusal(struct world *w, const struct packet *syn, size_t caller)
{
    struct outsider *o = w->outsider;
    struct handshake hs;
    uint8_t bytes[LIMIT_SYN_ACK_BYTES];

    if (handshake_answer(&hs, &o->cfg, syn, world_pick(w, 1, UINT64_MAX), REFUSAL_BUSY, &w->rng) != 0)
        return;
    const ssize_t len = handshake_syn_ack(&hs, bytes, sizeof(bytes));
    if (len > 0)
        world_inject(w, &w->nodes[o->victim]->addr, caller, bytes, (size_t)len);
}

/* A token that leads nowhere, from the victim's address and from elsewhere. */
static void forge_retry(struct world *w, const struct packet *syn, size_t caller)
{
    const struct duet_addr elsewhere = {.family = ADDR_V4, .ip = {198, 51, 100, 1}, .port = 6254};
    uint8_t token[LIMIT_TOKEN_BYTES], bytes[LIMIT_SYN_ACK_BYTES];

    rand_bytes(&w->rng, token, sizeof(token));
    const ssize_t len = packet_write_retry(bytes, sizeof(bytes), syn->cid_i, token);
    world_inject(w, &elsewhere, caller, bytes, (size_t)len);
    world_inject(w, &w->nodes[w->outsider->victim]->addr, caller, bytes, (size_t)len);
}

static void forge_version(struct world *w, const struct packet *syn, size_t caller)
{
    uint8_t bytes[LIMIT_SYN_ACK_BYTES];
    const ssize_t len = packet_write_version(bytes, sizeof(bytes), syn->cid_i);

    world_inject(w, &w->nodes[w->outsider->victim]->addr, caller, bytes, (size_t)len);
}

/* Each SYN of a node to the victim, when it arrives there. */
static void see_syn(struct world *w, const struct datagram *d)
{
    struct outsider *o = w->outsider;
    struct packet syn;
    size_t k;

    if (d->node != o->victim || !is_at_it(w) || packet_parse(&syn, d->bytes, d->len) != 0 || syn.type != PACKET_SYN)
        return;
    for (size_t i = 0; i < w->node_count; i++) {
        if (!world_is_at(w->nodes[i], &d->from, &k))
            continue;
        forge_refusal(w, &syn, i);
        forge_retry(w, &syn, i);
        forge_version(w, &syn, i);
        o->forged++;
    }
}

/* ---- from begin to end ---- */

void outsider_begin(struct world *w, enum outsider_kind kind, size_t victim, uint64_t until_us)
{
    struct outsider *o = calloc(1, sizeof(*o));

    if (o == NULL)
        abort();
    w->outsider = o;
    o->kind = kind;
    o->victim = victim;
    o->began_us = w->now.us;
    o->until_us = until_us;
    o->cfg = w->nodes[victim]->endpoint_config;
    rand_bytes(&w->rng, o->cfg.identity.secret, sizeof(o->cfg.identity.secret));
    noise_public(o->cfg.identity.public, o->cfg.identity.secret);
    switch (kind) {
    case OUTSIDER_SIEGE:
        w->stray = hear;
        lay_siege(w);
        return;
    case OUTSIDER_WASTE:
        w->stray = hear;
        waste_answers(w);
        return;
    case OUTSIDER_FORGER:
        w->tap = see_syn;
        return;
    }
}

/* Answers that the hosts may have had: those without a token, and the rest from each host's bucket. */
static uint64_t wasted_most(const struct outsider *o, uint64_t seconds)
{
    const uint64_t at_once = HOSTS_ANSWERS / HOSTS_WASTED, each_s = US_PER_S / HOSTS_ANSWER_US / HOSTS_WASTED;

    return LIMIT_WASTED_ANSWERS * 2 + o->count * (at_once + each_s * seconds);
}

void outsider_check(struct world *w)
{
    const struct outsider *o = w->outsider;
    const struct monitor *m = &w->nodes[o->victim]->monitor;
    const uint64_t seconds = (o->until_us - o->began_us) / US_PER_S + 1;

    if (o->kind != OUTSIDER_FORGER && o->tokens == 0)
        world_fail(w, "nobody was asked for a token");
    if (o->kind == OUTSIDER_FORGER && o->forged == 0)
        world_fail(w, "nothing was forged");
    if (o->kind == OUTSIDER_WASTE && m->syn_acks > wasted_most(o, seconds))
        world_fail(w, "%llu answers in %llu s, %llu are allowed", (unsigned long long)m->syn_acks,
                   (unsigned long long)seconds, (unsigned long long)wasted_most(o, seconds));
}

void outsider_free(struct outsider *o)
{
    free(o);
}
