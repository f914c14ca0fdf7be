/*
 * rtt: the estimator of RFC 9002 §5.3 (appendix A.7 order: the variance is
 * taken against the old mean) and a minimum that forgets.  The minimum covers
 * the running window and the whole one before it, so that one slow sample at
 * the turn of a window cannot become the minimum.
 */
#include "recovery/rtt.h"
#include "base/num.h"

void rtt_init(struct rtt *r)
{
    *r = (struct rtt){
        .latest_us = RTT_INITIAL_US,
        .srtt_us = RTT_INITIAL_US,
        .rttvar_us = RTT_INITIAL_US / 2,
        .min_us = RTT_INITIAL_US,
        .window_min_us = UINT64_MAX,
        .bound_us = UINT64_MAX,
        .ack_delay_us = RTT_ACK_DELAY_US,
    };
}

void rtt_bound(struct rtt *r, uint64_t most_us)
{
    if (r->sampled)
        return;
    r->bound_us = num_max(most_us, 1);
    if (most_us >= r->srtt_us)
        return;
    r->latest_us = r->srtt_us = r->min_us = num_max(most_us, 1);
    r->rttvar_us = r->srtt_us / 2;
}

static void update_minimum(struct rtt *r, uint64_t sample_us, duet_time now)
{
    if (time_since(now, r->window_at) >= RTT_MIN_WINDOW_US) {
        r->min_us = r->window_min_us;
        r->window_min_us = UINT64_MAX;
        r->window_at = now;
    }
    r->window_min_us = num_min(r->window_min_us, sample_us);
    r->min_us = num_min(r->min_us, sample_us);
}

void rtt_sample(struct rtt *r, uint64_t sample_us, uint64_t ack_delay_us, duet_time now)
{
    uint64_t sample = num_min(sample_us > 0 ? sample_us : 1, RTT_SAMPLE_MAX_US);

    r->latest_us = sample;
    if (!r->sampled) {
        r->sampled = true;
        r->srtt_us = sample;
        r->rttvar_us = sample / 2;
        r->min_us = r->window_min_us = num_min(sample, r->bound_us);
        r->window_at = now;
        return;
    }
    update_minimum(r, sample, now);

    uint64_t delay = num_min(ack_delay_us, RTT_MAX_ACK_DELAY_US);
    uint64_t adjusted = sample >= r->min_us + delay ? sample - delay : sample;
    uint64_t off = adjusted > r->srtt_us ? adjusted - r->srtt_us : r->srtt_us - adjusted;

    r->rttvar_us = (3 * r->rttvar_us + off) / 4;
    r->srtt_us = (7 * r->srtt_us + adjusted) / 8;
    if (r->srtt_us == 0)
        r->srtt_us = 1;
}

uint64_t rtt_pto_us(const struct rtt *r)
{
    uint64_t spread = 4 * r->rttvar_us;

    return r->srtt_us + (spread > RTT_GRANULARITY_US ? spread : RTT_GRANULARITY_US) + r->ack_delay_us + RTT_LATE_US;
}
