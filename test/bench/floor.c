/*
 * floor: the least work a file over UDP can be, as the yardstick for loopback figures.
 *
 *   send   pread 60 KB → XXH3-128 → AES-128-GCM (EVP) → one sendmsg        recv   recvmsg → open → XXH3-128 → pwrite
 *
 * No protocol: a fixed key, packets numbered from 0, nothing lost or reordered or it gives up.  What keeps the
 * receiver's buffer from running over is a byte window: the receiver says how much it has written after each quarter
 * of it, and the sender stands still a window ahead of that.  With --mtu the 60 KB are packets of 1440 bytes, each
 * sealed for itself, sent as one UDP_SEGMENT train and received through UDP_GRO: the same for a path with an MTU.
 *
 *   floor [--mtu] [--window BYTES] recv ADDRESS PORT FILE        says "ready" once it listens
 *   floor [--mtu] [--window BYTES] send ADDRESS PORT FILE
 *
 * packet: number 8 ‖ ciphertext ‖ tag 16        hello: total bytes 8        credit: bytes written 8 [‖ hash 16 at the end]
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <xxhash.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    HEAD = 8,
    TAG = 16,
    IV = 12,
    KEY = 16,
    BIG_PAYLOAD = 60 * 1024,
    MTU_PACKET = 1440,
    MTU_TRAIN = 44, /* packets: the most that stay below 64 KB with room for headers */
    TRAIN_MAX = 65536,
    SOCKET_BUFFER = 8 << 20,
    BUFFER_SHARE = 4, /* of the buffer, which also holds the kernel's own bookkeeping, may be bytes under way */
    SILENCE_S = 5,    /* something was lost: there is no second try */
    EXIT_USAGE = 2,
};

struct job {
    bool mtu, sending;
    uint64_t window;
    struct sockaddr_in peer;
    int sock, file;
    size_t payload, packets; /* of a packet; in a train */
    EVP_CIPHER_CTX *cipher;
    XXH3_state_t *hash;
    uint8_t train[TRAIN_MAX], plain[TRAIN_MAX];
};

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(EXIT_FAILURE);
}

static void need(bool fine, const char *what)
{
    if (!fine)
        die(what);
}

static void start_crypto(struct job *j)
{
    static const uint8_t key[KEY] = {0};
    j->cipher = EVP_CIPHER_CTX_new();
    j->hash = XXH3_createState();
    need(j->cipher && j->hash, "memory");
    XXH3_128bits_reset(j->hash);
    need(EVP_CipherInit_ex(j->cipher, EVP_aes_128_gcm(), NULL, key, NULL, j->sending) == 1, "cipher");
}

static void set_nonce(struct job *j, uint64_t number_be)
{
    uint8_t iv[IV] = {0};
    int n;
    memcpy(iv + IV - HEAD, &number_be, HEAD);
    need(EVP_CipherInit_ex(j->cipher, NULL, NULL, NULL, iv, -1) == 1, "nonce");
    need(EVP_CipherUpdate(j->cipher, NULL, &n, (const uint8_t *)&number_be, HEAD) == 1, "associated data");
}

static size_t seal(struct job *j, uint64_t number, const uint8_t *plain, size_t len, uint8_t *packet)
{
    uint64_t head = htobe64(number);
    int n, rest;
    memcpy(packet, &head, HEAD);
    set_nonce(j, head);
    need(EVP_EncryptUpdate(j->cipher, packet + HEAD, &n, plain, (int)len) == 1, "encrypt");
    need(EVP_EncryptFinal_ex(j->cipher, packet + HEAD + n, &rest) == 1, "encrypt");
    need(EVP_CIPHER_CTX_ctrl(j->cipher, EVP_CTRL_GCM_GET_TAG, TAG, packet + HEAD + len) == 1, "tag");
    return HEAD + len + TAG;
}

static size_t open_packet(struct job *j, uint64_t number, uint8_t *packet, size_t len, uint8_t *plain)
{
    uint64_t head = htobe64(number);
    size_t bytes = len - HEAD - TAG;
    int n, rest;
    need(len > HEAD + TAG && memcmp(packet, &head, HEAD) == 0, "a packet was lost or reordered");
    set_nonce(j, head);
    need(EVP_DecryptUpdate(j->cipher, plain, &n, packet + HEAD, (int)bytes) == 1, "decrypt");
    need(EVP_CIPHER_CTX_ctrl(j->cipher, EVP_CTRL_GCM_SET_TAG, TAG, packet + HEAD + bytes) == 1, "tag");
    need(EVP_DecryptFinal_ex(j->cipher, plain + n, &rest) == 1, "a packet is not authentic");
    return bytes;
}

static void send_train(struct job *j, size_t len, size_t segment)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec iov = {.iov_base = j->train, .iov_len = len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    const uint16_t size = (uint16_t)segment;
    if (j->mtu && len > segment) {
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(c), &size, sizeof size);
    }
    need(sendmsg(j->sock, &m, 0) == (ssize_t)len, "sendmsg");
}

/* Waits for the next credit; true: it was the last, and the receiver has what we have read. */
static bool take_credit(struct job *j, uint64_t *credited)
{
    struct {
        uint64_t bytes;
        XXH128_canonical_t hash;
    } c;
    ssize_t n = recv(j->sock, &c, sizeof c, 0);
    need(n >= (ssize_t)sizeof c.bytes, "no answer from the receiver");
    *credited = be64toh(c.bytes);
    if (n < (ssize_t)sizeof c)
        return false;
    errno = 0;
    need(XXH128_isEqual(XXH128_hashFromCanonical(&c.hash), XXH3_128bits_digest(j->hash)), "the hashes differ");
    return true;
}

static void run_send(struct job *j)
{
    struct stat st;
    need(fstat(j->file, &st) == 0, "fstat");
    need(connect(j->sock, (struct sockaddr *)&j->peer, sizeof j->peer) == 0, "connect");
    const uint64_t total = (uint64_t)st.st_size, hello = htobe64(total);
    uint64_t sent = 0, credited = 0, number = 0;
    need(send(j->sock, &hello, sizeof hello, 0) == sizeof hello, "send");
    while (sent < total) {
        ssize_t got = pread(j->file, j->plain, j->payload * j->packets, (off_t)sent);
        need(got > 0, "pread");
        XXH3_128bits_update(j->hash, j->plain, (size_t)got);
        size_t len = 0;
        for (size_t at = 0; at < (size_t)got; at += j->payload) {
            size_t left = (size_t)got - at;
            len += seal(j, number++, j->plain + at, left < j->payload ? left : j->payload, j->train + len);
        }
        send_train(j, len, HEAD + j->payload + TAG);
        sent += (uint64_t)got;
        while (sent < total && sent - credited > j->window)
            (void)take_credit(j, &credited);
    }
    while (!take_credit(j, &credited)) {
    }
}

/* One datagram, or a train of them of *segment bytes each. */
static size_t recv_train(struct job *j, size_t *segment)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {.iov_base = j->train, .iov_len = sizeof j->train};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(j->sock, &m, 0);
    need(n > 0, "recvmsg: a packet was lost");
    *segment = (size_t)n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            *segment = (size_t)size;
        }
    return (size_t)n;
}

static void give_credit(struct job *j, uint64_t written, bool last)
{
    struct {
        uint64_t bytes;
        XXH128_canonical_t hash;
    } c = {.bytes = htobe64(written)};
    if (last)
        XXH128_canonicalFromHash(&c.hash, XXH3_128bits_digest(j->hash));
    size_t len = last ? sizeof c : sizeof c.bytes;
    need(send(j->sock, &c, len, 0) == (ssize_t)len, "send");
}

static void run_recv(struct job *j)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    uint64_t hello, written = 0, told = 0, number = 0;
    need(bind(j->sock, (struct sockaddr *)&j->peer, sizeof j->peer) == 0, "bind");
    need(puts("ready") >= 0 && fflush(stdout) == 0, "stdout");
    need(recvfrom(j->sock, &hello, sizeof hello, 0, (struct sockaddr *)&from, &from_len) == sizeof hello, "hello");
    need(connect(j->sock, (struct sockaddr *)&from, from_len) == 0, "connect");
    const uint64_t total = be64toh(hello);
    while (written < total) {
        size_t segment, bytes = 0, len = recv_train(j, &segment);
        for (size_t at = 0; at < len; at += segment)
            bytes += open_packet(j, number++, j->train + at, len - at < segment ? len - at : segment, j->plain + bytes);
        XXH3_128bits_update(j->hash, j->plain, bytes);
        need(pwrite(j->file, j->plain, bytes, (off_t)written) == (ssize_t)bytes, "pwrite");
        written += bytes;
        if (written < total && written - told >= j->window / 4) {
            told = written;
            give_credit(j, written, false);
        }
    }
    give_credit(j, written, true);
}

static void open_socket(struct job *j)
{
    const int on = 1, size = SOCKET_BUFFER;
    const struct timeval silence = {.tv_sec = SILENCE_S};
    j->sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(j->sock >= 0, "socket");
    for (int i = 0; i < 2; i++) {
        int force = i ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, ask = i ? SO_SNDBUF : SO_RCVBUF;
        if (setsockopt(j->sock, SOL_SOCKET, force, &size, sizeof size) != 0)
            need(setsockopt(j->sock, SOL_SOCKET, ask, &size, sizeof size) == 0, "socket buffer");
    }
    /* Without the right to force it the buffer is smaller; both ends get the same and come to the same window. */
    int got;
    socklen_t got_len = sizeof got;
    need(getsockopt(j->sock, SOL_SOCKET, SO_RCVBUF, &got, &got_len) == 0, "SO_RCVBUF");
    if (j->window > (uint64_t)got / BUFFER_SHARE)
        j->window = (uint64_t)got / BUFFER_SHARE;
    need(setsockopt(j->sock, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) == 0, "SO_RCVTIMEO");
    if (j->mtu && !j->sending)
        need(setsockopt(j->sock, SOL_UDP, UDP_GRO, &on, sizeof on) == 0, "UDP_GRO");
}

static bool parse(int argc, char **argv, struct job *j)
{
    static const struct option table[] = {
        {"mtu", no_argument, NULL, 'm'}, {"window", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
    j->window = UINT64_C(1) << 20;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'm')
            j->mtu = true;
        else if (c == 'w')
            j->window = strtoull(optarg, NULL, 10);
        else
            return false;
    }
    if (argc - optind != 4 || j->window == 0)
        return false;
    char **arg = argv + optind;
    j->sending = strcmp(arg[0], "send") == 0;
    j->peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(arg[2], NULL, 10))};
    j->file = j->sending ? open(arg[3], O_RDONLY | O_CLOEXEC)
                         : open(arg[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    need(j->file >= 0, arg[3]);
    return (j->sending || strcmp(arg[0], "recv") == 0) && inet_pton(AF_INET, arg[1], &j->peer.sin_addr) == 1;
}

int main(int argc, char **argv)
{
    static struct job j;
    if (!parse(argc, argv, &j)) {
        fprintf(stderr, "usage: floor [--mtu] [--window BYTES] send|recv ADDRESS PORT FILE\n");
        return EXIT_USAGE;
    }
    j.payload = j.mtu ? MTU_PACKET - HEAD - TAG : BIG_PAYLOAD;
    j.packets = j.mtu ? MTU_TRAIN : 1;
    start_crypto(&j);
    open_socket(&j);
    if (j.sending)
        run_send(&j);
    else
        run_recv(&j);
    EVP_CIPHER_CTX_free(j.cipher);
    XXH3_freeState(j.hash);
    return close(j.file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
