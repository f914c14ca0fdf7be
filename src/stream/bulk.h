/*
 * bulk: unordered streams for files.
 *
 * The sender holds references to pieces the application supplied and takes the
 * bytes from there when a packet is built; a piece whose bytes are all
 * acknowledged is released.  The receiver keeps no bytes at all: what is fresh goes up as
 * extents, straight from the packet.
 */
#ifndef DUET_STREAM_BULK_H
#define DUET_STREAM_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/recvstate.h"
#include "stream/sendstate.h"

#define BULK_PIECES 256 /* pieces one stream may hold */

struct bulk_source {
    uint64_t offset;
    const uint8_t *bytes;
    size_t len;
    uint64_t cookie; /* the application's name for it */
};

struct bulksend {
    uint64_t id;
    struct sendstate state;
    struct bulk_source *v; /* ascending by offset, disjoint */
    size_t count;
    size_t cap;
    bool reset;        /* given up: RESET_STREAM is on its way */
    bool reset_wanted; /* … and has to be sent (again) */
    uint64_t reset_code;
};

struct bulkrecv {
    uint64_t id;
    struct recvstate state;
    uint64_t cap_bytes; /* most the application lets it have outstanding */
    bool stopped;       /* wants no more; waits for the sender's RESET_STREAM */
    bool stop_wanted;   /* STOP_STREAM has to be sent (again) */
    bool limit_wanted;  /* MAX_STREAM_DATA has to be sent (again) */
    bool limit_told;    /* … was, at least once */
    uint64_t stop_code;
};

/* Supplied and never sent. */
static inline uint64_t bulksend_unsent(const struct bulksend *b)
{
    return b->state.supplied_end - b->state.fresh_bytes;
}

void bulksend_init(struct bulksend *b, uint64_t id);
void bulksend_dispose(struct bulksend *b);

/* 0; DUET_EFULL: BULK_PIECES held; DUET_EINVAL: overlaps a held piece, or past the end;
 * DUET_ENOMEM. */
int bulksend_supply(struct bulksend *b, const struct bulk_source *src);

/* Where the byte at `offset`, which was supplied, lies, and how many of its source follow from
 * there on.  They stay there as long as the source is held. */
const uint8_t *bulksend_at(const struct bulksend *b, uint64_t offset, size_t *len);

/* Takes one source all of whose bytes are acknowledged (any, when the stream was reset); false:
 * none.  Only sources touching [start, end) are looked at. */
bool bulksend_release(struct bulksend *b, uint64_t start, uint64_t end, uint64_t *cookie);

void bulkrecv_init(struct bulkrecv *b, uint64_t id);
void bulkrecv_dispose(struct bulkrecv *b);

#endif
