#include "base/bytes.h"

#include "unit.h"
#include <string.h>

#include "base/rand.h"

Test(bytes, integers_are_big_endian)
{
    uint8_t buf[15];
    static const uint8_t want[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct writer w = writer_of(buf, sizeof(buf));

    writer_u8(&w, 0x01);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, 0x08090a0b0c0d0e0f);
    cr_assert(!w.failed);
    cr_expect_eq(writer_used(&w), 15);
    cr_expect_eq(writer_left(&w), 0);
    cr_expect_arr_eq(buf, want, 15);

    struct reader r = reader_of(buf, sizeof(buf));
    cr_expect_eq(reader_u8(&r), 0x01);
    cr_expect_eq(reader_u16(&r), 0x0203);
    cr_expect_eq(reader_left(&r), 12);
    cr_expect_eq(reader_u32(&r), 0x04050607);
    cr_expect_eq(reader_u64(&r), 0x08090a0b0c0d0e0f);
    cr_expect(!r.failed);
    cr_expect_eq(reader_left(&r), 0);
}

/* RFC 9000 §A.1, and the bounds of each length. */
static const struct {
    uint64_t value;
    size_t len;
    uint8_t bytes[8];
} varints[] = {
    {0, 1, {0}},
    {37, 1, {0x25}},
    {63, 1, {0x3f}},
    {64, 2, {0x40, 0x40}},
    {15293, 2, {0x7b, 0xbd}},
    {16383, 2, {0x7f, 0xff}},
    {16384, 4, {0x80, 0x00, 0x40, 0x00}},
    {494878333, 4, {0x9d, 0x7f, 0x3e, 0x7d}},
    {1073741823, 4, {0xbf, 0xff, 0xff, 0xff}},
    {1073741824, 8, {0xc0, 0, 0, 0, 0x40, 0, 0, 0}},
    {151288809941952652, 8, {0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}},
    {VARINT_MAX, 8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
};

Test(bytes, varints_match_rfc_9000)
{
    for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
        uint8_t buf[VARINT_MAX_BYTES];
        struct writer w = writer_of(buf, sizeof(buf));
        struct reader r = reader_of(varints[i].bytes, varints[i].len);

        writer_varint(&w, varints[i].value);
        cr_expect_eq(writer_used(&w), varints[i].len, "row %zu", i);
        cr_expect_eq(varint_bytes(varints[i].value), varints[i].len, "row %zu", i);
        cr_expect_arr_eq(buf, varints[i].bytes, varints[i].len);
        cr_expect_eq(reader_varint(&r), varints[i].value, "row %zu", i);
        cr_expect(!r.failed);
        cr_expect_eq(reader_left(&r), 0);
    }
}

Test(bytes, varints_may_be_longer_than_needed)
{
    static const uint8_t two[] = {0x40, 0x25};
    static const uint8_t eight[] = {0xc0, 0, 0, 0, 0, 0, 0, 0x25};
    struct reader r = reader_of(two, sizeof(two));
    struct reader s = reader_of(eight, sizeof(eight));

    cr_expect_eq(reader_varint(&r), 37);
    cr_expect_eq(reader_varint(&s), 37);
    cr_expect(!r.failed && !s.failed);
}

Test(bytes, a_truncated_varint_fails_at_every_length)
{
    for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
        for (size_t cut = 0; cut < varints[i].len; cut++) {
            struct reader r = reader_of(varints[i].bytes, cut);

            cr_expect_eq(reader_varint(&r), 0);
            cr_expect(r.failed, "row %zu cut to %zu", i, cut);
        }
    }
}

Test(bytes, a_varint_above_62_bits_is_not_written)
{
    uint8_t buf[16];
    struct writer w = writer_of(buf, sizeof(buf));

    writer_varint(&w, VARINT_MAX + 1);
    cr_expect(w.failed);
    cr_expect_eq(writer_used(&w), 0);
}

Test(bytes, a_failed_read_sticks_and_gives_zeros)
{
    static const uint8_t buf[] = {1, 2, 3};
    uint8_t copy[2] = {9, 9};
    struct reader r = reader_of(buf, sizeof(buf));

    cr_expect_eq(reader_u32(&r), 0);
    cr_expect(r.failed);
    cr_expect_eq(reader_left(&r), 0);
    cr_expect_eq(reader_u8(&r), 0, "a byte is there, but the reader has failed");
    cr_expect_null(reader_bytes(&r, 0));
    reader_copy(&r, copy, sizeof(copy));
    cr_expect_eq(copy[0], 0);
    cr_expect_eq(copy[1], 0);
}

Test(bytes, a_failed_write_sticks_and_writes_nothing)
{
    uint8_t buf[4] = {0xee, 0xee, 0xee, 0xee};
    struct writer w = writer_of(buf, 3);

    writer_u8(&w, 1);
    writer_u32(&w, 0);
    cr_expect(w.failed);
    writer_u8(&w, 2);
    writer_bytes(&w, (const uint8_t *)"x", 1);
    writer_fill(&w, 0, 1);
    cr_expect_null(writer_reserve(&w, 0));
    cr_expect_eq(writer_used(&w), 1);
    cr_expect_eq(writer_left(&w), 0);
    cr_expect_arr_eq(buf, ((uint8_t[]){1, 0xee, 0xee, 0xee}), 4);
}

Test(bytes, huge_lengths_do_not_wrap_around)
{
    uint8_t buf[4] = {0};
    struct reader r = reader_of(buf, sizeof(buf));
    struct writer w = writer_of(buf, sizeof(buf));

    cr_expect_null(reader_bytes(&r, SIZE_MAX));
    cr_expect(r.failed);
    cr_expect_null(writer_reserve(&w, SIZE_MAX));
    cr_expect(w.failed);
}

Test(bytes, empty_buffers_may_be_null)
{
    struct reader r = reader_of(NULL, 0);
    struct writer w = writer_of(NULL, 0);

    reader_bytes(&r, 0);
    reader_copy(&r, NULL, 0);
    writer_bytes(&w, NULL, 0);
    writer_fill(&w, 0, 0);
    writer_reserve(&w, 0);
    cr_expect(!r.failed && !w.failed);
    cr_expect_eq(reader_left(&r), 0);
    cr_expect_eq(writer_used(&w), 0);
    reader_u8(&r);
    writer_u8(&w, 1);
    cr_expect(r.failed && w.failed);
}

Test(bytes, blocks_are_copied_filled_and_pointed_at)
{
    uint8_t buf[8];
    uint8_t copy[3];
    struct writer w = writer_of(buf, sizeof(buf));

    writer_bytes(&w, (const uint8_t *)"abc", 3);
    writer_fill(&w, '-', 2);
    uint8_t *room = writer_reserve(&w, 3);
    cr_assert_eq(room, buf + 5);
    memcpy(room, (const uint8_t[]){'x', 'y', 'z'}, 3);
    cr_expect_arr_eq(buf, "abc--xyz", 8);

    struct reader r = reader_of(buf, sizeof(buf));
    reader_copy(&r, copy, 3);
    cr_expect_arr_eq(copy, "abc", 3);
    cr_expect_eq(reader_bytes(&r, 5), buf + 3);
    cr_expect(!r.failed);
}

Test(bytes, what_is_written_is_read_back)
{
    struct duet_rand rand;

    rand_init_u64(&rand, 2);
    for (int i = 0; i < 5000; i++) {
        uint8_t buf[VARINT_MAX_BYTES];
        const uint64_t v = (rand_u64(&rand) & VARINT_MAX) >> rand_below(&rand, 62);
        struct writer w = writer_of(buf, sizeof(buf));

        writer_varint(&w, v);
        struct reader r = reader_of(buf, writer_used(&w));
        cr_expect_eq(reader_varint(&r), v);
        cr_expect(!w.failed && !r.failed && reader_left(&r) == 0);
    }
}
