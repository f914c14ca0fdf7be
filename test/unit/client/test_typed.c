#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "client/typed.h"

Test(typed, text_goes_out_as_it_was_typed_whatever_the_encoding)
{
    static const struct {
        const char *codeset, *bytes, *want;
    } row[] = {
        {"UTF-8", "", ""},
        {"UTF-8", "Grüße\t\u200B\u00AD\u200F\U0001FAE8\x1b", "Grüße\t\u200B\u00AD\u200F\U0001FAE8\x1b"},
        {"ISO-8859-1",
         "Gr\xfc\xdf"
         "e",
         "Grüße"},
        {"ISO-8859-15", "\xa4", "€"},
        {"ANSI_X3.4-1968", "plain", "plain"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char error[TYPED_ERROR_BYTES] = "";
        char *text = typed_utf8(row[i].bytes, row[i].codeset, error);

        cr_assert_not_null(text, "row %zu: %s", i, error);
        cr_expect_str_eq(text, row[i].want, "row %zu", i);
        free(text);
    }
}

Test(typed, what_is_no_text_is_refused_with_the_place)
{
    static const struct {
        const char *codeset, *bytes, *want;
    } row[] = {
        {"UTF-8", "Gr\xfc\xdf", "not UTF-8 (byte 3 is 0xfc)"},
        {"UTF-8", "\xed\xa0\x80", "byte 1 is 0xed"},
        {"ANSI_X3.4-1968", "a\xc3\xa9", "not ANSI_X3.4-1968 (byte 2 is 0xc3)"},
        {"no-such-thing", "a", "unknown encoding no-such-thing"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char error[TYPED_ERROR_BYTES] = "";

        cr_expect_null(typed_utf8(row[i].bytes, row[i].codeset, error), "row %zu", i);
        cr_expect(strstr(error, row[i].want) != NULL, "row %zu: %s", i, error);
    }
}
