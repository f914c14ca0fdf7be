/*
 * conn_acked: what an ACK or a timer decided about packets, carried to the
 * streams (what arrived, what has to leave again), to the events and to the
 * congestion controller.
 */
#include "base/err.h"
#include "conn/conn.h"

static struct stream_piece piece_of(const struct sent_item *it)
{
    return (struct stream_piece){.offset = it->offset, .len = it->len, .fin = it->fin};
}

static void push_simple(struct conn *c, enum endpoint_event_type type, uint64_t stream, uint64_t cookie)
{
    struct endpoint_event ev = {.type = type, .conn = c->id, .stream = stream};

    ev.cookie = cookie;
    events_push(&c->shared->events, &ev);
}

void conn_release_sources(struct conn *c, struct bulksend *b, uint64_t start, uint64_t end)
{
    uint64_t cookie;

    while (bulksend_release(b, start, end, &cookie))
        push_simple(c, EVENT_RELEASED, b->id, cookie);
}

static int stream_acked(struct conn *c, struct ordered *o, const struct sent_item *it)
{
    const struct stream_piece p = piece_of(it);
    const uint64_t before = o->out.state.acked_bytes;
    bool writable, done;
    const int err = ordered_acked(o, &p, &writable, &done);

    c->streams.acked_bytes += o->out.state.acked_bytes - before;
    if (writable)
        push_simple(c, EVENT_WRITABLE, it->stream, 0);
    if (done)
        push_simple(c, EVENT_SENT, it->stream, 0);
    ordered_settle(&c->streams.ordered, o);
    return err;
}

static void reset_acked(struct conn *c, uint64_t id)
{
    struct ordered *o = ordered_find(&c->streams.ordered, id);
    struct bulksend *b = o == NULL ? streams_send(&c->streams, id) : NULL;

    if (b != NULL)
        streams_close_send(&c->streams, b);
    if (o == NULL)
        return;
    ordered_reset_acked(o);
    ordered_settle(&c->streams.ordered, o);
}

static int bulk_acked(struct conn *c, const struct sent_item *it)
{
    struct bulksend *b = streams_send(&c->streams, it->stream);

    if (b == NULL || b->reset)
        return 0;
    const struct stream_piece p = piece_of(it);
    const uint64_t before = b->state.acked_bytes;
    const int err = sendstate_acked(&b->state, &p);
    c->streams.acked_bytes += b->state.acked_bytes - before;
    conn_release_sources(c, b, it->offset, it->offset + it->len);
    if (err == 0 && sendstate_done(&b->state)) {
        push_simple(c, EVENT_SENT, b->id, 0);
        streams_close_send(&c->streams, b);
    }
    return err;
}

static int item_acked(struct conn *c, const struct sent_item *it)
{
    struct ordered *o;

    switch ((enum frame_type)it->kind) {
    case FRAME_STREAM:
        o = ordered_find(&c->streams.ordered, it->stream);
        return o != NULL ? stream_acked(c, o, it) : bulk_acked(c, it);
    case FRAME_ACK:
        acktr_confirmed(&c->acktr, it->stream, it->offset);
        return 0;
    case FRAME_ACK_POLICY:
        ackpolicy_acked(&c->ackpolicy, it->offset);
        return 0;
    case FRAME_RESET_STREAM:
        reset_acked(c, it->stream);
        return 0;
    case FRAME_PADDING:
    case FRAME_PING:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
    case FRAME_STOP_STREAM:
    case FRAME_STREAM_FIN:
    case FRAME_MAX_DATA:
    case FRAME_MAX_STREAM_DATA:
    case FRAME_MAX_STREAMS:
    case FRAME_DATAGRAM:
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
    case FRAME_CLOSE:
    case FRAME_HANDSHAKE_DONE:
        return 0;
    }
    return 0;
}

/* What the item carried has to leave again. */
static int item_lost(struct conn *c, const struct sent_item *it)
{
    const struct stream_piece p = piece_of(it);

    switch ((enum frame_type)it->kind) {
    case FRAME_STREAM:
        return streams_lost(&c->streams, it->stream, &p);
    case FRAME_ACK_POLICY:
        ackpolicy_lost(&c->ackpolicy, it->offset);
        return 0;
    case FRAME_HANDSHAKE_DONE:
        c->done_wanted = true;
        return 0;
    case FRAME_MAX_DATA:
    case FRAME_MAX_STREAM_DATA:
    case FRAME_MAX_STREAMS:
    case FRAME_RESET_STREAM:
    case FRAME_STOP_STREAM:
        streams_update_lost(&c->streams, (enum frame_type)it->kind, it->stream);
        return 0;
    case FRAME_PADDING:
    case FRAME_PING:
    case FRAME_ACK:
    case FRAME_ACK_ECN:
    case FRAME_ACK_MAP:
    case FRAME_ACK_MAP_ECN:
    case FRAME_STREAM_FIN:
    case FRAME_DATAGRAM:
    case FRAME_PATH_CHALLENGE:
    case FRAME_PATH_RESPONSE:
    case FRAME_CLOSE:
        return 0; /* an ACK is superseded by the next; a challenge has its own timer */
    }
    return 0;
}

static void trace_lost(struct conn *c, const struct sent_packet *p, duet_time now)
{
    tracer_push(&c->shared->tracer, &(struct trace_event){
                                        .at = now,
                                        .type = TRACE_PACKET_LOST,
                                        .conn = c->id,
                                        .number = p->number,
                                        .bytes = p->bytes,
                                        .detail = "time_threshold",
                                    });
}

static void trace_metrics(struct conn *c, duet_time now)
{
    tracer_push(&c->shared->tracer, &(struct trace_event){
                                        .at = now,
                                        .type = TRACE_METRICS,
                                        .conn = c->id,
                                        .cwnd_bytes = c->cc.cwnd_bytes,
                                        .in_flight_bytes = c->loss.bytes_in_flight,
                                        .srtt_us = c->loss.rtt.srtt_us,
                                        .latest_rtt_us = c->loss.rtt.latest_us,
                                        .pacing_bytes_per_s = c->cc.pacing_bytes_per_s,
                                    });
}

void conn_acked(struct conn *c, const struct loss_summary *s, duet_time now)
{
    const struct sent_packet *p;
    bool spurious, was_limited = false;
    int err = 0;

    while ((p = loss_take_acked(&c->loss, &spurious)) != NULL) {
        was_limited = was_limited || p->number < c->limited_until;
        if (pmtud_acked(&c->pmtud, p->number, p->bytes, p->sent_at, now))
            conn_packet_bytes(c);
        for (size_t i = 0; i < p->item_count && err == 0; i++)
            err = item_acked(c, &p->items[i]);
    }
    while ((p = loss_take_lost(&c->loss)) != NULL) {
        trace_lost(c, p, now);
        pmtud_lost(&c->pmtud, p->number, p->bytes, p->sent_at);
        for (size_t i = 0; i < p->item_count && err == 0 && !p->repeated; i++)
            err = item_lost(c, &p->items[i]);
    }
    const enum cc_limit limit = c->cwnd_limited ? CC_IS_LIMITED : was_limited ? CC_WAS_LIMITED : CC_UNLIMITED;
    c->cc.ops->update(&c->cc, &c->loss, s, limit, now);
    if (s->rtt_sampled)
        pacer_path(&c->pacer, c->loss.rtt.min_us);
    if (s->acked_bytes > 0)
        c->cwnd_limited = false;
    trace_metrics(c, now);
    if (err != 0)
        conn_fail(c, err, "too many holes to remember", now);
}

void conn_flight_lost(struct conn *c, duet_time now)
{
    const struct sent_packet *p;
    struct loss_summary s;
    int err = 0;

    loss_all_lost(&c->loss, &s);
    while ((p = loss_take_lost(&c->loss)) != NULL) {
        trace_lost(c, p, now);
        pmtud_lost(&c->pmtud, p->number, 0, p->sent_at);
        for (size_t i = 0; i < p->item_count && err == 0 && !p->repeated; i++)
            err = item_lost(c, &p->items[i]);
    }
    if (err != 0)
        conn_fail(c, err, "too many holes to remember", now);
}

bool conn_repeat(struct conn *c, uint64_t number)
{
    const struct sent_packet *p = sentmap_get(&c->loss.sent, number);

    for (size_t i = 0; i < p->item_count; i++) {
        if (p->items[i].kind != FRAME_ACK && item_lost(c, &p->items[i]) != 0)
            c->out_of_memory = true;
    }
    /* Another copy of it may have arrived meanwhile: then there is nothing to send again. */
    bool wanted = c->done_wanted || streams_update_wanted(&c->streams);
    for (int class = 0; class < STREAM_CLASSES; class ++)
        wanted = wanted || streams_class_wants(&c->streams, (enum stream_class) class);
    return wanted;
}

void conn_rearm_all(struct conn *c)
{
    for (uint64_t n = 0; (n = sentmap_next(&c->loss.sent, SENT_OUTSTANDING, n)) != SENTMAP_NONE; n++)
        conn_repeat(c, n);
}

void conn_rearm_oldest(struct conn *c)
{
    uint64_t n = sentmap_next(&c->loss.sent, SENT_OUTSTANDING, 0);

    while (n != SENTMAP_NONE && !conn_repeat(c, n))
        n = sentmap_next(&c->loss.sent, SENT_OUTSTANDING, n + 1);
}
