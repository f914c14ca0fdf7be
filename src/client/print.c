#include "client/print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ui/charset.h"

enum text_form print_form(FILE *out)
{
    if (!isatty(fileno(out)))
        return TEXT_PIPE;
    return charset_is_utf8() ? TEXT_MULTILINE : TEXT_ESCAPE;
}

bool print_utf8(FILE *out)
{
    return print_form(out) != TEXT_ESCAPE;
}

/* To a terminal of another encoding than UTF-8. */
static void print_encoded(FILE *out, const char *text, size_t len)
{
    char *clean = charset_escape_new(text, len);
    char *bytes = clean != NULL ? charset_encode_new(clean) : NULL;

    if (bytes != NULL)
        fputs(bytes, out);
    free(bytes);
    free(clean);
}

static void print_part(FILE *out, enum text_form form, const char *text, size_t len)
{
    if (form == TEXT_ESCAPE) {
        print_encoded(out, text, len);
        return;
    }
    char *clean = text_sanitise_new(form, text, len);

    if (clean != NULL)
        fputs(clean, out);
    free(clean);
}

static void print_until(FILE *out, enum text_form form, const char *lead, const char *text, const char *end)
{
    for (;;) {
        const size_t len = strcspn(text, "\n");

        print_part(out, form, lead, strlen(lead));
        print_part(out, form, text, len);
        fputs(text[len] == '\0' ? end : "\n", out);
        if (text[len] == '\0')
            return;
        text += len + 1;
    }
}

void print_lines_as(FILE *out, enum text_form form, const char *lead, const char *text)
{
    print_until(out, form, lead, text, "\n");
}

void print_lines(FILE *out, const char *lead, const char *text)
{
    print_lines_as(out, print_form(out), lead, text);
}

void print_question(const char *text)
{
    print_until(stderr, print_form(stderr), "", text, " [y/N] ");
    fflush(stderr);
}

void print_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    if (text == NULL)
        return;
    print_lines(stderr, "duet: ", text);
    free(text);
}
