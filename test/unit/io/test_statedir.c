#include "io/statedir.h"

#include "unit.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/err.h"
#include "deny.h"
#include "tmpdir.h"

Test(statedir, makes_the_folders_private)
{
    struct tmpdir d = tmpdir_make();
    struct stat st;
    const int fd = statedir_open(tmpdir_path(&d, "a/b/c"));

    cr_assert_geq(fd, 0);
    close(fd);
    static const char *const row[] = {"a", "a/b", "a/b/c"};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_assert_eq(stat(tmpdir_path(&d, row[i]), &st), 0);
        cr_expect_eq(st.st_mode & 07777, 0700, "%s", row[i]);
    }
    const int again = statedir_open(tmpdir_path(&d, "a/b/c/"));
    cr_expect_geq(again, 0);
    close(again);
    tmpdir_put(&d, "file", "", 0);
    cr_expect_eq(statedir_open(tmpdir_path(&d, "file")), DUET_ESYS);
    cr_expect_eq(statedir_open(tmpdir_path(&d, "file/x")), DUET_ESYS);
    tmpdir_remove(&d);
}

Test(statedir, writes_whole_files_and_creates_only_when_asked_to)
{
    struct tmpdir d = tmpdir_make();
    char *text = NULL;
    size_t len = 0;

    cr_expect_eq(statedir_read(d.fd, "f", 100, STATEDIR_PRIVATE, &text, &len), DUET_ENOTFOUND);
    cr_assert_eq(statedir_write(d.fd, "f", "one", 3, false), 0);
    cr_expect_eq(statedir_write(d.fd, "f", "two", 3, false), DUET_EEXIST);
    cr_assert_eq(statedir_read(d.fd, "f", 100, STATEDIR_PRIVATE, &text, &len), 0);
    cr_expect_str_eq(text, "one");
    free(text);
    cr_assert_eq(statedir_write(d.fd, "f", "three", 5, true), 0);
    cr_assert_eq(statedir_read(d.fd, "f", 5, STATEDIR_PRIVATE, &text, &len), 0);
    cr_expect_str_eq(text, "three");
    cr_expect_eq(len, 5);
    free(text);
    cr_expect_eq(statedir_read(d.fd, "f", 4, STATEDIR_PRIVATE, &text, &len), DUET_ERANGE);
    cr_expect_null(text);
    cr_expect_eq(tmpdir_count(&d, ""), 1, "no temporary file is left");
    tmpdir_remove(&d);
}

Test(statedir, a_file_is_refused_when_others_may_touch_it)
{
    static const struct {
        mode_t mode;
        int want_private, want_ours;
    } row[] = {{0600, 0, 0},
               {0400, 0, 0},
               {0640, DUET_ETRUST, 0},
               {0604, DUET_ETRUST, 0},
               {0620, DUET_ETRUST, DUET_ETRUST},
               {0602, DUET_ETRUST, DUET_ETRUST},
               {0610, DUET_ETRUST, 0}};
    struct tmpdir d = tmpdir_make();
    char *text = NULL;
    size_t len = 0;

    tmpdir_put(&d, "f", "x", 1);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_assert_eq(fchmodat(d.fd, "f", row[i].mode, 0), 0);
        cr_expect_eq(statedir_read(d.fd, "f", 100, STATEDIR_PRIVATE, &text, &len), row[i].want_private, "%o",
                     row[i].mode);
        free(text);
        cr_expect_eq(statedir_read(d.fd, "f", 100, STATEDIR_OURS, &text, &len), row[i].want_ours, "%o", row[i].mode);
        free(text);
        if (row[i].want_ours != 0)
            cr_expect_eq(statedir_append(d.fd, "f", "y", 1), DUET_ETRUST, "%o", row[i].mode);
    }
    cr_assert_eq(mkfifoat(d.fd, "fifo", 0600), 0);
    cr_expect_eq(statedir_read(d.fd, "fifo", 100, STATEDIR_OURS, &text, &len), DUET_EUNSUPPORTED);
    tmpdir_remove(&d);
}

Test(statedir, a_file_or_directory_of_somebody_else_is_refused)
{
    struct tmpdir d = tmpdir_make();
    char *text = NULL;
    size_t len = 0;

    if (geteuid() != 0)
        unit_skip("only root can give a file away");
    tmpdir_put(&d, "f", "x", 1);
    cr_assert_eq(fchownat(d.fd, "f", 1, 1, 0), 0);
    cr_expect_eq(statedir_read(d.fd, "f", 100, STATEDIR_OURS, &text, &len), DUET_ETRUST);
    cr_expect_eq(statedir_read(d.fd, "f", 100, STATEDIR_PRIVATE, &text, &len), DUET_ETRUST);
    cr_expect_eq(statedir_append(d.fd, "f", "y", 1), DUET_ETRUST);
    cr_assert_eq(fchown(d.fd, 1, 1), 0);
    cr_expect_eq(statedir_open(d.path), DUET_ETRUST);
    tmpdir_remove(&d);
}

Test(statedir, a_directory_that_others_may_write_to_is_refused)
{
    static const struct {
        mode_t mode;
        bool fine;
    } row[] = {{0700, true}, {0755, true}, {0770, false}, {0707, false}, {01777, false}};
    struct tmpdir d = tmpdir_make();

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_assert_eq(fchmod(d.fd, row[i].mode), 0);
        const int fd = statedir_open(d.path);

        cr_expect_eq(fd >= 0, row[i].fine, "%o", row[i].mode);
        cr_expect(fd >= 0 || fd == DUET_ETRUST, "%o: %d", row[i].mode, fd);
        if (fd >= 0)
            close(fd);
    }
    cr_assert_eq(fchmod(d.fd, 0700), 0);
    tmpdir_remove(&d);
}

/* The limit of the file's size stands for a full disk. */
Test(statedir, what_could_not_be_added_whole_is_not_added)
{
    struct tmpdir d = tmpdir_make();
    bool found;

    cr_assert_eq(statedir_append(d.fd, "f", "one\n", 4), 0);
    cr_assert_eq(statedir_append(d.fd, "f", "two\n", 4), 0);
    cr_expect_str_eq(tmpdir_get(&d, "f", &found), "one\ntwo\n");
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 10, .rlim_max = RLIM_INFINITY}), 0);
    cr_expect_eq(statedir_append(d.fd, "f", "three\n", 6), DUET_ESYS);
    cr_expect_eq(errno, EFBIG);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY}), 0);
    cr_expect_str_eq(tmpdir_get(&d, "f", &found), "one\ntwo\n");
    tmpdir_remove(&d);
}

Test(statedir, a_home_that_cannot_be_written_to_is_said_to_be_so)
{
    struct tmpdir d = tmpdir_make();

    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("none", d.path, "tmpfs", MS_RDONLY, NULL) == 0) {
        cr_expect_eq(statedir_open(tmpdir_path(&d, ".local/state/duet")), DUET_ESYS);
        cr_expect_eq(errno, EROFS, "not that .local/state does not exist");
        cr_assert_eq(umount2(d.path, MNT_DETACH), 0);
    }
    tmpdir_remove(&d);
}

/* fsync of anything but the directory fails: what was written is not there after a power cut. */
Test(statedir, a_file_that_does_not_reach_the_disk_is_an_error)
{
    struct tmpdir d = tmpdir_make();
    bool found;

    tmpdir_put(&d, "known", "one\n", 4);
    deny_where(SYS_fsync, 0, (unsigned)d.fd, true, EIO);
    cr_expect_eq(statedir_write(d.fd, "key", "x", 1, false), DUET_ESYS);
    cr_expect_eq(errno, EIO);
    cr_expect_eq(statedir_append(d.fd, "known", "two\n", 4), DUET_ESYS);
    cr_expect_str_eq(tmpdir_get(&d, "known", &found), "one\n", "taken back");
    tmpdir_remove(&d);
}

/* fsync of the directory fails: the file may have lost its name after a power cut. */
Test(statedir, a_name_that_does_not_reach_the_disk_is_an_error)
{
    struct tmpdir d = tmpdir_make();

    deny_where(SYS_fsync, 0, (unsigned)d.fd, false, EIO);
    cr_expect_eq(statedir_write(d.fd, "key", "x", 1, false), DUET_ESYS);
    cr_expect_eq(errno, EIO);
    cr_expect_eq(statedir_append(d.fd, "known", "two\n", 4), DUET_ESYS);
    cr_expect_eq(errno, EIO);
    tmpdir_remove(&d);
}
