/*
 * ring: see the header.  Offset o lives at mem[o mod cap].  cap is a power of
 * two, so growing keeps every byte contiguous up to the old wrap and two copies
 * move all of it.  Memory is zeroed when taken and wiped when given back.
 */
#include "base/ring.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* The smallest piece of memory taken.  A ring that runs empty keeps this much,
 * so that a chat does not allocate for every line. */
#define RING_MIN_BYTES 1024

/* Memory that a quarter of would have done for a whole lap is halved; below a size that any cache holds, never. */
#define RING_SHRINK_SHARE 4
#define RING_SHRINK_BYTES (256 * 1024)

void ring_init(struct ring *r, size_t limit)
{
    assert(limit > 0 && limit <= SIZE_MAX / 2);
    *r = (struct ring){.limit = limit, .keep = RING_MIN_BYTES};
}

void ring_keep(struct ring *r, size_t bytes)
{
    r->keep = bytes;
}

static void drop_memory(struct ring *r)
{
    if (r->mem != NULL)
        sodium_memzero(r->mem, r->cap);
    free(r->mem);
    r->mem = NULL;
    r->cap = 0;
}

void ring_dispose(struct ring *r)
{
    drop_memory(r);
    *r = (struct ring){.limit = r->limit, .keep = r->keep};
}

/* Bytes from the place of `offset` to the wrap, but not more than len. */
static size_t until_wrap(const struct ring *r, uint64_t offset, size_t len)
{
    const size_t room = r->cap - (size_t)(offset & (r->cap - 1));

    return len < room ? len : room;
}

static void copy_in(struct ring *r, uint64_t offset, const uint8_t *src, size_t len)
{
    const size_t head = until_wrap(r, offset, len);

    memcpy(&r->mem[offset & (r->cap - 1)], src, head);
    if (len > head)
        memcpy(r->mem, src + head, len - head);
}

static void copy_out(const struct ring *r, uint64_t offset, uint8_t *dst, size_t len)
{
    const size_t head = until_wrap(r, offset, len);

    memcpy(dst, &r->mem[offset & (r->cap - 1)], head);
    if (len > head)
        memcpy(dst + head, r->mem, len - head);
}

/* Makes room for `need` bytes from base on. */
static int grow(struct ring *r, size_t need)
{
    struct ring bigger = {.limit = r->limit, .keep = r->keep, .base = r->base, .lap = r->base, .peak = need, .cap = 1};

    while (bigger.cap < need || (bigger.cap < RING_MIN_BYTES && bigger.cap < r->limit))
        bigger.cap *= 2;
    bigger.mem = calloc(1, bigger.cap);
    if (bigger.mem == NULL)
        return DUET_ENOMEM;
    if (r->cap > 0) {
        /* Cut at the old wrap: each part is contiguous in the old memory and,
         * as the new cap is a multiple of the old one, in the new memory. */
        const size_t head = until_wrap(r, r->base, r->cap);

        copy_in(&bigger, r->base, &r->mem[r->base & (r->cap - 1)], head);
        copy_in(&bigger, r->base + head, r->mem, r->cap - head);
    }
    drop_memory(r);
    *r = bigger;
    return 0;
}

int ring_write(struct ring *r, uint64_t offset, const uint8_t *src, size_t len)
{
    if (offset < r->base || len > r->limit || offset - r->base > r->limit - len || offset > UINT64_MAX - len)
        return DUET_ERANGE;
    if (len == 0)
        return 0;
    const size_t need = (size_t)(offset - r->base) + len;

    if (need > r->cap) {
        const int err = grow(r, need);

        if (err != 0)
            return err;
    }
    if (need > r->peak)
        r->peak = need;
    copy_in(r, offset, src, len);
    return 0;
}

void ring_read(const struct ring *r, uint64_t offset, uint8_t *dst, size_t len)
{
    if (len == 0)
        return;
    assert(offset >= r->base && len <= r->cap && offset - r->base <= r->cap - len);
    copy_out(r, offset, dst, len);
}

const uint8_t *ring_at(const struct ring *r, uint64_t offset, size_t *len)
{
    assert(offset >= r->base && *len <= r->cap && offset - r->base <= r->cap - *len);
    *len = until_wrap(r, offset, *len);
    return &r->mem[offset & (r->cap - 1)];
}

void ring_release(struct ring *r)
{
    drop_memory(r);
}

/* The base has gone round: memory of which no more than a quarter was in use meanwhile is too large. */
static void end_lap(struct ring *r, uint64_t keep_end)
{
    struct ring less = {.limit = r->limit, .keep = r->keep, .base = r->base, .lap = r->base, .cap = r->cap / 2};
    const size_t used = keep_end > r->base ? (size_t)(keep_end - r->base) : 0;
    const bool is_large = r->cap > RING_SHRINK_BYTES && r->peak <= r->cap / RING_SHRINK_SHARE;

    r->lap = r->base;
    r->peak = used;
    if (!is_large || used > less.cap || (less.mem = calloc(1, less.cap)) == NULL)
        return;
    less.peak = used;
    if (used > 0) {
        const size_t head = until_wrap(r, r->base, used);

        copy_in(&less, r->base, &r->mem[r->base & (r->cap - 1)], head);
        copy_in(&less, r->base + head, r->mem, used - head);
    }
    drop_memory(r);
    *r = less;
}

void ring_discard(struct ring *r, uint64_t offset, uint64_t keep_end)
{
    assert(offset >= r->base);
    r->base = offset;
    if (r->cap == 0)
        return;
    if (r->keep > RING_MIN_BYTES && offset - r->lap >= r->cap)
        end_lap(r, keep_end);
    if (keep_end > offset)
        return;
    if (r->cap > r->keep)
        ring_release(r);
    else if (r->keep <= RING_MIN_BYTES)
        sodium_memzero(r->mem, r->cap);
}
