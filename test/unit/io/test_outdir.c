#include "io/outdir.h"

#include "unit.h"
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "tmpdir.h"

static struct tmpdir d;
static int fd;

static void set_up(void)
{
    d = tmpdir_make();
    cr_assert_eq(mkdirat(d.fd, "in", 0700), 0);
    fd = outdir_open(tmpdir_path(&d, "in"));
    cr_assert_geq(fd, 0);
}

static void tear_down(void)
{
    close(fd);
    tmpdir_remove(&d);
}

TestSuite(outdir, .init = set_up, .fini = tear_down);

static void expect_where(const char *want)
{
    char *where = outdir_where(fd, tmpdir_path(&d, "in"));

    if (want == NULL) {
        cr_expect_null(where);
        cr_expect_eq(errno, ENOENT);
    } else {
        cr_assert_not_null(where);
        cr_expect_str_eq(where, tmpdir_path(&d, want));
    }
    free(where);
}

Test(outdir, is_where_it_was_until_it_is_moved_or_removed)
{
    expect_where("in");
    cr_assert_eq(renameat(d.fd, "in", d.fd, "elsewhere"), 0);
    expect_where("elsewhere");
    cr_assert_eq(mkdirat(d.fd, "in", 0700), 0);
    expect_where("elsewhere");
    cr_assert_eq(unlinkat(d.fd, "elsewhere", AT_REMOVEDIR), 0);
    expect_where(NULL);
}

Test(outdir, is_out_of_reach_under_a_mount)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", tmpdir_path(&d, "in"), "tmpfs", 0, "size=1m") != 0)
        return; /* needs root */
    expect_where(NULL);
    cr_assert_eq(umount(tmpdir_path(&d, "in")), 0);
    expect_where("in");
}

Test(outdir, what_is_no_directory_is_not_opened)
{
    tmpdir_put(&d, "file", "", 0);
    cr_expect_lt(outdir_open(tmpdir_path(&d, "file")), 0);
    cr_expect_eq(errno, ENOTDIR);
    cr_expect_lt(outdir_open(tmpdir_path(&d, "none")), 0);
    cr_expect_eq(errno, ENOENT);
}
