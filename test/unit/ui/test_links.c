#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "ui/links.h"

static struct links l; /* large */

Test(links, are_found_without_the_sentence_around_them)
{
    static const struct {
        const char *text, *link;
    } row[] = {
        {"see https://example.org/a?b=c#d, please", "https://example.org/a?b=c#d"},
        {"(http://example.org)", "http://example.org"},
        {"<https://example.org/>", "https://example.org/"},
        {"https://example.org/Zoë", "https://example.org/Zo"},
        {"https://", NULL},
        {"ftp://example.org", NULL},
        {"javascript:alert(1)", NULL},
        {"https://a\x1b]8;;https://b", "https://a"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        size_t at = 0, bytes = 0;
        const bool found = links_find(row[i].text, strlen(row[i].text), &at, &bytes);

        cr_expect_eq(found, row[i].link != NULL, "row %zu", i);
        if (found && row[i].link != NULL)
            cr_expect(bytes == strlen(row[i].link) && memcmp(row[i].text + at, row[i].link, bytes) == 0, "row %zu", i);
    }
}

static const char *shown(void)
{
    static char *text;
    size_t len;

    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &len);
    links_write(&l, out);
    fclose(out);
    return text;
}

Test(links, are_written_in_pieces_where_they_stand_and_once)
{
    static const char line[] = "日 https://example.org/x";

    links_begin(&l);
    links_collect(&l, 2, 8, line, strlen(line), 0, 12);
    links_collect(&l, 3, 0, line, strlen(line), 12, strlen(line) - 12);
    cr_assert_eq(l.count, 2);
    cr_expect(links_changed(&l));
    const char *text = shown();
    cr_expect_not_null(strstr(text, "\x1b[3;12H\x1b]8;id="));
    cr_expect_not_null(strstr(text, ";https://example.org/x\x1b\\https://\x1b]8;;\x1b\\"));
    cr_expect_not_null(strstr(text, "\x1b[4;1H\x1b]8;id="));
    cr_expect_not_null(strstr(text, ";https://example.org/x\x1b\\example.org/x\x1b]8;;\x1b\\"));
    cr_expect(l.has_link[2] && l.has_link[3]);
    cr_expect_not(links_changed(&l), "nothing is written twice");

    links_begin(&l);
    cr_expect(links_changed(&l), "it went");
    cr_expect_str_empty(shown());
    cr_expect_not(l.has_link[2]);
    cr_expect_not(links_changed(&l));
}

static const char *set_name, *set_value;

static const char *variable(const char *name)
{
    return set_name != NULL && strcmp(name, set_name) == 0 ? set_value : NULL;
}

Test(links, go_only_to_terminals_that_take_them)
{
    static const struct {
        const char *term, *name, *value;
        bool taken;
    } row[] = {
        {"xterm-256color", NULL, NULL, false},
        {"xterm-256color", "VTE_VERSION", "7200", true},
        {"xterm-256color", "VTE_VERSION", "4800", false},
        {"xterm-256color", "TERM_PROGRAM", "WezTerm", true},
        {"xterm-256color", "TERM_PROGRAM", "Apple_Terminal", false},
        {"xterm-kitty", NULL, NULL, true},
        {"foot-direct", NULL, NULL, true},
        {"linux", "KITTY_WINDOW_ID", "1", false},
        {"tmux-256color", "KITTY_WINDOW_ID", "1", false},
        {NULL, "KITTY_WINDOW_ID", "1", false},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        set_name = row[i].name;
        set_value = row[i].value;
        cr_expect_eq(links_are_taken(row[i].term, variable), row[i].taken, "row %zu", i);
    }
}
