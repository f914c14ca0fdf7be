/*
 * ackpolicy: see the header.  `delay_us` only grows while a frame is open: the
 * peer may have it or not, and one taken for lost may still arrive.
 */
#include "recovery/ackpolicy.h"

#include "base/num.h"
#include "recovery/acktr.h"
#include "recovery/rtt.h"

void ackpolicy_init(struct ackpolicy *p)
{
    *p = (struct ackpolicy){.delay_us = RTT_ACK_DELAY_US};
}

/* Half as large again, or a third smaller: what is told and what is wanted always differ a
 * little. */
static bool is_far(uint64_t a, uint64_t b)
{
    return 2 * num_max(a, b) >= 3 * num_min(a, b);
}

/* So many ACKs in the place of one make it unlikely enough that none of them arrives; but each is
 * to speak for ACKTR_EVERY packets, if one did. */
static uint64_t ack_copies(double loss, uint64_t packets)
{
    uint64_t n = 1;

    for (double none = loss; none > ACKPOLICY_SILENCE && (n + 1) * ACKTR_EVERY <= packets; n++)
        none *= loss;
    return n;
}

static struct frame_ack_policy wanted_policy(const struct ackpolicy *p, const struct ackpolicy_path *path)
{
    const uint64_t eighth_us = num_max(path->srtt_us / ACKPOLICY_SHARE, LIMIT_ACK_DELAY_MIN_US);
    const uint64_t earned = p->held_back > ACKPOLICY_HELD_BACK
                                ? 0
                                : num_min(path->sent_packets / ACKPOLICY_EARN_PACKETS, ACKPOLICY_PACKETS_MAX);
    const uint64_t packets = num_min(path->cwnd_packets / ACKPOLICY_SHARE, num_max(earned, ACKTR_EVERY));
    const uint64_t n = ack_copies(path->loss_back, packets);

    return (struct frame_ack_policy){
        .packets = num_max(packets / n, ACKPOLICY_PACKETS_MIN),
        .delay_us = num_max(num_min(eighth_us, ACKPOLICY_DELAY_MAX_US) / n, LIMIT_ACK_DELAY_MIN_US),
        .gap_us = eighth_us,
    };
}

void ackpolicy_update(struct ackpolicy *p, const struct ackpolicy_path *path)
{
    p->held_back += ((path->held_back ? 1 : 0) - p->held_back) / ACKPOLICY_HELD_ACKS;
    p->want = wanted_policy(p, path);
    if (p->open || path->sent_packets < ACKTR_START_PACKETS)
        return;
    p->wanted = p->lost || is_far(p->want.packets, p->told.packets) || is_far(p->want.delay_us, p->told.delay_us) ||
                is_far(p->want.gap_us, p->told.gap_us);
}

bool ackpolicy_take(struct ackpolicy *p, struct frame *f)
{
    if (!p->wanted)
        return false;
    p->wanted = p->lost = false;
    p->open = true;
    p->told = p->want;
    p->delay_us = num_max(p->delay_us, p->told.delay_us);
    *f = (struct frame){.type = FRAME_ACK_POLICY, .policy = {.sequence = ++p->sequence, .want = p->told}};
    return true;
}

void ackpolicy_acked(struct ackpolicy *p, uint64_t sequence)
{
    if (sequence != p->sequence)
        return;
    p->open = p->lost = false;
    p->delay_us = p->told.delay_us;
}

void ackpolicy_lost(struct ackpolicy *p, uint64_t sequence)
{
    if (sequence != p->sequence)
        return;
    p->open = false;
    p->lost = p->wanted = true;
}
