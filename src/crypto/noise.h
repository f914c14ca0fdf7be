/*
 * noise: Noise_XXpsk3_25519_ChaChaPoly_SHA512 (noiseprotocol.org, revision 34).
 *
 *   -> e
 *   <- e, ee, s, es
 *   -> s, se, psk
 *
 * A plain value: a reader works on a copy, and the caller commits it only when
 * the message verified; both wipe what they no longer need.  libsodium does
 * the primitives.  In psk patterns every `e` also mixes into the key (§9.2),
 * so all three payloads are encrypted (the first only under public values).
 * Owned by one thread.
 */
#ifndef DUET_CRYPTO_NOISE_H
#define DUET_CRYPTO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NOISE_KEY_BYTES 32
#define NOISE_HASH_BYTES 64
#define NOISE_TAG_BYTES 16
#define NOISE_MESSAGES 3

struct noise_keypair {
    uint8_t secret[NOISE_KEY_BYTES];
    uint8_t public[NOISE_KEY_BYTES];
};

struct noise {
    bool initiator;
    int message;  /* next message, 0..3; 3: done */
    bool has_key; /* cipher state holds a key */
    uint64_t nonce;
    uint8_t k[NOISE_KEY_BYTES];
    uint8_t ck[NOISE_HASH_BYTES];
    uint8_t h[NOISE_HASH_BYTES];
    uint8_t psk[NOISE_KEY_BYTES];
    struct noise_keypair s;      /* own static */
    struct noise_keypair e;      /* own ephemeral */
    uint8_t rs[NOISE_KEY_BYTES]; /* peer's static, valid once its message was read */
    uint8_t re[NOISE_KEY_BYTES]; /* peer's ephemeral */
};

#define NOISE_PRINT_BYTES 20 /* of a public key: nobody finds another key with the same */

/* The hash a public key is known by where 32 bytes are too many to read out. */
void noise_print(uint8_t print[NOISE_PRINT_BYTES], const uint8_t key[NOISE_KEY_BYTES]);

/* Public key of a secret one. */
void noise_public(uint8_t public[NOISE_KEY_BYTES], const uint8_t secret[NOISE_KEY_BYTES]);

/* `ephemeral_secret` is 32 fresh random bytes (injected). */
void noise_init(struct noise *n, bool initiator, const uint8_t *prologue, size_t prologue_len,
                const struct noise_keypair *s, const uint8_t ephemeral_secret[NOISE_KEY_BYTES],
                const uint8_t psk[NOISE_KEY_BYTES]);

/* Bytes message `index` (0..2) adds around its payload: 48, 96, 64. */
size_t noise_overhead(int index);

/* Writes the next message with its payload; bytes written or DUET_ERANGE (cap), DUET_EPROTOCOL (not
 * our turn), DUET_EAUTH (a key the peer sent before is of low order).  On any error *n is
 * unchanged. */
ssize_t noise_write(struct noise *n, const uint8_t *payload, size_t payload_len, uint8_t *out, size_t cap);

/* Reads the next message; the payload goes to `payload` (cap >= len is always enough), its bytes
 * are returned.  DUET_EAUTH: not authentic, or a low-order key (that of message 1 shows when
 * message 2 is written); DUET_EMALFORMED: too short; DUET_ERANGE: cap; DUET_EPROTOCOL: not its
 * turn.  On any error *n is unchanged. */
ssize_t noise_read(struct noise *n, const uint8_t *message, size_t len, uint8_t *payload, size_t cap);

/* After message 3: the two directions' secrets (initiator → responder first) and the handshake
 * hash. */
void noise_split(const struct noise *n, uint8_t i2r[NOISE_KEY_BYTES], uint8_t r2i[NOISE_KEY_BYTES],
                 uint8_t hash[NOISE_HASH_BYTES]);

void noise_wipe(struct noise *n);

#endif
