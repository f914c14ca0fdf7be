/*
 * rand: the injected source of randomness of the core.
 *
 * ChaCha20 keystream (libsodium) over a 32-byte seed with fast key erasure: the
 * program seeds it from the system once (io), a simulation from its seed, and
 * the same seed gives the same bytes.  Good for keys and connection ids.
 * Owned by one thread.
 */
#ifndef DUET_BASE_RAND_H
#define DUET_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

#define RAND_SEED_BYTES 32
#define RAND_POOL_BYTES 480

struct duet_rand {
    uint8_t key[RAND_SEED_BYTES];
    uint8_t pool[RAND_POOL_BYTES]; /* keystream not yet handed out, wiped as it is */
    size_t used;                   /* bytes of pool already handed out */
};

void rand_init(struct duet_rand *r, const uint8_t seed[RAND_SEED_BYTES]);
void rand_init_u64(struct duet_rand *r, uint64_t seed); /* for simulations and tests */
void rand_wipe(struct duet_rand *r);

void rand_bytes(struct duet_rand *r, uint8_t *out, size_t len);
uint64_t rand_u64(struct duet_rand *r);
uint64_t rand_below(struct duet_rand *r, uint64_t bound); /* uniform in [0, bound); bound > 0 */
double rand_unit(struct duet_rand *r);                    /* uniform in [0, 1) */

#endif
