#include "client/typed.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

/* No character of an 8-bit or East Asian encoding is longer in UTF-8 than this for each of its
 * bytes. */
#define GROWTH 4

/* The first byte that is no UTF-8; the length if all are. */
static size_t find_bad_byte(const char *bytes, size_t len)
{
    size_t at = 0;
    int32_t cp;

    while (at < len) {
        const ssize_t used = text_decode(bytes + at, len - at, &cp);

        if (used < 0)
            break;
        at += (size_t)used;
    }
    return at;
}

static char *check_utf8(const char *bytes, char error[TYPED_ERROR_BYTES])
{
    const size_t len = strlen(bytes);
    const size_t bad = find_bad_byte(bytes, len);
    char *copy = bad == len ? strdup(bytes) : NULL;

    if (bad < len)
        snprintf(error, TYPED_ERROR_BYTES,
                 "it is not UTF-8 (byte %zu is 0x%02x): convert it with iconv, or set LC_CTYPE to its encoding",
                 bad + 1, (unsigned)(unsigned char)bytes[bad]);
    else if (copy == NULL)
        snprintf(error, TYPED_ERROR_BYTES, "%s", err_text(DUET_ENOMEM));
    return copy;
}

char *typed_utf8(const char *bytes, const char *codeset, char error[TYPED_ERROR_BYTES])
{
    if (strcmp(codeset, "UTF-8") == 0)
        return check_utf8(bytes, error);

    iconv_t to_utf8 = iconv_open("UTF-8", codeset);
    if (to_utf8 == (iconv_t)-1) {
        snprintf(error, TYPED_ERROR_BYTES, "unknown encoding %s: %s", codeset, strerror(errno));
        return NULL;
    }
    char *in = (char *)(uintptr_t)bytes; /* iconv does not write there */
    size_t in_left = strlen(bytes);
    const size_t room = in_left * GROWTH;
    size_t out_left = room;
    char *text = malloc(room + 1);
    char *out = text;
    const bool done = text != NULL && iconv(to_utf8, &in, &in_left, &out, &out_left) != (size_t)-1 && in_left == 0;

    iconv_close(to_utf8);
    if (done) {
        *out = '\0';
        return text;
    }
    if (text == NULL)
        snprintf(error, TYPED_ERROR_BYTES, "%s", err_text(DUET_ENOMEM));
    else
        snprintf(error, TYPED_ERROR_BYTES, "it is not %s (byte %zu is 0x%02x)", codeset, strlen(bytes) - in_left + 1,
                 (unsigned)(unsigned char)*in);
    free(text);
    return NULL;
}
