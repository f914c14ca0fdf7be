/*
 * enet: one channel of reliable packets, as the tutorial has it, and one thread that calls
 * enet_host_service.  A stream is a sequence of packets of MESSAGE_BYTES, which ENet cuts into
 * fragments; their memory stays ours (NO_ALLOCATE).  Datagrams are as large as ENet knows them,
 * 4096 bytes, or as the path carries.  At most 64 KiB are on the way: that is its protocol's
 * window.  Not encrypted.
 */
#include <enet/enet.h>

#include "common.h"

enum {
    CHANNELS = 1,
    MESSAGE_BYTES = 64 << 10,
    QUEUED_BYTES = 1 << 20, /* what enet_peer_send was given and not acknowledged yet: it never refuses */
    WAIT_MS = 1000,
};

const char library_name[] = "enet";

static ENetHost *open_host(const struct task *t, size_t peers)
{
    const ENetAddress here = {.host = t->at.sin_addr.s_addr, .port = ntohs(t->at.sin_port)};
    const size_t most = t->packet_bytes > 0 && t->packet_bytes < ENET_PROTOCOL_MAXIMUM_MTU ? t->packet_bytes
                                                                                           : ENET_PROTOCOL_MAXIMUM_MTU;

    need(enet_initialize() == 0, "enet_initialize");
    ENetHost *host = enet_host_create(t->serves ? &here : NULL, peers, CHANNELS, 0, 0);

    need(host != NULL, "enet_host_create");
    host->mtu = (enet_uint32)most;
    enet_socket_set_option(host->socket, ENET_SOCKOPT_RCVBUF, SOCKET_BUFFER);
    enet_socket_set_option(host->socket, ENET_SOCKOPT_SNDBUF, SOCKET_BUFFER);
    return host;
}

static bool next_event(ENetHost *host, ENetEvent *ev, enet_uint32 wait_ms)
{
    const int got = enet_host_service(host, ev, wait_ms);

    need(got >= 0, "enet_host_service");
    return got > 0;
}

static void send_copy(ENetPeer *peer, const void *bytes, size_t len)
{
    ENetPacket *p = enet_packet_create(bytes, len, ENET_PACKET_FLAG_RELIABLE);

    need(p != NULL && enet_peer_send(peer, 0, p) == 0, "enet_peer_send");
}

/* ---- server ---- */

/* Until what was said last is acknowledged, or the client is gone. */
static void linger(ENetHost *host, ENetPeer *peer)
{
    ENetEvent ev;

    enet_peer_disconnect_later(peer, 0);
    while (next_event(host, &ev, WAIT_MS) && ev.type != ENET_EVENT_TYPE_DISCONNECT)
        if (ev.type == ENET_EVENT_TYPE_RECEIVE)
            enet_packet_destroy(ev.packet);
}

static void serve_stream(const struct task *t, ENetHost *host)
{
    const struct stopwatch since = stopwatch_start();
    struct sink sink = {.total = t->amount};
    ENetEvent ev = {.type = ENET_EVENT_TYPE_NONE};

    while (sink.received < sink.total) {
        if (!next_event(host, &ev, WAIT_MS) || ev.type != ENET_EVENT_TYPE_RECEIVE)
            continue;
        sink_take(&sink, sink.received, ev.packet->data, ev.packet->dataLength);
        enet_packet_destroy(ev.packet);
    }
    send_copy(ev.peer, "", 1);
    linger(host, ev.peer);
    report_server(t, &since);
}

static void serve_ping(const struct task *t, ENetHost *host)
{
    const struct stopwatch since = stopwatch_start();
    ENetEvent ev;

    for (uint64_t left = t->amount; left > 0;) {
        if (!next_event(host, &ev, WAIT_MS) || ev.type != ENET_EVENT_TYPE_RECEIVE)
            continue;
        need(enet_peer_send(ev.peer, 0, ev.packet) == 0, "enet_peer_send");
        left--;
    }
    linger(host, ev.peer);
    report_server(t, &since);
}

static ENetPeer *connect_peer(const struct task *t, ENetHost *host)
{
    const ENetAddress there = {.host = t->at.sin_addr.s_addr, .port = ntohs(t->at.sin_port)};
    ENetPeer *peer = enet_host_connect(host, &there, CHANNELS, 0);

    need(peer != NULL, "enet_host_connect");
    return peer;
}

/* Peers are made with the host, hence the memory before it. */
static void hold_conns(const struct task *t, ENetHost *host, uint64_t began_ns, size_t memory_before)
{
    ENetEvent ev;

    for (uint64_t called = 0, stood = 0; stood < t->amount;) {
        for (; !t->serves && called < t->amount && called - stood < AT_ONCE; called++)
            connect_peer(t, host);
        if (!next_event(host, &ev, WAIT_MS))
            continue;
        need_or(ev.type == ENET_EVENT_TYPE_CONNECT, "conns", "a connection came to nothing");
        stood++;
    }
    const uint64_t stood_ns = now_ns();

    for (const uint64_t until = stood_ns + (t->serves ? LOOK_AFTER_US : HOLD_US) * UINT64_C(1000); now_ns() < until;)
        next_event(host, &ev, 10);
    report_conns(t, began_ns, stood_ns, memory_before);
}

void library_serve(const struct task *t)
{
    const size_t memory = memory_bytes();
    ENetHost *host = open_host(t, t->work == WORK_CONNS ? t->amount : 1);

    say_ready();
    if (t->work == WORK_STREAM)
        serve_stream(t, host);
    else if (t->work == WORK_PING)
        serve_ping(t, host);
    else
        hold_conns(t, host, 0, memory);
    enet_host_destroy(host);
}

/* ---- client ---- */

static ENetPeer *connect_one(const struct task *t, ENetHost *host)
{
    ENetPeer *peer = connect_peer(t, host);
    ENetEvent ev;

    while (!next_event(host, &ev, WAIT_MS) || ev.type != ENET_EVENT_TYPE_CONNECT) {
    }
    return peer;
}

static size_t queued;

static void on_free(ENetPacket *p)
{
    queued -= p->dataLength;
}

static uint64_t send_some(struct source *source, ENetPeer *peer, uint64_t offset)
{
    while (offset < source->total && queued < QUEUED_BYTES) {
        size_t len;
        uint8_t *bytes = source_at(source, offset, &len);

        len = len < MESSAGE_BYTES ? len : MESSAGE_BYTES;
        ENetPacket *p = enet_packet_create(bytes, len, ENET_PACKET_FLAG_RELIABLE | ENET_PACKET_FLAG_NO_ALLOCATE);

        need(p != NULL, "enet_packet_create");
        p->freeCallback = on_free;
        need(enet_peer_send(peer, 0, p) == 0, "enet_peer_send");
        queued += len;
        offset += len;
    }
    return offset;
}

static void call_stream(const struct task *t, ENetHost *host, ENetPeer *peer)
{
    struct source source;

    source_init(&source, t->amount, QUEUED_BYTES / MARK_EVERY + 2);
    const struct stopwatch since = stopwatch_start();
    ENetEvent ev;

    for (uint64_t offset = 0;;) {
        offset = send_some(&source, peer, offset);
        if (next_event(host, &ev, 1) && ev.type == ENET_EVENT_TYPE_RECEIVE)
            break;
    }
    report_stream(t, &since);
}

static void call_ping(const struct task *t, ENetHost *host, ENetPeer *peer)
{
    static const uint8_t message[PING_BYTES];
    struct pings pings;
    const struct stopwatch since = stopwatch_start();

    pings_init(&pings, t->amount);
    for (bool more = true; more;) {
        ENetEvent ev;

        pings_sent(&pings);
        send_copy(peer, message, sizeof(message));
        while (!next_event(host, &ev, WAIT_MS) || ev.type != ENET_EVENT_TYPE_RECEIVE) {
        }
        more = pings_returned(&pings);
        enet_packet_destroy(ev.packet);
    }
    report_pings(t, &pings, &since);
}

void library_call(const struct task *t)
{
    ENetHost *host = open_host(t, t->work == WORK_CONNS ? t->amount : 1);

    if (t->work == WORK_CONNS) {
        hold_conns(t, host, now_ns(), 0);
    } else {
        ENetPeer *peer = connect_one(t, host);

        if (t->work == WORK_STREAM)
            call_stream(t, host, peer);
        else
            call_ping(t, host, peer);
        enet_peer_disconnect_now(peer, 0);
    }
    enet_host_destroy(host);
}
