/*
 * conn_send: one packet at a time, at the moment it may leave: choose → encode
 * → seal → record.  Nothing is encoded before it is certain to leave, so a
 * retransmission is simply chosen again, under a fresh packet number.
 *
 * Who may send what (struct gate):
 *   an ACK            always, when due (and the address allows)
 *   control, chat     room in min(cwnd, window), or CONN_CHAT_EXTRA_PACKETS past it; never paced
 *   bulk              room in min(cwnd, window), and the pacer's leave
 *   a probe           one packet past all of these
 *   step mode         only while nothing is outstanding
 */
#include <string.h>

#include "duet/base/err.h"
#include "duet/base/num.h"
#include "duet/conn/conn.h"

#define UPDATE_FRAME_BYTES 40 /* more than any frame without data takes */
#define ACK_SHARE 4           /* an ACK takes at most this part of a packet that carries more */
#define STREAM_FRAME_BYTES 24 /* a STREAM frame is not begun in less room */
#define LEAST_PACKET_BYTES 96 /* room for a PATH_CHALLENGE; three times a bare PING from an unproven address allow it */
#define PAD_BELOW_BYTES 24    /* a bulk packet this close to full is padded, so that trains are of equal packets */

struct gate {
    bool control; /* anything that asks for an acknowledgement, but files */
    bool bulk;
    bool probe;
};

/* A packet being put together. */
struct draft {
    struct writer w;
    struct sent_item *items; /* SENT_ITEMS, item_count of them filled */
    uint8_t item_count;
    bool eliciting;
    bool has_ack;
    uint64_t ack_lowest; /* the lowest number it lists */
    bool bulk;
    /* Bytes of a file that end the packet: room for them is reserved, they are sealed from where they lie.  Whatever
     * comes behind them has them copied first (land). */
    const uint8_t *tail;
    size_t tail_len;
};

/* ── what may leave ──────────────────────────────────────────────────── */

static uint64_t window_bytes(const struct conn *c)
{
    return c->cc.cwnd_bytes < c->params.window_bytes ? c->cc.cwnd_bytes : c->params.window_bytes;
}

static uint64_t pacing_rate(const struct conn *c)
{
    const uint64_t limit = c->shared->cfg.limit_bytes_per_s;
    const uint64_t rate = c->cc.pacing_bytes_per_s;
    return limit != 0 && (rate == 0 || limit < rate) ? limit : rate;
}

/* Packets are small while the address is unproven (it may get only so much), and after two probe timeouts in a row:
 * perhaps only the large ones get lost. */
static uint32_t packet_size(const struct conn *c)
{
    const uint32_t size = c->path.validated && c->loss.pto_count < 2 ? c->packet_bytes : LIMIT_PACKET_MIN_BYTES;
    const uint64_t allowed = path_allowance(&c->path);
    return allowed < size ? (uint32_t)allowed : size;
}

/* May any packet leave at all?  The number after the next is asked for because one may be skipped. */
static bool may_send(struct conn *c)
{
    return packet_size(c) >= LEAST_PACKET_BYTES && loss_has_room(&c->loss, c->next_number + 1);
}

static struct gate gate_of(const struct conn *c)
{
    struct gate g = {.control = false};
    if (c->loss.probes_due > 0)
        return (struct gate){.control = true, .bulk = true, .probe = true};
    if (c->params.mode == MODE_STEP) {
        g.control = g.bulk = c->loss.eliciting_in_flight == 0;
        return g;
    }
    const uint64_t used = c->loss.bytes_in_flight + packet_size(c);
    g.bulk = used <= window_bytes(c);
    g.control = used <= window_bytes(c) + (uint64_t)packet_size(c) * CONN_CHAT_EXTRA_PACKETS;
    return g;
}

static bool control_wants(const struct conn *c)
{
    return c->done_wanted || c->ping_wanted || c->path.response_wanted || streams_update_wanted(&c->streams) ||
           streams_class_wants(&c->streams, CLASS_CONTROL) || streams_class_wants(&c->streams, CLASS_CHAT);
}

/* Larger packets are worth looking for only when there are files to fill them. */
static bool probe_wanted(struct conn *c, const struct gate *g, duet_time now)
{
    return g->bulk && !g->probe && c->state == CONN_ESTABLISHED && c->path.validated &&
           streams_class_wants(&c->streams, CLASS_BULK) && pmtud_wants(&c->pmtud, now) > 0;
}

/* Nothing new is left of the files: is what is unacknowledged to go again, and when (recovery/tail.h)?  Puts what leaves
 * next back among the lost, at the very moment it may leave: so that it, and nothing else, is in the next packet. */
static duet_time tail_at(struct conn *c, duet_time now)
{
    duet_time again;
    if (c->params.mode == MODE_STEP || c->loss.bytes_in_flight == 0 || !streams_only_tail(&c->streams))
        return DUET_NEVER;
    const duet_time turn = pacer_next(&c->pacer, pacing_rate(c), packet_size(c), now);
    if (time_before(now, turn))
        return turn;
    for (const struct sent_packet *p;
         (p = tail_next(&c->tail, &c->loss, window_bytes(c), c->sent_bytes, now, &again)) != NULL;) {
        if (conn_repeat(c, p->number))
            return now;
    }
    return again;
}

/* When files may go on.  Notes on the way what holds them back, for the controller. */
static duet_time bulk_at(struct conn *c, const struct gate *g, duet_time now)
{
    const bool wants = streams_class_wants(&c->streams, CLASS_BULK);
    if (wants && g->bulk)
        return pacer_next(&c->pacer, pacing_rate(c), packet_size(c), now);
    pacer_idle(&c->pacer);
    if (wants)
        c->cwnd_limited = true;
    if (wants || !g->bulk)
        return DUET_NEVER;
    loss_app_limited(&c->loss);
    return tail_at(c, now);
}

static duet_time data_at(struct conn *c, duet_time now)
{
    if (!may_send(c))
        return DUET_NEVER;
    const struct gate g = gate_of(c);
    if (g.probe || (g.control && control_wants(c)) || probe_wanted(c, &g, now))
        return now;
    duet_time t = acktr_deadline(&c->acktr);
    if (g.control)
        t = time_min(t, c->path.challenge_at);
    return time_min(t, bulk_at(c, &g, now));
}

static size_t flight_bytes(const struct conn *c)
{
    return c->state == CONN_SYN_RECEIVED ? LIMIT_SYN_ACK_BYTES : LIMIT_SYN_BYTES;
}

duet_time conn_send_at(struct conn *c, duet_time now)
{
    switch (c->state) {
    case CONN_SYN_SENT:
    case CONN_SYN_RECEIVED:
        return c->flight_wanted && path_allowance(&c->path) >= flight_bytes(c) ? now : DUET_NEVER;
    case CONN_ACK_SENT:
        return c->flight_wanted ? now : data_at(c, now);
    case CONN_ESTABLISHED:
        return data_at(c, now);
    case CONN_CLOSING:
    case CONN_DRAINING:
        return c->close_wanted && path_allowance(&c->path) >= LIMIT_PACKET_MIN_BYTES ? now : DUET_NEVER;
    case CONN_DEAD:
        return DUET_NEVER;
    }
    return DUET_NEVER;
}

/* ── handshake flights ───────────────────────────────────────────────── */

static ssize_t write_flight(const struct conn *c, uint8_t *buf, size_t cap)
{
    if (c->state == CONN_SYN_RECEIVED)
        return handshake_syn_ack(c->hs, buf, cap);
    /* Our ACKs come to nothing: perhaps the responder has forgotten us.  The same SYN reminds it, or makes it answer anew. */
    const bool ask_again = c->state == CONN_ACK_SENT && c->repeats >= CONN_ACK_TRIES && c->repeats % 2 == 0;
    return c->state == CONN_SYN_SENT || ask_again ? handshake_syn(c->hs, buf, cap) : handshake_ack(c->hs, buf, cap);
}

static size_t send_flight(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    if (path_allowance(&c->path) < flight_bytes(c))
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

/* ── frames ──────────────────────────────────────────────────────────── */

static bool has_room(const struct draft *d, size_t bytes)
{
    return d->item_count < SENT_ITEMS && writer_left(&d->w) >= bytes;
}

static void add_item(struct draft *d, const struct sent_item *it)
{
    d->items[d->item_count++] = *it;
}

/* An ACK that travels with other frames leaves most of the packet to them. */
static void add_ack(struct conn *c, struct draft *d, bool alone, duet_time now)
{
    if (!alone && !acktr_pending(&c->acktr, now))
        return;
    const size_t share = alone ? writer_left(&d->w) : writer_left(&d->w) / ACK_SHARE;
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
    echo_credit(&c->echo, stream, rtt_pto_us(&c->loss.rtt), now);
}

static void add_controls(struct conn *c, struct draft *d, duet_time now)
{
    struct frame f;
    if (c->done_wanted && has_room(d, UPDATE_FRAME_BYTES)) {
        c->done_wanted = false;
        add_frame(d, &(struct frame){.type = FRAME_HANDSHAKE_DONE}, 0);
    }
    if (c->path.response_wanted && has_room(d, UPDATE_FRAME_BYTES)) {
        c->path.response_wanted = false;
        f = (struct frame){.type = FRAME_PATH_RESPONSE};
        memcpy(f.path, c->path.response, sizeof f.path);
        add_frame(d, &f, 0);
    }
    if (time_due(c->path.challenge_at, now) && has_room(d, UPDATE_FRAME_BYTES)) {
        c->path.challenge_at = time_add(now, PATH_CHALLENGE_US);
        f = (struct frame){.type = FRAME_PATH_CHALLENGE};
        memcpy(f.path, c->path.challenge, sizeof f.path);
        add_frame(d, &f, 0);
    }
    if (has_room(d, UPDATE_FRAME_BYTES) && ackpolicy_take(&c->ackpolicy, &f))
        add_frame(d, &f, f.policy.sequence);
    while (has_room(d, UPDATE_FRAME_BYTES) && streams_next_update(&c->streams, &f)) {
        add_frame(d, &f, 0);
        if (f.type == FRAME_MAX_STREAM_DATA)
            watch_credit(c, f.stream, now);
    }
}

/* The piece is in the packet.  A small new one of chat or control will be repeated before it could be known lost. */
static void record_stream(struct conn *c, uint64_t id, const struct stream_piece *piece, duet_time now)
{
    const int index = streams_ordered_index(id);
    const uint64_t before = index >= 0 ? c->streams.out[index].state.fresh_bytes : 0;
    if (streams_sent(&c->streams, id, piece) != 0)
        c->out_of_memory = true;
    if (index >= 0 && c->streams.out[index].state.fresh_bytes > before && c->params.mode == MODE_BURST)
        echo_sent(&c->echo, id, piece, rtt_pto_us(&c->loss.rtt), now);
}

/* The tail is not the end of the packet: it goes where its room is. */
static void land(struct draft *d)
{
    if (d->tail_len > 0)
        memcpy(d->w.at - d->tail_len, d->tail, d->tail_len);
    d->tail_len = 0;
}

static void add_bytes(struct conn *c, struct draft *d, uint64_t id, const struct stream_piece *piece)
{
    d->tail = streams_bytes(&c->streams, id, piece, writer_reserve(&d->w, piece->len));
    d->tail_len = d->tail == NULL ? 0 : piece->len;
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
    land(d);
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

static void add_streams(struct conn *c, struct draft *d, const struct gate *g, duet_time now)
{
    while (add_stream(c, d, CLASS_CONTROL, now))
        continue;
    while (add_stream(c, d, CLASS_CHAT, now))
        continue;
    if (!g->bulk)
        return;
    if (!g->probe && pacer_allowance(&c->pacer, pacing_rate(c), packet_size(c), now) < packet_size(c))
        return;
    while (add_stream(c, d, CLASS_BULK, now))
        d->bulk = true;
}

/* Everything that asks for an acknowledgement. */
static void add_eliciting(struct conn *c, struct draft *d, const struct gate *g, duet_time now)
{
    if (g->probe && !control_wants(c) && !streams_class_wants(&c->streams, CLASS_BULK))
        conn_rearm_oldest(c);
    add_controls(c, d, now);
    add_streams(c, d, g, now);
    /* A probe must be answered, whatever it carries; so must a ping nobody else's frame stands in for. */
    if (!d->eliciting && (g->probe || c->ping_wanted)) {
        frame_write(&d->w, &(struct frame){.type = FRAME_PING});
        d->eliciting = true;
    }
    if (d->eliciting)
        c->ping_wanted = false;
}

/* ── sealing ─────────────────────────────────────────────────────────── */

/* Which number to leave out next.  Of a flight of thousands all that were left out must be remembered, or the peer
 * could acknowledge its older part unseen. */
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
static size_t seal(struct conn *c, uint8_t *buf, const struct draft *d, uint64_t number, duet_time now)
{
    const size_t plain_len = writer_used(&d->w);
    const int epoch = keys_send_epoch(c->keys, number, now);
    if (epoch < 0) {
        c->close_code = CLOSE_INTERNAL;
        conn_abandon(c, END_ERROR, epoch, now);
        return 0;
    }
    packet_write_data_header(buf, (uint8_t)epoch, c->peer_cid, number);
    const int rc = keys_seal(c->keys, number, buf, LIMIT_DATA_HEADER_BYTES, buf + LIMIT_DATA_HEADER_BYTES,
                             plain_len - d->tail_len, d->tail, d->tail_len);
    if (rc != 0) {
        c->close_code = CLOSE_INTERNAL;
        conn_abandon(c, END_ERROR, rc, now);
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

static size_t send_close(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    if (path_allowance(&c->path) < LIMIT_PACKET_MIN_BYTES)
        return 0;
    struct draft d = {.w = body_of(buf, cap < LIMIT_PACKET_MIN_BYTES ? cap : LIMIT_PACKET_MIN_BYTES)};
    struct frame f = {.type = FRAME_CLOSE};
    f.close.code = c->close_code;
    f.close.reason = (const uint8_t *)c->close_reason;
    f.close.reason_len = c->state == CONN_CLOSING ? strlen(c->close_reason) : 0;
    frame_write(&d.w, &f);
    c->close_wanted = false;
    return seal(c, buf, &d, take_number(c), now);
}

/* An ACK is not acknowledged by itself; the one that is complete by turn asks for it, so that both sides can forget. */
static void ping_with_acks(struct conn *c, struct draft *d, const struct gate *g)
{
    const bool step_busy = c->params.mode == MODE_STEP && c->loss.eliciting_in_flight > 0;
    if (d->eliciting || !acktr_is_turn(&c->acktr) || step_busy || !g->control)
        return;
    frame_write(&d->w, &(struct frame){.type = FRAME_PING});
    d->eliciting = true;
}

static void record(struct conn *c, const struct draft *d, uint64_t number, size_t len, const struct gate *g,
                   duet_time now)
{
    /* A lone ACK is recorded too: its number was used, and an ACK of it prunes what it acknowledged. */
    struct sent_packet *p = loss_sent(&c->loss, number, (uint32_t)len, d->eliciting, g->probe && d->eliciting, now);
    if (p == NULL) {
        c->out_of_memory = true;
        return;
    }
    memcpy(p->items, d->items, d->item_count * sizeof *d->items);
    p->item_count = d->item_count;
    tail_sent(&c->tail, p, !streams_only_tail(&c->streams));
    const uint64_t acked = d->has_ack ? acktr_sent(&c->acktr, now) : 0;
    if (d->has_ack && p->item_count < SENT_ITEMS)
        p->items[p->item_count++] = (struct sent_item){.kind = FRAME_ACK, .stream = d->ack_lowest, .offset = acked};
    if (!d->eliciting)
        return;
    c->sent_eliciting_at = now;
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
    const size_t len = seal(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    if (loss_sent(&c->loss, number, 0, true, true, now) == NULL)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    pmtud_sent(&c->pmtud, number, size);
    return len;
}

static size_t send_data(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    if (!may_send(c))
        return 0;
    const struct gate g = gate_of(c);
    const bool ack_due = time_due(acktr_deadline(&c->acktr), now);
    const bool may_elicit = g.control || g.bulk;
    if (!may_elicit && !ack_due)
        return 0;
    /* Only as the first of a train, when the whole buffer is there. */
    if (cap > c->packet_bytes && probe_wanted(c, &g, now) && pmtud_wants(&c->pmtud, now) <= cap)
        return send_mtu_probe(c, buf, now);
    struct sent_item items[SENT_ITEMS];
    struct draft d = {.w = body_of(buf, cap < packet_size(c) ? cap : packet_size(c)), .items = items};
    add_ack(c, &d, !may_elicit, now);
    if (may_elicit)
        add_eliciting(c, &d, &g, now);
    if (!d.eliciting && !(ack_due && d.has_ack))
        return 0;
    ping_with_acks(c, &d, &g);
    if (d.bulk && writer_left(&d.w) > 0 && writer_left(&d.w) < PAD_BELOW_BYTES) {
        land(&d);
        writer_fill(&d.w, FRAME_PADDING, writer_left(&d.w));
    }

    const uint64_t number = take_number(c);
    const size_t len = seal(c, buf, &d, number, now);
    if (len == 0)
        return 0;
    record(c, &d, number, len, &g, now);
    if (c->out_of_memory)
        conn_fail(c, DUET_ENOMEM, "out of memory", now);
    return len;
}

size_t conn_send(struct conn *c, uint8_t *buf, size_t cap, duet_time now)
{
    switch (c->state) {
    case CONN_SYN_SENT:
    case CONN_SYN_RECEIVED:
        return c->flight_wanted ? send_flight(c, buf, cap, now) : 0;
    case CONN_ACK_SENT:
        return c->flight_wanted ? send_flight(c, buf, cap, now) : send_data(c, buf, cap, now);
    case CONN_ESTABLISHED:
        return send_data(c, buf, cap, now);
    case CONN_CLOSING:
    case CONN_DRAINING:
        if (c->flight_wanted)
            return send_flight(c, buf, cap, now);
        return c->close_wanted ? send_close(c, buf, cap, now) : 0;
    case CONN_DEAD:
        return 0;
    }
    return 0;
}
