/*
 * frame_ack: the two forms of an ACK, ranges and bitmap (frame.h draws them).
 *
 * Both are parsed into the same ranges, at most LIMIT_ACK_RANGES of them, so
 * nobody behind this file knows which one came; reading one takes no more steps
 * than it has bytes and ranges.  Which one leaves is a matter of bytes: a run
 * of packets costs two or more as a range and a bit for each packet in the map.
 */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "wire/frame.h"

/* RFC 9000 §19.3.1: the next range's largest lies this far below what `gap` counts; the map's first bit as well. */
#define GAP_BIAS 2

/* ---- reading ---- */

static int parse_ranges(struct frame_ack *ack, struct reader *r, uint64_t more)
{
    for (uint64_t i = 0; i < more; i++) {
        uint64_t gap = reader_varint(r);
        uint64_t length = reader_varint(r);
        uint64_t above = ack->ranges[ack->range_count - 1].start;

        if (r->failed || above < gap + GAP_BIAS)
            return DUET_EMALFORMED;
        uint64_t top = above - gap - GAP_BIAS;
        if (length > top)
            return DUET_EMALFORMED;
        ack->ranges[ack->range_count++] = (struct range){.start = top - length, .end = top + 1};
    }
    return 0;
}

/* The first bit from `from` on that is `set`, or `bits`. */
static uint64_t next_bit(const uint8_t *map, uint64_t bits, uint64_t from, bool set)
{
    while (from < bits) {
        unsigned byte = (map[from / 8] ^ (set ? 0u : 0xffu)) >> from % 8;
        if (byte != 0)
            return from + (unsigned)__builtin_ctz(byte);
        from += 8 - from % 8;
    }
    return bits;
}

static int parse_map(struct frame_ack *ack, struct reader *r)
{
    uint64_t bytes = reader_varint(r);

    if (r->failed || bytes == 0 || bytes > LIMIT_ACK_MAP_BYTES || bytes > reader_left(r))
        return DUET_EMALFORMED;
    const uint8_t *map = reader_bytes(r, (size_t)bytes);
    uint64_t bits = 8 * bytes, above = ack->ranges[0].start;
    if (map[bytes - 1] == 0)
        return DUET_EMALFORMED;

    for (uint64_t i = next_bit(map, bits, 0, true); i < bits;) {
        uint64_t end = next_bit(map, bits, i, false);
        if (above < end - 1 + GAP_BIAS || ack->range_count == LIMIT_ACK_RANGES)
            return DUET_EMALFORMED;
        uint64_t top = above - GAP_BIAS;
        ack->ranges[ack->range_count++] = (struct range){.start = top - (end - 1), .end = top - i + 1};
        i = next_bit(map, bits, end, true);
    }
    return 0;
}

int frame_parse_ack(struct frame_ack *ack, enum frame_type type, struct reader *r)
{
    const bool is_map = type == FRAME_ACK_MAP || type == FRAME_ACK_MAP_ECN;

    ack->largest = reader_varint(r);
    ack->delay_us = reader_varint(r);
    uint64_t more = is_map ? 0 : reader_varint(r);
    uint64_t first = reader_varint(r);

    if (r->failed || more >= LIMIT_ACK_RANGES || first > ack->largest)
        return DUET_EMALFORMED;
    ack->ranges[0] = (struct range){.start = ack->largest - first, .end = ack->largest + 1};
    ack->range_count = 1;
    int err = is_map ? parse_map(ack, r) : parse_ranges(ack, r, more);
    if (err < 0)
        return err;

    ack->has_ecn = type == FRAME_ACK_ECN || type == FRAME_ACK_MAP_ECN;
    ack->ect0 = ack->has_ecn ? reader_varint(r) : 0;
    ack->ect1 = ack->has_ecn ? reader_varint(r) : 0;
    ack->ce = ack->has_ecn ? reader_varint(r) : 0;
    return r->failed ? DUET_EMALFORMED : 0;
}

/* ---- writing ---- */

/* What is below the newest range, in one of the forms. */
struct part {
    size_t count;    /* ranges, or bytes of the map */
    size_t bytes;    /* with the count itself */
    uint64_t lowest; /* number listed */
};

static const struct range *newest_of(const struct ranges *received)
{
    return &received->v[received->count - 1];
}

/* The (gap, length) that names `below` after its upper neighbour `above`. */
static uint64_t gap_of(const struct range *above, const struct range *below)
{
    return above->start - below->end - 1;
}

static uint64_t length_of(const struct range *range)
{
    return range->end - range->start - 1;
}

/* As many ranges as are asked for and fit in `room` bytes, which also hold their count. */
static struct part part_of_ranges(const struct frame_ack_news *news, size_t room)
{
    const struct range *newest = newest_of(news->received);
    struct part p = {.bytes = varint_bytes(0), .lowest = newest->start};
    size_t used = 0;

    while (p.count + 1 < news->received->count && p.count + 1 < LIMIT_ACK_RANGES) {
        const struct range *above = newest - p.count, *below = above - 1;
        used += varint_bytes(gap_of(above, below)) + varint_bytes(length_of(below));
        if (below->end <= news->from || used + varint_bytes(p.count + 1) > room)
            break;
        p = (struct part){.count = p.count + 1, .bytes = used + varint_bytes(p.count + 1), .lowest = below->start};
    }
    return p;
}

/* As much of the map as is asked for, fits and holds no more ranges than may be told.  bytes 0: nothing to tell. */
static struct part part_of_map(const struct frame_ack_news *news, size_t room)
{
    const struct ranges *received = news->received;
    const struct range *newest = newest_of(received), *below = newest;
    struct part p = {.lowest = newest->start};

    if (room <= varint_bytes(LIMIT_ACK_MAP_BYTES) || received->count == 1)
        return p;
    uint64_t top = newest->start - GAP_BIAS;
    uint64_t bits = 8 * num_min(LIMIT_ACK_MAP_BYTES, room - varint_bytes(LIMIT_ACK_MAP_BYTES));
    uint64_t floor = num_max(news->from, top + 1 > bits ? top + 1 - bits : 0);
    for (size_t more = 1; more < received->count && more < LIMIT_ACK_RANGES && (below - 1)->end > floor; more++)
        below--;
    if (below == newest)
        return p;
    p.lowest = num_max(below->start, floor);
    p.count = (size_t)((top - p.lowest) / 8 + 1);
    p.bytes = varint_bytes(p.count) + p.count;
    return p;
}

static bool map_is_better(const struct part *map, const struct part *ranges, uint64_t from)
{
    const uint64_t map_lowest = num_max(map->lowest, from), ranges_lowest = num_max(ranges->lowest, from);

    if (map_lowest != ranges_lowest)
        return map_lowest < ranges_lowest;
    return map->count > 0 && map->bytes < ranges->bytes;
}

static void write_ranges(struct writer *w, const struct range *newest, size_t more)
{
    writer_varint(w, more);
    writer_varint(w, length_of(newest));
    for (size_t i = 0; i < more; i++) {
        writer_varint(w, gap_of(newest - i, newest - i - 1));
        writer_varint(w, length_of(newest - i - 1));
    }
}

static void write_map(struct writer *w, const struct range *newest, const struct part *p)
{
    const uint64_t top = newest->start - GAP_BIAS;

    writer_varint(w, length_of(newest));
    writer_varint(w, p->count);
    uint8_t *map = writer_reserve(w, p->count);
    memset(map, 0, p->count);
    for (const struct range *r = newest; r->start > p->lowest;) {
        r--;
        for (uint64_t n = num_max(r->start, p->lowest); n < r->end; n++)
            map[(top - n) / 8] |= (uint8_t)(1 << (top - n) % 8);
    }
}

bool frame_write_ack(struct writer *w, const struct frame_ack_news *news, uint64_t *lowest)
{
    if (w->failed || news->received->count == 0)
        return false;
    const struct range *newest = newest_of(news->received);
    const uint64_t *ecn = news->ecn, delay = num_min(news->delay_us, VARINT_MAX);
    size_t fixed = 1 + varint_bytes(newest->end - 1) + varint_bytes(delay) + varint_bytes(length_of(newest));
    for (int i = 0; ecn != NULL && i < 3; i++)
        fixed += varint_bytes(ecn[i]);
    if (fixed + varint_bytes(0) > writer_left(w))
        return false;

    const struct part ranges = part_of_ranges(news, writer_left(w) - fixed);
    const struct part map = part_of_map(news, writer_left(w) - fixed);
    const bool as_map = map_is_better(&map, &ranges, news->from);
    if (as_map)
        writer_varint(w, ecn != NULL ? FRAME_ACK_MAP_ECN : FRAME_ACK_MAP);
    else
        writer_varint(w, ecn != NULL ? FRAME_ACK_ECN : FRAME_ACK);
    writer_varint(w, newest->end - 1);
    writer_varint(w, delay);
    if (as_map)
        write_map(w, newest, &map);
    else
        write_ranges(w, newest, ranges.count);
    for (int i = 0; ecn != NULL && i < 3; i++)
        writer_varint(w, ecn[i]);
    assert(!w->failed);
    *lowest = as_map ? map.lowest : ranges.lowest;
    return true;
}
