#include "unit.h"

#include <string.h>

#include "base/text.h"

Test(text_alike, names_a_reader_takes_for_one)
{
    static const struct {
        const char *a, *b;
        bool alike;
    } row[] = {
        {"bob", "bob", true},
        {"bob", "Bob", true},
        {"bob", "bobb", false},
        {"bob", "", false},
        {"", "", true},
        {"José", "Jose\xcc\x81", true}, /* NFC and NFD */
        {"José", "josé", true},
        {"José", "jose", false}, /* an accent is seen */
        {"bob",
         "b\xd0\xbe"
         "b",
         true},                                    /* Cyrillic о */
        {"bob", "\xd0\x92OB", true},               /* Cyrillic В */
        {"BOB", "\xce\x92\xce\x9f\xce\x92", true}, /* Greek ΒΟΒ */
        {"ΝΙΚΟΣ", "νικος", true},                  /* case of another script */
        {"ivan", "iνan", true},                    /* ν is a v */
        {"NINA", "ΝΙΝΑ", true},                    /* and Ν is an N */
        {"bob", "ｂｏｂ", true},                   /* full width */
        {"bob",
         "b\xe2\x80\x8do\xe2\x80\x8d"
         "b",
         true}, /* joiners */
        {"straße", "STRASSE", true},
        {"pc1", "pcl", false},
        {"мама", "mama", false}, /* м is no m to the eye */
        {"иван", "ivan", false},
        {"\xff", "\xfe", false},
        {"\xff", "\xff", true},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_eq(text_alike(row[i].a, strlen(row[i].a), row[i].b, strlen(row[i].b)), row[i].alike, "row %zu: %s", i,
                     row[i].b);
        cr_expect_eq(text_alike(row[i].b, strlen(row[i].b), row[i].a, strlen(row[i].a)), row[i].alike, "row %zu", i);
    }
}

Test(text_alike, a_name_that_becomes_too_long_is_compared_by_its_bytes)
{
    char a[300], b[300];

    for (size_t i = 0; i < sizeof(a); i += 3)
        memcpy(a + i, "\xef\xb7\xba", 3); /* eighteen letters each */
    memcpy(b, a, sizeof(b));
    cr_expect(text_alike(a, sizeof(a), b, sizeof(b)));
    memcpy(b, "abc", 3);
    cr_expect_not(text_alike(a, sizeof(a), b, sizeof(b)));
}
