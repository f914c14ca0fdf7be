#include "recovery/ackmemo.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 8
#define LINE_RANGES (64 / sizeof(struct range)) /* ranges in one line of cache */

void ackmemo_init(struct ackmemo *m)
{
    *m = (struct ackmemo){.count = 0};
}

void ackmemo_dispose(struct ackmemo *m)
{
    free(m->v);
    ackmemo_init(m);
}

static bool is_same(const struct range *a, const struct range *b)
{
    return a->start == b->start && a->end == b->end;
}

size_t ackmemo_fresh(const struct ackmemo *m, const struct frame_ack *ack, const struct range *fresh[LIMIT_ACK_RANGES],
                     uint64_t *work)
{
    size_t count = 0, k = 0;

    for (size_t i = 0; i < ack->range_count; i++) {
        const struct range *r = &ack->ranges[i];

        while (k < m->count && m->v[k].start > r->start)
            k++;
        if (k < m->count && is_same(&m->v[k], r))
            k++;
        else
            fresh[count++] = r;
    }
    *work += (ack->range_count > k ? ack->range_count : k) / LINE_RANGES + 1;
    return count;
}

/* Room for `need` ranges, which are as many as there are now or more, and not much more.  False:
 * there is no memory. */
static bool fit_memo(struct ackmemo *m, size_t need)
{
    size_t cap = CAP_MIN;

    while (cap < need)
        cap *= 2;
    struct range *v = realloc(m->v, cap * sizeof(*v));
    if (v == NULL)
        return false;
    m->v = v;
    m->cap = cap;
    return true;
}

/* Index of the first range wholly below `value`. */
static size_t first_below(const struct ackmemo *m, uint64_t value)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (m->v[mid].end <= value)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void ackmemo_keep(struct ackmemo *m, const struct frame_ack *ack, uint64_t floor)
{
    if (m->count > 0 && m->v[0].end > ack->largest + 1)
        return; /* an ACK that was overtaken: what is known is worth more */

    /* What this one does not reach down to is still good: a longer ACK may name it again. */
    const size_t from = first_below(m, ack->ranges[ack->range_count - 1].start), end = first_below(m, floor);
    size_t rest = end > from ? end - from : 0;
    if (rest > LIMIT_ACK_RANGES - ack->range_count)
        rest = LIMIT_ACK_RANGES - ack->range_count;
    const size_t count = ack->range_count + rest;

    if (count > m->cap && !fit_memo(m, count)) {
        m->count = 0;
        return;
    }
    memmove(m->v + ack->range_count, m->v + from, rest * sizeof(*m->v));
    memcpy(m->v, ack->ranges, ack->range_count * sizeof(*m->v));
    m->count = count;
    if (m->cap > CAP_MIN && count < m->cap / 4)
        (void)fit_memo(m, count); /* smaller; without memory for that it stays */
}
