/*
 * blob: bytes on the heap that a request or a notice hands over: of a stream, a datagram, an answer.
 */
#ifndef DUET_APP_BLOB_H
#define DUET_APP_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
    size_t len;
    uint8_t data[];
};

/* Holds a copy of `len` bytes (data NULL: room for them).  NULL: out of memory.  Freed with free(). */
struct blob *blob_new(const uint8_t *data, size_t len);

/* The first `len` bytes of it, no more than it has, in no more memory than they need.  b is gone. */
struct blob *blob_trim(struct blob *b, size_t len);

#endif
