#include "base/time.h"

#include "unit.h"

Test(time, addition_saturates_at_never)
{
    static const struct {
        uint64_t t, delta, want;
    } row[] = {
        {0, 0, 0},
        {5, 7, 12},
        {UINT64_MAX - 3, 2, UINT64_MAX - 1},
        {UINT64_MAX - 3, 3, UINT64_MAX},
        {UINT64_MAX - 3, 4, UINT64_MAX},
        {UINT64_MAX - 3, UINT64_MAX, UINT64_MAX},
        {UINT64_MAX, 0, UINT64_MAX},
        {UINT64_MAX, 1, UINT64_MAX},
        {0, UINT64_MAX, UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_eq(time_add(DUET_TIME(row[i].t), row[i].delta).us, row[i].want, "row %zu", i);
}

Test(time, subtraction_stops_at_zero_and_never_stays)
{
    cr_expect_eq(time_back(DUET_TIME(10), 3).us, 7);
    cr_expect_eq(time_back(DUET_TIME(10), 10).us, 0);
    cr_expect_eq(time_back(DUET_TIME(10), 11).us, 0);
    cr_expect(time_is_never(time_back(DUET_NEVER, 5)));
}

Test(time, since_is_zero_for_what_is_not_past)
{
    cr_expect_eq(time_since(DUET_TIME(10), DUET_TIME(4)), 6);
    cr_expect_eq(time_since(DUET_TIME(4), DUET_TIME(4)), 0);
    cr_expect_eq(time_since(DUET_TIME(4), DUET_TIME(10)), 0);
    cr_expect_eq(time_since(DUET_TIME(4), DUET_NEVER), 0);
}

Test(time, a_deadline_is_due_at_its_instant_and_never_is_not)
{
    cr_expect(!time_due(DUET_TIME(10), DUET_TIME(9)));
    cr_expect(time_due(DUET_TIME(10), DUET_TIME(10)));
    cr_expect(time_due(DUET_TIME(10), DUET_TIME(11)));
    cr_expect(!time_due(DUET_NEVER, DUET_TIME(UINT64_MAX - 1)));
    cr_expect(!time_due(DUET_NEVER, DUET_NEVER));
}

Test(time, never_is_later_than_everything)
{
    cr_expect(time_is_never(DUET_NEVER));
    cr_expect(!time_is_never(DUET_TIME(UINT64_MAX - 1)));
    cr_expect(time_before(DUET_TIME(UINT64_MAX - 1), DUET_NEVER));
    cr_expect(!time_before(DUET_NEVER, DUET_NEVER));
    cr_expect_eq(time_min(DUET_NEVER, DUET_TIME(3)).us, 3);
    cr_expect_eq(time_min(DUET_TIME(2), DUET_TIME(3)).us, 2);
    cr_expect_eq(time_max(DUET_TIME(2), DUET_TIME(3)).us, 3);
    cr_expect(time_is_never(time_max(DUET_TIME(3), DUET_NEVER)));
}
