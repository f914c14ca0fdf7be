#include "chat/receipts.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64

void receipts_dispose(struct receipts *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->v[i].waits_for);
    r->count = r->bytes = r->ended = 0;
}

/* The first with this number or a higher one. */
static size_t place_of(const struct receipts *r, uint32_t number)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->v[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct receipt *receipts_add(struct receipts *r, uint32_t number, size_t bytes, size_t slots)
{
    struct receipt m = {.number = number, .bytes = bytes, .words = slots / WORD_BITS + 1};

    if (r->count == RECEIPTS_MAX)
        return NULL;
    m.waits_for = calloc(m.words, sizeof m.waits_for[0]);
    if (!m.waits_for)
        return NULL;
    const size_t place = place_of(r, number);

    memmove(&r->v[place + 1], &r->v[place], (r->count - place) * sizeof r->v[0]);
    r->bytes += bytes;
    r->count++;
    r->v[place] = m;
    return &r->v[place];
}

void receipts_drop(struct receipts *r, struct receipt *m)
{
    size_t behind = (size_t)(&r->v[r->count] - (m + 1));

    r->bytes -= m->bytes;
    free(m->waits_for);
    memmove(m, m + 1, behind * sizeof *m);
    r->count--;
}

void receipt_expect(struct receipt *m, unsigned slot)
{
    m->waits_for[slot / WORD_BITS] |= UINT64_C(1) << (slot % WORD_BITS);
    m->waiting++;
}

bool receipt_waits_for(const struct receipt *m, unsigned slot)
{
    return slot / WORD_BITS < m->words && (m->waits_for[slot / WORD_BITS] & UINT64_C(1) << (slot % WORD_BITS)) != 0;
}

/* Did it wait for that one? */
static bool settle(struct receipts *r, struct receipt *m, unsigned slot)
{
    if (!receipt_waits_for(m, slot))
        return false; /* a peer that came later */
    m->waits_for[slot / WORD_BITS] &= ~(UINT64_C(1) << (slot % WORD_BITS));
    if (--m->waiting == 0)
        r->ended++;
    return true;
}

void receipts_came(struct receipts *r, unsigned slot, uint32_t number)
{
    for (size_t i = place_of(r, number); i < r->count && r->v[i].number == number; i++)
        if (settle(r, &r->v[i], slot))
            r->v[i].delivered = true;
}

void receipts_give_up(struct receipts *r, unsigned slot, uint32_t number)
{
    for (size_t i = number ? place_of(r, number) : 0; i < r->count && (!number || r->v[i].number == number); i++)
        settle(r, &r->v[i], slot);
}

bool receipts_has(const struct receipts *r, uint32_t number)
{
    const size_t place = place_of(r, number);

    return place < r->count && r->v[place].number == number;
}

bool receipts_take_ended(struct receipts *r, uint32_t *number, bool *delivered)
{
    for (size_t i = 0; r->ended > 0 && i < r->count; i++) {
        if (r->v[i].waiting > 0)
            continue;
        *number = r->v[i].number;
        *delivered = r->v[i].delivered;
        receipts_drop(r, &r->v[i]);
        r->ended--;
        return true;
    }
    return false;
}
