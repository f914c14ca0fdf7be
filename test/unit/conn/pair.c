#include "pair.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>

#define PAIR_BUFFER 65536

struct endpoint_config pair_config(uint64_t seed, const char *name)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = true};
    struct duet_rand rng;
    rand_init_u64(&rng, seed);
    rand_bytes(&rng, cfg.seed, sizeof cfg.seed);
    rand_bytes(&rng, cfg.identity.secret, sizeof cfg.identity.secret);
    noise_public(cfg.identity.public, cfg.identity.secret);
    strcpy(cfg.name, name);
    return cfg;
}

void pair_open(struct pair *p, const struct endpoint_config *a, const struct endpoint_config *b)
{
    p->now = DUET_TIME(1000000);
    p->e[0] = endpoint_new(a, p->now);
    p->e[1] = endpoint_new(b, p->now);
    cr_assert(p->e[0] != NULL && p->e[1] != NULL);
    p->turn_at[0] = p->turn_at[1] = DUET_NEVER;
    for (int i = 0; i < 2; i++)
        p->addr[i] = (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, 0, (uint8_t)(i + 1)}, .port = 6254};
}

void pair_open_usual(struct pair *p)
{
    const struct endpoint_config a = pair_config(1, "alice"), b = pair_config(2, "bob");

    memset(p, 0, sizeof *p);
    p->delay_us = 10000;
    pair_open(p, &a, &b);
}

void pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        endpoint_free(p->e[i]);
    for (size_t i = 0; i < p->wire_count; i++)
        free(p->wire[i].bytes);
}

static void drain(struct pair *p, int side)
{
    struct endpoint_event ev;
    if (p->turn[side] != NULL) {
        p->turn[side](p);
        return;
    }
    while (endpoint_poll(p->e[side], &ev)) {
        if (ev.type == EVENT_CONNECTED)
            p->conn[side] = ev.conn;
        p->count[side][ev.type]++;
        p->last[side][ev.type] = ev;
        if (p->on_event != NULL)
            p->on_event(p, side, &ev);
    }
}

static void put_on_wire(struct pair *p, int to, uint8_t ecn, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    cr_assert(copy != NULL && p->wire_count < PAIR_WIRE);
    memcpy(copy, bytes, len);
    if (p->filter != NULL && !p->filter(p, to, copy, len)) {
        free(copy);
        return;
    }
    p->wire[p->wire_count++] = (struct pair_datagram){
        .at = time_add(p->now, p->delay_us), .to = to, .from = p->addr[1 - to], .ecn = ecn, .len = len, .bytes = copy};
}

static void flush(struct pair *p, int side)
{
    static uint8_t buf[PAIR_BUFFER];
    struct envelope to;
    size_t segment;
    ssize_t n;
    while ((n = endpoint_send(p->e[side], &to, buf, sizeof buf, &segment, p->now)) > 0) {
        if (p->drops_marked && to.ecn != 0)
            continue;
        p->sent_on = to.route;
        for (size_t at = 0; at < (size_t)n; at += segment) {
            const size_t len = (size_t)n - at < segment ? (size_t)n - at : segment;
            p->sent[side]++;
            p->sent_bytes[side] += len;
            put_on_wire(p, 1 - side, p->drops_marked || p->carries_marks ? to.ecn : p->ecn, buf + at, len);
        }
    }
    cr_assert(n == 0);
}

static void settle(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        endpoint_tick(p->e[i], p->now);
        drain(p, i);
        flush(p, i);
        drain(p, i);
    }
}

/* How many from the first on may be joined: all but the last as long as the first. */
static size_t joinable(const struct pair *p)
{
    const struct pair_datagram *first = &p->wire[0];
    size_t n = 1, bytes = first->len;
    while (p->trains && n < p->wire_count && p->wire[n].to == first->to && p->wire[n].at.us == first->at.us &&
           p->wire[n].len <= first->len && p->wire[n - 1].len == first->len && bytes + p->wire[n].len <= PAIR_BUFFER)
        bytes += p->wire[n++].len;
    return n;
}

static void deliver_first(struct pair *p)
{
    static uint8_t train[PAIR_BUFFER];
    const struct pair_datagram d = p->wire[0];
    const size_t n = joinable(p);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(train + len, p->wire[i].bytes, p->wire[i].len);
        len += p->wire[i].len;
        free(p->wire[i].bytes);
    }
    p->wire_count -= n;
    memmove(&p->wire[0], &p->wire[n], p->wire_count * sizeof d);
    p->handed_over[d.to]++;
    endpoint_recv(p->e[d.to], &(struct envelope){.route.peer = d.from, .ecn = d.ecn}, train, len, d.len, p->now);
    drain(p, d.to);
}

void pair_run(struct pair *p, duet_time until)
{
    for (;;) {
        settle(p);
        duet_time next = p->wire_count > 0 ? p->wire[0].at : DUET_NEVER;
        for (int i = 0; i < 2; i++)
            next = time_min(next, time_min(endpoint_deadline(p->e[i]), p->turn_at[i]));
        if (time_before(until, next)) {
            p->now = time_is_never(until) ? p->now : until;
            return;
        }
        p->now = time_max(p->now, next);
        while (p->wire_count > 0 && time_due(p->wire[0].at, p->now))
            deliver_first(p);
    }
}

void pair_connect(struct pair *p)
{
    conn_id id;
    cr_assert(endpoint_connect(p->e[0], &p->addr[1], p->now, &id) == 0);
    pair_run(p, time_add(p->now, 3000000));
    cr_assert(p->conn[0] != 0 && p->conn[1] != 0, "no session");
}

void pair_run_for(struct pair *p, uint64_t us)
{
    pair_run(p, time_add(p->now, us));
}

int pair_give(struct pair *p, int to, const uint8_t *bytes, size_t len)
{
    uint8_t copy[PAIR_BUFFER];

    memcpy(copy, bytes, len);
    return endpoint_recv(p->e[to], &(struct envelope){.route.peer = p->addr[1 - to]}, copy, len, len, p->now);
}

bool pair_lose_all(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)p, (void)to, (void)bytes, (void)len;
    return false;
}
