/*
 * disk: the file worker: jobs in, results out (app/disk_job.h), one after the other.
 *
 * JOB_OPEN and JOB_CREATE that fail leave nothing behind; JOB_DIGEST and
 * JOB_COMMIT end the file whatever comes of it; JOB_ABORT ends it without a
 * word.  Jobs of ids that are not open are answered DUET_ENOTFOUND.  A file for
 * which the process or the system has no descriptor left waits for one, half a
 * minute at most.  What is still open when the thread ends is aborted, so no
 * temporary file is left.
 */
#ifndef DUET_IO_DISK_H
#define DUET_IO_DISK_H

#include <stdbool.h>

#include "app/disk_job.h"
#include "io/mqueue.h"

#define DISK_FILES 1024 /* open at once, both directions: LIMIT_STREAMS files for each of a handful of peers */

struct disk;

/* Holds the directory received files go to; NULL: the current one.  Reads the umask, so: before any thread starts.
 * `must_write`: a directory that cannot be written to is an error here, not only with the first file.
 * 0, DUET_ENOMEM, DUET_ESYS (errno in *sys). */
int disk_new(const char *out_dir, bool must_write, struct disk **out, int *sys);
/* Aborts what is open.  NULL is fine. */
void disk_free(struct disk *d);

/* Does one job, which it takes over: the disk thread's turn, also for tests.
 * true: *done is the answer, the caller's. */
bool disk_handle(struct disk *d, struct disk_job *job, struct disk_result *done);

/* The thread: jobs until `jobs` is closed and empty; answers to `results`, waiting for room.  0 or DUET_ESYS (*sys). */
int disk_start(struct disk *d, struct mqueue *jobs, struct mqueue *results, int *sys);
void disk_join(struct disk *d);

#endif
