#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "stream/recvstream.h"
#include "wire/limits.h"

static struct recvstream s;

static void start(void)
{
    recvstream_init(&s, 100, 100, LIMIT_ORDERED_RANGES);
}

static void stop(void)
{
    recvstream_dispose(&s);
}

TestSuite(recvstream, .init = start, .fini = stop);

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 13 + offset / 256);
}

static int push(uint64_t offset, size_t len, bool *readable)
{
    uint8_t data[256];
    const struct stream_piece p = {.offset = offset, .len = len};
    for (size_t i = 0; i < len; i++)
        data[i] = byte_at(offset + i);
    return recvstream_push(&s, &p, data, readable);
}

/* Bytes read, each checked. */
static size_t read_some(size_t cap)
{
    uint8_t buf[256];
    const uint64_t from = s.bytes.base;
    const size_t n = recvstream_read(&s, buf, cap);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(buf[i], byte_at(from + i));
    return n;
}

Test(recvstream, holds_bytes_until_the_gap_is_filled)
{
    bool readable;
    cr_assert_eq(push(20, 10, &readable), 0);
    cr_assert_not(readable);
    cr_assert_eq(read_some(100), 0);
    cr_assert_eq(push(0, 20, &readable), 0);
    cr_assert(readable);
    cr_assert_eq(read_some(25), 25);
    cr_assert_eq(read_some(25), 5);
    cr_assert_eq(read_some(25), 0);
}

Test(recvstream, says_readable_only_for_news)
{
    bool readable;
    push(0, 10, &readable);
    cr_assert(readable);
    push(0, 10, &readable);
    cr_assert_not(readable);
    push(50, 10, &readable);
    cr_assert_not(readable);
    read_some(10);
    push(5, 5, &readable);
    cr_assert_not(readable, "read already");
}

Test(recvstream, bounds_offsets_not_only_bytes)
{
    bool readable;
    cr_assert_eq(push(99, 1, &readable), 0);
    cr_assert_eq(push(100, 1, &readable), DUET_EFLOW);
    cr_assert_eq(push(UINT64_C(1) << 61, 1, &readable), DUET_EFLOW);
    cr_assert_eq(push(100, 0, &readable), 0);
    cr_assert_eq(s.state.distinct_bytes, 1);
}

Test(recvstream, a_repeat_with_other_bytes_changes_nothing_that_is_here)
{
    bool readable;
    const struct stream_piece p = {.offset = 0, .len = 20};
    uint8_t zeros[20] = {0};
    push(5, 10, &readable);
    cr_assert_eq(recvstream_push(&s, &p, zeros, &readable), 0);
    uint8_t buf[20];
    cr_assert_eq(recvstream_read(&s, buf, 20), 20);
    for (size_t i = 0; i < 20; i++)
        cr_assert_eq(buf[i], i >= 5 && i < 15 ? byte_at(i) : 0);
}

Test(recvstream, reads_exactly_what_was_sent_in_any_order_of_arrival)
{
    struct duet_rand rng;
    rand_init_u64(&rng, 9);
    uint64_t limit, total = 0;
    bool readable;
    for (int step = 0; step < 20000; step++) {
        const uint64_t base = s.bytes.base;
        const uint64_t from = base + rand_below(&rng, 120);
        const uint64_t at = from > 20 ? from - rand_below(&rng, 20) : from;
        const size_t len = (size_t)rand_below(&rng, 30);
        const int rc = push(at, len, &readable);
        cr_assert(rc == (at + len > s.state.limit_bytes ? DUET_EFLOW : 0), "%d", rc);
        if (rand_below(&rng, 3) == 0) {
            total += read_some((size_t)rand_below(&rng, 50));
            recvstate_new_limit(&s.state, &limit);
        }
        cr_assert_leq(s.bytes.cap, 128);
    }
    cr_assert_gt(total, 10000);
    cr_assert_eq(total, s.bytes.base);
}
