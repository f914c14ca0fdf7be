#include "duet/recovery/tail.h"

void tail_init(struct tail *t)
{
    *t = (struct tail){.at = 0};
}

bool tail_worth(const struct loss *l, uint64_t window_bytes)
{
    if (l->bytes_in_flight > window_bytes / TAIL_FLIGHT_DIVISOR)
        return false;
    const uint64_t lost = l->lost_packets - l->spurious_packets;
    return lost >= TAIL_LOSS_MIN_PACKETS && lost > l->sent_packets / TAIL_LOSS_DIVISOR;
}

uint64_t tail_next(struct tail *t, struct loss *l, duet_time now, duet_time *again)
{
    *again = DUET_NEVER;
    uint64_t n = sentmap_next(&l->sent, SENT_OUTSTANDING, t->at);
    if (n >= t->end) {
        /* The pass is over. */
        n = sentmap_next(&l->sent, SENT_OUTSTANDING, 0);
        if (n == SENTMAP_NONE)
            return SENTMAP_NONE;
        const duet_time next_pass = time_add(t->pass_at, l->rtt.srtt_us / 2);
        if (time_before(now, next_pass)) {
            *again = next_pass;
            return SENTMAP_NONE;
        }
        t->pass_at = now;
        t->end = l->sent.next;
    }
    t->at = n + 1;
    return n;
}
