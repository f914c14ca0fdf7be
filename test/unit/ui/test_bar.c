#include "unit.h"

#include "base/text.h"
#include "ui/bar.h"

static struct bar example(void)
{
    return (struct bar){
        .name = "name",
        .sending = true,
        .done_bytes = 239000000,
        .total_bytes = 388000000,
        .rate_bytes_per_s = 24100000,
        .eta_us = 6000000,
    };
}

Test(bar, shows_everything_where_there_is_room)
{
    struct bar b = example();
    char out[BAR_TEXT_BYTES];

    cr_expect_str_eq(bar_render(&b, 55, out), "↑ name  61% |█████▌   | 239/388 MB  24.1 MB/s eta  0:06", "%s", out);
    b.sending = false;
    b.ascii = true;
    cr_expect_str_eq(bar_render(&b, 55, out), "v name  61% |#####    | 239/388 MB  24.1 MB/s eta  0:06", "%s", out);
    b.plain = true;
    cr_expect_str_eq(bar_render(&b, 200, out), "v name 61% 239/388 MB 24.1 MB/s eta 0:06");
}

Test(bar, puts_a_state_in_the_place_of_rate_and_eta)
{
    struct bar b = example();
    char out[BAR_TEXT_BYTES];

    b.state = "stalled 12 s";
    b.plain = true;
    cr_expect_str_eq(bar_render(&b, 80, out), "↑ name 61% 239/388 MB stalled 12 s");
}

/* Where the cells end, in columns. */
static size_t end_of_cells(const char *text)
{
    const char *end = strrchr(text, '|');

    return end != NULL ? text_columns(text, (size_t)(end - text)) : 0;
}

Test(bar, keeps_its_place_while_its_figures_change)
{
    static const struct {
        uint64_t done, rate, eta_us;
        const char *state;
    } rows[] = {
        {0, 0, UINT64_MAX, NULL},          {100000, 1000, UINT64_MAX, NULL},
        {9900000, 503000, 59000000, NULL}, {52000000, 506700, 3599000000, NULL},
        {99900000, 999900000, 0, NULL},    {500, 5, 60000000, NULL},
        {50000000, 0, 0, "stalled 12 s"},  {50000000, 0, 0, "waiting for the peer"},
        {100000000, 0, 0, "checking"},
    };
    char out[BAR_TEXT_BYTES];

    for (size_t columns = 60; columns <= 200; columns += 20) {
        size_t cells_end = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const struct bar b = {.name = "name",
                                  .done_bytes = rows[i].done,
                                  .total_bytes = 100000000,
                                  .rate_bytes_per_s = rows[i].rate,
                                  .eta_us = rows[i].eta_us,
                                  .state = rows[i].state};

            bar_render(&b, columns, out);
            cells_end = cells_end != 0 ? cells_end : end_of_cells(out);
            cr_expect_eq(end_of_cells(out), cells_end, "%zu, row %zu: %s", columns, i, out);
        }
        cr_expect_gt(cells_end, 0, "no cells at %zu", columns);
    }
}

Test(bar, tells_no_rate_before_there_is_one)
{
    struct bar b = example();
    char out[BAR_TEXT_BYTES];

    b.rate_bytes_per_s = 0;
    b.eta_us = UINT64_MAX;
    b.plain = true;
    cr_expect_str_eq(bar_render(&b, 80, out), "↑ name 61% 239/388 MB", "'%s'", out);
}

Test(bar, never_is_wider_than_asked_and_always_whole_utf8)
{
    static const char *const names[] = {"a", "archive-of-everything-there-is-2026.tar.zst", "日本語のファイル名.txt",
                                        ""};
    char out[BAR_TEXT_BYTES];

    for (size_t n = 0; n < 4; n++) {
        struct bar b = example();
        b.name = names[n];
        for (size_t width = 0; width <= 200; width++) {
            bar_render(&b, width, out);
            cr_expect_leq(text_columns(out, strlen(out)), width, "%zu: %s", width, out);
            cr_expect(text_valid(out, strlen(out)), "%zu: %s", width, out);
            if (width >= 3)
                cr_expect(strstr(out, "61%"), "%zu: '%s'", width, out);
        }
    }
}

Test(bar, gives_up_eta_then_rate_then_amounts_as_it_narrows)
{
    struct bar b = example();
    char out[BAR_TEXT_BYTES];
    bool eta = true, rate = true, amounts = true;

    for (size_t width = 200; width > 0; width--) {
        bar_render(&b, width, out);
        cr_expect(eta || !strstr(out, "eta"), "eta is not back at %zu", width);
        cr_expect(rate || !strstr(out, "MB/s"), "rate is not back at %zu", width);
        eta = strstr(out, "eta") != NULL;
        rate = strstr(out, "MB/s") != NULL;
        amounts = strstr(out, "239/388 MB") != NULL;
        cr_expect(!eta || rate, "%s", out);
        cr_expect(!rate || amounts, "%s", out);
    }
    cr_expect_not(eta || rate || amounts);
}

Test(bar, is_full_exactly_when_everything_is_there)
{
    static const struct {
        uint64_t done, total;
        unsigned percent;
    } rows[] = {
        {0, 0, 100},
        {0, 1, 0},
        {1, 1, 100},
        {999, 1000, 99},
        {9999999, 10000000, 99},
        {UINT64_MAX - 1, UINT64_MAX, 99},
        {5, 3, 100},
        {1, 3, 33},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(bar_percent(rows[i].done, rows[i].total), rows[i].percent, "row %zu", i);
}

Test(bar, writes_both_amounts_in_the_unit_of_the_total)
{
    static const struct {
        uint64_t done, total;
        const char *text;
    } rows[] = {
        {0, 0, "0/0 B"},
        {7, 999, "7/999 B"},
        {500, 1000, "0.5/1.0 kB"},
        {239000000, 388000000, "239/388 MB"},
        {1500000, 2500000, "1.5/2.5 MB"},
        {0, 999999, "0.0/1.0 MB"},
        {0, UINT64_MAX, "0.0/18.4 EB"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[BAR_AMOUNT_BYTES];
        cr_expect_str_eq(bar_amounts(rows[i].done, rows[i].total, out), rows[i].text, "%s", out);
    }
}
