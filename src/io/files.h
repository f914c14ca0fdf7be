/*
 * files: what the file-keeping modules (partfile, identity, known) share:
 * names inside a held directory, temporary files, whole reads and writes, and
 * giving a file its name without ever replacing another.
 *
 * Every name is one component inside dirfd.  Errors: DUET_ESYS with errno set
 * unless another is said.  Any thread.
 */
#ifndef DUET_IO_FILES_H
#define DUET_IO_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define FILES_TEMP_NAME_BYTES 32        /* prefix of at most 22 bytes, eight hex digits, NUL */
#define FILES_NOTE_PREFIX ".duet-name-" /* see files_rename_new */

/* One component, not "" "." "..", at most NAME_MAX bytes? */
bool files_name_ok(const char *name);

/* openat that stays beneath dirfd and follows no symlink (RESOLVE_BENEATH where the kernel has openat2). fd or -1. */
int files_openat(int dirfd, const char *name, int flags, mode_t mode);

/* `prefix`XXXXXXXX, random digits.  0 or DUET_ESYS: no randomness. */
int files_temp_name(const char *prefix, char name[FILES_TEMP_NAME_BYTES]);

/* A new file `prefix`XXXXXXXX, read-write, 0600. fd, or -1 with errno. */
int files_open_temp(int dirfd, const char *prefix, char name[FILES_TEMP_NAME_BYTES]);

/* Is it such a name? */
bool files_is_temp_name(const char *name, const char *prefix);

/* All of it, whatever the kernel's portions. */
int files_write(int fd, const void *bytes, size_t len);
int files_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
/* Bytes read: fewer than len only at the end of the file. */
ssize_t files_pread(int fd, void *bytes, size_t len, uint64_t offset);

/* Is `name` in dirfd this very file (no symlink, same inode)? */
bool files_is(int dirfd, const char *name, int fd);

/* Renames inside dirfd; DUET_EEXIST when there is something of that name, which stays as it is.
 *
 * Three ways, tried in this order: RENAME_NOREPLACE; a hard link; and where a file system has neither (exFAT and FAT
 * through FUSE, cloud mounts), an empty file made under the new name for the rename to replace.  Should we die between
 * the last two steps, a note `FILES_NOTE_PREFIX`XXXXXXXX that names the empty file is beside it, for
 * files_clear_note. */
int files_rename_new(int dirfd, const char *from, const char *to);

/* Removes the empty file a note names, if it was made along with the note, then the note.  `note`: its name. */
void files_clear_note(int dirfd, const char *note);

#endif
