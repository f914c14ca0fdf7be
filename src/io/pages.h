/*
 * pages: memory in large pages where the system has them, and all of it touched: filling it takes
 * no page faults, of which each may cost a virtual machine four times what moving its 4 KiB does.
 * For what is large and reused.  Any thread.
 */
#ifndef DUET_IO_PAGES_H
#define DUET_IO_PAGES_H

#include <stddef.h>

/* Cleared, aligned to a large page (2 MiB).  NULL: there is none. */
void *pages_take(size_t bytes);
void pages_give(void *start, size_t bytes);

#endif
