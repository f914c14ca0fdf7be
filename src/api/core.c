/*
 * core.h over conn/endpoint: arguments are looked at here, so that nothing a caller hands in meets an assert.
 */
#include <duet/core.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "conn/endpoint.h"
#include "crypto/aead.h"
#include "io/sockaddr.h"
#include "recovery/cc.h"
#include "wire/limits.h"
#include "wire/stream_id.h"

#define APPLICATION_CODES 0x100                              /* PROTOCOL.md §4.2 */
#define CONFIG_LEAST offsetof(struct duet_core_config, seed) /* nobody can have had less than the key */

_Static_assert(DUET_CORE_PACKET_BYTES == LIMIT_PACKET_MAX_BYTES, "as on the wire");
_Static_assert((int)DUET_PRIORITY_INTERACTIVE == (int)PRIORITY_INTERACTIVE &&
                   (int)DUET_PRIORITY_NORMAL == (int)PRIORITY_NORMAL &&
                   (int)DUET_PRIORITY_BACKGROUND == (int)PRIORITY_BACKGROUND,
               "as on the wire");

struct duet_core {
    struct endpoint *endpoint;
    struct endpoint_event event; /* the one told last: what duet_core_event points to */
    struct duet_core_event out;
};

/* ---- configuration ---- */

static struct duet_core_config defaults(void)
{
    return (struct duet_core_config){
        .size = sizeof(struct duet_core_config),
        .heartbeat_us = HEARTBEAT_DEFAULT_US,
        .lost_us = LOST_DEFAULT_US,
        .connect_timeout_us = UINT64_C(30000000),
    };
}

void duet_core_config_init(struct duet_core_config *config, size_t size)
{
    const struct duet_core_config full = defaults();

    if (config == NULL)
        return;
    memset(config, 0, size);
    memcpy(config, &full, size < sizeof(full) ? size : sizeof(full));
    if (size >= sizeof(config->size))
        config->size = size;
}

static int read_config(const struct duet_core_config *from, struct duet_core_config *out)
{
    *out = defaults();
    if (from == NULL || from->size < CONFIG_LEAST)
        return DUET_EINVAL;
    for (size_t at = sizeof(*out); at < from->size; at++)
        if (((const uint8_t *)from)[at] != 0)
            return DUET_EUNSUPPORTED;
    memcpy(out, from, from->size < sizeof(*out) ? from->size : sizeof(*out));
    if (out->secret_key == NULL || (out->name != NULL && strnlen(out->name, DUET_NAME_BYTES + 1) > DUET_NAME_BYTES))
        return DUET_EINVAL;
    return 0;
}

static int endpoint_config_of(const struct duet_core_config *c, struct endpoint_config *out)
{
    *out = (struct endpoint_config){
        .params = params_default(),
        .cc = c->cc,
        .accept = !c->refuse_calls,
        .connect_timeout_us = c->connect_timeout_us,
        .limit_bytes_per_s = c->limit_bytes_per_s,
    };
    memcpy(out->identity.secret, c->secret_key, NOISE_KEY_BYTES);
    noise_public(out->identity.public, out->identity.secret);
    if (c->shared_secret != NULL)
        memcpy(out->psk, c->shared_secret, sizeof(out->psk));
    if (c->seed != NULL)
        memcpy(out->seed, c->seed, sizeof(out->seed));
    else
        randombytes_buf(out->seed, sizeof(out->seed));
    if (c->name != NULL)
        memcpy(out->name, c->name, strlen(c->name));
    if (c->max_packet_bytes != 0)
        out->params.max_packet_bytes = (uint32_t)(c->max_packet_bytes <= UINT32_MAX ? c->max_packet_bytes : 0);
    out->params.heartbeat_us = c->heartbeat_us;
    out->params.lost_us = c->lost_us;
    out->params.features = FEATURE_STREAMS | FEATURE_DATAGRAMS;
    out->params.suites = aead_suites();
    out->params.prefer = aead_prefers_aes() ? SUITE_AES128GCM : SUITE_CHACHA20POLY1305;
    return params_check(&out->params) == 0 ? 0 : DUET_EINVAL;
}

static bool controller_exists(const char *name)
{
    const char *known;

    for (unsigned i = 0; name != NULL && (known = cc_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return name == NULL;
}

int duet_core_new(const struct duet_core_config *config, uint64_t now_us, struct duet_core **out)
{
    struct duet_core_config c;
    struct endpoint_config endpoint;

    if (out == NULL)
        return DUET_EINVAL;
    *out = NULL;
    if (sodium_init() < 0)
        return DUET_ESYS;
    int err = read_config(config, &c);

    if (err == 0 && !controller_exists(c.cc))
        err = DUET_ENOTFOUND;
    if (err == 0)
        err = endpoint_config_of(&c, &endpoint);
    struct duet_core *core = err == 0 ? calloc(1, sizeof(*core)) : NULL;

    if (core != NULL)
        core->endpoint = endpoint_new(&endpoint, DUET_TIME(now_us));
    sodium_memzero(&endpoint, sizeof(endpoint)); /* also where it was refused: it has the secret key by then */
    if (core == NULL || core->endpoint == NULL) {
        free(core);
        return err != 0 ? err : DUET_ENOMEM;
    }
    *out = core;
    return 0;
}

void duet_core_free(struct duet_core *core)
{
    if (core != NULL)
        endpoint_free(core->endpoint);
    free(core);
}

/* ---- addresses ---- */

int duet_addr_from_sockaddr(const struct sockaddr *from, socklen_t bytes, struct duet_addr *out)
{
    union sockaddr_any sa = {.any = {.sa_family = AF_UNSPEC}};

    if (from == NULL || out == NULL)
        return DUET_EINVAL;
    memcpy(&sa, from, bytes < sizeof(sa) ? bytes : sizeof(sa));
    const size_t needed = sa.any.sa_family == AF_INET ? sizeof(sa.v4) : sizeof(sa.v6);

    return bytes >= needed && sockaddr_decode(&sa, out) ? 0 : DUET_EUNSUPPORTED;
}

int duet_addr_to_sockaddr(const struct duet_addr *addr, int family, struct sockaddr_storage *out)
{
    union sockaddr_any sa;

    if (addr == NULL || out == NULL || (family != AF_INET && family != AF_INET6))
        return DUET_EINVAL;
    const socklen_t len = sockaddr_encode(addr, family, &sa);

    if (len == 0)
        return DUET_EUNSUPPORTED;
    memset(out, 0, sizeof(*out));
    memcpy(out, &sa, len);
    return (int)len;
}

static bool is_address(const struct duet_addr *addr)
{
    return addr != NULL && (addr->family == ADDR_V4 || addr->family == ADDR_V6);
}

/* ---- what arrives and what leaves ---- */

int duet_core_recv(struct duet_core *core, const struct duet_envelope *envelope, void *datagrams, size_t bytes,
                   size_t segment_bytes, uint64_t now_us)
{
    if (core == NULL || envelope == NULL || datagrams == NULL || bytes == 0 || segment_bytes == 0 ||
        !is_address(&envelope->peer))
        return DUET_EINVAL;
    const struct envelope outside = {
        .route = {.peer = envelope->peer, .local = envelope->local},
        .ecn = envelope->ecn & ENVELOPE_ECN_MASK,
    };

    return endpoint_recv(core->endpoint, &outside, datagrams, bytes, segment_bytes, DUET_TIME(now_us));
}

ssize_t duet_core_send(struct duet_core *core, struct duet_envelope *envelope, void *out, size_t cap,
                       size_t *segment_bytes, uint64_t now_us)
{
    struct envelope outside = {.ecn = 0};

    if (core == NULL || envelope == NULL || out == NULL || segment_bytes == NULL || cap < LIMIT_PACKET_MIN_BYTES)
        return DUET_EINVAL;
    const ssize_t len = endpoint_send(core->endpoint, &outside, out, cap, segment_bytes, DUET_TIME(now_us));

    envelope->peer = outside.route.peer;
    envelope->local = outside.route.local;
    envelope->ecn = outside.ecn;
    return len;
}

int duet_core_too_big(struct duet_core *core, const struct duet_addr *to, size_t bytes, uint64_t now_us)
{
    if (core == NULL || !is_address(to) || bytes == 0 || bytes > LIMIT_PACKET_MAX_BYTES)
        return DUET_EINVAL;
    endpoint_too_big(core->endpoint, to, bytes, 0, DUET_TIME(now_us));
    return 0;
}

uint64_t duet_core_deadline(const struct duet_core *core)
{
    return core != NULL ? endpoint_deadline(core->endpoint).us : UINT64_MAX;
}

int duet_core_tick(struct duet_core *core, uint64_t now_us)
{
    if (core == NULL)
        return DUET_EINVAL;
    endpoint_tick(core->endpoint, DUET_TIME(now_us));
    return 0;
}

/* ---- connections ---- */

static bool is_there(const struct duet_core *core, uint64_t conn)
{
    struct endpoint_stats stats;

    return endpoint_stats(core->endpoint, conn, &stats) == 0;
}

int duet_core_connect(struct duet_core *core, const struct duet_addr *peer, uint64_t now_us, uint64_t *conn)
{
    conn_id id = 0;

    if (core == NULL || conn == NULL || !is_address(peer) || peer->port == 0)
        return DUET_EINVAL;
    const int err = endpoint_connect(core->endpoint, peer, DUET_TIME(now_us), &id);

    *conn = err == 0 || err == DUET_EEXIST ? id : 0;
    return err;
}

int duet_core_trust(struct duet_core *core, uint64_t conn, uint64_t now_us)
{
    if (core == NULL)
        return DUET_EINVAL;
    if (!is_there(core, conn))
        return DUET_ENOTFOUND;
    endpoint_allow(core->endpoint, conn, DUET_TIME(now_us));
    return 0;
}

int duet_core_close(struct duet_core *core, uint64_t conn, uint64_t code, const char *reason, uint64_t now_us)
{
    const char *words = reason != NULL ? reason : "";

    if (core == NULL || (code != CLOSE_OK && code < APPLICATION_CODES) || code > VARINT_MAX ||
        strnlen(words, LIMIT_REASON_BYTES + 1) > LIMIT_REASON_BYTES)
        return DUET_EINVAL;
    if (!is_there(core, conn))
        return DUET_ENOTFOUND;
    endpoint_close(core->endpoint, conn, code, words, DUET_TIME(now_us));
    return 0;
}

/* ---- streams ---- */

/* Those of files, and the two that every connection has, are not the caller's. */
static int check_stream(const struct duet_core *core, uint64_t stream)
{
    if (core == NULL)
        return DUET_EINVAL;
    return stream_id_is_app(stream) ? 0 : DUET_ENOTFOUND;
}

int duet_core_open(struct duet_core *core, uint64_t conn, enum duet_priority priority, uint64_t now_us,
                   uint64_t *stream)
{
    if (core == NULL || stream == NULL || (int)priority < (int)DUET_PRIORITY_INTERACTIVE ||
        (int)priority > (int)DUET_PRIORITY_BACKGROUND)
        return DUET_EINVAL;
    *stream = 0;
    return endpoint_open_stream(core->endpoint, conn, (enum stream_priority)priority, stream, DUET_TIME(now_us));
}

ssize_t duet_core_write(struct duet_core *core, uint64_t conn, uint64_t stream, const void *data, size_t bytes,
                        uint64_t now_us)
{
    const int err = check_stream(core, stream);

    if (err != 0)
        return err;
    if (data == NULL || bytes == 0)
        return DUET_EINVAL;
    return endpoint_write(core->endpoint, conn, stream, data, bytes, DUET_TIME(now_us));
}

ssize_t duet_core_read(struct duet_core *core, uint64_t conn, uint64_t stream, void *out, size_t cap, uint64_t now_us)
{
    const int err = check_stream(core, stream);

    if (err != 0)
        return err;
    if (out == NULL || cap == 0)
        return DUET_EINVAL;
    return endpoint_read(core->endpoint, conn, stream, out, cap, DUET_TIME(now_us));
}

int duet_core_finish(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t now_us)
{
    const int err = check_stream(core, stream);

    return err != 0 ? err : endpoint_finish_stream(core->endpoint, conn, stream, DUET_TIME(now_us));
}

int duet_core_reset(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t code, uint64_t now_us)
{
    const int err = code > VARINT_MAX ? DUET_EINVAL : check_stream(core, stream);

    return err != 0 ? err : endpoint_reset(core->endpoint, conn, stream, code, DUET_TIME(now_us));
}

int duet_core_stop(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t code, uint64_t now_us)
{
    const int err = code > VARINT_MAX ? DUET_EINVAL : check_stream(core, stream);

    return err != 0 ? err : endpoint_stop(core->endpoint, conn, stream, code, DUET_TIME(now_us));
}

/* ---- datagrams ---- */

size_t duet_core_datagram_max(const struct duet_core *core, uint64_t conn)
{
    return core != NULL ? endpoint_datagram_max(core->endpoint, conn) : 0;
}

int duet_core_datagram(struct duet_core *core, uint64_t conn, const void *data, size_t bytes, uint64_t now_us)
{
    if (core == NULL || (data == NULL && bytes > 0))
        return DUET_EINVAL;
    return endpoint_send_datagram(core->endpoint, conn, bytes > 0 ? data : (const uint8_t *)"", bytes,
                                  DUET_TIME(now_us));
}

/* ---- news ---- */

static int error_of_end(enum endpoint_end end)
{
    switch (end) {
    case END_LOCAL:
        return 0;
    case END_LEFT:
        return DUET_ECLOSED;
    case END_LOST:
    case END_UNANSWERED:
        return DUET_ETIMEOUT;
    case END_ERROR:
        break;
    }
    return DUET_EPROTOCOL;
}

static void on_connected(struct duet_core_event *out, const struct endpoint_event *ev)
{
    out->type = DUET_CORE_CONNECTED;
    out->key = ev->connected.key;
    out->name = ev->connected.name;
    out->addr = &ev->connected.addr;
    out->initiated = ev->connected.initiated;
    out->replaces = ev->connected.replaces;
}

static void on_closed(struct duet_core_event *out, const struct endpoint_event *ev)
{
    out->type = DUET_CORE_CLOSED;
    out->err = error_of_end(ev->closed.end);
    out->code = ev->closed.code;
    out->data = ev->closed.reason;
    out->bytes = strlen(ev->closed.reason);
}

static bool on_stream(struct duet_core_event *out, const struct endpoint_event *ev, uint32_t type)
{
    out->type = type;
    out->stream = ev->stream;
    return stream_id_is_app(ev->stream);
}

/* false: nothing that the caller is told. */
static bool translate(struct duet_core_event *out, const struct endpoint_event *ev)
{
    *out = (struct duet_core_event){.size = sizeof(*out), .conn = ev->conn};
    switch (ev->type) {
    case EVENT_CONNECTED:
        on_connected(out, ev);
        return true;
    case EVENT_FAILED:
        out->type = DUET_CORE_FAILED;
        out->err = ev->failed.err;
        out->code = ev->failed.refusal;
        return true;
    case EVENT_UNREACHABLE:
    case EVENT_BACK:
        out->type = ev->type == EVENT_BACK ? DUET_CORE_BACK : DUET_CORE_UNREACHABLE;
        out->silent_us = ev->silent_us;
        return true;
    case EVENT_CLOSED:
        on_closed(out, ev);
        return true;
    case EVENT_OPENED:
        return on_stream(out, ev, DUET_CORE_OPENED);
    case EVENT_READABLE:
        return on_stream(out, ev, DUET_CORE_READABLE);
    case EVENT_WRITABLE:
        return on_stream(out, ev, DUET_CORE_WRITABLE);
    case EVENT_SENT:
        return on_stream(out, ev, DUET_CORE_SENT);
    case EVENT_RESET:
    case EVENT_STOPPED:
        out->code = ev->code;
        return on_stream(out, ev, ev->type == EVENT_RESET ? DUET_CORE_RESET : DUET_CORE_STOPPED);
    case EVENT_DATAGRAM:
        out->type = DUET_CORE_DATAGRAM;
        out->data = ev->extent.data;
        out->bytes = ev->extent.len;
        return true;
    case EVENT_TRIED: /* a call here has one address */
    case EVENT_HINT:
    case EVENT_PRESENCE:
    case EVENT_EXTENT: /* of files */
    case EVENT_FINISHED:
    case EVENT_RUNS_LOW:
    case EVENT_RELEASED:
        break;
    }
    return false;
}

int duet_core_next(struct duet_core *core, const struct duet_core_event **event)
{
    if (event != NULL)
        *event = NULL;
    if (core == NULL || event == NULL)
        return DUET_EINVAL;
    while (endpoint_poll(core->endpoint, &core->event)) {
        if (!translate(&core->out, &core->event))
            continue;
        *event = &core->out;
        return 1;
    }
    return 0;
}

const char *duet_core_event_name(uint32_t type)
{
    switch (type) {
#define X(name, value) \
    case value:        \
        return #name;
        DUET_CORE_EVENT_LIST(X)
#undef X
    }
    return "DUET_CORE_?";
}

int duet_core_stats(const struct duet_core *core, uint64_t conn, struct duet_core_figures *out)
{
    struct endpoint_stats s;

    if (core == NULL || out == NULL || out->size < sizeof(out->size))
        return DUET_EINVAL;
    if (endpoint_stats(core->endpoint, conn, &s) != 0)
        return DUET_ENOTFOUND;
    const struct duet_core_figures full = {
        .size = out->size,
        .rtt_us = s.rtt_us,
        .min_rtt_us = s.min_rtt_us,
        .cwnd_bytes = s.cwnd_bytes,
        .bytes_in_flight = s.bytes_in_flight,
        .sent_packets = s.sent_packets,
        .lost_packets = s.lost_packets,
        .received_packets = s.received_packets,
        .sent_bytes = s.sent_bytes,
        .received_bytes = s.received_bytes,
        .pacing_bytes_per_s = s.pacing_bytes_per_s,
        .datagrams_sent = s.datagrams_sent,
        .datagrams_received = s.datagrams_received,
        .datagrams_dropped = s.datagrams_dropped,
        .packet_bytes = s.packet_bytes,
    };

    memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
    return 0;
}
