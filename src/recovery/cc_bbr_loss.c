/*
 * cc_bbr_loss: how much loss is the path's own, and which loss is ours.
 *
 * A radio loses packets whatever the rate; a full queue and a policer lose them
 * because of it.  Slowing down for the first kind gains nothing and costs
 * everything, so a floor p0 is kept: the share lost in stretches ("spans") sent
 * at or below the bandwidth whose round-trip times show an empty queue.
 *
 *   floor     mean over the last CC_BBR_TALLIES clean tallies of TALLY_PACKETS or
 *             more.  Not their minimum: the minimum of ten samples of 85 packets at
 *             20 % lies near 13 %, and every later test would then be against a
 *             figure known to be wrong.  What the minimum is good for - a competitor's
 *             bursts of drops are not a floor - is done by the median: random
 *             loss is in every tally, bursts are in few.
 *   burst     a fading radio loses dozens of packets in a row, half of a round trip, and then
 *             none for many: no share tells that from congestion, and a floor that most rounds
 *             show to be zero does not explain it.  What does is the queue and the shape.
 *             Whoever sends faster than a path carries fills its queue, and the round-trip times
 *             rise; or, where a policer or a queue too short to be seen leaves no trace in them,
 *             loses one packet here and one there for as long as the rate lasts.  So where no
 *             queue is seen, loss may be congestion only if it riddles a stretch of
 *             RIDDLED_PACKETS: RIDDLED_RUNS runs of lost packets or more, with fewer than
 *             CLEAN_PACKETS arriving between two of them.  A burst is one run, and the next one
 *             is further away.
 *   verdict   a span is congested when its loss exceeds the floor by EXCESS and two
 *             standard errors (three without other evidence), and either the queue was
 *             not empty or the span was sent faster than the bandwidth or soon after the
 *             estimate had been raised (a policer's full bucket lets a burst pass and
 *             raises it); and always when it exceeds it by EXCESS_ALWAYS.
 *   guard     a policer drops without a queue, so its loss looks like a floor and
 *             the floor then justifies the rate that causes it.  Now and then a span is
 *             sent slower by more than the floor: loss that halves was ours.  Where loss comes
 *             in bursts, one guard between two of them proves nothing: the tallies' scatter
 *             widens the error.
 */
#include <math.h>

#include "base/num.h"
#include "recovery/cc_bbr.h"

#define TALLY_PACKETS 64
#define SPAN_PACKETS 64      /* a round of fewer goes on in the next one, */
#define SPAN_US 25000        /*   but not for longer */
#define MEDIAN_FROM 5        /* tallies */
#define GUARD_PACKETS 48     /* least evidence of a guard */
#define GUARD_KEEP 512       /* older evidence counts half, */
#define GUARD_GUARDS 4       /*   and so does that of more guards than this: the rate was another */
#define EXCESS 0.02          /* BBRv3's loss threshold */
#define EXCESS_UNQUEUED 0.05 /* the same where no queue was seen */
#define EXCESS_ALWAYS 0.30
#define CLEAN_PACKETS 64 /* arrived between two runs: they are two bursts.  More than the pacer sends at once */
#define RIDDLED_PACKETS 64
#define RIDDLED_RUNS 4
#define SCATTER_SEEN 4.0 /* that of independent loss stays below with ten tallies */
#define LOST_LEAST 3     /* packets: fewer prove nothing */
#define DOUBTS 3         /* verdicts without a queue after the bandwidth was raised */
#define QUEUE_LEAST_US 1000
#define QUEUE_SHARE 8
#define STANDING_SHARE 2 /* the usual round trip half as long again as the shortest: a queue, if not all the time */
#define STANDING_LEAST_US 500

void cc_bbr_loss_init(struct cc_bbr_loss *f, duet_time now)
{
    *f = (struct cc_bbr_loss){.span_count = 1, .scatter = 1};
    f->span[0] = (struct cc_bbr_span){.since = now, .rtt_low_us = UINT64_MAX, .gain = 1, .startup = true};
}

static struct cc_bbr_span *newest_span(struct cc_bbr_loss *f)
{
    return &f->span[f->span_count - 1];
}

static void drop_first(struct cc_bbr_loss *f)
{
    f->span_count--;
    for (size_t i = 0; i < f->span_count; i++)
        f->span[i] = f->span[i + 1];
}

void cc_bbr_loss_span(struct cc_bbr_loss *f, double gain, bool startup, bool guard, duet_time now)
{
    if (newest_span(f)->sent_bytes == 0)
        f->span_count--; /* nothing left under it */
    else if (f->span_count == CC_BBR_SPANS)
        drop_first(f);
    f->span[f->span_count++] =
        (struct cc_bbr_span){.since = now, .rtt_low_us = UINT64_MAX, .gain = gain, .startup = startup, .guard = guard};
}

void cc_bbr_loss_sent(struct cc_bbr_loss *f, uint64_t bytes, uint64_t in_flight)
{
    struct cc_bbr_span *p = newest_span(f);

    p->sent_bytes += bytes;
    if (in_flight > p->in_flight_bytes)
        p->in_flight_bytes = in_flight;
}

void cc_bbr_loss_doubt(struct cc_bbr_loss *f, bool raised)
{
    f->doubts = raised ? DOUBTS : 0;
}

bool cc_bbr_loss_guarded(const struct cc_bbr_loss *f, uint32_t packet_bytes)
{
    const struct cc_bbr_span *p = &f->span[f->span_count - 1];

    return p->guard && p->sent_bytes >= GUARD_KEEP * (uint64_t)packet_bytes;
}

bool cc_bbr_loss_full(const struct cc_bbr_loss *f, uint32_t packet_bytes, duet_time now)
{
    const struct cc_bbr_span *p = &f->span[f->span_count - 1];

    return p->sent_bytes >= SPAN_PACKETS * (uint64_t)packet_bytes || time_since(now, p->since) >= SPAN_US;
}

void cc_bbr_loss_outage(struct cc_bbr_loss *f)
{
    for (size_t i = 0; i < f->span_count; i++)
        f->span[i].ignored = true;
}

/* ---- the floor ---- */

static double share_lost(struct cc_bbr_tally t)
{
    return t.sent > 0 ? t.lost / t.sent : 0;
}

/* Is there loss in most of the tallies?  A floor is; what competitors' full queues drop comes in
 * bursts. */
static bool is_steady(const struct cc_bbr_loss *f, size_t held)
{
    size_t with_loss = 0;

    for (size_t i = 0; i < held; i++)
        with_loss += f->tally[i].lost > 0;
    return held < MEDIAN_FROM || 2 * with_loss >= held;
}

/* Loss that comes in bursts makes tallies differ by more than independent loss does.  Ten tallies
 * tell it only roughly, so it counts from SCATTER_SEEN on. */
static void set_scatter(struct cc_bbr_loss *f, size_t held)
{
    double squares = 0, p = f->seen;

    f->scatter = 1;
    if (held < MEDIAN_FROM || p <= 0 || p >= 1)
        return;
    for (size_t i = 0; i < held; i++) {
        double off = f->tally[i].lost - p * f->tally[i].sent;

        squares += off * off / (f->tally[i].sent * p * (1 - p));
    }
    squares /= (double)(held - 1);
    if (squares > SCATTER_SEEN)
        f->scatter = squares;
}

static void set_floor(struct cc_bbr_loss *f)
{
    size_t held = f->tally_count < CC_BBR_TALLIES ? f->tally_count : CC_BBR_TALLIES;
    struct cc_bbr_tally all = f->running;

    for (size_t i = 0; i < held; i++) {
        all.sent += f->tally[i].sent;
        all.lost += f->tally[i].lost;
    }
    f->floor_packets = all.sent;
    f->seen = share_lost(all);
    f->floor = is_steady(f, held) ? fmin(share_lost(all), CC_BBR_FLOOR_MAX) : 0;
    set_scatter(f, held);
}

static void add_clean(struct cc_bbr_loss *f, struct cc_bbr_tally t)
{
    f->running.sent += t.sent;
    f->running.lost += t.lost;
    if (f->running.sent >= TALLY_PACKETS) {
        f->tally[f->tally_count++ % CC_BBR_TALLIES] = f->running;
        f->running = (struct cc_bbr_tally){.sent = 0};
    }
    set_floor(f);
}

/* Standard error of the difference of two shares drawn from the same coin, whose variance is
 * `scatter` times that of an independent one. */
static double error_of(struct cc_bbr_tally a, struct cc_bbr_tally b, double scatter)
{
    double p = (a.lost + b.lost) / (a.sent + b.sent);

    return sqrt(scatter * p * (1 - fmin(p, 1)) * (1 / a.sent + 1 / b.sent));
}

static struct cc_bbr_tally floor_tally(const struct cc_bbr_loss *f)
{
    double sent = fmax(f->floor_packets, 1);

    return (struct cc_bbr_tally){.sent = sent, .lost = f->floor * sent};
}

static void age_guard(struct cc_bbr_loss *f)
{
    f->guard.sent /= 2;
    f->guard.lost /= 2;
    f->guard_policed /= 2;
}

/* Sent slower: is the loss still there?  Random loss stays what it is; a policer that passed 1 - l
 * at gain 1 passes as much at gain g, so that 1 - (1 - l)/g is left.  Whichever is nearer is
 * believed. */
static void add_guard(struct cc_bbr_loss *f, struct cc_bbr_tally t, double gain, struct cc_bbr_verdict *v)
{
    if (f->guard.sent > GUARD_GUARDS * t.sent)
        age_guard(f);
    f->guard.sent += t.sent;
    f->guard.lost += t.lost;
    f->guard_policed += t.sent * fmax(1 - (1 - f->seen) / gain, 0);
    if (f->guard.sent < GUARD_PACKETS || f->floor < CC_BBR_FLOOR_SMALL)
        return;

    double policed = f->guard_policed / f->guard.sent;
    double gone = f->seen - share_lost(f->guard);
    double error = error_of(
        f->guard, (struct cc_bbr_tally){.sent = f->floor_packets, .lost = f->seen * f->floor_packets}, f->scatter);
    if (gone > (f->seen - policed) / 2 && gone > 2 * error) {
        v->floor_refuted = true;
        v->floor_before = f->floor;
        f->tally[0] = f->guard;
        f->tally_count = 1;
        f->running = f->guard = (struct cc_bbr_tally){.sent = 0};
        f->guard_policed = 0;
        set_floor(f);
    } else if (gone < 2 * error) {
        v->floor_held = true;
    }
    if (f->guard.sent > GUARD_KEEP)
        age_guard(f);
}

/* ---- spans ---- */

uint64_t cc_bbr_queue_slack_us(const struct rtt *r)
{
    return num_max(r->min_us / QUEUE_SHARE, QUEUE_LEAST_US);
}

static bool queue_seen(const struct cc_bbr_span *p, const struct rtt *r)
{
    return p->rtt_low_us != UINT64_MAX && p->rtt_low_us > r->min_us + cc_bbr_queue_slack_us(r);
}

/* What a probe fills was empty for its first packets. */
static bool queue_stands(const struct rtt *r)
{
    return r->latest_us > r->min_us + cc_bbr_queue_slack_us(r);
}

/* A short path's queue may hold less than QUEUE_LEAST_US, and the first packets of a probe meet
 * none. */
static bool queue_is_usual(const struct rtt *r)
{
    return r->srtt_us > r->min_us + num_max(r->min_us / STANDING_SHARE, STANDING_LEAST_US);
}

static struct cc_bbr_tally tally_of(const struct cc_bbr_span *p, uint32_t packet_bytes)
{
    return (struct cc_bbr_tally){.sent = (double)p->sent_bytes / packet_bytes,
                                 .lost = (double)p->lost_bytes / packet_bytes};
}

/* The span a packet was sent in; NULL: too long ago. */
static struct cc_bbr_span *span_of(struct cc_bbr_loss *f, duet_time sent_at)
{
    for (size_t i = f->span_count; i-- > 0;)
        if (!time_before(sent_at, f->span[i].since))
            return &f->span[i];
    return NULL;
}

bool cc_bbr_loss_is_riddled(const struct cc_bbr_loss *f, uint32_t packet_bytes)
{
    return f->stretch_runs >= RIDDLED_RUNS && f->stretch_bytes >= RIDDLED_PACKETS * (uint64_t)packet_bytes;
}

/* Before enough was sent to know a floor, Startup's first packets prove little: four lost of twelve
 * are as likely random loss that has yet to be met, and who stops growing at a dozen packets needs
 * seconds to grow again. */
static double presumed_floor(const struct cc_bbr_loss *f, const struct cc_bbr_span *p)
{
    double unknown = 1 - fmin(f->floor_packets / TALLY_PACKETS, 1);

    return p->startup ? f->floor + unknown * fmax(CC_BBR_FLOOR_MAX - f->floor, 0) : f->floor;
}

static bool is_congested(const struct cc_bbr_loss *f, const struct cc_bbr_span *p, const struct rtt *r,
                         uint32_t packet_bytes)
{
    struct cc_bbr_tally t = tally_of(p, packet_bytes);
    double over = share_lost(t) - presumed_floor(f, p);

    if (p->ignored || t.lost < LOST_LEAST || over <= EXCESS)
        return false;
    double error = error_of(t, floor_tally(f), 1);
    if (queue_seen(p, r))
        return over > EXCESS + 2 * error;
    return (cc_bbr_loss_is_riddled(f, packet_bytes) || queue_stands(r)) &&
           over > (p->gain > 1 || f->doubts > 0 ? EXCESS_UNQUEUED : EXCESS_ALWAYS) + 3 * error;
}

static void judge_span(struct cc_bbr_loss *f, struct cc_bbr_span *p, const struct loss *l, uint32_t packet_bytes,
                       struct cc_bbr_verdict *v)
{
    /* The span still being sent has no total yet. */
    if (p == newest_span(f) || p->judged || !is_congested(f, p, &l->rtt, packet_bytes))
        return;
    bool seen = queue_seen(p, &l->rtt);
    double passed = 1 - ((double)p->lost_bytes / (double)p->sent_bytes - f->floor);

    p->judged = true;
    v->congested = true;
    v->probing = p->gain > 1;
    v->queued = seen || queue_is_usual(&l->rtt);
    v->overestimated = !v->probing && !seen;
    f->doubts -= f->doubts > 0 && v->overestimated;
    v->startup = p->startup;
    v->passed_bytes = (uint64_t)((double)p->in_flight_bytes * fmax(passed, 0));
}

/* All of its packets are resolved. */
static void finish_span(struct cc_bbr_loss *f, const struct cc_bbr_span *p, const struct loss *l, uint32_t packet_bytes,
                        struct cc_bbr_verdict *v)
{
    if (p->ignored || p->judged || p->acked_bytes == 0)
        return;
    struct cc_bbr_tally t = tally_of(p, packet_bytes);

    if (p->guard)
        add_guard(f, t, p->gain, v);
    if ((p->gain <= 1 || p->startup) && !queue_seen(p, &l->rtt))
        add_clean(f, t);
}

/* A packet that is still out so long after it left has been declared lost (time_threshold_us of
 * loss.c is shorter by the lesser of the two terms): what became of a span is known. */
static uint64_t span_settled_us(const struct loss *l)
{
    uint64_t base = l->rtt.srtt_us > l->rtt.latest_us ? l->rtt.srtt_us : l->rtt.latest_us;

    return base + base * l->reorder_steps / LOSS_REORDER_STEPS + LOSS_REORDER_MIN_US;
}

static void extend_stretch(struct cc_bbr_loss *f, const struct loss_summary *s)
{
    if (s->lost_runs > 0 && s->lost_gap >= CLEAN_PACKETS)
        f->stretch_runs = f->stretch_bytes = 0;
    f->stretch_runs += s->lost_runs;
    if (f->stretch_runs > 0)
        f->stretch_bytes += s->acked_bytes + s->lost_bytes;
}

struct cc_bbr_verdict cc_bbr_loss_update(struct cc_bbr_loss *f, const struct loss *l, const struct loss_summary *s,
                                         uint32_t packet_bytes, duet_time now)
{
    struct cc_bbr_verdict v = {.congested = false};
    struct cc_bbr_span *p = s->acked_bytes > 0 ? span_of(f, s->largest_acked_sent_at) : NULL;

    extend_stretch(f, s);
    if (p != NULL) {
        p->acked_bytes += s->acked_bytes;
        if (s->rtt_sampled && l->rtt.latest_us < p->rtt_low_us)
            p->rtt_low_us = l->rtt.latest_us;
    }
    p = s->lost_bytes > 0 ? span_of(f, s->largest_lost_sent_at) : NULL;
    if (p != NULL) {
        p->lost_bytes += s->lost_bytes;
        judge_span(f, p, l, packet_bytes, &v);
    }
    /* Those thought lost too early are old: they were counted in the first span still held. */
    f->span[0].lost_bytes -= s->spurious_bytes < f->span[0].lost_bytes ? s->spurious_bytes : f->span[0].lost_bytes;

    while (f->span_count > 1 && time_due(time_add(f->span[1].since, span_settled_us(l)), now)) {
        finish_span(f, &f->span[0], l, packet_bytes, &v);
        drop_first(f);
    }
    return v;
}
