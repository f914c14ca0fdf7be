/*
 * print: lines for people.
 *
 * Everything passes base/text's gate here, in the form that suits the stream: what a terminal may show; in another
 * encoding than UTF-8, converted to it, and escaped what it lacks (ui/charset.h); where a program reads, what was said,
 * but for what could forge a line.  Main thread.
 */
#ifndef DUET_CLIENT_PRINT_H
#define DUET_CLIENT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

/* Prints lead, text and a newline; each further line of text gets the lead too. */
void print_lines(FILE *out, const char *lead, const char *text);
/* The same for a stream that stands for another one: `form` is the other one's. */
void print_lines_as(FILE *out, enum text_form form, const char *lead, const char *text);

/* The same without the last newline: "text [y/N] " on stderr. */
void print_question(const char *text);

/* "duet: text" on stderr, formatted. */
void print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The form of a line (without its newline) on this stream. */
enum text_form print_form(FILE *out);

/* Does this stream show UTF-8 as such? */
bool print_utf8(FILE *out);

#endif
