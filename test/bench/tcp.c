/*
 * tcp: a file over the kernel's TCP, clocked as duet's is: from the start of the program until the sender knows that
 * the receiver has every byte.  The receiver answers with their number once it has read the end; nothing is encrypted,
 * hashed or stored.
 *
 *   tcp recv ADDRESS PORT                   says "ready" once it listens, serves one sender, says "received BYTES" at
 *                                           the end, which a TERM brings about
 *   tcp send CONTROLLER ADDRESS PORT FILE   says "sent"
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, EXIT_USAGE = 2 };

static void need(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "tcp: %s: %s\n", what, errno != 0 ? strerror(errno) : "unexpected");
    exit(EXIT_FAILURE);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

    need(inet_pton(AF_INET, address, &in.sin_addr) == 1, address);
    return in;
}

static int open_socket(void)
{
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(sock >= 0, "socket");
    return sock;
}

/* A TERM ends whatever waits, accept() or recv(), with EINTR. */
static void on_term(int signal)
{
    (void)signal;
}

static void run_recv(const struct sockaddr_in *here)
{
    static uint8_t piece[PIECE_BYTES];
    const int on = 1;
    int listener = open_socket();

    need(sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL) == 0, "sigaction");
    need(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, "SO_REUSEADDR");
    need(bind(listener, (const struct sockaddr *)here, sizeof(*here)) == 0, "bind");
    need(listen(listener, 1) == 0, "listen");
    need(puts("ready") >= 0 && fflush(stdout) == 0, "stdout");
    int sock = accept(listener, NULL, NULL);
    need(sock >= 0, "accept");
    uint64_t total = 0;
    ssize_t got;
    while ((got = recv(sock, piece, sizeof(piece), 0)) > 0)
        total += (uint64_t)got;
    need(got == 0 || errno == EINTR, "recv");
    need(printf("received %" PRIu64 "\n", total) >= 0 && fflush(stdout) == 0, "stdout");
    total = htobe64(total);
    need(got < 0 || send(sock, &total, sizeof(total), MSG_NOSIGNAL) == (ssize_t)sizeof(total), "send");
    close(sock);
    close(listener);
}

static void run_send(const char *controller, const struct sockaddr_in *there, const char *path)
{
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC), sock = open_socket();

    need(file >= 0 && fstat(file, &st) == 0, path);
    need(setsockopt(sock, IPPROTO_TCP, TCP_CONGESTION, controller, (socklen_t)strlen(controller)) == 0, controller);
    need(connect(sock, (const struct sockaddr *)there, sizeof(*there)) == 0, "connect");
    for (uint64_t left = (uint64_t)st.st_size; left > 0;) {
        ssize_t sent = sendfile(sock, file, NULL, left);
        need(sent > 0, "sendfile");
        left -= (uint64_t)sent;
    }
    need(shutdown(sock, SHUT_WR) == 0, "shutdown");
    uint64_t told;
    errno = 0;
    need(recv(sock, &told, sizeof(told), MSG_WAITALL) == (ssize_t)sizeof(told), "no answer from the receiver");
    need(be64toh(told) == (uint64_t)st.st_size, "bytes are missing");
    need(puts("sent") >= 0 && fflush(stdout) == 0, "stdout");
    close(sock);
    close(file);
}

int main(int argc, char **argv)
{
    bool sends = argc == 6 && strcmp(argv[1], "send") == 0;
    char **where = argv + (sends ? 3 : 2);

    if (!sends && (argc != 4 || strcmp(argv[1], "recv") != 0)) {
        fprintf(stderr, "usage: tcp recv ADDRESS PORT | tcp send CONTROLLER ADDRESS PORT FILE\n");
        return EXIT_USAGE;
    }
    const struct sockaddr_in address = address_of(where[0], where[1]);
    if (sends)
        run_send(argv[2], &address, argv[5]);
    else
        run_recv(&address);
    return EXIT_SUCCESS;
}
