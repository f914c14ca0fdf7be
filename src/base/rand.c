/*
 * rand: see the header.  Every refill makes 512 bytes of ChaCha20 keystream: the
 * first 32 replace the key at once and the rest is the pool, of which each byte
 * is wiped as it is handed out.  So what was given cannot be computed from what
 * is in memory afterwards (fast key erasure).
 *
 * The seed itself is replaced by the first refill; a key of zeros therefore
 * means "never initialised" or "wiped", and drawing from it is our bug.
 */
#include "base/rand.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define REFILL_BYTES (RAND_SEED_BYTES + RAND_POOL_BYTES)

_Static_assert(RAND_SEED_BYTES == crypto_stream_chacha20_KEYBYTES, "the seed is a ChaCha20 key");

static void refill(struct duet_rand *r)
{
    /* A key is used for one refill only, so the nonce need not change. */
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t stream[REFILL_BYTES];

    crypto_stream_chacha20(stream, sizeof(stream), nonce, r->key);
    memcpy(r->key, stream, RAND_SEED_BYTES);
    memcpy(r->pool, stream + RAND_SEED_BYTES, RAND_POOL_BYTES);
    r->used = 0;
    sodium_memzero(stream, sizeof(stream));
}

void rand_init(struct duet_rand *r, const uint8_t seed[RAND_SEED_BYTES])
{
    memcpy(r->key, seed, RAND_SEED_BYTES);
    refill(r);
}

void rand_init_u64(struct duet_rand *r, uint64_t seed)
{
    uint8_t bytes[RAND_SEED_BYTES] = {0};

    for (size_t i = 0; i < sizeof(seed); i++)
        bytes[i] = (uint8_t)(seed >> 8 * i & 0xff);
    rand_init(r, bytes);
}

void rand_wipe(struct duet_rand *r)
{
    sodium_memzero(r, sizeof(*r));
}

void rand_bytes(struct duet_rand *r, uint8_t *out, size_t len)
{
    assert(!sodium_is_zero(r->key, sizeof(r->key)));
    while (len > 0) {
        if (r->used == RAND_POOL_BYTES)
            refill(r);
        const size_t left = RAND_POOL_BYTES - r->used;
        const size_t part = len < left ? len : left;

        memcpy(out, r->pool + r->used, part);
        sodium_memzero(r->pool + r->used, part);
        r->used += part;
        out += part;
        len -= part;
    }
}

uint64_t rand_u64(struct duet_rand *r)
{
    uint8_t bytes[sizeof(uint64_t)];
    uint64_t v = 0;

    rand_bytes(r, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        v = v << 8 | bytes[i];
    sodium_memzero(bytes, sizeof(bytes));
    return v;
}

uint64_t rand_below(struct duet_rand *r, uint64_t bound)
{
    assert(bound > 0);
    /* The lowest 2^64 mod bound draws are refused, so that each remainder is equally likely. */
    const uint64_t refused = (UINT64_MAX - bound + 1) % bound;
    uint64_t v;

    do
        v = rand_u64(r);
    while (v < refused);
    return v % bound;
}

double rand_unit(struct duet_rand *r)
{
    return (double)(rand_u64(r) >> 11) * 0x1p-53; /* the 53 bits a double holds */
}
