/* pacer: exact over six decades of rate. */
#include "unit.h"

#include "base/rand.h"
#include "recovery/pacer.h"

#define PACKET 1452
#define SHORT_PATH_US 16000

/* When the next packet has its turn; the sender relies on being woken then. */
static duet_time sleep_until_turn(struct pacer *p, uint64_t rate, uint32_t bytes, duet_time now)
{
    const duet_time turn = pacer_next(p, rate, bytes, now);

    pacer_promise(p, bytes, turn);
    return turn;
}

/* Sends whole packets whenever allowed, asking at times up to step_us apart, until `end_us`; bytes sent. */
static uint64_t run(struct pacer *p, uint64_t rate, uint64_t step_us, uint64_t end_us, uint64_t seed)
{
    struct duet_rand r;
    uint64_t sent = 0, now = 0;

    rand_init_u64(&r, seed);
    while (now <= end_us) {
        uint64_t allowed = pacer_allowance(p, rate, PACKET, DUET_TIME(now));
        for (; allowed >= PACKET; allowed -= PACKET) {
            pacer_sent(p, PACKET);
            sent += PACKET;
        }
        uint64_t next = sleep_until_turn(p, rate, PACKET, DUET_TIME(now)).us;
        now = (next > now ? next : now + 1) + (step_us > 0 ? rand_below(&r, step_us) : 0);
    }
    return sent;
}

Test(pacer, is_exact_at_every_rate)
{
    static const struct {
        uint64_t rate, step_us, seconds;
    } rows[] = {
        {.rate = 1000, .step_us = 1000000, .seconds = 3600},
        {.rate = 1001, .step_us = 0, .seconds = 3600},
        {.rate = 33333, .step_us = 5000, .seconds = 100},
        {.rate = 1234567, .step_us = 1000, .seconds = 100},
        {.rate = 12500000, .step_us = 800, .seconds = 10},
        {.rate = 125000001, .step_us = 400, .seconds = 2},
        {.rate = 1250000000, .step_us = 200, .seconds = 1},
        {.rate = UINT64_C(10000000000), .step_us = 200, .seconds = 1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pacer p;
        uint64_t end = rows[i].seconds * US_PER_S;

        pacer_init(&p, DUET_TIME(0));
        uint64_t burst = pacer_allowance(&p, rows[i].rate, PACKET, DUET_TIME(0));
        uint64_t sent = run(&p, rows[i].rate, rows[i].step_us, end, i);
        uint64_t most = burst + rows[i].rate * rows[i].seconds;
        uint64_t slack = 2 * PACKET + rows[i].rate * (rows[i].step_us + PACER_LATE_US + 1) / US_PER_S;
        cr_assert_leq(sent, most, "rate %lu: %lu > %lu", rows[i].rate, sent, most);
        cr_assert_geq(sent + slack, most, "rate %lu: %lu short of %lu", rows[i].rate, sent, most);
    }
}

Test(pacer, keeps_the_remainder_of_a_slow_rate)
{
    struct pacer p;

    /* 1 kB/s asked every microsecond: a thousandth of a byte each time. */
    pacer_init(&p, DUET_TIME(0));
    uint64_t full = pacer_allowance(&p, 1000, PACKET, DUET_TIME(0));
    pacer_sent(&p, full);
    for (uint64_t now = 1; now <= 999999; now++)
        pacer_allowance(&p, 1000, PACKET, DUET_TIME(now));
    cr_assert_eq(p.tokens_bytes, 999);
    pacer_allowance(&p, 1000, PACKET, DUET_TIME(1000000));
    cr_assert_eq(p.tokens_bytes, 1000);
}

Test(pacer, burst_is_bounded)
{
    static const struct {
        uint64_t rate;
        uint32_t packet;
        uint64_t burst;
    } rows[] = {
        {.rate = 1000, .packet = 1452, .burst = 2904},
        {.rate = 12500000, .packet = 1452, .burst = 12500},
        {.rate = 125000000, .packet = 1452, .burst = 65536},
        {.rate = 1250000000, .packet = 1452, .burst = 312500},
        {.rate = 1000000, .packet = 65507, .burst = 131014},
        {.rate = UINT64_MAX, .packet = 1452, .burst = UINT64_MAX / 4000},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pacer p;

        pacer_init(&p, DUET_TIME(0));
        cr_assert_eq(pacer_allowance(&p, rows[i].rate, rows[i].packet, DUET_TIME(0)), rows[i].burst, "row %zu", i);
        pacer_sent(&p, rows[i].burst);
        cr_assert_eq(pacer_allowance(&p, rows[i].rate, rows[i].packet, DUET_TIME(0)), 0);
        cr_assert_eq(pacer_allowance(&p, rows[i].rate, rows[i].packet, DUET_TIME(UINT64_C(1) << 60)), rows[i].burst,
                     "idle for long: one burst");
    }
}

Test(pacer, next_is_the_first_time_that_allows_a_packet)
{
    static const uint64_t rates[] = {1000, 77777, 1000000, 999999937};

    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        struct pacer p;
        duet_time now = DUET_TIME(1000);

        pacer_init(&p, now);
        cr_assert_eq(sleep_until_turn(&p, rates[i], PACKET, now).us, now.us);
        pacer_sent(&p, pacer_allowance(&p, rates[i], PACKET, now));
        for (int round = 0; round < 500; round++) { /* the remainder takes many values */
            duet_time next = sleep_until_turn(&p, rates[i], PACKET, now);
            struct pacer early = p;
            cr_assert_lt(pacer_allowance(&early, rates[i], PACKET, DUET_TIME(next.us - 1)), PACKET);
            uint64_t allowed = pacer_allowance(&p, rates[i], PACKET, next);
            cr_assert_geq(allowed, PACKET);
            pacer_sent(&p, allowed);
            now = next;
        }
    }
}

Test(pacer, packets_that_could_not_wait_are_paid_back)
{
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    pacer_sent(&p, pacer_allowance(&p, 1000000, PACKET, DUET_TIME(0)));
    pacer_sent(&p, 1000);
    cr_assert_eq(pacer_allowance(&p, 1000000, PACKET, DUET_TIME(999)), 0);
    cr_assert_eq(sleep_until_turn(&p, 1000000, PACKET, DUET_TIME(999)).us, 2452);
    cr_assert_eq(pacer_allowance(&p, 1000000, PACKET, DUET_TIME(1500)), 0);
    cr_assert_eq(p.tokens_bytes, 500);

    pacer_sent(&p, 1000000);
    cr_assert_eq(pacer_allowance(&p, 1000000, PACKET, DUET_TIME(1500)), 0);
    cr_assert_eq(sleep_until_turn(&p, 1000000, PACKET, DUET_TIME(1500)).us, 1500 + 2904 + 1452,
                 "one burst of debt at most");
}

Test(pacer, without_a_rate_nothing_is_counted)
{
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    cr_assert_eq(pacer_allowance(&p, 0, PACKET, DUET_TIME(0)), UINT64_MAX);
    pacer_sent(&p, 14520);
    cr_assert_eq(sleep_until_turn(&p, 0, PACKET, DUET_TIME(5)).us, 5);
    cr_assert_eq(pacer_allowance(&p, 1000000, PACKET, DUET_TIME(9)), 2 * PACKET, "the first rate finds a full bucket");
}

Test(pacer, time_that_stands_still_or_goes_back_gives_nothing)
{
    struct pacer p;

    pacer_init(&p, DUET_TIME(500));
    pacer_sent(&p, pacer_allowance(&p, 1000000, PACKET, DUET_TIME(500)));
    cr_assert_eq(pacer_allowance(&p, 1000000, PACKET, DUET_TIME(100)), 0);
    pacer_allowance(&p, 1000000, PACKET, DUET_TIME(600));
    cr_assert_eq(p.tokens_bytes, 100);
}

Test(pacer, a_new_train_waits_for_what_a_timer_can_tell_apart)
{
    const uint64_t rate = 125000000; /* 31 kB in PACER_LATE_US */
    const uint64_t quantum = rate * PACER_LATE_US / US_PER_S;
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    pacer_sent(&p, pacer_allowance(&p, rate, PACKET, DUET_TIME(0)));
    cr_assert_eq(sleep_until_turn(&p, rate, PACKET, DUET_TIME(0)).us, PACER_LATE_US);
    cr_assert_eq(pacer_allowance(&p, rate, PACKET, DUET_TIME(PACER_LATE_US - 1)), 0);
    cr_assert_eq(pacer_allowance(&p, rate, PACKET, DUET_TIME(PACER_LATE_US)), quantum);
    pacer_sent(&p, quantum - PACKET);
    cr_assert_eq(pacer_allowance(&p, rate, PACKET, DUET_TIME(PACER_LATE_US)), PACKET, "under way, it goes on");
    cr_assert_eq(sleep_until_turn(&p, rate, PACKET, DUET_TIME(PACER_LATE_US)).us, PACER_LATE_US);
}

Test(pacer, makes_up_for_being_woken_late_but_not_for_idling)
{
    const uint64_t rate = 10000000; /* 10 kB a millisecond: the bucket */
    const uint64_t late_us[] = {0, 500, 3000, 60000};
    const uint64_t most_us = SHORT_PATH_US / PACER_LATE_RTTS;
    const uint64_t extra[] = {0, 5000, 30000, rate * most_us / US_PER_S};

    for (size_t i = 0; i < sizeof late_us / sizeof late_us[0]; i++) {
        for (int idles = 0; idles < 2; idles++) {
            struct pacer p;
            pacer_init(&p, DUET_TIME(0));
            pacer_path(&p, SHORT_PATH_US);
            const uint64_t first = pacer_allowance(&p, rate, 1000, DUET_TIME(0));
            pacer_sent(&p, first);
            const duet_time at = sleep_until_turn(&p, rate, 1000, DUET_TIME(0));
            if (idles)
                pacer_idle(&p);
            const uint64_t wait_us = 1000 + late_us[i]; /* the bucket is full after a millisecond */
            const uint64_t got = pacer_allowance(&p, rate, 1000, DUET_TIME(wait_us));
            const uint64_t late = wait_us - at.us;
            const uint64_t most = first + (idles ? 0 : rate * (late < most_us ? late : most_us) / US_PER_S);
            const uint64_t grown = rate * wait_us / US_PER_S;
            cr_assert_eq(got, grown < most ? grown : most, "row %zu idles %d: %lu", i, idles, (unsigned long)got);
            cr_assert_leq(got, first + extra[i] + 10000);
        }
    }
}

/* Woken late, the sender takes in what arrived before it sends; that asks for its next turn again. */
Test(pacer, asking_again_does_not_forgive_being_late)
{
    const uint64_t rate = 10000000;
    const uint64_t late_us = 3000;
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    pacer_path(&p, SHORT_PATH_US);
    const uint64_t burst = pacer_allowance(&p, rate, 1000, DUET_TIME(0));
    pacer_sent(&p, burst);
    const duet_time at = sleep_until_turn(&p, rate, 1000, DUET_TIME(0));
    const duet_time woken = time_add(at, late_us);
    cr_assert_eq(sleep_until_turn(&p, rate, 1000, time_add(at, 10)).us, time_add(at, 10).us);
    cr_assert_eq(sleep_until_turn(&p, rate, 1000, woken).us, woken.us);
    cr_assert_eq(pacer_allowance(&p, rate, 1000, woken), rate * time_since(woken, DUET_TIME(0)) / US_PER_S);
}

Test(pacer, being_late_once_is_made_up_for_once)
{
    const uint64_t rate = 10000000;
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    pacer_path(&p, SHORT_PATH_US);
    pacer_sent(&p, pacer_allowance(&p, rate, 1000, DUET_TIME(0)));
    const duet_time woken = time_add(sleep_until_turn(&p, rate, 1000, DUET_TIME(0)), 3000);
    uint64_t sent = 0;
    for (uint64_t allowed; (allowed = pacer_allowance(&p, rate, 1000, time_add(woken, sent / 1000))) >= 1000;
         sent += 1000)
        pacer_sent(&p, 1000);
    /* A microsecond a packet passed meanwhile: it counts, too. */
    cr_assert_eq(sent, (rate * time_since(time_add(woken, sent / 1000), DUET_TIME(0)) / US_PER_S) / 1000 * 1000);
    /* What follows idling is a full bucket, whatever was asked before and how often. */
    pacer_idle(&p);
    const duet_time later = time_add(woken, 1000000);
    sleep_until_turn(&p, rate, 1000, later);
    sleep_until_turn(&p, rate, 1000, time_add(later, 1));
    cr_assert_leq(pacer_allowance(&p, rate, 1000, time_add(later, 1)), 10000 + 10);
}

Test(pacer, a_turn_that_was_taken_is_not_waited_for)
{
    const uint64_t rate = 10000000;
    struct pacer p;

    pacer_init(&p, DUET_TIME(0));
    pacer_sent(&p, pacer_allowance(&p, rate, 1000, DUET_TIME(0)));
    const duet_time at = sleep_until_turn(&p, rate, 1000, DUET_TIME(0));
    cr_assert_geq(pacer_allowance(&p, rate, 1000, at), 1000);
    cr_assert_eq(pacer_allowance(&p, rate, 1000, time_add(at, 2000)), 10000, "a full bucket, for nobody was late");
}

Test(pacer, makes_up_for_more_on_a_longer_path)
{
    static const struct {
        uint64_t min_rtt_us, made_up_us;
    } rows[] = {{200, PACER_LATE_US}, {1000, PACER_LATE_US}, {4000, 1000},
                {40000, 10000},       {64000, 16000},        {300000, PACER_LATE_MOST_US}};
    const uint64_t rate = 50000000;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pacer p;
        pacer_init(&p, DUET_TIME(0));
        pacer_path(&p, rows[i].min_rtt_us);
        const uint64_t burst = pacer_allowance(&p, rate, 1200, DUET_TIME(0));
        pacer_sent(&p, burst);
        const duet_time at = sleep_until_turn(&p, rate, 1200, DUET_TIME(0));
        cr_assert_eq(pacer_allowance(&p, rate, 1200, time_add(at, 100000)),
                     burst + rate * rows[i].made_up_us / US_PER_S, "row %zu", i);
    }
}

/* At 1 MB/s over 0.2 ms a few packets are all that is missed in 5 ms, and no queue minds them. */
Test(pacer, makes_up_for_some_packets_on_any_path)
{
    static const struct {
        uint64_t late_us, allowed;
    } rows[] = {{600, 1600}, {3000, 4000}, {7200, 8200}, {60000, (2 + PACER_LATE_PACKETS) * 1000}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pacer p;
        pacer_init(&p, DUET_TIME(0));
        pacer_path(&p, 200);
        pacer_sent(&p, pacer_allowance(&p, 1000000, 1000, DUET_TIME(0)));
        const duet_time at = sleep_until_turn(&p, 1000000, 1000, DUET_TIME(0));
        cr_assert_eq(pacer_allowance(&p, 1000000, 1000, time_add(at, rows[i].late_us)), rows[i].allowed, "row %zu", i);
    }
}
