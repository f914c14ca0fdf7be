/*
 * duet: the core (conn/endpoint.h) over io/udp in one thread with a loop of its own: receive what
 * is there, tick, send until nothing is left or TRAINS went, sleep until the deadline.  The stream
 * is one of the application, of the priority that takes turns with files; pings have the priority
 * of what somebody waits for.  With --bulk the stream goes as a file does.  A connection of duet is
 * known by the addresses of both ends, so each of many to one server has a socket, and an endpoint,
 * of its own.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "common.h"
#include "conn/endpoint.h"
#include "crypto/aead.h"
#include "io/clock.h"
#include "io/udp.h"

enum {
    SLOTS = 8, /* blocks of MARK_EVERY in memory and on the way at most */
    READ_BYTES = 256 << 10,
    WINDOW_BYTES = 4 << 20, /* of bulk bytes the receiver allows */
    TRAINS = 16,            /* sent in one turn */
    BULK_ID = 2,            /* the first bulk stream of who connects (PROTOCOL.md §7) */
    EVENTS = 64,
    SPARE_FILES = 64,
    IDLE_MS = 100,
};

const char library_name[] = "duet";

struct peer {
    struct endpoint *endpoint;
    struct udp *udp;
    conn_id conn;
    duet_time due;
    bool stands, blocked, busy; /* busy: there may be something to do at once */
    struct envelope outside;    /* the train being sent: bytes [at, len) are left */
    size_t at, len, segment;
    uint8_t *train; /* UDP_TRAIN_BYTES */
};

struct bench {
    const struct task *task;
    int epoll_fd, timer_fd;
    duet_time armed; /* what timer_fd is set to, at most */
    struct peer **peers;
    size_t count, stood;
    struct source source;
    bool taken[SLOTS]; /* supplied and not released */
    uint64_t supplied, released;
    uint64_t stream;
    struct sink sink;
    struct pings pings;
    size_t message_got;
    bool done;
};

static void fine(int err, const char *what)
{
    need_or(err == 0, what, err_text(err));
}

/* ---- application ---- */

static void write_all(struct bench *b, struct peer *p, const void *bytes, size_t len)
{
    const ssize_t taken = endpoint_write(p->endpoint, p->conn, b->stream, bytes, len, clock_now());

    need_or(taken == (ssize_t)len, "endpoint_write", "no room for a message");
}

/* As much as there is room for. */
static void write_on(struct bench *b, struct peer *p)
{
    while (b->supplied < b->source.total) {
        size_t len;
        const uint8_t *bytes = source_at(&b->source, b->supplied, &len);
        const ssize_t taken = endpoint_write(p->endpoint, p->conn, b->stream, bytes, len, clock_now());

        need_or(taken >= 0, "endpoint_write", err_text((int)taken));
        if (taken == 0)
            return;
        b->supplied += (uint64_t)taken;
    }
}

static void supply(struct bench *b, struct peer *p)
{
    while (b->supplied < b->source.total) {
        const uint64_t block = b->supplied / MARK_EVERY;
        size_t len;

        if (b->taken[block % SLOTS])
            return;
        const uint8_t *bytes = source_at(&b->source, b->supplied, &len);

        fine(endpoint_supply(p->endpoint, p->conn, b->stream, b->supplied, bytes, len, block, clock_now()),
             "endpoint_supply");
        b->taken[block % SLOTS] = true;
        b->supplied += len;
    }
}

static void begin_bulk(struct bench *b, struct peer *p)
{
    fine(endpoint_open_bulk(p->endpoint, p->conn, &b->stream), "endpoint_open_bulk");
    supply(b, p);
    fine(endpoint_finish(p->endpoint, p->conn, b->stream, b->source.total, clock_now()), "endpoint_finish");
}

static void open_stream(struct bench *b, struct peer *p, enum stream_priority priority)
{
    fine(endpoint_open_stream(p->endpoint, p->conn, priority, &b->stream, clock_now()), "endpoint_open_stream");
}

static void send_ping(struct bench *b, struct peer *p)
{
    static const uint8_t message[PING_BYTES];

    pings_sent(&b->pings);
    write_all(b, p, message, sizeof(message));
}

static void on_message(struct bench *b, struct peer *p, const uint8_t *message)
{
    if (b->task->serves) {
        write_all(b, p, message, PING_BYTES);
        b->sink.received++;
        return;
    }
    b->done = !pings_returned(&b->pings);
    if (!b->done)
        send_ping(b, p);
}

/* Of the stream: at the client the answer. */
static void on_bytes(struct bench *b, struct peer *p, const uint8_t *bytes, size_t len)
{
    b->done = !b->task->serves;
    if (b->done)
        return;
    sink_take(&b->sink, b->sink.received, bytes, len);
    if (b->sink.received == b->sink.total)
        write_all(b, p, "", 1);
}

static void on_part(struct bench *b, struct peer *p, const uint8_t *bytes, size_t len)
{
    static uint8_t message[PING_BYTES];

    need_or(len <= PING_BYTES - b->message_got, "ping", "more than one message came");
    memcpy(message + b->message_got, bytes, len);
    b->message_got += len;
    if (b->message_got < PING_BYTES)
        return;
    b->message_got = 0;
    on_message(b, p, message);
}

static void on_readable(struct bench *b, struct peer *p, uint64_t stream)
{
    static uint8_t bytes[READ_BYTES];
    ssize_t got;

    b->stream = stream;
    while ((got = endpoint_read(p->endpoint, p->conn, stream, bytes, sizeof(bytes), clock_now())) > 0) {
        if (b->task->work == WORK_PING)
            on_part(b, p, bytes, (size_t)got);
        else
            on_bytes(b, p, bytes, (size_t)got);
    }
}

/* Of a bulk stream.  The answer needs one of the other kind. */
static void on_extent(struct bench *b, struct peer *p, const struct endpoint_event *ev)
{
    sink_take(&b->sink, ev->extent.offset, ev->extent.data, ev->extent.len);
    fine(endpoint_consumed(p->endpoint, p->conn, ev->stream, ev->extent.len, clock_now()), "endpoint_consumed");
    if (b->sink.received < b->sink.total)
        return;
    open_stream(b, p, PRIORITY_INTERACTIVE);
    write_all(b, p, "", 1);
}

static void on_connected(struct bench *b, struct peer *p, conn_id conn)
{
    p->conn = conn;
    p->stands = true;
    b->stood++;
    endpoint_allow(p->endpoint, conn, clock_now());
    if (b->task->bulk && b->task->serves)
        fine(endpoint_accept_bulk(p->endpoint, conn, BULK_ID, WINDOW_BYTES, clock_now()), "endpoint_accept_bulk");
}

static void drain(struct bench *b, struct peer *p)
{
    struct endpoint_event ev;

    while (endpoint_poll(p->endpoint, &ev)) {
        need_or(ev.type != EVENT_FAILED, "connect", "a connection came to nothing");
        if (ev.type == EVENT_CONNECTED)
            on_connected(b, p, ev.conn);
        else if (ev.type == EVENT_READABLE)
            on_readable(b, p, ev.stream);
        else if (ev.type == EVENT_WRITABLE)
            write_on(b, p);
        else if (ev.type == EVENT_EXTENT)
            on_extent(b, p, &ev);
        else if (ev.type == EVENT_RELEASED) {
            b->taken[ev.cookie % SLOTS] = false;
            supply(b, p);
        } else if (ev.type == EVENT_CLOSED)
            b->done = true;
    }
}

/* ---- loop ---- */

static void watch(const struct bench *b, struct peer *p, int op)
{
    struct epoll_event ev = {.events = p->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = p};

    need(epoll_ctl(b->epoll_fd, op, udp_fd(p->udp), &ev) == 0, "epoll_ctl");
}

static void receive(struct bench *b, struct peer *p)
{
    struct udp_train t;

    if (udp_recv(p->udp) == 0)
        return;
    p->busy = true;
    const duet_time now = clock_now();

    while (udp_next(p->udp, &t)) {
        (void)endpoint_recv(p->endpoint, &t.outside, t.bytes, t.len, t.segment, now);
        drain(b, p);
    }
}

/* true: the train is gone. */
static bool send_train(const struct bench *b, struct peer *p)
{
    const bool was_blocked = p->blocked;

    p->at += udp_send(p->udp, &p->outside, p->train + p->at, p->len - p->at, p->segment);
    p->blocked = p->at < p->len;
    if (p->blocked != was_blocked)
        watch(b, p, EPOLL_CTL_MOD);
    const size_t too_big = udp_too_big(p->udp);

    if (too_big > 0)
        endpoint_too_big(p->endpoint, &p->outside.route.peer, too_big, udpsock_most_bytes(&p->outside.route.peer),
                         clock_now());
    return !p->blocked;
}

static void send_trains(struct bench *b, struct peer *p)
{
    if (p->at < p->len && !send_train(b, p))
        return;
    for (int i = 0; i < TRAINS; i++) {
        const ssize_t len =
            endpoint_send(p->endpoint, &p->outside, p->train, UDP_TRAIN_BYTES, &p->segment, clock_now());

        drain(b, p);
        if (len <= 0)
            return;
        p->at = 0;
        p->len = (size_t)len;
        if (!send_train(b, p))
            return;
    }
    p->busy = true; /* perhaps there is more: after what has come meanwhile */
}

static void serve_peer(struct bench *b, struct peer *p)
{
    const duet_time now = clock_now();

    if (time_due(endpoint_deadline(p->endpoint), now))
        endpoint_tick(p->endpoint, now);
    drain(b, p);
    send_trains(b, p);
    p->due = endpoint_deadline(p->endpoint);
}

static void on_ready(struct bench *b, struct peer *p, bool readable, bool writable)
{
    if (readable)
        receive(b, p);
    if (writable)
        p->busy |= send_train(b, p);
}

/* A timer that would fire too early is left as it is: setting one costs more than being woken for
 * nothing now and then, where each packet moves the deadline. */
static void arm(struct bench *b, duet_time at)
{
    const struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(at.us / US_PER_S), .tv_nsec = (long)(at.us % US_PER_S * 1000)}};

    if (!time_before(at, b->armed))
        return;
    need(timerfd_settime(b->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0, "timerfd_settime");
    b->armed = at;
}

/* One socket is waited for more cheaply without the set. */
static void wait_for_one(struct bench *b, bool busy, duet_time next)
{
    struct peer *p = b->peers[0];
    struct pollfd fds[] = {{.fd = udp_fd(p->udp), .events = p->blocked ? POLLIN | POLLOUT : POLLIN},
                           {.fd = b->timer_fd, .events = POLLIN}};
    uint64_t expired;

    if (!busy)
        arm(b, next);
    if (poll(fds, 2, busy ? 0 : -1) <= 0)
        return;
    if (fds[1].revents != 0 && read(b->timer_fd, &expired, sizeof(expired)) == (ssize_t)sizeof(expired))
        b->armed = DUET_NEVER;
    on_ready(b, p, (fds[0].revents & (POLLIN | POLLERR)) != 0, (fds[0].revents & POLLOUT) != 0);
}

static void wait_for_many(struct bench *b, bool busy, duet_time next)
{
    struct epoll_event ev[EVENTS];
    const uint64_t us = busy ? 0 : time_since(next, clock_now());
    const struct timespec wait = {.tv_sec = (time_t)(us / US_PER_S), .tv_nsec = (long)(us % US_PER_S * 1000)};
    const int n = epoll_pwait2(b->epoll_fd, ev, EVENTS, &wait, NULL);

    for (int i = 0; i < n; i++)
        on_ready(b, ev[i].data.ptr, (ev[i].events & (EPOLLIN | EPOLLERR)) != 0, (ev[i].events & EPOLLOUT) != 0);
}

/* Everything that is due, or has something to send; then sleeps until a packet comes or the next
 * deadline. */
static void turn(struct bench *b)
{
    const duet_time now = clock_now();
    duet_time next = time_add(now, IDLE_MS * US_PER_MS);
    bool busy = false;

    for (size_t i = 0; i < b->count; i++) {
        struct peer *p = b->peers[i];

        if (p->busy || time_due(p->due, now)) {
            p->busy = false;
            serve_peer(b, p);
        }
        busy |= p->busy && !p->blocked;
        next = p->blocked ? next : time_min(next, p->due);
    }
    if (b->count == 1)
        wait_for_one(b, busy, next);
    else
        wait_for_many(b, busy, next);
}

static void hold(struct bench *b, uint64_t us)
{
    for (const uint64_t until = now_ns() + us * 1000; now_ns() < until;)
        turn(b);
}

/* ---- peers ---- */

static struct duet_addr address_of(const struct sockaddr_in *sa)
{
    struct duet_addr a = {.family = ADDR_V4, .port = ntohs(sa->sin_port)};

    memcpy(a.ip, &sa->sin_addr, sizeof(sa->sin_addr));
    return a;
}

static void open_peer(struct bench *b)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = b->task->serves};
    const struct sockaddr_in here = b->task->serves ? b->task->at : local_address(&b->task->at);
    char literal[INET_ADDRSTRLEN], error[UDP_ERROR_BYTES];
    const struct udp_config udp = {.family = 4, .bind = literal, .port = ntohs(here.sin_port)};
    struct peer *p = calloc(1, sizeof(*p));
    int sys;

    need(p != NULL && inet_ntop(AF_INET, &here.sin_addr, literal, sizeof(literal)) != NULL, "memory");
    p->train = malloc(UDP_TRAIN_BYTES);
    need(p->train != NULL, "memory");
    b->peers[b->count++] = p;
    snprintf(cfg.name, sizeof(cfg.name), "bench-%zu", b->count);
    randombytes_buf(cfg.identity.secret, sizeof(cfg.identity.secret));
    randombytes_buf(cfg.seed, sizeof(cfg.seed));
    noise_public(cfg.identity.public, cfg.identity.secret);
    cfg.params.features = FEATURE_STREAMS | FEATURE_DATAGRAMS;
    cfg.params.suites = aead_suites();
    cfg.params.prefer = aead_prefers_aes() ? SUITE_AES128GCM : SUITE_CHACHA20POLY1305;
    p->endpoint = endpoint_new(&cfg, clock_now());
    need(p->endpoint != NULL, "endpoint_new");
    need_or(udp_open(&udp, &p->udp, error, &sys) == 0, "udp_open", error);
    p->due = DUET_NEVER;
    watch(b, p, EPOLL_CTL_ADD);
}

static void connect_peer(struct bench *b)
{
    const struct duet_addr to = address_of(&b->task->at);

    open_peer(b);
    struct peer *p = b->peers[b->count - 1];

    fine(endpoint_connect(p->endpoint, &to, clock_now(), &p->conn), "endpoint_connect");
    p->busy = true;
}

static void open_bench(struct bench *b, const struct task *t)
{
    const struct rlimit files = {.rlim_cur = t->amount + SPARE_FILES, .rlim_max = t->amount + SPARE_FILES};

    b->task = t;
    b->peers = calloc(t->work == WORK_CONNS ? t->amount : 1, sizeof(struct peer *));
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    b->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    b->armed = DUET_NEVER;
    need(b->peers != NULL && b->timer_fd >= 0 && b->epoll_fd >= 0 && sodium_init() >= 0, "start");
    need(t->work != WORK_CONNS || t->serves || setrlimit(RLIMIT_NOFILE, &files) == 0, "file descriptors");
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

/* ---- works ---- */

static struct bench bench;

void library_serve(const struct task *t)
{
    struct bench *b = &bench;

    open_bench(b, t);
    b->sink.total = t->amount;
    open_peer(b);
    const size_t memory = memory_bytes();
    const struct stopwatch since = stopwatch_start();

    say_ready();
    if (t->work == WORK_CONNS) {
        while (b->stood < t->amount)
            turn(b);
        const uint64_t stood_ns = now_ns();

        hold(b, LOOK_AFTER_US);
        report_conns(t, 0, stood_ns, memory);
        hold(b, HOLD_US);
        return;
    }
    while (!b->done) /* the client closes when it has all it waits for */
        turn(b);
    report_server(t, &since);
}

static void call_conns(const struct task *t, struct bench *b)
{
    const uint64_t began_ns = now_ns();

    while (b->stood < t->amount) {
        while (b->count < t->amount && b->count - b->stood < AT_ONCE)
            connect_peer(b);
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
    connect_peer(b);
    struct peer *p = b->peers[0];

    while (!p->stands)
        turn(b);
    if (t->work == WORK_STREAM)
        source_init(&b->source, t->amount, t->bulk ? SLOTS : 1);
    else
        pings_init(&b->pings, t->amount);
    const struct stopwatch since = stopwatch_start();

    if (t->bulk) {
        begin_bulk(b, p);
    } else {
        open_stream(b, p, t->work == WORK_PING ? PRIORITY_INTERACTIVE : PRIORITY_NORMAL);
        if (t->work == WORK_PING)
            send_ping(b, p);
        else
            write_on(b, p);
    }
    p->busy = true;
    while (!b->done)
        turn(b);
    if (t->work == WORK_STREAM)
        report_stream(t, &since);
    else
        report_pings(t, &b->pings, &since);
    b->done = false;
    endpoint_close(p->endpoint, p->conn, CLOSE_OK, "", clock_now());
    p->busy = true;
    while (!b->done)
        turn(b);
}
