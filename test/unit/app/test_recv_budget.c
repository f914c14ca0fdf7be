#include "unit.h"
#include <stdlib.h>

#include "app/recv_budget.h"
#include "wire/limits.h"

Test(recv_budget, what_is_promised_always_fits_the_pool)
{
    for (size_t n = 1; n <= RECV_ACTIVE_MAX; n++) {
        const uint64_t share = recv_budget_share(n);

        cr_assert_geq(share, LIMIT_WINDOW_MIN_BYTES, "n %zu", n);
        cr_assert_leq(share, LIMIT_WINDOW_MAX_BYTES, "n %zu", n);
        cr_assert_leq(share * n, recv_budget_total(n), "n %zu", n);
        if (n < RECV_ACTIVE_MAX)
            cr_assert_leq(share * n + RECV_LEAST_BYTES, recv_budget_total(n + 1), "n %zu: nothing is left for one more",
                          n);
        cr_assert_leq(recv_budget_chunks(share) * n, CHUNK_POOL, "n %zu", n);
    }
}

Test(recv_budget, chunks_for_what_is_outstanding)
{
    static const struct {
        uint64_t outstanding;
        unsigned expected;
    } rows[] = {
        {.outstanding = 0, .expected = 2},
        {.outstanding = 1, .expected = 3},
        {.outstanding = CHUNK_BYTES, .expected = 3},
        {.outstanding = CHUNK_BYTES + 1, .expected = 4},
        {.outstanding = 10 * CHUNK_BYTES, .expected = 12},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(recv_budget_chunks(rows[i].outstanding), rows[i].expected, "row %zu", i);
}
