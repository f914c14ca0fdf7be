/*
 * pacer: all products of rate and time are taken in 128 bits, so that 1 kB/s
 * and 10 GB/s are the same arithmetic, and what a division leaves is kept.
 */
#include "recovery/pacer.h"

#include "base/num.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t burst_bytes(uint64_t rate_bytes_per_s, uint32_t packet_bytes)
{
    uint64_t burst = (uint64_t)((uint128)rate_bytes_per_s * PACER_BURST_US / US_PER_S);
    uint64_t late = (uint64_t)((uint128)rate_bytes_per_s * PACER_LATE_US / US_PER_S);
    uint64_t least = 2 * (uint64_t)packet_bytes;

    if (burst > PACER_BURST_MAX_BYTES)
        burst = late > PACER_BURST_MAX_BYTES ? late : PACER_BURST_MAX_BYTES;
    return burst < least ? least : burst;
}

/* What a new train waits for; half a bucket at most, for the other half must hold what comes while
 * we are late. */
static int64_t quantum_bytes(uint64_t rate_bytes_per_s, uint32_t packet_bytes)
{
    uint64_t quantum = (uint64_t)((uint128)rate_bytes_per_s * PACER_LATE_US / US_PER_S);

    quantum = num_min(quantum, burst_bytes(rate_bytes_per_s, packet_bytes) / 2);
    return (int64_t)num_max(quantum, packet_bytes);
}

void pacer_init(struct pacer *p, duet_time now)
{
    *p = (struct pacer){.at = now, .late_max_us = PACER_LATE_US};
}

void pacer_path(struct pacer *p, uint64_t min_rtt_us)
{
    p->late_max_us = num_min(num_max(min_rtt_us / PACER_LATE_RTTS, PACER_LATE_US), PACER_LATE_MOST_US);
}

static void fill_bucket(struct pacer *p, uint64_t rate_bytes_per_s, int64_t burst, duet_time now)
{
    if (p->tokens_bytes >= -burst && p->tokens_bytes <= burst && !time_before(p->at, now))
        return; /* the same moment, as for most packets of a train: no division for nothing */
    uint128 grown = (uint128)rate_bytes_per_s * time_since(now, p->at) + p->fraction;
    uint128 whole = grown / US_PER_S;

    if (p->tokens_bytes > burst)
        return; /* what a late timer earned is still being spent; what passes meanwhile counts afterwards */
    p->at = time_max(p->at, now);
    if (p->tokens_bytes < -burst)
        p->tokens_bytes = -burst;
    if (whole >= (uint128)(burst > p->tokens_bytes ? burst - p->tokens_bytes : 0)) {
        p->tokens_bytes = burst;
        p->fraction = 0;
        return;
    }
    p->tokens_bytes += (int64_t)whole;
    p->fraction = (uint64_t)(grown % US_PER_S);
}

/* What passed between the time the sender wanted to be woken and now. */
static int64_t late_bytes(const struct pacer *p, uint64_t rate_bytes_per_s, uint32_t packet_bytes, duet_time now)
{
    uint64_t late_us = p->paced && !time_is_never(p->promised) ? time_since(now, p->promised) : 0;
    uint128 missed = (uint128)rate_bytes_per_s * num_min(late_us, PACER_LATE_MOST_US) / US_PER_S;
    uint128 trusted = (uint128)rate_bytes_per_s * p->late_max_us / US_PER_S;
    uint64_t always = PACER_LATE_PACKETS * (uint64_t)packet_bytes;

    trusted = trusted > always ? trusted : always;
    return (int64_t)(missed < trusted ? missed : trusted);
}

uint64_t pacer_allowance(struct pacer *p, uint64_t rate_bytes_per_s, uint32_t packet_bytes, duet_time now)
{
    if (rate_bytes_per_s == 0) {
        *p = (struct pacer){.at = now, .late_max_us = p->late_max_us};
        return UINT64_MAX;
    }
    int64_t burst =
        (int64_t)burst_bytes(rate_bytes_per_s, packet_bytes) + late_bytes(p, rate_bytes_per_s, packet_bytes, now);
    if (!p->paced)
        *p = (struct pacer){
            .tokens_bytes = burst, .at = now, .promised = DUET_NEVER, .late_max_us = p->late_max_us, .paced = true};
    fill_bucket(p, rate_bytes_per_s, burst, now);
    p->promised = DUET_NEVER; /* kept */
    if (p->tokens_bytes >= quantum_bytes(rate_bytes_per_s, packet_bytes))
        p->train = true;
    else if (p->tokens_bytes < (int64_t)packet_bytes)
        p->train = false;
    return p->train ? (uint64_t)p->tokens_bytes : 0;
}

void pacer_idle(struct pacer *p)
{
    p->promised = DUET_NEVER;
}

void pacer_sent(struct pacer *p, uint64_t bytes)
{
    if (p->paced)
        p->tokens_bytes -= (int64_t)bytes;
    p->train = p->train && p->tokens_bytes > 0;
}

/* A train ends when what is left of it would not do for a packet. */
static bool goes_on(const struct pacer *p, uint32_t packet_bytes)
{
    return p->train && p->tokens_bytes >= (int64_t)packet_bytes;
}

duet_time pacer_next(const struct pacer *p, uint64_t rate_bytes_per_s, uint32_t packet_bytes, duet_time now)
{
    int64_t wanted = goes_on(p, packet_bytes) ? (int64_t)packet_bytes : quantum_bytes(rate_bytes_per_s, packet_bytes);

    if (rate_bytes_per_s == 0 || !p->paced || p->tokens_bytes >= wanted)
        return now;
    uint128 missing = (uint128)(wanted - p->tokens_bytes) * US_PER_S;

    missing -= missing < p->fraction ? missing : p->fraction;
    uint64_t wait_us = (uint64_t)((missing + rate_bytes_per_s - 1) / rate_bytes_per_s);
    return time_max(now, time_add(p->at, wait_us));
}

void pacer_promise(struct pacer *p, uint32_t packet_bytes, duet_time turn)
{
    p->train = goes_on(p, packet_bytes);
    if (p->paced)
        p->promised = time_min(p->promised, turn); /* asking again, late, does not make the sender less late */
}
