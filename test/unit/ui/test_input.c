#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui/input.h"

static void set_up(void)
{
    cr_assert_not_null(setlocale(LC_ALL, "C.UTF-8"));
    setenv("INPUTRC", "/dev/null", 1);
    setenv("TERM", "xterm", 1);
    input_start(NULL);
}

TestSuite(input, .init = set_up, .fini = input_stop);

static uint64_t now_us;

/* Types it all; the last event that was one.  Texts of earlier ones are freed. */
static struct input_event type(const char *keys)
{
    struct input_event last = {.type = INPUT_NONE};

    for (; *keys; keys++) {
        struct input_event ev = input_byte((unsigned char)*keys, now_us);
        if (ev.type == INPUT_NONE)
            continue;
        free(last.text);
        last = ev;
    }
    return last;
}

static void expect_line(const char *keys, const char *line)
{
    struct input_event ev = type(keys);

    cr_assert_eq(ev.type, INPUT_LINE);
    cr_expect_str_eq(ev.text, line);
    free(ev.text);
}

Test(input, hands_out_lines)
{
    expect_line("hello\r", "hello");
    expect_line("Zoë 日本\r", "Zoë 日本");
    expect_line("\r", "");
}

Test(input, edits_as_readline_users_expect)
{
    expect_line("world\001hello \r", "hello world");
    expect_line("abc\002\004\r", "ab");
    expect_line("keep this\027that\r", "keep that");
    expect_line("one two\025x\r", "x");
    expect_line("one two\027\031\031\r", "one twotwo");
    expect_line("ab\x1b[DX\r", "aXb");
    expect_line("ab\x1b[HX\x1b[FY\r", "XabY");
    expect_line("one two\x1b"
                "bX\r",
                "one Xtwo");
    expect_line("日本\177\r", "日");
    expect_line("one two\001\013x\r", "x");
}

Test(input, remembers_lines_until_it_is_told_not_to)
{
    input_remember("first");
    input_remember("second");
    input_remember("second");
    expect_line("\x1b[A\x1b[A\r", "first");
    expect_line("\x1b[A\x1b[A\x1b[B\r", "second");
}

Test(input, reports_keys_of_the_screen)
{
    static const struct {
        const char *keys;
        enum input_event_type type;
    } rows[] = {
        {"\x1b[5~", INPUT_PAGE_UP}, {"\x1b[6~", INPUT_PAGE_DOWN}, {"\f", INPUT_REDRAW},
        {"\003", INPUT_INTERRUPT},  {"\032", INPUT_SUSPEND},      {"\004", INPUT_END},
        {"\x1b[H", INPUT_TOP},      {"\x1bOF", INPUT_BOTTOM},     {"\x1b[4~", INPUT_BOTTOM},
        {"\x1b[1;5H", INPUT_TOP},   {"\x1b[1;5F", INPUT_BOTTOM},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct input_event ev = type(rows[i].keys);
        cr_expect_eq(ev.type, rows[i].type, "row %zu: %d", i, ev.type);
        free(ev.text);
    }
}

Test(input, knows_text_and_cursor_for_the_view)
{
    type("ab日");
    cr_expect_str_eq(input_text(), "ab日");
    cr_expect_eq(input_cursor(), 5);
    type("\x1b[D");
    cr_expect_eq(input_cursor(), 2);
    cr_expect(input_clear());
    cr_expect_str_empty(input_text());
    cr_expect_eq(input_cursor(), 0);
    cr_expect_not(input_clear());
}

Test(input, puts_a_pasted_line_into_the_line)
{
    cr_expect_eq(type("say \x1b[200~one\ttwo\r\n\x1b[201~").type, INPUT_NONE);
    expect_line("!\r", "say one\ttwo!");
}

Test(input, hands_out_pasted_lines_to_be_confirmed)
{
    struct input_event ev = type("\x1b[200~one\r\ntwo\rthree\n\x1b[201~");

    cr_assert_eq(ev.type, INPUT_PASTE);
    cr_expect_str_eq(ev.text, "one\ntwo\nthree");
    free(ev.text);
    cr_expect_str_empty(input_text());
}

Test(input, keeps_every_byte_of_a_paste_but_nul)
{
    struct input_event ev = type("\x1b[200~a\x1b[31mb\nc\td\u200B");

    cr_expect_eq(input_byte('\0', now_us).type, INPUT_NONE);
    ev = type("\x1b[201~");
    cr_assert_eq(ev.type, INPUT_PASTE);
    cr_expect_str_eq(ev.text, "a\x1b[31mb\nc\td\u200B\x01");
    free(ev.text);
}

Test(input, refuses_a_paste_beyond_its_bound_and_goes_on)
{
    type("\x1b[200~");
    for (size_t i = 0; i < 3 * INPUT_PASTE_BYTES; i++)
        cr_assert_eq(input_byte('x', now_us).type, INPUT_NONE);
    cr_expect_eq(type("\x1b[201~").type, INPUT_PASTE_LONG);
    expect_line("ok\r", "ok");
}

Test(input, takes_every_byte_inside_a_paste_for_data)
{
    struct input_event ev = type("draft \x1b[200~foo\003\r/send /etc/hostname\r\032\004\x1b[5~\x1b[201~");

    cr_assert_eq(ev.type, INPUT_PASTE);
    cr_expect_str_eq(ev.text, "foo\003\n/send /etc/hostname\n\032\004\x1b[5~");
    free(ev.text);
    expect_line("stays\r", "draft stays");
}

Test(input, ends_a_paste_whose_end_was_lost_after_a_silence)
{
    now_us = 5000;
    cr_expect_eq(input_deadline_us(), UINT64_MAX);
    type("\x1b[200~one\rtwo");
    now_us = 6000;
    type("!");
    cr_expect_eq(input_deadline_us(), 6000 + INPUT_PASTE_SILENCE_US);
    cr_expect_eq(input_silence(6000 + INPUT_PASTE_SILENCE_US - 1).type, INPUT_NONE);
    cr_expect(input_is_pasting());
    struct input_event ev = input_silence(6000 + INPUT_PASTE_SILENCE_US);
    cr_assert_eq(ev.type, INPUT_PASTE);
    cr_expect_str_eq(ev.text, "one\ntwo!");
    free(ev.text);
    cr_expect_eq(input_deadline_us(), UINT64_MAX);
    type("\x1b[200~");
    cr_expect_eq(input_silence(now_us + INPUT_PASTE_SILENCE_US).type, INPUT_NONE, "nothing came at all");
    cr_expect_eq(type("\003").type, INPUT_INTERRUPT);
    expect_line("ok\x1b[201~\r", "ok");
}

Test(input, skips_sequences_that_nothing_is_bound_to)
{
    /* F5 to F12, Ctrl-PgUp, Shift-Ins, reports of device and cursor, the colour of the background, focus. */
    expect_line("a\x1b[15~\x1b[17~\x1b[24~\x1b[5;5~\x1b[2;2~b\x1b[?62;22c\x1b[12;40R\x1b]11;rgb:0/0/0\x07"
                "c\x1b[I\x1b[O\x1bOx\x1b[[Ad\r",
                "abcd");
    type("one two");
    type("\x1b");
    cr_expect_eq(input_silence(now_us + INPUT_PASTE_SILENCE_US).type, INPUT_NONE);
    expect_line("bX\r", "one Xtwo");
}

Test(input, keeps_the_line_while_it_is_held)
{
    type("draft");
    input_hold(true);
    struct input_event ev = type("y");
    cr_expect_eq(ev.type, INPUT_KEY);
    cr_expect_eq(ev.key, 'y');
    cr_expect_eq(type("\r").type, INPUT_KEY);
    cr_expect_eq(type("\x1b[A").type, INPUT_NONE);
    cr_expect_eq(type("\x1b[5~").type, INPUT_PAGE_UP);
    cr_expect_eq(type("\003").type, INPUT_INTERRUPT);
    ev = type("\x1b[200~a\rb\x1b[201~");
    cr_expect_eq(ev.type, INPUT_PASTE);
    free(ev.text);
    input_hold(false);
    expect_line("!\r", "draft!");
}

Test(input, gives_back_what_it_was_told_to_keep)
{
    type("a b\x1b[D");
    input_keep("one\ntwo");
    cr_expect_str_eq(input_text(), "a b");
    cr_expect_eq(input_cursor(), 2);
    expect_line("\031\r", "a one\ntwob");
}

static enum input_completes complete(const char *before, size_t *start)
{
    const char *at = strpbrk(before, "!<");

    if (at == NULL)
        return INPUT_COMPLETES_NOTHING;
    *start = (size_t)(at - before) + 1;
    return *at == '!' ? INPUT_COMPLETES_WORDS : INPUT_COMPLETES_PATHS;
}

static const char *word(size_t index)
{
    static const char *const words[] = {"cat", "cow", "dog", NULL};

    return words[index];
}

static bool is_directory(const char *path)
{
    return strcmp(path, "/proc") == 0;
}

Test(input, completes_what_its_language_says)
{
    static const struct input_language language = {.complete = complete, .word = word, .is_directory = is_directory};

    expect_line("a !do\t\r", "a !do"); /* none yet */
    input_stop();
    input_start(&language);
    expect_line("a !do\t\r", "a !dog ");
    expect_line("a !x\t\r", "a !x");
    expect_line("a </pro\t\r", "a </proc/");
    expect_line("no\tword\r", "noword");

    struct input_event ev = type("!c\t");
    cr_expect_eq(ev.type, INPUT_CHOICES);
    cr_expect_str_eq(ev.text, "cat  cow");
    free(ev.text);
}

Test(input, shows_the_part_of_the_line_around_the_cursor)
{
    static const struct {
        const char *text;
        size_t cursor, columns;
    } rows[] = {
        {"", 0, 1},       {"abc", 3, 10}, {"abcdefghij", 10, 5}, {"abcdefghij", 0, 5}, {"日本語日本語", 18, 5},
        {"日本語", 9, 1}, {"abc", 3, 0},  {"abcdefghij", 10, 1}, {"日本語", 6, 3},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t column;
        size_t start = input_window(rows[i].text, rows[i].cursor, rows[i].columns, &column);
        cr_expect_leq(start, rows[i].cursor, "row %zu", i);
        cr_expect(rows[i].columns == 0 || column < rows[i].columns, "row %zu: column %zu", i, column);
    }
}
