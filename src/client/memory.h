/*
 * memory: what the process holds while it does nothing, and who may look at it.
 *
 * Neither of the first two changes what the program does, only how much of it stays resident; both
 * may fail silently, and then it is as large as it was.
 */
#ifndef DUET_CLIENT_MEMORY_H
#define DUET_CLIENT_MEMORY_H

/* Returns what was freed but lies between blocks in use.  Takes milliseconds when there is a lot; any thread. */
void memory_return_free(void);

/* Lets go of the code and constants of every shared library: what starting took (relocation,
 * look-ups by name, the self-tests of the ciphers) is most of what an idle peer would hold.  What
 * is used again comes back from the page cache at about a microsecond for each 64 KiB. */
void memory_forget_start(void);

/* No core dump of this process, and no other process of the same user looks into it (ptrace,
 * /proc/PID/mem): it holds the identity and the keys of every session.  DUET_DEBUG=1 in the
 * environment leaves the door open, for a debugger, a core dump or LeakSanitizer. */
void memory_keep_to_itself(void);

#endif
