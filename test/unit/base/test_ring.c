#include "base/ring.h"

#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"

/* The byte that belongs at an offset, so that a misplaced one is seen. */
static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)((offset * 131) ^ (offset >> 7));
}

static int write_pattern(struct ring *r, uint64_t offset, size_t len)
{
    uint8_t buf[8192];

    cr_assert_leq(len, sizeof(buf));
    for (size_t i = 0; i < len; i++)
        buf[i] = byte_at(offset + i);
    return ring_write(r, offset, buf, len);
}

static void expect_pattern(const struct ring *r, uint64_t offset, size_t len)
{
    uint8_t buf[8192];

    cr_assert_leq(len, sizeof(buf));
    ring_read(r, offset, buf, len);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(buf[i], byte_at(offset + i), "offset %lu", offset + i);
}

Test(ring, takes_no_memory_before_the_first_byte)
{
    struct ring r;

    ring_init(&r, 1 << 20);
    cr_expect_eq(r.cap, 0);
    cr_expect_eq(ring_write(&r, 0, NULL, 0), 0);
    cr_expect_eq(r.cap, 0);
    cr_expect_eq(write_pattern(&r, 0, 1), 0);
    cr_expect(r.cap > 0 && r.cap <= 1024);
    ring_dispose(&r);
}

Test(ring, writes_only_inside_its_window)
{
    static const struct {
        uint64_t base, offset;
        size_t len;
        int want;
    } row[] = {
        {0, 0, 100, 0},
        {0, 0, 101, DUET_ERANGE},
        {0, 99, 1, 0},
        {0, 100, 0, 0},
        {0, 100, 1, DUET_ERANGE},
        {0, 101, 0, DUET_ERANGE},
        {50, 49, 1, DUET_ERANGE},
        {50, 49, 50, DUET_ERANGE},
        {50, 50, 100, 0},
        {50, 140, 10, 0},
        {50, 140, 11, DUET_ERANGE},
        {50, UINT64_MAX, 1, DUET_ERANGE},
        {50, UINT64_MAX - 5, 10, DUET_ERANGE},
        {UINT64_MAX - 5, UINT64_MAX - 5, 5, 0},
        {UINT64_MAX - 5, UINT64_MAX - 5, 6, DUET_ERANGE},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct ring r;

        ring_init(&r, 100);
        ring_discard(&r, row[i].base, row[i].base);
        cr_expect_eq(write_pattern(&r, row[i].offset, row[i].len), row[i].want, "row %zu", i);
        cr_expect_leq(r.cap, (size_t)128);
        ring_dispose(&r);
    }
}

Test(ring, growing_keeps_bytes_across_the_wrap)
{
    /* Start at every place of a small ring, so that old and new memory wrap differently. */
    for (uint64_t base = 0; base < 5000; base += 37) {
        struct ring r;

        ring_init(&r, 8192);
        ring_discard(&r, base, base);
        cr_assert_eq(write_pattern(&r, base, 1000), 0);
        cr_assert_eq(write_pattern(&r, base + 1000, 500), 0);
        cr_assert_eq(write_pattern(&r, base + 1500, 6000), 0);
        expect_pattern(&r, base, 7500);
        ring_dispose(&r);
    }
}

Test(ring, bytes_may_arrive_out_of_order)
{
    struct ring r;

    ring_init(&r, 5000);
    ring_discard(&r, 777, 777);
    cr_assert_eq(write_pattern(&r, 777 + 4000, 1000), 0);
    cr_assert_eq(write_pattern(&r, 777 + 10, 100), 0);
    expect_pattern(&r, 777 + 4000, 1000);
    cr_assert_eq(write_pattern(&r, 777, 10), 0);
    cr_assert_eq(write_pattern(&r, 777 + 110, 3890), 0);
    expect_pattern(&r, 777, 5000);
    ring_dispose(&r);
}

Test(ring, gives_memory_back_when_empty)
{
    struct ring r;

    ring_init(&r, 1 << 16);
    cr_assert_eq(write_pattern(&r, 0, 8000), 0);
    cr_expect_eq(r.cap, 8192);
    ring_discard(&r, 7999, 8000);
    cr_expect_eq(r.cap, 8192, "a byte is left");
    expect_pattern(&r, 7999, 1);
    ring_discard(&r, 8000, 8000);
    cr_expect_eq(r.cap, 0);
    cr_assert_eq(write_pattern(&r, 8000, 20), 0);
    expect_pattern(&r, 8000, 20);
    ring_dispose(&r);
}

Test(ring, a_small_ring_that_runs_empty_keeps_its_memory_but_not_the_text)
{
    struct ring r;

    ring_init(&r, 1 << 16);
    cr_assert_eq(ring_write(&r, 0, (const uint8_t *)"secret", 6), 0);
    const uint8_t *mem = r.mem;
    ring_discard(&r, 6, 6);
    cr_assert_eq(r.mem, mem);
    for (size_t i = 0; i < r.cap; i++)
        cr_assert_eq(r.mem[i], 0);
    ring_dispose(&r);
    cr_expect_null(r.mem);
    cr_expect_eq(r.base, 0);
}

Test(ring, keeps_as_much_memory_as_it_is_told)
{
    struct ring r;

    ring_init(&r, 1 << 16);
    ring_keep(&r, 4096);
    cr_assert_eq(write_pattern(&r, 0, 3000), 0);
    const uint8_t *mem = r.mem;
    ring_discard(&r, 3000, 3000);
    cr_expect_eq(r.mem, mem);
    cr_assert_eq(write_pattern(&r, 3000, 3000), 0); /* round the wrap */
    ring_discard(&r, 6000, 6000);
    cr_expect_eq(r.mem, mem);
    cr_assert_eq(write_pattern(&r, 6000, 5000), 0);
    ring_discard(&r, 11000, 11000);
    cr_expect_eq(r.cap, 0, "more than it keeps");
    cr_assert_eq(write_pattern(&r, 11000, 10), 0);
    ring_discard(&r, 11010, 11010);
    ring_release(&r);
    cr_expect_eq(r.cap, 0);
    cr_assert_eq(write_pattern(&r, 11010, 10), 0);
    expect_pattern(&r, 11010, 10);
    ring_dispose(&r);
}

Test(ring, that_may_keep_memory_shrinks_to_what_it_needs)
{
    struct ring r;
    uint64_t end = 0;

    ring_init(&r, 1 << 22);
    ring_keep(&r, SIZE_MAX);
    for (; end < 1 << 21; end += 8192) /* a hiccup of who reads */
        cr_assert_eq(write_pattern(&r, end, 8192), 0);
    cr_expect_eq(r.cap, 1 << 21);
    ring_discard(&r, end - 3000, end);
    for (int i = 0; i < 4000; i++) {
        cr_assert_eq(write_pattern(&r, end, 4096), 0);
        end += 4096;
        expect_pattern(&r, r.base, (size_t)(end - r.base));
        ring_discard(&r, r.base + 4096, end);
    }
    cr_expect_eq(r.cap, 1 << 18);
    expect_pattern(&r, r.base, (size_t)(end - r.base));
    ring_discard(&r, end, end);
    cr_expect_eq(r.cap, 1 << 18, "it runs empty many times a second");
    ring_dispose(&r);
}

Test(ring, shows_where_bytes_lie_up_to_the_wrap)
{
    struct ring r;
    size_t len = 500;

    ring_init(&r, 1024);
    ring_discard(&r, 800, 800);
    cr_assert_eq(write_pattern(&r, 800, 1000), 0);
    const uint8_t *at = ring_at(&r, 800, &len);
    cr_assert_eq(len, 224);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(at[i], byte_at(800 + i));
    len = 500;
    at = ring_at(&r, 1024, &len);
    cr_assert_eq(len, 500);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(at[i], byte_at(1024 + i));
    ring_dispose(&r);
}

Test(ring, carries_a_long_stream_through_a_window)
{
    struct duet_rand rand;
    struct ring r;
    uint64_t end = 0;

    rand_init_u64(&rand, 4);
    ring_init(&r, 3000);
    for (int step = 0; step < 20000; step++) {
        const size_t room = 3000 - (size_t)(end - r.base);
        const size_t len = (size_t)rand_below(&rand, room + 1);
        const uint64_t done = r.base + rand_below(&rand, end - r.base + len + 1);

        cr_assert_eq(write_pattern(&r, end, len), 0);
        end += len;
        expect_pattern(&r, r.base, (size_t)(end - r.base));
        ring_discard(&r, done, end);
        expect_pattern(&r, r.base, (size_t)(end - r.base));
        cr_assert_leq(r.cap, (size_t)4096);
    }
    cr_expect_gt(end, 1000000);
    ring_dispose(&r);
}
