#include "duet/io/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "duet/base/err.h"

#define TEMP_TRIES 100 /* 32 random bits each: more only if someone plants names */

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

    /* Before Linux 5.6, or under a filter that knows no openat2: one component and O_NOFOLLOW are as tight. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    return (int)fd;
}

int files_open_temp(int dirfd, const char *prefix, char name[FILES_TEMP_NAME_BYTES])
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        uint32_t salt;

        if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
            return -1;
        const int len = snprintf(name, FILES_TEMP_NAME_BYTES, "%s%08x", prefix, (unsigned)salt);

        assert(len < FILES_TEMP_NAME_BYTES);
        (void)len;
        const int fd = files_openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);

        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
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

/* A hard link refuses an existing name just as well; for file systems without RENAME_NOREPLACE. */
static int link_new(int dirfd, const char *from, const char *to)
{
    if (linkat(dirfd, from, dirfd, to, 0) != 0)
        return errno == EEXIST ? DUET_EEXIST : DUET_ESYS;
    return unlinkat(dirfd, from, 0) == 0 ? 0 : DUET_ESYS;
}

int files_rename_new(int dirfd, const char *from, const char *to)
{
    assert(files_name_ok(from) && files_name_ok(to));
    if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return DUET_EEXIST;
    if (errno == EINVAL || errno == ENOSYS)
        return link_new(dirfd, from, to);
    return DUET_ESYS;
}
