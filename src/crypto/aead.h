/*
 * aead: seal and open in place, by the providers that work here.  What is sealed may have a rest
 * that lies elsewhere, so that a file's bytes need not be copied first.
 *
 * libcrypto (EVP) provides AES-128-GCM and ChaCha20-Poly1305 everywhere, Intel
 * IPSec-MB and libgcrypt a faster AES-128-GCM where they are (aead_provider.h);
 * the bytes on the wire are the same.  One context per direction and key, its key
 * set once.  The nonce is the 12-byte iv XOR the packet number in its last 8
 * bytes (RFC 9001 §5.3), so a number used twice under one key would be fatal:
 * keys.c sees that it cannot be.  A context is owned by one thread.  aead_suites
 * is called before there are threads that make contexts (node_start does), after
 * it any thread may call it and aead_new.
 */
#ifndef DUET_CRYPTO_AEAD_H
#define DUET_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/limits.h"
#include "wire/params.h"

#define AEAD_KEY_MAX_BYTES 32
#define AEAD_IV_BYTES 12
#define AEAD_TAG_BYTES LIMIT_TAG_BYTES
#define AEAD_LONG_BYTES 2048 /* of text: so long a packet may have another provider than short ones */

struct aead;

size_t aead_key_bytes(enum params_suite suite); /* 16 or 32 */

/* Suites that a provider passed its self-test for, as bits.  Asked at start, it makes the
 * first handshake no slower (2 to 3 ms for all self-tests); later answers cost nothing. */
uint32_t aead_suites(void);

/* Whether AES is in hardware here. */
bool aead_prefers_aes(void);

/* A sealing or an opening context.  NULL: out of memory or unknown suite. */
struct aead *aead_new(enum params_suite suite, const uint8_t *key, const uint8_t iv[AEAD_IV_BYTES], bool sealing);
void aead_free(struct aead *a); /* wipes */

/* Encrypts buf[0..len) in place, behind it rest[0..rest_len), which is read where it lies (not in
 * buf), and behind that writes the tag: rest_len + 16 bytes of room.  len > 0 where there is a
 * rest.  0, DUET_ESYS. */
int aead_seal(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
              const uint8_t *rest, size_t rest_len);

/* Decrypts buf[0..len) in place, its last 16 bytes being the tag.  0, or DUET_EAUTH
 * with the plaintext wiped from buf. len >= 16. */
int aead_open(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len);

const char *aead_suite_name(enum params_suite suite); /* "AES-128-GCM" */
/* Who seals or opens `len` bytes of text: "libcrypto", "ipsec-mb", "libgcrypt". */
const char *aead_provider_name(const struct aead *a, size_t len);
/* Who encrypts here, for people: "AES-128-GCM by ipsec-mb (long packets: libgcrypt),
 * ChaCha20-Poly1305 by libcrypto".  After aead_suites, any thread. */
#define AEAD_PROVIDERS_TEXT_BYTES 160
const char *aead_providers_text(char out[AEAD_PROVIDERS_TEXT_BYTES]);

/* For tests and benchmarks, while no other thread makes contexts: the suites that `provider` has
 * are its from now on, the others stay; NULL: the usual choice for all.  0, DUET_ENOTFOUND for an
 * unknown name, DUET_EUNSUPPORTED and no change where this build, this CPU or the self-test rules
 * it out. */
int aead_use(const char *provider);

#endif
