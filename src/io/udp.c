/*
 * udp: see the header.  All message headers, control blocks and buffers are set
 * up once in udp_open; a call only fills in what the kernel overwrites.
 *
 * A failed UDP_SEGMENT (EIO without checksum offload, EINVAL, EMSGSIZE) says
 * nothing about the packets: the same bytes go out one by one, and only when
 * that works is segmentation itself to blame and paused for a while.
 */
#include "duet/io/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "duet/base/bytes.h"
#include "duet/base/err.h"
#include "duet/io/sockaddr.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define ECN_MASK 3
#define ERRNO_KINDS 256 /* Linux has some 133 */
#define OUT_CONTROL_BYTES CMSG_SPACE(sizeof(uint16_t))
/* TOS or traffic class, segment size, overflow count. */
#define IN_CONTROL_BYTES (3 * CMSG_SPACE(sizeof(int)))

struct slot {
    union sockaddr_any from;
    struct iovec iov;
    _Alignas(struct cmsghdr) uint8_t control[IN_CONTROL_BYTES];
};

struct udp {
    struct udpsock sock;
    unsigned gso_pause; /* trains until UDP_SEGMENT is tried again */
    int send_error;     /* errno of a refused send not yet told; 0: no news */
    size_t too_big;     /* bytes of the latest datagram refused for its size; 0: none */
    bool told[ERRNO_KINDS];
    struct udp_counters counters;

    uint8_t *buffers; /* UDP_BUFFERS × UDP_BUFFER_BYTES */
    struct slot slots[UDP_BUFFERS];
    struct mmsghdr in[UDP_BUFFERS];
    size_t filled, next; /* slots with something, and the first not yet looked at */
    size_t wanted;       /* slots the next udp_recv may fill */

    struct mmsghdr out[UDP_TRAIN_SEGMENTS];
    struct iovec out_iov[UDP_TRAIN_SEGMENTS];
};

/* What the kernel overwrites. */
static void rearm(struct udp *u, size_t slot)
{
    u->in[slot].msg_hdr.msg_namelen = sizeof(u->slots[slot].from);
    u->in[slot].msg_hdr.msg_controllen = sizeof(u->slots[slot].control);
}

int udp_open(const struct udp_config *cfg, struct udp **out, char error[UDP_ERROR_BYTES], int *sys)
{
    struct udp *u = calloc(1, sizeof(*u));

    *out = NULL;
    *sys = 0;
    if (u == NULL)
        return DUET_ENOMEM;
    u->buffers = aligned_alloc(COPY_ALIGN_BYTES, (size_t)UDP_BUFFERS * UDP_BUFFER_BYTES);
    u->sock.fd = -1;
    const int err = u->buffers == NULL ? DUET_ENOMEM : udpsock_open(cfg, &u->sock, error, sys);

    if (err != 0) {
        udp_close(u);
        return err;
    }
    u->counters.rcvbuf_bytes = u->sock.rcvbuf_bytes;
    for (size_t i = 0; i < UDP_BUFFERS; i++) {
        u->slots[i].iov = (struct iovec){.iov_base = u->buffers + i * UDP_BUFFER_BYTES, .iov_len = UDP_BUFFER_BYTES};
        u->in[i].msg_hdr = (struct msghdr){
            .msg_name = &u->slots[i].from,
            .msg_iov = &u->slots[i].iov,
            .msg_iovlen = 1,
            .msg_control = u->slots[i].control,
        };
        rearm(u, i);
    }
    u->wanted = UDP_BUFFERS_LEAST;
    for (size_t i = 0; i < UDP_TRAIN_SEGMENTS; i++)
        u->out[i].msg_hdr = (struct msghdr){.msg_iov = &u->out_iov[i], .msg_iovlen = 1};
    *out = u;
    return 0;
}

void udp_close(struct udp *u)
{
    if (u == NULL)
        return;
    if (u->sock.fd >= 0)
        close(u->sock.fd);
    free(u->buffers);
    free(u);
}

int udp_fd(const struct udp *u)
{
    return u->sock.fd;
}

void udp_local(const struct udp *u, struct duet_addr *out)
{
    union sockaddr_any sa = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(sa);

    if (getsockname(u->sock.fd, &sa.any, &len) != 0 || !sockaddr_decode(&sa, out))
        *out = (struct duet_addr){.family = ADDR_NONE};
}

static bool would_block(int why)
{
    return why == EAGAIN || why == EWOULDBLOCK;
}

/* The kernel will not take these packets (no route, too big, firewall): lost, as far as the core is concerned. */
static void note_refused(struct udp *u, size_t segments, int why)
{
    u->counters.refused_segments += segments;
    /* Probing for the path MTU runs into EMSGSIZE by design. */
    if (why == EMSGSIZE || why <= 0 || why >= ERRNO_KINDS || u->told[why])
        return;
    u->told[why] = true;
    u->send_error = why;
}

static size_t segments_of(size_t len, size_t segment)
{
    return (len + segment - 1) / segment;
}

/* One UDP_SEGMENT message.  0, or the errno. */
static int send_segmented(struct udp *u, union sockaddr_any *to, socklen_t to_len, const uint8_t *bytes, size_t len,
                          size_t segment)
{
    _Alignas(struct cmsghdr) uint8_t control[OUT_CONTROL_BYTES] = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr m = {
        .msg_name = to,
        .msg_namelen = to_len,
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    const uint16_t size = (uint16_t)segment;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(size));
    memcpy(CMSG_DATA(c), &size, sizeof(size));
    for (;;) {
        if (sendmsg(u->sock.fd, &m, 0) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

/* Prepares u->out for the datagrams of one batch; returns their number. */
static unsigned fill_out(struct udp *u, union sockaddr_any *to, socklen_t to_len, const uint8_t *bytes, size_t len,
                         size_t segment)
{
    unsigned n = 0;

    for (size_t at = 0; at < len; at += segment, n++) {
        const size_t left = len - at;

        u->out_iov[n].iov_base = (void *)(uintptr_t)(bytes + at);
        u->out_iov[n].iov_len = left < segment ? left : segment;
        u->out[n].msg_hdr.msg_name = to;
        u->out[n].msg_hdr.msg_namelen = to_len;
    }
    return n;
}

/* Datagrams done with: sent or refused; fewer than there are: the socket is full.
 * *refused: the kernel would not have some. */
static unsigned send_each(struct udp *u, union sockaddr_any *to, socklen_t to_len, const uint8_t *bytes, size_t len,
                          size_t segment, bool *refused)
{
    const unsigned count = fill_out(u, to, to_len, bytes, len, segment);
    unsigned done = 0;

    while (done < count) {
        const int sent = sendmmsg(u->sock.fd, u->out + done, count - done, 0);

        if (sent > 0) {
            done += (unsigned)sent;
            u->counters.sent_segments += (unsigned)sent;
        } else if (would_block(errno)) {
            break;
        } else if (errno != EINTR) {
            if (errno == EMSGSIZE)
                u->too_big = u->out_iov[done].iov_len;
            note_refused(u, 1, errno); /* sendmmsg reports the first datagram only */
            *refused = true;
            done++;
        }
    }
    return done;
}

/* Bytes done with of one batch, at most UDP_TRAIN_SEGMENTS datagrams. */
static size_t send_batch(struct udp *u, union sockaddr_any *to, socklen_t to_len, const uint8_t *bytes, size_t len,
                         size_t segment)
{
    bool segmentation_failed = false;

    if (u->gso_pause > 0)
        u->gso_pause--;
    if (len > segment && u->sock.gso && u->gso_pause == 0) {
        const int why = send_segmented(u, to, to_len, bytes, len, segment);

        if (why == 0) {
            u->counters.sent_segments += segments_of(len, segment);
            return len;
        }
        if (would_block(why))
            return 0;
        if (why != EIO && why != EINVAL && why != EMSGSIZE) {
            note_refused(u, segments_of(len, segment), why);
            return len;
        }
        segmentation_failed = true;
        u->counters.gso_failures++;
    }

    bool refused = false;
    const size_t done = send_each(u, to, to_len, bytes, len, segment, &refused) * segment;

    if (segmentation_failed && !refused && done > 0)
        u->gso_pause = UDP_GSO_PAUSE_TRAINS;
    return done < len ? done : len;
}

size_t udp_send(struct udp *u, const struct duet_addr *to, const uint8_t *bytes, size_t len, size_t segment)
{
    assert(segment > 0 && segment <= UDP_TRAIN_BYTES);
    union sockaddr_any sa;
    const socklen_t sa_len = sockaddr_encode(to, u->sock.family, &sa);
    const size_t most = UDP_TRAIN_BYTES / segment < UDP_TRAIN_SEGMENTS ? UDP_TRAIN_BYTES / segment : UDP_TRAIN_SEGMENTS;
    size_t done = 0;

    if (sa_len == 0) {
        note_refused(u, segments_of(len, segment), EAFNOSUPPORT);
        return len;
    }
    u->counters.sent_trains++;
    while (done < len) {
        const size_t left = len - done;
        const size_t part = left < most * segment ? left : most * segment;
        const size_t sent = send_batch(u, &sa, sa_len, bytes + done, part, segment);

        done += sent;
        if (sent < part)
            break;
    }
    return done;
}

int udp_send_error(struct udp *u)
{
    const int news = u->send_error;

    u->send_error = 0;
    return news;
}

size_t udp_too_big(struct udp *u)
{
    const size_t bytes = u->too_big;

    u->too_big = 0;
    return bytes;
}

/* Datagrams that come one by one are worth many slots a call; joined ones (UDP_GRO) fill the cache with a few. */
static size_t slots_for_batch(const struct udp *u)
{
    size_t bytes = 0;

    for (size_t i = 0; i < u->filled; i++)
        bytes += u->in[i].msg_len;
    const size_t slots = bytes > 0 ? UDP_BATCH_BYTES * u->filled / bytes : UDP_BUFFERS;

    return slots < UDP_BUFFERS_LEAST ? UDP_BUFFERS_LEAST : slots > UDP_BUFFERS ? UDP_BUFFERS : slots;
}

size_t udp_recv(struct udp *u)
{
    assert(u->next == u->filled);
    for (size_t i = 0; i < u->filled; i++)
        rearm(u, i);
    u->next = 0;
    u->filled = 0;
    const int n = recvmmsg(u->sock.fd, u->in, (unsigned)u->wanted, MSG_DONTWAIT, NULL);

    if (n > 0) {
        u->filled = (size_t)n;
        u->wanted = slots_for_batch(u);
    } else if (!would_block(errno) && errno != EINTR) {
        u->counters.receive_errors++; /* a reported ICMP error; asking for it has cleared it */
    }
    u->counters.received_trains += u->filled;
    return u->filled;
}

static int control_int(struct cmsghdr *c)
{
    int v = 0;
    const size_t len = c->cmsg_len - CMSG_LEN(0);

    /* IP_TOS comes as one byte, everything else as an int. */
    if (len == 1)
        return *CMSG_DATA(c);
    memcpy(&v, CMSG_DATA(c), len < sizeof(v) ? len : sizeof(v));
    return v;
}

static void read_control(struct udp *u, struct msghdr *m, struct udp_train *t)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS))
            t->ecn = (uint8_t)(control_int(c) & ECN_MASK);
        else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && control_int(c) > 0)
            t->segment = (size_t)control_int(c);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            u->counters.overflowed = (uint32_t)control_int(c);
    }
}

bool udp_next(struct udp *u, struct udp_train *out)
{
    while (u->next < u->filled) {
        const size_t i = u->next++;
        struct msghdr *m = &u->in[i].msg_hdr;
        const size_t len = u->in[i].msg_len;

        *out = (struct udp_train){.bytes = u->slots[i].iov.iov_base, .len = len, .segment = len};
        /* An empty datagram says nothing, a cut one would be half a packet. */
        if (len == 0 || (m->msg_flags & MSG_TRUNC) != 0 || !sockaddr_decode(&u->slots[i].from, &out->from))
            continue;
        read_control(u, m, out);
        u->counters.received_datagrams += segments_of(out->len, out->segment);
        return true;
    }
    return false;
}

struct udp_counters udp_counters(const struct udp *u)
{
    return u->counters;
}
