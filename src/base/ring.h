/*
 * ring: a byte buffer addressed by absolute stream offset.
 *
 * Holds bytes of a window [base, base + limit); memory is a power of two that
 * grows with what is really stored, up to `limit` rounded up.  A sender
 * appends at the end, reads anywhere, and discards from the front as bytes are
 * acknowledged; a receiver writes anywhere in the window and discards from the
 * front as the application reads.  Which bytes are valid is the caller's
 * knowledge (base/ranges).  Owned by one thread.  Memory is wiped when it is
 * given back; a small ring that runs empty is wiped as well (chat texts pass
 * through it).
 *
 * A ring that may keep memory shrinks instead to what it needs: offsets walk
 * round all of it, so every byte of one that is larger than that misses the
 * cache twice.
 */
#ifndef DUET_BASE_RING_H
#define DUET_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *mem;
    size_t cap;    /* 0 or a power of two */
    size_t limit;  /* most bytes between base and the end of any write */
    size_t keep;   /* memory up to so much stays when it runs empty */
    uint64_t base; /* offset of the first byte kept */
    uint64_t lap;  /* offset at which the base was when it last had gone round, */
    size_t peak;   /* and the most in use since */
};

void ring_init(struct ring *r, size_t limit);
/* One that runs empty many times a second keeps so much memory meanwhile, instead of the little that a chat needs. */
void ring_keep(struct ring *r, size_t bytes);
void ring_dispose(struct ring *r);

/* Copies len bytes to absolute offset; the range must lie in [base, base + limit).
 * 0, DUET_ERANGE, DUET_ENOMEM (nothing changed). */
int ring_write(struct ring *r, uint64_t offset, const uint8_t *src, size_t len);

/* Copies len bytes from absolute offset >= base. The caller knows they were written. */
void ring_read(const struct ring *r, uint64_t offset, uint8_t *dst, size_t len);

/* Where the byte at `offset` lies, which was written; *len, the bytes wanted from there on, becomes no more than lie in
 * one piece.  Good until the next write or discard. */
const uint8_t *ring_at(const struct ring *r, uint64_t offset, size_t *len);

/* Nothing in it is needed: gives all memory back. */
void ring_release(struct ring *r);

/* Forgets everything below `offset` (>= base); gives memory back when nothing is
 * left below `keep_end`, the end of the bytes still valid. */
void ring_discard(struct ring *r, uint64_t offset, uint64_t keep_end);

#endif
