/*
 * pages: memory in large pages where the system has them, all of it touched.  Filling it causes no
 * page faults; on a virtual machine one of those may cost four times as much as moving its 4 KiB.
 * For what is large and reused.  Any thread.
 */
#ifndef DUET_IO_PAGES_H
#define DUET_IO_PAGES_H

#include <stddef.h>

/* Cleared, aligned to a large page (2 MiB).  NULL: there is none. */
void *pages_take(size_t bytes);
void pages_give(void *start, size_t bytes);

#endif
