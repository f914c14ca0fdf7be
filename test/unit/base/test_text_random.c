/* What holds for every text, tried on random ones made of troublesome parts. */
#include "base/text.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/rand.h"

#define FFFD "\uFFFD"
#define ACUTE "\u0301"
#define ZWJ "\u200D"
#define ZWNJ "\u200C"

static const char *const shard[] = {
    "a",
    "b1",
    "\n",
    "\t",
    "\x1b[",
    "\x80",
    "\xe2\x82",
    "\xf0\x9f",
    "\xff",
    "\\",
    "#",
    ACUTE,
    "\u0301\u0301\u0301",
    "\u20E3",
    ZWJ,
    ZWNJ,
    "\u0645",
    "\u064B",
    "\u0915",
    "\u094D",
    "\u0903",
    "\uFE0F",
    "\uFE00",
    "\U000E0100",
    "\U0001F468",
    "\U0001F3FD",
    "\u2764",
    "\u845B",
    "\u1100",
    "\u1161",
    "\u11A8",
    "\u202E",
    "\u180B",
    "\u1820",
    "\U0001F1E9",
    "\u034F",
    "\u0E33",
    "\uFF9E",
    "\u0D4E",
    "\u2028",
    "\uFFFE",
    "\u3164",
    " ",
    "\u23CE",
    FFFD,
};

static size_t random_text(struct duet_rand *rand, char *out, size_t cap)
{
    const size_t parts = (size_t)rand_below(rand, 24);
    size_t len = 0;

    for (size_t i = 0; i < parts; i++) {
        const char *part = shard[rand_below(rand, sizeof(shard) / sizeof(shard[0]))];

        if (len + strlen(part) + 1 >= cap)
            break;
        for (const char *c = part; *c != '\0'; c++)
            out[len++] = *c;
        if (rand_below(rand, 8) == 0)
            rand_bytes(rand, (uint8_t *)out + len++, 1);
    }
    return len;
}

static bool forbidden(int32_t cp, bool newline_is_fine)
{
    if (cp < 0x20)
        return !(newline_is_fine && cp == '\n');
    if (cp == 0x200C || cp == 0x200D)
        return false;
    const utf8proc_category_t c = utf8proc_category(cp);

    const bool kept = utf8proc_get_property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;

    return c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF || (c == UTF8PROC_CATEGORY_CN && !kept) ||
           c == UTF8PROC_CATEGORY_ZL || c == UTF8PROC_CATEGORY_ZP || cp == 0x034F || cp == 0x3164;
}

/* Whatever came in, what goes out has these properties. */
static void expect_clean(const char *text, size_t len, bool newline_is_fine)
{
    unsigned marks = 0;
    int32_t last = 0;

    for (size_t at = 0; at < len;) {
        int32_t cp;
        const ssize_t used = text_decode(text + at, len - at, &cp);

        cr_assert_gt(used, 0, "bad UTF-8 came out");
        cr_assert(!forbidden(cp, newline_is_fine), "U+%04X came out", (unsigned)cp);
        const utf8proc_category_t c = utf8proc_category(cp);
        const bool mark = c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ME;
        const bool selector = (cp & ~15) == 0xFE00 || cp == 0x180B || cp == 0xE0100;

        cr_assert(!mark || (last != 0 && last != '\n'), "a mark on nothing");
        marks = mark && !selector ? marks + 1 : selector ? marks : 0;
        cr_assert_leq(marks, 8u);
        at += (size_t)used;
        last = cp;
    }
    cr_assert(last != 0x200C && last != 0x200D, "ends in a joiner");
}

Test(text_random, random_trouble_comes_out_clean_and_stays_as_it_is)
{
    static const enum text_form form[] = {TEXT_LINE, TEXT_MULTILINE};
    struct duet_rand rand;

    rand_init_u64(&rand, 20);
    for (int i = 0; i < 40000; i++) {
        char in[256];
        char out[TEXT_SANITISED_MAX(256)];
        char again[TEXT_SANITISED_MAX(256)];
        const enum text_form f = form[i % 2];
        const size_t len = random_text(&rand, in, sizeof(in));
        const size_t cap = i % 3 == 0 ? 1 + (size_t)rand_below(&rand, 60) : sizeof(out);
        const size_t used = text_sanitise(f, in, len, out, cap);

        cr_assert_lt(used, cap);
        cr_assert_eq(strlen(out), used);
        expect_clean(out, used, f == TEXT_MULTILINE);
        cr_assert_eq(text_sanitise(f, out, used, again, sizeof(again)), used, "text %d", i);
        cr_assert_str_eq(again, out, "text %d", i);
    }
}

Test(text_random, a_smaller_room_gives_a_prefix)
{
    struct duet_rand rand;

    rand_init_u64(&rand, 21);
    for (int i = 0; i < 2000; i++) {
        char in[64];
        char whole[TEXT_SANITISED_MAX(64)];
        char part[TEXT_SANITISED_MAX(64)];
        const enum text_form f = (enum text_form)(i % 4);
        const size_t len = random_text(&rand, in, sizeof(in));
        const size_t all = text_sanitise(f, in, len, whole, sizeof(whole));

        for (size_t cap = 1; cap <= all + 1; cap++) {
            const size_t used = text_sanitise(f, in, len, part, cap);

            cr_assert_lt(used, cap);
            cr_assert_arr_eq(part, whole, used);
        }
        cr_assert_str_eq(part, whole);
    }
}

Test(text_random, the_promised_room_is_always_enough)
{
    struct duet_rand rand;
    char bytes[64];
    char out[TEXT_SANITISED_MAX(64)];

    rand_init_u64(&rand, 22);
    for (int i = 0; i < 3000; i++) {
        const size_t len = 1 + (size_t)rand_below(&rand, sizeof(bytes));
        const enum text_form f = (enum text_form)(i % 4);

        rand_bytes(&rand, (uint8_t *)bytes, len);
        const size_t used = text_sanitise(f, bytes, len, out, sizeof(out));
        char *heap = text_sanitise_new(f, bytes, len);

        cr_assert_not_null(heap);
        cr_assert_str_eq(heap, out);
        cr_assert_eq(strlen(heap), used);
        free(heap);
    }
    char *empty = text_sanitise_new(TEXT_LINE, NULL, 0);
    cr_expect_str_eq(empty, "");
    free(empty);
    cr_expect_null(text_sanitise_new(TEXT_LINE, "", SIZE_MAX));
}

Test(text_random, graphemes_always_advance_and_stay_inside)
{
    struct duet_rand rand;

    rand_init_u64(&rand, 23);
    for (int i = 0; i < 20000; i++) {
        char in[256];
        const size_t len = random_text(&rand, in, sizeof(in));

        for (size_t at = 0; at < len;) {
            int columns;
            const size_t bytes = text_grapheme(in + at, len - at, &columns);

            cr_assert(bytes > 0 && bytes <= len - at);
            cr_assert(columns >= 0 && (columns <= 2 || memmem(in + at, bytes, ZWJ, strlen(ZWJ)) != NULL));
            for (size_t cell = 0; cell < bytes;) {
                int taken;

                cell += text_cell(in + at + cell, bytes - cell, &taken);
                cr_assert(cell <= bytes && taken >= 0 && taken <= 2);
                columns -= taken;
            }
            cr_assert_eq(columns, 0, "the places of a cluster add up");
            at += bytes;
        }
    }
}
