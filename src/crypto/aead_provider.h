/*
 * aead_provider: what an implementation offers to aead.c, and the test it must pass.
 *
 * A provider is one constant table entry in a file of its own.  Its state holds
 * one key for one direction; the nonce comes with every packet.  `aead.c` lists
 * the providers and uses none that failed the self-test.
 */
#ifndef DUET_CRYPTO_AEAD_PROVIDER_H
#define DUET_CRYPTO_AEAD_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"

struct aead_provider {
    const char *name;
    uint32_t suites; /* bits of params_suite; 0: not in this build, and no function below is called */

    /* The vectors its AES works in on this CPU. */
    unsigned (*width_bits)(void);
    /* NULL: out of memory, or not on this machine. */
    void *(*new)(enum params_suite suite, const uint8_t *key, bool sealing);
    void (*free)(void *state); /* wipes */

    /* As aead_seal and aead_open, with the nonce complete.  ad may be NULL when ad_len is 0. */
    int (*seal)(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                size_t len, const uint8_t *rest, size_t rest_len);
    int (*open)(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                size_t len);
};

extern const struct aead_provider aead_ipsec_mb;  /* AES-128-GCM; amd64 with libipsec-mb */
extern const struct aead_provider aead_libgcrypt; /* AES-128-GCM; with libgcrypt, of use where it works in 256 bits */
extern const struct aead_provider aead_libcrypto; /* every suite, everywhere */

/* Whether `p` has the suite, gives known answers, and refuses and wipes a forgery. */
bool aead_provider_works(const struct aead_provider *p, enum params_suite suite);

/* The first, or the widest (of equals the first), of a list of up to 32 that works for the suite;
 * NULL: none. */
const struct aead_provider *aead_provider_choose(const struct aead_provider *const *list, size_t count,
                                                 enum params_suite suite, bool widest);

#endif
