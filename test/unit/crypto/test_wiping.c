/* What noise and keys computed on their way to the keys in use is nowhere when they are done with it. */
#include "residue.h"
#include "unit.h"

#ifndef RESIDUE_CANNOT_LOOK

#include <sodium.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "crypto/keys.h"
#include "wire/packet.h"

#define CAP 512
#define HASH NOISE_HASH_BYTES
#define START DUET_TIME(50)
#define TEXT_BYTES 20

static struct duet_rand rng;
static struct noise ends[2]; /* initiator, responder */
static uint8_t ck[HASH];     /* as this file works it out */
static uint8_t message[CAP], payload[CAP];
static size_t message_len;
static struct noise *at_work;
static ssize_t came_of_it;

/* ---- the library ---- */

static void open_by_library(void)
{
    static uint8_t sealed[TEXT_BYTES + NOISE_TAG_BYTES];

    (void)crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, payload, TEXT_BYTES, ck, HASH, NULL, message, ck);
    came_of_it =
        crypto_aead_chacha20poly1305_ietf_decrypt(payload, NULL, NULL, sealed, sizeof(sealed), ck, HASH, message, ck);
}

/* Where libsodium has its portable code only, that leaves its key on the stack whoever calls it. */
static bool library_is_clean(void)
{
    cr_assert_geq(sodium_init(), 0);
    memset(ck, 0x33, sizeof(ck));
    residue_seek_nothing();
    residue_seek(ck, NOISE_KEY_BYTES);
    for (int i = 0; i < 2; i++)
        residue_run(open_by_library); /* once before it counts: the loader leaves registers there at first calls */
    cr_assert_eq(came_of_it, 0);
    return residue_on_stack() == 0;
}

/* ---- noise ---- */

static void set_up_noise(void)
{
    struct noise_keypair s;
    uint8_t e[NOISE_KEY_BYTES], psk[NOISE_KEY_BYTES];

    rand_init_u64(&rng, 1);
    rand_bytes(&rng, psk, sizeof(psk));
    for (uint8_t side = 0; side < 2; side++) {
        rand_bytes(&rng, s.secret, sizeof(s.secret));
        rand_bytes(&rng, e, sizeof(e));
        noise_public(s.public, s.secret);
        noise_init(&ends[side], side == 0, NULL, 0, &s, e, psk);
    }
    memcpy(ck, ends[0].ck, sizeof(ck));
}

static void hmac(const uint8_t *key, size_t key_len, const uint8_t *text, size_t len, uint8_t out[HASH])
{
    crypto_auth_hmacsha512_state state;

    crypto_auth_hmacsha512_init(&state, key, key_len);
    crypto_auth_hmacsha512_update(&state, text, len);
    crypto_auth_hmacsha512_final(&state, out);
}

/* The chaining key after `input`, and all that is worked out beside it. */
static void mix(const uint8_t *input, size_t len)
{
    uint8_t temp[HASH], out[HASH + 1];

    residue_seek(ck, sizeof(ck));
    hmac(ck, sizeof(ck), input, len, temp);
    residue_seek(temp, sizeof(temp));
    for (uint8_t i = 1; i <= 3; i++) {
        out[i == 1 ? 0 : HASH] = i;
        hmac(temp, sizeof(temp), out, i == 1 ? 1 : HASH + 1, out);
        residue_seek(out, HASH);
        if (i == 1)
            memcpy(ck, out, sizeof(ck));
    }
}

static void mix_dh(const uint8_t secret[NOISE_KEY_BYTES], const uint8_t public[NOISE_KEY_BYTES])
{
    uint8_t shared[NOISE_KEY_BYTES];

    cr_assert_eq(crypto_scalarmult(shared, secret, public), 0);
    residue_seek(shared, sizeof(shared));
    mix(shared, sizeof(shared));
}

/* All that message `m` is made with, but what everybody who sees the first one can work out. */
static void seek_secrets_of(int m)
{
    const struct noise *i = &ends[0], *r = &ends[1];

    residue_seek_nothing();
    if (m < 2)
        mix(m == 0 ? i->e.public : r->e.public, NOISE_KEY_BYTES);
    if (m < 1)
        residue_seek_nothing();
    if (m == 1) {
        mix_dh(i->e.secret, r->e.public);
        mix_dh(i->e.secret, r->s.public);
    }
    if (m == 2) {
        mix_dh(i->s.secret, r->e.public);
        mix(i->psk, sizeof(i->psk));
    }
    for (int side = 0; side < 2; side++) {
        residue_seek(ends[side].s.secret, NOISE_KEY_BYTES);
        residue_seek(ends[side].e.secret, NOISE_KEY_BYTES);
        residue_seek(ends[side].psk, NOISE_KEY_BYTES);
    }
}

static void write_message(void)
{
    came_of_it = noise_write(at_work, (const uint8_t *)"payload", 7, message, CAP);
}

static void read_message(void)
{
    came_of_it = noise_read(at_work, message, message_len, payload, CAP);
}

static void expect_nothing_left(const char *what, int m)
{
    cr_assert_gt(residue_sought(), 0);
    cr_expect_eq(residue_on_stack(), 0, "%s message %d", what, m);
}

static void write_and_look(int m)
{
    at_work = &ends[m % 2];
    residue_run(write_message);
    cr_assert_gt(came_of_it, 0);
    message_len = (size_t)came_of_it;
    expect_nothing_left("writing", m);
    cr_assert_arr_eq(at_work->ck, ck, HASH, "what was looked for is what there was");
}

static void read_and_look(int m)
{
    at_work = &ends[1 - m % 2];
    message[message_len - 1] ^= 1;
    residue_run(read_message);
    cr_assert_eq(came_of_it, DUET_EAUTH);
    expect_nothing_left("refusing", m);
    message[message_len - 1] ^= 1;
    residue_run(read_message);
    cr_assert_eq(came_of_it, 7);
    expect_nothing_left("reading", m);
}

static uint8_t split_keys[2][NOISE_KEY_BYTES], split_hash[HASH];

static void split(void)
{
    noise_split(&ends[0], split_keys[0], split_keys[1], split_hash);
}

Test(wiping, a_handshake_leaves_no_secret_on_the_stack)
{
    if (!library_is_clean())
        return;
    set_up_noise();
    for (int m = 0; m < NOISE_MESSAGES; m++) {
        seek_secrets_of(m);
        write_and_look(m);
        read_and_look(m);
    }
    residue_seek_nothing();
    mix(NULL, 0);
    residue_run(split);
    cr_assert_arr_eq(split_keys[0], ck, NOISE_KEY_BYTES);
    cr_expect_eq(residue_on_stack(), 0, "the keys of the session are only where they were asked for");
}

__attribute__((noinline)) static void leave_it_there(void)
{
    uint8_t copy[1000];

    for (size_t i = 0; i < HASH; i++)
        ((volatile uint8_t *)copy)[i] = ck[i];
}

static void leave_it_there_and_call(void)
{
    uint8_t waste[HASH] = {0};

    leave_it_there();
    hmac(waste, sizeof(waste), NULL, 0, waste);
}

Test(wiping, what_is_left_is_found)
{
    rand_init_u64(&rng, 1);
    rand_bytes(&rng, ck, sizeof(ck));
    residue_seek_nothing();
    residue_seek(ck, sizeof(ck));
    residue_run(leave_it_there);
    cr_expect_gt(residue_on_stack(), 0);
    const size_t once = residue_on_stack();
    residue_run(leave_it_there_and_call);
    cr_expect_geq(residue_on_stack(), once, "at the latest when the next function is called");
}

/* ---- keys ---- */

static struct keys *sender, *receiver;
static enum params_suite suite;
static uint8_t secret[NOISE_KEY_BYTES], other_secret[NOISE_KEY_BYTES];
static uint64_t number;
static uint8_t packet[TEXT_BYTES + AEAD_TAG_BYTES];
static int epoch;
static duet_time now;

static void expand(const uint8_t from[NOISE_KEY_BYTES], const char *label, uint8_t with_suite, uint8_t out[HASH])
{
    uint8_t text[32];
    size_t len = strlen(label);

    memcpy(text, label, len);
    if (with_suite != 0)
        text[len++] = with_suite;
    text[len++] = 1;
    hmac(from, NOISE_KEY_BYTES, text, len, out);
}

/* The key and the IV of an epoch with that secret. */
static void seek_key_of(const uint8_t from[NOISE_KEY_BYTES])
{
    uint8_t block[HASH];

    expand(from, "duet v1 key", (uint8_t)suite, block);
    residue_seek(block, sizeof(block));
    sodium_memzero(block, sizeof(block));
}

/* `secret` becomes that of the next epoch. */
static void next_secret(void)
{
    uint8_t block[HASH];

    expand(secret, "duet v1 next", 0, block);
    memcpy(secret, block, sizeof(secret));
    sodium_memzero(block, sizeof(block));
}

static void make_sender(void)
{
    sender = keys_new(suite, secret, other_secret, START);
}

static void make_receiver(void)
{
    receiver = keys_new(suite, other_secret, secret, START);
}

static void choose_epoch(void)
{
    epoch = keys_send_epoch(sender, number, now);
    came_of_it = epoch < 0 ? epoch : 0;
}

static void seal_packet(void)
{
    static const uint8_t ad[] = "header";

    memset(packet, 'x', TEXT_BYTES);
    came_of_it = keys_seal(sender, number, ad, sizeof(ad), packet, TEXT_BYTES, NULL, 0);
}

static void open_packet(void)
{
    static const uint8_t ad[] = "header";

    came_of_it = keys_open(receiver, (uint8_t)epoch, number, ad, sizeof(ad), packet, sizeof(packet), now);
}

static void run_and_look(void (*step)(void), const char *what)
{
    came_of_it = 0;
    residue_run(step);
    cr_assert_eq(came_of_it, 0, "%s", what);
    cr_assert_gt(residue_sought(), 0);
    cr_expect_eq(residue_on_stack(), 0, "%s", what);
}

static void set_up_keys(enum params_suite of)
{
    suite = of;
    now = START;
    number = 0;
    rand_init_u64(&rng, 2 + of);
    rand_bytes(&rng, secret, sizeof(secret));
    rand_bytes(&rng, other_secret, sizeof(other_secret));
    residue_seek_nothing();
    residue_seek(secret, sizeof(secret));
    residue_seek(other_secret, sizeof(other_secret));
    seek_key_of(secret);
    seek_key_of(other_secret);
    run_and_look(make_sender, "the sender's keys");
    run_and_look(make_receiver, "the receiver's keys");
}

static void seal_and_open(void)
{
    number++;
    run_and_look(choose_epoch, "the sender's epoch");
    run_and_look(seal_packet, "sealing");
    run_and_look(open_packet, "opening");
}

static void move_on(void)
{
    keys_confirm(sender, number);
    now = time_add(now, KEYS_REKEY_US);
    residue_seek(secret, sizeof(secret));
    next_secret();
    residue_seek(secret, sizeof(secret));
    seek_key_of(secret);
    seal_and_open();
}

Test(wiping, no_key_of_a_session_is_left_on_the_stack)
{
    static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

    if (!library_is_clean())
        return;
    for (size_t i = 0; i < 2; i++) {
        set_up_keys(suites[i]);
        seal_and_open();
        for (int k = 0; k < 3; k++)
            move_on();
        keys_free(sender);
        keys_free(receiver);
    }
}

/* Whoever takes the machine later finds nothing in it that opens what was recorded before. */
Test(wiping, former_keys_are_nowhere_in_memory)
{
    static const enum params_suite suites[] = {SUITE_AES128GCM, SUITE_CHACHA20POLY1305};

    if (!library_is_clean())
        return;
    for (size_t i = 0; i < 2; i++) {
        set_up_keys(suites[i]);
        sodium_memzero(other_secret, sizeof(other_secret));
        seal_and_open();
        residue_seek_nothing();
        residue_seek(secret, sizeof(secret));
        seek_key_of(secret);
        cr_expect_gt(residue_in_memory(), 0, "in use");
        next_secret();
        keys_confirm(sender, number);
        now = time_add(now, KEYS_REKEY_US);
        seal_and_open();
        now = time_add(now, KEYS_KEEP_US);
        seal_and_open();
        cr_expect_eq(residue_in_memory(), 0, "former ones, suite %d", (int)suite);

        seek_key_of(secret);
        residue_seek(secret, sizeof(secret));
        sodium_memzero(secret, sizeof(secret));
        cr_expect_gt(residue_in_memory(), 0, "in use");
        keys_free(sender);
        keys_free(receiver);
        cr_expect_eq(residue_in_memory(), 0, "those of a session that is over, suite %d", (int)suite);
    }
}

#endif
