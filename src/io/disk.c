#include "io/disk_state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"
#include "io/clock.h"
#include "io/outdir.h"
#include "io/partfile.h"
#include "io/source.h"

#define MODE_NEW_FILE 0666 /* less the umask, as every program creates files */

static int system_error(int *sys)
{
    *sys = errno;
    return DUET_ESYS;
}

static mode_t new_file_mode(void)
{
    const mode_t mask = umask(077);

    umask(mask);
    return MODE_NEW_FILE & ~mask;
}

static bool is_writable(const char *dir)
{
    const int fd = outdir_open(dir);
    const bool may = fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
    const int why = errno;

    if (fd >= 0)
        close(fd);
    errno = why;
    return may;
}

int disk_new(const char *out_dir, bool must_write, struct disk **out, int *sys)
{
    struct disk *d = calloc(1, sizeof(*d));

    *out = NULL;
    *sys = 0;
    if (d == NULL)
        return DUET_ENOMEM;
    d->mode = new_file_mode();
    d->dir = strdup(out_dir == NULL ? "." : out_dir);
    if (d->dir == NULL) {
        disk_free(d);
        return DUET_ENOMEM;
    }
    if (must_write && !is_writable(d->dir)) { /* else each file received will say so; sending works from anywhere */
        *sys = errno;
        disk_free(d);
        return DUET_ESYS;
    }
    *out = d;
    return 0;
}

static void close_file(struct disk *d, struct open_file *f)
{
    source_close(f->source);
    partfile_free(f->part);
    if (f->part != NULL)
        close(f->dirfd);
    *f = d->files[--d->count];
}

void disk_free(struct disk *d)
{
    if (d == NULL)
        return;
    while (d->count > 0)
        close_file(d, &d->files[d->count - 1]);
    free(d->dir);
    free(d);
}

struct open_file *disk_find(struct disk *d, uint32_t id)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->files[i].id == id)
            return &d->files[i];
    return NULL;
}

static char *base_name(const char *path)
{
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (start == end)
        start = 0; /* "/" is its own last part */
    return strndup(path + start, end - start);
}

/* "name", "DIR/name" */
static char *final_path(const char *dir, const char *name)
{
    char *path = NULL;
    const size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] == '/' ? "" : "/";

    if (strcmp(dir, ".") == 0)
        return strdup(name);
    return asprintf(&path, "%s%s%s", dir, slash, name) < 0 ? NULL : path;
}

static void add_file(struct disk *d, struct open_file file)
{
    assert(d->count < DISK_FILES);
    d->files[d->count++] = file;
}

static void do_open(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    struct source *s = NULL;

    done->type = DONE_OPENED;
    if (disk_find(d, job->id) != NULL)
        done->err = DUET_EINVAL;
    else if (d->count == DISK_FILES)
        done->err = DUET_EFULL;
    else
        done->err = source_open(job->open.path, &s, &done->sys);
    done->opened.name = base_name(job->open.path);
    if (done->opened.name == NULL && done->err == 0)
        done->err = DUET_ENOMEM;
    if (done->err != 0) {
        source_close(s);
        return;
    }
    done->opened.bytes = source_bytes(s);
    add_file(d, (struct open_file){.id = job->id, .source = s});
}

static void do_read(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    const struct open_file *f = disk_find(d, job->id);

    done->type = DONE_READ;
    done->read.chunk = job->read.chunk;
    if (f == NULL || f->source == NULL)
        done->err = DUET_ENOTFOUND;
    else
        done->err = source_read(f->source, job->read.offset, job->read.chunk, &done->sys);
    if (done->err != 0)
        job->read.chunk->used = 0;
}

static void do_digest(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    struct open_file *f = disk_find(d, job->id);

    done->type = DONE_DIGEST;
    if (f == NULL || f->source == NULL) {
        done->err = DUET_ENOTFOUND;
        return;
    }
    done->err = source_digest(f->source, done->digest.digest, &done->digest.grew, &done->sys);
    close_file(d, f);
}

static void sweep(struct disk *d, const struct partfile *own)
{
    const duet_time now = clock_now();

    if (!time_due(d->sweep_at, now))
        return;
    d->sweep_at = time_add(now, PARTFILE_STALE_S * US_PER_S);
    partfile_sweep(own);
}

/* Why a file cannot be made, for its receiver; NULL: there is nothing to add to the error. */
static char *why_not_created(const struct disk *d, uint64_t bytes, const struct disk_result *done)
{
    const char *why = strerrordesc_np(done->sys);
    char needed[TEXT_SIZE_BYTES];
    char *words = NULL;
    int len = -1;

    if (done->err == DUET_ENAME && done->sys != 0)
        len = asprintf(&words, "the file system of %s does not allow this name", d->dir);
    else if (done->err == DUET_ESYS && done->sys == ENOSPC)
        len = asprintf(&words, "no room for %s in %s: %s", text_size(bytes, needed), d->dir, why);
    else if (done->err == DUET_ESYS && done->sys == EMFILE)
        len = asprintf(&words, "too many files are open in this process: raise the limit (ulimit -n)");
    else if (done->err == DUET_ESYS)
        len = asprintf(&words, "cannot create a file in %s: %s", d->dir, why);
    return len < 0 ? NULL : words;
}

static void do_create(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    struct open_file file = {.id = job->id, .dirfd = -1};

    done->type = DONE_CREATED;
    if (disk_find(d, job->id) != NULL)
        done->err = DUET_EINVAL;
    else if (d->count == DISK_FILES)
        done->err = DUET_EFULL;
    else if ((file.dirfd = outdir_open(d->dir)) < 0)
        done->err = system_error(&done->sys);
    else
        done->err = partfile_create(file.dirfd, job->create.name, job->create.bytes, d->mode, &file.part, &done->sys);
    if (done->err != 0) {
        if (file.dirfd >= 0)
            close(file.dirfd);
        done->created.why = why_not_created(d, job->create.bytes, done);
        return;
    }
    add_file(d, file);
    sweep(d, file.part);
}

static void do_write(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    const struct open_file *f = disk_find(d, job->id);

    done->type = DONE_WROTE;
    done->wrote.chunk = job->write.chunk;
    if (f == NULL || f->part == NULL)
        done->err = DUET_ENOTFOUND;
    else
        done->err = partfile_write(f->part, job->write.chunk, &done->sys);
}

/* Why a complete file does not get its name; NULL: there is nothing to add to the error. */
static char *why_not_stored(const struct disk *d, bool is_gone, const struct disk_result *done)
{
    char *words = NULL;
    int len = -1;

    if (done->err == DUET_EEXIST)
        len =
            asprintf(&words, "its name is taken in %s, and so are those with (1) to (%d)", d->dir, PARTFILE_NAME_TRIES);
    else if (done->err == DUET_ESYS && is_gone)
        len = asprintf(&words, "%s was removed, or mounted over, while the file was arriving: %s", d->dir,
                       strerrordesc_np(done->sys));
    else if (done->err == DUET_ESYS)
        len = asprintf(&words, "cannot store it in %s: %s", d->dir, strerrordesc_np(done->sys));
    return len < 0 ? NULL : words;
}

static void do_commit(struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    struct open_file *f = disk_find(d, job->id);
    char final[PARTFILE_NAME_BYTES];

    done->type = DONE_COMMITTED;
    if (f == NULL || f->part == NULL) {
        done->err = DUET_ENOTFOUND;
        return;
    }
    char *where = outdir_where(f->dirfd, d->dir);

    if (where == NULL)
        done->err = system_error(&done->sys);
    else
        done->err = partfile_commit(f->part, job->commit.digest, final, &done->sys);
    close_file(d, f);
    /* Without memory for the words the file is still there: not a failure of the transfer. */
    if (done->err == 0)
        done->committed.path = final_path(where, final);
    else
        done->committed.why = why_not_stored(d, where == NULL, done);
    free(where);
}

static void do_abort(struct disk *d, const struct disk_job *job)
{
    struct open_file *f = disk_find(d, job->id);

    if (f != NULL)
        close_file(d, f);
}

bool disk_handle(struct disk *d, struct disk_job *job, struct disk_result *done)
{
    *done = (struct disk_result){.id = job->id};
    switch (job->type) {
    case JOB_OPEN:
        do_open(d, job, done);
        break;
    case JOB_READ:
        do_read(d, job, done);
        break;
    case JOB_DIGEST:
        do_digest(d, job, done);
        break;
    case JOB_CREATE:
        do_create(d, job, done);
        break;
    case JOB_WRITE:
        do_write(d, job, done);
        break;
    case JOB_COMMIT:
        do_commit(d, job, done);
        break;
    case JOB_ABORT:
        do_abort(d, job);
        break;
    }
    disk_job_dispose(job);
    return job->type != JOB_ABORT;
}
