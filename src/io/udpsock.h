/*
 * udpsock: opens, binds and sets up the UDP socket that io/udp works with.
 *
 * Dual stack is one IPv6 socket with IPV6_V6ONLY off; where there is no IPv6
 * at all it is an IPv4 one.  Options the kernel lacks are left out and the
 * struct says what we have.
 */
#ifndef DUET_IO_UDPSOCK_H
#define DUET_IO_UDPSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_ERROR_BYTES 256
#define UDP_RCVBUF_BYTES (8 << 20) /* asked for; the kernel may give less */

struct udp_config {
    int family;         /* 0: IPv6 and IPv4 on one socket where possible; 4; 6 */
    const char *bind;   /* an address literal; NULL: any */
    uint16_t port;      /* 0: any free */
    bool port_fallback; /* any free one when `port` is in use */
    bool no_gso;        /* never UDP_SEGMENT */
    bool no_gro;        /* never UDP_GRO */
};

struct udpsock {
    int fd;
    int family; /* AF_INET or AF_INET6 */
    bool gso, gro;
    uint32_t rcvbuf_bytes; /* what SO_RCVBUF says we got */
};

/* 0; DUET_EINVAL (bind is no address of that family), DUET_ESYS (errno in *sys); a line for the user in error. */
int udpsock_open(const struct udp_config *cfg, struct udpsock *out, char error[UDP_ERROR_BYTES], int *sys);

struct duet_addr;

/* Largest UDP payload that the interface towards `to` takes unfragmented, as the kernel's routes say; 0: unknown. */
size_t udpsock_most_bytes(const struct duet_addr *to);

#endif
