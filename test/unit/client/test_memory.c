#include "client/memory.h"

#include "unit.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "crypto/aead.h"

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
    cr_expect_eq(aead_seal(seal, 1, NULL, 0, text, 64, NULL, 0), 0);
    cr_expect_eq(aead_open(open, 1, NULL, 0, text, 64 + AEAD_TAG_BYTES), 0);
    cr_expect_eq(text[0], 3);
    aead_free(seal);
    aead_free(open);
}

/* Blocks of the heap, as sessions are made of, and one on top of them that stays. */
Test(memory, of_what_was_freed_goes_back_from_under_what_is_in_use)
{
    enum { BLOCKS = 4000, BYTES = 4000, KIB = BLOCKS * (BYTES / 1000) };
    static void *blocks[BLOCKS];
    const long before = resident("RssAnon");

    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BYTES);
        cr_assert_not_null(blocks[i]);
        memset(blocks[i], 1, BYTES);
    }
    void *top = malloc(BYTES);
    cr_assert_not_null(top);
    cr_expect_gt(resident("RssAnon"), before + KIB / 2);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    memory_return_free();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they have allocators of their own */
    cr_expect_lt(resident("RssAnon"), before + KIB / 4);
#endif
    free(top);
}

Test(memory, is_in_no_core_dump_unless_somebody_debugs)
{
    cr_assert_eq(prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL), 0);
    cr_assert_eq(setenv("DUET_DEBUG", "1", 1), 0);
    memory_keep_to_itself();
    cr_expect_eq(prctl(PR_GET_DUMPABLE), 1);
    cr_assert_eq(unsetenv("DUET_DEBUG"), 0);
    memory_keep_to_itself();
    cr_expect_eq(prctl(PR_GET_DUMPABLE), 0);
    cr_assert_eq(prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL), 0); /* for LeakSanitizer */
}
