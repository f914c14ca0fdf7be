#include "io/files.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

#define TEMP_TRIES 100 /* 32 random bits each: more only if someone plants names */
#define TEMP_DIGITS 8
#define NOTE_SECONDS 4 /* an empty file was made this close to its note, where FAT counts in steps of two seconds */

bool files_name_ok(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int files_openat(int dirfd, const char *name, int flags, mode_t mode)
{
    assert(files_name_ok(name));
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    const long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

    /* Before Linux 5.6, or under a filter that knows no openat2: one component and O_NOFOLLOW are
     * as tight. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    return (int)fd;
}

int files_temp_name(const char *prefix, char name[FILES_TEMP_NAME_BYTES])
{
    uint32_t salt;

    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return DUET_ESYS;
    const int len = snprintf(name, FILES_TEMP_NAME_BYTES, "%s%0*x", prefix, TEMP_DIGITS, (unsigned)salt);

    assert(len < FILES_TEMP_NAME_BYTES);
    (void)len;
    return 0;
}

int files_open_temp(int dirfd, const char *prefix, char name[FILES_TEMP_NAME_BYTES])
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        if (files_temp_name(prefix, name) != 0)
            return -1;
        const int fd = files_openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);

        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

bool files_is_temp_name(const char *name, const char *prefix)
{
    const size_t len = strlen(prefix);

    if (strncmp(name, prefix, len) != 0 || strlen(name + len) != TEMP_DIGITS)
        return false;
    for (const char *at = name + len; *at != '\0'; at++)
        if (!isxdigit((unsigned char)*at))
            return false;
    return true;
}

int files_write(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        const ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return DUET_ESYS;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int files_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        const ssize_t n = pwrite(fd, at, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return DUET_ESYS;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

ssize_t files_pread(int fd, void *bytes, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t n = pread(fd, (uint8_t *)bytes + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return DUET_ESYS;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool files_is(int dirfd, const char *name, int fd)
{
    struct stat named, held;

    return fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &held) == 0 &&
           named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

/* ---- a name of its own ---- */

/* Is this how a file system says that it does not know an operation at all?  EPERM: FAT and FUSE
 * about links, a filter of system calls about both. */
static bool is_unknown_here(int why)
{
    return why == EINVAL || why == ENOSYS || why == EOPNOTSUPP || why == EPERM || why == EMLINK;
}

/* A hard link refuses an existing name just as well. */
static int link_new(int dirfd, const char *from, const char *to)
{
    if (linkat(dirfd, from, dirfd, to, 0) != 0)
        return errno == EEXIST ? DUET_EEXIST : DUET_ESYS;
    if (unlinkat(dirfd, from, 0) == 0)
        return 0;
    const int why = errno;

    unlinkat(dirfd, to, 0);
    errno = why;
    return DUET_ESYS;
}

static bool is_empty_file(int dirfd, const char *name, struct stat *st)
{
    return fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode) && st->st_size == 0;
}

static int write_note(int dirfd, const char *about, char note[FILES_TEMP_NAME_BYTES])
{
    const int fd = files_open_temp(dirfd, FILES_NOTE_PREFIX, note);

    if (fd < 0) {
        note[0] = '\0';
        return DUET_ESYS;
    }
    int err = files_write(fd, about, strlen(about));
    const int why = errno;

    if (close(fd) != 0 && err == 0)
        err = DUET_ESYS;
    else
        errno = why;
    return err;
}

/* Reserves the name with an empty file of our own.  Closed before anything else happens to it: FUSE
 * gives the open file that a rename replaces another name instead of removing it. */
static int reserve(int dirfd, const char *name)
{
    const int fd = files_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);

    if (fd < 0)
        return errno == EEXIST ? DUET_EEXIST : DUET_ESYS;
    close(fd);
    return 0;
}

/* Should somebody write to the empty file, or put another in its place, before we look: theirs
 * stays. */
static int replace_empty(int dirfd, const char *from, const char *to)
{
    struct stat st;

    if (!is_empty_file(dirfd, to, &st))
        return DUET_EEXIST;
    if (renameat(dirfd, from, dirfd, to) == 0)
        return 0;
    const int why = errno;

    if (is_empty_file(dirfd, to, &st))
        unlinkat(dirfd, to, 0);
    errno = why;
    return DUET_ESYS;
}

static int place_new(int dirfd, const char *from, const char *to)
{
    char note[FILES_TEMP_NAME_BYTES] = "";
    int err = write_note(dirfd, to, note);

    if (err == 0)
        err = reserve(dirfd, to);
    if (err == 0)
        err = replace_empty(dirfd, from, to);
    const int why = errno;

    if (note[0] != '\0')
        unlinkat(dirfd, note, 0);
    errno = why;
    return err;
}

int files_rename_new(int dirfd, const char *from, const char *to)
{
    assert(files_name_ok(from) && files_name_ok(to));
    if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return DUET_EEXIST;
    if (!is_unknown_here(errno))
        return DUET_ESYS;
    const int err = link_new(dirfd, from, to);

    return err == DUET_ESYS && is_unknown_here(errno) ? place_new(dirfd, from, to) : err;
}

/* The file a note is about: at most a name, and one of this directory. */
static bool read_note(int fd, char about[NAME_MAX + 1])
{
    const ssize_t len = files_pread(fd, about, NAME_MAX, 0);

    if (len <= 0)
        return false;
    about[len] = '\0';
    return strlen(about) == (size_t)len && files_name_ok(about);
}

void files_clear_note(int dirfd, const char *note)
{
    char about[NAME_MAX + 1];
    struct stat st, empty;
    const int fd = files_openat(dirfd, note, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        /* Within seconds of the note, by the clock of the file system: an empty file of another day
         * is the user's. */
        if (read_note(fd, about) && is_empty_file(dirfd, about, &empty) && empty.st_uid == st.st_uid &&
            labs((long)(empty.st_mtim.tv_sec - st.st_mtim.tv_sec)) <= NOTE_SECONDS)
            unlinkat(dirfd, about, 0);
        unlinkat(dirfd, note, 0);
    }
    close(fd);
}
