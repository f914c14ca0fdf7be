/*
 * chunk: the fixed pool in which file bytes travel between net and disk.
 *
 * Allocated and freed by the net thread only; while a chunk is in a message the
 * receiver of the message owns it, so no lock is needed.  Memory comes and goes by
 * slabs of CHUNK_SLAB chunks; slabs without a chunk in use keep it while no more
 * than CHUNK_WARM chunks are unused, at most until chunk_pool_release.
 *
 * A chunk to be sent holds one run of a file.  A chunk being received is a log:
 * extents are appended in the order they arrive and described by runs, so
 * memory is exactly what was received, whatever the order and the holes.
 */
#ifndef DUET_APP_CHUNK_H
#define DUET_APP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define CHUNK_BYTES (256 * 1024)
#define CHUNK_POOL 208 /* of each direction: 52 MiB, LIMIT_WINDOW_MAX_BYTES and some to spare */
#define CHUNK_SLAB 8   /* that get their memory together: 2 MiB, a large page of most machines */
#define CHUNK_WARM 96  /* unused ones that keep their memory */
#define CHUNK_RUNS 512 /* runs in one chunk; an extent that would need one more closes the chunk */

struct chunk_run {
    uint64_t offset; /* in the file */
    uint32_t at;     /* in bytes[] */
    uint32_t len;
};

struct chunk {
    uint32_t index;  /* in its pool */
    uint32_t holder; /* transfer whose piece it is while the endpoint has it; 0: none */
    uint32_t used;   /* bytes filled */
    uint32_t run_count;
    uint8_t *bytes; /* CHUNK_BYTES, aligned to COPY_ALIGN_BYTES */
    struct chunk_run runs[CHUNK_RUNS];
};

/* Who gives the memory of slabs, aligned to COPY_ALIGN_BYTES at least, and takes it back; the net thread's calls. */
struct chunk_memory {
    void *(*take)(size_t bytes); /* NULL: there is none */
    void (*give)(void *slab, size_t bytes);
};

struct chunk_pool;

struct chunk_pool *chunk_pool_new(size_t chunks, const struct chunk_memory *memory); /* memory NULL: the C library's */
void chunk_pool_free(struct chunk_pool *p);
struct chunk *chunk_take(struct chunk_pool *p); /* emptied; NULL: all are out, or no memory */
void chunk_give(struct chunk_pool *p, struct chunk *c);
size_t chunk_available(const struct chunk_pool *p);
/* Frees the memory of every slab of which no chunk is out. */
void chunk_pool_release(struct chunk_pool *p);
size_t chunk_pool_bytes(const struct chunk_pool *p); /* memory of all its chunks now */
/* The chunk of this index while it is out; NULL otherwise. */
struct chunk *chunk_at(const struct chunk_pool *p, uint64_t index);

/* Appends an extent, merging with the last run when it continues it.  Bytes
 * taken: less than len when the chunk is full, 0 when it has no run left. */
size_t chunk_append(struct chunk *c, uint64_t offset, const uint8_t *bytes, size_t len);

#endif
