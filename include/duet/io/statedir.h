/*
 * statedir: small private files replaced as a whole, in a folder held open:
 * what identity and known_peers are kept in.
 *
 * A reader sees the old or the new contents, never a part, also after a power
 * cut: temporary file, fsync, rename, fsync of the folder.  0 or a negative
 * code, DUET_ESYS with errno set.  Any thread.
 */
#ifndef DUET_IO_STATEDIR_H
#define DUET_IO_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the folder (and those above it) 0700 when missing and opens it.  fd, or DUET_ESYS, DUET_ERANGE. */
int statedir_open(const char *path);

/* Replaces (or only creates: DUET_EEXIST) the file `name`, 0600. */
int statedir_write(int dirfd, const char *name, const char *bytes, size_t len, bool replace);

/* The whole file on the heap with a NUL behind it.  DUET_ENOTFOUND; DUET_ERANGE: more than `most` bytes;
 * DUET_EUNSUPPORTED: no regular file; DUET_ENOMEM; DUET_ESYS.
 * `private_only`: DUET_ETRUST when others may read or write it, or it is somebody else's. */
int statedir_read(int dirfd, const char *name, size_t most, bool private_only, char **out, size_t *len);

/* Waits for the lock file `name`.  An fd to close when done, or DUET_ESYS. */
int statedir_lock(int dirfd, const char *name);

#endif
