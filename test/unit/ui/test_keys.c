#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "ui/keys.h"

/* What the bytes lead to, as words: plain bytes as they are, sequences in <>. */
static const char *fed(struct keys *k, const char *bytes, size_t len)
{
    static char out[512];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < len; i++) {
        const enum keys_result result = keys_feed(k, (unsigned char)bytes[i], 0);

        if (result != KEYS_NOTHING)
            used += (size_t)snprintf(out + used, sizeof(out) - used, result == KEYS_PLAIN ? "%.*s" : "<%.*s>",
                                     (int)k->len, (const char *)k->bytes);
    }
    return out;
}

#define FED(k, literal) fed(k, literal, sizeof(literal) - 1)

Test(keys, cuts_sequences_out_whole)
{
    static const struct {
        const char *in, *want;
    } row[] = {
        {"plain Zoë 日本\r", "plain Zoë 日本\r"},
        {"a\x1b[Ab", "a<\x1b[A>b"},
        {"\x1b[15~\x1b[24~", "<\x1b[15~><\x1b[24~>"},                 /* F5, F12 */
        {"\x1b[5;5~x", "<\x1b[5;5~>x"},                               /* Ctrl-PgUp */
        {"\x1bOPx", "<\x1bOP>x"},                                     /* F1 */
        {"\x1b[[Ax", "<\x1b[[A>x"},                                   /* F1 of Linux's console */
        {"\x1b[?62;22c\x1b[12;40Rx", "<\x1b[?62;22c><\x1b[12;40R>x"}, /* late reports */
        {"\x1b]11;rgb:0000/0000/0000\x07x", "x"},
        {"\x1b]11;rgb:0000/0000/0000\x1b\\x", "x"},
        {"\x1bP>|tmux 3.3a\x1b\\x", "x"},
        {"\x1b"
         "bX",
         "\x1b"
         "bX"},                       /* Alt-b */
        {"\x1b\x7fX", "\x1b\x7fX"},   /* Alt-Backspace */
        {"\x1b\x1b[Ax", "<\x1b[A>x"}, /* Escape, then a cursor key */
        {"\x1b\x03", "\x03"},         /* ^C counts always */
        {"\x1b[12\x03", "\x03"},
        {"\x1b[1\x1b[Bx", "<\x1b[B>x"},
        {"\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16mx", "x"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct keys k = {0};

        cr_expect_str_eq(fed(&k, row[i].in, strlen(row[i].in)), row[i].want, "row %zu", i);
        cr_expect_eq(keys_deadline_us(&k), UINT64_MAX, "row %zu: nothing is open", i);
    }
}

Test(keys, an_escape_is_a_key_when_nothing_follows)
{
    static const char *const row[] = {"\x1b", "\x1b]", "\x1bO", "\x1b_"};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct keys k = {0};

        cr_expect_str_empty(fed(&k, row[i], strlen(row[i])));
        cr_expect_eq(keys_deadline_us(&k), KEYS_ESCAPE_US);
        cr_expect_eq(keys_silence(&k, KEYS_ESCAPE_US - 1), KEYS_NOTHING);
        cr_expect_eq(keys_silence(&k, KEYS_ESCAPE_US), KEYS_PLAIN);
        cr_expect_eq(k.len, strlen(row[i]));
        cr_expect_str_eq(FED(&k, "b"), "b");
    }
}

Test(keys, a_sequence_without_an_end_is_given_up)
{
    static const char *const row[] = {"\x1b[12", "\x1b]11;rgb", "\x1bP>|", "\x1b[["};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct keys k = {0};

        cr_expect_str_empty(fed(&k, row[i], strlen(row[i])));
        cr_expect_eq(keys_silence(&k, KEYS_SILENCE_US - 1), KEYS_NOTHING);
        cr_expect_eq(keys_deadline_us(&k), KEYS_SILENCE_US);
        cr_expect_eq(keys_silence(&k, KEYS_SILENCE_US), KEYS_NOTHING);
        cr_expect_str_eq(FED(&k, "text"), "text");
    }
}

Test(keys, the_same_cursor_key_several_times_in_one_read_is_the_wheel)
{
    static const struct {
        const char *in;
        size_t bytes;
        long rows;
    } row[] = {
        {"\x1b[A\x1b[A\x1b[A", 9, 3},       {"\x1bOB\x1bOB\x1bOB\x1bOB", 12, -4},
        {"\x1b[A\x1b[A\x1b[A\x1b[B", 9, 3}, {"\x1b[A\x1b[A", 0, 0},
        {"\x1b[A\x1b[B\x1b[A", 0, 0},       {"\x1b[C\x1b[C\x1b[C", 0, 0},
        {"x\x1b[A\x1b[A\x1b[A", 0, 0},      {"", 0, 0},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        long rows = 0;

        cr_expect_eq(keys_wheel((const unsigned char *)row[i].in, strlen(row[i].in), &rows), row[i].bytes, "row %zu",
                     i);
        cr_expect_eq(rows, row[i].rows, "row %zu", i);
    }
}
