/*
 * conn_draft: see the header.
 */
#include "conn/conn_draft.h"

#include <string.h>

#include "base/num.h"

#define UPDATE_FRAME_BYTES 40 /* more than any frame without data takes */
#define ACK_SHARE 4           /* an ACK takes at most this part of a packet that carries more */
#define STREAM_FRAME_BYTES 24 /* a STREAM frame is not begun in less room */
#define DRAFT_DATAGRAMS 32    /* in one packet: with all else not more frames than one may have (PROTOCOL.md §4) */

/* Each frame is an item, but for an ACK, a PING and datagrams. */
_Static_assert(SENT_ITEMS + DRAFT_DATAGRAMS + 2 <= LIMIT_PACKET_FRAMES,
               "a packet of ours carries more frames than a peer takes");

static size_t datagram_frame_bytes(size_t len)
{
    return varint_bytes(FRAME_DATAGRAM) + varint_bytes(len) + len;
}

static bool has_room(const struct draft *d, size_t bytes)
{
    return d->item_count < SENT_ITEMS && writer_left(&d->w) >= bytes;
}

static void add_item(struct draft *d, const struct sent_item *it)
{
    d->items[d->item_count++] = *it;
}

/* A datagram that is next cannot be cut: an ACK that is not due yet leaves it its room. */
static size_t ack_share(const struct conn *c, const struct draft *d, duet_time now)
{
    const size_t left = writer_left(&d->w);
    const struct waiting_datagram *next = datagrams_first(&c->streams.datagrams);
    const size_t need = next == NULL || time_due(acktr_deadline(&c->acktr), now) ? 0 : datagram_frame_bytes(next->len);

    return num_min(left / ACK_SHARE, need < left ? left - need : 0);
}

void draft_ack(struct conn *c, struct draft *d, bool alone, duet_time now)
{
    if (!alone && !acktr_pending(&c->acktr, now))
        return;
    const size_t share = alone ? writer_left(&d->w) : ack_share(c, d, now);
    struct writer w = writer_of(d->w.at, share);
    const uint64_t *ecn = c->acktr.ecn;
    const bool marks = (ecn[0] | ecn[1] | ecn[2]) != 0;
    const struct frame_ack_news news = {.received = &c->acktr.received,
                                        .from = acktr_from(&c->acktr),
                                        .delay_us = acktr_delay_us(&c->acktr, now),
                                        .ecn = marks ? ecn : NULL};
    d->has_ack = frame_write_ack(&w, &news, &d->ack_lowest);
    if (d->has_ack)
        d->w.at = w.at;
}

static void add_frame(struct draft *d, const struct frame *f, uint64_t value)
{
    frame_write(&d->w, f);
    add_item(d, &(struct sent_item){.kind = (uint8_t)f->type, .stream = f->stream, .offset = value});
    d->eliciting = true;
}

/* A peer that did not get its first credit for a file can do nothing but wait. */
static void watch_credit(struct conn *c, uint64_t stream, duet_time now)
{
    struct bulkrecv *b = streams_recv(&c->streams, stream);

    if (b == NULL || b->limit_told || c->params.mode != MODE_BURST)
        return;
    b->limit_told = true;
    early_credit(&c->early, stream, rtt_pto_us(&c->loss.rtt), now);
}

static void add_controls(struct conn *c, struct draft *d, duet_time now)
{
    struct frame f;

    if (c->done_wanted && has_room(d, UPDATE_FRAME_BYTES)) {
        c->done_wanted = false;
        add_frame(d, &(struct frame){.type = FRAME_HANDSHAKE_DONE}, 0);
    }
    if (has_room(d, UPDATE_FRAME_BYTES) && ackpolicy_take(&c->ackpolicy, &f))
        add_frame(d, &f, f.policy.sequence);
    while (has_room(d, UPDATE_FRAME_BYTES) && streams_next_update(&c->streams, &f)) {
        add_frame(d, &f, 0);
        if (f.type == FRAME_MAX_STREAM_DATA)
            watch_credit(c, f.stream, now);
    }
}

/* The application is woken once for some megabytes, not for each packet. */
static void tell_low(struct conn *c, const struct bulksend *b, uint64_t unsent_before)
{
    if (unsent_before >= RUNS_LOW_BYTES && bulksend_unsent(b) < RUNS_LOW_BYTES)
        events_push(&c->shared->events,
                    &(struct endpoint_event){.type = EVENT_RUNS_LOW, .conn = c->id, .stream = b->id});
}

/* Somebody waits for what is on it: control, chat, and what the application calls so. */
static bool is_interactive(const struct ordered *o)
{
    return !ordered_is_app(o) || stream_id_priority(o->id) == PRIORITY_INTERACTIVE;
}

static void record_ordered(struct conn *c, struct ordered *o, const struct stream_piece *piece, duet_time now)
{
    const uint64_t before = o->out.state.fresh_bytes;

    if (streams_sent(&c->streams, o->id, piece) != 0)
        c->out_of_memory = true;
    /* A small new one will be repeated before it could be known lost. */
    if (o->out.state.fresh_bytes > before && c->params.mode == MODE_BURST && is_interactive(o))
        early_sent(&c->early, o->id, piece, rtt_pto_us(&c->loss.rtt), now);
    if (ordered_is_app(o) && ordered_has_room(o))
        events_push(&c->shared->events,
                    &(struct endpoint_event){.type = EVENT_WRITABLE, .conn = c->id, .stream = o->id});
}

/* The piece is in the packet. */
static void record_stream(struct conn *c, uint64_t id, const struct stream_piece *piece, duet_time now)
{
    struct ordered *o = ordered_find(&c->streams.ordered, id);

    if (o != NULL) {
        record_ordered(c, o, piece, now);
        return;
    }
    const struct bulksend *bulk = streams_send(&c->streams, id);
    const uint64_t unsent = bulk != NULL ? bulksend_unsent(bulk) : 0;
    if (streams_sent(&c->streams, id, piece) != 0)
        c->out_of_memory = true;
    if (bulk != NULL)
        tell_low(c, bulk, unsent);
}

void draft_land(struct draft *d)
{
    if (d->rest_len > 0)
        memcpy(d->w.at - d->rest_len, d->rest, d->rest_len);
    d->rest_len = 0;
}

static void add_bytes(struct conn *c, struct draft *d, uint64_t id, const struct stream_piece *piece)
{
    d->rest = streams_bytes(&c->streams, id, piece, writer_reserve(&d->w, piece->len));
    d->rest_len = d->rest == NULL ? 0 : piece->len;
}

/* One STREAM frame of the class; false: it has nothing, or it does not fit. */
static bool add_stream(struct conn *c, struct draft *d, enum stream_class class, duet_time now)
{
    struct stream_piece piece;
    uint64_t id;

    if (!has_room(d, STREAM_FRAME_BYTES) || !streams_next(&c->streams, class, writer_left(&d->w), &id, &piece))
        return false;
    const size_t overhead = frame_stream_overhead(id, piece.offset, writer_left(&d->w));
    if (overhead >= writer_left(&d->w))
        return false;
    const size_t room = writer_left(&d->w) - overhead;
    if (piece.len > room) {
        piece.len = room;
        piece.fin = false;
    }
    draft_land(d);
    writer_varint(&d->w, piece.fin ? FRAME_STREAM_FIN : FRAME_STREAM);
    writer_varint(&d->w, id);
    writer_varint(&d->w, piece.offset);
    writer_varint(&d->w, piece.len);
    add_bytes(c, d, id, &piece);
    add_item(
        d,
        &(struct sent_item){
            .kind = FRAME_STREAM, .fin = piece.fin, .len = (uint32_t)piece.len, .stream = id, .offset = piece.offset});
    d->eliciting = true;
    record_stream(c, id, &piece, now);
    return true;
}

/* Those that no packet of this size holds any more (the path has shrunk) are given up; what only
 * this packet has no room for is first in the next. */
static void add_datagrams(struct conn *c, struct draft *d)
{
    struct datagrams *q = &c->streams.datagrams;
    const struct waiting_datagram *next;

    for (size_t n = 0; n < DRAFT_DATAGRAMS && (next = datagrams_first(q)) != NULL;) {
        if (next->len > d->datagram_most) {
            datagrams_drop(q);
            continue;
        }
        if (next->len > frame_datagram_most(writer_left(&d->w)))
            return;
        frame_write(&d->w, &(struct frame){.type = FRAME_DATAGRAM, .data = {.data = next->bytes, .len = next->len}});
        datagrams_pop(q);
        c->datagrams_sent++;
        d->eliciting = d->bulk = true;
        n++;
    }
}

void draft_bulk(struct conn *c, struct draft *d, duet_time now)
{
    add_datagrams(c, d);
    while (add_stream(c, d, CLASS_BULK, now))
        d->bulk = true;
}

static void add_streams(struct conn *c, struct draft *d, const struct allowed *may, duet_time now)
{
    while (add_stream(c, d, CLASS_CONTROL, now))
        continue;
    while (add_stream(c, d, CLASS_CHAT, now))
        continue;
    if (allow_bulk(c, may, now))
        draft_bulk(c, d, now);
}

void draft_eliciting(struct conn *c, struct draft *d, const struct allowed *may, duet_time now)
{
    if (may->probe && !allow_control_waits(c) && !streams_class_wants(&c->streams, CLASS_BULK))
        conn_rearm_oldest(c);
    add_controls(c, d, now);
    add_streams(c, d, may, now);
    /* A probe must be answered, whatever it carries; so must a ping nobody else's frame stands in
     * for. */
    if (!d->eliciting && (may->probe || c->liveness.ping_wanted)) {
        frame_write(&d->w, &(struct frame){.type = FRAME_PING});
        d->eliciting = true;
    }
    if (d->eliciting)
        c->liveness.ping_wanted = false;
}
