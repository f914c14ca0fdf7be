/*
 * channel: one ordered stream as messages, both directions, without the stream.
 *
 * Outgoing bytes wait here until the transport takes them (short writes);
 * incoming bytes are cut at message borders.  Both sides are bounded: `out` by
 * the limit given, `in` by the longest message.
 *
 *   in:   channel_space → the transport reads into it → channel_filled → channel_next until 0
 *   out:  channel_reserve, channel_commit → channel_waiting → the transport takes some → channel_sent
 *
 * Owned by one thread.
 */
#ifndef DUET_APP_CHANNEL_H
#define DUET_APP_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"

struct channel_bytes {
    uint8_t *mem;
    size_t cap;
    size_t head; /* first byte kept */
    size_t len;  /* bytes kept */
};

struct channel {
    struct channel_bytes in, out;
    size_t out_limit; /* most bytes waiting in `out` */
};

/* One message, pointing into the channel: valid until the next call. */
struct channel_message {
    uint8_t type;
    const uint8_t *payload;
    size_t len;
};

void channel_init(struct channel *ch, size_t out_limit);
void channel_dispose(struct channel *ch);
/* Gives back the memory of what is empty. */
void channel_rest(struct channel *ch);

/* Room for `len` bytes at the end of `out`; NULL with *err DUET_EFULL (over the limit) or DUET_ENOMEM. */
uint8_t *channel_reserve(struct channel *ch, size_t len, int *err);
void channel_commit(struct channel *ch, size_t len); /* that many of the reserved bytes were filled */

const uint8_t *channel_waiting(const struct channel *ch, size_t *len); /* len 0: nothing */
void channel_sent(struct channel *ch, size_t len);

uint8_t *channel_space(struct channel *ch, size_t *cap); /* NULL: out of memory */
void channel_filled(struct channel *ch, size_t len);

/* 1: a message; 0: none complete yet; DUET_EMALFORMED: its length is beyond every bound. */
int channel_next(struct channel *ch, struct channel_message *m);

#endif
