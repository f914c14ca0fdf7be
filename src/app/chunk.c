/*
 * chunk: the pool is a table of slabs of CHUNK_SLAB chunks, and a bitmap of the chunks that are
 * out.  A slab has memory while one of its chunks is out, and for a while longer.  The lowest chunk
 * that is not out is taken next, so that those in use are few and the same ones, and the slabs at
 * the end empty by themselves.
 */
#include "app/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

struct slab {
    struct chunk *chunks; /* CHUNK_SLAB; NULL: without memory */
    uint8_t *bytes;
    size_t out;
};

struct chunk_pool {
    const struct chunk_memory *memory;
    size_t count;     /* chunks in all */
    size_t available; /* of them not out */
    size_t unused;    /* of slabs with memory, not out */
    size_t slab_count;
    bool *out;
    struct slab *slabs;
};

static void *take_from_libc(size_t bytes)
{
    return aligned_alloc(COPY_ALIGN_BYTES, bytes);
}

static void give_to_libc(void *slab, size_t bytes)
{
    (void)bytes;
    free(slab);
}

static const struct chunk_memory libc_memory = {.take = take_from_libc, .give = give_to_libc};

struct chunk_pool *chunk_pool_new(size_t chunks, const struct chunk_memory *memory)
{
    struct chunk_pool *p = calloc(1, sizeof(*p));

    assert(chunks > 0 && chunks <= UINT32_MAX);
    if (p == NULL)
        return NULL;
    p->memory = memory != NULL ? memory : &libc_memory;
    p->count = p->available = chunks;
    p->slab_count = (chunks + CHUNK_SLAB - 1) / CHUNK_SLAB;
    p->out = calloc(chunks, sizeof(p->out[0]));
    p->slabs = calloc(p->slab_count, sizeof(p->slabs[0]));
    if (p->out == NULL || p->slabs == NULL) {
        chunk_pool_free(p);
        return NULL;
    }
    return p;
}

static size_t chunks_of(const struct chunk_pool *p, const struct slab *s)
{
    const size_t first = (size_t)(s - p->slabs) * CHUNK_SLAB;

    return p->count - first < CHUNK_SLAB ? p->count - first : CHUNK_SLAB;
}

static void drop_slab(struct chunk_pool *p, struct slab *s)
{
    free(s->chunks);
    if (s->bytes != NULL)
        p->memory->give(s->bytes, chunks_of(p, s) * CHUNK_BYTES);
    *s = (struct slab){.chunks = NULL};
}

static bool fill_slab(struct chunk_pool *p, struct slab *s)
{
    const size_t count = chunks_of(p, s);
    const size_t first = (size_t)(s - p->slabs) * CHUNK_SLAB;

    s->chunks = malloc(count * sizeof(s->chunks[0])); /* not cleared: most of it is runs that few chunks have */
    s->bytes = p->memory->take(count * CHUNK_BYTES);
    if (s->chunks == NULL || s->bytes == NULL) {
        drop_slab(p, s);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        s->chunks[i].index = (uint32_t)(first + i);
        s->chunks[i].bytes = s->bytes + i * CHUNK_BYTES;
    }
    p->unused += count;
    return true;
}

void chunk_pool_free(struct chunk_pool *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; p->slabs != NULL && i < p->slab_count; i++)
        drop_slab(p, &p->slabs[i]);
    free(p->slabs);
    free(p->out);
    free(p);
}

static size_t lowest_available(const struct chunk_pool *p)
{
    for (size_t i = 0; p->available > 0 && i < p->count;) {
        const struct slab *s = &p->slabs[i / CHUNK_SLAB];

        if (s->out == chunks_of(p, s))
            i += CHUNK_SLAB;
        else if (!p->out[i])
            return i;
        else
            i++;
    }
    return NONE;
}

struct chunk *chunk_take(struct chunk_pool *p)
{
    const size_t index = lowest_available(p);
    struct slab *s = index == NONE ? NULL : &p->slabs[index / CHUNK_SLAB];

    if (s == NULL || (s->chunks == NULL && !fill_slab(p, s)))
        return NULL;
    struct chunk *c = &s->chunks[index % CHUNK_SLAB];

    p->available--;
    p->unused--;
    s->out++;
    p->out[index] = true;
    c->holder = 0;
    c->used = 0;
    c->run_count = 0;
    return c;
}

/* From the end, while more than `keep` chunks have memory for nothing. */
static void cool(struct chunk_pool *p, size_t keep)
{
    for (size_t i = p->slab_count; i-- > 0 && p->unused > keep;) {
        struct slab *s = &p->slabs[i];

        if (s->chunks == NULL || s->out > 0)
            continue;
        p->unused -= chunks_of(p, s);
        drop_slab(p, s);
    }
}

void chunk_give(struct chunk_pool *p, struct chunk *c)
{
    assert(c->index < p->count && p->out[c->index]);
    struct slab *s = &p->slabs[c->index / CHUNK_SLAB];

    assert(&s->chunks[c->index % CHUNK_SLAB] == c && s->out > 0);
    p->out[c->index] = false;
    p->available++;
    p->unused++;
    if (--s->out == 0)
        cool(p, CHUNK_WARM);
}

struct chunk *chunk_at(const struct chunk_pool *p, uint64_t index)
{
    return index < p->count && p->out[index] ? &p->slabs[index / CHUNK_SLAB].chunks[index % CHUNK_SLAB] : NULL;
}

size_t chunk_available(const struct chunk_pool *p)
{
    return p->available;
}

void chunk_pool_release(struct chunk_pool *p)
{
    cool(p, 0);
}

size_t chunk_pool_bytes(const struct chunk_pool *p)
{
    return (p->count - p->available + p->unused) * (sizeof(struct chunk) + CHUNK_BYTES);
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
