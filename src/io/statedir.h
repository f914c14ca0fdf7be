/*
 * statedir: small private files replaced as a whole, in a directory held open:
 * what identity and known_peers are kept in.
 *
 * A reader sees the old or the new contents, never a part, also after a power
 * cut: temporary file, fsync, rename, fsync of the directory.  0 or a negative
 * code, DUET_ESYS with errno set.  Any thread.
 */
#ifndef DUET_IO_STATEDIR_H
#define DUET_IO_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the directory (and those above it) 0700 when missing and opens it.  fd, or DUET_ESYS, DUET_ERANGE;
 * DUET_ETRUST: it is somebody else's, or others may write to it. */
int statedir_open(const char *path);

/* Replaces (or only creates: DUET_EEXIST) the file `name`, 0600. */
int statedir_write(int dirfd, const char *name, const char *bytes, size_t len, bool replace);

/* Adds to the end of the file, which is made when missing (0600); on the disk when it returns 0, else as it was before.
 * One write: a reader without the lock sees none of it or all. */
int statedir_append(int dirfd, const char *name, const char *bytes, size_t len);

/* Whose a file has to be: nobody else may write to it; nobody else may read it either. */
enum statedir_access { STATEDIR_OURS, STATEDIR_PRIVATE };

/* The whole file on the heap with a NUL behind it.  DUET_ENOTFOUND; DUET_ERANGE: more than `most` bytes;
 * DUET_EUNSUPPORTED: no regular file; DUET_ETRUST: others may do more with it than `access` allows, or it is somebody
 * else's; DUET_ENOMEM; DUET_ESYS. */
int statedir_read(int dirfd, const char *name, size_t most, enum statedir_access access, char **out, size_t *len);

/* Waits for the lock file `name`.  An fd to close when done, or DUET_ESYS. */
int statedir_lock(int dirfd, const char *name);

#endif
