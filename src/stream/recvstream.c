#include "stream/recvstream.h"

#include "base/err.h"
#include "wire/limits.h"

void recvstream_init(struct recvstream *s, size_t window_bytes, size_t first_bytes, size_t max_ranges)
{
    recvstate_init(&s->state, first_bytes, max_ranges);
    ring_init(&s->bytes, window_bytes);
    s->ready_end = 0;
    s->is_open = false;
}

void recvstream_open(struct recvstream *s)
{
    if (!s->is_open)
        recvstate_set_window(&s->state, s->bytes.limit, s->bytes.limit / RECV_GRANT_SHARE);
    s->is_open = true;
}

size_t recvstream_parked(const struct recvstream *s)
{
    return s->is_open ? 0 : s->bytes.cap;
}

void recvstream_dispose(struct recvstream *s)
{
    recvstate_dispose(&s->state);
    ring_dispose(&s->bytes);
}

int recvstream_push(struct recvstream *s, const struct stream_piece *p, const uint8_t *data, bool *readable)
{
    *readable = false;
    uint64_t fresh;
    int err = recvstate_check(&s->state, p, &fresh);
    if (err != 0)
        return err;
    /* Ordered bytes wait in the ring, so here the limit bounds offsets as well. */
    if (p->offset + p->len > s->state.limit_bytes)
        return DUET_EFLOW;
    struct range gap = {.end = p->offset};
    for (uint64_t left = fresh; left > 0; left -= gap.end - gap.start) {
        gap = recvstate_fresh(&s->state, p, gap.end, left);
        err = ring_write(&s->bytes, gap.start, data + (gap.start - p->offset), (size_t)(gap.end - gap.start));
        if (err != 0)
            return err;
    }
    const bool was_complete = recvstate_complete(&s->state);
    err = recvstate_add(&s->state, p, fresh);
    if (err != 0)
        return err;
    *readable = p->offset <= s->ready_end && p->offset + p->len > s->ready_end;
    if (*readable)
        s->ready_end = extents_end_of(&s->state.got, s->ready_end);
    *readable = *readable || (p->fin && !was_complete && recvstate_complete(&s->state));
    return err;
}

size_t recvstream_read(struct recvstream *s, uint8_t *buf, size_t cap)
{
    const uint64_t from = s->bytes.base;
    const uint64_t ready = s->ready_end - from;
    const size_t len = ready < cap ? (size_t)ready : cap;

    if (len == 0)
        return 0;
    ring_read(&s->bytes, from, buf, len);
    ring_discard(&s->bytes, from + len, extents_end(&s->state.got));
    recvstate_consumed(&s->state, len);
    return len;
}

bool recvstream_is_read(const struct recvstream *s)
{
    return s->bytes.base == s->state.final_bytes;
}

void recvstream_trim(struct recvstream *s)
{
    if (s->state.got.count == 0 || extents_end(&s->state.got) == s->bytes.base)
        ring_release(&s->bytes);
}
