#include "io/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/sockaddr.h"

#define PORT_DIGITS 5
#define FOUND_MAX 64 /* addresses of one name that are looked at */

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
static bool copy_host(const char *text, size_t len, char out[RESOLVE_HOST_BYTES])
{
    if (len == 0 || len >= RESOLVE_HOST_BYTES)
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

static bool parse_bracketed(const char *text, struct resolve_query *t)
{
    const char *close = strchr(text, ']');

    if (close == NULL || !copy_host(text + 1, (size_t)(close - text - 1), t->host))
        return false;
    t->literal_v6 = true;
    if (close[1] == '\0')
        return strchr(t->host, ':') != NULL;
    return close[1] == ':' && strchr(t->host, ':') != NULL && parse_port(close + 2, &t->port);
}

static bool parse_query(const char *text, struct resolve_query *t)
{
    const char *colon = strchr(text, ':');

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

static int take(const struct addrinfo *entry, const struct resolve_query *q, struct duet_addr *out)
{
    union sockaddr_any sa = {.any = {.sa_family = AF_UNSPEC}};

    if (entry->ai_addrlen <= sizeof(sa))
        memcpy(&sa, entry->ai_addr, entry->ai_addrlen);
    if (!sockaddr_decode(&sa, out))
        return DUET_ENOTFOUND;
    if (needs_interface(out))
        return DUET_EINVAL;
    out->port = q->port;
    this_host(out);
    return 0;
}

size_t resolve_order(const struct duet_addr *found, size_t count, struct duet_addr out[CALL_ADDRESSES])
{
    bool taken[FOUND_MAX] = {false};
    size_t n = 0;

    while (n < CALL_ADDRESSES && n < count) {
        const uint8_t last = n == 0 ? ADDR_NONE : out[n - 1].family;
        size_t at = count;

        for (size_t i = count; i-- > 0;)
            if (!taken[i] && (at == count || found[i].family != last || found[at].family == last))
                at = i;
        if (at == count)
            break;
        out[n++] = found[at];
        for (size_t i = at; i < count; i++)
            taken[i] = taken[i] || addr_equal(&found[i], &found[at]);
    }
    return n;
}

static void say_not_found(const struct resolve_query *q, const char *why, struct resolve_result *out)
{
    snprintf(out->error, sizeof(out->error), "cannot find %.100s%s: %s", q->host,
             q->family == 4   ? " over IPv4"
             : q->family == 6 ? " over IPv6"
                              : "",
             why);
}

/* Those that can be called; of several one that cannot is no trouble. */
static void take_all(const struct addrinfo *first, const struct resolve_query *q, struct resolve_result *out)
{
    struct duet_addr found[FOUND_MAX];
    size_t count = 0;

    out->err = DUET_ENOTFOUND;
    for (const struct addrinfo *entry = first; entry != NULL && count < FOUND_MAX; entry = entry->ai_next) {
        const int err = take(entry, q, &found[count]);

        if (err == 0)
            count++;
        else
            out->err = err;
    }
    out->count = resolve_order(found, count, out->addrs);
    if (out->count > 0)
        out->err = 0;
    else if (out->err == DUET_EINVAL)
        say_not_found(q,
                      "a link-local address needs its interface after it, as in fe80::1%eth0 (\"ip -6 address\" names "
                      "them)",
                      out);
    else
        say_not_found(q, "not an IP address", out);
}

static int ask(const struct resolve_query *q, int flags, struct resolve_result *out)
{
    const struct addrinfo hints = {
        .ai_family = q->family == 4   ? AF_INET
                     : q->family == 6 ? AF_INET6
                                      : AF_UNSPEC,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = flags,
    };
    struct addrinfo *found = NULL;

    *out = (struct resolve_result){.err = q->literal_v6 ? DUET_EINVAL : DUET_ENOTFOUND};
    const int failed = getaddrinfo(q->host, NULL, &hints, &found);

    if (failed != 0) {
        say_not_found(q, failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed), out);
        return failed;
    }
    take_all(found, q, out);
    freeaddrinfo(found);
    return 0;
}

bool resolve_literal(const struct resolve_query *q, struct resolve_result *out)
{
    return ask(q, AI_NUMERICHOST, out) == 0 || q->literal_v6;
}

void resolve_name(const struct resolve_query *q, struct resolve_result *out)
{
    (void)ask(q, q->literal_v6 ? AI_NUMERICHOST : 0, out);
}

int resolve_parse(const char *text, int family, uint16_t default_port, struct resolve_query *q,
                  char error[RESOLVE_ERROR_BYTES])
{
    *q = (struct resolve_query){.port = default_port, .family = family};
    error[0] = '\0';
    if (!parse_query(text, q)) {
        snprintf(error, RESOLVE_ERROR_BYTES,
                 "'%.100s' is not HOST, HOST:PORT, or [IPV6]:PORT with a port of 1 to 65535", text);
        return DUET_EINVAL;
    }
    snprintf(q->dialled, sizeof(q->dialled), q->literal_v6 ? "[%s]:%u" : "%s:%u", q->host, (unsigned)q->port);
    return 0;
}
