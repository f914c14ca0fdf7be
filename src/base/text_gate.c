/*
 * text_gate: what of a text may reach a terminal.
 *
 * The gate looks at one code point after the other.  Most are judged alone
 * (kind_of); combining marks, joiners and variation selectors are judged by
 * what stands before and after them (struct gate), because harmless in their
 * place they hide, stack up or cling to foreign text anywhere else.  What comes
 * out passes through the gate unchanged a second time.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"
#include "base/text_class.h"

#define MAX_ESCAPE_BYTES 10 /* "\u{10FFFF}" */

/* Most combining marks on one visible cluster, and most parts joined into one. */
#define TEXT_MARKS_MAX 8
#define TEXT_JOINS_MAX 8

#define REPLACEMENT 0xFFFD
#define RETURN_SYMBOL 0x23CE
#define LINE_SEPARATOR 0x2028
#define PARAGRAPH_SEPARATOR 0x2029
#define KEYCAP 0x20E3

/* Where there is no code point: a bad byte, the end of the text, a mark too many. */
#define NOT_UTF8 (-1)
#define END_OF_TEXT (-2)
#define SWALLOWED (-3)

enum kind {
    KIND_BAD,      /* acts, hides or is nothing: shown as U+FFFD */
    KIND_PLAIN,    /* shows as itself */
    KIND_MARK,     /* belongs to what stands before it */
    KIND_JOINER,   /* ZWJ, ZWNJ */
    KIND_SELECTOR, /* asks for another shape of the character before it */
};

/* Letters and marks without a shape (the format characters are all in category Cf). */
static const struct text_range unseen[] = {
    {0x034F, 0x034F}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x3164, 0x3164}, {0xFFA0, 0xFFA0},
};

static const struct text_range mongolian_selectors[] = {{0x180B, 0x180D}, {0x180F, 0x180F}};
static const struct text_range emoji_selectors[] = {{0xFE0E, 0xFE0F}};
static const struct text_range ideograph_selectors[] = {{0xFE00, 0xFE0D}, {0xE0100, 0xE01EF}};

static const struct text_range mongolian_letters[] = {{0x1807, 0x1807}, {0x1820, 0x18AA}};
static const struct text_range ideographs[] = {
    {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFD}};

/* Scripts that write with ZWJ and ZWNJ: Arabic and its kin, the Indic family, Mongolian, Adlam. */
static const struct text_range joining_scripts[] = {
    {0x0600, 0x109F},   {0x1700, 0x18AF},   {0x1900, 0x1CFF},   {0xA800, 0xA8FF},   {0xA980, 0xAADF},
    {0xABC0, 0xABFF},   {0xFB50, 0xFDFF},   {0xFE70, 0xFEFC},   {0x10A00, 0x10A5F}, {0x10AC0, 0x10AFF},
    {0x10D00, 0x10D3F}, {0x10F30, 0x10FDF}, {0x11000, 0x11FFF}, {0x1E900, 0x1E95F},
};

static enum kind kind_of(int32_t cp)
{
    if (cp >= ' ' && cp <= '~')
        return KIND_PLAIN;
    if (cp < 0 || TEXT_WITHIN(cp, unseen))
        return KIND_BAD;
    if (cp == ZWJ || cp == ZWNJ)
        return KIND_JOINER;
    if (TEXT_WITHIN(cp, mongolian_selectors) || TEXT_WITHIN(cp, emoji_selectors) ||
        TEXT_WITHIN(cp, ideograph_selectors))
        return KIND_SELECTOR;

    const utf8proc_property_t *p = utf8proc_get_property(cp);

    if (p->category == UTF8PROC_CATEGORY_CN && text_is_pictograph(cp))
        return KIND_PLAIN;
    switch (p->category) {
    case UTF8PROC_CATEGORY_CN: /* also the noncharacters */
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return KIND_BAD;
    }
    if (text_is_mark(cp) || p->boundclass == UTF8PROC_BOUNDCLASS_EXTEND ||
        p->boundclass == UTF8PROC_BOUNDCLASS_SPACINGMARK || p->boundclass == UTF8PROC_BOUNDCLASS_V ||
        p->boundclass == UTF8PROC_BOUNDCLASS_T)
        return KIND_MARK;
    return KIND_PLAIN;
}

struct gate {
    int32_t last;   /* the code point let out last; 0 where there is none to cling to: at the start of a line */
    bool emoji;     /* it ends a pictograph, coloured or not */
    bool overfull;  /* the marks of this cluster were cut: swallow the rest of them */
    unsigned marks; /* on this cluster */
    unsigned joins; /* in this cluster */
};

/* Lets out a character that stands by itself, or is joined to the one before. */
static int32_t let_base(struct gate *g, int32_t cp)
{
    if (g->last != ZWJ && g->last != ZWNJ)
        *g = (struct gate){0};
    g->last = cp;
    g->emoji = text_is_pictograph(cp);
    return cp;
}

/* A stack of marks above the limit shows one U+FFFD in the place of all that is too much. */
static int32_t let_mark(struct gate *g, int32_t cp)
{
    if (g->last == 0)
        return let_base(g, text_is_mark(cp) || text_char_columns(cp) == 0 ? REPLACEMENT : cp);
    if (g->overfull)
        return SWALLOWED;
    if (g->marks == TEXT_MARKS_MAX) {
        let_base(g, REPLACEMENT);
        g->overfull = true;
        return REPLACEMENT;
    }
    g->marks++;
    g->emoji = g->emoji && text_is_emoji_modifier(cp);
    g->last = cp;
    return cp;
}

/* Is it a letter, or a mark on one, of a script that needs joiners? */
static bool is_joining_letter(int32_t cp)
{
    if (!TEXT_WITHIN(cp, joining_scripts))
        return false;
    const utf8proc_category_t category = utf8proc_category(cp);

    return text_is_mark(cp) || category == UTF8PROC_CATEGORY_LO || category == UTF8PROC_CATEGORY_LM ||
           category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL;
}

static int32_t let_joiner(struct gate *g, int32_t cp, int32_t next)
{
    const enum kind next_kind = kind_of(next);
    const bool next_passes = next_kind == KIND_PLAIN || (next_kind == KIND_MARK && g->marks < TEXT_MARKS_MAX);
    const bool letters = is_joining_letter(g->last) && is_joining_letter(next) && next_passes;
    const bool emoji = cp == ZWJ && g->emoji && text_is_pictograph(next);

    if (g->joins == TEXT_JOINS_MAX || (!letters && !emoji))
        return let_base(g, REPLACEMENT);
    g->joins++;
    g->last = cp;
    return cp;
}

static int32_t let_selector(struct gate *g, int32_t cp, int32_t next)
{
    const bool keycap = next == KEYCAP && ((g->last >= '0' && g->last <= '9') || g->last == '#' || g->last == '*');
    const bool asked_for = (TEXT_WITHIN(cp, emoji_selectors) && (keycap || text_is_pictograph(g->last))) ||
                           (TEXT_WITHIN(cp, ideograph_selectors) && TEXT_WITHIN(g->last, ideographs)) ||
                           (TEXT_WITHIN(cp, mongolian_selectors) && TEXT_WITHIN(g->last, mongolian_letters));

    if (!asked_for)
        return let_base(g, REPLACEMENT);
    g->last = cp;
    return cp;
}

/* What stands for cp in the output; SWALLOWED: nothing. */
static int32_t pass(struct gate *g, int32_t cp, int32_t next)
{
    switch (kind_of(cp)) {
    case KIND_PLAIN:
        return let_base(g, cp);
    case KIND_MARK:
        return let_mark(g, cp);
    case KIND_JOINER:
        return let_joiner(g, cp, next);
    case KIND_SELECTOR:
        return let_selector(g, cp, next);
    case KIND_BAD:
        break;
    }
    return let_base(g, REPLACEMENT);
}

struct sink {
    char *out;
    size_t cap;
    size_t len;
    bool full; /* something did not fit; nothing more is taken */
};

static void put(struct sink *s, const char *bytes, size_t len)
{
    if (s->full || len >= s->cap - s->len) {
        s->full = true;
        return;
    }
    memcpy(s->out + s->len, bytes, len);
    s->len += len;
}

static void put_char(struct sink *s, int32_t cp)
{
    utf8proc_uint8_t bytes[MAX_CHAR_BYTES];
    const utf8proc_ssize_t len = utf8proc_encode_char(cp, bytes);

    put(s, (const char *)bytes, (size_t)len);
}

/* The next code point of the text, NOT_UTF8 for one bad byte, END_OF_TEXT. */
static int32_t take(const char **src, size_t *len)
{
    int32_t cp;

    if (*len == 0)
        return END_OF_TEXT;
    const ssize_t used = text_decode(*src, *len, &cp);
    const size_t step = used < 0 ? 1 : (size_t)used;

    *src += step;
    *len -= step;
    return used < 0 ? NOT_UTF8 : cp;
}

/* Does this, just let out, count on the next character, so that it may not end a cut text? */
static bool leans_on_next(int32_t cp, int32_t next)
{
    return cp == ZWJ || cp == ZWNJ || (next == KEYCAP && TEXT_WITHIN(cp, emoji_selectors));
}

/* How far a line has come, counted where a tab asks for it. */
struct tabulator {
    size_t counted; /* bytes of the output that are in `column` */
    size_t column;
};

/* Blanks up to the next stop. */
static void put_tab(struct tabulator *t, struct gate *g, struct sink *s)
{
    t->column += text_columns(s->out + t->counted, s->len - t->counted);
    for (size_t blanks = TEXT_TAB_COLUMNS - t->column % TEXT_TAB_COLUMNS; blanks > 0; blanks--, t->column++)
        put_char(s, let_base(g, ' '));
    t->counted = s->len;
}

static void sanitise_shown(enum text_form form, const char *src, size_t len, struct sink *s)
{
    struct gate g = {0};
    struct tabulator tab = {0};
    size_t whole = 0;
    int32_t next = take(&src, &len);

    while (next != END_OF_TEXT && !s->full) {
        int32_t cp = next;

        next = take(&src, &len);
        if (cp == '\t' && form == TEXT_MULTILINE) {
            put_tab(&tab, &g, s);
            whole = s->len;
            continue;
        }
        if (cp == '\n' && form == TEXT_MULTILINE) {
            g = (struct gate){0};
            tab = (struct tabulator){.counted = s->len + 1};
        } else {
            if (cp == '\n' || cp == '\t')
                cp = cp == '\n' ? RETURN_SYMBOL : ' ';
            cp = pass(&g, cp, next);
        }
        if (cp == SWALLOWED)
            continue;
        put_char(s, cp);
        if (!s->full && !leans_on_next(cp, next))
            whole = s->len;
    }
    s->len = whole;
}

/* A program reads the text, not a terminal: only what would end a line or start a sequence is
 * replaced. */
static void sanitise_piped(const char *src, size_t len, struct sink *s)
{
    int32_t cp;

    while ((cp = take(&src, &len)) != END_OF_TEXT && !s->full) {
        const bool control = cp >= 0 && utf8proc_category(cp) == UTF8PROC_CATEGORY_CC && cp != '\t';

        if (cp == '\n')
            cp = RETURN_SYMBOL;
        else if (cp == NOT_UTF8 || control || cp == LINE_SEPARATOR || cp == PARAGRAPH_SEPARATOR)
            cp = REPLACEMENT;
        put_char(s, cp);
    }
}

static void sanitise_escaped(const char *src, size_t len, struct sink *s)
{
    while (len > 0 && !s->full) {
        char text[MAX_ESCAPE_BYTES + 1];
        const uint8_t byte = (uint8_t)*src;
        const int32_t cp = take(&src, &len);
        int n;

        if (cp == '\\')
            n = snprintf(text, sizeof(text), "\\\\");
        else if (cp >= ' ' && cp <= '~')
            n = snprintf(text, sizeof(text), "%c", (char)cp);
        else if (cp < 0x80)
            n = snprintf(text, sizeof(text), "\\x%02x", (unsigned)byte);
        else
            n = snprintf(text, sizeof(text), "\\u{%X}", (unsigned)cp);
        put(s, text, (size_t)n);
    }
}

size_t text_sanitise(enum text_form form, const char *src, size_t len, char *out, size_t cap)
{
    struct sink s = {.out = out, .cap = cap};

    assert(cap >= 1);
    switch (form) {
    case TEXT_LINE:
    case TEXT_MULTILINE:
        sanitise_shown(form, src, len, &s);
        break;
    case TEXT_PIPE:
        sanitise_piped(src, len, &s);
        break;
    case TEXT_ESCAPE:
        sanitise_escaped(src, len, &s);
        break;
    }
    out[s.len] = '\0';
    return s.len;
}

char *text_sanitise_new(enum text_form form, const char *src, size_t len)
{
    if (len >= SIZE_MAX / MAX_ESCAPE_BYTES)
        return NULL;
    char *out = malloc(TEXT_SANITISED_MAX(len));
    if (out == NULL)
        return NULL;
    const size_t used = text_sanitise(form, src, len, out, TEXT_SANITISED_MAX(len));
    char *fitted = realloc(out, used + 1);

    if (fitted != NULL)
        out = fitted;
    return out;
}
