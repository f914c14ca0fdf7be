/* cookie: a token serves its address, its id and its time, and nothing else. */
#include "unit.h"
#include <string.h>

#include "crypto/cookie.h"

#define CID UINT64_C(0x1122334455667788)
#define START DUET_TIME(1000000)

static const struct duet_addr home = {.family = ADDR_V4, .ip = {192, 0, 2, 1}, .port = 6254};

struct world {
    struct duet_rand rng;
    struct cookie c;
    uint8_t token[LIMIT_TOKEN_BYTES];
};

static struct world world_new(void)
{
    struct world w;

    rand_init_u64(&w.rng, 7);
    cookie_init(&w.c, &w.rng, START);
    cookie_make(&w.c, &home, CID, &w.rng, START, w.token);
    return w;
}

static duet_time after(uint64_t us)
{
    return time_add(START, us);
}

Test(cookie, a_token_serves_for_its_life_and_no_longer)
{
    struct world w = world_new();

    cr_assert(cookie_check(&w.c, &home, CID, w.token, START));
    cr_assert(cookie_check(&w.c, &home, CID, w.token, after(LIMIT_TOKEN_US - 1)));
    cr_assert(!cookie_check(&w.c, &home, CID, w.token, after(LIMIT_TOKEN_US)));
    cr_assert(!cookie_check(&w.c, &home, CID, w.token, DUET_TIME(START.us - 1)), "a token of the future");
}

Test(cookie, a_token_serves_no_other_address_or_id)
{
    struct world w = world_new();
    struct duet_addr other_ip = home, other_port = home, v6 = home;

    other_ip.ip[3] = 2;
    other_port.port = 6255;
    v6.family = ADDR_V6;
    cr_assert(!cookie_check(&w.c, &other_ip, CID, w.token, START));
    cr_assert(!cookie_check(&w.c, &other_port, CID, w.token, START));
    cr_assert(!cookie_check(&w.c, &v6, CID, w.token, START));
    cr_assert(!cookie_check(&w.c, &home, CID + 1, w.token, START));
}

Test(cookie, every_flipped_bit_is_refused)
{
    struct world w = world_new();
    duet_time late = after(LIMIT_TOKEN_US / 2);

    for (size_t bit = 0; bit < 8 * LIMIT_TOKEN_BYTES; bit++) {
        w.token[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        cr_assert(!cookie_check(&w.c, &home, CID, w.token, late), "bit %zu", bit);
        w.token[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    cr_assert(cookie_check(&w.c, &home, CID, w.token, late));
}

Test(cookie, the_former_secret_is_honoured_and_the_one_before_is_not)
{
    struct world w = world_new();
    uint8_t old[LIMIT_TOKEN_BYTES], fresh[LIMIT_TOKEN_BYTES];
    struct cookie first = w.c;

    cookie_make(&w.c, &home, CID, &w.rng, after(LIMIT_TOKEN_US - 1), old);
    cr_assert_arr_eq(w.c.secret[0], first.secret[0], 32, "not yet time for a new secret");
    cookie_make(&w.c, &home, CID, &w.rng, after(LIMIT_TOKEN_US), fresh);
    cr_assert(memcmp(w.c.secret[0], first.secret[0], 32) != 0);
    cr_assert_arr_eq(w.c.secret[1], first.secret[0], 32);
    cr_assert(cookie_check(&w.c, &home, CID, old, after(LIMIT_TOKEN_US)));
    cr_assert(cookie_check(&w.c, &home, CID, fresh, after(LIMIT_TOKEN_US)));

    cookie_make(&w.c, &home, CID, &w.rng, after(2 * LIMIT_TOKEN_US), fresh);
    cr_assert(!cookie_check(&w.c, &home, CID, old, after(LIMIT_TOKEN_US)), "two secrets ago");
}

Test(cookie, another_endpoint_makes_other_tokens)
{
    struct world w = world_new();
    struct duet_rand rng;
    struct cookie other;

    rand_init_u64(&rng, 8);
    cookie_init(&other, &rng, START);
    cr_assert(!cookie_check(&other, &home, CID, w.token, START));
    cookie_wipe(&w.c);
    cr_assert(!cookie_check(&w.c, &home, CID, w.token, START));
}
