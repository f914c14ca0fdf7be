/* keys: two ends, their epochs, and an attacker between them. */
#include "unit.h"
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/err.h"
#include "crypto/keys.h"

#define TEXT "reordered, delayed, replayed"
#define TEXT_LEN (sizeof(TEXT) - 1)
#define START DUET_TIME(50)

static const uint8_t secret_a[NOISE_KEY_BYTES] = {1, 2, 3}, secret_b[NOISE_KEY_BYTES] = {4, 5, 6};
static const uint8_t ad[] = "header";

struct packet_under_test {
    int epoch;
    uint64_t number;
    uint8_t bytes[TEXT_LEN + AEAD_TAG_BYTES];
};

struct ends {
    struct keys *a, *b;
};

static struct ends ends_new(enum params_suite suite)
{
    struct ends e = {
        .a = keys_new(suite, secret_a, secret_b, START),
        .b = keys_new(suite, secret_b, secret_a, START),
    };

    cr_assert_not_null(e.a);
    cr_assert_not_null(e.b);
    return e;
}

static void ends_free(struct ends *e)
{
    keys_free(e->a);
    keys_free(e->b);
}

static struct packet_under_test seal(struct keys *k, uint64_t number, duet_time now)
{
    struct packet_under_test p = {.number = number, .epoch = keys_send_epoch(k, number, now)};

    cr_assert_geq(p.epoch, 0);
    memcpy(p.bytes, TEXT, TEXT_LEN);
    cr_assert_eq(keys_seal(k, number, ad, sizeof(ad), p.bytes, TEXT_LEN, NULL, 0), 0);
    return p;
}

/* Opens a copy, so that a packet can be tried again. */
static int open_as(struct keys *k, const struct packet_under_test *p, int epoch, duet_time now)
{
    struct packet_under_test copy = *p;
    int err = keys_open(k, (uint8_t)epoch, p->number, ad, sizeof(ad), copy.bytes, sizeof(copy.bytes), now);

    cr_assert(err != 0 || memcmp(copy.bytes, TEXT, TEXT_LEN) == 0);
    return err;
}

static int open_packet(struct keys *k, const struct packet_under_test *p, duet_time now)
{
    return open_as(k, p, p->epoch, now);
}

/* Seals at a, opens at b, acknowledges to a. */
static struct packet_under_test deliver(struct ends *e, uint64_t number, duet_time now)
{
    struct packet_under_test p = seal(e->a, number, now);

    cr_assert_eq(open_packet(e->b, &p, now), 0, "number %lu", number);
    keys_confirm(e->a, number);
    return p;
}

static duet_time after(uint64_t us)
{
    return time_add(START, us);
}

Test(keys, each_end_opens_what_the_other_sealed)
{
    static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

    for (size_t i = 0; i < 2; i++) {
        struct ends e = ends_new(suites[i]);
        struct packet_under_test from_a = seal(e.a, 0, START);
        struct packet_under_test from_b = seal(e.b, 0, START);
        cr_assert_eq(from_a.epoch, 0);
        cr_assert_eq(open_packet(e.b, &from_a, START), 0);
        cr_assert_eq(open_packet(e.a, &from_b, START), 0);
        cr_assert_eq(open_packet(e.a, &from_a, START), DUET_EAUTH, "reflected");
        ends_free(&e);
    }
}

/* libcrypto's HKDF-Expand, as a second opinion on the schedule. */
static void expand(const uint8_t secret[NOISE_KEY_BYTES], const void *info, size_t info_len, uint8_t *out, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

    cr_assert_not_null(ctx);
    cr_assert_eq(EVP_PKEY_derive_init(ctx), 1);
    cr_assert_eq(EVP_PKEY_CTX_set_hkdf_mode(ctx, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY), 1);
    cr_assert_eq(EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha512()), 1);
    cr_assert_eq(EVP_PKEY_CTX_set1_hkdf_key(ctx, secret, NOISE_KEY_BYTES), 1);
    cr_assert_eq(EVP_PKEY_CTX_add1_hkdf_info(ctx, info, (int)info_len), 1);
    cr_assert_eq(EVP_PKEY_derive(ctx, out, &len), 1);
    EVP_PKEY_CTX_free(ctx);
}

Test(keys, the_schedule_is_hkdf_sha512_of_the_protocol_document)
{
    static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

    for (size_t i = 0; i < 2; i++) {
        struct ends e = ends_new(suites[i]);
        uint8_t secret[NOISE_KEY_BYTES];
        memcpy(secret, secret_a, sizeof(secret));
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            uint64_t number = epoch * KEYS_REKEY_PACKETS;
            struct packet_under_test p = deliver(&e, number, START);
            cr_assert_eq(p.epoch, (int)epoch);

            char info[16] = "duet v1 key";
            uint8_t block[AEAD_KEY_MAX_BYTES + AEAD_IV_BYTES];
            size_t key_len = aead_key_bytes(suites[i]);
            info[11] = (char)suites[i];
            expand(secret, info, 12, block, key_len + AEAD_IV_BYTES);
            struct aead *opener = aead_new(suites[i], block, block + key_len, false);
            cr_assert_eq(aead_open(opener, number, ad, sizeof(ad), p.bytes, sizeof(p.bytes)), 0, "epoch %lu", epoch);
            aead_free(opener);

            uint8_t next[NOISE_KEY_BYTES];
            expand(secret, "duet v1 next", 12, next, sizeof(next));
            memcpy(secret, next, sizeof(next));
        }
        ends_free(&e);
    }
}

Test(keys, the_sender_moves_on_after_its_packets)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    deliver(&e, 0, START);
    cr_assert_eq(deliver(&e, KEYS_REKEY_PACKETS - 1, START).epoch, 0);
    cr_assert_eq(deliver(&e, KEYS_REKEY_PACKETS, START).epoch, 1);
    cr_assert_eq(deliver(&e, 2 * KEYS_REKEY_PACKETS - 1, START).epoch, 1);
    cr_assert_eq(deliver(&e, 2 * KEYS_REKEY_PACKETS, START).epoch, 2);
    cr_assert_eq(keys_sent_epochs(e.a), 2);
    cr_assert_eq(keys_sent_epochs(e.b), 0, "directions rekey by themselves");
    ends_free(&e);
}

Test(keys, the_sender_moves_on_after_its_time)
{
    struct ends e = ends_new(SUITE_CHACHA20POLY1305);

    deliver(&e, 0, START);
    cr_assert_eq(deliver(&e, 1, after(KEYS_REKEY_US - 1)).epoch, 0);
    cr_assert_eq(deliver(&e, 2, after(KEYS_REKEY_US)).epoch, 1);
    cr_assert_eq(deliver(&e, 3, after(2 * KEYS_REKEY_US - 1)).epoch, 1);
    cr_assert_eq(deliver(&e, 4, after(2 * KEYS_REKEY_US)).epoch, 2);
    ends_free(&e);
}

Test(keys, both_directions_rekey_many_times_around_the_two_bits)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    for (uint64_t i = 0; i < 11; i++) {
        duet_time now = after(i * KEYS_REKEY_US);
        struct packet_under_test a = deliver(&e, i, now);
        struct packet_under_test b = seal(e.b, i, now);
        cr_assert_eq(a.epoch, (int)(i % 4));
        cr_assert_eq(b.epoch, (int)(i % 4));
        cr_assert_eq(open_packet(e.a, &b, now), 0);
        keys_confirm(e.b, i);
    }
    cr_assert_eq(keys_sent_epochs(e.a), 10);
    ends_free(&e);
}

Test(keys, no_second_rekey_before_the_first_was_acknowledged)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    cr_assert_eq(seal(e.a, 0, START).epoch, 0);
    cr_assert_eq(seal(e.a, 1, after(KEYS_REKEY_US)).epoch, 0, "nothing of epoch 0 acknowledged");
    keys_confirm(e.a, 2);
    cr_assert_eq(seal(e.a, 2, after(KEYS_REKEY_US)).epoch, 0, "an acknowledgement of the unsent does not count");
    keys_confirm(e.a, 2);
    cr_assert_eq(seal(e.a, 3, after(KEYS_REKEY_US)).epoch, 1);
    cr_assert_eq(seal(e.a, 4, after(9 * KEYS_REKEY_US)).epoch, 1, "nothing of epoch 1 acknowledged");
    keys_confirm(e.a, 2);
    cr_assert_eq(seal(e.a, 5, after(9 * KEYS_REKEY_US)).epoch, 1, "number 2 was of epoch 0");
    keys_confirm(e.a, 3);
    cr_assert_eq(seal(e.a, 6, after(9 * KEYS_REKEY_US)).epoch, 2);
    ends_free(&e);
}

Test(keys, packets_reordered_across_an_epoch_open_while_the_former_key_is_kept)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    deliver(&e, 0, START);
    struct packet_under_test late = seal(e.a, 1, START);
    struct packet_under_test later = seal(e.a, 2, START);
    duet_time moved = after(KEYS_REKEY_US);
    cr_assert_eq(deliver(&e, 3, moved).epoch, 1);

    cr_assert_eq(open_packet(e.b, &late, time_add(moved, KEYS_KEEP_US - 1)), 0);
    cr_assert_eq(open_packet(e.b, &later, time_add(moved, KEYS_KEEP_US)), DUET_EAUTH);
    cr_assert_eq(open_packet(e.b, &later, moved), DUET_EAUTH, "a dropped key does not come back");
    ends_free(&e);
}

Test(keys, the_former_key_is_dropped_by_the_sending_side_too)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    deliver(&e, 0, START);
    struct packet_under_test late = seal(e.a, 1, START);
    duet_time moved = after(KEYS_REKEY_US);
    deliver(&e, 2, moved);
    cr_assert_geq(keys_send_epoch(e.b, 0, time_add(moved, KEYS_KEEP_US)), 0);
    cr_assert_eq(open_packet(e.b, &late, moved), DUET_EAUTH);
    ends_free(&e);
}

Test(keys, a_key_two_epochs_old_opens_nothing)
{
    struct ends e = ends_new(SUITE_AES128GCM);

    deliver(&e, 0, START);
    struct packet_under_test late = seal(e.a, 1, START);
    deliver(&e, KEYS_REKEY_PACKETS, START);
    deliver(&e, 2 * KEYS_REKEY_PACKETS, START);
    for (int epoch = 0; epoch < 4; epoch++)
        cr_assert_eq(open_as(e.b, &late, epoch, START), DUET_EAUTH);
    deliver(&e, 2 * KEYS_REKEY_PACKETS + 1, START);
    ends_free(&e);
}

Test(keys, a_forged_epoch_changes_nothing)
{
    struct ends e = ends_new(SUITE_CHACHA20POLY1305);

    deliver(&e, 0, START);
    struct packet_under_test genuine = seal(e.a, 1, START);
    for (int round = 0; round < 20; round++) {
        struct packet_under_test forged = genuine;
        forged.bytes[round] ^= 1;
        for (int epoch = 0; epoch < 4; epoch++)
            cr_assert_eq(open_as(e.b, &forged, epoch, START), DUET_EAUTH);
        for (int epoch = 1; epoch < 4; epoch++)
            cr_assert_eq(open_as(e.b, &genuine, epoch, START), DUET_EAUTH, "the right packet under a wrong epoch");
    }
    cr_assert_eq(open_packet(e.b, &genuine, START), 0);
    duet_time moved = after(KEYS_REKEY_US);
    struct packet_under_test late = seal(e.a, 2, START);
    cr_assert_eq(deliver(&e, 3, moved).epoch, 1);
    cr_assert_eq(open_packet(e.b, &late, moved), 0, "the former key is the right one");
    ends_free(&e);
}

Test(keys, header_and_number_are_authenticated)
{
    struct ends e = ends_new(SUITE_AES128GCM);
    struct packet_under_test p = seal(e.a, 5, START);
    struct packet_under_test other_number = p, other_header = p;

    other_number.number = 6;
    cr_assert_eq(open_packet(e.b, &other_number, START), DUET_EAUTH);
    cr_assert_eq(
        keys_open(e.b, 0, 5, (const uint8_t *)"hEader", sizeof(ad), other_header.bytes, sizeof(p.bytes), START),
        DUET_EAUTH);
    cr_assert_eq(open_packet(e.b, &p, START), 0);
    ends_free(&e);
}

Test(keys, packets_shorter_than_a_tag_are_refused)
{
    struct ends e = ends_new(SUITE_AES128GCM);
    uint8_t bytes[AEAD_TAG_BYTES] = {0};

    for (size_t len = 0; len <= sizeof(bytes); len++)
        cr_assert_eq(keys_open(e.b, 0, 0, ad, sizeof(ad), bytes, len, START), DUET_EAUTH);
    ends_free(&e);
}

Test(keys, a_number_is_sealed_once)
{
    struct ends e = ends_new(SUITE_AES128GCM);
    uint8_t buf[TEXT_LEN + AEAD_TAG_BYTES] = TEXT;

    seal(e.a, 7, START);
    cr_assert_eq(keys_seal(e.a, 7, ad, sizeof(ad), buf, TEXT_LEN, NULL, 0), DUET_EINVAL);
    cr_assert_eq(keys_seal(e.a, 3, ad, sizeof(ad), buf, TEXT_LEN, NULL, 0), DUET_EINVAL);
    cr_assert_eq(keys_send_epoch(e.a, 7, START), DUET_EINVAL);
    cr_assert_arr_eq(buf, TEXT, TEXT_LEN, "and a refusal leaves the text alone");
    seal(e.a, 8, START);
    ends_free(&e);
}

Test(keys, numbers_run_out_at_their_limit)
{
    struct ends e = ends_new(SUITE_AES128GCM);
    uint8_t buf[TEXT_LEN + AEAD_TAG_BYTES] = TEXT;

    deliver(&e, LIMIT_PACKET_NUMBER - 1, START);
    cr_assert_eq(keys_send_epoch(e.a, LIMIT_PACKET_NUMBER, START), DUET_EEXHAUSTED);
    cr_assert_eq(keys_seal(e.a, LIMIT_PACKET_NUMBER, ad, sizeof(ad), buf, TEXT_LEN, NULL, 0), DUET_EEXHAUSTED);
    cr_assert_eq(keys_send_epoch(e.a, UINT64_MAX, START), DUET_EEXHAUSTED);
    ends_free(&e);
}
