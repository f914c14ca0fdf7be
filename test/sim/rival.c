/*
 * The model of rival.h.  Its state lives in the controller's own place in struct
 * cc and is copied out of and back into it, for that union does not know it.
 */
#include "rival.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/num.h"

#define HIGH_GAIN 2.885 /* 2/ln 2 */
#define CWND_GAIN 2.0
#define CYCLE 8
#define BW_ROUNDS 10
#define MIN_RTT_WINDOW_US (UINT64_C(10) * US_PER_S)
#define PROBE_RTT_US 200000
#define MIN_PACKETS 4
#define FULL_GROWTH 1.25
#define FULL_ROUNDS 3
#define PACING_MARGIN 0.99 /* tcp_bbr.c: bbr_pacing_margin_percent */
#define TRAINS 3           /* room for what the host holds in trains: three of them, */
#define TRAIN_US 1000      /* of so much time, */
#define TRAIN_PACKETS 2    /* and at least so many packets */

enum mode { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };

struct bbr1 {
    enum mode mode;
    uint64_t round_count, round_end_delivered;
    uint64_t bw[BW_ROUNDS]; /* the best sample of each of the last rounds */
    uint64_t min_rtt_us;
    duet_time min_rtt_at;
    unsigned cycle;
    duet_time cycle_at;
    uint64_t full_bw;
    uint32_t full_rounds;
    bool full_reached;
    duet_time probe_rtt_until; /* DUET_NEVER: the window has not emptied yet */
    uint64_t probe_rtt_round;
    duet_time recovery_since; /* DUET_NEVER: none */
    uint64_t recovery_round;
    uint64_t prior_cwnd;
};

static const double cycle_gain[CYCLE] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};

static struct bbr1 load(const struct cc *c)
{
    struct bbr1 b;

    static_assert(sizeof(b) <= sizeof(c->bbr), "no room for the model");
    memcpy(&b, &c->bbr, sizeof(b));
    return b;
}

static void store(struct cc *c, const struct bbr1 *b)
{
    memcpy(&c->bbr, b, sizeof(*b));
}

/* ---- the model of the path ---- */

static uint64_t bandwidth(const struct bbr1 *b)
{
    uint64_t bw = 0;

    for (size_t i = 0; i < BW_ROUNDS; i++)
        bw = num_max(bw, b->bw[i]);
    return bw;
}

static uint64_t bdp(const struct bbr1 *b)
{
    return b->min_rtt_us == UINT64_MAX ? 0
                                       : (uint64_t)((double)bandwidth(b) * (double)b->min_rtt_us / (double)US_PER_S);
}

static bool count_round(struct bbr1 *b, const struct loss *l, const struct loss_summary *s)
{
    if (s->rate_delivered == 0 || s->rate_prior_delivered < b->round_end_delivered)
        return false;
    b->round_end_delivered = l->delivered_bytes;
    b->bw[++b->round_count % BW_ROUNDS] = 0;
    return true;
}

static void take_rate(struct bbr1 *b, const struct loss_summary *s)
{
    uint64_t *best = &b->bw[b->round_count % BW_ROUNDS];

    if (!s->rate_app_limited || s->rate_bytes_per_s >= bandwidth(b))
        *best = num_max(*best, s->rate_bytes_per_s);
}

static double pacing_gain(const struct bbr1 *b)
{
    switch (b->mode) {
    case STARTUP:
        return HIGH_GAIN;
    case DRAIN:
        return 1 / HIGH_GAIN;
    case PROBE_BW:
        return cycle_gain[b->cycle];
    case PROBE_RTT:
        return 1;
    }
    return 1;
}

/* ---- modes ---- */

static void enter_probe_bw(struct bbr1 *b, duet_time now)
{
    unsigned draw = (unsigned)((now.us * UINT64_C(2654435761) >> 8) % (CYCLE - 1));

    b->mode = PROBE_BW;
    b->cycle = draw == 0 ? 0 : draw + 1; /* any but the slow one */
    b->cycle_at = now;
}

static void advance_cycle(struct bbr1 *b, const struct loss_summary *s, duet_time now)
{
    double gain = cycle_gain[b->cycle];
    bool is_over = time_since(now, b->cycle_at) > b->min_rtt_us;

    if (gain > 1)
        is_over = is_over && (s->lost_bytes > 0 || (double)s->prior_in_flight >= gain * (double)bdp(b));
    else if (gain < 1)
        is_over = is_over || s->prior_in_flight <= bdp(b);
    if (is_over) {
        b->cycle = (b->cycle + 1) % CYCLE;
        b->cycle_at = now;
    }
}

static void check_full(struct bbr1 *b, const struct loss_summary *s, bool round_starts)
{
    if (b->full_reached || !round_starts || s->rate_app_limited)
        return;
    if ((double)bandwidth(b) >= FULL_GROWTH * (double)b->full_bw) {
        b->full_bw = bandwidth(b);
        b->full_rounds = 0;
    } else if (++b->full_rounds >= FULL_ROUNDS) {
        b->full_reached = true;
    }
}

static void leave_probe_rtt(struct cc *c, struct bbr1 *b, const struct loss *l, bool round_starts, duet_time now)
{
    if (time_is_never(b->probe_rtt_until)) {
        if (l->bytes_in_flight > MIN_PACKETS * (uint64_t)c->packet_bytes)
            return;
        b->probe_rtt_until = time_add(now, PROBE_RTT_US);
        b->probe_rtt_round = b->round_count;
        return;
    }
    if (!time_due(b->probe_rtt_until, now) || !round_starts || b->round_count == b->probe_rtt_round)
        return;
    b->min_rtt_at = now;
    c->cwnd_bytes = num_max(c->cwnd_bytes, b->prior_cwnd);
    if (b->full_reached)
        enter_probe_bw(b, now);
    else
        b->mode = STARTUP;
}

static void take_rtt(struct cc *c, struct bbr1 *b, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    bool is_stale = time_since(now, b->min_rtt_at) > MIN_RTT_WINDOW_US;

    if (!s->rtt_sampled || (l->rtt.latest_us > b->min_rtt_us && !is_stale))
        return;
    b->min_rtt_us = l->rtt.latest_us;
    b->min_rtt_at = now;
    if (is_stale && b->mode != PROBE_RTT) {
        b->mode = PROBE_RTT;
        b->prior_cwnd = time_is_never(b->recovery_since) ? c->cwnd_bytes : num_max(c->cwnd_bytes, b->prior_cwnd);
        b->probe_rtt_until = DUET_NEVER;
    }
}

static void advance(struct cc *c, struct bbr1 *b, const struct loss *l, const struct loss_summary *s, bool round_starts,
                    duet_time now)
{
    if (b->mode == PROBE_BW)
        advance_cycle(b, s, now);
    check_full(b, s, round_starts);
    if (b->mode == STARTUP && b->full_reached)
        b->mode = DRAIN;
    if (b->mode == DRAIN && l->bytes_in_flight <= bdp(b))
        enter_probe_bw(b, now);
    take_rtt(c, b, l, s, now);
    if (b->mode == PROBE_RTT)
        leave_probe_rtt(c, b, l, round_starts, now);
}

/* ---- window and pace ---- */

/* Of a recovery's first round the window is what is in flight; then it grows again, and its end restores it. */
static void recover(struct cc *c, struct bbr1 *b, const struct loss *l, const struct loss_summary *s, duet_time now)
{
    if (!time_is_never(b->recovery_since) && s->acked_bytes > 0 && s->lost_bytes == 0 &&
        time_before(b->recovery_since, s->largest_acked_sent_at)) {
        b->recovery_since = DUET_NEVER;
        c->cwnd_bytes = num_max(c->cwnd_bytes, b->prior_cwnd);
    }
    if (s->lost_bytes == 0)
        return;
    if (time_is_never(b->recovery_since)) {
        b->recovery_since = now;
        b->recovery_round = b->round_count;
        if (b->mode != PROBE_RTT)
            b->prior_cwnd = c->cwnd_bytes;
        c->cwnd_bytes = l->bytes_in_flight + s->acked_bytes;
    } else {
        c->cwnd_bytes -= num_min(s->lost_bytes, c->cwnd_bytes);
    }
}

static void set_window(struct cc *c, struct bbr1 *b, const struct loss *l, const struct loss_summary *s)
{
    uint64_t least = MIN_PACKETS * (uint64_t)c->packet_bytes;
    uint64_t train =
        num_max(TRAIN_PACKETS * (uint64_t)c->packet_bytes, c->pacing_bytes_per_s * TRAIN_US / (uint64_t)US_PER_S);
    double gain = b->full_reached ? CWND_GAIN : HIGH_GAIN;
    uint64_t target = num_share(gain, bdp(b)) + TRAINS * train;

    if (!time_is_never(b->recovery_since) && b->round_count == b->recovery_round)
        c->cwnd_bytes = num_max(c->cwnd_bytes, l->bytes_in_flight + s->acked_bytes);
    else if (b->full_reached)
        c->cwnd_bytes = num_min(c->cwnd_bytes + s->acked_bytes, target);
    else if (c->cwnd_bytes < target || l->delivered_bytes < CC_INITIAL_BYTES)
        c->cwnd_bytes += s->acked_bytes;
    c->cwnd_bytes = num_min(num_max(c->cwnd_bytes, least), cc_ceiling_bytes(c));
    if (b->mode == PROBE_RTT)
        c->cwnd_bytes = num_min(c->cwnd_bytes, least);
}

static void set_pace(struct cc *c, const struct bbr1 *b, const struct rtt *r)
{
    uint64_t bw = bandwidth(b);
    uint64_t rate = num_share(pacing_gain(b) * PACING_MARGIN, bw);

    if (bw == 0)
        rate = num_share(HIGH_GAIN, c->cwnd_bytes * (uint64_t)US_PER_S / r->srtt_us);
    if (b->full_reached || rate > c->pacing_bytes_per_s)
        c->pacing_bytes_per_s = num_max(rate, 1);
}

/* ---- the table's operations ---- */

static void bbr1_init(struct cc *c, duet_time now)
{
    struct bbr1 b = {.min_rtt_us = UINT64_MAX, .min_rtt_at = now, .recovery_since = DUET_NEVER};

    c->pacing_bytes_per_s = 0;
    store(c, &b);
}

static void bbr1_sent(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now)
{
    (void)c, (void)bytes, (void)in_flight, (void)now;
}

static void bbr1_update(struct cc *c, const struct loss *l, const struct loss_summary *s, enum cc_limit limit,
                        duet_time now)
{
    struct bbr1 b = load(c);

    (void)limit;
    bool round_starts = count_round(&b, l, s);
    take_rate(&b, s);
    recover(c, &b, l, s, now);
    advance(c, &b, l, s, round_starts, now);
    set_window(c, &b, l, s);
    set_pace(c, &b, &l->rtt);
    store(c, &b);
}

static void bbr1_marked(struct cc *c, duet_time largest_acked_sent_at, duet_time now)
{
    (void)c, (void)largest_acked_sent_at, (void)now; /* version 1 heeds no marks */
}

static const struct cc_ops bbr1_ops = {
    .name = "bbr1",
    .init = bbr1_init,
    .sent = bbr1_sent,
    .update = bbr1_update,
    .marked = bbr1_marked,
};

/* ---- CUBIC, unpaced ---- */

static void unpaced_init(struct cc *c, duet_time now)
{
    cc_cubic_ops.init(c, now);
    c->pacing_bytes_per_s = 0;
}

static void unpaced_sent(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now)
{
    cc_cubic_ops.sent(c, bytes, in_flight, now);
}

static void unpaced_update(struct cc *c, const struct loss *l, const struct loss_summary *s, enum cc_limit limit,
                           duet_time now)
{
    cc_cubic_ops.update(c, l, s, limit, now);
    c->pacing_bytes_per_s = 0;
}

static void unpaced_marked(struct cc *c, duet_time largest_acked_sent_at, duet_time now)
{
    cc_cubic_ops.marked(c, largest_acked_sent_at, now);
}

static const struct cc_ops unpaced_ops = {
    .name = "unpaced",
    .init = unpaced_init,
    .sent = unpaced_sent,
    .update = unpaced_update,
    .marked = unpaced_marked,
};

const struct cc_ops *rival_find(const char *name)
{
    static const struct cc_ops *const rivals[] = {&bbr1_ops, &unpaced_ops};

    for (size_t i = 0; name != NULL && i < sizeof(rivals) / sizeof(rivals[0]); i++) {
        if (strcmp(name, rivals[i]->name) == 0)
            return rivals[i];
    }
    return NULL;
}

void rival_take_over(struct cc *c, const struct cc_ops *ops, duet_time now)
{
    c->ops = ops;
    ops->init(c, now);
}
