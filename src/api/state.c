#include "api/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void api_complain(char *error, const char *format, ...)
{
    va_list args;

    if (error == NULL)
        return;
    va_start(args, format);
    vsnprintf(error, DUET_ERROR_BYTES, format, args);
    va_end(args);
}

void api_event_text(struct duet_node *n, const char *text)
{
    snprintf(n->words, sizeof(n->words), "%s", text);
    n->event.text = n->words;
    n->event.text_bytes = strlen(n->words);
}
