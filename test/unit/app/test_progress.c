#include "unit.h"
#include <stdlib.h>

#include "app/progress.h"

Test(progress, finds_a_steady_rate_after_a_second_and_keeps_it)
{
    struct progress p = {.started = false};

    for (uint64_t i = 0; i <= 50; i++) {
        progress_sample(&p, i * 100000, DUET_TIME(1000 + i * 100000));
        if (i < 10)
            cr_assert_eq(p.rate_bytes_per_s, 0, "sample %lu", (unsigned long)i);
        else
            cr_assert(p.rate_bytes_per_s > 990000 && p.rate_bytes_per_s <= 1000000, "sample %lu", (unsigned long)i);
    }
    cr_assert_eq(progress_eta_us(&p, 5000000), 0);
    const uint64_t eta = progress_eta_us(&p, 6000000);

    cr_assert(eta >= 1000000 && eta < 1010000);
}

Test(progress, a_burst_moves_the_mean_by_its_share_of_the_time_constant)
{
    struct progress p = {.started = false};

    progress_sample(&p, 0, DUET_TIME(0));
    progress_sample(&p, 1000000, DUET_TIME(1000000));
    progress_sample(&p, 1000000, DUET_TIME(1100000)); /* nothing for 100 ms: weight 0.1 / 2.1 */
    cr_assert(p.rate_bytes_per_s > 940000 && p.rate_bytes_per_s < 960000);
    for (int i = 0; i < 200; i++)
        progress_sample(&p, 1000000, DUET_TIME(1200000 + (uint64_t)i * 100000));
    cr_assert_lt(p.rate_bytes_per_s, 1000, "20 s of silence");
}

Test(progress, waiting_for_the_first_byte_is_no_rate)
{
    struct progress p = {.started = false};

    progress_sample(&p, 0, DUET_TIME(0));
    progress_sample(&p, 0, DUET_TIME(5000000));
    cr_assert_eq(progress_eta_us(&p, 100), UINT64_MAX);
    progress_sample(&p, 500, DUET_TIME(5500000));
    cr_assert_eq(p.rate_bytes_per_s, 0, "half a second is no time to measure in");
    progress_sample(&p, 2000, DUET_TIME(7000000));
    cr_assert_eq(p.rate_bytes_per_s, 1000);
}

Test(progress, a_first_burst_is_not_taken_for_the_rate)
{
    struct progress p = {.started = false};

    /* 16 KB at once, then 50 kB/s: as a limit, or a modem, gives them. */
    progress_sample(&p, 0, DUET_TIME(0));
    for (uint64_t t = 100000; t <= 3000000; t += 100000) {
        progress_sample(&p, 16000 + t / 20, DUET_TIME(t));
        cr_assert_leq(p.rate_bytes_per_s, 70000);
    }
    cr_assert_geq(p.rate_bytes_per_s, 50000);
}

Test(progress, two_samples_at_one_time_are_one)
{
    struct progress p = {.started = false};

    progress_sample(&p, 0, DUET_TIME(7));
    progress_sample(&p, 100, DUET_TIME(7));
    cr_assert_eq(p.rate_bytes_per_s, 0);
    progress_sample(&p, 100, DUET_TIME(1000007));
    cr_assert_eq(p.rate_bytes_per_s, 100);
}
