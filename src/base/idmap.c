#include "base/idmap.h"

#include <stdlib.h>

#include "base/err.h"

#define IDMAP_FIRST 16

void idmap_init(struct idmap *m, uint64_t secret)
{
    *m = (struct idmap){.secret = secret};
}

void idmap_dispose(struct idmap *m)
{
    free(m->v);
    m->v = NULL;
    m->cap = m->count = 0;
}

/* Where the search for a key starts: two rounds of xor-shift-multiply (the finaliser of splitmix64)
 * over key and secret. */
static size_t home_of(const struct idmap *m, uint64_t key)
{
    uint64_t h = key ^ m->secret;
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(h ^ h >> 31) & (m->cap - 1);
}

/* The slot with the key, or the free one where it belongs. */
static struct idmap_slot *find(const struct idmap *m, uint64_t key)
{
    size_t i = home_of(m, key);
    while (m->v[i].value != NULL && m->v[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->v[i];
}

static int grow(struct idmap *m)
{
    struct idmap next = {.cap = m->cap == 0 ? IDMAP_FIRST : m->cap * 2, .count = m->count, .secret = m->secret};
    next.v = calloc(next.cap, sizeof *next.v);
    if (next.v == NULL)
        return DUET_ENOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->v[i].value != NULL)
            *find(&next, m->v[i].key) = m->v[i];
    }
    free(m->v);
    *m = next;
    return 0;
}

int idmap_put(struct idmap *m, uint64_t key, void *value)
{
    if (m->count * 2 >= m->cap) {
        const int rc = grow(m);
        if (rc != 0)
            return rc;
    }
    struct idmap_slot *slot = find(m, key);
    if (slot->value != NULL)
        return DUET_EEXIST;
    *slot = (struct idmap_slot){.key = key, .value = value};
    m->count++;
    return 0;
}

void *idmap_get(const struct idmap *m, uint64_t key)
{
    return m->cap == 0 ? NULL : find(m, key)->value;
}

void idmap_remove(struct idmap *m, uint64_t key)
{
    if (m->cap == 0)
        return;
    struct idmap_slot *hole = find(m, key);
    if (hole->value == NULL)
        return;
    m->count--;
    hole->value = NULL;
    /* Those behind may have been pushed past their place: put each back where the search now starts. */
    for (size_t i = ((size_t)(hole - m->v) + 1) & (m->cap - 1); m->v[i].value != NULL; i = (i + 1) & (m->cap - 1)) {
        const struct idmap_slot moved = m->v[i];
        m->v[i].value = NULL;
        *find(m, moved.key) = moved;
    }
}
