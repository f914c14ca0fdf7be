#include "base/text.h"

#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define FFFD "\uFFFD"
#define ACUTE "\u0301"
#define ZWJ "\u200D"
#define ZWNJ "\u200C"
#define ROOM 4096

/* A literal with its length, so that NULs count. */
#define L(literal) literal, sizeof(literal) - 1

/* Appends to the string in buf. */
static void append(char *buf, size_t cap, const char *part)
{
    const size_t len = strlen(buf);

    cr_assert_lt((size_t)snprintf(buf + len, cap - len, "%s", part), cap - len);
}

static const char *line(const char *src, size_t len)
{
    static char out[ROOM];

    text_sanitise(TEXT_LINE, src, len, out, sizeof(out));
    return out;
}

static size_t encode(int32_t cp, char *out)
{
    return (size_t)utf8proc_encode_char(cp, (utf8proc_uint8_t *)out);
}

/* ---- the gate: one character alone ---- */

Test(text, line_lets_only_printable_ascii_bytes_through)
{
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        const char self[2] = {byte, 0};
        const char *want = b == '\t' ? " " : b == '\n' ? "\u23CE" : b >= 0x20 && b < 0x7f ? self : FFFD;

        cr_expect_str_eq(line(&byte, 1), want, "byte %02x", b);
    }
}

Test(text, multiline_lets_newlines_through_too)
{
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        const char self[2] = {byte, 0};
        const char *want = b == '\t' ? "        " : b == '\n' || (b >= 0x20 && b < 0x7f) ? self : FFFD;
        char out[16];

        cr_expect_eq(text_sanitise(TEXT_MULTILINE, &byte, 1, out, sizeof(out)), strlen(want));
        cr_expect_str_eq(out, want, "byte %02x", b);
    }
}

Test(text, pipe_replaces_what_could_act_on_a_line)
{
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        const char self[2] = {byte, 0};
        const char *want = b == '\n' ? "\u23CE" : b == '\t' || (b >= 0x20 && b < 0x7f) ? self : FFFD;
        char out[8];

        text_sanitise(TEXT_PIPE, &byte, 1, out, sizeof(out));
        cr_expect_str_eq(out, want, "byte %02x", b);
    }
    for (int32_t cp = 0x80; cp < 0x110000; cp++) {
        const bool acts = cp < 0xA0 || cp == 0x2028 || cp == 0x2029;
        char in[5] = {0};
        char out[8];

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        const size_t len = encode(cp, in);

        cr_expect_eq(text_sanitise(TEXT_PIPE, in, len, out, sizeof(out)), acts ? 3 : len);
        cr_expect_str_eq(out, acts ? FFFD : in, "U+%04X", (unsigned)cp);
    }
}

Test(text, escape_is_ascii_and_unambiguous)
{
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        char want[8];
        char out[8];

        if (b == '\\')
            snprintf(want, sizeof(want), "\\\\");
        else
            snprintf(want, sizeof(want), b >= 0x20 && b < 0x7f ? "%c" : "\\x%02x", b);
        text_sanitise(TEXT_ESCAPE, &byte, 1, out, sizeof(out));
        cr_expect_str_eq(out, want, "byte %02x", b);
    }
}

Test(text, every_format_character_is_shown_and_not_obeyed)
{
    unsigned seen = 0;

    for (int32_t cp = 0; cp < 0x110000; cp++) {
        char in[16] = "a";
        char want[32];
        char out[64];

        if (utf8proc_category(cp) != UTF8PROC_CATEGORY_CF)
            continue;
        const size_t len = encode(cp, in + 1);
        seen++;
        cr_expect_str_eq(line(in + 1, len), FFFD, "U+%04X alone", (unsigned)cp);
        in[1 + len] = 'b';
        cr_expect_str_eq(line(in, len + 2), "a" FFFD "b", "U+%04X between letters", (unsigned)cp);
        text_sanitise(TEXT_MULTILINE, in, len + 2, out, sizeof(out));
        cr_expect_str_eq(out, "a" FFFD "b");
        text_sanitise(TEXT_ESCAPE, in, len + 2, out, sizeof(out));
        snprintf(want, sizeof(want), "a\\u{%X}b", (unsigned)cp);
        cr_expect_str_eq(out, want);
    }
    cr_expect_geq(seen, 150, "only %u format characters were tried", seen);
}

Test(text, whole_categories_never_pass)
{
    for (int32_t cp = 0x80; cp < 0x110000; cp++) {
        const utf8proc_category_t category = utf8proc_category(cp);
        char in[5] = {0};

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        const size_t len = encode(cp, in);
        const char *out = line(in, len);

        switch (category) {
        case UTF8PROC_CATEGORY_CN: /* unassigned, noncharacters; the places kept for emoji are not */
            if (utf8proc_get_property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC) {
                cr_expect_str_eq(out, in, "U+%04X", (unsigned)cp);
                break;
            }
            cr_expect_str_eq(out, FFFD, "U+%04X", (unsigned)cp);
            break;
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_MN: /* nothing before it */
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            cr_expect_str_eq(out, FFFD, "U+%04X", (unsigned)cp);
            break;
        default:
            cr_expect((strlen(out) == len && memcmp(out, in, len) == 0) || strcmp(out, FFFD) == 0, "U+%04X",
                      (unsigned)cp);
        }
    }
}

Test(text, what_acts_or_hides_is_shown)
{
    static const struct {
        const char *in;
        size_t len;
        const char *want;
    } row[] = {
        /* escape sequences lose the byte that starts them */
        {L("\x1b[31mred"), FFFD "[31mred"},
        {L("\x1b]0;title\x07"), FFFD "]0;title" FFFD},
        {L("\x1b]52;c;ZXZpbA==\x1b\\"), FFFD "]52;c;ZXZpbA==" FFFD "\\"},
        {L("\x1bP+q544e\x1b\\"), FFFD "P+q544e" FFFD "\\"},
        {L("\x1b[2J\x1b[H"), FFFD "[2J" FFFD "[H"},
        {L("\x9b"
           "31m"),
         FFFD "31m"}, /* 8-bit CSI as a byte */
        {L("\xc2\x9b"
           "31m"),
         FFFD "31m"}, /* and as a character */
        {L("\xc2\x90q\xc2\x9c"), FFFD "q" FFFD},
        {L("over\rwrite"), "over" FFFD "write"},
        {L("back\b\b"), "back" FFFD FFFD},
        {L("bell\a"), "bell" FFFD},
        {L("a\0b"), "a" FFFD "b"},
        {L("a\vb\fc"), "a" FFFD "b" FFFD "c"},
        {L("\x0e\x0f\x7f"), FFFD FFFD FFFD},
        {L("\xc2\x85"), FFFD},
        /* bidi */
        {L("\u202Egnp.exe"), FFFD "gnp.exe"},
        {L("\u202A\u202B\u202C\u202D"), FFFD FFFD FFFD FFFD},
        {L("\u2066\u2067\u2068\u2069"), FFFD FFFD FFFD FFFD},
        {L("a\u200Eb\u200Fc\u061Cd"), "a" FFFD "b" FFFD "c" FFFD "d"},
        /* invisible */
        {L("pay\u200Bpal"), "pay" FFFD "pal"},
        {L("pay\u2060pal\uFEFF"), "pay" FFFD "pal" FFFD},
        {L("soft\u00ADhyphen"), "soft" FFFD "hyphen"},
        {L("\u180E\u2061\uFFF9"), FFFD FFFD FFFD},
        {L("a\u034Fb\u115F\u1160\u3164\uFFA0"), "a" FFFD "b" FFFD FFFD FFFD FFFD},
        {L("\U000E0041\U000E0001\U000E007F"), FFFD FFFD FFFD},
        {L("\u2028\u2029"), FFFD FFFD},
        {L("\uFFFE\uFFFF\uFDD0\U0001FFFE\U0010FFFF"), FFFD FFFD FFFD FFFD FFFD},
        {L("\u0378\u2065\uFFF0"), FFFD FFFD FFFD},
        /* selectors where nothing asks for them */
        {L("a\uFE0F"), "a" FFFD},
        {L("1\uFE0F2"), "1" FFFD "2"},
        {L("a\U000E0100"), "a" FFFD},
        {L("\uFE0F"), FFFD},
        {L("\u2764\uFE0F\uFE0F"), "\u2764\uFE0F" FFFD},
        {L("a\u180B"), "a" FFFD},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_str_eq(line(row[i].in, row[i].len), row[i].want, "row %zu", i);
}

Test(text, bad_utf8_is_shown_byte_by_byte)
{
    static const struct {
        const char *in;
        size_t len;
        size_t bad;
    } row[] = {
        {L("\x80"), 1},
        {L("\xbf\xbf"), 2},
        {L("\xc0\x80"), 2}, /* overlong NUL */
        {L("\xc0\xaf"), 2}, /* overlong '/' */
        {L("\xc1\xbf"), 2},
        {L("\xe0\x80\xaf"), 3},
        {L("\xe0\x9f\xbf"), 3},
        {L("\xf0\x80\x80\xaf"), 4},
        {L("\xf0\x8f\xbf\xbf"), 4},
        {L("\xed\xa0\x80"), 3}, /* surrogates */
        {L("\xed\xbf\xbf"), 3},
        {L("\xed\xa0\xbd\xed\xb8\x80"), 6},
        {L("\xf4\x90\x80\x80"), 4}, /* above U+10FFFF */
        {L("\xf8\x88\x80\x80\x80"), 5},
        {L("\xfc\x84\x80\x80\x80\x80"), 6},
        {L("\xfe\xff"), 2},
        {L("\xc3"), 1}, /* truncated */
        {L("\xe2\x82"), 2},
        {L("\xf0\x9f\x98"), 3},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char in[32] = "<";
        char want[64] = "<";

        memcpy(in + 1, row[i].in, row[i].len);
        in[1 + row[i].len] = '>';
        for (size_t n = 0; n < row[i].bad; n++)
            append(want, sizeof(want), FFFD);
        append(want, sizeof(want), ">");
        cr_expect(!text_valid(row[i].in, row[i].len), "row %zu", i);
        cr_expect_str_eq(line(in, row[i].len + 2), want, "row %zu", i);
        want[strlen(want) - 1] = '\0';
        cr_expect_str_eq(line(in, row[i].len + 1), want, "row %zu at the end", i);
    }
}

/* ---- the gate: what may stay ---- */

Test(text, what_people_write_passes_unchanged)
{
    static const char *const text[] = {
        "",
        "plain ASCII with ~!@#$%^&*()_+{}|:\"<>?`-=[]\\;',./",
        "Grüße, naïve café, Ελληνικά, Русский, עברית, العربية",
        "日本語 中文 한국어 ไทย น้ำ",
        "e" ACUTE " decomposed, \u1112\u1161\u11AB jamo",
        "\uFF76\uFF9E half-width kana",
        "\U0001F600\U0001F44D\U0001F3FD",
        "\U0001F468" ZWJ "\U0001F469" ZWJ "\U0001F467" ZWJ "\U0001F466",
        "\U0001F469\U0001F3FB" ZWJ "\u2764\uFE0F" ZWJ "\U0001F48B" ZWJ "\U0001F468\U0001F3FF",
        "\U0001F3F3\uFE0F" ZWJ "\U0001F308",
        "\u2764\uFE0F and \u2764\uFE0E",
        "1\uFE0F\u20E3 #\uFE0F\u20E3",
        "\U0001F1E9\U0001F1EA",
        "\u0645\u06CC" ZWNJ "\u062E\u0648\u0627\u0647\u0645",         /* Persian */
        "\u0D15\u0D4D" ZWNJ "\u0D37 \u0DC1\u0DCA" ZWJ "\u0DBB\u0DD3", /* Malayalam, Sinhala */
        "\u09B0" ZWJ "\u09CD\u09AF",                                  /* Bengali: a mark follows the joiner */
        "\u845B\U000E0100",                                           /* a variant of an ideograph */
        "\u1820\u180B",
        "\uE0A0 private use",
        "a\u00A0b\u3000c",
        FFFD,
    };

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        cr_expect(text_valid(text[i], strlen(text[i])));
        cr_expect_str_eq(line(text[i], strlen(text[i])), text[i], "row %zu", i);
    }
}

Test(text, joiners_pass_only_where_scripts_and_emoji_need_them)
{
    static const struct {
        const char *in;
        const char *want;
    } row[] = {
        {ZWJ, FFFD},
        {"a" ZWJ, "a" FFFD},
        {ZWJ "a", FFFD "a"},
        {"pay" ZWNJ "pal", "pay" FFFD "pal"},
        {"\u0645" ZWNJ, "\u0645" FFFD},
        {"\u0645" ZWNJ " ", "\u0645" FFFD " "},
        {"\u0645" ZWNJ "a", "\u0645" FFFD "a"},
        {"a" ZWNJ "\u0645", "a" FFFD "\u0645"},
        {"\u0645" ZWNJ ZWNJ "\u0645", "\u0645" FFFD FFFD "\u0645"},
        {"\u0661" ZWNJ "\u0662", "\u0661" FFFD "\u0662"}, /* digits do not join */
        {"\u0645" ZWNJ "\x80", "\u0645" FFFD FFFD},
        {"\U0001F468" ZWJ, "\U0001F468" FFFD},
        {"\U0001F468" ZWJ "a", "\U0001F468" FFFD "a"},
        {"\U0001F468" ZWNJ "\U0001F469", "\U0001F468" FFFD "\U0001F469"},
        {"\U0001F468" ZWJ ZWJ "\U0001F469", "\U0001F468" FFFD FFFD "\U0001F469"},
        {"\U0001F468" ACUTE ZWJ "\U0001F469", "\U0001F468" ACUTE FFFD "\U0001F469"},
        {"\u0915" ZWJ "\U0001F469", "\u0915" FFFD "\U0001F469"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_str_eq(line(row[i].in, strlen(row[i].in)), row[i].want, "row %zu", i);
}

Test(text, a_stack_of_marks_is_cut_at_eight)
{
    static const char eight[] = ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE;
    char in[ROOM / 4];
    char want[ROOM];

    snprintf(in, sizeof(in), "Z%s", eight);
    cr_expect_str_eq(line(in, strlen(in)), in);

    snprintf(in, sizeof(in), "Z%s%s%s%salgo", eight, eight, eight, eight);
    snprintf(want, sizeof(want), "Z%s" FFFD "algo", eight);
    cr_expect_str_eq(line(in, strlen(in)), want);

    /* The next character has its own eight, and other kinds of marks count as well. */
    snprintf(in, sizeof(in), "Z%s" ACUTE "y%s\u20DD", eight, eight);
    snprintf(want, sizeof(want), "Z%s" FFFD "y%s" FFFD, eight, eight);
    cr_expect_str_eq(line(in, strlen(in)), want);

    /* Vowel jamo have no width: they must not be a way round. */
    snprintf(in, sizeof(in), "\u1100");
    for (int i = 0; i < 20; i++)
        append(in, sizeof(in), "\u1161");
    cr_expect_leq(strlen(line(in, strlen(in))), (size_t)(3 + 8 * 3 + 3));

    /* Joining does not start a new count. */
    static const char vedic[] = "\u0951\u0951\u0951\u0951\u0951\u0951\u0951\u0951";
    snprintf(in, sizeof(in), "\u0915%s" ZWJ "\u0915\u0951", vedic);
    snprintf(want, sizeof(want), "\u0915%s" ZWJ "\u0915" FFFD, vedic);
    cr_expect_str_eq(line(in, strlen(in)), want);

    /* Nor does a joiner in front of a mark that is too much. */
    snprintf(in, sizeof(in), "\u0915%s" ZWJ "\u0951", vedic);
    snprintf(want, sizeof(want), "\u0915%s" FFFD "\u0951", vedic);
    cr_expect_str_eq(line(in, strlen(in)), want);
}

Test(text, a_chain_of_joined_emoji_is_cut)
{
    char in[ROOM / 4] = "\U0001F468";
    unsigned joins = 0;

    for (int i = 0; i < 30; i++)
        append(in, sizeof(in), ZWJ "\U0001F468");
    for (const char *at = line(in, strlen(in)); (at = strstr(at, ZWJ)) != NULL; at++)
        joins++;
    /* Eight, one shown as U+FFFD, eight, … of thirty. */
    cr_expect_eq(joins, 27);
}

Test(text, marks_do_not_cling_to_what_is_not_theirs)
{
    char out[64];

    cr_expect_str_eq(line(L(ACUTE "abc")), FFFD "abc");
    text_sanitise(TEXT_MULTILINE, L("a\n" ACUTE "b\n\u0903"), out, sizeof(out));
    cr_expect_str_eq(out, "a\n" FFFD "b\n" FFFD);
    cr_expect_str_eq(line(L(" " ACUTE)), " " ACUTE);
    /* These can stand alone. */
    cr_expect_str_eq(line(L("\U0001F3FD")), "\U0001F3FD");
    cr_expect_str_eq(line(L("\uFF9E")), "\uFF9E");
}

Test(text, tabs_go_to_the_next_stop)
{
    static const struct {
        enum text_form form;
        const char *in, *want;
    } row[] = {
        {TEXT_MULTILINE, "\tx", "        x"},
        {TEXT_MULTILINE, "a\tb\tc", "a       b       c"},
        {TEXT_MULTILINE, "1234567\tx", "1234567 x"},
        {TEXT_MULTILINE, "12345678\tx", "12345678        x"},
        {TEXT_MULTILINE, "\u65E5\u672C\tx", "\u65E5\u672C    x"},
        {TEXT_MULTILINE, "e" ACUTE "\tx", "e" ACUTE "       x"},
        {TEXT_LINE, "a\tb\n\tx", "a b\u23CE x"},
        {TEXT_MULTILINE, "abc\n\tx\n1\t\n", "abc\n        x\n1       \n"},
        {TEXT_PIPE, "a\tb", "a\tb"},
        {TEXT_PIPE, "a" ZWJ "\u00AD\u200B\u200F\u202E" ACUTE, "a" ZWJ "\u00AD\u200B\u200F\u202E" ACUTE},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[64];

        text_sanitise(row[i].form, row[i].in, strlen(row[i].in), out, sizeof(out));
        cr_expect_str_eq(out, row[i].want, "row %zu", i);
    }
}

Test(text, escapes_name_code_points_and_bad_bytes)
{
    char out[128];

    text_sanitise(TEXT_ESCAPE, L("a\n\t\x1b\\\xff\u00e9\u202E\U0001F600\uFFFE\U0010FFFF"), out, sizeof(out));
    cr_expect_str_eq(out, "a\\x0a\\x09\\x1b\\\\\\xff\\u{E9}\\u{202E}\\u{1F600}\\u{FFFE}\\u{10FFFF}");
}

/* ---- the gate: room ---- */

Test(text, output_is_cut_between_characters)
{
    static const struct {
        enum text_form form;
        const char *in;
        size_t cap;
        const char *want;
    } row[] = {
        {TEXT_LINE, "abc", 1, ""},
        {TEXT_LINE, "abc", 3, "ab"},
        {TEXT_LINE, "abc", 4, "abc"},
        {TEXT_LINE, "a\u20ACb", 4, "a"}, /* the b would fit: it is not let past */
        {TEXT_LINE, "a\u20ACb", 5, "a\u20AC"},
        {TEXT_LINE, "a\x01", 4, "a"},
        {TEXT_LINE, "\U0001F468" ZWJ "\U0001F469", 11, "\U0001F468"}, /* no joiner at the end */
        {TEXT_LINE, "\U0001F468" ZWJ "\U0001F469", 12, "\U0001F468" ZWJ "\U0001F469"},
        {TEXT_LINE, "1\uFE0F\u20E3", 7, "1"},
        {TEXT_LINE, "1\uFE0F\u20E3", 8, "1\uFE0F\u20E3"},
        {TEXT_ESCAPE, "a\x1b", 5, "a"},
        {TEXT_ESCAPE, "a\x1b", 6, "a\\x1b"},
        {TEXT_ESCAPE, "\\", 2, ""},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[32];
        size_t used;

        memset(out, '#', sizeof(out));
        used = text_sanitise(row[i].form, row[i].in, strlen(row[i].in), out, row[i].cap);
        cr_expect_str_eq(out, row[i].want, "row %zu", i);
        cr_expect_eq(used, strlen(row[i].want), "row %zu", i);
        cr_expect_eq(out[row[i].cap], '#', "row %zu wrote behind its room", i);
    }
}

/* ---- decoding and widths ---- */

Test(text, decodes_every_code_point_and_nothing_else)
{
    for (int32_t cp = 0; cp < 0x110000; cp++) {
        char in[5] = {0};
        int32_t got;

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        const size_t len = encode(cp, in);
        cr_assert_eq(text_decode(in, len, &got), (ssize_t)len);
        cr_assert_eq(got, cp);
        for (size_t cut = 1; cut < len; cut++)
            cr_assert_eq(text_decode(in, cut, &got), -1, "U+%04X cut to %zu", (unsigned)cp, cut);
    }
}

Test(text, valid_means_all_of_it)
{
    cr_expect(text_valid("", 0));
    cr_expect(text_valid(L("a\0\u00e9\u20ac\U0001F600\uFFFF")));
    cr_expect(!text_valid(L("fine until here \xe2\x82")));
}

Test(text, clusters_have_bytes_and_columns)
{
    static const struct {
        const char *in;
        size_t bytes;
        int columns;
    } row[] = {
        {"ab", 1, 1},
        {"\u00e9", 2, 1},
        {"e" ACUTE "x", 3, 1},
        {"\u65E5\u672C", 3, 2},
        {"\u1112\u1161\u11ABx", 9, 2},
        {"\u1100\u1100", 3, 2}, /* two leading jamo show as four columns */
        {"\u0915\u093E", 6, 2}, /* a spacing mark takes one */
        {"\U0001F600", 4, 2},
        {"\U0001F44D\U0001F3FD!", 8, 2},
        {"a\U0001F3FD", 1, 1},                                    /* nothing to colour */
        {"\U0001F468" ZWJ "\U0001F469" ZWJ "\U0001F467!", 18, 6}, /* side by side */
        {"\U0001F469\U0001F3FD" ZWJ "\U0001F4BB!", 15, 4},
        {"\u0E17\u0E33\u0E17", 6, 2}, /* Thai "tham" */
        {"\uFF8A\uFF9F!", 6, 2},
        {"\u4DC0\u4DC1", 3, 2},
        {"\x01\x02", 1, 1},
        {"\U0001F1E9\U0001F1EA\U0001F1EB", 8, 2},
        {"\x80"
         "a",
         1, 1},
        {FFFD, 3, 1},
        {ACUTE, 2, 0},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        int columns = -1;

        cr_expect_eq(text_grapheme(row[i].in, strlen(row[i].in), &columns), row[i].bytes, "row %zu", i);
        cr_expect_eq(columns, row[i].columns, "row %zu: %d columns", i, columns);
    }
}

Test(text, every_character_with_a_width_has_its_own_place)
{
    static const struct {
        const char *cluster;
        size_t bytes;
        int columns;
    } row[] = {
        {"a", 1, 1},
        {"e" ACUTE, 3, 1},
        {"\u0928\u093E", 3, 1}, /* the vowel sign is beside it */
        {"\u093E", 3, 1},
        {"\u0E19\u0E49\u0E33", 6, 1}, /* the tone above it, the vowel beside it */
        {"\uFF8A\uFF9F", 3, 1},
        {"\U0001F1E9\U0001F1EA", 4, 1},
        {"\u1112\u1161\u11AB", 9, 2}, /* one syllable */
        {"\U0001F44D\U0001F3FD", 8, 2},
        {"\U0001F469" ZWJ "\U0001F4BB", 7, 2},
        {"\U0001F469\U0001F3FD" ZWJ "\U0001F4BB", 11, 2},
        {"\u2764\uFE0F", 6, 1},
        {ACUTE, 2, 0},
        {"\x80", 1, 1},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        int columns = -1;

        cr_expect_eq(text_cell(row[i].cluster, strlen(row[i].cluster), &columns), row[i].bytes, "row %zu", i);
        cr_expect_eq(columns, row[i].columns, "row %zu: %d columns", i, columns);
    }
}

Test(text, columns_add_up)
{
    cr_expect_eq(text_columns("", 0), 0);
    cr_expect_eq(text_columns(L("hello")), 5);
    cr_expect_eq(text_columns(L("\u65E5\u672C\u8A9E")), 6);
    cr_expect_eq(text_columns(L("e" ACUTE "\U0001F600x\xff")), 5);
}

Test(text, fits_whole_clusters)
{
    static const struct {
        const char *in;
        size_t columns, want;
    } row[] = {
        {"", 5, 0},
        {"hello", 0, 0},
        {"hello", 3, 3},
        {"hello", 5, 5},
        {"hello", 9, 5},
        {"\u65E5\u672C", 1, 0},
        {"\u65E5\u672C", 2, 3},
        {"\u65E5\u672C", 3, 3},
        {"\u65E5\u672C", 4, 6},
        {"ae" ACUTE "b", 2, 4},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_eq(text_fit(row[i].in, strlen(row[i].in), row[i].columns), row[i].want, "row %zu", i);
}

__attribute__((format(printf, 1, 2))) static char *format_new(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    return text;
}

Test(text, is_formatted_whole_on_the_heap)
{
    char *text = format_new("%0500d %s", 7, "end");

    cr_assert_not_null(text);
    cr_expect_eq(strlen(text), 504);
    cr_expect_str_eq(text + 499, "7 end");
    free(text);
    text = format_new("%s", "");
    cr_expect_str_eq(text, "");
    free(text);
}
