/*
 * cc_bbr_policer: what a policer close by passes.
 *
 * A token bucket drops what it has no token for and delays nothing.  Whoever sends faster than it
 * is filled sees no queue; how much passes has to be told from the acknowledgements, and on a short
 * path these tell it badly: they come when the machines on both sides get their turn, and the best
 * of many samples is too good by as much as the turns are late.  But a packet is dropped when the
 * bucket is empty.  So what passes between two drops is what was filled in between, by the sender's
 * clock alone, to a packet, however unevenly it was sent.
 *
 * Radio loss looks the same.  So what was measured is tried: no sample of the bandwidth is worth
 * more than that, less is sent, and the drops have to become half as many.  If they do not, the
 * bandwidth is what it was, and the next measurement waits twice as long as the last.
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc_bbr.h"

#define STRETCH_LEAST_US 100000
#define STRETCH_MOST_US 1000000
#define STRETCH_PACKETS 64
#define STRETCH_DROPS 16
#define EXCESS 0.02
#define EXCEEDS 1.03     /* a late turn's tokens are lost, and a few drops are cheaper than that */
#define HOLDS_US 2000000 /* it may have been changed */
#define TRIAL_PACKETS 128
#define TRIAL_DROPS 32 /* there would be so many if they went on as before */
#define REST_MOST_US (32 * HOLDS_US)

void cc_bbr_policer_init(struct cc_bbr_policer *p)
{
    *p = (struct cc_bbr_policer){.bw = UINT64_MAX, .rest_us = HOLDS_US};
}

static uint64_t lost_between(const struct cc_bbr_drop *a, const struct cc_bbr_drop *b)
{
    return b->lost_bytes - a->lost_bytes;
}

static uint64_t passed_between(const struct cc_bbr_drop *a, const struct cc_bbr_drop *b)
{
    return b->passed_bytes - a->passed_bytes;
}

static uint64_t sent_between(const struct cc_bbr_drop *a, const struct cc_bbr_drop *b)
{
    return passed_between(a, b) + lost_between(a, b);
}

static double share_between(const struct cc_bbr_drop *a, const struct cc_bbr_drop *b)
{
    return (double)lost_between(a, b) / (double)sent_between(a, b);
}

/* ---- measuring ---- */

static bool goes_on(const struct cc_bbr_policer *p, const struct cc_bbr_loss *f, const struct cc_bbr_drop *drop,
                    uint32_t packet_bytes)
{
    return p->measuring && cc_bbr_loss_is_riddled(f, packet_bytes) &&
           time_since(drop->at, p->first.at) <= STRETCH_MOST_US;
}

static bool is_long(const struct cc_bbr_policer *p, const struct cc_bbr_drop *drop, uint32_t packet_bytes)
{
    return time_since(drop->at, p->first.at) >= STRETCH_LEAST_US &&
           passed_between(&p->first, drop) >= STRETCH_PACKETS * (uint64_t)packet_bytes &&
           lost_between(&p->first, drop) >= STRETCH_DROPS * (uint64_t)packet_bytes;
}

/* More than goes on anyhow, chance aside: three standard errors. */
static bool is_excess(const struct cc_bbr_policer *p, const struct cc_bbr_drop *drop, uint32_t packet_bytes)
{
    double share = share_between(&p->first, drop);
    double packets = (double)sent_between(&p->first, drop) / packet_bytes;

    return share - p->explained > EXCESS + 3 * sqrt(share * (1 - share) / packets);
}

static void measure(struct cc_bbr_policer *p, const struct cc_bbr_drop *drop, duet_time now)
{
    double passed = (double)passed_between(&p->first, drop) / (1 - p->explained);
    double us = (double)time_since(drop->at, p->first.at);

    p->bw = (uint64_t)(EXCEEDS * passed * (double)US_PER_S / us);
    p->measured_at = now;
    p->share = share_between(&p->first, drop);
    p->tried.at = now;
    p->trying = true;
    p->measuring = false;
}

/* ---- trying ---- */

static bool is_tried(const struct cc_bbr_policer *p, const struct cc_bbr_drop *mark, uint32_t packet_bytes)
{
    double packets = (double)sent_between(&p->tried, mark) / packet_bytes;

    return packets >= TRIAL_PACKETS && p->share * packets >= TRIAL_DROPS;
}

static enum cc_bbr_policer_news judge_trial(struct cc_bbr_policer *p, double left, duet_time now)
{
    p->trying = false;
    if (2 * left < p->share) {
        p->explained = fmax(left - (EXCEEDS - 1), 0);
        p->rest_us = HOLDS_US;
        return CC_BBR_POLICER_SAME;
    }
    p->bw = UINT64_MAX;
    p->rest_until = time_add(now, p->rest_us);
    p->rest_us = num_min(2 * p->rest_us, REST_MOST_US);
    return CC_BBR_POLICER_REFUTED;
}

/* Counts from the first acknowledgement of a packet that was sent since. */
static enum cc_bbr_policer_news try(struct cc_bbr_policer *p, const struct loss *l, const struct loss_summary *s,
                                    uint32_t packet_bytes, duet_time now)
{
    const struct cc_bbr_drop mark = {.at = now, .passed_bytes = l->delivered_bytes, .lost_bytes = l->lost_bytes};

    if (time_before(p->measured_at, p->tried.at))
        return is_tried(p, &mark, packet_bytes) ? judge_trial(p, share_between(&p->tried, &mark), now)
                                                : CC_BBR_POLICER_SAME;
    if (s->acked_bytes > 0 && time_before(p->measured_at, s->largest_acked_sent_at))
        p->tried = mark;
    return CC_BBR_POLICER_SAME;
}

enum cc_bbr_policer_news cc_bbr_policer_update(struct cc_bbr_policer *p, const struct cc_bbr_loss *f,
                                               const struct loss *l, const struct loss_summary *s,
                                               uint32_t packet_bytes, duet_time now)
{
    const struct cc_bbr_drop drop = {
        .at = s->largest_lost_sent_at, .passed_bytes = s->lost_passed_bytes, .lost_bytes = l->lost_bytes};

    if (p->trying)
        return try(p, l, s, packet_bytes, now);
    if (time_since(now, p->measured_at) > HOLDS_US)
        p->bw = UINT64_MAX;
    if (s->lost_bytes == 0 || time_before(now, p->rest_until))
        return CC_BBR_POLICER_SAME;
    if (!goes_on(p, f, &drop, packet_bytes)) {
        p->first = drop;
        p->measuring = true;
        return CC_BBR_POLICER_SAME;
    }
    if (!is_long(p, &drop, packet_bytes) || !is_excess(p, &drop, packet_bytes))
        return CC_BBR_POLICER_SAME;
    measure(p, &drop, now);
    return CC_BBR_POLICER_MEASURED;
}
