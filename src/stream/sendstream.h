/*
 * sendstream: the sending half of an ordered stream: sendstate and the bytes
 * from the first unacknowledged one on.
 */
#ifndef DUET_STREAM_SENDSTREAM_H
#define DUET_STREAM_SENDSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/ring.h"
#include "stream/sendstate.h"

struct sendstream {
    struct sendstate state;
    struct ring bytes; /* [acked prefix, end) */
    uint64_t end;      /* bytes written by the application so far */
    bool short_write;  /* the application was turned away and waits for room */
};

void sendstream_init(struct sendstream *s, size_t buffer_bytes, uint64_t limit_bytes);
void sendstream_dispose(struct sendstream *s);

/* Takes what fits; bytes taken (0: no room) or DUET_ENOMEM, DUET_EFULL. */
ssize_t sendstream_write(struct sendstream *s, const uint8_t *bytes, size_t len);

/* Bytes of a piece sendstate_next gave. */
void sendstream_copy(const struct sendstream *s, const struct stream_piece *p, uint8_t *out);

/* The piece arrived; *writable: an application turned away may try again.  As sendstate_acked. */
int sendstream_acked(struct sendstream *s, const struct stream_piece *p, bool *writable);

/* Everything written is acknowledged. */
bool sendstream_flushed(const struct sendstream *s);

#endif
