#include "turns.h"

/* Uniform in (0, 2 · mean]. */
static uint64_t around(struct turns *t, uint64_t mean_us)
{
    return 1 + rand_below(&t->rng, 2 * mean_us);
}

static void next_absence(struct turns *t, duet_time after)
{
    t->from = time_add(after, around(t, t->mean_gap_us));
    t->until = time_add(t->from, 1 + rand_below(&t->rng, t->longest_us));
}

void turns_init(struct turns *t, double share, uint64_t longest_us, uint64_t seed, duet_time now)
{
    *t = (struct turns){.longest_us = longest_us, .from = DUET_NEVER, .until = DUET_NEVER};
    rand_init_u64(&t->rng, seed);
    if (share <= 0 || longest_us == 0)
        return;
    t->mean_gap_us = (uint64_t)((double)longest_us / 2 * (1 - share) / share);
    next_absence(t, now);
}

duet_time turns_back(struct turns *t, duet_time now)
{
    while (!time_before(now, t->until))
        next_absence(t, t->until);
    return time_before(now, t->from) ? now : t->until;
}
