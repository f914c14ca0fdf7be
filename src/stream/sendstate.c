#include "stream/sendstate.h"

#include "base/err.h"

void sendstate_init(struct sendstate *s, uint64_t limit_bytes, size_t max_ranges)
{
    *s = (struct sendstate){.limit_bytes = limit_bytes, .final_bytes = STREAM_SIZE_UNKNOWN};
    extents_init(&s->ready, max_ranges);
    extents_init(&s->lost, max_ranges);
    extents_init(&s->acked, max_ranges);
}

void sendstate_dispose(struct sendstate *s)
{
    extents_dispose(&s->ready);
    extents_dispose(&s->lost);
    extents_dispose(&s->acked);
}

int sendstate_supply(struct sendstate *s, uint64_t start, uint64_t end)
{
    if (s->final_bytes != STREAM_SIZE_UNKNOWN && end > s->final_bytes)
        return DUET_EINVAL;
    const int err = extents_add(&s->ready, start, end);
    if (err == 0 && end > s->supplied_end)
        s->supplied_end = end;
    return err;
}

void sendstate_announce(struct sendstate *s)
{
    s->announce = true;
}

int sendstate_finish(struct sendstate *s, uint64_t final_bytes)
{
    if (s->final_bytes != STREAM_SIZE_UNKNOWN)
        return s->final_bytes == final_bytes ? 0 : DUET_EINVAL;
    if (final_bytes < s->supplied_end)
        return DUET_EINVAL;
    s->final_bytes = final_bytes;
    return 0;
}

static uint64_t credit_left(const struct sendstate *s)
{
    return s->limit_bytes > s->fresh_bytes ? s->limit_bytes - s->fresh_bytes : 0;
}

static bool fin_wanted(const struct sendstate *s)
{
    /* Without any credit the peer does not know the stream yet (an empty file before its offer was
     * accepted). */
    return s->final_bytes != STREAM_SIZE_UNKNOWN && !s->fin_in_air && !s->fin_acked && s->limit_bytes > 0;
}

/* The part of range r that one frame of max_len takes. */
static struct stream_piece cut_piece(const struct sendstate *s, struct range r, uint64_t max_len)
{
    const uint64_t len = r.end - r.start < max_len ? r.end - r.start : max_len;

    return (struct stream_piece){
        .offset = r.start,
        .len = (size_t)len,
        .fin = s->final_bytes != STREAM_SIZE_UNKNOWN && r.start + len == s->final_bytes,
    };
}

bool sendstate_next(const struct sendstate *s, size_t max_len, uint64_t fresh_allowed, struct stream_piece *out,
                    bool *fresh)
{
    *fresh = false;
    if (s->lost.count > 0 && max_len > 0) {
        *out = cut_piece(s, extents_first(&s->lost), max_len);
        return true;
    }
    const uint64_t allowed = credit_left(s) < fresh_allowed ? credit_left(s) : fresh_allowed;
    if (s->ready.count > 0 && allowed > 0 && max_len > 0) {
        *out = cut_piece(s, extents_first(&s->ready), allowed < max_len ? allowed : max_len);
        *fresh = true;
        return true;
    }
    /* A fin travels alone only when no byte that could carry it is left to be sent. */
    if (fin_wanted(s) && s->ready.count == 0) {
        *out = (struct stream_piece){.offset = s->final_bytes, .len = 0, .fin = true};
        return true;
    }
    *out = (struct stream_piece){.offset = 0};
    return s->announce;
}

bool sendstate_wants(const struct sendstate *s)
{
    return s->lost.count > 0 || (s->ready.count > 0 && credit_left(s) > 0) || (fin_wanted(s) && s->ready.count == 0) ||
           s->announce;
}

int sendstate_sent(struct sendstate *s, const struct stream_piece *p)
{
    const uint64_t end = p->offset + p->len;
    const uint64_t fresh = extents_overlap(&s->ready, p->offset, end);
    int err = 0;

    if (fresh > 0) {
        err = extents_remove(&s->ready, p->offset, end);
        s->fresh_bytes += fresh;
    }
    if (err == 0 && fresh < p->len)
        err = extents_remove(&s->lost, p->offset, end);
    if (p->fin)
        s->fin_in_air = true;
    s->announce = false;
    return err;
}

int sendstate_acked(struct sendstate *s, const struct stream_piece *p)
{
    const uint64_t end = p->offset + p->len;
    const uint64_t fresh = p->len - extents_overlap(&s->acked, p->offset, end);
    int err = extents_add(&s->acked, p->offset, end);

    if (err == 0)
        s->acked_bytes += fresh;
    if (err == 0 && s->lost.count > 0)
        err = extents_remove(&s->lost, p->offset, end);
    if (p->fin)
        s->fin_acked = true;
    s->is_known = true;
    return err;
}

int sendstate_lost(struct sendstate *s, const struct stream_piece *p)
{
    const uint64_t end = p->offset + p->len;
    struct range gap;

    for (uint64_t at = p->offset; extents_first_gap(&s->acked, at, end, &gap); at = gap.end) {
        int err = extents_add(&s->lost, gap.start, gap.end);

        if (err != 0)
            return err;
    }
    if (p->fin && !s->fin_acked)
        s->fin_in_air = false;
    if (p->len == 0 && !p->fin && !s->is_known)
        s->announce = true;
    return 0;
}

bool sendstate_done(const struct sendstate *s)
{
    return s->fin_acked && sendstate_acked_prefix(s) == s->final_bytes;
}

uint64_t sendstate_acked_prefix(const struct sendstate *s)
{
    return extents_end_of(&s->acked, 0);
}
