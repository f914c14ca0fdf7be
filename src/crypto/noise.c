/*
 * noise: Noise_XXpsk3_25519_ChaChaPoly_SHA512 as revision 34 of the Noise
 * specification has it; section numbers below are of that document.
 *
 * The symmetric state is (ck, h, k, nonce) inside struct noise.  A message is
 * written or read on a copy that replaces the caller's only when all of it
 * succeeded, so nothing an attacker sends moves the state.  Copies and
 * intermediate keys are wiped on every path.
 */
#include "crypto/noise.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/err.h"

static const char PROTOCOL[] = "Noise_XXpsk3_25519_ChaChaPoly_SHA512";
_Static_assert(sizeof(PROTOCOL) - 1 <= NOISE_HASH_BYTES, "a short name is used as it is, §5.2");
_Static_assert(NOISE_HASH_BYTES == crypto_hash_sha512_BYTES, "SHA-512");

#define NONCE_BYTES crypto_aead_chacha20poly1305_ietf_NPUBBYTES
/* A static key on the wire is encrypted. */
#define STATIC_BYTES (NOISE_KEY_BYTES + NOISE_TAG_BYTES)

void noise_print(uint8_t print[NOISE_PRINT_BYTES], const uint8_t key[NOISE_KEY_BYTES])
{
    crypto_generichash(print, NOISE_PRINT_BYTES, key, NOISE_KEY_BYTES, NULL, 0);
}

void noise_public(uint8_t public[NOISE_KEY_BYTES], const uint8_t secret[NOISE_KEY_BYTES])
{
    (void)crypto_scalarmult_base(public, secret); /* cannot fail: the base point has large order */
}

/* HMAC-SHA512 of a ‖ b; a may be empty, b = 0 is no byte at all. */
static void hmac(const uint8_t key[NOISE_HASH_BYTES], const uint8_t *a, size_t a_len, uint8_t b,
                 uint8_t out[NOISE_HASH_BYTES])
{
    crypto_auth_hmacsha512_state state;

    crypto_auth_hmacsha512_init(&state, key, NOISE_HASH_BYTES);
    crypto_auth_hmacsha512_update(&state, a, a_len);
    if (b != 0)
        crypto_auth_hmacsha512_update(&state, &b, 1);
    crypto_auth_hmacsha512_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

/* HKDF of §4.3 with three outputs; the first two are those of the form with two. */
static void hkdf(const uint8_t ck[NOISE_HASH_BYTES], const uint8_t *input, size_t len, uint8_t out[3][NOISE_HASH_BYTES])
{
    uint8_t temp[NOISE_HASH_BYTES];

    hmac(ck, input, len, 0, temp);
    hmac(temp, NULL, 0, 1, out[0]);
    hmac(temp, out[0], NOISE_HASH_BYTES, 2, out[1]);
    hmac(temp, out[1], NOISE_HASH_BYTES, 3, out[2]);
    sodium_memzero(temp, sizeof(temp));
}

static void mix_hash(struct noise *n, const uint8_t *bytes, size_t len)
{
    crypto_hash_sha512_state state;

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, n->h, sizeof(n->h));
    crypto_hash_sha512_update(&state, bytes, len);
    crypto_hash_sha512_final(&state, n->h);
}

static void set_key(struct noise *n, const uint8_t *key)
{
    memcpy(n->k, key, NOISE_KEY_BYTES); /* a longer hash is cut, §5.2 */
    n->has_key = true;
    n->nonce = 0;
}

static void mix_key(struct noise *n, const uint8_t *input, size_t len)
{
    uint8_t out[3][NOISE_HASH_BYTES];

    hkdf(n->ck, input, len, out);
    memcpy(n->ck, out[0], sizeof(n->ck));
    set_key(n, out[1]);
    sodium_memzero(out, sizeof(out));
}

/* The psk token: MixKeyAndHash, §5.2. */
static void mix_psk(struct noise *n)
{
    uint8_t out[3][NOISE_HASH_BYTES];

    hkdf(n->ck, n->psk, sizeof(n->psk), out);
    memcpy(n->ck, out[0], sizeof(n->ck));
    mix_hash(n, out[1], sizeof(out[1]));
    set_key(n, out[2]);
    sodium_memzero(out, sizeof(out));
}

/* The e token in a psk handshake: the public key goes into the hash and, §9.2, into the key. */
static void mix_ephemeral(struct noise *n, const uint8_t public[NOISE_KEY_BYTES])
{
    mix_hash(n, public, NOISE_KEY_BYTES);
    mix_key(n, public, NOISE_KEY_BYTES);
}

/* A DH token.  False for a key of low order, whose shared secret everybody knows. */
static bool mix_dh(struct noise *n, const struct noise_keypair *own, const uint8_t peer[NOISE_KEY_BYTES])
{
    uint8_t shared[NOISE_KEY_BYTES];
    bool sound = crypto_scalarmult(shared, own->secret, peer) == 0;

    if (sound)
        mix_key(n, shared, sizeof(shared));
    sodium_memzero(shared, sizeof(shared));
    return sound;
}

/* The ee token, the same at both ends. */
static bool mix_ee(struct noise *n)
{
    return mix_dh(n, &n->e, n->re);
}

/* The es token: the initiator's ephemeral with the responder's static. */
static bool mix_es(struct noise *n)
{
    return n->initiator ? mix_dh(n, &n->e, n->rs) : mix_dh(n, &n->s, n->re);
}

/* The se token: the initiator's static with the responder's ephemeral. */
static bool mix_se(struct noise *n)
{
    return n->initiator ? mix_dh(n, &n->s, n->re) : mix_dh(n, &n->e, n->rs);
}

/* ChaChaPoly's nonce, §12.3: 32 zero bits and the counter, little-endian. */
static void next_nonce(struct noise *n, uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t)(n->nonce >> (8 * i));
    n->nonce++;
}

/* EncryptAndHash, §5.2: len + NOISE_TAG_BYTES bytes to out. */
static void encrypt(struct noise *n, const uint8_t *text, size_t len, uint8_t *out)
{
    uint8_t nonce[NONCE_BYTES];

    assert(n->has_key);
    next_nonce(n, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, len, n->h, sizeof(n->h), NULL, nonce, n->k);
    mix_hash(n, out, len + NOISE_TAG_BYTES);
}

/* DecryptAndHash, §5.2: len - NOISE_TAG_BYTES bytes to out; false when not authentic. */
static bool decrypt(struct noise *n, const uint8_t *sealed, size_t len, uint8_t *out)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t h[NOISE_HASH_BYTES];

    assert(n->has_key);
    next_nonce(n, nonce);
    memcpy(h, n->h, sizeof(h));
    mix_hash(n, sealed, len); /* first, because out may be where sealed is */
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, h, sizeof(h), nonce, n->k) == 0;
}

void noise_init(struct noise *n, bool initiator, const uint8_t *prologue, size_t prologue_len,
                const struct noise_keypair *s, const uint8_t ephemeral_secret[NOISE_KEY_BYTES],
                const uint8_t psk[NOISE_KEY_BYTES])
{
    *n = (struct noise){.initiator = initiator, .s = *s};
    memcpy(n->e.secret, ephemeral_secret, NOISE_KEY_BYTES);
    noise_public(n->e.public, n->e.secret);
    memcpy(n->psk, psk, NOISE_KEY_BYTES);
    memcpy(n->h, PROTOCOL, sizeof(PROTOCOL) - 1);
    memcpy(n->ck, n->h, sizeof(n->ck));
    mix_hash(n, prologue, prologue_len);
}

size_t noise_overhead(int index)
{
    static const size_t overhead[NOISE_MESSAGES] = {
        NOISE_KEY_BYTES + NOISE_TAG_BYTES,
        NOISE_KEY_BYTES + STATIC_BYTES + NOISE_TAG_BYTES,
        STATIC_BYTES + NOISE_TAG_BYTES,
    };

    assert(index >= 0 && index < NOISE_MESSAGES);
    return overhead[index];
}

/* The initiator writes messages 0 and 2, the responder 1. */
static bool is_our_turn(const struct noise *n)
{
    return n->message < NOISE_MESSAGES && (n->message % 2 == 0) == n->initiator;
}

static bool is_peers_turn(const struct noise *n)
{
    return n->message < NOISE_MESSAGES && (n->message % 2 == 0) != n->initiator;
}

/* After the last message only ck and h still serve. */
static void message_done(struct noise *n)
{
    n->message++;
    if (n->message < NOISE_MESSAGES)
        return;
    sodium_memzero(n->k, sizeof(n->k));
    sodium_memzero(n->psk, sizeof(n->psk));
    sodium_memzero(n->s.secret, sizeof(n->s.secret));
    sodium_memzero(n->e.secret, sizeof(n->e.secret));
    n->has_key = false;
}

/* The tokens before the payload; bytes written, or 0 for a key of low order. */
static size_t write_tokens(struct noise *n, uint8_t *out)
{
    uint8_t *at = out;

    if (n->message < 2) {
        memcpy(at, n->e.public, NOISE_KEY_BYTES);
        mix_ephemeral(n, at);
        at += NOISE_KEY_BYTES;
    }
    if (n->message == 0)
        return (size_t)(at - out);
    if (n->message == 1 && !mix_ee(n))
        return 0;
    encrypt(n, n->s.public, NOISE_KEY_BYTES, at);
    at += STATIC_BYTES;
    if (!(n->message == 1 ? mix_es(n) : mix_se(n)))
        return 0;
    if (n->message == 2)
        mix_psk(n);
    return (size_t)(at - out);
}

ssize_t noise_write(struct noise *n, const uint8_t *payload, size_t payload_len, uint8_t *out, size_t cap)
{
    if (!is_our_turn(n))
        return DUET_EPROTOCOL;
    size_t overhead = noise_overhead(n->message);
    if (cap < overhead || payload_len > cap - overhead)
        return DUET_ERANGE;

    struct noise next = *n;
    ssize_t written = DUET_EAUTH;
    size_t used = write_tokens(&next, out);
    if (used > 0) {
        encrypt(&next, payload, payload_len, out + used);
        message_done(&next);
        *n = next;
        written = (ssize_t)(overhead + payload_len);
    }
    noise_wipe(&next);
    return written;
}

/* The tokens before the payload; false for what is not authentic or of low order. */
static bool read_tokens(struct noise *n, const uint8_t *at)
{
    if (n->message < 2) {
        memcpy(n->re, at, NOISE_KEY_BYTES);
        mix_ephemeral(n, n->re);
        at += NOISE_KEY_BYTES;
    }
    if (n->message == 0)
        return true;
    if (n->message == 1 && !mix_ee(n))
        return false;
    if (!decrypt(n, at, STATIC_BYTES, n->rs))
        return false;
    if (!(n->message == 1 ? mix_es(n) : mix_se(n)))
        return false;
    if (n->message == 2)
        mix_psk(n);
    return true;
}

ssize_t noise_read(struct noise *n, const uint8_t *message, size_t len, uint8_t *payload, size_t cap)
{
    if (!is_peers_turn(n))
        return DUET_EPROTOCOL;
    size_t overhead = noise_overhead(n->message);
    if (len < overhead)
        return DUET_EMALFORMED;
    if (len - overhead > cap)
        return DUET_ERANGE;

    struct noise next = *n;
    ssize_t got = DUET_EAUTH;
    const uint8_t *sealed = message + overhead - NOISE_TAG_BYTES;
    if (read_tokens(&next, message) && decrypt(&next, sealed, len - overhead + NOISE_TAG_BYTES, payload)) {
        message_done(&next);
        *n = next;
        got = (ssize_t)(len - overhead);
    }
    noise_wipe(&next);
    return got;
}

void noise_split(const struct noise *n, uint8_t i2r[NOISE_KEY_BYTES], uint8_t r2i[NOISE_KEY_BYTES],
                 uint8_t hash[NOISE_HASH_BYTES])
{
    uint8_t out[3][NOISE_HASH_BYTES];

    assert(n->message == NOISE_MESSAGES);
    hkdf(n->ck, NULL, 0, out);
    memcpy(i2r, out[0], NOISE_KEY_BYTES);
    memcpy(r2i, out[1], NOISE_KEY_BYTES);
    memcpy(hash, n->h, NOISE_HASH_BYTES);
    sodium_memzero(out, sizeof(out));
}

void noise_wipe(struct noise *n)
{
    sodium_memzero(n, sizeof(*n));
}
