/* aead: published answers from every provider, and that nothing forged opens. */
#include "unit.h"
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/aead_provider.h"
#include "vectors_aead.h"
#include "vectors_hex.h"

#define CAP AEAD_ROW_BYTES

static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

/* The rows with every provider that is here; libcrypto always is. */
static const char *const provider_names[] = {"libcrypto", "ipsec-mb", "libgcrypt"};
#define PROVIDER_COUNT (sizeof(provider_names) / sizeof(provider_names[0]))

static struct aead *context_of(const struct aead_row *row, bool sealing)
{
    uint8_t key[AEAD_KEY_MAX_BYTES], iv[AEAD_IV_BYTES];

    cr_assert_eq(hex(row->key, key, sizeof(key)), aead_key_bytes(row->suite));
    cr_assert_eq(hex(row->iv, iv, sizeof(iv)), AEAD_IV_BYTES);
    struct aead *a = aead_new(row->suite, key, iv, sealing);
    cr_assert_not_null(a);
    return a;
}

static void answers_as_published(const struct aead_row *row)
{
    struct aead *sealer = context_of(row, true);
    struct aead *opener = context_of(row, false);
    uint8_t ad[CAP], text[CAP], sealed[CAP], buf[CAP];
    size_t ad_len = hex(row->ad, ad, CAP);
    size_t len = hex(row->text, text, CAP);
    size_t sealed_len = hex(row->sealed, sealed, CAP);
    const char *by = aead_provider_name(sealer, len);

    memcpy(buf, text, len);
    cr_assert_eq(aead_seal(sealer, row->number, ad, ad_len, buf, len, NULL, 0), 0, "%s: %s", by, row->what);
    cr_assert_eq(sealed_len, len + AEAD_TAG_BYTES);
    cr_assert_arr_eq(buf, sealed, sealed_len, "%s: %s", by, row->what);
    cr_assert_eq(aead_open(opener, row->number, ad, ad_len, buf, sealed_len), 0, "%s: %s", by, row->what);
    cr_assert(memcmp(buf, text, len) == 0, "%s: %s", by, row->what);
    aead_free(sealer);
    aead_free(opener);
}

Test(aead, every_provider_gives_the_published_answers_both_ways)
{
    for (size_t p = 0; p < PROVIDER_COUNT; p++) {
        if (aead_use(provider_names[p]) == DUET_EUNSUPPORTED)
            continue;
        for (size_t i = 0; i < AEAD_ROW_COUNT; i++)
            answers_as_published(&aead_rows[i]);
    }
}

static void refuses(struct aead *opener, const struct aead_row *row, const uint8_t *ad, size_t ad_len, uint8_t *buf,
                    size_t len)
{
    static const uint8_t zeros[CAP];

    cr_assert_eq(aead_open(opener, row->number, ad, ad_len, buf, len), DUET_EAUTH, "%s", row->what);
    cr_assert(memcmp(buf, zeros, len - AEAD_TAG_BYTES) == 0, "%s", row->what);
}

static void refuses_every_flipped_bit(const struct aead_row *row)
{
    struct aead *opener = context_of(row, false);
    uint8_t ad[CAP], sealed[CAP], buf[CAP];
    size_t ad_len = hex(row->ad, ad, CAP);
    size_t len = hex(row->sealed, sealed, CAP);

    for (size_t bit = 0; bit < 8 * len; bit++) {
        memcpy(buf, sealed, len);
        buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        refuses(opener, row, ad, ad_len, buf, len);
    }
    for (size_t bit = 0; bit < 8 * ad_len; bit++) {
        memcpy(buf, sealed, len);
        ad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        refuses(opener, row, ad, ad_len, buf, len);
        ad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    memcpy(buf, sealed, len);
    cr_assert_eq(aead_open(opener, row->number, ad, ad_len, buf, len), 0, "still sound after forgeries");
    aead_free(opener);
}

Test(aead, every_flipped_bit_is_refused_and_its_plaintext_wiped)
{
    for (size_t p = 0; p < PROVIDER_COUNT; p++) {
        if (aead_use(provider_names[p]) == DUET_EUNSUPPORTED)
            continue;
        for (size_t i = 0; i < AEAD_ROW_COUNT; i++)
            refuses_every_flipped_bit(&aead_rows[i]);
    }
}

/* The ways a tag is typically forged or compared wrongly, after Wycheproof's ModifiedTag. */
Test(aead, a_tag_of_another_pattern_is_refused)
{
    static const struct {
        uint8_t kept, flipped; /* bits of each byte of the right tag */
    } changes[] = {{0xff, 0xff}, {0x00, 0x00}, {0x00, 0xff}, {0xff, 0x80}, {0xff, 0x01}};

    for (size_t p = 0; p < PROVIDER_COUNT; p++) {
        if (aead_use(provider_names[p]) == DUET_EUNSUPPORTED)
            continue;
        for (size_t i = 0; i < AEAD_ROW_COUNT * sizeof(changes) / sizeof(changes[0]); i++) {
            const struct aead_row *row = &aead_rows[i % AEAD_ROW_COUNT];
            struct aead *opener = context_of(row, false);
            uint8_t ad[CAP], sealed[CAP], buf[CAP];
            size_t ad_len = hex(row->ad, ad, CAP);
            size_t len = hex(row->sealed, sealed, CAP);
            memcpy(buf, sealed, len);
            for (size_t at = len - AEAD_TAG_BYTES; at < len; at++)
                buf[at] = (buf[at] & changes[i / AEAD_ROW_COUNT].kept) ^ changes[i / AEAD_ROW_COUNT].flipped;
            if (memcmp(buf, sealed, len) != 0) /* some published tags are all zeros or all ones */
                refuses(opener, row, ad, ad_len, buf, len);
            aead_free(opener);
        }
    }
}

/* By what they cost a short packet beside the cipher. */
static const struct aead_provider *const in_order[] = {&aead_ipsec_mb, &aead_libgcrypt, &aead_libcrypto};
#define ORDER_COUNT (sizeof(in_order) / sizeof(in_order[0]))

/* Who has to serve AES-128-GCM here: the first that works, or the one with the widest code. */
static const char *expected_provider(bool long_packets)
{
    const struct aead_provider *best = NULL;

    for (size_t i = 0; i < ORDER_COUNT; i++) {
        if (aead_provider_works(in_order[i], SUITE_AES128GCM) &&
            (best == NULL || (long_packets && in_order[i]->width_bits() > best->width_bits())))
            best = in_order[i];
    }
    return best->name;
}

static void is_served_by(const char *of_short, const char *of_long, const char *what)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES], iv[AEAD_IV_BYTES];
    struct aead *aes = aead_new(SUITE_AES128GCM, key, iv, true);
    struct aead *chacha = aead_new(SUITE_CHACHA20POLY1305, key, iv, true);

    cr_assert_str_eq(aead_provider_name(aes, 0), of_short, "%s", what);
    cr_assert_str_eq(aead_provider_name(aes, AEAD_LONG_BYTES - 1), of_short, "%s", what);
    cr_assert_str_eq(aead_provider_name(aes, AEAD_LONG_BYTES), of_long, "%s", what);
    cr_assert_str_eq(aead_provider_name(aes, LIMIT_PACKET_MAX_BYTES), of_long, "%s", what);
    cr_assert_str_eq(aead_provider_name(chacha, 0), "libcrypto", "%s", what);
    cr_assert_str_eq(aead_provider_name(chacha, LIMIT_PACKET_MAX_BYTES), "libcrypto", "%s", what);
    aead_free(aes);
    aead_free(chacha);
}

Test(aead, the_faster_provider_serves_where_it_can)
{
    if (aead_ipsec_mb.suites != 0 && aead_prefers_aes())
        cr_assert_str_eq(expected_provider(false), "ipsec-mb");
    is_served_by(expected_provider(false), expected_provider(true), "at first");
}

Test(aead, a_provider_asked_for_serves_the_suites_it_has)
{
    is_served_by(expected_provider(false), expected_provider(true), "before");
    cr_assert_eq(aead_use("libcrypto"), 0);
    is_served_by("libcrypto", "libcrypto", "libcrypto");
    cr_assert_eq(aead_use("nobody"), DUET_ENOTFOUND);
    is_served_by("libcrypto", "libcrypto", "nobody");
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        const char *name = in_order[i]->name;
        const bool works = aead_provider_works(in_order[i], SUITE_AES128GCM);
        cr_assert_eq(aead_use(name), works ? 0 : DUET_EUNSUPPORTED, "%s", name);
        is_served_by(works ? name : "libcrypto", works ? name : "libcrypto", name);
        cr_assert_eq(aead_use("libcrypto"), 0);
    }
    cr_assert_eq(aead_use(NULL), 0);
    is_served_by(expected_provider(false), expected_provider(true), "after");
}

Test(aead, names_for_people_who_encrypts)
{
    char text[AEAD_PROVIDERS_TEXT_BYTES], expected[AEAD_PROVIDERS_TEXT_BYTES];

    cr_assert_eq(aead_use("libcrypto"), 0);
    cr_assert_str_eq(aead_providers_text(text), "AES-128-GCM by libcrypto, ChaCha20-Poly1305 by libcrypto");
    cr_assert_eq(aead_use(NULL), 0);
    const char *of_short = expected_provider(false), *of_long = expected_provider(true);
    const bool two = strcmp(of_short, of_long) != 0;
    snprintf(expected, sizeof(expected), "AES-128-GCM by %s%s%s%s, ChaCha20-Poly1305 by libcrypto", of_short,
             two ? " (long packets: " : "", two ? of_long : "", two ? ")" : "");
    cr_assert_str_eq(aead_providers_text(text), expected);
}

/* Two providers share a context's numbers and bytes: what one seals of any length, the usual ones open. */
Test(aead, packets_around_the_length_where_the_provider_changes_are_alike)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES] = {5}, iv[AEAD_IV_BYTES] = {6};
    static const uint8_t text[AEAD_LONG_BYTES + 1] = {7};
    uint8_t buf[sizeof(text) + AEAD_TAG_BYTES];

    cr_assert_eq(aead_use("libcrypto"), 0);
    struct aead *sealer = aead_new(SUITE_AES128GCM, key, iv, true);
    cr_assert_eq(aead_use(NULL), 0);
    struct aead *opener = aead_new(SUITE_AES128GCM, key, iv, false);
    for (uint64_t number = 0; number < 30; number++) {
        const size_t len = number % 2 == 0 ? sizeof(text) - number / 2 % 4 : number;
        memcpy(buf, text, len);
        cr_assert_eq(aead_seal(sealer, number, key, 17, buf, len, NULL, 0), 0);
        cr_assert_eq(aead_open(opener, number, key, 17, buf, len + AEAD_TAG_BYTES), 0, "%zu bytes", len);
        cr_assert(memcmp(buf, text, len) == 0, "%zu bytes", len);
    }
    aead_free(sealer);
    aead_free(opener);
}

Test(aead, a_number_is_part_of_the_nonce_in_all_its_bits)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES] = {1}, iv[AEAD_IV_BYTES] = {2};

    for (size_t s = 0; s < 2; s++) {
        struct aead *sealer = aead_new(suites[s], key, iv, true);
        struct aead *opener = aead_new(suites[s], key, iv, false);
        for (int bit = 0; bit < 64; bit++) {
            uint8_t buf[4 + AEAD_TAG_BYTES] = {'d', 'u', 'e', 't'};
            uint8_t copy[sizeof(buf)];
            uint64_t number = UINT64_C(1) << bit;
            cr_assert_eq(aead_seal(sealer, number, NULL, 0, buf, 4, NULL, 0), 0);
            memcpy(copy, buf, sizeof(buf));
            cr_assert_eq(aead_open(opener, 0, NULL, 0, copy, sizeof(copy)), DUET_EAUTH, "bit %d", bit);
            cr_assert_eq(aead_open(opener, number, NULL, 0, buf, sizeof(buf)), 0, "bit %d", bit);
            cr_assert_arr_eq(buf, "duet", 4);
        }
        aead_free(sealer);
        aead_free(opener);
    }
}

Test(aead, large_packets_survive_a_round_trip)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES] = {3}, iv[AEAD_IV_BYTES] = {4};
    static uint8_t buf[LIMIT_PACKET_MAX_BYTES], text[LIMIT_PACKET_MAX_BYTES];
    size_t len = sizeof(buf) - AEAD_TAG_BYTES;

    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)(i * 31);
    for (size_t s = 0; s < 2; s++) {
        struct aead *sealer = aead_new(suites[s], key, iv, true);
        struct aead *opener = aead_new(suites[s], key, iv, false);
        memcpy(buf, text, len);
        cr_assert_eq(aead_seal(sealer, 9, NULL, 0, buf, len, NULL, 0), 0);
        cr_assert(memcmp(buf, text, len) != 0);
        cr_assert_eq(aead_open(opener, 9, NULL, 0, buf, sizeof(buf)), 0);
        cr_assert(memcmp(buf, text, len) == 0);
        aead_free(sealer);
        aead_free(opener);
    }
}

Test(aead, suites_are_known_by_size_and_name)
{
    static const uint8_t key[AEAD_KEY_MAX_BYTES], iv[AEAD_IV_BYTES];

    cr_assert_eq(aead_key_bytes(SUITE_AES128GCM), 16);
    cr_assert_eq(aead_key_bytes(SUITE_CHACHA20POLY1305), 32);
    cr_assert_str_eq(aead_suite_name(SUITE_AES128GCM), "AES-128-GCM");
    cr_assert_str_eq(aead_suite_name(SUITE_CHACHA20POLY1305), "ChaCha20-Poly1305");
    cr_assert_eq(aead_suites(), SUITE_AES128GCM | SUITE_CHACHA20POLY1305);
    cr_assert_null(aead_new((enum params_suite)4, key, iv, true));
    cr_assert_eq(aead_key_bytes((enum params_suite)4), 0);
    aead_free(NULL);
}

/* The kernel's list of CPU features names both instructions, on x86 and on arm64. */
Test(aead, aes_is_preferred_where_the_kernel_lists_it)
{
    bool has_aes = false, has_clmul = false;
    char word[64];
    FILE *f = fopen("/proc/cpuinfo", "r");

    cr_assert_not_null(f);
    while (fscanf(f, "%63s", word) == 1) {
        has_aes |= strcmp(word, "aes") == 0;
        has_clmul |= strcmp(word, "pclmulqdq") == 0 || strcmp(word, "pmull") == 0;
    }
    fclose(f);
    cr_assert_eq(aead_prefers_aes(), has_aes && has_clmul);
}
