#include "stream/recvstate.h"

#include <assert.h>

#include "base/err.h"

void recvstate_init(struct recvstate *s, uint64_t window_bytes, size_t max_ranges)
{
    *s = (struct recvstate){
        .window_bytes = window_bytes,
        .step_bytes = window_bytes / RECV_GRANT_SHARE,
        .limit_bytes = window_bytes,
        .final_bytes = STREAM_SIZE_UNKNOWN,
    };
    extents_init(&s->got, max_ranges);
}

void recvstate_dispose(struct recvstate *s)
{
    extents_dispose(&s->got);
}

static uint64_t highest_offset(const struct recvstate *s)
{
    return s->got.count > 0 ? extents_end(&s->got) : 0;
}

int recvstate_check(const struct recvstate *s, const struct stream_piece *p, uint64_t *fresh)
{
    const uint64_t end = p->offset + p->len;

    if (s->final_bytes != STREAM_SIZE_UNKNOWN) {
        if (end > s->final_bytes || (p->fin && end != s->final_bytes))
            return DUET_EPROTOCOL;
    } else if (p->fin && end < highest_offset(s)) {
        return DUET_EPROTOCOL;
    }
    *fresh = p->len - extents_overlap(&s->got, p->offset, end);
    return s->distinct_bytes + *fresh > s->limit_bytes ? DUET_EFLOW : 0;
}

struct range recvstate_fresh(const struct recvstate *s, const struct stream_piece *p, uint64_t from, uint64_t left)
{
    struct range part = {.start = from, .end = p->offset + p->len};

    if (left < part.end - part.start)
        (void)extents_first_gap(&s->got, part.start, part.end, &part);
    return part;
}

int recvstate_add(struct recvstate *s, const struct stream_piece *p, uint64_t fresh)
{
    const uint64_t end = p->offset + p->len;
    const int err = fresh > 0 ? extents_add(&s->got, p->offset, end) : 0;

    if (err != 0)
        return err;
    s->distinct_bytes += fresh;
    if (p->fin)
        s->final_bytes = end;
    return 0;
}

void recvstate_consumed(struct recvstate *s, uint64_t bytes)
{
    s->consumed_bytes += bytes;
    assert(s->consumed_bytes <= s->distinct_bytes);
}

void recvstate_set_window(struct recvstate *s, uint64_t window_bytes, uint64_t step_bytes)
{
    s->window_bytes = window_bytes;
    s->step_bytes = step_bytes;
}

bool recvstate_new_limit(struct recvstate *s, uint64_t *limit_bytes)
{
    const uint64_t limit = s->consumed_bytes + s->window_bytes;

    /* A known end is no reason to stop: extents come in any order, so its bytes may still need
     * credit. */
    if (s->limit_bytes >= s->final_bytes || limit <= s->limit_bytes)
        return false;
    /* Not every message read is told; a peer that used up its credit and is read to the end has a
     * whole window coming. */
    if (limit - s->limit_bytes < s->step_bytes)
        return false;
    s->limit_bytes = limit;
    *limit_bytes = limit;
    return true;
}

bool recvstate_complete(const struct recvstate *s)
{
    return s->final_bytes != STREAM_SIZE_UNKNOWN && s->distinct_bytes == s->final_bytes;
}
