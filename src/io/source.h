/*
 * source: a file of the user being sent: read once, in order, hashed as it goes.
 *
 * What was read is what the digest is of; a file that changed between open and
 * digest is never called good.  One that only grew is: a log is sent as long as
 * it was when it was offered, and its user is told.
 *
 * Files of /proc and /sys say that they are empty, or a page long, and hold
 * something else: what takes no room on a disk is read to its end when it is
 * opened, so that the offer can say how much it is.
 *
 * Owned by the disk thread.  Functions give 0 or a negative code, with errno in
 * *sys where it is DUET_ESYS.
 */
#ifndef DUET_IO_SOURCE_H
#define DUET_IO_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chunk.h"
#include "app/digest.h"

#define SOURCE_COPY_BYTES (16 << 20) /* most that is read when it is opened: /proc/kallsyms is 15 MB */

struct source;

/* DUET_ESYS (EISDIR for a directory), DUET_EUNSUPPORTED: a device, pipe or socket; DUET_ERANGE: nobody
 * knows how long it is, and it is longer than SOURCE_COPY_BYTES; DUET_ENOMEM. */
int source_open(const char *path, struct source **out, int *sys);
void source_close(struct source *s); /* NULL is fine */

uint64_t source_bytes(const struct source *s); /* at open; what is sent */

/* Fills the chunk with the file's bytes from `offset` on, which must be where the last read ended.
 * DUET_EINVAL: it is not; DUET_EINTEGRITY: the file became shorter; DUET_ESYS. */
int source_read(struct source *s, uint64_t offset, struct chunk *c, int *sys);

/* After the last byte was read.  DUET_EINVAL: it was not; DUET_EINTEGRITY: the file changed since
 * source_open.  *grew: it became longer, and its beginning is what was sent. */
int source_digest(struct source *s, uint8_t out[DIGEST_BYTES], bool *grew, int *sys);

#endif
