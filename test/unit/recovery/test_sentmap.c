/* sentmap: against a model that looks at everything. */
#include "unit.h"

#include "base/rand.h"
#include "recovery/sentmap.h"
#include "wire/limits.h"

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
    cr_assert_eq(m.cap, 128);
    cr_assert_eq(m.first, 100000 - 50);
    sentmap_dispose(&m);
}

Test(sentmap, numbers_may_be_skipped)
{
    struct sentmap m;

    sentmap_init(&m);
    sentmap_add(&m, UINT64_C(1) << 40);
    cr_assert_eq(m.cap, 128, "an empty map starts anywhere");
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
    const uint64_t end = 7 + LIMIT_SENT_PACKETS - 7; /* whole words of 64 count */

    sentmap_init(&m);
    for (uint64_t n = 7; n < end; n++)
        cr_assert_not_null(sentmap_add(&m, n));
    cr_assert(!sentmap_has_room(&m, end));
    cr_assert_null(sentmap_add(&m, end));
    sentmap_forget(&m, sentmap_get(&m, 8));
    cr_assert_null(sentmap_add(&m, end), "the span counts, not the number");
    for (uint64_t n = 9; n < 64; n++)
        sentmap_forget(&m, sentmap_get(&m, n));
    cr_assert_null(sentmap_add(&m, end));
    sentmap_forget(&m, sentmap_get(&m, 7));
    cr_assert_eq(m.first, 64, "first skipped the gap above 7");
    cr_assert(sentmap_has_room(&m, end + 63));
    cr_assert(!sentmap_has_room(&m, end + 64));
    cr_assert_not_null(sentmap_add(&m, end));
    cr_assert_eq(m.cap, LIMIT_SENT_PACKETS);
    sentmap_dispose(&m);
}

static size_t pages_held(const struct sentmap *m)
{
    size_t held = m->spare != NULL;

    for (size_t i = 0; i < m->cap / SENTMAP_PAGE; i++)
        held += m->pages[i] != NULL;
    return held;
}

Test(sentmap, gives_memory_back_when_little_is_in_use)
{
    struct sentmap m;
    const uint64_t many = 100000;

    sentmap_init(&m);
    for (uint64_t n = 0; n < many; n++)
        sentmap_add(&m, n);
    cr_assert_geq(pages_held(&m), many / SENTMAP_PAGE);
    /* One old record keeps its page, and the ring its size. */
    for (uint64_t n = 1; n < many - 10; n++)
        sentmap_forget(&m, sentmap_get(&m, n));
    cr_assert_leq(pages_held(&m), 4);
    cr_assert_eq(m.cap, 131072);
    sentmap_forget(&m, sentmap_get(&m, 0));
    for (uint64_t n = many; n < many + 100; n++) {
        sentmap_add(&m, n);
        sentmap_forget(&m, sentmap_get(&m, n - 10));
    }
    cr_assert_leq(m.cap, 256);
    cr_assert_leq(pages_held(&m), 3);
    for (uint64_t n = many + 90; n < many + 100; n++)
        cr_assert_eq(sentmap_get(&m, n)->number, n);
    sentmap_dispose(&m);
}

Test(sentmap, a_window_that_breathes_keeps_its_records)
{
    struct sentmap m;
    uint64_t next = 5, low = 5;

    sentmap_init(&m);
    for (int round = 0; round < 6; round++) {
        const uint64_t top = next + (round % 2 == 0 ? 20000 : 3000);
        for (; next < top; next++)
            sentmap_add(&m, next)->bytes = (uint32_t)(next * 7);
        for (; low < next - (uint64_t)(round * 31 + 1); low++) {
            cr_assert_eq(sentmap_get(&m, low)->bytes, (uint32_t)(low * 7), "%lu", low);
            sentmap_forget(&m, sentmap_get(&m, low));
        }
        cr_assert_eq(sentmap_next(&m, SENT_OUTSTANDING, 0), low);
        cr_assert_eq(sentmap_next(&m, SENT_OUTSTANDING, low + 1), next - low > 1 ? low + 1 : SENTMAP_NONE);
    }
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
            cr_assert_eq(m.in[c].count, count);
        }
        sentmap_dispose(&m);
    }
}
