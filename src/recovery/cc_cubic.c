/*
 * cc_cubic: CUBIC (RFC 9438) with HyStart++ (RFC 9406), in bytes.
 *
 * One reduction per round trip: a loss counts only when the packet left after
 * the last reduction.  The window grows only while it is what holds the sender
 * back, and the curve's clock stands still while it is not (RFC 9438 §5.8), so
 * an idle application does not come back to a window nobody has tested.  When
 * every packet that a reduction was made for turns out to have arrived, the
 * reduction is undone (§4.9.2).
 *
 * Two packets a round trip are 100 Mbit/s at 0.2 ms, and no loss could make the window smaller.  So
 * on a path shorter than ROUND_MOST_US a window that would fall below that becomes what leaves in
 * twice the time, and so on until it has ROUND_PACKETS; the pace alone holds it.  A reduction then
 * counts for such a round.  With so many packets in one the search for more loses one in fifty.
 */
#include <math.h>

#include "recovery/cc.h"

/* RFC 9438 §4.1, §4.3, §4.6. */
#define CUBIC_C 0.4 /* packets per s³ */
#define CUBIC_BETA 0.7
#define CUBIC_ALPHA (3.0 * (1.0 - CUBIC_BETA) / (1.0 + CUBIC_BETA))
#define CUBIC_TARGET_MAX 1.5 /* most growth in one round trip, §4.4 */

/* RFC 9406 §4.3. */
#define HYSTART_RTT_MIN_US 4000
#define HYSTART_RTT_MAX_US 16000
#define HYSTART_RTT_DIVISOR 8
#define HYSTART_SAMPLES 8
#define HYSTART_CSS_DIVISOR 4
#define HYSTART_CSS_ROUNDS 5

/* Pacing gains in hundredths: in slow start the window doubles in a round. */
#define PACING_SLOW_START 200
#define PACING_AVOIDANCE 125

#define ROUND_MOST_US 20000
#define ROUND_PACKETS 8
#define ROUND_GROWN 4 /* times as many: half the time will do */

static bool in_slow_start(const struct cc *c)
{
    return c->cwnd_bytes < c->cubic.curve.ssthresh_bytes;
}

static uint64_t round_of(const struct cc_cubic *q, uint64_t srtt_us)
{
    return srtt_us > q->round_us ? srtt_us : q->round_us;
}

static void set_pace(struct cc *c, const struct rtt *r)
{
    if (!r->sampled)
        return;
    c->cubic.srtt_us = r->srtt_us;
    uint64_t gain = in_slow_start(c) ? PACING_SLOW_START : PACING_AVOIDANCE;
    uint64_t rate = c->cwnd_bytes * gain * (US_PER_S / 100) / round_of(&c->cubic, r->srtt_us);
    c->pacing_bytes_per_s = rate > 0 ? rate : 1;
}

static void hystart_init(struct cc_hystart *h)
{
    *h = (struct cc_hystart){
        .round_min_rtt_us = UINT64_MAX,
        .last_round_min_rtt_us = UINT64_MAX,
        .css_baseline_us = UINT64_MAX,
    };
}

static void cubic_init(struct cc *c, duet_time now)
{
    c->cubic = (struct cc_cubic){
        .curve = {.ssthresh_bytes = UINT64_MAX, .epoch_start = DUET_NEVER},
        .recovery_since = DUET_NEVER,
        .counted_at = now,
    };
    hystart_init(&c->cubic.hystart);
}

/* ---- HyStart++ ---- */

/* Is a packet of the next round acknowledged?  Then the minima move on.  True: conservative slow
 * start has run out. */
static bool hystart_round(struct cc_hystart *h, const struct loss *l, const struct loss_summary *s)
{
    if (s->rate_delivered == 0 || s->rate_prior_delivered < h->round_end_delivered)
        return false;
    h->round_end_delivered = l->delivered_bytes;
    h->last_round_min_rtt_us = h->round_min_rtt_us;
    h->round_min_rtt_us = UINT64_MAX;
    h->round_samples = 0;
    return h->in_css && ++h->css_rounds >= HYSTART_CSS_ROUNDS;
}

static uint64_t hystart_threshold_us(const struct cc_hystart *h)
{
    uint64_t threshold = h->last_round_min_rtt_us / HYSTART_RTT_DIVISOR;

    if (threshold < HYSTART_RTT_MIN_US)
        return HYSTART_RTT_MIN_US;
    return threshold > HYSTART_RTT_MAX_US ? HYSTART_RTT_MAX_US : threshold;
}

static void hystart_sample(struct cc_hystart *h, uint64_t rtt_us)
{
    if (rtt_us < h->round_min_rtt_us)
        h->round_min_rtt_us = rtt_us;
    if (++h->round_samples < HYSTART_SAMPLES || h->last_round_min_rtt_us == UINT64_MAX)
        return;
    if (h->in_css) {
        if (h->round_min_rtt_us < h->css_baseline_us) { /* it was jitter */
            h->in_css = false;
            h->css_baseline_us = UINT64_MAX;
        }
    } else if (h->round_min_rtt_us >= h->last_round_min_rtt_us + hystart_threshold_us(h)) {
        h->in_css = true;
        h->css_rounds = 0;
        h->css_baseline_us = h->round_min_rtt_us;
    }
}

/* ---- rounds longer than a round trip ---- */

static uint64_t scaled(double scale, uint64_t bytes)
{
    return bytes == UINT64_MAX ? bytes : (uint64_t)(scale * (double)bytes);
}

/* The rate stays what it is. */
static void set_round(struct cc *c, uint64_t round_us)
{
    struct cc_cubic *q = &c->cubic;
    double scale = (double)round_us / (double)round_of(q, q->srtt_us);

    c->cwnd_bytes = scaled(scale, c->cwnd_bytes);
    q->curve.ssthresh_bytes = scaled(scale, q->curve.ssthresh_bytes);
    q->curve.prior_bytes = scaled(scale, q->curve.prior_bytes);
    q->curve.w_max_bytes *= scale;
    q->curve.w_est_bytes *= scale;
    q->round_us = round_us;
}

static void lengthen_round(struct cc *c)
{
    uint64_t round_us = round_of(&c->cubic, c->cubic.srtt_us);
    uint64_t least = c->cubic.round_us > 0 ? ROUND_PACKETS * (uint64_t)c->packet_bytes : cc_floor_bytes(c);

    if (CUBIC_BETA * (double)c->cwnd_bytes < (double)least && round_us > 0 && round_us < ROUND_MOST_US)
        set_round(c, 2 * round_us < ROUND_MOST_US ? 2 * round_us : ROUND_MOST_US);
}

static void shorten_round(struct cc *c)
{
    struct cc_cubic *q = &c->cubic;

    if (q->round_us <= q->srtt_us)
        q->round_us = 0;
    else if (c->cwnd_bytes > ROUND_GROWN * ROUND_PACKETS * (uint64_t)c->packet_bytes)
        set_round(c, q->round_us / 2 > q->srtt_us ? q->round_us / 2 : q->srtt_us);
}

/* ---- reductions ---- */

static void reduce_window(struct cc *c, duet_time now)
{
    struct cc_cubic *q = &c->cubic;
    lengthen_round(c);
    double cwnd = (double)c->cwnd_bytes;
    double lower = cwnd * CUBIC_BETA;
    uint64_t floor = cc_floor_bytes(c);

    /* Fast convergence (§4.7): a flow whose maximum shrinks makes room for the newcomer. */
    q->curve.w_max_bytes = cwnd < q->curve.w_max_bytes ? cwnd * (1.0 + CUBIC_BETA) / 2.0 : cwnd;
    q->curve.prior_bytes = c->cwnd_bytes;
    c->cwnd_bytes = lower > (double)floor ? (uint64_t)lower : floor;
    q->curve.ssthresh_bytes = c->cwnd_bytes;
    q->curve.epoch_start = DUET_NEVER;
    q->recovery_since = time_add(now, round_of(q, q->srtt_us) - q->srtt_us);
    q->hystart.in_css = false;
}

/* Everything the last reduction was made for has arrived after all. */
static void undo_reduction(struct cc *c)
{
    struct cc_cubic *q = &c->cubic;

    if (c->cwnd_bytes < q->undo_cwnd_bytes || q->round_us != q->undo_round_us) {
        c->cwnd_bytes = q->undo_cwnd_bytes;
        q->curve = q->undo_curve;
        q->round_us = q->undo_round_us;
    }
    q->undo_cwnd_bytes = 0;
    q->undo_lost_bytes = 0;
    q->recovery_since = DUET_NEVER;
}

static void on_spurious(struct cc *c, uint64_t bytes)
{
    struct cc_cubic *q = &c->cubic;

    if (q->undo_cwnd_bytes == 0)
        return;
    if (bytes < q->undo_lost_bytes)
        q->undo_lost_bytes -= bytes;
    else
        undo_reduction(c);
}

static bool is_of_old_window(const struct cc_cubic *q, duet_time sent_at)
{
    return !time_is_never(q->recovery_since) && !time_before(q->recovery_since, sent_at);
}

static void on_lost(struct cc *c, const struct loss_summary *s, duet_time now)
{
    struct cc_cubic *q = &c->cubic;

    if (is_of_old_window(q, s->largest_lost_sent_at)) {
        q->undo_lost_bytes += s->lost_bytes;
    } else {
        q->undo_curve = q->curve;
        q->undo_round_us = q->round_us;
        q->undo_cwnd_bytes = c->cwnd_bytes;
        q->undo_lost_bytes = s->lost_bytes;
        reduce_window(c, now);
    }
    if (s->persistent_congestion) {
        /* RFC 9002 §7.6.2, RFC 9438 §4.8: from the least window by slow start, then a curve from
         * where that ends. */
        c->cwnd_bytes = cc_floor_bytes(c);
        q->curve.w_max_bytes = 0;
        q->recovery_since = DUET_NEVER;
        q->undo_cwnd_bytes = 0;
    }
}

static void cubic_marked(struct cc *c, duet_time largest_acked_sent_at, duet_time now)
{
    if (is_of_old_window(&c->cubic, largest_acked_sent_at))
        return;
    c->cubic.undo_cwnd_bytes = 0; /* a mark is never spurious */
    reduce_window(c, now);
}

/* ---- growth ---- */

static void grow_slow_start(struct cc *c, const struct loss *l, const struct loss_summary *s)
{
    struct cc_cubic *q = &c->cubic;
    uint64_t growth = s->acked_bytes;

    /* Only the first slow start searches for an unknown limit (RFC 9406 §4.3). */
    if (q->curve.ssthresh_bytes == UINT64_MAX) {
        if (hystart_round(&q->hystart, l, s)) {
            q->curve.ssthresh_bytes = c->cwnd_bytes;
            return;
        }
        if (s->rtt_sampled)
            hystart_sample(&q->hystart, l->rtt.latest_us);
        if (q->hystart.in_css)
            growth /= HYSTART_CSS_DIVISOR;
    }
    uint64_t room = q->curve.ssthresh_bytes - c->cwnd_bytes;
    c->cwnd_bytes += growth < room ? growth : room;
}

static void start_epoch(struct cc *c, duet_time now)
{
    struct cc_cubic_curve *v = &c->cubic.curve;
    double cwnd = (double)c->cwnd_bytes;

    v->epoch_start = now;
    v->w_est_bytes = cwnd;
    v->k_s = 0;
    if (cwnd < v->w_max_bytes)
        v->k_s = cbrt((v->w_max_bytes - cwnd) / (CUBIC_C * c->packet_bytes));
    else
        v->w_max_bytes = cwnd; /* slow start ended without a loss (§4.10) */
}

/* W_cubic(t), §4.2. */
static double curve_bytes(const struct cc *c, double t_s)
{
    double d = t_s - c->cubic.curve.k_s;

    return CUBIC_C * c->packet_bytes * d * d * d + c->cubic.curve.w_max_bytes;
}

static void grow_avoidance(struct cc *c, const struct loss *l, uint64_t acked_bytes, duet_time now)
{
    struct cc_cubic *q = &c->cubic;

    if (time_is_never(q->curve.epoch_start))
        start_epoch(c, now);
    double cwnd = (double)c->cwnd_bytes;
    double acked = acked_bytes < c->cwnd_bytes ? (double)acked_bytes : cwnd;
    double t = (double)time_since(now, q->curve.epoch_start) / (double)US_PER_S;
    double rtt = (double)round_of(q, l->rtt.srtt_us) / (double)US_PER_S;

    /* What Reno would have; once it passed the old window it need not make up for the gentler β
     * (§4.3). */
    double alpha = q->curve.w_est_bytes < (double)q->curve.prior_bytes ? CUBIC_ALPHA : 1.0;
    q->curve.w_est_bytes += alpha * c->packet_bytes * acked / cwnd;

    double next = cwnd;
    if (curve_bytes(c, t) < q->curve.w_est_bytes) {
        next = fmax(cwnd, q->curve.w_est_bytes);
    } else {
        double target = fmin(fmax(curve_bytes(c, t + rtt), cwnd), CUBIC_TARGET_MAX * cwnd);

        next += (target - cwnd) * acked / cwnd;
    }
    /* What this cuts off below a byte comes back: the curve does not wait for the window. */
    c->cwnd_bytes = (uint64_t)next;
}

/* The time since the clock was last right did not test the window: the epoch starts that much
 * later. */
static void stop_clock(struct cc_cubic *q, duet_time now)
{
    if (!time_is_never(q->curve.epoch_start))
        q->curve.epoch_start = time_add(q->curve.epoch_start, time_since(now, q->counted_at));
}

static void cubic_sent(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now)
{
    if (in_flight > bytes)
        return;
    stop_clock(&c->cubic, now); /* nothing was in flight */
    c->cubic.counted_at = now;
}

static void cubic_update(struct cc *c, const struct loss *l, const struct loss_summary *s, enum cc_limit limit,
                         duet_time now)
{
    struct cc_cubic *q = &c->cubic;

    if (s->spurious_bytes > 0)
        on_spurious(c, s->spurious_bytes);
    if (s->lost_bytes > 0)
        on_lost(c, s, now);

    /* In a longer round the pace is what holds the sender back, unless it has nothing to send. */
    bool is_paced = q->round_us > l->rtt.srtt_us && l->app_limited_until == 0;

    if (limit == CC_UNLIMITED && !is_paced)
        stop_clock(q, now);
    else if (s->acked_bytes > 0 && !is_of_old_window(q, s->largest_acked_sent_at)) {
        if (in_slow_start(c))
            grow_slow_start(c, l, s);
        else
            grow_avoidance(c, l, s->acked_bytes, now);
    }
    q->counted_at = now;
    shorten_round(c);
    if (c->cwnd_bytes > cc_ceiling_bytes(c))
        c->cwnd_bytes = cc_ceiling_bytes(c);
    set_pace(c, &l->rtt);
}

const struct cc_ops cc_cubic_ops = {
    .name = "cubic",
    .init = cubic_init,
    .sent = cubic_sent,
    .update = cubic_update,
    .marked = cubic_marked,
};
