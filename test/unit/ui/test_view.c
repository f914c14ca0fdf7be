#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/view.h"

Test(view, gives_every_row_away_exactly_once)
{
    for (size_t height = 1; height <= 60; height++) {
        for (size_t bars = 0; bars <= 20; bars++) {
            for (int warning = 0; warning < 2; warning++) {
                struct view_layout l = view_layout(height, bars, warning);
                cr_expect_eq(l.lines + l.bars + (l.status ? 1 : 0) + (l.warning ? 1 : 0) + 1, height,
                             "%zu rows, %zu bars, %d", height, bars, warning);
                cr_expect_leq(l.bars, VIEW_BARS_MAX);
                cr_expect_leq(l.bars, bars);
                cr_expect_eq(l.warning, warning && height > 1, "a warning is seen before anything else");
                cr_expect(height < 3 || l.lines > 0);
            }
        }
    }
}

Test(view, gives_up_the_status_before_the_conversation)
{
    cr_expect_not(view_layout(1, 0, false).status);
    cr_expect_not(view_layout(2, 0, false).status);
    cr_expect_eq(view_layout(2, 0, false).lines, 1);
    cr_expect(view_layout(3, 0, false).status);
    cr_expect_eq(view_layout(5, 3, false).bars, 1);
    cr_expect_eq(view_layout(0, 3, false).lines, 0);
}

Test(view, leaves_most_of_a_narrow_screen_to_the_text)
{
    for (size_t width = 1; width < 200; width++)
        cr_expect(view_gutter(width) * 4 < width || view_gutter(width) == 0, "%zu", width);
    cr_expect_eq(view_gutter(80), 8);
}

Test(view, puts_what_is_below_between_the_words_of_the_status)
{
    static struct scrollback scrollback; /* large */
    char out[VIEW_STATUS_BYTES];
    char longer[2 * VIEW_STATUS_BYTES];
    struct view v = {.scrollback = &scrollback, .status = "2 peers", .status_end = " - bob, eve"};

    scrollback_init(&scrollback);
    cr_expect_str_eq(view_status(&v, true, out), "2 peers - bob, eve");
    scrollback.scroll = 7;
    cr_expect_str_eq(view_status(&v, true, out), "2 peers - PgDn: 7 more below - bob, eve");
    v.status_end = "";
    cr_expect_str_eq(view_status(&v, false, out), "2 peers · PgDn: 7 more below");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    v.status = longer;
    cr_expect_eq(strlen(view_status(&v, true, out)), VIEW_STATUS_BYTES - 1, "cut");
}

/* WCAG 2: of one of the 6x6x6 colours behind the first sixteen. */
static double luminance(short number)
{
    static const double level[] = {0, 95, 135, 175, 215, 255};
    static const double weight[] = {0.2126, 0.7152, 0.0722};
    const int n = number - 16;
    const int of[] = {n / 36, n / 6 % 6, n % 6};
    double sum = 0;

    for (size_t i = 0; i < 3; i++)
        sum += weight[i] * pow((level[of[i]] / 255 + 0.055) / 1.055, 2.4);
    return sum;
}

Test(view, has_colours_that_can_be_read_on_black_and_on_white)
{
    for (int color = 0; color < VIEW_COLORS; color++) {
        const double light = luminance(view_color_number((enum view_color)color, 256));
        const short of_eight = view_color_number((enum view_color)color, 8);

        cr_expect_gt(1.05 / (light + 0.05), 3.9, "colour %d on white", color);
        cr_expect_gt((light + 0.05) / 0.05, 3.9, "colour %d on black", color);
        cr_expect(of_eight == -1 || of_eight == 1 || of_eight == 5, "red, magenta, or the terminal's own");
        for (int other = 0; other < color; other++)
            cr_expect_neq(view_color_number((enum view_color)color, 256),
                          view_color_number((enum view_color)other, 256));
    }
}

Test(view, gives_each_key_one_colour)
{
    static const char *const keys[] = {"asig-s6gy-og25", "zl2p-bcw7-d5h4", "hb4r-7bgs-7yx2", "m7by-xxkz-46nj"};
    bool differ = false;

    for (size_t i = 0; i < 4; i++) {
        cr_expect_lt(view_hue(keys[i]), VIEW_HUES);
        cr_expect_eq(view_hue(keys[i]), view_hue(keys[i]));
        differ = differ || view_hue(keys[i]) != view_hue(keys[0]);
    }
    cr_expect(differ);
}
