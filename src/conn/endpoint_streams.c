/*
 * endpoint_streams: the stream operations of endpoint.h: find the connection,
 * do it to its streams, and set its timer and readiness anew.
 */
#include "base/err.h"
#include "conn/endpoint.h"
#include "conn/endpoint_state.h"

ssize_t endpoint_write(struct endpoint *e, conn_id conn, uint64_t stream, const uint8_t *bytes, size_t len,
                       duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    const int index = streams_ordered_index(stream);
    if (c == NULL || index < 0)
        return DUET_ENOTFOUND;
    const ssize_t n = sendstream_write(&c->streams.out[index], bytes, len);
    endpoint_update(e, c, now);
    return n;
}

ssize_t endpoint_read(struct endpoint *e, conn_id conn, uint64_t stream, uint8_t *buf, size_t cap, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    const int index = streams_ordered_index(stream);
    if (c == NULL || index < 0)
        return DUET_ENOTFOUND;
    const size_t n = streams_read(&c->streams, (size_t)index, buf, cap);
    conn_count_parked(c);
    if (n > 0 || streams_update_wanted(&c->streams))
        endpoint_update(e, c, now);
    return (ssize_t)n;
}

bool endpoint_flushed(const struct endpoint *e, conn_id conn)
{
    const struct conn *c = endpoint_find_open(e, conn);
    for (size_t i = 0; c != NULL && i < STREAMS_ORDERED; i++) {
        if (!sendstream_flushed(&c->streams.out[i]))
            return false;
    }
    return true;
}

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
    const int rc = bulksend_supply(b, &src);
    endpoint_update(e, c, now);
    return rc;
}

int endpoint_finish(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t final_bytes, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    struct bulksend *b = c == NULL ? NULL : streams_send(&c->streams, stream);
    if (b == NULL || b->reset)
        return DUET_ENOTFOUND;
    const int rc = sendstate_finish(&b->state, final_bytes);
    endpoint_update(e, c, now);
    return rc;
}

int endpoint_reset(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    if (c == NULL)
        return DUET_ENOTFOUND;
    const int rc = streams_reset(&c->streams, stream, code);
    if (rc == 0)
        conn_release_sources(c, streams_send(&c->streams, stream), 0, UINT64_MAX);
    endpoint_update(e, c, now);
    return rc;
}

int endpoint_accept_bulk(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t cap_bytes, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    if (c == NULL)
        return DUET_ENOTFOUND;
    const int rc = streams_accept(&c->streams, stream, cap_bytes);
    endpoint_update(e, c, now);
    return rc;
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
    const int rc = streams_consumed(&c->streams, stream, bytes, c->loss.rtt.min_us, now);
    endpoint_update(e, c, now);
    return rc;
}

int endpoint_stop(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);
    if (c == NULL)
        return DUET_ENOTFOUND;
    const int rc = streams_stop(&c->streams, stream, code);
    endpoint_update(e, c, now);
    return rc;
}
