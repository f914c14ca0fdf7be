#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/channel.h"
#include "base/err.h"

static void feed(struct channel *ch, const uint8_t *bytes, size_t len)
{
    size_t cap;
    uint8_t *space = channel_space(ch, &cap);

    cr_assert_not_null(space);
    cr_assert_geq(cap, len);
    memcpy(space, bytes, len);
    channel_filled(ch, len);
}

Test(channel, cuts_messages_wherever_the_reads_were_cut)
{
    static const uint8_t bytes[] = {0, 0, 0, 2, 0x10, 'a', 'b', 0, 0, 0, 0, 0x24, 0, 0, 0, 1, 0x31, 'c'};

    for (size_t step = 1; step <= sizeof(bytes); step++) {
        struct channel ch;
        struct channel_message m;
        size_t count = 0;
        char seen[16] = "";

        channel_init(&ch, 100);
        for (size_t at = 0; at < sizeof(bytes); at += step) {
            feed(&ch, bytes + at, sizeof(bytes) - at < step ? sizeof(bytes) - at : step);
            while (channel_next(&ch, &m) == 1) {
                count++;
                strncat(seen, (const char *)m.payload, m.len);
            }
        }
        cr_assert_eq(count, 3, "step %zu", step);
        cr_assert_str_eq(seen, "abc");
        cr_assert_eq(m.type, 0x31);
        channel_dispose(&ch);
    }
}

Test(channel, refuses_a_length_beyond_every_message_at_its_header)
{
    const uint32_t len = APPMSG_PAYLOAD_BYTES + 1;
    const uint8_t bytes[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0x31};
    struct channel ch;
    struct channel_message m;

    channel_init(&ch, 100);
    feed(&ch, bytes, sizeof(bytes));
    cr_assert_eq(channel_next(&ch, &m), DUET_EMALFORMED);
    channel_dispose(&ch);
}

Test(channel, takes_in_the_longest_message_in_bounded_memory)
{
    static uint8_t block[8192];
    const uint32_t len = APPMSG_PAYLOAD_BYTES;
    const uint8_t head[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0x31};
    struct channel ch;
    struct channel_message m;

    channel_init(&ch, 100);
    for (int round = 0; round < 3; round++) {
        size_t left = len;

        feed(&ch, head, sizeof(head));
        while (left > 0) {
            const size_t n = left < sizeof(block) ? left : sizeof(block);

            cr_assert_eq(channel_next(&ch, &m), 0);
            feed(&ch, block, n);
            left -= n;
        }
        cr_assert_eq(channel_next(&ch, &m), 1);
        cr_assert_eq(m.len, len);
        cr_assert_leq(ch.in.cap, 2 * (APPMSG_PAYLOAD_BYTES + 16 * 1024));
    }
    channel_dispose(&ch);
}

Test(channel, keeps_what_the_transport_did_not_take)
{
    struct channel ch;
    int err;
    size_t len;

    channel_init(&ch, 10);
    memcpy(channel_reserve(&ch, 6, &err), "abcdef", 6);
    channel_commit(&ch, 6);
    channel_sent(&ch, 4);
    memcpy(channel_reserve(&ch, 8, &err), "ghijkl", 6);
    channel_commit(&ch, 6);
    const uint8_t *bytes = channel_waiting(&ch, &len);

    cr_assert_eq(len, 8);
    cr_assert_arr_eq(bytes, "efghijkl", 8);
    cr_assert_null(channel_reserve(&ch, 3, &err));
    cr_assert_eq(err, DUET_EFULL);
    channel_sent(&ch, 8);
    (void)channel_waiting(&ch, &len);
    cr_assert_eq(len, 0);
    channel_dispose(&ch);
}

Test(channel, at_rest_keeps_half_a_message_and_no_memory_else)
{
    static const uint8_t bytes[] = {0, 0, 0, 2, 0x10, 'a', 'b'};
    struct channel ch;
    struct channel_message m;
    int err;

    channel_init(&ch, 100);
    feed(&ch, bytes, 6);
    cr_assert_not_null(channel_reserve(&ch, 3, &err));
    channel_commit(&ch, 3);
    channel_rest(&ch);
    cr_expect(ch.in.cap > 0 && ch.out.cap > 0);
    channel_sent(&ch, 3);
    feed(&ch, bytes + 6, 1);
    cr_expect_eq(channel_next(&ch, &m), 1);
    cr_expect_eq(m.payload[1], 'b');
    channel_rest(&ch);
    cr_expect(ch.in.mem == NULL && ch.out.mem == NULL);
    feed(&ch, bytes, 7);
    cr_expect_eq(channel_next(&ch, &m), 1, "and goes on");
    channel_dispose(&ch);
}

/* A peer that lets a little through for each little it makes us say: what waits must not be copied for each of them. */
Test(channel, a_full_queue_does_not_cost_a_copy_for_each_message)
{
    enum { FULL = 4 * 1024 * 1024, LITTLE = 20, ROUNDS = 2000 };
    struct channel ch;
    size_t copied = 0;
    int err;

    channel_init(&ch, FULL);
    cr_assert_not_null(channel_reserve(&ch, FULL, &err));
    channel_commit(&ch, FULL);
    for (int i = 0; i < ROUNDS; i++) {
        channel_sent(&ch, LITTLE);
        const uint8_t *mem = ch.out.mem;
        const size_t head = ch.out.head;

        cr_assert_not_null(channel_reserve(&ch, LITTLE, &err));
        copied += ch.out.mem != mem || ch.out.head != head ? ch.out.len : 0;
        channel_commit(&ch, LITTLE);
    }
    cr_expect_leq(copied, FULL + 8 * (size_t)ROUNDS * LITTLE, "%zu bytes copied for %d", copied, ROUNDS * LITTLE);
    cr_expect_leq(ch.out.cap, (size_t)3 * FULL);
    channel_dispose(&ch);
}
