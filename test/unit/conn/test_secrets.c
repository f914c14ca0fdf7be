/* What a handshake held is nowhere in memory once it is over: the process looks through all that it can write to. */
#include "unit.h"
#include <stdio.h>
#include <string.h>

#include "inside.h"

#ifndef __SANITIZE_ADDRESS__ /* its shadow is too large to look through, and it keeps what was freed */

#define SECRETS 64
#define MASK 0x5a /* what is looked for must not be found where it is kept */
#define S_US UINT64_C(1000000)

static struct pair pair;
static uint8_t kept[SECRETS][NOISE_KEY_BYTES];
static size_t count;
static size_t found_while_it_lasts;

static size_t found_in_memory(void);

static void keep(const uint8_t secret[NOISE_KEY_BYTES])
{
    bool empty = true;

    for (size_t i = 0; i < NOISE_KEY_BYTES; i++)
        empty = empty && secret[i] == 0;
    if (empty || count == SECRETS)
        return;
    for (size_t i = 0; i < NOISE_KEY_BYTES; i++)
        kept[count][i] = (uint8_t)(secret[i] ^ MASK);
    count++;
}

/* At each datagram of the handshake. */
static bool look_inside(struct pair *p, int to, uint8_t *bytes, size_t len)
{
    (void)to;
    (void)bytes;
    (void)len;
    for (int side = 0; side < 2; side++) {
        const struct conn *c = p->e[side]->count > 0 ? p->e[side]->all[0] : NULL;

        if (c == NULL || c->hs == NULL)
            continue;
        keep(c->hs->noise.e.secret);
        keep(c->hs->noise.ck);
        keep(c->hs->noise.k);
        if (found_while_it_lasts == 0)
            found_while_it_lasts = found_in_memory();
    }
    return true;
}

static bool is_kept(const uint8_t *at)
{
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;

        while (same < NOISE_KEY_BYTES && (uint8_t)(at[same] ^ MASK) == kept[i][same])
            same++;
        if (same == NOISE_KEY_BYTES)
            return true;
    }
    return false;
}

static size_t found_in_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], rights[8];
    unsigned long from, to;
    size_t found = 0;

    cr_assert_not_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || strncmp(rights, "rw", 2) != 0)
            continue;
        for (unsigned long at = from; at + NOISE_KEY_BYTES <= to; at++)
            found += is_kept((const uint8_t *)at);
    }
    fclose(maps);
    return found;
}

Test(secrets, of_a_handshake_are_nowhere_in_memory_when_it_is_over)
{
    pair_open_usual(&pair);
    pair.filter = look_inside;
    pair_connect(&pair);
    cr_assert_gt(count, 4);
    cr_assert_gt(found_while_it_lasts, 0, "what is there is found");
    pair_run_for(&pair, 20 * S_US);
    cr_assert_null(inside_session(&pair, 0)->hs);
    cr_assert_null(inside_session(&pair, 1)->hs);
    cr_expect_eq(found_in_memory(), 0);
    pair_close(&pair);
}

#endif
