#include "duet/io/memory.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/crypto/aead.h"

/* Of /proc/self/status, KiB. */
static long resident(const char *what)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    long kib = -1;

    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            kib = strtol(line + strlen(what) + 1, NULL, 10);
    fclose(f);
    cr_assert_geq(kib, 0);
    return kib;
}

Test(memory, of_starting_is_let_go_and_everything_still_works)
{
    const uint8_t key[32] = {1}, iv[AEAD_IV_BYTES] = {2};
    uint8_t text[64 + AEAD_TAG_BYTES] = {3};

    cr_assert_geq(sodium_init(), 0);
    cr_assert_neq(aead_suites(), 0, "the self-tests run");
    const long before = resident("RssFile");
    memory_forget_start();
    const long after = resident("RssFile");
    cr_expect_lt(after, before - 1024, "%ld KiB -> %ld KiB", before, after);

    struct aead *seal = aead_new(SUITE_CHACHA20POLY1305, key, iv, true);
    struct aead *open = aead_new(SUITE_CHACHA20POLY1305, key, iv, false);
    cr_assert(seal != NULL && open != NULL);
    cr_expect_eq(aead_seal(seal, 1, NULL, 0, text, 64), 0);
    cr_expect_eq(aead_open(open, 1, NULL, 0, text, 64 + AEAD_TAG_BYTES), 0);
    cr_expect_eq(text[0], 3);
    aead_free(seal);
    aead_free(open);
}

/* Without the call the second round would come from the heap and stay there, below the small block. */
Test(memory, of_large_blocks_goes_back_whatever_was_freed_before)
{
    enum { BLOCKS = 32, BYTES = 300 * 1024 };
    void *large[BLOCKS], *small = NULL;

    memory_return_large_blocks();
    const long before = resident("RssAnon");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            large[i] = malloc(BYTES);
            cr_assert_not_null(large[i]);
            memset(large[i], 1, BYTES);
        }
        if (round == 1)
            small = malloc(100);
        cr_expect_gt(resident("RssAnon"), before + BLOCKS * BYTES / 1024 / 2);
        for (int i = 0; i < BLOCKS; i++)
            free(large[i]);
    }
#ifndef __SANITIZE_ADDRESS__ /* its allocator keeps what is freed in quarantine */
    cr_expect_lt(resident("RssAnon"), before + 1024);
#endif
    free(small);
}
