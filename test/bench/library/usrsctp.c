/*
 * usrsctp: one association over UDP by its own encapsulation (usrsctp_init with a port), with its
 * own threads, and blocking calls as in its test program tsctp; messages of MESSAGE_BYTES on one
 * stream, without Nagle.  The path's MTU is told, for by itself it uses 1500 on loopback.  The
 * client's UDP port is the next after the server's. Neither encrypted nor, beyond a CRC, protected.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <usrsctp.h>

#include "common.h"

enum {
    SCTP_PORT = 6254,
    IP_BYTES = 20,        /* the MTU it wants counts the IP header and not that of UDP */
    LOOPBACK_MTU = 16000, /* the fastest of 1500, 9000, 16000, 32000 and 48000; 65000 it cannot do */
    MESSAGE_BYTES = 64 << 10,
    WINDOW_BYTES = 1 << 20,
    RECV_BYTES = 256 << 10,
    NAP_US = 200,
};

const char library_name[] = "usrsctp";

static void set(struct socket *s, int level, int option, const void *value, size_t len, const char *what)
{
    need(usrsctp_setsockopt(s, level, option, value, (socklen_t)len) == 0, what);
}

static void start_library(const struct task *t)
{
    const uint16_t port = ntohs(t->at.sin_port);

    usrsctp_init((uint16_t)(t->serves ? port : port + 1), NULL, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
}

/* Bound to one address: with all of the machine's in its INIT the peer would try them all. */
static struct socket *open_socket(const struct task *t)
{
    const int window = WINDOW_BYTES, on = 1;
    const uint32_t mtu = t->packet_bytes > 0 ? (uint32_t)t->packet_bytes + IP_BYTES : LOOPBACK_MTU;
    const struct sctp_paddrparams path = {
        .spp_address.ss_family = AF_INET, .spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = mtu};
    const struct sctp_udpencaps encaps = {.sue_address.ss_family = AF_INET, .sue_port = t->at.sin_port};
    struct sockaddr_in here = t->serves ? t->at : local_address(&t->at);
    struct socket *s = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);

    need(s != NULL, "usrsctp_socket");
    if (t->work == WORK_STREAM) {
        set(s, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window), "SO_RCVBUF");
        set(s, SOL_SOCKET, SO_SNDBUF, &window, sizeof(window), "SO_SNDBUF");
        set(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path), "SCTP_PEER_ADDR_PARAMS");
    }
    set(s, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on), "SCTP_NODELAY");
    if (!t->serves)
        set(s, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof(encaps), "SCTP_REMOTE_UDP_ENCAPS_PORT");
    here.sin_port = t->serves ? htons(SCTP_PORT) : 0;
    need(usrsctp_bind(s, (struct sockaddr *)&here, sizeof(here)) == 0, "usrsctp_bind");
    return s;
}

static void send_message(struct socket *s, const void *bytes, size_t len)
{
    need(usrsctp_sendv(s, bytes, len, NULL, 0, NULL, 0, SCTP_SENDV_NOINFO, 0) == (ssize_t)len, "usrsctp_sendv");
}

static size_t receive(struct socket *s, void *bytes, size_t cap)
{
    struct sockaddr_in from;
    struct sctp_rcvinfo info;
    socklen_t from_len = sizeof(from), info_len = sizeof(info);
    unsigned int info_type;
    int flags = 0;
    const ssize_t got =
        usrsctp_recvv(s, bytes, cap, (struct sockaddr *)&from, &from_len, &info, &info_len, &info_type, &flags);

    need(got > 0, "usrsctp_recvv");
    return (size_t)got;
}

/* ---- server ---- */

static struct socket *accept_one(struct socket *listener)
{
    struct socket *s = usrsctp_accept(listener, NULL, NULL);

    need(s != NULL, "usrsctp_accept");
    return s;
}

static void serve_stream(const struct task *t, struct socket *s)
{
    static uint8_t piece[RECV_BYTES];
    const struct stopwatch since = stopwatch_start();
    struct sink sink = {.total = t->amount};

    while (sink.received < sink.total)
        sink_take(&sink, sink.received, piece, receive(s, piece, sizeof(piece)));
    send_message(s, "", 1);
    report_server(t, &since);
}

static void serve_ping(const struct task *t, struct socket *s)
{
    uint8_t message[PING_BYTES];
    const struct stopwatch since = stopwatch_start();

    for (uint64_t left = t->amount; left > 0; left--)
        send_message(s, message, receive(s, message, sizeof(message)));
    report_server(t, &since);
}

static void serve_conns(const struct task *t, struct socket *listener)
{
    const size_t memory = memory_bytes();

    for (uint64_t i = 0; i < t->amount; i++)
        accept_one(listener);
    const uint64_t stood_ns = now_ns();

    usleep(LOOK_AFTER_US);
    report_conns(t, 0, stood_ns, memory);
}

/* Closing takes round trips, and the library's threads end with the process: the client has all it
 * waits for. */
static void leave(struct socket *s)
{
    usrsctp_close(s);
    usleep(NAP_US);
    _exit(EXIT_SUCCESS);
}

void library_serve(const struct task *t)
{
    start_library(t);
    struct socket *listener = open_socket(t);

    need(usrsctp_listen(listener, t->work == WORK_CONNS ? (int)t->amount : 1) == 0, "usrsctp_listen");
    say_ready();
    if (t->work == WORK_CONNS) {
        serve_conns(t, listener);
        leave(listener);
    }
    struct socket *s = accept_one(listener);

    if (t->work == WORK_STREAM)
        serve_stream(t, s);
    else
        serve_ping(t, s);
    leave(s);
}

/* ---- client ---- */

static void connect_to(const struct task *t, struct socket *s)
{
    struct sockaddr_in there = t->at;

    there.sin_port = htons(SCTP_PORT);
    need(usrsctp_connect(s, (struct sockaddr *)&there, sizeof(there)) == 0 || errno == EINPROGRESS, "usrsctp_connect");
}

static void call_stream(const struct task *t, struct socket *s)
{
    struct source source;
    uint8_t answer;

    source_init(&source, t->amount, 1);
    const struct stopwatch since = stopwatch_start();

    for (uint64_t offset = 0; offset < t->amount;) {
        size_t len;
        const uint8_t *bytes = source_at(&source, offset, &len);

        len = len < MESSAGE_BYTES ? len : MESSAGE_BYTES;
        send_message(s, bytes, len);
        offset += len;
    }
    receive(s, &answer, sizeof(answer));
    report_stream(t, &since);
}

static void call_ping(const struct task *t, struct socket *s)
{
    uint8_t message[PING_BYTES] = {0};
    struct pings pings;
    const struct stopwatch since = stopwatch_start();

    pings_init(&pings, t->amount);
    do {
        pings_sent(&pings);
        send_message(s, message, sizeof(message));
        receive(s, message, sizeof(message));
    } while (pings_returned(&pings));
    report_pings(t, &pings, &since);
}

static void call_conns(const struct task *t)
{
    struct socket **all = calloc(t->amount, sizeof(struct socket *));

    need(all != NULL, "memory");
    const uint64_t began_ns = now_ns();

    for (uint64_t called = 0, stood = 0; stood < t->amount; usleep(NAP_US)) {
        for (; called < t->amount && called - stood < AT_ONCE; called++) {
            all[called] = open_socket(t);
            usrsctp_set_non_blocking(all[called], 1);
            connect_to(t, all[called]);
        }
        for (; stood < called && (usrsctp_get_events(all[stood]) & SCTP_EVENT_WRITE) != 0; stood++)
            need_or((usrsctp_get_events(all[stood]) & SCTP_EVENT_ERROR) == 0, "conns", "a connection came to nothing");
    }
    const uint64_t stood_ns = now_ns();

    usleep(HOLD_US);
    report_conns(t, began_ns, stood_ns, 0);
    _exit(EXIT_SUCCESS);
}

void library_call(const struct task *t)
{
    start_library(t);
    if (t->work == WORK_CONNS)
        call_conns(t);
    struct socket *s = open_socket(t);

    connect_to(t, s);
    if (t->work == WORK_STREAM)
        call_stream(t, s);
    else
        call_ping(t, s);
    leave(s);
}
