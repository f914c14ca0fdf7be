/* frame_ack: the bitmap form: when it is taken, what it says, what is refused. */
#include "unit.h"

#include "base/err.h"
#include "base/rand.h"
#include "wire/frame.h"

#define CAP 2048

static uint8_t buf[CAP];
static struct frame_ack ack;

/* Packets first … end - 1, each lost with this chance, but the last one not. */
static struct ranges lossy(uint64_t seed, uint64_t first, uint64_t end, unsigned percent)
{
    struct duet_rand rng;
    struct ranges set;

    rand_init_u64(&rng, seed);
    ranges_init(&set, CAP);
    for (uint64_t n = first; n < end; n++)
        if (n == end - 1 || rand_below(&rng, 100) >= percent)
            cr_assert_eq(ranges_add(&set, n, n + 1), 0);
    return set;
}

/* Writes with so much room and reads again; bytes used, 0: did not fit. */
static size_t there_and_back(const struct ranges *set, uint64_t from, size_t room, uint64_t *lowest)
{
    struct writer w = writer_of(buf, room);
    struct frame f;

    if (!frame_write_ack(&w, &(struct frame_ack_news){.received = set, .from = from, .delay_us = 77}, lowest))
        return 0;
    struct reader r = reader_of(buf, writer_used(&w));
    cr_assert_eq(frame_parse(&f, &ack, &r), 0);
    cr_assert_eq(reader_left(&r), 0);
    cr_assert_eq(f.type, FRAME_ACK);
    cr_assert_eq(ack.delay_us, 77);
    cr_assert_leq(ack.range_count, LIMIT_ACK_RANGES);
    cr_assert_eq(ack.ranges[ack.range_count - 1].start, *lowest);
    return writer_used(&w);
}

/* Exactly the numbers of the set from `lowest` up. */
static void assert_says(const struct ranges *set, uint64_t lowest)
{
    uint64_t count = 0;

    for (size_t i = 0; i < ack.range_count; i++) {
        cr_assert_geq(ranges_end_of(set, ack.ranges[i].start), ack.ranges[i].end);
        cr_assert(i == 0 || ack.ranges[i].end < ack.ranges[i - 1].start, "descending, apart");
        count += ack.ranges[i].end - ack.ranges[i].start;
    }
    cr_assert_eq(count, ranges_overlap(set, lowest, UINT64_MAX));
}

static bool is_map(void)
{
    return buf[0] == FRAME_ACK_MAP || buf[0] == FRAME_ACK_MAP_ECN;
}

Test(frame_ack, map_is_that_of_the_protocol_document)
{
    static const uint8_t expected[] = {0x07, 0x40, 0xc8, 0x1e, 0x01, 0x02, 0xd5, 0x06, 0x09, 0x00, 0x01};
    static const struct range v[] = {{187, 189}, {190, 192}, {193, 194}, {195, 196}, {197, 198}, {199, 201}};
    static const uint64_t ecn[3] = {9, 0, 1};
    struct ranges set;
    uint64_t lowest;
    struct frame f;

    ranges_init(&set, 16);
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(ranges_add(&set, v[i].start, v[i].end), 0);
    struct writer w = writer_of(buf, CAP);
    cr_assert(frame_write_ack(&w, &(struct frame_ack_news){.received = &set, .delay_us = 30, .ecn = ecn}, &lowest));
    cr_assert_eq(writer_used(&w), sizeof(expected));
    cr_assert_arr_eq(buf, expected, sizeof(expected));
    struct reader r = reader_of(buf, writer_used(&w));
    cr_assert_eq(frame_parse(&f, &ack, &r), 0);
    cr_assert_eq(ack.range_count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_assert(ack.ranges[i].start == v[5 - i].start && ack.ranges[i].end == v[5 - i].end, "range %zu", i);
    cr_assert(ack.has_ecn && ack.ect0 == 9 && ack.ect1 == 0 && ack.ce == 1);
    ranges_dispose(&set);
}

/* Bytes of what either form takes besides the common part. */
static size_t ranges_bytes(const struct ranges *set)
{
    size_t bytes = varint_bytes(set->count - 1);

    for (size_t i = 1; i < set->count; i++)
        bytes += varint_bytes(set->v[i].start - set->v[i - 1].end - 1) +
                 varint_bytes(set->v[i - 1].end - set->v[i - 1].start - 1);
    return bytes;
}

static size_t map_bytes(const struct ranges *set)
{
    size_t bytes = (set->v[set->count - 1].start - 2 - set->v[0].start) / 8 + 1;

    return varint_bytes(bytes) + bytes;
}

Test(frame_ack, the_shorter_form_is_taken_at_any_loss)
{
    for (uint64_t i = 0; i < 1000; i++) {
        struct ranges set = lossy(i, 100000, 100300, (unsigned)(i % 20));
        uint64_t lowest;
        there_and_back(&set, 0, CAP, &lowest);
        cr_assert_eq(is_map(), set.count > 1 && map_bytes(&set) < ranges_bytes(&set), "seed %lu", i);
        ranges_dispose(&set);
    }
}

Test(frame_ack, the_map_is_shorter_from_about_seven_percent_on)
{
    static const struct {
        unsigned percent;
        bool is_map;
    } rows[] = {{0, false}, {1, false}, {3, false}, {10, true}, {20, true}, {50, true}, {90, true}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ranges set = lossy(i, 100000, 100300, rows[i].percent);
        uint64_t lowest;
        size_t len = there_and_back(&set, 0, CAP, &lowest);
        cr_assert_eq(is_map(), rows[i].is_map, "%u %%: %zu bytes", rows[i].percent, len);
        cr_assert_leq(len, 2 + 2 * set.count + 10, "%u %%", rows[i].percent);
        cr_assert_leq(len, 300 / 8 + 12, "%u %%", rows[i].percent);
        cr_assert_eq(lowest, set.v[0].start);
        assert_says(&set, 0);
        ranges_dispose(&set);
    }
}

Test(frame_ack, either_form_says_what_was_received)
{
    struct duet_rand rng;

    rand_init_u64(&rng, 4711);
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t first = rand_below(&rng, 3) == 0 ? 0 : rand_below(&rng, 1 << 20), lowest;
        uint64_t span = 1 + rand_below(&rng, 800);
        struct ranges set = lossy(i, first, first + span, (unsigned)rand_below(&rng, 101));
        uint64_t from = rand_below(&rng, 2) == 0 ? 0 : first + rand_below(&rng, span);
        size_t room = rand_below(&rng, 2) == 0 ? CAP : 8 + rand_below(&rng, 60);
        size_t len = there_and_back(&set, from, room, &lowest);

        cr_assert_leq(len, room);
        if (len > 0)
            assert_says(&set, lowest);
        /* With room for all, everything asked for is said. */
        if (room == CAP && set.count <= LIMIT_ACK_RANGES)
            cr_assert_eq(ranges_overlap(&set, from, UINT64_MAX),
                         ranges_overlap(&set, lowest < from ? from : lowest, UINT64_MAX));
        ranges_dispose(&set);
    }
}

Test(frame_ack, map_gets_further_down_in_little_room)
{
    struct ranges set = lossy(3, 0, 1000, 50);
    uint64_t lowest;

    for (size_t room = 16; room < 100; room++) {
        size_t len = there_and_back(&set, 0, room, &lowest);
        cr_assert(is_map(), "room %zu", room);
        cr_assert_leq(len, room);
        cr_assert_leq(lowest, 999 - 8 * (room - 10), "room %zu: down to %lu", room, lowest);
        assert_says(&set, lowest);
    }
    ranges_dispose(&set);
}

Test(frame_ack, map_stops_at_its_limits)
{
    /* Every other one: the ranges run out.  A long run, single ones, and a long run: the bytes do. */
    struct ranges set;
    uint64_t lowest;

    ranges_init(&set, CAP);
    for (uint64_t n = 0; n < 3 * LIMIT_ACK_RANGES; n++)
        cr_assert_eq(ranges_add(&set, 10000 + 2 * n, 10000 + 2 * n + 1), 0);
    there_and_back(&set, 0, CAP, &lowest);
    cr_assert(is_map());
    cr_assert_eq(ack.range_count, LIMIT_ACK_RANGES);
    cr_assert_eq(lowest, 10000 + 2 * 2 * LIMIT_ACK_RANGES);
    ranges_dispose(&set);

    ranges_init(&set, CAP);
    cr_assert_eq(ranges_add(&set, 0, 50000), 0);
    for (uint64_t n = 0; n < 100; n++)
        cr_assert_eq(ranges_add(&set, 50001 + 2 * n, 50002 + 2 * n), 0);
    there_and_back(&set, 0, CAP, &lowest);
    cr_assert(!is_map(), "the map would not get down to 0");
    cr_assert_eq(lowest, 0);
    there_and_back(&set, 49990, CAP, &lowest);
    cr_assert(is_map());
    cr_assert_eq(lowest, 49990);
    ranges_dispose(&set);
}

Test(frame_ack, map_with_more_ranges_or_bytes_than_the_limit_is_malformed)
{
    for (size_t bytes = 1; bytes <= LIMIT_ACK_MAP_BYTES + 1; bytes++) {
        for (int dense = 0; dense < 2; dense++) {
            struct frame f;
            struct writer w = writer_of(buf, CAP);
            writer_varint(&w, FRAME_ACK_MAP);
            writer_varint(&w, 100000);
            writer_varint(&w, 0);
            writer_varint(&w, 0);
            writer_varint(&w, bytes);
            writer_fill(&w, dense ? 0xff : 0x55, bytes);
            struct reader r = reader_of(buf, writer_used(&w));
            bool fits = bytes <= LIMIT_ACK_MAP_BYTES && (dense || 4 * bytes + 1 <= LIMIT_ACK_RANGES);
            cr_assert_eq(frame_parse(&f, &ack, &r), fits ? 0 : DUET_EMALFORMED, "%zu bytes, dense %d", bytes, dense);
        }
    }
}

Test(frame_ack, map_reaches_exactly_down_to_zero)
{
    static const uint8_t good[] = {FRAME_ACK_MAP, 9, 0, 0, 1, 0x80}; /* 9, and 7 - 7 */
    struct frame f;

    struct reader r = reader_of(good, sizeof(good));
    cr_assert_eq(frame_parse(&f, &ack, &r), 0);
    cr_assert(ack.range_count == 2 && ack.ranges[1].start == 0 && ack.ranges[1].end == 1);
}
