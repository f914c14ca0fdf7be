/* bitmap: against a table of booleans, at sizes around its levels. */
#include "base/bitmap.h"

#include "unit.h"
#include <string.h>

#include "base/rand.h"

static bool in[BITMAP_CAP_MAX];

static size_t model_next(size_t cap, size_t from)
{
    while (from < cap && !in[from])
        from++;
    return from;
}

static void change(struct bitmap *b, size_t at)
{
    if (in[at])
        bitmap_remove(b, at);
    else
        bitmap_add(b, at);
    in[at] = !in[at];
}

Test(bitmap, agrees_with_a_table_of_booleans)
{
    static const size_t caps[] = {64, 128, 4096, 4096 + 64, 65536, BITMAP_CAP_MAX};

    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        const size_t cap = caps[i];
        struct duet_rand r;
        struct bitmap b;
        size_t members = 0;

        rand_init_u64(&r, cap);
        memset(in, false, sizeof(in));
        cr_assert_eq(bitmap_init(&b, cap), 0);
        for (int step = 0; step < 4000; step++) {
            const size_t near = rand_below(&r, 2) == 0 ? cap : 64 < cap / 2 ? 64 : cap;
            const size_t at = rand_below(&r, near), from = rand_below(&r, cap);
            uint64_t work = 0;

            change(&b, at);
            members = in[at] ? members + 1 : members - 1;
            cr_assert_eq(b.count, members);
            cr_assert_eq(bitmap_next(&b, from, &work), model_next(cap, from), "cap %zu step %d", cap, step);
            cr_assert_leq(work, 2 * BITMAP_LEVELS - 1);
        }
        for (size_t at = 0; at < cap; at++)
            if (in[at])
                change(&b, at);
        uint64_t work = 0;
        cr_assert_eq(bitmap_next(&b, 0, &work), cap);
        cr_assert_eq(b.count, 0);
        bitmap_dispose(&b);
    }
}

Test(bitmap, takes_whole_words)
{
    struct bitmap b;
    uint64_t work = 0;

    cr_assert_eq(bitmap_init(&b, 8192), 0);
    bitmap_put_word(&b, 100, UINT64_C(5) << 40);
    bitmap_put_word(&b, 3, 0);
    cr_assert_eq(b.count, 2);
    cr_assert_eq(bitmap_next(&b, 0, &work), 6440);
    cr_assert_eq(bitmap_next(&b, 6441, &work), 6442);
    cr_assert_eq(bitmap_next(&b, 6443, &work), 8192);
    cr_assert_eq(bitmap_word(&b, 100), UINT64_C(5) << 40);
    cr_assert_eq(bitmap_word(&b, 3), 0);
    bitmap_dispose(&b);
    cr_assert_null(b.level[0]);
}
