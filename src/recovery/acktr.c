/*
 * acktr: see the header for the policy.
 *
 * Listing: news_from[i] is the lowest packet that came between the i-th last
 * repeat and the one before, so their minimum is where the next ACK has to
 * begin for every packet to be in ACKTR_REPEATS of them.  A late packet makes
 * that reach further down for as long, which costs little.
 *
 * Forgetting: an ACK of ours that listed l … L was acknowledged, so that is
 * known at the peer.  A packet between that came after that ACK left was not in
 * it; dropping it would make its sender repeat it for nothing.  Late packets
 * are therefore gathered in two generations.  late[0] waits for an ACK whose
 * largest exceeds the largest at the time the last of them came - that ACK was
 * written later and lists them if it reaches that far down; then late[1] takes
 * its place.  With a steadily reordering path each generation lives about one
 * round trip.  Confirmations that come out of order are of no use: an ACK
 * from before a late packet must not speak for it once late[0] is gone.
 */
#include "recovery/acktr.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "wire/limits.h"

enum { ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

static const struct acktr_late no_late = {.lowest = UINT64_MAX};

void acktr_init(struct acktr *a)
{
    *a = (struct acktr){.due = DUET_NEVER, .last_gap_ack = DUET_NEVER, .late = {no_late, no_late}};
    for (size_t i = 0; i < ACKTR_REPEATS; i++)
        a->news_from[i] = UINT64_MAX;
    ranges_init(&a->received, LIMIT_ACK_RANGES);
}

void acktr_dispose(struct acktr *a)
{
    ranges_dispose(&a->received);
}

/* Adds the number; with all ranges in use the lowest goes, be it the new one. */
static int remember_number(struct ranges *r, uint64_t number)
{
    int err = ranges_add(r, number, number + 1);

    if (err != DUET_EFULL)
        return err;
    if (number < r->v[0].start)
        return 0;
    ranges_drop_first(r);
    return ranges_add(r, number, number + 1);
}

static void count_ecn(struct acktr *a, uint8_t ecn)
{
    if ((ecn & ECN_MASK) == ECN_ECT0)
        a->ecn[0]++;
    if ((ecn & ECN_MASK) == ECN_ECT1)
        a->ecn[1]++;
    if ((ecn & ECN_MASK) == ECN_CE)
        a->ecn[2]++;
}

/* A packet out of order asks for an ACK, if the last one that did is long enough ago. */
static bool gap_asks(struct acktr *a, duet_time now)
{
    if (!time_is_never(a->last_gap_ack) && time_since(now, a->last_gap_ack) < a->policy.gap_us)
        return false;
    a->last_gap_ack = now;
    return true;
}

/* Nobody asked: our own round trips are what we have. */
static struct frame_ack_policy own_policy(uint64_t rtt_us)
{
    const uint64_t eighth_us = num_max(rtt_us / 8, LIMIT_ACK_DELAY_MIN_US);

    return (struct frame_ack_policy){
        .packets = ACKTR_EVERY, .delay_us = num_min(eighth_us, ACKTR_DELAY_MAX_US), .gap_us = eighth_us};
}

void acktr_ask(struct acktr *a, uint64_t sequence, const struct frame_ack_policy *want)
{
    if (a->told && sequence <= a->policy_sequence)
        return;
    a->told = true;
    a->policy_sequence = sequence;
    a->policy = (struct frame_ack_policy){
        .packets = num_min(want->packets, LIMIT_ACK_PACKETS),
        .delay_us = num_min(num_max(want->delay_us, LIMIT_ACK_DELAY_MIN_US), LIMIT_ACK_DELAY_MAX_US),
        .gap_us = num_max(want->gap_us, LIMIT_ACK_DELAY_MIN_US),
    };
}

static uint64_t packets_per_ack(const struct acktr *a)
{
    return a->eliciting_total <= ACKTR_START_PACKETS ? ACKTR_EVERY_START : a->policy.packets;
}

/* What is between two numbers has not come, or is late: then it is taken back.  Weighs evenly at
 * first, then the latest ACKTR_LOSS_PACKETS. */
static void note_loss(struct acktr *a, uint64_t number)
{
    const uint64_t end = a->largest + 1;

    if (!a->started)
        return;
    const double weight = 1.0 / (double)(ACKTR_LOSS_PRIOR + num_min(a->loss_packets, ACKTR_LOSS_PACKETS));
    if (number < end) {
        a->loss = a->loss > weight ? a->loss - weight : 0;
        return;
    }
    for (uint64_t missing = num_min(number - end, ACKTR_LOSS_PACKETS); missing > 0; missing--)
        a->loss += (1 - a->loss) * weight;
    a->loss -= a->loss * weight;
    a->loss_packets++;
}

static void note_late(struct acktr *a, uint64_t number)
{
    struct acktr_late *late = &a->late[1];

    if (number < late->lowest)
        late->lowest = number;
    late->largest_then = a->largest;
}

int acktr_received(struct acktr *a, uint64_t number, bool eliciting, bool at_once, uint8_t ecn, uint64_t rtt_us,
                   duet_time now)
{
    int err = remember_number(&a->received, number);

    if (err != 0)
        return err;

    note_loss(a, number);
    bool in_order = !a->started || number == a->largest + 1;
    if (a->started && number < a->largest) {
        note_late(a, number);
    } else {
        a->largest = number;
        a->largest_at = now;
    }
    a->started = true;
    a->news = true;
    a->news_from[0] = num_min(a->news_from[0], number);
    if (!a->told)
        a->policy = own_policy(rtt_us);
    count_ecn(a, ecn);
    if (!eliciting)
        return 0;

    a->eliciting_total++;
    a->eliciting_pending++;
    bool ce = (ecn & ECN_MASK) == ECN_CE;
    if (at_once || ce || a->eliciting_pending >= packets_per_ack(a) || (!in_order && gap_asks(a, now)))
        a->due = time_min(a->due, now);
    else
        a->due = time_min(a->due, time_add(now, a->policy.delay_us));
    return 0;
}

void acktr_want_all(struct acktr *a)
{
    a->news_from[0] = 0;
}

bool acktr_pending(const struct acktr *a, duet_time now)
{
    if (!a->news || a->received.count == 0)
        return false;
    return a->eliciting_pending == 0 || 2 * a->eliciting_pending >= packets_per_ack(a) ||
           time_due(a->due, time_add(now, a->policy.delay_us / 2));
}

duet_time acktr_deadline(const struct acktr *a)
{
    return a->received.count > 0 ? a->due : DUET_NEVER;
}

uint64_t acktr_delay_us(const struct acktr *a, duet_time now)
{
    return a->started ? time_since(now, a->largest_at) : 0;
}

bool acktr_is_turn(const struct acktr *a)
{
    return a->acks + 1 >= ACKTR_COMPLETE_EVERY;
}

uint64_t acktr_from(const struct acktr *a)
{
    uint64_t from = acktr_is_turn(a) ? 0 : UINT64_MAX;

    for (size_t i = 0; i < ACKTR_REPEATS; i++)
        from = num_min(from, a->news_from[i]);
    return from;
}

static void count_repeat(struct acktr *a, duet_time now)
{
    if (time_since(now, a->repeat_at) < a->policy.gap_us / 2)
        return;
    a->repeat_at = now;
    memmove(&a->news_from[1], &a->news_from[0], (ACKTR_REPEATS - 1) * sizeof(a->news_from[0]));
    a->news_from[0] = UINT64_MAX;
}

uint64_t acktr_sent(struct acktr *a, duet_time now)
{
    assert(a->received.count > 0);
    count_repeat(a, now);
    a->acks = acktr_is_turn(a) ? 0 : a->acks + 1;
    a->eliciting_pending = 0;
    a->due = DUET_NEVER;
    a->news = false;
    return a->received.v[a->received.count - 1].end - 1;
}

void acktr_confirmed(struct acktr *a, uint64_t lowest, uint64_t largest)
{
    uint64_t floor = largest + 1;

    if (floor < a->confirmed_end)
        return;
    a->confirmed_end = floor;
    if (largest > a->late[0].largest_then)
        a->late[0] = no_late;
    if (a->late[0].lowest == UINT64_MAX) {
        a->late[0] = a->late[1];
        a->late[1] = no_late;
    }
    for (int i = 0; i < 2; i++)
        floor = num_min(floor, a->late[i].lowest);
    /* May split a range in two; with no room for that it stays whole, and is confirmed by the next
     * complete ACK. */
    if (lowest < floor)
        (void)ranges_remove(&a->received, lowest, floor);
}
