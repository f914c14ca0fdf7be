#include "base/err.h"

#include "unit.h"
#include <string.h>

Test(err, names_and_words_come_from_one_list)
{
    static const struct {
        int code;
        const char *name;
        const char *words;
    } row[] = {
#define X(name, value, words) {name, #name, words},
        DUET_ERR_LIST(X)
#undef X
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_str_eq(err_name(row[i].code), row[i].name);
        cr_expect_str_eq(err_text(row[i].code), row[i].words);
    }
    cr_expect_str_eq(err_name(-8), "DUET_EFULL");
    cr_expect_str_eq(err_text(0), "success");
}

Test(err, unknown_codes_have_a_name_too)
{
    static const int code[] = {1, -1000, 2147483647, -2147483647 - 1};

    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        cr_expect_str_eq(err_name(code[i]), "DUET_E?");
        cr_expect_str_eq(err_text(code[i]), "unknown error");
    }
}

Test(err, codes_are_distinct_and_negative)
{
    static const int code[] = {
#define X(name, value, words) value,
        DUET_ERR_LIST(X)
#undef X
    };

    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        cr_expect_eq(code[i], -(int)i, "a number skipped, used twice or positive: %d", code[i]);
    }
}
