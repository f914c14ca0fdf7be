/*
 * disk: a node's disk, in memory: executes jobs one after the other, each
 * taking some virtual time, and answers.  File contents are computed
 * (source.h), so what is written is compared at once and nothing is stored.
 *
 * Checks as it goes: jobs come in an order that a real disk thread can serve,
 * every byte written is the right one and is written once, a commit comes when
 * all are there, no chunk is in two places.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/disk_job.h"
#include "base/ranges.h"
#include "base/time.h"
#include "source.h"

#define DISK_QUEUE 64 /* jobs taken and not yet done; more are refused, as by a full queue */

struct world;
struct node;

struct disk_config {
    uint64_t latency_us;       /* each job */
    uint64_t rate_bytes_per_s; /* reads and writes; 0: no limit */
};

struct disk_file {
    uint32_t id;
    struct source *source;
    bool is_writing;
    bool is_finished; /* digest given, committed or aborted */
    uint64_t read_next;
    struct ranges written;
};

struct disk {
    struct disk_config cfg;
    struct disk_job jobs[DISK_QUEUE];
    size_t first, count;
    bool is_busy; /* an event for the first job is under way */
    struct disk_file **files;
    size_t file_count, file_cap;
    uint64_t committed;
    uint64_t generation; /* tells events of a dead node's disk from those of its successor */
};

void disk_dispose(struct disk *d);

/* Takes a job over; false: no room now. */
bool disk_push(struct world *w, struct node *n, const struct disk_job *job);

/* Goes on after its node was frozen. */
void disk_resume(struct world *w, struct node *n);

/* Files still open for writing; chunks held. */
size_t disk_open_files(const struct disk *d);
size_t disk_chunks(const struct disk *d);

#endif
