/*
 * cc_bbr: BBRv3 (draft-ietf-ccwg-bbr) over a floor of random loss.
 *
 *            bandwidth full             queue empty
 *   STARTUP ────────────────▶ DRAIN ────────────────▶ CRUISE ◀────────── DOWN ◀───────┐
 *                                                       │  guard due ───▶ ▲           │ queue built, too much
 *                                                       │ probe due                   │ lost, or full
 *                                                       └──▶ REFILL ── a round ──▶ UP ┘
 *   any ── queue not seen empty for PROBE_RTT_EVERY ──▶ PROBE_RTT ──▶ CRUISE (or STARTUP)
 *
 * Departures from the draft, each measured in test/sim_cc:
 *  - bw is what reaches the place of the random loss, not what is delivered: a sample
 *    counts the packets lost in its interval too, up to the floor's share.  With
 *    20 % loss the deliveries of one round trip scatter by 5 %; deliveries and losses together do not,
 *    so the maximum filter does not pick the luckiest round.
 *  - loss counts as congestion only by cc_bbr_loss's verdict.
 *  - UP ends when a quarter of a bandwidth-delay product stands in the queue (as BBRv2),
 *    not after three rounds without growth: the queue stays that much shorter.
 *  - PROBE_RTT is left out while the queue is seen empty anyway.
 *  - after a dead path (OUTAGE) everything sent into it is ignored and the model stays.
 */
#include "duet/recovery/cc.h"

#include <math.h>

#define MARGIN 0.99 /* pace this much below the estimate */
#define STARTUP_GAIN 2.77
#define DRAIN_GAIN 0.5
#define DOWN_GAIN 0.9
#define UP_GAIN 1.25
#define CWND_GAIN 2.0
#define UP_CWND_GAIN 2.25
#define PROBE_RTT_CWND_GAIN 0.5
#define BETA 0.7
#define HEADROOM 0.85
#define UP_GROWTH 1.1
#define QUEUE_SHARE 8
#define QUEUE_LEAST_US 1000
#define QUEUE_BDPS 3
#define QUEUE_BYTES 262144.0
#define FULL_GROWTH 1.25
#define FULL_ROUNDS 3
#define MIN_CWND_PACKETS 4
#define BURST_US 2000 /* a window below what leaves at once cannot be paced evenly */

#define PROBE_WAIT_US 2000000
#define PROBE_WAIT_SPREAD_US 1000000
#define PROBE_WAIT_ROUNDS 63
#define PROBE_RTT_EVERY_US 5000000
#define PROBE_RTT_US 200000
#define EMPTY_SHARE 16 /* a sample within min/16 of the minimum shows an empty queue */
#define EMPTY_LEAST_US 500

#define GUARD_FIRST_ROUNDS 4
#define GUARD_ROUNDS 8
#define GUARD_ROUNDS_MAX 64
#define GUARD_GAIN_MIN 0.7
#define GUARD_MARGIN 0.03

#define EXTRA_ROUNDS 5    /* in each of two slots */
#define EXTRA_MAX_US 100000
#define OUTAGE_LEAST_US 1000000
#define OUTAGE_PTOS 3

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- the model ---- */

static uint64_t max_bw(const struct cc_bbr *b)
{
    return max_u64(b->bw[0], b->bw[1]);
}

static uint64_t bdp_bytes(const struct cc_bbr *b, const struct loss *l, double gain)
{
    return (uint64_t)(gain * (double)min_u64(max_bw(b), b->bw_lo) * (double)l->rtt.min_us / (double)US_PER_S);
}

static double guard_gain(const struct cc_bbr *b)
{
    return fmax(fmin(DOWN_GAIN, 1 - b->loss.floor - GUARD_MARGIN), GUARD_GAIN_MIN);
}

static double pacing_gain(const struct cc_bbr *b)
{
    switch (b->phase) {
    case BBR_STARTUP:
        return STARTUP_GAIN;
    case BBR_DRAIN:
        return DRAIN_GAIN;
    case BBR_DOWN:
        return b->guarding ? guard_gain(b) : DOWN_GAIN;
    case BBR_UP:
        return UP_GAIN;
    case BBR_CRUISE:
    case BBR_REFILL:
    case BBR_PROBE_RTT:
        return 1;
    }
    return 1;
}

/* What may be in flight at most.  Beyond the bandwidth-delay product it grows with the root of it only: of flows that
 * share a standing queue each gets bandwidth in proportion to its part of the queue, so with a share proportional
 * to the bandwidth (BBR's 2 BDP) any division would be as stable as the equal one, and with the root only the
 * equal one is. */
static uint64_t most_in_flight(const struct cc_bbr *b, const struct loss *l)
{
    double bdp = (double)bdp_bytes(b, l, 1);

    switch (b->phase) {
    case BBR_STARTUP:
    case BBR_DRAIN:
        return (uint64_t)(CWND_GAIN * bdp);
    case BBR_PROBE_RTT:
        return (uint64_t)(PROBE_RTT_CWND_GAIN * bdp);
    case BBR_UP:
        return (uint64_t)(bdp + fmax(fmin(sqrt(bdp * QUEUE_BYTES), QUEUE_BDPS * bdp), (UP_CWND_GAIN - 1) * bdp));
    case BBR_DOWN:
    case BBR_CRUISE:
    case BBR_REFILL:
        return (uint64_t)(bdp + fmin(sqrt(bdp * QUEUE_BYTES), QUEUE_BDPS * bdp));
    }
    return 0;
}

static uint64_t floor_bytes(const struct cc *c)
{
    return MIN_CWND_PACKETS * (uint64_t)c->packet_bytes;
}

/* ---- phases ---- */

static void span(struct cc_bbr *b, duet_time now)
{
    cc_bbr_loss_span(&b->loss, pacing_gain(b), b->phase == BBR_STARTUP, b->phase == BBR_DOWN && b->guarding, now);
}

static void enter(struct cc_bbr *b, enum cc_bbr_phase phase, duet_time now)
{
    b->phase = phase;
    b->phase_round = b->round_count;
    b->phase_at = now;
    span(b, now);
}

static uint64_t rounds_in_phase(const struct cc_bbr *b)
{
    return b->round_count - b->phase_round;
}

static void reset_lower(struct cc_bbr *b)
{
    b->bw_lo = UINT64_MAX;
    b->inflight_lo = UINT64_MAX;
}

/* Spread over a second so that flows do not probe in step; the clock's low digits are as good as dice. */
static void plan_probe(struct cc_bbr *b, duet_time now)
{
    uint64_t spread = (now.us * UINT64_C(2654435761) >> 8) % PROBE_WAIT_SPREAD_US;

    b->probe_at = time_add(now, PROBE_WAIT_US + spread);
    b->probe_round = b->round_count + PROBE_WAIT_ROUNDS;
}

static void enter_down(struct cc_bbr *b, bool after_probe, duet_time now)
{
    /* The same slow round serves both: it drains, and it shows what loss is left. */
    b->guarding = b->loss.floor >= CC_BBR_FLOOR_SMALL;
    b->guard_round = b->round_count + b->guard_interval;
    b->cycle_ends = b->cycle_ends || after_probe;
    if (after_probe)
        plan_probe(b, now);
    enter(b, BBR_DOWN, now);
}

static void enter_refill(struct cc_bbr *b, duet_time now)
{
    reset_lower(b);
    enter(b, BBR_REFILL, now);
}

static void enter_up(struct cc_bbr *b, const struct loss *l, duet_time now)
{
    b->full_bw = max_bw(b);
    b->full_rounds = 0;
    b->up_bw = b->bw_round[0];
    b->up_alone = l->rtt.latest_us < l->rtt.min_us + max_u64(l->rtt.min_us / QUEUE_SHARE, QUEUE_LEAST_US);
    enter(b, BBR_UP, now);
}

static void enter_probe_rtt(struct cc_bbr *b, const struct cc *c, duet_time now)
{
    b->prior_cwnd = c->cwnd_bytes;
    enter(b, BBR_PROBE_RTT, now);
}

static void leave_probe_rtt(struct cc_bbr *b, struct cc *c, duet_time now)
{
    b->empty_at = now;
    c->cwnd_bytes = max_u64(c->cwnd_bytes, b->prior_cwnd);
    reset_lower(b);
    if (!b->full_reached) {
        enter(b, BBR_STARTUP, now);
        return;
    }
    plan_probe(b, now);
    enter(b, BBR_CRUISE, now);
}

/* ---- what an ACK tells ---- */

/* Deliveries, and of the losses in their interval as many as the floor explains. */
static uint64_t sample_bw(const struct cc_bbr *b, const struct loss_summary *s)
{
    double explained = (double)s->rate_delivered * b->loss.floor / (1 - b->loss.floor);
    double lost = fmin((double)s->rate_lost, explained);

    return (uint64_t)((double)s->rate_bytes_per_s * (1 + lost / (double)s->rate_delivered));
}

/* A sender out of credit with the pipe full says as much about the path as any other. */
static bool is_app_limited(const struct cc_bbr *b, const struct loss *l, const struct loss_summary *s)
{
    return s->rate_app_limited && s->rate_in_flight < bdp_bytes(b, l, 1);
}

static bool count_round(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s)
{
    if (s->rate_delivered == 0 || s->rate_prior_delivered < b->round_end_delivered)
        return false;
    b->round_end_delivered = l->delivered_bytes;
    b->round_count++;
    return true;
}

static void measure(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, bool round_starts)
{
    if (round_starts) {
        b->bw_round[0] = b->bw_round[1];
        b->in_flight_round[0] = b->in_flight_round[1];
        b->bw_round[1] = b->in_flight_round[1] = 0;
        if (b->cycle_ends) {
            b->cycle_ends = false;
            b->bw[0] = b->bw[1];
            b->bw[1] = 0;
        }
    }
    if (s->rate_delivered == 0 || s->rate_bytes_per_s == 0)
        return;
    uint64_t bw = sample_bw(b, s);
    b->bw_round[1] = max_u64(b->bw_round[1], bw);
    b->in_flight_round[1] = max_u64(b->in_flight_round[1], s->rate_delivered);
    if (bw >= max_bw(b) || !is_app_limited(b, l, s))
        b->bw[1] = max_u64(b->bw[1], bw);
}

/* What the acknowledgements bring beyond the bandwidth must be in flight on top, or the sender stalls between them. */
static void measure_extra(struct cc_bbr *b, const struct loss_summary *s, duet_time now)
{
    double rate = (double)min_u64(max_bw(b), b->bw_lo) * (1 - b->loss.floor);
    uint64_t expected = (uint64_t)(rate * (double)time_since(now, b->extra_since) / (double)US_PER_S);

    if (b->round_count >= b->extra_round + EXTRA_ROUNDS) {
        b->extra_round = b->round_count;
        b->extra[0] = b->extra[1];
        b->extra[1] = 0;
    }
    if (b->extra_acked <= expected) {
        b->extra_acked = 0;
        b->extra_since = now;
        expected = 0;
    }
    b->extra_acked += s->acked_bytes;
    if (b->full_reached)
        b->extra[1] = max_u64(b->extra[1], b->extra_acked - expected);
}

static uint64_t extra_bytes(const struct cc_bbr *b)
{
    uint64_t most = (uint64_t)((double)max_bw(b) * EXTRA_MAX_US / (double)US_PER_S);

    return min_u64(max_u64(b->extra[0], b->extra[1]), most);
}

/* Three rounds in which the bandwidth did not grow by a quarter: that is all there is. */
static bool is_full(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, bool round_starts)
{
    if (!round_starts || is_app_limited(b, l, s))
        return b->full_rounds >= FULL_ROUNDS;
    if ((double)max_bw(b) >= FULL_GROWTH * (double)b->full_bw) {
        b->full_bw = max_bw(b);
        b->full_rounds = 0;
        return false;
    }
    return ++b->full_rounds >= FULL_ROUNDS;
}

/* ---- congestion ---- */

static void cut_upper(struct cc_bbr *b, const struct loss *l, uint64_t passed_bytes, bool startup, duet_time now)
{
    b->inflight_hi = max_u64(passed_bytes, bdp_bytes(b, l, startup ? 1 : BETA));
    if (b->phase == BBR_UP)
        enter_down(b, true, now);
}

/* Down to what the path just carried, at most by 1 - BETA. */
static void cut_lower(struct cc_bbr *b, const struct cc *c)
{
    uint64_t bw = b->bw_lo == UINT64_MAX ? max_bw(b) : b->bw_lo;
    uint64_t in_flight = b->inflight_lo == UINT64_MAX ? c->cwnd_bytes : b->inflight_lo;

    b->bw_lo = max_u64(max_u64(b->bw_round[0], b->bw_round[1]), (uint64_t)(BETA * (double)bw));
    b->inflight_lo =
        max_u64(max_u64(b->in_flight_round[0], b->in_flight_round[1]), (uint64_t)(BETA * (double)in_flight));
}

static void on_congestion(struct cc *c, const struct loss *l, const struct cc_bbr_verdict *v, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (b->phase == BBR_STARTUP)
        b->full_reached = true;
    if (v->probing)
        cut_upper(b, l, v->passed_bytes, v->startup, now);
    else if (b->phase == BBR_DOWN || b->phase == BBR_CRUISE || b->phase == BBR_PROBE_RTT)
        cut_lower(b, c);
}

/* The loss ended when we slowed down: what was counted as passing never did. */
static void on_refuted(struct cc_bbr *b, const struct cc_bbr_verdict *v)
{
    double scale = (1 - v->floor_before) / (1 - b->loss.floor);

    for (int i = 0; i < 2; i++)
        b->bw[i] = (uint64_t)((double)b->bw[i] * scale);
    b->guard_interval = GUARD_ROUNDS;
}

/* Asked often, the guard costs; it may rest longer each time the floor stood the test, until the floor moves. */
static void on_held(struct cc_bbr *b)
{
    if (b->loss.floor > 1.5 * b->guard_floor) {
        b->guard_interval = GUARD_ROUNDS;
        b->guard_floor = b->loss.floor;
    } else {
        b->guard_interval = min_u64(2 * b->guard_interval, GUARD_ROUNDS_MAX);
    }
    b->guard_round = b->round_count + b->guard_interval;
}

/* ---- the state machine ---- */

static void advance_cruise(struct cc_bbr *b, const struct loss *l, duet_time now)
{
    if (time_due(b->probe_at, now) || b->round_count >= b->probe_round)
        enter_refill(b, now);
    else if (b->loss.floor >= CC_BBR_FLOOR_SMALL && b->round_count >= b->guard_round && !l->app_limited_until)
        enter_down(b, false, now);
}

static void advance_down(struct cc_bbr *b, const struct loss *l, duet_time now)
{
    uint64_t target = bdp_bytes(b, l, 1);

    if (b->inflight_hi != UINT64_MAX)
        target = min_u64(target, (uint64_t)(HEADROOM * (double)b->inflight_hi));
    if (b->guarding && rounds_in_phase(b) < 1)
        return;
    if (l->bytes_in_flight <= target || time_due(b->probe_at, now))
        enter(b, BBR_CRUISE, now);
}

/* The ceiling is tested: it rises as fast as the probe does. */
static void raise_upper(struct cc *c, const struct loss_summary *s, bool cwnd_limited)
{
    struct cc_bbr *b = &c->bbr;

    if (b->inflight_hi != UINT64_MAX && cwnd_limited && c->cwnd_bytes >= b->inflight_hi)
        b->inflight_hi += (uint64_t)((UP_GAIN - 1) * (double)s->acked_bytes);
}

/* A flow alone finds a quarter more in flight soon.  Among others whose queue stands already that says nothing; there
 * the probe goes on as long as it wins bandwidth - which a small flow's does for longer than a large one's. */
static bool is_probed(struct cc_bbr *b, const struct loss *l, bool round_starts)
{
    if (b->up_alone)
        return rounds_in_phase(b) >= 1 && l->bytes_in_flight >= bdp_bytes(b, l, UP_GAIN) + extra_bytes(b);
    if (!round_starts || rounds_in_phase(b) < 2)
        return false;
    bool grew = (double)b->bw_round[0] >= UP_GROWTH * (double)b->up_bw;
    b->up_bw = b->bw_round[0];
    return !grew;
}

static void advance_up(struct cc *c, const struct loss *l, const struct loss_summary *s, bool cwnd_limited,
                       bool round_starts, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    raise_upper(c, s, cwnd_limited);
    if (is_probed(b, l, round_starts) || is_full(b, l, s, round_starts))
        enter_down(b, true, now);
}

static void advance_probe_rtt(struct cc *c, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (rounds_in_phase(b) >= 1 && time_since(now, b->phase_at) >= PROBE_RTT_US)
        leave_probe_rtt(b, c, now);
}

static void advance(struct cc *c, const struct loss *l, const struct loss_summary *s, bool cwnd_limited,
                    bool round_starts, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    switch (b->phase) {
    case BBR_STARTUP:
        if (is_full(b, l, s, round_starts))
            b->full_reached = true;
        if (b->full_reached)
            enter(b, BBR_DRAIN, now);
        break;
    case BBR_DRAIN:
        if (l->bytes_in_flight <= bdp_bytes(b, l, 1)) {
            plan_probe(b, now);
            b->guard_round = b->round_count + GUARD_FIRST_ROUNDS;
            enter(b, BBR_CRUISE, now);
        }
        break;
    case BBR_DOWN:
        advance_down(b, l, now);
        break;
    case BBR_CRUISE:
        advance_cruise(b, l, now);
        break;
    case BBR_REFILL:
        if (rounds_in_phase(b) >= 1)
            enter_up(b, l, now);
        break;
    case BBR_UP:
        advance_up(c, l, s, cwnd_limited, round_starts, now);
        break;
    case BBR_PROBE_RTT:
        advance_probe_rtt(c, now);
        break;
    }
}

/* Is the minimum round-trip time still true?  As long as the queue is empty now and then it needs no probe. */
static void watch_queue(struct cc *c, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    uint64_t slack = max_u64(l->rtt.min_us / EMPTY_SHARE, EMPTY_LEAST_US);

    if (s->rtt_sampled && l->rtt.latest_us <= l->rtt.min_us + slack)
        b->empty_at = now;
    if (b->phase != BBR_PROBE_RTT && time_since(now, b->empty_at) > PROBE_RTT_EVERY_US && !b->idle)
        enter_probe_rtt(b, c, now);
}

/* Nothing came back for long though something was out: what is learnt of the dead path is not true of the living. */
static void notice_outage(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    if (s->acked_bytes == 0 && s->spurious_bytes == 0)
        return;
    uint64_t silent = time_is_never(b->acked_at) ? 0 : time_since(now, b->acked_at);
    b->acked_at = now;
    if (silent < OUTAGE_LEAST_US || silent < OUTAGE_PTOS * rtt_pto_us(&l->rtt) || b->idle)
        return;
    cc_bbr_loss_outage(&b->loss);
    reset_lower(b);
    b->empty_at = time_add(b->empty_at, silent);
    b->probe_at = time_add(b->probe_at, silent);
    b->round_end_delivered = l->delivered_bytes;
    span(b, now);
}

/* ---- what the connection reads ---- */

static void set_pacing(struct cc *c, const struct loss *l)
{
    struct cc_bbr *b = &c->bbr;
    double bw = (double)min_u64(max_bw(b), b->bw_lo);

    if (!b->full_reached) {
        /* Never below what the window says: the first samples are of a few packets. */
        double initial = (double)c->cwnd_bytes * (double)US_PER_S / (double)l->rtt.srtt_us;
        if (!l->rtt.sampled)
            return;
        if (b->round_count < 1 || bw <= 0)
            bw = fmax(bw, initial);
    }
    uint64_t rate = (uint64_t)(pacing_gain(b) * MARGIN * bw);
    if (b->full_reached || rate > c->pacing_bytes_per_s)
        c->pacing_bytes_per_s = max_u64(rate, 1);
}

static uint64_t upper_bound(const struct cc_bbr *b)
{
    uint64_t most = b->inflight_hi;

    if (most != UINT64_MAX && b->phase == BBR_CRUISE)
        most = (uint64_t)(HEADROOM * (double)most);
    return min_u64(most, b->inflight_lo);
}

static void set_cwnd(struct cc *c, const struct loss *l, const struct loss_summary *s)
{
    struct cc_bbr *b = &c->bbr;
    uint64_t burst = (uint64_t)((double)c->pacing_bytes_per_s * BURST_US / (double)US_PER_S);
    uint64_t target = most_in_flight(b, l) + extra_bytes(b) + burst;

    if (b->phase == BBR_PROBE_RTT)
        c->cwnd_bytes = min_u64(c->cwnd_bytes, target);
    else if (b->full_reached)
        c->cwnd_bytes = min_u64(c->cwnd_bytes + s->acked_bytes + s->lost_bytes, target);
    else if (c->cwnd_bytes < target || l->delivered_bytes < 2 * CC_INITIAL_BYTES)
        /* What was lost has left the path too; were it not counted, 20 % loss would slow the doubling. */
        c->cwnd_bytes += s->acked_bytes + s->lost_bytes;
    c->cwnd_bytes = min_u64(c->cwnd_bytes, min_u64(upper_bound(b), cc_ceiling_bytes(c)));
    c->cwnd_bytes = max_u64(c->cwnd_bytes, floor_bytes(c));
}

/* ---- the table's operations ---- */

static void bbr_init(struct cc *c, duet_time now)
{
    c->bbr = (struct cc_bbr){
        .phase = BBR_STARTUP,
        .bw_lo = UINT64_MAX,
        .inflight_hi = UINT64_MAX,
        .inflight_lo = UINT64_MAX,
        .guard_interval = GUARD_ROUNDS,
        .phase_at = now,
        .probe_at = DUET_NEVER,
        .empty_at = now,
        .extra_since = now,
        .acked_at = DUET_NEVER,
        .ce_at = now,
        .idle = true,
    };
    cc_bbr_loss_init(&c->bbr.loss, now);
    enter(&c->bbr, BBR_STARTUP, now);
}

static void bbr_sent(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (in_flight <= bytes) {
        /* Nothing was out: the time before is no silence of the path, and no burst of ACKs is owed. */
        b->acked_at = now;
        b->extra_since = now;
        b->extra_acked = 0;
        b->empty_at = b->idle ? now : b->empty_at;
    }
    b->idle = false;
    cc_bbr_loss_sent(&b->loss, bytes, in_flight);
}

static void bbr_update(struct cc *c, const struct loss *l, const struct loss_summary *s, bool cwnd_limited,
                       duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    notice_outage(b, l, s, now);
    struct cc_bbr_verdict v = cc_bbr_loss_update(&b->loss, l, s, c->packet_bytes, now);
    bool round_starts = count_round(b, l, s);
    measure(b, l, s, round_starts);
    if (s->acked_bytes > 0)
        measure_extra(b, s, now);
    if (v.floor_refuted)
        on_refuted(b, &v);
    if (v.floor_held)
        on_held(b);
    if (v.congested)
        on_congestion(c, l, &v, now);
    enum cc_bbr_phase before = b->phase;
    advance(c, l, s, cwnd_limited, round_starts, now);
    watch_queue(c, l, s, now);
    if (round_starts && b->phase == before)
        span(b, now);
    b->idle = l->bytes_in_flight == 0;
    set_pacing(c, l);
    set_cwnd(c, l, s);
}

static void bbr_marked(struct cc *c, duet_time largest_acked_sent_at, duet_time now)
{
    (void)c, (void)largest_acked_sent_at, (void)now;
}

const struct cc_ops cc_bbr_ops = {
    .name = "bbr",
    .init = bbr_init,
    .sent = bbr_sent,
    .update = bbr_update,
    .marked = bbr_marked,
};
