/* An event loop of one's own over core.h: a socket, epoll, and no thread but this one.
 *     cc loop.c $(pkg-config --cflags --libs duet) -o loop
 *     ./loop PORT           echoes streams and datagrams, of anybody
 *     ./loop IPV4 PORT      sends its input there, by a stream, and prints what comes back */
#include <arpa/inet.h>
#include <duet/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static struct duet_core *core;
static int sock, polls;
static bool serves, over;
static bool reads_file;       /* epoll takes no files: they can always be read */
static uint64_t conn, stream; /* of the client: 0 until they are there */

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* What was read of a stream and is not written yet: nothing more is read of it meanwhile, and the peer has to wait. */
struct piece {
    uint64_t conn, stream; /* 0: free */
    size_t at, len;
    char bytes[16384];
};
static struct piece pieces[64];

static struct piece *piece_of(uint64_t from, uint64_t id)
{
    struct piece *free_one = NULL;

    for (struct piece *p = pieces; p < pieces + 64; p++) {
        if (p->conn == from && p->stream == id)
            return p;
        if (p->stream == 0)
            free_one = p;
    }
    if (free_one != NULL)
        *free_one = (struct piece){.conn = from, .stream = id};
    return free_one;
}

/* Back to where it came from, as far as there is room. */
static void echo(uint64_t from, uint64_t id)
{
    struct piece *p = piece_of(from, id);
    ssize_t n = p != NULL ? 1 : 0;

    if (p == NULL)
        duet_core_stop(core, from, id, 1, duet_now_us());
    while (n > 0) {
        if (p->at == p->len) {
            n = duet_core_read(core, from, id, p->bytes, sizeof(p->bytes), duet_now_us());
            p->at = 0;
            p->len = n > 0 ? (size_t)n : 0;
        }
        if (p->at < p->len) {
            n = duet_core_write(core, from, id, p->bytes + p->at, p->len - p->at, duet_now_us());
            p->at += n > 0 ? (size_t)n : 0;
        }
    }
    if (n == DUET_EEOF)
        duet_core_finish(core, from, id, duet_now_us());
    if (n < 0 && p != NULL)
        *p = (struct piece){.stream = 0};
}

static void print_stream(uint64_t from, uint64_t id)
{
    char bytes[16384];
    ssize_t n;

    while ((n = duet_core_read(core, from, id, bytes, sizeof(bytes), duet_now_us())) > 0)
        fwrite(bytes, 1, (size_t)n, stdout);
    if (n == DUET_EEOF)
        duet_core_close(core, from, 0, NULL, duet_now_us());
}

static void on_connected(const struct duet_core_event *e)
{
    char print[DUET_FINGERPRINT_BYTES];

    fprintf(stderr, "connected to %s\n", duet_fingerprint(e->key, print));
    duet_core_trust(core, e->conn, duet_now_us()); /* a real program compares the key with one it knows */
    if (serves)
        return;
    conn = e->conn;
    duet_core_datagram(core, conn, "ping", 4, duet_now_us());
    if (duet_core_open(core, conn, DUET_PRIORITY_NORMAL, duet_now_us(), &stream) != 0)
        exit(1);
    reads_file = epoll_ctl(polls, EPOLL_CTL_ADD, 0, &(struct epoll_event){.events = EPOLLIN, .data.fd = 0}) != 0;
}

static void on_event(const struct duet_core_event *e)
{
    if (e->type == DUET_CORE_CONNECTED)
        on_connected(e);
    else if (serves && (e->type == DUET_CORE_READABLE || e->type == DUET_CORE_WRITABLE))
        echo(e->conn, e->stream);
    else if (e->type == DUET_CORE_READABLE)
        print_stream(e->conn, e->stream);
    else if (e->type == DUET_CORE_DATAGRAM && serves)
        duet_core_datagram(core, e->conn, e->data, e->bytes, duet_now_us());
    else if (e->type == DUET_CORE_DATAGRAM)
        fprintf(stderr, "datagram %.*s\n", (int)e->bytes, (const char *)e->data);
    else if ((e->type == DUET_CORE_CLOSED || e->type == DUET_CORE_FAILED) && !serves)
        over = true;
}

/* After whatever happened: news, what leaves, and when to come again. */
static int turn(void)
{
    static char bytes[DUET_CORE_PACKET_BYTES];
    const struct duet_core_event *e;
    struct duet_envelope envelope;
    struct sockaddr_storage to;
    size_t segment;
    ssize_t len;

    if (duet_core_deadline(core) <= duet_now_us())
        duet_core_tick(core, duet_now_us());
    while (duet_core_next(core, &e) == 1)
        on_event(e);
    while ((len = duet_core_send(core, &envelope, bytes, sizeof(bytes), &segment, duet_now_us())) > 0)
        for (size_t at = 0; at < (size_t)len; at += segment) {
            const size_t left = (size_t)len - at, size = left < segment ? left : segment;

            if (sendto(sock, bytes + at, size, 0, (struct sockaddr *)&to,
                       (socklen_t)duet_addr_to_sockaddr(&envelope.peer, AF_INET, &to)) < 0)
                duet_core_too_big(core, &envelope.peer, size, duet_now_us());
        }
    const uint64_t due = duet_core_deadline(core), now = duet_now_us();

    return due == UINT64_MAX ? -1 : due <= now ? 0 : (int)((due - now + 999) / 1000);
}

static void receive(void)
{
    static char bytes[DUET_CORE_PACKET_BYTES];
    struct sockaddr_storage from;
    struct duet_envelope envelope = {.ecn = 0};
    const struct duet_core_event *e;
    socklen_t len = sizeof(from);
    ssize_t n;

    while ((n = recvfrom(sock, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) > 0) {
        if (duet_addr_from_sockaddr((struct sockaddr *)&from, len, &envelope.peer) == 0)
            (void)duet_core_recv(core, &envelope, bytes, (size_t)n, (size_t)n, duet_now_us());
        while (duet_core_next(core, &e) == 1) /* datagrams point into `bytes` */
            on_event(e);
    }
}

/* A piece of the input: as much as the stream takes. */
static void take_input(void)
{
    char bytes[16384];
    const ssize_t n = read(0, bytes, sizeof(bytes));

    for (ssize_t at = 0; at < n;) {
        const ssize_t taken = duet_core_write(core, conn, stream, bytes + at, (size_t)(n - at), duet_now_us());

        if (taken < 0)
            exit(1);
        at += taken;
        if (at < n) { /* the window is full: let it move */
            struct epoll_event woken;
            const int wait_ms = turn();

            if (epoll_wait(polls, &woken, 1, wait_ms < 0 || wait_ms > 10 ? 10 : wait_ms) > 0)
                receive();
        }
    }
    if (n > 0)
        return;
    if (!reads_file)
        epoll_ctl(polls, EPOLL_CTL_DEL, 0, NULL);
    reads_file = false;
    duet_core_finish(core, conn, stream, duet_now_us());
}

int main(int argc, char *argv[])
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct duet_core_config config;
    struct duet_addr peer;
    uint8_t key[DUET_KEY_BYTES];
    struct epoll_event woken;

    if (argc != 2 && argc != 3)
        return 2;
    serves = argc == 2;
    at.sin_port = serves ? htons((uint16_t)atoi(argv[1])) : 0;
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    polls = epoll_create1(0);
    if (sock < 0 || polls < 0 || bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0)
        fail("socket");
    epoll_ctl(polls, EPOLL_CTL_ADD, sock, &(struct epoll_event){.events = EPOLLIN, .data.fd = sock});
    if (getrandom(key, sizeof(key), 0) != sizeof(key))
        fail("getrandom");
    duet_core_config_init(&config, sizeof(config));
    config.secret_key = key;
    config.refuse_calls = !serves;
    if (duet_core_new(&config, duet_now_us(), &core) != 0)
        return 1;
    if (!serves) {
        at.sin_port = htons((uint16_t)atoi(argv[2]));
        if (inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
            return 2;
        duet_addr_from_sockaddr((struct sockaddr *)&at, sizeof(at), &peer);
        if (duet_core_connect(core, &peer, duet_now_us(), &conn) != 0)
            return 1;
    }
    while (!over) {
        const int wait_ms = turn();
        const int n = epoll_wait(polls, &woken, 1, reads_file ? 0 : wait_ms);

        if (n > 0 && woken.data.fd == sock)
            receive();
        else if (n > 0 || reads_file)
            take_input();
    }
    duet_core_free(core);
    return 0;
}
