/* liveness: who is asked when, and what silence comes to. */
#include "unit.h"

#include "conn/liveness.h"
#include "recovery/rtt.h"
#include "wire/limits.h"

#define MS(n) ((uint64_t)(n)*US_PER_MS)
#define T0 DUET_TIME(US_PER_S)
#define HEARTBEAT_US MS(5000)
#define LOST_US MS(60000)
#define PTO_US MS(200)

static struct liveness l;

static duet_time after(uint64_t us)
{
    return time_add(T0, us);
}

static void start(void)
{
    liveness_init(&l, T0);
    liveness_begin(&l, HEARTBEAT_US, LOST_US, T0);
}

TestSuite(liveness, .init = start);

static uint64_t due_after_us(bool judged)
{
    return time_since(liveness_deadline(&l, PTO_US, judged), T0);
}

/* ---- heartbeat ---- */

Test(liveness, asks_a_heartbeat_after_the_last_word_of_either_side)
{
    static const struct {
        uint64_t heard_us, spoke_us, due_us;
    } rows[] = {
        {0, 0, HEARTBEAT_US},
        {MS(1000), 0, HEARTBEAT_US + MS(1000)},
        {0, MS(3000), HEARTBEAT_US + MS(3000)},
        {MS(3000), MS(1000), HEARTBEAT_US + MS(3000)},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start();
        (void)liveness_heard(&l, after(rows[i].heard_us));
        liveness_spoke(&l, after(rows[i].spoke_us));
        cr_assert_eq(due_after_us(true), rows[i].due_us, "row %zu", i);
        cr_assert(!liveness_beat(&l, after(rows[i].due_us - 1)), "row %zu", i);
        cr_assert(!l.ping_wanted, "row %zu", i);
        cr_assert(liveness_beat(&l, after(rows[i].due_us)), "row %zu", i);
        cr_assert(l.ping_wanted, "row %zu", i);
    }
}

Test(liveness, a_long_heartbeat_asks_before_silence_would_count)
{
    liveness_begin(&l, MS(100000), LOST_US, T0);
    cr_assert_eq(due_after_us(true), SILENCE_ASK_US);
}

Test(liveness, what_is_about_to_leave_has_no_timer)
{
    l.ping_wanted = true;
    cr_assert(time_is_never(liveness_deadline(&l, PTO_US, false)));
    cr_assert_eq(due_after_us(true), UNREACHABLE_US);
}

/* ---- silence ---- */

Test(liveness, silence_is_told_once_and_then_ends_it)
{
    cr_assert_eq(liveness_judge(&l, after(UNREACHABLE_US - 1)), LIVENESS_OK);
    cr_assert_eq(liveness_judge(&l, after(UNREACHABLE_US)), LIVENESS_SILENT);
    cr_assert(l.unreachable);
    cr_assert_eq(liveness_judge(&l, after(UNREACHABLE_US + 1)), LIVENESS_OK);
    l.ping_wanted = true;
    cr_assert_eq(due_after_us(true), LOST_US);
    cr_assert_eq(liveness_judge(&l, after(LOST_US - 1)), LIVENESS_OK);
    cr_assert_eq(liveness_judge(&l, after(LOST_US)), LIVENESS_LOST);
}

Test(liveness, a_packet_brings_it_back_and_says_after_how_long)
{
    struct liveness_news news = liveness_heard(&l, after(MS(10)));
    cr_assert(!news.is_back && !news.answers);

    cr_assert_eq(liveness_judge(&l, after(MS(10) + UNREACHABLE_US)), LIVENESS_SILENT);
    news = liveness_heard(&l, after(MS(20) + UNREACHABLE_US));
    cr_assert(news.is_back);
    cr_assert_eq(news.silent_us, MS(10) + UNREACHABLE_US);
    cr_assert(!l.unreachable);
    cr_assert_eq(liveness_judge(&l, after(MS(20) + 2 * UNREACHABLE_US - 1)), LIVENESS_OK);
}

Test(liveness, a_timer_that_is_far_too_late_means_that_we_slept)
{
    cr_assert(!liveness_slept(&l, after(LOST_US)), "no timer was set");
    liveness_sleeps(&l, after(MS(100)));
    cr_assert(!liveness_slept(&l, after(MS(100) + LIVENESS_SUSPEND_US)));
    cr_assert(liveness_slept(&l, after(MS(101) + LIVENESS_SUSPEND_US)));
    liveness_wake(&l, after(LOST_US));
    cr_assert(l.ping_wanted);
    cr_assert_eq(liveness_judge(&l, after(LOST_US)), LIVENESS_OK, "the silence was ours");
}

/* ---- a question ---- */

Test(liveness, a_question_has_its_time)
{
    static const struct {
        uint64_t pto_us, answer_us;
    } rows[] = {{MS(1), LIVENESS_ANSWER_MIN_US}, {MS(100), MS(400)}, {MS(300), LIVENESS_ANSWER_PTOS * MS(300)}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start();
        liveness_ask(&l, rows[i].pto_us, T0);
        cr_assert(l.ping_wanted);
        cr_assert_eq(due_after_us(true), rows[i].answer_us, "row %zu", i);
        cr_assert(!liveness_unanswered(&l, after(rows[i].answer_us - 1)), "row %zu", i);
        cr_assert(liveness_unanswered(&l, after(rows[i].answer_us)), "row %zu", i);
        cr_assert(!liveness_unanswered(&l, after(rows[i].answer_us)), "it is over");
    }
}

Test(liveness, any_packet_answers_it)
{
    liveness_ask(&l, PTO_US, T0);
    cr_assert(liveness_heard(&l, after(MS(10))).answers);
    cr_assert(!liveness_heard(&l, after(MS(11))).answers);
    cr_assert(!liveness_unanswered(&l, after(MS(2000))));
}

/* ---- a file ---- */

/* Bytes that come every gap_us for so long that this is the usual gap; when the last came. */
static duet_time flow(uint64_t gap_us)
{
    duet_time now = T0;

    for (int i = 0; i < 200; i++) {
        liveness_file_came(&l, now);
        now = time_add(now, gap_us);
    }
    return time_add(T0, 199 * gap_us);
}

/* How long after that it is asked after, probe timeout pto_us. */
static uint64_t asked_after_us(duet_time last, uint64_t pto_us)
{
    uint64_t us = 0;

    while (!liveness_file_stands(&l, pto_us, time_add(last, us)))
        us += MS(1);
    return us;
}

Test(liveness, a_file_that_stands_still_is_asked_after)
{
    static const struct {
        uint64_t gap_us, pto_us, asked_us;
    } rows[] = {
        {MS(1), MS(500), LIVENESS_FILE_MIN_US}, /* at least */
        {MS(20), MS(500), MS(160)},             /* eight gaps */
        {MS(400), MS(500), MS(500)},            /* but no more than a probe timeout */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start();
        const uint64_t us = asked_after_us(flow(rows[i].gap_us), rows[i].pto_us);
        cr_assert(us <= rows[i].asked_us + MS(1) && us + MS(1) >= rows[i].asked_us, "row %zu: %lu", i, us);
    }
}

/* They are a heartbeat apart then. */
Test(liveness, each_question_about_a_file_comes_twice_as_late_until_the_heartbeat_is_enough)
{
    const duet_time last = flow(MS(1));

    for (uint64_t us = LIVENESS_FILE_MIN_US; us / 2 < HEARTBEAT_US; us *= 2) {
        const duet_time at = time_add(last, us);
        cr_assert(!liveness_file_stands(&l, PTO_US, DUET_TIME(at.us - 1)), "%lu", us);
        cr_assert(liveness_file_stands(&l, PTO_US, at), "%lu", us);
        liveness_ask_file(&l, at);
        cr_assert(l.ping_wanted);
        l.ping_wanted = false;
    }
    cr_assert(!liveness_file_stands(&l, PTO_US, time_add(last, 100 * HEARTBEAT_US)));
}

Test(liveness, a_file_that_is_over_is_not_asked_after)
{
    (void)flow(MS(1));
    liveness_file_over(&l);
    cr_assert(!liveness_file_stands(&l, PTO_US, after(LOST_US)));
}
