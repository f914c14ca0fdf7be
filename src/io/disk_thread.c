/*
 * disk_thread: whose turn it is.  One job after the other, but for three: a
 * file that has to be read back is, a part at a time; one for which there is no
 * descriptor waits until there is; and files being received are touched, so
 * that nobody takes them for left over.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/clock.h"
#include "io/disk_state.h"
#include "io/worker.h"

#define DISK_DESCRIPTOR_US (30 * US_PER_S) /* what a file waits for a descriptor before it fails */
#define DISK_RETRY_US (200 * US_PER_MS)

static void push_result(struct disk *d, struct disk_result *done)
{
    if (!mqueue_push_wait(d->results, done))
        disk_result_dispose(done); /* net has ended; its chunks are the hub's pool's */
}

static void answer(struct disk *d, struct disk_job *job)
{
    struct disk_result done;

    if (disk_handle(d, job, &done))
        push_result(d, &done);
}

/* ---- files that wait for a descriptor ---- */

static bool opens_a_file(const struct disk_job *job)
{
    return job->type == JOB_OPEN || job->type == JOB_CREATE;
}

/* false: no memory. */
static bool copy_job(const struct disk_job *job, struct disk_job *copy)
{
    char **text = job->type == JOB_OPEN ? &copy->open.path : &copy->create.name;

    *copy = *job;
    *text = strdup(*text);
    return *text != NULL;
}

static bool lacks_descriptor(const struct disk_result *done)
{
    return done->err == DUET_ESYS && (done->sys == EMFILE || done->sys == ENFILE);
}

/* Answers it, or, should there be no descriptor left, parks it until `until`. */
static void open_or_park(struct disk *d, struct disk_job *job, duet_time until)
{
    struct disk_job again;
    struct disk_result done;
    const bool is_copied = copy_job(job, &again);

    (void)disk_handle(d, job, &done);
    if (lacks_descriptor(&done) && is_copied && d->parked_count < DISK_PARKED && !time_due(until, clock_now())) {
        d->parked[d->parked_count++] = (struct parked){.job = again, .until = until};
        disk_result_dispose(&done);
        return;
    }
    disk_job_dispose(&again);
    push_result(d, &done);
}

static struct parked take_parked(struct disk *d, size_t i)
{
    const struct parked p = d->parked[i];

    d->parked_count--;
    memmove(&d->parked[i], &d->parked[i + 1], (d->parked_count - i) * sizeof(d->parked[0]));
    return p;
}

/* Tries the parked ones anew, from time to time: who holds the descriptors may be another
 * program. */
static void retry_parked(struct disk *d)
{
    const duet_time now = clock_now();

    if (d->parked_count == 0 || !time_due(d->retry_at, now))
        return;
    d->retry_at = time_add(now, DISK_RETRY_US);
    for (size_t left = d->parked_count; left > 0; left--) {
        struct parked p = take_parked(d, 0);

        open_or_park(d, &p.job, p.until);
    }
}

/* JOB_ABORT of one that waits: its job is still answered. */
static void forget_parked(struct disk *d, uint32_t id)
{
    for (size_t i = 0; i < d->parked_count; i++) {
        if (d->parked[i].job.id != id)
            continue;
        struct parked p = take_parked(d, i);
        struct disk_result done = {.type = p.job.type == JOB_OPEN ? DONE_OPENED : DONE_CREATED, .id = id};

        done.err = DUET_ECANCELLED;
        disk_job_dispose(&p.job);
        push_result(d, &done);
        return;
    }
}

/* ---- turns ---- */

/* A file whose end came first is read back for its hash, a part at a time, and others take their
 * turns between the parts. */
static void commit_in_turn(struct disk *d, struct disk_job *job)
{
    const struct open_file *f = disk_find(d, job->id);

    if (f == NULL || f->part == NULL || d->commit_count == DISK_FILES || partfile_catch_up(f->part))
        answer(d, job);
    else
        d->commits[d->commit_count++] = *job;
}

static void next_commit(struct disk *d)
{
    struct disk_job job = d->commits[0];

    d->commit_count--;
    memmove(&d->commits[0], &d->commits[1], d->commit_count * sizeof(d->commits[0]));
    commit_in_turn(d, &job);
}

/* Shows that the files being received are not left over; the time until it is due again, in ms, -1:
 * never. */
static int touch_parts(struct disk *d)
{
    const duet_time now = clock_now();
    bool any = false;

    for (size_t i = 0; i < d->count; i++) {
        const struct partfile *p = d->files[i].part;

        any = any || p != NULL;
        if (p != NULL && time_due(d->touch_at, now))
            partfile_touch(p);
    }
    if (time_due(d->touch_at, now))
        d->touch_at = time_add(now, PARTFILE_TOUCH_S * US_PER_S);
    return any ? (int)(time_since(d->touch_at, now) / US_PER_MS) + 1 : -1;
}

/* Most to sleep, in ms; -1: until there is a job. */
static int sleep_ms(struct disk *d)
{
    const int touch_ms = touch_parts(d);
    const int retry_ms = (int)(DISK_RETRY_US / US_PER_MS);

    if (d->parked_count == 0)
        return touch_ms;
    return touch_ms >= 0 && touch_ms < retry_ms ? touch_ms : retry_ms;
}

/* false: closed and empty. */
static bool wait_for_job(struct disk *d, struct disk_job *job)
{
    struct pollfd wait = {.fd = mqueue_ready_fd(d->jobs), .events = POLLIN};
    int ready = 0;

    while (!mqueue_pop(d->jobs, job)) {
        if (ready > 0) /* and still empty */
            return false;
        ready = poll(&wait, 1, sleep_ms(d));
        retry_parked(d);
    }
    return true;
}

static void do_job(struct disk *d, struct disk_job *job)
{
    if (job->type == JOB_COMMIT) {
        commit_in_turn(d, job);
    } else if (opens_a_file(job)) {
        open_or_park(d, job, time_add(clock_now(), DISK_DESCRIPTOR_US));
    } else {
        if (job->type == JOB_ABORT)
            forget_parked(d, job->id);
        answer(d, job);
    }
}

static void *body(void *arg)
{
    struct disk *d = arg;
    struct disk_job job;

    for (;;) {
        touch_parts(d);
        retry_parked(d);
        const bool any = d->commit_count > 0 ? mqueue_pop(d->jobs, &job) : wait_for_job(d, &job);

        if (!any && d->commit_count == 0)
            break;
        if (any)
            do_job(d, &job);
        if (d->commit_count > 0)
            next_commit(d);
    }
    while (d->parked_count > 0) { /* nobody is left to answer */
        struct parked p = take_parked(d, 0);

        disk_job_dispose(&p.job);
    }
    return NULL;
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
