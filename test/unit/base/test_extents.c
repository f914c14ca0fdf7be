/* extents: the same as ranges, whatever is done, and cheap with many of them. */
#include "base/extents.h"

#include "unit.h"

#include "base/err.h"
#include "base/rand.h"

#define MOVED_MAX 100 /* ranges and leaves one change moves on average, however many there are */

/* Sorted, disjoint, not touching, no leaf empty; the same ranges as the model has. */
static void expect_same(const struct extents *x, const struct ranges *model, int step)
{
    size_t k = 0;

    cr_assert_eq(x->count, model->count, "step %d: %zu, not %zu", step, x->count, model->count);
    for (size_t i = 0; i < x->leaf_count; i++) {
        const struct ranges *leaf = &x->leaves[i];

        cr_assert(leaf->count > 0 && leaf->count <= EXTENTS_LEAF, "step %d", step);
        for (size_t j = 0; j < leaf->count; j++, k++)
            cr_assert(leaf->v[j].start == model->v[k].start && leaf->v[j].end == model->v[k].end,
                      "step %d: range %zu is [%lu, %lu)", step, k, leaf->v[j].start, leaf->v[j].end);
    }
    cr_assert_eq(k, model->count);
    /* Neighbours are joined while small, so the row is never much longer than it has to be. */
    cr_assert_leq(x->leaf_count, 4 * x->count / EXTENTS_LEAF + 2, "step %d", step);
}

static void expect_same_answers(const struct extents *x, const struct ranges *model, uint64_t start, uint64_t end)
{
    struct range gap = {0}, want = {0};

    cr_assert_eq(extents_covers(x, start, end), !ranges_first_gap(model, start, end, &want));
    cr_assert_eq(extents_overlap(x, start, end), ranges_overlap(model, start, end));
    cr_assert_eq(extents_end_of(x, start), ranges_end_of(model, start));
    cr_assert_eq(extents_first_gap(x, start, end, &gap), ranges_first_gap(model, start, end, &want));
    cr_assert(gap.start == want.start && gap.end == want.end);
    if (model->count > 0) {
        cr_assert_eq(extents_first(x).start, model->v[0].start);
        cr_assert_eq(extents_end(x), model->v[model->count - 1].end);
    }
}

static void play(uint64_t seed, size_t max, uint64_t universe, uint64_t longest)
{
    struct duet_rand r;
    struct extents x;
    struct ranges model;

    rand_init_u64(&r, seed);
    extents_init(&x, max);
    ranges_init(&model, max);
    for (int step = 0; step < 20000; step++) {
        /* Long stretches of mostly adding, then of mostly removing. */
        const uint64_t adds = step / 4000 % 2 == 0 ? 80 : 20;
        const uint64_t reach = rand_below(&r, 500) == 0 ? universe : longest;
        const uint64_t start = rand_below(&r, universe), end = start + rand_below(&r, reach);

        if (rand_below(&r, 100) < adds)
            cr_assert_eq(extents_add(&x, start, end), ranges_add(&model, start, end), "step %d", step);
        else
            cr_assert_eq(extents_remove(&x, start, end), ranges_remove(&model, start, end), "step %d", step);
        if (step % 16 == 0)
            expect_same(&x, &model, step);
        const uint64_t from = rand_below(&r, universe);
        expect_same_answers(&x, &model, from, from + rand_below(&r, reach));
    }
    extents_dispose(&x);
    ranges_dispose(&model);
}

Test(extents, is_a_set_of_ranges)
{
    play(1, 100000, 20000, 4);
    play(2, 100000, 200, 12);
    play(3, 100000, 20000, 300);
}

Test(extents, refuses_what_ranges_refuse)
{
    play(4, 100, 2000, 4);
    play(5, 1, 100, 10);
    play(6, EXTENTS_LEAF, 2000, 4);
}

Test(extents, reaches_both_ends_of_the_numbers)
{
    struct extents x;

    extents_init(&x, 10);
    cr_assert_eq(extents_add(&x, UINT64_MAX - 1, UINT64_MAX), 0);
    cr_assert_eq(extents_add(&x, 0, 1), 0);
    cr_assert_eq(extents_add(&x, 0, UINT64_MAX), 0);
    cr_assert_eq(x.count, 1);
    cr_assert(extents_covers(&x, 0, UINT64_MAX));
    cr_assert_eq(extents_remove(&x, 0, UINT64_MAX), 0);
    cr_assert_eq(x.count, 0);
    cr_assert_null(x.leaves, "nothing is kept for nothing");
    extents_dispose(&x);
}

static uint64_t moved(const struct extents *x)
{
    uint64_t sum = x->moved;

    for (size_t i = 0; i < x->leaf_count; i++)
        sum += x->leaves[i].moved;
    return sum;
}

/* A window of packets slides on; one in five fills its hole two windows later. */
static double moved_per_change(uint64_t window)
{
    struct duet_rand r;
    struct extents x;
    uint64_t changes = 0, before = 0;

    rand_init_u64(&r, window);
    extents_init(&x, 65536);
    for (uint64_t n = 0; n < 4 * window + 100000; n++) {
        const uint64_t old = n - 2 * window;
        if (n == 4 * window) {
            before = moved(&x);
            changes = 0;
        }
        if (rand_below(&r, 5) > 0)
            cr_assert_eq(extents_add(&x, n, n + 1), 0);
        if (n >= 2 * window && !extents_covers(&x, old, old + 1)) {
            cr_assert_eq(extents_add(&x, old, old + 1), 0);
            changes++;
        }
        changes++;
    }
    cr_assert_geq(x.count, window / 4);
    const double mean = (double)(moved(&x) - before) / (double)changes;
    extents_dispose(&x);
    return mean;
}

Test(extents, a_change_moves_little_however_many_there_are)
{
    static const uint64_t windows[] = {1000, 10000, 100000};

    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        const double mean = moved_per_change(windows[i]);
        cr_assert_leq(mean, MOVED_MAX, "%g ranges a change with %lu in the window", mean, windows[i]);
    }
}

Test(extents, taking_from_the_front_moves_little)
{
    struct extents x;

    extents_init(&x, 65536);
    for (uint64_t i = 0; i < 65536; i++)
        cr_assert_eq(extents_add(&x, 2 * i, 2 * i + 1), 0);
    cr_assert_eq(extents_add(&x, 200000, 200001), DUET_EFULL);
    const uint64_t before = moved(&x);
    while (x.count > 0) {
        const struct range first = extents_first(&x);
        cr_assert_eq(extents_remove(&x, first.start, first.end), 0);
    }
    cr_assert_leq((moved(&x) - before) / 65536, MOVED_MAX);
    extents_dispose(&x);
}
