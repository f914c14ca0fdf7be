/*
 * flows: see the header.  A direction is over here once its end was told to the
 * front end, or the front end gave it up; with both a flow is forgotten, but not
 * before what was handed over is consumed: it counts until then.
 */
#include "app/flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"

/* What waits to be written: the messages it came in. */
struct flow_part {
    struct flow_part *next;
    struct blob *bytes;
    size_t done;
};

struct flow {
    uint64_t stream;
    struct flow_part *first, *last;
    uint64_t ahead_bytes; /* handed over and not consumed */
    uint64_t wrote_bytes; /* left, and not told yet */
    bool is_told;         /* the front end knows the stream */
    bool readable;        /* the endpoint may have something */
    bool finish;          /* our end comes behind what waits */
    bool in_over, out_over;
    bool was_reset, was_stopped; /* by the peer, to be told behind what came before */
    uint64_t reset_code, stop_code;
};

static void drop_parts(struct flow *w)
{
    while (w->first != NULL) {
        struct flow_part *p = w->first;

        w->first = p->next;
        free(p->bytes);
        free(p);
    }
    w->last = NULL;
}

void flows_dispose(struct flows *f)
{
    for (size_t i = 0; i < f->count; i++) {
        drop_parts(f->v[i]);
        free(f->v[i]);
    }
    free(f->v);
    *f = (struct flows){0};
}

static struct flow *find_flow(const struct flows *f, uint64_t stream)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->v[i]->stream == stream)
            return f->v[i];
    }
    return NULL;
}

static struct flow *add_flow(struct flows *f, uint64_t stream)
{
    if (f->count == f->cap) {
        const size_t cap = f->cap == 0 ? 4 : 2 * f->cap;
        struct flow **v = realloc(f->v, cap * sizeof(v[0]));

        if (v == NULL)
            return NULL;
        f->v = v;
        f->cap = cap;
    }
    struct flow *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->stream = stream;
    f->v[f->count++] = w;
    f->news = true;
    return w;
}

static void remove_flow(struct flows *f, size_t i)
{
    f->ahead_bytes -= f->v[i]->ahead_bytes;
    drop_parts(f->v[i]);
    free(f->v[i]);
    f->v[i] = f->v[--f->count];
}

static struct notice about(const struct peer *p, const struct flow *w, enum notice_type type)
{
    struct notice m = {.type = type, .peer = p->conn};

    m.stream.stream = w->stream;
    return m;
}

/* ---- from the front end ---- */

static void open_flow(struct flows *f, struct env *env, const struct peer *p, const struct request *m)
{
    struct notice out = {.type = NOTICE_STREAM_OPENED, .peer = p->conn, .opened = {.open = m->open.id}};
    const enum stream_priority priority = m->open.priority;
    const bool is_known = priority >= PRIORITY_INTERACTIVE && priority <= PRIORITY_BACKGROUND;
    uint64_t stream = 0;

    out.opened.err = is_known ? endpoint_open_stream(env->endpoint, p->conn, priority, &stream, env->now) : DUET_EINVAL;
    if (out.opened.err == 0) {
        struct flow *w = add_flow(f, stream);

        if (w == NULL) {
            (void)endpoint_reset(env->endpoint, p->conn, stream, 0, env->now);
            (void)endpoint_stop(env->endpoint, p->conn, stream, 0, env->now);
            out.opened.err = DUET_ENOMEM;
        } else {
            w->is_told = true;
            out.opened.stream = stream;
        }
    }
    env_post(env, out);
}

/* Ends our direction when nothing waits before the end any more. */
static void end_out(struct env *env, const struct peer *p, struct flow *w)
{
    if (!w->finish || w->first != NULL || w->out_over)
        return;
    w->finish = false;
    (void)endpoint_finish_stream(env->endpoint, p->conn, w->stream, env->now);
}

static void write_parts(struct env *env, const struct peer *p, struct flow *w)
{
    while (w->first != NULL && !w->out_over) {
        struct flow_part *part = w->first;
        const ssize_t n = endpoint_write(env->endpoint, p->conn, w->stream, part->bytes->data + part->done,
                                         part->bytes->len - part->done, env->now);

        if (n == DUET_ECLOSED || n == DUET_ENOTFOUND)
            drop_parts(w); /* why, an event says */
        if (n < 0)
            break; /* without memory: again later */
        part->done += (size_t)n;
        w->wrote_bytes += (uint64_t)n;
        if (part->done < part->bytes->len)
            break;
        w->first = part->next;
        free(part->bytes);
        free(part);
    }
    if (w->first == NULL)
        w->last = NULL;
    end_out(env, p, w);
}

static void take_bytes(struct flow *w, struct peer *p, struct request *m)
{
    struct flow_part *part = calloc(1, sizeof(*part));

    if (part == NULL) {
        peer_doom(p, CLOSE_INTERNAL, "out of memory");
        return;
    }
    part->bytes = m->write.blob;
    m->write.blob = NULL;
    if (w->last != NULL)
        w->last->next = part;
    else
        w->first = part;
    w->last = part;
}

static void consumed(struct flows *f, struct flow *w, uint64_t bytes)
{
    const uint64_t n = num_min(bytes, w->ahead_bytes);

    w->ahead_bytes -= n;
    f->ahead_bytes -= n;
}

static void handle_flow(struct flows *f, struct env *env, struct peer *p, struct flow *w, struct request *m)
{
    if (m->type == REQUEST_STREAM_WRITE && !w->out_over && !w->finish && m->write.blob != NULL) {
        take_bytes(w, p, m);
    } else if (m->type == REQUEST_STREAM_FINISH) {
        w->finish = true;
    } else if (m->type == REQUEST_STREAM_RESET && !w->out_over) {
        drop_parts(w);
        w->out_over = true;
        (void)endpoint_reset(env->endpoint, p->conn, w->stream, m->stream.code, env->now);
    } else if (m->type == REQUEST_STREAM_STOP && !w->in_over) {
        w->in_over = true;
        consumed(f, w, UINT64_MAX);
        (void)endpoint_stop(env->endpoint, p->conn, w->stream, m->stream.code, env->now);
    } else if (m->type == REQUEST_STREAM_CONSUMED) {
        consumed(f, w, m->consumed.bytes);
    }
}

/* Which of them a request is about; the union says it in as many ways. */
static uint64_t stream_of(const struct request *m)
{
    return m->type == REQUEST_STREAM_WRITE      ? m->write.stream
           : m->type == REQUEST_STREAM_CONSUMED ? m->consumed.stream
                                                : m->stream.stream;
}

void flows_handle(struct flows *f, struct env *env, struct peer *p, struct request *m)
{
    struct flow *w;

    f->news = true;
    if (m->type == REQUEST_STREAM_OPEN) {
        open_flow(f, env, p, m);
    } else if (m->type == REQUEST_DATAGRAM) {
        /* One that cannot go is lost, as it could have been on its way. */
        if (m->datagram.blob != NULL)
            (void)endpoint_send_datagram(env->endpoint, p->conn, m->datagram.blob->data, m->datagram.blob->len,
                                         env->now);
    } else if ((w = find_flow(f, stream_of(m))) != NULL) {
        handle_flow(f, env, p, w, m);
    }
}

/* ---- from the endpoint ---- */

static void datagram_came(struct flows *f, struct env *env, struct peer *p, const struct endpoint_event *ev)
{
    const bool is_full = f->datagrams == FLOWS_DATAGRAMS || f->datagram_bytes + ev->extent.len > FLOWS_DATAGRAM_BYTES;
    struct blob *bytes = is_full ? NULL : blob_new(ev->extent.data, ev->extent.len);

    if (bytes == NULL) {
        f->datagrams_dropped++;
        return;
    }
    env_post(env, (struct notice){
                      .type = NOTICE_DATAGRAM,
                      .peer = p->conn,
                      .datagram = {.blob = bytes, .bytes = (uint32_t)ev->extent.len, .missed = f->datagrams_dropped}});
    f->datagrams_dropped = 0;
    f->datagrams++;
    f->datagram_bytes += ev->extent.len;
}

void flows_took_datagram(struct flows *f, size_t len)
{
    f->datagrams--;
    f->datagram_bytes -= len;
}

void flows_event(struct flows *f, struct env *env, struct peer *p, const struct endpoint_event *ev)
{
    if (ev->type == EVENT_DATAGRAM) {
        datagram_came(f, env, p, ev);
        return;
    }
    struct flow *w = find_flow(f, ev->stream);

    if (w == NULL && ev->type == EVENT_OPENED) {
        w = add_flow(f, ev->stream);
        if (w == NULL)
            peer_doom(p, CLOSE_INTERNAL, "out of memory");
        return;
    }
    f->news = true;
    if (w == NULL)
        return; /* the front end has done with it */
    if (ev->type == EVENT_READABLE) {
        w->readable = true;
    } else if (ev->type == EVENT_RESET) {
        w->was_reset = true;
        w->reset_code = ev->code;
    } else if (ev->type == EVENT_STOPPED) {
        w->was_stopped = true;
        w->stop_code = ev->code;
    } else if (ev->type == EVENT_SENT && !w->out_over) {
        w->out_over = true;
        env_post(env, about(p, w, NOTICE_STREAM_SENT));
    }
}

/* ---- moving on ---- */

/* One message of what has come; false: there is none, or no room for it. */
static bool read_once(struct flows *f, struct env *env, struct peer *p, struct flow *w)
{
    const uint64_t room = num_min(FLOW_AHEAD_BYTES - w->ahead_bytes, FLOWS_AHEAD_BYTES - f->ahead_bytes);

    if (!w->readable || w->in_over || room == 0 || env_ui_is_long(env) || p->doomed)
        return false;
    const size_t cap = (size_t)num_min(room, FLOW_DATA_BYTES);
    struct blob *bytes = blob_new(NULL, cap);

    if (bytes == NULL) {
        peer_doom(p, CLOSE_INTERNAL, "out of memory");
        return false;
    }
    const ssize_t n = endpoint_read(env->endpoint, p->conn, w->stream, bytes->data, cap, env->now);

    if (n <= 0) {
        free(bytes);
        w->readable = false;
        if (n == DUET_EEOF) {
            w->in_over = true;
            env_post(env, about(p, w, NOTICE_STREAM_ENDED));
        }
        return false;
    }
    bytes = blob_trim(bytes, (size_t)n); /* what is counted is what is held, however little comes at once */
    w->ahead_bytes += (uint64_t)n;
    f->ahead_bytes += (uint64_t)n;
    struct notice data = about(p, w, NOTICE_STREAM_DATA);

    data.data.blob = bytes;
    env_post(env, data);
    return true;
}

static void tell_flow(struct env *env, const struct peer *p, struct flow *w)
{
    if (!w->is_told) {
        w->is_told = true;
        env_post(env, about(p, w, NOTICE_STREAM_OPENED));
    }
    if (w->wrote_bytes > 0) {
        struct notice wrote = about(p, w, NOTICE_STREAM_WROTE);

        wrote.wrote.bytes = w->wrote_bytes;
        w->wrote_bytes = 0;
        env_post(env, wrote);
    }
    if (w->was_stopped && !w->out_over) {
        struct notice stopped = about(p, w, NOTICE_STREAM_STOPPED);

        stopped.stream.code = w->stop_code;
        w->out_over = true;
        drop_parts(w);
        env_post(env, stopped);
    }
    if (w->was_reset && !w->in_over) {
        struct notice reset = about(p, w, NOTICE_STREAM_BROKEN);

        reset.stream.code = w->reset_code;
        w->in_over = true;
        env_post(env, reset);
    }
}

static void tell_datagram_most(struct flows *f, struct env *env, const struct peer *p)
{
    const size_t most = endpoint_datagram_max(env->endpoint, p->conn);

    if (most == f->datagram_most)
        return;
    f->datagram_most = most;
    env_post(env, (struct notice){.type = NOTICE_DATAGRAM_MOST, .peer = p->conn, .most = {.bytes = most}});
}

/* A message of each by turns: who says most must not be the only one heard. */
static void read_flows(struct flows *f, struct env *env, struct peer *p)
{
    const size_t first = f->next++;
    bool more = f->count > 0;

    while (more) {
        more = false;
        for (size_t i = 0; i < f->count; i++)
            more = read_once(f, env, p, f->v[(first + i) % f->count]) || more;
    }
}

void flows_pump(struct flows *f, struct env *env, struct peer *p)
{
    tell_datagram_most(f, env, p);
    if (!f->news)
        return;
    f->news = false;
    for (size_t i = 0; i < f->count; i++) {
        write_parts(env, p, f->v[i]);
        tell_flow(env, p, f->v[i]);
    }
    read_flows(f, env, p);
    for (size_t i = f->count; i-- > 0;) {
        f->news = f->news || (f->v[i]->readable && env_ui_is_long(env));
        if (f->v[i]->in_over && f->v[i]->out_over && f->v[i]->ahead_bytes == 0)
            remove_flow(f, i);
    }
}

bool flows_rest(const struct flows *f)
{
    return !f->news;
}

bool flows_written(const struct flows *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->v[i]->first != NULL)
            return false;
    }
    return true;
}
