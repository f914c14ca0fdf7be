#include "rates.h"

#include <math.h>

#include "base/rand.h"

void rates_init(struct rates *r, uint64_t base_bytes_per_s, double factor, uint64_t min_us, uint64_t max_us,
                uint64_t seed)
{
    struct duet_rand rng;
    uint64_t until_us = 0;

    rand_init_u64(&rng, seed);
    for (size_t i = 0; i < RATES_STEPS; i++) {
        until_us += min_us + rand_below(&rng, max_us - min_us + 1);
        r->until_us[i] = until_us;
        r->bytes_per_s[i] = 1 + (uint64_t)((double)base_bytes_per_s * pow(factor, 2 * rand_unit(&rng) - 1));
    }
}

/* The step that holds at t, and how long it goes on. */
static size_t step_at(const struct rates *r, duet_time t, uint64_t *left_us)
{
    uint64_t at_us = t.us % r->until_us[RATES_STEPS - 1];
    size_t low = 0, high = RATES_STEPS - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->until_us[middle] > at_us)
            high = middle;
        else
            low = middle + 1;
    }
    *left_us = r->until_us[low] - at_us;
    return low;
}

uint64_t rates_carried(const struct rates *r, duet_time from, duet_time to)
{
    uint64_t carried = 0, step_us;

    while (time_before(from, to)) {
        size_t step = step_at(r, from, &step_us);
        uint64_t wanted_us = time_since(to, from);
        step_us = step_us < wanted_us ? step_us : wanted_us;
        carried += step_us * r->bytes_per_s[step];
        from = time_add(from, step_us);
    }
    return carried;
}

duet_time rates_when(const struct rates *r, duet_time from, uint64_t carried, uint64_t *rest)
{
    for (;;) {
        uint64_t left_us;
        size_t step = step_at(r, from, &left_us);
        uint64_t rate = r->bytes_per_s[step];
        if (carried <= left_us * rate) {
            uint64_t us = (carried + rate - 1) / rate;
            *rest = us * rate - carried;
            return time_add(from, us);
        }
        carried -= left_us * rate;
        from = time_add(from, left_us);
    }
}
