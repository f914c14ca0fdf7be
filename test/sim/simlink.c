#include "simlink.h"

#include "wire/packet.h"

#define CRC_BYTES 4
#define MAX_FLIPS 8

void link_init(struct link *l, const struct link_config *cfg, uint64_t seed)
{
    *l = (struct link){.cfg = *cfg, .tokens = cfg->policer_bytes * US_PER_S};
    rand_init_u64(&l->rng, seed);
    turns_init(&l->turns, cfg->pauses, cfg->pause_us, seed, DUET_TIME(0));
    if (cfg->swing > 1)
        rates_init(&l->rates, cfg->rate_bytes_per_s, cfg->swing, cfg->swing_min_us, cfg->swing_max_us, seed);
}

/* Draws nothing for what is off, so that turning one fault on leaves the others' dice alone. */
static bool happens(struct link *l, double chance)
{
    return chance > 0 && rand_unit(&l->rng) < chance;
}

static bool is_in_hole(const struct link_config *c, duet_time now)
{
    for (size_t i = 0; i < c->hole_count; i++) {
        if (now.us >= c->holes[i].from_us && now.us < c->holes[i].until_us)
            return true;
    }
    return false;
}

static bool is_lost(struct link *l, duet_time now)
{
    const struct link_config *c = &l->cfg;
    uint64_t index = l->seen++;

    if (index < 64 && ((c->loss_mask >> index) & 1) != 0)
        return true;
    if (happens(l, l->is_in_burst ? c->burst_end : c->burst_start))
        l->is_in_burst = !l->is_in_burst;
    if (l->is_in_burst && happens(l, c->burst_loss))
        return true;
    return is_in_hole(c, now) || happens(l, c->loss);
}

uint64_t link_backlog(const struct link *l, duet_time now)
{
    if (l->cfg.swing > 1)
        return rates_carried(&l->rates, now, l->busy_until) / US_PER_S;
    return time_since(l->busy_until, now) * l->cfg.rate_bytes_per_s / US_PER_S;
}

/* The line is busy with these bytes for so much longer. */
static void occupy(struct link *l, size_t bytes)
{
    uint64_t rate = l->cfg.rate_bytes_per_s;

    if (l->cfg.swing > 1) {
        uint64_t wanted = bytes * US_PER_S, saved = l->busy_rest < wanted ? l->busy_rest : wanted;
        l->busy_until = rates_when(&l->rates, l->busy_until, wanted - saved, &l->busy_rest);
        return;
    }
    /* Fractions of a µs are carried on: a packet takes 12.24 µs at 1 Gbit/s. */
    l->busy_rest += bytes * US_PER_S;
    l->busy_until = time_add(l->busy_until, l->busy_rest / rate);
    l->busy_rest %= rate;
}

/* When the last bit has left the line; false: no room in the queue. */
static bool serialise(struct link *l, size_t len, duet_time now, duet_time *left)
{
    const struct link_config *c = &l->cfg;

    *left = now;
    if (c->rate_bytes_per_s == 0)
        return true;
    uint64_t backlog = link_backlog(l, now) + len;
    if (c->queue_bytes != 0 && backlog > c->queue_bytes)
        return false;
    if (backlog > l->peak_bytes)
        l->peak_bytes = backlog;
    if (time_before(l->busy_until, now)) {
        l->busy_until = now;
        l->busy_rest = 0;
    }
    l->busy_until = turns_back(&l->turns, l->busy_until);
    occupy(l, len + LINK_HEADER_BYTES);
    *left = l->busy_until;
    return true;
}

/* false: the bucket is empty. */
static bool police(struct link *l, size_t len, duet_time now)
{
    uint64_t full = l->cfg.policer_bytes * US_PER_S, price = (len + LINK_HEADER_BYTES) * US_PER_S;

    l->tokens += time_since(now, l->tokens_at) * l->cfg.rate_bytes_per_s;
    l->tokens_at = now;
    if (l->tokens > full)
        l->tokens = full;
    if (l->tokens < price)
        return false;
    l->tokens -= price;
    return true;
}

static bool admit(struct link *l, size_t len, duet_time now, duet_time *left)
{
    *left = now;
    return l->cfg.policer_bytes != 0 ? police(l, len, now) : serialise(l, len, now, left);
}

static duet_time arrival(struct link *l, duet_time left)
{
    const struct link_config *c = &l->cfg;
    duet_time at = time_add(left, c->delay_us);

    if (c->jitter_us > 0)
        at = time_add(at, rand_below(&l->rng, c->jitter_us));
    if (c->hold_us > 0)
        at.us = (at.us + c->hold_us - 1) / c->hold_us * c->hold_us;
    if (happens(l, c->reorder))
        return time_add(at, c->reorder_min_us + rand_below(&l->rng, c->reorder_us - c->reorder_min_us + 1));
    if (c->keeps_order)
        at = l->last_at = time_max(at, l->last_at);
    return at;
}

struct link_fate link_pass(struct link *l, size_t len, duet_time now)
{
    struct link_fate fate = {0};
    duet_time left;

    if (l->cfg.mtu_bytes != 0 && len > l->cfg.mtu_bytes) {
        l->counts.oversized++;
        return fate;
    }
    if (!admit(l, len, now, &left)) {
        l->counts.overflowed++;
        return fate;
    }
    if (is_lost(l, now)) {
        l->counts.lost++;
        return fate;
    }
    l->counts.passed++;
    fate.at[fate.copies++] = arrival(l, left);
    if (happens(l, l->cfg.duplicate)) {
        l->counts.duplicated++;
        fate.at[fate.copies++] = arrival(l, left);
    }
    return fate;
}

static void flip(uint8_t *dgram, uint64_t bit)
{
    dgram[bit / 8] ^= (uint8_t)(1U << (bit % 8));
}

/* The on-path attacker, who can compute a CRC. */
static bool tamper(struct link_config *c, uint8_t *dgram, size_t len)
{
    if (c->flip_left == 0 || dgram[0] != c->flip_type || len <= CRC_BYTES)
        return false;
    c->flip_left--;
    flip(dgram, c->flip_bit % ((len - CRC_BYTES) * 8));
    uint32_t crc = packet_crc32c(dgram, len - CRC_BYTES);
    for (size_t i = 0; i < CRC_BYTES; i++)
        dgram[len - 1 - i] = (uint8_t)(crc >> (8 * i));
    return true;
}

size_t link_damage(struct link *l, uint8_t *dgram, size_t len, bool *is_damaged)
{
    *is_damaged = tamper(&l->cfg, dgram, len);
    if (happens(l, l->cfg.corrupt)) {
        uint64_t flips = 1 + rand_below(&l->rng, MAX_FLIPS);
        for (uint64_t i = 0; i < flips; i++)
            flip(dgram, rand_below(&l->rng, len * 8));
        *is_damaged = true;
    }
    if (happens(l, l->cfg.truncate)) {
        len = rand_below(&l->rng, len);
        *is_damaged = true;
    }
    if (*is_damaged)
        l->counts.damaged++;
    return len;
}
