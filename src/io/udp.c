/*
 * udp: see the header.  All message headers, control blocks and buffers are set
 * up once in udp_open; a call only fills in what the kernel overwrites.
 *
 * A failed UDP_SEGMENT (EIO without checksum offload, EINVAL, EMSGSIZE) says
 * nothing about the packets: the same bytes go out one by one, and only when
 * that works is segmentation itself to blame and paused for a while.
 *
 * While ICMP errors are asked for (IP_RECVERR), each also makes the next call on
 * the socket fail in its place, whomever that call was for and whatever errno the
 * sender of the ICMP chose.  So every failed call is made once more: only the
 * second error is about its own packets.
 */
#include "io/udp.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "io/sockaddr.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define ERRNO_KINDS 256 /* Linux has some 133 */
/* Local address, TOS or traffic class, segment size. */
#define OUT_CONTROL_BYTES \
    (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t)))
/* Local address, TOS or traffic class, segment size, overflow count. */
#define IN_CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int)))

/* As IN_CONTROL_BYTES, and the error with the address of who sent it. */
#define ERROR_CONTROL_BYTES \
    (IN_CONTROL_BYTES + CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(union sockaddr_any)))

struct slot {
    union sockaddr_any from;
    struct iovec iov;
    _Alignas(struct cmsghdr) uint8_t control[IN_CONTROL_BYTES];
};

struct udp {
    struct udpsock sock;
    unsigned gso_pause; /* trains until UDP_SEGMENT is tried again */
    int refused;        /* errno of the last refused send; 0: none since it was asked for */
    int send_error;     /* … of one not yet told; 0: no news */
    size_t too_big;     /* bytes of the latest datagram refused for its size; 0: none */
    bool hears_refusals;
    struct duet_addr local_gone; /* the latest local address that the kernel would not send from; ADDR_NONE: none */
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

/* What the messages of one udp_send have in common. */
struct outgoing {
    const struct envelope *outside;
    union sockaddr_any to;
    socklen_t to_len;
    size_t local_len; /* so many bytes of the control block, its first, name the local address */
    size_t control_len;
    _Alignas(struct cmsghdr) uint8_t control[OUT_CONTROL_BYTES];
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
    /* Probing for the path MTU runs into EMSGSIZE by design; ECONNREFUSED is always an ICMP error, of any peer. */
    if (why == EMSGSIZE || why == ECONNREFUSED || why <= 0 || why >= ERRNO_KINDS)
        return;
    u->refused = why;
    if (u->told[why])
        return;
    u->told[why] = true;
    u->send_error = why;
}

static size_t segments_of(size_t len, size_t segment)
{
    return (len + segment - 1) / segment;
}

static void add_control(struct outgoing *o, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)(o->control + o->control_len);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    o->control_len += CMSG_SPACE(len);
}

/* The interface is the kernel's choice, too, unless the address means nothing without it. */
static void add_local(struct outgoing *o, int family)
{
    const struct duet_addr *local = &o->outside->route.local;
    union sockaddr_any sa;

    if (sockaddr_encode(local, family, &sa) == 0)
        return;
    if (family == AF_INET) {
        const struct in_pktinfo info = {.ipi_spec_dst = sa.v4.sin_addr};

        add_control(o, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    } else {
        const struct in6_pktinfo info = {.ipi6_addr = sa.v6.sin6_addr, .ipi6_ifindex = local->scope};

        add_control(o, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    o->local_len = o->control_len;
}

static void add_ecn(struct outgoing *o)
{
    const int ecn = o->outside->ecn;

    if (ecn == ENVELOPE_ECT0)
        return; /* as the socket is set up */
    if (o->outside->route.peer.family == ADDR_V4)
        add_control(o, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
    else
        add_control(o, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof(ecn));
}

/* Which of these it is differs with kernel and family; ENETUNREACH may as well mean what it says. */
static bool local_may_be_gone(const struct outgoing *o, int why)
{
    return o->local_len > 0 && (why == EINVAL || why == ENODEV || why == EADDRNOTAVAIL || why == ENETUNREACH);
}

static void drop_local(struct outgoing *o)
{
    memmove(o->control, o->control + o->local_len, o->control_len - o->local_len);
    o->control_len -= o->local_len;
    o->local_len = 0;
}

/* One UDP_SEGMENT message.  0, or the errno. */
static int send_segmented(struct udp *u, const struct outgoing *out, const uint8_t *bytes, size_t len, size_t segment)
{
    struct outgoing o = *out;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    const uint16_t size = (uint16_t)segment;

    add_control(&o, SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
    const struct msghdr m = {
        .msg_name = &o.to,
        .msg_namelen = o.to_len,
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = o.control,
        .msg_controllen = o.control_len,
    };
    for (bool again = false;;) {
        if (sendmsg(u->sock.fd, &m, 0) >= 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (again || would_block(errno))
            return errno;
        again = true;
    }
}

static void fill_header(struct msghdr *m, struct outgoing *o)
{
    m->msg_name = &o->to;
    m->msg_namelen = o->to_len;
    m->msg_control = o->control_len > 0 ? o->control : NULL;
    m->msg_controllen = o->control_len;
}

/* Prepares u->out for the datagrams of one batch; returns their number. */
static unsigned fill_out(struct udp *u, struct outgoing *o, const uint8_t *bytes, size_t len, size_t segment)
{
    unsigned n = 0;

    for (size_t at = 0; at < len; at += segment, n++) {
        const size_t left = len - at;

        u->out_iov[n].iov_base = (void *)(uintptr_t)(bytes + at);
        u->out_iov[n].iov_len = left < segment ? left : segment;
        fill_header(&u->out[n].msg_hdr, o);
    }
    return n;
}

/* Datagrams done with: sent or refused; fewer than there are: the socket is full.
 * *refused: the kernel would not have some. */
static unsigned send_each(struct udp *u, struct outgoing *o, const uint8_t *bytes, size_t len, size_t segment,
                          bool *refused)
{
    const unsigned count = fill_out(u, o, bytes, len, segment);
    unsigned done = 0;
    bool local_dropped = false, again = false;

    while (done < count) {
        const int sent = sendmmsg(u->sock.fd, u->out + done, count - done, 0);

        if (sent > 0) {
            done += (unsigned)sent;
            u->counters.sent_segments += (unsigned)sent;
            if (local_dropped)
                u->local_gone = o->outside->route.local;
            again = false;
        } else if (would_block(errno)) {
            break;
        } else if (!again) {
            again = errno != EINTR;
        } else if (local_may_be_gone(o, errno)) {
            drop_local(o);
            local_dropped = true;
            again = false;
            for (unsigned i = done; i < count; i++)
                fill_header(&u->out[i].msg_hdr, o);
        } else if (errno != EINTR) {
            if (errno == EMSGSIZE)
                u->too_big = u->out_iov[done].iov_len;
            note_refused(u, 1, errno); /* sendmmsg reports the first datagram only */
            *refused = true;
            again = false;
            done++;
        }
    }
    return done;
}

/* Bytes done with of one batch, at most UDP_TRAIN_SEGMENTS datagrams. */
static size_t send_batch(struct udp *u, struct outgoing *o, const uint8_t *bytes, size_t len, size_t segment)
{
    const size_t local_len = o->local_len;
    bool segmentation_failed = false;

    if (u->gso_pause > 0)
        u->gso_pause--;
    if (len > segment && u->sock.gso && u->gso_pause == 0) {
        const int why = send_segmented(u, o, bytes, len, segment);

        if (why == 0) {
            u->counters.sent_segments += segments_of(len, segment);
            return len;
        }
        if (would_block(why))
            return 0;
        if (why != EIO && why != EINVAL && why != EMSGSIZE && !local_may_be_gone(o, why)) {
            note_refused(u, segments_of(len, segment), why);
            return len;
        }
        segmentation_failed = true;
        u->counters.gso_failures++;
    }

    bool refused = false;
    const size_t done = send_each(u, o, bytes, len, segment, &refused) * segment;

    /* A local address that is gone is no fault of segmentation. */
    if (segmentation_failed && !refused && done > 0 && o->local_len == local_len)
        u->gso_pause = UDP_GSO_PAUSE_TRAINS;
    return done < len ? done : len;
}

size_t udp_send(struct udp *u, const struct envelope *outside, const uint8_t *bytes, size_t len, size_t segment)
{
    assert(segment > 0 && segment <= UDP_TRAIN_BYTES);
    struct outgoing o = {.outside = outside};
    const size_t most = UDP_TRAIN_BYTES / segment < UDP_TRAIN_SEGMENTS ? UDP_TRAIN_BYTES / segment : UDP_TRAIN_SEGMENTS;
    size_t done = 0;

    o.to_len = sockaddr_encode(&outside->route.peer, u->sock.family, &o.to);
    if (o.to_len == 0) {
        note_refused(u, segments_of(len, segment), EAFNOSUPPORT);
        return len;
    }
    add_local(&o, u->sock.family);
    add_ecn(&o);
    u->counters.sent_trains++;
    while (done < len) {
        const size_t left = len - done;
        const size_t part = left < most * segment ? left : most * segment;
        const size_t sent = send_batch(u, &o, bytes + done, part, segment);

        done += sent;
        if (sent < part)
            break;
    }
    return done;
}

int udp_refused(struct udp *u)
{
    const int why = u->refused;

    u->refused = 0;
    return why;
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

void udp_hear_refusals(struct udp *u, bool on)
{
    const int value = on;

    if (u->hears_refusals == on)
        return;
    u->hears_refusals = on;
    /* A kernel without these tells nothing, and the attempt ends in its time.  An IPv6 socket carries both families. */
    (void)setsockopt(u->sock.fd, IPPROTO_IP, IP_RECVERR, &value, sizeof(value));
    if (u->sock.family == AF_INET6)
        (void)setsockopt(u->sock.fd, IPPROTO_IPV6, IPV6_RECVERR, &value, sizeof(value));
}

static bool says_refused(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        struct sock_extended_err why;

        if ((!v4 && !v6) || c->cmsg_len < CMSG_LEN(sizeof(why)))
            continue;
        memcpy(&why, CMSG_DATA(c), sizeof(why));
        return why.ee_errno == ECONNREFUSED &&
               (why.ee_origin == SO_EE_ORIGIN_ICMP || why.ee_origin == SO_EE_ORIGIN_ICMP6);
    }
    return false;
}

bool udp_refusal(struct udp *u, struct duet_addr *at)
{
    for (int i = 0; i < UDP_ERRORS; i++) {
        union sockaddr_any to = {.any = {.sa_family = AF_UNSPEC}};
        _Alignas(struct cmsghdr) uint8_t control[ERROR_CONTROL_BYTES];
        struct msghdr m = {
            .msg_name = &to, .msg_namelen = sizeof(to), .msg_control = control, .msg_controllen = sizeof(control)};

        if (recvmsg(u->sock.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return false;
        if (says_refused(&m) && sockaddr_decode(&to, at))
            return true;
    }
    return false;
}

bool udp_local_gone(struct udp *u, struct duet_addr *out)
{
    *out = u->local_gone;
    u->local_gone = (struct duet_addr){.family = ADDR_NONE};
    return out->family != ADDR_NONE;
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
        const size_t slots = slots_for_batch(u);

        /* One small datagram alone is no reason for more: the next ones may be large, and touch all the buffers. */
        if (slots < u->wanted || u->filled == u->wanted)
            u->wanted = slots;
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

static void read_local(struct cmsghdr *c, struct duet_addr *out)
{
    struct in_pktinfo v4;
    struct in6_pktinfo v6;

    if (c->cmsg_level == IPPROTO_IP) {
        memcpy(&v4, CMSG_DATA(c), sizeof(v4));
        *out = (struct duet_addr){.family = ADDR_V4};
        memcpy(out->ip, &v4.ipi_addr, sizeof(v4.ipi_addr));
    } else {
        memcpy(&v6, CMSG_DATA(c), sizeof(v6));
        sockaddr_decode_v6(&v6.ipi6_addr, v6.ipi6_ifindex, out);
    }
}

static void read_control(struct udp *u, struct msghdr *m, struct udp_train *t)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS))
            t->outside.ecn = (uint8_t)(control_int(c) & ENVELOPE_ECN_MASK);
        else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) ||
                 (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO))
            read_local(c, &t->outside.route.local);
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
        if (len == 0 || (m->msg_flags & MSG_TRUNC) != 0 ||
            !sockaddr_decode(&u->slots[i].from, &out->outside.route.peer))
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
