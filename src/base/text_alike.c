/*
 * text_alike: names that a reader would take for one another (see text.h).
 *
 * A skeleton is the name in NFKD, case folded, without what is never visible, and with the letters
 * of other scripts that look like Latin ones replaced by these.  The tables are what Unicode's
 * confusables.txt (UTS #39) has for Latin, Cyrillic, Greek and Armenian letters of one code point;
 * digits are left alone, or "pc1" could not stand beside "pcl".
 *
 * A letter's capital may look like another Latin letter than the small one does (Greek Ν and ν: N
 * and v), so there are two skeletons: look-alikes replaced after folding, and before it, too.  One
 * common one is enough.
 */
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/text.h"

struct look_alike {
    int32_t point;
    char latin;
};

static const struct look_alike small[] = {
    {0x0131, 'i'}, {0x0185, 'b'}, {0x0251, 'a'}, {0x0261, 'g'}, {0x0269, 'i'}, {0x026A, 'i'}, {0x028B, 'v'},
    {0x03B1, 'a'}, {0x03B3, 'y'}, {0x03B9, 'i'}, {0x03BA, 'k'}, {0x03BD, 'v'}, {0x03BF, 'o'}, {0x03C1, 'p'},
    {0x03C3, 'o'}, {0x03C5, 'u'}, {0x03F3, 'j'}, {0x0430, 'a'}, {0x0433, 'r'}, {0x0435, 'e'}, {0x043A, 'k'},
    {0x043E, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'}, {0x0445, 'x'}, {0x044C, 'b'}, {0x0455, 's'},
    {0x0456, 'i'}, {0x0458, 'j'}, {0x0461, 'w'}, {0x0475, 'v'}, {0x04AF, 'y'}, {0x04BB, 'h'}, {0x04CF, 'l'},
    {0x0501, 'd'}, {0x051B, 'q'}, {0x051D, 'w'}, {0x0566, 'q'}, {0x0570, 'h'}, {0x0578, 'n'}, {0x057D, 'u'},
    {0x0581, 'g'}, {0x0585, 'o'},
};

static const struct look_alike capital[] = {
    {0x0391, 'A'}, {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'},
    {0x039A, 'K'}, {0x039C, 'M'}, {0x039D, 'N'}, {0x039F, 'O'}, {0x03A1, 'P'}, {0x03A4, 'T'},
    {0x03A5, 'Y'}, {0x03A7, 'X'}, {0x03F9, 'C'}, {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'},
    {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'}, {0x041A, 'K'}, {0x041C, 'M'}, {0x041D, 'H'},
    {0x041E, 'O'}, {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'}, {0x0423, 'Y'}, {0x0425, 'X'},
    {0x0474, 'V'}, {0x04AE, 'Y'}, {0x04C0, 'l'}, {0x050C, 'G'}, {0x051A, 'Q'}, {0x051C, 'W'},
};

#define SKELETON_POINTS 512

struct skeleton {
    int32_t point[SKELETON_POINTS];
    size_t count;
};

static int32_t latin_of(const struct look_alike *table, size_t rows, int32_t point)
{
    for (size_t i = 0; i < rows; i++)
        if (table[i].point == point)
            return table[i].latin;
    return point;
}

static void take_skeleton(const char *src, size_t len, bool capitals_first, struct skeleton *out)
{
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE |
                                  (capitals_first ? 0 : UTF8PROC_CASEFOLD);
    const utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)src, (utf8proc_ssize_t)len, out->point, SKELETON_POINTS, how);

    if (count < 0 || count > SKELETON_POINTS) { /* not UTF-8, or no name: its bytes */
        out->count = len < SKELETON_POINTS ? len : SKELETON_POINTS;
        for (size_t i = 0; i < out->count; i++)
            out->point[i] = (uint8_t)src[i];
        return;
    }
    out->count = (size_t)count;
    for (size_t i = 0; i < out->count; i++) {
        int32_t point = out->point[i];

        if (capitals_first)
            point = utf8proc_tolower(latin_of(capital, sizeof(capital) / sizeof(capital[0]), point));
        out->point[i] = latin_of(small, sizeof(small) / sizeof(small[0]), point);
    }
}

static bool is_ascii(const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)src[i] > 0x7f)
            return false;
    return true;
}

static bool same_skeletons(const char *a, size_t a_len, const char *b, size_t b_len, bool capitals_first)
{
    struct skeleton one, other;

    take_skeleton(a, a_len, capitals_first, &one);
    take_skeleton(b, b_len, capitals_first, &other);
    return one.count == other.count && memcmp(one.point, other.point, one.count * sizeof(one.point[0])) == 0;
}

bool text_alike(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (is_ascii(a, a_len) && is_ascii(b, b_len))
        return a_len == b_len && strncasecmp(a, b, a_len) == 0;
    return same_skeletons(a, a_len, b, b_len, false) || same_skeletons(a, a_len, b, b_len, true);
}
