/* loss: what is lost, when to probe, what a peer may claim. */
#include "unit.h"

#include "base/err.h"
#include "base/rand.h"
#include "recovery/loss.h"

#define RTT 100000
#define BYTES 1000

static struct loss l;
static struct loss_summary s;

static void send_many(uint64_t from, uint64_t end, uint64_t at_us)
{
    for (uint64_t n = from; n < end; n++)
        cr_assert_not_null(loss_sent(&l, n, BYTES, true, false, DUET_TIME(at_us)));
}

/* Acknowledges [start, end). */
static int ack(uint64_t start, uint64_t end, uint64_t at_us)
{
    struct frame_ack a = {.largest = end - 1, .range_count = 1, .ranges = {{.start = start, .end = end}}};

    return loss_ack(&l, &a, DUET_TIME(at_us), &s);
}

static size_t take_acked(size_t *spurious)
{
    const struct sent_packet *p;
    uint64_t last = 0;
    bool late;
    size_t n = 0;

    for (; (p = loss_take_acked(&l, &late)); n++) {
        cr_assert(n == 0 || p->number > last, "ascending");
        last = p->number;
        if (spurious)
            *spurious += late;
    }
    return n;
}

static size_t take_lost(void)
{
    size_t n = 0;

    while (loss_take_lost(&l))
        n++;
    return n;
}

/* Twenty packets and their acknowledgements: srtt = RTT, variance near its floor; the next number is 20. */
static void setup(void)
{
    loss_init(&l);
    for (uint64_t n = 0; n < 20; n++) {
        send_many(n, n + 1, n * RTT);
        cr_assert_eq(ack(n, n + 1, (n + 1) * RTT), 0);
        cr_assert_eq(take_acked(NULL), 1);
    }
    cr_assert_eq(l.rtt.srtt_us, RTT);
}

static void teardown(void)
{
    loss_dispose(&l);
}

TestSuite(loss, .init = setup, .fini = teardown);

#define T0 (20 * (uint64_t)RTT)

Test(loss, counts_what_is_in_flight)
{
    cr_assert(time_is_never(loss_deadline(&l)));
    send_many(20, 25, T0);
    cr_assert_not_null(loss_sent(&l, 25, BYTES, false, false, DUET_TIME(T0)));
    cr_assert_eq(l.bytes_in_flight, 5 * BYTES, "an ACK alone does not count");
    cr_assert_eq(sentmap_get(&l.sent, 24)->in_flight, 5 * BYTES);
    ack(20, 23, T0 + RTT);
    cr_assert_eq(s.acked_bytes, 3 * BYTES);
    cr_assert_eq(s.prior_in_flight, 5 * BYTES);
    cr_assert(s.rtt_sampled && s.largest_is_new);
    cr_assert_eq(l.bytes_in_flight, 2 * BYTES);
    cr_assert_eq(take_acked(NULL), 3);
    ack(20, 26, T0 + RTT + 1);
    cr_assert_eq(s.acked_bytes, 2 * BYTES);
    cr_assert_eq(l.bytes_in_flight, 0);
    cr_assert_eq(take_acked(NULL), 3);
    cr_assert(time_is_never(loss_deadline(&l)));
}

Test(loss, acks_of_the_forgotten_change_nothing)
{
    send_many(20, 30, T0);
    ack(20, 30, T0 + RTT);
    take_acked(NULL);
    cr_assert_eq(ack(0, 30, T0 + RTT + 5), 0);
    cr_assert_eq(s.acked_bytes, 0);
    cr_assert(!s.rtt_sampled && !s.largest_is_new);
    cr_assert_eq(s.rate_delivered, 0);
    cr_assert_eq(ack(3, 4, T0 + RTT + 6), 0);
}

Test(loss, acks_of_the_unsent_are_a_violation_and_change_nothing)
{
    send_many(20, 30, T0);
    cr_assert_eq(ack(20, 31, T0 + RTT), DUET_EPROTOCOL);
    cr_assert_eq(ack(UINT64_C(1) << 61, (UINT64_C(1) << 61) + 1, T0 + RTT), DUET_EPROTOCOL);
    cr_assert_eq(l.bytes_in_flight, 10 * BYTES);
    cr_assert_eq(take_acked(NULL), 0);
}

Test(loss, acks_of_skipped_numbers_are_a_violation)
{
    loss_skip(&l, 22);
    send_many(20, 22, T0);
    send_many(23, 30, T0);
    cr_assert_eq(ack(20, 24, T0 + RTT), DUET_EPROTOCOL);
    cr_assert_eq(ack(22, 23, T0 + RTT), DUET_EPROTOCOL);
    cr_assert_eq(l.bytes_in_flight, 9 * BYTES);
    cr_assert_eq(ack(23, 30, T0 + RTT), 0);
    cr_assert_eq(ack(20, 22, T0 + RTT), 0);
    cr_assert_eq(take_acked(NULL), 9);
    cr_assert_eq(ack(20, 30, T0 + RTT), DUET_EPROTOCOL, "still, when its neighbours are gone");

    /* In the middle of many ranges, and among as many skipped as are remembered. */
    for (uint64_t i = 0; i < LOSS_SKIPPED; i++)
        loss_skip(&l, 31 + 2 * i);
    for (uint64_t i = 0; i < LOSS_SKIPPED + 1; i++)
        send_many(30 + 2 * i, 31 + 2 * i, T0 + RTT);
    struct frame_ack a = {.largest = 30 + 2 * LOSS_SKIPPED, .range_count = LOSS_SKIPPED + 1};
    for (uint64_t i = 0; i <= LOSS_SKIPPED; i++)
        a.ranges[i] = (struct range){.start = a.largest - 2 * i, .end = a.largest - 2 * i + 1};
    for (uint64_t i = 1; i <= LOSS_SKIPPED; i++) {
        struct frame_ack b = a;
        b.ranges[i].end++;
        cr_assert_eq(loss_ack(&l, &b, DUET_TIME(T0 + 2 * RTT), &s), DUET_EPROTOCOL, "row %lu", i);
    }
    cr_assert_eq(loss_ack(&l, &a, DUET_TIME(T0 + 2 * RTT), &s), 0);
    cr_assert_eq(take_acked(NULL), LOSS_SKIPPED + 1);
}

Test(loss, reordering_within_an_eighth_is_no_loss)
{
    send_many(20, 60, T0);
    ack(21, 60, T0 + RTT); /* far more than three packets overtook 20 */
    cr_assert_eq(s.lost_bytes, 0);
    cr_assert_eq(loss_deadline(&l).us, T0 + RTT + RTT / 8);
    loss_timer(&l, DUET_TIME(T0 + RTT + RTT / 8 - 1), &s);
    cr_assert_eq(s.lost_bytes, 0);
    ack(20, 60, T0 + RTT + RTT / 8 - 1);
    cr_assert_eq(s.acked_bytes, BYTES);
    cr_assert_eq(l.spurious_packets, 0);
    cr_assert_eq(l.lost_packets, 0);
    cr_assert(time_is_never(loss_deadline(&l)));
}

Test(loss, an_old_packet_below_a_delivered_one_is_lost)
{
    send_many(20, 30, T0);
    send_many(30, 40, T0 + 5000);
    ack(25, 26, T0 + RTT);
    cr_assert_eq(take_lost(), 0);
    loss_timer(&l, DUET_TIME(T0 + RTT + RTT / 8), &s);
    cr_assert_eq(s.lost_bytes, 5 * BYTES, "20..24; 26..39 were sent after 25");
    cr_assert_eq(s.largest_lost_sent_at.us, T0);
    cr_assert_eq(s.prior_in_flight, 19 * BYTES);
    cr_assert_eq(l.bytes_in_flight, 14 * BYTES);
    cr_assert_eq(take_lost(), 5);
    cr_assert_eq(l.probes_due, 0);
    cr_assert(!s.persistent_congestion);
}

Test(loss, runs_of_lost_packets_are_counted_with_what_lies_between_them)
{
    struct frame_ack a = {.largest = 99, .range_count = 3};
    a.ranges[0] = (struct range){.start = 71, .end = 100};
    a.ranges[1] = (struct range){.start = 60, .end = 70};
    a.ranges[2] = (struct range){.start = 20, .end = 50};

    send_many(20, 100, T0);
    cr_assert_eq(loss_ack(&l, &a, DUET_TIME(T0 + RTT), &s), 0);
    loss_timer(&l, DUET_TIME(T0 + RTT + RTT / 8), &s);
    cr_assert_eq(s.lost_bytes, 11 * BYTES, "50..59 and 70");
    cr_assert_eq(s.lost_runs, 2);
    cr_assert_eq(s.lost_gap, 50, "none was lost before 50");
    cr_assert_eq(s.lost_passed_bytes, 60 * BYTES, "0..49 and 60..69 came through before 70");
    take_lost();
    send_many(100, 102, T0 + 2 * RTT);
    send_many(102, 110, T0 + 2 * RTT + 1000);
    ack(105, 106, T0 + 3 * RTT);
    loss_timer(&l, DUET_TIME(T0 + 3 * RTT + RTT / 8), &s);
    cr_assert_eq(s.lost_runs, 1);
    cr_assert_eq(s.lost_gap, 29);
    loss_timer(&l, DUET_TIME(T0 + 3 * RTT + RTT / 8 + 1000), &s);
    cr_assert_gt(s.lost_bytes, 0);
    cr_assert_eq(s.lost_runs, 0, "102 goes on with the run of 101");
}

Test(loss, the_granularity_guards_short_paths)
{
    loss_dispose(&l);
    loss_init(&l);
    send_many(0, 1, 0);
    ack(0, 1, 100);
    send_many(1, 3, 1000);
    ack(2, 3, 1100);
    cr_assert_eq(loss_deadline(&l).us, 1000 + 100 + LOSS_REORDER_MIN_US);
}

/* Sends three at `at`, has the first two declared lost; `late`: and then acknowledged.  Returns when all is over. */
static uint64_t recovery(uint64_t at, bool late)
{
    uint64_t n = l.sent.next;

    send_many(n, n + 3, at);
    ack(n + 2, n + 3, at + RTT);
    take_acked(NULL);
    loss_timer(&l, loss_deadline(&l), &s);
    cr_assert_eq(take_lost(), 2);
    if (!late)
        return at + 2 * RTT;
    size_t spurious = 0;
    ack(n, n + 3, at + 2 * RTT);
    cr_assert_eq(s.spurious_bytes, 2 * BYTES);
    cr_assert_eq(s.acked_bytes, 0);
    cr_assert_eq(take_acked(&spurious), 2);
    cr_assert_eq(spurious, 2);
    return at + 2 * RTT;
}

Test(loss, spurious_losses_widen_the_window_and_quiet_narrows_it)
{
    static const uint32_t wider[] = {2, 4, 8, 8};
    uint64_t at = T0;

    for (size_t i = 0; i < 4; i++) {
        at = recovery(at, true);
        cr_assert_eq(l.reorder_steps, wider[i]);
    }
    /* The first fifteen recoveries since the mistake change nothing, then each sixteenth halves. */
    for (unsigned i = 1; i <= 3 * LOSS_QUIET_RECOVERIES; i++) {
        at = recovery(at, false);
        cr_assert_eq(l.reorder_steps, 8U >> (i / LOSS_QUIET_RECOVERIES), "after %u", i);
    }
    for (unsigned i = 0; i < LOSS_QUIET_RECOVERIES; i++)
        at = recovery(at, false);
    cr_assert_eq(l.reorder_steps, 1, "not below an eighth");
}

Test(loss, the_window_widens_once_per_round_trip)
{
    send_many(20, 30, T0);
    ack(29, 30, T0 + RTT);
    loss_timer(&l, loss_deadline(&l), &s);
    cr_assert_eq(take_lost(), 9);
    for (uint64_t n = 20; n < 29; n++)
        ack(n, n + 1, T0 + 120000 + n);
    cr_assert_eq(l.spurious_packets, 9);
    cr_assert_eq(l.reorder_steps, 2);
}

Test(loss, lost_packets_are_remembered_for_some_ptos)
{
    uint64_t keep = LOSS_KEEP_PTOS * rtt_pto_us(&l.rtt);
    uint64_t lost_at = T0 + RTT + RTT / 8;

    send_many(20, 22, T0);
    ack(21, 22, T0 + RTT);
    take_acked(NULL);
    loss_timer(&l, DUET_TIME(lost_at), &s);
    cr_assert_eq(take_lost(), 1);
    loss_timer(&l, DUET_TIME(lost_at + keep), &s);
    cr_assert_not_null(sentmap_get(&l.sent, 20));
    loss_timer(&l, DUET_TIME(lost_at + keep + 1), &s);
    cr_assert_null(sentmap_get(&l.sent, 20));
    cr_assert_eq(ack(20, 22, lost_at + keep + 2), 0);
    cr_assert_eq(s.spurious_bytes, 0);
}

Test(loss, the_tail_is_probed_and_then_lost)
{
    send_many(20, 24, T0);
    ack(20, 22, T0 + RTT);
    take_acked(NULL);
    uint64_t pto = rtt_pto_us(&l.rtt);
    cr_assert_eq(loss_deadline(&l).us, T0 + pto);
    loss_timer(&l, DUET_TIME(T0 + pto), &s);
    cr_assert_eq(l.probes_due, LOSS_PROBES);
    cr_assert_eq(l.pto_count, 1);
    cr_assert_eq(s.lost_bytes, 0, "a timeout is no loss");
    cr_assert_eq(l.bytes_in_flight, 2 * BYTES);

    cr_assert_not_null(loss_sent(&l, 24, BYTES, true, true, DUET_TIME(T0 + pto)));
    cr_assert_eq(l.probes_due, 1);
    cr_assert_not_null(loss_sent(&l, 25, BYTES, true, true, DUET_TIME(T0 + pto)));
    cr_assert_eq(l.probes_due, 0);
    cr_assert_eq(loss_deadline(&l).us, T0 + pto + 2 * pto, "doubled, from the probes");

    ack(24, 26, T0 + pto + RTT);
    cr_assert_eq(s.lost_bytes, 2 * BYTES);
    cr_assert_eq(take_lost(), 2);
    cr_assert_eq(l.pto_count, 0);
}

Test(loss, probe_timeouts_back_off_up_to_their_cap)
{
    uint64_t pto = rtt_pto_us(&l.rtt);
    uint64_t at = T0;

    send_many(20, 21, at);
    for (unsigned i = 0; i < 70; i++) {
        uint64_t want = i < 20 ? pto << i : UINT64_MAX;
        cr_assert_eq(loss_deadline(&l).us - at, want < LOSS_PTO_MAX_US ? want : LOSS_PTO_MAX_US, "timeout %u", i);
        at = loss_deadline(&l).us;
        loss_timer(&l, DUET_TIME(at - 1), &s);
        cr_assert_eq(l.pto_count, i, "not early");
        loss_timer(&l, DUET_TIME(at), &s); /* and no probe leaves: the deadline must move all the same */
    }
}

Test(loss, a_plain_pto_longer_than_the_cap_is_kept)
{
    loss_dispose(&l);
    loss_init(&l);
    send_many(0, 1, 0);
    ack(0, 1, 400000);
    send_many(1, 2, T0);
    uint64_t pto = rtt_pto_us(&l.rtt);
    cr_assert_gt(pto, LOSS_PTO_MAX_US);
    cr_assert_eq(loss_deadline(&l).us, T0 + pto);
    loss_timer(&l, DUET_TIME(T0 + pto), &s);
    cr_assert_eq(loss_deadline(&l).us, T0 + 2 * pto);
}

Test(loss, only_what_elicits_arms_the_probe_timer)
{
    cr_assert_not_null(loss_sent(&l, 20, BYTES, false, false, DUET_TIME(T0)));
    cr_assert(time_is_never(loss_deadline(&l)));
    cr_assert_not_null(loss_sent(&l, 21, 0, true, true, DUET_TIME(T0)));
    cr_assert_eq(loss_deadline(&l).us, T0 + rtt_pto_us(&l.rtt), "also when it counts no bytes");
}

/* Sends one packet per PTO; all but the last are lost, `acked` arrives too. */
static void outage(uint64_t count, uint64_t acked)
{
    uint64_t pto = rtt_pto_us(&l.rtt);
    uint64_t last = 20 + count - 1;

    for (uint64_t i = 0; i < count; i++)
        send_many(20 + i, 21 + i, T0 + i * pto);
    struct frame_ack a = {.largest = last, .range_count = 1, .ranges = {{.start = last, .end = last + 1}}};
    if (acked > 0) {
        a.range_count = 2;
        a.ranges[1] = (struct range){.start = acked, .end = acked + 1};
    }
    cr_assert_eq(loss_ack(&l, &a, DUET_TIME(T0 + (count - 1) * pto + RTT), &s), 0);
}

Test(loss, nothing_through_for_three_ptos_is_persistent_congestion)
{
    outage(6, 0);
    cr_assert_eq(s.lost_bytes, 5 * BYTES);
    cr_assert(s.persistent_congestion);
}

Test(loss, one_packet_through_is_no_persistent_congestion)
{
    outage(6, 22);
    cr_assert_eq(s.lost_bytes, 4 * BYTES);
    cr_assert(!s.persistent_congestion);
}

Test(loss, a_short_outage_is_no_persistent_congestion)
{
    outage(4, 0);
    cr_assert_eq(s.lost_bytes, 3 * BYTES);
    cr_assert(!s.persistent_congestion);
}

Test(loss, losses_before_the_first_sample_are_no_persistent_congestion)
{
    loss_dispose(&l);
    loss_init(&l);
    for (uint64_t i = 0; i < 10; i++)
        send_many(i, i + 1, i * US_PER_S);
    ack(9, 10, 9 * US_PER_S + RTT);
    cr_assert_eq(s.lost_bytes, 9 * BYTES);
    cr_assert(!s.persistent_congestion);
}

Test(loss, skipped_numbers_do_not_break_a_persistent_run)
{
    uint64_t pto = rtt_pto_us(&l.rtt);

    for (uint64_t i = 0; i < 6; i++) {
        send_many(20 + 2 * i, 21 + 2 * i, T0 + i * pto);
        loss_skip(&l, 21 + 2 * i);
    }
    ack(30, 31, T0 + 5 * pto + RTT);
    cr_assert(s.persistent_congestion);
}

Test(loss, a_dead_path_loses_everything)
{
    send_many(20, 30, T0);
    loss_timer(&l, loss_deadline(&l), &s);
    loss_all_lost(&l, &s);
    cr_assert_eq(s.lost_bytes, 10 * BYTES);
    cr_assert_eq(take_lost(), 10);
    cr_assert_eq(l.bytes_in_flight, 0);
    cr_assert_eq(l.probes_due, 0);
    cr_assert(time_is_never(loss_deadline(&l)));
    ack(20, 25, T0 + RTT);
    cr_assert_eq(s.spurious_bytes, 5 * BYTES, "a late word is still understood");
}

/* Its peer moved; this one was sent to where it is now. */
Test(loss, what_went_ahead_is_not_lost_with_the_rest)
{
    send_many(20, 30, T0);
    sentmap_get(&l.sent, 25)->ahead = true;
    loss_all_lost(&l, &s);
    cr_assert_eq(take_lost(), 9);
    cr_assert_eq(l.bytes_in_flight, BYTES);
    ack(25, 26, T0 + RTT);
    cr_assert_eq(s.acked_bytes, BYTES);
}

Test(loss, nothing_is_lost_while_the_way_is_in_doubt)
{
    send_many(20, 30, T0);
    send_many(30, 31, T0 + RTT);
    l.in_doubt = true;
    ack(30, 31, T0 + 2 * RTT);
    cr_assert_eq(s.lost_bytes, 0);
    cr_assert_eq(take_lost(), 0);
    l.in_doubt = false;
    send_many(31, 32, T0 + 2 * RTT);
    ack(31, 32, T0 + 3 * RTT);
    cr_assert_eq(s.lost_bytes, 10 * BYTES);
}

Test(loss, remembered_losses_do_not_take_the_room_of_new_packets)
{
    uint64_t end = LIMIT_SENT_PACKETS;

    send_many(20, end, T0);
    cr_assert(!loss_has_room(&l, end));
    cr_assert_null(loss_sent(&l, end, BYTES, true, false, DUET_TIME(T0)));
    ack(1000, end - 1, T0 + RTT);
    take_acked(NULL);
    loss_timer(&l, loss_deadline(&l), &s);
    cr_assert_eq(take_lost(), 980);
    cr_assert(loss_has_room(&l, end));
    send_many(end, end + 1, T0 + 2 * RTT);
    cr_assert_null(sentmap_get(&l.sent, 20), "the oldest gave way");
}

/* Acknowledging the newest of every thousand, late, makes all others lost and remembered for long. */
Test(loss, no_more_than_so_many_losses_are_remembered)
{
    enum { STEP = 1000 };
    const uint64_t rtt = 10 * US_PER_S;
    uint64_t next = 20;

    for (int i = 0; i < 100; i++, next += STEP) {
        send_many(next, next + STEP, T0 + (uint64_t)i);
        ack(next + STEP - 1, next + STEP, T0 + (uint64_t)i + rtt);
        take_acked(NULL);
        loss_timer(&l, DUET_TIME(T0 + 2 * rtt), &s);
        take_lost();
        cr_assert_leq(l.sent.in[SENT_LOST].count, LOSS_KEPT);
    }
    cr_assert_eq(l.sent.in[SENT_LOST].count, LOSS_KEPT);
    cr_assert_not_null(sentmap_get(&l.sent, next - 2), "the newest are");
    cr_assert_null(sentmap_get(&l.sent, 20), "the oldest are not");
}

Test(loss, no_more_than_so_many_packets_that_ask_for_nothing_are_remembered)
{
    send_many(20, 22, T0);
    for (uint64_t n = 22; n < 22 + 5 * LOSS_LONE_KEPT; n++) {
        if (n % 10 == 0)
            send_many(n, n + 1, T0 + n);
        else
            cr_assert_not_null(loss_sent(&l, n, BYTES, false, false, DUET_TIME(T0 + n)));
    }
    cr_assert_eq(l.sent.in[SENT_OUTSTANDING].count, l.eliciting_in_flight + LOSS_LONE_KEPT);
    cr_assert_null(sentmap_get(&l.sent, 22), "the oldest was forgotten");
    cr_assert_not_null(sentmap_get(&l.sent, 21), "but not what waits for its answer");
    cr_assert_not_null(sentmap_get(&l.sent, 21 + 5 * LOSS_LONE_KEPT));
    cr_assert_eq(ack(20, 22 + 5 * LOSS_LONE_KEPT, T0 + RTT), 0, "no harm in an ACK of what was forgotten");
    cr_assert_eq(l.bytes_in_flight, 0);
    cr_assert_eq(l.eliciting_in_flight, 0);
    take_acked(NULL);
    cr_assert_eq(l.sent.in[SENT_OUTSTANDING].count, 0);
    cr_assert_eq(l.lone_in_flight, 0);
}

Test(loss, a_taken_record_stays_until_the_next_take)
{
    bool spurious;

    send_many(20, 21, T0);
    sentmap_get(&l.sent, 20)->items[0].stream = 77;
    ack(20, 21, T0 + RTT);
    const struct sent_packet *p = loss_take_acked(&l, &spurious);
    cr_assert_eq(p->items[0].stream, 77);
    cr_assert(p->in_use && !spurious);
    cr_assert_null(loss_take_acked(&l, &spurious));
    cr_assert_null(sentmap_get(&l.sent, 20));
}

/* What is outstanding, counted one by one. */
static void check_sums(void)
{
    uint64_t bytes = 0, eliciting = 0;

    for (uint64_t n = l.sent.first; n < l.sent.next; n++) {
        const struct sent_packet *p = sentmap_get(&l.sent, n);
        if (!p || p->class != SENT_OUTSTANDING)
            continue;
        bytes += p->bytes;
        eliciting += p->eliciting;
    }
    cr_assert_eq(l.bytes_in_flight, bytes);
    cr_assert_eq(l.eliciting_in_flight, eliciting);
    cr_assert(eliciting == 0 || !time_is_never(loss_deadline(&l)), "a timer is armed while data is outstanding");
}

/* Random packets, ranges and waits: the sums hold, each packet is acknowledged at most once, everything ends. */
Test(loss, sums_hold_whatever_is_acknowledged)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct duet_rand r;
        uint64_t now = T0, taken = 20;

        rand_init_u64(&r, seed);
        teardown();
        setup();
        for (int step = 0; step < 2000; step++) {
            uint64_t n = l.sent.next;
            now += rand_below(&r, 3000);
            cr_assert_not_null(loss_sent(&l, n, BYTES, rand_below(&r, 8) > 0, false, DUET_TIME(now)));
            if (rand_below(&r, 3) == 0) {
                uint64_t from = n - rand_below(&r, n < 100 ? n : 100);
                cr_assert_eq(ack(from, from + 1 + rand_below(&r, n + 1 - from), now), 0, "seed %lu", seed);
            }
            if (time_due(loss_deadline(&l), DUET_TIME(now)))
                loss_timer(&l, DUET_TIME(now), &s);
            take_lost();
            taken += take_acked(NULL);
            check_sums();
        }
        ack(0, l.sent.next, now);
        taken += take_acked(NULL);
        cr_assert_eq(taken, l.acked_packets);
        cr_assert_eq(l.acked_packets + l.lost_packets - l.spurious_packets, l.sent_packets, "seed %lu", seed);
        cr_assert_eq(l.bytes_in_flight, 0);
    }
}
