/*
 * addr: an UDP address as bytes, without any socket header.
 *
 * IPv4 is kept as 4 bytes (never v4-mapped): io/udp normalises ::ffff:a.b.c.d
 * on the way in, so that one peer has one address.  Value type; any thread.
 */
#ifndef DUET_BASE_ADDR_H
#define DUET_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <duet/common.h> /* struct duet_addr */

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 }; /* of struct duet_addr */

/* Both ends of a datagram's way.  A host may have many addresses, and whoever asked one of them takes the answer from
 * no other: the local end is where the peer's datagrams arrive (its port is always the socket's, and left 0).
 * ADDR_NONE: any, the kernel chooses. */
struct duet_route {
    struct duet_addr peer, local;
};

#define ENVELOPE_ECT0 2 /* ECN bits of who can answer a mark (RFC 3168) */
#define ENVELOPE_ECN_MASK 3

/* What is on the outside of a datagram, or of each of a train. */
struct envelope {
    struct duet_route route;
    uint8_t ecn; /* the two ECN bits of the IP header */
};

/* "[2001:db8::1%2]:65535" and its NUL, with room to spare. */
#define ADDR_TEXT_BYTES 72

/* Bytes that name an address in a MAC or a hash: family, ip, port, scope. */
#define ADDR_KEY_BYTES 23

bool addr_equal(const struct duet_addr *a, const struct duet_addr *b);

/* Same host, whatever the port. */
bool addr_same_host(const struct duet_addr *a, const struct duet_addr *b);

/* The same peer at the same end of ours, as far as that is known. */
bool route_equal(const struct duet_route *a, const struct duet_route *b);

/* The same host for whoever counts hosts: an IPv4 address, or a /64 of IPv6, all of which one host has at will. */
bool addr_same_site(const struct duet_addr *a, const struct duet_addr *b);

/* Canonical bytes of that, equal for one site. */
void addr_site_key(const struct duet_addr *a, uint8_t out[ADDR_KEY_BYTES]);

/* Canonical bytes of an address, for MACs and hash tables. */
void addr_key(const struct duet_addr *a, uint8_t out[ADDR_KEY_BYTES]);

/* "192.0.2.1:6254", "[::1]:6254", "[fe80::1%2]:6254" (RFC 5952 form); returns out. */
const char *addr_format(const struct duet_addr *a, char out[ADDR_TEXT_BYTES]);

#endif
