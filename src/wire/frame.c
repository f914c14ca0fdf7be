/*
 * frame: the codec of everything inside a DATA packet.
 *
 * Bytes come from a packet whose tag verified, so they are the peer's, and the
 * peer may still be hostile: nothing here trusts a count, a length or a sum.
 * What a frame means for a connection (a stream that cannot be, an ACK of the
 * unsent) is judged by conn, which has the state.
 */
#include "wire/frame.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

static int parse_stream(struct frame *f, struct reader *r, bool fin)
{
    f->type = FRAME_STREAM;
    f->stream = reader_varint(r);
    f->data.offset = reader_varint(r);
    uint64_t len = reader_varint(r);

    if (r->failed || len > reader_left(r) || f->data.offset > VARINT_MAX - len)
        return DUET_EMALFORMED;
    f->data.len = (size_t)len;
    f->data.data = reader_bytes(r, f->data.len);
    f->data.fin = fin;
    return 0;
}

static int parse_datagram(struct frame *f, struct reader *r)
{
    const uint64_t len = reader_varint(r);

    if (r->failed || len > reader_left(r))
        return DUET_EMALFORMED;
    f->data.offset = 0;
    f->data.fin = false;
    f->data.len = (size_t)len;
    f->data.data = reader_bytes(r, f->data.len);
    return 0;
}

static int parse_close(struct frame *f, struct reader *r)
{
    f->close.code = reader_varint(r);
    uint64_t len = reader_varint(r);

    if (r->failed || len > LIMIT_REASON_BYTES || len > reader_left(r))
        return DUET_EMALFORMED;
    f->close.reason_len = (size_t)len;
    f->close.reason = reader_bytes(r, f->close.reason_len);
    return 0;
}

static void parse_padding(struct frame *f, struct reader *r)
{
    f->padding = 1;
    while (reader_left(r) > 0 && *r->at == FRAME_PADDING) {
        r->at++;
        f->padding++;
    }
}

/* The type as a number of the enum, or -1.  A longer encoding than needed is refused (RFC 9000 §12.4),
 * so that each frame has one first byte. */
static int parse_type(struct reader *r)
{
    const uint8_t *start = r->at;
    uint64_t type = reader_varint(r);

    if (r->failed || type > FRAME_HANDSHAKE_DONE || r->at - start != 1)
        return -1;
    return (int)type;
}

static int parse_ack(struct frame *f, struct frame_ack *ack, struct reader *r)
{
    const enum frame_type written = f->type;

    f->type = FRAME_ACK;
    return frame_parse_ack(ack, written, r);
}

static int parse_policy(struct frame *f, struct reader *r)
{
    f->policy.sequence = reader_varint(r);
    f->policy.want.packets = reader_varint(r);
    f->policy.want.delay_us = reader_varint(r);
    f->policy.want.gap_us = reader_varint(r);
    return r->failed || f->policy.want.packets == 0 ? DUET_EMALFORMED : 0;
}

static int parse_fields(struct frame *f, struct frame_ack *ack, struct reader *r)
{
    switch (f->type) {
    case FRAME_PADDING:
        parse_padding(f, r);
        return 0;
    case FRAME_PING:
    case FRAME_HANDSHAKE_DONE:
        return 0;
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
        return parse_ack(f, ack, r);
    case FRAME_RESET_STREAM:
        f->stream = reader_varint(r);
        f->reset.code = reader_varint(r);
        f->reset.final_bytes = reader_varint(r);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_STOP_STREAM:
        f->stream = reader_varint(r);
        f->code = reader_varint(r);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_STREAM:
    case FRAME_STREAM_FIN:
        return parse_stream(f, r, f->type == FRAME_STREAM_FIN);
    case FRAME_ACK_POLICY:
        return parse_policy(f, r);
    case FRAME_MAX_STREAM_DATA:
        f->stream = reader_varint(r);
        f->max = reader_varint(r);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_MAX_DATA:
        f->max = reader_varint(r);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_MAX_STREAMS:
        f->allowed.streams = reader_varint(r);
        f->allowed.bytes = reader_varint(r);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_DATAGRAM:
        return parse_datagram(f, r);
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
        reader_copy(r, f->path, FRAME_PATH_BYTES);
        return r->failed ? DUET_EMALFORMED : 0;
    case FRAME_CLOSE:
        return parse_close(f, r);
    }
    return DUET_EMALFORMED; /* a type this version does not know */
}

int frame_parse(struct frame *f, struct frame_ack *ack, struct reader *r)
{
    int type = parse_type(r);

    if (type < 0)
        return DUET_EMALFORMED;
    f->type = (enum frame_type)type;
    f->stream = 0;
    return parse_fields(f, ack, r);
}

bool frame_elicits_ack(enum frame_type type)
{
    return type != FRAME_ACK && type != FRAME_PADDING && type != FRAME_CLOSE;
}

static void write_stream(struct writer *w, const struct frame *f)
{
    bool fin = f->data.fin || f->type == FRAME_STREAM_FIN;

    writer_varint(w, fin ? FRAME_STREAM_FIN : FRAME_STREAM);
    writer_varint(w, f->stream);
    writer_varint(w, f->data.offset);
    writer_varint(w, f->data.len);
    writer_bytes(w, f->data.data, f->data.len);
}

static void write_datagram(struct writer *w, const struct frame *f)
{
    writer_varint(w, FRAME_DATAGRAM);
    writer_varint(w, f->data.len);
    writer_bytes(w, f->data.data, f->data.len);
}

static void write_close(struct writer *w, const struct frame *f)
{
    assert(f->close.reason_len <= LIMIT_REASON_BYTES);
    writer_varint(w, FRAME_CLOSE);
    writer_varint(w, f->close.code);
    writer_varint(w, f->close.reason_len);
    writer_bytes(w, f->close.reason, f->close.reason_len);
}

static void write_varints(struct writer *w, enum frame_type type, const uint64_t *values, size_t count)
{
    writer_varint(w, type);
    for (size_t i = 0; i < count; i++)
        writer_varint(w, values[i]);
}

static void write_policy(struct writer *w, const struct frame *f)
{
    const struct frame_ack_policy *p = &f->policy.want;

    write_varints(w, f->type, (uint64_t[]){f->policy.sequence, p->packets, p->delay_us, p->gap_us}, 4);
}

void frame_write(struct writer *w, const struct frame *f)
{
    switch (f->type) {
    case FRAME_PADDING:
        writer_fill(w, FRAME_PADDING, f->padding);
        return;
    case FRAME_PING:
    case FRAME_HANDSHAKE_DONE:
        writer_varint(w, f->type);
        return;
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
        assert(false && "an ACK is written by frame_write_ack");
        return;
    case FRAME_RESET_STREAM:
        write_varints(w, f->type, (uint64_t[]){f->stream, f->reset.code, f->reset.final_bytes}, 3);
        return;
    case FRAME_STOP_STREAM:
        write_varints(w, f->type, (uint64_t[]){f->stream, f->code}, 2);
        return;
    case FRAME_STREAM:
    case FRAME_STREAM_FIN:
        write_stream(w, f);
        return;
    case FRAME_ACK_POLICY:
        write_policy(w, f);
        return;
    case FRAME_MAX_STREAM_DATA:
        write_varints(w, f->type, (uint64_t[]){f->stream, f->max}, 2);
        return;
    case FRAME_MAX_DATA:
        write_varints(w, f->type, &f->max, 1);
        return;
    case FRAME_MAX_STREAMS:
        write_varints(w, f->type, (uint64_t[]){f->allowed.streams, f->allowed.bytes}, 2);
        return;
    case FRAME_DATAGRAM:
        write_datagram(w, f);
        return;
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
        writer_varint(w, f->type);
        writer_bytes(w, f->path, FRAME_PATH_BYTES);
        return;
    case FRAME_CLOSE:
        write_close(w, f);
        return;
    }
}

size_t frame_stream_overhead(uint64_t stream, uint64_t offset, size_t len)
{
    return varint_bytes(FRAME_STREAM) + varint_bytes(stream) + varint_bytes(offset) + varint_bytes(len);
}

size_t frame_datagram_most(size_t room)
{
    size_t len = room > varint_bytes(FRAME_DATAGRAM) ? room - varint_bytes(FRAME_DATAGRAM) : 0;

    /* The length field is as long as the length needs: of two lengths that fill the room the larger. */
    while (len > 0 && varint_bytes(FRAME_DATAGRAM) + varint_bytes(len) + len > room)
        len--;
    return len;
}

const char *frame_type_name(enum frame_type type)
{
    switch (type) {
    case FRAME_PADDING:
        return "padding";
    case FRAME_PING:
        return "ping";
    case FRAME_ACK:
        return "ack";
    case FRAME_ACK_ECN:
        return "ack_ecn";
    case FRAME_ACK_MAP:
        return "ack_map";
    case FRAME_ACK_MAP_ECN:
        return "ack_map_ecn";
    case FRAME_ACK_POLICY:
        return "ack_policy";
    case FRAME_RESET_STREAM:
        return "reset_stream";
    case FRAME_STOP_STREAM:
        return "stop_stream";
    case FRAME_STREAM:
        return "stream";
    case FRAME_STREAM_FIN:
        return "stream_fin";
    case FRAME_MAX_DATA:
        return "max_data";
    case FRAME_MAX_STREAM_DATA:
        return "max_stream_data";
    case FRAME_MAX_STREAMS:
        return "max_streams";
    case FRAME_DATAGRAM:
        return "datagram";
    case FRAME_PATH_CHALLENGE:
        return "path_challenge";
    case FRAME_PATH_RESPONSE:
        return "path_response";
    case FRAME_CLOSE:
        return "close";
    case FRAME_HANDSHAKE_DONE:
        return "handshake_done";
    }
    return "unknown";
}
