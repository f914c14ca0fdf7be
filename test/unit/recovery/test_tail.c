#include "unit.h"

#include "recovery/tail.h"

#define NOW DUET_TIME(1000000)
#define WINDOW 1000000
#define SENT_BYTES 100000000

static struct loss loss;
static struct tail tail;
static duet_time again;

static void send_some(uint64_t from, uint64_t count, duet_time at)
{
    for (uint64_t n = from; n < from + count; n++)
        cr_assert_not_null(loss_sent(&loss, n, 1000, true, false, at));
}

static uint64_t next(duet_time now)
{
    const struct sent_packet *p = tail_next(&tail, &loss, WINDOW, SENT_BYTES, now, &again);
    return p == NULL ? SENTMAP_NONE : p->number;
}

static void begin(void)
{
    loss_init(&loss);
    tail_init(&tail);
    rtt_sample(&loss.rtt, 100000, 0, DUET_TIME(1));
    loss.lost_packets = TAIL_LOST_MIN_PACKETS;
    loss.lost_at = NOW;
}

static void end(void)
{
    loss_dispose(&loss);
}

TestSuite(tail, .init = begin, .fini = end);

/* Each copy leaves as the connection would send it. */
static uint64_t repeat(duet_time now)
{
    const uint64_t number = next(now);
    if (number != SENTMAP_NONE)
        tail_sent(&tail, loss_sent(&loss, loss.sent.next, 1000, true, false, now), false);
    return number;
}

static duet_time pass_after(duet_time t)
{
    return time_add(t, 100000 / TAIL_PASSES);
}

Test(tail, repeats_what_is_outstanding_once_a_pass)
{
    send_some(0, 3, NOW);
    for (uint64_t n = 0; n < 3; n++)
        cr_assert_eq(repeat(NOW), n);
    cr_assert_eq(repeat(NOW), SENTMAP_NONE, "the copies are not of this pass");
    cr_assert_eq(again.us, pass_after(NOW).us);
}

Test(tail, the_next_pass_repeats_the_copies_and_not_the_originals)
{
    send_some(0, 2, NOW);
    cr_assert_eq(repeat(NOW), 0);
    cr_assert_eq(repeat(NOW), 1);
    cr_assert_eq(repeat(pass_after(NOW)), 2);
    cr_assert_eq(repeat(pass_after(NOW)), 3);
    cr_assert_eq(repeat(pass_after(NOW)), SENTMAP_NONE);
    cr_assert(sentmap_get(&loss.sent, 0)->repeated);
    cr_assert_eq(sentmap_get(&loss.sent, 4)->copy, 2);
}

Test(tail, there_are_as_many_copies_as_make_it_likely_that_one_arrives)
{
    static const struct {
        uint64_t lost_percent, copies;
    } rows[] = {{1, 2}, {3, 2}, {5, 3}, {9, 3}, {15, 4}, {50, TAIL_COPIES_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        end();
        begin();
        send_some(0, 1, NOW);
        loss.sent_packets = 1000;
        loss.lost_packets = 10 * rows[i].lost_percent;
        uint64_t copies = 1;
        for (duet_time t = NOW; t.us < NOW.us + 100000; t = pass_after(t))
            copies += repeat(t) != SENTMAP_NONE;
        cr_assert_eq(copies, rows[i].copies, "row %zu: %lu", i, (unsigned long)copies);
    }
}

Test(tail, of_a_large_flight_only_what_left_since_the_last_new_data)
{
    send_some(0, TAIL_LITTLE_BYTES / 1000 + 1, NOW);
    tail_sent(&tail, sentmap_get(&loss.sent, loss.sent.next - 1), true);
    cr_assert_eq(repeat(NOW), SENTMAP_NONE);
    const uint64_t first = loss.sent.next;
    send_some(first, 1, NOW);
    tail_sent(&tail, sentmap_get(&loss.sent, first), false);
    cr_assert_eq(repeat(pass_after(NOW)), first);
    cr_assert_eq(repeat(pass_after(NOW)), SENTMAP_NONE);
}

Test(tail, what_was_overtaken_is_as_good_as_lost_and_gets_all_its_copies)
{
    send_some(0, TAIL_LITTLE_BYTES / 1000 + 10, NOW);
    tail_sent(&tail, sentmap_get(&loss.sent, loss.sent.next - 1), true);
    struct frame_ack ack = {.largest = 5, .range_count = 1, .ranges = {{.start = 5, .end = 6}}};
    struct loss_summary s;
    bool spurious;
    const duet_time now = time_add(NOW, 100000);
    cr_assert_eq(loss_ack(&loss, &ack, now, &s), 0);
    while (loss_take_acked(&loss, &spurious) != NULL)
        continue;
    loss.reorder_steps = 2;
    cr_assert_eq(repeat(now), SENTMAP_NONE, "not where packets do overtake each other");
    loss.reorder_steps = 1;
    tail.pass_at = now;
    for (uint64_t n = 0; n < 5; n++) {
        cr_assert_eq(repeat(now), n);
        cr_assert_eq(sentmap_get(&loss.sent, loss.sent.next - 1)->copy, 0);
    }
    cr_assert_eq(repeat(now), SENTMAP_NONE);
}

Test(tail, leaves_out_what_was_acknowledged)
{
    send_some(0, 4, NOW);
    struct frame_ack ack = {.largest = 3, .range_count = 1, .ranges = {{.start = 1, .end = 4}}};
    struct loss_summary s;
    bool spurious;
    cr_assert_eq(loss_ack(&loss, &ack, time_add(NOW, 90000), &s), 0);
    while (loss_take_acked(&loss, &spurious) != NULL)
        continue;
    cr_assert_eq(next(NOW), 0);
}

Test(tail, nothing_outstanding_is_nothing_to_do)
{
    cr_assert_eq(next(NOW), SENTMAP_NONE);
    cr_assert(time_is_never(again));
}

Test(tail, is_worth_it_only_where_packets_got_lost_lately)
{
    static const struct {
        uint64_t lost, spurious, ago_us;
        bool worth;
    } rows[] = {
        {TAIL_LOST_MIN_PACKETS - 1, 0, 0, false},
        {TAIL_LOST_MIN_PACKETS, 0, 0, true},
        {50, 50, 0, false},
        {50, 0, TAIL_LOST_RECENT_RTTS * 100000, true},
        {50, 0, TAIL_LOST_RECENT_RTTS * 100000 + 1, false},
    };
    send_some(0, 2, DUET_TIME(1));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tail_init(&tail);
        sentmap_get(&loss.sent, 0)->repeated = false;
        loss.lost_packets = rows[i].lost;
        loss.spurious_packets = rows[i].spurious;
        loss.lost_at = DUET_TIME(1000000 - rows[i].ago_us);
        cr_assert_eq(next(NOW), rows[i].worth ? 0 : SENTMAP_NONE, "row %zu", i);
    }
    tail_init(&tail);
    loss.lost_packets = 50;
    loss.lost_at = DUET_NEVER;
    cr_assert_eq(next(NOW), SENTMAP_NONE, "none was ever lost");
}

Test(tail, all_is_repeated_only_when_that_is_little)
{
    static const struct {
        uint64_t window_bytes, packets;
    } rows[] = {{UINT64_MAX, TAIL_LITTLE_BYTES / 1000}, {40000, 40000 / TAIL_LITTLE_DIVISOR / 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        end();
        begin();
        tail.since = UINT64_MAX;
        send_some(0, rows[i].packets + 1, NOW);
        cr_assert_null(tail_next(&tail, &loss, rows[i].window_bytes, SENT_BYTES, NOW, &again));
        loss.bytes_in_flight -= 1000;
        cr_assert_not_null(tail_next(&tail, &loss, rows[i].window_bytes, SENT_BYTES, pass_after(NOW), &again));
    }
}

/* All but the newest `left` packets arrived. */
static void acknowledge_down_to(uint64_t left, duet_time now)
{
    const uint64_t end = loss.sent.next - left;
    struct frame_ack ack = {.largest = end - 1, .range_count = 1, .ranges = {{.start = 0, .end = end}}};
    struct loss_summary s;
    bool spurious;
    cr_assert_eq(loss_ack(&loss, &ack, now, &s), 0);
    while (loss_take_acked(&loss, &spurious) != NULL)
        continue;
}

Test(tail, repeats_cost_no_more_than_the_budget)
{
    const uint64_t sent_bytes = 1000000, all = TAIL_BUDGET_BYTES + sent_bytes / TAIL_BUDGET_DIVISOR;
    uint64_t passes = 0;
    send_some(0, 30, NOW);
    for (duet_time t = NOW; t.us < 10 * NOW.us; t = time_add(t, 100000)) {
        uint64_t repeats = 0;
        loss.lost_at = t;
        while (tail_next(&tail, &loss, UINT64_MAX, sent_bytes, t, &again) != NULL) {
            repeats++;
            send_some(loss.sent.next, 1, t);
        }
        passes += repeats > 0;
        acknowledge_down_to(repeats < 3 ? 1 : repeats / 3, t);
    }
    cr_assert_leq(tail.spent_bytes, all);
    cr_assert_geq(passes, 3);
}
