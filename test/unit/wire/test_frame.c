/* frame: every frame there and back, and hostile bytes that must not get through. */
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "wire/frame.h"

#define FRAME_CAP 2048
#define BIG VARINT_MAX

static const uint8_t text[] = "forty-two bytes of a stream, more or less.";

/* One of each frame (the ACKs apart), with small and with the largest values. */
static const struct frame samples[] = {
    {.type = FRAME_PADDING, .padding = 1},
    {.type = FRAME_PADDING, .padding = 700},
    {.type = FRAME_PING},
    {.type = FRAME_RESET_STREAM, .stream = 4, .reset = {.code = 7, .final_bytes = 100000}},
    {.type = FRAME_RESET_STREAM, .stream = BIG, .reset = {.code = BIG, .final_bytes = BIG}},
    {.type = FRAME_STOP_STREAM, .stream = 9, .code = 300},
    {.type = FRAME_STREAM, .stream = 1, .data = {.offset = 0, .data = text, .len = 0}},
    {.type = FRAME_STREAM, .stream = 70, .data = {.offset = 70000, .data = text, .len = sizeof(text)}},
    {.type = FRAME_STREAM, .stream = BIG, .data = {.offset = BIG - 3, .data = text, .len = 3, .fin = true}},
    {.type = FRAME_ACK_POLICY, .policy = {1, {64, 5000, 12500}}},
    {.type = FRAME_ACK_POLICY, .policy = {BIG, {BIG, BIG, BIG}}},
    {.type = FRAME_MAX_DATA, .max = 12582912},
    {.type = FRAME_MAX_STREAM_DATA, .stream = 3, .max = 262144},
    {.type = FRAME_MAX_STREAMS, .allowed = {64, 1048576}},
    {.type = FRAME_MAX_STREAMS, .allowed = {BIG, BIG}},
    {.type = FRAME_DATAGRAM, .data = {.data = text, .len = 0}},
    {.type = FRAME_DATAGRAM, .data = {.data = text, .len = sizeof(text)}},
    {.type = FRAME_PATH_CHALLENGE, .path = {1, 2, 3, 4, 5, 6, 7, 255}},
    {.type = FRAME_PATH_RESPONSE, .path = {9, 8, 7, 6, 5, 4, 3, 0}},
    {.type = FRAME_CLOSE, .close = {.code = 5, .reason = text, .reason_len = 11}},
    {.type = FRAME_CLOSE, .close = {.code = 0, .reason = text, .reason_len = 0}},
    {.type = FRAME_HANDSHAKE_DONE},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

/* The set of these ranges; dispose it. */
static struct ranges set_of(const struct range *v, size_t count)
{
    struct ranges set;

    ranges_init(&set, 2 * LIMIT_ACK_RANGES);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(ranges_add(&set, v[i].start, v[i].end), 0);
    return set;
}

static bool write_ack(struct writer *w, const struct ranges *set, uint64_t delay_us, const uint64_t *ecn)
{
    const struct frame_ack_news news = {.received = set, .delay_us = delay_us, .ecn = ecn};
    uint64_t lowest;

    return frame_write_ack(w, &news, &lowest);
}

/* Parses from memory of exactly this length, so that ASan sees a step too far. */
static int parse_exact(const uint8_t *bytes, size_t len, struct frame *f, struct frame_ack *ack, size_t *used)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes, len);
    struct reader r = reader_of(copy, len);
    int err = frame_parse(f, ack, &r);
    *used = (size_t)(r.at - copy);
    cr_assert_leq(*used, len);
    free(copy);
    return err;
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
    if (a->type != b->type || a->stream != b->stream)
        return false;
    switch (a->type) {
    case FRAME_PADDING:
        return a->padding == b->padding;
    case FRAME_PING:
    case FRAME_HANDSHAKE_DONE:
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
    case FRAME_STREAM_FIN:
        return true;
    case FRAME_RESET_STREAM:
        return a->reset.code == b->reset.code && a->reset.final_bytes == b->reset.final_bytes;
    case FRAME_STOP_STREAM:
        return a->code == b->code;
    case FRAME_STREAM:
        return a->data.offset == b->data.offset && a->data.len == b->data.len && a->data.fin == b->data.fin &&
               memcmp(a->data.data, b->data.data, a->data.len) == 0;
    case FRAME_ACK_POLICY:
        return a->policy.sequence == b->policy.sequence && a->policy.want.packets == b->policy.want.packets &&
               a->policy.want.delay_us == b->policy.want.delay_us && a->policy.want.gap_us == b->policy.want.gap_us;
    case FRAME_MAX_DATA:
    case FRAME_MAX_STREAM_DATA:
        return a->max == b->max;
    case FRAME_MAX_STREAMS:
        return a->allowed.streams == b->allowed.streams && a->allowed.bytes == b->allowed.bytes;
    case FRAME_DATAGRAM:
        return a->data.len == b->data.len && memcmp(a->data.data, b->data.data, a->data.len) == 0;
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
        return memcmp(a->path, b->path, FRAME_PATH_BYTES) == 0;
    case FRAME_CLOSE:
        return a->close.code == b->close.code && a->close.reason_len == b->close.reason_len &&
               memcmp(a->close.reason, b->close.reason, a->close.reason_len) == 0;
    }
    return false;
}

Test(frame, every_frame_survives_a_round_trip)
{
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame got;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer w = writer_of(buf, sizeof(buf));
        frame_write(&w, &samples[i]);
        cr_assert(!w.failed);
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&got, &ack, &r), 0, "row %zu", i);
        cr_assert_eq(reader_left(&r), 0, "row %zu", i);
        cr_assert(same_frame(&samples[i], &got), "row %zu", i);
    }
}

Test(frame, frames_follow_each_other_in_one_packet)
{
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame got;
    struct writer w = writer_of(buf, sizeof(buf));

    for (size_t i = 1; i < SAMPLE_COUNT; i++)
        frame_write(&w, &samples[i]);
    cr_assert(!w.failed);
    struct reader r = reader_of(buf, writer_used(&w));
    for (size_t i = 1; i < SAMPLE_COUNT; i++) {
        cr_assert_eq(frame_parse(&got, &ack, &r), 0, "row %zu", i);
        cr_assert(same_frame(&samples[i], &got), "row %zu", i);
    }
    cr_assert_eq(reader_left(&r), 0);
    cr_assert_eq(frame_parse(&got, &ack, &r), DUET_EMALFORMED, "there is no frame in nothing");
}

Test(frame, every_truncation_is_malformed)
{
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame got;
    size_t used;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer w = writer_of(buf, sizeof(buf));
        frame_write(&w, &samples[i]);
        for (size_t len = 0; len < writer_used(&w); len++) {
            int err = parse_exact(buf, len, &got, &ack, &used);
            bool is_shorter_run = samples[i].type == FRAME_PADDING && len > 0;
            cr_assert_eq(err, is_shorter_run ? 0 : DUET_EMALFORMED, "row %zu cut to %zu", i, len);
        }
    }
}

Test(frame, writers_fail_where_the_frame_does_not_fit)
{
    uint8_t buf[FRAME_CAP];

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer w = writer_of(buf, sizeof(buf));
        frame_write(&w, &samples[i]);
        size_t need = writer_used(&w);
        for (size_t cap = 0; cap < need; cap++) {
            struct writer small = writer_of(buf, cap);
            frame_write(&small, &samples[i]);
            cr_assert(small.failed, "row %zu in %zu", i, cap);
        }
    }
}

Test(frame, layout_is_that_of_the_protocol_document)
{
    static const uint8_t expected[] = {0x09, 0x05, 0x43, 0xe8, 0x02, 'h', 'i'};
    const struct frame f = {.type = FRAME_STREAM,
                            .stream = 5,
                            .data = {.offset = 1000, .data = (const uint8_t *)"hi", .len = 2, .fin = true}};
    uint8_t buf[32];
    struct writer w = writer_of(buf, sizeof(buf));

    frame_write(&w, &f);
    cr_assert_eq(writer_used(&w), sizeof(expected));
    cr_assert_arr_eq(buf, expected, sizeof(expected));
}

Test(frame, ack_policy_is_that_of_the_protocol_document)
{
    static const uint8_t expected[] = {0x0a, 0x01, 0x40, 0x40, 0x53, 0x88, 0x70, 0xd4};
    const struct frame f = {.type = FRAME_ACK_POLICY, .policy = {1, {64, 5000, 12500}}};
    uint8_t buf[32];
    struct writer w = writer_of(buf, sizeof(buf));

    frame_write(&w, &f);
    cr_assert_eq(writer_used(&w), sizeof(expected));
    cr_assert_arr_eq(buf, expected, sizeof(expected));
}

Test(frame, hostile_bytes_are_malformed)
{
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t len;
    } rows[] = {
        {"unknown type 0x0b", {0x0b, 1, 1, 1, 1}, 5},
        {"ACK_POLICY of no packets", {0x0a, 1, 0, 1, 1}, 5},
        {"unknown type 0x13", {0x13, 1}, 2},
        {"unknown type 0x1d", {0x1d, 0, 0}, 3},
        {"unknown type 0x1f", {0x1f}, 1},
        {"unknown type in two bytes", {0x40, 0x40, 0}, 3},
        {"PING in two bytes", {0x40, 0x01}, 2},
        {"PADDING in eight bytes", {0xc0, 0, 0, 0, 0, 0, 0, 0}, 8},
        {"type cut", {0xc0, 0, 0}, 3},
        {"STREAM longer than the packet", {0x08, 1, 0, 5, 'a', 'b'}, 6},
        {"STREAM with a length of 2^62-1", {0x08, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 11},
        {"STREAM past 2^62-1", {0x08, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'a'}, 12},
        {"DATAGRAM longer than the packet", {0x0c, 3, 'a', 'b'}, 4},
        {"DATAGRAM of 2^62-1 bytes", {0x0c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a'}, 10},
        {"MAX_STREAMS without its bytes", {0x12, 1}, 2},
        {"CLOSE with a reason longer than the packet", {0x1c, 0, 4, 'a', 'b', 'c'}, 6},
        {"ACK first length above largest", {0x02, 5, 0, 0, 6}, 5},
        {"ACK gap below zero", {0x02, 5, 0, 1, 2, 2, 0}, 7},
        {"ACK gap of 2^62-1", {0x02, 5, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, 14},
        {"ACK length below zero", {0x02, 9, 0, 1, 2, 2, 4}, 7},
        {"ACK with fewer ranges than told", {0x02, 9, 0, 2, 2, 0, 0}, 7},
        {"ACK of 2^62-1 ranges", {0x02, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, 12},
        {"ACK_MAP without a map", {0x06, 9, 0, 1, 0}, 5},
        {"ACK_MAP whose last byte is 0", {0x06, 50, 0, 1, 2, 1, 0}, 7},
        {"ACK_MAP longer than the packet", {0x06, 50, 0, 1, 3, 1, 1}, 7},
        {"ACK_MAP of 2^62-1 bytes", {0x06, 50, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 13},
        {"ACK_MAP first length above largest", {0x06, 5, 0, 6, 1, 1}, 6},
        {"ACK_MAP of a number below zero", {0x06, 9, 0, 1, 1, 0x80}, 6},
        {"ACK_MAP of a run to below zero", {0x06, 9, 0, 1, 1, 0xff}, 6},
        {"ACK_MAP_ECN without its counts", {0x07, 50, 0, 1, 1, 1}, 6},
        {"ACK_ECN without its counts", {0x03, 9, 0, 0, 0}, 5},
        {"ACK_ECN with two counts", {0x03, 9, 0, 0, 0, 1, 2}, 7},
    };
    struct frame_ack ack;
    struct frame f;
    size_t used;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(parse_exact(rows[i].bytes, rows[i].len, &f, &ack, &used), DUET_EMALFORMED, "%s", rows[i].what);
}

Test(frame, the_longest_datagram_fills_the_room)
{
    static uint8_t bytes[LIMIT_PACKET_MAX_BYTES], buf[LIMIT_PACKET_MAX_BYTES];

    cr_expect_eq(frame_datagram_most(0), 0);
    cr_expect_eq(frame_datagram_most(1), 0);
    /* A packet of 1200 bytes: PROTOCOL.md §7.2. */
    cr_expect_eq(frame_datagram_most(LIMIT_PACKET_MIN_BYTES - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES), 1164);
    for (size_t room = 2; room < sizeof(buf); room += room < 300 ? 1 : 97) {
        const size_t len = frame_datagram_most(room);
        struct writer w = writer_of(buf, room);

        frame_write(&w, &(struct frame){.type = FRAME_DATAGRAM, .data = {.data = bytes, .len = len}});
        cr_expect(!w.failed, "%zu", room);
        w = writer_of(buf, room);
        frame_write(&w, &(struct frame){.type = FRAME_DATAGRAM, .data = {.data = bytes, .len = len + 1}});
        cr_expect(w.failed, "%zu", room);
    }
}

Test(frame, close_reason_is_bounded)
{
    uint8_t buf[LIMIT_REASON_BYTES + 16];
    struct frame_ack ack;
    struct frame f;

    for (size_t len = LIMIT_REASON_BYTES; len <= LIMIT_REASON_BYTES + 1; len++) {
        struct writer w = writer_of(buf, sizeof(buf));
        writer_varint(&w, FRAME_CLOSE);
        writer_varint(&w, 1);
        writer_varint(&w, len);
        writer_fill(&w, 'x', len);
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&f, &ack, &r), len > LIMIT_REASON_BYTES ? DUET_EMALFORMED : 0);
    }
}

Test(frame, ack_ranges_survive_a_round_trip)
{
    static const struct {
        struct range v[4];
        size_t count;
    } rows[] = {
        {{{0, 1}}, 1},
        {{{0, 1}, {2, 3}}, 2},
        {{{5, 9}}, 1},
        {{{0, 100}, {101, 102}, {70000, 70500}}, 3},
        {{{1, 2}, {3, 5}, {100, 20000}, {BIG, BIG + 1}}, 4},
    };
    static const uint64_t ecn[3] = {10, 0, 70000};
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame f;

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        size_t count = rows[i / 2].count;
        bool with_ecn = i % 2 == 1;
        struct ranges set = set_of(rows[i / 2].v, count);
        struct writer w = writer_of(buf, sizeof(buf));
        cr_assert(write_ack(&w, &set, 1234 + i, with_ecn ? ecn : NULL));
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&f, &ack, &r), 0, "row %zu", i);
        cr_assert_eq(reader_left(&r), 0);
        cr_assert_eq(f.type, FRAME_ACK);
        cr_assert_eq(ack.has_ecn, with_ecn);
        cr_assert_eq(ack.largest, set.v[count - 1].end - 1);
        cr_assert_eq(ack.delay_us, 1234 + i);
        cr_assert_eq(ack.range_count, count);
        for (size_t k = 0; k < count; k++) {
            cr_assert_eq(ack.ranges[k].start, set.v[count - 1 - k].start, "row %zu range %zu", i, k);
            cr_assert_eq(ack.ranges[k].end, set.v[count - 1 - k].end, "row %zu range %zu", i, k);
        }
        cr_assert_eq(ack.ect0, with_ecn ? 10 : 0);
        cr_assert_eq(ack.ce, with_ecn ? 70000 : 0);
        for (size_t len = 0; len < writer_used(&w); len++) {
            size_t used;
            cr_assert_eq(parse_exact(buf, len, &f, &ack, &used), DUET_EMALFORMED, "row %zu cut to %zu", i, len);
        }
        ranges_dispose(&set);
    }
}

Test(frame, ack_delay_too_long_for_a_varint_is_capped)
{
    struct ranges set = set_of((struct range[]){{3, 4}}, 1);
    uint8_t buf[64];
    struct frame_ack ack;
    struct frame f;
    struct writer w = writer_of(buf, sizeof(buf));

    cr_assert(write_ack(&w, &set, UINT64_MAX, NULL));
    struct reader r = reader_of(buf, writer_used(&w));
    cr_assert_eq(frame_parse(&f, &ack, &r), 0);
    cr_assert_eq(ack.delay_us, VARINT_MAX);
    ranges_dispose(&set);
}

Test(frame, ack_writes_the_newest_ranges_that_fit)
{
    enum { COUNT = 80 };
    struct range v[COUNT];
    size_t need[COUNT + 1];
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame f;

    for (size_t i = 0; i < COUNT; i++)
        v[i] = (struct range){.start = i * 200, .end = i * 200 + 1 + i};
    for (size_t k = 1; k <= COUNT; k++) {
        struct ranges newest = set_of(v + COUNT - k, k);
        struct writer w = writer_of(buf, sizeof(buf));
        cr_assert(write_ack(&w, &newest, 50, NULL));
        need[k] = writer_used(&w);
        ranges_dispose(&newest);
    }

    struct ranges all = set_of(v, COUNT);
    for (size_t room = 0; room <= need[COUNT] + 2; room++) {
        size_t fit = 0;
        while (fit < COUNT && need[fit + 1] <= room)
            fit++;
        struct writer w = writer_of(buf, room);
        cr_assert_eq(write_ack(&w, &all, 50, NULL), fit > 0, "room %zu", room);
        cr_assert(!w.failed);
        cr_assert_eq(writer_used(&w), fit > 0 ? need[fit] : 0, "room %zu", room);
        if (fit == 0)
            continue;
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&f, &ack, &r), 0);
        cr_assert_eq(ack.range_count, fit, "room %zu", room);
        cr_assert_eq(ack.ranges[fit - 1].start, v[COUNT - fit].start);
    }
    ranges_dispose(&all);
}

Test(frame, ack_lists_what_is_asked_for_and_the_newest)
{
    struct ranges set = set_of((struct range[]){{0, 100}, {200, 300}, {400, 500}}, 3);
    static const struct {
        uint64_t from;
        size_t count;
        uint64_t lowest;
    } rows[] = {{0, 3, 0},     {99, 3, 0},    {100, 2, 200},       {299, 2, 200},
                {300, 1, 400}, {450, 1, 400}, {UINT64_MAX, 1, 400}};
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writer w = writer_of(buf, sizeof(buf));
        uint64_t lowest;
        cr_assert(frame_write_ack(&w, &(struct frame_ack_news){.received = &set, .from = rows[i].from}, &lowest));
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&f, &ack, &r), 0);
        cr_assert_eq(ack.range_count, rows[i].count, "row %zu", i);
        cr_assert_eq(lowest, rows[i].lowest, "row %zu", i);
        cr_assert_eq(ack.ranges[ack.range_count - 1].start, lowest);
    }
    ranges_dispose(&set);
}

Test(frame, ack_never_holds_more_ranges_than_the_limit)
{
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame f;
    struct ranges set;

    ranges_init(&set, 2 * LIMIT_ACK_RANGES);
    for (uint64_t i = 0; i < LIMIT_ACK_RANGES + 20; i++)
        cr_assert_eq(ranges_add(&set, 2 * i, 2 * i + 1), 0);
    struct writer w = writer_of(buf, sizeof(buf));
    cr_assert(write_ack(&w, &set, 0, NULL));
    struct reader r = reader_of(buf, writer_used(&w));
    cr_assert_eq(frame_parse(&f, &ack, &r), 0);
    cr_assert_eq(ack.range_count, LIMIT_ACK_RANGES);
    cr_assert_eq(ack.ranges[LIMIT_ACK_RANGES - 1].start, 2 * 20);
    ranges_dispose(&set);
}

Test(frame, ack_with_one_range_more_than_the_limit_is_malformed)
{
    uint8_t buf[FRAME_CAP];
    struct frame_ack ack;
    struct frame f;

    for (uint64_t more = LIMIT_ACK_RANGES - 1; more <= LIMIT_ACK_RANGES; more++) {
        struct writer w = writer_of(buf, sizeof(buf));
        writer_varint(&w, FRAME_ACK);
        writer_varint(&w, 10000);
        writer_varint(&w, 0);
        writer_varint(&w, more);
        writer_fill(&w, 0, 1 + 2 * (size_t)more);
        struct reader r = reader_of(buf, writer_used(&w));
        cr_assert_eq(frame_parse(&f, &ack, &r), more < LIMIT_ACK_RANGES ? 0 : DUET_EMALFORMED);
    }
}

Test(frame, ack_of_nothing_is_not_written)
{
    uint8_t buf[64];
    struct ranges set;
    struct writer w = writer_of(buf, sizeof(buf));

    ranges_init(&set, 4);
    cr_assert(!write_ack(&w, &set, 0, NULL));
    cr_assert_eq(writer_used(&w), 0);
    ranges_dispose(&set);
}

Test(frame, only_ack_padding_and_close_need_no_acknowledgement)
{
    static const enum frame_type silent[] = {FRAME_PADDING, FRAME_ACK, FRAME_CLOSE};
    static const enum frame_type eliciting[] = {
        FRAME_PING,          FRAME_RESET_STREAM,    FRAME_STOP_STREAM,    FRAME_STREAM,      FRAME_STREAM_FIN,
        FRAME_MAX_DATA,      FRAME_MAX_STREAM_DATA, FRAME_PATH_CHALLENGE, FRAME_MAX_STREAMS, FRAME_DATAGRAM,
        FRAME_PATH_RESPONSE, FRAME_HANDSHAKE_DONE,  FRAME_ACK_POLICY,
    };

    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        cr_assert(!frame_elicits_ack(silent[i]), "%s", frame_type_name(silent[i]));
    for (size_t i = 0; i < sizeof(eliciting) / sizeof(eliciting[0]); i++)
        cr_assert(frame_elicits_ack(eliciting[i]), "%s", frame_type_name(eliciting[i]));
}

Test(frame, stream_overhead_is_what_the_header_takes)
{
    static const struct {
        uint64_t stream, offset;
        size_t len;
    } rows[] = {{0, 0, 0}, {63, 63, 63}, {64, 64, 64}, {3, 1 << 20, 1400}, {BIG, BIG - 100, 100}};
    uint8_t buf[FRAME_CAP];
    static const uint8_t zeros[1400];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct frame f = {.type = FRAME_STREAM,
                          .stream = rows[i].stream,
                          .data = {.offset = rows[i].offset, .data = zeros, .len = rows[i].len}};
        struct writer w = writer_of(buf, sizeof(buf));
        frame_write(&w, &f);
        cr_assert_eq(writer_used(&w) - rows[i].len, frame_stream_overhead(rows[i].stream, rows[i].offset, rows[i].len),
                     "row %zu", i);
    }
}

Test(frame, names_are_those_of_the_trace)
{
    cr_assert_str_eq(frame_type_name(FRAME_MAX_STREAM_DATA), "max_stream_data");
    cr_assert_str_eq(frame_type_name(FRAME_ACK_ECN), "ack_ecn");
    cr_assert_str_eq(frame_type_name((enum frame_type)0x1f), "unknown");
}

Test(frame, random_bytes_never_leave_the_buffer)
{
    struct duet_rand rng;
    uint8_t buf[96];
    struct frame_ack ack;
    struct frame f;
    size_t used;

    rand_init_u64(&rng, 20250101);
    for (int i = 0; i < 100000; i++) {
        size_t len = (size_t)rand_below(&rng, sizeof(buf)) + 1;
        rand_bytes(&rng, buf, len);
        buf[0] &= 0x1f;
        if (parse_exact(buf, len, &f, &ack, &used) < 0)
            continue;
        cr_assert_gt(used, 0);
        if (f.type != FRAME_ACK)
            continue;
        cr_assert_eq(ack.ranges[0].end, ack.largest + 1);
        for (size_t k = 0; k < ack.range_count; k++) {
            cr_assert_lt(ack.ranges[k].start, ack.ranges[k].end);
            cr_assert(k == 0 || ack.ranges[k].end < ack.ranges[k - 1].start);
        }
    }
}
