/*
 * cc_bbr_yield: how far to yield to congestion, by how often it comes and what others do about it.
 *
 * A flow that takes loss for congestion (Reno, CUBIC, another duet) gives way when a queue
 * overflows, and is back there after tens of round trips; whoever yields to it gets its turn.  BBR
 * version 1 heeds no loss: it overfills a queue of one BDP every 8 minimal round trips, and takes
 * for good what the others leave.  Against it yielding is no answer.
 *
 * So an event of congestion is answered fully unless two things say that nobody else does:
 *
 *   they come often   fully from FULL_ROUNDS on, not at all below NONE_ROUNDS
 *   the queue stays   if everybody leaves CC_BBR_BETA of what he has in flight, the round-trip time
 *                     falls to as much of its peak, or to its minimum: fully if it falls by
 *                     ANSWER_FULL of that, not at all below ANSWER_NONE
 *
 * The first alone takes many duets for BBRv1, each of which then holds what it has, and so proves
 * the others right for good; the second alone does so now and then.
 *
 * Flows that do not yield to each other overfill the queue for good.  What that costs is bounded:
 * from LOST_FREE of all packets on (above the floor of random loss) yielding comes back, at
 * LOST_FULL it is full.  The figures behind these: doc/DECISIONS.md, "Congestion control".
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc_bbr.h"

#define SAME_EVENT_ROUNDS 3 /* until an answer shows: what is lost so soon belongs to the same event */
#define NONE_ROUNDS 8.0     /* BBRv1's own interval; */
#define FULL_ROUNDS 18.0    /* flows that do yield come less often: eight duets every 20 rounds, CUBIC every 50 */
#define LONGEST_ROUNDS 20.0 /* a longer pause counts as this: three short ones outweigh it */
#define ANSWER_NONE 0.5     /* the queue stays */
#define ANSWER_FULL 0.75    /* it falls as it should */
#define EVENT_SHARE 0.25    /* of the last one in either mean */
#define LOST_ROUNDS 16      /* time constant of the mean loss */
#define LOST_FREE 0.02      /* what one BBRv1 costs; */
#define LOST_FULL 0.045     /* three duets that take each other for it come to 4 % */

void cc_bbr_yield_init(struct cc_bbr_yield *y)
{
    *y = (struct cc_bbr_yield){.interval_rounds = LONGEST_ROUNDS, .answer = ANSWER_FULL, .low_us = UINT64_MAX};
}

void cc_bbr_yield_update(struct cc_bbr_yield *y, const struct loss_summary *s, bool round_starts)
{
    y->acked_bytes += s->acked_bytes;
    y->lost_bytes += s->lost_bytes;
    if (!round_starts || y->acked_bytes == 0)
        return;
    double share = (double)y->lost_bytes / (double)(y->acked_bytes + y->lost_bytes);

    y->lost += (share - y->lost) / LOST_ROUNDS;
    y->acked_bytes = y->lost_bytes = 0;
}

void cc_bbr_yield_rtt(struct cc_bbr_yield *y, uint64_t rtt_us)
{
    y->low_us = num_min(y->low_us, rtt_us);
    y->high_us = num_max(y->high_us, rtt_us);
}

/* How far the round-trip time fell, of how far it would have if everybody had given way. */
static double answer_to_delay(const struct cc_bbr_yield *y, uint64_t min_rtt_us)
{
    double high = (double)y->high_us;
    double wanted = fmin((1 - CC_BBR_BETA) * high, high - (double)min_rtt_us);

    return wanted <= 0 ? 1 : fmin((high - (double)y->low_us) / wanted, 1);
}

void cc_bbr_yield_event(struct cc_bbr_yield *y, uint64_t round, uint64_t min_rtt_us)
{
    double rounds = (double)(round - y->event_round);

    if (rounds <= SAME_EVENT_ROUNDS)
        return;
    if (y->event_round > 0) { /* the first one has none before it */
        y->interval_rounds += (fmin(rounds, LONGEST_ROUNDS) - y->interval_rounds) * EVENT_SHARE;
        y->answer += (answer_to_delay(y, min_rtt_us) - y->answer) * EVENT_SHARE;
    }
    y->event_round = round;
    y->low_us = UINT64_MAX;
    y->high_us = 0;
}

static double part_between(double value, double none, double full)
{
    return fmin(fmax((value - none) / (full - none), 0), 1);
}

double cc_bbr_yield_weight(const struct cc_bbr_yield *y, double floor)
{
    double rivals = fmax(part_between(y->interval_rounds, NONE_ROUNDS, FULL_ROUNDS),
                         part_between(y->answer, ANSWER_NONE, ANSWER_FULL));

    return fmax(rivals, part_between(y->lost - floor, LOST_FREE, LOST_FULL));
}
