/*
 * chunk: the pool is a table of lazily allocated chunks and a stack of the free
 * ones.  A chunk is either on the stack or out, never both: giving one back
 * twice is our bug and asserted.
 */
#include "duet/app/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct chunk_pool {
    size_t count;         /* chunks in all */
    size_t available;     /* entries of free_index that are valid */
    uint32_t *free_index; /* stack: the top is the one given back last, whose memory is warm */
    bool *out;
    size_t warm;          /* unused ones with memory: the top ones of the stack */
    struct chunk **chunk; /* NULL: without memory */
};

struct chunk_pool *chunk_pool_new(size_t chunks)
{
    struct chunk_pool *p = calloc(1, sizeof(*p));

    assert(chunks > 0 && chunks <= UINT32_MAX);
    if (p == NULL)
        return NULL;
    p->count = p->available = chunks;
    p->free_index = calloc(chunks, sizeof(p->free_index[0]));
    p->out = calloc(chunks, sizeof(p->out[0]));
    p->chunk = calloc(chunks, sizeof(p->chunk[0]));
    if (p->free_index == NULL || p->out == NULL || p->chunk == NULL) {
        chunk_pool_free(p);
        return NULL;
    }
    for (size_t i = 0; i < chunks; i++)
        p->free_index[i] = (uint32_t)(chunks - 1 - i);
    return p;
}

void chunk_pool_free(struct chunk_pool *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; p->chunk != NULL && i < p->count; i++)
        free(p->chunk[i]);
    free(p->chunk);
    free(p->out);
    free(p->free_index);
    free(p);
}

struct chunk *chunk_take(struct chunk_pool *p)
{
    if (p->available == 0)
        return NULL;
    const uint32_t index = p->free_index[p->available - 1];

    if (p->chunk[index] == NULL) {
        p->chunk[index] = aligned_alloc(_Alignof(struct chunk), sizeof(struct chunk));
        if (p->chunk[index] == NULL)
            return NULL;
        p->warm++;
    }
    struct chunk *c = p->chunk[index];

    p->available--;
    p->warm--;
    p->out[index] = true;
    c->index = index;
    c->holder = 0;
    c->used = 0;
    c->run_count = 0;
    return c;
}

static void cool(struct chunk_pool *p, uint32_t index)
{
    free(p->chunk[index]);
    p->chunk[index] = NULL;
    p->warm--;
}

void chunk_give(struct chunk_pool *p, struct chunk *c)
{
    assert(c->index < p->count && p->chunk[c->index] == c && p->out[c->index]);
    p->out[c->index] = false;
    p->free_index[p->available++] = c->index;
    p->warm++;
    if (p->warm > CHUNK_WARM)
        cool(p, p->free_index[p->available - p->warm]);
}

struct chunk *chunk_at(const struct chunk_pool *p, uint64_t index)
{
    return index < p->count && p->out[index] ? p->chunk[index] : NULL;
}

size_t chunk_available(const struct chunk_pool *p)
{
    return p->available;
}

void chunk_pool_release(struct chunk_pool *p)
{
    while (p->warm > 0)
        cool(p, p->free_index[p->available - p->warm]);
}

size_t chunk_pool_bytes(const struct chunk_pool *p)
{
    return (p->count - p->available + p->warm) * sizeof(struct chunk);
}

size_t chunk_append(struct chunk *c, uint64_t offset, const uint8_t *bytes, size_t len)
{
    const size_t room = CHUNK_BYTES - c->used;
    struct chunk_run *last = c->run_count > 0 ? &c->runs[c->run_count - 1] : NULL;

    if (len > room)
        len = room;
    if (len == 0)
        return 0;
    if (last != NULL && last->offset + last->len == offset) {
        last->len += (uint32_t)len;
    } else {
        if (c->run_count == CHUNK_RUNS)
            return 0;
        c->runs[c->run_count++] = (struct chunk_run){.offset = offset, .at = c->used, .len = (uint32_t)len};
    }
    memcpy(&c->bytes[c->used], bytes, len);
    c->used += (uint32_t)len;
    return len;
}
