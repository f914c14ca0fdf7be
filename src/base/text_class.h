/*
 * text_class: what a code point is.  For the files of text only (text.c, text_gate.c); everyone else sees text.h.
 */
#ifndef DUET_BASE_TEXT_CLASS_H
#define DUET_BASE_TEXT_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CHAR_BYTES 4
#define ZWNJ 0x200C
#define ZWJ 0x200D

struct text_range {
    int32_t first, last;
};

bool text_within(int32_t cp, const struct text_range *table, size_t count);
#define TEXT_WITHIN(cp, table) text_within(cp, table, sizeof(table) / sizeof((table)[0]))

/* A combining mark, with or without a width. */
bool text_is_mark(int32_t cp);
/* The colour of an emoji. */
bool text_is_emoji_modifier(int32_t cp);
/* Also one that is not assigned yet: Unicode keeps these places for emoji (UTS #51), and next
 * year's are no danger. */
bool text_is_pictograph(int32_t cp);

/* Columns of one code point as glibc's wcwidth, and so ncurses, counts them:
 * unlike utf8proc, spacing marks take a column and medial jamo none.  A control,
 * which only a line that is being typed may hold, is drawn as one replacement. */
int text_char_columns(int32_t cp);

#endif
