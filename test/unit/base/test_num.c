#include "base/num.h"

#include "unit.h"

Test(num, smaller_larger_and_a_share)
{
    cr_assert_eq(num_min(3, UINT64_MAX), 3);
    cr_assert_eq(num_max(3, UINT64_MAX), UINT64_MAX);
    cr_assert_eq(num_share(0.75, 1000), 750);
    cr_assert_eq(num_share(1.25, 3), 3);
}
