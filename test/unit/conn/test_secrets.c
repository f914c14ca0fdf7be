/* What a handshake held is nowhere in memory once it is over: the process looks through all that it can write to. */
#include "residue.h"
#include "unit.h"

#include "inside.h"

#ifndef RESIDUE_CANNOT_LOOK

#define S_US UINT64_C(1000000)
#define LOOKS 8 /* at handshakes of either side: later ones are repeats */

static struct pair pair;
static size_t looks;
static size_t found_while_it_lasts;

/* At each datagram of the handshake. */
static bool look_inside(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)to;
    (void)bytes;
    (void)len;
    for (int side = 0; side < 2; side++) {
        const struct conn *c = p->e[side]->count > 0 ? p->e[side]->all[0] : NULL;

        if (c == NULL || c->hs == NULL || ++looks > LOOKS)
            continue;
        residue_seek(c->hs->noise.e.secret, NOISE_KEY_BYTES);
        residue_seek(c->hs->noise.ck, NOISE_HASH_BYTES);
        residue_seek(c->hs->noise.k, NOISE_KEY_BYTES);
        if (found_while_it_lasts == 0)
            found_while_it_lasts = residue_in_memory();
    }
    return true;
}

Test(secrets, of_a_handshake_are_nowhere_in_memory_when_it_is_over)
{
    pair_open_usual(&pair);
    pair.filter = look_inside;
    pair_connect(&pair);
    cr_assert_gt(looks, 3);
    cr_assert_gt(found_while_it_lasts, 0, "what is there is found");
    pair_run_for(&pair, 20 * S_US);
    cr_assert_null(inside_session(&pair, 0)->hs);
    cr_assert_null(inside_session(&pair, 1)->hs);
    cr_expect_eq(residue_in_memory(), 0);
    pair_close(&pair);
}

#endif
