#include "app/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define SESSIONS_FIRST 8

void sessions_dispose(struct sessions *t)
{
    idmap_dispose(&t->by_conn);
    free(t->v);
    *t = (struct sessions){0};
}

static void swap(struct sessions *t, size_t a, size_t b)
{
    struct session *first = t->v[a];

    t->v[a] = t->v[b];
    t->v[b] = first;
    t->v[a]->place = a;
    t->v[b]->place = b;
}

static void wake(struct sessions *t, const struct session *s)
{
    if (s->place >= t->awake)
        swap(t, s->place, t->awake++);
}

int sessions_add(struct sessions *t, struct session *s)
{
    if (t->count == t->cap) {
        const size_t cap = t->cap == 0 ? SESSIONS_FIRST : 2 * t->cap;
        struct session **v = realloc(t->v, cap * sizeof(v[0]));

        if (v == NULL)
            return DUET_ENOMEM;
        t->v = v;
        t->cap = cap;
    }
    const int err = idmap_put(&t->by_conn, s->peer.conn, s);

    if (err != 0)
        return err;
    s->place = t->count;
    t->v[t->count++] = s;
    wake(t, s);
    return 0;
}

struct session *sessions_find(struct sessions *t, conn_id conn)
{
    struct session *s = idmap_get(&t->by_conn, conn);

    if (s != NULL)
        wake(t, s);
    return s;
}

void sessions_rest(struct sessions *t, struct session *s)
{
    if (s->place < t->awake)
        swap(t, s->place, --t->awake);
}

void sessions_remove(struct sessions *t, struct session *s)
{
    sessions_rest(t, s);
    swap(t, s->place, t->count - 1);
    t->count--;
    idmap_remove(&t->by_conn, s->peer.conn);
}

void sessions_wake_all(struct sessions *t)
{
    t->awake = t->count;
}

static bool replaces(const struct session *newer, const struct session *older)
{
    return newer->number > older->number && newer->state == SESSION_LIVE && !newer->peer.unreachable &&
           older->state != SESSION_CLOSING && older->peer.unreachable && peer_is_same(&newer->peer, &older->peer);
}

struct session *sessions_replaced(const struct sessions *t, struct session *s)
{
    for (size_t i = 0; i < t->count; i++) {
        if (replaces(s, t->v[i]))
            return t->v[i];
        if (replaces(t->v[i], s))
            return s;
    }
    return NULL;
}

static bool is_of_key(const struct session *s, const uint8_t key[NOISE_KEY_BYTES])
{
    return s->state != SESSION_CLOSING && memcmp(s->peer.key, key, NOISE_KEY_BYTES) == 0;
}

size_t sessions_of_key(const struct sessions *t, const uint8_t key[NOISE_KEY_BYTES])
{
    size_t count = 0;

    for (size_t i = 0; i < t->count; i++)
        count += is_of_key(t->v[i], key);
    return count;
}

bool sessions_is_asked(const struct sessions *t, const uint8_t key[NOISE_KEY_BYTES])
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->v[i]->is_asked && is_of_key(t->v[i], key))
            return true;
    }
    return false;
}
