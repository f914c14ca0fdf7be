#include "stream/streams.h"

#include <stdlib.h>

#include "base/err.h"

void streams_init(struct streams *s, bool initiator, uint64_t window_bytes)
{
    *s = (struct streams){.initiator = initiator};
    window_init(&s->window, WINDOW_INITIAL_BYTES, window_bytes);
    ordered_init(&s->ordered, initiator);
    extents_init(&s->closed, STREAMS_CLOSED_RANGES + 1); /* one too many, until the oldest is forgotten */
}

void streams_dispose(struct streams *s)
{
    ordered_dispose(&s->ordered);
    datagrams_dispose(&s->datagrams);
    while (s->send_count > 0)
        streams_close_send(s, s->sends[s->send_count - 1]);
    while (s->recv_count > 0)
        streams_close_recv(s, s->recvs[s->recv_count - 1]);
    extents_dispose(&s->closed);
}

struct bulksend *streams_send(const struct streams *s, uint64_t id)
{
    for (size_t i = 0; i < s->send_count; i++) {
        if (s->sends[i]->id == id)
            return s->sends[i];
    }
    return NULL;
}

struct bulkrecv *streams_recv(const struct streams *s, uint64_t id)
{
    for (size_t i = 0; i < s->recv_count; i++) {
        if (s->recvs[i]->id == id)
            return s->recvs[i];
    }
    return NULL;
}

/* A full set forgets its oldest id, which then looks never accepted: the frame that uses it closes
 * the session. */
static void remember_closed(struct streams *s, uint64_t id)
{
    const uint64_t index = stream_id_bulk_index(id);

    (void)extents_add(&s->closed, index, index + 1); /* without memory for it, it is forgotten like the oldest */
    if (s->closed.count <= STREAMS_CLOSED_RANGES)
        return;
    const struct range oldest = extents_first(&s->closed);
    (void)extents_remove(&s->closed, oldest.start, oldest.end);
}

bool streams_is_closed(const struct streams *s, uint64_t id)
{
    return stream_id_is_bulk_of(id, !s->initiator) &&
           extents_covers(&s->closed, stream_id_bulk_index(id), stream_id_bulk_index(id) + 1);
}

bool streams_is_peers_bulk(const struct streams *s, uint64_t id)
{
    return stream_id_is_bulk_of(id, !s->initiator);
}

/* ---- sending ---- */

static uint64_t data_credit(const struct streams *s)
{
    return s->data_limit_bytes > s->data_fresh_bytes ? s->data_limit_bytes - s->data_fresh_bytes : 0;
}

static bool bulk_wants(const struct streams *s, const struct bulksend *b)
{
    struct stream_piece p;
    bool fresh;

    return !b->reset && sendstate_next(&b->state, 1, data_credit(s), &p, &fresh);
}

bool streams_class_wants(const struct streams *s, enum stream_class class)
{
    struct stream_piece p;

    if (class != CLASS_BULK)
        return sendstate_wants(&s->ordered.fixed[class].out.state);
    for (size_t i = 0; i < s->send_count; i++) {
        if (bulk_wants(s, s->sends[i]))
            return true;
    }
    for (size_t i = 0; i < s->ordered.count; i++) {
        if (ordered_next(&s->ordered, s->ordered.v[i], 1, &p))
            return true;
    }
    return s->datagrams.count > 0;
}

/* Of the application: a stream without an end in sight is no tail, and none that waits for
 * credit. */
static bool app_is_under_way(const struct ordered *o)
{
    return !o->reset && !o->out_over && o->out.state.ready.count > 0;
}

static bool app_is_tail(const struct ordered *o)
{
    return !o->reset && !o->out_over && o->out.state.final_bytes != STREAM_SIZE_UNKNOWN;
}

bool streams_only_tail(const struct streams *s)
{
    size_t tails = 0;

    for (size_t i = 0; i < s->send_count; i++) {
        const struct bulksend *b = s->sends[i];
        const struct sendstate *state = &b->state;

        if (b->reset || state->limit_bytes == 0)
            continue; /* given up, or not accepted yet */
        if (state->final_bytes == STREAM_SIZE_UNKNOWN || state->ready.count > 0)
            return false;
        tails++;
    }
    for (size_t i = 0; i < s->ordered.count; i++) {
        if (app_is_under_way(s->ordered.v[i]))
            return false;
        tails += app_is_tail(s->ordered.v[i]);
    }
    return tails > 0;
}

/* No further than the source goes that it begins in: so its bytes lie in one piece. */
static void cut_to_source(const struct bulksend *b, struct stream_piece *p)
{
    size_t len;

    if (p->len == 0)
        return;
    (void)bulksend_at(b, p->offset, &len);
    if (len < p->len) {
        p->len = len;
        p->fin = false;
    }
}

static enum stream_rank rank_of(const struct ordered *o)
{
    switch (stream_id_priority(o->id)) {
    case PRIORITY_INTERACTIVE:
        return RANK_INTERACTIVE;
    case PRIORITY_NORMAL:
        return RANK_NORMAL;
    case PRIORITY_BACKGROUND:
        return RANK_BACKGROUND;
    }
    return RANK_BACKGROUND;
}

static bool next_of_file(const struct streams *s, const struct bulksend *b, size_t max_len, uint64_t *id,
                         struct stream_piece *out)
{
    bool fresh;

    if (b->reset || !sendstate_next(&b->state, max_len, data_credit(s), out, &fresh))
        return false;
    *id = b->id;
    cut_to_source(b, out);
    return true;
}

static bool next_of_app(const struct streams *s, const struct ordered *o, size_t max_len, uint64_t *id,
                        struct stream_piece *out)
{
    *id = o->id;
    return ordered_next(&s->ordered, o, max_len, out);
}

/* Round robin, a quantum each. */
static bool next_of_rank(struct streams *s, enum stream_rank rank, size_t max_len, uint64_t *id,
                         struct stream_piece *out)
{
    struct stream_turn *turn = &s->turns[rank];
    const size_t files = rank == RANK_NORMAL ? s->send_count : 0;
    const size_t count = files + s->ordered.count;

    for (size_t tried = 0; tried < count; tried++) {
        if (turn->at >= count)
            turn->at = 0;
        const struct ordered *o = turn->at < files ? NULL : s->ordered.v[turn->at - files];
        if (o == NULL && next_of_file(s, s->sends[turn->at], max_len, id, out))
            return true;
        if (o != NULL && rank_of(o) == rank && next_of_app(s, o, max_len, id, out))
            return true;
        *turn = (struct stream_turn){.at = turn->at + 1};
    }
    return false;
}

bool streams_next(struct streams *s, enum stream_class class, size_t max_len, uint64_t *id, struct stream_piece *out)
{
    if (class != CLASS_BULK) {
        *id = s->ordered.fixed[class].id;
        return ordered_next(&s->ordered, &s->ordered.fixed[class], max_len, out);
    }
    for (int rank = 0; rank < STREAM_RANKS; rank++) {
        if (next_of_rank(s, (enum stream_rank)rank, max_len, id, out))
            return true;
    }
    return false;
}

const uint8_t *streams_bytes(const struct streams *s, uint64_t id, const struct stream_piece *p, uint8_t *room)
{
    const struct ordered *o = ordered_find(&s->ordered, id);
    size_t len;

    if (o != NULL)
        return ordered_bytes(o, p, room);
    return p->len > 0 ? bulksend_at(streams_send(s, id), p->offset, &len) : NULL;
}

static void use_turn(struct streams *s, enum stream_rank rank, size_t len)
{
    struct stream_turn *turn = &s->turns[rank];

    turn->bytes += len;
    if (turn->bytes >= STREAMS_QUANTUM_BYTES)
        *turn = (struct stream_turn){.at = turn->at + 1};
}

int streams_sent(struct streams *s, uint64_t id, const struct stream_piece *p)
{
    struct ordered *o = ordered_find(&s->ordered, id);

    if (o != NULL && ordered_is_app(o))
        use_turn(s, rank_of(o), p->len);
    if (o != NULL)
        return ordered_sent(&s->ordered, o, p);
    struct bulksend *b = streams_send(s, id);
    if (b == NULL)
        return 0;
    const uint64_t before = b->state.fresh_bytes;
    const int err = sendstate_sent(&b->state, p);
    s->data_fresh_bytes += b->state.fresh_bytes - before;
    use_turn(s, RANK_NORMAL, p->len);
    return err;
}

int streams_lost(struct streams *s, uint64_t id, const struct stream_piece *p)
{
    struct ordered *o = ordered_find(&s->ordered, id);

    if (o != NULL)
        return ordered_lost(o, p);
    struct bulksend *b = streams_send(s, id);
    return b == NULL || b->reset ? 0 : sendstate_lost(&b->state, p);
}

size_t streams_parked(const struct streams *s)
{
    size_t sum = 0;

    for (size_t i = 0; i < ORDERED_FIXED; i++)
        sum += recvstream_parked(&s->ordered.fixed[i].in);
    return sum;
}

/* ---- credit and ends ---- */

static bool fixed_update(struct streams *s, struct frame *out)
{
    for (size_t i = 0; i < ORDERED_FIXED; i++) {
        struct ordered *o = &s->ordered.fixed[i];

        if (!o->limit_wanted)
            continue;
        o->limit_wanted = false;
        *out = (struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = o->id, .max = o->in.state.limit_bytes};
        return true;
    }
    return false;
}

static bool recv_update(struct bulkrecv *b, struct frame *out)
{
    if (b->stop_wanted) {
        b->stop_wanted = false;
        *out = (struct frame){.type = FRAME_STOP_STREAM, .stream = b->id, .code = b->stop_code};
        return true;
    }
    if (b->limit_wanted) {
        b->limit_wanted = false;
        *out = (struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = b->id, .max = b->state.limit_bytes};
        return true;
    }
    return false;
}

static bool send_update(struct bulksend *b, struct frame *out)
{
    if (!b->reset_wanted)
        return false;
    b->reset_wanted = false;
    *out = (struct frame){.type = FRAME_RESET_STREAM, .stream = b->id};
    out->reset.code = b->reset_code;
    out->reset.final_bytes = b->state.fresh_bytes;
    return true;
}

bool streams_next_update(struct streams *s, struct frame *out)
{
    if (fixed_update(s, out))
        return true;
    if (s->data_limit_wanted) {
        s->data_limit_wanted = false;
        *out = (struct frame){.type = FRAME_MAX_DATA, .max = s->data_granted_bytes};
        return true;
    }
    for (size_t i = 0; i < s->recv_count; i++) {
        if (recv_update(s->recvs[i], out))
            return true;
    }
    for (size_t i = 0; i < s->send_count; i++) {
        if (send_update(s->sends[i], out))
            return true;
    }
    return ordered_next_update(&s->ordered, out);
}

bool streams_update_wanted(const struct streams *s)
{
    bool wanted = s->data_limit_wanted || ordered_update_wanted(&s->ordered);

    for (size_t i = 0; i < ORDERED_FIXED; i++)
        wanted = wanted || s->ordered.fixed[i].limit_wanted;
    for (size_t i = 0; i < s->recv_count; i++)
        wanted = wanted || s->recvs[i]->limit_wanted || s->recvs[i]->stop_wanted;
    for (size_t i = 0; i < s->send_count; i++)
        wanted = wanted || s->sends[i]->reset_wanted;
    return wanted;
}

void streams_update_lost(struct streams *s, enum frame_type type, uint64_t id)
{
    struct bulkrecv *r = streams_recv(s, id);
    struct bulksend *b = streams_send(s, id);

    if (type == FRAME_MAX_DATA)
        s->data_limit_wanted = true;
    else if (type == FRAME_MAX_STREAMS || ordered_find(&s->ordered, id) != NULL)
        ordered_update_lost(&s->ordered, type, id);
    else if (type == FRAME_MAX_STREAM_DATA && r != NULL)
        r->limit_wanted = !r->stopped;
    else if (type == FRAME_STOP_STREAM && r != NULL)
        r->stop_wanted = true;
    else if (type == FRAME_RESET_STREAM && b != NULL)
        b->reset_wanted = true;
}

void streams_max_data(struct streams *s, uint64_t bytes)
{
    if (bytes > s->data_limit_bytes)
        s->data_limit_bytes = bytes;
}

void streams_max_stream_data(struct streams *s, uint64_t id, uint64_t bytes)
{
    struct ordered *o = ordered_find(&s->ordered, id);
    struct bulksend *b = streams_send(s, id);
    uint64_t *limit = o != NULL ? &o->out.state.limit_bytes : b != NULL ? &b->state.limit_bytes : NULL;

    if (limit != NULL && bytes > *limit)
        *limit = bytes;
}

/* Consumed bytes become new credit, told by the same steps as that of a stream. */
static void grant_data(struct streams *s)
{
    const uint64_t limit = s->data_consumed_bytes + s->window.bytes;

    if (limit > s->data_granted_bytes && limit - s->data_granted_bytes >= window_step(&s->window, UINT64_MAX)) {
        s->data_granted_bytes = limit;
        s->data_limit_wanted = true;
    }
}

static void grant_stream(struct streams *s, struct bulkrecv *b)
{
    uint64_t limit;

    recvstate_set_window(&b->state, window_capped(&s->window, b->cap_bytes), window_step(&s->window, b->cap_bytes));
    if (!b->stopped && recvstate_new_limit(&b->state, &limit))
        b->limit_wanted = true;
}

/* ---- bulk ---- */

int streams_open(struct streams *s, uint64_t *id)
{
    if (s->send_count == LIMIT_STREAMS)
        return DUET_EFULL;
    struct bulksend *b = malloc(sizeof(*b));
    if (b == NULL)
        return DUET_ENOMEM;
    *id = stream_id_bulk(s->initiator, s->next_send_index++);
    bulksend_init(b, *id);
    s->sends[s->send_count++] = b;
    return 0;
}

int streams_accept(struct streams *s, uint64_t id, uint64_t cap_bytes)
{
    struct bulkrecv *b = streams_recv(s, id);

    if (b == NULL) {
        if (!stream_id_is_bulk_of(id, !s->initiator) || streams_is_closed(s, id))
            return DUET_EPROTOCOL;
        if (s->recv_count == LIMIT_STREAMS)
            return DUET_EFULL;
        b = malloc(sizeof(*b));
        if (b == NULL)
            return DUET_ENOMEM;
        bulkrecv_init(b, id);
        s->recvs[s->recv_count++] = b;
    }
    b->cap_bytes = cap_bytes;
    grant_stream(s, b);
    grant_data(s);
    return 0;
}

/* Gives a stream's unconsumed bytes back as credit: nobody will ever consume them. */
static void write_off(struct streams *s, struct bulkrecv *b)
{
    s->data_consumed_bytes += b->state.distinct_bytes - b->state.consumed_bytes;
    b->state.consumed_bytes = b->state.distinct_bytes;
    grant_data(s);
}

void streams_settle_recv(struct streams *s, struct bulkrecv *b)
{
    if (b->stopped)
        write_off(s, b);
    if (recvstate_complete(&b->state) && b->state.consumed_bytes == b->state.distinct_bytes)
        streams_close_recv(s, b);
}

int streams_consumed(struct streams *s, uint64_t id, uint64_t bytes, uint64_t rtt_us, duet_time now)
{
    struct bulkrecv *b = streams_recv(s, id);

    if (b == NULL || b->stopped)
        return 0;
    if (bytes > b->state.distinct_bytes - b->state.consumed_bytes)
        return DUET_EINVAL;
    recvstate_consumed(&b->state, bytes);
    s->data_consumed_bytes += bytes;
    if (window_consumed(&s->window, bytes, rtt_us, now)) {
        for (size_t i = 0; i < s->recv_count; i++)
            grant_stream(s, s->recvs[i]);
    }
    grant_stream(s, b);
    grant_data(s);
    streams_settle_recv(s, b);
    return 0;
}

int streams_stop(struct streams *s, uint64_t id, uint64_t code)
{
    struct bulkrecv *b = streams_recv(s, id);

    if (b == NULL)
        return DUET_ENOTFOUND;
    b->stopped = true;
    b->stop_wanted = true;
    b->limit_wanted = false;
    b->stop_code = code;
    streams_settle_recv(s, b);
    return 0;
}

int streams_reset(struct streams *s, uint64_t id, uint64_t code)
{
    struct bulksend *b = streams_send(s, id);

    if (b == NULL)
        return DUET_ENOTFOUND;
    if (b->reset)
        return 0;
    b->reset = true;
    b->reset_wanted = true;
    b->reset_code = code;
    return 0;
}

int streams_check_bulk(const struct streams *s, const struct bulkrecv *b, const struct stream_piece *p, uint64_t *fresh)
{
    const int err = recvstate_check(&b->state, p, fresh);

    if (err != 0)
        return err;
    return s->data_received_bytes + *fresh > s->data_granted_bytes ? DUET_EFLOW : 0;
}

int streams_add_bulk(struct streams *s, struct bulkrecv *b, const struct stream_piece *p, uint64_t fresh)
{
    const int err = recvstate_add(&b->state, p, fresh);

    if (err == 0)
        s->data_received_bytes += fresh;
    return err;
}

int streams_peer_reset(struct streams *s, uint64_t id, uint64_t final_bytes, bool *known)
{
    struct bulkrecv *b = streams_recv(s, id);

    *known = false;
    if (b == NULL) {
        if (stream_id_is_bulk_of(id, !s->initiator))
            remember_closed(s, id); /* given up before it was accepted: too late for that now */
        return 0;
    }
    if (final_bytes < b->state.distinct_bytes || final_bytes > b->state.limit_bytes)
        return DUET_EPROTOCOL;
    *known = !b->stopped;
    /* What was sent and will never arrive used up credit: it goes back as if received and
     * consumed. */
    const uint64_t never = final_bytes - b->state.distinct_bytes;
    s->data_received_bytes += never;
    s->data_consumed_bytes += never;
    write_off(s, b);
    streams_close_recv(s, b);
    return 0;
}

void streams_close_send(struct streams *s, struct bulksend *b)
{
    for (size_t i = 0; i < s->send_count; i++) {
        if (s->sends[i] != b)
            continue;
        s->sends[i] = s->sends[--s->send_count];
        break;
    }
    bulksend_dispose(b);
    free(b);
}

void streams_close_recv(struct streams *s, struct bulkrecv *b)
{
    for (size_t i = 0; i < s->recv_count; i++) {
        if (s->recvs[i] != b)
            continue;
        s->recvs[i] = s->recvs[--s->recv_count];
        break;
    }
    remember_closed(s, b->id);
    bulkrecv_dispose(b);
    free(b);
}
