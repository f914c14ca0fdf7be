/*
 * resolve: "HOST[:PORT]" to an address, by the system's resolver.
 *
 * Accepts name, name:port, 192.0.2.1:6254, ::1, [::1]:6254, fe80::1%eth0.
 * Blocks as long as the resolver does: ui thread, before anything runs or on /connect.
 */
#ifndef DUET_IO_RESOLVE_H
#define DUET_IO_RESOLVE_H

#include <stdint.h>

#include "duet/base/addr.h"

#define RESOLVE_ERROR_BYTES 256
#define RESOLVE_TEXT_BYTES 300

/* family 0, 4 or 6.  `canonical` (may be NULL) gets "host:port" for known_peers.
 * 0; DUET_EINVAL: not of that form; DUET_ENOTFOUND: the resolver says no.  A line for the user in error. */
int resolve_peer(const char *text, int family, uint16_t default_port, struct duet_addr *out,
                 char canonical[RESOLVE_TEXT_BYTES], char error[RESOLVE_ERROR_BYTES]);

#endif
