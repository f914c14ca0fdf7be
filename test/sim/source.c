#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define HASH_BLOCK 65536

/* splitmix64: word number `index` of the file. */
static uint64_t word_of(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void source_fill(const struct source *s, uint64_t offset, uint8_t *out, size_t len)
{
    while (len > 0) {
        uint64_t word = word_of(s->seed, offset / 8);
        size_t skip = offset % 8;
        size_t n = 8 - skip < len ? 8 - skip : len;

        memcpy(out, (const uint8_t *)&word + skip, n);
        out += n;
        offset += n;
        len -= n;
    }
}

const uint8_t *source_digest(struct source *s)
{
    static uint8_t block[HASH_BLOCK];
    XXH3_state_t *state = s->hashed ? NULL : XXH3_createState();

    if (state == NULL)
        return s->digest;
    XXH3_128bits_reset(state);
    for (uint64_t at = 0; at < s->bytes; at += HASH_BLOCK) {
        size_t n = s->bytes - at < HASH_BLOCK ? (size_t)(s->bytes - at) : HASH_BLOCK;
        source_fill(s, at, block, n);
        XXH3_128bits_update(state, block, n);
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(s->digest, canonical.digest, DIGEST_BYTES);
    s->hashed = true;
    XXH3_freeState(state);
    return s->digest;
}

char *source_text(struct duet_rand *rng, size_t len)
{
    static const char *const letters[] = {"a", "e", "n", "t",  "s",  " ", "7",    "/",
                                          "é", "ß", "Ж", "中", "語", "€", "🦉", "\n"};
    char *text = malloc(len + 1);

    if (text == NULL)
        abort();
    for (size_t at = 0; at < len;) {
        const char *letter = letters[rand_below(rng, sizeof(letters) / sizeof(letters[0]))];
        size_t n = strlen(letter);
        if (n > len - at || (letter[0] == '\n' && (at == 0 || at + 1 == len))) {
            letter = "x";
            n = 1;
        }
        memcpy(text + at, letter, n);
        at += n;
    }
    text[len] = '\0';
    return text;
}
