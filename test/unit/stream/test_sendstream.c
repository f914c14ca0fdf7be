#include "unit.h"
#include <string.h>

#include "base/rand.h"
#include "stream/sendstream.h"

static struct sendstream s;

static void start(void)
{
    sendstream_init(&s, 100, 1000);
}

static void stop(void)
{
    sendstream_dispose(&s);
}

TestSuite(sendstream, .init = start, .fini = stop);

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 256);
}

static ssize_t write_next(size_t len)
{
    uint8_t buf[256];
    for (size_t i = 0; i < len; i++)
        buf[i] = byte_at(s.end + i);
    return sendstream_write(&s, buf, len);
}

/* Takes the next piece as sent, its bytes checked. */
static struct stream_piece send_next(size_t max_len)
{
    struct stream_piece p;
    uint8_t out[256];
    bool fresh;
    cr_assert(sendstate_next(&s.state, max_len, UINT64_MAX, &p, &fresh));
    sendstream_copy(&s, &p, out);
    for (size_t i = 0; i < p.len; i++)
        cr_assert_eq(out[i], byte_at(p.offset + i));
    cr_assert_eq(sendstate_sent(&s.state, &p), 0);
    return p;
}

Test(sendstream, takes_what_fits_and_says_when_there_is_room_again)
{
    bool writable;
    cr_assert_eq(write_next(80), 80);
    cr_assert_eq(write_next(30), 20);
    cr_assert_eq(write_next(1), 0);
    const struct stream_piece a = send_next(50), b = send_next(50);
    cr_assert_eq(sendstream_acked(&s, &b, &writable), 0);
    cr_assert_not(writable, "the first bytes are still held");
    cr_assert_eq(sendstream_acked(&s, &a, &writable), 0);
    cr_assert(writable);
    cr_assert_eq(write_next(100), 100);
    cr_assert(!sendstream_flushed(&s));
}

Test(sendstream, nobody_is_woken_who_was_not_turned_away)
{
    bool writable;
    cr_assert_eq(write_next(100), 100);
    const struct stream_piece a = send_next(100);
    cr_assert_eq(sendstream_acked(&s, &a, &writable), 0);
    cr_assert_not(writable);
    cr_assert(sendstream_flushed(&s));
}

Test(sendstream, is_flushed_when_every_byte_is_acknowledged)
{
    bool writable;
    cr_assert(sendstream_flushed(&s));
    write_next(30);
    const struct stream_piece a = send_next(20), b = send_next(20);
    sendstream_acked(&s, &a, &writable);
    cr_assert_not(sendstream_flushed(&s));
    sendstream_acked(&s, &b, &writable);
    cr_assert(sendstream_flushed(&s));
}

Test(sendstream, bytes_stay_right_through_losses_and_the_wrap_of_the_buffer)
{
    struct duet_rand rng;
    struct stream_piece air[64];
    size_t count = 0;
    bool writable;
    rand_init_u64(&rng, 5);
    s.state.limit_bytes = UINT64_MAX;
    while (s.end < 20000 || !sendstream_flushed(&s)) {
        if (s.end < 20000)
            write_next((size_t)rand_below(&rng, 60));
        if (count < 64 && sendstate_wants(&s.state))
            air[count++] = send_next(1 + (size_t)rand_below(&rng, 25));
        if (count == 0 || rand_below(&rng, 3) == 0)
            continue;
        const size_t i = (size_t)rand_below(&rng, count);
        const struct stream_piece p = air[i];
        air[i] = air[--count];
        if (rand_below(&rng, 3) == 0)
            cr_assert_eq(sendstate_lost(&s.state, &p), 0);
        else
            cr_assert_eq(sendstream_acked(&s, &p, &writable), 0);
        cr_assert_leq(s.end - s.bytes.base, 100);
    }
    cr_assert_eq(s.state.fresh_bytes, s.end);
}
