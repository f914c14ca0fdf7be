#include "io/disk.h"

#include "unit.h"
#include <errno.h>
#include <sys/resource.h>
#include <xxhash.h>

#include "base/err.h"
#include "io/partfile.h"
#include "tmpdir.h"

static _Alignas(COPY_ALIGN_BYTES) uint8_t chunk_bytes[CHUNK_BYTES];
static struct chunk chunk = {.bytes = chunk_bytes};

static struct disk *disk_in(const struct tmpdir *d)
{
    struct disk *k = NULL;
    int sys = 0;

    umask(022);
    cr_assert_eq(disk_new(d->path, true, &k, &sys), 0);
    return k;
}

static struct disk_job open_of(uint32_t id, const char *path)
{
    return (struct disk_job){.type = JOB_OPEN, .id = id, .open = {.path = strdup(path)}};
}

static struct disk_job read_of(uint32_t id)
{
    return (struct disk_job){.type = JOB_READ, .id = id, .read = {.chunk = &chunk}};
}

static struct disk_job digest_of(uint32_t id)
{
    return (struct disk_job){.type = JOB_DIGEST, .id = id};
}

static struct disk_job write_of(uint32_t id)
{
    return (struct disk_job){.type = JOB_WRITE, .id = id, .write = {.chunk = &chunk}};
}

static struct disk_job create(uint32_t id, const char *name, uint64_t bytes)
{
    return (struct disk_job){.type = JOB_CREATE, .id = id, .create = {.name = strdup(name), .bytes = bytes}};
}

static struct disk_job commit(uint32_t id, const char *text)
{
    struct disk_job m = {.type = JOB_COMMIT, .id = id};
    XXH128_canonical_t c;

    XXH128_canonicalFromHash(&c, XXH3_128bits(text, strlen(text)));
    memcpy(m.commit.digest, c.digest, DIGEST_BYTES);
    return m;
}

static void load(const char *text)
{
    chunk.used = 0;
    chunk.run_count = 0;
    chunk_append(&chunk, 0, (const uint8_t *)text, strlen(text));
}

/* Does a job that is to be answered, with this type and id. */
static struct disk_result ask(struct disk *k, struct disk_job job, enum disk_result_type answer)
{
    struct disk_result done;
    const uint32_t id = job.id;

    cr_assert(disk_handle(k, &job, &done));
    cr_assert_eq(done.type, answer);
    cr_assert_eq(done.id, id);
    return done;
}

Test(disk, receives_a_file_and_names_its_final_path)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_result done;
    struct stat st;
    bool found;

    cr_expect_eq(ask(k, create(1, "f.txt", 5), DONE_CREATED).err, 0);
    cr_expect_eq(tmpdir_count(&d, ".duet-part-"), 1);
    load("hello");
    done = ask(k, write_of(1), DONE_WROTE);
    cr_expect_eq(done.err, 0);
    cr_expect_eq(done.wrote.chunk, &chunk);
    done = ask(k, commit(1, "hello"), DONE_COMMITTED);
    cr_expect_eq(done.err, 0);
    cr_expect_str_eq(done.committed.path, tmpdir_path(&d, "f.txt"));
    disk_result_dispose(&done);
    cr_expect_str_eq(tmpdir_get(&d, "f.txt", &found), "hello");
    cr_assert_eq(fstatat(d.fd, "f.txt", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0644, "0666 less the umask");
    cr_expect_eq(ask(k, commit(1, "hello"), DONE_COMMITTED).err, DUET_ENOTFOUND, "it is over");
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, sends_a_file_and_ends_it_with_the_digest)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_result done;
    const struct disk_job want = commit(0, "hello");

    tmpdir_put(&d, "f.txt", "hello", 5);
    done = ask(k, open_of(7, tmpdir_path(&d, "f.txt")), DONE_OPENED);
    cr_expect_eq(done.err, 0);
    cr_expect_eq(done.opened.bytes, 5);
    cr_expect_str_eq(done.opened.name, "f.txt");
    disk_result_dispose(&done);
    done = ask(k, read_of(7), DONE_READ);
    cr_expect_eq(done.err, 0);
    cr_expect_eq(done.read.chunk, &chunk);
    cr_expect_eq(chunk.used, 5);
    done = ask(k, digest_of(7), DONE_DIGEST);
    cr_expect_eq(done.err, 0);
    cr_expect_eq(memcmp(done.digest.digest, want.commit.digest, DIGEST_BYTES), 0);
    cr_expect_eq(ask(k, read_of(7), DONE_READ).err, DUET_ENOTFOUND, "it is over");
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, a_file_that_changed_is_never_called_good)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_result done;

    tmpdir_put(&d, "f", "hello", 5);
    done = ask(k, open_of(7, tmpdir_path(&d, "f")), DONE_OPENED);
    disk_result_dispose(&done);
    cr_expect_eq(ask(k, read_of(7), DONE_READ).err, 0);
    tmpdir_put(&d, "f", "hell", 4);
    cr_expect_eq(ask(k, digest_of(7), DONE_DIGEST).err, DUET_EINTEGRITY);
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, a_file_that_grew_is_good_as_far_as_it_was_offered)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_result done;

    tmpdir_put(&d, "f", "hello", 5);
    done = ask(k, open_of(7, tmpdir_path(&d, "f")), DONE_OPENED);
    disk_result_dispose(&done);
    tmpdir_put(&d, "f", "hello, world", 12);
    cr_expect_eq(ask(k, read_of(7), DONE_READ).err, 0);
    cr_expect_eq(chunk.used, 5);
    done = ask(k, digest_of(7), DONE_DIGEST);
    cr_expect_eq(done.err, 0);
    cr_expect(done.digest.grew);
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, a_chunk_comes_back_whatever_happens)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);

    load("x");
    struct disk_result done = ask(k, read_of(99), DONE_READ);

    cr_expect_eq(done.err, DUET_ENOTFOUND);
    cr_expect_eq(done.read.chunk, &chunk);
    load("x");
    done = ask(k, write_of(99), DONE_WROTE);
    cr_expect_eq(done.err, DUET_ENOTFOUND);
    cr_expect_eq(done.wrote.chunk, &chunk);
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, the_two_directions_do_not_mix)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_result done;

    tmpdir_put(&d, "f", "hello", 5);
    done = ask(k, open_of(1, tmpdir_path(&d, "f")), DONE_OPENED);
    disk_result_dispose(&done);
    load("x");
    cr_expect_eq(ask(k, write_of(1), DONE_WROTE).err, DUET_ENOTFOUND);
    cr_expect_eq(ask(k, commit(1, "hello"), DONE_COMMITTED).err, DUET_ENOTFOUND);
    cr_expect_eq(ask(k, create(1, "g", 1), DONE_CREATED).err, DUET_EINVAL, "the number is taken");
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, failures_of_opening_name_the_file_and_the_reason)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    static const struct {
        const char *path, *base;
        int err, sys;
    } row[] = {
        {"/nowhere/file", "file", DUET_ESYS, ENOENT},
        {"/tmp/", "tmp", DUET_ESYS, EISDIR},
        {"/", "/", DUET_ESYS, EISDIR},
        {"/dev/null", "null", DUET_EUNSUPPORTED, 0},
        {"", "", DUET_ESYS, ENOENT},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct disk_result done = ask(k, open_of(1, row[i].path), DONE_OPENED);

        cr_expect_eq(done.err, row[i].err, "%s", row[i].path);
        cr_expect_eq(done.sys, row[i].sys, "%s", row[i].path);
        cr_expect_str_eq(done.opened.name, row[i].base);
        disk_result_dispose(&done);
    }
    disk_free(k);
    tmpdir_remove(&d);
}

Test(disk, abort_and_the_end_leave_no_temporary_file)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct disk_job job = {.type = JOB_ABORT, .id = 2};
    struct disk_result done;

    for (uint32_t id = 1; id <= 3; id++)
        cr_assert_eq(ask(k, create(id, "f", 5), DONE_CREATED).err, 0);
    cr_expect_eq(tmpdir_count(&d, ""), 3);
    cr_expect(!disk_handle(k, &job, &done), "no answer");
    cr_expect_eq(tmpdir_count(&d, ""), 2);
    job = (struct disk_job){.type = JOB_ABORT, .id = 55};
    cr_expect(!disk_handle(k, &job, &done), "unknown is fine");
    cr_expect_eq(ask(k, commit(1, "wrong"), DONE_COMMITTED).err, DUET_EINTEGRITY);
    cr_expect_eq(tmpdir_count(&d, ""), 1);
    disk_free(k);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

Test(disk, a_bad_folder_is_said_at_the_start_or_with_the_first_file)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = NULL;
    int sys = 0;

    cr_expect_eq(disk_new(tmpdir_path(&d, "none"), true, &k, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOENT);
    cr_expect_null(k);
    tmpdir_put(&d, "file", "", 0);
    cr_expect_eq(disk_new(tmpdir_path(&d, "file"), true, &k, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOTDIR);

    cr_assert_eq(disk_new(tmpdir_path(&d, "none"), false, &k, &sys), 0);
    struct disk_result done = ask(k, create(1, "f", 1), DONE_CREATED);

    cr_expect_eq(done.err, DUET_ESYS);
    cr_expect_eq(done.sys, ENOENT);
    disk_result_dispose(&done);
    disk_free(k);
    tmpdir_remove(&d);
}

/* Receives a small file; the answer to its JOB_COMMIT, with `change` after its bytes. */
static struct disk_result receive(struct disk *k, uint32_t id, void (*change)(const struct tmpdir *),
                                  const struct tmpdir *d)
{
    struct disk_result done = ask(k, create(id, "f", 5), DONE_CREATED);

    cr_expect_eq(done.err, 0, "%s", done.created.why != NULL ? done.created.why : "");
    load("hello");
    cr_expect_eq(ask(k, write_of(id), DONE_WROTE).err, 0);
    if (change != NULL)
        change(d);
    return ask(k, commit(id, "hello"), DONE_COMMITTED);
}

static void move(const struct tmpdir *d)
{
    cr_assert_eq(renameat(d->fd, "in", d->fd, "moved"), 0);
    cr_assert_eq(mkdirat(d->fd, "in", 0700), 0);
}

static void remove_it(const struct tmpdir *d)
{
    DIR *dir = opendir(tmpdir_path(d, "in"));

    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        (void)unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
    cr_assert_eq(unlinkat(d->fd, "in", AT_REMOVEDIR), 0);
    cr_assert_eq(mkdirat(d->fd, "in", 0700), 0);
}

Test(disk, a_folder_made_again_takes_the_next_file_and_a_printed_path_leads_to_its_file)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = NULL;
    struct disk_result done;
    bool found;
    int sys = 0;

    cr_assert_eq(mkdirat(d.fd, "in", 0700), 0);
    cr_assert_eq(disk_new(tmpdir_path(&d, "in"), true, &k, &sys), 0);
    done = receive(k, 1, remove_it, &d);
    cr_expect_eq(done.err, DUET_ESYS);
    cr_expect_eq(done.sys, ENOENT);
    cr_expect_not_null(strstr(done.committed.why, "was removed"));
    disk_result_dispose(&done);
    done = receive(k, 2, NULL, &d);
    cr_expect_eq(done.err, 0, "it is there again");
    cr_expect_str_eq(done.committed.path, tmpdir_path(&d, "in/f"));
    disk_result_dispose(&done);
    cr_expect_str_eq(tmpdir_get(&d, "in/f", &found), "hello");
    done = receive(k, 3, move, &d);
    cr_expect_eq(done.err, 0);
    cr_expect_str_eq(done.committed.path, tmpdir_path(&d, "moved/f (1)"));
    disk_result_dispose(&done);
    cr_expect_str_eq(tmpdir_get(&d, "moved/f (1)", &found), "hello");
    cr_expect_eq(tmpdir_count(&d, ""), 2);
    disk_free(k);
    tmpdir_remove(&d);
}

static void give(struct mqueue *jobs, struct disk_job job)
{
    cr_assert(mqueue_push_wait(jobs, &job));
}

Test(disk, the_thread_answers_every_job_in_order_and_ends_with_its_queue)
{
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct mqueue *jobs = mqueue_new(&disk_job_kind, 4), *results = mqueue_new(&disk_result_kind, 2);
    struct disk_result done;
    bool found;
    int sys = 0;

    cr_assert_eq(disk_start(k, jobs, results, &sys), 0);
    give(jobs, create(1, "f", 5));
    load("hello");
    give(jobs, write_of(1));
    give(jobs, commit(1, "hello"));
    static const enum disk_result_type want[] = {DONE_CREATED, DONE_WROTE, DONE_COMMITTED};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(mqueue_pop_wait(results, &done));
        cr_expect_eq(done.type, want[i]);
        cr_expect_eq(done.err, 0);
        disk_result_dispose(&done);
    }
    give(jobs, create(2, "unfinished", 5));
    mqueue_close(jobs);
    mqueue_close(results); /* net is gone: the answer has nowhere to go */
    disk_join(k);
    disk_free(k);
    cr_expect_str_eq(tmpdir_get(&d, "f", &found), "hello");
    cr_expect_eq(tmpdir_count(&d, ""), 1);
    mqueue_free(jobs);
    mqueue_free(results);
    tmpdir_remove(&d);
}

static void answered(struct mqueue *results, enum disk_result_type type, uint32_t id)
{
    struct disk_result m;

    cr_assert(mqueue_pop_wait(results, &m));
    cr_expect_eq(m.type, type);
    cr_expect_eq(m.id, id);
    cr_expect_eq(m.err, 0);
    disk_result_dispose(&m);
}

Test(disk, others_take_their_turns_while_a_file_is_read_back)
{
    enum { BYTES = 5 * PARTFILE_CATCH_UP_BYTES };
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct mqueue *jobs = mqueue_new(&disk_job_kind, 4), *results = mqueue_new(&disk_result_kind, 1);
    char *zeros = calloc(1, BYTES + 1);
    XXH128_canonical_t hash;
    struct disk_job whole = {.type = JOB_COMMIT, .id = 1};
    int sys = 0;

    cr_assert_eq(disk_start(k, jobs, results, &sys), 0);
    give(jobs, create(1, "f", BYTES));
    answered(results, DONE_CREATED, 1);
    for (size_t at = BYTES; at > 0;) {
        at -= CHUNK_BYTES;
        chunk.used = chunk.run_count = 0;
        chunk_append(&chunk, at, (const uint8_t *)zeros, CHUNK_BYTES);
        give(jobs, write_of(1));
        answered(results, DONE_WROTE, 1);
    }
    XXH128_canonicalFromHash(&hash, XXH3_128bits(zeros, BYTES));
    memcpy(whole.commit.digest, hash.digest, DIGEST_BYTES);
    give(jobs, create(2, "a", 1)); /* fills the one place for an answer, */
    give(jobs, create(3, "b", 1)); /* so that with this one the thread stands until all are queued */
    give(jobs, whole);
    give(jobs, create(4, "c", 1));
    answered(results, DONE_CREATED, 2);
    answered(results, DONE_CREATED, 3);
    answered(results, DONE_CREATED, 4);
    answered(results, DONE_COMMITTED, 1);
    mqueue_close(jobs);
    disk_join(k);
    disk_free(k);
    free(zeros);
    mqueue_free(jobs);
    mqueue_free(results);
    tmpdir_remove(&d);
}

/* ---- descriptors ---- */

/* Takes every descriptor that is left; how many. */
static size_t use_up(int fds[], size_t most)
{
    size_t count = 0;

    while (count < most && (fds[count] = dup(0)) >= 0)
        count++;
    cr_assert_eq(errno, EMFILE);
    return count;
}

Test(disk, a_file_waits_for_a_descriptor)
{
    enum { MOST = 64 };
    struct tmpdir d = tmpdir_make();
    struct disk *k = disk_in(&d);
    struct mqueue *jobs = mqueue_new(&disk_job_kind, 8), *results = mqueue_new(&disk_result_kind, 8);
    struct disk_result m;
    int fds[MOST], sys = 0;

    cr_assert_eq(disk_start(k, jobs, results, &sys), 0);
    tmpdir_put(&d, "source", "hello", 5);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = MOST, .rlim_max = MOST}), 0);
    const size_t count = use_up(fds, MOST);

    give(jobs, create(1, "a", 1));
    give(jobs, open_of(2, tmpdir_path(&d, "source")));
    give(jobs, create(3, "c", 1));
    give(jobs, (struct disk_job){.type = JOB_ABORT, .id = 3});
    cr_assert(mqueue_pop_wait(results, &m));
    cr_expect_eq(m.type, DONE_CREATED);
    cr_expect_eq(m.id, 3, "only what was given up is answered");
    cr_expect_eq(m.err, DUET_ECANCELLED);
    cr_expect_not(mqueue_pop(results, &m));
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    answered(results, DONE_CREATED, 1);
    answered(results, DONE_OPENED, 2);
    mqueue_close(jobs);
    disk_join(k);
    disk_free(k);
    mqueue_free(jobs);
    mqueue_free(results);
    tmpdir_remove(&d);
}
