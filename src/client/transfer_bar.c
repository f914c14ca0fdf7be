#include "client/transfer_bar.h"

#include <stdio.h>

#include "base/time.h"

/* How long nothing of it has moved, when that is worth a word; else 0. */
static uint64_t stalled_us(const struct roster *r, const struct roster_transfer *t, uint64_t now_us)
{
    const struct roster_peer *p = roster_peer(r, t->peer);
    uint64_t since_us = t->moved_us;

    if (p && p->unreachable && p->silent_since_us > 0)
        since_us = p->silent_since_us;
    if (since_us == 0 || now_us < since_us)
        return 0;
    return now_us - since_us >= TRANSFER_BAR_STALL_US ? now_us - since_us : 0;
}

struct bar transfer_bar(const struct roster *r, const struct roster_transfer *t, uint64_t now_us,
                        char state[TRANSFER_BAR_STATE_BYTES])
{
    uint64_t silent_us = stalled_us(r, t, now_us);
    struct bar b = {
        .name = t->name,
        .sending = t->sending,
        .done_bytes = t->done_bytes,
        .total_bytes = t->total_bytes,
        .rate_bytes_per_s = t->rate_bytes_per_s,
        .eta_us = t->eta_us,
    };

    if (t->state == ROSTER_OFFERED) {
        snprintf(state, TRANSFER_BAR_STATE_BYTES, t->sending ? "waiting for the peer" : "/accept %u or /reject %u",
                 t->id, t->id);
        b.state = state;
    } else if (t->done_bytes == t->total_bytes) {
        b.state = t->sending ? "waiting for the receipt" : "checking";
    } else if (silent_us > 0) {
        snprintf(state, TRANSFER_BAR_STATE_BYTES, "stalled %llu s", (unsigned long long)(silent_us / US_PER_S));
        b.state = state;
    } else if (t->stalled) {
        b.state = "stalled";
    }
    return b;
}
