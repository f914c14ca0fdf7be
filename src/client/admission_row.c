/*
 * Who waits to be let in, for the eye: the row above the input of the screen, and the walk that
 * /peers takes.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/admission.h"

const struct stranger *admission_next(const struct admission *a, size_t *index)
{
    while (*index < a->count && !time_is_never(a->v[*index].gone_at))
        ++*index;
    return *index < a->count ? &a->v[*index] : NULL;
}

size_t admission_waiting(const struct admission *a)
{
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++)
        count += time_is_never(a->v[i].gone_at);
    return count;
}

/* "bob, carol, ..." of those who wait. */
static void list_names(const struct admission *a, char *out, size_t cap)
{
    size_t used = 0, index = 0;

    out[0] = '\0';
    for (const struct stranger *s; (s = admission_next(a, &index)) != NULL && used < cap; index++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s", used > 0 ? ", " : "", s->key.name);
}

/* One, from the fullest form to the shortest. */
static void row_of_one(const struct stranger *s, int form, char out[ADMISSION_ROW_BYTES])
{
    const bool is_known = s->known_as[0] != '\0';
    const char *name = s->key.name;

    if (form == 0)
        snprintf(out, ADMISSION_ROW_BYTES, "%s %s is %s%s: /trust %s or /refuse %s", name, s->key.fingerprint,
                 is_known ? "known as " : "new", s->known_as, name, name);
    else if (form == 1)
        snprintf(out, ADMISSION_ROW_BYTES, "%s %s%s%s: /trust or /refuse", name, s->key.fingerprint,
                 is_known ? " known as " : "", s->known_as);
    else if (form == 2)
        snprintf(out, ADMISSION_ROW_BYTES, "%s is %s%s: /trust or /refuse", name, is_known ? "known as " : "new",
                 s->known_as);
    else
        snprintf(out, ADMISSION_ROW_BYTES, "%s: /trust /refuse", name);
}

static void row_of_many(size_t count, const char *names, int form, char out[ADMISSION_ROW_BYTES])
{
    if (form == 0)
        snprintf(out, ADMISSION_ROW_BYTES, "%zu strangers wait: /trust NAME or /refuse NAME: %s", count, names);
    else if (form < 3)
        snprintf(out, ADMISSION_ROW_BYTES, "%zu wait: /trust /refuse %s", count, names);
    else
        snprintf(out, ADMISSION_ROW_BYTES, "%zu: %s", count, names);
}

const char *admission_row(const struct admission *a, size_t columns, char out[ADMISSION_ROW_BYTES])
{
    enum { FORMS = 4 };
    const size_t count = admission_waiting(a);
    size_t index = 0;
    const struct stranger *s = admission_next(a, &index);
    char names[ADMISSION_ROW_BYTES / 2];

    out[0] = '\0';
    if (s == NULL)
        return out;
    list_names(a, names, sizeof(names));
    for (int form = 0; form < FORMS; form++) {
        if (count == 1)
            row_of_one(s, form, out);
        else
            row_of_many(count, names, form, out);
        if (text_columns(out, strlen(out)) <= columns)
            return out;
    }
    return out; /* cut at the edge, behind the name */
}
