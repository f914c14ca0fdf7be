/*
 * aead_provider: the self-test, and the choice it makes possible.
 *
 * The known answers were computed by a program of its own, from FIPS 197,
 * SP 800-38D and RFC 8439 alone, so no provider vouches for itself.  Their
 * lengths reach what vector code does differently: nothing, a block and a bit,
 * a packet, and enough blocks for the low byte of GCM's counter to wrap.  A
 * digest of ciphertext and tag stands for the answer.
 */
#include "crypto/aead_provider.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/err.h"

#define DIGEST_BYTES 32
#define AD_BYTES 17 /* as a DATA packet has them */
#define TEXT_MAX_BYTES 8191

static const struct answer {
    enum params_suite suite;
    size_t len;
    uint8_t digest[DIGEST_BYTES]; /* BLAKE2b-256 of ciphertext ‖ tag */
} answers[] = {
    {.suite = SUITE_AES128GCM, .len = 0, .digest = {0x1f, 0xac, 0xfa, 0x23, 0x5b, 0x18, 0xf4, 0x18, 0xd8, 0xfc, 0x6f,
                                                    0x34, 0x5f, 0x63, 0x04, 0x05, 0x53, 0xed, 0xe8, 0x0e, 0x57, 0x75,
                                                    0x4b, 0xeb, 0x1f, 0x3c, 0xb4, 0xde, 0x35, 0xb5, 0xe0, 0xa8}},
    {.suite = SUITE_AES128GCM, .len = 17, .digest = {0x36, 0xdf, 0xd3, 0xf6, 0x93, 0xa8, 0x80, 0x26, 0xe0, 0x50, 0x41,
                                                     0xd8, 0x02, 0x1f, 0x45, 0x5e, 0x8c, 0x4e, 0x46, 0x24, 0x3f, 0xc3,
                                                     0x94, 0xd7, 0xa0, 0x1a, 0x7d, 0xb3, 0x2d, 0xfe, 0x02, 0x33}},
    {.suite = SUITE_AES128GCM, .len = 1439, .digest = {0x80, 0x05, 0x4b, 0x1d, 0x93, 0x20, 0xbe, 0x8d, 0xd4, 0x33, 0xee,
                                                       0x64, 0x53, 0x42, 0xc1, 0x88, 0x2a, 0x95, 0xba, 0xf0, 0xf7, 0x4d,
                                                       0xd3, 0x48, 0xd7, 0x1b, 0x5a, 0x7f, 0xfc, 0xe9, 0x9a, 0xf1}},
    {.suite = SUITE_AES128GCM, .len = 8191, .digest = {0x3b, 0xbe, 0xb3, 0x16, 0x60, 0xc0, 0xeb, 0xb2, 0xb2, 0xc5, 0xf8,
                                                       0x3a, 0x82, 0x09, 0x55, 0xfa, 0x5b, 0x73, 0x55, 0xe7, 0x5c, 0x3d,
                                                       0xe3, 0x0b, 0x6d, 0x62, 0x96, 0xec, 0xa2, 0x39, 0x5b, 0x66}},
    {.suite = SUITE_CHACHA20POLY1305,
     .len = 0,
     .digest = {0x46, 0xa4, 0xb6, 0x66, 0x52, 0x26, 0xd3, 0x2b, 0xcc, 0x6a, 0xb3, 0x27, 0x43, 0x88, 0x69, 0xbd,
                0x03, 0xa4, 0x41, 0x80, 0xb8, 0x93, 0x72, 0x90, 0x27, 0xc6, 0xfc, 0x23, 0x23, 0x62, 0xaf, 0x31}},
    {.suite = SUITE_CHACHA20POLY1305,
     .len = 17,
     .digest = {0x58, 0x92, 0x50, 0x38, 0xa4, 0x0e, 0xb6, 0xc4, 0x7a, 0x59, 0x2b, 0xc3, 0x7b, 0xfb, 0xfc, 0x89,
                0x30, 0xd6, 0x75, 0xa6, 0x8e, 0x55, 0xb6, 0xcf, 0x8c, 0xf5, 0x51, 0xfc, 0x36, 0xe6, 0x42, 0x1a}},
    {.suite = SUITE_CHACHA20POLY1305,
     .len = 1439,
     .digest = {0x91, 0x7f, 0xd6, 0xb2, 0x0a, 0x28, 0xd9, 0x17, 0x62, 0xa0, 0xc1, 0x30, 0xd2, 0xa3, 0x92, 0x2c,
                0xfb, 0xe6, 0xb2, 0xa3, 0x5f, 0x6a, 0xa1, 0x46, 0xd4, 0xf6, 0xfe, 0xce, 0xab, 0xb7, 0xfc, 0x98}},
    {.suite = SUITE_CHACHA20POLY1305,
     .len = 8191,
     .digest = {0xf6, 0x17, 0x8c, 0x27, 0x04, 0x71, 0xdc, 0x60, 0xf4, 0x90, 0x67, 0x4f, 0x43, 0x27, 0x6a, 0x0b,
                0xee, 0x64, 0x95, 0x74, 0xfb, 0x5d, 0xf3, 0x8e, 0x60, 0xfa, 0xce, 0x1f, 0x53, 0xec, 0x42, 0xd8}},
};
#define ANSWER_COUNT (sizeof(answers) / sizeof(answers[0]))

/* Byte i is i · step + i / 256: key, nonce, associated data and text of the known answers, one step
 * each. */
static void fill_pattern(uint8_t *out, size_t len, size_t step)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(i * step + (i >> 8));
}
#define KEY_STEP 5
#define NONCE_STEP 11
#define AD_STEP 13
#define TEXT_STEP 7

/* What is tested: both directions of one key, on one packet. */
struct trial {
    const struct aead_provider *provider;
    void *sealer, *opener;
    uint8_t nonce[AEAD_IV_BYTES], ad[AD_BYTES];
    uint8_t text[TEXT_MAX_BYTES], buf[TEXT_MAX_BYTES + AEAD_TAG_BYTES];
};

/* The first `head` bytes in place, the others from where they lie. */
static bool seals_as_known(struct trial *t, const struct answer *a, size_t head)
{
    uint8_t digest[DIGEST_BYTES];

    memcpy(t->buf, t->text, head);
    if (t->provider->seal(t->sealer, t->nonce, t->ad, AD_BYTES, t->buf, head, t->text + head, a->len - head) != 0)
        return false;
    crypto_generichash(digest, sizeof(digest), t->buf, a->len + AEAD_TAG_BYTES, NULL, 0);
    return memcmp(digest, a->digest, sizeof(digest)) == 0;
}

/* What seals_as_known left in buf opens. */
static bool opens_again(struct trial *t, size_t len)
{
    return t->provider->open(t->opener, t->nonce, t->ad, AD_BYTES, t->buf, len + AEAD_TAG_BYTES) == 0 &&
           memcmp(t->buf, t->text, len) == 0;
}

/* The same with byte `at` changed does not, and leaves nothing of the text. */
static bool refuses_forgery(struct trial *t, size_t len, size_t at)
{
    t->buf[at] ^= 1;
    return t->provider->open(t->opener, t->nonce, t->ad, AD_BYTES, t->buf, len + AEAD_TAG_BYTES) == DUET_EAUTH &&
           sodium_is_zero(t->buf, len) == 1;
}

static bool answers_right(struct trial *t, const struct answer *a)
{
    return seals_as_known(t, a, a->len) && refuses_forgery(t, a->len, 0) && /* of the text, where there is any */
           seals_as_known(t, a, a->len) && refuses_forgery(t, a->len, a->len + AEAD_TAG_BYTES - 1) && /* of the tag */
           seals_as_known(t, a, a->len / 2) && opens_again(t, a->len);
}

static bool passes_trial(struct trial *t, enum params_suite suite)
{
    size_t tried = 0;

    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        if (answers[i].suite != suite)
            continue;
        if (!answers_right(t, &answers[i]))
            return false;
        tried++;
    }
    return tried > 0;
}

bool aead_provider_works(const struct aead_provider *p, enum params_suite suite)
{
    struct trial t = {.provider = p};
    uint8_t key[AEAD_KEY_MAX_BYTES];

    if ((p->suites & (uint32_t)suite) == 0)
        return false;
    fill_pattern(key, sizeof(key), KEY_STEP);
    fill_pattern(t.nonce, sizeof(t.nonce), NONCE_STEP);
    fill_pattern(t.ad, sizeof(t.ad), AD_STEP);
    fill_pattern(t.text, sizeof(t.text), TEXT_STEP);
    t.sealer = p->new (suite, key, true);
    t.opener = p->new (suite, key, false);
    bool works = t.sealer != NULL && t.opener != NULL && passes_trial(&t, suite);
    if (t.sealer != NULL)
        p->free(t.sealer);
    if (t.opener != NULL)
        p->free(t.opener);
    return works;
}

/* Of those that `left` has the bit of, the first or the widest with that suite; `count`: none. */
static size_t preferred_provider(const struct aead_provider *const *list, size_t count, uint32_t left,
                                 enum params_suite suite, bool widest)
{
    size_t best = count;

    for (size_t i = 0; i < count; i++) {
        if ((left >> i & 1) != 0 && (list[i]->suites & (uint32_t)suite) != 0 &&
            (best == count || (widest && list[i]->width_bits() > list[best]->width_bits())))
            best = i;
    }
    return best;
}

const struct aead_provider *aead_provider_choose(const struct aead_provider *const *list, size_t count,
                                                 enum params_suite suite, bool widest)
{
    assert(count <= 32);
    for (uint32_t left = UINT32_MAX;;) {
        const size_t i = preferred_provider(list, count, left, suite, widest);

        if (i == count)
            return NULL;
        if (aead_provider_works(list[i], suite))
            return list[i];
        left &= ~(1u << i);
    }
}
