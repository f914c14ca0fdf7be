/*
 * replay: the window of packet numbers already seen.
 *
 * A ring of 64-bit words, after RFC 6479: number n lives in word n/64 modulo
 * the ring, and the ring holds whole words, so moving on clears words and never
 * shifts bits.  The window is therefore exact to a word: at most
 * LIMIT_REPLAY_BITS numbers back, at least 63 fewer.
 *
 * Below its full size the ring never wraps: it doubles before a number would
 * not fit, so growing only appends zero words.  The words of the ring stand for
 * the last word_count words up to the one of `next - 1`, none older.
 */
#include "crypto/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/limits.h"

#define WORD_BITS 64
#define WORDS_MAX (LIMIT_REPLAY_BITS / WORD_BITS)

void replay_init(struct replay *r)
{
    *r = (struct replay){0};
}

void replay_dispose(struct replay *r)
{
    free(r->words);
    replay_init(r);
}

static uint64_t *word_of(const struct replay *r, uint64_t number)
{
    return &r->words[(number / WORD_BITS) & (r->word_count - 1)];
}

static uint64_t bit_of(uint64_t number)
{
    return UINT64_C(1) << (number % WORD_BITS);
}

bool replay_fresh(const struct replay *r, uint64_t number)
{
    if (number >= LIMIT_PACKET_NUMBER)
        return false;
    if (number >= r->next)
        return true;
    if ((r->next - 1) / WORD_BITS - number / WORD_BITS >= WORDS_MAX)
        return false;
    return (*word_of(r, number) & bit_of(number)) == 0;
}

/* Makes the ring hold `number`'s word without wrapping, up to its full size.  0, DUET_ENOMEM. */
static int grow_window(struct replay *r, uint64_t number)
{
    size_t count = r->word_count > 0 ? r->word_count : 1;

    while (count < WORDS_MAX && number / WORD_BITS >= count)
        count *= 2;
    if (count == r->word_count)
        return 0;
    uint64_t *words = realloc(r->words, count * sizeof(*words));
    if (words == NULL)
        return DUET_ENOMEM;
    memset(words + r->word_count, 0, (count - r->word_count) * sizeof(*words));
    r->words = words;
    r->word_count = count;
    return 0;
}

/* Clears the words entered on the way from the largest number seen to `number`. */
static void slide_window(struct replay *r, uint64_t number)
{
    if (r->next == 0)
        return; /* a new ring is all zero */
    uint64_t last = (r->next - 1) / WORD_BITS;
    uint64_t steps = number / WORD_BITS - last;
    if (steps > r->word_count)
        steps = r->word_count;
    for (uint64_t i = 1; i <= steps; i++)
        r->words[(last + i) & (r->word_count - 1)] = 0;
}

int replay_mark(struct replay *r, uint64_t number)
{
    if (!replay_fresh(r, number))
        return DUET_EREPLAY;
    if (number >= r->next) {
        int err = grow_window(r, number);

        if (err < 0)
            return err;
        slide_window(r, number);
        r->next = number + 1;
    }
    *word_of(r, number) |= bit_of(number);
    return 0;
}
