#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "stream/recvstate.h"

static struct recvstate s;

static void start(void)
{
    recvstate_init(&s, 1000, 64);
}

static void stop(void)
{
    recvstate_dispose(&s);
}

TestSuite(recvstate, .init = start, .fini = stop);

static struct stream_piece piece(uint64_t offset, size_t len, bool fin)
{
    return (struct stream_piece){.offset = offset, .len = len, .fin = fin};
}

static int take(uint64_t offset, size_t len, bool fin)
{
    const struct stream_piece p = piece(offset, len, fin);
    uint64_t fresh;
    const int rc = recvstate_check(&s, &p, &fresh);
    return rc != 0 ? rc : recvstate_add(&s, &p, fresh);
}

Test(recvstate, judges_sizes_against_the_final_one)
{
    static const struct {
        uint64_t offset;
        size_t len;
        bool fin;
        int want;
    } rows[] = {
        {100, 100, false, 0},
        {0, 150, true, DUET_EPROTOCOL}, /* an end below what is here */
        {0, 50, false, 0},
        {200, 50, true, 0},               /* 250 is the end */
        {200, 50, true, 0},               /* again */
        {240, 11, false, DUET_EPROTOCOL}, /* past it */
        {0, 10, true, DUET_EPROTOCOL},    /* another end */
        {250, 0, true, 0},
        {251, 0, false, DUET_EPROTOCOL},
        {50, 50, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(take(rows[i].offset, rows[i].len, rows[i].fin), rows[i].want, "row %zu", i);
    cr_assert(recvstate_complete(&s));
    cr_assert_eq(s.distinct_bytes, 250);
}

Test(recvstate, the_limit_counts_distinct_bytes_wherever_they_lie)
{
    cr_assert_eq(take(UINT64_C(1) << 40, 600, false), 0);
    cr_assert_eq(take(UINT64_C(1) << 40, 600, false), 0);
    cr_assert_eq(take(0, 401, false), DUET_EFLOW);
    cr_assert_eq(take(0, 400, false), 0);
    cr_assert_eq(take(400, 1, false), DUET_EFLOW);
    cr_assert_eq(s.distinct_bytes, 1000);
}

Test(recvstate, sums_near_the_end_of_numbers_do_not_wrap)
{
    const uint64_t top = UINT64_C(1) << 62;
    cr_assert_eq(take(top - 11, 10, false), 0);
    cr_assert_eq(take(top - 1, 0, true), 0);
    cr_assert_eq(take(top - 1, 1, false), DUET_EPROTOCOL);
    cr_assert_not(recvstate_complete(&s));
}

Test(recvstate, fresh_gives_each_new_part_once)
{
    uint64_t left;
    cr_assert_eq(take(10, 10, false) | take(30, 10, false), 0);
    const struct stream_piece p = piece(5, 40, false);
    static const struct range want[] = {{5, 10}, {20, 30}, {40, 45}};
    uint64_t at = p.offset;
    cr_assert_eq(recvstate_check(&s, &p, &left), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct range r = recvstate_fresh(&s, &p, at, left);
        cr_assert(r.start == want[i].start && r.end == want[i].end, "part %zu", i);
        at = r.end;
        left -= r.end - r.start;
    }
    cr_assert_eq(left, 0);
}

/* A window of 1000: told by 62. */
Test(recvstate, a_new_limit_is_told_by_sixteenths)
{
    uint64_t limit = 0;
    cr_assert_eq(take(0, 900, false), 0);
    recvstate_consumed(&s, 61);
    cr_assert_not(recvstate_new_limit(&s, &limit));
    recvstate_consumed(&s, 1);
    cr_assert(recvstate_new_limit(&s, &limit));
    cr_assert_eq(limit, 1062);
    cr_assert_eq(s.limit_bytes, 1062);
    cr_assert_not(recvstate_new_limit(&s, &limit));
}

Test(recvstate, who_used_up_the_limit_and_was_read_has_a_whole_window_again)
{
    static const uint64_t windows[] = {1, 2, 15, 16, 17, 1000};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        uint64_t limit = 0;
        recvstate_dispose(&s);
        recvstate_init(&s, windows[i], 4);
        cr_assert_eq(take(0, windows[i], false), 0);
        recvstate_consumed(&s, windows[i]);
        cr_assert(recvstate_new_limit(&s, &limit), "window %lu", (unsigned long)windows[i]);
        cr_assert_eq(limit, 2 * windows[i]);
    }
}

/* The end may be known long before its bytes may come: extents travel in any order. */
Test(recvstate, credit_goes_on_after_the_fin_until_every_byte_may_come)
{
    uint64_t limit = 0;
    cr_assert_eq(take(4900, 100, true), 0);
    cr_assert_eq(take(0, 900, false), 0);
    recvstate_consumed(&s, 1000);
    cr_assert(recvstate_new_limit(&s, &limit));
    cr_assert_eq(limit, 2000);
    for (uint64_t at = 900; at < 4900; at += 1000) {
        cr_assert_eq(take(at, 1000, false), 0, "at %lu", (unsigned long)at);
        recvstate_consumed(&s, 1000);
        recvstate_new_limit(&s, &limit);
    }
    cr_assert(recvstate_complete(&s));
    cr_assert_leq(s.limit_bytes, 6000);
    cr_assert_not(recvstate_new_limit(&s, &limit), "nothing is left to allow");
}

Test(recvstate, too_many_holes_are_refused_and_change_nothing)
{
    for (uint64_t i = 0; i < 64; i++)
        cr_assert_eq(take(2 * i, 1, false), 0);
    const struct stream_piece p = piece(500, 1, true);
    cr_assert_eq(recvstate_add(&s, &p, 1), DUET_EFULL);
    cr_assert_eq(s.distinct_bytes, 64);
    cr_assert_eq(s.final_bytes, STREAM_SIZE_UNKNOWN);
}

#define MODEL_BYTES 500

Test(recvstate, agrees_with_a_map_of_bytes)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct duet_rand rng;
        bool got[MODEL_BYTES] = {false};
        uint64_t distinct = 0;
        rand_init_u64(&rng, seed);
        recvstate_init(&s, MODEL_BYTES, 1024);
        while (!recvstate_complete(&s)) {
            const uint64_t at = rand_below(&rng, MODEL_BYTES);
            const uint64_t len = rand_below(&rng, 30) < MODEL_BYTES - at ? rand_below(&rng, 30) % (MODEL_BYTES - at + 1)
                                                                         : MODEL_BYTES - at;
            const struct stream_piece p = piece(at, (size_t)len, at + len == MODEL_BYTES);
            struct range r = {.end = at};
            uint64_t fresh, want = 0;
            cr_assert_eq(recvstate_check(&s, &p, &fresh), 0);
            for (uint64_t left = fresh; left > 0; left -= r.end - r.start) {
                r = recvstate_fresh(&s, &p, r.end, left);
                for (uint64_t i = r.start; i < r.end; i++)
                    cr_assert_not(got[i]);
            }
            for (uint64_t i = at; i < at + len; i++) {
                want += !got[i];
                got[i] = true;
            }
            distinct += want;
            cr_assert_eq(fresh, want, "seed %lu", (unsigned long)seed);
            cr_assert_eq(take(p.offset, p.len, p.fin), 0);
            cr_assert_eq(s.distinct_bytes, distinct);
        }
        cr_assert_eq(distinct, MODEL_BYTES);
        recvstate_dispose(&s);
    }
}
