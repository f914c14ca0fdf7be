#include "app/recv_budget.h"

#include <assert.h>

#include "wire/limits.h"

static uint64_t pool_bytes(size_t n)
{
    return (uint64_t)(CHUNK_POOL - n * RECV_SPARE_CHUNKS) * CHUNK_BYTES;
}

uint64_t recv_budget_total(size_t n)
{
    assert(n > 0 && n <= RECV_ACTIVE_MAX);
    return pool_bytes(n);
}

uint64_t recv_budget_share(size_t n)
{
    assert(n > 0 && n <= RECV_ACTIVE_MAX);
    const uint64_t share = (pool_bytes(n + 1) - RECV_LEAST_BYTES) / n;

    return share < LIMIT_WINDOW_MAX_BYTES ? share : LIMIT_WINDOW_MAX_BYTES;
}

unsigned recv_budget_chunks(uint64_t outstanding)
{
    return (unsigned)((outstanding + CHUNK_BYTES - 1) / CHUNK_BYTES) + RECV_SPARE_CHUNKS - 1;
}
