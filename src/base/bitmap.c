#include "base/bitmap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"

static size_t words_for(size_t bits)
{
    return (bits + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS;
}

int bitmap_init(struct bitmap *b, size_t cap)
{
    assert(cap > 0 && cap % BITMAP_WORD_BITS == 0 && cap <= BITMAP_CAP_MAX);
    const size_t low = words_for(cap), middle = words_for(low);
    uint64_t *block = calloc(low + middle + 1, sizeof(*block));

    *b = (struct bitmap){.cap = 0};
    if (block == NULL)
        return DUET_ENOMEM;
    *b = (struct bitmap){.level = {block, block + low, block + low + middle}, .cap = cap};
    return 0;
}

void bitmap_dispose(struct bitmap *b)
{
    free(b->level[0]);
    *b = (struct bitmap){.cap = 0};
}

void bitmap_raise(struct bitmap *b, size_t word)
{
    for (int k = 1; k < BITMAP_LEVELS; k++) {
        uint64_t *above = &b->level[k][word / BITMAP_WORD_BITS];
        const uint64_t before = *above;

        *above |= UINT64_C(1) << (word % BITMAP_WORD_BITS);
        if (before != 0)
            return;
        word /= BITMAP_WORD_BITS;
    }
}

void bitmap_lower(struct bitmap *b, size_t word)
{
    for (int k = 1; k < BITMAP_LEVELS; k++) {
        uint64_t *above = &b->level[k][word / BITMAP_WORD_BITS];

        *above &= ~(UINT64_C(1) << (word % BITMAP_WORD_BITS));
        if (*above != 0)
            return;
        word /= BITMAP_WORD_BITS;
    }
}

void bitmap_put_word(struct bitmap *b, size_t word, uint64_t bits)
{
    assert(b->level[0][word] == 0);
    if (bits == 0)
        return;
    b->level[0][word] = bits;
    b->count += (size_t)__builtin_popcountll(bits);
    bitmap_raise(b, word);
}

size_t bitmap_next(const struct bitmap *b, size_t from, uint64_t *work)
{
    /* Mostly it is near. */
    const uint64_t near = b->level[0][from / BITMAP_WORD_BITS] >> (from % BITMAP_WORD_BITS);
    if (near != 0) {
        ++*work;
        return from + (size_t)__builtin_ctzll(near);
    }

    const size_t cap[BITMAP_LEVELS] = {b->cap, words_for(b->cap), words_for(words_for(b->cap))};

    /* Up until a word has something at or above the place, then down to its lowest member. */
    for (int k = 0; k < BITMAP_LEVELS && from < cap[k]; k++) {
        const uint64_t here = b->level[k][from / BITMAP_WORD_BITS] & (UINT64_MAX << (from % BITMAP_WORD_BITS));

        ++*work;
        from /= BITMAP_WORD_BITS;
        if (here == 0) {
            from++;
            continue;
        }
        from = from * BITMAP_WORD_BITS + (size_t)__builtin_ctzll(here);
        while (k-- > 0) {
            ++*work;
            from = from * BITMAP_WORD_BITS + (size_t)__builtin_ctzll(b->level[k][from]);
        }
        return from;
    }
    return b->cap;
}
