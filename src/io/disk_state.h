/*
 * disk_state: what the files of disk.h share: disk.c does the jobs, disk_thread.c
 * decides whose turn it is.
 */
#ifndef DUET_IO_DISK_STATE_H
#define DUET_IO_DISK_STATE_H

#include <pthread.h>
#include <sys/types.h>

#include "base/time.h"
#include "io/disk.h"
#include "io/partfile.h"
#include "io/source.h"

#define DISK_PARKED 256 /* as many as there can be transfers (app/env.h) */

/* A JOB_OPEN or JOB_CREATE for which there was no file descriptor. */
struct parked {
    struct disk_job job;
    duet_time until;
};

struct open_file {
    uint32_t id;
    struct source *source; /* one of the two */
    struct partfile *part;
    int dirfd; /* of the part */
};

struct disk {
    char *dir; /* as the user gave it */
    mode_t mode;
    struct mqueue *jobs, *results;
    pthread_t thread;
    duet_time sweep_at; /* the next look for what killed processes left in the directory */
    duet_time touch_at; /* the next sign of life for those who look */
    size_t count;
    struct open_file files[DISK_FILES];
    size_t commit_count;
    struct disk_job commits[DISK_FILES]; /* that wait until their files are read back, the next one first */
    duet_time retry_at;
    size_t parked_count;
    struct parked parked[DISK_PARKED]; /* the one that waits longest first */
};

struct open_file *disk_find(struct disk *d, uint32_t id); /* NULL: not open */

#endif
