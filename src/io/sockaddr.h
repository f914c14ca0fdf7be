/*
 * sockaddr: struct duet_addr to the kernel's form and back.  Pure; any thread.
 */
#ifndef DUET_IO_SOCKADDR_H
#define DUET_IO_SOCKADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/addr.h"

union sockaddr_any {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* For a socket of `family` (AF_INET or AF_INET6, where IPv4 is written v4-mapped).
 * The length for bind and sendto; 0: an address this family cannot express. */
socklen_t sockaddr_encode(const struct duet_addr *a, int family, union sockaddr_any *out);

/* v4-mapped becomes IPv4; the interface counts for link-local addresses only. */
void sockaddr_decode_v6(const struct in6_addr *ip, uint32_t interface, struct duet_addr *out);

/* v4-mapped becomes IPv4.  false: neither IPv4 nor IPv6 (out is then ADDR_NONE). */
bool sockaddr_decode(const union sockaddr_any *sa, struct duet_addr *out);

#endif
