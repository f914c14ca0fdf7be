/*
 * partfile: a file being received: extents in any order into a temporary file
 * beside its final place, hashed as the contiguous prefix grows.
 *
 *   .duet-part-XXXXXXXX  --check, fsync-->  NAME, else NAME (1), NAME (2), …
 *
 * Under its final name a file is complete, verified and on the disk, or it is
 * not there; nothing that exists is ever replaced.  The directory is held open,
 * names are single components, no symlink is followed.  Every byte is written
 * once: what a peer sends again for the same place is ignored, so the digest
 * is of the file.  The last step is tried before the first byte, with an empty
 * file and the final name in a directory of our own that nobody sees.
 *
 * Who died leaves its temporary files.  A lock (flock) tells the living from the
 * dead, but not where one directory is mounted twice, or has no locks.  So a file
 * is taken for left over only if it was not touched for PARTFILE_STALE_S either,
 * by the clock of the file system; the living touch theirs.
 *
 * Owned by the disk thread; 0 or a negative code, errno in *sys where it is DUET_ESYS or DUET_ENAME.
 */
#ifndef DUET_IO_PARTFILE_H
#define DUET_IO_PARTFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/chunk.h"
#include "app/digest.h"

#define PARTFILE_PREFIX ".duet-part-"
#define PARTFILE_NAME_BYTES 256
#define PARTFILE_NAME_TRIES 9999 /* NAME (9999) is the last one tried */
#define PARTFILE_STALE_S 300     /* a temporary file not touched for this long may be left over */
#define PARTFILE_TOUCH_S 30 /* the living touch theirs this often: a network file system may show it a minute late */
/* Most bytes that are read back at once to catch up with the hash: other files wait meanwhile. */
#define PARTFILE_CATCH_UP_BYTES (8 << 20)

struct partfile;

/* `mode`: of the final file.  dirfd stays the caller's, and open until partfile_free.  DUET_ENAME:
 * no name at all, or one the file system refuses (then *sys says how); DUET_ENOMEM; DUET_ERANGE: no
 * file can be that long; DUET_ESYS: ENOSPC when the file system has less free than `bytes`, or what
 * it said when a file was to be made or renamed in it. */
int partfile_create(int dirfd, const char *name, uint64_t bytes, mode_t mode, struct partfile **out, int *sys);

/* The runs of a chunk.  DUET_EINVAL: a run outside the chunk or the file; DUET_EFULL: too many holes; DUET_ESYS.
 * After an error the file can only be freed. */
int partfile_write(struct partfile *p, const struct chunk *c, int *sys);

/* Reads back a part of what came out of order.  false: there is more; true: partfile_commit need
 * not read, or it failed, which partfile_commit says. */
bool partfile_catch_up(struct partfile *p);

/* Checks, fsyncs, renames, fsyncs the directory.  DUET_EINTEGRITY: bytes missing, other contents than the digest says,
 * or the temporary file was tampered with; DUET_EEXIST: all names taken; DUET_ESYS.  final gets the name it has now. */
int partfile_commit(struct partfile *p, const uint8_t digest[DIGEST_BYTES], char final[PARTFILE_NAME_BYTES], int *sys);

/* A sign of life for partfile_sweep of others. */
void partfile_touch(const struct partfile *p);

/* Removes what killed processes of this user left in the directory of `p`: temporary files, made as
 * that one was, that are neither locked nor were touched for PARTFILE_STALE_S. */
void partfile_sweep(const struct partfile *p);

/* Removes the temporary file unless it was committed.  NULL is fine. */
void partfile_free(struct partfile *p);

/* "a (2).txt" for ("a.txt", 2); 0 gives the name itself; shortened where it would be too long. */
void partfile_numbered(const char *name, unsigned n, char out[PARTFILE_NAME_BYTES]);

#endif
