#include "base/addr.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define V4_BYTES 4
#define V6_BYTES 16
#define V6_GROUPS 8
#define V6_SITE_BYTES 8 /* RFC 4291 §2.5.1: the rest is the host's to choose */

static size_t ip_bytes(const struct duet_addr *a)
{
    return a->family == ADDR_V4 ? V4_BYTES : V6_BYTES;
}

bool addr_same_host(const struct duet_addr *a, const struct duet_addr *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, ip_bytes(a)) == 0;
}

bool addr_equal(const struct duet_addr *a, const struct duet_addr *b)
{
    return a->port == b->port && addr_same_host(a, b);
}

/* Without what the host itself chooses. */
static struct duet_addr site_of(const struct duet_addr *a)
{
    struct duet_addr site = *a;

    site.port = 0;
    if (site.family == ADDR_V6)
        memset(site.ip + V6_SITE_BYTES, 0, V6_BYTES - V6_SITE_BYTES);
    return site;
}

bool addr_same_site(const struct duet_addr *a, const struct duet_addr *b)
{
    const struct duet_addr x = site_of(a), y = site_of(b);

    return addr_same_host(&x, &y);
}

bool route_equal(const struct duet_route *a, const struct duet_route *b)
{
    const bool local_known = a->local.family != ADDR_NONE && b->local.family != ADDR_NONE;

    return addr_equal(&a->peer, &b->peer) && (!local_known || addr_same_host(&a->local, &b->local));
}

/* Only the bytes that addr_equal compares take part: equal addresses have equal keys. */
void addr_key(const struct duet_addr *a, uint8_t out[ADDR_KEY_BYTES])
{
    struct writer w = writer_of(out, ADDR_KEY_BYTES);

    writer_u8(&w, a->family);
    writer_bytes(&w, a->ip, ip_bytes(a));
    writer_fill(&w, 0, V6_BYTES - ip_bytes(a));
    writer_u16(&w, a->port);
    writer_u32(&w, a->scope);
}

void addr_site_key(const struct duet_addr *a, uint8_t out[ADDR_KEY_BYTES])
{
    const struct duet_addr site = site_of(a);

    addr_key(&site, out);
}

/* The groups that RFC 5952 §4.2 shortens to "::": the first of the longest runs
 * of two or more zero groups.  Returns its length, 0 for none. */
static size_t zero_run(const uint16_t group[V6_GROUPS], size_t *first)
{
    size_t best = 0;

    for (size_t i = 0; i < V6_GROUPS; i++) {
        size_t len = 0;

        while (i + len < V6_GROUPS && group[i + len] == 0)
            len++;
        if (len >= 2 && len > best) {
            best = len;
            *first = i;
        }
    }
    return best;
}

static void format_v6(const struct duet_addr *a, char out[ADDR_TEXT_BYTES])
{
    uint16_t group[V6_GROUPS];
    size_t first = V6_GROUPS;
    size_t at = 1;

    for (size_t i = 0; i < V6_GROUPS; i++)
        group[i] = (uint16_t)(a->ip[2 * i] << 8 | a->ip[2 * i + 1]);
    const size_t run = zero_run(group, &first);

    out[0] = '[';
    for (size_t i = 0; i < V6_GROUPS; i++) {
        if (run > 0 && i >= first && i < first + run) {
            at += (size_t)snprintf(out + at, ADDR_TEXT_BYTES - at, i == first ? "::" : "");
            continue;
        }
        const bool colon = i > 0 && i != first + run;
        at += (size_t)snprintf(out + at, ADDR_TEXT_BYTES - at, colon ? ":%x" : "%x", (unsigned)group[i]);
    }
    if (a->scope != 0)
        at += (size_t)snprintf(out + at, ADDR_TEXT_BYTES - at, "%%%u", (unsigned)a->scope);
    snprintf(out + at, ADDR_TEXT_BYTES - at, "]:%u", (unsigned)a->port);
}

const char *addr_format(const struct duet_addr *a, char out[ADDR_TEXT_BYTES])
{
    switch ((enum addr_family)a->family) {
    case ADDR_V4:
        snprintf(out, ADDR_TEXT_BYTES, "%u.%u.%u.%u:%u", a->ip[0], a->ip[1], a->ip[2], a->ip[3], (unsigned)a->port);
        return out;
    case ADDR_V6:
        format_v6(a, out);
        return out;
    case ADDR_NONE:
        break;
    }
    snprintf(out, ADDR_TEXT_BYTES, "(no address)");
    return out;
}
