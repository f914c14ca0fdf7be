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
    struct ring bytes;   /* [acked prefix, end) */
    uint64_t end;        /* bytes written by the application so far */
    bool short_write;    /* the application was turned away and waits for room, */
    size_t room_bytes;   /* … for so much of it */
    size_t unsent_bytes; /* most that may wait to be sent for the first time */
};

void sendstream_init(struct sendstream *s, size_t buffer_bytes, uint64_t limit_bytes);
/* Besides the buffer: most bytes that wait for their first sending, and how much room is worth
 * telling of. */
void sendstream_bound(struct sendstream *s, size_t unsent_bytes, size_t room_bytes);
void sendstream_dispose(struct sendstream *s);

/* Takes what fits; bytes taken (0: no room) or DUET_ENOMEM, DUET_EFULL. */
ssize_t sendstream_write(struct sendstream *s, const uint8_t *bytes, size_t len);

/* Bytes of a piece sendstate_next gave. */
void sendstream_copy(const struct sendstream *s, const struct stream_piece *p, uint8_t *out);

/* The piece arrived; *writable: an application turned away may try again.  As sendstate_acked. */
int sendstream_acked(struct sendstream *s, const struct stream_piece *p, bool *writable);

/* An application that was turned away may try again (then it is not told once more). */
bool sendstream_has_room(struct sendstream *s);

/* Everything written is acknowledged. */
bool sendstream_flushed(const struct sendstream *s);

/* Gives back the memory of an empty one. */
void sendstream_trim(struct sendstream *s);

#endif
