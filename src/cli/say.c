#include "duet/cli/say.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "duet/base/text.h"

bool say_utf8(FILE *out)
{
    return !isatty(fileno(out)) || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void say_line(FILE *out, const char *lead, const char *text, size_t len, bool utf8, const char *end)
{
    char *escaped = utf8 ? NULL : text_sanitise_new(TEXT_ESCAPE, text, len);

    if (escaped)
        fprintf(out, "%s%s%s", lead, escaped, end);
    else if (utf8)
        fprintf(out, "%s%.*s%s", lead, (int)len, text, end);
    free(escaped);
}

static void say_until(FILE *out, bool utf8, const char *lead, const char *text, const char *end)
{
    for (;;) {
        size_t len = strcspn(text, "\n");
        say_line(out, lead, text, len, utf8, text[len] == '\0' ? end : "\n");
        if (text[len] == '\0')
            return;
        text += len + 1;
    }
}

void say_lines_as(FILE *out, bool utf8, const char *lead, const char *text)
{
    say_until(out, utf8, lead, text, "\n");
}

void say_lines(FILE *out, const char *lead, const char *text)
{
    say_lines_as(out, say_utf8(out), lead, text);
}

void say_question(const char *text)
{
    say_until(stderr, say_utf8(stderr), "", text, " [y/N] ");
    fflush(stderr);
}

void say_error(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    say_lines(stderr, "duet: ", text);
    free(text);
}
