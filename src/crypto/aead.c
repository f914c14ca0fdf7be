/*
 * aead: packets sealed and opened in place by libcrypto.
 *
 * The suites are one table.  Setting a key costs about a microsecond in EVP,
 * so a context gets its key once and per packet only a nonce; the lengths of iv
 * and tag are the ciphers' defaults and are never set.  A nonce is the iv XOR
 * the packet number (RFC 9001 §5.3); keys.c never uses a number twice.
 */
#include "duet/crypto/aead.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "duet/base/err.h"

struct provider {
    enum params_suite suite;
    size_t key_bytes;
    const char *name; /* ours and libcrypto's lookup */
    const char *evp_name;
};

static const struct provider providers[] = {
    {.suite = SUITE_AES128GCM, .key_bytes = 16, .name = "AES-128-GCM", .evp_name = "AES-128-GCM"},
    {.suite = SUITE_CHACHA20POLY1305, .key_bytes = 32, .name = "ChaCha20-Poly1305", .evp_name = "ChaCha20-Poly1305"},
};
#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

struct aead {
    EVP_CIPHER_CTX *ctx;
    uint8_t iv[AEAD_IV_BYTES];
    bool sealing;
};

static const struct provider *provider_of(enum params_suite suite)
{
    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        if (providers[i].suite == suite)
            return &providers[i];
    }
    return NULL;
}

size_t aead_key_bytes(enum params_suite suite)
{
    const struct provider *p = provider_of(suite);

    return p != NULL ? p->key_bytes : 0;
}

const char *aead_suite_name(enum params_suite suite)
{
    const struct provider *p = provider_of(suite);

    return p != NULL ? p->name : "unknown";
}

uint32_t aead_suites(void)
{
    uint32_t suites = 0;

    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, providers[i].evp_name, NULL);
        if (cipher != NULL)
            suites |= (uint32_t)providers[i].suite;
        EVP_CIPHER_free(cipher);
    }
    return suites;
}

/* AES rounds and the carry-less multiplication of GCM, both in hardware. */
bool aead_prefers_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
    unsigned long both = HWCAP_AES | HWCAP_PMULL;
    return (getauxval(AT_HWCAP) & both) == both;
#else
    return false;
#endif
}

struct aead *aead_new(enum params_suite suite, const uint8_t *key, const uint8_t iv[AEAD_IV_BYTES], bool sealing)
{
    const struct provider *p = provider_of(suite);
    struct aead *a = p != NULL ? calloc(1, sizeof(*a)) : NULL;
    if (a == NULL)
        return NULL;

    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, p->evp_name, NULL);
    a->ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
    a->sealing = sealing;
    memcpy(a->iv, iv, AEAD_IV_BYTES);
    bool ready = a->ctx != NULL && EVP_CipherInit_ex(a->ctx, cipher, NULL, key, NULL, sealing) == 1;
    EVP_CIPHER_free(cipher); /* the context keeps its own reference */
    if (!ready) {
        aead_free(a);
        return NULL;
    }
    return a;
}

void aead_free(struct aead *a)
{
    if (a == NULL)
        return;
    EVP_CIPHER_CTX_free(a->ctx); /* cleanses the key */
    OPENSSL_cleanse(a, sizeof(*a));
    free(a);
}

static void nonce_of(const struct aead *a, uint64_t number, uint8_t nonce[AEAD_IV_BYTES])
{
    memcpy(nonce, a->iv, AEAD_IV_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[AEAD_IV_BYTES - 1 - i] ^= (uint8_t)(number >> (8 * i));
}

/* Nonce and associated data, then the text in place; libcrypto's success. */
static bool run(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    uint8_t nonce[AEAD_IV_BYTES];
    int n = 0;

    assert(ad_len <= INT_MAX && len <= INT_MAX);
    nonce_of(a, number, nonce);
    return EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
           (ad_len == 0 || EVP_CipherUpdate(a->ctx, NULL, &n, ad, (int)ad_len) == 1) &&
           (len == 0 || EVP_CipherUpdate(a->ctx, buf, &n, buf, (int)len) == 1);
}

int aead_seal(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    int n = 0;

    assert(a->sealing);
    bool sealed = run(a, number, ad, ad_len, buf, len) && EVP_CipherFinal_ex(a->ctx, buf + len, &n) == 1 &&
                  EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, buf + len) == 1;
    return sealed ? 0 : DUET_ESYS;
}

int aead_open(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    assert(!a->sealing && len >= AEAD_TAG_BYTES);
    size_t text_len = len - AEAD_TAG_BYTES;
    uint8_t *tag = buf + text_len;
    uint8_t none[AEAD_TAG_BYTES];
    int n = 0;

    bool authentic = run(a, number, ad, ad_len, buf, text_len) &&
                     EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag) == 1 &&
                     EVP_CipherFinal_ex(a->ctx, none, &n) == 1;
    if (authentic)
        return 0;
    OPENSSL_cleanse(buf, text_len);
    return DUET_EAUTH;
}
