/*
 * fingerprint: a public key as people compare it.
 *
 * Eight groups of four base32 characters, 160 bits of BLAKE2b of the key: "k3vx-…".  Any thread.
 */
#ifndef DUET_CRYPTO_FINGERPRINT_H
#define DUET_CRYPTO_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/noise.h"

#define FINGERPRINT_GROUP 4  /* characters between two hyphens */
#define FINGERPRINT_BYTES 64 /* "xxxx-xxxx-…" and NUL */

/* Returns out. */
const char *fingerprint(const uint8_t key[NOISE_KEY_BYTES], char out[FINGERPRINT_BYTES]);

/* The hash that a whole fingerprint spells, grouped in whatever way; false: it is none. */
bool fingerprint_parse(const char *text, uint8_t print[NOISE_PRINT_BYTES]);

#endif
