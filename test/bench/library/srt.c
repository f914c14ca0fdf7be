/*
 * srt: as its documentation has it for files and messages: SRTT_FILE, the buffer API for the
 * stream, the message API for pings (live mode was slower: 32 ms), blocking calls; SRT has threads
 * of its own.  Buffers and flow window hold WINDOW_BYTES; packets are as large as the path carries
 * and SRT takes them, 1500 bytes with the IP header. --secret is SRTO_PASSPHRASE: AES-128 in
 * counter mode, which keeps others from reading and not from changing what is sent.  Connections
 * share one local port, as SRTO_REUSEADDR allows, and have the options SRT gives them.
 */
#include <srt/srt.h>
#include <stdlib.h>
#include <unistd.h>

#include "common.h"

enum {
    IP_UDP_BYTES = 28,
    SRT_HEADER_BYTES = 16,
    PACKET_MOST = 1472,
    WINDOW_BYTES = 32 << 20,
    PIECE_BYTES = 64 << 10,
    EVENTS = 64,
    WAIT_MS = 1000,
    CONNECT_MS = 30000,
    LINGER_S = 5,
};

static const char passphrase[] = "only for measuring";

const char library_name[] = "srt";

static void fine(int rc, const char *what)
{
    need_or(rc != SRT_ERROR, what, srt_getlasterror_str());
}

static void set(SRTSOCKET s, SRT_SOCKOPT option, const void *value, size_t len, const char *what)
{
    fine(srt_setsockflag(s, option, value, (int)len), what);
}

static void set_int(SRTSOCKET s, SRT_SOCKOPT option, int value, const char *what)
{
    set(s, option, &value, sizeof(value), what);
}

static void set_flag(SRTSOCKET s, SRT_SOCKOPT option, bool value, const char *what)
{
    set(s, option, &value, sizeof(value), what);
}

static SRTSOCKET open_socket(const struct task *t)
{
    const SRT_TRANSTYPE type = SRTT_FILE;
    const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    const SRTSOCKET s = srt_create_socket();
    const int packet = (int)(t->packet_bytes > 0 && t->packet_bytes < PACKET_MOST ? t->packet_bytes : PACKET_MOST);

    fine(s == SRT_INVALID_SOCK ? SRT_ERROR : 0, "srt_create_socket");
    set(s, SRTO_TRANSTYPE, &type, sizeof(type), "SRTO_TRANSTYPE");
    set(s, SRTO_LINGER, &linger, sizeof(linger), "SRTO_LINGER");
    set_flag(s, SRTO_MESSAGEAPI, t->work != WORK_STREAM, "SRTO_MESSAGEAPI");
    if (t->secret)
        set(s, SRTO_PASSPHRASE, passphrase, sizeof(passphrase) - 1, "SRTO_PASSPHRASE");
    set_int(s, SRTO_UDP_RCVBUF, SOCKET_BUFFER, "SRTO_UDP_RCVBUF");
    set_int(s, SRTO_UDP_SNDBUF, SOCKET_BUFFER, "SRTO_UDP_SNDBUF");
    if (t->work == WORK_STREAM) {
        set_int(s, SRTO_MSS, packet + IP_UDP_BYTES, "SRTO_MSS");
        set_int(s, SRTO_FC, WINDOW_BYTES / (packet - SRT_HEADER_BYTES), "SRTO_FC");
        set_int(s, SRTO_SNDBUF, WINDOW_BYTES, "SRTO_SNDBUF");
        set_int(s, SRTO_RCVBUF, WINDOW_BYTES, "SRTO_RCVBUF");
    }
    return s;
}

static void send_all(SRTSOCKET s, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        const int sent = srt_send(s, (const char *)bytes + at, (int)(len - at));

        fine(sent, "srt_send");
        at += (size_t)sent;
    }
}

/* ---- server ---- */

static SRTSOCKET accept_one(SRTSOCKET listener)
{
    const SRTSOCKET s = srt_accept(listener, NULL, NULL);

    fine(s == SRT_INVALID_SOCK ? SRT_ERROR : 0, "srt_accept");
    return s;
}

static void serve_stream(const struct task *t, SRTSOCKET s)
{
    static char piece[PIECE_BYTES];
    const struct stopwatch since = stopwatch_start();
    struct sink sink = {.total = t->amount};

    while (sink.received < sink.total) {
        const int got = srt_recv(s, piece, sizeof(piece));

        fine(got, "srt_recv");
        sink_take(&sink, sink.received, (const uint8_t *)piece, (size_t)got);
    }
    send_all(s, "", 1);
    report_server(t, &since);
}

static void serve_ping(const struct task *t, SRTSOCKET s)
{
    char message[PIECE_BYTES];
    const struct stopwatch since = stopwatch_start();

    for (uint64_t left = t->amount; left > 0; left--) {
        const int got = srt_recv(s, message, sizeof(message));

        fine(got, "srt_recv");
        send_all(s, message, (size_t)got);
    }
    report_server(t, &since);
}

static void serve_conns(const struct task *t, SRTSOCKET listener)
{
    const size_t memory = memory_bytes();

    for (uint64_t i = 0; i < t->amount; i++)
        accept_one(listener);
    const uint64_t stood_ns = now_ns();

    usleep(LOOK_AFTER_US);
    report_conns(t, 0, stood_ns, memory);
}

void library_serve(const struct task *t)
{
    fine(srt_startup(), "srt_startup");
    const SRTSOCKET listener = open_socket(t);

    fine(srt_bind(listener, (const struct sockaddr *)&t->at, sizeof(t->at)), "srt_bind");
    fine(srt_listen(listener, t->work == WORK_CONNS ? (int)t->amount : 1), "srt_listen");
    say_ready();
    if (t->work == WORK_CONNS) {
        serve_conns(t, listener);
        _exit(EXIT_SUCCESS); /* closing so many lasts */
    }
    const SRTSOCKET s = accept_one(listener);

    if (t->work == WORK_STREAM)
        serve_stream(t, s);
    else
        serve_ping(t, s);
    fine(srt_close(s), "srt_close");
    fine(srt_cleanup(), "srt_cleanup");
}

/* ---- client ---- */

static void call_stream(const struct task *t, SRTSOCKET s)
{
    struct source source;
    char answer;

    source_init(&source, t->amount, 1);
    const struct stopwatch since = stopwatch_start();

    for (uint64_t offset = 0; offset < t->amount;) {
        size_t len;
        const uint8_t *bytes = source_at(&source, offset, &len);

        len = len < PIECE_BYTES ? len : PIECE_BYTES;
        send_all(s, bytes, len);
        offset += len;
    }
    fine(srt_recv(s, &answer, sizeof(answer)), "srt_recv");
    report_stream(t, &since);
}

static void call_ping(const struct task *t, SRTSOCKET s)
{
    char message[PING_BYTES] = {0}, answer[PIECE_BYTES];
    struct pings pings;
    const struct stopwatch since = stopwatch_start();

    pings_init(&pings, t->amount);
    do {
        pings_sent(&pings);
        send_all(s, message, sizeof(message));
        fine(srt_recv(s, answer, sizeof(answer)), "srt_recv");
    } while (pings_returned(&pings));
    report_pings(t, &pings, &since);
}

/* One local port for all of them: 0 in *here before the first. */
static void begin_one(const struct task *t, struct sockaddr_in *here, int poll)
{
    const int wanted = SRT_EPOLL_OUT | SRT_EPOLL_ERR;
    const SRTSOCKET s = open_socket(t);
    int len = sizeof(*here);

    set_flag(s, SRTO_RCVSYN, false, "SRTO_RCVSYN");
    set_int(s, SRTO_CONNTIMEO, CONNECT_MS, "SRTO_CONNTIMEO");
    fine(srt_bind(s, (struct sockaddr *)here, sizeof(*here)), "srt_bind");
    fine(srt_getsockname(s, (struct sockaddr *)here, &len), "srt_getsockname");
    fine(srt_epoll_add_usock(poll, s, &wanted), "srt_epoll_add_usock");
    fine(srt_connect(s, (const struct sockaddr *)&t->at, sizeof(t->at)), "srt_connect");
}

static uint64_t count_stood(int poll)
{
    SRT_EPOLL_EVENT ready[EVENTS];
    const int n = srt_epoll_uwait(poll, ready, EVENTS, WAIT_MS);

    fine(n, "srt_epoll_uwait");
    for (int i = 0; i < n; i++) {
        need_or(srt_getsockstate(ready[i].fd) == SRTS_CONNECTED, "conns",
                srt_rejectreason_str(srt_getrejectreason(ready[i].fd)));
        fine(srt_epoll_remove_usock(poll, ready[i].fd), "srt_epoll_remove_usock");
    }
    return (uint64_t)n;
}

static void call_conns(const struct task *t)
{
    struct sockaddr_in here = local_address(&t->at);
    const int poll = srt_epoll_create();

    fine(poll, "srt_epoll_create");
    const uint64_t began_ns = now_ns();

    for (uint64_t called = 0, stood = 0; stood < t->amount; stood += count_stood(poll))
        for (; called < t->amount && called - stood < AT_ONCE; called++)
            begin_one(t, &here, poll);
    const uint64_t stood_ns = now_ns();

    usleep(HOLD_US);
    report_conns(t, began_ns, stood_ns, 0);
    _exit(EXIT_SUCCESS);
}

void library_call(const struct task *t)
{
    fine(srt_startup(), "srt_startup");
    if (t->work == WORK_CONNS)
        call_conns(t);
    const SRTSOCKET s = open_socket(t);

    fine(srt_connect(s, (const struct sockaddr *)&t->at, sizeof(t->at)), "srt_connect");
    if (t->work == WORK_STREAM)
        call_stream(t, s);
    else
        call_ping(t, s);
    fine(srt_close(s), "srt_close");
    fine(srt_cleanup(), "srt_cleanup");
}
