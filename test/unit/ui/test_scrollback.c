#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ui/scrollback.h"

static struct scrollback m; /* large */

static void add(const char *text)
{
    cr_assert_eq(scrollback_add(&m, LINE_PEER, 0, "", "", text), 0);
}

/* A line for each letter. */
static void add_letters(char last)
{
    for (int c = 'a'; c <= last; c++)
        add((char[]){(char)c, '\0'});
}

/* What is seen, rows joined by '|'. */
static const char *seen(void)
{
    static char out[4096];
    struct scrollback_row rows[64];
    size_t used = 0;
    size_t count = scrollback_rows(&m, rows, 64);

    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", i ? "|" : "", (int)rows[i].len,
                                 rows[i].line->text + rows[i].start);
    return out;
}

static void set_up(void)
{
    scrollback_init(&m);
    scrollback_resize(&m, 0, 10, 3);
}

static void tear_down(void)
{
    scrollback_dispose(&m);
}

TestSuite(scrollback, .init = set_up, .fini = tear_down);

Test(scrollback, wraps_at_blanks_newlines_and_inside_long_words)
{
    static const struct {
        const char *text;
        size_t width;
        const char *rows;
    } rows[] = {
        {"short", 10, "short"},
        {"", 10, ""},
        {"two words here", 9, "two words|here"},
        {"two words here", 10, "two words|here"},
        {"abcdefghijkl", 5, "abcde|fghij|kl"},
        {"a abcdefghij", 5, "a|abcde|fghij"},
        {"  abcdefghij", 5, "  abc|defgh|ij"},
        {"one\ntwo", 10, "one|two"},
        {"one\n\ntwo", 10, "one||two"},
        {"abcde\nf", 5, "abcde|f"},
        {"abcde f", 5, "abcde|f"},
        {"日本語", 4, "日本|語"},
        {"日本語", 5, "日本|語"},
        {"日本", 1, "日|本"},
        {"a b c", 1, "a|b|c"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scrollback_resize(&m, 0, rows[i].width, 64);
        scrollback_clear(&m);
        add(rows[i].text);
        cr_expect_str_eq(seen(), rows[i].rows, "row %zu: %s", i, seen());
    }
}

Test(scrollback, never_loses_or_repeats_a_letter_at_any_width)
{
    static const char text[] = "The quick brown 狐 jumps over\nthe lazy 犬, averyveryverylongwordthatdoesnotfit, ok";
    char letters[256], shown[4096];

    for (size_t width = 1; width < 60; width++) {
        struct scrollback_row rows[200];
        size_t used = 0, l = 0;
        scrollback_resize(&m, 0, width, 200);
        scrollback_clear(&m);
        add(text);
        size_t count = scrollback_rows(&m, rows, 200);
        for (size_t i = 0; i < count; i++) {
            const char *at = rows[i].line->text + rows[i].start;
            cr_expect(text_columns(at, rows[i].len) <= width || width == 1, "width %zu", width);
            for (size_t k = 0; k < rows[i].len; k++)
                if (at[k] != ' ')
                    shown[used++] = at[k];
        }
        shown[used] = '\0';
        for (const char *at = text; *at; at++)
            if (*at != ' ' && *at != '\n')
                letters[l++] = *at;
        letters[l] = '\0';
        cr_expect_str_eq(shown, letters, "width %zu", width);
    }
}

Test(scrollback, shows_the_newest_rows)
{
    add("1");
    add("2");
    cr_expect_str_eq(seen(), "1|2");
    add("3");
    add("4");
    cr_expect_str_eq(seen(), "2|3|4");
    add("five six seven eight");
    cr_expect_str_eq(seen(), "five six|seven|eight", "%s", seen());
    add("nine ten eleven");
    cr_expect_str_eq(seen(), "eight|nine ten|eleven", "%s", seen());
}

Test(scrollback, keeps_what_is_seen_while_new_lines_come)
{
    add_letters('j');
    scrollback_scroll(&m, 2);
    cr_expect_str_eq(seen(), "f|g|h");
    add("new");
    add("two rows of it");
    cr_expect_str_eq(seen(), "f|g|h");
    cr_expect_eq(m.unseen, 2);
    scrollback_follow(&m);
    cr_expect_str_eq(seen(), "new|two rows|of it");
    cr_expect_eq(m.unseen, 0);
}

Test(scrollback, stops_scrolling_at_both_ends)
{
    add_letters('e');
    scrollback_scroll(&m, 1000);
    cr_expect_str_eq(seen(), "a|b|c");
    scrollback_scroll(&m, -1);
    cr_expect_str_eq(seen(), "b|c|d");
    scrollback_scroll(&m, -1000);
    cr_expect_str_eq(seen(), "c|d|e");
    scrollback_clear(&m);
    scrollback_scroll(&m, 5);
    cr_expect_str_eq(seen(), "");
}

Test(scrollback, keeps_the_bottom_line_in_sight_when_resized)
{
    for (int i = 'a'; i <= 'j'; i++) {
        char c = (char)i;
        add((char[]){c, c, c, ' ', c, c, c, '\0'});
    }
    scrollback_scroll(&m, 3);
    cr_expect_str_eq(seen(), "eee eee|fff fff|ggg ggg");
    scrollback_resize(&m, 0, 4, 4);
    cr_expect_str_eq(seen(), "fff|fff|ggg|ggg", "%s", seen());
    scrollback_resize(&m, 0, 10, 3);
    cr_expect_str_eq(seen(), "eee eee|fff fff|ggg ggg", "%s", seen());
}

Test(scrollback, drops_the_oldest_lines_beyond_its_bounds)
{
    char text[16];

    for (unsigned i = 0; i < SCROLLBACK_LINES + 10; i++) {
        snprintf(text, sizeof text, "%u", i);
        add(text);
    }
    cr_expect_eq(m.count, SCROLLBACK_LINES);
    cr_expect_eq(m.total_rows, SCROLLBACK_LINES);
    scrollback_scroll(&m, SCROLLBACK_LINES);
    cr_expect_str_eq(seen(), "10|11|12");
    cr_expect_eq(m.lines[m.first]->text[0], '1');

    size_t big = SCROLLBACK_LINE_BYTES - 100;
    char *long_text = malloc(big + 1);
    memset(long_text, 'x', big);
    long_text[big] = '\0';
    for (int i = 0; i < 40; i++) {
        add(long_text);
        cr_expect_leq(m.bytes, SCROLLBACK_BYTES);
    }
    cr_expect_eq(m.count, SCROLLBACK_BYTES / big);
    free(long_text);
}

Test(scrollback, marks_own_messages_as_delivered)
{
    cr_assert_eq(scrollback_add(&m, LINE_OWN, 1, "12:00", "<me>", "one"), 0);
    cr_assert_eq(scrollback_add(&m, LINE_PEER, 2, "12:00", "<you>", "two"), 0);
    const struct scrollback_line *own = m.lines[0], *other = m.lines[1];
    cr_assert(own && other);
    cr_expect(scrollback_delivered(&m, 1));
    cr_expect(own->delivered);
    cr_expect_not(scrollback_delivered(&m, 2));
    cr_expect_not(other->delivered);
    cr_expect_str_eq(own->text, "<me> one");
    cr_expect_eq(own->prefix, 4);
    cr_expect_str_eq(own->time, "12:00");
}

Test(scrollback, survives_every_size)
{
    add("some words and a verylongwordhere");
    for (size_t width = 0; width < 40; width++) {
        for (size_t height = 0; height < 10; height++) {
            struct scrollback_row rows[16];
            scrollback_resize(&m, 0, width, height);
            scrollback_scroll(&m, 3);
            cr_expect_leq(scrollback_rows(&m, rows, 16), height ? height : 1);
        }
    }
    struct scrollback_row one[1];
    scrollback_resize(&m, 0, 10, 5);
    cr_expect_eq(scrollback_rows(&m, one, 1), 1);
    cr_expect_eq(scrollback_rows(&m, one, 0), 0);
}

/* CPU time of taking in and showing a text of newlines; the least of some, which no other program disturbed. */
static double cost_of_newlines(size_t len)
{
    static char text[128 * 1024];
    double least = 1e9;

    memset(text, '\n', len);
    text[len] = '\0';
    for (int i = 0; i < 5; i++) {
        const clock_t begin = clock();

        add(text);
        seen();
        least = (double)(clock() - begin) < least ? (double)(clock() - begin) : least;
        cr_expect_eq(m.total_rows, len);
        scrollback_clear(&m);
    }
    return least;
}

/* Rows are counted again for every frame: the work of a text must not grow with the square of its length, which would
 * be 64 times as much here. */
Test(scrollback, the_work_of_a_text_of_nothing_but_newlines_grows_with_its_length)
{
    const double less = cost_of_newlines(15 * 1024), more = cost_of_newlines(120 * 1024);

    cr_expect_lt(more, 24 * less + 1000, "%.0f and %.0f us", less, more);
}

Test(scrollback, cuts_a_line_no_screen_could_show_and_says_so)
{
    size_t len = 2 * SCROLLBACK_LINE_BYTES;
    char *text = malloc(len + 1);

    cr_assert_not_null(text);
    for (size_t i = 0; i < len; i += 2)
        memcpy(text + i, "\u00e9", 2); /* none is cut in half */
    text[len] = '\0';
    add(text);
    free(text);
    cr_expect_leq(m.lines[0]->len, SCROLLBACK_LINE_BYTES);
    cr_expect(text_valid(m.lines[0]->text, m.lines[0]->len));
    cr_expect_not_null(strstr(m.lines[0]->text, "\u00e9\n[cut: "), "%s", m.lines[0]->text + m.lines[0]->len - 60);
    cr_expect_leq(m.bytes, SCROLLBACK_BYTES);
}

Test(scrollback, gives_long_words_the_whole_screen)
{
    static const struct {
        const char *text;
        const char *rows; /* those that are flush in [] */
    } rows[] = {
        {"see https://example.org/x ok", "see|[https://exam]|[ple.org/x]|ok"},
        {"https://example.org/x", "|[https://exam]|[ple.org/x]"},
        {"a b c 12345678901\nnext", "a b c|[12345678901]|next"},
        {"1234567890 x", "1234567890|x"},
        {"a\n  123456789012345", "a|[123456789012]|[345]"},
        {"日本語日本語日本語", "日本語日本|語日本語"},
        {"Zoëabcdefghijk", "Zoëabcdefg|hijk"},
        {"x123456789012", "|[x12345678901]|[2]"},
    };

    scrollback_resize(&m, 2, 10, 9);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scrollback_row out[9];
        char all[256] = "";

        scrollback_clear(&m);
        add(rows[i].text);
        const size_t count = scrollback_rows(&m, out, 9);
        for (size_t row = 0; row < count; row++)
            snprintf(all + strlen(all), sizeof all - strlen(all), out[row].flush ? "%s[%.*s]" : "%s%.*s",
                     row > 0 ? "|" : "", (int)out[row].len, out[row].line->text + out[row].start);
        cr_expect_str_eq(all, rows[i].rows, "row %zu", i);
        cr_expect_eq(m.total_rows, count, "row %zu", i);
        cr_expect(out[0].first && !out[0].flush);
    }
}

Test(scrollback, looks_at_every_line_only_for_another_width)
{
    add_letters('e');
    for (size_t i = 0; i < m.count; i++)
        m.lines[i]->rows = 2; /* as if it had wrapped */
    m.total_rows = 10;
    scrollback_resize(&m, 0, 10, 5);
    cr_expect_eq(m.total_rows, 10, "a new height wraps nothing");
    scrollback_scroll(&m, 100);
    scrollback_resize(&m, 0, 10, 8);
    cr_expect_eq(m.scroll, 2, "but there is less to scroll");
    scrollback_resize(&m, 0, 11, 8);
    cr_expect_eq(m.total_rows, 5);
}
