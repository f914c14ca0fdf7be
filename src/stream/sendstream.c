#include "stream/sendstream.h"

#include "base/err.h"
#include "base/num.h"
#include "wire/limits.h"

void sendstream_init(struct sendstream *s, size_t buffer_bytes, uint64_t limit_bytes)
{
    *s = (struct sendstream){.room_bytes = 1, .unsent_bytes = SIZE_MAX};
    sendstate_init(&s->state, limit_bytes, LIMIT_EXTENT_RANGES);
    ring_init(&s->bytes, buffer_bytes);
}

void sendstream_bound(struct sendstream *s, size_t unsent_bytes, size_t room_bytes)
{
    s->unsent_bytes = unsent_bytes;
    s->room_bytes = room_bytes;
}

void sendstream_dispose(struct sendstream *s)
{
    sendstate_dispose(&s->state);
    ring_dispose(&s->bytes);
}

static uint64_t room_of(const struct sendstream *s)
{
    const uint64_t unsent = s->end - s->state.fresh_bytes;

    return num_min(s->bytes.base + s->bytes.limit - s->end, s->unsent_bytes > unsent ? s->unsent_bytes - unsent : 0);
}

ssize_t sendstream_write(struct sendstream *s, const uint8_t *bytes, size_t len)
{
    const uint64_t room = room_of(s);
    const size_t take = len < room ? len : (size_t)room;

    s->short_write = take < len;
    if (take == 0)
        return 0;
    int err = ring_write(&s->bytes, s->end, bytes, take);
    if (err == 0)
        err = sendstate_supply(&s->state, s->end, s->end + take);
    if (err != 0)
        return err;
    s->end += take;
    return (ssize_t)take;
}

void sendstream_copy(const struct sendstream *s, const struct stream_piece *p, uint8_t *out)
{
    ring_read(&s->bytes, p->offset, out, p->len);
}

int sendstream_acked(struct sendstream *s, const struct stream_piece *p, bool *writable)
{
    const int err = sendstate_acked(&s->state, p);

    *writable = false;
    if (err != 0)
        return err;
    const uint64_t prefix = sendstate_acked_prefix(&s->state);
    if (prefix > s->bytes.base) {
        ring_discard(&s->bytes, prefix, s->end);
        *writable = sendstream_has_room(s);
    }
    return 0;
}

bool sendstream_has_room(struct sendstream *s)
{
    const bool has_room = s->short_write && room_of(s) >= s->room_bytes;

    s->short_write = s->short_write && !has_room;
    return has_room;
}

bool sendstream_flushed(const struct sendstream *s)
{
    return sendstate_acked_prefix(&s->state) == s->end;
}

void sendstream_trim(struct sendstream *s)
{
    if (s->bytes.base == s->end)
        ring_release(&s->bytes);
}
