/*
 * num: the smaller, the larger, a share of: what every second file would
 * otherwise define for itself.  Header-only; any thread.
 */
#ifndef DUET_BASE_NUM_H
#define DUET_BASE_NUM_H

#include <stdint.h>

static inline uint64_t num_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t num_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* share · of, rounded down; share >= 0, and the product below 2^64. */
static inline uint64_t num_share(double share, uint64_t of)
{
    return (uint64_t)(share * (double)of);
}

#endif
