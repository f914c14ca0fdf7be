/* ackpolicy: what is asked for, when it is told, and how long the peer may wait meanwhile. */
#include "unit.h"

#include "recovery/ackpolicy.h"
#include "recovery/acktr.h"
#include "recovery/rtt.h"

#define LONG_SENT 1000000

static struct ackpolicy p;

static void init(void)
{
    ackpolicy_init(&p);
}

TestSuite(ackpolicy, .init = init);

static void update(uint64_t cwnd_packets, uint64_t srtt_us)
{
    ackpolicy_update(
        &p, &(struct ackpolicy_path){.cwnd_packets = cwnd_packets, .srtt_us = srtt_us, .sent_packets = LONG_SENT});
}

Test(ackpolicy, asks_by_the_table)
{
    static const struct {
        const char *why;
        struct ackpolicy_path path;
        struct frame_ack_policy want;
    } rows[] = {
        {"an eighth of the window, an eighth of the RTT", {200, 16000, LONG_SENT, false, 0}, {25, 2000, 2000}},
        {"most", {100000, 400000, LONG_SENT, false, 0}, {64, 5000, 50000}},
        {"least", {2, 100, LONG_SENT, false, 0}, {4, 200, 200}},
        {"the start", {1000, 16000, 100, false, 0}, {8, 2000, 2000}},
        {"a little later", {1000, 16000, 128 * 20, false, 0}, {20, 2000, 2000}},
        {"little loss is none", {1000, 16000, LONG_SENT, false, 0.004}, {64, 2000, 2000}},
        {"1 % lost: two for one", {1000, 16000, LONG_SENT, false, 0.01}, {32, 1000, 2000}},
        {"20 %: four", {1000, 16000, LONG_SENT, false, 0.2}, {16, 500, 2000}},
        {"50 %: eight", {1000, 16000, LONG_SENT, false, 0.5}, {8, 250, 2000}},
        {"all: no more than that", {1000, 16000, LONG_SENT, false, 1}, {8, 250, 2000}},
        {"50 % in a smaller window: each for 8", {160, 16000, LONG_SENT, false, 0.5}, {10, 1000, 2000}},
        {"50 % in a small window", {80, 16000, LONG_SENT, false, 0.5}, {10, 2000, 2000}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        init();
        ackpolicy_update(&p, &rows[i].path);
        cr_assert_eq(p.want.packets, rows[i].want.packets, "%s: %lu packets", rows[i].why, p.want.packets);
        cr_assert_eq(p.want.delay_us, rows[i].want.delay_us, "%s: %lu us", rows[i].why, p.want.delay_us);
        cr_assert_eq(p.want.gap_us, rows[i].want.gap_us, "%s: gap %lu us", rows[i].why, p.want.gap_us);
    }
}

Test(ackpolicy, a_full_window_wants_its_clock)
{
    struct ackpolicy_path path = {.cwnd_packets = 1000, .srtt_us = 16000, .sent_packets = LONG_SENT};
    int acks = 0;

    for (path.held_back = true; p.want.packets != ACKTR_EVERY; acks++)
        ackpolicy_update(&p, &path);
    cr_assert(acks > 2 && acks < 8, "after %d ACKs", acks);
    for (acks = 0; acks < 10 * ACKPOLICY_HELD_ACKS; acks++) { /* always full: stays so */
        ackpolicy_update(&p, &path);
        cr_assert_eq(p.want.packets, ACKTR_EVERY);
    }
    path.held_back = false;
    for (acks = 0; p.want.packets == ACKTR_EVERY; acks++)
        ackpolicy_update(&p, &path);
    cr_assert(acks > ACKPOLICY_HELD_ACKS && acks < 4 * ACKPOLICY_HELD_ACKS, "after %d ACKs", acks);
}

Test(ackpolicy, tells_once_and_again_when_it_changed_much)
{
    struct frame f;

    ackpolicy_update(
        &p, &(struct ackpolicy_path){.cwnd_packets = 160, .srtt_us = 16000, .sent_packets = ACKTR_START_PACKETS - 1});
    cr_assert(!ackpolicy_take(&p, &f), "the first are acknowledged by twos, whatever is asked");

    update(160, 16000);
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(f.type, FRAME_ACK_POLICY);
    cr_assert(f.policy.want.packets == 20 && f.policy.want.delay_us == 2000 && f.policy.want.gap_us == 2000);
    cr_assert(!ackpolicy_take(&p, &f));
    ackpolicy_acked(&p, f.policy.sequence);

    static const struct {
        uint64_t cwnd_packets, srtt_us;
        bool far;
    } rows[] = {{160, 16000, false}, {239, 16000, false}, {112, 16000, false}, {160, 23000, false}, {160, 11000, false},
                {240, 16000, true},  {104, 16000, true},  {160, 24000, true},  {160, 10600, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        update(rows[i].cwnd_packets, rows[i].srtt_us);
        cr_assert_eq(p.wanted, rows[i].far, "row %zu", i);
    }
    update(160, 16000);
    cr_assert(!ackpolicy_take(&p, &f), "it is what it was again");
}

Test(ackpolicy, a_longer_round_trip_alone_is_told_for_the_gaps)
{
    struct frame f;

    update(160, 100000);
    cr_assert(ackpolicy_take(&p, &f));
    ackpolicy_acked(&p, f.policy.sequence);
    update(160, 200000); /* both wait 5 ms */
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(f.policy.want.gap_us, 25000);
}

Test(ackpolicy, one_is_under_way_and_a_lost_one_is_told_as_it_is_then)
{
    struct frame first, second, third;

    update(160, 16000);
    cr_assert(ackpolicy_take(&p, &first));
    update(512, 16000);
    cr_assert(!ackpolicy_take(&p, &second), "the first has no answer yet");
    ackpolicy_lost(&p, first.policy.sequence);
    cr_assert(ackpolicy_take(&p, &second));
    cr_assert_gt(second.policy.sequence, first.policy.sequence);
    cr_assert_eq(second.policy.want.packets, 64);

    ackpolicy_lost(&p, first.policy.sequence);
    cr_assert(!ackpolicy_take(&p, &third), "older ones do not matter");
    ackpolicy_acked(&p, first.policy.sequence);
    update(80, 16000);
    cr_assert(!ackpolicy_take(&p, &third));
    ackpolicy_acked(&p, second.policy.sequence);
    update(80, 16000);
    cr_assert(ackpolicy_take(&p, &third));
}

/* The ACK that shows the loss brings the next update with it. */
Test(ackpolicy, a_lost_one_is_told_again_though_the_wish_did_not_change)
{
    struct frame f;

    update(160, 16000);
    cr_assert(ackpolicy_take(&p, &f));
    ackpolicy_lost(&p, f.policy.sequence);
    update(160, 16000);
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(f.policy.want.packets, 20);
}

Test(ackpolicy, the_wait_to_reckon_with_is_the_longest_that_may_be_in_force)
{
    struct frame f;

    cr_assert_eq(p.delay_us, RTT_ACK_DELAY_US);
    update(160, 8000);
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(p.delay_us, RTT_ACK_DELAY_US, "perhaps it does not know yet");
    ackpolicy_acked(&p, f.policy.sequence);
    cr_assert_eq(p.delay_us, 1000);

    update(160, 24000);
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(p.delay_us, 3000, "perhaps it knows already");
    ackpolicy_lost(&p, f.policy.sequence);
    update(160, 8000);
    cr_assert(ackpolicy_take(&p, &f));
    cr_assert_eq(p.delay_us, 3000, "perhaps that was not lost");
    ackpolicy_acked(&p, f.policy.sequence);
    cr_assert_eq(p.delay_us, 1000);
}
