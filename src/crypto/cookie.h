/*
 * cookie: the stateless address check of RETRY.  A token is
 *   time 8 (µs, big-endian) ‖ keyed BLAKE2b-256(secret, time ‖ address ‖ cid_i)
 * so nothing is kept for a SYN from an unproven address.  The secret changes
 * every LIMIT_TOKEN_US; the former one is still honoured for as long.
 */
#ifndef DUET_CRYPTO_COOKIE_H
#define DUET_CRYPTO_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"
#include "base/time.h"
#include "wire/limits.h"

struct cookie {
    uint8_t secret[2][32]; /* current, former */
    duet_time since;       /* when the current one was made */
};

void cookie_init(struct cookie *c, struct duet_rand *rng, duet_time now);
void cookie_wipe(struct cookie *c);
void cookie_make(struct cookie *c, const struct duet_addr *from, uint64_t cid_i, struct duet_rand *rng, duet_time now,
                 uint8_t token[LIMIT_TOKEN_BYTES]);
/* Authentic, for this address and id, and younger than LIMIT_TOKEN_US?  Constant time in the
 * token. */
bool cookie_check(const struct cookie *c, const struct duet_addr *from, uint64_t cid_i,
                  const uint8_t token[LIMIT_TOKEN_BYTES], duet_time now);

#endif
