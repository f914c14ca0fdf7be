/*
 * Any plaintext of a DATA packet: frames are taken until one is refused; each
 * accepted one is written and read again without a change, and its ranges are
 * in order.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/frame.h"

#define CAP 131072

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ack(const struct frame_ack *ack)
{
    assert(ack->range_count >= 1 && ack->range_count <= LIMIT_ACK_RANGES);
    assert(ack->ranges[0].end == ack->largest + 1);
    for (size_t i = 0; i < ack->range_count; i++) {
        assert(ack->ranges[i].start < ack->ranges[i].end);
        assert(i == 0 || ack->ranges[i].end < ack->ranges[i - 1].start);
    }
}

/* In little room, from the middle on: what is said is true, and never more than there is room for. */
static void ack_cut_short(const struct ranges *received, const struct frame_ack *ack)
{
    static uint8_t buf[256];
    static struct frame_ack again;
    struct frame g;
    uint64_t lowest;
    const struct frame_ack_news news = {.received = received, .from = ack->ranges[ack->range_count / 2].start};

    struct writer w = writer_of(buf, ack->delay_us % sizeof(buf));
    if (!frame_write_ack(&w, &news, &lowest))
        return;
    struct reader r = reader_of(buf, writer_used(&w));
    assert(frame_parse(&g, &again, &r) == 0 && reader_left(&r) == 0);
    check_ack(&again);
    assert(again.largest == ack->largest && again.ranges[again.range_count - 1].start == lowest);
    for (size_t i = 0; i < again.range_count; i++)
        assert(ranges_end_of(received, again.ranges[i].start) >= again.ranges[i].end);
}

static void ack_there_and_back(const struct frame_ack *ack)
{
    static uint8_t buf[CAP];
    static struct frame_ack again;
    struct ranges received;
    struct frame g;
    const uint64_t ecn[3] = {ack->ect0, ack->ect1, ack->ce};

    ranges_init(&received, LIMIT_ACK_RANGES);
    for (size_t i = 0; i < ack->range_count; i++) {
        if (ranges_add(&received, ack->ranges[i].start, ack->ranges[i].end) < 0)
            abort();
    }
    struct writer w = writer_of(buf, sizeof(buf));
    uint64_t lowest;
    const struct frame_ack_news news = {
        .received = &received, .delay_us = ack->delay_us, .ecn = ack->has_ecn ? ecn : NULL};
    assert(frame_write_ack(&w, &news, &lowest));
    assert(lowest == ack->ranges[ack->range_count - 1].start);
    struct reader r = reader_of(buf, writer_used(&w));
    assert(frame_parse(&g, &again, &r) == 0 && reader_left(&r) == 0);
    assert(g.type == FRAME_ACK && again.has_ecn == ack->has_ecn && again.largest == ack->largest &&
           again.delay_us == ack->delay_us);
    assert(again.range_count == ack->range_count);
    assert(memcmp(again.ranges, ack->ranges, ack->range_count * sizeof(ack->ranges[0])) == 0);
    assert(again.ect0 == ack->ect0 && again.ect1 == ack->ect1 && again.ce == ack->ce);
    ack_cut_short(&received, ack);
    ranges_dispose(&received);
}

static void assert_same(const struct frame *a, const struct frame *b)
{
    assert(a->type == b->type);
    if (a->type == FRAME_STREAM) {
        assert(a->stream == b->stream && a->data.offset == b->data.offset && a->data.fin == b->data.fin);
        assert(a->data.len == b->data.len && memcmp(a->data.data, b->data.data, a->data.len) == 0);
    } else if (a->type == FRAME_CLOSE) {
        assert(a->close.code == b->close.code && a->close.reason_len == b->close.reason_len);
        assert(a->close.reason_len <= LIMIT_REASON_BYTES);
        assert(memcmp(a->close.reason, b->close.reason, a->close.reason_len) == 0);
    } else if (a->type == FRAME_RESET_STREAM) {
        assert(a->stream == b->stream && a->reset.code == b->reset.code &&
               a->reset.final_bytes == b->reset.final_bytes);
    } else if (a->type == FRAME_STOP_STREAM) {
        assert(a->stream == b->stream && a->code == b->code);
    } else if (a->type == FRAME_PATH_CHALLENGE || a->type == FRAME_PATH_RESPONSE) {
        assert(memcmp(a->path, b->path, FRAME_PATH_BYTES) == 0);
    } else if (a->type == FRAME_MAX_STREAM_DATA) {
        assert(a->stream == b->stream && a->max == b->max);
    } else if (a->type == FRAME_ACK_POLICY) {
        assert(a->policy.sequence == b->policy.sequence && a->policy.want.packets > 0);
        assert(memcmp(&a->policy.want, &b->policy.want, sizeof(a->policy.want)) == 0);
    } else if (a->type == FRAME_MAX_DATA) {
        assert(a->max == b->max);
    } else if (a->type == FRAME_MAX_STREAMS) {
        assert(a->allowed.streams == b->allowed.streams && a->allowed.bytes == b->allowed.bytes);
    } else if (a->type == FRAME_DATAGRAM) {
        assert(a->data.len == b->data.len && memcmp(a->data.data, b->data.data, a->data.len) == 0);
    } else if (a->type == FRAME_PADDING) {
        assert(a->padding == b->padding);
    }
}

static void there_and_back(const struct frame *f)
{
    static uint8_t buf[CAP];
    static struct frame_ack ack;
    struct frame g;

    struct writer w = writer_of(buf, sizeof(buf));
    frame_write(&w, f);
    assert(!w.failed);
    struct reader r = reader_of(buf, writer_used(&w));
    assert(frame_parse(&g, &ack, &r) == 0 && reader_left(&r) == 0);
    assert_same(f, &g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame_ack ack;
    struct frame f;
    struct reader r = reader_of(data, size);

    while (size <= LIMIT_PACKET_MAX_BYTES && reader_left(&r) > 0) {
        size_t left = reader_left(&r);
        int err = frame_parse(&f, &ack, &r);
        if (err != 0) {
            assert(err == DUET_EMALFORMED);
            break;
        }
        assert(reader_left(&r) < left);
        assert(frame_type_name(f.type) != NULL);
        if (f.type == FRAME_ACK) {
            check_ack(&ack);
            ack_there_and_back(&ack);
        } else {
            there_and_back(&f);
        }
    }
    return 0;
}
