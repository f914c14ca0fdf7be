#include "io/sockaddr.h"

#include <string.h>

#define MAPPED_PREFIX_BYTES 12 /* ::ffff:0:0/96 */
#define V4_BYTES 4
#define V6_BYTES 16

static const uint8_t mapped_prefix[MAPPED_PREFIX_BYTES] = {[10] = 0xff, [11] = 0xff};

static socklen_t encode_v4(const struct duet_addr *a, struct sockaddr_in *out)
{
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
    memcpy(&out->sin_addr, a->ip, V4_BYTES);
    return sizeof(*out);
}

static socklen_t encode_v6(const struct duet_addr *a, struct sockaddr_in6 *out)
{
    *out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope};
    if (a->family == ADDR_V4) {
        memcpy(out->sin6_addr.s6_addr, mapped_prefix, MAPPED_PREFIX_BYTES);
        memcpy(out->sin6_addr.s6_addr + MAPPED_PREFIX_BYTES, a->ip, V4_BYTES);
    } else {
        memcpy(out->sin6_addr.s6_addr, a->ip, V6_BYTES);
    }
    return sizeof(*out);
}

socklen_t sockaddr_encode(const struct duet_addr *a, int family, union sockaddr_any *out)
{
    if (family == AF_INET6 && (a->family == ADDR_V4 || a->family == ADDR_V6))
        return encode_v6(a, &out->v6);
    if (family == AF_INET && a->family == ADDR_V4)
        return encode_v4(a, &out->v4);
    return 0;
}

void sockaddr_decode_v6(const struct in6_addr *ip, uint32_t interface, struct duet_addr *out)
{
    const uint8_t *bytes = ip->s6_addr;

    *out = (struct duet_addr){.family = ADDR_NONE};
    if (memcmp(bytes, mapped_prefix, MAPPED_PREFIX_BYTES) == 0) {
        out->family = ADDR_V4;
        memcpy(out->ip, bytes + MAPPED_PREFIX_BYTES, V4_BYTES);
        return;
    }
    out->family = ADDR_V6;
    memcpy(out->ip, bytes, V6_BYTES);
    /* The kernel names the interface for every address; only link-local ones need it to be one
     * address. */
    out->scope = IN6_IS_ADDR_LINKLOCAL(ip) ? interface : 0;
}

bool sockaddr_decode(const union sockaddr_any *sa, struct duet_addr *out)
{
    *out = (struct duet_addr){.family = ADDR_NONE};
    if (sa->any.sa_family == AF_INET) {
        out->family = ADDR_V4;
        memcpy(out->ip, &sa->v4.sin_addr, V4_BYTES);
        out->port = ntohs(sa->v4.sin_port);
        return true;
    }
    if (sa->any.sa_family != AF_INET6)
        return false;

    sockaddr_decode_v6(&sa->v6.sin6_addr, sa->v6.sin6_scope_id, out);
    out->port = ntohs(sa->v6.sin6_port);
    return true;
}
