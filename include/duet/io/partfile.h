/*
 * partfile: a file being received: extents in any order into a temporary file
 * beside its final place, hashed as the contiguous prefix grows.
 *
 *   .duet-part-XXXXXXXX  --check, fsync-->  NAME, else NAME (1), NAME (2), …
 *
 * Under its final name a file is complete, verified and on the disk, or it is
 * not there; nothing that exists is ever replaced.  The folder is held open,
 * names are single components, no symlink is followed.  Every byte is written
 * once: what a peer sends again for the same place is ignored, so the digest
 * is of the file.  Owned by the disk thread; 0 or a negative code, errno in *sys where it is DUET_ESYS.
 */
#ifndef DUET_IO_PARTFILE_H
#define DUET_IO_PARTFILE_H

#include <stdint.h>
#include <sys/types.h>

#include "duet/app/chunk.h"
#include "duet/app/msg.h"

#define PARTFILE_PREFIX ".duet-part-"
#define PARTFILE_NAME_BYTES 256
#define PARTFILE_NAME_TRIES 9999 /* NAME (9999) is the last one tried */
/* Most bytes that are read back at once to catch up with the hash: other files wait meanwhile. */
#define PARTFILE_CATCH_UP_BYTES (8 << 20)

struct partfile;

/* `mode`: of the final file.  DUET_ENAME, DUET_ENOMEM, DUET_ERANGE (no file can be that long), DUET_ESYS
 * (ENOSPC when the file system has less free than `bytes`). */
int partfile_create(int dirfd, const char *name, uint64_t bytes, mode_t mode, struct partfile **out, int *sys);

/* The runs of a chunk.  DUET_EINVAL: a run outside the chunk or the file; DUET_EFULL: too many holes; DUET_ESYS.
 * After an error the file can only be freed. */
int partfile_write(struct partfile *p, const struct chunk *c, int *sys);

/* Reads back a part of what came out of order.  false: there is more; true: partfile_commit need not read, or it failed,
 * which partfile_commit says. */
bool partfile_catch_up(struct partfile *p);

/* Checks, fsyncs, renames, fsyncs the folder.  DUET_EINTEGRITY: bytes missing, other contents than the digest says,
 * or the temporary file was tampered with; DUET_EEXIST: all names taken; DUET_ESYS.  final gets the name it has now. */
int partfile_commit(struct partfile *p, const uint8_t digest[DIGEST_BYTES], char final[PARTFILE_NAME_BYTES], int *sys);

/* Removes the temporary files that a killed process of this user left in the folder.  Those in use are locked (flock) and
 * stay; so does everything where the file system has no locks. */
void partfile_sweep(int dirfd);

/* Removes the temporary file unless it was committed.  NULL is fine. */
void partfile_free(struct partfile *p);

/* "a (2).txt" for ("a.txt", 2); 0 gives the name itself; shortened where it would be too long. */
void partfile_numbered(const char *name, unsigned n, char out[PARTFILE_NAME_BYTES]);

#endif
