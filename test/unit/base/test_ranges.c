#include "base/ranges.h"

#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"

#define MANY 64

/* Two numbers each, ended by a pair of zeros. */
#define AT_MOST 8

static struct ranges made_of(size_t max, const uint64_t pairs[][2])
{
    struct ranges r;

    ranges_init(&r, max);
    for (size_t i = 0; pairs[i][1] != 0; i++)
        cr_assert_eq(ranges_add(&r, pairs[i][0], pairs[i][1]), 0);
    return r;
}

static void expect_is(const struct ranges *r, const uint64_t pairs[][2], size_t row)
{
    size_t n = 0;

    while (pairs[n][1] != 0)
        n++;
    cr_assert_eq(r->count, n, "row %zu: %zu ranges, not %zu", row, r->count, n);
    for (size_t i = 0; i < n; i++) {
        cr_expect(r->v[i].start == pairs[i][0] && r->v[i].end == pairs[i][1], "row %zu range %zu: [%lu, %lu)", row, i,
                  r->v[i].start, r->v[i].end);
    }
}

Test(ranges, adding_merges_what_overlaps_or_touches)
{
    static const struct {
        uint64_t before[AT_MOST][2], add[2], after[AT_MOST][2];
    } row[] = {
        {{{0}}, {5, 9}, {{5, 9}}},
        {{{5, 9}}, {7, 7}, {{5, 9}}},                         /* empty */
        {{{5, 9}}, {11, 13}, {{5, 9}, {11, 13}}},             /* after */
        {{{5, 9}}, {1, 4}, {{1, 4}, {5, 9}}},                 /* before */
        {{{5, 9}}, {9, 13}, {{5, 13}}},                       /* touches the end */
        {{{5, 9}}, {1, 5}, {{1, 9}}},                         /* touches the start */
        {{{5, 9}}, {6, 8}, {{5, 9}}},                         /* inside */
        {{{5, 9}}, {5, 9}, {{5, 9}}},                         /* again */
        {{{5, 9}}, {4, 10}, {{4, 10}}},                       /* around */
        {{{1, 2}, {5, 9}}, {3, 4}, {{1, 2}, {3, 4}, {5, 9}}}, /* between */
        {{{1, 2}, {5, 9}}, {2, 5}, {{1, 9}}},                 /* fills the hole */
        {{{1, 2}, {5, 9}}, {2, 4}, {{1, 4}, {5, 9}}},         /* a part of it */
        {{{1, 2}, {4, 5}, {7, 8}, {10, 11}}, {4, 8}, {{1, 2}, {4, 8}, {10, 11}}},
        {{{1, 2}, {4, 5}, {7, 8}, {10, 11}}, {2, 10}, {{1, 11}}},
        {{{1, 2}, {4, 5}, {7, 8}, {10, 11}}, {0, 20}, {{0, 20}}},
        {{{1, 2}, {4, 5}, {7, 8}, {10, 11}}, {3, 6}, {{1, 2}, {3, 6}, {7, 8}, {10, 11}}},
        {{{1, 2}}, {0, UINT64_MAX}, {{0, UINT64_MAX}}},
        {{{0, 4}}, {UINT64_MAX - 1, UINT64_MAX}, {{0, 4}, {UINT64_MAX - 1, UINT64_MAX}}},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ranges r = made_of(MANY, row[i].before);

        cr_expect_eq(ranges_add(&r, row[i].add[0], row[i].add[1]), 0);
        expect_is(&r, row[i].after, i);
        ranges_dispose(&r);
    }
}

Test(ranges, removing_cuts_and_splits)
{
    static const struct {
        uint64_t before[AT_MOST][2], take[2], after[AT_MOST][2];
    } row[] = {
        {{{0}}, {5, 9}, {{0}}},
        {{{5, 9}}, {6, 6}, {{5, 9}}},
        {{{5, 9}}, {1, 5}, {{5, 9}}},
        {{{5, 9}}, {9, 20}, {{5, 9}}},
        {{{5, 9}}, {5, 9}, {{0}}},
        {{{5, 9}}, {0, 20}, {{0}}},
        {{{5, 9}}, {5, 6}, {{6, 9}}},
        {{{5, 9}}, {8, 9}, {{5, 8}}},
        {{{5, 9}}, {6, 8}, {{5, 6}, {8, 9}}},
        {{{1, 2}, {5, 9}, {12, 13}}, {6, 8}, {{1, 2}, {5, 6}, {8, 9}, {12, 13}}},
        {{{1, 4}, {6, 8}, {10, 14}}, {2, 12}, {{1, 2}, {12, 14}}},
        {{{1, 4}, {6, 8}, {10, 14}}, {4, 10}, {{1, 4}, {10, 14}}},
        {{{1, 4}, {6, 8}, {10, 14}}, {6, 14}, {{1, 4}}},
        {{{1, 4}, {6, 8}, {10, 14}}, {4, 6}, {{1, 4}, {6, 8}, {10, 14}}},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ranges r = made_of(MANY, row[i].before);

        cr_expect_eq(ranges_remove(&r, row[i].take[0], row[i].take[1]), 0);
        expect_is(&r, row[i].after, i);
        ranges_dispose(&r);
    }
}

Test(ranges, trims_and_forgets_the_lowest)
{
    static const uint64_t some[][2] = {{1, 4}, {6, 8}, {10, 14}, {0, 0}};
    static const uint64_t cut[][2] = {{7, 8}, {10, 14}, {0, 0}};
    static const uint64_t last[][2] = {{10, 14}, {0, 0}};
    static const uint64_t none[][2] = {{0, 0}};
    struct ranges r = made_of(MANY, some);

    ranges_trim_below(&r, 0);
    expect_is(&r, some, 0);
    ranges_trim_below(&r, 7);
    expect_is(&r, cut, 1);
    ranges_trim_below(&r, 8);
    expect_is(&r, last, 2);
    ranges_trim_below(&r, UINT64_MAX);
    expect_is(&r, none, 3);
    ranges_drop_first(&r);
    expect_is(&r, none, 4);
    ranges_dispose(&r);

    r = made_of(MANY, some);
    ranges_drop_first(&r);
    ranges_drop_first(&r);
    expect_is(&r, last, 5);
    ranges_dispose(&r);
}

Test(ranges, a_full_set_refuses_and_stays_as_it_was)
{
    static const uint64_t full[][2] = {{1, 4}, {6, 8}, {10, 14}, {0, 0}};
    static const uint64_t merged[][2] = {{1, 8}, {10, 14}, {0, 0}};
    struct ranges r = made_of(3, full);

    cr_expect_eq(ranges_add(&r, 20, 21), DUET_EFULL);
    cr_expect_eq(ranges_add(&r, 0, 0), 0);
    cr_expect_eq(ranges_remove(&r, 11, 12), DUET_EFULL);
    expect_is(&r, full, 0);
    cr_expect_eq(ranges_add(&r, 4, 6), 0, "merging needs no room");
    expect_is(&r, merged, 1);
    cr_expect_eq(ranges_remove(&r, 11, 12), 0);
    cr_expect_eq(r.count, 3);
    ranges_dispose(&r);
}

Test(ranges, a_disposed_set_can_be_used_again)
{
    static const uint64_t one[][2] = {{3, 4}, {0, 0}};
    struct ranges r = made_of(1, one);

    ranges_dispose(&r);
    cr_expect_eq(r.count, 0);
    cr_expect_eq(ranges_add(&r, 3, 4), 0);
    cr_expect_eq(ranges_add(&r, 5, 6), DUET_EFULL, "the bound is kept");
    ranges_dispose(&r);
}

Test(ranges, tells_what_is_inside)
{
    static const uint64_t some[][2] = {{2, 4}, {6, 8}, {8 + 1, 14}, {0, 0}};
    static const struct {
        uint64_t start, end;
        bool covers;
        uint64_t overlap;
        uint64_t gap[2];
    } row[] = {
        {0, 0, true, 0, {0}},         {5, 5, true, 0, {0}},
        {2, 4, true, 2, {0}},         {3, 4, true, 1, {0}},
        {0, 2, false, 0, {0, 2}},     {0, 3, false, 1, {0, 2}},
        {2, 5, false, 2, {4, 5}},     {2, 7, false, 3, {4, 6}},
        {4, 6, false, 0, {4, 6}},     {6, 14, false, 7, {8, 9}},
        {9, 14, true, 5, {0}},        {9, 15, false, 5, {14, 15}},
        {20, 30, false, 0, {20, 30}}, {0, UINT64_MAX, false, 9, {0, 2}},
    };
    struct ranges r = made_of(MANY, some);

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct range gap = {0};

        cr_expect_eq(ranges_overlap(&r, row[i].start, row[i].end), row[i].overlap, "row %zu", i);
        cr_expect_eq(ranges_first_gap(&r, row[i].start, row[i].end, &gap), !row[i].covers, "row %zu", i);
        cr_expect(gap.start == row[i].gap[0] && gap.end == row[i].gap[1], "row %zu", i);
    }
    cr_expect_eq(ranges_end_of(&r, 1), 1);
    cr_expect_eq(ranges_end_of(&r, 2), 4);
    cr_expect_eq(ranges_end_of(&r, 3), 4);
    cr_expect_eq(ranges_end_of(&r, 4), 4);
    cr_expect_eq(ranges_end_of(&r, 99), 99);
    ranges_dispose(&r);
}

#define UNIVERSE 200

/* Compares the whole set with a bool per number, and its form with its invariant. */
static void expect_matches(const struct ranges *r, const bool in[UNIVERSE], int step)
{
    uint64_t total = 0;

    for (size_t i = 0; i < r->count; i++) {
        cr_assert(r->v[i].start < r->v[i].end, "step %d: an empty range", step);
        cr_assert(i == 0 || r->v[i - 1].end < r->v[i].start, "step %d: unsorted or touching", step);
    }
    for (uint64_t n = 0; n < UNIVERSE; n++) {
        cr_assert_eq(ranges_contains(r, n), in[n], "step %d: %lu", step, n);
        total += in[n];
    }
    cr_assert_eq(ranges_overlap(r, 0, UNIVERSE), total, "step %d", step);
}

Test(ranges, agrees_with_a_table_of_booleans)
{
    struct duet_rand rand;
    struct ranges r;
    bool in[UNIVERSE] = {false};

    rand_init_u64(&rand, 3);
    ranges_init(&r, UNIVERSE);
    for (int step = 0; step < 20000; step++) {
        const uint64_t start = rand_below(&rand, UNIVERSE);
        uint64_t end = start + rand_below(&rand, 12);
        const uint64_t what = rand_below(&rand, 100);

        end = end > UNIVERSE ? UNIVERSE : end;
        if (what < 50) {
            cr_assert_eq(ranges_add(&r, start, end), 0);
            memset(in + start, true, end - start);
        } else if (what < 99) {
            cr_assert_eq(ranges_remove(&r, start, end), 0);
            memset(in + start, false, end - start);
        } else {
            ranges_trim_below(&r, start);
            memset(in, false, start);
        }
        expect_matches(&r, in, step);
    }
    ranges_dispose(&r);
}

Test(ranges, holds_thousands_of_holes)
{
    enum { HOLES = 20000 };
    struct ranges r;

    ranges_init(&r, HOLES);
    for (uint64_t i = 0; i < HOLES; i++)
        cr_assert_eq(ranges_add(&r, 2 * i, 2 * i + 1), 0);
    cr_expect_eq(ranges_add(&r, 2 * HOLES + 1, 2 * HOLES + 2), DUET_EFULL);
    cr_expect_eq(r.count, HOLES);
    cr_expect_leq(r.cap, (size_t)HOLES);
    cr_expect_eq(ranges_overlap(&r, 0, UINT64_MAX), HOLES);
    for (uint64_t i = HOLES; i-- > 0;)
        cr_assert_eq(ranges_add(&r, 2 * i + 1, 2 * i + 2), 0);
    cr_expect_eq(r.count, 1);
    cr_expect_eq(ranges_end_of(&r, 0), 2 * HOLES);
    ranges_dispose(&r);
}
