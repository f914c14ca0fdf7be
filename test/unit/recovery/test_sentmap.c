/* sentmap: against a model that looks at everything. */
#include <criterion/criterion.h>

#include "duet/base/rand.h"
#include "duet/recovery/sentmap.h"
#include "duet/wire/limits.h"

Test(sentmap, grows_with_what_is_in_use)
{
    struct sentmap m;

    sentmap_init(&m);
    cr_assert_eq(m.cap, 0);
    for (uint64_t n = 0; n < 1000; n++) {
        struct sent_packet *p = sentmap_add(&m, n);
        cr_assert_not_null(p);
        p->bytes = (uint32_t)n * 3;
    }
    cr_assert_eq(m.cap, 1024);
    for (uint64_t n = 0; n < 1000; n++) {
        cr_assert_eq(sentmap_get(&m, n)->number, n);
        cr_assert_eq(sentmap_get(&m, n)->bytes, n * 3);
    }
    cr_assert_null(sentmap_get(&m, 1000));
    sentmap_dispose(&m);
}

Test(sentmap, a_sliding_window_does_not_grow)
{
    struct sentmap m;

    sentmap_init(&m);
    for (uint64_t n = 0; n < 100000; n++) {
        cr_assert_not_null(sentmap_add(&m, n));
        if (n >= 50)
            sentmap_forget(&m, sentmap_get(&m, n - 50));
    }
    cr_assert_eq(m.cap, 64);
    cr_assert_eq(m.first, 100000 - 50);
    sentmap_dispose(&m);
}

Test(sentmap, numbers_may_be_skipped)
{
    struct sentmap m;

    sentmap_init(&m);
    sentmap_add(&m, UINT64_C(1) << 40);
    cr_assert_eq(m.cap, 64, "an empty map starts anywhere");
    sentmap_add(&m, (UINT64_C(1) << 40) + 100);
    cr_assert_null(sentmap_get(&m, (UINT64_C(1) << 40) + 50));
    cr_assert_eq(sentmap_next(&m, SENT_OUTSTANDING, (UINT64_C(1) << 40) + 1), (UINT64_C(1) << 40) + 100);
    sentmap_forget(&m, sentmap_get(&m, UINT64_C(1) << 40));
    cr_assert_eq(m.first, (UINT64_C(1) << 40) + 100, "the skipped ones do not hold it up");
    sentmap_forget(&m, sentmap_get(&m, m.first));
    cr_assert_eq(sentmap_next(&m, SENT_OUTSTANDING, 0), SENTMAP_NONE);
    cr_assert_not_null(sentmap_add(&m, UINT64_C(1) << 50));
    sentmap_dispose(&m);
}

Test(sentmap, is_bounded)
{
    struct sentmap m;

    sentmap_init(&m);
    for (uint64_t n = 7; n < 7 + LIMIT_SENT_PACKETS; n++)
        cr_assert_not_null(sentmap_add(&m, n));
    cr_assert(!sentmap_has_room(&m, 7 + LIMIT_SENT_PACKETS));
    cr_assert_null(sentmap_add(&m, 7 + LIMIT_SENT_PACKETS));
    sentmap_forget(&m, sentmap_get(&m, 8));
    cr_assert_null(sentmap_add(&m, 7 + LIMIT_SENT_PACKETS), "the span counts, not the number");
    sentmap_forget(&m, sentmap_get(&m, 7));
    cr_assert(sentmap_has_room(&m, 8 + LIMIT_SENT_PACKETS), "first skipped the gap at 8");
    cr_assert_not_null(sentmap_add(&m, 8 + LIMIT_SENT_PACKETS));
    cr_assert_eq(m.cap, LIMIT_SENT_PACKETS);
    sentmap_dispose(&m);
}

/* The model: a class for each number ever, GONE where there is no record. */
enum { NUMBERS = 30000, GONE = SENT_CLASSES };

static uint64_t model_next(const uint8_t *class, enum sent_class c, uint64_t from, uint64_t end)
{
    for (uint64_t n = from; n < end; n++)
        if (class[n] == c)
            return n;
    return SENTMAP_NONE;
}

static void compare(struct sentmap *m, const uint8_t *class, uint64_t end, uint64_t from)
{
    for (unsigned c = 0; c < SENT_CLASSES; c++) {
        uint64_t want = model_next(class, c, from, end);
        uint64_t got = sentmap_next(m, c, from);
        cr_assert_eq(got, want, "class %u from %lu: %lu, not %lu", c, from, got, want);
    }
}

static void change_one(struct sentmap *m, uint8_t *class, uint64_t number, struct duet_rand *r)
{
    struct sent_packet *p = sentmap_get(m, number);

    cr_assert_eq(p == NULL, class[number] == GONE);
    if (!p)
        return;
    cr_assert_eq(p->number, number);
    cr_assert_eq(p->class, class[number]);
    class[number] = (uint8_t)rand_below(r, SENT_CLASSES + 1);
    if (class[number] == GONE)
        sentmap_forget(m, p);
    else
        sentmap_move(m, p, class[number]);
}

Test(sentmap, agrees_with_a_naive_model)
{
    static uint8_t class[NUMBERS];
    static const uint64_t windows[] = {20, 63, 64, 65, 700, 5000}; /* one word .. several summary words */

    for (uint64_t seed = 0; seed < 6; seed++) {
        struct duet_rand r;
        struct sentmap m;
        uint64_t end = 0, low = 0;

        rand_init_u64(&r, seed);
        sentmap_init(&m);
        memset(class, GONE, sizeof(class));
        while (end < NUMBERS - 8) {
            end += rand_below(&r, 10) == 0 ? rand_below(&r, 6) : 0;
            cr_assert_not_null(sentmap_add(&m, end), "seed %lu", seed);
            class[end++] = SENT_OUTSTANDING;
            change_one(&m, class, low + rand_below(&r, end - low), &r);
            for (; end - low > windows[seed]; low++)
                if (class[low] != GONE) {
                    sentmap_forget(&m, sentmap_get(&m, low));
                    class[low] = GONE;
                }
            if (end % 16 == 0)
                compare(&m, class, end, low + rand_below(&r, end - low));
        }
        compare(&m, class, end, low);
        for (unsigned c = 0; c < SENT_CLASSES; c++) {
            size_t count = 0;
            for (uint64_t n = low; n < end; n++)
                count += class[n] == c;
            cr_assert_eq(m.counts[c], count);
        }
        sentmap_dispose(&m);
    }
}
