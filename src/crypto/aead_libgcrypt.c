/*
 * aead_libgcrypt: AES-128-GCM by libgcrypt, where its code works in vectors of 256 bits.
 *
 * In the build where the Makefile found the library, else an entry without
 * suites.  A CPU with VAES but without AVX-512 (Zen 3, Intel's desktops since
 * 2021) enciphers at half its speed in the other libraries, as Debian 12 has them;
 * here a long packet takes a fifth to a quarter less time, if a short one more.
 * Where IPSec-MB is missing it is faster than libcrypto at every length.  On a CPU
 * without VAES this library would be the slowest, and is not used.
 *
 * The library keeps keys in locked memory if asked to; ours lie in ordinary
 * memory with every other provider too, and are wiped by gcry_cipher_close.
 */
#include "crypto/aead_provider.h"

#ifdef DUET_HAVE_LIBGCRYPT

#include <gcrypt.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/err.h"

#define WIDE_FEATURE ":intel-vaes-vpclmul:" /* in gcry_get_config's list of what the CPU has and the library uses */

static atomic_bool asked, answer; /* whether this is a machine for it */

/* The library wants to be set up before several threads use it; aead.h asks the same of its
 * caller. */
static bool is_wide(void)
{
    if (gcry_check_version(GCRYPT_VERSION) == NULL || gcry_control(GCRYCTL_DISABLE_SECMEM, 0) != 0 ||
        gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) != 0)
        return false;
    char *features = gcry_get_config(0, "hwflist");
    const bool wide = features != NULL && strstr(features, WIDE_FEATURE) != NULL;

    gcry_free(features);
    return wide;
}

static bool is_usable(void)
{
    if (!atomic_load(&asked)) {
        atomic_store(&answer, is_wide());
        atomic_store(&asked, true);
    }
    return atomic_load(&answer);
}

static unsigned width_bits(void)
{
    return 256;
}

static void *new_handle(enum params_suite suite, const uint8_t *key, bool sealing)
{
    (void)suite;   /* it has one */
    (void)sealing; /* a handle does both */
    gcry_cipher_hd_t handle;
    if (!is_usable() || gcry_cipher_open(&handle, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) != 0)
        return NULL;
    if (gcry_cipher_setkey(handle, key, gcry_cipher_get_algo_keylen(GCRY_CIPHER_AES128)) == 0)
        return handle;
    gcry_cipher_close(handle);
    return NULL;
}

static void free_handle(void *state)
{
    gcry_cipher_close(state); /* wipes */
}

static bool begin_packet(gcry_cipher_hd_t handle, const uint8_t *nonce, const uint8_t *ad, size_t ad_len)
{
    return gcry_cipher_setiv(handle, nonce, AEAD_IV_BYTES) == 0 &&
           (ad_len == 0 || gcry_cipher_authenticate(handle, ad, ad_len) == 0);
}

static int seal_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len, const uint8_t *rest, size_t rest_len)
{
    gcry_cipher_hd_t handle = state;
    bool sealed = begin_packet(handle, nonce, ad, ad_len) &&
                  (len == 0 || gcry_cipher_encrypt(handle, buf, len, NULL, 0) == 0) &&
                  (rest_len == 0 || gcry_cipher_encrypt(handle, buf + len, rest_len, rest, rest_len) == 0) &&
                  gcry_cipher_gettag(handle, buf + len + rest_len, AEAD_TAG_BYTES) == 0;

    return sealed ? 0 : DUET_ESYS;
}

static int open_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len)
{
    gcry_cipher_hd_t handle = state;
    size_t text_len = len - AEAD_TAG_BYTES;

    /* checktag compares in constant time. */
    if (begin_packet(handle, nonce, ad, ad_len) &&
        (text_len == 0 || gcry_cipher_decrypt(handle, buf, text_len, NULL, 0) == 0) &&
        gcry_cipher_checktag(handle, buf + text_len, AEAD_TAG_BYTES) == 0)
        return 0;
    sodium_memzero(buf, text_len);
    return DUET_EAUTH;
}

const struct aead_provider aead_libgcrypt = {
    .name = "libgcrypt",
    .suites = SUITE_AES128GCM,
    .width_bits = width_bits,
    .new = new_handle,
    .free = free_handle,
    .seal = seal_packet,
    .open = open_packet,
};

#else

const struct aead_provider aead_libgcrypt = {.name = "libgcrypt"};

#endif
