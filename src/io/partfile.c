/*
 * partfile: see the header.
 *
 *   0 ───── hashed ──────────────── bytes
 *   ########|####....####...........       # written
 *
 * A run that starts at `hashed` goes into the hash from memory; one beyond a
 * hole is only written, and read back (from the page cache) when the prefix
 * reaches it.  `written` holds what is on the disk; [0, hashed) is part of it.
 */
#include "io/partfile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/extents.h"
#include "base/num.h"
#include "base/text.h"
#include "io/filehash.h"
#include "io/files.h"
#include "wire/limits.h"

#define READ_BACK_BYTES (64 * 1024)
#define NAME_RACES 64 /* somebody else may take a name between the look and the rename, but not so often */
#define FILE_BYTES_MAX ((uint64_t)INT64_MAX) /* off_t */

struct partfile {
    int dirfd; /* borrowed */
    int fd;
    bool renamed; /* there is no temporary file any more */
    mode_t mode;
    int err, sys;   /* the first error of a write; sticky */
    uint64_t bytes; /* final size */
    uint64_t hashed;
    uint64_t end; /* of the temporary file */
    struct extents written;
    XXH3_state_t *hash;
    char temp[FILES_TEMP_NAME_BYTES];
    char name[PARTFILE_NAME_BYTES];
    uint8_t back[READ_BACK_BYTES];
};

static int system_error(int *sys)
{
    *sys = errno;
    return DUET_ESYS;
}

/* What a file system answers that cannot do such a thing at all.  Without permissions, or without a
 * way to sync, it keeps a file as well as it keeps any. */
static bool is_unknown_here(int why)
{
    return why == EPERM || why == ENOSYS || why == EOPNOTSUPP || why == EINVAL || why == ESPIPE;
}

/* Saves the user a transfer that cannot end well; the writes have the last word. */
static int check_room(int dirfd, uint64_t bytes, int *sys)
{
    struct statvfs fs;

    if (fstatvfs(dirfd, &fs) != 0)
        return system_error(sys);
    /* Some virtual file systems count no blocks at all. */
    if (fs.f_blocks == 0 || fs.f_frsize == 0 || bytes / fs.f_frsize < fs.f_bavail)
        return 0;
    if (bytes <= fs.f_bavail * fs.f_frsize)
        return 0;
    *sys = ENOSPC;
    return DUET_ESYS;
}

/* ---- the temporary file ---- */

/* A temporary file that partfile_sweep of another process leaves alone: it is locked as long as we
 * live.  One that was swept between the two calls is not ours any more; where there are no locks
 * only the age counts. */
static int open_locked(int dirfd, char temp[FILES_TEMP_NAME_BYTES])
{
    for (;;) {
        const int fd = files_open_temp(dirfd, PARTFILE_PREFIX, temp);

        if (fd < 0 || ((flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && files_is(dirfd, temp, fd)))
            return fd;
        close(fd);
    }
}

/* Errors that are about the name, not about this directory or this moment. */
static bool is_about_the_name(int why)
{
    return why == EINVAL || why == EILSEQ || why == ENAMETOOLONG || why == ENOENT || why == EPROTO;
}

/* Gives an empty file the name, as the file itself will get it, in `room`: a new directory of our
 * own. */
static int try_name_in(int room, const char *name, int *sys)
{
    char temp[FILES_TEMP_NAME_BYTES];
    const int fd = files_open_temp(room, PARTFILE_PREFIX, temp);
    int err;

    if (fd < 0)
        return 0; /* the file itself will show */
    close(fd);
    err = files_rename_new(room, temp, name);
    *sys = err == 0 ? 0 : errno;
    if (err != 0 && is_about_the_name(errno))
        err = DUET_ENAME;
    unlinkat(room, err == 0 ? name : temp, 0);
    return err;
}

/* Can the file get its name at the end?  FAT, exFAT, NTFS and many network servers refuse some that
 * are legal here, and some mounts know no way to rename.  Where no directory can be made it is not
 * known, and the end will show. */
static int try_name(int dirfd, const char *name, int *sys)
{
    char room[FILES_TEMP_NAME_BYTES];

    if (files_temp_name(PARTFILE_PREFIX, room) != 0 || mkdirat(dirfd, room, S_IRWXU) != 0)
        return 0;
    const int fd = files_openat(dirfd, room, O_RDONLY | O_DIRECTORY, 0);
    const int err = fd < 0 ? 0 : try_name_in(fd, name, sys);

    if (fd >= 0)
        close(fd);
    unlinkat(dirfd, room, AT_REMOVEDIR);
    return err;
}

/* ---- what the dead left ---- */

/* Made as `own` was, and not touched for long? */
static bool is_stale(const struct stat *st, const struct stat *own)
{
    return st->st_uid == own->st_uid && own->st_mtim.tv_sec - st->st_mtim.tv_sec >= PARTFILE_STALE_S;
}

static bool is_left_over(int fd, const struct stat *own)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_mode == own->st_mode && st.st_nlink == 1 && is_stale(&st, own) &&
           (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
}

static bool is_of_a_room(int room, const char *name)
{
    struct stat st;

    return fstatat(room, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (st.st_size == 0 || files_is_temp_name(name, FILES_NOTE_PREFIX));
}

/* The directory of try_name: nothing but an empty file can be in it, and a note about it. */
static void sweep_room(int dirfd, const char *room, const struct stat *own)
{
    struct stat st;
    const int fd = files_openat(dirfd, room, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (fstat(fd, &st) == 0 && is_stale(&st, own)) {
        for (const struct dirent *e; (e = readdir(dir)) != NULL;)
            if (is_of_a_room(fd, e->d_name))
                unlinkat(fd, e->d_name, 0);
        unlinkat(dirfd, room, AT_REMOVEDIR);
    }
    closedir(dir);
}

static void sweep_one(int dirfd, const char *name, const struct stat *own)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        sweep_room(dirfd, name, own);
        return;
    }
    const int fd = S_ISREG(st.st_mode) ? files_openat(dirfd, name, O_RDWR | O_NONBLOCK, 0) : -1;

    if (fd < 0)
        return;
    if (is_left_over(fd, own) && files_is(dirfd, name, fd)) {
        if (files_is_temp_name(name, FILES_NOTE_PREFIX))
            files_clear_note(dirfd, name);
        else
            unlinkat(dirfd, name, 0);
    }
    close(fd);
}

void partfile_sweep(const struct partfile *p)
{
    struct stat own;
    const int fd = openat(p->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (fstat(p->fd, &own) == 0) {
        for (const struct dirent *e; (e = readdir(dir)) != NULL;)
            if (files_is_temp_name(e->d_name, PARTFILE_PREFIX) || files_is_temp_name(e->d_name, FILES_NOTE_PREFIX))
                sweep_one(p->dirfd, e->d_name, &own);
    }
    closedir(dir);
}

void partfile_touch(const struct partfile *p)
{
    (void)futimens(p->fd, NULL); /* where there are no times, writing has to do */
}

/* ---- from the first byte to the last ---- */

int partfile_create(int dirfd, const char *name, uint64_t bytes, mode_t mode, struct partfile **out, int *sys)
{
    *out = NULL;
    *sys = 0;
    if (!files_name_ok(name))
        return DUET_ENAME;
    if (bytes > FILE_BYTES_MAX)
        return DUET_ERANGE;
    int err = check_room(dirfd, bytes, sys);

    if (err != 0)
        return err;
    struct partfile *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return DUET_ENOMEM;
    *p = (struct partfile){.dirfd = dirfd, .fd = -1, .mode = mode, .bytes = bytes};
    extents_init(&p->written, LIMIT_EXTENT_RANGES);
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->hash = XXH3_createState();
    if (p->hash == NULL) {
        err = DUET_ENOMEM;
    } else {
        XXH3_128bits_reset(p->hash);
        p->fd = open_locked(dirfd, p->temp);
        err = p->fd < 0 ? system_error(sys) : 0;
    }
    if (err == 0)
        err = try_name(dirfd, name, sys);
    if (err != 0) {
        partfile_free(p);
        return err;
    }
    *out = p;
    return 0;
}

void partfile_free(struct partfile *p)
{
    if (p == NULL)
        return;
    if (p->fd >= 0) {
        /* Never remove what someone else put under the name. */
        if (!p->renamed && files_is(p->dirfd, p->temp, p->fd))
            unlinkat(p->dirfd, p->temp, 0);
        close(p->fd);
    }
    XXH3_freeState(p->hash);
    extents_dispose(&p->written);
    free(p);
}

/* Hashes what is already written after the prefix, up to `most` bytes. */
static int catch_up(struct partfile *p, uint64_t most, int *sys)
{
    uint64_t end = extents_end_of(&p->written, p->hashed);

    if (end - p->hashed > most)
        end = p->hashed + most;
    while (p->hashed < end) {
        const uint64_t left = end - p->hashed;
        const size_t want = left < READ_BACK_BYTES ? (size_t)left : READ_BACK_BYTES;
        const ssize_t got = files_pread(p->fd, p->back, want, p->hashed);

        if (got < 0)
            return system_error(sys);
        if ((size_t)got < want)
            return DUET_EINTEGRITY; /* someone cut the temporary file */
        filehash_update(p->hash, p->back, want);
        p->hashed += want;
    }
    return 0;
}

/* Some file systems (FAT through FUSE) refuse to write behind the end: there the gap gets zeros
 * first. */
static int write_behind_end(struct partfile *p, const void *bytes, size_t len, uint64_t offset)
{
    int err = 0;

    memset(p->back, 0, sizeof(p->back));
    while (err == 0 && p->end < offset) {
        const size_t part = (size_t)num_min(offset - p->end, sizeof(p->back));

        err = files_pwrite(p->fd, p->back, part, p->end);
        p->end += err == 0 ? part : 0;
    }
    return err == 0 ? files_pwrite(p->fd, bytes, len, offset) : err;
}

static int write_new(struct partfile *p, const struct range *r, const uint8_t *bytes, int *sys)
{
    const size_t len = (size_t)(r->end - r->start);
    int err = files_pwrite(p->fd, bytes, len, r->start);

    if (err != 0 && r->start > p->end && is_unknown_here(errno))
        err = write_behind_end(p, bytes, len, r->start);
    if (err != 0)
        return system_error(sys);
    p->end = num_max(p->end, r->end);
    err = extents_add(&p->written, r->start, r->end);
    if (err == 0 && r->start == p->hashed) {
        filehash_update(p->hash, bytes, len);
        p->hashed = r->end;
    }
    return err;
}

/* The parts of a run that are not written yet. */
static int write_run(struct partfile *p, const struct chunk *c, const struct chunk_run *run, int *sys)
{
    if (run->at > c->used || run->len > c->used - run->at || run->offset > p->bytes ||
        run->len > p->bytes - run->offset)
        return DUET_EINVAL;

    const uint8_t *bytes = c->bytes + run->at;
    const uint64_t end = run->offset + run->len;
    struct range gap;
    int err = 0;

    while (err == 0 && extents_first_gap(&p->written, run->offset, end, &gap))
        err = write_new(p, &gap, bytes + (gap.start - run->offset), sys);
    return err;
}

int partfile_write(struct partfile *p, const struct chunk *c, int *sys)
{
    const size_t runs = c->run_count < CHUNK_RUNS ? c->run_count : CHUNK_RUNS;

    for (size_t i = 0; i < runs && p->err == 0; i++)
        p->err = write_run(p, c, &c->runs[i], &p->sys);
    if (p->err == 0)
        p->err = catch_up(p, PARTFILE_CATCH_UP_BYTES, &p->sys);
    *sys = p->sys;
    return p->err;
}

bool partfile_catch_up(struct partfile *p)
{
    if (p->err == 0)
        p->err = catch_up(p, PARTFILE_CATCH_UP_BYTES, &p->sys);
    return p->err != 0 || p->hashed == extents_end_of(&p->written, p->hashed);
}

/* Bytes of `name` that fit in `most` without cutting a character. */
static size_t cut(const char *name, size_t len, size_t most)
{
    if (len <= most)
        return len;
    while (most > 0 && ((unsigned char)name[most] & 0xc0) == 0x80)
        most--;
    return most;
}

void partfile_numbered(const char *name, unsigned n, char out[PARTFILE_NAME_BYTES])
{
    const char *dot = strrchr(name, '.');
    const size_t all = strlen(name);
    const size_t stem = dot == NULL || dot == name ? all : (size_t)(dot - name);
    char number[16] = "";

    if (n > 0)
        snprintf(number, sizeof(number), " (%u)", n);
    const size_t room = PARTFILE_NAME_BYTES - 1 - strlen(number);
    const size_t ext = cut(name + stem, all - stem, room - 1);
    const size_t kept = cut(name, stem, room - ext);

    snprintf(out, PARTFILE_NAME_BYTES, "%.*s%s%.*s", (int)kept, name, number, (int)ext, name + stem);
}

static int verify(struct partfile *p, const uint8_t digest[DIGEST_BYTES], int *sys)
{
    XXH128_canonical_t own;
    struct stat st;
    const int err = catch_up(p, UINT64_MAX, sys);

    if (err != 0)
        return err;
    if (fstat(p->fd, &st) != 0)
        return system_error(sys);
    if (p->hashed != p->bytes || (uint64_t)st.st_size != p->bytes)
        return DUET_EINTEGRITY;
    XXH128_canonicalFromHash(&own, XXH3_128bits_digest(p->hash));
    return memcmp(own.digest, digest, DIGEST_BYTES) == 0 ? 0 : DUET_EINTEGRITY;
}

/* Removed while the file was on its way: nothing can be named in it any more. */
static bool directory_is_gone(int dirfd)
{
    struct stat st;

    return fstat(dirfd, &st) == 0 && st.st_nlink == 0;
}

static bool is_taken(int dirfd, const char *name, unsigned n)
{
    char numbered[PARTFILE_NAME_BYTES];
    struct stat st;

    partfile_numbered(name, n, numbered);
    return fstatat(dirfd, numbered, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A number from 1 whose name is free, the next one where none was removed.  By doubling and
 * halving: the ten thousandth file of one name costs 28 looks, not ten thousand. */
static unsigned free_number(int dirfd, const char *name)
{
    unsigned taken = 0, other = 1;

    while (other <= PARTFILE_NAME_TRIES && is_taken(dirfd, name, other)) {
        taken = other;
        other *= 2;
    }
    while (other - taken > 1) {
        const unsigned middle = taken + (other - taken) / 2;

        if (is_taken(dirfd, name, middle))
            taken = middle;
        else
            other = middle;
    }
    return other;
}

static int give_name(struct partfile *p, char final[PARTFILE_NAME_BYTES], int *sys)
{
    int err = DUET_EEXIST;

    if (directory_is_gone(p->dirfd)) {
        *sys = ENOENT;
        return DUET_ESYS;
    }
    if (!files_is(p->dirfd, p->temp, p->fd))
        return DUET_EINTEGRITY;
    for (unsigned n = 0, tries = 0; err == DUET_EEXIST && tries < NAME_RACES && n <= PARTFILE_NAME_TRIES; tries++) {
        partfile_numbered(p->name, n, final);
        err = files_rename_new(p->dirfd, p->temp, final);
        n = err == DUET_EEXIST ? free_number(p->dirfd, p->name) : n;
    }
    if (err != 0) {
        *sys = err == DUET_ESYS ? errno : 0;
        return err;
    }
    p->renamed = true;
    /* Swapped between the two looks: what has the name now is not what was verified. */
    if (!files_is(p->dirfd, final, p->fd))
        return DUET_EINTEGRITY;
    return fsync(p->dirfd) == 0 || is_unknown_here(errno) ? 0 : system_error(sys);
}

int partfile_commit(struct partfile *p, const uint8_t digest[DIGEST_BYTES], char final[PARTFILE_NAME_BYTES], int *sys)
{
    *sys = p->sys;
    if (p->err != 0)
        return p->err;
    const int err = verify(p, digest, sys);

    if (err != 0)
        return err;
    if (fsync(p->fd) != 0 && !is_unknown_here(errno))
        return system_error(sys);
    /* Last, so that who dies during a long fsync leaves a file with the mode that partfile_sweep
     * knows. */
    if (fchmod(p->fd, p->mode) != 0 && !is_unknown_here(errno))
        return system_error(sys);
    return give_name(p, final, sys);
}
