#include "base/text.h"

#include "unit.h"
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"

#define FFFD "\uFFFD"
#define L(literal) literal, sizeof(literal) - 1
#define REFUSED NULL

/* Appends to the string in buf. */
static void append(char *buf, size_t cap, const char *part)
{
    const size_t len = strlen(buf);

    cr_assert_lt((size_t)snprintf(buf + len, cap - len, "%s", part), cap - len);
}

static const struct {
    const char *in;
    size_t len;
    const char *want;
} names[] = {
    /* nothing, or a way out */
    {L(""), REFUSED},
    {L("."), REFUSED},
    {L(".."), REFUSED},
    {L("/"), REFUSED},
    {L("//"), REFUSED},
    {L("./"), REFUSED},
    {L("../"), REFUSED},
    {L("/etc/passwd"), REFUSED},
    {L("../etc/passwd"), REFUSED},
    {L("../../../../root/.ssh/authorized_keys"), REFUSED},
    {L("a/../b"), REFUSED},
    {L("a/b"), REFUSED},
    {L("a/"), REFUSED},
    {L("/a"), REFUSED},
    {L("./a"), REFUSED},
    {L("..\\..\\evil.exe"), "_..\\..\\evil.exe"},
    {L("C:\\Windows\\evil.dll"), "C:\\Windows\\evil.dll"},
    {L("\\\\server\\share"), "\\\\server\\share"},
    {L("\\"), "\\"},
    {L("a.txt\0.exe"), REFUSED},
    {L("\0"), REFUSED},
    {L(" "), REFUSED},
    {L("   "), REFUSED},
    {L("\t"), REFUSED},
    {L(" .. "), REFUSED},
    {L(". "), REFUSED},
    {L("\u00A0..\u3000"), REFUSED},
    {L("\u3000"), REFUSED},
    {L("\u2800"), REFUSED},
    {L("\u2000\u2001\u200A"), REFUSED},
    /* bytes that are no path to anything once shown */
    {L("\xc0\xaf"), FFFD FFFD},
    {L("..\xc0\xaf..\xc0\xaf"
       "etc"),
     "_.." FFFD FFFD ".." FFFD FFFD "etc"},
    {L("\xe0\x80\xaf"), FFFD FFFD FFFD},
    {L("\xc0\xae\xc0\xae"), FFFD FFFD FFFD FFFD},
    {L("%2e%2e%2fetc"), "%2e%2e%2fetc"},
    {L("..\uFF0F..\uFF0Fetc"), "_..\uFF0F..\uFF0Fetc"},
    {L("\u2025"), "\u2025"},
    {L("\u2024\u2024"), "\u2024\u2024"},
    {L("..."), "_..."},
    {L("..a"), "_..a"},
    {L("a.."), "a.."},
    {L("\x1b[31mred.txt"), FFFD "[31mred.txt"},
    {L("\x1b]0;pwned\x07"), FFFD "]0;pwned" FFFD},
    {L("a\nb.txt"), "a\u23CE"
                    "b.txt"},
    {L("\n* received /etc/passwd"), REFUSED},
    {L("\n* carol left"), "\u23CE* carol left"},
    {L("a\rb"), "a" FFFD "b"},
    {L("a\tb"), "a b"},
    {L("\x7f"), FFFD},
    {L("\x9b"
       "2J"),
     FFFD "2J"},
    {L("\xff\xfe"), FFFD FFFD},
    {L("photo_\u202Egnp.exe"), "photo_" FFFD "gnp.exe"},
    {L("\u2066x\u2069"), FFFD "x" FFFD},
    {L("inv\u200Bisible"), "inv" FFFD "isible"},
    {L("\uFEFFbom.txt"), FFFD "bom.txt"},
    {L("tag\U000E0061"), "tag" FFFD},
    {L("sur\xed\xa0\x80"), "sur" FFFD FFFD FFFD},
    {L("\u2028"), FFFD},
    {L("\u0301mark"), FFFD "mark"},
    {L(" \u0301mark"), FFFD "mark"},
    /* options, blanks, our own leftovers */
    {L("-rf"), "_rf"},
    {L("--help"), "_-help"},
    {L("-"), "_"},
    {L(" -rf"), "_rf"},
    {L("  name  .txt  "), "name  .txt"},
    {L("\u3000name\u00A0"), "name"},
    {L("\tname\t"), "name"},
    {L(".duet-part"), "_duet-part"},
    {L(".duet-part-17"), "_duet-part-17"},
    {L(" .DUET-Part.x"), "_DUET-Part.x"},
    {L("movie.duet-part"), "movie_duet-part"},
    {L("a.duet-part.duet-part"), "a_duet-part_duet-part"},
    {L("duet-part"), "duet-part"},
    /* names that mean something to a shell only */
    {L("$(reboot)"), "$(reboot)"},
    {L("`id`"), "`id`"},
    {L("a;b|c&d>e<f*g?h"), "a;b|c&d>e<f*g?h"},
    {L("~"), "~"},
    {L("~root"), "~root"},
    {L("\"quoted\" 'name'"), "\"quoted\" 'name'"},
    {L("CON"), "CON"},
    /* nothing that a shell or another program reads unasked where it lands */
    {L(".bashrc"), "_.bashrc"},
    {L(" .ssh"), "_.ssh"},
    {L(".gitconfig.txt"), "_.gitconfig.txt"},
    {L("a.bashrc"), "a.bashrc"},
    /* ordinary ones, in normal form C */
    {L("report (final).tar.gz"), "report (final).tar.gz"},
    {L("cafe\u0301.txt"), "caf\u00e9.txt"},
    {L("\u1112\u1161\u11ABgul"), "\uD55Cgul"},
    {L("\u212Belvin \u2126"), "\u00C5elvin \u03A9"},
    {L("\U0001F468\u200D\U0001F469.png"), "\U0001F468\u200D\U0001F469.png"},
    {L("\u65E5\u672C\u8A9E.txt"), "\u65E5\u672C\u8A9E.txt"},
};

Test(text_name, hostile_names_become_harmless_or_nothing)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char out[TEXT_NAME_BYTES] = "untouched";
        const int err = text_file_name(names[i].in, names[i].len, out);

        if (names[i].want == REFUSED) {
            cr_expect_eq(err, DUET_ENAME, "row %zu became '%s'", i, out);
            cr_expect_str_eq(out, "", "row %zu", i);
        } else {
            cr_expect_eq(err, 0, "row %zu", i);
            cr_expect_str_eq(out, names[i].want, "row %zu", i);
        }
    }
}

Test(text_name, a_long_name_keeps_its_extension)
{
    char in[600];
    char out[TEXT_NAME_BYTES];

    memset(in, 'a', sizeof(in));
    cr_expect_eq(text_file_name(in, 255, out), 0);
    cr_expect_eq(strlen(out), 255);
    cr_expect_eq(text_file_name(in, 256, out), 0);
    cr_expect_eq(strlen(out), 255);

    memcpy(in + 596, (const char[]){'.', 't', 'x', 't'}, 4);
    cr_expect_eq(text_file_name(in, 600, out), 0);
    cr_expect_eq(strlen(out), 255);
    cr_expect_str_eq(out + 250, "a.txt");

    /* What is too long for an extension is a part of the name. */
    in[100] = '.';
    cr_expect_eq(text_file_name(in, 500, out), 0);
    cr_expect_eq(strlen(out), 255);
    cr_expect_eq(out[100], '.');

    /* A name that is all extension has none. */
    in[0] = '.';
    in[100] = 'a';
    cr_expect_eq(text_file_name(in, 300, out), 0);
    cr_expect_eq(strlen(out), 255);
}

Test(text_name, a_long_name_is_cut_between_clusters)
{
    char in[1000] = "";
    char out[TEXT_NAME_BYTES];

    /* 7 bytes a cluster: 255 - 4 = 251 = 35 × 7 + 6 */
    for (int i = 0; i < 60; i++)
        append(in, sizeof(in), "q\u0301\u0302\u0303");
    append(in, sizeof(in), ".txt");
    cr_assert_eq(text_file_name(in, strlen(in), out), 0);
    cr_expect_eq(strlen(out), 35 * 7 + 4);
    cr_expect_str_eq(out + 35 * 7 - 7, "q\u0301\u0302\u0303.txt");

    /* No blank is left where it was cut. */
    memset(in, 'a', 300);
    in[254] = ' ';
    cr_assert_eq(text_file_name(in, 300, out), 0);
    cr_expect_eq(strlen(out), 254);
}

Test(text_name, absurd_lengths_are_refused)
{
    static char in[100000];
    char out[TEXT_NAME_BYTES];

    memset(in, 'a', sizeof(in));
    cr_expect_eq(text_file_name(in, 1024, out), 0);
    cr_expect_eq(text_file_name(in, 1025, out), DUET_ENAME);
    cr_expect_eq(text_file_name(in, sizeof(in), out), DUET_ENAME);
}

static void expect_harmless(const char *name)
{
    const size_t len = strlen(name);
    char again[TEXT_NAME_BYTES];

    cr_assert(len > 0 && len < TEXT_NAME_BYTES);
    cr_assert(strchr(name, '/') == NULL && strchr(name, '\\') == NULL);
    cr_assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    cr_assert(name[0] != '-' && name[0] != '.' && name[0] != ' ' && name[len - 1] != ' ');
    cr_assert_null(strcasestr(name, ".duet-part"));
    cr_assert(text_valid(name, len));
    cr_assert_eq(text_file_name(name, len, again), 0);
    cr_assert_str_eq(again, name, "made safe twice is something else");
}

Test(text_name, random_names_are_harmless_and_stay_as_they_are)
{
    static const char *const part[] = {
        "a",
        ".",
        "..",
        " ",
        "-",
        "\u3000",
        "\u0301",
        "\u0958",
        "\u0344",
        "\u1F82",
        "\x1b",
        "\xff",
        "\xe2\x80",
        ".duet-part",
        "\n",
        "\u202E",
        "\U0001F468\u200D",
        "\U0001F469",
        "\u1100",
        "\u1161",
        "\u11A8",
        "\u2800",
        "\u212A",
        "\U0001D160",
        "\u200D",
        "\u0915\u094D",
        "\uFB2C",
        "averylongpartofaname",
        "\u0303\u0304\u0305\u0306",
    };
    struct duet_rand rand;
    unsigned accepted = 0;

    rand_init_u64(&rand, 30);
    for (int i = 0; i < 20000; i++) {
        char in[1024] = "";
        char out[TEXT_NAME_BYTES];
        const uint64_t parts = rand_below(&rand, i % 10 == 0 ? 45 : 8);

        for (uint64_t n = 0; n < parts; n++)
            append(in, sizeof(in), part[rand_below(&rand, sizeof(part) / sizeof(part[0]))]);
        if (text_file_name(in, strlen(in), out) != 0)
            continue;
        accepted++;
        expect_harmless(out);
    }
    cr_expect_gt(accepted, 10000u);
}

Test(text_name, sizes_are_decimal_with_one_digit_at_most)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } row[] = {
        {0, "0 B"},
        {1, "1 B"},
        {720, "720 B"},
        {999, "999 B"},
        {1000, "1 kB"},
        {1049, "1 kB"},
        {1050, "1.1 kB"},
        {1500, "1.5 kB"},
        {999949, "999.9 kB"},
        {999950, "1 MB"},
        {999999, "1 MB"},
        {1500000000, "1.5 GB"},
        {123456789, "123.5 MB"},
        {UINT64_C(999949999999), "999.9 GB"},
        {UINT64_C(1000000000000), "1 TB"},
        {UINT64_C(2500000000000000), "2.5 PB"},
        {UINT64_MAX, "18.4 EB"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[TEXT_SIZE_BYTES];

        cr_expect_str_eq(text_size(row[i].bytes, out), row[i].want);
    }
}

Test(text_name, spans_read_as_a_clock)
{
    static const struct {
        uint64_t us;
        const char *want;
    } row[] = {
        {0, "0:00"},
        {999999, "0:00"},
        {6000000, "0:06"},
        {59999999, "0:59"},
        {60000000, "1:00"},
        {750000000, "12:30"},
        {UINT64_C(3599999999), "59:59"},
        {UINT64_C(3600000000), "1:00:00"},
        {UINT64_C(11045000000), "3:04:05"},
        {UINT64_C(360000000000), "100:00:00"},
        {UINT64_MAX, "-:--"},
        {UINT64_MAX - 1, "5124095576:01:49"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[TEXT_SPAN_BYTES];

        cr_expect_str_eq(text_span(row[i].us, out), row[i].want);
    }
}
