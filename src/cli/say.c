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

static void say_line(FILE *out, const char *lead, const char *text, size_t len, bool utf8)
{
    char *escaped = utf8 ? NULL : text_sanitise_new(TEXT_ESCAPE, text, len);

    if (escaped)
        fprintf(out, "%s%s\n", lead, escaped);
    else if (utf8)
        fprintf(out, "%s%.*s\n", lead, (int)len, text);
    free(escaped);
}

void say_lines(FILE *out, const char *lead, const char *text)
{
    bool utf8 = say_utf8(out);

    for (;;) {
        size_t len = strcspn(text, "\n");
        say_line(out, lead, text, len, utf8);
        if (text[len] == '\0')
            return;
        text += len + 1;
    }
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
