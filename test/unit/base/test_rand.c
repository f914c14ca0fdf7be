#include "base/rand.h"

#include "unit.h"
#include <signal.h>
#include <sodium.h>
#include <string.h>

static bool all_zero(const uint8_t *bytes, size_t len)
{
    return sodium_is_zero(bytes, len) == 1;
}

Test(rand, is_the_chacha20_keystream_of_its_seed)
{
    /* 512 bytes a refill: the next key, then the pool. */
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t seed[RAND_SEED_BYTES] = {1, 2, 3};
    uint8_t block[RAND_SEED_BYTES + RAND_POOL_BYTES];
    uint8_t got[RAND_POOL_BYTES];
    struct duet_rand r;

    rand_init(&r, seed);
    crypto_stream_chacha20(block, sizeof(block), nonce, seed);
    rand_bytes(&r, got, sizeof(got));
    cr_expect_arr_eq(got, block + RAND_SEED_BYTES, sizeof(got));

    memcpy(seed, block, RAND_SEED_BYTES);
    crypto_stream_chacha20(block, sizeof(block), nonce, seed);
    rand_bytes(&r, got, sizeof(got));
    cr_expect_arr_eq(got, block + RAND_SEED_BYTES, sizeof(got));
}

Test(rand, first_bytes_of_the_zero_seed_follow_the_published_keystream)
{
    /* draft-strombergson-chacha-test-vectors-01, TC1, 256-bit key, 20 rounds, from byte 32 on. */
    static const uint8_t want[16] = {0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d,
                                     0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37};
    static const uint8_t seed[RAND_SEED_BYTES];
    uint8_t got[16];
    struct duet_rand r;

    rand_init(&r, seed);
    rand_bytes(&r, got, sizeof(got));
    cr_expect_arr_eq(got, want, sizeof(want));
}

Test(rand, same_seed_same_bytes_however_they_are_drawn)
{
    enum { LEN = 5000 };
    uint8_t whole[LEN];
    uint8_t parts[LEN];
    struct duet_rand a;
    struct duet_rand b;
    size_t at = 0;

    rand_init_u64(&a, 42);
    rand_init_u64(&b, 42);
    rand_bytes(&a, whole, LEN);
    for (size_t len = 0; at < LEN; at += len, len = len * 3 + 1) {
        if (len > LEN - at)
            len = LEN - at;
        rand_bytes(&b, parts + at, len);
    }
    cr_expect_arr_eq(whole, parts, LEN);
    cr_expect_eq(rand_u64(&a), rand_u64(&b));
}

Test(rand, different_seeds_differ_in_every_byte_of_the_seed)
{
    uint8_t first[RAND_SEED_BYTES * 2][16];

    for (size_t i = 0; i < RAND_SEED_BYTES; i++) {
        uint8_t seed[RAND_SEED_BYTES] = {0};
        struct duet_rand r;

        seed[i] = 1;
        rand_init(&r, seed);
        rand_bytes(&r, first[i], 16);
        for (size_t j = 0; j < i; j++)
            cr_expect(memcmp(first[i], first[j], 16) != 0, "%zu %zu", i, j);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        struct duet_rand a;
        struct duet_rand b;

        rand_init_u64(&a, 0);
        rand_init_u64(&b, UINT64_C(1) << bit);
        cr_expect_neq(rand_u64(&a), rand_u64(&b));
    }
}

Test(rand, keeps_neither_the_seed_nor_what_it_gave)
{
    static const uint8_t seed[RAND_SEED_BYTES] = "a seed that must not stay there";
    uint8_t out[100];
    uint8_t before[RAND_SEED_BYTES];
    struct duet_rand r;

    rand_init(&r, seed);
    cr_expect_null(memmem(&r, sizeof(r), seed, 16));
    memcpy(before, r.key, sizeof(before));
    rand_bytes(&r, out, sizeof(out));
    cr_expect(all_zero(r.pool, sizeof(out)));
    cr_expect(!all_zero(r.pool, sizeof(r.pool)));
    for (size_t i = 0; i < RAND_POOL_BYTES; i += sizeof(out))
        rand_bytes(&r, out, sizeof(out));
    cr_expect(memcmp(before, r.key, sizeof(before)) != 0, "the key is replaced by each refill");
}

Test(rand, wiping_leaves_nothing)
{
    struct duet_rand r;

    rand_init_u64(&r, 1);
    rand_u64(&r);
    rand_wipe(&r);
    cr_expect(all_zero((const uint8_t *)&r, sizeof(r)));
}

Test(rand, drawing_after_a_wipe_is_a_bug, .signal = SIGABRT)
{
    struct duet_rand r;
    uint8_t out[1];

    rand_init_u64(&r, 1);
    rand_wipe(&r);
    rand_bytes(&r, out, sizeof(out));
}

Test(rand, below_stays_below_and_reaches_everything)
{
    static const uint64_t bound[] = {1, 2, 3, 7, 10, 64, 100};
    struct duet_rand r;

    rand_init_u64(&r, 9);
    for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++) {
        unsigned seen[100] = {0};
        const unsigned draws = 2000 * (unsigned)bound[i];

        for (unsigned n = 0; n < draws; n++) {
            const uint64_t v = rand_below(&r, bound[i]);

            cr_assert_lt(v, bound[i]);
            seen[v]++;
        }
        for (uint64_t v = 0; v < bound[i]; v++)
            cr_expect(seen[v] > 1700 && seen[v] < 2300, "%lu of %lu: %u", v, bound[i], seen[v]);
    }
}

Test(rand, below_is_even_for_a_bound_that_divides_badly)
{
    /* With a plain remainder the lower half of [0, 3/4 2^64) would come twice as often in its first third. */
    const uint64_t bound = UINT64_C(3) << 62;
    unsigned third[3] = {0};
    struct duet_rand r;

    rand_init_u64(&r, 10);
    for (int i = 0; i < 30000; i++) {
        const uint64_t v = rand_below(&r, bound);

        cr_assert_lt(v, bound);
        third[v >> 62]++;
    }
    for (size_t i = 0; i < 3; i++)
        cr_expect(third[i] > 9500 && third[i] < 10500, "%u", third[i]);
    cr_expect_lt(rand_below(&r, UINT64_MAX), UINT64_MAX);
}

Test(rand, unit_is_even_in_zero_to_one)
{
    unsigned tenth[10] = {0};
    struct duet_rand r;

    rand_init_u64(&r, 11);
    for (int i = 0; i < 20000; i++) {
        const double u = rand_unit(&r);

        cr_assert(u >= 0.0 && u < 1.0);
        tenth[(size_t)(u * 10.0)]++;
    }
    for (size_t i = 0; i < 10; i++)
        cr_expect(tenth[i] > 1800 && tenth[i] < 2200, "%u", tenth[i]);
}
