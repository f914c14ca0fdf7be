#include <criterion/criterion.h>

#include "duet/recovery/tail.h"

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

Test(tail, repeats_what_is_outstanding_once_a_pass_newest_first)
{
    send_some(0, 3, NOW);
    for (uint64_t n = 0; n < 3; n++) {
        cr_assert_eq(next(NOW), 2 - n);
        send_some(3 + n, 1, NOW); /* the repeat itself is not of this pass */
    }
    cr_assert_eq(next(NOW), SENTMAP_NONE);
    cr_assert_eq(again.us, 1050000, "half a round trip later");
}

Test(tail, the_next_pass_repeats_the_copies_and_not_the_originals)
{
    send_some(0, 2, NOW);
    cr_assert_eq(next(NOW), 1);
    cr_assert_eq(next(NOW), 0);
    send_some(2, 2, NOW);
    const duet_time later = DUET_TIME(1050000);
    cr_assert_eq(next(later), 3);
    cr_assert_eq(next(later), 2);
    cr_assert_eq(next(later), SENTMAP_NONE);
    cr_assert(sentmap_get(&loss.sent, 0)->repeated);
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
        sentmap_get(&loss.sent, 1)->repeated = false;
        loss.lost_packets = rows[i].lost;
        loss.spurious_packets = rows[i].spurious;
        loss.lost_at = DUET_TIME(1000000 - rows[i].ago_us);
        cr_assert_eq(next(NOW), rows[i].worth ? 1 : SENTMAP_NONE, "row %zu", i);
    }
    tail_init(&tail);
    loss.lost_packets = 50;
    loss.lost_at = DUET_NEVER;
    cr_assert_eq(next(NOW), SENTMAP_NONE, "none was ever lost");
}

Test(tail, a_pass_begins_only_when_little_is_in_flight)
{
    send_some(0, WINDOW / TAIL_FLIGHT_DIVISOR / 1000 + 1, NOW);
    cr_assert_eq(next(NOW), SENTMAP_NONE);
    loss.bytes_in_flight -= 1000;
    cr_assert_neq(next(NOW), SENTMAP_NONE);
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
    uint64_t number = all / TAIL_BUDGET_SHARE / 1000, passes = 0;
    send_some(0, number, NOW);
    for (duet_time t = NOW; t.us < 10 * NOW.us; t = time_add(t, 100000)) {
        uint64_t repeats = 0;
        loss.lost_at = t;
        while (tail_next(&tail, &loss, UINT64_MAX, sent_bytes, t, &again) != NULL) {
            repeats++;
            send_some(number++, 1, t);
        }
        passes += repeats > 0;
        acknowledge_down_to(repeats < 3 ? 1 : repeats / 3, t);
    }
    cr_assert_leq(tail.spent_bytes, all);
    cr_assert_geq(passes, 3);
}
