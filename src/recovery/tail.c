#include "duet/recovery/tail.h"

#include "duet/base/num.h"

void tail_init(struct tail *t)
{
    *t = (struct tail){.below = 0};
}

static uint64_t budget_bytes(const struct tail *t, uint64_t sent_bytes)
{
    const uint64_t all = TAIL_BUDGET_BYTES + sent_bytes / TAIL_BUDGET_DIVISOR;
    return all - num_min(all, t->spent_bytes);
}

static bool loses_packets(const struct loss *l, duet_time now)
{
    return l->lost_packets - l->spurious_packets >= TAIL_LOST_MIN_PACKETS && !time_is_never(l->lost_at) &&
           time_since(now, l->lost_at) <= TAIL_LOST_RECENT_RTTS * l->rtt.srtt_us;
}

/* Begins a pass, if one is due.  *again: when to ask for it. */
static bool begin_pass(struct tail *t, const struct loss *l, uint64_t window_bytes, uint64_t sent_bytes, duet_time now,
                       duet_time *again)
{
    const uint64_t most = num_min(window_bytes / TAIL_FLIGHT_DIVISOR, budget_bytes(t, sent_bytes) / TAIL_BUDGET_SHARE);
    if (l->bytes_in_flight == 0 || l->bytes_in_flight > most || !loses_packets(l, now))
        return false;
    if (time_before(now, t->pass_at)) {
        *again = t->pass_at;
        return false;
    }
    t->pass_at = time_add(now, l->rtt.srtt_us / 2);
    t->below = l->sent.next;
    return true;
}

/* A pass looks at each record once: as many steps as packets were sent in a round trip or two. */
static struct sent_packet *step_down(struct tail *t, const struct loss *l)
{
    while (t->below > l->sent.first) {
        struct sent_packet *p = sentmap_get(&l->sent, --t->below);
        if (p != NULL && p->class == SENT_OUTSTANDING && p->bytes > 0 && !p->repeated)
            return p;
    }
    t->below = 0;
    return NULL;
}

const struct sent_packet *tail_next(struct tail *t, const struct loss *l, uint64_t window_bytes, uint64_t sent_bytes,
                                    duet_time now, duet_time *again)
{
    *again = DUET_NEVER;
    struct sent_packet *p = step_down(t, l);
    if (p == NULL && begin_pass(t, l, window_bytes, sent_bytes, now, again))
        p = step_down(t, l);
    if (p != NULL) {
        p->repeated = true;
        t->spent_bytes += p->bytes;
    }
    return p;
}
