#include "io/filehash.h"

#include "unit.h"

#include "base/rand.h"

#define BYTES 20000

/* Pieces around what the vector code treats as a whole: its buffer of 256 bytes, stripes of 64, blocks of 1024. */
Test(filehash, is_xxh3_whatever_the_pieces)
{
    static const size_t pieces[] = {1, 17, 63, 64, 65, 240, 255, 256, 257, 1023, 1024, 1025, 4096, BYTES};
    static uint8_t bytes[BYTES];
    struct duet_rand r;
    XXH3_state_t *state = XXH3_createState();

    cr_assert_not_null(state);
    rand_init_u64(&r, 3);
    rand_bytes(&r, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        XXH3_128bits_reset(state);
        for (size_t at = 0; at < BYTES; at += pieces[i])
            filehash_update(state, bytes + at, BYTES - at < pieces[i] ? BYTES - at : pieces[i]);
        cr_expect(XXH128_isEqual(XXH3_128bits_digest(state), XXH3_128bits(bytes, BYTES)), "pieces of %zu", pieces[i]);
    }
    XXH3_freeState(state);
}
