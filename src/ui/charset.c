#include "ui/charset.h"

#include <langinfo.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"

#define CLUSTER_BYTES 64 /* a longer cluster is escaped */

bool charset_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The character in the encoding; 0: it has none, or none that is only shown.  wchar_t is the code
 * point in glibc. */
static size_t encode(int32_t point, char out[MB_LEN_MAX])
{
    mbstate_t state = {0};
    const size_t len = wcrtomb(out, (wchar_t)point, &state);

    if (len == (size_t)-1)
        return 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)out[i];

        if (byte < ' ' || (byte >= 0x7f && byte < 0xa0))
            return 0;
    }
    return len;
}

bool charset_has(int32_t point)
{
    char bytes[MB_LEN_MAX];

    return charset_is_utf8() || encode(point, bytes) > 0;
}

/* A cluster that the gate leaves as it is, and of which the encoding has every character. */
static bool shows(const char *cluster, size_t len)
{
    char clean[CLUSTER_BYTES];
    int32_t point;

    if (cluster[0] == '\\' || text_sanitise(TEXT_MULTILINE, cluster, len, clean, sizeof(clean)) != len ||
        memcmp(clean, cluster, len) != 0)
        return false;
    for (size_t at = 0; at < len;) {
        const ssize_t used = text_decode(cluster + at, len - at, &point);

        if (used < 0 || !charset_has(point))
            return false;
        at += (size_t)used;
    }
    return true;
}

char *charset_escape_new(const char *text, size_t len)
{
    const size_t cap = TEXT_SANITISED_MAX(len);
    char *out = malloc(cap);
    size_t used = 0;

    if (out == NULL)
        return NULL;
    out[0] = '\0';
    for (size_t at = 0; at < len;) {
        int columns;
        const size_t bytes = text_grapheme(text + at, len - at, &columns);
        const enum text_form form = shows(text + at, bytes) ? TEXT_MULTILINE : TEXT_ESCAPE;

        used += text_sanitise(form, text + at, bytes, out + used, cap - used);
        at += bytes;
    }
    return out;
}

char *charset_encode_new(const char *text)
{
    const size_t len = strlen(text);
    char *out = malloc(len * MB_LEN_MAX + 1);
    size_t used = 0;

    if (out == NULL)
        return NULL;
    for (size_t at = 0; at < len;) {
        int32_t point = 0;
        const ssize_t bytes = text_decode(text + at, len - at, &point);
        const bool is_ascii = bytes == 1;
        const size_t encoded = bytes > 1 ? encode(point, out + used) : 0;

        if (encoded > 0)
            used += encoded;
        else
            out[used++] = is_ascii ? text[at] : '?';
        at += bytes > 0 ? (size_t)bytes : 1;
    }
    out[used] = '\0';
    return out;
}
