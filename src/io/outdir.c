#include "io/outdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int outdir_open(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool leads_to(const char *path, const struct stat *held)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == held->st_dev && st.st_ino == held->st_ino;
}

char *outdir_where(int dirfd, const char *path)
{
    char link[64], now[PATH_MAX];
    struct stat held;

    if (fstat(dirfd, &held) != 0 || held.st_nlink == 0) {
        errno = ENOENT;
        return NULL;
    }
    if (leads_to(path, &held))
        return strdup(path);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
    const ssize_t len = readlink(link, now, sizeof(now) - 1);

    now[len > 0 ? len : 0] = '\0';
    if (len > 0 && leads_to(now, &held))
        return strdup(now);
    errno = ENOENT;
    return NULL;
}
