#include "io/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "io/files.h"

#define TEMP_PREFIX ".duet-new-"
#define MODE_DIR 0700
#define MODE_FILE 0600
#define OTHERS (S_IRWXG | S_IRWXO)
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

/* Who can write to a file, or to the directory it is in, decides whom the user trusts. */
static bool is_ours(const struct stat *st, enum statedir_access access)
{
    return st->st_uid == geteuid() && (st->st_mode & (access == STATEDIR_PRIVATE ? OTHERS : OTHERS_WRITE)) == 0;
}

/* fd, or closes it and says why it is not used. */
static int only_if_ours(int fd)
{
    struct stat st;
    const int err = fstat(fd, &st) != 0 ? DUET_ESYS : is_ours(&st, STATEDIR_OURS) ? 0 : DUET_ETRUST;
    const int why = errno;

    if (err == 0)
        return fd;
    close(fd);
    errno = why;
    return err;
}

int statedir_open(const char *path)
{
    char at[PATH_MAX];
    int above = 0; /* why the first directory above it that could not be made was not */
    const int len = snprintf(at, sizeof(at), "%s", path);

    if (len < 0 || (size_t)len >= sizeof(at))
        return DUET_ERANGE;
    /* Directories above it that cannot be made mostly exist; whether it matters shows at the last
     * one. */
    for (char *slash = strchr(at + 1, '/'); len > 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(at, MODE_DIR) != 0 && errno != EEXIST && above == 0)
            above = errno;
        *slash = '/';
    }
    if (mkdir(at, MODE_DIR) != 0 && errno != EEXIST) {
        if (errno == ENOENT && above != 0)
            errno = above; /* "read-only" is the trouble, not that it does not exist */
        return DUET_ESYS;
    }
    const int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? DUET_ESYS : only_if_ours(fd);
}

int statedir_write(int dirfd, const char *name, const char *bytes, size_t len, bool replace)
{
    char temp[FILES_TEMP_NAME_BYTES];
    const int fd = files_open_temp(dirfd, TEMP_PREFIX, temp);
    int err;

    if (fd < 0)
        return DUET_ESYS;
    err = files_write(fd, bytes, len);
    if (err == 0 && fsync(fd) != 0)
        err = DUET_ESYS;
    if (err == 0 && replace && renameat(dirfd, temp, dirfd, name) != 0)
        err = DUET_ESYS;
    if (err == 0 && !replace)
        err = files_rename_new(dirfd, temp, name);
    if (err == 0 && fsync(dirfd) != 0 && errno != EINVAL)
        err = DUET_ESYS;

    const int why = errno;

    if (err != 0)
        unlinkat(dirfd, temp, 0);
    close(fd);
    errno = why;
    return err;
}

/* One write and a sync; what did not come through is taken back. */
static int append_or_undo(int fd, const char *bytes, size_t len)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return DUET_ESYS;
    if (files_write(fd, bytes, len) == 0 && fsync(fd) == 0)
        return 0;
    const int why = errno;

    if (ftruncate(fd, st.st_size) != 0) { /* the next reader names the broken line */
    }
    errno = why;
    return DUET_ESYS;
}

int statedir_append(int dirfd, const char *name, const char *bytes, size_t len)
{
    /* As statedir_read: the file may be a symlink of the user's. */
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = openat(dirfd, name, flags);
    const bool made = fd < 0 && errno == ENOENT;

    if (made)
        fd = openat(dirfd, name, flags | O_CREAT, MODE_FILE);
    fd = fd < 0 ? DUET_ESYS : only_if_ours(fd);
    if (fd < 0)
        return fd;
    int err = append_or_undo(fd, bytes, len);

    if (err == 0 && made && fsync(dirfd) != 0 && errno != EINVAL)
        err = DUET_ESYS;
    const int why = errno;

    close(fd);
    errno = why;
    return err;
}

static int check_file(int fd, size_t most, enum statedir_access access, size_t *len)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return DUET_ESYS;
    if (!S_ISREG(st.st_mode))
        return DUET_EUNSUPPORTED;
    if (!is_ours(&st, access))
        return DUET_ETRUST;
    if ((uint64_t)st.st_size > most)
        return DUET_ERANGE;
    *len = (size_t)st.st_size;
    return 0;
}

int statedir_read(int dirfd, const char *name, size_t most, enum statedir_access access, char **out, size_t *len)
{
    /* The user's own directory: a symlink to where they keep their keys is theirs to make. */
    const int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *out = NULL;
    *len = 0;
    if (fd < 0)
        return errno == ENOENT ? DUET_ENOTFOUND : DUET_ESYS;
    int err = check_file(fd, most, access, len);

    if (err == 0) {
        *out = malloc(*len + 1);
        const ssize_t got = *out == NULL ? DUET_ENOMEM : files_pread(fd, *out, *len, 0);

        if (got < 0) {
            err = (int)got;
            free(*out);
            *out = NULL;
        } else {
            *len = (size_t)got;
            (*out)[got] = '\0';
        }
    }
    const int why = errno;

    close(fd);
    errno = why;
    return err;
}

int statedir_lock(int dirfd, const char *name)
{
    const int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_FILE);
    int failed;

    if (fd < 0)
        return DUET_ESYS;
    do
        failed = flock(fd, LOCK_EX);
    while (failed != 0 && errno == EINTR);
    if (failed != 0) {
        const int why = errno;

        close(fd);
        errno = why;
        return DUET_ESYS;
    }
    return fd;
}
