/*
 * ordered: see the header.  A half (direction) that has ended keeps no bytes;
 * what the sums count of it stays counted when the stream is gone.
 */
#include "stream/ordered.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/num.h"

/* A peer that has fewer left than this to open is told of more as soon as there are. */
#define STREAMS_LEFT_FEW (LIMIT_APP_STREAMS / 2)

static void init_fixed(struct ordered *o, uint64_t id)
{
    *o = (struct ordered){.id = id};
    sendstream_init(&o->out, LIMIT_STREAM_WINDOW_BYTES, LIMIT_STREAM_FIRST_BYTES);
    recvstream_init(&o->in, LIMIT_STREAM_WINDOW_BYTES, LIMIT_STREAM_FIRST_BYTES, LIMIT_ORDERED_RANGES);
}

void ordered_init(struct ordered_table *t, bool initiator)
{
    *t = (struct ordered_table){.initiator = initiator};
    init_fixed(&t->fixed[0], STREAM_CONTROL);
    init_fixed(&t->fixed[1], STREAM_CHAT);
    extents_init(&t->opened, LIMIT_APP_STREAMS + 1);
    window_init(&t->window, LIMIT_APP_SUM_FIRST_BYTES, LIMIT_APP_SUM_FIRST_BYTES);
}

static void dispose_stream(struct ordered *o)
{
    sendstream_dispose(&o->out);
    recvstream_dispose(&o->in);
}

void ordered_dispose(struct ordered_table *t)
{
    for (size_t i = 0; i < ORDERED_FIXED; i++)
        dispose_stream(&t->fixed[i]);
    for (size_t i = 0; i < t->count; i++) {
        dispose_stream(t->v[i]);
        free(t->v[i]);
    }
    free(t->v);
    t->v = NULL;
    t->count = t->cap = 0;
    extents_dispose(&t->opened);
}

struct ordered *ordered_find(const struct ordered_table *t, uint64_t id)
{
    for (size_t i = 0; i < ORDERED_FIXED; i++) {
        if (t->fixed[i].id == id)
            return (struct ordered *)&t->fixed[i];
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->v[i]->id == id)
            return t->v[i];
    }
    return NULL;
}

/* A new one of the application at the end of the table; NULL: out of memory. */
static struct ordered *add_stream(struct ordered_table *t, uint64_t id)
{
    if (t->count == t->cap) {
        const size_t cap = t->cap == 0 ? 4 : 2 * t->cap;
        struct ordered **v = realloc(t->v, cap * sizeof(v[0]));

        if (v == NULL)
            return NULL;
        t->v = v;
        t->cap = cap;
    }
    struct ordered *o = calloc(1, sizeof(*o));

    if (o == NULL)
        return NULL;
    o->id = id;
    o->is_ours = stream_id_is_by_initiator(id) == t->initiator;
    sendstream_init(&o->out, LIMIT_APP_SUM_MAX_BYTES, LIMIT_APP_FIRST_BYTES);
    sendstream_bound(&o->out, ORDERED_UNSENT_BYTES, ORDERED_ROOM_BYTES);
    recvstream_init(&o->in, LIMIT_APP_SUM_MAX_BYTES, LIMIT_APP_FIRST_BYTES, LIMIT_APP_RANGES);
    o->in.is_open = true;
    /* Each runs empty with every train; ordered_trim takes the memory when nothing moves. */
    ring_keep(&o->out.bytes, SIZE_MAX);
    ring_keep(&o->in.bytes, SIZE_MAX);
    t->v[t->count++] = o;
    return o;
}

/* ---- what the peer is allowed ---- */

static void grant_streams(struct ordered_table *t)
{
    const uint64_t may = t->theirs_over + LIMIT_APP_STREAMS;
    const uint64_t left = t->granted_streams - t->theirs_over - t->theirs_open;

    if (!t->allowed || may <= t->granted_streams || left >= STREAMS_LEFT_FEW)
        return;
    t->granted_streams = may;
    t->limits_wanted = true;
}

static void grant_sum(struct ordered_table *t)
{
    const uint64_t may = t->consumed_bytes + t->window.bytes;

    if (!t->allowed || may <= t->granted_bytes || may - t->granted_bytes < window_step(&t->window, UINT64_MAX))
        return;
    t->granted_bytes = may;
    t->limits_wanted = true;
}

static void grant_stream(const struct ordered_table *t, struct ordered *o)
{
    uint64_t limit;

    if (o->stopped || o->in_over)
        return;
    recvstate_set_window(&o->in.state, t->window.bytes, window_step(&t->window, UINT64_MAX));
    if (recvstate_new_limit(&o->in.state, &limit))
        o->limit_wanted = true;
}

void ordered_allow(struct ordered_table *t, uint64_t max_bytes)
{
    if (t->allowed)
        return;
    t->allowed = true;
    t->window.max_bytes = num_max(max_bytes, LIMIT_APP_SUM_FIRST_BYTES);
    grant_streams(t);
    grant_sum(t);
}

/* ---- sending ---- */

int ordered_open(struct ordered_table *t, enum stream_priority priority, uint64_t *id)
{
    if (t->ours_open == LIMIT_APP_STREAMS)
        return DUET_EFULL;
    struct ordered *o = add_stream(t, stream_id_app(t->initiator, priority, t->opened_ours + 1));

    if (o == NULL)
        return DUET_ENOMEM;
    sendstate_announce(&o->out.state);
    t->opened_ours++;
    t->ours_open++;
    *id = o->id;
    return 0;
}

static bool has_ended(const struct ordered *o)
{
    return o->reset || o->out_over || o->out.state.final_bytes != STREAM_SIZE_UNKNOWN;
}

ssize_t ordered_write(struct ordered *o, const uint8_t *bytes, size_t len)
{
    return has_ended(o) ? DUET_ECLOSED : sendstream_write(&o->out, bytes, len);
}

int ordered_finish(struct ordered *o)
{
    return has_ended(o) ? DUET_ECLOSED : sendstate_finish(&o->out.state, o->out.end);
}

void ordered_reset(struct ordered *o, uint64_t code)
{
    if (o->reset || o->out_over)
        return;
    o->reset = true;
    o->reset_wanted = true;
    o->reset_code = code;
    sendstream_dispose(&o->out);
}

bool ordered_has_room(struct ordered *o)
{
    return !has_ended(o) && sendstream_has_room(&o->out);
}

bool ordered_may_leave(const struct ordered_table *t, const struct ordered *o)
{
    return !o->is_ours || stream_id_app_index(o->id) <= t->may_open;
}

bool ordered_next(const struct ordered_table *t, const struct ordered *o, size_t max_len, struct stream_piece *out)
{
    bool fresh;

    if (!ordered_is_app(o))
        return sendstate_next(&o->out.state, max_len, UINT64_MAX, out, &fresh);
    const uint64_t credit = t->may_send > t->sent_bytes ? t->may_send - t->sent_bytes : 0;

    if (o->reset || o->out_over || !ordered_may_leave(t, o) ||
        !sendstate_next(&o->out.state, max_len, credit, out, &fresh))
        return false;
    size_t len = out->len;

    if (len > 0)
        (void)ring_at(&o->out.bytes, out->offset, &len);
    out->fin = out->fin && len == out->len;
    out->len = len;
    return true;
}

const uint8_t *ordered_bytes(const struct ordered *o, const struct stream_piece *p, uint8_t *room)
{
    size_t len = p->len;

    if (len == 0)
        return NULL;
    if (ordered_is_app(o))
        return ring_at(&o->out.bytes, p->offset, &len);
    sendstream_copy(&o->out, p, room);
    return NULL;
}

int ordered_sent(struct ordered_table *t, struct ordered *o, const struct stream_piece *p)
{
    const uint64_t before = o->out.state.fresh_bytes;
    const int err = sendstate_sent(&o->out.state, p);

    if (ordered_is_app(o))
        t->sent_bytes += o->out.state.fresh_bytes - before;
    return err;
}

int ordered_lost(struct ordered *o, const struct stream_piece *p)
{
    return o->reset || o->out_over ? 0 : sendstate_lost(&o->out.state, p);
}

int ordered_acked(struct ordered *o, const struct stream_piece *p, bool *writable, bool *done)
{
    *writable = *done = false;
    if (o->reset || o->out_over)
        return 0;
    const int err = sendstream_acked(&o->out, p, writable);

    if (err != 0)
        return err;
    *writable = *writable && !has_ended(o);
    *done = sendstate_done(&o->out.state);
    if (*done) {
        o->out_over = true;
        sendstream_dispose(&o->out);
    }
    return 0;
}

void ordered_reset_acked(struct ordered *o)
{
    o->out_over = true;
}

/* ---- receiving ---- */

static int open_theirs(struct ordered_table *t, uint64_t id, struct ordered **out)
{
    const uint64_t index = stream_id_app_index(id);

    if (index > t->granted_streams)
        return DUET_EFLOW;
    if (extents_covers(&t->opened, index, index + 1))
        return 0; /* over */
    const int err = extents_add(&t->opened, index, index + 1);

    if (err != 0)
        return err;
    *out = add_stream(t, id);
    if (*out == NULL) {
        (void)extents_remove(&t->opened, index, index + 1);
        return DUET_ENOMEM;
    }
    t->theirs_open++;
    return 0;
}

int ordered_named(struct ordered_table *t, uint64_t id, struct ordered **out, bool *is_new)
{
    *is_new = false;
    *out = ordered_find(t, id);
    if (*out != NULL)
        return 0;
    if (!stream_id_is_app(id))
        return DUET_EPROTOCOL;
    if (stream_id_is_by_initiator(id) == t->initiator)
        return stream_id_app_index(id) > t->opened_ours ? DUET_EPROTOCOL : 0;
    const int err = open_theirs(t, id, out);

    *is_new = *out != NULL;
    return err;
}

/* So far the peer has come on this stream: the sum knows. */
static void count_to(struct ordered_table *t, struct ordered *o, uint64_t end)
{
    if (end <= o->highest)
        return;
    t->received_bytes += end - o->highest;
    o->highest = end;
}

/* Would so far be too far, for the stream or for all? */
static bool is_beyond(const struct ordered_table *t, const struct ordered *o, uint64_t end)
{
    const uint64_t more = end > o->highest ? end - o->highest : 0;

    return end > o->in.state.limit_bytes || t->received_bytes + more > t->granted_bytes;
}

/* Nobody will read any more of what has come: its credit goes back. */
static void write_off(struct ordered_table *t, struct ordered *o)
{
    t->consumed_bytes += o->highest - o->counted;
    o->counted = o->highest;
    recvstream_dispose(&o->in);
    grant_sum(t);
}

static void end_in(struct ordered_table *t, struct ordered *o)
{
    o->in_over = true;
    o->stop_wanted = o->limit_wanted = false;
    write_off(t, o);
}

/* Of a stopped one only its size counts. */
static int push_stopped(struct ordered_table *t, struct ordered *o, const struct stream_piece *p)
{
    const uint64_t end = p->offset + p->len;

    if (p->fin && end < o->highest)
        return DUET_EPROTOCOL;
    count_to(t, o, end);
    if (p->fin)
        end_in(t, o);
    else
        write_off(t, o);
    return 0;
}

int ordered_push(struct ordered_table *t, struct ordered *o, const struct stream_piece *p, const uint8_t *data,
                 bool *readable)
{
    const uint64_t end = p->offset + p->len;

    *readable = false;
    if (!ordered_is_app(o))
        return recvstream_push(&o->in, p, data, readable);
    if (o->in_over)
        return 0;
    if (is_beyond(t, o, end))
        return DUET_EFLOW;
    if (o->stopped)
        return push_stopped(t, o, p);
    const int err = recvstream_push(&o->in, p, data, readable);

    if (err == 0)
        count_to(t, o, end);
    return err;
}

static ssize_t read_fixed(struct ordered *o, uint8_t *buf, size_t cap)
{
    uint64_t limit;

    recvstream_open(&o->in);
    const size_t n = recvstream_read(&o->in, buf, cap);

    if (recvstate_new_limit(&o->in.state, &limit))
        o->limit_wanted = true;
    return (ssize_t)n;
}

static void consume(struct ordered_table *t, struct ordered *o, uint64_t bytes, uint64_t rtt_us, duet_time now)
{
    o->counted += bytes;
    t->consumed_bytes += bytes;
    if (window_consumed(&t->window, bytes, rtt_us, now)) {
        for (size_t i = 0; i < t->count; i++)
            grant_stream(t, t->v[i]);
    }
    grant_stream(t, o);
    grant_sum(t);
}

ssize_t ordered_read(struct ordered_table *t, struct ordered *o, uint8_t *buf, size_t cap, uint64_t rtt_us,
                     duet_time now)
{
    if (!ordered_is_app(o))
        return read_fixed(o, buf, cap);
    if (o->stopped || o->in_over)
        return DUET_ECLOSED;
    const size_t n = recvstream_read(&o->in, buf, cap);

    if (n > 0) {
        consume(t, o, n, rtt_us, now);
        return (ssize_t)n;
    }
    if (!recvstream_is_read(&o->in))
        return 0;
    end_in(t, o);
    return DUET_EEOF;
}

void ordered_stop(struct ordered_table *t, struct ordered *o, uint64_t code)
{
    if (o->stopped || o->in_over)
        return;
    if (recvstate_complete(&o->in.state)) {
        end_in(t, o); /* all of it is here: there is nothing to ask the peer for */
        return;
    }
    o->stopped = o->stop_wanted = true;
    o->stop_code = code;
    o->limit_wanted = false;
    write_off(t, o);
}

int ordered_peer_reset(struct ordered_table *t, struct ordered *o, uint64_t final_bytes, bool *is_news)
{
    *is_news = false;
    if (o->in_over)
        return 0;
    if (final_bytes < o->highest ||
        (o->in.state.final_bytes != STREAM_SIZE_UNKNOWN && final_bytes != o->in.state.final_bytes))
        return DUET_EPROTOCOL;
    if (is_beyond(t, o, final_bytes))
        return DUET_EFLOW;
    *is_news = !o->stopped;
    count_to(t, o, final_bytes);
    end_in(t, o);
    return 0;
}

/* ---- both ---- */

void ordered_settle(struct ordered_table *t, struct ordered *o)
{
    if (!ordered_is_app(o) || !o->out_over || !o->in_over)
        return;
    for (size_t i = 0; i < t->count; i++) {
        if (t->v[i] == o) {
            t->v[i] = t->v[--t->count];
            break;
        }
    }
    if (o->is_ours) {
        t->ours_open--;
    } else {
        t->theirs_open--;
        t->theirs_over++;
        grant_streams(t);
    }
    dispose_stream(o);
    free(o);
}

static bool stream_update(struct ordered *o, struct frame *out)
{
    if (o->stop_wanted) {
        o->stop_wanted = false;
        *out = (struct frame){.type = FRAME_STOP_STREAM, .stream = o->id, .code = o->stop_code};
        return true;
    }
    if (o->reset_wanted) {
        o->reset_wanted = false;
        *out = (struct frame){.type = FRAME_RESET_STREAM, .stream = o->id};
        out->reset.code = o->reset_code;
        out->reset.final_bytes = o->out.state.fresh_bytes;
        return true;
    }
    if (!o->limit_wanted)
        return false;
    o->limit_wanted = false;
    *out = (struct frame){.type = FRAME_MAX_STREAM_DATA, .stream = o->id, .max = o->in.state.limit_bytes};
    return true;
}

bool ordered_next_update(struct ordered_table *t, struct frame *out)
{
    if (t->limits_wanted) {
        t->limits_wanted = false;
        *out = (struct frame){.type = FRAME_MAX_STREAMS, .allowed = {t->granted_streams, t->granted_bytes}};
        return true;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (ordered_may_leave(t, t->v[i]) && stream_update(t->v[i], out))
            return true;
    }
    return false;
}

bool ordered_update_wanted(const struct ordered_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct ordered *o = t->v[i];

        if ((o->stop_wanted || o->reset_wanted || o->limit_wanted) && ordered_may_leave(t, o))
            return true;
    }
    return t->limits_wanted;
}

void ordered_update_lost(struct ordered_table *t, enum frame_type type, uint64_t id)
{
    struct ordered *o = ordered_find(t, id);

    if (type == FRAME_MAX_STREAMS)
        t->limits_wanted = true;
    else if (o == NULL)
        return;
    else if (type == FRAME_MAX_STREAM_DATA)
        o->limit_wanted = !o->stopped && !o->in_over;
    else if (type == FRAME_STOP_STREAM)
        o->stop_wanted = !o->in_over;
    else if (type == FRAME_RESET_STREAM)
        o->reset_wanted = !o->out_over;
}

void ordered_allowed(struct ordered_table *t, uint64_t streams, uint64_t bytes)
{
    t->may_open = num_max(t->may_open, streams);
    t->may_send = num_max(t->may_send, bytes);
}

bool ordered_flushed(const struct ordered_table *t)
{
    for (size_t i = 0; i < ORDERED_FIXED; i++) {
        if (!sendstream_flushed(&t->fixed[i].out))
            return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        const struct ordered *o = t->v[i];

        if (!o->reset && !o->out_over && !sendstream_flushed(&o->out))
            return false;
    }
    return true;
}

void ordered_trim(struct ordered_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        sendstream_trim(&t->v[i]->out);
        recvstream_trim(&t->v[i]->in);
    }
}
