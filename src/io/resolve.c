#include "duet/io/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/io/sockaddr.h"

#define HOST_BYTES 256 /* a DNS name has at most 253 */
#define PORT_DIGITS 5

struct target {
    char host[HOST_BYTES];
    uint16_t port;
    bool literal_v6;
};

static bool parse_port(const char *text, uint16_t *out)
{
    unsigned long port = 0;
    const size_t len = strlen(text);

    if (len == 0 || len > PORT_DIGITS)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    *out = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

/* Names are compared as text in known_peers: no case, nothing that is not in a name or literal. */
static bool copy_host(const char *text, size_t len, char out[HOST_BYTES])
{
    if (len == 0 || len >= HOST_BYTES)
        return false;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        /* Beyond ASCII: the resolver's business (IDN). */
        if (c <= ' ' || c == 0x7f || strchr("/[]@\\\"'", c) != NULL)
            return false;
        out[i] = (char)(c < 0x80 ? tolower(c) : c);
    }
    out[len] = '\0';
    return true;
}

static bool parse_bracketed(const char *text, struct target *t)
{
    const char *close = strchr(text, ']');

    if (close == NULL || !copy_host(text + 1, (size_t)(close - text - 1), t->host))
        return false;
    t->literal_v6 = true;
    if (close[1] == '\0')
        return strchr(t->host, ':') != NULL;
    return close[1] == ':' && strchr(t->host, ':') != NULL && parse_port(close + 2, &t->port);
}

static bool parse_target(const char *text, uint16_t default_port, struct target *t)
{
    const char *colon = strchr(text, ':');

    *t = (struct target){.port = default_port};
    if (text[0] == '[')
        return parse_bracketed(text, t);
    if (colon == NULL)
        return copy_host(text, strlen(text), t->host);
    if (strchr(colon + 1, ':') == NULL)
        return copy_host(text, (size_t)(colon - text), t->host) && parse_port(colon + 1, &t->port);
    /* Two colons or more without brackets can only be an IPv6 address without a port. */
    t->literal_v6 = true;
    return copy_host(text, strlen(text), t->host);
}

/* What a waiting peer prints as where it listens, [::]:6254 or 0.0.0.0:6254, can be dialled: it is
 * this host.  The kernel would send there, too, but the answer comes from the loopback address. */
static void this_host(struct duet_addr *a)
{
    static const uint8_t nowhere[sizeof(a->ip)];

    if (memcmp(a->ip, nowhere, sizeof(nowhere)) != 0)
        return;
    if (a->family == ADDR_V4)
        memcpy(a->ip, (const uint8_t[]){127, 0, 0, 1}, 4);
    else
        a->ip[15] = 1;
}

/* fe80::… is on every interface, so the kernel does not know where to send. */
static bool needs_interface(const struct duet_addr *a)
{
    return a->family == ADDR_V6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80 && a->scope == 0;
}

static int lookup(const struct target *t, int family, struct duet_addr *out, const char **why)
{
    const struct addrinfo hints = {
        .ai_family = family == 4   ? AF_INET
                     : family == 6 ? AF_INET6
                                   : AF_UNSPEC,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = t->literal_v6 ? AI_NUMERICHOST : 0,
    };
    struct addrinfo *found = NULL;
    union sockaddr_any sa = {.any = {.sa_family = AF_UNSPEC}};
    const int failed = getaddrinfo(t->host, NULL, &hints, &found);

    if (failed != 0) {
        *why = failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed);
        return t->literal_v6 ? DUET_EINVAL : DUET_ENOTFOUND;
    }
    /* The first is the best by RFC 6724: the resolver has sorted them. */
    if (found->ai_addrlen <= sizeof(sa))
        memcpy(&sa, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (!sockaddr_decode(&sa, out)) {
        *why = "not an IP address";
        return DUET_ENOTFOUND;
    }
    if (needs_interface(out)) {
        *why = "a link-local address needs its interface after it, as in fe80::1%eth0 (\"ip -6 address\" names them)";
        *out = (struct duet_addr){.family = ADDR_NONE};
        return DUET_EINVAL;
    }
    out->port = t->port;
    this_host(out);
    return 0;
}

int resolve_peer(const char *text, int family, uint16_t default_port, struct duet_addr *out,
                 char canonical[RESOLVE_TEXT_BYTES], char error[RESOLVE_ERROR_BYTES])
{
    struct target t;
    const char *why = NULL;

    *out = (struct duet_addr){.family = ADDR_NONE};
    error[0] = '\0';
    if (!parse_target(text, default_port, &t)) {
        snprintf(error, RESOLVE_ERROR_BYTES,
                 "'%.100s' is not HOST, HOST:PORT, or [IPV6]:PORT with a port of 1 to 65535", text);
        return DUET_EINVAL;
    }
    const int err = lookup(&t, family, out, &why);

    if (err != 0) {
        snprintf(error, RESOLVE_ERROR_BYTES, "cannot find %.100s%s: %s", t.host,
                 family == 4   ? " over IPv4"
                 : family == 6 ? " over IPv6"
                               : "",
                 why);
        return err;
    }
    if (canonical != NULL)
        snprintf(canonical, RESOLVE_TEXT_BYTES, t.literal_v6 ? "[%s]:%u" : "%s:%u", t.host, (unsigned)t.port);
    return 0;
}
