#include <criterion/criterion.h>

#include "duet/recovery/tail.h"

static struct loss loss;
static struct tail tail;
static duet_time again;

static void send_some(uint64_t from, uint64_t count, duet_time at)
{
    for (uint64_t n = from; n < from + count; n++)
        cr_assert_not_null(loss_sent(&loss, n, 1000, true, false, at));
}

static void begin(void)
{
    loss_init(&loss);
    tail_init(&tail);
    rtt_sample(&loss.rtt, 100000, 0, DUET_TIME(1));
}

static void end(void)
{
    loss_dispose(&loss);
}

TestSuite(tail, .init = begin, .fini = end);

Test(tail, repeats_what_is_outstanding_once_a_pass_oldest_first)
{
    const duet_time now = DUET_TIME(1000000);
    send_some(0, 3, now);
    for (uint64_t n = 0; n < 3; n++) {
        cr_assert_eq(tail_next(&tail, &loss, now, &again), n);
        send_some(3 + n, 1, now); /* the repeat itself is not of this pass */
    }
    cr_assert_eq(tail_next(&tail, &loss, now, &again), SENTMAP_NONE);
    cr_assert_eq(again.us, 1050000, "half a round trip later");
    cr_assert_eq(tail_next(&tail, &loss, again, &again), 0);
}

Test(tail, passes_over_what_was_acknowledged)
{
    const duet_time now = DUET_TIME(1000000);
    send_some(0, 4, now);
    struct frame_ack ack = {.largest = 2, .range_count = 1, .ranges = {{.start = 0, .end = 3}}};
    struct loss_summary s;
    bool spurious;
    cr_assert_eq(loss_ack(&loss, &ack, time_add(now, 90000), &s), 0);
    while (loss_take_acked(&loss, &spurious) != NULL)
        continue;
    cr_assert_eq(tail_next(&tail, &loss, now, &again), 3);
}

Test(tail, nothing_outstanding_is_nothing_to_do)
{
    cr_assert_eq(tail_next(&tail, &loss, DUET_TIME(1000000), &again), SENTMAP_NONE);
    cr_assert(time_is_never(again));
}

Test(tail, is_worth_it_only_where_packets_get_lost)
{
    static const struct {
        uint64_t sent, lost, spurious;
        bool worth;
    } rows[] = {
        {1000, 0, 0, false},   {1000, 15, 0, false}, {1000, 16, 0, true},
        {1000, 50, 50, false}, {100, 3, 0, false},   {100, 4, 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        loss.sent_packets = rows[i].sent;
        loss.lost_packets = rows[i].lost;
        loss.spurious_packets = rows[i].spurious;
        loss.bytes_in_flight = 250000;
        cr_assert_eq(tail_worth(&loss, 1000000), rows[i].worth, "row %zu", i);
        loss.bytes_in_flight++;
        cr_assert(!tail_worth(&loss, 1000000), "row %zu: more than the tail is in flight", i);
    }
}
