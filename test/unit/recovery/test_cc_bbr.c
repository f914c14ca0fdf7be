/*
 * cc_bbr: the controller behind a path model of its own, no packets: each step
 * is a fixed number of packets sent and, a round trip later, acknowledged or
 * lost.  Whole transfers between endpoints are measured by test/sim/scenario_perf.c.
 */
#include "unit.h"
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "recovery/cc.h"

#define PACKET 1200
#define WINDOW (UINT64_C(8) << 20)
#define RTT_US 50000
#define STEP_US 250
#define BUCKET 32000.0
#define BANDWIDTH 12500000 /* bytes/s: 100 Mbit/s */

/* What left in one step and has not come back. */
struct flight {
    duet_time at, due;
    uint64_t sent, lost, in_flight, delivered_before, lost_before;
};

struct path {
    struct cc c;
    struct loss l;
    duet_time now;
    uint64_t rtt_us;
    uint64_t hold_us; /* acknowledgements come together, that far apart; 0: each for itself */
    double loss;      /* at random, of what passes */
    double police;    /* bytes/s; beyond it everything is dropped without a queue; 0: no such thing */
    double tokens;    /* the policer's bucket */
    double capacity, queue_bytes, queue_limit;
    double owed; /* fraction of a lost packet */
    bool dead;
    struct flight air[4096];
    size_t first, count;
    uint64_t sent_bytes, lost_bytes;
};

static struct path p;

static void open_path(void)
{
    memset(&p, 0, sizeof p);
    p.now = DUET_TIME(1000000);
    p.rtt_us = RTT_US;
    p.capacity = BANDWIDTH;
    p.queue_limit = BANDWIDTH * (RTT_US / 1e6);
    loss_init(&p.l);
    cr_assert_eq(cc_init(&p.c, "bbr", PACKET, WINDOW, p.now), 0);
}

static void close_path(void)
{
    loss_dispose(&p.l);
}

TestSuite(cc_bbr, .init = open_path, .fini = close_path);

static uint64_t whole_packets(double bytes)
{
    return (uint64_t)(bytes / PACKET) * PACKET;
}

static void send_step(void)
{
    p.tokens = fmin(p.tokens + p.police * STEP_US / 1e6, BUCKET);
    double may = (double)p.c.pacing_bytes_per_s * STEP_US / 1e6 + p.owed;
    uint64_t room = p.c.cwnd_bytes > p.l.bytes_in_flight ? p.c.cwnd_bytes - p.l.bytes_in_flight : 0;
    uint64_t bytes = whole_packets(fmin(may, (double)room));
    p.owed = fmin(may - (double)bytes, PACKET);
    if (bytes == 0)
        return;

    struct flight f = {
        .at = p.now, .sent = bytes, .delivered_before = p.l.delivered_bytes, .lost_before = p.l.lost_bytes};
    double lost = (double)bytes * p.loss;
    if (p.police > 0) {
        const double passed = fmin((double)bytes - lost, p.tokens);
        p.tokens -= passed;
        lost = (double)bytes - passed;
    }
    p.queue_bytes += (double)bytes;
    if (p.queue_bytes > p.queue_limit) {
        lost += p.queue_bytes - p.queue_limit;
        p.queue_bytes = p.queue_limit;
    }
    f.lost = (uint64_t)fmin(lost, (double)bytes);
    f.due = time_add(p.now, p.rtt_us + (uint64_t)(p.queue_bytes / p.capacity * 1e6));
    p.l.bytes_in_flight += bytes;
    f.in_flight = p.l.bytes_in_flight;
    p.sent_bytes += bytes;
    cr_assert_lt(p.count, sizeof p.air / sizeof *p.air);
    p.air[(p.first + p.count++) % (sizeof p.air / sizeof *p.air)] = f;
    p.c.ops->sent(&p.c, bytes, p.l.bytes_in_flight, p.now);
}

static void resolve_step(void)
{
    p.queue_bytes = fmax(p.queue_bytes - p.capacity * STEP_US / 1e6, 0);
    if (p.hold_us > 0 && p.now.us % p.hold_us >= STEP_US)
        return;
    while (p.count > 0 && time_due(p.air[p.first].due, p.now)) {
        const struct flight f = p.air[p.first];
        p.first = (p.first + 1) % (sizeof p.air / sizeof *p.air);
        p.count--;
        struct loss_summary s = {
            .acked_bytes = f.sent - f.lost, .lost_bytes = f.lost, .prior_in_flight = p.l.bytes_in_flight};
        s.largest_lost_sent_at = s.largest_acked_sent_at = f.at;
        s.lost_runs = (f.lost + PACKET - 1) / PACKET; /* one here, one there */
        s.lost_passed_bytes = p.l.delivered_bytes;
        const bool is_held = p.l.bytes_in_flight + PACKET > p.c.cwnd_bytes;
        p.l.bytes_in_flight -= f.sent;
        p.l.lost_bytes += f.lost;
        p.lost_bytes += f.lost;
        if (s.acked_bytes > 0) {
            p.l.delivered_bytes += s.acked_bytes;
            s.rtt_sampled = true;
            rtt_sample(&p.l.rtt, time_since(p.now, f.at), 0, p.now);
            s.rate_prior_delivered = f.delivered_before;
            s.rate_delivered = p.l.delivered_bytes - f.delivered_before;
            s.rate_lost = p.l.lost_bytes - f.lost_before;
            s.rate_bytes_per_s = s.rate_delivered * US_PER_S / time_since(p.now, f.at);
            s.rate_in_flight = f.in_flight;
        }
        p.c.ops->update(&p.c, &p.l, &s, is_held ? CC_IS_LIMITED : CC_UNLIMITED, p.now);
    }
}

/* The path was dead since the last call and lives again: a probe is acknowledged, and with it all before it is lost. */
static void heal(void)
{
    struct loss_summary s = {.acked_bytes = PACKET, .rtt_sampled = true, .prior_in_flight = p.l.bytes_in_flight};

    p.c.ops->sent(&p.c, PACKET, p.l.bytes_in_flight + PACKET, p.now);
    s.largest_acked_sent_at = p.now;
    s.rate_prior_delivered = p.l.delivered_bytes;
    p.now = time_add(p.now, RTT_US);
    rtt_sample(&p.l.rtt, RTT_US, 0, p.now);
    s.lost_bytes = p.l.bytes_in_flight;
    s.largest_lost_sent_at = p.air[(p.first + p.count - 1) % (sizeof p.air / sizeof *p.air)].at;
    p.l.lost_bytes += s.lost_bytes;
    p.l.delivered_bytes += PACKET;
    p.l.bytes_in_flight = 0;
    p.count = 0;
    s.rate_delivered = PACKET;
    s.rate_lost = s.lost_bytes;
    s.rate_bytes_per_s = PACKET * US_PER_S / RTT_US;
    p.dead = false;
    p.c.ops->update(&p.c, &p.l, &s, CC_IS_LIMITED, p.now);
}

static void run(double seconds)
{
    const duet_time end = time_add(p.now, (uint64_t)(seconds * 1e6));
    while (time_before(p.now, end)) {
        p.now = time_add(p.now, STEP_US);
        if (!p.dead)
            resolve_step();
        send_step();
    }
}

/* Share of the capacity delivered in the next seconds. */
static double utilisation(double seconds)
{
    const uint64_t before = p.l.delivered_bytes;
    run(seconds);
    return (double)(p.l.delivered_bytes - before) / (p.capacity * seconds);
}

static double loss_share(double seconds)
{
    const uint64_t sent = p.sent_bytes, lost = p.lost_bytes;
    run(seconds);
    return (double)(p.lost_bytes - lost) / (double)(p.sent_bytes - sent);
}

Test(cc_bbr, opens_paced_and_within_its_bounds)
{
    cr_assert_leq(p.c.cwnd_bytes, 14600);
    cr_assert_gt(p.c.pacing_bytes_per_s, 0);
    cr_assert_eq(cc_init(&p.c, "bbr", 65507, WINDOW, p.now), 0);
    cr_assert_eq(p.c.cwnd_bytes, cc_floor_bytes(&p.c));
}

/* One packet, alone and acknowledged after rtt_us: a text. */
static void exchange(uint64_t rtt_us)
{
    p.c.ops->sent(&p.c, PACKET, PACKET, p.now);
    struct loss_summary s = {.acked_bytes = PACKET,
                             .rtt_sampled = true,
                             .prior_in_flight = PACKET,
                             .largest_acked_sent_at = p.now,
                             .rate_app_limited = true,
                             .rate_prior_delivered = p.l.delivered_bytes,
                             .rate_delivered = PACKET,
                             .rate_in_flight = PACKET};
    p.now = time_add(p.now, rtt_us);
    rtt_sample(&p.l.rtt, rtt_us, 0, p.now);
    s.rate_bytes_per_s = PACKET * US_PER_S / rtt_us;
    p.l.delivered_bytes += PACKET;
    p.c.ops->update(&p.c, &p.l, &s, CC_UNLIMITED, p.now);
}

Test(cc_bbr, a_chat_before_the_first_file_neither_shrinks_nor_grows_the_window)
{
    for (int i = 0; i < 300; i++)
        exchange(i % 10 == 5 ? RTT_US + 30000 : RTT_US);
    cr_assert_eq(p.c.bbr.phase, BBR_STARTUP);
    cr_assert_geq(p.c.cwnd_bytes, 14600, "%lu", p.c.cwnd_bytes);
    cr_assert_leq(p.c.cwnd_bytes, 2 * 14600, "%lu", p.c.cwnd_bytes);
    run(10 * RTT_US / 1e6);
    cr_assert_gt((double)cc_bbr_path_bw(&p.c.bbr.path), BANDWIDTH * 0.95);
}

/* A text takes 30 ms more than the minimum, nine times in ten: to a probe that is a queue of others. */
Test(cc_bbr, a_chat_after_a_file_says_nothing_of_the_bandwidth)
{
    run(5);
    for (int i = 0; i < 300; i++)
        exchange(i % 10 == 5 ? RTT_US : RTT_US + 30000);
    cr_expect_geq((double)cc_bbr_path_bw(&p.c.bbr.path), BANDWIDTH * 0.9);
    cr_expect_geq((double)p.c.cwnd_bytes, BANDWIDTH * (RTT_US / 1e6) * 0.9);
}

/* 256 kbit/s and a queue of 30 KB, 64 kbit/s and one of 16: the opening flight is in it before
 * anything is known, and its first acknowledgements show it. */
Test(cc_bbr, a_modems_queue_takes_all_of_the_beginning)
{
    static const struct {
        double capacity, queue_limit; /* bytes/s, bytes */
        uint64_t rtt_us;
    } rows[] = {{32000, 30000, 200000}, {8000, 16000, 300000}, {125000, 30000, 100000}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        close_path();
        open_path();
        p.capacity = rows[i].capacity;
        p.queue_limit = rows[i].queue_limit;
        p.rtt_us = rows[i].rtt_us;
        for (int texts = 0; texts < 3; texts++)
            exchange(p.rtt_us); /* names, the offer */
        run(5);
        cr_expect_eq(p.lost_bytes, 0, "row %zu: %lu bytes", i, p.lost_bytes);
        cr_expect_gt((double)p.l.delivered_bytes, 4 * p.capacity, "row %zu: the line was idle", i);
    }
}

Test(cc_bbr, an_opening_flight_without_a_queue_proves_its_pace_for_a_round_trip)
{
    static const struct {
        uint64_t rtt_us;
        double capacity; /* bytes/s */
        bool proven;
    } rows[] = {{300000, BANDWIDTH, true}, {300000, 1000000, false}, {20000, BANDWIDTH, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        close_path();
        open_path();
        p.rtt_us = rows[i].rtt_us;
        p.capacity = rows[i].capacity;
        run((double)p.rtt_us / 1e6 + 0.06);
        const double rounds = (double)p.c.cwnd_bytes / (1500000 * (double)p.rtt_us / 1e6);
        cr_expect_eq(p.c.cwnd_bytes > 900000, rows[i].proven, "row %zu: %lu", i, p.c.cwnd_bytes);
        cr_expect(!rows[i].proven || rounds < 3, "row %zu: %f", i, rounds);
    }
}

/* A sample of the round-trip time while much is in flight. */
static void sample(uint64_t rtt_us)
{
    struct loss_summary s = {.rtt_sampled = true, .prior_in_flight = 100 * PACKET, .rate_app_limited = true};
    rtt_sample(&p.l.rtt, rtt_us, 0, p.now);
    p.c.ops->update(&p.c, &p.l, &s, CC_UNLIMITED, p.now);
}

Test(cc_bbr, a_queue_is_what_all_of_some_samples_show)
{
    for (int i = 0; i < 50; i++) {
        for (int n = 0; n < 7; n++)
            sample(RTT_US + 10000);
        sample(RTT_US); /* the eighth: it was jitter */
    }
    cr_assert_not(p.c.bbr.queue_met);
    for (int n = 0; n < 8; n++)
        sample(RTT_US + 3000);
    cr_assert_not(p.c.bbr.queue_met, "not enough of it");
    for (int n = 0; n < 8; n++)
        sample(RTT_US + 5000);
    cr_assert(p.c.bbr.queue_met);
}

Test(cc_bbr, finds_the_bandwidth_within_ten_round_trips_and_drains)
{
    run(10 * RTT_US / 1e6);
    cr_assert_gt((double)cc_bbr_path_bw(&p.c.bbr.path), BANDWIDTH * 0.95);
    run(1);
    cr_assert_eq(p.c.bbr.phase, BBR_CRUISE);
    const double queue = p.queue_bytes / (BANDWIDTH * (RTT_US / 1e6));
    cr_assert_lt(queue, 0.25, "%g", queue);
    cr_assert_gt(utilisation(10), 0.96);
}

Test(cc_bbr, random_loss_costs_what_it_takes_and_no_more)
{
    static const double rows[] = {.01, .05, .10, .20, .24};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        close_path();
        open_path();
        p.loss = rows[i];
        run(2);
        const double got = utilisation(10) / (1 - rows[i]);
        cr_assert_gt(got, 0.94, "loss %g: %g", rows[i], got);
        cr_assert_float_eq(p.c.bbr.loss.floor, rows[i], 0.02, "loss %g: floor %g", rows[i], p.c.bbr.loss.floor);
    }
}

/* At 5.5 s it cruises.  Loss that begins within a probe (4.6 to 5.1 s here) passes for the probe's
 * and costs a quarter of the rate for longer than is waited here. */
Test(cc_bbr, loss_that_begins_later_is_learnt)
{
    run(5.5);
    p.loss = .10;
    run(3);
    const double got = utilisation(8) / 0.9;
    cr_assert_gt(got, 0.94, "%g", got);
}

Test(cc_bbr, a_policer_is_not_mistaken_for_a_radio)
{
    p.police = BANDWIDTH / 5.0;
    p.queue_limit = 1e9;
    run(5);
    const double lost = loss_share(20);
    cr_assert_lt(lost, 0.04, "%g", lost);
    p.capacity = p.police;
    cr_assert_gt(utilisation(5), 0.85);
}

/* On a short path the pacer's bucket holds as much as a round trip sends: none of it was sent slower. */
Test(cc_bbr, a_guard_is_what_was_sent_after_the_bucket_was_empty)
{
    const struct cc_bbr *b = &p.c.bbr;
    duet_time begun, slowed = DUET_NEVER;

    p.rtt_us = 1000;
    p.queue_limit = BANDWIDTH * 1e-3;
    p.loss = .10;
    run(1);
    for (int i = 0; i < 40000 && !(b->phase == BBR_DOWN && b->guarding && !b->guard_slowed); i++)
        run(STEP_US / 1e6);
    begun = b->phase_at;
    cr_assert(b->phase == BBR_DOWN && b->guarding);
    cr_assert_not(b->loss.span[b->loss.span_count - 1].guard);
    for (; b->phase == BBR_DOWN; run(STEP_US / 1e6))
        if (b->loss.span[b->loss.span_count - 1].guard)
            slowed = time_min(slowed, b->loss.span[b->loss.span_count - 1].since);
    cr_assert_geq(time_since(slowed, begun), 1000);
    cr_assert_leq(time_since(slowed, begun), 1000 + 2 * p.rtt_us);
    cr_assert_geq(time_since(p.now, begun), 4000);
}

Test(cc_bbr, a_full_queue_is_congestion)
{
    p.queue_limit = BANDWIDTH * (RTT_US / 1e6) / 10;
    run(5);
    cr_assert_lt(loss_share(20), 0.02);
    cr_assert_lt(p.c.bbr.loss.floor, CC_BBR_FLOOR_SMALL);
}

static void run_until(enum cc_bbr_phase phase)
{
    for (int i = 0; p.c.bbr.phase != phase && i < 10000; i++)
        run(0.001);
    cr_assert_eq(p.c.bbr.phase, phase);
}

/* A ceiling just above one BDP, as a congested probe leaves it. */
static void set_ceiling(bool queued)
{
    run(5);
    run_until(BBR_CRUISE);
    p.c.bbr.path.inflight_hi = num_share(1 / CC_BBR_HEADROOM, cc_bbr_path_bdp(&p.c.bbr.path, &p.l.rtt));
    p.c.bbr.hi_queued = queued;
    p.c.bbr.probe_at = DUET_NEVER;
    p.c.bbr.probe_round = UINT64_MAX;
}

Test(cc_bbr, a_ceiling_leaves_room_for_the_pauses_of_acknowledgements_while_the_queue_is_empty)
{
    p.hold_us = 30000;
    set_ceiling(true);
    const double with_room = utilisation(4);
    set_ceiling(false); /* a policer's: what passes beyond it is dropped */
    const double without = utilisation(4);
    cr_assert_gt(with_room, 0.92, "%g", with_room);
    cr_assert_lt(without, 0.89, "%g", without);
    set_ceiling(true);
    p.rtt_us += RTT_US / 8; /* others' queue */
    run(0.5);
    cr_assert_leq(p.c.cwnd_bytes, num_share(CC_BBR_HEADROOM, p.c.bbr.path.inflight_hi) + PACKET);
}

Test(cc_bbr, a_queue_of_its_own_shows_by_how_much_the_estimate_is_too_good)
{
    for (int mine = 1; mine >= 0; mine--) {
        close_path();
        open_path();
        run_until(BBR_REFILL);
        run_until(BBR_DOWN);
        run_until(BBR_CRUISE);
        run(0.3); /* the queue is empty once */
        p.c.bbr.path.bw[1] = num_share(1.04, (uint64_t)BANDWIDTH);
        p.c.bbr.refill_empty = mine;
        p.c.bbr.probe_at = DUET_NEVER;
        run(2.5);
        const double pace = (double)p.c.pacing_bytes_per_s / BANDWIDTH;
        if (mine)
            cr_assert(pace > 0.96 && pace < 1, "%g", pace);
        else
            cr_assert_gt(pace, 1.01, "others may have the queue: %g", pace);
        p.c.bbr.true_bw = BANDWIDTH / 2; /* that far off is no jitter: the path has become faster, say */
        run(0.1);
        cr_assert_gt((double)p.c.pacing_bytes_per_s, 0.93 * BANDWIDTH);
    }
}

/* By the second probe, that is; the second waits for the turn that follows the first. */
Test(cc_bbr, less_bandwidth_is_followed_by_two_probes)
{
    run(5);
    p.capacity = BANDWIDTH / 5.0;
    p.queue_limit = p.capacity * (RTT_US / 1e6);
    run(16);
    cr_assert_lt((double)p.c.pacing_bytes_per_s, 1.3 * p.capacity);
    const double lost = loss_share(8);
    cr_assert_lt(lost, 0.03, "%g", lost);
}

Test(cc_bbr, more_bandwidth_is_found)
{
    p.capacity = BANDWIDTH / 5.0;
    run(5);
    p.rtt_us = RTT_US;
    p.capacity = BANDWIDTH;
    run(8);
    cr_assert_gt(utilisation(5), 0.9);
}

Test(cc_bbr, after_a_congested_probe_the_others_have_as_long_as_cubic_needs)
{
    static const struct {
        double weight, least_s, most_s;    /* K for 3/4 of 520 packets: 6.6 s; 8 rounds: 0.4 s, and two are over */
    } rows[] = {{1, 6, 8.5}, {0, 0.3, 4}}; /* so much loss brings yielding back */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        close_path();
        open_path();
        run(5);
        run_until(BBR_CRUISE);
        run(4 * RTT_US / 1e6); /* what stood in the queue has left */
        p.queue_limit /= 16;
        for (int probes = 0; p.c.bbr.probe_round != UINT64_MAX && probes < 5; probes++) { /* until one is congested */
            run_until(BBR_UP);
            p.c.bbr.up_alone = false;
            p.c.bbr.yield.interval_rounds *= rows[i].weight;
            p.c.bbr.yield.answer *= rows[i].weight;
            run_until(BBR_DOWN);
            run(2 * RTT_US / 1e6); /* the last of what the probe sent is told of */
        }
        const double turn_s = (double)time_since(p.c.bbr.probe_at, p.now) / 1e6;
        cr_assert(turn_s >= rows[i].least_s && turn_s <= rows[i].most_s, "weight %g: %g s", rows[i].weight, turn_s);
        cr_assert_eq(p.c.bbr.probe_round, UINT64_MAX, "a number of rounds does not cut it short");
    }
}

Test(cc_bbr, an_outage_leaves_the_model_as_it_was)
{
    run(5);
    const uint64_t bw = cc_bbr_path_bw(&p.c.bbr.path);
    p.dead = true;
    run(10);
    heal();
    cr_assert_eq(p.c.bbr.path.bw_lo, UINT64_MAX);
    run(2 * RTT_US / 1e6);
    cr_assert_gt(cc_bbr_path_bw(&p.c.bbr.path), bw * 9 / 10);
    cr_assert_gt(utilisation(1), 0.9);
    cr_assert_lt(p.c.bbr.loss.floor, CC_BBR_FLOOR_SMALL);
}

Test(cc_bbr, a_mark_counts_once_a_round_trip)
{
    run(5);
    const uint64_t before = p.c.cwnd_bytes;
    p.c.ops->marked(&p.c, p.now, p.now);
    const uint64_t after = p.c.cwnd_bytes;
    cr_assert_lt(after, before * 3 / 4);
    p.c.ops->marked(&p.c, p.now, p.now);
    cr_assert_eq(p.c.cwnd_bytes, after);
    p.now = time_add(p.now, RTT_US);
    p.c.ops->marked(&p.c, p.now, p.now);
    cr_assert_lt(p.c.cwnd_bytes, after);
}

Test(cc_bbr, never_leaves_the_bounds_of_the_window)
{
    p.capacity = 1e9;
    p.queue_limit = 1e9;
    for (int i = 0; i < 100; i++) {
        run(.05);
        cr_assert_leq(p.c.cwnd_bytes, cc_ceiling_bytes(&p.c));
        cr_assert_geq(p.c.cwnd_bytes, cc_floor_bytes(&p.c));
        p.loss = i % 10 == 9 ? 1 : 0;
    }
}

/* 0.15 to 0.23 s instead of 2 to 3. */
Test(cc_bbr, where_the_rate_has_grown_probes_follow_each_other_soon)
{
    for (int grown = 0; grown < 2; grown++) {
        close_path();
        open_path();
        run(5);
        run_until(BBR_UP);
        p.c.bbr.up_alone = true;
        p.c.bbr.probed_bw -= grown ? p.c.bbr.probed_bw / 8 : 0;
        run_until(BBR_DOWN);
        const double wait_s = (double)time_since(p.c.bbr.probe_at, p.now) / 1e6;
        cr_assert_eq(p.c.bbr.unsteady > 0, grown);
        cr_assert(grown ? wait_s <= 0.23 : wait_s >= 1.9, "%g s", wait_s);
    }
}

/* Some random losses, or a machine that was busy, end Startup far below what the path carries. */
Test(cc_bbr, a_startup_that_ended_early_is_not_the_last_word)
{
    run(0.15);
    p.c.bbr.full_reached = true;
    p.c.bbr.path.inflight_hi = 4 * PACKET;
    run_until(BBR_CRUISE);
    cr_assert_gt(p.c.bbr.path.inflight_hi, cc_bbr_path_bdp(&p.c.bbr.path, &p.l.rtt), "it came through meanwhile");
    cr_assert_leq(time_since(p.c.bbr.probe_at, p.now), 230000, "where no queue was met a probe is due soon");
}

Test(cc_bbr, a_probe_goes_on_while_its_ceiling_rises)
{
    run(3);
    run_until(BBR_CRUISE);
    const uint64_t bdp = cc_bbr_path_bdp(&p.c.bbr.path, &p.l.rtt);
    p.c.bbr.path.inflight_hi = bdp / 4;
    run_until(BBR_UP);
    run_until(BBR_DOWN);
    cr_assert_geq(p.c.bbr.path.inflight_hi, bdp, "three rounds of a quarter more would be half of it");
}

/* Wi-Fi: each packet waits up to 8 ms of its own, and those sent later overtake it. */
Test(cc_bbr, a_queue_that_only_jitters_is_seen_empty)
{
    p.rtt_us = 10000;
    run(3);
    p.l.reorder_steps = 2;
    run_until(BBR_CRUISE);
    p.c.bbr.path.jitter_us[0] = p.c.bbr.path.jitter_us[1] = 3000;
    p.c.bbr.empty_at = DUET_TIME(0);
    p.rtt_us = 15000;
    run(0.04);
    cr_assert_gt(p.c.bbr.empty_at.us, 0, "within twice the jitter");
    p.c.bbr.path.jitter_us[0] = p.c.bbr.path.jitter_us[1] = 0;
    p.c.bbr.empty_at = DUET_TIME(0);
    run(0.04);
    cr_assert_eq(p.c.bbr.empty_at.us, 0, "without jitter it would be a queue");
}
