#include "client/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROSTER_SLOTS_FIRST 64 /* one word of a set of peers */
#define FINGERPRINT_PREFIX 4  /* characters of a fingerprint that may stand for a name */

void roster_dispose(struct roster *r)
{
    for (size_t i = 0; i < r->slot_count; i++)
        free(r->slots[i]);
    free(r->slots);
    idmap_dispose(&r->by_id);
    *r = (struct roster){0};
}

static bool has_room(const struct roster *r, const struct duet_addr *addr)
{
    size_t all = 0, of_host = 0;

    for (struct roster_peer *p = roster_from(r, 0); p; p = roster_from(r, p->slot + 1)) {
        all++;
        of_host += addr_same_site(&p->addr, addr);
    }
    return all < ROSTER_PEERS && of_host < ROSTER_PEERS_PER_HOST;
}

/* The lowest free slot, of a larger table if need be; slot_count: no memory. */
static size_t free_slot(struct roster *r)
{
    size_t slot = 0;

    while (slot < r->slot_count && r->slots[slot])
        slot++;
    if (slot < r->slot_count)
        return slot;
    size_t count = r->slot_count ? 2 * r->slot_count : ROSTER_SLOTS_FIRST;
    struct roster_peer **slots = realloc(r->slots, count * sizeof slots[0]);
    if (!slots)
        return r->slot_count;
    memset(slots + slot, 0, (count - slot) * sizeof slots[0]);
    r->slots = slots;
    r->slot_count = count;
    return slot;
}

struct roster_peer *roster_add_peer(struct roster *r, uint64_t id, const struct duet_addr *addr)
{
    size_t slot = has_room(r, addr) ? free_slot(r) : r->slot_count;
    struct roster_peer *p = slot < r->slot_count ? malloc(sizeof *p) : NULL;

    if (!p)
        return NULL;
    *p = (struct roster_peer){.state = ROSTER_TRUSTED, .slot = (unsigned)slot, .id = id, .addr = *addr};
    if (idmap_put(&r->by_id, id, p) < 0) {
        free(p);
        return NULL;
    }
    r->slots[slot] = p;
    r->counts[p->state]++;
    return p;
}

struct roster_peer *roster_peer(const struct roster *r, uint64_t id)
{
    return idmap_get(&r->by_id, id);
}

void roster_remove_peer(struct roster *r, uint64_t id)
{
    struct roster_peer *p = roster_peer(r, id);

    if (!p)
        return;
    r->counts[p->state]--;
    r->slots[p->slot] = NULL;
    idmap_remove(&r->by_id, id);
    free(p);
}

void roster_enter(struct roster *r, struct roster_peer *p, enum roster_peer_state state)
{
    r->counts[p->state]--;
    r->counts[state]++;
    p->state = state;
}

size_t roster_count(const struct roster *r, enum roster_peer_state state)
{
    return r->counts[state];
}

struct roster_peer *roster_from(const struct roster *r, unsigned slot)
{
    while (slot < r->slot_count && !r->slots[slot])
        slot++;
    return slot < r->slot_count ? r->slots[slot] : NULL;
}

struct roster_peer *roster_next_connected(const struct roster *r, const struct roster_peer *after)
{
    struct roster_peer *p = roster_from(r, after ? after->slot + 1 : 0);

    while (p && p->state != ROSTER_CONNECTED)
        p = roster_from(r, p->slot + 1);
    return p;
}

struct roster_peer *roster_named(const struct roster *r, const char *name, bool *ambiguous)
{
    struct roster_peer *found = NULL;
    size_t len = strlen(name);

    *ambiguous = false;
    for (struct roster_peer *p = NULL; (p = roster_next_connected(r, p));) {
        bool by_print = len >= FINGERPRINT_PREFIX && strncasecmp(p->fingerprint, name, len) == 0;
        if (!by_print && strcmp(p->name, name) != 0)
            continue;
        *ambiguous = found != NULL;
        found = p;
        if (*ambiguous)
            return NULL;
    }
    return found;
}

struct roster_transfer *roster_add_transfer(struct roster *r, uint32_t id)
{
    if (r->transfer_count == ROSTER_TRANSFERS)
        return NULL;
    struct roster_transfer *t = &r->transfers[r->transfer_count++];
    *t = (struct roster_transfer){.id = id, .eta_us = UINT64_MAX};
    return t;
}

struct roster_transfer *roster_transfer(struct roster *r, uint32_t id)
{
    for (size_t i = 0; i < r->transfer_count; i++)
        if (r->transfers[i].id == id)
            return &r->transfers[i];
    return NULL;
}

void roster_remove_transfer(struct roster *r, uint32_t id)
{
    struct roster_transfer *t = roster_transfer(r, id);

    if (!t)
        return;
    size_t behind = (size_t)(&r->transfers[r->transfer_count] - (t + 1));
    memmove(t, t + 1, behind * sizeof *t);
    r->transfer_count--;
}

void roster_update(struct roster *r, const struct duet_progress *p, uint64_t now_us)
{
    struct roster_transfer *t = roster_transfer(r, p->transfer);

    if (!t)
        return;
    if (t->done_bytes != p->done_bytes || t->moved_us == 0)
        t->moved_us = now_us;
    t->stalled = p->stalled;
    t->done_bytes = p->done_bytes;
    t->total_bytes = p->total_bytes;
    t->rate_bytes_per_s = p->rate_bytes_per_s;
    t->eta_us = p->eta_us;
    if (p->done_bytes > 0)
        t->state = ROSTER_RUNNING;
}

uint32_t roster_only_offer(const struct roster *r)
{
    uint32_t id = 0;

    for (size_t i = 0; i < r->transfer_count; i++) {
        const struct roster_transfer *t = &r->transfers[i];
        if (t->sending || t->state != ROSTER_OFFERED)
            continue;
        if (id != 0)
            return 0;
        id = t->id;
    }
    return id;
}

bool roster_is_busy(const struct roster *r)
{
    bool silent = false;

    for (struct roster_peer *p = NULL; !silent && (p = roster_next_connected(r, p));)
        silent = p->unreachable;
    return silent || r->transfer_count > 0;
}
