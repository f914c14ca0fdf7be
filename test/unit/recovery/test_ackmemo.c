/* ackmemo: what it calls known was said before, what was said before is known, and it stays small. */
#include "recovery/ackmemo.h"

#include "unit.h"

#include "base/rand.h"

static struct ackmemo m;
static const struct range *fresh[LIMIT_ACK_RANGES];

static void start(void)
{
    ackmemo_init(&m);
}

static void stop(void)
{
    ackmemo_dispose(&m);
}

TestSuite(ackmemo, .init = start, .fini = stop);

/* Ranges of ten every `step` numbers, the highest ending at `end`. */
static struct frame_ack regular(uint64_t end, size_t count, uint64_t step)
{
    struct frame_ack a = {.largest = end - 1, .range_count = count};

    for (size_t i = 0; i < count; i++)
        a.ranges[i] = (struct range){.start = end - 10 - i * step, .end = end - i * step};
    return a;
}

static size_t count_fresh(const struct frame_ack *a)
{
    uint64_t work = 0;
    const size_t count = ackmemo_fresh(&m, a, fresh, &work);

    cr_assert_leq(work, a->range_count / 4 + m.count / 4 + 1);
    return count;
}

Test(ackmemo, only_what_changed_is_fresh)
{
    struct frame_ack a = regular(10000, 200, 20);

    cr_assert_eq(count_fresh(&a), 200);
    ackmemo_keep(&m, &a, 0);
    cr_assert_eq(count_fresh(&a), 0);

    a.largest += 5; /* the newest grows, one in the middle too, two become one */
    a.ranges[0].end += 5;
    a.ranges[100].end += 3;
    a.ranges[149].start = a.ranges[150].start;
    memmove(&a.ranges[150], &a.ranges[151], (200 - 151) * sizeof a.ranges[0]);
    a.range_count--;
    cr_assert_eq(count_fresh(&a), 3);
    cr_assert_eq(fresh[0], &a.ranges[0]);
    cr_assert_eq(fresh[1], &a.ranges[100]);
    cr_assert_eq(fresh[2], &a.ranges[149]);
    ackmemo_keep(&m, &a, 0);
    cr_assert_eq(count_fresh(&a), 0);
}

Test(ackmemo, a_short_ack_does_not_make_it_forget_the_rest)
{
    struct frame_ack all = regular(10000, 200, 20), some = regular(10040, 30, 20);

    ackmemo_keep(&m, &all, 0);
    cr_assert_eq(count_fresh(&some), 2);
    ackmemo_keep(&m, &some, 0);
    all = regular(10040, 202, 20);
    cr_assert_eq(count_fresh(&all), 0);
}

Test(ackmemo, an_overtaken_ack_changes_nothing)
{
    const struct frame_ack newer = regular(10000, 200, 20), older = regular(9800, 50, 20);

    ackmemo_keep(&m, &newer, 0);
    cr_assert_eq(count_fresh(&older), 0);
    ackmemo_keep(&m, &older, 0);
    cr_assert_eq(count_fresh(&newer), 0);
}

Test(ackmemo, what_is_over_is_given_up)
{
    struct frame_ack a = regular(10000, LIMIT_ACK_RANGES, 20);

    ackmemo_keep(&m, &a, 0);
    cr_assert_eq(m.count, LIMIT_ACK_RANGES);
    for (uint64_t end = 10020; end < 20000; end += 20) {
        a = regular(end, 1, 20);
        ackmemo_keep(&m, &a, end - 100);
    }
    cr_assert_leq(m.count, 6);
    cr_assert_leq(m.cap, 16);
}

Test(ackmemo, known_is_exactly_what_was_said)
{
    static bool said[4096];
    struct duet_rand r;
    uint64_t top = 100;

    rand_init_u64(&r, 9);
    for (int round = 0; round < 2000; round++) {
        struct frame_ack a = {.range_count = 0};
        uint64_t end = top - rand_below(&r, 3);
        while (a.range_count < 40 && end > 10 && end + 80 > top) {
            const uint64_t start = end - 1 - rand_below(&r, 4);
            a.ranges[a.range_count++] = (struct range){.start = start, .end = end};
            end = start - 1 - rand_below(&r, 2);
        }
        a.largest = a.ranges[0].end - 1;
        const size_t count = count_fresh(&a);
        for (size_t i = 0, f = 0; i < a.range_count; i++) {
            if (f < count && fresh[f] == &a.ranges[i]) {
                f++;
                continue;
            }
            for (uint64_t n = a.ranges[i].start; n < a.ranges[i].end; n++)
                cr_assert(said[n % 4096], "round %d: %lu was never named", round, n);
        }
        ackmemo_keep(&m, &a, rand_below(&r, 2) == 0 ? 0 : top - 60);
        for (size_t i = 0; i < a.range_count; i++)
            for (uint64_t n = a.ranges[i].start; n < a.ranges[i].end; n++)
                said[n % 4096] = true;
        top += rand_below(&r, 3);
        said[(top + 5) % 4096] = said[(top + 6) % 4096] = said[(top + 7) % 4096] = false;
    }
}
