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

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct duet_addr {
    uint8_t family; /* enum addr_family */
    uint8_t ip[16]; /* network order; the first 4 for IPv4, the rest zero */
    uint16_t port;  /* host order */
    uint32_t scope; /* IPv6 link-local interface index, else 0 */
};

/* "[2001:db8::1%2]:65535" and its NUL, with room to spare. */
#define ADDR_TEXT_BYTES 72

/* Bytes that name an address in a MAC or a hash: family, ip, port, scope. */
#define ADDR_KEY_BYTES 23

bool addr_equal(const struct duet_addr *a, const struct duet_addr *b);

/* Same host, whatever the port. */
bool addr_same_host(const struct duet_addr *a, const struct duet_addr *b);

/* Canonical bytes of an address, for MACs and hash tables. */
void addr_key(const struct duet_addr *a, uint8_t out[ADDR_KEY_BYTES]);

/* "192.0.2.1:6254", "[::1]:6254", "[fe80::1%2]:6254" (RFC 5952 form); returns out. */
const char *addr_format(const struct duet_addr *a, char out[ADDR_TEXT_BYTES]);

#endif
