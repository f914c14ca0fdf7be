/*
 * aead: how fast each provider seals and opens, one core, in place, on hot memory.
 *
 * Everything goes through aead.h as a connection would, with the 17 bytes of associated data of a DATA packet.  Per
 * size the best of some rounds counts: what the code can do, not what the neighbours left over.
 *
 *   aead        JSON lines: provider, suite, op, bytes, ns per packet, GB/s (10^9) of plaintext, and whether
 *               that provider is the one a connection would get here
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/aead.h"

#define AD_BYTES 17
#define ROUNDS 9
#define ROUND_BYTES (4u << 20)
#define ROUND_PACKETS_MAX 20000

static const size_t sizes[] = {64, 1400, 8192, 60000};
#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

static const uint8_t key[AEAD_KEY_MAX_BYTES] = {1}, iv[AEAD_IV_BYTES] = {2}, ad[AD_BYTES] = {3};
static uint8_t buf[LIMIT_PACKET_MAX_BYTES];

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "aead: %s failed\n", what);
    exit(1);
}

/* Nanoseconds to seal `len` bytes and, with an opener, to open them again. */
static double packet_ns(struct aead *sealer, struct aead *opener, size_t len, size_t packets)
{
    double start = now_ns();

    for (size_t i = 0; i < packets; i++) {
        must(aead_seal(sealer, i, ad, AD_BYTES, buf, len, NULL, 0) == 0, "sealing");
        if (opener != NULL)
            must(aead_open(opener, i, ad, AD_BYTES, buf, len + AEAD_TAG_BYTES) == 0, "opening");
    }
    return (now_ns() - start) / (double)packets;
}

/* Whom aead_new asks now. */
static const char *provider_of(enum params_suite suite, size_t len)
{
    struct aead *a = aead_new(suite, key, iv, true);

    must(a != NULL, aead_suite_name(suite));
    const char *name = aead_provider_name(a, len);
    aead_free(a);
    return name;
}

static void measure(const char *provider, enum params_suite suite, size_t len)
{
    must(aead_use(NULL) == 0, "the usual choice");
    const bool usual = strcmp(provider_of(suite, len), provider) == 0;
    must(aead_use(provider) == 0, provider);
    struct aead *sealer = aead_new(suite, key, iv, true);
    struct aead *opener = aead_new(suite, key, iv, false);
    must(sealer != NULL && opener != NULL, aead_suite_name(suite));

    size_t packets = ROUND_BYTES / len < ROUND_PACKETS_MAX ? ROUND_BYTES / len : ROUND_PACKETS_MAX;
    double seal = 1e18, both = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        seal = fmin(seal, packet_ns(sealer, NULL, len, packets));
        both = fmin(both, packet_ns(sealer, opener, len, packets));
    }
    const double best[] = {seal, both - seal};
    for (int op = 0; op < 2; op++)
        printf("{\"bench\":\"aead\",\"provider\":\"%s\",\"suite\":\"%s\",\"op\":\"%s\",\"bytes\":%zu,"
               "\"ns\":%.0f,\"gb_per_s\":%.2f,\"usual\":%s}\n",
               provider, aead_suite_name(suite), op == 0 ? "seal" : "open", len, best[op], (double)len / best[op],
               usual ? "true" : "false");
    aead_free(sealer);
    aead_free(opener);
}

int main(void)
{
    static const struct {
        const char *provider;
        enum params_suite suite;
    } runs[] = {
        {"ipsec-mb", SUITE_AES128GCM},
        {"libgcrypt", SUITE_AES128GCM},
        {"libcrypto", SUITE_AES128GCM},
        {"libcrypto", SUITE_CHACHA20POLY1305},
    };

    for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
        if (aead_use(runs[r].provider) != 0) {
            fprintf(stderr, "aead: no %s here\n", runs[r].provider);
            continue;
        }
        for (size_t i = 0; i < SIZE_COUNT; i++)
            measure(runs[r].provider, runs[r].suite, sizes[i]);
    }
    return 0;
}
