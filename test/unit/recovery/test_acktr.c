/* acktr: when an ACK is due, what it lists, what is forgotten. */
#include "unit.h"

#include "recovery/acktr.h"
#include "wire/limits.h"

#define RTT_US 16000 /* RTT/8 is 2 ms */
#define HOLD_US 2000

static void get(struct acktr *a, uint64_t number, uint64_t at_us)
{
    cr_assert_eq(acktr_received(a, number, true, false, 0, RTT_US, DUET_TIME(at_us)), 0);
}

#define LATE DUET_TIME(UINT64_C(1) << 40) /* after every wait */

/* An ACK that lists everything left, at a time nobody asks for. */
static uint64_t sent(struct acktr *a)
{
    return acktr_sent(a, DUET_TIME(0));
}

/* Past the first packets, nothing pending, in order up to ACKTR_START_PACKETS - 1. */
static struct acktr warmed_up(void)
{
    struct acktr a;

    acktr_init(&a);
    for (uint64_t n = 0; n < ACKTR_START_PACKETS; n++)
        get(&a, n, 0);
    sent(&a);
    return a;
}

Test(acktr, owes_nothing_at_the_start)
{
    struct acktr a;

    acktr_init(&a);
    cr_assert(time_is_never(acktr_deadline(&a)));
    cr_assert(!acktr_pending(&a, LATE));
    cr_assert_eq(acktr_delay_us(&a, DUET_TIME(5)), 0);
    acktr_dispose(&a);
}

Test(acktr, decides_by_the_policy_table)
{
    enum { NEVER = -1 };
    static const struct {
        const char *why;
        bool eliciting, at_once;
        uint8_t ecn;
        uint64_t rtt_us;
        int64_t due_us; /* after the arrival at 1 s */
    } rows[] = {
        {.why = "plain: RTT/8", .eliciting = true, .rtt_us = 16000, .due_us = 2000},
        {.why = "short RTT: the floor", .eliciting = true, .rtt_us = 100, .due_us = LIMIT_ACK_DELAY_MIN_US},
        {.why = "long RTT: the ceiling", .eliciting = true, .rtt_us = 900000, .due_us = ACKTR_DELAY_MAX_US},
        {.why = "asked", .eliciting = true, .at_once = true, .rtt_us = 16000, .due_us = 0},
        {.why = "CE", .eliciting = true, .ecn = 3, .rtt_us = 16000, .due_us = 0},
        {.why = "ECT is no CE", .eliciting = true, .ecn = 2, .rtt_us = 16000, .due_us = 2000},
        {.why = "an ACK is never acknowledged alone", .rtt_us = 16000, .due_us = NEVER},
        {.why = "not even with CE", .ecn = 3, .rtt_us = 16000, .due_us = NEVER},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct acktr a = warmed_up();
        duet_time now = DUET_TIME(US_PER_S);
        duet_time want = rows[i].due_us == NEVER ? DUET_NEVER : time_add(now, (uint64_t)rows[i].due_us);

        acktr_received(&a, ACKTR_START_PACKETS, rows[i].eliciting, rows[i].at_once, rows[i].ecn, rows[i].rtt_us, now);
        cr_assert_eq(acktr_deadline(&a).us, want.us, "%s: %lu", rows[i].why, acktr_deadline(&a).us);
        cr_assert(acktr_pending(&a, LATE), "%s: worth a ride", rows[i].why);
        acktr_dispose(&a);
    }
}

Test(acktr, answers_every_second_packet_first_and_every_eighth_later)
{
    struct acktr a;
    uint64_t acks = 0;

    acktr_init(&a);
    for (uint64_t n = 0; n < ACKTR_START_PACKETS + 80; n++) {
        get(&a, n, 7);
        if (acktr_deadline(&a).us != 7)
            continue;
        cr_assert_eq(sent(&a), n);
        cr_assert(time_is_never(acktr_deadline(&a)));
        cr_assert(!acktr_pending(&a, LATE));
        acks++;
    }
    cr_assert_eq(acks, ACKTR_START_PACKETS / ACKTR_EVERY_START + 80 / ACKTR_EVERY);
    acktr_dispose(&a);
}

Test(acktr, later_packets_do_not_push_the_deadline)
{
    struct acktr a = warmed_up();

    get(&a, 100, 1000);
    get(&a, 101, 2500);
    cr_assert_eq(acktr_deadline(&a).us, 1000 + HOLD_US);
    acktr_dispose(&a);
}

Test(acktr, a_gap_asks_once_per_eighth_of_a_round_trip)
{
    struct acktr a = warmed_up();
    uint64_t asked = 0;

    /* Every other packet is missing, one arrival each 100 µs for 20 ms; each ACK leaves when due. */
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t now = 1000000 + i * 100;
        get(&a, 200 + 2 * i, now);
        if (a.eliciting_pending < ACKTR_EVERY && acktr_deadline(&a).us == now)
            asked++;
        if (time_due(acktr_deadline(&a), DUET_TIME(now)))
            sent(&a);
    }
    cr_assert_eq(asked, 10, "asked %lu times", asked);

    /* A packet that comes late is out of order as well. */
    sent(&a);
    get(&a, 201, 2000000);
    cr_assert_eq(acktr_deadline(&a).us, 2000000);
    acktr_dispose(&a);
}

Test(acktr, reports_the_delay_of_the_largest)
{
    struct acktr a = warmed_up();

    get(&a, 105, 1000);
    get(&a, 103, 1800);
    cr_assert_eq(acktr_delay_us(&a, DUET_TIME(2000)), 1000);
    cr_assert_eq(sent(&a), 105);
    acktr_dispose(&a);
}

Test(acktr, counts_ecn_marks)
{
    static const uint8_t bits[] = {0, 1, 2, 3, 2, 2, 3, 0xfd}; /* the upper bits are not ours */
    struct acktr a;

    acktr_init(&a);
    for (uint64_t n = 0; n < sizeof(bits); n++)
        acktr_received(&a, n, n % 2 == 0, false, bits[n], RTT_US, DUET_TIME(0));
    cr_assert_eq(a.ecn[0], 3);
    cr_assert_eq(a.ecn[1], 2);
    cr_assert_eq(a.ecn[2], 2);
    acktr_dispose(&a);
}

Test(acktr, remembers_a_bounded_number_of_ranges_the_newest)
{
    struct acktr a;

    acktr_init(&a);
    for (uint64_t i = 0; i < 3 * LIMIT_ACK_RANGES; i++) {
        get(&a, 1000 + 2 * i, i);
        cr_assert_leq(a.received.count, LIMIT_ACK_RANGES);
    }
    cr_assert_eq(a.received.count, LIMIT_ACK_RANGES);
    cr_assert_eq(a.received.v[0].start, 1000 + 2 * 2 * LIMIT_ACK_RANGES);
    get(&a, 3, 0);
    cr_assert_eq(a.received.v[0].start, 1000 + 2 * 2 * LIMIT_ACK_RANGES, "older than all: itself the oldest");
    cr_assert_eq(a.largest, 1000 + 2 * (3 * LIMIT_ACK_RANGES - 1));
    acktr_dispose(&a);
}

Test(acktr, forgets_what_the_peer_knows)
{
    struct acktr a = warmed_up();

    get(&a, 105, 0);
    cr_assert_eq(sent(&a), 105);
    get(&a, 106, 0);
    acktr_confirmed(&a, 0, 105);
    cr_assert_eq(a.received.count, 1);
    cr_assert_eq(a.received.v[0].start, 106);

    cr_assert_eq(sent(&a), 106);
    acktr_confirmed(&a, 0, 106);
    cr_assert_eq(a.received.count, 0);
    cr_assert(!acktr_pending(&a, LATE));
    get(&a, 107, 50);
    cr_assert(a.due.us > 50, "107 follows 106: no gap, though all is forgotten");
    acktr_dispose(&a);
}

Test(acktr, keeps_late_packets_until_an_ack_listed_them)
{
    struct acktr a = warmed_up();

    get(&a, 110, 0);
    sent(&a);         /* says 110, not 105 */
    get(&a, 108, 10); /* late */
    get(&a, 105, 10); /* and later still */
    acktr_confirmed(&a, 0, 110);
    cr_assert(ranges_contains(&a.received, 108) && ranges_contains(&a.received, 105), "no ACK listed it yet");

    get(&a, 111, 20);
    cr_assert_eq(sent(&a), 111);
    get(&a, 107, 30); /* late after that one */
    acktr_confirmed(&a, 0, 111);
    cr_assert(!ranges_contains(&a.received, 105));
    cr_assert(ranges_contains(&a.received, 107));

    get(&a, 112, 40);
    cr_assert_eq(sent(&a), 112);
    acktr_confirmed(&a, 0, 112);
    cr_assert_eq(a.received.count, 0);
    acktr_dispose(&a);
}

Test(acktr, older_confirmations_do_not_speak_for_late_packets)
{
    struct acktr a = warmed_up();

    get(&a, 110, 0);
    sent(&a);
    sent(&a); /* the same once more: both say 110 */
    get(&a, 105, 10);
    acktr_confirmed(&a, 0, 110);
    get(&a, 107, 20);
    acktr_confirmed(&a, 0, 110);
    acktr_confirmed(&a, 0, 110);
    cr_assert(ranges_contains(&a.received, 105));
    cr_assert(ranges_contains(&a.received, 107));
    cr_assert(!ranges_contains(&a.received, 99));
    acktr_dispose(&a);
}

Test(acktr, forgets_while_the_path_keeps_reordering)
{
    struct acktr a;
    uint64_t said[4] = {0};

    /* Every fourth packet comes three late; every ACK is confirmed three ACKs later. */
    acktr_init(&a);
    for (uint64_t n = 0; n < 4000; n += 4) {
        get(&a, n + 1, n);
        get(&a, n + 2, n);
        get(&a, n + 3, n);
        get(&a, n, n);
        for (int i = 3; i > 0; i--)
            said[i] = said[i - 1];
        said[0] = sent(&a);
        if (n >= 16)
            acktr_confirmed(&a, 0, said[3]);
        cr_assert_leq(ranges_overlap(&a.received, 0, UINT64_MAX), 48, "at %lu", n);
    }
    acktr_dispose(&a);
}

/* Every other packet is missing, so that each packet is a range.  ACKs leave as far apart as the longest wait. */
Test(acktr, lists_each_packet_in_so_many_acks_and_then_no_more)
{
    struct acktr a = warmed_up();

    for (uint64_t i = 0; i < ACKTR_COMPLETE_EVERY / 2; i++) {
        uint64_t first = i < ACKTR_REPEATS ? 0 : i - ACKTR_REPEATS + 1;
        get(&a, 200 + 2 * i, 1000000 + i * HOLD_US);
        cr_assert_eq(acktr_from(&a), i < ACKTR_REPEATS ? 0 : 200 + 2 * first, "ACK %lu: from %lu", i, acktr_from(&a));
        acktr_sent(&a, DUET_TIME(1000000 + i * HOLD_US));
    }
    acktr_dispose(&a);
}

Test(acktr, acks_close_together_count_as_one_repeat)
{
    struct acktr a = warmed_up();

    for (uint64_t i = 0; i < ACKTR_REPEATS; i++) { /* what the warming up left */
        get(&a, 200 + i, 1000000 + i * HOLD_US);
        acktr_sent(&a, DUET_TIME(1000000 + i * HOLD_US));
    }
    for (uint64_t i = 0; i < 2 * ACKTR_REPEATS; i++) {
        get(&a, 300 + 2 * i, 2000000 + i);
        acktr_sent(&a, DUET_TIME(2000000 + i));
    }
    cr_assert_eq(acktr_from(&a), 200 + ACKTR_REPEATS - (ACKTR_REPEATS - 2),
                 "the first of them turned one repeat, the others none: from %lu", acktr_from(&a));
    acktr_dispose(&a);
}

Test(acktr, a_late_packet_is_listed_as_often_as_any)
{
    struct acktr a = warmed_up();
    uint64_t times = 0;

    get(&a, 1000, 1000000);
    for (uint64_t i = 0; i < 2 * ACKTR_REPEATS; i++) {
        uint64_t now = 1000000 + i * HOLD_US;
        if (i == ACKTR_REPEATS)
            get(&a, 500, now);
        get(&a, 1002 + 2 * i, now);
        times += i >= ACKTR_REPEATS && acktr_from(&a) == 500;
        acktr_sent(&a, DUET_TIME(now));
    }
    cr_assert_eq(times, ACKTR_REPEATS);
    acktr_dispose(&a);
}

Test(acktr, lists_everything_by_turn_and_when_asked)
{
    struct acktr a = warmed_up(); /* after one ACK */
    uint64_t complete = 0;

    for (uint64_t i = 2; i <= 3 * ACKTR_COMPLETE_EVERY; i++) {
        uint64_t now = 1000000 + i * HOLD_US;
        get(&a, 200 + 2 * i, now);
        cr_assert_eq(acktr_is_turn(&a), i % ACKTR_COMPLETE_EVERY == 0, "ACK %lu", i);
        complete += i > ACKTR_REPEATS + 1 && acktr_from(&a) == 0;
        acktr_sent(&a, DUET_TIME(now));
    }
    cr_assert_eq(complete, 3);

    get(&a, 2000, 2000000);
    cr_assert_neq(acktr_from(&a), 0);
    acktr_want_all(&a);
    for (uint64_t i = 0; i <= ACKTR_REPEATS; i++) {
        cr_assert_eq(acktr_from(&a) == 0, i < ACKTR_REPEATS, "as often as anything new: %lu", i);
        acktr_sent(&a, DUET_TIME(2000000 + i * HOLD_US));
        get(&a, 2002, 2000000 + i * HOLD_US);
    }
    acktr_dispose(&a);
}

Test(acktr, forgets_only_what_the_confirmed_ack_listed)
{
    struct acktr a = warmed_up();

    get(&a, 200, 0);
    get(&a, 210, 0);
    sent(&a);
    acktr_confirmed(&a, 205, 210);
    cr_assert(ranges_contains(&a.received, 200), "that ACK did not reach so far down");
    cr_assert(!ranges_contains(&a.received, 210));

    get(&a, 220, 0);
    acktr_confirmed(&a, 0, 209);
    cr_assert(ranges_contains(&a.received, 200), "older than one that was confirmed: ignored");
    acktr_confirmed(&a, 0, 220);
    cr_assert_eq(a.received.count, 0);
    acktr_dispose(&a);
}

Test(acktr, rides_along_from_half_the_wait_on)
{
    struct acktr a = warmed_up();

    get(&a, 100, 1000000);
    cr_assert(!acktr_pending(&a, DUET_TIME(1000000)));
    cr_assert(!acktr_pending(&a, DUET_TIME(1000000 + HOLD_US / 2 - 1)));
    cr_assert(acktr_pending(&a, DUET_TIME(1000000 + HOLD_US / 2)));
    for (uint64_t n = 101; n < 100 + ACKTR_EVERY / 2; n++)
        get(&a, n, 1000000);
    cr_assert(acktr_pending(&a, DUET_TIME(1000000)), "or half the packets");
    sent(&a);
    cr_assert(!acktr_pending(&a, LATE));

    acktr_received(&a, 200, false, false, 0, RTT_US, DUET_TIME(1000000));
    cr_assert(acktr_pending(&a, DUET_TIME(1000000)), "one that needs no answer waits for none");
    acktr_dispose(&a);
}

static void ask(struct acktr *a, uint64_t sequence, uint64_t packets, uint64_t delay_us, uint64_t gap_us)
{
    acktr_ask(a, sequence, &(struct frame_ack_policy){packets, delay_us, gap_us});
}

Test(acktr, does_what_it_was_asked)
{
    struct acktr a = warmed_up();
    uint64_t n = 100, acks = 0;

    ask(&a, 1, 20, 3000, 4000);
    for (; n < 300; n++) {
        get(&a, n, 1000000);
        if (acktr_deadline(&a).us == 1000000)
            acks++, sent(&a);
    }
    cr_assert_eq(acks, 10);
    get(&a, n, 2000000);
    cr_assert_eq(acktr_deadline(&a).us, 2003000, "whatever our own RTT is");
    sent(&a);

    get(&a, 1000, 3000000);
    cr_assert_eq(acktr_deadline(&a).us, 3000000, "a gap");
    sent(&a);
    get(&a, 1002, 3003999);
    cr_assert_eq(acktr_deadline(&a).us, 3006999, "too early for another");
    sent(&a);
    get(&a, 1004, 3004000);
    cr_assert_eq(acktr_deadline(&a).us, 3004000);
    acktr_dispose(&a);
}

Test(acktr, first_packets_are_answered_by_twos_whatever_was_asked)
{
    struct acktr a;

    acktr_init(&a);
    ask(&a, 1, 64, 25000, 25000);
    get(&a, 0, 1000);
    cr_assert_eq(acktr_deadline(&a).us, 26000);
    get(&a, 1, 1000);
    cr_assert_eq(acktr_deadline(&a).us, 1000);
    acktr_dispose(&a);
}

Test(acktr, asked_too_much_it_keeps_to_the_limits)
{
    struct acktr a = warmed_up();

    ask(&a, 5, UINT64_MAX, UINT64_MAX, 0);
    cr_assert_eq(a.policy.packets, LIMIT_ACK_PACKETS);
    cr_assert_eq(a.policy.delay_us, LIMIT_ACK_DELAY_MAX_US);
    cr_assert_eq(a.policy.gap_us, LIMIT_ACK_DELAY_MIN_US);
    ask(&a, 6, 1, 0, UINT64_MAX);
    cr_assert_eq(a.policy.packets, 1);
    cr_assert_eq(a.policy.delay_us, LIMIT_ACK_DELAY_MIN_US);
    get(&a, 100, UINT64_C(1) << 60); /* no sum of times runs over */
    cr_assert_eq(acktr_deadline(&a).us, UINT64_C(1) << 60);
    acktr_dispose(&a);
}

Test(acktr, the_newest_wish_counts)
{
    struct acktr a = warmed_up();

    ask(&a, 0, 10, 1000, 1000);
    cr_assert_eq(a.policy.packets, 10);
    ask(&a, 7, 20, 1000, 1000);
    ask(&a, 6, 30, 1000, 1000);
    ask(&a, 7, 40, 1000, 1000);
    cr_assert_eq(a.policy.packets, 20);
    acktr_dispose(&a);
}

Test(acktr, knows_how_much_gets_lost_on_the_way_here)
{
    static const unsigned every[] = {0, 2, 5, 20}; /* one in so many is lost */

    for (size_t i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
        struct acktr a;
        double want = every[i] > 0 ? 1.0 / every[i] : 0;
        acktr_init(&a);
        for (uint64_t n = 0; n < 3000; n++) {
            if (every[i] > 0 && n % every[i] == every[i] / 2)
                continue;
            /* Each second pair comes in the wrong order, which is no loss. */
            get(&a, every[i] == 0 ? n ^ 1 : n, n);
        }
        cr_assert(a.loss >= want * 0.85 && a.loss <= want * 1.15 + 0.005, "1 in %u: %f", every[i], a.loss);
        acktr_dispose(&a);
    }

    struct acktr a;
    acktr_init(&a);
    get(&a, 0, 0);
    get(&a, UINT64_C(1) << 61, 0);
    cr_assert(a.loss > 0.5 && a.loss < 1);
    acktr_dispose(&a);
}
