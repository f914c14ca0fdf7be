/*
 * memory: what the process holds while it does nothing.
 *
 * No call changes what the program does, only how much of it stays resident; each may fail silently, and then it
 * is as large as it was.
 */
#ifndef DUET_IO_MEMORY_H
#define DUET_IO_MEMORY_H

/* From here on what is large (a chunk, the ring of a busy connection) is mapped for itself and goes back to the system
 * with its free().  Left alone, the C library would learn from the first one freed to put the next ones into its heaps,
 * where one small neighbour keeps them.  Before there are threads. */
void memory_return_large_blocks(void);

/* Returns what is free on the heaps but lies between blocks in use.  Takes milliseconds when there is a lot; any thread. */
void memory_return_small_blocks(void);

/* Lets go of the code and constants of every shared library: what starting took (relocation, look-ups by name, the
 * self-tests of the ciphers) is most of what an idle peer would hold.  What is used again comes back from the page cache
 * at about a microsecond for each 64 KiB. */
void memory_forget_start(void);

#endif
