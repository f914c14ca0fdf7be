/*
 * relay: a NAT that forgets.  Datagrams to 127.0.0.1:LISTEN go on to 127.0.0.1:TARGET from a port of the relay's own,
 * and answers to that port go back; every INTERVAL_MS (0: never) that port is closed for good and a new one taken.
 *
 *   client ── LISTEN [ relay ] port 1, later port 2, … ── TARGET        says "ready"; at TERM how often it forgot
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM_MAX = 65536, BUFFER_BYTES = 4 << 20, MS_PER_S = 1000, NS_PER_MS = 1000000, EXIT_USAGE = 2 };

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

static struct sockaddr_in local(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int socket_with_room(void)
{
    const int size = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0) {
        perror("relay: socket");
        exit(EXIT_FAILURE);
    }
    return fd;
}

static int upstream(const struct sockaddr_in *target)
{
    int fd = socket_with_room();
    if (connect(fd, (const struct sockaddr *)target, sizeof *target) != 0) {
        perror("relay: connect");
        exit(EXIT_FAILURE);
    }
    return fd;
}

/* What cannot be sent on is lost, as on any path. */
static void pass(int from, struct sockaddr_in *learn, int to, const struct sockaddr_in *address)
{
    static uint8_t buf[DATAGRAM_MAX];
    for (int i = 0; i < BATCH; i++) {
        socklen_t len = sizeof *learn;
        ssize_t n = recvfrom(from, buf, sizeof buf, 0, (struct sockaddr *)learn, learn ? &len : NULL);
        if (n < 0)
            return;
        (void)sendto(to, buf, (size_t)n, 0, (const struct sockaddr *)address, address ? sizeof *address : 0);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: relay LISTEN TARGET INTERVAL_MS\n");
        return EXIT_USAGE;
    }
    const struct sockaddr_in here = local(argv[1]), target = local(argv[2]);
    const long interval_ms = strtol(argv[3], NULL, 10);
    struct sockaddr_in client = {.sin_family = AF_INET};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct pollfd fds[] = {{.fd = socket_with_room(), .events = POLLIN}, {.fd = upstream(&target), .events = POLLIN}};
    if (bind(fds[0].fd, (const struct sockaddr *)&here, sizeof here) != 0) {
        perror("relay: bind");
        return EXIT_FAILURE;
    }
    puts("ready");
    fflush(stdout);
    int64_t forget_at = now_ms() + interval_ms;
    unsigned forgot = 0;
    while (!ended) {
        int64_t left = interval_ms ? forget_at - now_ms() : MS_PER_S;
        if (left <= 0) {
            close(fds[1].fd);
            fds[1].fd = upstream(&target);
            forget_at += interval_ms;
            forgot++;
        } else if (poll(fds, 2, (int)left) > 0) {
            if (fds[0].revents)
                pass(fds[0].fd, &client, fds[1].fd, NULL);
            if (fds[1].revents)
                pass(fds[1].fd, NULL, fds[0].fd, &client);
        }
    }
    printf("%u\n", forgot);
    return EXIT_SUCCESS;
}
