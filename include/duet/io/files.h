/*
 * files: what the file-keeping modules (partfile, identity, known) share:
 * names inside a held folder, temporary files, whole reads and writes, and
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

#define FILES_TEMP_NAME_BYTES 32 /* prefix of at most 22 bytes, eight hex digits, NUL */

/* One component, not "" "." "..", at most NAME_MAX bytes? */
bool files_name_ok(const char *name);

/* openat that stays beneath dirfd and follows no symlink (RESOLVE_BENEATH where the kernel has openat2). fd or -1. */
int files_openat(int dirfd, const char *name, int flags, mode_t mode);

/* A new file `prefix`XXXXXXXX, read-write, 0600. fd, or -1 with errno. */
int files_open_temp(int dirfd, const char *prefix, char name[FILES_TEMP_NAME_BYTES]);

/* All of it, whatever the kernel's portions. */
int files_write(int fd, const void *bytes, size_t len);
int files_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
/* Bytes read: fewer than len only at the end of the file. */
ssize_t files_pread(int fd, void *bytes, size_t len, uint64_t offset);

/* Is `name` in dirfd this very file (no symlink, same inode)? */
bool files_is(int dirfd, const char *name, int fd);

/* Renames inside dirfd; DUET_EEXIST when there is something of that name, which stays as it is. */
int files_rename_new(int dirfd, const char *from, const char *to);

#endif
