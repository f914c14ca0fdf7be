/*
 * Any text of a peer through the one gate: a file name stays one harmless
 * component, a line stays one line, nothing that acts on a terminal is left,
 * and passing the gate twice changes nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* C0, DEL, C1, bidi controls, separators: whatever a terminal or a reader would obey. */
static bool acts(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe007f);
}

static void check_text(const char *text, size_t len, bool lines)
{
    for (size_t at = 0; at < len;) {
        int32_t c;
        ssize_t n = text_decode(text + at, len - at, &c);
        assert(n > 0);
        assert(!acts(c) || (lines && c == '\n'));
        at += (size_t)n;
    }
}

static void check_form(enum text_form form, const char *src, size_t len)
{
    size_t cap = TEXT_SANITISED_MAX(len);
    char *out = malloc(cap);

    if (out == NULL)
        return;
    size_t n = text_sanitise(form, src, len, out, cap);
    assert(n < cap && out[n] == '\0' && text_valid(out, n));
    check_text(out, n, form == TEXT_MULTILINE);
    char *again = text_sanitise_new(form, out, n);
    assert(again == NULL || form == TEXT_ESCAPE || strcmp(again, out) == 0);
    for (size_t i = 0; form == TEXT_ESCAPE && i < n; i++)
        assert(out[i] >= 0x20 && out[i] < 0x7f);
    /* Too little room cuts between characters. */
    char small[16];
    size_t cut = text_sanitise(form, src, len, small, sizeof(small));
    assert(cut < sizeof(small) && text_valid(small, cut) && memcmp(small, out, cut) == 0);
    free(again);
    free(out);
}

static void check_name(const char *src, size_t len)
{
    char name[TEXT_NAME_BYTES], again[TEXT_NAME_BYTES];
    int err = text_file_name(src, len, name);

    assert(err == 0 || err == DUET_ENAME);
    if (err != 0)
        return;
    size_t n = strnlen(name, sizeof(name));
    assert(n >= 1 && n <= 255 && text_valid(name, n));
    assert(strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    assert(name[0] != '-' && name[0] != '.' && name[0] != ' ' && name[n - 1] != ' ');
    check_text(name, n, false);
    assert(text_file_name(name, n, again) == 0 && strcmp(name, again) == 0);
}

static void check_widths(const char *src, size_t len)
{
    for (size_t at = 0; at < len;) {
        int columns;
        size_t n = text_grapheme(src + at, len - at, &columns);
        assert(n > 0 && n <= len - at && columns >= 0);
        assert(columns <= 2 || memmem(src + at, n, "\u200D", 3) != NULL);
        at += n;
    }
    assert(text_fit(src, len, text_columns(src, len)) == len);
    assert(text_fit(src, len, 3) <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *src = (const char *)data;

    if (size > 4096)
        return 0;
    check_form(TEXT_LINE, src, size);
    check_form(TEXT_MULTILINE, src, size);
    check_form(TEXT_ESCAPE, src, size);
    check_name(src, size);
    check_widths(src, size);
    return 0;
}
