/* Hex text of published vectors as bytes. */
#ifndef DUET_TEST_VECTORS_HEX_H
#define DUET_TEST_VECTORS_HEX_H

#include "unit.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes written; the test fails where they do not fit or the text is not hex. */
static inline size_t hex(const char *text, uint8_t *out, size_t cap)
{
    size_t len = strlen(text) / 2;

    cr_assert(strlen(text) % 2 == 0 && len <= cap);
    for (size_t i = 0; i < len; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        char *end;
        out[i] = (uint8_t)strtoul(digits, &end, 16);
        cr_assert(*end == 0, "not hex: %s", digits);
    }
    return len;
}

#endif
