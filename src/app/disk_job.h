/*
 * disk_job: what the net thread asks of the disk thread, and what it hears back.
 *
 * Every job but JOB_ABORT is answered by exactly one result with its id, the transfer's, and a chunk always comes back
 * with the result.  Who holds a job or a result owns its text.
 */
#ifndef DUET_APP_DISK_JOB_H
#define DUET_APP_DISK_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chunk.h"
#include "app/digest.h"
#include "app/message.h"

/* ---- net → disk ---- */

#define DISK_JOB_LIST(X) X(JOB_OPEN) X(JOB_READ) X(JOB_DIGEST) X(JOB_CREATE) X(JOB_WRITE) X(JOB_COMMIT) X(JOB_ABORT)

enum disk_job_type {
#define X(name) name,
    DISK_JOB_LIST(X)
#undef X
};

struct job_open {
    char *path;
};

struct job_read { /* up to CHUNK_BYTES, in order, hashed as they go */
    struct chunk *chunk;
    uint64_t offset;
};

struct job_create {
    char *name; /* through text_file_name already */
    uint64_t bytes;
};

struct job_write {
    struct chunk *chunk; /* its runs */
};

struct job_commit { /* everything was written: check, fsync, rename */
    uint8_t digest[DIGEST_BYTES];
};

struct disk_job {
    enum disk_job_type type;
    uint32_t id;
    union {
        struct job_open open;
        struct job_read read;
        /* JOB_DIGEST: the whole file was read: did it change meanwhile, and what is its digest? */
        struct job_create create;
        struct job_write write;
        struct job_commit commit;
        /* JOB_ABORT: forget the file; a received one that is not complete is removed.  Ids that are not open are
         * fine. */
    };
};

/* ---- disk → net ---- */

#define DISK_RESULT_LIST(X) X(DONE_OPENED) X(DONE_READ) X(DONE_DIGEST) X(DONE_CREATED) X(DONE_WROTE) X(DONE_COMMITTED)

enum disk_result_type {
#define X(name) name,
    DISK_RESULT_LIST(X)
#undef X
};

struct done_opened {
    char *name; /* the last part of the path */
    uint64_t bytes;
};

struct done_read {
    struct chunk *chunk; /* used: the bytes that were read */
};

struct done_digest { /* err DUET_EINTEGRITY: the file changed while it was being sent */
    uint8_t digest[DIGEST_BYTES];
    bool grew; /* and what was offered is its beginning */
};

struct done_created { /* err DUET_ENAME: the file system refuses the name */
    char *why;        /* with an error, for the receiver; NULL: there is nothing to add to err */
};

struct done_wrote {
    struct chunk *chunk;
};

struct done_committed {
    char *path; /* the final one */
    char *why;  /* as with created */
};

struct disk_result {
    enum disk_result_type type;
    uint32_t id;
    int32_t err; /* 0 or negative DUET_E… */
    int32_t sys; /* errno where err is DUET_ESYS */
    union {
        struct done_opened opened;
        struct done_read read;
        struct done_digest digest;
        struct done_created created;
        struct done_wrote wrote;
        struct done_committed committed;
    };
};

/* Frees what it owns (not chunks: they belong to a pool). */
void disk_job_dispose(struct disk_job *job);
void disk_result_dispose(struct disk_result *done);

const char *disk_job_name(enum disk_job_type type);

extern const struct message_kind disk_job_kind, disk_result_kind;

#endif
