#include "io/pages.h"

#include "unit.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)
#define LARGE_PAGE_BYTES ((size_t)2 << 20)

static bool is_mapped(const uint8_t *page)
{
    unsigned char resident;

    return mincore((void *)(uintptr_t)page, PAGE_BYTES, &resident) == 0;
}

/* Whole pages, one that is a multiple of a large one and one that is not. */
Test(pages, are_aligned_cleared_and_go_back_whole)
{
    static const size_t sizes[] = {3 * LARGE_PAGE_BYTES, LARGE_PAGE_BYTES / 4 * 3};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *at = pages_take(sizes[i]);

        cr_assert_not_null(at);
        cr_expect_eq((uintptr_t)at % LARGE_PAGE_BYTES, 0);
        for (size_t b = 0; b < sizes[i]; b++)
            cr_assert_eq(at[b], 0);
        memset(at, 1, sizes[i]);
        pages_give(at, sizes[i]);
        cr_expect_not(is_mapped(at), "size %zu", sizes[i]);
        cr_expect_not(is_mapped(at + sizes[i] - PAGE_BYTES), "size %zu", sizes[i]);
    }
}
