/*
 * cc_bbr_path: what the path carries.
 *
 * Bandwidth here is what reaches the place of the random loss, not what is
 * delivered: a sample counts the packets lost in its interval too, up to the
 * share the floor explains.  Pacing needs that figure (delivered/(1 - p0)), and it is
 * the steadier one: deliveries scatter with the losses, and a maximum filter over
 * them picks the luckiest round and builds a queue with it.
 *
 * For the same reason a sample spans CC_BBR_SHORT_US at least, on a short path several round trips:
 * ten packets more or less a millisecond late or early make a sixth of it, and a policer's bucket
 * passes more than one such round at any rate.  And SAMPLE_PACKETS of them: where a packet takes
 * longer to be due than to come back (1 MB/s over 0.2 ms) each is a round of its own. There, a
 * program that was away for 5 ms is told of many at once: a sample is no better for being as long
 * as that. Time in which nothing was in flight counts, but not if nothing was to be sent.
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc_bbr.h"

#define SAMPLE_PACKETS 32                                  /* one more or less is 3 % */
#define MARK_LEAST_US (2 * CC_BBR_SHORT_US / CC_BBR_MARKS) /* two samples' worth of marks are kept */
#define MARK_PACKETS (2 * SAMPLE_PACKETS / CC_BBR_MARKS)
#define JITTER_ROUNDS 8   /* a stretch */
#define JITTER_SAMPLES 16 /* a round of fewer goes on in the next one */
#define EXTRA_ROUNDS 5    /* in each of two stretches */
#define EXTRA_MAX_US 100000
#define CREDIT_LEAST_BYTES (LIMIT_WINDOW_MIN_BYTES / 2)

void cc_bbr_path_init(struct cc_bbr_path *p, duet_time now)
{
    *p = (struct cc_bbr_path){
        .bw_lo = UINT64_MAX,
        .inflight_lo = UINT64_MAX,
        .inflight_hi = UINT64_MAX,
        .rtt_low_us = UINT64_MAX,
        .extra_since = now,
    };
}

uint64_t cc_bbr_path_bw(const struct cc_bbr_path *p)
{
    return num_max(p->bw[0], p->bw[1]);
}

uint64_t cc_bbr_path_bw_now(const struct cc_bbr_path *p)
{
    return num_min(cc_bbr_path_bw(p), p->bw_lo);
}

uint64_t cc_bbr_path_bdp(const struct cc_bbr_path *p, const struct rtt *r)
{
    return (uint64_t)((double)cc_bbr_path_bw_now(p) * (double)r->min_us / (double)US_PER_S);
}

uint64_t cc_bbr_path_jitter_us(const struct cc_bbr_path *p, const struct rtt *r)
{
    return num_min(num_min(p->jitter_us[0], p->jitter_us[1]), r->min_us);
}

void cc_bbr_path_rtt(struct cc_bbr_path *p, uint64_t rtt_us)
{
    p->rtt_sum_us += rtt_us;
    p->rtt_samples++;
    p->rtt_low_us = num_min(p->rtt_low_us, rtt_us);
}

void cc_bbr_path_rtt_round(struct cc_bbr_path *p, bool counts)
{
    if (counts && p->rtt_samples < JITTER_SAMPLES)
        return;
    if (counts) {
        p->jitter_sum_us += p->rtt_sum_us / p->rtt_samples - p->rtt_low_us;
        if (++p->jitter_rounds == JITTER_ROUNDS) {
            p->jitter_us[0] = p->jitter_us[1];
            p->jitter_us[1] = p->jitter_sum_us / JITTER_ROUNDS;
            p->jitter_sum_us = p->jitter_rounds = 0;
        }
    }
    p->rtt_sum_us = p->rtt_samples = 0;
    p->rtt_low_us = UINT64_MAX;
}

uint64_t cc_bbr_path_extra(const struct cc_bbr_path *p)
{
    uint64_t limit = (uint64_t)((double)cc_bbr_path_bw(p) * EXTRA_MAX_US / (double)US_PER_S);

    return num_min(num_max(p->extra[0], p->extra[1]), limit);
}

/* A sender out of credit with the pipe full says as much about the path as any other.  A text alone
 * in the air fills what itself has measured; but no credit is that small. */
bool cc_bbr_path_app_limited(const struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s)
{
    uint64_t flight = num_max(s->rate_in_flight, s->prior_in_flight); /* ahead of the packet, and behind it */

    return s->rate_app_limited && flight < num_max(cc_bbr_path_bdp(p, &l->rtt), CREDIT_LEAST_BYTES);
}

static void set_mark(struct cc_bbr_path *p, const struct loss *l, uint32_t packet_bytes)
{
    const struct cc_bbr_mark *last = &p->mark[(p->mark_count - 1) % CC_BBR_MARKS];

    if (p->mark_count > 0 && (time_since(l->delivered_at, last->at) < MARK_LEAST_US ||
                              l->delivered_bytes - last->delivered_bytes < MARK_PACKETS * (uint64_t)packet_bytes))
        return;
    p->mark[p->mark_count++ % CC_BBR_MARKS] =
        (struct cc_bbr_mark){.at = l->delivered_at, .delivered_bytes = l->delivered_bytes};
}

static bool count_round(struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s,
                        uint32_t packet_bytes)
{
    if (s->rate_delivered == 0 || s->rate_prior_delivered < p->round_end_delivered)
        return false;
    p->round_end_delivered = l->delivered_bytes;
    p->round_count++;
    set_mark(p, l, packet_bytes);
    p->bw_round[0] = p->bw_round[1];
    p->delivered_round[0] = p->delivered_round[1];
    p->bw_round[1] = p->delivered_round[1] = 0;
    if (p->cycle_ends && p->bw[1] > 0) { /* texts alone measure nothing, and two probes among them would forget all */
        p->cycle_ends = false;
        p->bw[0] = p->bw[1];
        p->bw[1] = 0;
    }
    return true;
}

static uint64_t sample_bw(const struct loss_summary *s, double floor)
{
    double explained = (double)s->rate_delivered * floor / (1 - floor);
    double lost = fmin((double)s->rate_lost, explained);

    return (uint64_t)((double)s->rate_bytes_per_s * (1 + lost / (double)s->rate_delivered));
}

/* Over so many rounds as make CC_BBR_SHORT_US and least_bytes; 0: so many are not marked yet. */
static uint64_t sample_of_rounds(const struct cc_bbr_path *p, const struct loss *l, uint64_t least_bytes, double floor)
{
    uint64_t us = 0, bytes = 0;

    for (size_t i = 1; i <= num_min(p->mark_count, CC_BBR_MARKS) && (us < CC_BBR_SHORT_US || bytes < least_bytes);
         i++) {
        const struct cc_bbr_mark *m = &p->mark[(p->mark_count - i) % CC_BBR_MARKS];

        us = time_since(l->delivered_at, m->at);
        bytes = l->delivered_bytes - m->delivered_bytes;
    }
    if (us < CC_BBR_SHORT_US || bytes < least_bytes)
        return 0;
    return (uint64_t)((double)bytes * (double)US_PER_S / ((1 - floor) * (double)us));
}

static void measure_bw(struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s, double floor,
                       bool steady, uint64_t most_bw, uint32_t packet_bytes)
{
    if (s->rate_delivered == 0 || s->rate_bytes_per_s == 0)
        return;
    uint64_t bw = sample_bw(s, floor);

    p->delivered_round[1] = num_max(p->delivered_round[1], s->rate_delivered);
    /* On a path this short a sample that is longer is one of somebody who was away: what came
     * meanwhile is told at once. */
    const bool is_short =
        steady && num_min(s->rate_delivered * US_PER_S / s->rate_bytes_per_s, l->rtt.min_us) < CC_BBR_SHORT_US;
    const uint64_t spread = is_short ? sample_of_rounds(p, l, SAMPLE_PACKETS * (uint64_t)packet_bytes, floor) : bw;
    if (spread > 0)
        bw = num_min(bw, spread);
    bw = num_min(bw, most_bw);
    p->bw_round[1] = num_max(p->bw_round[1], bw);
    if (spread == 0)
        return;
    if (bw >= cc_bbr_path_bw(p) || !cc_bbr_path_app_limited(p, l, s))
        p->bw[1] = num_max(p->bw[1], bw);
}

/* What acknowledgements bring beyond the bandwidth must be in flight on top, or the sender stalls
 * between them. */
static void measure_extra(struct cc_bbr_path *p, uint64_t acked_bytes, double floor, bool steady, duet_time now)
{
    double rate = (double)cc_bbr_path_bw_now(p) * (1 - floor);
    uint64_t expected = (uint64_t)(rate * (double)time_since(now, p->extra_since) / (double)US_PER_S);

    if (p->round_count >= p->extra_round + EXTRA_ROUNDS) {
        p->extra_round = p->round_count;
        p->extra[0] = p->extra[1];
        p->extra[1] = 0;
    }
    if (p->extra_acked <= expected) {
        p->extra_acked = 0;
        p->extra_since = now;
        expected = 0;
    }
    p->extra_acked += acked_bytes;
    if (steady)
        p->extra[1] = num_max(p->extra[1], p->extra_acked - expected);
}

bool cc_bbr_path_update(struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s, double floor,
                        bool steady, uint64_t most_bw, uint32_t packet_bytes, duet_time now)
{
    bool round_starts = count_round(p, l, s, packet_bytes);

    measure_bw(p, l, s, floor, steady, most_bw, packet_bytes);
    if (s->acked_bytes > 0)
        measure_extra(p, s->acked_bytes, floor, steady, now);
    return round_starts;
}

void cc_bbr_path_restart(struct cc_bbr_path *p, uint64_t idle_us, duet_time now)
{
    p->extra_since = now;
    p->extra_acked = 0;
    for (size_t i = 0; i < CC_BBR_MARKS; i++)
        p->mark[i].at = time_add(p->mark[i].at, idle_us);
}

void cc_bbr_path_cut(struct cc_bbr_path *p, uint64_t cwnd_bytes, double keep)
{
    uint64_t bw = cc_bbr_path_bw_now(p);
    uint64_t in_flight = num_min(cwnd_bytes, p->inflight_lo);

    p->bw_lo = num_max(num_max(p->bw_round[0], p->bw_round[1]), num_share(keep, bw));
    p->inflight_lo = num_max(num_max(p->delivered_round[0], p->delivered_round[1]), num_share(keep, in_flight));
}

void cc_bbr_path_uncut(struct cc_bbr_path *p)
{
    p->bw_lo = UINT64_MAX;
    p->inflight_lo = UINT64_MAX;
}

void cc_bbr_path_cap(struct cc_bbr_path *p, uint64_t bw)
{
    for (int i = 0; i < 2; i++) {
        p->uncapped[i] = p->bw[i];
        p->bw[i] = num_min(p->bw[i], bw);
        p->bw_round[i] = num_min(p->bw_round[i], bw);
    }
}

void cc_bbr_path_uncap(struct cc_bbr_path *p)
{
    for (int i = 0; i < 2; i++)
        p->bw[i] = num_max(p->bw[i], p->uncapped[i]);
}

void cc_bbr_path_lower_bw(struct cc_bbr_path *p, uint64_t least_bw)
{
    uint64_t bw = num_max(num_max(p->bw_round[0], p->bw_round[1]), least_bw);

    for (int i = 0; i < 2; i++)
        p->bw[i] = num_min(p->bw[i], bw);
}
