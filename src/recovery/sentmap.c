/*
 * sentmap: a record for number n lives at ring[n mod cap]; all numbers in use
 * lie in [first, first + cap), so places never collide.  bits[c] has a bit for
 * every place whose record is of class c, summary[c] a bit for every word of
 * bits[c] that is not 0.  With the largest ring (65536) a class has 1024 words
 * and 16 summary words: the dearest sentmap_next looks at 18 or so of them.
 */
#include "duet/recovery/sentmap.h"

#include <assert.h>
#include <stdlib.h>

#include "duet/wire/limits.h"

#define CAP_MIN 64
#define WORD_BITS 64

static size_t word_count(size_t cap)
{
    return cap / WORD_BITS;
}

static size_t summary_count(size_t cap)
{
    return (word_count(cap) + WORD_BITS - 1) / WORD_BITS;
}

static size_t place(const struct sentmap *m, uint64_t number)
{
    return (size_t)(number & (m->cap - 1));
}

static bool is_empty(const struct sentmap *m)
{
    return m->first == m->next;
}

void sentmap_init(struct sentmap *m)
{
    *m = (struct sentmap){.ring = NULL};
}

void sentmap_dispose(struct sentmap *m)
{
    free(m->ring);
    free(m->bits[0]); /* one block holds the bitmaps of all classes */
    sentmap_init(m);
}

static void bit_set(struct sentmap *m, unsigned c, size_t at)
{
    size_t word = at / WORD_BITS;

    m->bits[c][word] |= UINT64_C(1) << (at % WORD_BITS);
    m->summary[c][word / WORD_BITS] |= UINT64_C(1) << (word % WORD_BITS);
    m->counts[c]++;
}

static void bit_clear(struct sentmap *m, unsigned c, size_t at)
{
    size_t word = at / WORD_BITS;

    m->bits[c][word] &= ~(UINT64_C(1) << (at % WORD_BITS));
    if (m->bits[c][word] == 0)
        m->summary[c][word / WORD_BITS] &= ~(UINT64_C(1) << (word % WORD_BITS));
    m->counts[c]--;
}

/* Moves everything to a ring of `cap` places.  False: out of memory, nothing changed. */
static bool resize(struct sentmap *m, size_t cap)
{
    size_t words = word_count(cap), summaries = summary_count(cap);
    struct sentmap to = {.cap = cap, .first = m->first, .next = m->next, .work = m->work};

    to.ring = calloc(cap, sizeof(*to.ring));
    uint64_t *block = calloc(SENT_CLASSES * (words + summaries), sizeof(*block));
    if (!to.ring || !block) {
        free(to.ring);
        free(block);
        return false;
    }
    for (unsigned c = 0; c < SENT_CLASSES; c++) {
        to.bits[c] = block + c * words;
        to.summary[c] = block + SENT_CLASSES * words + c * summaries;
    }
    for (uint64_t n = m->first; n < m->next; n++) {
        const struct sent_packet *p = &m->ring[place(m, n)];
        if (!p->in_use)
            continue;
        to.ring[place(&to, n)] = *p;
        bit_set(&to, p->class, place(&to, n));
    }
    sentmap_dispose(m);
    *m = to;
    return true;
}

bool sentmap_has_room(const struct sentmap *m, uint64_t number)
{
    return is_empty(m) || number - m->first < LIMIT_SENT_PACKETS;
}

struct sent_packet *sentmap_add(struct sentmap *m, uint64_t number)
{
    assert(number >= m->next && number != SENTMAP_NONE);
    if (!sentmap_has_room(m, number))
        return NULL;

    uint64_t first = is_empty(m) ? number : m->first;
    size_t cap = m->cap ? m->cap : CAP_MIN;
    while (number - first >= cap)
        cap *= 2;
    if (cap != m->cap && !resize(m, cap))
        return NULL;

    struct sent_packet *p = &m->ring[place(m, number)];
    *p = (struct sent_packet){.number = number, .in_use = true, .class = SENT_OUTSTANDING};
    bit_set(m, SENT_OUTSTANDING, place(m, number));
    m->first = first;
    m->next = number + 1;
    return p;
}

struct sent_packet *sentmap_get(const struct sentmap *m, uint64_t number)
{
    if (number < m->first || number >= m->next)
        return NULL;
    struct sent_packet *p = &m->ring[place(m, number)];
    return p->in_use ? p : NULL;
}

/* The first word >= from of class c that is not 0; the number of words when there is none. */
static size_t next_word(struct sentmap *m, enum sent_class c, size_t from)
{
    size_t end = word_count(m->cap);

    if (from >= end)
        return end;
    uint64_t mask = UINT64_MAX << (from % WORD_BITS);
    for (size_t s = from / WORD_BITS; s < summary_count(m->cap); s++) {
        m->work++;
        uint64_t found = m->summary[c][s] & mask;
        if (found)
            return s * WORD_BITS + (size_t)__builtin_ctzll(found);
        mask = UINT64_MAX;
    }
    return end;
}

/* The first place >= from of class c; cap when there is none. */
static size_t next_place(struct sentmap *m, enum sent_class c, size_t from)
{
    size_t word = from / WORD_BITS;
    uint64_t here = m->bits[c][word] & (UINT64_MAX << (from % WORD_BITS));

    m->work++;
    if (!here) {
        word = next_word(m, c, word + 1);
        if (word == word_count(m->cap))
            return m->cap;
        here = m->bits[c][word];
    }
    return word * WORD_BITS + (size_t)__builtin_ctzll(here);
}

uint64_t sentmap_next(struct sentmap *m, enum sent_class c, uint64_t from)
{
    if (from < m->first)
        from = m->first;
    if (m->counts[c] == 0 || from >= m->next)
        return SENTMAP_NONE;

    /* Round the ring from `from` come first the numbers from there on, then those below it. */
    size_t at = next_place(m, c, place(m, from));
    if (at == m->cap)
        at = next_place(m, c, 0);
    if (at == m->cap || m->ring[at].number < from)
        return SENTMAP_NONE;
    return m->ring[at].number;
}

void sentmap_move(struct sentmap *m, struct sent_packet *p, enum sent_class to)
{
    m->work++;
    bit_clear(m, p->class, place(m, p->number));
    p->class = (uint8_t)to;
    bit_set(m, to, place(m, p->number));
}

void sentmap_forget(struct sentmap *m, struct sent_packet *p)
{
    m->work++;
    bit_clear(m, p->class, place(m, p->number));
    p->in_use = false;
    while (m->first < m->next && !m->ring[place(m, m->first)].in_use) {
        m->work++;
        m->first++;
    }
}
