/*
 * memory: what the process holds while it does nothing.
 *
 * Neither call changes what the program does, only how much of it stays resident; both may fail silently, and then it
 * is as large as it was.
 */
#ifndef DUET_IO_MEMORY_H
#define DUET_IO_MEMORY_H

/* Returns what was freed but lies between blocks in use.  Takes milliseconds when there is a lot; any thread. */
void memory_return_free(void);

/* Lets go of the code and constants of every shared library: what starting took (relocation, look-ups by name, the
 * self-tests of the ciphers) is most of what an idle peer would hold.  What is used again comes back from the page cache
 * at about a microsecond for each 64 KiB. */
void memory_forget_start(void);

#endif
