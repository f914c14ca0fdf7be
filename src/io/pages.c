#include "io/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define LARGE_PAGE_BYTES ((size_t)2 << 20)

void *pages_take(size_t bytes)
{
    uint8_t *all = mmap(NULL, bytes + LARGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        return NULL;
    /* A large page begins where its address is a multiple of its size. */
    const size_t before = (LARGE_PAGE_BYTES - (uintptr_t)all % LARGE_PAGE_BYTES) % LARGE_PAGE_BYTES;
    uint8_t *start = all + before;

    if (before > 0)
        munmap(all, before);
    munmap(start + bytes, LARGE_PAGE_BYTES - before);
    /* A kernel without one of these touches page by page, as it is filled. */
    (void)madvise(start, bytes, MADV_HUGEPAGE);
    (void)madvise(start, bytes, MADV_POPULATE_WRITE);
    return start;
}

void pages_give(void *start, size_t bytes)
{
    munmap(start, bytes);
}
