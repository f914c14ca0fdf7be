/* aead_provider: every provider puts the same bytes on the wire, and a broken one is found out. */
#include "crypto/aead_provider.h"

#include "unit.h"
#include <sodium.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"

#define TEXT_MAX_BYTES (LIMIT_PACKET_MAX_BYTES - AEAD_TAG_BYTES)
#define AD_MAX_BYTES 300
#define OFFSET_MAX 64
#define GUARD_BYTES 64
#define GUARD 0xa5

/* A packet anywhere in memory, with a guard behind its tag. */
struct area {
    uint8_t bytes[OFFSET_MAX + LIMIT_PACKET_MAX_BYTES + GUARD_BYTES];
};

/* One random packet; `sealed` is what the reference made of it. */
struct sample {
    uint8_t key[AEAD_KEY_MAX_BYTES], nonce[AEAD_IV_BYTES], ad[AD_MAX_BYTES];
    size_t ad_len, len;
    uint8_t text[TEXT_MAX_BYTES], sealed[LIMIT_PACKET_MAX_BYTES];
};

static struct area area;
static struct sample sample;

/* Lengths: every short one, those next to powers of two, and any. */
static size_t some_length(struct duet_rand *r, size_t max)
{
    size_t len = 0;

    switch (rand_below(r, 4)) {
    case 0:
        len = rand_below(r, 70);
        break;
    case 1:
        len = ((size_t)1 << rand_below(r, 17)) + rand_below(r, 35);
        len = len > 17 ? len - 17 : len;
        break;
    case 2:
        len = max - rand_below(r, max < 70 ? max : 70);
        break;
    case 3:
        len = rand_below(r, max + 1);
        break;
    }
    return len <= max ? len : max;
}

static void draw(struct duet_rand *r)
{
    rand_bytes(r, sample.key, sizeof(sample.key));
    rand_bytes(r, sample.nonce, sizeof(sample.nonce));
    sample.ad_len = some_length(r, AD_MAX_BYTES);
    sample.len = some_length(r, TEXT_MAX_BYTES);
    rand_bytes(r, sample.ad, sample.ad_len);
    rand_bytes(r, sample.text, sample.len);
}

/* The text at some offset, in an area that is guard elsewhere. */
static uint8_t *place(struct duet_rand *r, const uint8_t *bytes, size_t len)
{
    uint8_t *at = area.bytes + rand_below(r, OFFSET_MAX + 1);

    memset(area.bytes, GUARD, sizeof(area.bytes));
    memcpy(at, bytes, len);
    return at;
}

static void nothing_else_was_touched(const uint8_t *at, size_t len)
{
    for (const uint8_t *b = area.bytes; b < at; b++)
        cr_assert_eq(*b, GUARD);
    for (const uint8_t *b = at + len; b < at + len + GUARD_BYTES; b++)
        cr_assert_eq(*b, GUARD);
}

static void seals_like_the_reference(const struct aead_provider *p, enum params_suite suite, struct duet_rand *r)
{
    void *sealer = p->new (suite, sample.key, true);
    uint8_t *at = place(r, sample.text, sample.len);

    cr_assert_not_null(sealer);
    cr_assert_eq(p->seal(sealer, sample.nonce, sample.ad, sample.ad_len, at, sample.len, NULL, 0), 0);
    cr_assert(memcmp(at, sample.sealed, sample.len + AEAD_TAG_BYTES) == 0, "%s: %zu bytes, ad %zu", p->name, sample.len,
              sample.ad_len);
    nothing_else_was_touched(at, sample.len + AEAD_TAG_BYTES);
    p->free(sealer);
}

/* Wherever the text is cut in two, the second part sealed from where it lies: the same bytes. */
static void seals_in_parts_alike(const struct aead_provider *p, enum params_suite suite, struct duet_rand *r)
{
    void *sealer = p->new (suite, sample.key, true);
    const size_t head =
        sample.len > 1 ? 1 + rand_below(r, rand_below(r, 2) == 0 ? sample.len : 2) % (sample.len - 1) : sample.len;
    uint8_t *at = place(r, sample.text, head);

    cr_assert_not_null(sealer);
    cr_assert_eq(
        p->seal(sealer, sample.nonce, sample.ad, sample.ad_len, at, head, sample.text + head, sample.len - head), 0);
    cr_assert(memcmp(at, sample.sealed, sample.len + AEAD_TAG_BYTES) == 0, "%s: %zu of %zu bytes, ad %zu", p->name,
              head, sample.len, sample.ad_len);
    nothing_else_was_touched(at, sample.len + AEAD_TAG_BYTES);
    p->free(sealer);
}

/* What the reference sealed opens; with one bit flipped it does not, and is wiped. */
static void opens_the_reference_only(const struct aead_provider *p, enum params_suite suite, struct duet_rand *r)
{
    void *opener = p->new (suite, sample.key, false);
    size_t sealed_len = sample.len + AEAD_TAG_BYTES;
    uint8_t *at = place(r, sample.sealed, sealed_len);

    cr_assert_not_null(opener);
    at[rand_below(r, sealed_len)] ^= (uint8_t)(1u << rand_below(r, 8));
    cr_assert_eq(p->open(opener, sample.nonce, sample.ad, sample.ad_len, at, sealed_len), DUET_EAUTH);
    cr_assert_eq(sodium_is_zero(at, sample.len), 1, "%s: %zu bytes", p->name, sample.len);
    nothing_else_was_touched(at, sealed_len);

    at = place(r, sample.sealed, sealed_len);
    cr_assert_eq(p->open(opener, sample.nonce, sample.ad, sample.ad_len, at, sealed_len), 0, "%s: %zu bytes, ad %zu",
                 p->name, sample.len, sample.ad_len);
    cr_assert(memcmp(at, sample.text, sample.len) == 0, "%s: %zu bytes", p->name, sample.len);
    nothing_else_was_touched(at, sealed_len);
    p->free(opener);
}

static const struct aead_provider *const of_aes[] = {&aead_libcrypto, &aead_ipsec_mb, &aead_libgcrypt};
#define OF_AES_COUNT (sizeof(of_aes) / sizeof(of_aes[0]))

static void agrees_with_libcrypto(const struct aead_provider *p, uint64_t seed)
{
    struct duet_rand r;

    rand_init_u64(&r, seed);
    for (int i = 0; i < 1500; i++) {
        draw(&r);
        void *sealer = aead_libcrypto.new(SUITE_AES128GCM, sample.key, true);
        memcpy(sample.sealed, sample.text, sample.len);
        cr_assert_eq(
            aead_libcrypto.seal(sealer, sample.nonce, sample.ad, sample.ad_len, sample.sealed, sample.len, NULL, 0), 0);
        aead_libcrypto.free(sealer);
        seals_like_the_reference(p, SUITE_AES128GCM, &r);
        seals_in_parts_alike(p, SUITE_AES128GCM, &r);
        opens_the_reference_only(p, SUITE_AES128GCM, &r);
    }
}

Test(aead_provider, all_agree_on_any_packet)
{
    for (size_t p = 0; p < OF_AES_COUNT; p++) {
        if (aead_provider_works(of_aes[p], SUITE_AES128GCM)) /* test_aead says where it must */
            agrees_with_libcrypto(of_aes[p], 20 + p);
    }
}

Test(aead_provider, libcrypto_and_libsodium_agree_on_any_packet)
{
    struct duet_rand r;

    rand_init_u64(&r, 21);
    for (int i = 0; i < 600; i++) {
        draw(&r);
        crypto_aead_chacha20poly1305_ietf_encrypt(sample.sealed, NULL, sample.text, sample.len, sample.ad,
                                                  sample.ad_len, NULL, sample.nonce, sample.key);
        seals_in_parts_alike(&aead_libcrypto, SUITE_CHACHA20POLY1305, &r);
        seals_like_the_reference(&aead_libcrypto, SUITE_CHACHA20POLY1305, &r);
        opens_the_reference_only(&aead_libcrypto, SUITE_CHACHA20POLY1305, &r);
    }
}

/* One state sees packets of all kinds, and no packet leaves a trace in it. */
Test(aead_provider, a_state_forgets_the_packet_before)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES] = {7};
    static uint8_t kept[LIMIT_PACKET_MAX_BYTES], fresh[LIMIT_PACKET_MAX_BYTES];
    struct duet_rand r;

    rand_init_u64(&r, 22);
    for (size_t p = 0; p < OF_AES_COUNT; p++) {
        if (!aead_provider_works(of_aes[p], SUITE_AES128GCM))
            continue;
        void *old = of_aes[p]->new (SUITE_AES128GCM, key, true);
        void *opener = of_aes[p]->new (SUITE_AES128GCM, key, false);
        for (int i = 0; i < 200; i++) {
            draw(&r);
            memcpy(kept, sample.text, sample.len);
            memcpy(fresh, sample.text, sample.len);
            void *new = of_aes[p]->new (SUITE_AES128GCM, key, true);
            cr_assert_eq(of_aes[p]->seal(old, sample.nonce, sample.ad, sample.ad_len, kept, sample.len, NULL, 0), 0);
            cr_assert_eq(of_aes[p]->seal(new, sample.nonce, sample.ad, sample.ad_len, fresh, sample.len, NULL, 0), 0);
            cr_assert(memcmp(kept, fresh, sample.len + AEAD_TAG_BYTES) == 0, "packet %d", i);
            kept[0] ^= 1; /* every second open is of a forgery */
            cr_assert_eq(
                of_aes[p]->open(opener, sample.nonce, sample.ad, sample.ad_len, kept, sample.len + AEAD_TAG_BYTES),
                DUET_EAUTH);
            cr_assert_eq(
                of_aes[p]->open(opener, sample.nonce, sample.ad, sample.ad_len, fresh, sample.len + AEAD_TAG_BYTES), 0);
            of_aes[p]->free(new);
        }
        of_aes[p]->free(old);
        of_aes[p]->free(opener);
    }
}

Test(aead_provider, no_associated_data_may_be_null)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES] = {8}, nonce[AEAD_IV_BYTES] = {9};

    for (size_t p = 0; p < OF_AES_COUNT; p++) {
        if (!aead_provider_works(of_aes[p], SUITE_AES128GCM))
            continue;
        uint8_t with[5 + AEAD_TAG_BYTES] = "hello", without[5 + AEAD_TAG_BYTES] = "hello";
        void *sealer = of_aes[p]->new (SUITE_AES128GCM, key, true);
        cr_assert_eq(of_aes[p]->seal(sealer, nonce, key, 0, with, 5, NULL, 0), 0);
        cr_assert_eq(of_aes[p]->seal(sealer, nonce, NULL, 0, without, 5, NULL, 0), 0);
        cr_assert_arr_eq(with, without, sizeof(with));
        cr_assert(memcmp(with, "hello", 5) != 0);
        of_aes[p]->free(sealer);
    }
}

/* Broken in one way each, else libcrypto. */
static void *makes_nothing(enum params_suite suite, const uint8_t *key, bool sealing)
{
    (void)suite, (void)key, (void)sealing;
    return NULL;
}

static void *opens_nothing(enum params_suite suite, const uint8_t *key, bool sealing)
{
    return sealing ? aead_libcrypto.new(suite, key, sealing) : NULL;
}

static void *changes_the_key(enum params_suite suite, const uint8_t *key, bool sealing)
{
    uint8_t other[AEAD_KEY_MAX_BYTES];

    memcpy(other, key, aead_key_bytes(suite));
    other[0] ^= 1;
    return aead_libcrypto.new(suite, other, sealing);
}

static int seals_nothing(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
                         const uint8_t *rest, size_t rest_len)
{
    (void)state, (void)nonce, (void)ad, (void)ad_len, (void)buf, (void)len, (void)rest, (void)rest_len;
    return 0;
}

static int fails_to_seal(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
                         const uint8_t *rest, size_t rest_len)
{
    (void)state, (void)nonce, (void)ad, (void)ad_len, (void)buf, (void)len, (void)rest, (void)rest_len;
    return DUET_ESYS;
}

static int ignores_ad(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
                      const uint8_t *rest, size_t rest_len)
{
    (void)ad_len;
    return aead_libcrypto.seal(state, nonce, ad, 0, buf, len, rest, rest_len);
}

/* As a lost carry of the block counter would. */
static int seals_long_ones_wrongly(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf,
                                   size_t len, const uint8_t *rest, size_t rest_len)
{
    int err = aead_libcrypto.seal(state, nonce, ad, ad_len, buf, len, rest, rest_len);

    if (len + rest_len > 4096)
        buf[4096] ^= 1;
    return err;
}

static int forgets_the_rest(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf,
                            size_t len, const uint8_t *rest, size_t rest_len)
{
    (void)rest;
    return aead_libcrypto.seal(state, nonce, ad, ad_len, buf, len + rest_len, NULL, 0);
}

static int opens_anything(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    (void)aead_libcrypto.open(state, nonce, ad, ad_len, buf, len);
    return 0;
}

static int opens_none(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len)
{
    (void)state, (void)nonce, (void)ad, (void)ad_len;
    memset(buf, 0, len);
    return DUET_EAUTH;
}

static int leaves_plaintext(void *state, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf,
                            size_t len)
{
    int err = aead_libcrypto.open(state, nonce, ad, ad_len, buf, len);

    if (err < 0 && len > AEAD_TAG_BYTES)
        buf[0] = 1;
    return err;
}

static struct aead_provider broken_in(size_t way)
{
    struct aead_provider p = aead_libcrypto;

    switch (way) {
    case 0:
        p.new = makes_nothing;
        break;
    case 1:
        p.new = opens_nothing;
        break;
    case 2:
        p.new = changes_the_key;
        break;
    case 3:
        p.seal = seals_nothing;
        break;
    case 4:
        p.seal = fails_to_seal;
        break;
    case 5:
        p.seal = ignores_ad;
        break;
    case 6:
        p.seal = seals_long_ones_wrongly;
        break;
    case 7:
        p.open = opens_anything;
        break;
    case 8:
        p.open = opens_none;
        break;
    case 9:
        p.open = leaves_plaintext;
        break;
    case 10:
        p.suites = 0;
        break;
    case 11:
        p.seal = forgets_the_rest;
        break;
    }
    return p;
}
#define BREAKAGES 12

static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

Test(aead_provider, a_broken_provider_fails_its_self_test)
{
    for (size_t s = 0; s < 2; s++) {
        cr_assert(aead_provider_works(&aead_libcrypto, suites[s]));
        for (size_t way = 0; way < BREAKAGES; way++) {
            struct aead_provider broken = broken_in(way);
            cr_assert_not(aead_provider_works(&broken, suites[s]), "way %zu", way);
        }
    }
    cr_assert_not(aead_provider_works(&aead_libcrypto, (enum params_suite)4));
    cr_assert_not(aead_provider_works(&aead_ipsec_mb, SUITE_CHACHA20POLY1305));
    cr_assert_not(aead_provider_works(&aead_libgcrypt, SUITE_CHACHA20POLY1305));
}

static unsigned as_wide_as_can_be(void)
{
    return 4096;
}

Test(aead_provider, a_broken_provider_is_never_chosen)
{
    for (size_t way = 0; way < BREAKAGES; way++) {
        struct aead_provider broken = broken_in(way);
        const struct aead_provider *const list[] = {&broken, &aead_libcrypto};
        broken.width_bits = as_wide_as_can_be;
        for (int widest = 0; widest < 2; widest++) {
            cr_assert_eq(aead_provider_choose(list, 2, SUITE_AES128GCM, widest), &aead_libcrypto, "way %zu", way);
            cr_assert_null(aead_provider_choose(list, 1, SUITE_AES128GCM, widest), "way %zu", way);
        }
    }
}

Test(aead_provider, the_first_that_works_is_chosen_or_the_widest)
{
    struct aead_provider first = aead_libcrypto, wide = aead_libcrypto;
    const struct aead_provider *const list[] = {&first, &aead_libcrypto, &wide};

    wide.width_bits = as_wide_as_can_be;
    cr_assert_eq(aead_provider_choose(list, 3, SUITE_CHACHA20POLY1305, false), &first);
    cr_assert_eq(aead_provider_choose(list, 3, SUITE_CHACHA20POLY1305, true), &wide);
    cr_assert_eq(aead_provider_choose(list, 2, SUITE_CHACHA20POLY1305, true), &first, "of equals the first");
    cr_assert_null(aead_provider_choose(list, 0, SUITE_CHACHA20POLY1305, false));
    cr_assert_null(aead_provider_choose(list, 0, SUITE_CHACHA20POLY1305, true));
}
