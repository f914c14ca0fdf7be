/*
 * cookie: tokens of RETRY, made and checked without remembering anyone.
 *
 * A token lives LIMIT_TOKEN_US by the time inside it; a secret is replaced only
 * when a token is made with one older than that, so the former secret covers
 * every token still alive.
 */
#include "crypto/cookie.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define TIME_BYTES 8
#define MAC_BYTES 32
_Static_assert(TIME_BYTES + MAC_BYTES == LIMIT_TOKEN_BYTES, "a token is a time and its MAC");

#define MAC_INPUT_BYTES (TIME_BYTES + ADDR_KEY_BYTES + 8)

void cookie_init(struct cookie *c, struct duet_rand *rng, duet_time now)
{
    for (int i = 0; i < 2; i++)
        rand_bytes(rng, c->secret[i], sizeof(c->secret[i]));
    c->since = now;
}

void cookie_wipe(struct cookie *c)
{
    sodium_memzero(c, sizeof(*c));
}

static void mac_of(const uint8_t secret[32], uint64_t made_us, const struct duet_addr *from, uint64_t cid_i,
                   uint8_t out[MAC_BYTES])
{
    uint8_t input[MAC_INPUT_BYTES];
    struct writer w = writer_of(input, sizeof(input));

    writer_u64(&w, made_us);
    addr_key(from, writer_reserve(&w, ADDR_KEY_BYTES));
    writer_u64(&w, cid_i);
    (void)crypto_generichash(out, MAC_BYTES, input, sizeof(input), secret, 32); /* fails on wrong sizes only */
}

void cookie_make(struct cookie *c, const struct duet_addr *from, uint64_t cid_i, struct duet_rand *rng, duet_time now,
                 uint8_t token[LIMIT_TOKEN_BYTES])
{
    if (time_since(now, c->since) >= LIMIT_TOKEN_US) {
        memcpy(c->secret[1], c->secret[0], sizeof(c->secret[1]));
        rand_bytes(rng, c->secret[0], sizeof(c->secret[0]));
        c->since = now;
    }
    struct writer w = writer_of(token, LIMIT_TOKEN_BYTES);
    writer_u64(&w, now.us);
    mac_of(c->secret[0], now.us, from, cid_i, writer_reserve(&w, MAC_BYTES));
}

bool cookie_check(const struct cookie *c, const struct duet_addr *from, uint64_t cid_i,
                  const uint8_t token[LIMIT_TOKEN_BYTES], duet_time now)
{
    struct reader r = reader_of(token, LIMIT_TOKEN_BYTES);
    duet_time made = DUET_TIME(reader_u64(&r));
    bool authentic = false;

    if (time_before(now, made) || time_since(now, made) >= LIMIT_TOKEN_US)
        return false;
    for (int i = 0; i < 2; i++) {
        uint8_t expected[MAC_BYTES];

        mac_of(c->secret[i], made.us, from, cid_i, expected);
        authentic |= sodium_memcmp(expected, token + TIME_BYTES, MAC_BYTES) == 0;
        sodium_memzero(expected, sizeof(expected));
    }
    return authentic;
}
