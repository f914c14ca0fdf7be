/* aead: published answers, and that nothing forged opens. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/crypto/aead.h"
#include "vectors_hex.h"

#define CAP 512

struct row {
    const char *what;
    enum params_suite suite;
    const char *key, *iv;
    uint64_t number;
    const char *ad, *text, *sealed; /* sealed: with its tag */
};

static const struct row rows[] = {
    {"GCM specification, test case 1", SUITE_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000",
     0, "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {"GCM specification, test case 2", SUITE_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000",
     0, "", "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78"
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"GCM specification, test case 4", SUITE_AES128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     0, "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"RFC 9001 A.3, number 1", SUITE_AES128GCM, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", 1,
     "c1000000010008f067a5502a4262b50040750001",
     "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
     "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
     "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
     "020304",
     "5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f"
     "5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73"
     "cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850"
     "abbdca3d20398c276456cbc42158407dd074ee"},
    {"RFC 8439 2.8.2", SUITE_CHACHA20POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", 0, "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116"
     "1ae10b594f09e26a7e902ecbd0600691"},
    {"RFC 9001 A.5, number 654360564", SUITE_CHACHA20POLY1305,
     "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8", "e0459b3474bdd0e44a41c144", 654360564,
     "4200bff4", "01", "655e5cd55c41f69080575d7999c25a5bfb"},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

static struct aead *context_of(const struct row *row, bool sealing)
{
    uint8_t key[AEAD_KEY_MAX_BYTES], iv[AEAD_IV_BYTES];

    cr_assert_eq(hex(row->key, key, sizeof(key)), aead_key_bytes(row->suite));
    cr_assert_eq(hex(row->iv, iv, sizeof(iv)), AEAD_IV_BYTES);
    struct aead *a = aead_new(row->suite, key, iv, sealing);
    cr_assert_not_null(a);
    return a;
}

Test(aead, gives_the_published_answers_both_ways)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct aead *sealer = context_of(&rows[i], true);
        struct aead *opener = context_of(&rows[i], false);
        uint8_t ad[CAP], text[CAP], sealed[CAP], buf[CAP];
        size_t ad_len = hex(rows[i].ad, ad, CAP);
        size_t len = hex(rows[i].text, text, CAP);
        size_t sealed_len = hex(rows[i].sealed, sealed, CAP);

        memcpy(buf, text, len);
        cr_assert_eq(aead_seal(sealer, rows[i].number, ad, ad_len, buf, len), 0, "%s", rows[i].what);
        cr_assert_eq(sealed_len, len + AEAD_TAG_BYTES);
        cr_assert_arr_eq(buf, sealed, sealed_len, "%s", rows[i].what);
        cr_assert_eq(aead_open(opener, rows[i].number, ad, ad_len, buf, sealed_len), 0, "%s", rows[i].what);
        cr_assert(memcmp(buf, text, len) == 0, "%s", rows[i].what);
        aead_free(sealer);
        aead_free(opener);
    }
}

Test(aead, every_flipped_bit_is_refused_and_its_plaintext_wiped)
{
    static const uint8_t zeros[CAP];

    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct aead *opener = context_of(&rows[i], false);
        uint8_t ad[CAP], sealed[CAP], buf[CAP];
        size_t ad_len = hex(rows[i].ad, ad, CAP);
        size_t len = hex(rows[i].sealed, sealed, CAP);

        for (size_t bit = 0; bit < 8 * len; bit++) {
            memcpy(buf, sealed, len);
            buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            cr_assert_eq(aead_open(opener, rows[i].number, ad, ad_len, buf, len), DUET_EAUTH, "%s", rows[i].what);
            cr_assert(memcmp(buf, zeros, len - AEAD_TAG_BYTES) == 0, "%s", rows[i].what);
        }
        for (size_t bit = 0; bit < 8 * ad_len; bit++) {
            memcpy(buf, sealed, len);
            ad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            cr_assert_eq(aead_open(opener, rows[i].number, ad, ad_len, buf, len), DUET_EAUTH, "%s", rows[i].what);
            ad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        memcpy(buf, sealed, len);
        cr_assert_eq(aead_open(opener, rows[i].number, ad, ad_len, buf, len), 0, "still sound after forgeries");
        aead_free(opener);
    }
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
            cr_assert_eq(aead_seal(sealer, number, NULL, 0, buf, 4), 0);
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
        cr_assert_eq(aead_seal(sealer, 9, NULL, 0, buf, len), 0);
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
