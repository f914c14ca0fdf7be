/*
 * text: formatting, decoding and widths.  The gate is in text_gate.c; what is built on both
 * (file names, sizes, spans) in text_name.c.
 */
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <utf8proc.h>

#include "base/text_class.h"

#define MAX_COLUMNS 2

bool text_within(int32_t cp, const struct text_range *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cp >= table[i].first && cp <= table[i].last)
            return true;
    }
    return false;
}

/* ---- formatting ---- */

char *text_format_new(const char *format, va_list args)
{
    char *text;

    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/* ---- decoding and widths ---- */

ssize_t text_decode(const char *src, size_t len, int32_t *codepoint)
{
    const size_t look = len < MAX_CHAR_BYTES ? len : MAX_CHAR_BYTES;
    const ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)src, (utf8proc_ssize_t)look, codepoint);

    return used > 0 ? used : -1;
}

bool text_valid(const char *src, size_t len)
{
    while (len > 0) {
        int32_t cp;
        const ssize_t used = text_decode(src, len, &cp);

        if (used < 0)
            return false;
        src += used;
        len -= (size_t)used;
    }
    return true;
}

bool text_is_mark(int32_t cp)
{
    const utf8proc_category_t category = utf8proc_category(cp);

    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

bool text_is_emoji_modifier(int32_t cp)
{
    return cp >= 0x1F3FB && cp <= 0x1F3FF;
}

bool text_is_pictograph(int32_t cp)
{
    return cp >= 0 && utf8proc_get_property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

/* Wide in glibc's tables, and since Unicode 16 mostly in the standard's, but not yet in
 * utf8proc's. */
static const struct text_range wide[] = {{0x302E, 0x302F}, {0x3248, 0x324F}, {0x4DC0, 0x4DFF}, {0x16FF0, 0x16FF1}};

int text_char_columns(int32_t cp)
{
    const utf8proc_property_t *p = utf8proc_get_property(cp);

    if (TEXT_WITHIN(cp, wide) || (p->category == UTF8PROC_CATEGORY_CN && text_is_pictograph(cp)))
        return 2;
    if (p->category == UTF8PROC_CATEGORY_MC || p->category == UTF8PROC_CATEGORY_CC)
        return 1;
    if (p->boundclass == UTF8PROC_BOUNDCLASS_V || p->boundclass == UTF8PROC_BOUNDCLASS_T)
        return 0;
    return utf8proc_charwidth(cp);
}

/* Is it drawn over the character before it?  The colour of an emoji is, by terminals that know
 * it. */
static bool is_overlay(int32_t cp, int32_t last)
{
    return text_char_columns(cp) == 0 || (text_is_emoji_modifier(cp) && text_is_pictograph(last));
}

/*
 * A cluster ends where Unicode says (UAX #29), and also where it would be wider than
 * any character is; only joined emoji go on, so that they are not torn apart.
 */
size_t text_grapheme(const char *src, size_t len, int *columns)
{
    int32_t last;
    int32_t state = 0;
    const ssize_t first = text_decode(src, len, &last);

    assert(len > 0);
    if (first < 0) {
        *columns = 1;
        return 1;
    }
    size_t bytes = (size_t)first;
    int width = text_char_columns(last);

    while (bytes < len) {
        int32_t next;
        const ssize_t used = text_decode(src + bytes, len - bytes, &next);

        if (used < 0 || utf8proc_grapheme_break_stateful(last, next, &state))
            break;
        const int more = is_overlay(next, last) ? 0 : text_char_columns(next);

        if (more > 0 && last != ZWJ && width + more > MAX_COLUMNS)
            break;
        width += more;
        bytes += (size_t)used;
        last = next;
    }
    *columns = width;
    return bytes;
}

size_t text_cell(const char *cluster, size_t len, int *columns)
{
    int32_t last;
    const ssize_t first = text_decode(cluster, len, &last);

    assert(len > 0);
    *columns = first < 0 ? 1 : text_char_columns(last);
    if (first < 0)
        return 1;
    size_t bytes = (size_t)first;

    while (bytes < len) {
        int32_t next;
        const ssize_t used = text_decode(cluster + bytes, len - bytes, &next);

        if (used < 0 || (*columns > 0 && !is_overlay(next, last)))
            break;
        *columns += is_overlay(next, last) ? 0 : text_char_columns(next);
        bytes += (size_t)used;
        last = next;
    }
    return bytes;
}

size_t text_columns(const char *src, size_t len)
{
    size_t sum = 0;

    for (size_t at = 0; at < len;) {
        int columns;

        at += text_grapheme(src + at, len - at, &columns);
        sum += (size_t)columns;
    }
    return sum;
}

size_t text_fit(const char *src, size_t len, size_t columns)
{
    size_t at = 0;

    while (at < len) {
        int width;
        const size_t bytes = text_grapheme(src + at, len - at, &width);

        if ((size_t)width > columns)
            break;
        columns -= (size_t)width;
        at += bytes;
    }
    return at;
}
