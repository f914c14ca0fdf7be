/* A private folder for one test, and small files in it. */
#ifndef TEST_UNIT_IO_TMPDIR_H
#define TEST_UNIT_IO_TMPDIR_H

#include "unit.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMPDIR_PATH_BYTES 512

struct tmpdir {
    char path[TMPDIR_PATH_BYTES];
    int fd;
};

static inline struct tmpdir tmpdir_make(void)
{
    struct tmpdir d = {.path = "/tmp/duet-unit-XXXXXX"};

    cr_assert_not_null(mkdtemp(d.path));
    d.fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(d.fd >= 0);
    return d;
}

static inline int tmpdir_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void tmpdir_remove(struct tmpdir *d)
{
    close(d->fd);
    nftw(d->path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "DIR/name" in a buffer of its own; valid until the fourth call after. */
static inline const char *tmpdir_path(const struct tmpdir *d, const char *name)
{
    static char paths[4][TMPDIR_PATH_BYTES + 300];
    static unsigned turn;
    char *out = paths[turn++ % 4];

    snprintf(out, sizeof(paths[0]), "%s/%s", d->path, name);
    return out;
}

static inline void tmpdir_put(const struct tmpdir *d, const char *name, const void *bytes, size_t len)
{
    const int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert(fd >= 0, "%s", name);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* The file as a string, "" with *found false when there is none. */
static inline const char *tmpdir_get(const struct tmpdir *d, const char *name, bool *found)
{
    static char text[65536];
    const int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    *found = fd >= 0;
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return text;
}

/* How many entries start with the prefix ("": all)? */
static inline unsigned tmpdir_count(const struct tmpdir *d, const char *prefix)
{
    DIR *dir = opendir(d->path);
    unsigned count = 0;

    cr_assert_not_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            count++;
    closedir(dir);
    return count;
}

#endif
