/*
 * aead: contexts over the providers that work here, one for short packets and one for long ones.
 *
 * The providers stand in a static order, that of short packets: who does least
 * beside the cipher is first.  What decides for long ones is how wide a vector the
 * code works in on this CPU.  They are not timed against each other at start:
 * nothing below io reads a clock, and no timing is needed, because neither order
 * turns round.  Sealing AES-128-GCM, one core, GB/s at 64 B/1400 B/8 KB/60 KB:
 *   2.6 GHz Zen 4   ipsec-mb, 512 bits    1.4   9.6  12.2  12.7
 *                   ipsec-mb, AVX2        1.7   4.8   5.2   5.3    (these two: the library alone)
 *                   ipsec-mb, SSE         1.1   4.4   6.0   6.0
 *                   libcrypto 3.0         0.3   3.0   4.5   4.9
 *   Zen 3           ipsec-mb, AVX2        1.2   3.7   4.2   4.3
 *                   libgcrypt, 256 bits   0.6   3.3   5.1   5.3
 *                   libcrypto 3.0         0.2   2.3   3.8   4.3
 * (test/bench/aead.c measures again.)  What is chosen has passed its self-test,
 * once per suite and length; the answer is kept in an atomic pointer, which two
 * threads may find twice but never differently.
 */
#include "crypto/aead.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/err.h"
#include "crypto/aead_provider.h"

static const struct aead_provider *const providers[] = {&aead_ipsec_mb, &aead_libgcrypt, &aead_libcrypto};
#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

static const struct suite {
    enum params_suite id;
    size_t key_bytes;
    const char *name;
} suites[] = {
    {.id = SUITE_AES128GCM, .key_bytes = 16, .name = "AES-128-GCM"},
    {.id = SUITE_CHACHA20POLY1305, .key_bytes = 32, .name = "ChaCha20-Poly1305"},
};
#define SUITE_COUNT (sizeof(suites) / sizeof(suites[0]))

/* By place in `suites`, for short and for long packets; NULL: not asked yet, or none works. */
static _Atomic(const struct aead_provider *) chosen[SUITE_COUNT][2];

struct aead {
    const struct aead_provider *provider[2]; /* of packets shorter than AEAD_LONG_BYTES, and of others */
    void *state[2];                          /* where one provider has both: the same one */
    uint8_t iv[AEAD_IV_BYTES];
    bool sealing;
};

static const struct suite *suite_of(enum params_suite id)
{
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (suites[i].id == id)
            return &suites[i];
    }
    return NULL;
}

static const struct aead_provider *provider_of(const struct suite *s, bool long_packets)
{
    _Atomic(const struct aead_provider *) *kept = &chosen[s - suites][long_packets];
    const struct aead_provider *p = atomic_load(kept);

    if (p == NULL) {
        p = aead_provider_choose(providers, PROVIDER_COUNT, s->id, long_packets);
        atomic_store(kept, p);
    }
    return p;
}

size_t aead_key_bytes(enum params_suite suite)
{
    const struct suite *s = suite_of(suite);

    return s != NULL ? s->key_bytes : 0;
}

const char *aead_suite_name(enum params_suite suite)
{
    const struct suite *s = suite_of(suite);

    return s != NULL ? s->name : "unknown";
}

const char *aead_provider_name(const struct aead *a, size_t len)
{
    return a->provider[len >= AEAD_LONG_BYTES]->name;
}

uint32_t aead_suites(void)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (provider_of(&suites[i], false) != NULL && provider_of(&suites[i], true) != NULL)
            bits |= (uint32_t)suites[i].id;
    }
    return bits;
}

const char *aead_providers_text(char out[AEAD_PROVIDERS_TEXT_BYTES])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        const struct aead_provider *of_short = provider_of(&suites[i], false);
        const struct aead_provider *of_long = provider_of(&suites[i], true);
        const bool two = of_long != of_short;

        if (of_short == NULL || of_long == NULL)
            continue;
        const int len = snprintf(out + used, AEAD_PROVIDERS_TEXT_BYTES - used, "%s%s by %s%s%s%s", used > 0 ? ", " : "",
                                 suites[i].name, of_short->name, two ? " (long packets: " : "",
                                 two ? of_long->name : "", two ? ")" : "");
        assert(len > 0 && (size_t)len < AEAD_PROVIDERS_TEXT_BYTES - used); /* names are ours */
        used += (size_t)len;
    }
    return out;
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

static const struct aead_provider *provider_named(const char *name)
{
    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        if (strcmp(providers[i]->name, name) == 0)
            return providers[i];
    }
    return NULL;
}

int aead_use(const char *provider)
{
    const struct aead_provider *p = provider != NULL ? provider_named(provider) : NULL;

    if (provider != NULL && p == NULL)
        return DUET_ENOTFOUND;
    if (p != NULL && p->suites == 0)
        return DUET_EUNSUPPORTED;
    for (size_t i = 0; p != NULL && i < SUITE_COUNT; i++) {
        if ((p->suites & (uint32_t)suites[i].id) != 0 && !aead_provider_works(p, suites[i].id))
            return DUET_EUNSUPPORTED;
    }
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (p != NULL && (p->suites & (uint32_t)suites[i].id) == 0)
            continue;
        atomic_store(&chosen[i][false], p);
        atomic_store(&chosen[i][true], p);
    }
    return 0;
}

/* The states of both providers, or of the one; false: there is no such suite, or no memory. */
static bool set_key(struct aead *a, enum params_suite suite, const uint8_t *key)
{
    const struct suite *s = suite_of(suite);

    for (int l = 0; l < 2; l++) {
        const struct aead_provider *p = s != NULL ? provider_of(s, l) : NULL;

        if (p == NULL)
            return false;
        a->provider[l] = p;
        a->state[l] = l == 1 && p == a->provider[0] ? a->state[0] : p->new (suite, key, a->sealing);
        if (a->state[l] == NULL)
            return false;
    }
    return true;
}

struct aead *aead_new(enum params_suite suite, const uint8_t *key, const uint8_t iv[AEAD_IV_BYTES], bool sealing)
{
    struct aead *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;

    a->sealing = sealing;
    memcpy(a->iv, iv, AEAD_IV_BYTES);
    if (!set_key(a, suite, key)) {
        aead_free(a);
        return NULL;
    }
    return a;
}

void aead_free(struct aead *a)
{
    if (a == NULL)
        return;
    if (a->state[1] != NULL && a->state[1] != a->state[0])
        a->provider[1]->free(a->state[1]);
    if (a->state[0] != NULL)
        a->provider[0]->free(a->state[0]);
    sodium_memzero(a, sizeof(*a));
    free(a);
}

static void nonce_of(const struct aead *a, uint64_t number, uint8_t nonce[AEAD_IV_BYTES])
{
    memcpy(nonce, a->iv, AEAD_IV_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[AEAD_IV_BYTES - 1 - i] ^= (uint8_t)(number >> (8 * i));
}

int aead_seal(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
              const uint8_t *rest, size_t rest_len)
{
    uint8_t nonce[AEAD_IV_BYTES];

    assert(a->sealing && (rest_len == 0 || len > 0));
    nonce_of(a, number, nonce);
    const bool l = len + rest_len >= AEAD_LONG_BYTES;
    return a->provider[l]->seal(a->state[l], nonce, ad, ad_len, buf, len, rest, rest_len);
}

int aead_open(struct aead *a, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    uint8_t nonce[AEAD_IV_BYTES];

    assert(!a->sealing && len >= AEAD_TAG_BYTES);
    nonce_of(a, number, nonce);
    const bool l = len - AEAD_TAG_BYTES >= AEAD_LONG_BYTES;
    return a->provider[l]->open(a->state[l], nonce, ad, ad_len, buf, len);
}
