/*
 * replay: which packet numbers were seen (RFC 6479's idea: a ring of words, so
 * sliding clears whole words).  The window is 2^18 packets, rounded to words: a
 * number 2^18 - 64 or less below the largest is always judged by its bit, one
 * 2^18 or more below it is always too old.  Its memory grows
 * with the largest number seen, so an idle peer costs a few bytes.
 * Asked before opening, updated only after the tag verified.
 */
#ifndef DUET_CRYPTO_REPLAY_H
#define DUET_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay {
    uint64_t *words;
    size_t word_count; /* power of two; bits = 64 * word_count */
    uint64_t next;     /* largest seen + 1; 0: none yet */
};

void replay_init(struct replay *r);
void replay_dispose(struct replay *r);

/* Could this number be new?  false: seen, or older than the window. */
bool replay_fresh(const struct replay *r, uint64_t number);

/* Marks it seen.  0; DUET_EREPLAY: was not fresh; DUET_ENOMEM: nothing changed, drop the packet. */
int replay_mark(struct replay *r, uint64_t number);

#endif
