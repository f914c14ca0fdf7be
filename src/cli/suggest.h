/*
 * suggest: did-you-mean for mistyped commands and options.  Pure; any thread.
 */
#ifndef DUET_CLI_SUGGEST_H
#define DUET_CLI_SUGGEST_H

#include <stddef.h>

/* Longer words are no typing mistakes of ours. */
#define SUGGEST_WORD_BYTES 32

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b;
 * SUGGEST_WORD_BYTES when one of them is longer than that. */
size_t suggest_distance(const char *a, const char *b);

/* The word of the list (NULL-terminated) the user most likely meant: at most one
 * mistake in words of up to four letters, two in longer ones.  NULL: none is near. */
const char *suggest_word(const char *typed, const char *const words[]);

#endif
