#include "chat/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"

#define STATUS_NAMES 3 /* of many peers */

static size_t peer_words(const struct roster_peer *p, uint64_t now_us, const char *dot, char *out, size_t cap)
{
    int used;

    if (p->unreachable) {
        uint64_t silent_us = now_us > p->silent_since_us ? now_us - p->silent_since_us : 0;
        used =
            snprintf(out, cap, "%s%sunreachable for %llu s", p->name, dot, (unsigned long long)(silent_us / US_PER_S));
    } else if (p->has_stats) {
        uint64_t sent = p->stats.sent_packets;
        double loss = sent > 0 ? 100.0 * (double)p->stats.lost_packets / (double)sent : 0;
        used = snprintf(out, cap, "%s%sconnected%srtt %.1f ms%sloss %.1f %%", p->name, dot, dot,
                        (double)p->stats.rtt_us / (double)US_PER_MS, dot, loss);
    } else {
        used = snprintf(out, cap, "%s%sconnected", p->name, dot);
    }
    return used < 0 ? 0 : (size_t)used < cap ? (size_t)used : cap - 1;
}

/* Appends words to a status line of `used` bytes; what does not fit is cut. */
static size_t append(char *out, size_t used, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t append(char *out, size_t used, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int more = vsnprintf(out + used, VIEW_STATUS_BYTES - used, format, args);
    va_end(args);
    used += more > 0 ? (size_t)more : 0;
    return used < VIEW_STATUS_BYTES ? used : VIEW_STATUS_BYTES - 1;
}

/* One peer in detail, many as a number. */
static size_t append_peers(const struct roster *r, const char *idle, uint64_t now_us, const char *dot, char *out)
{
    size_t count = roster_count(r, ROSTER_CONNECTED);
    size_t unreachable = 0;

    if (count == 0)
        return append(out, 0, "%s", idle);
    if (count == 1)
        return peer_words(roster_next_connected(r, NULL), now_us, dot, out, VIEW_STATUS_BYTES);
    for (struct roster_peer *p = NULL; (p = roster_next_connected(r, p));)
        unreachable += p->unreachable;
    size_t used = append(out, 0, "%zu peers", count);
    return unreachable ? append(out, used, "%s%zu unreachable", dot, unreachable) : used;
}

const char *status_peers(const struct roster *r, const char *idle, uint64_t now_us, bool ascii,
                         char out[VIEW_STATUS_BYTES])
{
    const char *dot = view_separator(ascii);
    size_t used = append_peers(r, idle, now_us, dot, out);
    uint64_t rate = 0;

    for (size_t i = 0; i < r->transfer_count; i++)
        rate += r->transfers[i].rate_bytes_per_s;
    if (rate > 0) {
        char text[TEXT_SIZE_BYTES];
        append(out, used, "%s%s/s", dot, text_size(rate, text));
    }
    return out;
}

const char *status_names(const struct roster *r, bool ascii, char out[VIEW_STATUS_BYTES])
{
    size_t named = 0, used = 0;

    out[0] = '\0';
    if (roster_count(r, ROSTER_CONNECTED) < 2)
        return out;
    for (struct roster_peer *p = NULL; named < STATUS_NAMES && (p = roster_next_connected(r, p)); named++)
        used = append(out, used, "%s%s", named ? ", " : view_separator(ascii), p->name);
    if (roster_count(r, ROSTER_CONNECTED) > named)
        append(out, used, ", ...");
    return out;
}
