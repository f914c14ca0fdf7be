#include "io/source.h"

#include "unit.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xxhash.h>

#include "base/err.h"
#include "tmpdir.h"

#define BYTES (CHUNK_BYTES * 2 + 12345)

static _Alignas(COPY_ALIGN_BYTES) uint8_t chunk_bytes[CHUNK_BYTES];
static struct chunk chunk = {.bytes = chunk_bytes};

static uint8_t *content(void)
{
    static uint8_t bytes[BYTES];

    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 255);
    return bytes;
}

/* Reads up to `until`, checking against the contents; returns the first error. */
static int read_until(struct source *s, uint64_t until)
{
    const uint8_t *want = content();
    int sys = 0;

    for (uint64_t at = 0; at < until; at += chunk.used) {
        const int err = source_read(s, at, &chunk, &sys);

        if (err != 0)
            return err;
        cr_assert_gt(chunk.used, 0);
        cr_assert_eq(chunk.run_count, 1);
        cr_assert_eq(chunk.runs[0].offset, at);
        cr_assert_eq(memcmp(chunk.bytes, want + at, chunk.used), 0);
    }
    return 0;
}

Test(source, digest_is_what_xxhsum_prints)
{
    struct tmpdir d = tmpdir_make();
    static const size_t sizes[] = {0, 1, 240, 241, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, BYTES};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct source *s = NULL;
        uint8_t digest[DIGEST_BYTES];
        XXH128_canonical_t want;
        int sys = 0;
        bool grew;

        tmpdir_put(&d, "f", content(), sizes[i]);
        cr_assert_eq(source_open(tmpdir_path(&d, "f"), &s, &sys), 0);
        cr_expect_eq(source_bytes(s), sizes[i]);
        cr_assert_eq(read_until(s, sizes[i]), 0);
        cr_assert_eq(source_digest(s, digest, &grew, &sys), 0);
        XXH128_canonicalFromHash(&want, XXH3_128bits(content(), sizes[i]));
        cr_expect_eq(memcmp(digest, want.digest, DIGEST_BYTES), 0, "%zu bytes", sizes[i]);
        source_close(s);
    }
    tmpdir_remove(&d);
}

Test(source, says_what_cannot_be_sent)
{
    struct tmpdir d = tmpdir_make();
    struct source *s = NULL;
    int sys = 0;

    cr_expect_eq(source_open(tmpdir_path(&d, "none"), &s, &sys), DUET_ESYS);
    cr_expect_eq(sys, ENOENT);
    cr_expect_eq(source_open(d.path, &s, &sys), DUET_ESYS);
    cr_expect_eq(sys, EISDIR);
    cr_expect_eq(source_open("/dev/null", &s, &sys), DUET_EUNSUPPORTED);
    cr_assert_eq(mkfifoat(d.fd, "fifo", 0600), 0);
    cr_expect_eq(source_open(tmpdir_path(&d, "fifo"), &s, &sys), DUET_EUNSUPPORTED, "and does not wait for a writer");
    cr_expect_null(s);
    tmpdir_remove(&d);
}

Test(source, follows_the_users_own_symlink)
{
    struct tmpdir d = tmpdir_make();
    struct source *s = NULL;
    int sys = 0;

    tmpdir_put(&d, "f", content(), 10);
    cr_assert_eq(symlinkat("f", d.fd, "l"), 0);
    cr_assert_eq(source_open(tmpdir_path(&d, "l"), &s, &sys), 0);
    cr_expect_eq(source_bytes(s), 10);
    source_close(s);
    tmpdir_remove(&d);
}

Test(source, reads_in_order_only)
{
    struct tmpdir d = tmpdir_make();
    struct source *s = NULL;
    uint8_t digest[DIGEST_BYTES];
    int sys = 0;
    bool grew;

    tmpdir_put(&d, "f", content(), BYTES);
    cr_assert_eq(source_open(tmpdir_path(&d, "f"), &s, &sys), 0);
    cr_expect_eq(source_read(s, 5, &chunk, &sys), DUET_EINVAL);
    cr_expect_eq(source_digest(s, digest, &grew, &sys), DUET_EINVAL, "not everything was read");
    cr_expect_eq(source_read(s, 0, &chunk, &sys), 0);
    cr_expect_eq(source_read(s, 0, &chunk, &sys), DUET_EINVAL);
    cr_expect_eq(chunk.used, 0);
    source_close(s);
    tmpdir_remove(&d);
}

/* The clock's tick is coarse: a change of the contents within it must show too, so the time is set, not waited for. */
static void touch(const struct tmpdir *d, const char *name)
{
    const struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};

    cr_assert_eq(utimensat(d->fd, name, times, 0), 0);
}

static void overwrite(const struct tmpdir *d)
{
    const int fd = openat(d->fd, "f", O_WRONLY);

    cr_assert_eq(pwrite(fd, "!", 1, BYTES / 2), 1);
    close(fd);
    touch(d, "f");
}

static void append(const struct tmpdir *d)
{
    const int fd = openat(d->fd, "f", O_WRONLY | O_APPEND);

    cr_assert_eq(write(fd, "!", 1), 1);
    close(fd);
}

static void cut(const struct tmpdir *d)
{
    cr_assert_eq(truncate(tmpdir_path(d, "f"), BYTES / 3), 0);
}

static void replace(const struct tmpdir *d)
{
    tmpdir_put(d, "g", content(), BYTES);
    cr_assert_eq(renameat(d->fd, "g", d->fd, "f"), 0);
}

Test(source, a_change_at_any_time_is_noticed_and_only_growth_is_none)
{
    static const struct {
        const char *name;
        void (*change)(const struct tmpdir *);
    } row[] = {{"overwrite", overwrite}, {"append", append}, {"cut", cut}, {"replace", replace}};
    static const uint64_t when[] = {0, CHUNK_BYTES, BYTES};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (size_t j = 0; j < sizeof(when) / sizeof(when[0]); j++) {
            struct tmpdir d = tmpdir_make();
            struct source *s = NULL;
            uint8_t digest[DIGEST_BYTES];
            int sys = 0, err = 0;
            bool grew;

            tmpdir_put(&d, "f", content(), BYTES);
            cr_assert_eq(source_open(tmpdir_path(&d, "f"), &s, &sys), 0);
            cr_assert_eq(read_until(s, when[j]), 0);
            row[i].change(&d);
            for (uint64_t at = when[j]; err == 0 && at < BYTES; at += chunk.used)
                err = source_read(s, at, &chunk, &sys);
            if (err == 0)
                err = source_digest(s, digest, &grew, &sys);
            const bool good = row[i].change == append;

            cr_expect_eq(err, good ? 0 : DUET_EINTEGRITY, "%s after %d bytes", row[i].name, (int)when[j]);
            cr_expect_eq(good, err == 0 && grew);
            source_close(s);
            tmpdir_remove(&d);
        }
    }
}

Test(source, a_file_removed_meanwhile_is_still_what_was_asked_for)
{
    struct tmpdir d = tmpdir_make();
    struct source *s = NULL;
    uint8_t digest[DIGEST_BYTES];
    int sys = 0;
    bool grew;

    tmpdir_put(&d, "f", content(), BYTES);
    cr_assert_eq(source_open(tmpdir_path(&d, "f"), &s, &sys), 0);
    cr_assert_eq(unlinkat(d.fd, "f", 0), 0);
    cr_expect_eq(read_until(s, BYTES), 0);
    cr_expect_eq(source_digest(s, digest, &grew, &sys), 0);
    source_close(s);
    tmpdir_remove(&d);
}

Test(source, reads_to_the_end_whatever_stat_says)
{
    static const char *const paths[] = {"/proc/self/status", "/proc/cpuinfo",
                                        "/sys/kernel/mm/transparent_hugepage/enabled"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct source *s = NULL;
        uint8_t digest[DIGEST_BYTES];
        uint64_t at = 0;
        bool grew;
        int sys = 0;

        if (access(paths[i], R_OK) != 0)
            continue;
        cr_assert_eq(source_open(paths[i], &s, &sys), 0, "%s: %d", paths[i], sys);
        cr_expect_gt(source_bytes(s), 0, "%s", paths[i]);
        cr_expect_neq(source_bytes(s), 4096, "%s", paths[i]);
        for (; at < source_bytes(s); at += chunk.used)
            cr_assert_eq(source_read(s, at, &chunk, &sys), 0);
        cr_expect_eq(chunk.bytes[chunk.used - 1], '\n', "%s", paths[i]);
        cr_expect_eq(source_digest(s, digest, &grew, &sys), 0);
        source_close(s);
    }
}

Test(source, what_cannot_be_read_is_said_at_once)
{
    struct source *s = NULL;
    int sys = 0;

    if (access("/proc/self/mem", R_OK) != 0)
        return;
    cr_expect_eq(source_open("/proc/self/mem", &s, &sys), DUET_ESYS, "there is nothing at 0");
    cr_expect_null(s);
}
