/*
 * conn_recv: packets into state.  A packet is opened before anything changes,
 * marked as seen only after its tag verified, and its frames are taken one by
 * one; the first that breaks a rule closes the connection.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "conn/conn.h"

/* What the frames of one packet ask of its acknowledgement. */
struct recv_packet {
    const struct duet_route *from;
    uint64_t number;
    duet_time now;
    bool eliciting;
    bool at_once;
    bool has_ack;
    bool unanswered; /* it could not be taken in whole: not acknowledged, so that it comes again */
};

/* ---- frames ---- */

static void push_stream_event(struct conn *c, enum endpoint_event_type type, uint64_t stream, uint64_t code)
{
    struct endpoint_event ev = {.type = type, .conn = c->id, .stream = stream};

    ev.code = code;
    events_push(&c->shared->events, &ev);
}

static int on_fixed(struct conn *c, struct ordered *o, const struct frame *f, struct recv_packet *rp)
{
    const struct stream_piece piece = {.offset = f->data.offset, .len = f->data.len, .fin = f->data.fin};
    bool readable = false;

    if (piece.fin)
        return DUET_EPROTOCOL; /* control and chat live as long as the connection */
    /* Where strangers have parked all that they may, what they say counts as lost, and comes
     * again. */
    const bool is_full = !o->in.is_open && c->shared->parked_bytes >= LIMIT_PARKED_BYTES;
    const int err = is_full ? DUET_EFULL : ordered_push(&c->streams.ordered, o, &piece, f->data.data, &readable);
    conn_count_parked(c);
    if (err == 0 && readable)
        push_stream_event(c, EVENT_READABLE, f->stream, 0);
    rp->at_once = true;
    rp->unanswered = err == DUET_EFULL || err == DUET_ENOMEM;
    return rp->unanswered ? 0 : err;
}

/* The stream of the application that a frame names, which may have opened it.  NULL: none, it is
 * over, or there is no memory for it: then the packet is not acknowledged. */
static int app_stream(struct conn *c, const struct frame *f, struct recv_packet *rp, struct ordered **o)
{
    bool is_new;
    const int err = ordered_named(&c->streams.ordered, f->stream, o, &is_new);

    rp->unanswered = rp->unanswered || err == DUET_ENOMEM;
    if (is_new)
        push_stream_event(c, EVENT_OPENED, f->stream, 0);
    return err == DUET_ENOMEM ? 0 : err;
}

static int on_app(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    const struct stream_piece piece = {.offset = f->data.offset, .len = f->data.len, .fin = f->data.fin};
    struct ordered *o;
    bool readable;
    int err = app_stream(c, f, rp, &o);

    if (err != 0 || rp->unanswered)
        return err;
    /* What came before was taken for lost: our ACKs did not get through. */
    if (o == NULL || (piece.len > 0 && piece.offset + piece.len <= o->in.ready_end))
        acktr_want_all(&c->acktr);
    if (o == NULL)
        return 0;
    rp->at_once = rp->at_once || piece.fin || stream_id_priority(o->id) == PRIORITY_INTERACTIVE;
    err = ordered_push(&c->streams.ordered, o, &piece, f->data.data, &readable);
    rp->unanswered = err == DUET_EFULL || err == DUET_ENOMEM;
    if (err == 0 && readable)
        push_stream_event(c, EVENT_READABLE, f->stream, 0);
    ordered_settle(&c->streams.ordered, o);
    return rp->unanswered ? 0 : err;
}

/* Hands the fresh parts of a bulk frame up; they point into the packet. */
static void push_extents(struct conn *c, const struct bulkrecv *b, const struct stream_piece *piece,
                         const uint8_t *data, uint64_t fresh)
{
    struct range gap = {.end = piece->offset};

    for (; fresh > 0; fresh -= gap.end - gap.start) {
        gap = recvstate_fresh(&b->state, piece, gap.end, fresh);
        struct endpoint_event ev = {.type = EVENT_EXTENT, .conn = c->id, .stream = b->id};
        ev.extent.offset = gap.start;
        ev.extent.data = data + (gap.start - piece->offset);
        ev.extent.len = (size_t)(gap.end - gap.start);
        events_push(&c->shared->events, &ev);
    }
}

static int on_bulk(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    const struct stream_piece piece = {.offset = f->data.offset, .len = f->data.len, .fin = f->data.fin};
    struct bulkrecv *b = streams_recv(&c->streams, f->stream);
    uint64_t fresh = 0;
    int err = b != NULL ? streams_check_bulk(&c->streams, b, &piece, &fresh) : 0;

    if (err != 0)
        return err;
    /* Has all of it come before?  Then its sender took it for lost: our ACKs did not get
     * through. */
    if (b == NULL || (piece.len > 0 && fresh == 0))
        acktr_want_all(&c->acktr);
    if (b == NULL)
        return streams_is_closed(&c->streams, f->stream) ? 0 : DUET_EPROTOCOL;
    const bool was_complete = recvstate_complete(&b->state);
    if (!b->stopped)
        push_extents(c, b, &piece, f->data.data, fresh);
    err = streams_add_bulk(&c->streams, b, &piece, fresh);
    if (err != 0)
        return err;
    liveness_file_came(&c->liveness, rp->now);
    rp->at_once = rp->at_once || piece.fin;
    if (!was_complete && !b->stopped && recvstate_complete(&b->state))
        push_stream_event(c, EVENT_FINISHED, b->id, 0);
    streams_settle_recv(&c->streams, b);
    return 0;
}

static int on_app_reset(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    struct ordered *o;
    bool is_news;
    int err = app_stream(c, f, rp, &o);

    if (err != 0 || o == NULL)
        return err;
    err = ordered_peer_reset(&c->streams.ordered, o, f->reset.final_bytes, &is_news);
    if (err == 0 && is_news)
        push_stream_event(c, EVENT_RESET, f->stream, f->reset.code);
    ordered_settle(&c->streams.ordered, o);
    return err;
}

static int on_app_stop(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    struct ordered *o;
    const int err = app_stream(c, f, rp, &o);

    if (err != 0 || o == NULL || o->reset || o->out_over)
        return err;
    ordered_reset(o, f->code);
    push_stream_event(c, EVENT_STOPPED, f->stream, f->code);
    return 0;
}

static int on_app_credit(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    struct ordered *o;
    const int err = app_stream(c, f, rp, &o);

    if (err == 0 && o != NULL)
        streams_max_stream_data(&c->streams, f->stream, f->max);
    return err;
}

/* Does it name a stream of the application, or an id that nobody may use, where that was
 * negotiated? */
static bool is_for_app(const struct conn *c, const struct frame *f)
{
    return (c->params.features & FEATURE_STREAMS) != 0 && stream_id_is_ordered(f->stream) &&
           f->stream != STREAM_CONTROL && f->stream != STREAM_CHAT;
}

static int on_stream(struct conn *c, const struct frame *f, struct recv_packet *rp)
{
    struct ordered *o = ordered_find(&c->streams.ordered, f->stream);

    if (o != NULL && !ordered_is_app(o))
        return on_fixed(c, o, f, rp);
    return is_for_app(c, f) ? on_app(c, f, rp) : on_bulk(c, f, rp);
}

static int on_allowed(struct conn *c, const struct frame *f)
{
    if ((c->params.features & FEATURE_STREAMS) == 0)
        return DUET_EPROTOCOL;
    ordered_allowed(&c->streams.ordered, f->allowed.streams, f->allowed.bytes);
    return 0;
}

static int on_datagram(struct conn *c, const struct frame *f)
{
    if ((c->params.features & FEATURE_DATAGRAMS) == 0)
        return DUET_EPROTOCOL;
    if (!c->app_allowed)
        return 0; /* a stranger's: nobody would want it */
    struct endpoint_event ev = {.type = EVENT_DATAGRAM, .conn = c->id};
    ev.extent.data = f->data.data;
    ev.extent.len = f->data.len;
    events_push(&c->shared->events, &ev);
    c->datagrams_received++;
    return 0;
}

static int on_reset(struct conn *c, const struct frame *f)
{
    bool known;
    const int err = streams_peer_reset(&c->streams, f->stream, f->reset.final_bytes, &known);

    if (err == 0 && known)
        push_stream_event(c, EVENT_RESET, f->stream, f->reset.code);
    return err;
}

static int on_stop(struct conn *c, const struct frame *f)
{
    struct bulksend *b = streams_send(&c->streams, f->stream);

    if (b == NULL || b->reset)
        return 0;
    const int err = streams_reset(&c->streams, f->stream, f->code);
    conn_release_sources(c, b, 0, UINT64_MAX);
    push_stream_event(c, EVENT_STOPPED, f->stream, f->code);
    return err;
}

/* The peer saw more of our packets marked by a router: congestion, told without a loss. */
static void note_marks(struct conn *c, const struct frame_ack *ack, const struct loss_summary *s, duet_time now)
{
    if (ack->ce <= c->ce_reported)
        return;
    c->ce_reported = ack->ce;
    c->cc.ops->marked(&c->cc, s->largest_acked_sent_at, now);
}

/* Asks for other ACKs when the window or the round trip has become another one. */
static void tune_acks(struct conn *c, bool held_back)
{
    if (c->params.mode == MODE_STEP)
        return;
    const uint64_t window_bytes = num_min(c->cc.cwnd_bytes, c->params.window_bytes);
    ackpolicy_update(&c->ackpolicy, &(struct ackpolicy_path){.cwnd_packets = window_bytes / c->packet_bytes,
                                                             .srtt_us = c->loss.rtt.srtt_us,
                                                             .sent_packets = c->loss.sent_packets,
                                                             .held_back = held_back,
                                                             .loss_back = c->acktr.loss});
    c->loss.rtt.ack_delay_us = c->ackpolicy.delay_us;
}

static int on_ack(struct conn *c, const struct frame_ack *ack, struct recv_packet *rp)
{
    if (rp->has_ack)
        return DUET_EPROTOCOL; /* nobody has two things to say, but each costs the reader its ranges */
    rp->has_ack = true;

    const bool held_back = c->cwnd_limited;
    const bool was_cautious = c->loss.pto_count >= CONN_CAUTION_PTOS;
    struct loss_summary s;
    const int err = loss_ack(&c->loss, ack, rp->now, &s);
    if (err != 0)
        return err;
    keys_confirm(c->keys, ack->largest);
    if (was_cautious && c->loss.pto_count == 0) {
        caution_helped(&c->unmarked, rp->now);
        caution_helped(&c->in_single, rp->now);
    }
    if (ack->has_ecn && s.largest_is_new)
        note_marks(c, ack, &s, rp->now);
    conn_acked(c, &s, rp->now);
    tune_acks(c, held_back);
    return 0;
}

static int on_frame(struct conn *c, const struct frame *f, const struct frame_ack *ack, struct recv_packet *rp)
{
    switch (f->type) {
    case FRAME_PADDING:
        return 0;
    case FRAME_PING:
        rp->at_once = true;
        acktr_want_all(&c->acktr);
        return 0;
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
        return on_ack(c, ack, rp);
    case FRAME_ACK_POLICY:
        acktr_ask(&c->acktr, f->policy.sequence, &f->policy.want);
        return 0;
    case FRAME_RESET_STREAM:
        return is_for_app(c, f) ? on_app_reset(c, f, rp) : on_reset(c, f);
    case FRAME_STOP_STREAM:
        return is_for_app(c, f) ? on_app_stop(c, f, rp) : on_stop(c, f);
    case FRAME_STREAM:
    case FRAME_STREAM_FIN:
        return on_stream(c, f, rp);
    case FRAME_MAX_DATA:
        streams_max_data(&c->streams, f->max);
        return 0;
    case FRAME_MAX_STREAM_DATA:
        if (is_for_app(c, f))
            return on_app_credit(c, f, rp);
        streams_max_stream_data(&c->streams, f->stream, f->max);
        return 0;
    case FRAME_MAX_STREAMS:
        return on_allowed(c, f);
    case FRAME_DATAGRAM:
        return on_datagram(c, f);
    case FRAME_PATH_CHALLENGE:
        path_challenged(&c->path, rp->from, f->path);
        return 0;
    case FRAME_PATH_RESPONSE:
        conn_path_answered(c, f->path, rp->now);
        return 0;
    case FRAME_CLOSE:
        conn_peer_closed(c, rp->number, f->close.code, f->close.reason, f->close.reason_len, rp->now);
        return 0;
    case FRAME_HANDSHAKE_DONE:
        return c->initiator ? 0 : DUET_EPROTOCOL;
    }
    return DUET_EPROTOCOL;
}

/* What a frame did that no honest peer's does, for whoever looks after the connection. */
static const char *fault_text(int err, enum frame_type type)
{
    if (err == DUET_EMALFORMED)
        return "malformed frame";
    if (err == DUET_EFLOW)
        return "more data than was allowed";
    if (err != DUET_EPROTOCOL)
        return err_text(err);
    switch (type) {
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
        return "acknowledgement of what was never sent, or twice in one packet";
    case FRAME_STREAM:
    case FRAME_STREAM_FIN:
        return "data on a stream that is not open, or beyond its end";
    case FRAME_RESET_STREAM:
        return "reset or stop that does not fit the stream";
    case FRAME_HANDSHAKE_DONE:
        return "only the side that was called ends the handshake";
    case FRAME_PADDING:
    case FRAME_PING:
    case FRAME_STOP_STREAM:
    case FRAME_ACK_POLICY:
    case FRAME_MAX_DATA:
    case FRAME_MAX_STREAM_DATA:
    case FRAME_MAX_STREAMS:
    case FRAME_DATAGRAM:
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
    case FRAME_CLOSE:
        break;
    }
    return "a frame out of place";
}

/* All frames of an authentic packet; false: it must not be acknowledged (the connection is ending,
 * or there was no room). */
static bool take_frames(struct conn *c, const uint8_t *bytes, size_t len, struct recv_packet *rp)
{
    struct frame_ack *ack = &c->shared->ack_scratch;
    struct reader r = reader_of(bytes, len);

    if (len == 0) {
        conn_fail(c, DUET_EPROTOCOL, "empty packet", rp->now);
        return false;
    }
    for (unsigned count = 0; reader_left(&r) > 0; count++) {
        struct frame f;

        if (count == LIMIT_PACKET_FRAMES) {
            conn_fail(c, DUET_EPROTOCOL, "too many frames in a packet", rp->now);
            return false;
        }
        int err = frame_parse(&f, ack, &r);
        if (err == 0) {
            rp->eliciting = rp->eliciting || frame_elicits_ack(f.type);
            err = on_frame(c, &f, ack, rp);
        }
        if (err != 0) {
            conn_fail(c, err, fault_text(err, f.type), rp->now);
            return false;
        }
        if (c->state != CONN_ESTABLISHED || rp->unanswered)
            return false;
    }
    return true;
}

/* While closing two things matter: has the peer closed too, and does it know that we have? */
static void take_close(struct conn *c, uint64_t number, const uint8_t *bytes, size_t len, duet_time now)
{
    struct frame_ack *ack = &c->shared->ack_scratch;
    struct reader r = reader_of(bytes, len);
    struct frame f;
    uint64_t acked = CONN_NO_NUMBER;
    bool has_close = false;

    while (reader_left(&r) > 0 && frame_parse(&f, ack, &r) == 0) {
        has_close = has_close || f.type == FRAME_CLOSE;
        if (f.type == FRAME_ACK)
            acked = ack->largest;
    }
    conn_close_came(c, number, has_close, acked, now);
}

/* ---- DATA ---- */

static int open_packet(struct conn *c, const struct packet *p, uint8_t *dgram, size_t len, duet_time now)
{
    if (!replay_fresh(&c->replay, p->number))
        return DUET_EREPLAY;
    const int err =
        keys_open(c->keys, p->epoch, p->number, dgram, p->header_len, dgram + p->header_len, len - p->header_len, now);
    return err != 0 ? err : replay_mark(&c->replay, p->number);
}

int conn_recv_data(struct conn *c, const struct packet *p, const struct duet_route *from, uint8_t *dgram, size_t len,
                   uint8_t ecn, duet_time now)
{
    if (!c->transport_ready || c->state == CONN_DEAD)
        return DUET_ENOTFOUND;
    struct path_packet came = {.from = from, .number = p->number, .bytes = len};
    const int err = open_packet(c, p, dgram, len, now);
    if (err == DUET_EREPLAY)
        conn_path_came_again(c, &came, p, dgram, now);
    if (err != 0)
        return err;
    came.is_newest = c->received_packets == 0 || p->number > c->largest_received;
    if (came.is_newest)
        c->largest_received = p->number;
    conn_path_came(c, &came, now);
    /* What is marked on another way says nothing of this one: who is faster with a copy could mark
     * it as he likes. */
    const bool in_use = route_equal(from, &c->path.route);
    if (came.is_newest && in_use)
        c->peer_unmarked = (ecn & ENVELOPE_ECN_MASK) == 0;
    c->received_packets++;
    c->received_bytes += len;
    tracer_push(&c->shared->tracer,
                &(struct trace_event){
                    .at = now, .type = TRACE_PACKET_RECEIVED, .conn = c->id, .number = p->number, .bytes = len});
    conn_heard(c, now);

    const uint8_t *plain = dgram + p->header_len;
    const size_t plain_len = len - p->header_len - LIMIT_TAG_BYTES;
    if (c->state == CONN_CLOSING || c->state == CONN_DRAINING) {
        take_close(c, p->number, plain, plain_len, now);
        return 0;
    }
    if (c->state == CONN_ACK_SENT)
        conn_confirmed(c, now); /* it opens under the session's keys: the peer has our ACK */

    struct recv_packet rp = {.from = from, .number = p->number, .now = now};
    if (!take_frames(c, plain, plain_len, &rp))
        return 0;
    const bool at_once = rp.at_once || c->params.mode == MODE_STEP;
    return acktr_received(&c->acktr, p->number, rp.eliciting, at_once, in_use ? ecn : 0, c->loss.rtt.srtt_us, now);
}
