#include "conn/caution.h"

#include "base/num.h"

bool caution_holds(const struct caution *c, duet_time now)
{
    return time_before(now, c->until);
}

void caution_helped(struct caution *c, duet_time now)
{
    if (caution_holds(c, now))
        return; /* one trouble, told several times */
    const bool anew = c->last_us == 0 || time_since(now, c->until) > c->last_us;

    c->last_us = anew ? CAUTION_FIRST_US : num_min(2 * c->last_us, CAUTION_MAX_US);
    c->until = time_add(now, c->last_us);
}
