/* cc_bbr_policer: a bucket that is filled at a rate, or the air, each packet's fate told at once. */
#include "unit.h"

#include "recovery/cc_bbr.h"

#define PACKET 1000u
#define RATE 1000000u /* bytes/s: a packet a millisecond */
#define LUMP 10u      /* packets that leave at once, for the sender had no turn before */
#define HOLDS_US (2 * US_PER_S)

static struct cc_bbr_policer policer;
static struct cc_bbr_loss seen;
static struct loss loss;
static duet_time now;
static uint64_t sent;

static void set_up(void)
{
    now = DUET_TIME(US_PER_S);
    sent = 0;
    loss = (struct loss){.delivered_bytes = 0};
    cc_bbr_loss_init(&seen, now);
    seen.stretch_runs = seen.stretch_bytes = 1000000; /* riddled */
    cc_bbr_policer_init(&policer);
}

TestSuite(cc_bbr_policer, .init = set_up);

static enum cc_bbr_policer_news tell(bool passed)
{
    struct loss_summary s = {.lost_passed_bytes = loss.delivered_bytes};

    if (passed) {
        loss.delivered_bytes += s.acked_bytes = PACKET;
        s.largest_acked_sent_at = now;
    } else {
        loss.lost_bytes += s.lost_bytes = PACKET;
        s.largest_lost_sent_at = now;
    }
    return cc_bbr_policer_update(&policer, &seen, &loss, &s, PACKET, now);
}

/* Sends at that rate, in lumps, until there are news or the time is over. */
static enum cc_bbr_policer_news police(double bytes_per_s, uint64_t us)
{
    static double tokens;
    const duet_time end = time_add(now, us);

    while (time_before(now, end)) {
        const uint64_t gap_us = (uint64_t)(LUMP * PACKET * (double)US_PER_S / bytes_per_s);
        now = time_add(now, gap_us);
        tokens = tokens + (double)gap_us * RATE / US_PER_S;
        tokens = tokens > 20 * PACKET ? 20 * PACKET : tokens;
        enum cc_bbr_policer_news news = CC_BBR_POLICER_SAME;
        for (unsigned i = 0; i < LUMP; i++) {
            const bool passed = tokens >= PACKET;
            tokens -= passed ? PACKET : 0;
            const enum cc_bbr_policer_news one = tell(passed);
            news = one != CC_BBR_POLICER_SAME ? one : news;
        }
        if (news != CC_BBR_POLICER_SAME)
            return news;
    }
    return CC_BBR_POLICER_SAME;
}

/* One of `each` packets is lost, however fast they are sent. */
static enum cc_bbr_policer_news radiate(unsigned each, uint64_t us)
{
    const duet_time end = time_add(now, us);

    while (time_before(now, end)) {
        now = time_add(now, 1000);
        const enum cc_bbr_policer_news news = tell(++sent % each != 0);
        if (news != CC_BBR_POLICER_SAME)
            return news;
    }
    return CC_BBR_POLICER_SAME;
}

Test(cc_bbr_policer, what_passes_between_two_drops_is_its_rate_however_late_the_sender)
{
    cr_assert_eq(police(1.15 * RATE, 2 * US_PER_S), CC_BBR_POLICER_MEASURED);
    cr_assert_float_eq((double)policer.bw, 1.03 * RATE, 0.03 * RATE, "%lu", policer.bw);
}

Test(cc_bbr_policer, drops_that_end_prove_it_for_a_while)
{
    cr_assert_eq(police(1.15 * RATE, 2 * US_PER_S), CC_BBR_POLICER_MEASURED);
    const uint64_t bw = policer.bw;
    cr_assert_eq(police(0.99 * RATE, HOLDS_US - US_PER_S / 10), CC_BBR_POLICER_SAME);
    cr_assert(!policer.trying);
    cr_assert_eq(policer.bw, bw);
    police(0.99 * RATE, US_PER_S / 5);
    cr_assert_eq(policer.bw, UINT64_MAX, "it may be another rate by now");
}

Test(cc_bbr_policer, a_rate_that_fell_is_measured_after_the_trial)
{
    cr_assert_eq(police(1.5 * RATE, 2 * US_PER_S), CC_BBR_POLICER_MEASURED);
    cr_assert_eq(police(1.2 * RATE, US_PER_S / 2), CC_BBR_POLICER_SAME, "half of the drops ended");
    cr_assert(!policer.trying);
    cr_assert_eq(policer.explained > 0.1, true, "%.3f", policer.explained);
    cr_assert_eq(police(1.5 * RATE, US_PER_S), CC_BBR_POLICER_MEASURED);
}

Test(cc_bbr_policer, drops_that_go_on_with_less_being_sent_are_of_the_air)
{
    cr_assert_eq(radiate(10, 2 * US_PER_S), CC_BBR_POLICER_MEASURED);
    cr_assert_eq(radiate(10, 2 * US_PER_S), CC_BBR_POLICER_REFUTED);
    cr_assert_eq(policer.bw, UINT64_MAX);
}

Test(cc_bbr_policer, each_trial_that_fails_makes_the_next_one_wait_twice_as_long)
{
    for (uint64_t rest_us = HOLDS_US; rest_us <= 4 * HOLDS_US; rest_us *= 2) {
        cr_assert_eq(radiate(10, 2 * US_PER_S), CC_BBR_POLICER_MEASURED);
        cr_assert_eq(radiate(10, 2 * US_PER_S), CC_BBR_POLICER_REFUTED);
        cr_assert_eq(radiate(10, rest_us - US_PER_S / 10), CC_BBR_POLICER_SAME);
    }
}

Test(cc_bbr_policer, few_drops_or_none_that_riddle_a_stretch_measure_nothing)
{
    cr_assert_eq(radiate(50, 5 * US_PER_S), CC_BBR_POLICER_SAME);
    seen.stretch_runs = seen.stretch_bytes = 0;
    cr_assert_eq(police(1.15 * RATE, 2 * US_PER_S), CC_BBR_POLICER_SAME);
}
