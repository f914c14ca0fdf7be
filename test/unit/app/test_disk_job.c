#include "unit.h"
#include <stdlib.h>
#include <string.h>

#include "app/disk_job.h"

/* The leak checker of the asan build is the judge of the frees; here: what is not owned is left alone. */
Test(disk_job, disposes_of_its_texts_and_of_no_chunk)
{
    struct chunk *c = calloc(1, sizeof(*c));
    struct disk_job jobs[] = {
        {.type = JOB_OPEN, .open = {.path = strdup("/a/path")}},
        {.type = JOB_READ, .read = {.chunk = c}},
        {.type = JOB_DIGEST},
        {.type = JOB_CREATE, .create = {.name = strdup("name")}},
        {.type = JOB_WRITE, .write = {.chunk = c}},
        {.type = JOB_COMMIT, .commit = {.digest = {1}}},
        {.type = JOB_ABORT},
    };
    struct disk_result results[] = {
        {.type = DONE_OPENED, .opened = {.name = strdup("path"), .bytes = 7}},
        {.type = DONE_READ, .read = {.chunk = c}},
        {.type = DONE_DIGEST, .digest = {.digest = {1}}},
        {.type = DONE_CREATED, .created = {.why = strdup("no room")}},
        {.type = DONE_WROTE, .wrote = {.chunk = c}},
        {.type = DONE_COMMITTED, .committed = {.path = strdup("in/name")}},
    };

    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        disk_job_dispose(&jobs[i]);
        disk_job_dispose(&jobs[i]);
    }
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        disk_result_dispose(&results[i]);
        disk_result_dispose(&results[i]);
    }
    c->used = 1;
    free(c);
}

Test(disk_job, weighs_what_it_says)
{
    struct disk_job create = {.type = JOB_CREATE, .create = {.name = strdup("four")}};
    struct disk_job commit = {.type = JOB_COMMIT};
    struct disk_result failed = {.type = DONE_COMMITTED, .committed = {.why = strdup("sixsix")}};

    memset(commit.commit.digest, 'x', DIGEST_BYTES);
    cr_expect_eq(disk_job_kind.text_bytes(&create), 4);
    cr_expect_eq(disk_job_kind.text_bytes(&commit), 0, "a digest lies there");
    cr_expect_eq(disk_result_kind.text_bytes(&failed), 6);
    disk_job_dispose(&create);
    disk_result_dispose(&failed);
    cr_expect_str_eq(disk_job_name(JOB_ABORT), "JOB_ABORT");
}
