#include "duet/io/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "duet/base/err.h"
#include "duet/io/partfile.h"
#include "duet/io/source.h"
#include "duet/io/worker.h"

#define MODE_NEW_FILE 0666 /* less the umask, as every program creates files */

struct open_file {
    uint32_t id;
    struct source *source; /* one of the two */
    struct partfile *part;
};

struct disk {
    int dirfd; /* -1: could not be opened, dir_error says why */
    int dir_error;
    char *dir; /* as the user gave it, for final paths */
    mode_t mode;
    struct mqueue *jobs, *results;
    pthread_t thread;
    bool swept; /* what killed processes left in the folder was removed */
    size_t count;
    struct open_file files[DISK_FILES];
    size_t commit_count;
    struct msg commits[DISK_FILES]; /* that wait until their files are read back, the next one first */
};

static mode_t new_file_mode(void)
{
    const mode_t mask = umask(077);

    umask(mask);
    return MODE_NEW_FILE & ~mask;
}

int disk_new(const char *out_dir, bool must_write, struct disk **out, int *sys)
{
    struct disk *d = calloc(1, sizeof(*d));

    *out = NULL;
    *sys = 0;
    if (d == NULL)
        return DUET_ENOMEM;
    d->dirfd = -1;
    d->mode = new_file_mode();
    d->dir = strdup(out_dir == NULL ? "." : out_dir);
    if (d->dir == NULL) {
        disk_free(d);
        return DUET_ENOMEM;
    }
    d->dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->dirfd < 0 || (must_write && faccessat(d->dirfd, ".", W_OK | X_OK, AT_EACCESS) != 0)) {
        if (must_write) {
            *sys = errno;
            disk_free(d);
            return DUET_ESYS;
        }
        d->dir_error = errno; /* each file received will say so; sending works from anywhere */
    }
    *out = d;
    return 0;
}

static void close_file(struct disk *d, struct open_file *f)
{
    source_close(f->source);
    partfile_free(f->part);
    *f = d->files[--d->count];
}

void disk_free(struct disk *d)
{
    if (d == NULL)
        return;
    while (d->count > 0)
        close_file(d, &d->files[d->count - 1]);
    if (d->dirfd >= 0)
        close(d->dirfd);
    free(d->dir);
    free(d);
}

static struct open_file *find(struct disk *d, uint32_t id)
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
static char *final_path(const struct disk *d, const char *name)
{
    char *path = NULL;
    const size_t len = strlen(d->dir);
    const char *slash = len > 0 && d->dir[len - 1] == '/' ? "" : "/";

    if (strcmp(d->dir, ".") == 0)
        return strdup(name);
    return asprintf(&path, "%s%s%s", d->dir, slash, name) < 0 ? NULL : path;
}

static void add_file(struct disk *d, uint32_t id, struct source *s, struct partfile *p)
{
    assert(d->count < DISK_FILES);
    d->files[d->count++] = (struct open_file){.id = id, .source = s, .part = p};
}

static void do_open(struct disk *d, const struct msg *job, struct msg *done)
{
    struct source *s = NULL;

    done->type = DONE_OPENED;
    if (find(d, job->id) != NULL || job->text == NULL)
        done->err = DUET_EINVAL;
    else if (d->count == DISK_FILES)
        done->err = DUET_EFULL;
    else
        done->err = source_open(job->text, &s, &done->sys);
    if (job->text != NULL) {
        done->text = base_name(job->text);
        if (done->text == NULL && done->err == 0)
            done->err = DUET_ENOMEM;
    }
    if (done->err != 0) {
        source_close(s);
        return;
    }
    done->value = source_bytes(s);
    add_file(d, job->id, s, NULL);
}

static void do_read(struct disk *d, const struct msg *job, struct msg *done)
{
    const struct open_file *f = find(d, job->id);

    done->type = DONE_READ;
    done->chunk = job->chunk;
    done->value = job->value;
    if (f == NULL || f->source == NULL)
        done->err = DUET_ENOTFOUND;
    else
        done->err = source_read(f->source, job->value, job->chunk, &done->sys);
    if (done->err != 0)
        job->chunk->used = 0;
}

static void do_digest(struct disk *d, const struct msg *job, struct msg *done)
{
    struct open_file *f = find(d, job->id);

    done->type = DONE_DIGEST;
    if (f == NULL || f->source == NULL) {
        done->err = DUET_ENOTFOUND;
        return;
    }
    done->err = source_digest(f->source, done->digest, &done->sys);
    close_file(d, f);
}

static void do_create(struct disk *d, const struct msg *job, struct msg *done)
{
    struct partfile *p = NULL;

    done->type = DONE_CREATED;
    if (find(d, job->id) != NULL || job->text == NULL) {
        done->err = DUET_EINVAL;
    } else if (d->count == DISK_FILES) {
        done->err = DUET_EFULL;
    } else if (d->dirfd < 0) {
        done->err = DUET_ESYS;
        done->sys = d->dir_error;
    } else {
        if (!d->swept)
            partfile_sweep(d->dirfd);
        d->swept = true;
        done->err = partfile_create(d->dirfd, job->text, job->value, d->mode, &p, &done->sys);
    }
    if (done->err == 0)
        add_file(d, job->id, NULL, p);
}

static void do_write(struct disk *d, const struct msg *job, struct msg *done)
{
    const struct open_file *f = find(d, job->id);

    done->type = DONE_WROTE;
    done->chunk = job->chunk;
    done->value = job->chunk->used;
    if (f == NULL || f->part == NULL)
        done->err = DUET_ENOTFOUND;
    else
        done->err = partfile_write(f->part, job->chunk, &done->sys);
}

static void do_commit(struct disk *d, const struct msg *job, struct msg *done)
{
    struct open_file *f = find(d, job->id);
    char final[PARTFILE_NAME_BYTES];

    done->type = DONE_COMMITTED;
    if (f == NULL || f->part == NULL) {
        done->err = DUET_ENOTFOUND;
        return;
    }
    done->err = partfile_commit(f->part, job->digest, final, &done->sys);
    close_file(d, f);
    if (done->err != 0)
        return;
    /* Without memory for the words the file is still there: not a failure of the transfer. */
    done->text = final_path(d, final);
}

static void do_abort(struct disk *d, const struct msg *job)
{
    struct open_file *f = find(d, job->id);

    if (f != NULL)
        close_file(d, f);
}

bool disk_handle(struct disk *d, struct msg *job, struct msg *done)
{
    static void (*const work[])(struct disk *, const struct msg *, struct msg *) = {
        [JOB_OPEN] = do_open,     [JOB_READ] = do_read,   [JOB_DIGEST] = do_digest,
        [JOB_CREATE] = do_create, [JOB_WRITE] = do_write, [JOB_COMMIT] = do_commit,
    };
    const size_t type = (size_t)job->type;

    *done = (struct msg){.id = job->id, .peer = job->peer};
    if (type < sizeof(work) / sizeof(work[0]) && work[type] != NULL) {
        work[type](d, job, done);
        msg_dispose(job);
        return true;
    }
    assert(job->type == JOB_ABORT);
    do_abort(d, job);
    msg_dispose(job);
    return false;
}

static void answer(struct disk *d, struct msg *job)
{
    struct msg done;

    if (disk_handle(d, job, &done) && !mqueue_push_wait(d->results, &done))
        msg_dispose(&done); /* net has ended; its chunks are the hub's pool's */
}

/* A file whose end came first is read back for its hash, a part at a time, and others take their turns between the parts. */
static void commit_in_turn(struct disk *d, struct msg *job)
{
    const struct open_file *f = find(d, job->id);

    if (f == NULL || f->part == NULL || d->commit_count == DISK_FILES || partfile_catch_up(f->part))
        answer(d, job);
    else
        d->commits[d->commit_count++] = *job;
}

static void next_commit(struct disk *d)
{
    struct msg job = d->commits[0];

    d->commit_count--;
    memmove(&d->commits[0], &d->commits[1], d->commit_count * sizeof(d->commits[0]));
    commit_in_turn(d, &job);
}

static void *body(void *arg)
{
    struct disk *d = arg;
    struct msg job;

    for (;;) {
        const bool any = d->commit_count > 0 ? mqueue_pop(d->jobs, &job) : mqueue_pop_wait(d->jobs, &job);

        if (!any && d->commit_count == 0)
            return NULL;
        if (any && job.type == JOB_COMMIT)
            commit_in_turn(d, &job);
        else if (any)
            answer(d, &job);
        if (d->commit_count > 0)
            next_commit(d);
    }
}

int disk_start(struct disk *d, struct mqueue *jobs, struct mqueue *results, int *sys)
{
    d->jobs = jobs;
    d->results = results;
    *sys = worker_start(&d->thread, "duet-disk", body, d);
    return *sys == 0 ? 0 : DUET_ESYS;
}

void disk_join(struct disk *d)
{
    pthread_join(d->thread, NULL);
}
