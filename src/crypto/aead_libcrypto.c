/*
 * aead_libcrypto: both suites by OpenSSL's EVP, on every machine.
 *
 * The state is the cipher context itself.  Setting a key and looking a cipher
 * up cost half a microsecond, so both are done once per key.  What is left per
 * packet is EVP's own, nearly 190 ns for AES however short the packet (60 of
 * them the init, 50 fetching the tag, by a search for parameter names).  One
 * init that takes nonce and expected tag together and the tag fetched without
 * the ctrl translation save 10 to 17 of them; EVP_Cipher would save 10 more, but
 * its manual tells applications to keep off.
 */
#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/err.h"
#include "crypto/aead_provider.h"

static const char *name_of(enum params_suite suite)
{
    switch (suite) {
    case SUITE_AES128GCM:
        return "AES-128-GCM";
    case SUITE_CHACHA20POLY1305:
        return "ChaCha20-Poly1305";
    }
    return NULL;
}

/* AES-NI and its like of other CPUs; Debian 12's version has nothing wider. */
static unsigned width_bits(void)
{
    return 128;
}

static void *new_context(enum params_suite suite, const uint8_t *key, bool sealing)
{
    /* Said before anything else is asked of the library, this saves reading openssl.cnf (half a
     * megabyte of code and heap); the default provider, all that is used, needs nothing of it.  The
     * first call counts. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name_of(suite), NULL);
    EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
    bool ready = ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, key, NULL, sealing, NULL) == 1;

    EVP_CIPHER_free(cipher); /* the context keeps its own reference */
    if (ready)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static void free_context(void *state)
{
    EVP_CIPHER_CTX_free(state); /* cleanses the key */
}

/* Nonce, parameters and associated data, then the text in place; libcrypto's success. */
static bool run_cipher(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, const OSSL_PARAM *params, const uint8_t *ad,
                       size_t ad_len, uint8_t *buf, size_t len)
{
    int n = 0;

    assert(ad_len <= INT_MAX && len <= INT_MAX);
    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, params) == 1 &&
           (ad_len == 0 || EVP_CipherUpdate(ctx, NULL, &n, ad, (int)ad_len) == 1) &&
           (len == 0 || EVP_CipherUpdate(ctx, buf, &n, buf, (int)len) == 1);
}

static int seal_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len, const uint8_t *rest, size_t rest_len)
{
    EVP_CIPHER_CTX *ctx = state;
    uint8_t *end = buf + len + rest_len;

    OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, end, AEAD_TAG_BYTES),
        OSSL_PARAM_construct_end(),
    };
    int n = 0;

    assert(rest_len <= INT_MAX);
    bool sealed = run_cipher(ctx, nonce, NULL, ad, ad_len, buf, len) &&
                  (rest_len == 0 || EVP_CipherUpdate(ctx, buf + len, &n, rest, (int)rest_len) == 1) &&
                  EVP_CipherFinal_ex(ctx, end, &n) == 1 && EVP_CIPHER_CTX_get_params(ctx, tag) == 1;
    return sealed ? 0 : DUET_ESYS;
}

static int open_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len)
{
    EVP_CIPHER_CTX *ctx = state;
    size_t text_len = len - AEAD_TAG_BYTES;

    OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, buf + text_len, AEAD_TAG_BYTES),
        OSSL_PARAM_construct_end(),
    };
    uint8_t none[AEAD_TAG_BYTES];
    int n = 0;

    /* Final compares the tags, in constant time. */
    if (run_cipher(ctx, nonce, tag, ad, ad_len, buf, text_len) && EVP_CipherFinal_ex(ctx, none, &n) == 1)
        return 0;
    OPENSSL_cleanse(buf, text_len);
    return DUET_EAUTH;
}

const struct aead_provider aead_libcrypto = {
    .name = "libcrypto",
    .suites = SUITE_AES128GCM | SUITE_CHACHA20POLY1305,
    .width_bits = width_bits,
    .new = new_context,
    .free = free_context,
    .seal = seal_packet,
    .open = open_packet,
};
