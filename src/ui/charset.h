/*
 * charset: what a terminal of the locale's encoding can show.
 *
 * Text is UTF-8 everywhere in duet, and client/typed.h is its way in.  This is the way out to a terminal of another
 * encoding: characters that the encoding has are converted, the others escaped or replaced.  A character whose bytes
 * hold a C0 or C1 control counts as missing: some terminals of such encodings act on C1.
 *
 * Any thread, after locale_start.
 */
#ifndef DUET_UI_CHARSET_H
#define DUET_UI_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool charset_is_utf8(void);

/* Can the terminal show this character?  In UTF-8 every one. */
bool charset_has(int32_t point);

/* Peer text made safe (base/text.h), still UTF-8: whatever the encoding lacks, and every '\', is escaped as
 * TEXT_ESCAPE does.  On the heap; NULL: out of memory. */
char *charset_escape_new(const char *text, size_t len);

/* Safe UTF-8 text in the encoding; what it lacks is a '?'.  On the heap; NULL: out of memory. */
char *charset_encode_new(const char *text);

#endif
