/*
 * text: UTF-8, widths, and the one gate that all peer text passes before it
 * reaches a terminal, a log, a trace or a path.
 *
 * The gate (text_sanitise) lets through what shows as itself and nothing that
 * acts: C0/C1 controls, DEL, escape sequences, bidi controls (U+202A..202E,
 * U+2066..2069, U+200E/F, U+061C), other Cf format characters that can hide or
 * reorder (except ZWJ/ZWNJ between letters and emoji, where scripts need them),
 * line/paragraph separators, noncharacters, surrogates, tag characters, letters
 * without a shape (Hangul fillers), unassigned code points (but not the places
 * kept for new emoji), marks with nothing before them and bad UTF-8 become visible: U+FFFD, or with TEXT_ESCAPE
 * "\x1b"-style escapes.  At most 8 combining marks stay on one cluster; one
 * U+FFFD stands for the rest of them.
 * TEXT_PIPE keeps what was said: only what could end a line or start a sequence
 * (C0 but tab, DEL, C1, U+2028/2029) and bad UTF-8 is replaced.
 * Pure functions over (pointer, length); any thread.  utf8proc does the tables.
 */
#ifndef DUET_BASE_TEXT_H
#define DUET_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum text_form {
    TEXT_LINE = 0,      /* one line, a name: newline becomes U+23CE, tab a space */
    TEXT_MULTILINE = 1, /* \n stays, a tab goes to the next stop; for the screen, which breaks lines itself */
    TEXT_ESCAPE = 2,    /* ASCII only: everything else as \xNN / \u{N}, and \ as \\; for logs in LANG=C and traces */
    TEXT_PIPE = 3,      /* one line for a program that reads it, not for a terminal: see below */
};

#define TEXT_TAB_COLUMNS 8 /* from one stop to the next, counted from the start of the line */

/* Sanitised length never exceeds this for `len` input bytes (each byte at worst becomes "\u{10FFFF}"-sized text). */
#define TEXT_SANITISED_MAX(len) ((len)*10 + 1)

/* Writes the sanitised form of src, always NUL-terminated, never cut inside a
 * character; returns bytes written without the NUL.  What does not fit in cap
 * is left out.  cap >= 1. */
size_t text_sanitise(enum text_form form, const char *src, size_t len, char *out, size_t cap);

/* The same on the heap, to be freed by the caller; NULL: out of memory. */
char *text_sanitise_new(enum text_form form, const char *src, size_t len);

/* printf's words on the heap, to be freed by the caller; NULL: out of memory. */
char *text_format_new(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* Is this well-formed UTF-8 (no surrogates, no overlong forms)? */
bool text_valid(const char *src, size_t len);

/* Decodes one character; returns its bytes (1..4), or -1 for a bad byte (advance by one). len > 0. */
ssize_t text_decode(const char *src, size_t len, int32_t *codepoint);

/* Terminal columns of one grapheme cluster starting at src, and its bytes.
 * Never 0 bytes for len > 0.  Width 0..2, of joined emoji 2 for each: most terminals draw them side by side. */
size_t text_grapheme(const char *src, size_t len, int *columns);

/* The first of the places that one cluster (all of len) takes: a character with a width and what is drawn over it.
 * Vowel signs with a width, the second letter of a flag and joined emoji have a place of their own. */
size_t text_cell(const char *cluster, size_t len, int *columns);

/* Terminal columns of the whole text. */
size_t text_columns(const char *src, size_t len);

/* Bytes of the longest prefix, whole graphemes, that fits in `columns`. */
size_t text_fit(const char *src, size_t len, size_t columns);

/*
 * A peer's file name made safe to create in one directory: sanitised, NFC, no '/' or NUL ('\' is a
 * letter like any other here), not "", ".", "..", no leading or trailing blanks, no leading '-' or
 * ".duet-part" anywhere (the '-' or '.' becomes '_'), nothing hidden (a leading '.' gets a '_' in
 * front: no .bashrc, no .ssh), at most 255 bytes with its extension kept.  0 or DUET_ENAME (nothing
 * acceptable is left: e.g. "..", "/", "", or more than 1024 bytes).  A separator in the name is
 * refused, not repaired.
 */
#define TEXT_NAME_BYTES 256
int text_file_name(const char *src, size_t len, char out[TEXT_NAME_BYTES]);

/* Would a reader take these two names for one?  Case, normal form (NFKC) and letters of other scripts that look like
 * Latin ones make no difference.  To compare by; what is shown stays as it is. */
bool text_alike(const char *a, size_t a_len, const char *b, size_t b_len);

/* "1.5 GB", "720 B": decimal units, at most one decimal. Returns out. */
#define TEXT_SIZE_BYTES 24
const char *text_size(uint64_t bytes, char out[TEXT_SIZE_BYTES]);

/* "0:06", "12:30", "3:04:05": for an ETA; "-:--" for UINT64_MAX. Returns out. */
#define TEXT_SPAN_BYTES 24
const char *text_span(uint64_t span_us, char out[TEXT_SPAN_BYTES]);

#endif
