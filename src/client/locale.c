#include "client/locale.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NOTE_BYTES 256
#define NAME_BYTES 80
#define FALLBACK "C.UTF-8"

static char note[NOTE_BYTES];

/* What decides about LC_CTYPE, as setlocale looks for it; NULL: nothing does. */
static const char *asked_for(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

const char *locale_start(void)
{
    const char *name = asked_for();
    char shown[NAME_BYTES];

    note[0] = '\0';
    if (name != NULL && setlocale(LC_CTYPE, "") != NULL)
        return NULL;
    const bool has_fallback = setlocale(LC_CTYPE, FALLBACK) != NULL;

    if (name == NULL)
        return NULL;
    text_sanitise(TEXT_ESCAPE, name, strlen(name), shown, sizeof(shown));
    snprintf(note, sizeof(note),
             "the locale %s is not installed ('locale -a' lists those that are): %s is used instead", shown,
             has_fallback ? FALLBACK : "ASCII");
    return note;
}

const char *locale_note(void)
{
    return note[0] != '\0' ? note : NULL;
}
