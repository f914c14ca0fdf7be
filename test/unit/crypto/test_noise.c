/* noise: the published vector byte for byte, and nothing an attacker sends moves the state. */
#include "unit.h"
#include <sodium.h>
#include <string.h>

#include "base/err.h"
#include "crypto/noise.h"
#include "vectors_hex.h"
#include "vectors_noise.h"

#define CAP 512

struct pair {
    struct noise i, r;
};

static void keypair(struct noise_keypair *k, const char *secret)
{
    hex(secret, k->secret, NOISE_KEY_BYTES);
    noise_public(k->public, k->secret);
}

/* Both ends as the vector has them. */
static struct pair vector_pair(void)
{
    struct pair p;
    struct noise_keypair s;
    uint8_t prologue[32], e[NOISE_KEY_BYTES], psk[NOISE_KEY_BYTES];
    size_t len = hex(VECTOR_PROLOGUE, prologue, sizeof(prologue));

    hex(VECTOR_PSK, psk, sizeof(psk));
    keypair(&s, VECTOR_INIT_STATIC);
    hex(VECTOR_INIT_EPHEMERAL, e, sizeof(e));
    noise_init(&p.i, true, prologue, len, &s, e, psk);
    keypair(&s, VECTOR_RESP_STATIC);
    hex(VECTOR_RESP_EPHEMERAL, e, sizeof(e));
    noise_init(&p.r, false, prologue, len, &s, e, psk);
    return p;
}

static struct noise *writer_of_message(struct pair *p, int index)
{
    return index % 2 == 0 ? &p->i : &p->r;
}

static struct noise *reader_of_message(struct pair *p, int index)
{
    return index % 2 == 0 ? &p->r : &p->i;
}

/* Runs messages [0, upto); the message `upto` is written to out, not read. */
static size_t run_to(struct pair *p, int upto, uint8_t out[CAP])
{
    uint8_t payload[CAP];

    for (int m = 0;; m++) {
        ssize_t len = noise_write(writer_of_message(p, m), (const uint8_t *)"payload", 7, out, CAP);
        cr_assert_eq(len, (ssize_t)noise_overhead(m) + 7);
        if (m == upto)
            return (size_t)len;
        cr_assert_eq(noise_read(reader_of_message(p, m), out, (size_t)len, payload, CAP), 7);
    }
}

static void check_transport(const uint8_t key[NOISE_KEY_BYTES], uint64_t counter, int index)
{
    uint8_t payload[CAP], expected[CAP], got[CAP], nonce[12] = {0};
    size_t payload_len = hex(vector_messages[index].payload, payload, CAP);
    size_t expected_len = hex(vector_messages[index].ciphertext, expected, CAP);

    nonce[4] = (uint8_t)counter;
    crypto_aead_chacha20poly1305_ietf_encrypt(got, NULL, payload, payload_len, NULL, 0, NULL, nonce, key);
    cr_assert_eq(expected_len, payload_len + NOISE_TAG_BYTES);
    cr_assert_arr_eq(got, expected, expected_len, "message %d", index);
}

Test(noise, gives_the_published_vector_byte_for_byte)
{
    struct pair p = vector_pair();
    uint8_t payload[CAP], expected[CAP], got[CAP], back[CAP];

    for (int m = 0; m < NOISE_MESSAGES; m++) {
        size_t payload_len = hex(vector_messages[m].payload, payload, CAP);
        size_t expected_len = hex(vector_messages[m].ciphertext, expected, CAP);
        cr_assert_eq(noise_write(writer_of_message(&p, m), payload, payload_len, got, CAP), (ssize_t)expected_len);
        cr_assert_arr_eq(got, expected, expected_len, "message %d", m);
        cr_assert_eq(noise_read(reader_of_message(&p, m), got, expected_len, back, CAP), (ssize_t)payload_len);
        cr_assert_arr_eq(back, payload, payload_len, "message %d", m);
    }

    uint8_t hash[NOISE_HASH_BYTES], keys[2][2][NOISE_KEY_BYTES], hashes[2][NOISE_HASH_BYTES];
    hex(VECTOR_HANDSHAKE_HASH, hash, sizeof(hash));
    noise_split(&p.i, keys[0][0], keys[0][1], hashes[0]);
    noise_split(&p.r, keys[1][0], keys[1][1], hashes[1]);
    cr_assert_arr_eq(hashes[0], hash, sizeof(hash));
    cr_assert_arr_eq(hashes[1], hash, sizeof(hash));
    cr_assert_arr_eq(keys[0], keys[1], sizeof(keys[0]));
    check_transport(keys[0][1], 0, 3);
    check_transport(keys[0][0], 0, 4);
    check_transport(keys[0][1], 1, 5);
}

Test(noise, each_side_learns_the_others_static_key)
{
    struct pair p = vector_pair();
    struct noise_keypair i, r;
    uint8_t message[CAP], payload[CAP];

    keypair(&i, VECTOR_INIT_STATIC);
    keypair(&r, VECTOR_RESP_STATIC);
    size_t len = run_to(&p, 2, message);
    cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), 7);
    cr_assert_arr_eq(p.i.rs, r.public, NOISE_KEY_BYTES);
    cr_assert_arr_eq(p.r.rs, i.public, NOISE_KEY_BYTES);
}

Test(noise, every_flipped_bit_of_every_message_is_refused)
{
    for (int m = 0; m < NOISE_MESSAGES; m++) {
        struct pair p = vector_pair();
        uint8_t message[CAP], payload[CAP];
        size_t len = run_to(&p, m, message);
        struct noise before = *reader_of_message(&p, m);

        for (size_t bit = 0; bit < 8 * len; bit++) {
            message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            cr_assert_eq(noise_read(reader_of_message(&p, m), message, len, payload, CAP), DUET_EAUTH,
                         "message %d bit %zu", m, bit);
            message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        cr_assert_eq(memcmp(&before, reader_of_message(&p, m), sizeof(before)), 0, "the state moved");
        cr_assert_eq(noise_read(reader_of_message(&p, m), message, len, payload, CAP), 7);
    }
}

Test(noise, truncated_messages_are_refused)
{
    for (int m = 0; m < NOISE_MESSAGES; m++) {
        struct pair p = vector_pair();
        uint8_t message[CAP], payload[CAP];
        size_t len = run_to(&p, m, message);
        struct noise before = *reader_of_message(&p, m);

        for (size_t cut = 0; cut < len; cut++) {
            int expected = cut < noise_overhead(m) ? DUET_EMALFORMED : DUET_EAUTH;
            cr_assert_eq(noise_read(reader_of_message(&p, m), message, cut, payload, CAP), expected);
        }
        cr_assert_eq(memcmp(&before, reader_of_message(&p, m), sizeof(before)), 0, "the state moved");
    }
}

Test(noise, messages_out_of_turn_are_refused)
{
    struct pair p = vector_pair();
    uint8_t message[CAP], payload[CAP];

    cr_assert_eq(noise_write(&p.r, NULL, 0, message, CAP), DUET_EPROTOCOL);
    cr_assert_eq(noise_read(&p.i, message, 100, payload, CAP), DUET_EPROTOCOL);
    size_t len = run_to(&p, 0, message);
    cr_assert_eq(noise_write(&p.i, NULL, 0, message, CAP), DUET_EPROTOCOL);
    cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), 7);
    cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), DUET_EPROTOCOL, "message 1 twice");

    struct pair q = vector_pair();
    len = run_to(&q, 2, message);
    cr_assert_eq(noise_read(&q.r, message, len, payload, CAP), 7);
    cr_assert_eq(noise_read(&q.r, message, len, payload, CAP), DUET_EPROTOCOL, "nothing after message 3");
    cr_assert_eq(noise_write(&q.i, NULL, 0, message, CAP), DUET_EPROTOCOL);
}

Test(noise, buffers_that_are_too_small_are_refused_and_nothing_moves)
{
    struct pair p = vector_pair();
    struct noise before = p.i;
    uint8_t message[CAP], payload[CAP];

    cr_assert_eq(noise_write(&p.i, (const uint8_t *)"abc", 3, message, noise_overhead(0) + 2), DUET_ERANGE);
    cr_assert_eq(noise_write(&p.i, (const uint8_t *)"abc", 3, message, 0), DUET_ERANGE);
    cr_assert_eq(noise_write(&p.i, (const uint8_t *)"abc", SIZE_MAX, message, CAP), DUET_ERANGE);
    cr_assert_eq(memcmp(&before, &p.i, sizeof(before)), 0);
    size_t len = run_to(&p, 0, message);
    cr_assert_eq(noise_read(&p.r, message, len, payload, 6), DUET_ERANGE);
    cr_assert_eq(noise_read(&p.r, message, len, payload, 7), 7);
}

Test(noise, another_psk_or_prologue_is_not_authentic)
{
    struct pair good = vector_pair();
    struct noise_keypair s;
    uint8_t message[CAP], payload[CAP], e[NOISE_KEY_BYTES], psk[NOISE_KEY_BYTES] = {0}, prologue[9];

    hex(VECTOR_PROLOGUE, prologue, sizeof(prologue));
    keypair(&s, VECTOR_RESP_STATIC);
    hex(VECTOR_RESP_EPHEMERAL, e, sizeof(e));

    struct pair other_psk = good;
    noise_init(&other_psk.r, false, prologue, sizeof(prologue), &s, e, psk);
    size_t len = run_to(&other_psk, 2, message);
    cr_assert_eq(noise_read(&other_psk.r, message, len, payload, CAP), DUET_EAUTH, "psk3 binds at message 3");

    struct pair other_prologue = good;
    hex(VECTOR_PSK, psk, sizeof(psk));
    prologue[0] ^= 1;
    noise_init(&other_prologue.r, false, prologue, sizeof(prologue), &s, e, psk);
    len = run_to(&other_prologue, 0, message);
    cr_assert_eq(noise_read(&other_prologue.r, message, len, payload, CAP), DUET_EAUTH);
}

/* X25519 points of order 1, 2, 4 and 8, and non-canonical spellings (RFC 7748 §6.1). */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* An initiator whose public ephemeral is not that of a secret: it can still make message 1, whose keys are public. */
Test(noise, a_low_order_ephemeral_gets_no_answer)
{
    for (size_t i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
        struct pair p = vector_pair();
        uint8_t message[CAP], payload[CAP];
        hex(low_order[i], p.i.e.public, NOISE_KEY_BYTES);
        size_t len = run_to(&p, 0, message);
        cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), 7);
        struct noise before = p.r;
        cr_assert_eq(noise_write(&p.r, NULL, 0, message, CAP), DUET_EAUTH, "row %zu", i);
        cr_assert_eq(memcmp(&before, &p.r, sizeof(before)), 0);
    }
}

Test(noise, a_low_order_static_key_is_refused)
{
    struct pair p = vector_pair();
    uint8_t message[CAP], payload[CAP];

    hex(low_order[0], p.i.s.public, NOISE_KEY_BYTES);
    size_t len = run_to(&p, 2, message);
    cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), DUET_EAUTH);
    cr_assert_eq(p.r.message, 2);
}

Test(noise, a_finished_handshake_keeps_no_secret_keys)
{
    static const uint8_t zeros[NOISE_KEY_BYTES];
    struct pair p = vector_pair();
    uint8_t message[CAP], payload[CAP];
    size_t len = run_to(&p, 2, message);

    cr_assert_eq(noise_read(&p.r, message, len, payload, CAP), 7);
    for (int side = 0; side < 2; side++) {
        const struct noise *n = side == 0 ? &p.i : &p.r;
        cr_assert_arr_eq(n->k, zeros, NOISE_KEY_BYTES);
        cr_assert_arr_eq(n->psk, zeros, NOISE_KEY_BYTES);
        cr_assert_arr_eq(n->s.secret, zeros, NOISE_KEY_BYTES);
        cr_assert_arr_eq(n->e.secret, zeros, NOISE_KEY_BYTES);
    }
    noise_wipe(&p.i);
    cr_assert(sodium_is_zero((const uint8_t *)&p.i, sizeof(p.i)));
}

Test(noise, overheads_are_those_of_the_pattern)
{
    cr_assert_eq(noise_overhead(0), 48);
    cr_assert_eq(noise_overhead(1), 96);
    cr_assert_eq(noise_overhead(2), 64);
}
