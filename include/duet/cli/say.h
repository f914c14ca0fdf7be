/*
 * say: lines for people.
 *
 * Text has passed base/text's gate already; here it is only fitted to the terminal: where the locale has no UTF-8 and a
 * person looks, everything beyond ASCII is escaped (bytes 0x80..0x9f would be controls there).  Main thread.
 */
#ifndef DUET_CLI_SAY_H
#define DUET_CLI_SAY_H

#include <stdbool.h>
#include <stdio.h>

/* Prints lead, text and a newline; each further line of text gets the lead too. */
void say_lines(FILE *out, const char *lead, const char *text);
/* The same for a stream that stands for another one: utf8 as say_utf8 has it. */
void say_lines_as(FILE *out, bool utf8, const char *lead, const char *text);

/* The same without the last newline: "text [y/N] " on stderr. */
void say_question(const char *text);

/* "duet: text" on stderr, formatted. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does this stream show UTF-8 as such? */
bool say_utf8(FILE *out);

#endif
