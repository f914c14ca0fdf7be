#include "io/partfile.h"

#include "unit.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <time.h>
#include <ucontext.h>
#include <xxhash.h>

#include "base/err.h"
#include "base/rand.h"
#include "deny.h"
#include "tmpdir.h"

#define PIECE 1000
#define PIECES 700
#define BYTES (PIECE * PIECES)
#define MODE 0640

static _Alignas(COPY_ALIGN_BYTES) uint8_t chunk_bytes[CHUNK_BYTES];
static struct chunk chunk = {.bytes = chunk_bytes};
static uint8_t content[BYTES];

static void make_content(void)
{
    struct duet_rand r;

    rand_init_u64(&r, 7);
    rand_bytes(&r, content, sizeof(content));
}

static void digest_of(const void *bytes, size_t len, uint8_t out[DIGEST_BYTES])
{
    XXH128_canonical_t c;

    XXH128_canonicalFromHash(&c, XXH3_128bits(bytes, len));
    memcpy(out, c.digest, DIGEST_BYTES);
}

static struct partfile *create(const struct tmpdir *d, const char *name, uint64_t bytes)
{
    struct partfile *p = NULL;
    int sys = 0;

    cr_assert_eq(partfile_create(d->fd, name, bytes, MODE, &p, &sys), 0, "%s: %d", name, sys);
    return p;
}

static void empty_chunk(void)
{
    chunk.used = 0;
    chunk.run_count = 0;
}

static int write_one(struct partfile *p, uint64_t offset, const void *bytes, size_t len)
{
    int sys = 0;

    empty_chunk();
    cr_assert_eq(chunk_append(&chunk, offset, bytes, len), len);
    return partfile_write(p, &chunk, &sys);
}

/* A whole small file under a name; returns commit's verdict. */
static int receive(const struct tmpdir *d, const char *name, const char *text, char final[PARTFILE_NAME_BYTES])
{
    struct partfile *p = create(d, name, strlen(text));
    uint8_t digest[DIGEST_BYTES];
    int sys = 0;

    digest_of(text, strlen(text), digest);
    if (text[0] != '\0')
        cr_assert_eq(write_one(p, 0, text, strlen(text)), 0);
    const int err = partfile_commit(p, digest, final, &sys);

    partfile_free(p);
    return err;
}

Test(partfile, becomes_the_file_with_its_mode_and_leaves_nothing_else)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];
    struct stat st;
    bool found;

    cr_assert_eq(receive(&d, "hello.txt", "hello", final), 0);
    cr_expect_str_eq(final, "hello.txt");
    cr_expect_str_eq(tmpdir_get(&d, "hello.txt", &found), "hello");
    cr_assert_eq(fstatat(d.fd, "hello.txt", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, MODE);
    cr_expect_eq(tmpdir_count(&d, ""), 1);
    tmpdir_remove(&d);
}

Test(partfile, an_empty_file_is_a_file)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];
    bool found;

    cr_assert_eq(receive(&d, "empty", "", final), 0);
    tmpdir_get(&d, "empty", &found);
    cr_expect(found);
    tmpdir_remove(&d);
}

Test(partfile, takes_the_next_free_number)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];
    bool found;

    tmpdir_put(&d, "a.txt", "mine", 4);
    cr_assert_eq(symlinkat("/nowhere", d.fd, "a (1).txt"), 0);
    cr_assert_eq(receive(&d, "a.txt", "theirs", final), 0);
    cr_expect_str_eq(final, "a (2).txt");
    cr_assert_eq(receive(&d, "a.txt", "again", final), 0);
    cr_expect_str_eq(final, "a (3).txt");
    cr_expect_str_eq(tmpdir_get(&d, "a.txt", &found), "mine");
    cr_expect_str_eq(tmpdir_get(&d, "a (2).txt", &found), "theirs");
    cr_expect_eq(tmpdir_count(&d, PARTFILE_PREFIX), 0);
    tmpdir_remove(&d);
}

Test(partfile, numbers_names_of_every_shape)
{
    static const struct {
        const char *name;
        unsigned n;
        const char *want;
    } row[] = {
        {"a.txt", 0, "a.txt"},         {"a.txt", 1, "a (1).txt"},   {"noext", 2, "noext (2)"},
        {".hidden", 1, ".hidden (1)"}, {"a.b.c", 12, "a.b (12).c"}, {"dot.", 1, "dot (1)."},
    };
    char out[PARTFILE_NAME_BYTES], longest[PARTFILE_NAME_BYTES];

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        partfile_numbered(row[i].name, row[i].n, out);
        cr_expect_str_eq(out, row[i].want);
    }
    /* 125 two-byte letters and ".txt" are 254 bytes: shortened between letters, the ending stays. */
    for (size_t i = 0; i < 125; i++)
        snprintf(longest + 2 * i, 3, "\xc3\xa4");
    snprintf(longest + 250, 5, ".txt");
    partfile_numbered(longest, 10, out);
    cr_expect_leq(strlen(out), 255);
    cr_expect_str_eq(out + strlen(out) - 9, " (10).txt");
    cr_expect_eq((strlen(out) - 9) % 2, 0, "no letter is cut in half");
    partfile_numbered(longest, 0, out);
    cr_expect_str_eq(out, longest);
}

Test(partfile, pieces_in_any_order_give_the_same_file_and_hash)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct tmpdir d = tmpdir_make();
        struct partfile *p = create(&d, "f", BYTES);
        uint8_t digest[DIGEST_BYTES];
        char final[PARTFILE_NAME_BYTES];
        uint32_t order[PIECES];
        struct duet_rand r;
        int sys = 0;

        make_content();
        rand_init_u64(&r, seed);
        for (uint32_t i = 0; i < PIECES; i++)
            order[i] = i;
        for (uint32_t i = PIECES - 1; i > 0; i--) {
            const uint64_t j = rand_below(&r, i + 1);
            const uint32_t t = order[i];

            order[i] = order[j];
            order[j] = t;
        }
        empty_chunk();
        for (uint32_t i = 0; i < PIECES; i++) {
            const uint64_t at = (uint64_t)order[i] * PIECE;

            while (chunk_append(&chunk, at, content + at, PIECE) < PIECE) {
                cr_assert_eq(partfile_write(p, &chunk, &sys), 0);
                empty_chunk(); /* writing a piece twice does no harm */
            }
        }
        cr_assert_eq(partfile_write(p, &chunk, &sys), 0);
        digest_of(content, BYTES, digest);
        cr_assert_eq(partfile_commit(p, digest, final, &sys), 0, "seed %d", (int)seed);
        partfile_free(p);

        static uint8_t back[BYTES];
        const int fd = openat(d.fd, final, O_RDONLY);
        cr_assert_eq(read(fd, back, BYTES), BYTES);
        cr_expect_eq(memcmp(back, content, BYTES), 0);
        close(fd);
        tmpdir_remove(&d);
    }
}

Test(partfile, the_first_copy_of_a_byte_counts)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = create(&d, "f", 10);
    uint8_t digest[DIGEST_BYTES];
    char final[PARTFILE_NAME_BYTES];
    bool found;
    int sys = 0;

    cr_assert_eq(write_one(p, 2, "cde", 3), 0);
    cr_assert_eq(write_one(p, 0, "abXXXf", 6), 0);
    cr_assert_eq(write_one(p, 0, "YYYYYYghij", 10), 0);
    digest_of("abcdefghij", 10, digest);
    cr_assert_eq(partfile_commit(p, digest, final, &sys), 0);
    cr_expect_str_eq(tmpdir_get(&d, "f", &found), "abcdefghij");
    partfile_free(p);
    tmpdir_remove(&d);
}

Test(partfile, incomplete_or_different_contents_never_get_the_name)
{
    struct tmpdir d = tmpdir_make();
    static const struct {
        uint64_t offset;
        const char *text;
    } row[] = {{0, "abcd"}, {1, "bcde"}, {0, "abcdX"}};
    uint8_t digest[DIGEST_BYTES];
    char final[PARTFILE_NAME_BYTES];

    digest_of("abcde", 5, digest);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct partfile *p = create(&d, "f", 5);
        int sys = 0;

        cr_assert_eq(write_one(p, row[i].offset, row[i].text, strlen(row[i].text)), 0);
        cr_expect_eq(partfile_commit(p, digest, final, &sys), DUET_EINTEGRITY, "%zu", i);
        partfile_free(p);
        cr_expect_eq(tmpdir_count(&d, ""), 0, "%zu", i);
    }
    tmpdir_remove(&d);
}

Test(partfile, runs_outside_the_file_or_the_chunk_are_refused)
{
    struct tmpdir d = tmpdir_make();
    static const struct chunk_run row[] = {
        {.offset = 10, .at = 0, .len = 1},         {.offset = 5, .at = 0, .len = 6},
        {.offset = UINT64_MAX, .at = 0, .len = 1}, {.offset = UINT64_MAX - 1, .at = 0, .len = 8},
        {.offset = 0, .at = 7, .len = 2},          {.offset = 0, .at = UINT32_MAX, .len = 2},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct partfile *p = create(&d, "f", 10);
        int sys = 0;

        chunk.used = 8;
        chunk.run_count = 1;
        chunk.runs[0] = row[i];
        cr_expect_eq(partfile_write(p, &chunk, &sys), DUET_EINVAL, "%zu", i);
        cr_expect_eq(write_one(p, 0, "x", 1), DUET_EINVAL, "the error stays");
        partfile_free(p);
    }
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

Test(partfile, names_that_leave_the_folder_are_refused)
{
    struct tmpdir d = tmpdir_make();
    static const char *const row[] = {"", ".", "..", "/", "/etc/passwd", "../x", "a/b", "a/", "./a"};
    struct partfile *p = NULL;
    int sys = 0;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_eq(partfile_create(d.fd, row[i], 1, MODE, &p, &sys), DUET_ENAME, "'%s'", row[i]);
    cr_expect_eq(partfile_create(d.fd, "big", UINT64_MAX, MODE, &p, &sys), DUET_ERANGE);
    cr_expect_null(p);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

static void temp_name(const struct tmpdir *d, char out[300])
{
    DIR *dir = opendir(d->path);

    out[0] = '\0';
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strncmp(e->d_name, PARTFILE_PREFIX, strlen(PARTFILE_PREFIX)) == 0)
            snprintf(out, 300, "%s", e->d_name);
    closedir(dir);
    cr_assert_neq(out[0], '\0');
}

Test(partfile, a_symlink_planted_for_the_temporary_file_is_not_renamed_nor_removed)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = create(&d, "f", 5);
    uint8_t digest[DIGEST_BYTES];
    char final[PARTFILE_NAME_BYTES], temp[300];
    struct stat st;
    bool found;
    int sys = 0;

    tmpdir_put(&d, "victim", "safe", 4);
    cr_assert_eq(write_one(p, 0, "ab", 2), 0);
    temp_name(&d, temp);
    cr_assert_eq(unlinkat(d.fd, temp, 0), 0);
    cr_assert_eq(symlinkat("victim", d.fd, temp), 0);
    cr_assert_eq(write_one(p, 2, "cde", 3), 0);
    digest_of("abcde", 5, digest);
    cr_expect_eq(partfile_commit(p, digest, final, &sys), DUET_EINTEGRITY);
    partfile_free(p);
    cr_expect_str_eq(tmpdir_get(&d, "victim", &found), "safe");
    cr_expect_neq(fstatat(d.fd, "f", &st, AT_SYMLINK_NOFOLLOW), 0, "nothing has the name");
    cr_expect_eq(fstatat(d.fd, temp, &st, AT_SYMLINK_NOFOLLOW), 0, "not ours to remove");
    tmpdir_remove(&d);
}

Test(partfile, a_symlink_planted_at_the_final_name_is_left_alone)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];
    bool found;

    tmpdir_put(&d, "victim", "safe", 4);
    cr_assert_eq(symlinkat("victim", d.fd, "f"), 0);
    cr_assert_eq(receive(&d, "f", "evil", final), 0);
    cr_expect_str_eq(final, "f (1)");
    cr_expect_str_eq(tmpdir_get(&d, "victim", &found), "safe");
    tmpdir_remove(&d);
}

Test(partfile, a_file_cut_by_someone_else_is_not_committed)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = create(&d, "f", 5);
    uint8_t digest[DIGEST_BYTES];
    char final[PARTFILE_NAME_BYTES], temp[300];
    int sys = 0;

    cr_assert_eq(write_one(p, 0, "abcde", 5), 0);
    temp_name(&d, temp);
    cr_assert_eq(truncate(tmpdir_path(&d, temp), 3), 0);
    digest_of("abcde", 5, digest);
    cr_expect_eq(partfile_commit(p, digest, final, &sys), DUET_EINTEGRITY);
    partfile_free(p);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

#define DISK_BYTES (1 << 20)

/* A file system of 1 MiB in a mount namespace of this test alone. */
static bool mount_small(const struct tmpdir *d)
{
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", d->path, "tmpfs", 0, "size=1m") == 0;
}

Test(partfile, a_full_disk_is_said_before_and_while_writing)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = NULL;
    int sys = 0;

    if (!mount_small(&d)) {
        tmpdir_remove(&d);
        unit_skip("needs root and a root directory that is a mount point, to mount a small tmpfs");
    }
    close(d.fd);
    d.fd = open(d.path, O_RDONLY | O_DIRECTORY);
    cr_expect_eq(partfile_create(d.fd, "f", DISK_BYTES + 1, MODE, &p, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOSPC);
    cr_expect_null(p);
    cr_expect_eq(tmpdir_count(&d, ""), 0);

    p = create(&d, "f", DISK_BYTES / 2);
    static uint8_t filler[DISK_BYTES];
    const int fd = openat(d.fd, "filler", O_WRONLY | O_CREAT, 0600);
    cr_assert_gt(write(fd, filler, sizeof(filler)), 0);
    close(fd);
    empty_chunk();
    chunk_append(&chunk, 0, filler, CHUNK_BYTES);
    cr_expect_eq(partfile_write(p, &chunk, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOSPC);
    partfile_free(p);
    cr_expect_eq(tmpdir_count(&d, PARTFILE_PREFIX), 0);
    cr_assert_eq(umount2(d.path, MNT_DETACH), 0);
    tmpdir_remove(&d);
}

/* Gives a file, or a symlink itself, the time `age_s` ago. */
static void set_age(const struct tmpdir *d, const char *name, time_t age_s)
{
    const time_t at = time(NULL) - age_s;
    const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};

    cr_assert_eq(utimensat(d->fd, name, times, AT_SYMLINK_NOFOLLOW), 0, "%s", name);
}

#define LONG_AGO (2 * PARTFILE_STALE_S)

Test(partfile, sweeps_what_the_dead_left_and_nothing_else)
{
    static const char *const others[] = {
        ".duet-part-1234567", ".duet-part-123456789",   ".duet-part-1234567g", "duet-part-12345678",
        "12345678",           ".duet-part-12345678.txt"};
    struct tmpdir d = tmpdir_make();
    struct partfile *used = create(&d, "a", 10), *own = create(&d, "b", 10);
    bool found;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        tmpdir_put(&d, others[i], "x", 1);
    tmpdir_put(&d, ".duet-part-0123abcd", "left", 4);
    tmpdir_put(&d, ".duet-part-00000001", "left, with a second name", 24);
    cr_assert_eq(linkat(d.fd, ".duet-part-00000001", d.fd, "kept", 0), 0);
    cr_assert_eq(symlinkat("kept", d.fd, ".duet-part-00000002"), 0);
    cr_assert_eq(mkfifoat(d.fd, ".duet-part-00000004", 0600), 0);
    tmpdir_put(&d, ".duet-part-00000005", "another mode", 12);
    cr_assert_eq(fchmodat(d.fd, ".duet-part-00000005", 0640, 0), 0);
    cr_assert_eq(mkdirat(d.fd, ".duet-part-00000006", 0700), 0);
    tmpdir_put(&d, ".duet-part-00000006/full", "x", 1);

    DIR *dir = opendir(d.path);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.' || e->d_name[1] == 'd')
            set_age(&d, e->d_name, LONG_AGO);
    closedir(dir);
    partfile_touch(own);
    tmpdir_put(&d, ".duet-part-00000007", "of somebody who lives, and whose lock we do not see", 51);
    set_age(&d, ".duet-part-00000007", PARTFILE_STALE_S - 10);
    const unsigned before = tmpdir_count(&d, "");

    partfile_sweep(own);
    cr_expect_eq(tmpdir_count(&d, ""), before - 1);
    tmpdir_get(&d, ".duet-part-0123abcd", &found);
    cr_expect_not(found);
    partfile_free(used);
    cr_expect_eq(tmpdir_count(&d, ""), before - 2, "the one in use was there, and is removed by who used it");
    partfile_free(own);
    tmpdir_remove(&d);
}

Test(partfile, sweeps_the_folder_a_name_was_tried_in_and_the_empty_file_of_a_note)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *own = create(&d, "b", 10);

    cr_assert_eq(mkdirat(d.fd, ".duet-part-00000001", 0700), 0);
    tmpdir_put(&d, ".duet-part-00000001/name", "", 0);
    tmpdir_put(&d, ".duet-part-00000001/.duet-name-00000002", "name", 4);
    tmpdir_put(&d, "report.pdf", "", 0);
    tmpdir_put(&d, ".duet-name-00000001", "report.pdf", 10);
    partfile_sweep(own);
    cr_expect_eq(tmpdir_count(&d, ""), 4, "somebody may be about to use them");
    set_age(&d, ".duet-part-00000001", LONG_AGO);
    set_age(&d, "report.pdf", LONG_AGO);
    set_age(&d, ".duet-name-00000001", LONG_AGO);
    partfile_sweep(own);
    cr_expect_eq(tmpdir_count(&d, ""), 1);
    partfile_free(own);
    tmpdir_remove(&d);
}

Test(partfile, a_file_that_waits_is_touched_so_that_nobody_takes_it_for_left_over)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = create(&d, "a", 10), *own = create(&d, "b", 10);
    char temp[300];

    partfile_free(own); /* so that there is one to find */
    temp_name(&d, temp);
    set_age(&d, temp, LONG_AGO);
    deny(SYS_flock, ENOLCK);
    partfile_touch(p);
    own = create(&d, "b", 10);
    partfile_sweep(own);
    cr_expect_eq(tmpdir_count(&d, PARTFILE_PREFIX), 2);
    set_age(&d, temp, LONG_AGO);
    partfile_sweep(own);
    cr_expect_eq(tmpdir_count(&d, PARTFILE_PREFIX), 1, "without locks the age decides");
    partfile_free(p);
    partfile_free(own);
    tmpdir_remove(&d);
}

/* ---- file systems that cannot everything ---- */

/* As on exFAT through FUSE. */
static void deny_what_fuse_lacks(void)
{
    deny_renames(EINVAL, EPERM);
    deny(SYS_fchmod, ENOSYS);
    deny(SYS_fsync, EINVAL);
    deny(SYS_flock, ENOLCK);
    deny(SYS_openat2, ENOSYS);
}

Test(partfile, takes_a_file_where_there_are_neither_links_nor_locks_nor_modes)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];
    bool found;

    deny_what_fuse_lacks();
    tmpdir_put(&d, "a.txt", "mine", 4);
    cr_assert_eq(receive(&d, "a.txt", "theirs", final), 0);
    cr_expect_str_eq(final, "a (1).txt");
    cr_expect_str_eq(tmpdir_get(&d, "a (1).txt", &found), "theirs");
    cr_expect_str_eq(tmpdir_get(&d, "a.txt", &found), "mine");
    cr_expect_eq(tmpdir_count(&d, ""), 2);
    tmpdir_remove(&d);
}

Test(partfile, where_nothing_can_be_renamed_it_says_so_before_the_first_byte)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = NULL;
    int sys = 0;

    deny_renames(ENOSYS, ENOSYS);
    deny(SYS_renameat2, ENOSYS);
#ifdef SYS_renameat
    deny(SYS_renameat, EOPNOTSUPP);
#endif
    cr_expect_eq(partfile_create(d.fd, "f", 5, MODE, &p, &sys), DUET_ESYS);
    cr_expect_eq(sys, EOPNOTSUPP);
    cr_expect_null(p);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

Test(partfile, a_name_the_file_system_refuses_is_said_before_the_first_byte)
{
    struct tmpdir d = tmpdir_make();
    struct partfile *p = NULL;
    int sys = 0;

    /* As FAT does with "a:b": it is no file's name, and nothing else is wrong. */
    deny_renames(EINVAL, EPERM);
    deny(SYS_openat2, ENOSYS);
    deny_where(SYS_openat, 2, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, false, EINVAL);
    cr_expect_eq(partfile_create(d.fd, "a:b", 5, MODE, &p, &sys), DUET_ENAME);
    cr_expect_eq(sys, EINVAL);
    cr_expect_null(p);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

/* The last byte first, the first one last. */
static void write_backwards(struct partfile *p, const uint8_t *bytes, size_t len)
{
    for (size_t at = len; at > 0;) {
        const size_t part = at < CHUNK_BYTES ? at : CHUNK_BYTES;

        at -= part;
        cr_assert_eq(write_one(p, at, bytes + at, part), 0);
    }
}

Test(partfile, is_read_back_in_parts)
{
    enum { WHOLE = 4 * PARTFILE_CATCH_UP_BYTES };
    struct tmpdir d = tmpdir_make();
    struct partfile *p = create(&d, "f", WHOLE);
    uint8_t *bytes = calloc(1, WHOLE), digest[DIGEST_BYTES];
    char final[PARTFILE_NAME_BYTES];
    int sys = 0;

    for (size_t i = 0; i < WHOLE; i += 4096)
        bytes[i] = (uint8_t)(i >> 12);
    digest_of(bytes, WHOLE, digest);
    write_backwards(p, bytes, WHOLE);
    cr_expect_not(partfile_catch_up(p));
    cr_expect_not(partfile_catch_up(p));
    cr_expect(partfile_catch_up(p), "the write of the first byte read one part, these three the others");
    cr_expect(partfile_catch_up(p));
    cr_expect_eq(partfile_commit(p, digest, final, &sys), 0);
    partfile_free(p);
    free(bytes);
    tmpdir_remove(&d);
}

/* "sent" is said only of what survives a power cut: its bytes, and its name. */
Test(partfile, bytes_that_do_not_reach_the_disk_are_an_error)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];

    deny_where(SYS_fsync, 0, (unsigned)d.fd, true, EIO);
    cr_expect_eq(receive(&d, "a", "text", final), DUET_ESYS);
    cr_expect_eq(tmpdir_count(&d, ""), 0);
    tmpdir_remove(&d);
}

Test(partfile, a_name_that_does_not_reach_the_disk_is_an_error)
{
    struct tmpdir d = tmpdir_make();
    char final[PARTFILE_NAME_BYTES];

    deny_where(SYS_fsync, 0, (unsigned)d.fd, false, EIO);
    cr_expect_eq(receive(&d, "a", "text", final), DUET_ESYS);
    tmpdir_remove(&d);
}

#ifdef __x86_64__
/* In the place of renameat2: renames, and then somebody else puts another file there. */
static void rename_and_swap(int signal, siginfo_t *info, void *context)
{
    greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
    const int from_dir = (int)reg[REG_RDI], to_dir = (int)reg[REG_RDX];
    const char *from = (const char *)reg[REG_RSI], *to = (const char *)reg[REG_R10];

    (void)signal;
    (void)info;
    reg[REG_RAX] = renameat(from_dir, from, to_dir, to) == 0 && unlinkat(to_dir, to, 0) == 0 &&
                           close(openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL, 0600)) == 0
                       ? 0
                       : -errno;
}

Test(partfile, a_file_swapped_while_it_gets_its_name_is_not_called_received)
{
    struct tmpdir d = tmpdir_make();
    const struct sigaction swap = {.sa_sigaction = rename_and_swap, .sa_flags = SA_SIGINFO};
    char final[PARTFILE_NAME_BYTES];

    cr_assert_eq(sigaction(SIGSYS, &swap, NULL), 0);
    struct partfile *p = create(&d, "a", 4);
    uint8_t digest[DIGEST_BYTES];
    int sys = 0;

    digest_of("text", 4, digest);
    cr_assert_eq(write_one(p, 0, "text", 4), 0);
    deny_with(SYS_renameat2, SECCOMP_RET_TRAP);
    cr_expect_eq(partfile_commit(p, digest, final, &sys), DUET_EINTEGRITY);
    partfile_free(p);
    tmpdir_remove(&d);
}
#endif
