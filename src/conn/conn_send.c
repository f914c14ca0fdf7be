/*
 * conn_send: one packet at a time, at the moment it may leave (conn_allow): choose
 * and encode (conn_draft) → seal → record.  Nothing is encoded before it is
 * certain to leave, so a retransmission is simply chosen again, under a fresh
 * packet number.
 */
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "conn/conn.h"
#include "conn/conn_allow.h"
#include "conn/conn_draft.h"

#define PAD_BELOW_BYTES 24 /* a bulk packet this close to full is padded, so that trains are of equal packets */

#define CLOSE_MOST_BYTES 11 /* of a CLOSE beside its reason: type, code, length */

/* ---- handshake flights ---- */

static ssize_t write_flight(const struct conn *c, uint8_t *buf, size_t cap)
{
    if (c->state == CONN_SYN_RECEIVED)
        return handshake_syn_ack(c->hs, buf, cap);
    /* Our ACKs come to nothing: perhaps the responder has forgotten us.  The same SYN reminds it,
     * or makes it answer anew. */
    const bool ask_again = c->state == CONN_ACK_SENT && c->repeats >= CONN_ACK_TRIES && c->repeats % 2 == 0;
    return c->state == CONN_SYN_SENT || ask_again ? handshake_syn(c->hs, buf, cap) : handshake_ack(c->hs, buf, cap);
}

static size_t send_flight(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    if (path_allowance(&c->path) < allow_flight_bytes(c))
        return 0;
    const ssize_t n = write_flight(c, buf, cap);
    if (n <= 0)
        return 0;
    c->flight_wanted = false;
    path_sent(&c->path, (uint64_t)n);
    c->sent_bytes += (uint64_t)n;
    if (c->state == CONN_CLOSING)
        return (size_t)n; /* the CLOSE behind it has the timer */
    if (time_is_never(c->flight_at))
        c->flight_at = now;
    else
        c->repeats++;
    c->flight_last_at = now;
    if (c->state != CONN_SYN_RECEIVED) {
        c->repeat_at = time_add(now, c->repeat_us);
        c->repeat_us = num_min(c->repeat_us * 3 / 2, HANDSHAKE_MAX_US);
    }
    return (size_t)n;
}

/* ---- sealing ---- */

/* Which number to leave out next.  Of a flight of thousands all that were left out must be
 * remembered, or the peer could acknowledge its older part unseen. */
static uint64_t next_skip(struct conn *c)
{
    const uint64_t share = c->loss.eliciting_in_flight / CONN_SKIPS_IN_FLIGHT;

    return c->next_number + 1 + rand_below(&c->shared->rng, 2 * num_max(share, CONN_SKIP_PACKETS));
}

static uint64_t take_number(struct conn *c)
{
    if (c->next_number == c->skip_at) {
        loss_skip(&c->loss, c->next_number++);
        c->skip_at = next_skip(c);
    }
    return c->next_number++;
}

/* Header, tag, number; the packet's length, 0: the numbers are used up. */
static size_t seal_packet(struct conn *c, uint8_t *buf, const struct draft *d, uint64_t number, duet_time now)
{
    const size_t plain_len = writer_used(&d->w);
    const int epoch = keys_send_epoch(c->keys, number, now);

    if (epoch < 0) {
        c->close_code = CLOSE_INTERNAL;
        conn_abandon(c, END_ERROR, epoch, now);
        return 0;
    }
    packet_write_data_header(buf, (uint8_t)epoch, c->peer_cid, number);
    const int err = keys_seal(c->keys, number, buf, LIMIT_DATA_HEADER_BYTES, buf + LIMIT_DATA_HEADER_BYTES,
                              plain_len - d->rest_len, d->rest, d->rest_len);
    if (err != 0) {
        c->close_code = CLOSE_INTERNAL;
        conn_abandon(c, END_ERROR, err, now);
        return 0;
    }
    const size_t len = LIMIT_DATA_HEADER_BYTES + plain_len + LIMIT_TAG_BYTES;
    path_sent(&c->path, len);
    c->sent_bytes += len;
    tracer_push(
        &c->shared->tracer,
        &(struct trace_event){.at = now, .type = TRACE_PACKET_SENT, .conn = c->id, .number = number, .bytes = len});
    return len;
}

static struct writer body_of(uint8_t *buf, size_t size)
{
    return writer_of(buf + LIMIT_DATA_HEADER_BYTES, size - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES);
}

/* Only the peer's CLOSE: nothing else matters any more. */
static void add_close_ack(const struct conn *c, struct writer *w)
{
    struct range heard = {.start = c->close_heard, .end = c->close_heard + 1};
    const struct ranges only = {.v = &heard, .count = 1};
    uint64_t lowest;

    if (c->close_heard != CONN_NO_NUMBER)
        frame_write_ack(w, &(struct frame_ack_news){.received = &only, .from = c->close_heard}, &lowest);
}

/* Where two routes are on trial both get it, for the peer may be at either: how much fits, and *to
 * where. */
static size_t close_room(struct conn *c, struct duet_route *to)
{
    size_t room;
    const struct duet_route *other = c->close_went_aside ? NULL : path_other(&c->path, ALLOW_LEAST_BYTES, &room);

    c->close_went_aside = other != NULL;
    *to = other != NULL ? *other : c->path.route;
    return other != NULL ? room : num_min(allow_packet_bytes(c), LIMIT_PACKET_MIN_BYTES);
}

/* To an address that may not get so much as all of the reason, with as much of it as fits. */
static size_t send_close(struct conn *c, uint8_t *buf, size_t cap, duet_time now, struct duet_route *to)
{
    if (!allow_address(c))
        return 0;
    struct draft d = {.w = body_of(buf, num_min(cap, close_room(c, to)))};
    struct frame f = {.type = FRAME_CLOSE};
    add_close_ack(c, &d.w);
    f.close.code = c->close_code;
    f.close.reason = (const uint8_t *)c->close_reason;
    if (c->state == CONN_CLOSING)
        f.close.reason_len = num_min(strlen(c->close_reason), writer_left(&d.w) - CLOSE_MOST_BYTES);
    frame_write(&d.w, &f);
    c->close_wanted = c->close_went_aside;
    const uint64_t number = take_number(c);
    if (c->close_sent == CONN_NO_NUMBER)
        c->close_sent = number;
    const size_t len = seal_packet(c, buf, &d, number, now);
    path_sent_to(&c->path, to, len);
    if (len > 0 && c->close_is_last && !c->close_wanted)
        conn_enter(c, CONN_DEAD, now);
    return len;
}

/* An ACK is not acknowledged by itself; the one that is complete by turn asks for it, so that both
 * sides can forget. */
static void ping_with_acks(struct conn *c, struct draft *d, const struct allowed *may)
{
    const bool step_busy = c->params.mode == MODE_STEP && c->loss.eliciting_in_flight > 0;

    if (d->eliciting || !acktr_is_turn(&c->acktr) || step_busy || !may->control)
        return;
    frame_write(&d->w, &(struct frame){.type = FRAME_PING});
    d->eliciting = true;
}

static void record_packet(struct conn *c, const struct draft *d, uint64_t number, size_t len, const struct allowed *may,
                          duet_time now)
{
    /* A lone ACK is recorded too: its number was used, and an ACK of it prunes what it
     * acknowledged. */
    struct sent_packet *p = loss_sent(&c->loss, number, (uint32_t)len, d->eliciting, may->probe && d->eliciting, now);

    if (p == NULL) {
        c->out_of_memory = true;
        return;
    }
    memcpy(p->items, d->items, d->item_count * sizeof(*d->items));
    p->item_count = d->item_count;
    tail_sent(&c->tail, p, !streams_only_tail(&c->streams));
    const uint64_t acked = d->has_ack ? acktr_sent(&c->acktr, now) : 0;
    if (d->has_ack)
        path_acked(&c->path);
    if (d->has_ack && p->item_count < SENT_ITEMS)
        p->items[p->item_count++] = (struct sent_item){.kind = FRAME_ACK, .stream = d->ack_lowest, .offset = acked};
    if (!d->eliciting)
        return;
    liveness_spoke(&c->liveness, now);
    pacer_sent(&c->pacer, len);
    c->cc.ops->sent(&c->cc, len, c->loss.bytes_in_flight, now);
}

/* A padded PING of the size in question (pmtud.h).  It does not count as in flight. */
static size_t send_mtu_probe(struct conn *c, uint8_t *buf, duet_time now)
{
    const uint32_t size = pmtud_wants(&c->pmtud, now);
    struct draft d = {.w = body_of(buf, size)};

    frame_write(&d.w, &(struct frame){.type = FRAME_PING});
    writer_fill(&d.w, FRAME_PADDING, writer_left(&d.w));
    const uint64_t number = take_number(c);
    const size_t len = seal_packet(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    if (loss_sent(&c->loss, number, 0, true, true, now) == NULL)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    pmtud_sent(&c->pmtud, number, size);
    return len;
}

/* A PATH_* frame behind an ACK, for the peer has it from nowhere else while the other route leads
 * nowhere.  It is none of the congestion window's business, nor the timers', and nothing of it is
 * sent again. */
static size_t send_errand(struct conn *c, uint8_t *buf, size_t cap, const struct path_errand *e, duet_time now)
{
    struct draft d = {.w = body_of(buf, num_min(cap, e->room))};
    struct frame f = {.type = e->kind == PATH_RESPONSE ? FRAME_PATH_RESPONSE : FRAME_PATH_CHALLENGE};
    uint8_t *const end = d.w.end;

    d.w.end -= e->data != NULL ? PATH_FRAME_BYTES : 0;
    draft_ack(c, &d, true, now);
    d.w.end = end;
    if (e->data != NULL)
        memcpy(f.path, e->data, sizeof(f.path));
    else
        f.type = FRAME_PING; /* there may be nothing to acknowledge any more */
    if (e->data != NULL || !d.has_ack)
        frame_write(&d.w, &f);
    const uint64_t number = take_number(c);
    const size_t len = seal_packet(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    path_errand_sent(&c->path, e, len);
    if (loss_sent(&c->loss, number, 0, false, false, now) == NULL)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    return len;
}

static size_t send_data(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    if (!allow_any(c))
        return 0;
    const struct allowed may = allow_now(c);
    const bool ack_due = time_due(acktr_deadline(&c->acktr), now);
    const bool may_elicit = may.control || may.bulk;
    if (!may_elicit && !ack_due)
        return 0;
    /* Only as the first of a train, when the whole buffer is there. */
    if (cap > c->packet_bytes && allow_larger(c, &may)) {
        pmtud_go_on(&c->pmtud, now);
        if (pmtud_wants(&c->pmtud, now) > 0 && pmtud_wants(&c->pmtud, now) <= cap)
            return send_mtu_probe(c, buf, now);
    }
    struct sent_item items[SENT_ITEMS];
    struct draft d = {.w = body_of(buf, cap < allow_packet_bytes(c) ? cap : allow_packet_bytes(c)),
                      .items = items,
                      .datagram_most = allow_datagram_most(c)};
    draft_ack(c, &d, !may_elicit, now);
    if (may_elicit)
        draft_eliciting(c, &d, &may, now);
    if (!d.eliciting && !(ack_due && d.has_ack))
        return 0;
    ping_with_acks(c, &d, &may);
    if (d.bulk && writer_left(&d.w) > 0 && writer_left(&d.w) < PAD_BELOW_BYTES) {
        draft_land(&d);
        writer_fill(&d.w, FRAME_PADDING, writer_left(&d.w));
    }

    const uint64_t number = take_number(c);
    const size_t len = seal_packet(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    record_packet(c, &d, number, len, &may, now);
    if (c->out_of_memory)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    return len;
}

static size_t send_ahead(struct conn *c, uint8_t *buf, size_t cap, const struct duet_route *to, duet_time now)
{
    struct sent_item items[SENT_ITEMS];
    struct draft d = {.w = body_of(buf, cap), .items = items, .datagram_most = SIZE_MAX};

    draft_bulk(c, &d, now);
    if (!d.bulk)
        return 0;
    const uint64_t number = take_number(c);
    const size_t len = seal_packet(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    path_sent_to(&c->path, to, len);
    record_packet(c, &d, number, len, &(struct allowed){.bulk = true}, now);
    if (c->out_of_memory)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    else
        sentmap_get(&c->loss.sent, number)->ahead = true;
    return len;
}

/* What goes its own way goes first, and never within a train. */
static size_t send_open(struct conn *c, uint8_t *buf, size_t cap, duet_time now, struct duet_route *to)
{
    const struct duet_route *ahead;
    struct path_errand e;
    size_t room, len = 0;

    if (to != NULL && allow_errand(c, &e)) {
        *to = e.to;
        return send_errand(c, buf, cap, &e, now);
    }
    if (to != NULL && allow_any(c) && (ahead = allow_ahead(c, &room)) != NULL && allow_ahead_now(c, room, now)) {
        *to = *ahead;
        len = send_ahead(c, buf, num_min(cap, room), to, now);
    }
    if (len > 0)
        return len;
    if (to != NULL)
        *to = c->path.route;
    return send_data(c, buf, cap, now);
}

size_t conn_send(struct conn *c, uint8_t *buf, size_t cap, duet_time now, struct duet_route *to)
{
    if (to != NULL)
        *to = c->path.route;
    switch (c->state) {
    case CONN_SYN_SENT:
    case CONN_SYN_RECEIVED:
        return c->flight_wanted ? send_flight(c, buf, cap, now) : 0;
    case CONN_ACK_SENT:
        return c->flight_wanted ? send_flight(c, buf, cap, now) : send_data(c, buf, cap, now);
    case CONN_ESTABLISHED:
        return send_open(c, buf, cap, now, to);
    case CONN_CLOSING:
    case CONN_DRAINING:
        if (c->flight_wanted)
            return send_flight(c, buf, cap, now);
        return c->close_wanted && to != NULL ? send_close(c, buf, cap, now, to) : 0;
    case CONN_DEAD:
        return 0;
    }
    return 0;
}
