#include "recovery/tail.h"

#include "base/num.h"

void tail_init(struct tail *t)
{
    *t = (struct tail){.spent_bytes = 0};
}

static uint64_t budget_bytes(const struct tail *t, uint64_t sent_bytes)
{
    const uint64_t all = TAIL_BUDGET_BYTES + sent_bytes / TAIL_BUDGET_DIVISOR;

    return all - num_min(all, t->spent_bytes);
}

void tail_sent(struct tail *t, struct sent_packet *p, bool more)
{
    p->copy = t->copy;
    t->copy = 0;
    if (more)
        t->since = p->number + 1;
}

static bool loses_packets(const struct loss *l, duet_time now)
{
    return l->lost_packets - l->spurious_packets >= TAIL_LOST_MIN_PACKETS && !time_is_never(l->lost_at) &&
           time_since(now, l->lost_at) <= TAIL_LOST_RECENT_RTTS * l->rtt.srtt_us;
}

/* So many copies of a packet, itself included, make it unlikely enough that none arrives. */
static uint8_t copies_enough(const struct loss *l)
{
    const double lost = (double)(l->lost_packets - l->spurious_packets) / (double)num_max(l->sent_packets, 1);
    uint8_t n = 1;

    for (double none = lost; none > TAIL_MISSED && n < TAIL_COPIES_MAX; n++)
        none *= lost;
    return n;
}

/* Begins a pass, if one is due.  *again: when to ask for it. */
static bool begin_pass(struct tail *t, const struct loss *l, uint64_t window_bytes, uint64_t left_bytes, duet_time now,
                       duet_time *again)
{
    const uint64_t little = num_min(window_bytes / TAIL_LITTLE_DIVISOR, left_bytes / TAIL_LITTLE_SHARE);

    if (l->bytes_in_flight == 0 || left_bytes == 0 || !loses_packets(l, now))
        return false;
    if (time_before(now, t->pass_at)) {
        *again = t->pass_at;
        return false;
    }
    t->pass_at = time_add(now, num_max(l->rtt.srtt_us / TAIL_PASSES, TAIL_PASS_LEAST_US));
    t->all = l->bytes_in_flight <= num_min(little, TAIL_LITTLE_BYTES);
    t->at = l->sent.first;
    t->end = l->sent.next;
    return true;
}

/* As good as lost, unless it is known that packets overtake each other here. */
static bool is_overtaken(const struct loss *l, const struct sent_packet *p)
{
    return l->largest_acked != SENTMAP_NONE && p->number < l->largest_acked && l->reorder_steps == 1;
}

/* The next packet of the pass.  What was overtaken starts anew: none of its copies arrived. */
static struct sent_packet *next_of_pass(struct tail *t, struct loss *l, uint64_t left_bytes)
{
    const uint8_t enough = copies_enough(l);

    while ((t->at = sentmap_next(&l->sent, SENT_OUTSTANDING, t->at)) < t->end) {
        struct sent_packet *p = sentmap_get(&l->sent, t->at++);

        if (p->bytes == 0 || p->bytes > left_bytes || p->repeated)
            continue;
        if (is_overtaken(l, p) || ((t->all || p->number >= t->since) && p->copy + 1 < enough))
            return p;
    }
    t->at = t->end;
    return NULL;
}

const struct sent_packet *tail_next(struct tail *t, struct loss *l, uint64_t window_bytes, uint64_t sent_bytes,
                                    duet_time now, duet_time *again)
{
    const uint64_t left_bytes = budget_bytes(t, sent_bytes);

    *again = DUET_NEVER;
    struct sent_packet *p = next_of_pass(t, l, left_bytes);
    if (p == NULL && begin_pass(t, l, window_bytes, left_bytes, now, again))
        p = next_of_pass(t, l, left_bytes);
    t->copy = 0;
    if (p != NULL) {
        p->repeated = true;
        t->copy = is_overtaken(l, p) ? 0 : (uint8_t)(p->copy + 1);
        t->spent_bytes += p->bytes;
    }
    return p;
}
