#include "io/udpsock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "io/sockaddr.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define V4_HEADERS_BYTES 28 /* IPv4 and UDP */
#define V6_HEADERS_BYTES 48 /* IPv6 and UDP */

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* The address to bind to; family is AF_UNSPEC, AF_INET or AF_INET6 and becomes what the literal is. */
static int parse_bind(const char *text, int *family, union sockaddr_any *out, char error[UDP_ERROR_BYTES])
{
    const struct addrinfo hints = {
        .ai_family = *family,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
    };
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(text, NULL, &hints, &found);

    if (failed != 0 || found->ai_addrlen > sizeof(*out)) {
        snprintf(error, UDP_ERROR_BYTES, "cannot bind to %.100s: it is not an %saddress", text,
                 *family == AF_INET    ? "IPv4 "
                 : *family == AF_INET6 ? "IPv6 "
                                       : "IP ");
        if (found != NULL)
            freeaddrinfo(found);
        return DUET_EINVAL;
    }
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *family = found->ai_family;
    freeaddrinfo(found);
    return 0;
}

static void set_port(union sockaddr_any *sa, uint16_t port)
{
    if (sa->any.sa_family == AF_INET)
        sa->v4.sin_port = htons(port);
    else
        sa->v6.sin6_port = htons(port);
}

static socklen_t length_of(const union sockaddr_any *sa)
{
    return sa->any.sa_family == AF_INET ? sizeof(sa->v4) : sizeof(sa->v6);
}

/* A bound socket of this family, or -1 with errno. */
static int open_bound(int family, bool v6_only, const struct udp_config *cfg, union sockaddr_any *local)
{
    const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (family == AF_INET6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only) != 0)
        goto fail;
    set_port(local, cfg->port);
    if (bind(fd, &local->any, length_of(local)) == 0)
        return fd;
    if (errno != EADDRINUSE || !cfg->port_fallback)
        goto fail;
    set_port(local, 0);
    if (bind(fd, &local->any, length_of(local)) == 0)
        return fd;

fail:;
    const int why = errno;

    close(fd);
    errno = why;
    return -1;
}

/* Without these packets would be fragmented on the way, or refused because of a path MTU anyone can forge. */
static int set_path_mtu_options(const struct udpsock *s)
{
    if (s->family == AF_INET6 && set_int(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) != 0)
        return -1;
    return set_int(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

static void set_buffers(struct udpsock *s)
{
    socklen_t len = sizeof(s->rcvbuf_bytes);

    /* FORCE passes net.core.rmem_max and wants CAP_NET_ADMIN. */
    if (set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RCVBUF_BYTES) != 0)
        set_int(s->fd, SOL_SOCKET, SO_RCVBUF, UDP_RCVBUF_BYTES);
    if (getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &s->rcvbuf_bytes, &len) != 0)
        s->rcvbuf_bytes = 0;
}

/* What is told about each datagram, and batching: a kernel without one of these still carries packets. */
static void set_optional(struct udpsock *s, const struct udp_config *cfg)
{
    /* Where each datagram was sent to: its answer leaves from there.  An IPv6 socket says so of both families. */
    if (s->family == AF_INET6)
        set_int(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        set_int(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
    /* ECT(0): a router with a full queue may mark instead of dropping (RFC 9000 §13.4). */
    set_int(s->fd, IPPROTO_IP, IP_TOS, ENVELOPE_ECT0);
    set_int(s->fd, IPPROTO_IP, IP_RECVTOS, 1);
    if (s->family == AF_INET6) {
        set_int(s->fd, IPPROTO_IPV6, IPV6_TCLASS, ENVELOPE_ECT0);
        set_int(s->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    }
    set_int(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    /* 0 is the default and only asks whether the option exists. */
    s->gso = !cfg->no_gso && set_int(s->fd, SOL_UDP, UDP_SEGMENT, 0) == 0;
    s->gro = !cfg->no_gro && set_int(s->fd, SOL_UDP, UDP_GRO, 1) == 0;
}

static int complain(const struct udp_config *cfg, int why, char error[UDP_ERROR_BYTES], int *sys)
{
    *sys = why;
    if (why == EADDRINUSE)
        snprintf(error, UDP_ERROR_BYTES, "UDP port %u is in use: choose another with -p PORT (0: any free one)",
                 (unsigned)cfg->port);
    else if (why == EACCES)
        snprintf(error, UDP_ERROR_BYTES, "no permission to use UDP port %u: choose one above 1023 with -p PORT",
                 (unsigned)cfg->port);
    else if (cfg->bind != NULL)
        snprintf(error, UDP_ERROR_BYTES, "cannot bind to %.100s port %u: %s", cfg->bind, (unsigned)cfg->port,
                 strerror(why));
    else
        snprintf(error, UDP_ERROR_BYTES, "cannot open UDP port %u: %s", (unsigned)cfg->port, strerror(why));
    return DUET_ESYS;
}

/* The wildcard: IPv6 for both, IPv4 alone where this machine has no IPv6. */
static int open_any(const struct udp_config *cfg, int *family)
{
    union sockaddr_any any = {.v6 = {.sin6_family = AF_INET6}};

    if (*family != AF_INET) {
        const int fd = open_bound(AF_INET6, *family == AF_INET6, cfg, &any);
        const bool no_v6 = fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPROTONOSUPPORT);

        if (!no_v6 || *family == AF_INET6) {
            *family = AF_INET6;
            return fd;
        }
    }
    any = (union sockaddr_any){.v4 = {.sin_family = AF_INET}};
    *family = AF_INET;
    return open_bound(AF_INET, false, cfg, &any);
}

int udpsock_open(const struct udp_config *cfg, struct udpsock *out, char error[UDP_ERROR_BYTES], int *sys)
{
    int family = cfg->family == 4 ? AF_INET : cfg->family == 6 ? AF_INET6 : AF_UNSPEC;

    *out = (struct udpsock){.fd = -1};
    *sys = 0;
    error[0] = '\0';
    if (cfg->bind != NULL) {
        union sockaddr_any local = {.any = {.sa_family = AF_UNSPEC}};
        const bool v6_only = family == AF_INET6;
        const int err = parse_bind(cfg->bind, &family, &local, error);

        if (err != 0)
            return err;
        out->fd = open_bound(family, v6_only, cfg, &local);
    } else {
        out->fd = open_any(cfg, &family);
    }
    if (out->fd < 0)
        return complain(cfg, errno, error, sys);
    out->family = family;
    if (set_path_mtu_options(out) != 0) {
        const int why = errno;

        close(out->fd);
        out->fd = -1;
        return complain(cfg, why, error, sys);
    }
    set_buffers(out);
    set_optional(out, cfg);
    return 0;
}

/* Only a connected socket has an MTU.  Nothing is sent by it. */
size_t udpsock_most_bytes(const struct duet_addr *to)
{
    const bool v4 = to->family == ADDR_V4;
    const int family = v4 ? AF_INET : AF_INET6;
    const size_t headers = v4 ? V4_HEADERS_BYTES : V6_HEADERS_BYTES;
    union sockaddr_any sa;
    const socklen_t sa_len = sockaddr_encode(to, family, &sa);
    int mtu = 0;
    socklen_t len = sizeof(mtu);
    const int fd = sa_len == 0 ? -1 : socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (connect(fd, &sa.any, sa_len) != 0 ||
        getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len) != 0)
        mtu = 0;
    close(fd);
    return mtu > (int)headers ? (size_t)mtu - headers : 0;
}
