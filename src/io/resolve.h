/*
 * resolve: "HOST[:PORT]" to the addresses to call, by the system's resolver.
 *
 * Accepts name, name:port, 192.0.2.1:6254, ::1, [::1]:6254, fe80::1%eth0.  Of a name both families'
 * addresses are taken, in the resolver's order (RFC 6724) but by turns (RFC 8305 §4), so that a
 * family that does not work costs one delay only. No state; any thread.
 */
#ifndef DUET_IO_RESOLVE_H
#define DUET_IO_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conn/types.h"

#define RESOLVE_ERROR_BYTES 256
#define RESOLVE_TEXT_BYTES 300
#define RESOLVE_HOST_BYTES 256 /* a DNS name has at most 253 */

struct resolve_query {
    char host[RESOLVE_HOST_BYTES]; /* in lower case; without brackets */
    uint16_t port;
    int family; /* 0: both; 4; 6 */
    bool literal_v6;
    char dialled[RESOLVE_TEXT_BYTES]; /* "host:port" for known_peers */
};

struct resolve_result {
    int err; /* 0; DUET_EINVAL: an address that cannot be called; DUET_ENOTFOUND: the resolver says no */
    size_t count;
    struct duet_addr addrs[CALL_ADDRESSES];
    char error[RESOLVE_ERROR_BYTES]; /* a line for the user, unless err is 0 */
};

/* Takes the text apart.  0, or DUET_EINVAL with a line for the user. */
int resolve_parse(const char *text, int family, uint16_t default_port, struct resolve_query *q,
                  char error[RESOLVE_ERROR_BYTES]);

/* If the host is an address, nobody has to be asked.  false: it is a name, or perhaps of the other family. */
bool resolve_literal(const struct resolve_query *q, struct resolve_result *out);

/* Blocks as long as the resolver does, which may be a minute. */
void resolve_name(const struct resolve_query *q, struct resolve_result *out);

/* The first CALL_ADDRESSES in the order they should be called, each once: the first one's family, then by turns. */
size_t resolve_order(const struct duet_addr *found, size_t count, struct duet_addr out[CALL_ADDRESSES]);

#endif
