/*
 * source: what files and texts consist of.  Any byte of a file can be computed
 * from (seed, offset), so nothing is stored and every extent can be checked
 * the moment it is written.
 */
#ifndef SIM_SOURCE_H
#define SIM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/digest.h"
#include "base/rand.h"

#define SOURCE_NAME_BYTES 64

/* Where a file's way goes wrong; `fault_at` is the offset at which it does. */
enum source_fault {
    FAULT_NONE,
    FAULT_OPEN,    /* the sender cannot open it */
    FAULT_READ,    /* the sender's disk gives EIO */
    FAULT_SHRINKS, /* it ends earlier than it said when opened */
    FAULT_CHANGES, /* the digest job finds that it changed while being read */
    FAULT_CREATE,  /* the receiver cannot create it */
    FAULT_WRITE,   /* the receiver's disk is full */
    FAULT_COMMIT,  /* fsync or rename fails */
};

struct source {
    char name[SOURCE_NAME_BYTES];
    uint64_t seed;
    uint64_t bytes;
    enum source_fault fault;
    uint64_t fault_at;
    bool hashed;
    uint8_t digest[DIGEST_BYTES]; /* valid when hashed */
};

/* The bytes [offset, offset + len) of the file. */
void source_fill(const struct source *s, uint64_t offset, uint8_t *out, size_t len);

/* XXH3-128 in canonical form; computed once. */
const uint8_t *source_digest(struct source *s);

/* `len` bytes of printable text of one to four byte characters with a newline here and there; heap, NUL-terminated. */
char *source_text(struct duet_rand *rng, size_t len);

#endif
