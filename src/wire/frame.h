/*
 * frame: one struct and one codec for everything inside a DATA packet
 * (PROTOCOL.md §4 draws each frame).
 *
 *   0x00 PADDING
 *   0x01 PING
 *   0x02 ACK          largest, delay µs, range count, first length, { gap, length }…
 *   0x03 ACK_ECN      the same, then ect0, ect1, ce counts
 *   0x06 ACK_MAP      largest, delay µs, first length, map bytes, map
 *   0x07 ACK_MAP_ECN  the same, then ect0, ect1, ce counts
 *   0x04 RESET_STREAM id, code, final size
 *   0x05 STOP_STREAM  id, code
 *   0x08 STREAM       id, offset, length, data          0x09: and this is the end (fin)
 *   0x0a ACK_POLICY   sequence, packets, delay µs, gap µs
 *   0x0c DATAGRAM     length, data
 *   0x10 MAX_DATA     bytes: all bulk streams together
 *   0x11 MAX_STREAM_DATA  id, bytes
 *   0x12 MAX_STREAMS  streams, bytes: of the application together
 *   0x1a PATH_CHALLENGE   8 bytes         0x1b PATH_RESPONSE  8 bytes
 *   0x1c CLOSE        code, reason length, reason
 *   0x1e HANDSHAKE_DONE
 * Integers are varints unless a size is given.  Frame types are varints too.
 *
 * ACK ranges are RFC 9000 §19.3.1: `first length` packets before and with
 * largest, less one; then gap - number of missing less one - and length less one.
 *
 * The range count is that of the pairs, so one less than all ranges.
 *
 * ACK_MAP says the same with a bit for each number below the first range,
 * where that is shorter (above about 7 % loss).  The number right below it is
 * missing by nature, so bit i, bit i % 8 of byte i / 8 from the lowest, stands
 * for i + 2 below the range's smallest.  The last byte is not 0.
 *
 * A frame
 * type in more bytes than it needs is malformed (RFC 9000 §12.4).
 * A parsed frame points into the packet: STREAM and DATAGRAM data, CLOSE reason.
 */
#ifndef DUET_WIRE_FRAME_H
#define DUET_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/ranges.h"
#include "wire/limits.h"

enum frame_type {
    FRAME_PADDING = 0x00,
    FRAME_PING = 0x01,
    FRAME_ACK = 0x02,
    FRAME_ACK_ECN = 0x03,
    FRAME_RESET_STREAM = 0x04,
    FRAME_STOP_STREAM = 0x05,
    FRAME_ACK_MAP = 0x06,
    FRAME_ACK_MAP_ECN = 0x07,
    FRAME_STREAM = 0x08,
    FRAME_STREAM_FIN = 0x09,
    FRAME_ACK_POLICY = 0x0a,
    FRAME_DATAGRAM = 0x0c,
    FRAME_MAX_DATA = 0x10,
    FRAME_MAX_STREAM_DATA = 0x11,
    FRAME_MAX_STREAMS = 0x12,
    FRAME_PATH_CHALLENGE = 0x1a,
    FRAME_PATH_RESPONSE = 0x1b,
    FRAME_CLOSE = 0x1c,
    FRAME_HANDSHAKE_DONE = 0x1e,
};

#define FRAME_PATH_BYTES 8

struct frame_ack {
    uint64_t largest;
    uint64_t delay_us;
    size_t range_count; /* descending, the first holds largest; 1..LIMIT_ACK_RANGES */
    struct range ranges[LIMIT_ACK_RANGES];
    bool has_ecn; /* FRAME_ACK*_ECN; else the counts are 0 */
    uint64_t ect0, ect1, ce;
};

/* When a receiver is asked to acknowledge (PROTOCOL.md §6.1). */
struct frame_ack_policy {
    uint64_t packets;  /* ack-eliciting ones that come before an ACK leaves; from 1 */
    uint64_t delay_us; /* longest wait for one */
    uint64_t gap_us;   /* least time between two that a gap asks for */
};

struct frame {
    enum frame_type type; /* FRAME_STREAM_FIN is parsed as FRAME_STREAM with fin, every ACK as FRAME_ACK */
    uint64_t stream;      /* *_STREAM*, STREAM: id */
    union {
        struct {
            uint64_t offset;
            const uint8_t *data;
            size_t len;
            bool fin;
        } data; /* STREAM; DATAGRAM, without offset and fin */
        struct {
            uint64_t code, final_bytes;
        } reset; /* RESET_STREAM */
        struct {
            uint64_t sequence; /* the highest is in force */
            struct frame_ack_policy want;
        } policy;      /* ACK_POLICY */
        uint64_t code; /* STOP_STREAM */
        uint64_t max;  /* MAX_DATA, MAX_STREAM_DATA */
        struct {
            uint64_t streams, bytes;
        } allowed;                      /* MAX_STREAMS */
        uint8_t path[FRAME_PATH_BYTES]; /* PATH_* */
        struct {
            uint64_t code;
            const uint8_t *reason;
            size_t reason_len;
        } close;        /* CLOSE */
        size_t padding; /* PADDING: run length */
    };
};

/*
 * Takes the next frame off r.  ACK fills *ack (large, so the caller keeps one)
 * and leaves the union alone.  Checks what can be checked without state: ranges
 * do not underflow, offset + len <= VARINT_MAX, reason <= LIMIT_REASON_BYTES.
 * 0, DUET_EMALFORMED (also for an unknown type: the connection must close).
 */
int frame_parse(struct frame *f, struct frame_ack *ack, struct reader *r);

/* Of frame_parse, for an ACK of one of its four types (src/wire/frame_ack.c). */
int frame_parse_ack(struct frame_ack *ack, enum frame_type type, struct reader *r);

/* Does a packet with this frame have to be acknowledged?  All but ACK, PADDING, CLOSE. */
bool frame_elicits_ack(enum frame_type type);

/* Writers append to w, whose sticky failure says that it did not fit. */
void frame_write(struct writer *w, const struct frame *f); /* all but ACK */
/* An ACK to write. */
struct frame_ack_news {
    const struct ranges *received; /* packet numbers, not empty */
    uint64_t from;                 /* numbers below are not asked for, but the newest range is always listed */
    uint64_t delay_us;
    const uint64_t *ecn; /* ect0, ect1, ce; NULL: no counts */
};
/* Writes as many of the newest ranges as are asked for, fit and the limits allow, in the form that
 * gets further down, or else the shorter one; *lowest: the lowest number listed.  false (and
 * nothing written) when not even one fits. */
bool frame_write_ack(struct writer *w, const struct frame_ack_news *news, uint64_t *lowest);
/* Bytes of STREAM header for these values, so that a sender can fill the rest. `len` bounds the length field. */
size_t frame_stream_overhead(uint64_t stream, uint64_t offset, size_t len);
/* The longest DATAGRAM that fits into `room` bytes of a packet holds this much. */
size_t frame_datagram_most(size_t room);

const char *frame_type_name(enum frame_type type); /* "max_stream_data" */

#endif
