/*
 * recvstream: the receiving half of an ordered stream: recvstate and the bytes
 * not read yet.  Holds bytes of a later offset until the gap is filled; never
 * more than its window.
 */
#ifndef DUET_STREAM_RECVSTREAM_H
#define DUET_STREAM_RECVSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ring.h"
#include "stream/recvstate.h"

struct recvstream {
    struct recvstate state;
    uint64_t ready_end; /* of what can be read: the first byte missing */
    bool is_open;       /* the application has begun to read */
    struct ring bytes;  /* base: the next byte to read */
};

/* It holds first_bytes at most until recvstream_open, then window_bytes; and max_ranges pieces with
 * holes between. */
void recvstream_init(struct recvstream *s, size_t window_bytes, size_t first_bytes, size_t max_ranges);
void recvstream_dispose(struct recvstream *s);

/* The application reads: from now on the whole window. */
void recvstream_open(struct recvstream *s);
/* Bytes of memory held while nobody has begun to read. */
size_t recvstream_parked(const struct recvstream *s);

/* A frame arrived.  *readable: bytes can be read that could not before, or that they are all is
 * known now.  0; DUET_EPROTOCOL, DUET_EFLOW: close the connection; DUET_ENOMEM, DUET_EFULL: treat
 * the packet as lost. */
int recvstream_push(struct recvstream *s, const struct stream_piece *p, const uint8_t *data, bool *readable);

/* Bytes given, 0: none now. */
size_t recvstream_read(struct recvstream *s, uint8_t *buf, size_t cap);
/* All up to its end was. */
bool recvstream_is_read(const struct recvstream *s);

/* Gives back the memory of an empty one. */
void recvstream_trim(struct recvstream *s);

#endif
