/*
 * text_name: the functions of text.h that make names and numbers fit to be shown
 * or created.
 *
 * A peer's file name goes: refuse separators → gate → NFC → trim → gate → defuse
 * → shorten.  The gate comes twice, as NFC wants well-formed text and may leave
 * longer runs of marks, and trimming may leave a mark at the start.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/err.h"
#include "base/time.h"

/* No file system has longer names (255 UTF-16 units are at most 765 bytes). */
#define NAME_SOURCE_BYTES 1024

/* What such a name can become in between: each byte at most one U+FFFD, and NFC triples no text
 * twice. */
#define NAME_WORK_BYTES (5 * NAME_SOURCE_BYTES)

/* The longest canonical decomposition of one code point (U+1F82). */
#define NFC_MAX_CODEPOINTS (4 * NAME_SOURCE_BYTES)

/* A longer "extension" is a part of the name. */
#define NAME_EXTENSION_BYTES 32

/* Marks our own unfinished files. */
#define PART_MARK ".duet-part"

#define BRAILLE_BLANK 0x2800

static bool has_separator(const char *src, size_t len)
{
    return memchr(src, '/', len) != NULL || memchr(src, '\0', len) != NULL;
}

/* Normal form C of well-formed text; -1 where it cannot be had. */
static ssize_t compose(const char *src, size_t len, char out[NAME_WORK_BYTES])
{
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_int32_t work[NFC_MAX_CODEPOINTS + 1]; /* one more for the NUL that reencode adds */
    const utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)src, (utf8proc_ssize_t)len, work, NFC_MAX_CODEPOINTS, how);

    if (count < 0 || count > NFC_MAX_CODEPOINTS)
        return -1;
    const utf8proc_ssize_t used = utf8proc_reencode(work, count, how);
    if (used < 0 || used >= NAME_WORK_BYTES)
        return -1;
    memcpy(out, work, (size_t)used);
    return used;
}

static bool is_blank(int32_t cp)
{
    return cp == BRAILLE_BLANK || utf8proc_category(cp) == UTF8PROC_CATEGORY_ZS;
}

static size_t leading_blanks(const char *src, size_t len)
{
    size_t at = 0;
    int32_t cp;

    while (at < len) {
        const ssize_t used = text_decode(src + at, len - at, &cp);

        if (used < 0 || !is_blank(cp))
            break;
        at += (size_t)used;
    }
    return at;
}

/* The length without the blanks at the end. */
static size_t without_trailing_blanks(const char *src, size_t len)
{
    while (len > 0) {
        size_t start = len - 1;
        int32_t cp;

        while (start > 0 && ((uint8_t)src[start] & 0xC0) == 0x80)
            start--;
        if (text_decode(src + start, len - start, &cp) < 0 || !is_blank(cp))
            break;
        len = start;
    }
    return len;
}

static bool is_dots(const char *src, size_t len)
{
    return (len == 1 || len == 2) && memcmp(src, "..", len) == 0;
}

/* Takes away what means something to a command line, to a shell that looks into the directory
 * (.bashrc, .ssh), or to our own leftovers; returns the new length.  There is room for one byte
 * more. */
static size_t defuse(char *name, size_t len)
{
    const size_t mark = sizeof(PART_MARK) - 1;

    if (name[0] == '-')
        name[0] = '_';
    for (size_t i = 0; i + mark <= len; i++) {
        if (strncasecmp(name + i, PART_MARK, mark) == 0)
            name[i] = '_';
    }
    if (name[0] != '.')
        return len;
    memmove(name + 1, name, len);
    name[0] = '_';
    return len + 1;
}

/* Bytes of the longest prefix of whole clusters within `room` bytes. */
static size_t cluster_prefix(const char *src, size_t len, size_t room)
{
    size_t at = 0;

    while (at < len) {
        int columns;
        const size_t bytes = text_grapheme(src + at, len - at, &columns);

        if (at + bytes > room)
            break;
        at += bytes;
    }
    return at;
}

/* Cuts the stem so that stem and extension fit; returns the new length. */
static size_t shorten(char *name, size_t len)
{
    const size_t room = TEXT_NAME_BYTES - 1;
    const char *dot = memrchr(name, '.', len);
    size_t extension = 0;

    if (len <= room)
        return len;
    if (dot != NULL && (size_t)(name + len - dot) <= NAME_EXTENSION_BYTES)
        extension = (size_t)(name + len - dot);
    size_t stem = cluster_prefix(name, len - extension, room - extension);

    if (extension == 0)
        stem = without_trailing_blanks(name, stem);
    memmove(name + stem, name + len - extension, extension);
    return stem + extension;
}

int text_file_name(const char *src, size_t len, char out[TEXT_NAME_BYTES])
{
    char name[NAME_WORK_BYTES];
    char composed[NAME_WORK_BYTES];

    out[0] = '\0';
    if (len == 0 || len > NAME_SOURCE_BYTES || has_separator(src, len))
        return DUET_ENAME;

    const ssize_t used = compose(name, text_sanitise(TEXT_LINE, src, len, name, sizeof(name)), composed);
    if (used <= 0)
        return DUET_ENAME;
    const size_t end = without_trailing_blanks(composed, (size_t)used);
    const size_t start = leading_blanks(composed, end);
    if (start == end || is_dots(composed + start, end - start))
        return DUET_ENAME;

    size_t n = text_sanitise(TEXT_LINE, composed + start, end - start, name, sizeof(name) - 1);
    n = defuse(name, n);
    n = shorten(name, n);
    memcpy(out, name, n);
    out[n] = '\0';
    return 0;
}

const char *text_size(uint64_t bytes, char out[TEXT_SIZE_BYTES])
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t tenths = bytes < 1000 ? bytes * 10 : 0;
    uint64_t divisor = 1;
    size_t u = 0;

    /* Rounding may reach 1000 of a unit: then it is 1 of the next. */
    for (; bytes >= 1000 && u + 1 < sizeof(unit) / sizeof(unit[0]) && (u == 0 || tenths >= 10000); u++) {
        divisor *= 1000;
        tenths = bytes / divisor * 10 + (bytes % divisor * 10 + divisor / 2) / divisor;
    }
    if (tenths % 10 == 0)
        snprintf(out, TEXT_SIZE_BYTES, "%llu %s", (unsigned long long)(tenths / 10), unit[u]);
    else
        snprintf(out, TEXT_SIZE_BYTES, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                 (unsigned long long)(tenths % 10), unit[u]);
    return out;
}

const char *text_span(uint64_t span_us, char out[TEXT_SPAN_BYTES])
{
    const unsigned long long seconds = span_us / US_PER_S;

    if (span_us == UINT64_MAX)
        snprintf(out, TEXT_SPAN_BYTES, "-:--");
    else if (seconds < 3600)
        snprintf(out, TEXT_SPAN_BYTES, "%llu:%02llu", seconds / 60, seconds % 60);
    else
        snprintf(out, TEXT_SPAN_BYTES, "%llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return out;
}
