/*
 * channel: two byte queues.  Each is one stretch of memory with a moving head;
 * it moves to the front when more room is needed; a large `out` is given back
 * when it ran empty.  Wiped: chat passes through.
 */
#include "app/channel.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

#define READ_BYTES (16 * 1024) /* room offered to one read of the transport */
#define KEEP_BYTES (32 * 1024) /* an empty queue keeps no more memory than this */
#define MOVE_SHARE 4           /* what is kept moves for this part of it, consumed or to come */

static void drop_memory(struct channel_bytes *q)
{
    if (q->mem == NULL)
        return;
    sodium_memzero(q->mem, q->cap);
    free(q->mem);
    *q = (struct channel_bytes){0};
}

/* Makes `more` bytes free behind what is kept.  What is kept is moved only when a quarter as much
 * was consumed, or will be added before the next time: amortised O(1) a byte, whatever a peer takes
 * and makes us say by the spoonful. */
static int make_room(struct channel_bytes *q, size_t more)
{
    if (q->cap - q->head - q->len >= more)
        return 0;
    const size_t quarter = q->len / MOVE_SHARE;
    if (q->cap - q->len >= more && q->head >= quarter) {
        memmove(q->mem, q->mem + q->head, q->len);
        q->head = 0;
        return 0;
    }
    size_t cap = q->cap == 0 ? READ_BYTES : q->cap;

    while (cap < q->len + quarter + more)
        cap *= 2;
    uint8_t *mem = malloc(cap);

    if (mem == NULL)
        return DUET_ENOMEM;
    const size_t len = q->len;

    if (len > 0)
        memcpy(mem, q->mem + q->head, len);
    drop_memory(q);
    *q = (struct channel_bytes){.mem = mem, .cap = cap, .len = len};
    return 0;
}

static void consume(struct channel_bytes *q, size_t len)
{
    assert(len <= q->len);
    q->head += len;
    q->len -= len;
    if (q->len > 0)
        return;
    q->head = 0;
    if (q->cap > KEEP_BYTES)
        drop_memory(q);
}

void channel_init(struct channel *ch, size_t out_limit)
{
    *ch = (struct channel){.out_limit = out_limit};
}

void channel_dispose(struct channel *ch)
{
    drop_memory(&ch->in);
    drop_memory(&ch->out);
}

void channel_rest(struct channel *ch)
{
    if (ch->in.len == 0)
        drop_memory(&ch->in);
    if (ch->out.len == 0)
        drop_memory(&ch->out);
}

uint8_t *channel_reserve(struct channel *ch, size_t len, int *err)
{
    *err = ch->out.len + len > ch->out_limit ? DUET_EFULL : make_room(&ch->out, len);
    return *err != 0 ? NULL : ch->out.mem + ch->out.head + ch->out.len;
}

void channel_commit(struct channel *ch, size_t len)
{
    assert(len <= ch->out.cap - ch->out.head - ch->out.len);
    ch->out.len += len;
}

const uint8_t *channel_waiting(const struct channel *ch, size_t *len)
{
    *len = ch->out.len;
    return ch->out.len > 0 ? ch->out.mem + ch->out.head : NULL;
}

void channel_sent(struct channel *ch, size_t len)
{
    consume(&ch->out, len);
}

uint8_t *channel_space(struct channel *ch, size_t *cap)
{
    if (make_room(&ch->in, READ_BYTES) != 0)
        return NULL;
    *cap = ch->in.cap - ch->in.head - ch->in.len;
    return ch->in.mem + ch->in.head + ch->in.len;
}

void channel_filled(struct channel *ch, size_t len)
{
    assert(len <= ch->in.cap - ch->in.head - ch->in.len);
    ch->in.len += len;
}

int channel_next(struct channel *ch, struct channel_message *m)
{
    if (ch->in.len < APPMSG_HEADER_BYTES)
        return 0;
    struct reader r = reader_of(ch->in.mem + ch->in.head, ch->in.len);
    const uint32_t len = reader_u32(&r);

    if (len > APPMSG_PAYLOAD_BYTES)
        return DUET_EMALFORMED;
    m->type = reader_u8(&r);
    m->len = len;
    m->payload = reader_bytes(&r, len);
    if (r.failed)
        return 0;
    /* Only the head moves: the bytes stay until the next call makes room. */
    ch->in.head += APPMSG_HEADER_BYTES + len;
    ch->in.len -= APPMSG_HEADER_BYTES + len;
    return 1;
}
