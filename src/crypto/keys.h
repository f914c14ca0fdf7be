/*
 * keys: the key schedule of one connection: AEAD contexts per direction and
 * epoch, rekeying, wiping (PROTOCOL.md §5).
 *
 *   secret_0 = the direction's output of the Noise split
 *   key ‖ iv = HKDF-SHA512-Expand(secret_n, "duet v1 key" ‖ suite), secret_{n+1} = …(secret_n, "duet v1 next")
 *
 * The 2-bit epoch on the wire is n mod 4.  A sender moves on after
 * KEYS_REKEY_PACKETS or KEYS_REKEY_US; the receiver follows when a packet of
 * the next epoch verifies, and keeps the former key for KEYS_KEEP_US so that
 * reordered packets still open.  A forged epoch changes nothing: the next key
 * is derived aside and committed only after its tag verified.
 * A sender may not move on again before the peer has acknowledged a packet of
 * the current epoch (the caller says so with keys_confirm), so epochs never lap.
 */
#ifndef DUET_CRYPTO_KEYS_H
#define DUET_CRYPTO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "crypto/aead.h"
#include "crypto/noise.h"

#define KEYS_REKEY_PACKETS (UINT64_C(1) << 22)
#define KEYS_REKEY_US (UINT64_C(120) * 1000000)
#define KEYS_KEEP_US (UINT64_C(10) * 1000000) /* > 3 PTO of any path we keep a session on */

struct keys;

/* NULL: out of memory.  The secrets are copied; wipe yours. */
struct keys *keys_new(enum params_suite suite, const uint8_t send_secret[NOISE_KEY_BYTES],
                      const uint8_t recv_secret[NOISE_KEY_BYTES], duet_time now);
void keys_free(struct keys *k); /* wipes */

/* Epoch to put in the header of the packet `number` about to be sealed; rekeys first where that is
 * due.  Returns 0..3 or DUET_EEXHAUSTED: number >= LIMIT_PACKET_NUMBER; DUET_EINVAL: not above
 * every number sealed so far; DUET_ENOMEM. */
int keys_send_epoch(struct keys *k, uint64_t number, duet_time now);
/* Seals buf and rest, as aead_seal does, under the current epoch.  The number must be above every
 * one sealed before it, for a nonce is used once.  0, DUET_EINVAL, DUET_EEXHAUSTED (as above),
 * DUET_ESYS. */
int keys_seal(struct keys *k, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
              const uint8_t *rest, size_t rest_len);

/* Opens in place under the epoch of the header.  0; DUET_EAUTH: not authentic or no such epoch;
 * DUET_ENOMEM. */
int keys_open(struct keys *k, uint8_t epoch, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf,
              size_t len, duet_time now);

/* The peer acknowledged packet `number`: if it was sealed in the current epoch the next rekey is
 * allowed. */
void keys_confirm(struct keys *k, uint64_t number);

uint64_t keys_sent_epochs(const struct keys *k); /* how often the sender rekeyed */

#endif
