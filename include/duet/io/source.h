/*
 * source: a file of the user being sent: read once, in order, hashed as it goes.
 *
 * What was read is what the digest is of; a file that changed between open and
 * digest is never called good.  Owned by the disk thread.  Functions give 0 or
 * a negative code, with errno in *sys where it is DUET_ESYS.
 */
#ifndef DUET_IO_SOURCE_H
#define DUET_IO_SOURCE_H

#include <stdint.h>

#include "duet/app/chunk.h"
#include "duet/app/msg.h"

struct source;

/* DUET_ESYS (EISDIR for a folder), DUET_EUNSUPPORTED: a device, pipe or socket; DUET_ENOMEM. */
int source_open(const char *path, struct source **out, int *sys);
void source_close(struct source *s); /* NULL is fine */

uint64_t source_bytes(const struct source *s); /* at open */

/* Fills the chunk with the file's bytes from `offset` on, which must be where the last read ended.
 * DUET_EINVAL: it is not; DUET_EINTEGRITY: the file became shorter; DUET_ESYS. */
int source_read(struct source *s, uint64_t offset, struct chunk *c, int *sys);

/* After the last byte was read.  DUET_EINVAL: it was not; DUET_EINTEGRITY: the file changed since source_open. */
int source_digest(struct source *s, uint8_t out[DIGEST_BYTES], int *sys);

#endif
