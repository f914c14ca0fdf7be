#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "io/filehash.h"
#include "io/files.h"

struct source {
    int fd;
    char *path;
    struct stat opened; /* as it was at source_open */
    uint64_t bytes;     /* to send */
    uint64_t hashed;    /* bytes read so far, from the start */
    uint8_t *copy;      /* of all of it, where stat cannot say how long it is; NULL: read as it goes */
    XXH3_state_t *hash;
};

_Static_assert(sizeof(XXH128_canonical_t) == DIGEST_BYTES, "XXH3-128");

static int system_error(int *sys)
{
    *sys = errno;
    return DUET_ESYS;
}

static int check_kind(const struct stat *st, int *sys)
{
    if (S_ISREG(st->st_mode))
        return 0;
    if (!S_ISDIR(st->st_mode))
        return DUET_EUNSUPPORTED;
    *sys = EISDIR;
    return DUET_ESYS;
}

/* A file that fills no block: an empty one, or none of a disk at all.  Some network file systems
 * count no blocks either: what is small is read at once there. */
static bool is_virtual(const struct stat *st)
{
    return st->st_size == 0 || (st->st_blocks == 0 && st->st_size <= SOURCE_COPY_BYTES);
}

/* Reads to the end, whatever stat says.  Files of /proc give a page at a time. */
static int read_copy(struct source *s, int *sys)
{
    uint8_t *copy = malloc(SOURCE_COPY_BYTES + 1);
    const ssize_t len = copy == NULL ? 0 : files_pread(s->fd, copy, SOURCE_COPY_BYTES + 1, 0);
    int err = copy == NULL ? DUET_ENOMEM : 0;

    if (len < 0)
        err = system_error(sys);
    else if (len > SOURCE_COPY_BYTES)
        err = DUET_ERANGE;
    if (err != 0 || len == 0) {
        free(copy);
        return err;
    }
    uint8_t *smaller = realloc(copy, (size_t)len);

    s->copy = smaller != NULL ? smaller : copy;
    s->bytes = (uint64_t)len;
    return 0;
}

int source_open(const char *path, struct source **out, int *sys)
{
    struct source *s = calloc(1, sizeof(*s));
    int err = DUET_ENOMEM;

    *out = NULL;
    *sys = 0;
    if (s == NULL)
        return err;
    s->fd = -1;
    s->path = strdup(path);
    s->hash = XXH3_createState();
    if (s->path == NULL || s->hash == NULL)
        goto fail;
    XXH3_128bits_reset(s->hash);

    /* O_NONBLOCK: a named pipe without a writer would hold up every other file. */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (s->fd < 0 || fstat(s->fd, &s->opened) != 0) {
        err = system_error(sys);
        goto fail;
    }
    err = check_kind(&s->opened, sys);
    if (err != 0)
        goto fail;
    s->bytes = is_virtual(&s->opened) ? 0 : (uint64_t)s->opened.st_size;
    if (is_virtual(&s->opened)) {
        err = read_copy(s, sys);
        if (err != 0)
            goto fail;
    }
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = s;
    return 0;

fail:
    source_close(s);
    return err;
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    XXH3_freeState(s->hash);
    free(s->copy);
    free(s->path);
    free(s);
}

uint64_t source_bytes(const struct source *s)
{
    return s->bytes;
}

int source_read(struct source *s, uint64_t offset, struct chunk *c, int *sys)
{
    *sys = 0;
    c->used = 0;
    c->run_count = 0;
    if (offset != s->hashed || offset > s->bytes)
        return DUET_EINVAL;

    const uint64_t left = s->bytes - offset;
    const size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    ssize_t got = (ssize_t)want;

    if (s->copy != NULL)
        memcpy(c->bytes, s->copy + offset, want);
    else
        got = files_pread(s->fd, c->bytes, want, offset);
    if (got < 0)
        return system_error(sys);
    if ((size_t)got < want)
        return DUET_EINTEGRITY;
    filehash_update(s->hash, c->bytes, want);
    s->hashed += want;
    c->used = (uint32_t)want;
    c->run_count = 1;
    c->runs[0] = (struct chunk_run){.offset = offset, .at = 0, .len = (uint32_t)want};
    return 0;
}

enum content { CONTENT_SAME, CONTENT_GREW, CONTENT_CHANGED };

static enum content compare(const struct stat *before, const struct stat *now)
{
    if (before->st_dev != now->st_dev || before->st_ino != now->st_ino || now->st_size < before->st_size)
        return CONTENT_CHANGED;
    if (now->st_size > before->st_size)
        return CONTENT_GREW;
    return before->st_mtim.tv_sec == now->st_mtim.tv_sec && before->st_mtim.tv_nsec == now->st_mtim.tv_nsec
               ? CONTENT_SAME
               : CONTENT_CHANGED;
}

int source_digest(struct source *s, uint8_t out[DIGEST_BYTES], bool *grew, int *sys)
{
    struct stat held, named;
    XXH128_canonical_t digest;

    *sys = 0;
    *grew = false;
    if (s->hashed != s->bytes)
        return DUET_EINVAL;
    if (fstat(s->fd, &held) != 0)
        return system_error(sys);
    if (s->copy == NULL) {
        /* Another file under the name: what we sent is no longer what the user means.  Gone
         * altogether: it still is what they asked for (a temporary file, a ~ backup). */
        if (compare(&s->opened, &held) == CONTENT_CHANGED ||
            (stat(s->path, &named) == 0 && compare(&s->opened, &named) == CONTENT_CHANGED))
            return DUET_EINTEGRITY;
        *grew = compare(&s->opened, &held) == CONTENT_GREW;
    }
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(s->hash));
    memcpy(out, digest.digest, DIGEST_BYTES);
    return 0;
}
