/*
 * cc_bbr_phase: which phase follows which, and when.
 *
 *             full              drained
 *   STARTUP ───────▶ DRAIN ────────────────▶ CRUISE ◀──── drained, guard over ──── DOWN
 *                                              │ ──────────── guard due ──────────▶ ▲
 *                                              │ probe due                          │ probed, or congested
 *                                              └──────────▶ REFILL ── a round ──▶  UP
 *   any ── no empty queue seen for PROBE_RTT_EVERY_US ──▶ PROBE_RTT ──▶ CRUISE (or STARTUP)
 *
 * Departures from the draft: UP among others' traffic goes on while it wins bandwidth (is_probed);
 * DOWN and DRAIN double as the guard of cc_bbr_loss.c; PROBE_RTT is left out while the queue is
 * seen empty anyway.  A queue that only jitters is no queue: where packets overtake each other,
 * round-trip times within twice their usual spread show an empty one (watch_jitter).  Where a probe
 * found the rate to have grown by UNSTEADY_GROWTH, the next ones follow soon: a cellular rate
 * changes many times in the usual wait.
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc.h"
#include "recovery/pacer.h"

#define DRAIN_GAIN 0.5
#define DOWN_GAIN 0.9
#define DOWN_ROUNDS_MAX 8 /* others keep the queue full: drained or not */
#define UP_GAIN 1.25
#define UP_GROWTH 1.1 /* a round of UP that wins less was the last */
#define UP_ROUNDS 2   /* the first round only shows what was sent before */
#define RAISED 1.05   /* a probe that found so much more raised the bandwidth */
#define FULL_GROWTH 1.25
#define FULL_ROUNDS 3

#define PROBE_WAIT_US 2000000
#define UNSTEADY_WAIT_US 150000 /* where a probe found the rate to have grown by UNSTEADY_GROWTH, */
#define UNSTEADY_GROWTH 1.1
#define UNSTEADY_PROBES 24 /*   so many times */
#define PROBE_WAIT_ROUNDS 63
#define PROBE_RTT_EVERY_US 5000000
#define PROBE_RTT_US 200000
#define EMPTY_SHARE 16 /* a sample within 1/16 of the minimum shows an empty queue */
#define EMPTY_LEAST_US 500
#define STOOD_ROUNDS 5      /* a queue that stands so long is more than jitter */
#define TRUTH_SHARE 0.99    /* of what was delivered: the queue shall empty */
#define TRUTH_GROWTH 1.001  /* with each probe: it is forgotten slowly, the machine may be less busy by now */
#define QUEUE_MET_US 4000   /* so much above the minimum is a queue on any path (RFC 9406, MIN_RTT_THRESH) … */
#define QUEUE_MET_SAMPLES 8 /* … if all of so many samples show it (N_RTT_SAMPLE) */

#define GUARD_FIRST_ROUNDS 4
#define GUARD_GAIN_MIN 0.68
#define GUARD_MARGIN 0.05
#define GUARD_LEAST_US 4000 /* a few times what the pacer may have saved up */
#define GUARD_MOST_US 50000

/* ---- gains ---- */

/* A guard has to go below the floor in question to tell; a smaller one is tested by DOWN's own
 * gain. */
static double down_gain(const struct cc_bbr *b)
{
    return b->guarding ? fmax(fmin(DOWN_GAIN, 1 - b->loss.floor - GUARD_MARGIN), GUARD_GAIN_MIN) : DOWN_GAIN;
}

double cc_bbr_pacing_gain(const struct cc_bbr *b)
{
    switch (b->phase) {
    case BBR_STARTUP:
        return CC_BBR_STARTUP_GAIN;
    case BBR_DRAIN:
        return DRAIN_GAIN;
    case BBR_DOWN:
        return down_gain(b);
    case BBR_UP:
        return UP_GAIN;
    case BBR_CRUISE:
    case BBR_REFILL:
    case BBR_PROBE_RTT:
        return 1;
    }
    return 1;
}

/* ---- phases ---- */

void cc_bbr_begin_span(struct cc_bbr *b, duet_time now)
{
    bool guard = b->phase == BBR_DRAIN || (b->phase == BBR_DOWN && b->guarding && b->guard_slowed);

    cc_bbr_loss_span(&b->loss, cc_bbr_pacing_gain(b), b->phase == BBR_STARTUP, guard, now);
}

static void enter_phase(struct cc_bbr *b, enum cc_bbr_phase phase, duet_time now)
{
    b->phase = phase;
    b->phase_round = b->path.round_count;
    b->phase_at = now;
    cc_bbr_begin_span(b, now);
}

static uint64_t rounds_in_phase(const struct cc_bbr *b)
{
    return b->path.round_count - b->phase_round;
}

/* Spread over a second so that flows do not probe in step; the clock's low digits are as good as
 * dice. */
static void plan_probe(struct cc_bbr *b, duet_time now)
{
    uint64_t wait_us = b->unsteady > 0 ? UNSTEADY_WAIT_US : PROBE_WAIT_US;
    uint64_t spread = (now.us * UINT64_C(2654435761) >> 8) % (wait_us / 2);

    b->unsteady -= b->unsteady > 0;
    b->probe_at = time_add(now, wait_us + spread);
    b->probe_round = b->path.round_count + PROBE_WAIT_ROUNDS;
}

static void enter_drain(struct cc_bbr *b, duet_time now)
{
    b->full_reached = true;
    cc_bbr_loss_doubt(&b->loss, true);
    enter_phase(b, BBR_DRAIN, now);
}

static bool guard_due(const struct cc_bbr *b)
{
    return b->loss.floor >= CC_BBR_FLOOR_SMALL && b->path.round_count >= b->guard_round;
}

static void enter_down(struct cc_bbr *b, duet_time now)
{
    b->guarding = guard_due(b);
    b->guard_slowed = false;
    if (b->guarding)
        b->guard_round = b->path.round_count + b->guard_interval;
    enter_phase(b, BBR_DOWN, now);
}

void cc_bbr_probe_not_before(struct cc_bbr *b, duet_time at)
{
    b->probe_at = at;
    b->probe_round = UINT64_MAX;
}

void cc_bbr_end_probe(struct cc_bbr *b, duet_time now)
{
    b->path.cycle_ends = true;
    if (b->up_alone && (double)cc_bbr_path_bw(&b->path) > UNSTEADY_GROWTH * (double)b->probed_bw)
        b->unsteady = UNSTEADY_PROBES;
    cc_bbr_loss_doubt(&b->loss, (double)cc_bbr_path_bw(&b->path) > RAISED * (double)b->probed_bw);
    plan_probe(b, now);
    enter_down(b, now);
}

static void enter_refill(struct cc_bbr *b, duet_time now)
{
    cc_bbr_path_uncut(&b->path);
    if (b->true_bw != UINT64_MAX)
        b->true_bw = num_share(TRUTH_GROWTH, b->true_bw);
    b->refill_rtt_us = UINT64_MAX;
    enter_phase(b, BBR_REFILL, now);
}

static void enter_up(struct cc_bbr *b, const struct rtt *r, duet_time now)
{
    b->full_bw = b->probed_bw = cc_bbr_path_bw(&b->path);
    b->full_rounds = 0;
    b->up_bw = b->path.bw_round[0];
    b->up_alone = r->latest_us <= r->min_us + cc_bbr_queue_slack_us(r);
    b->refill_empty = b->refill_rtt_us <= r->min_us + cc_bbr_queue_slack_us(r);
    if (!b->refill_empty)
        b->true_bw = UINT64_MAX;
    enter_phase(b, BBR_UP, now);
}

static void leave_probe_rtt(struct cc *c, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    b->empty_at = now;
    c->cwnd_bytes = num_max(c->cwnd_bytes, b->prior_cwnd);
    cc_bbr_path_uncut(&b->path);
    if (!b->full_reached) {
        enter_phase(b, BBR_STARTUP, now);
        return;
    }
    plan_probe(b, now);
    enter_phase(b, BBR_CRUISE, now);
}

/* ---- when they end ---- */

/* Three rounds in which the bandwidth did not grow by a quarter: that is all there is. */
static bool is_full(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, bool round_starts)
{
    uint64_t bw = cc_bbr_path_bw(&b->path);

    if (!round_starts || cc_bbr_path_app_limited(&b->path, l, s))
        return b->full_rounds >= FULL_ROUNDS;
    if ((double)bw >= FULL_GROWTH * (double)b->full_bw) {
        b->full_bw = bw;
        b->full_rounds = 0;
        return false;
    }
    return ++b->full_rounds >= FULL_ROUNDS;
}

static bool is_drained(const struct cc_bbr *b, const struct loss *l)
{
    uint64_t target = cc_bbr_path_bdp(&b->path, &l->rtt);

    if (b->phase == BBR_DOWN && b->path.inflight_hi != UINT64_MAX)
        target = num_min(target, num_share(CC_BBR_HEADROOM, b->path.inflight_hi));
    return l->bytes_in_flight <= target;
}

/* What the pacer had saved up leaves at the old rate, and tells nothing. */
static void slow_guard(struct cc_bbr *b, duet_time now)
{
    if (!b->guarding || b->guard_slowed || time_since(now, b->phase_at) < PACER_BURST_US)
        return;
    b->guard_slowed = true;
    cc_bbr_begin_span(b, now);
}

/* A few packets tell nothing: the first ones find the bucket empty at any rate. */
static bool guard_is_short(const struct cc *c, duet_time now)
{
    uint64_t us = time_since(now, c->bbr.phase_at);

    return us < GUARD_LEAST_US || (us < GUARD_MOST_US && !cc_bbr_loss_full(&c->bbr.loss, c->packet_bytes, now));
}

/* A guard lasts until it has told enough, a round trip and GUARD_LEAST_US at most; on a long path
 * that is a part of one. */
static bool is_down_over(const struct cc *c, const struct loss *l, duet_time now)
{
    const struct cc_bbr *b = &c->bbr;
    uint64_t rounds = rounds_in_phase(b);

    if (b->guarding && (rounds == 0 || guard_is_short(c, now)) && !cc_bbr_loss_guarded(&b->loss, c->packet_bytes))
        return false;
    return is_drained(b, l) || rounds >= DOWN_ROUNDS_MAX;
}

/* A flow alone soon finds a quarter more in flight, or three rounds without more bandwidth.  Among
 * others, whose queue stands already, neither says anything, for the estimate may be from better
 * times; there the probe goes on as long as it wins bandwidth: a quarter more in flight brings
 * 1.25/(1 + share/4) times of it, which is UP_GROWTH at half.  Whoever is held by a ceiling that
 * still rises has not tried yet whether the bandwidth grows. */
static bool is_probed(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, bool is_held,
                      bool round_starts)
{
    uint64_t enough = num_share(UP_GAIN, cc_bbr_path_bdp(&b->path, &l->rtt)) + cc_bbr_path_extra(&b->path);

    if (is_held)
        b->full_rounds = 0;
    if (b->up_alone)
        return (rounds_in_phase(b) >= 1 && l->bytes_in_flight >= enough) || is_full(b, l, s, round_starts);
    if (!round_starts || rounds_in_phase(b) < UP_ROUNDS)
        return false;
    bool grew = (double)b->path.bw_round[0] >= UP_GROWTH * (double)b->up_bw;
    b->up_bw = b->path.bw_round[0];
    return !grew;
}

static void advance_cruise(struct cc_bbr *b, const struct loss *l, duet_time now)
{
    if (time_due(b->probe_at, now) || b->path.round_count >= b->probe_round)
        enter_refill(b, now);
    else if (guard_due(b) && l->app_limited_until == 0)
        enter_down(b, now);
}

/* What ended Startup was judged while much of its last round was on the way.  What came through
 * since is proven. */
static void prove_ceiling(struct cc_bbr *b, const struct rtt *r)
{
    uint64_t proven = num_share(1 / CC_BBR_HEADROOM, cc_bbr_path_bdp(&b->path, r));

    if (b->path.inflight_hi != UINT64_MAX)
        b->path.inflight_hi = num_max(b->path.inflight_hi, proven);
}

/* The ceiling is tested: it rises as fast as the probe does.  true: it is what holds the probe
 * back. */
static bool raise_ceiling(struct cc *c, const struct loss_summary *s, bool is_limited)
{
    struct cc_bbr_path *p = &c->bbr.path;

    if (p->inflight_hi == UINT64_MAX || !is_limited || c->cwnd_bytes < p->inflight_hi)
        return false;
    p->inflight_hi += num_share(UP_GAIN - 1, s->acked_bytes);
    return true;
}

static void leave_phase(struct cc *c, const struct loss *l, const struct loss_summary *s, bool is_limited,
                        bool round_starts, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    switch (b->phase) {
    case BBR_STARTUP:
        if (b->full_reached || is_full(b, l, s, round_starts))
            enter_drain(b, now);
        break;
    case BBR_DRAIN:
        if (!is_drained(b, l))
            break;
        prove_ceiling(b, &l->rtt);
        b->unsteady += b->unsteady == 0 && !b->queue_met; /* perhaps it was random loss that ended Startup */
        plan_probe(b, now);
        b->guard_round = b->path.round_count + GUARD_FIRST_ROUNDS;
        enter_phase(b, BBR_CRUISE, now);
        break;
    case BBR_DOWN:
        slow_guard(b, now);
        if (is_down_over(c, l, now))
            enter_phase(b, BBR_CRUISE, now);
        break;
    case BBR_CRUISE:
        advance_cruise(b, l, now);
        break;
    case BBR_REFILL:
        if (s->rtt_sampled)
            b->refill_rtt_us = num_min(b->refill_rtt_us, l->rtt.latest_us);
        if (rounds_in_phase(b) >= 1)
            enter_up(b, &l->rtt, now);
        break;
    case BBR_UP:
        if (is_probed(b, l, s, raise_ceiling(c, s, is_limited), round_starts))
            cc_bbr_end_probe(b, now);
        break;
    case BBR_PROBE_RTT:
        if (rounds_in_phase(b) >= 1 && time_since(now, b->phase_at) >= PROBE_RTT_US)
            leave_probe_rtt(c, now);
        break;
    }
}

/* A queue stands when even the least of some samples shows it; one alone may be jitter. */
static void look_for_queue(struct cc_bbr *b, const struct rtt *r)
{
    b->look_rtt_us = b->look_samples == 0 ? r->latest_us : num_min(b->look_rtt_us, r->latest_us);
    if (++b->look_samples < QUEUE_MET_SAMPLES)
        return;
    b->queue_met |= b->look_rtt_us > r->min_us + num_min(cc_bbr_queue_slack_us(r), QUEUE_MET_US);
    b->look_samples = 0;
}

/* Is the minimum round-trip time still true?  As long as the queue is empty now and then it needs
 * no probe. */
static void watch_queue(struct cc *c, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    const struct rtt *r = &l->rtt;

    uint64_t slack = num_max(r->min_us / EMPTY_SHARE, EMPTY_LEAST_US);

    slack = num_max(slack, 2 * cc_bbr_path_jitter_us(&b->path, r));
    if (s->rtt_sampled && r->latest_us <= r->min_us + slack) {
        b->empty_at = now;
        b->empty_delivered = l->delivered_bytes;
    }
    if (s->rtt_sampled && !cc_bbr_path_app_limited(&b->path, l, s))
        look_for_queue(b, r);
    if (b->phase != BBR_PROBE_RTT && !b->idle && time_since(now, b->empty_at) > PROBE_RTT_EVERY_US) {
        b->prior_cwnd = c->cwnd_bytes;
        enter_phase(b, BBR_PROBE_RTT, now);
    }
}

/* The queue was empty in the last REFILL and in this CRUISE, and has stood for some rounds since:
 * nobody else came to it, so we send faster than the path carries.  The best of many samples is too
 * good where programs get their turn late; what was delivered while the queue stood is the
 * truth. */
static void trust_deliveries(struct cc_bbr *b, const struct loss *l, duet_time now)
{
    uint64_t stood_us = time_since(now, b->empty_at);

    if (!b->refill_empty || time_before(b->empty_at, b->phase_at) || stood_us < STOOD_ROUNDS * l->rtt.srtt_us ||
        l->app_limited_until != 0)
        return;
    double rate = (double)(l->delivered_bytes - b->empty_delivered) * (double)US_PER_S / (double)stood_us;
    b->true_bw = num_min(b->true_bw, (uint64_t)(TRUTH_SHARE * rate / (1 - b->loss.floor)));
}

/* Only what is sent at an even pace shows it: growing and emptying a queue spreads the round trips
 * too.  And only where packets overtake each other: others' bursts in a queue spread them as well,
 * but keep the order. */
static void watch_jitter(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, enum cc_bbr_phase before,
                         bool round_starts)
{
    bool steady = b->phase == BBR_CRUISE && before == BBR_CRUISE && l->reorder_steps > 1;

    if (round_starts || !steady)
        cc_bbr_path_rtt_round(&b->path, steady);
    if (s->rtt_sampled && steady)
        cc_bbr_path_rtt(&b->path, l->rtt.latest_us);
}

void cc_bbr_begin(struct cc_bbr *b, duet_time now)
{
    enter_phase(b, BBR_STARTUP, now);
}

void cc_bbr_advance(struct cc *c, const struct loss *l, const struct loss_summary *s, bool is_limited,
                    bool round_starts, duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    enum cc_bbr_phase before = b->phase;

    leave_phase(c, l, s, is_limited, round_starts, now);
    watch_queue(c, l, s, now);
    watch_jitter(b, l, s, before, round_starts);
    if (round_starts && b->phase == BBR_CRUISE)
        trust_deliveries(b, l, now);
    if (round_starts && b->phase == before && cc_bbr_loss_full(&b->loss, c->packet_bytes, now))
        cc_bbr_begin_span(b, now);
}
