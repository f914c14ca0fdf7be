#include "unit.h"
#include <string.h>

#include "base/err.h"
#include "conn/handshake.h"
#include "inside.h"

#define CID_I UINT64_C(0x1111222233334444)
#define CID_R UINT64_C(0x5555666677778888)

static struct duet_rand rng;
static struct endpoint_config alice, bob;
static struct handshake i, r;
static uint8_t dgram[LIMIT_SYN_BYTES];
static size_t dgram_len;
static struct packet packet;

static void start(void)
{
    rand_init_u64(&rng, 7);
    alice = pair_config(1, "alice");
    bob = pair_config(2, "bob");
}

TestSuite(handshake, .init = start);

static const struct packet *parsed(ssize_t len)
{
    cr_assert_gt(len, 0);
    dgram_len = (size_t)len;
    cr_assert_eq(packet_parse(&packet, dgram, dgram_len), 0);
    return &packet;
}

static void h1(void)
{
    cr_assert_eq(handshake_start(&i, &alice, CID_I, &rng), 0);
    parsed(handshake_syn(&i, dgram, sizeof dgram));
}

static void h2(enum params_refusal refusal)
{
    h1();
    cr_assert_eq(handshake_answer(&r, &bob, &packet, CID_R, refusal, &rng), 0);
    parsed(handshake_syn_ack(&r, dgram, sizeof dgram));
}

static void h3(void)
{
    h2(REFUSAL_NONE);
    cr_assert_eq(handshake_confirm(&i, &alice, NULL, &packet), 0);
    parsed(handshake_ack(&i, dgram, sizeof dgram));
}

Test(handshake, both_sides_end_with_each_others_name_key_and_the_same_secrets)
{
    uint8_t keys[2][2][NOISE_KEY_BYTES], hash[2][NOISE_HASH_BYTES];
    alice.params.mode = MODE_STEP;
    bob.params.window_bytes = LIMIT_WINDOW_MIN_BYTES;
    h3();
    cr_assert_eq(handshake_complete(&r, &packet), 0);
    cr_assert_str_eq(i.peer_name, "bob");
    cr_assert_str_eq(r.peer_name, "alice");
    cr_assert_arr_eq(i.noise.rs, bob.identity.public, NOISE_KEY_BYTES);
    cr_assert_arr_eq(r.noise.rs, alice.identity.public, NOISE_KEY_BYTES);
    cr_assert(i.cid_r == CID_R && r.cid_i == CID_I);
    noise_split(&i.noise, keys[0][0], keys[0][1], hash[0]);
    noise_split(&r.noise, keys[1][0], keys[1][1], hash[1]);
    cr_assert_arr_eq(keys[0], keys[1], sizeof keys[0]);
    cr_assert_eq(i.result.mode, MODE_STEP);
    cr_assert_eq(r.result.mode, MODE_STEP);
    cr_assert_eq(i.result.window_bytes, LIMIT_WINDOW_MIN_BYTES);
    cr_assert_eq(i.result.suites, r.result.suites);
}

Test(handshake, the_answer_stays_under_its_limit_with_the_longest_name)
{
    memset(bob.name, 'x', LIMIT_NAME_BYTES);
    bob.name[LIMIT_NAME_BYTES] = '\0';
    h2(REFUSAL_NONE);
    cr_assert_lt(dgram_len, LIMIT_SYN_ACK_BYTES);
    cr_assert_eq(handshake_confirm(&i, &alice, NULL, &packet), 0);
    cr_assert_str_eq(i.peer_name, bob.name);
}

Test(handshake, a_refusal_says_why)
{
    h2(REFUSAL_BUSY);
    cr_assert_eq(handshake_confirm(&i, &alice, NULL, &packet), DUET_EREFUSED);
    cr_assert_eq(i.refusal, REFUSAL_BUSY);
}

Test(handshake, no_common_suite_is_a_refusal)
{
    alice.params.suites = SUITE_AES128GCM;
    bob.params.suites = SUITE_CHACHA20POLY1305;
    h2(REFUSAL_NONE);
    cr_assert_eq(r.refusal, REFUSAL_PARAMS);
    cr_assert_eq(handshake_confirm(&i, &alice, NULL, &packet), DUET_EREFUSED);
    cr_assert_eq(i.refusal, REFUSAL_PARAMS);
}

Test(handshake, different_codes_do_not_meet)
{
    bob.psk[0] = 1;
    h1();
    cr_assert_neq(
        handshake_answer(&r, &bob, &packet, CID_R, REFUSAL_NONE, &rng) == 0 &&
            (parsed(handshake_syn_ack(&r, dgram, sizeof dgram)), handshake_confirm(&i, &alice, NULL, &packet)) == 0 &&
            (parsed(handshake_ack(&i, dgram, sizeof dgram)), handshake_complete(&r, &packet)) == 0,
        true);
}

/* Every bit of a flight, its CRC made right again: never accepted, and the reader stays where it was. */
static void flip_all(int (*take)(void), struct handshake *reader)
{
    static uint8_t good[LIMIT_SYN_BYTES];
    const size_t len = dgram_len;
    memcpy(good, dgram, len);
    for (size_t bit = 0; bit < 8 * (len - 4); bit++) {
        memcpy(dgram, good, len);
        dgram[bit / 8] ^= (uint8_t)(1u << bit % 8);
        inside_fix_crc(dgram, len);
        const struct handshake before = *reader;
        const enum packet_type type = (enum packet_type)good[0];
        if (packet_parse(&packet, dgram, len) != 0 || packet.type != type)
            continue;
        if (type == PACKET_SYN_ACK && packet.cid_i != CID_I)
            continue; /* another connection's, or nobody's */
        if (type == PACKET_ACK && packet.cid_r != CID_R)
            continue;
        cr_assert_neq(take(), 0, "bit %zu of %s", bit, packet_type_name(type));
        cr_assert(type == PACKET_SYN || memcmp(&before, reader, sizeof before) == 0, "bit %zu", bit);
    }
    memcpy(dgram, good, len);
    parsed((ssize_t)len);
    cr_assert_eq(take(), 0);
}

static int take_syn(void)
{
    return handshake_answer(&r, &bob, &packet, CID_R, REFUSAL_NONE, &rng);
}

static int take_syn_ack(void)
{
    return handshake_confirm(&i, &alice, NULL, &packet);
}

static int take_ack(void)
{
    return handshake_complete(&r, &packet);
}

Test(handshake, no_flipped_bit_of_a_syn_is_answered)
{
    h1();
    flip_all(take_syn, &r);
}

Test(handshake, no_flipped_bit_of_a_syn_ack_is_confirmed)
{
    h2(REFUSAL_NONE);
    flip_all(take_syn_ack, &i);
}

Test(handshake, no_flipped_bit_of_an_ack_completes)
{
    h3();
    flip_all(take_ack, &r);
}

Test(handshake, no_truncated_flight_is_taken)
{
    h2(REFUSAL_NONE);
    const struct packet whole = packet;
    for (size_t len = 0; len < whole.noise_len; len++) {
        packet.noise_len = len;
        cr_assert_neq(handshake_confirm(&i, &alice, NULL, &packet), 0);
    }
    cr_assert_eq(handshake_confirm(&i, &alice, NULL, &whole), 0);
}
