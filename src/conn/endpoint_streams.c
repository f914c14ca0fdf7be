/*
 * endpoint_streams: the stream operations of endpoint.h: find the connection,
 * do it to its streams, and set its timer and readiness anew.
 */
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "conn/conn_allow.h"
#include "conn/endpoint.h"
#include "conn/endpoint_state.h"

/* NULL: no such stream, or no such connection. */
static struct ordered *find_ordered(const struct conn *c, uint64_t stream)
{
    return c == NULL ? NULL : ordered_find(&c->streams.ordered, stream);
}

ssize_t endpoint_write(struct endpoint *e, conn_id conn, uint64_t stream, const uint8_t *bytes, size_t len,
                       duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct ordered *o = find_ordered(c, stream);

    if (o == NULL)
        return DUET_ENOTFOUND;
    const ssize_t n = ordered_write(o, bytes, len);
    endpoint_update(e, c, now);
    return n;
}

ssize_t endpoint_read(struct endpoint *e, conn_id conn, uint64_t stream, uint8_t *buf, size_t cap, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct ordered *o = find_ordered(c, stream);

    if (o == NULL)
        return DUET_ENOTFOUND;
    const ssize_t n = ordered_read(&c->streams.ordered, o, buf, cap, c->loss.rtt.min_us, now);
    ordered_settle(&c->streams.ordered, o);
    conn_count_parked(c);
    if (n > 0 || streams_update_wanted(&c->streams))
        endpoint_update(e, c, now);
    return n;
}

bool endpoint_flushed(const struct endpoint *e, conn_id conn)
{
    const struct conn *c = endpoint_find_open(e, conn);

    return c == NULL || ordered_flushed(&c->streams.ordered);
}

/* ---- of the application ---- */

/* What the windows of one key may grow to in all: the first session gets it, the second half of it,
 * and so on. */
static uint64_t app_window_bytes(const struct endpoint *e, const struct conn *c)
{
    uint64_t sessions = 0;

    for (size_t i = 0; i < e->count; i++)
        sessions += conn_is_usable(e->all[i]) && memcmp(e->all[i]->peer_key, c->peer_key, sizeof(c->peer_key)) == 0;
    return LIMIT_APP_SUM_MAX_BYTES / num_max(sessions, 1);
}

void endpoint_allow(struct endpoint *e, conn_id conn, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL || c->app_allowed)
        return;
    c->app_allowed = true;
    if ((c->params.features & FEATURE_STREAMS) != 0)
        ordered_allow(&c->streams.ordered, app_window_bytes(e, c));
    endpoint_update(e, c, now);
}

int endpoint_open_stream(struct endpoint *e, conn_id conn, enum stream_priority priority, uint64_t *stream,
                         duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    if ((c->params.features & FEATURE_STREAMS) == 0)
        return DUET_EUNSUPPORTED;
    const int err = ordered_open(&c->streams.ordered, priority, stream);
    endpoint_update(e, c, now);
    return err;
}

int endpoint_finish_stream(struct endpoint *e, conn_id conn, uint64_t stream, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct ordered *o = find_ordered(c, stream);

    if (o == NULL || !ordered_is_app(o))
        return DUET_ENOTFOUND;
    const int err = ordered_finish(o);
    endpoint_update(e, c, now);
    return err;
}

uint64_t endpoint_stream_held(const struct endpoint *e, conn_id conn, uint64_t stream)
{
    const struct ordered *o = find_ordered(endpoint_find_open(e, conn), stream);

    return o == NULL || o->reset || o->out_over ? 0 : o->out.end - o->out.bytes.base;
}

size_t endpoint_datagram_max(const struct endpoint *e, conn_id conn)
{
    const struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL || (c->params.features & FEATURE_DATAGRAMS) == 0)
        return 0;
    return allow_datagram_most(c);
}

int endpoint_send_datagram(struct endpoint *e, conn_id conn, const uint8_t *bytes, size_t len, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    if ((c->params.features & FEATURE_DATAGRAMS) == 0)
        return DUET_EUNSUPPORTED;
    if (len > endpoint_datagram_max(e, conn))
        return DUET_ERANGE;
    const int err = datagrams_push(&c->streams.datagrams, bytes, len);
    endpoint_update(e, c, now);
    return err;
}

/* ---- bulk ---- */

int endpoint_open_bulk(struct endpoint *e, conn_id conn, uint64_t *stream)
{
    struct conn *c = endpoint_find_open(e, conn);

    return c == NULL ? DUET_ENOTFOUND : streams_open(&c->streams, stream);
}

int endpoint_supply(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t offset, const uint8_t *bytes,
                    size_t len, uint64_t cookie, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct bulksend *b = c == NULL ? NULL : streams_send(&c->streams, stream);

    if (b == NULL || b->reset)
        return DUET_ENOTFOUND;
    const struct bulk_source src = {.offset = offset, .bytes = bytes, .len = len, .cookie = cookie};
    const int err = bulksend_supply(b, &src);
    endpoint_update(e, c, now);
    return err;
}

int endpoint_finish(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t final_bytes, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct bulksend *b = c == NULL ? NULL : streams_send(&c->streams, stream);

    if (b == NULL || b->reset)
        return DUET_ENOTFOUND;
    const int err = sendstate_finish(&b->state, final_bytes);
    endpoint_update(e, c, now);
    return err;
}

int endpoint_reset(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    struct ordered *o = find_ordered(c, stream);
    if (o != NULL && ordered_is_app(o)) {
        ordered_reset(o, code);
        endpoint_update(e, c, now);
        return 0;
    }
    const int err = streams_reset(&c->streams, stream, code);
    if (err == 0)
        conn_release_sources(c, streams_send(&c->streams, stream), 0, UINT64_MAX);
    endpoint_update(e, c, now);
    return err;
}

int endpoint_accept_bulk(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t cap_bytes, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    const int err = streams_accept(&c->streams, stream, cap_bytes);
    endpoint_update(e, c, now);
    return err;
}

bool endpoint_may_offer(const struct endpoint *e, conn_id conn, uint64_t stream)
{
    const struct conn *c = endpoint_find_open(e, conn);

    return c == NULL || streams_is_peers_bulk(&c->streams, stream);
}

uint64_t endpoint_recv_window(const struct endpoint *e, conn_id conn)
{
    const struct conn *c = endpoint_find_open(e, conn);

    return c == NULL ? 0 : c->streams.window.bytes;
}

uint64_t endpoint_bulk_limit(const struct endpoint *e, conn_id conn, uint64_t stream)
{
    const struct conn *c = endpoint_find_open(e, conn);
    const struct bulksend *out = c == NULL ? NULL : streams_send(&c->streams, stream);
    const struct bulkrecv *in = c == NULL ? NULL : streams_recv(&c->streams, stream);

    return out != NULL ? out->state.limit_bytes : in != NULL ? in->state.limit_bytes : 0;
}

uint64_t endpoint_bulk_sent(const struct endpoint *e, conn_id conn, uint64_t stream)
{
    const struct conn *c = endpoint_find_open(e, conn);
    const struct bulksend *out = c == NULL ? NULL : streams_send(&c->streams, stream);

    return out == NULL ? 0 : out->state.fresh_bytes;
}

uint64_t endpoint_bulk_acked(const struct endpoint *e, conn_id conn, uint64_t stream)
{
    const struct conn *c = endpoint_find_open(e, conn);
    const struct bulksend *out = c == NULL ? NULL : streams_send(&c->streams, stream);

    return out == NULL ? 0 : out->state.acked_bytes;
}

uint64_t endpoint_acked(const struct endpoint *e, conn_id conn)
{
    const struct conn *c = endpoint_find_open(e, conn);

    return c == NULL ? 0 : c->streams.acked_bytes;
}

int endpoint_consumed(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t bytes, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    const int err = streams_consumed(&c->streams, stream, bytes, c->loss.rtt.min_us, now);
    endpoint_update(e, c, now);
    return err;
}

int endpoint_stop(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    struct ordered *o = find_ordered(c, stream);
    if (o != NULL && ordered_is_app(o)) {
        ordered_stop(&c->streams.ordered, o, code);
        ordered_settle(&c->streams.ordered, o);
        endpoint_update(e, c, now);
        return 0;
    }
    const int err = streams_stop(&c->streams, stream, code);
    endpoint_update(e, c, now);
    return err;
}
