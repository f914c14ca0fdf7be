/*
 * ngtcp2: QUIC with GnuTLS and AES-128-GCM; one UDP socket and one thread, written after its
 * programmer's guide: recvmmsg with UDP_GRO in; packets of one connection, up to the send quantum,
 * as one UDP_SEGMENT message out. Stream data lie in memory of ours until acknowledged, as the
 * library wants it.  Chosen for throughput, for the stream alone: packets as large as the path
 * carries (no_tx_udp_payload_size_shaping; by itself it stops at 1452 bytes).  The window below was
 * the fastest of 1 to 32 MiB, CUBIC faster than BBR, its own ACK threshold faster than larger ones.
 * The certificate is made at the start and verified by nobody, as nobody knows the other's key in
 * duet's program.
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/udp.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

enum {
    WINDOW_BYTES = 2 << 20, /* more only fills the socket's buffer: losses */
    CID_BYTES = 8,
    IN_BUFFERS = 16,
    BUFFER_BYTES = 65536,
    SEGMENTS = 64,
    SMALL_PACKET = 1200,
    CERT_DAYS = 2,
    DAY_S = 86400,
    SERIAL = 1,
    CONTROL_BYTES = 64,
};

#define NS_PER_MS UINT64_C(1000000)
#define STREAM_NONE (-1)

const char library_name[] = "ngtcp2";

static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:-GROUP-ALL:+GROUP-X25519:"
                               "%DISABLE_TLS13_COMPAT_MODE";

struct conn {
    struct bench *bench;
    uint32_t index;
    ngtcp2_conn *quic;
    gnutls_session_t tls;
    ngtcp2_crypto_conn_ref ref;
    ngtcp2_cid first_dcid; /* server: what the client called us before it knew better */
    struct sockaddr_in peer;
    bool stands, wants, over;
    ngtcp2_tstamp expiry;
    int64_t stream;
    uint64_t given, acked; /* bytes of the stream that ngtcp2 has taken; the peer has */
};

struct bench {
    const struct task *task;
    int fd;
    struct sockaddr_in here;
    gnutls_certificate_credentials_t cred;
    struct conn *conns;
    size_t room, count, stood;
    struct source source; /* stream, client */
    struct sink sink;     /* stream, server */
    struct pings pings;
    uint8_t message[PING_BYTES];
    size_t message_got; /* bytes of the current ping that have come */
    uint64_t to_send;   /* bytes of the stream there are to send so far */
    bool done;
    uint8_t out[BUFFER_BYTES];
    uint8_t in[IN_BUFFERS][BUFFER_BYTES];
};

static void fine(int rc, const char *what)
{
    need_or(rc == 0, what, ngtcp2_strerror(rc));
}

static void tls_fine(int rc, const char *what)
{
    need_or(rc >= 0, what, gnutls_strerror(rc));
}

/* ---- certificate ---- */

static void make_certificate(gnutls_certificate_credentials_t cred)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    const uint8_t serial = SERIAL;

    tls_fine(gnutls_x509_privkey_init(&key), "key");
    tls_fine(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
             "key");
    tls_fine(gnutls_x509_crt_init(&cert), "certificate");
    tls_fine(gnutls_x509_crt_set_version(cert, 3), "certificate");
    tls_fine(gnutls_x509_crt_set_serial(cert, &serial, sizeof(serial)), "certificate");
    tls_fine(gnutls_x509_crt_set_activation_time(cert, time(NULL) - DAY_S), "certificate");
    tls_fine(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + CERT_DAYS * DAY_S), "certificate");
    tls_fine(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, "bench", 5), "certificate");
    tls_fine(gnutls_x509_crt_set_key(cert, key), "certificate");
    tls_fine(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), "certificate");
    tls_fine(gnutls_certificate_set_x509_key(cred, &cert, 1, key), "certificate");
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
}

/* ---- what the library asks ---- */

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx)
{
    (void)ctx;
    tls_fine(gnutls_rnd(GNUTLS_RND_NONCE, dest, len), "gnutls_rnd");
}

/* Our ids begin with the connection's index, so nothing has to be looked up. */
static void make_cid(const struct conn *c, ngtcp2_cid *cid)
{
    cid->datalen = CID_BYTES;
    memcpy(cid->data, &c->index, sizeof(c->index));
    on_rand(cid->data + sizeof(c->index), CID_BYTES - sizeof(c->index), NULL);
}

static int on_new_cid(ngtcp2_conn *quic, ngtcp2_cid *cid, uint8_t *token, size_t len, void *user)
{
    (void)quic;
    if (len != CID_BYTES)
        return NGTCP2_ERR_CALLBACK_FAILURE;
    make_cid(user, cid);
    on_rand(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
    return 0;
}

static int on_stands(ngtcp2_conn *quic, void *user)
{
    struct conn *c = user;

    (void)quic;
    c->stands = true;
    c->bench->stood++;
    return 0;
}

static int on_acked(ngtcp2_conn *quic, int64_t stream, uint64_t offset, uint64_t len, void *user, void *stream_user)
{
    struct conn *c = user;

    (void)quic;
    (void)stream;
    (void)stream_user;
    c->acked = offset + len;
    return 0;
}

static void on_ping(struct bench *b)
{
    b->message_got = 0;
    b->done = !b->task->serves && !pings_returned(&b->pings);
    if (b->done)
        return;
    b->to_send += PING_BYTES;
    if (!b->task->serves)
        pings_sent(&b->pings);
}

static int on_stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t stream, uint64_t offset, const uint8_t *data,
                          size_t len, void *user, void *stream_user)
{
    struct conn *c = user;
    struct bench *b = c->bench;

    (void)flags;
    (void)stream_user;
    c->stream = stream;
    ngtcp2_conn_extend_max_stream_offset(quic, stream, len);
    ngtcp2_conn_extend_max_offset(quic, len);
    if (b->task->work == WORK_PING) {
        b->message_got += len;
        need_or(b->message_got <= PING_BYTES, "ping", "more than one message came");
        if (b->message_got == PING_BYTES)
            on_ping(b);
    } else if (b->task->serves) {
        sink_take(&b->sink, offset, data, len);
        if (b->sink.received == b->sink.total)
            b->to_send = 1; /* the answer */
    } else {
        b->done = true;
    }
    return 0;
}

static ngtcp2_conn *conn_of_ref(ngtcp2_crypto_conn_ref *ref)
{
    return ((struct conn *)ref->user_data)->quic;
}

static const ngtcp2_callbacks callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .handshake_completed = on_stands,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = on_stream_data,
    .acked_stream_data_offset = on_acked,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .rand = on_rand,
    .get_new_connection_id = on_new_cid,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* ---- connections ---- */

static void make_tls(struct bench *b, struct conn *c)
{
    static const gnutls_datum_t alpn = {.data = (unsigned char *)"bench", .size = 5};
    const bool serves = b->task->serves;
    const unsigned flags =
        (serves ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT) | GNUTLS_NO_END_OF_EARLY_DATA;

    tls_fine(gnutls_init(&c->tls, flags), "gnutls_init");
    tls_fine(gnutls_priority_set_direct(c->tls, priority, NULL), "priority");
    tls_fine(serves ? ngtcp2_crypto_gnutls_configure_server_session(c->tls)
                    : ngtcp2_crypto_gnutls_configure_client_session(c->tls),
             "configure session");
    c->ref = (ngtcp2_crypto_conn_ref){.get_conn = conn_of_ref, .user_data = c};
    gnutls_session_set_ptr(c->tls, &c->ref);
    tls_fine(gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, b->cred), "credentials");
    tls_fine(gnutls_alpn_set_protocols(c->tls, &alpn, 1, 0), "ALPN");
}

static size_t most_bytes(const struct task *t)
{
    return t->packet_bytes > 0 ? t->packet_bytes : LOOPBACK_PACKET;
}

static void choose(const struct task *t, ngtcp2_settings *s, ngtcp2_transport_params *p)
{
    ngtcp2_settings_default(s);
    s->initial_ts = now_ns();
    s->cc_algo = NGTCP2_CC_ALGO_CUBIC;
    ngtcp2_transport_params_default(p);
    p->initial_max_streams_bidi = 1;
    p->initial_max_data = WINDOW_BYTES;
    p->initial_max_stream_data_bidi_local = WINDOW_BYTES;
    p->initial_max_stream_data_bidi_remote = WINDOW_BYTES;
    if (t->work != WORK_STREAM)
        return;
    s->max_tx_udp_payload_size = most_bytes(t);
    s->no_tx_udp_payload_size_shaping = 1;
    s->no_pmtud = 1;
}

static ngtcp2_path path_of(struct bench *b, struct sockaddr_in *peer)
{
    return (ngtcp2_path){
        .local = {.addr = (ngtcp2_sockaddr *)&b->here, .addrlen = sizeof(b->here)},
        .remote = {.addr = (ngtcp2_sockaddr *)peer, .addrlen = sizeof(*peer)},
    };
}

static struct conn *next_conn(struct bench *b, const struct sockaddr_in *peer)
{
    need_or(b->count < b->room, "conns", "more connections than were meant");
    struct conn *c = &b->conns[b->count];

    *c = (struct conn){.bench = b, .index = (uint32_t)b->count++, .peer = *peer, .stream = STREAM_NONE, .wants = true};
    make_tls(b, c);
    return c;
}

static struct conn *connect_conn(struct bench *b)
{
    struct conn *c = next_conn(b, &b->task->at);
    const ngtcp2_path path = path_of(b, &c->peer);
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_cid dcid = {.datalen = CID_BYTES}, scid;

    choose(b->task, &settings, &params);
    on_rand(dcid.data, CID_BYTES, NULL);
    make_cid(c, &scid);
    fine(ngtcp2_conn_client_new(&c->quic, &dcid, &scid, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params,
                                NULL, c),
         "ngtcp2_conn_client_new");
    ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
    return c;
}

static struct conn *accept_conn(struct bench *b, const uint8_t *bytes, size_t len, const struct sockaddr_in *peer)
{
    ngtcp2_pkt_hd head;

    if (ngtcp2_accept(&head, bytes, len) != 0)
        return NULL;
    struct conn *c = next_conn(b, peer);
    const ngtcp2_path path = path_of(b, &c->peer);
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_cid scid;

    choose(b->task, &settings, &params);
    params.original_dcid = head.dcid;
    c->first_dcid = head.dcid;
    make_cid(c, &scid);
    fine(ngtcp2_conn_server_new(&c->quic, &head.scid, &scid, &path, head.version, &callbacks, &settings, &params, NULL,
                                c),
         "ngtcp2_conn_server_new");
    ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
    return c;
}

/* The connection a packet is for; a server makes one. */
static struct conn *conn_of(struct bench *b, const uint8_t *bytes, size_t len, const struct sockaddr_in *peer)
{
    ngtcp2_version_cid v;
    uint32_t index;

    if (ngtcp2_pkt_decode_version_cid(&v, bytes, len, CID_BYTES) != 0 || v.dcidlen < sizeof(index))
        return NULL;
    for (size_t i = b->count; v.version != 0 && b->task->serves && i-- > 0;)
        if (!b->conns[i].stands && b->conns[i].first_dcid.datalen == v.dcidlen &&
            memcmp(b->conns[i].first_dcid.data, v.dcid, v.dcidlen) == 0)
            return &b->conns[i];
    memcpy(&index, v.dcid, sizeof(index));
    if (index < b->count && b->conns[index].peer.sin_port == peer->sin_port)
        return &b->conns[index];
    return b->task->serves ? accept_conn(b, bytes, len, peer) : NULL;
}

/* ---- in ---- */

static void take_packet(struct bench *b, const uint8_t *bytes, size_t len, struct sockaddr_in *peer, ngtcp2_tstamp now)
{
    struct conn *c = conn_of(b, bytes, len, peer);

    if (c == NULL || c->over)
        return;
    const ngtcp2_path path = path_of(b, peer);
    const ngtcp2_pkt_info info = {0};
    const int rc = ngtcp2_conn_read_pkt(c->quic, &path, &info, bytes, len, now);

    c->wants = true;
    c->over = rc == NGTCP2_ERR_DRAINING || rc == NGTCP2_ERR_CLOSING;
    need_or(rc == 0 || c->over, "ngtcp2_conn_read_pkt", ngtcp2_strerror(rc));
}

static size_t segment_of(struct msghdr *m, size_t len)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;

            memcpy(&size, CMSG_DATA(c), sizeof(size));
            return (size_t)size;
        }
    return len;
}

static void receive(struct bench *b)
{
    struct mmsghdr in[IN_BUFFERS];
    struct iovec iov[IN_BUFFERS];
    struct sockaddr_in from[IN_BUFFERS];
    _Alignas(struct cmsghdr) uint8_t control[IN_BUFFERS][CONTROL_BYTES];

    for (size_t i = 0; i < IN_BUFFERS; i++) {
        iov[i] = (struct iovec){.iov_base = b->in[i], .iov_len = BUFFER_BYTES};
        in[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                             .msg_namelen = sizeof(from[i]),
                                             .msg_iov = &iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = control[i],
                                             .msg_controllen = CONTROL_BYTES}};
    }
    const int n = recvmmsg(b->fd, in, IN_BUFFERS, MSG_DONTWAIT, NULL);
    const ngtcp2_tstamp now = now_ns();

    need(n >= 0 || errno == EAGAIN || errno == ECONNREFUSED, "recvmmsg");
    for (int i = 0; i < n; i++) {
        const size_t len = in[i].msg_len, segment = segment_of(&in[i].msg_hdr, len);

        for (size_t at = 0; at < len; at += segment)
            take_packet(b, b->in[i] + at, len - at < segment ? len - at : segment, &from[i], now);
    }
}

/* ---- out ---- */

/* What is left is sent when the socket has room: waiting for it is all there is to do. */
static void send_train(const struct bench *b, const struct conn *c, size_t len, size_t segment)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)b->out, .iov_len = len};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr m = {
        .msg_name = (void *)(uintptr_t)&c->peer, .msg_namelen = sizeof(c->peer), .msg_iov = &iov, .msg_iovlen = 1};
    struct pollfd writable = {.fd = b->fd, .events = POLLOUT};
    const uint16_t size = (uint16_t)segment;

    if (len > segment) {
        m.msg_control = control;
        m.msg_controllen = sizeof(control);
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);

        h->cmsg_level = SOL_UDP;
        h->cmsg_type = UDP_SEGMENT;
        h->cmsg_len = CMSG_LEN(sizeof(size));
        memcpy(CMSG_DATA(h), &size, sizeof(size));
    }
    while (sendmsg(b->fd, &m, 0) < 0) {
        if (errno == ECONNREFUSED)
            continue;
        need(errno == EAGAIN, "sendmsg");
        poll(&writable, 1, -1);
    }
}

/* The bytes there are to send now, as one piece; none while the window of memory is full. */
static ngtcp2_vec next_piece(struct bench *b, const struct conn *c)
{
    ngtcp2_vec v = {0};

    if (c->given >= b->to_send || c->stream == STREAM_NONE)
        return v;
    if (b->task->work == WORK_PING) {
        v = (ngtcp2_vec){.base = b->message, .len = PING_BYTES - (size_t)(c->given % PING_BYTES)};
    } else if (b->task->serves) {
        v = (ngtcp2_vec){.base = b->message, .len = 1};
    } else if (c->given - c->acked + MARK_EVERY <= (b->source.slots - 1) * MARK_EVERY) {
        v.base = source_at(&b->source, c->given, &v.len);
    }
    return v;
}

static ngtcp2_ssize write_packet(struct bench *b, struct conn *c, uint8_t *to, size_t cap, ngtcp2_tstamp now)
{
    ngtcp2_vec v = next_piece(b, c);
    ngtcp2_pkt_info info;
    ngtcp2_ssize taken = -1;
    ngtcp2_ssize len = ngtcp2_conn_writev_stream(c->quic, NULL, &info, to, cap, &taken, NGTCP2_WRITE_STREAM_FLAG_NONE,
                                                 v.len > 0 ? c->stream : STREAM_NONE, &v, v.len > 0, now);

    if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED)
        len = ngtcp2_conn_writev_stream(c->quic, NULL, &info, to, cap, &taken, NGTCP2_WRITE_STREAM_FLAG_NONE,
                                        STREAM_NONE, NULL, 0, now);
    need_or(len >= 0, "ngtcp2_conn_writev_stream", ngtcp2_strerror((int)len));
    if (taken > 0)
        c->given += (uint64_t)taken;
    return len;
}

/* Packets until the window, the pace or the socket's train is full. */
static void write_conn(struct bench *b, struct conn *c)
{
    const ngtcp2_tstamp now = now_ns();
    const size_t most = ngtcp2_conn_get_max_tx_udp_payload_size(c->quic);
    size_t cap = ngtcp2_conn_get_path_max_tx_udp_payload_size(c->quic), at = 0, segment = 0, quantum;

    if (b->task->work == WORK_STREAM)
        cap = c->stands ? most : SMALL_PACKET;
    quantum = ngtcp2_conn_get_send_quantum(c->quic);
    c->wants = false;
    for (;;) {
        const ngtcp2_ssize len = write_packet(b, c, b->out + at, cap, now);

        if (len == 0)
            break;
        if (segment > 0 && (size_t)len > segment) { /* larger than those before: a train of its own */
            send_train(b, c, at, segment);
            memmove(b->out, b->out + at, (size_t)len);
            at = 0;
            segment = 0;
        }
        segment = segment > 0 ? segment : (size_t)len;
        at += (size_t)len;
        const bool ends = (size_t)len < segment;

        if (ends || at + cap > BUFFER_BYTES || at + cap > LOOPBACK_PACKET || at / segment >= SEGMENTS ||
            at >= quantum) {
            send_train(b, c, at, segment);
            at = 0;
            segment = 0;
            c->wants = true; /* perhaps more: after what has come meanwhile */
            break;
        }
    }
    if (at > 0)
        send_train(b, c, at, segment);
    ngtcp2_conn_update_pkt_tx_time(c->quic, now);
    c->expiry = ngtcp2_conn_get_expiry(c->quic);
}

/* ---- loop ---- */

/* Due, or touched since: written to.  Sleeps if nothing is left to do. */
static void turn(struct bench *b)
{
    ngtcp2_tstamp now = now_ns(), next = UINT64_MAX;
    bool busy = false;

    for (size_t i = 0; i < b->count; i++) {
        struct conn *c = &b->conns[i];

        if (c->over)
            continue;
        if (!c->wants && c->expiry <= now) {
            fine(ngtcp2_conn_handle_expiry(c->quic, now), "ngtcp2_conn_handle_expiry");
            c->wants = true;
        }
        if (c->wants)
            write_conn(b, c);
        busy |= c->wants;
        next = c->expiry < next ? c->expiry : next;
    }
    now = now_ns();
    struct pollfd readable = {.fd = b->fd, .events = POLLIN};
    const uint64_t most = 100 * NS_PER_MS, wait = busy || next <= now ? 0 : next - now < most ? next - now : most;
    const struct timespec t = {.tv_sec = 0, .tv_nsec = (long)(wait)};

    if (ppoll(&readable, 1, &t, NULL) > 0)
        receive(b);
}

static void open_bench(struct bench *b, const struct task *t)
{
    const int on = 1, size = SOCKET_BUFFER;
    socklen_t len = sizeof(b->here);

    b->task = t;
    b->room = t->work == WORK_CONNS ? t->amount : 1;
    b->conns = calloc(b->room, sizeof(*b->conns));
    need(b->conns != NULL, "memory");
    tls_fine(gnutls_certificate_allocate_credentials(&b->cred), "credentials");
    if (t->serves)
        make_certificate(b->cred);
    b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    need(b->fd >= 0, "socket");
    b->here = t->serves ? t->at : local_address(&t->at);
    need(bind(b->fd, (struct sockaddr *)&b->here, sizeof(b->here)) == 0, "bind");
    need(getsockname(b->fd, (struct sockaddr *)&b->here, &len) == 0, "getsockname");
    need(setsockopt(b->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0, "SO_RCVBUF");
    need(setsockopt(b->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0, "SO_SNDBUF");
    need(setsockopt(b->fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0, "UDP_GRO");
}

static void hold(struct bench *b, uint64_t us)
{
    for (const uint64_t until = now_ns() + us * 1000; now_ns() < until;)
        turn(b);
}

static struct bench bench;

void library_serve(const struct task *t)
{
    struct bench *b = &bench;

    open_bench(b, t);
    b->sink.total = t->amount;
    const size_t memory = memory_bytes();
    const struct stopwatch since = stopwatch_start();

    say_ready();
    while (b->stood < b->room)
        turn(b);
    if (t->work == WORK_CONNS) {
        const uint64_t stood_ns = now_ns();

        hold(b, LOOK_AFTER_US);
        report_conns(t, 0, stood_ns, memory);
        hold(b, HOLD_US);
        return;
    }
    const struct conn *c = b->conns;
    const uint64_t answer = t->work == WORK_STREAM ? 1 : t->amount * PING_BYTES;

    while (c->acked < answer)
        turn(b);
    report_server(t, &since);
}

static void call_conns(const struct task *t, struct bench *b)
{
    const uint64_t began_ns = now_ns();

    while (b->stood < b->room) {
        while (b->count < b->room && b->count - b->stood < AT_ONCE)
            connect_conn(b);
        turn(b);
    }
    const uint64_t stood_ns = now_ns();

    hold(b, HOLD_US);
    report_conns(t, began_ns, stood_ns, 0);
}

void library_call(const struct task *t)
{
    struct bench *b = &bench;

    open_bench(b, t);
    if (t->work == WORK_CONNS) {
        call_conns(t, b);
        return;
    }
    struct conn *c = connect_conn(b);

    while (!c->stands)
        turn(b);
    fine(ngtcp2_conn_open_bidi_stream(c->quic, &c->stream, NULL), "ngtcp2_conn_open_bidi_stream");
    if (t->work == WORK_STREAM)
        source_init(&b->source, t->amount, WINDOW_BYTES / MARK_EVERY + 2);
    else
        pings_init(&b->pings, t->amount);
    const struct stopwatch since = stopwatch_start();

    b->to_send = t->work == WORK_STREAM ? t->amount : PING_BYTES;
    c->wants = true;
    if (t->work == WORK_PING)
        pings_sent(&b->pings);
    while (!b->done)
        turn(b);
    if (t->work == WORK_STREAM)
        report_stream(t, &since);
    else
        report_pings(t, &b->pings, &since);
    hold(b, 50000); /* the acknowledgement of the answer */
}
