#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/view.h"

Test(view, gives_every_row_away_exactly_once)
{
    for (size_t height = 1; height <= 60; height++) {
        for (size_t transfers = 0; transfers <= 20; transfers++) {
            for (int strangers = 0; strangers < 2; strangers++) {
                struct view_layout l = view_layout(height, transfers, strangers);
                cr_expect_eq(l.lines + l.bars + (l.status ? 1 : 0) + (l.strangers ? 1 : 0) + 1, height,
                             "%zu rows, %zu transfers, %d", height, transfers, strangers);
                cr_expect_leq(l.bars, VIEW_BARS_MAX);
                cr_expect_leq(l.bars, transfers);
                cr_expect_eq(l.strangers, strangers && height > 1, "who waits is named before anything else");
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

static const struct duet_addr nowhere;
static struct roster roster; /* large */
static struct scrollback scrollback;

Test(view, says_in_the_status_who_is_there_and_how_it_goes)
{
    char out[VIEW_STATUS_BYTES];
    struct view v = {.scrollback = &scrollback, .roster = &roster, .idle = "nobody", .now_us = 20000000};

    scrollback_init(&scrollback);
    cr_expect_str_eq(view_status(&v, false, out), "nobody");
    struct roster_peer *p = roster_add_peer(&roster, 1, &nowhere);
    roster_enter(&roster, p, ROSTER_CONNECTED);
    snprintf(p->name, sizeof p->name, "bob");
    cr_expect_str_eq(view_status(&v, true, out), "bob - connected");
    p->has_stats = true;
    p->stats.rtt_us = 12300;
    p->stats.sent_packets = 1000;
    p->stats.lost_packets = 15;
    cr_expect_str_eq(view_status(&v, false, out), "bob · connected · rtt 12.3 ms · loss 1.5 %");
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 24100000;
    scrollback.scroll = 7;
    cr_expect_str_eq(view_status(&v, true, out),
                     "bob - connected - rtt 12.3 ms - loss 1.5 % - 24.1 MB/s - PgDn: 7 more below");
    p->unreachable = true;
    p->silent_since_us = 3000000;
    scrollback.scroll = 0;
    roster.transfer_count = 0;
    cr_expect_str_eq(view_status(&v, true, out), "bob - unreachable for 17 s");
    roster_dispose(&roster);
}

Test(view, sums_up_many_peers_in_the_status)
{
    static const char *const names[] = {"bob", "eve", "ann", "tom"};
    char out[VIEW_STATUS_BYTES];
    struct view v = {.scrollback = &scrollback, .roster = &roster, .idle = "nobody"};
    struct roster_peer *p = NULL;

    scrollback_init(&scrollback);
    for (conn_id id = 1; id <= 4; id++) {
        p = roster_add_peer(&roster, id, &nowhere);
        roster_enter(&roster, p, ROSTER_CONNECTED);
        snprintf(p->name, sizeof p->name, "%s", names[id - 1]);
        if (id == 2)
            cr_expect_str_eq(view_status(&v, false, out), "2 peers · bob, eve");
    }
    cr_expect_str_eq(view_status(&v, true, out), "4 peers - bob, eve, ann, ...");
    p->unreachable = true;
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 24100000;
    scrollback.scroll = 7;
    cr_expect_str_eq(view_status(&v, true, out),
                     "4 peers - 1 unreachable - 24.1 MB/s - PgDn: 7 more below - bob, eve, ann, ...");
    memset(p->name, 'x', sizeof p->name - 1);
    roster_remove_peer(&roster, 1);
    for (conn_id id = 2; id <= 3; id++)
        memcpy(roster_peer(&roster, id)->name, p->name, sizeof p->name);
    cr_expect_eq(strlen(view_status(&v, true, out)), VIEW_STATUS_BYTES - 1, "cut");
    roster_dispose(&roster);
}

Test(view, keeps_the_status_within_its_buffer)
{
    char out[VIEW_STATUS_BYTES];
    char idle[2 * VIEW_STATUS_BYTES];
    struct view v = {.scrollback = &scrollback, .roster = &roster, .idle = idle};

    memset(idle, 'x', sizeof idle - 1);
    idle[sizeof idle - 1] = '\0';
    scrollback.scroll = 1;
    roster_add_transfer(&roster, 1)->rate_bytes_per_s = 1;
    view_status(&v, true, out);
    cr_expect_lt(strlen(out), VIEW_STATUS_BYTES);
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
