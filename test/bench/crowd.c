/*
 * crowd: many peers at once, over loopback, with the real core and sockets of their own.
 *
 *   crowd call PORT COUNT SECONDS    COUNT peers, each an endpoint with its own key and socket, connect to
 *                                    127.0.0.1:PORT, at most 48 handshakes at a time (more would be sent a RETRY);
 *                                    prints "connected N in US us", stays for SECONDS, prints "held N", says goodbye
 *   crowd knock PORT COUNT SECONDS   COUNT strangers of ten hosts (127.0.2.1 and on) come one after the other in so many
 *                                    seconds, each with a key of its own, and stay until they are turned away; prints
 *                                    "ready" when the first has come, "knocked N, M answered" at the end
 *   crowd serve PORT                 one endpoint behind one socket and nothing above it: accepts everyone until TERM;
 *                                    prints "ready"
 *
 * `serve` shows what a connection costs; against `duet recv -k` the same callers meet the whole
 * program, and are peers it is connected to: each says HELLO.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/appmsg.h"
#include "conn/endpoint.h"

enum {
    AT_ONCE = 48,
    EVENTS = 256,
    RECV_BATCH = 64,
    TRAIN_BYTES = 65536,
    BUFFER_BYTES = 4 << 20,
    FAREWELL_S = 2,
    NAP_MS = 100,
    EXIT_USAGE = 2,
    HOSTS = 50,
    STRANGER_HOSTS = 10,
};

enum phase { PHASE_IDLE, PHASE_CALLING, PHASE_UP, PHASE_OVER };

struct peer {
    struct endpoint *endpoint;
    int fd;
    conn_id conn;
    enum phase phase;
    duet_time due;
};

struct crowd {
    struct peer *peers;
    size_t count, called, up, over; /* over: refused, failed or gone */
    int epoll_fd;
    uint8_t buf[TRAIN_BYTES];
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

static duet_time now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return DUET_TIME((uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / 1000);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct duet_addr address_of(const struct sockaddr_in *sa)
{
    struct duet_addr a = {.family = ADDR_V4, .port = ntohs(sa->sin_port)};
    memcpy(a.ip, &sa->sin_addr, sizeof sa->sin_addr);
    return a;
}

static void open_peer(struct crowd *c, struct peer *p, struct sockaddr_in here, bool accept)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = accept};
    const int size = BUFFER_BYTES;
    /* A name belongs to one key. */
    snprintf(cfg.name, sizeof cfg.name, "crowd-%zu", (size_t)(p - c->peers));
    need(getrandom(cfg.identity.secret, sizeof cfg.identity.secret, 0) == sizeof cfg.identity.secret &&
             getrandom(cfg.seed, sizeof cfg.seed, 0) == sizeof cfg.seed,
         "getrandom");
    noise_public(cfg.identity.public, cfg.identity.secret);
    p->endpoint = endpoint_new(&cfg, now());
    need(p->endpoint != NULL, "endpoint");
    p->due = DUET_NEVER;
    p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    need(p->fd >= 0, "socket");
    need(bind(p->fd, (const struct sockaddr *)&here, sizeof here) == 0, "bind");
    need(!accept || setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0, "SO_RCVBUF");
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)(p - c->peers)};
    need(epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, p->fd, &ev) == 0, "epoll_ctl");
}

/* What makes a session of it for a duet: here nothing is taken and nothing is answered. */
static void say_hello(struct peer *p)
{
    const struct appmsg hello = {.type = APPMSG_HELLO};
    uint8_t bytes[64];
    ssize_t len = appmsg_write(&hello, bytes, sizeof bytes);
    need(len > 0 && endpoint_write(p->endpoint, p->conn, STREAM_CONTROL, bytes, (size_t)len, now()) == len, "hello");
}

static void note(struct crowd *c, struct peer *p, const struct endpoint_event *ev)
{
    if (ev->type == EVENT_CONNECTED) {
        p->conn = ev->conn;
        c->up++;
        if (p->phase == PHASE_CALLING)
            say_hello(p);
        p->phase = PHASE_UP;
    } else if (ev->type == EVENT_FAILED || ev->type == EVENT_CLOSED) {
        c->up -= p->phase == PHASE_UP && c->up > 0;
        c->over++;
        p->phase = PHASE_OVER;
    } else if (ev->type == EVENT_READABLE) {
        while (endpoint_read(p->endpoint, ev->conn, ev->stream, c->buf, sizeof c->buf, now()) > 0) {
        }
    }
}

static void drain(struct crowd *c, struct peer *p)
{
    struct endpoint_event ev;
    while (endpoint_poll(p->endpoint, &ev))
        note(c, p, &ev);
    struct envelope to;
    size_t segment;
    for (ssize_t n; (n = endpoint_send(p->endpoint, &to, c->buf, sizeof c->buf, &segment, now())) > 0;) {
        struct sockaddr_in sa = loopback(to.route.peer.port);
        for (size_t at = 0; at < (size_t)n; at += segment) {
            size_t left = (size_t)n - at;
            /* What the socket does not take is lost, and the endpoint's business. */
            (void)sendto(p->fd, c->buf + at, left < segment ? left : segment, 0, (struct sockaddr *)&sa, sizeof sa);
        }
    }
    p->due = endpoint_deadline(p->endpoint);
}

static void receive(struct crowd *c, struct peer *p)
{
    for (int i = 0; i < RECV_BATCH; i++) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(p->fd, c->buf, sizeof c->buf, 0, (struct sockaddr *)&from, &from_len);
        if (n < 0)
            break;
        struct duet_addr a = address_of(&from);
        (void)endpoint_recv(p->endpoint, &(struct envelope){.route.peer = a}, c->buf, (size_t)n, (size_t)n, now());
        struct endpoint_event ev;
        while (endpoint_poll(p->endpoint, &ev))
            note(c, p, &ev);
    }
    drain(c, p);
}

/* Everything that is due or has come in, then sleep, not beyond `until`. */
static void turn(struct crowd *c, duet_time until)
{
    duet_time t = now(), next = until;
    for (size_t i = 0; i < c->count; i++) {
        struct peer *p = &c->peers[i];
        if (time_due(p->due, t)) {
            endpoint_tick(p->endpoint, t);
            drain(c, p);
        }
        next = time_min(next, p->due);
    }
    struct epoll_event events[EVENTS];
    uint64_t wait_ms = time_since(next, now()) / US_PER_MS;
    int n = epoll_wait(c->epoll_fd, events, EVENTS, wait_ms < NAP_MS ? (int)wait_ms : NAP_MS);
    for (int i = 0; i < n; i++)
        receive(c, &c->peers[events[i].data.u64]);
}

static void stay(struct crowd *c, uint64_t us)
{
    for (duet_time until = time_add(now(), us); !ended && time_before(now(), until);)
        turn(c, until);
}

/* 127.0.NET.1 and on, for the i-th of a crowd. */
static struct sockaddr_in caller_address(uint32_t net, size_t i, size_t hosts)
{
    struct sockaddr_in sa = loopback(0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (net << 8) + (uint32_t)(i % hosts));
    return sa;
}

static void connect_peer(struct crowd *c, struct peer *p, const struct duet_addr *to)
{
    p->phase = PHASE_CALLING;
    need(endpoint_connect(p->endpoint, to, now(), &p->conn) == 0, "endpoint_connect");
    drain(c, p);
}

static void knock(struct crowd *c, uint16_t port, uint64_t span_us)
{
    const struct sockaddr_in sa = loopback(port);
    const struct duet_addr to = address_of(&sa);
    const duet_time began = now();
    for (size_t i = 0; i < c->count && !ended; i++) {
        stay(c, time_since(time_add(began, span_us * i / c->count), now()));
        open_peer(c, &c->peers[i], caller_address(2, i, STRANGER_HOSTS), false);
        connect_peer(c, &c->peers[i], &to);
        if (i == 0)
            puts("ready");
        fflush(stdout);
    }
    stay(c, time_since(time_add(began, span_us), now()));
    printf("knocked %zu, %zu answered\n", c->count, c->up + c->over);
    fflush(stdout);
}

static void call(struct crowd *c, uint16_t port)
{
    const struct sockaddr_in sa = loopback(port);
    const struct duet_addr to = address_of(&sa);
    for (size_t i = 0; i < c->count; i++)
        open_peer(c, &c->peers[i], caller_address(1, i, HOSTS), false); /* one host brings few new keys a minute */
    const duet_time began = now();
    while (!ended && c->up + c->over < c->count) {
        while (c->called < c->count && c->called - c->up - c->over < AT_ONCE) {
            connect_peer(c, &c->peers[c->called++], &to);
        }
        turn(c, time_add(now(), US_PER_S));
    }
    printf("connected %zu in %" PRIu64 " us\n", c->up, time_since(now(), began));
    fflush(stdout);
}

static void say_goodbye(struct crowd *c)
{
    for (size_t i = 0; i < c->count && c->peers[i].endpoint; i++) {
        struct peer *p = &c->peers[i];
        if (p->phase == PHASE_UP)
            endpoint_close(p->endpoint, p->conn, CLOSE_OK, "", now());
        drain(c, p);
    }
    for (duet_time until = time_add(now(), FAREWELL_S * US_PER_S); c->up > 0 && time_before(now(), until);)
        turn(c, until);
}

static void start(struct crowd *c, size_t count)
{
    const struct sigaction action = {.sa_handler = on_signal};
    const struct rlimit files = {.rlim_cur = count + 64, .rlim_max = count + 64};
    struct rlimit have;
    need(getrlimit(RLIMIT_NOFILE, &have) == 0, "getrlimit");
    need(have.rlim_cur >= files.rlim_cur || setrlimit(RLIMIT_NOFILE, &files) == 0, "file descriptors");
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    need(sodium_init() >= 0, "libsodium");
    c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    c->peers = calloc(count, sizeof *c->peers);
    c->count = count;
    need(c->epoll_fd >= 0 && c->peers, "memory");
    for (size_t i = 0; i < count; i++)
        c->peers[i].due = DUET_NEVER;
}

static int finish(struct crowd *c)
{
    for (size_t i = 0; i < c->count && c->peers[i].endpoint; i++) {
        endpoint_free(c->peers[i].endpoint);
        close(c->peers[i].fd);
    }
    free(c->peers);
    close(c->epoll_fd);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct crowd c;
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        start(&c, 1);
        open_peer(&c, &c.peers[0], loopback((uint16_t)strtoul(argv[2], NULL, 10)), true);
        puts("ready");
        fflush(stdout);
        while (!ended)
            stay(&c, US_PER_S);
        return finish(&c);
    }
    if (argc == 5 && strcmp(argv[1], "call") == 0) {
        start(&c, strtoul(argv[3], NULL, 10));
        call(&c, (uint16_t)strtoul(argv[2], NULL, 10));
        stay(&c, strtoul(argv[4], NULL, 10) * US_PER_S);
        printf("held %zu\n", c.up);
        fflush(stdout);
        say_goodbye(&c);
        return finish(&c);
    }
    if (argc == 5 && strcmp(argv[1], "knock") == 0) {
        start(&c, strtoul(argv[3], NULL, 10));
        knock(&c, (uint16_t)strtoul(argv[2], NULL, 10), strtoul(argv[4], NULL, 10) * US_PER_S);
        say_goodbye(&c);
        return finish(&c);
    }
    fprintf(stderr, "usage: crowd call|knock PORT COUNT SECONDS | serve PORT\n");
    return EXIT_USAGE;
}
