/*
 * cc_bbr: BBRv3 (draft-ietf-ccwg-bbr) over a floor of random loss: takes in what loss reports, lets
 * the phases advance, sets window and pace.
 *
 * Model
 *   bw            what the path carries: the best sample of the last and of this cycle of probing,
 *                 the packets that the floor explains included         cc_bbr_path.c
 *   min_rtt       the shortest round trip of late; bdp = bw · min_rtt   rtt.h
 *   bw_lo, inflight_lo   what just passed when congestion was found, until the next probe
 *   inflight_hi   what passed when the last probe met congestion
 *   floor         the share of packets lost without congestion          cc_bbr_loss.c
 *   policer       what a policer close by passes                        cc_bbr_policer.c
 *   weight        how far congestion is answered: others may not yield  cc_bbr_yield.c
 *   true_bw       what was delivered while a queue of our own stood
 *
 * States (cc_bbr_phase.c): which follows which, and the gain of the pace in each
 *   STARTUP 2.77 → DRAIN 0.5 → CRUISE 1 → REFILL 1 → UP 1.25 → DOWN 0.9 → CRUISE; PROBE_RTT 1
 *
 * Congestion, as cc_bbr_loss.c finds it or an ECN mark tells it, lowers
 *   inflight_hi   in a probe, to PROBE_BETA of what was in flight, for CUBIC's sake, or to
 *                 ALONE_BETA where no queue stood before; and the next probe comes when an equal
 *                 CUBIC flow would be back (turn_us)
 *   bw_lo, inflight_lo   otherwise, to CC_BBR_BETA at least
 * and all of that by `weight` of the way.
 *
 * Outputs
 *   pace   gain · MARGIN · min(bw, bw_lo, true_bw); in Startup at least what lets the window leave
 *          within a round trip
 *   cwnd   up to bdp + queue_share(bdp), or the gain of Startup, UP and PROBE_RTT times bdp, and
 *          what acknowledgements in batches and one burst need; min(inflight_hi, inflight_lo) at
 *          most, in CRUISE less CC_BBR_HEADROOM unless the queue is empty and our own pauses need
 *          it; in Startup it grows by what arrives (startup_growth) until a queue shows
 *
 * After an outage all that was sent into it is ignored and the model stays, so persistent
 * congestion is no reason to start anew: the next round trip brings fresh figures.
 *
 * Where this departs from the draft, and what each departure is worth: doc/DECISIONS.md,
 * "Congestion control"; `sim --perf one` measures it.
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc.h"
#include "recovery/pacer.h"

#define MARGIN 0.99          /* pace this much below the estimate */
#define TRUTH_LEAST 0.95     /* late turns make the estimate 5 % too good at most */
#define INITIAL_BYTES 14600  /* RFC 6928: what TCP begins with, and a modem's queue takes */
#define INITIAL_PACE 1500000 /* bytes/s, before anything is known of the path */
/* So much above the minimum, or such a share of it, is more than jitter: the flight stands in a
 * queue. */
#define LATE_US 25000
#define LATE_SHARE 4
#define STARTUP_WINDOW_GAIN 1.25  /* the samples lag by a round trip: the window leaves in less than one */
#define SMALL_BYTES_PER_S 2500000 /* 20 Mbit/s, paced: a flow this slow grows by SMALL_GROWTH a round */
#define SMALL_GROWTH 4.0          /* a queue takes what such a flow overshoots by */
#define PROVEN_GROWTH (CC_BBR_STARTUP_GAIN / STARTUP_WINDOW_GAIN) /* paced, the window leaves that much faster */
#define PROVEN_SLACK_US 4000    /* RFC 9406, MIN_RTT_THRESH: half of the opening flight takes 5 ms to leave */
#define CWND_GAIN 2.0           /* of the draft: ACKs may lag by a round trip; */
#define UP_CWND_GAIN 2.25       /* more, so that a probe can fill the queue; */
#define PROBE_RTT_CWND_GAIN 0.5 /* and less, so that any queue of ours drains */
#define ALONE_BETA 0.62         /* nobody is there to yield to: it only has to leave the queue */
#define PROBE_BETA 0.58         /* what leaves a CUBIC its half, and a flow alone its rate */
#define TURN_ROUNDS_MIN 8       /* as often as BBR version 1 probes, if nobody is to be waited for */
/* So much of what a probe carries a flow as large as we has: the probe holds more than usual. */
#define EQUAL_SHARE 0.75
#define CUBIC_C 0.4 /* packets per s³: what a CUBIC flow does, RFC 9438 §4.1, §4.6, §4.3: */
#define CUBIC_BETA 0.7
#define CUBIC_ALPHA (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))
#define QUEUE_BYTES 60000.0 /* a BDP of so many bytes may stand in the queue once over (queue_share), … */
#define QUEUE_BDPS 2.0      /* … a small one so often at most */
#define MIN_CWND_PACKETS 4  /* BBRMinPipeCwnd of the draft */
#define LATE_ACKS_US 10000 /* so late an ACK may come where a machine is busy: until then the pace alone decides, … */
#define LATE_PACKETS 10    /* … up to so many packets, which any queue takes (RFC 6928) */
#define BURST_US 2000      /* a window less than what leaves at once cannot be paced evenly */
#define EMPTY_ROUNDS 2     /* a queue seen empty so lately is no standing one */
#define GUARD_ROUNDS_MAX 64     /* a policer that comes late is found within a few seconds */
#define GUARD_FLOOR_RISE 1.5    /* a floor that grew so much is another one: it is tested as often as a new one */
#define OUTAGE_LEAST_US 1000000 /* no busy machine is away so long, */
#define OUTAGE_PTOS 3           /* and no run of losses looks like it: two probes came to nothing */

/* ---- how much may be in flight ---- */

/* Faster than slow start's doubling until a queue shows: at 300 ms a second is won.  Then two
 * BDP are enough, and what the last step overshot comes back before it fills the queue a second
 * time. */
static double startup_growth(const struct cc *c)
{
    return c->pacing_bytes_per_s < SMALL_BYTES_PER_S ? SMALL_GROWTH : CC_BBR_STARTUP_GAIN;
}

/* What may stand in the queue.  Flows that share a standing queue get bandwidth in proportion to
 * their parts of it.  With a part proportional to the bandwidth (BBR's two BDP in flight) every
 * division feeds itself; with the root of it each step goes half the way to the equal one, which is
 * the only one at rest. */
static double queue_share(double bdp)
{
    return fmin(sqrt(bdp * QUEUE_BYTES), QUEUE_BDPS * bdp);
}

static uint64_t target_in_flight(const struct cc *c, const struct loss *l)
{
    double bdp = (double)cc_bbr_path_bdp(&c->bbr.path, &l->rtt);

    switch (c->bbr.phase) {
    case BBR_STARTUP:
    case BBR_DRAIN:
        return (uint64_t)(CWND_GAIN * bdp);
    case BBR_PROBE_RTT:
        return (uint64_t)(PROBE_RTT_CWND_GAIN * bdp);
    case BBR_UP:
        return (uint64_t)fmax(bdp + queue_share(bdp), UP_CWND_GAIN * bdp);
    case BBR_DOWN:
    case BBR_CRUISE:
    case BBR_REFILL:
        return (uint64_t)(bdp + queue_share(bdp));
    }
    return 0;
}

/* ---- congestion ---- */

static bool is_steady_phase(const struct cc_bbr *b)
{
    return b->phase == BBR_DOWN || b->phase == BBR_CRUISE || b->phase == BBR_PROBE_RTT;
}

/* What yielding by `weight` keeps of what would be kept without, when doing it fully keeps
 * `full`. */
static double kept_share(double full, double none, double weight)
{
    return none - weight * (none - full);
}

/* How long an equal CUBIC flow needs to be back where it was: by its curve (K of RFC 9438 §4.2) or,
 * if that is sooner, the way of Reno (§4.3).  `packets` are those of the probe's last rounds. */
static double turn_us(double packets, double srtt_us)
{
    double given = EQUAL_SHARE * packets * (1 - CUBIC_BETA);

    return fmin(cbrt(given / CUBIC_C) * (double)US_PER_S, given / CUBIC_ALPHA * srtt_us);
}

/* The others have their turn before the next probe.  On a lossy path, where a flow alone may take
 * itself for several, it is the usual wait. */
static void give_turn(struct cc *c, const struct loss *l, double weight, duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    uint64_t carried = num_max(b->path.delivered_round[0], b->path.delivered_round[1]);
    double srtt_us = (double)l->rtt.srtt_us;
    double turn = weight * turn_us((double)carried / c->packet_bytes, srtt_us);

    if (b->loss.floor >= CC_BBR_FLOOR_SMALL) {
        b->probe_at = time_max(b->probe_at, time_add(now, (uint64_t)turn));
        return;
    }
    cc_bbr_probe_not_before(b, time_add(now, (uint64_t)fmax(turn, TURN_ROUNDS_MIN * srtt_us)));
}

static void lower_ceiling(struct cc *c, const struct loss *l, const struct cc_bbr_verdict *v, double weight,
                          duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    bool alone = v->startup || b->up_alone;
    double of_passed = kept_share(alone ? ALONE_BETA : PROBE_BETA, 1 / CC_BBR_HEADROOM, weight);
    double of_bdp = alone ? 1 / CC_BBR_HEADROOM : kept_share(CC_BBR_BETA, 1, weight);

    b->path.inflight_hi =
        num_max(num_share(of_passed, v->passed_bytes), num_share(of_bdp, cc_bbr_path_bdp(&b->path, &l->rtt)));
    b->hi_queued = v->queued;
    if (b->phase == BBR_UP)
        cc_bbr_end_probe(b, now);
    if (!alone)
        give_turn(c, l, weight, now);
}

static void on_congestion(struct cc *c, const struct loss *l, const struct cc_bbr_verdict *v, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (b->phase == BBR_STARTUP)
        b->full_reached = true;
    b->unsteady = 0; /* a policer's bucket lets a probe pass too */
    cc_bbr_yield_event(&b->yield, b->path.round_count, l->rtt.min_us);
    double weight = cc_bbr_yield_weight(&b->yield, b->loss.floor);
    if (v->probing)
        lower_ceiling(c, l, v, weight, now);
    else if (is_steady_phase(b))
        cc_bbr_path_cut(&b->path, c->cwnd_bytes, kept_share(CC_BBR_BETA, 1, weight));
    if (v->overestimated)
        cc_bbr_path_lower_bw(&b->path, num_share(CC_BBR_BETA, cc_bbr_path_bw(&b->path)));
}

/* The loss ended when we slowed down: what was counted as passing never did. */
static void on_refuted(struct cc_bbr *b, const struct cc_bbr_verdict *v)
{
    double scale = (1 - v->floor_before) / (1 - b->loss.floor);

    for (int i = 0; i < 2; i++)
        b->path.bw_round[i] = num_share(scale, b->path.bw_round[i]);
    cc_bbr_path_lower_bw(&b->path, 0);
    b->guard_interval = CC_BBR_GUARD_ROUNDS;
}

/* A guard costs its share of a round.  It may rest longer each time the floor stood the test, until
 * the floor moves. */
static void on_held(struct cc_bbr *b)
{
    if (b->loss.floor > GUARD_FLOOR_RISE * b->guard_floor) {
        b->guard_interval = CC_BBR_GUARD_ROUNDS;
        b->guard_floor = b->loss.floor;
    } else {
        b->guard_interval = num_min(2 * b->guard_interval, GUARD_ROUNDS_MAX);
    }
    b->guard_round = b->path.round_count + b->guard_interval;
}

/* Nothing came back for long though something was out. */
static void notice_outage(struct cc_bbr *b, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    if (s->acked_bytes == 0 && s->spurious_bytes == 0)
        return;
    uint64_t silent = time_is_never(b->acked_at) ? 0 : time_since(now, b->acked_at);
    b->acked_at = now;
    if (b->idle || silent < OUTAGE_LEAST_US || silent < OUTAGE_PTOS * rtt_pto_us(&l->rtt))
        return;
    cc_bbr_loss_outage(&b->loss);
    cc_bbr_path_uncut(&b->path);
    b->path.round_end_delivered = l->delivered_bytes;
    b->empty_at = time_add(b->empty_at, silent);
    b->probe_at = time_add(b->probe_at, silent);
    cc_bbr_begin_span(b, now);
}

/* ---- what the connection reads ---- */

/* The best of many samples is too good where programs get their turn late, but by no more than
 * TRUTH_LEAST. */
static double believed_bw(const struct cc_bbr *b)
{
    double bw = (double)cc_bbr_path_bw_now(&b->path);

    return fmax(fmin(bw, (double)b->true_bw), TRUTH_LEAST * bw);
}

static void set_pacing(struct cc *c, const struct rtt *r)
{
    struct cc_bbr *b = &c->bbr;
    double rate = cc_bbr_pacing_gain(b) * MARGIN * believed_bw(b);

    if (!r->sampled)
        return;
    if (!b->full_reached) {
        /* The samples lag the growing window by a round trip; the window must be able to leave
         * within one. */
        double window = STARTUP_WINDOW_GAIN * (double)c->cwnd_bytes * (double)US_PER_S / (double)r->srtt_us;

        rate = fmax(rate, window);
    }
    c->pacing_bytes_per_s = num_max((uint64_t)rate, 1);
}

/* What has to be in flight even while our acknowledgements pause: one BDP, and what they bring
 * afterwards at once.  It keeps nobody out where a queue can stand and none does; 0 elsewhere. */
static uint64_t needed_in_flight(const struct cc_bbr *b, const struct rtt *r, duet_time now)
{
    bool is_empty = b->hi_queued && time_since(now, b->empty_at) <= EMPTY_ROUNDS * r->srtt_us;

    uint64_t jitter_us = cc_bbr_path_jitter_us(&b->path, r);
    uint64_t late = cc_bbr_path_bw_now(&b->path) * jitter_us / (uint64_t)US_PER_S;

    return is_empty ? cc_bbr_path_bdp(&b->path, r) + late + cc_bbr_path_extra(&b->path) : 0;
}

static uint64_t rate_ceiling(const struct cc *c, const struct rtt *r, duet_time now)
{
    const struct cc_bbr *b = &c->bbr;
    uint64_t hi = b->path.inflight_hi;

    /* Room for others to grow into. */
    if (hi != UINT64_MAX && b->phase == BBR_CRUISE)
        hi = num_max(num_share(CC_BBR_HEADROOM, hi), needed_in_flight(b, r, now));
    return num_min(num_min(hi, b->path.inflight_lo), cc_ceiling_bytes(c));
}

/* Half of the opening flight came through at INITIAL_PACE, or as much less as it came apart on the
 * way, and met no queue: the next round trip may have as much more of that pace as any other has of
 * the one before.  On a long path that is many times the flight, which took but a moment to leave:
 * at 300 ms two round trips of growing. */
static uint64_t proven_window(const struct loss *l, const struct loss_summary *s)
{
    const struct rtt *r = &l->rtt;

    if (s->rate_delivered < INITIAL_BYTES / 2 || !s->rtt_sampled || r->latest_us > r->min_us + PROVEN_SLACK_US)
        return 0;
    double left_us = (double)s->rate_delivered * (double)US_PER_S / INITIAL_PACE;
    double came_us = left_us + (double)(r->latest_us - r->min_us);
    return num_share(PROVEN_GROWTH * (double)r->min_us / (double)US_PER_S,
                     (uint64_t)(INITIAL_PACE * left_us / came_us));
}

/* On a slow path the round trips of the opening flight grow by each packet's time on the line, long
 * before enough of them came to call it a standing queue. */
static bool is_late(const struct rtt *r)
{
    return r->sampled && r->latest_us > r->min_us + num_max(LATE_US, r->min_us / LATE_SHARE);
}

/* The opening flight leaves when the application has just begun, so each of its packets counts as
 * held back by it.  What was in flight behind a packet, or came with it, tells the two apart. */
static bool is_filled(const struct cc *c, const struct loss *l, const struct loss_summary *s)
{
    return !cc_bbr_path_app_limited(&c->bbr.path, l, s) || l->bytes_in_flight + s->rate_delivered >= INITIAL_BYTES / 2;
}

/* What was lost has left the path too: were it not counted, 20 % loss would slow the growth.  But
 * in Startup no more of it than a floor may be: else the window grows by what a policer drops. */
static bool is_explained(const struct cc_bbr *b, const struct loss *l)
{
    return b->full_reached || l->lost_bytes <= num_share(CC_BBR_FLOOR_MAX / (1 - CC_BBR_FLOOR_MAX), l->delivered_bytes);
}

static uint64_t least_window(const struct cc *c)
{
    uint64_t late = num_share(LATE_ACKS_US / (double)US_PER_S, c->pacing_bytes_per_s);

    return num_max(num_min(late, LATE_PACKETS * (uint64_t)c->packet_bytes),
                   MIN_CWND_PACKETS * (uint64_t)c->packet_bytes);
}

static void set_cwnd(struct cc *c, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    struct cc_bbr *b = &c->bbr;
    uint64_t resolved = s->acked_bytes + (is_explained(b, l) ? s->lost_bytes : 0);
    uint64_t burst = num_share(BURST_US / (double)US_PER_S, c->pacing_bytes_per_s);
    uint64_t target = target_in_flight(c, l) + cc_bbr_path_extra(&b->path) + burst;

    if (b->phase == BBR_PROBE_RTT)
        c->cwnd_bytes = num_min(c->cwnd_bytes, target);
    else if (b->full_reached)
        c->cwnd_bytes = num_min(c->cwnd_bytes + resolved, target);
    else if (b->queue_met)
        c->cwnd_bytes = num_min(c->cwnd_bytes + resolved, target);
    else if (is_filled(c, l, s) && !is_late(&l->rtt))
        c->cwnd_bytes = num_max(c->cwnd_bytes + num_share(startup_growth(c) - 1, resolved), proven_window(l, s));
    c->cwnd_bytes = num_max(num_min(c->cwnd_bytes, rate_ceiling(c, &l->rtt, now)), least_window(c));
}

/* ---- the table's operations ---- */

static void bbr_init(struct cc *c, duet_time now)
{
    c->bbr = (struct cc_bbr){
        .guard_interval = CC_BBR_GUARD_ROUNDS,
        .probe_at = DUET_NEVER,
        .true_bw = UINT64_MAX,
        .empty_at = now,
        .acked_at = DUET_NEVER,
        .sent_at = now,
        .ce_at = now,
        .idle = true,
        .idle_at = now,
    };
    c->cwnd_bytes = num_max(INITIAL_BYTES, cc_floor_bytes(c));
    c->pacing_bytes_per_s = INITIAL_PACE;
    cc_bbr_loss_init(&c->bbr.loss, now);
    cc_bbr_path_init(&c->bbr.path, now);
    cc_bbr_policer_init(&c->bbr.policer);
    cc_bbr_yield_init(&c->bbr.yield);
    cc_bbr_begin(&c->bbr, now);
}

static void bbr_sent(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (in_flight <= bytes) {
        /* Nothing was out: the silence before was ours. */
        b->acked_at = now;
        b->empty_at = now;
        if (b->idle_by_app)
            cc_bbr_path_restart(&b->path, time_since(now, b->idle_at), now);
    }
    b->sent_at = now;
    b->idle = false;
    cc_bbr_loss_sent(&b->loss, bytes, in_flight);
}

/* DRAIN sends half of what the path carries, so what passes then tells nothing. */
static void watch_policer(struct cc *c, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (!b->full_reached || b->phase == BBR_DRAIN || l->rtt.min_us >= CC_BBR_SHORT_US)
        return;
    switch (cc_bbr_policer_update(&b->policer, &b->loss, l, s, c->packet_bytes, now)) {
    case CC_BBR_POLICER_MEASURED:
        cc_bbr_path_cap(&b->path, b->policer.bw);
        break;
    case CC_BBR_POLICER_REFUTED:
        cc_bbr_path_uncap(&b->path);
        break;
    case CC_BBR_POLICER_SAME:
        break;
    }
}

static void bbr_update(struct cc *c, const struct loss *l, const struct loss_summary *s, enum cc_limit limit,
                       duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    notice_outage(b, l, s, now);
    struct cc_bbr_verdict v = cc_bbr_loss_update(&b->loss, l, s, c->packet_bytes, now);
    watch_policer(c, l, s, now);
    bool round_starts =
        cc_bbr_path_update(&b->path, l, s, b->loss.floor, b->full_reached, b->policer.bw, c->packet_bytes, now);
    cc_bbr_yield_update(&b->yield, s, round_starts);
    if (s->rtt_sampled && b->phase != BBR_PROBE_RTT)
        cc_bbr_yield_rtt(&b->yield, l->rtt.latest_us);
    if (v.floor_refuted)
        on_refuted(b, &v);
    if (v.floor_held)
        on_held(b);
    if (v.congested)
        on_congestion(c, l, &v, now);
    cc_bbr_advance(c, l, s, limit == CC_IS_LIMITED, round_starts, now);
    if (l->bytes_in_flight == 0 && !b->idle)
        b->idle_at = now;
    b->idle = l->bytes_in_flight == 0;
    b->idle_by_app = l->app_limited_until != 0;
    set_cwnd(c, l, s, now);
    set_pacing(c, &l->rtt);
}

/* A mark is never random: it counts like a congested span, once a round trip. */
static void bbr_marked(struct cc *c, duet_time largest_acked_sent_at, duet_time now)
{
    struct cc_bbr *b = &c->bbr;

    if (!time_before(b->ce_at, largest_acked_sent_at))
        return;
    b->ce_at = now;
    b->full_reached = true; /* Startup's next update drains */
    if (b->phase == BBR_UP)
        cc_bbr_end_probe(b, now);
    c->cwnd_bytes = num_max(num_share(CC_BBR_BETA, c->cwnd_bytes), MIN_CWND_PACKETS * (uint64_t)c->packet_bytes);
    b->path.inflight_lo = num_min(b->path.inflight_lo, c->cwnd_bytes);
}

const struct cc_ops cc_bbr_ops = {
    .name = "bbr",
    .init = bbr_init,
    .sent = bbr_sent,
    .update = bbr_update,
    .marked = bbr_marked,
};
