#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/charset.h"

/* A locale of another encoding, made here: machines rarely have one. */
static void set_locale(const char *encoding)
{
    char dir[] = "/tmp/duet-charset.XXXXXX", command[256], name[64];

    if (access("/usr/share/i18n/charmaps", R_OK) != 0)
        unit_skip("there are no sources of locales here (package locales)");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(name, sizeof(name), "de_DE.%s", encoding);
    snprintf(command, sizeof(command), "localedef -f %s -i de_DE %s/%s", encoding, dir, name);
    cr_assert_eq(system(command), 0);
    setenv("LOCPATH", dir, 1);
    cr_assert_not_null(setlocale(LC_CTYPE, name));
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

static void expect(const char *text, size_t len, const char *escaped, const char *encoded)
{
    char *clean = charset_escape_new(text, len);
    char *bytes = charset_encode_new(clean);

    cr_expect_str_eq(clean, escaped);
    cr_expect_str_eq(bytes, encoded);
    free(bytes);
    free(clean);
}
#define EXPECT(text, escaped, encoded) expect(text, sizeof(text) - 1, escaped, encoded)

Test(charset, shows_what_the_encoding_has_and_escapes_the_rest)
{
    set_locale("ISO-8859-15");
    cr_expect_not(charset_is_utf8());
    EXPECT("caf\u00e9 5 \u20ac", "caf\u00e9 5 \u20ac", "caf\xe9 5 \xa4");
    EXPECT("\u0142\U0001F600", "\\u{142}\\u{1F600}", "\\u{142}\\u{1F600}");
    EXPECT("a\x1b[1m\xff\\", "a\\x1b[1m\\xff\\\\", "a\\x1b[1m\\xff\\\\");
    EXPECT("\u202e\u00ad", "\\u{202E}\\u{AD}", "\\u{202E}\\u{AD}");
    cr_expect(charset_has(0xe9));
    cr_expect_not(charset_has(0x142));
}

/* U+0402 is the byte 0x80 there, U+203A 0x9B: what some terminals take for the start of a sequence. */
Test(charset, sends_no_character_whose_byte_may_be_a_control)
{
    set_locale("CP1251");
    EXPECT("\u0436\u0402\u203a[2J", "\u0436\\u{402}\\u{203A}[2J", "\xe6\\u{402}\\u{203A}[2J");
}

Test(charset, without_a_locale_everything_beyond_ascii_is_escaped)
{
    setlocale(LC_CTYPE, "C");
    EXPECT("plain", "plain", "plain");
    EXPECT("\u00e9\t", "\\u{E9}\\x09", "\\u{E9}\\x09");
    char *bytes = charset_encode_new("\u00e9 \u2713");

    cr_expect_str_eq(bytes, "? ?", "a frame has a place for each");
    free(bytes);
}

Test(charset, in_utf8_there_is_a_place_for_everything)
{
    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    cr_expect(charset_is_utf8());
    cr_expect(charset_has(0x142));
    cr_expect(charset_has(0x1F600));
}
