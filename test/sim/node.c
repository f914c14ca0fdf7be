/*
 * The nodes of world.h: their life, the turn of the crank, and the way of
 * their datagrams over the links.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "world.h"

#define TURN_ROUNDS 200       /* hub and endpoint may wake each other this often before it is a loop */
#define TURN_DATAGRAMS 200000 /* one turn sends no more */
#define IDLE_TURNS 200        /* turns at one point in time, with nothing new coming in */
#define SEND_CAP 65536
#define FROZEN_BUFFER_BYTES 212992

/* Nodes */

duet_time world_node_time(const struct world *w, const struct node *n)
{
    return time_add(w->now, n->skew_us);
}

static void timer_fire(struct world *w, struct event *e)
{
    struct node *n = (struct node *)((uint8_t *)e - offsetof(struct node, timer));

    if (n->endpoint != NULL && !n->is_frozen)
        world_turn(w, n);
}

struct node *world_add_node(struct world *w)
{
    struct node *n = calloc(1, sizeof(*n));

    if (n == NULL || w->node_count == WORLD_NODES)
        abort();
    n->index = w->node_count;
    n->addr = (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, 0, (uint8_t)(n->index + 1)}, .port = 6254};
    rand_bytes(&w->rng, n->identity.secret, sizeof(n->identity.secret));
    noise_public(n->identity.public, n->identity.secret);
    n->skew_us = world_pick(w, US_PER_S, 1000000 * US_PER_S);
    n->send_cap = SEND_CAP;
    n->timer.fire = timer_fire;
    n->ui.cfg = (struct ui_config){.trusts = true, .trust_us = world_pick(w, 0, WORLD_MS(20))};
    n->disk.cfg = (struct disk_config){.latency_us = world_pick_log(w, 20, 5000)};
    n->hub_config = (struct hub_config){.receive_files = true, .accept_offers = false, .serve = true};
    n->endpoint_config = (struct endpoint_config){.identity = n->identity, .params = params_default(), .accept = true};
    n->endpoint_config.params.prefer = world_chance(w, 0.5) ? SUITE_AES128GCM : SUITE_CHACHA20POLY1305;
    snprintf(n->endpoint_config.name, sizeof(n->endpoint_config.name), "node %zu", n->index);
    w->nodes[w->node_count++] = n;
    return n;
}

void world_start_node(struct world *w, struct node *n)
{
    rand_bytes(&w->rng, n->endpoint_config.seed, sizeof(n->endpoint_config.seed));
    n->endpoint = endpoint_new(&n->endpoint_config, world_node_time(w, n));
    n->hub = n->endpoint != NULL && n->crook == NULL ? hub_new(&n->hub_config, n->endpoint) : NULL;
    if (n->endpoint == NULL || (n->hub == NULL && n->crook == NULL)) {
        world_fail(w, "node %zu cannot be made", n->index);
        return;
    }
    world_log(w, "%zu starts", n->index);
    world_turn(w, n);
}

void world_kill_node(struct world *w, struct node *n)
{
    world_log(w, "%zu dies", n->index);
    hub_free(n->hub);
    endpoint_free(n->endpoint);
    n->hub = NULL;
    n->endpoint = NULL;
    disk_dispose(&n->disk);
    ui_forget(w, n);
    world_set_event(w, &n->timer, DUET_NEVER);
    for (size_t i = 0; i < n->kept_count; i++)
        free(n->kept[i]);
    n->kept_count = 0;
    n->is_frozen = false;
}

static void deliver(struct world *w, struct node *n, struct datagram *d);

static void thaw(struct world *w, struct node *n)
{
    world_log(w, "%zu runs again", n->index);
    n->is_frozen = false;
    disk_resume(w, n);
    for (size_t i = 0; i < n->kept_count; i++) {
        deliver(w, n, n->kept[i]);
        free(n->kept[i]);
    }
    n->kept_count = 0;
    world_turn(w, n);
}

static void thaw_fire(struct world *w, uint64_t node)
{
    if (w->nodes[node]->is_frozen)
        thaw(w, w->nodes[node]);
}

void world_freeze_node(struct world *w, struct node *n, bool keeps, uint64_t until_us)
{
    world_log(w, "%zu %s", n->index, keeps ? "is stopped" : "is suspended");
    n->is_frozen = true;
    n->frozen_keeps = keeps;
    n->frozen_bytes = 0;
    n->frozen_until_us = until_us;
    world_at(w, until_us, thaw_fire, n->index);
}

void world_move_node(struct node *n, bool only_port)
{
    n->addr.port = (uint16_t)(n->addr.port + 1);
    if (!only_port)
        n->addr.ip[1]++;
}

void world_free_node(struct world *w, struct node *n)
{
    if (n->endpoint != NULL)
        world_kill_node(w, n);
    crook_free(n->crook);
    disk_dispose(&n->disk);
    ui_dispose(&n->ui);
    monitor_dispose(&n->monitor);
    free(n);
}

/* Datagrams */

struct duet_addr world_address(const struct node *n, size_t k)
{
    struct duet_addr a = n->addr;

    a.ip[2] = (uint8_t)(a.ip[2] + k);
    return a;
}

/* What the node itself calls that address: others see it through a NAT. */
static struct duet_addr inside_address(size_t k)
{
    return (struct duet_addr){.family = ADDR_V4, .ip = {192, 168, 0, (uint8_t)(k + 1)}};
}

static size_t alias_of(const struct duet_addr *inside)
{
    return inside->family == ADDR_NONE ? 0 : inside->ip[3] - 1u;
}

bool world_is_at(const struct node *n, const struct duet_addr *addr, size_t *alias)
{
    for (*alias = 0; *alias <= n->aliases; (*alias)++) {
        struct duet_addr a = world_address(n, *alias);
        if (addr_equal(&a, addr))
            return true;
    }
    return false;
}

static struct node *node_at(const struct world *w, const struct duet_addr *addr, size_t *alias)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (world_is_at(w->nodes[i], addr, alias))
            return w->nodes[i];
    }
    return NULL;
}

static void deliver(struct world *w, struct node *n, struct datagram *d)
{
    duet_time now = world_node_time(w, n);
    struct envelope outside = {.route = {.peer = d->from, .local = inside_address(d->alias)}};

    monitor_delivered(w, n, d);
    if (w->tap != NULL && !d->is_damaged && !d->is_injected)
        w->tap(w, d);
    n->idle_turns = 0;
    endpoint_recv(n->endpoint, &outside, d->bytes, d->len, d->len, now);
    world_turn(w, n);
}

/* Into the buffer of a socket that nobody reads just now. */
static bool keep(struct node *n, struct datagram *d)
{
    if (!n->frozen_keeps || n->frozen_bytes + d->len > FROZEN_BUFFER_BYTES ||
        n->kept_count == sizeof(n->kept) / sizeof(n->kept[0]))
        return false;
    n->frozen_bytes += d->len;
    n->kept[n->kept_count++] = d;
    d->event.is_owned = false;
    return true;
}

static void datagram_fire(struct world *w, struct event *e)
{
    struct datagram *d = (struct datagram *)e;
    struct node *n = w->nodes[d->node];
    size_t alias;

    if (n->endpoint == NULL || (!d->is_injected && !world_is_at(n, &d->to, &alias)))
        return; /* nobody there, or a mapping that is gone */
    if (n->is_frozen)
        keep(n, d);
    else
        deliver(w, n, d);
}

static struct datagram *new_datagram(const struct duet_addr *from, const struct node *to, const uint8_t *bytes,
                                     size_t len)
{
    struct datagram *d = malloc(sizeof(*d) + len);

    if (d == NULL)
        abort();
    *d = (struct datagram){.event = {.fire = datagram_fire, .is_owned = true},
                           .from = *from,
                           .to = to->addr,
                           .node = to->index,
                           .len = len};
    memcpy(d->bytes, bytes, len);
    return d;
}

void world_inject_copy(struct world *w, const struct duet_addr *from, const struct duet_addr *original, size_t node,
                       const uint8_t *bytes, size_t len, uint64_t after_us)
{
    struct datagram *d = new_datagram(from, w->nodes[node], bytes, len);

    d->is_injected = true;
    d->original = *original;
    d->is_echo = original->family != ADDR_NONE && monitor_is_heard(&w->nodes[node]->monitor, original);
    world_set_event(w, &d->event, time_add(w->now, after_us));
}

void world_inject(struct world *w, const struct duet_addr *from, size_t node, const uint8_t *bytes, size_t len)
{
    world_inject_copy(w, from, &(struct duet_addr){.family = ADDR_NONE}, node, bytes, len, 0);
}

static void mix_hash(struct world *w, const struct node *n, const uint8_t *bytes, size_t len)
{
    w->hash = XXH3_64bits_withSeed(bytes, len, w->hash ^ (w->now.us * UINT64_C(0x9e3779b97f4a7c15)) ^ n->index);
    w->datagrams++;
}

void world_transmit(struct world *w, struct node *n, const struct duet_route *route, const uint8_t *bytes, size_t len)
{
    const struct duet_addr *to = &route->peer;
    struct duet_addr from = world_address(n, alias_of(&route->local));
    size_t alias;

    mix_hash(w, n, bytes, len);
    monitor_sent(w, n, to, bytes, len);
    struct node *target = node_at(w, to, &alias);
    if (target == NULL && w->stray != NULL)
        w->stray(w, to, bytes, len);
    if (target == NULL || target == n)
        return;
    if (w->overhear != NULL)
        w->overhear(w, &from, target->index, bytes, len);
    struct link *l = world_link(w, n->index, target->index);
    struct link_fate fate = link_pass(l, len, w->now);
    for (size_t i = 0; i < fate.copies; i++) {
        struct datagram *d = new_datagram(&from, target, bytes, len);
        d->to = *to;
        d->alias = alias;
        d->len = link_damage(l, d->bytes, len, &d->is_damaged);
        d->is_echo = monitor_is_heard(&target->monitor, &from);
        world_set_event(w, &d->event, fate.at[i]);
    }
}

/* The crank */

static bool send_all(struct world *w, struct node *n, duet_time now)
{
    static uint8_t train[SEND_CAP];
    size_t sent = 0;

    while (!w->failed) {
        struct envelope to;
        size_t segment = 0;
        ssize_t len = endpoint_send(n->endpoint, &to, train, n->send_cap, &segment, now);
        if (len == 0)
            break;
        if (len < 0 || (size_t)len > n->send_cap || segment == 0) {
            world_fail(w, "node %zu: endpoint_send gives %zd in segments of %zu", n->index, len, segment);
            break;
        }
        for (size_t at = 0; at < (size_t)len; at += segment) {
            size_t left = (size_t)len - at;
            world_transmit(w, n, &to.route, train + at, left < segment ? left : segment);
            sent++;
        }
        if (sent > TURN_DATAGRAMS)
            world_fail(w, "node %zu does not stop sending", n->index);
    }
    return sent > 0;
}

static void drain_hub(struct world *w, struct node *n)
{
    struct notice *m;
    const struct disk_job *job;

    while (!w->failed && w->now.us >= n->ui.cfg.away_until_us && w->now.us >= n->ui.busy_until_us &&
           (m = hub_next_ui(n->hub)) != NULL) {
        struct notice taken = *m;
        n->ui.busy_until_us = w->now.us + n->ui.cfg.message_us;
        hub_took_ui(n->hub);
        ui_on_message(w, n, &taken);
    }
    while (!w->failed && (job = hub_next_disk(n->hub)) != NULL && disk_push(w, n, job))
        hub_took_disk(n->hub);
}

static duet_time hub_wants(const struct node *n)
{
    return n->hub != NULL ? hub_deadline(n->hub) : DUET_NEVER;
}

static void arm_timer(struct world *w, struct node *n)
{
    duet_time at = time_min(endpoint_deadline(n->endpoint), hub_wants(n));

    if (n->ui.busy_until_us > w->now.us && hub_next_ui(n->hub) != NULL)
        at = time_min(at, time_add(DUET_TIME(n->ui.busy_until_us), n->skew_us));

    if (n->ui.cfg.away_until_us > w->now.us)
        at = time_min(at, time_add(DUET_TIME(n->ui.cfg.away_until_us), n->skew_us));
    if (time_is_never(at))
        world_set_event(w, &n->timer, DUET_NEVER);
    else
        world_set_event(w, &n->timer, time_max(time_back(at, n->skew_us), w->now));
}

static void check_rest(struct world *w, struct node *n)
{
    if (n->turned_at.us != w->now.us)
        n->idle_turns = 0;
    n->turned_at = w->now;
    if (++n->idle_turns > IDLE_TURNS)
        world_fail(w, "node %zu turns without end at one point in time (endpoint deadline %lld us, hub %lld us away)",
                   n->index, (long long)(endpoint_deadline(n->endpoint).us - world_node_time(w, n).us),
                   (long long)(hub_wants(n).us - world_node_time(w, n).us));
}

/* The process is over: whatever its endpoint still had to say stays unsaid. */
static void exit_fire(struct world *w, uint64_t node)
{
    struct node *n = w->nodes[node];

    if (n->hub == NULL || !hub_done(n->hub))
        return;
    n->gave_up += endpoint_counters(n->endpoint).closes_unanswered;
    world_kill_node(w, n);
}

static void leave_fire(struct world *w, uint64_t node)
{
    struct node *n = w->nodes[node];

    if (n->hub != NULL && !n->was_quit)
        ui_quit(w, n, false);
}

void world_leave(struct world *w, struct node *n)
{
    world_at(w, w->now.us, leave_fire, n->index);
}

void world_turn(struct world *w, struct node *n)
{
    duet_time now = world_node_time(w, n);

    if (time_due(endpoint_deadline(n->endpoint), now))
        endpoint_tick(n->endpoint, now);
    if (time_due(hub_wants(n), now))
        hub_tick(n->hub, now);
    for (unsigned round = 0; !w->failed; round++) {
        if (n->crook != NULL) {
            crook_work(w, n);
        } else {
            hub_run(n->hub, now);
            drain_hub(w, n);
        }
        if (!send_all(w, n, now))
            break;
        if (round == TURN_ROUNDS)
            world_fail(w, "node %zu does not come to rest", n->index);
    }
    if (w->failed)
        return;
    invariants_after_turn(w, n);
    arm_timer(w, n);
    check_rest(w, n);
    if (n->ui.cfg.is_program && n->was_quit && hub_done(n->hub))
        world_at(w, w->now.us, exit_fire, n->index);
}

void world_tell(struct world *w, struct node *n, struct request *m)
{
    if (n->is_frozen) {
        world_tell_later(w, n, m, n->frozen_until_us - w->now.us);
        return;
    }
    n->idle_turns = 0;
    hub_handle(n->hub, m, world_node_time(w, n));
    world_turn(w, n);
}

void world_tell_done(struct world *w, struct node *n, struct disk_result *done)
{
    n->idle_turns = 0;
    hub_handle_disk(n->hub, done, world_node_time(w, n));
    world_turn(w, n);
}
