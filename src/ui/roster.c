#include "duet/ui/roster.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "duet/base/time.h"

#define FINGERPRINT_PREFIX 4 /* characters of a fingerprint that may stand for a name */

struct roster_peer *roster_add_peer(struct roster *r, conn_id id)
{
    for (size_t i = 0; i < ROSTER_PEERS; i++) {
        struct roster_peer *p = &r->peers[i];
        if (p->state != ROSTER_ABSENT)
            continue;
        *p = (struct roster_peer){.state = ROSTER_UNTRUSTED, .id = id};
        return p;
    }
    return NULL;
}

struct roster_peer *roster_peer(struct roster *r, conn_id id)
{
    for (size_t i = 0; i < ROSTER_PEERS; i++)
        if (r->peers[i].state != ROSTER_ABSENT && r->peers[i].id == id)
            return &r->peers[i];
    return NULL;
}

void roster_remove_peer(struct roster *r, conn_id id)
{
    struct roster_peer *p = roster_peer(r, id);

    if (p)
        *p = (struct roster_peer){.state = ROSTER_ABSENT};
}

size_t roster_count(const struct roster *r, enum roster_peer_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < ROSTER_PEERS; i++)
        count += r->peers[i].state == state;
    return count;
}

unsigned roster_slot(const struct roster *r, const struct roster_peer *p)
{
    return (unsigned)(p - r->peers);
}

struct roster_peer *roster_next_connected(struct roster *r, const struct roster_peer *after)
{
    for (size_t i = after ? roster_slot(r, after) + 1 : 0; i < ROSTER_PEERS; i++)
        if (r->peers[i].state == ROSTER_CONNECTED)
            return &r->peers[i];
    return NULL;
}

struct roster_peer *roster_named(struct roster *r, const char *name, bool *ambiguous)
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

void roster_update(struct roster *r, const struct msg_progress *p, uint64_t now_us)
{
    struct roster_transfer *t = roster_transfer(r, p->id);

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

/* How long nothing of it has moved, when that is worth a word; else 0. */
static uint64_t stalled_us(struct roster *r, const struct roster_transfer *t, uint64_t now_us)
{
    const struct roster_peer *p = roster_peer(r, t->peer);
    uint64_t since_us = t->moved_us;

    if (p && p->unreachable && p->silent_since_us > 0)
        since_us = p->silent_since_us;
    if (since_us == 0 || now_us < since_us)
        return 0;
    return now_us - since_us >= ROSTER_STALL_US ? now_us - since_us : 0;
}

struct bar roster_bar(struct roster *r, const struct roster_transfer *t, uint64_t now_us,
                      char state_text[ROSTER_STATE_BYTES])
{
    uint64_t silent_us = stalled_us(r, t, now_us);
    struct bar b = {
        .name = t->name,
        .sending = t->sending,
        .done_bytes = t->done_bytes,
        .total_bytes = t->total_bytes,
        .rate_bytes_per_s = t->rate_bytes_per_s,
        .eta_us = t->eta_us,
    };

    if (t->state == ROSTER_OFFERED) {
        snprintf(state_text, ROSTER_STATE_BYTES, t->sending ? "waiting for the peer" : "/accept %u or /reject %u",
                 t->id, t->id);
        b.state = state_text;
    } else if (t->done_bytes == t->total_bytes) {
        b.state = t->sending ? "waiting for the receipt" : "checking";
    } else if (silent_us > 0) {
        snprintf(state_text, ROSTER_STATE_BYTES, "stalled %llu s", (unsigned long long)(silent_us / US_PER_S));
        b.state = state_text;
    } else if (t->stalled) {
        b.state = "stalled";
    }
    return b;
}
