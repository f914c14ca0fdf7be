/*
 * bitmap: a set of small numbers [0, cap) that finds its next member in a few
 * words, however far away: over the bits lies a level with a bit for every word
 * that is not 0, over that another, three in all.
 *
 * Owned by one thread; one block on the heap, cap/8 bytes and a little.
 */
#ifndef DUET_BASE_BITMAP_H
#define DUET_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORD_BITS 64
#define BITMAP_LEVELS 3
#define BITMAP_CAP_MAX ((size_t)BITMAP_WORD_BITS * BITMAP_WORD_BITS * BITMAP_WORD_BITS)

struct bitmap {
    uint64_t *level[BITMAP_LEVELS]; /* [0] the bits; [k + 1] has a bit per word of [k] that is not 0 */
    size_t cap;
    size_t count; /* members */
};

/* An empty set; cap is a multiple of 64, at most BITMAP_CAP_MAX.  0, DUET_ENOMEM. */
int bitmap_init(struct bitmap *b, size_t cap);
void bitmap_dispose(struct bitmap *b); /* also of a zeroed one */

/* Word `word` of the bits is no longer 0 / is 0 now: so say the levels above it. */
void bitmap_raise(struct bitmap *b, size_t word);
void bitmap_lower(struct bitmap *b, size_t word);

/* `at` was not in it / was in it. */
static inline void bitmap_add(struct bitmap *b, size_t at)
{
    uint64_t *word = &b->level[0][at / BITMAP_WORD_BITS];

    if (*word == 0)
        bitmap_raise(b, at / BITMAP_WORD_BITS);
    *word |= UINT64_C(1) << (at % BITMAP_WORD_BITS);
    b->count++;
}

static inline void bitmap_remove(struct bitmap *b, size_t at)
{
    uint64_t *word = &b->level[0][at / BITMAP_WORD_BITS];

    *word &= ~(UINT64_C(1) << (at % BITMAP_WORD_BITS));
    b->count--;
    if (*word == 0)
        bitmap_lower(b, at / BITMAP_WORD_BITS);
}

/* Members word·64 … word·64 + 63 as bits; put: there were none so far. */
static inline uint64_t bitmap_word(const struct bitmap *b, size_t word)
{
    return b->level[0][word];
}

void bitmap_put_word(struct bitmap *b, size_t word, uint64_t bits);

/* The lowest member >= from (< cap); cap: none.  *work grows by the words looked at, at most 2 · BITMAP_LEVELS - 1. */
size_t bitmap_next(const struct bitmap *b, size_t from, uint64_t *work);

#endif
