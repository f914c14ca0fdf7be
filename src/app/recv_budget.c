#include "duet/app/recv_budget.h"

#include <assert.h>

#include "duet/wire/limits.h"

uint64_t recv_budget_total(size_t n)
{
    assert(n > 0 && n <= RECV_ACTIVE_MAX);
    return (uint64_t)(CHUNK_POOL - n * RECV_SPARE_CHUNKS) * CHUNK_BYTES;
}

uint64_t recv_budget_share(size_t n)
{
    const uint64_t share = recv_budget_total(n) / n;

    return share < LIMIT_WINDOW_MAX_BYTES ? share : LIMIT_WINDOW_MAX_BYTES;
}

unsigned recv_budget_chunks(uint64_t outstanding)
{
    return (unsigned)((outstanding + CHUNK_BYTES - 1) / CHUNK_BYTES) + RECV_SPARE_CHUNKS - 1;
}
