#include "recovery/pmtud.h"

#include "base/num.h"

/* UDP payloads: loopback and IPv4's largest, jumbo frames, Ethernet over IPv4 and over IPv6, PPPoE
 * and tunnels, IPv6's minimum. */
static const uint32_t candidates[] = {65507, 8972, 1472, 1452, 1432, 1400, 1352, 1280, 1232};
#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

void pmtud_init(struct pmtud *p, uint32_t base_bytes, uint32_t ceiling_bytes)
{
    *p = (struct pmtud){
        .base_bytes = base_bytes,
        .ceiling_bytes = ceiling_bytes,
        .current_bytes = base_bytes,
        .probe_number = PMTUD_NO_PROBE,
        .search_at = DUET_NEVER,
    };
}

/* The size of the i-th candidate: the ceiling itself comes before all that are larger. */
static uint32_t size_of(const struct pmtud *p, size_t i)
{
    const bool local_is_less = p->local_bytes != 0 && p->local_bytes < p->ceiling_bytes;
    const uint32_t most = local_is_less ? p->local_bytes : p->ceiling_bytes;

    return candidates[i] < most ? candidates[i] : most;
}

static void end_search(struct pmtud *p, duet_time next_search)
{
    p->candidate = CANDIDATES;
    p->search_at = next_search;
}

static void wait_longer(struct pmtud *p, duet_time now)
{
    p->hole_us = p->hole_us == 0 ? PMTUD_HOLE_US : num_min(2 * p->hole_us, PMTUD_RAISE_US);
    end_search(p, time_add(now, p->hole_us));
}

/* Full packets do not pass any more, it seems.  A burst that took a whole window looks the same,
 * and is over soon. */
static void fall_back(struct pmtud *p, duet_time now)
{
    p->current_bytes = p->base_bytes;
    wait_longer(p, now);
}

/* This size does not pass: on to the next smaller one that is different. */
static void next_candidate(struct pmtud *p)
{
    const uint32_t failed = size_of(p, p->candidate);

    p->tries = 0;
    while (p->candidate < CANDIDATES && size_of(p, p->candidate) >= failed)
        p->candidate++;
}

static void begin_search(struct pmtud *p)
{
    p->candidate = 0;
    p->local_bytes = 0; /* the way may lead through another interface now */
    p->tries = 0;
    p->search_at = DUET_NEVER;
}

static uint32_t next_size(const struct pmtud *p)
{
    return p->candidate < CANDIDATES && size_of(p, p->candidate) > p->current_bytes ? size_of(p, p->candidate) : 0;
}

uint32_t pmtud_wants(const struct pmtud *p, duet_time now)
{
    struct pmtud anew;

    if (p->probe_number != PMTUD_NO_PROBE)
        return 0;
    if (!time_due(p->search_at, now))
        return next_size(p);
    anew = *p;
    begin_search(&anew);
    return next_size(&anew);
}

void pmtud_go_on(struct pmtud *p, duet_time now)
{
    if (p->probe_number != PMTUD_NO_PROBE)
        return;
    if (time_due(p->search_at, now))
        begin_search(p);
    if (next_size(p) > 0 || !time_is_never(p->search_at))
        return;
    if (p->hole_us > 0)
        wait_longer(p, now);
    else
        end_search(p, time_add(now, PMTUD_RAISE_US));
}

void pmtud_sent(struct pmtud *p, uint64_t number, uint32_t bytes)
{
    p->probe_number = number;
    p->probe_bytes = bytes;
}

static bool is_full(const struct pmtud *p, uint32_t bytes)
{
    return bytes == p->current_bytes && bytes > p->base_bytes;
}

bool pmtud_acked(struct pmtud *p, uint64_t number, uint32_t bytes, duet_time sent_at, duet_time now)
{
    if (number == p->probe_number) {
        p->probe_number = PMTUD_NO_PROBE;
        p->current_bytes = p->probe_bytes;
        p->full_lost = 0;
        p->hole_us = 0;
        end_search(p, time_add(now, PMTUD_RAISE_US));
        return true;
    }
    if (is_full(p, bytes)) {
        p->full_lost = 0;
        p->full_acked_at = time_max(p->full_acked_at, sent_at);
    }
    if (p->full_lost < PMTUD_HOLE_PACKETS || bytes == 0 || bytes > p->base_bytes ||
        !time_before(p->full_lost_at, sent_at))
        return false;
    p->full_lost = 0;
    fall_back(p, now);
    return true;
}

void pmtud_lost(struct pmtud *p, uint64_t number, uint32_t bytes, duet_time sent_at)
{
    if (number == p->probe_number) {
        p->probe_number = PMTUD_NO_PROBE;
        if (p->candidate < CANDIDATES && ++p->tries >= PMTUD_TRIES)
            next_candidate(p);
    } else if (is_full(p, bytes) && time_before(p->full_acked_at, sent_at)) {
        /* A full one sent later has not arrived either: a burst of drops is no hole. */
        p->full_lost++;
        p->full_lost_at = time_max(p->full_lost_at, sent_at);
    }
}

bool pmtud_too_big(struct pmtud *p, uint32_t bytes, uint32_t allowed, duet_time now)
{
    if (p->probe_number != PMTUD_NO_PROBE && bytes == p->probe_bytes) {
        p->probe_number = PMTUD_NO_PROBE;
        if (allowed > p->current_bytes && allowed < bytes)
            p->local_bytes = allowed;
        else if (p->candidate < CANDIDATES)
            next_candidate(p);
        return false;
    }
    if (bytes > p->current_bytes || p->current_bytes == p->base_bytes)
        return false;
    fall_back(p, now);
    return true;
}
