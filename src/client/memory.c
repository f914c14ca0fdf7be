#include "client/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

void memory_return_free(void)
{
    malloc_trim(0);
}

/* Relocations in read-only segments would be lost with their pages.  No library of Debian's has any on amd64. */
static bool is_patched(const struct dl_phdr_info *object)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

        if (segment->p_type != PT_DYNAMIC)
            continue;
        for (const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + segment->p_vaddr); entry->d_tag != DT_NULL;
             entry++)
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

/* The pages are those of the file, so dropping them loses nothing; those relocated at the start lie
 * in segments that can be written. */
static int forget(struct dl_phdr_info *object, size_t size, void *page_bytes)
{
    const ElfW(Addr) page = *(const ElfW(Addr) *)page_bytes;

    (void)size;
    /* The program itself has no name here.  Its code stays: it is small, and a debugger may have breakpoints in it. */
    if (object->dlpi_name[0] == '\0' || is_patched(object))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        const ElfW(Addr) start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        const ElfW(Addr) end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);

        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0 && end > start)
            madvise((void *)start, end - start, MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
    }
    return 0;
}

void memory_forget_start(void)
{
    ElfW(Addr) page_bytes = (ElfW(Addr))sysconf(_SC_PAGESIZE);

    dl_iterate_phdr(forget, &page_bytes);
}

void memory_keep_to_itself(void)
{
    const char *debug = getenv("DUET_DEBUG");

    if (debug == NULL || strcmp(debug, "1") != 0)
        prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}
