#include "stream/bulk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/limits.h"

void bulksend_init(struct bulksend *b, uint64_t id)
{
    *b = (struct bulksend){.id = id};
    sendstate_init(&b->state, 0, LIMIT_EXTENT_RANGES);
}

void bulksend_dispose(struct bulksend *b)
{
    sendstate_dispose(&b->state);
    free(b->v);
    b->v = NULL;
    b->count = b->cap = 0;
}

/* Index of the first source that ends after `offset`. */
static size_t source_at(const struct bulksend *b, uint64_t offset)
{
    size_t low = 0, high = b->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (b->v[mid].offset + b->v[mid].len <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int reserve_piece(struct bulksend *b)
{
    if (b->count == BULK_PIECES)
        return DUET_EFULL;
    if (b->count < b->cap)
        return 0;
    const size_t cap = b->cap == 0 ? 8 : b->cap * 2;
    struct bulk_source *v = realloc(b->v, cap * sizeof(*v));
    if (v == NULL)
        return DUET_ENOMEM;
    b->v = v;
    b->cap = cap;
    return 0;
}

int bulksend_supply(struct bulksend *b, const struct bulk_source *src)
{
    const size_t at = source_at(b, src->offset);

    if (src->len == 0 || (at < b->count && b->v[at].offset < src->offset + src->len))
        return DUET_EINVAL;
    int err = reserve_piece(b);
    if (err == 0)
        err = sendstate_supply(&b->state, src->offset, src->offset + src->len);
    if (err != 0)
        return err;
    memmove(&b->v[at + 1], &b->v[at], (b->count - at) * sizeof(b->v[0]));
    b->v[at] = *src;
    b->count++;
    return 0;
}

const uint8_t *bulksend_at(const struct bulksend *b, uint64_t offset, size_t *len)
{
    const struct bulk_source *src = &b->v[source_at(b, offset)];

    assert(src < b->v + b->count && src->offset <= offset);
    const size_t skipped = (size_t)(offset - src->offset);
    *len = src->len - skipped;
    return src->bytes + skipped;
}

bool bulksend_release(struct bulksend *b, uint64_t start, uint64_t end, uint64_t *cookie)
{
    for (size_t i = source_at(b, start); i < b->count && b->v[i].offset < end; i++) {
        const struct bulk_source *src = &b->v[i];

        if (!b->reset && !extents_covers(&b->state.acked, src->offset, src->offset + src->len))
            continue;
        *cookie = src->cookie;
        b->count--;
        memmove(&b->v[i], &b->v[i + 1], (b->count - i) * sizeof(b->v[0]));
        return true;
    }
    return false;
}

void bulkrecv_init(struct bulkrecv *b, uint64_t id)
{
    *b = (struct bulkrecv){.id = id};
    recvstate_init(&b->state, 0, LIMIT_EXTENT_RANGES);
}

void bulkrecv_dispose(struct bulkrecv *b)
{
    recvstate_dispose(&b->state);
}
