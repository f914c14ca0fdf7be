#include "app/disk_job.h"

#include <stdlib.h>
#include <string.h>

/* ---- jobs ---- */

static const char *text_of_job(const struct disk_job *job)
{
    switch (job->type) {
    case JOB_OPEN:
        return job->open.path;
    case JOB_CREATE:
        return job->create.name;
    case JOB_READ:
    case JOB_DIGEST:
    case JOB_WRITE:
    case JOB_COMMIT:
    case JOB_ABORT:
        return NULL;
    }
    return NULL;
}

void disk_job_dispose(struct disk_job *job)
{
    if (job->type == JOB_OPEN) {
        free(job->open.path);
        job->open.path = NULL;
    } else if (job->type == JOB_CREATE) {
        free(job->create.name);
        job->create.name = NULL;
    }
}

const char *disk_job_name(enum disk_job_type type)
{
    switch (type) {
#define X(name) \
    case name:  \
        return #name;
        DISK_JOB_LIST(X)
#undef X
    }
    return "JOB_?";
}

/* ---- results ---- */

static const char *text_of_result(const struct disk_result *done)
{
    switch (done->type) {
    case DONE_OPENED:
        return done->opened.name;
    case DONE_CREATED:
        return done->created.why;
    case DONE_COMMITTED:
        return done->committed.path != NULL ? done->committed.path : done->committed.why;
    case DONE_READ:
    case DONE_DIGEST:
    case DONE_WROTE:
        return NULL;
    }
    return NULL;
}

void disk_result_dispose(struct disk_result *done)
{
    switch (done->type) {
    case DONE_OPENED:
        free(done->opened.name);
        done->opened.name = NULL;
        break;
    case DONE_CREATED:
        free(done->created.why);
        done->created.why = NULL;
        break;
    case DONE_COMMITTED:
        free(done->committed.path);
        free(done->committed.why);
        done->committed = (struct done_committed){0};
        break;
    case DONE_READ:
    case DONE_DIGEST:
    case DONE_WROTE:
        break;
    }
}

/* ---- for queues ---- */

static size_t job_text_bytes(const void *m)
{
    const char *text = text_of_job(m);

    return text != NULL ? strlen(text) : 0;
}

static size_t result_text_bytes(const void *m)
{
    const char *text = text_of_result(m);

    return text != NULL ? strlen(text) : 0;
}

static void dispose_job(void *m)
{
    disk_job_dispose(m);
}

static void dispose_result(void *m)
{
    disk_result_dispose(m);
}

const struct message_kind disk_job_kind = {
    .bytes = sizeof(struct disk_job),
    .text_bytes = job_text_bytes,
    .dispose = dispose_job,
};

const struct message_kind disk_result_kind = {
    .bytes = sizeof(struct disk_result),
    .text_bytes = result_text_bytes,
    .dispose = dispose_result,
};
