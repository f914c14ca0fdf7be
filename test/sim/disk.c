#include "disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world.h"

#define WRITTEN_RANGES 65536

struct disk_event {
    struct event event;
    struct node *node;
    uint64_t generation;
};

void disk_dispose(struct disk *d)
{
    for (size_t i = 0; i < d->count; i++) {
        disk_job_dispose(&d->jobs[(d->first + i) % DISK_QUEUE]);
    }
    for (size_t i = 0; i < d->file_count; i++) {
        ranges_dispose(&d->files[i]->written);
        free(d->files[i]);
    }
    free(d->files);
    *d = (struct disk){.cfg = d->cfg, .generation = d->generation + 1};
}

static struct disk_file *find_file(struct disk *d, uint32_t id)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i]->id == id && !d->files[i]->is_finished)
            return d->files[i];
    }
    return NULL;
}

static struct disk_file *add_file(struct disk *d, uint32_t id, struct source *s, bool is_writing)
{
    if (d->file_count == d->file_cap) {
        d->file_cap = d->file_cap * 2 + 8;
        d->files = realloc(d->files, d->file_cap * sizeof(struct disk_file *));
    }
    struct disk_file *f = calloc(1, sizeof(*f));
    if (d->files == NULL || f == NULL)
        abort();
    *f = (struct disk_file){.id = id, .source = s, .is_writing = is_writing};
    ranges_init(&f->written, WRITTEN_RANGES);
    d->files[d->file_count++] = f;
    return f;
}

/* The file a path or a name means: names are unique in a world. */
static struct source *find_source(struct world *w, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : path;

    for (size_t i = 0; name != NULL && i < w->deed_count; i++) {
        struct source *s = w->deeds[i].source;
        if (s != NULL && strcmp(s->name, name) == 0)
            return s;
    }
    world_fail(w, "the disk is asked for \"%s\", which is no file of this world", path != NULL ? path : "(null)");
    return NULL;
}

static char *text_of(const char *folder, const char *name)
{
    size_t cap = strlen(folder) + strlen(name) + 1;
    char *text = malloc(cap);

    if (text == NULL)
        abort();
    snprintf(text, cap, "%s%s", folder, name);
    return text;
}

static void fail_with(struct disk_result *done, int sys)
{
    done->err = DUET_ESYS;
    done->sys = sys;
}

static struct disk_result do_open(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_OPENED, .id = job->id};
    struct source *s = find_source(w, job->open.path);

    if (find_file(d, job->id) != NULL)
        world_fail(w, "transfer %u is opened twice", job->id);
    if (s == NULL || s->fault == FAULT_OPEN) {
        fail_with(&done, ENOENT);
        return done;
    }
    add_file(d, job->id, s, false);
    done.opened.bytes = s->bytes;
    done.opened.name = text_of("", s->name);
    return done;
}

static struct disk_result do_read(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_READ, .id = job->id, .read = {.chunk = job->read.chunk}};
    struct disk_file *f = find_file(d, job->id);

    job->read.chunk->used = 0;
    if (f == NULL || f->is_writing || job->read.offset != f->read_next) {
        world_fail(w, "transfer %u: read at %llu, which is not the next", job->id,
                   (unsigned long long)job->read.offset);
        done.err = DUET_EINVAL;
        return done;
    }
    struct source *s = f->source;
    uint64_t end = s->fault == FAULT_SHRINKS ? s->fault_at : s->bytes;
    uint64_t left = job->read.offset < end ? end - job->read.offset : 0;
    uint32_t n = left < CHUNK_BYTES ? (uint32_t)left : CHUNK_BYTES;
    if (s->fault == FAULT_READ && job->read.offset + n > s->fault_at) {
        fail_with(&done, EIO);
        f->read_next += n; /* reads queued behind it still come */
        return done;
    }
    source_fill(s, job->read.offset, job->read.chunk->bytes, n);
    job->read.chunk->used = n;
    f->read_next += n;
    return done;
}

static struct disk_result do_digest(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_DIGEST, .id = job->id};
    struct disk_file *f = find_file(d, job->id);

    if (f == NULL || f->is_writing) {
        world_fail(w, "transfer %u: digest of a file that is not open", job->id);
        done.err = DUET_EINVAL;
        return done;
    }
    if (f->source->fault == FAULT_CHANGES || f->read_next != f->source->bytes)
        done.err = DUET_EINTEGRITY;
    else
        memcpy(done.digest.digest, source_digest(f->source), DIGEST_BYTES);
    if (f->source->fault == FAULT_NONE && f->read_next != f->source->bytes)
        world_fail(w, "transfer %u: digest before the whole file was read", job->id);
    f->is_finished = true;
    return done;
}

static struct disk_result do_create(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_CREATED, .id = job->id};
    struct source *s = find_source(w, job->create.name);

    if (find_file(d, job->id) != NULL)
        world_fail(w, "transfer %u is created twice", job->id);
    if (s == NULL || s->fault == FAULT_CREATE) {
        fail_with(&done, EACCES);
        return done;
    }
    if (job->create.bytes != s->bytes)
        world_fail(w, "%s is created with %llu bytes", s->name, (unsigned long long)job->create.bytes);
    add_file(d, job->id, s, true);
    return done;
}

/* Every run: inside the file, not written before, and the right bytes. */
static void check_run(struct world *w, struct disk_file *f, const struct chunk *c, const struct chunk_run *r)
{
    static uint8_t want[CHUNK_BYTES];
    const struct source *s = f->source;

    if ((uint64_t)r->at + r->len > c->used || r->len == 0 || r->offset + r->len > s->bytes) {
        world_fail(w, "%s: run of %u bytes for offset %llu at %u of %u", s->name, r->len, (unsigned long long)r->offset,
                   r->at, c->used);
        return;
    }
    if (ranges_overlap(&f->written, r->offset, r->offset + r->len) != 0)
        world_fail(w, "%s: bytes from %llu are written twice", s->name, (unsigned long long)r->offset);
    source_fill(s, r->offset, want, r->len);
    if (memcmp(want, c->bytes + r->at, r->len) != 0)
        world_fail(w, "%s: wrong bytes at %llu", s->name, (unsigned long long)r->offset);
    if (ranges_add(&f->written, r->offset, r->offset + r->len) < 0)
        abort();
}

static struct disk_result do_write(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_WROTE, .id = job->id, .wrote = {.chunk = job->write.chunk}};
    struct disk_file *f = find_file(d, job->id);
    const struct chunk *c = job->write.chunk;

    if (f == NULL || !f->is_writing || c->used > CHUNK_BYTES || c->run_count > CHUNK_RUNS) {
        world_fail(w, "transfer %u: write to a file that is not open, or of a broken chunk", job->id);
        done.err = DUET_EINVAL;
        return done;
    }
    uint64_t total = ranges_overlap(&f->written, 0, UINT64_MAX) + c->used;
    if (f->source->fault == FAULT_WRITE && total > f->source->fault_at) {
        fail_with(&done, ENOSPC);
        return done;
    }
    for (uint32_t i = 0; i < c->run_count && !w->failed; i++)
        check_run(w, f, c, &c->runs[i]);
    return done;
}

static struct disk_result do_commit(struct world *w, struct disk *d, const struct disk_job *job)
{
    struct disk_result done = {.type = DONE_COMMITTED, .id = job->id};
    struct disk_file *f = find_file(d, job->id);

    if (f == NULL || !f->is_writing) {
        world_fail(w, "transfer %u: commit of a file that is not open", job->id);
        done.err = DUET_EINVAL;
        return done;
    }
    struct source *s = f->source;
    f->is_finished = true;
    if (ranges_end_of(&f->written, 0) != s->bytes)
        world_fail(w, "%s: committed with %llu of %llu bytes", s->name,
                   (unsigned long long)ranges_overlap(&f->written, 0, UINT64_MAX), (unsigned long long)s->bytes);
    if (memcmp(job->commit.digest, source_digest(s), DIGEST_BYTES) != 0)
        world_fail(w, "%s: committed under a wrong digest", s->name);
    if (s->fault == FAULT_COMMIT) {
        fail_with(&done, EIO);
        return done;
    }
    d->committed++;
    ui_on_commit(w, s);
    done.committed.path = text_of("/in/", s->name);
    return done;
}

static void do_abort(struct disk *d, const struct disk_job *job)
{
    struct disk_file *f = find_file(d, job->id);

    if (f != NULL)
        f->is_finished = true;
}

/* Does it; false: a job without an answer. */
static bool do_job(struct world *w, struct disk *d, const struct disk_job *job, struct disk_result *done)
{
    switch (job->type) {
    case JOB_OPEN:
        *done = do_open(w, d, job);
        break;
    case JOB_READ:
        *done = do_read(w, d, job);
        break;
    case JOB_DIGEST:
        *done = do_digest(w, d, job);
        break;
    case JOB_CREATE:
        *done = do_create(w, d, job);
        break;
    case JOB_WRITE:
        *done = do_write(w, d, job);
        break;
    case JOB_COMMIT:
        *done = do_commit(w, d, job);
        break;
    case JOB_ABORT:
        do_abort(d, job);
        break;
    }
    return job->type != JOB_ABORT && !w->failed;
}

static void start_next(struct world *w, struct node *n);

static void job_fire(struct world *w, struct event *e)
{
    struct node *n = ((struct disk_event *)e)->node;
    struct disk *d = &n->disk;

    if (((struct disk_event *)e)->generation != d->generation)
        return; /* the node died meanwhile: the disk was emptied with it */
    if (n->is_frozen) {
        d->is_busy = false;
        return; /* thawing starts it again */
    }
    struct disk_job job = d->jobs[d->first];
    d->first = (d->first + 1) % DISK_QUEUE;
    d->count--;
    d->is_busy = false;
    struct disk_result done;
    bool has_answer = do_job(w, d, &job, &done);
    disk_job_dispose(&job);
    start_next(w, n);
    if (has_answer)
        world_tell_done(w, n, &done);
}

static uint64_t job_us(const struct disk_config *c, const struct disk_job *job)
{
    uint64_t bytes = job->type == JOB_WRITE ? job->write.chunk->used : job->type == JOB_READ ? CHUNK_BYTES : 0;

    return c->latency_us + (c->rate_bytes_per_s != 0 ? bytes * US_PER_S / c->rate_bytes_per_s : 0);
}

static void start_next(struct world *w, struct node *n)
{
    struct disk *d = &n->disk;

    if (d->is_busy || d->count == 0)
        return;
    struct disk_event *e = calloc(1, sizeof(*e));
    if (e == NULL)
        abort();
    e->event = (struct event){.fire = job_fire, .is_owned = true};
    e->node = n;
    e->generation = d->generation;
    d->is_busy = true;
    world_set_event(w, &e->event, time_add(w->now, job_us(&d->cfg, &d->jobs[d->first])));
}

/* The chunk that is the disk's while it has the job; NULL: none. */
static const struct chunk *chunk_of(const struct disk_job *job)
{
    if (job->type == JOB_READ)
        return job->read.chunk;
    return job->type == JOB_WRITE ? job->write.chunk : NULL;
}

static void check_chunk(struct world *w, const struct disk *d, const struct disk_job *job)
{
    const struct chunk *c = chunk_of(job);

    if (c == NULL)
        return;
    for (size_t i = 0; i < d->count; i++)
        if (chunk_of(&d->jobs[(d->first + i) % DISK_QUEUE]) == c)
            world_fail(w, "one chunk is in two jobs");
    if (c->index >= CHUNK_POOL)
        world_fail(w, "chunk %u is beyond its pool", c->index);
}

bool disk_push(struct world *w, struct node *n, const struct disk_job *job)
{
    struct disk *d = &n->disk;

    if (d->count == DISK_QUEUE)
        return false;
    check_chunk(w, d, job);
    d->jobs[(d->first + d->count++) % DISK_QUEUE] = *job;
    start_next(w, n);
    return true;
}

void disk_resume(struct world *w, struct node *n)
{
    start_next(w, n);
}

size_t disk_open_files(const struct disk *d)
{
    size_t open = 0;

    for (size_t i = 0; i < d->file_count; i++)
        open += d->files[i]->is_writing && !d->files[i]->is_finished;
    return open;
}

size_t disk_chunks(const struct disk *d)
{
    size_t held = 0;

    for (size_t i = 0; i < d->count; i++)
        held += chunk_of(&d->jobs[(d->first + i) % DISK_QUEUE]) != NULL;
    return held;
}
