#include "client/admission.h"

#include <stdarg.h>
#include <stdio.h>

void admission_say(struct admission *a, enum admission_event_type type, const char *format, ...)
{
    char text[TRUST_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    a->sink(a->self, &(struct admission_event){.type = type, .text = text});
}
