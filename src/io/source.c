#include "duet/io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "duet/base/err.h"
#include "duet/io/files.h"

struct source {
    int fd;
    char *path;
    struct stat opened; /* as it was at source_open */
    uint64_t hashed;    /* bytes read so far, from the start */
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
    free(s->path);
    free(s);
}

uint64_t source_bytes(const struct source *s)
{
    return (uint64_t)s->opened.st_size;
}

int source_read(struct source *s, uint64_t offset, struct chunk *c, int *sys)
{
    *sys = 0;
    c->used = 0;
    c->run_count = 0;
    if (offset != s->hashed || offset > source_bytes(s))
        return DUET_EINVAL;

    const uint64_t left = source_bytes(s) - offset;
    const size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    const ssize_t got = files_pread(s->fd, c->bytes, want, offset);

    if (got < 0)
        return system_error(sys);
    if ((size_t)got < want)
        return DUET_EINTEGRITY;
    XXH3_128bits_update(s->hash, c->bytes, want);
    s->hashed += want;
    c->used = (uint32_t)want;
    c->run_count = 1;
    c->runs[0] = (struct chunk_run){.offset = offset, .at = 0, .len = (uint32_t)want};
    return 0;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int source_digest(struct source *s, uint8_t out[DIGEST_BYTES], int *sys)
{
    struct stat now;
    XXH128_canonical_t digest;

    *sys = 0;
    if (s->hashed != source_bytes(s))
        return DUET_EINVAL;
    if (fstat(s->fd, &now) != 0)
        return system_error(sys);
    if (!same_content(&now, &s->opened))
        return DUET_EINTEGRITY;
    /* Another file under the name: what we sent is no longer what the user means.  Gone altogether: it still is
     * what they asked for (a temporary file, a ~ backup). */
    if (stat(s->path, &now) == 0 && !same_content(&now, &s->opened))
        return DUET_EINTEGRITY;
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(s->hash));
    memcpy(out, digest.digest, DIGEST_BYTES);
    return 0;
}
