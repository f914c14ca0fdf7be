/*
 * ring: a byte buffer addressed by absolute stream offset.
 *
 * Holds bytes of a window [base, base + limit); memory is a power of two that
 * grows with what is really stored, up to `limit` rounded up.  A sender
 * appends at the end, reads anywhere, and discards from the front as bytes are
 * acknowledged; a receiver writes anywhere in the window and discards from the
 * front as the application reads.  Which bytes are valid is the caller's
 * knowledge (base/ranges).  Owned by one thread.  Wiped when freed or shrunk
 * (chat texts pass through it).
 */
#ifndef DUET_BASE_RING_H
#define DUET_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *mem;
    size_t cap;    /* 0 or a power of two */
    size_t limit;  /* most bytes between base and the end of any write */
    uint64_t base; /* offset of the first byte kept */
};

void ring_init(struct ring *r, size_t limit);
void ring_dispose(struct ring *r);

/* Copies len bytes to absolute offset; the range must lie in [base, base + limit).
 * 0, DUET_ERANGE, DUET_ENOMEM (nothing changed). */
int ring_write(struct ring *r, uint64_t offset, const uint8_t *src, size_t len);

/* Copies len bytes from absolute offset >= base. The caller knows they were written. */
void ring_read(const struct ring *r, uint64_t offset, uint8_t *dst, size_t len);

/* Forgets everything below `offset` (>= base); gives memory back when nothing is
 * left below `keep_end`, the end of the bytes still valid. */
void ring_discard(struct ring *r, uint64_t offset, uint64_t keep_end);

#endif
