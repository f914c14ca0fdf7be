#include "io/files.h"

#include "unit.h"
#include <errno.h>

#include "base/err.h"
#include "deny.h"
#include "tmpdir.h"

Test(files, accepts_single_components_only)
{
    static const struct {
        const char *name;
        bool ok;
    } row[] = {
        {"a", true},  {".hidden", true}, {"...", true}, {"a b", true},  {"", false},
        {".", false}, {"..", false},     {"/", false},  {"a/b", false}, {"../a", false},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        cr_expect_eq(files_name_ok(row[i].name), row[i].ok, "'%s'", row[i].name);
}

Test(files, opens_no_symlink)
{
    struct tmpdir d = tmpdir_make();

    tmpdir_put(&d, "real", "x", 1);
    cr_assert_eq(symlinkat("real", d.fd, "link"), 0);
    cr_expect_lt(files_openat(d.fd, "link", O_RDONLY, 0), 0);
    cr_expect_eq(errno, ELOOP);
    cr_expect_lt(files_openat(d.fd, "link", O_WRONLY | O_CREAT, 0600), 0);
    const int fd = files_openat(d.fd, "real", O_RDONLY, 0);
    cr_expect_geq(fd, 0);
    close(fd);
    tmpdir_remove(&d);
}

Test(files, temporary_files_are_new_and_private)
{
    struct tmpdir d = tmpdir_make();
    char a[FILES_TEMP_NAME_BYTES], b[FILES_TEMP_NAME_BYTES];
    struct stat st;
    const int x = files_open_temp(d.fd, ".t-", a), y = files_open_temp(d.fd, ".t-", b);

    cr_assert(x >= 0 && y >= 0);
    cr_expect_str_neq(a, b);
    cr_assert_eq(fstat(x, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    cr_expect(files_is(d.fd, a, x));
    cr_expect(!files_is(d.fd, b, x));
    close(x);
    close(y);
    tmpdir_remove(&d);
}

/* Everything a rename must keep to, whichever way it goes. */
static void check_renames(void)
{
    struct tmpdir d = tmpdir_make();
    bool found;

    tmpdir_put(&d, "from", "new", 3);
    tmpdir_put(&d, "file", "old", 3);
    tmpdir_put(&d, "empty", "", 0);
    cr_assert_eq(symlinkat("nowhere", d.fd, "dangling"), 0);
    cr_assert_eq(symlinkat("empty", d.fd, "link"), 0);
    cr_assert_eq(mkdirat(d.fd, "dir", 0700), 0);
    static const char *const taken[] = {"file", "empty", "dangling", "link", "dir"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        cr_expect_eq(files_rename_new(d.fd, "from", taken[i]), DUET_EEXIST, "%s", taken[i]);
    cr_expect_str_eq(tmpdir_get(&d, "file", &found), "old");
    cr_expect_str_eq(tmpdir_get(&d, "empty", &found), "");
    cr_expect_eq(files_rename_new(d.fd, "from", "free"), 0);
    cr_expect_str_eq(tmpdir_get(&d, "free", &found), "new");
    tmpdir_get(&d, "from", &found);
    cr_expect_not(found);
    cr_expect_eq(files_rename_new(d.fd, "from", "gone"), DUET_ESYS);
    cr_expect_eq(errno, ENOENT);
    cr_expect_eq(tmpdir_count(&d, ""), 6, "nothing else is left");
    tmpdir_remove(&d);
}

Test(files, rename_never_replaces)
{
    check_renames();
}

Test(files, rename_never_replaces_where_only_links_can_refuse)
{
    deny_renames(EINVAL, 0);
    check_renames();
}

/* FUSE without the two; a kernel without renameat2; a filter of system calls. */
Test(files, rename_never_replaces_where_fuse_knows_neither)
{
    deny_renames(EINVAL, EPERM);
    check_renames();
}

Test(files, rename_never_replaces_on_an_old_kernel_without_links)
{
    deny_renames(ENOSYS, EOPNOTSUPP);
    check_renames();
}

Test(files, rename_never_replaces_under_a_filter)
{
    deny_renames(EPERM, ENOSYS);
    check_renames();
}

/* What a crash leaves between the empty file and the rename. */
static void leave_note(const struct tmpdir *d, const char *about)
{
    tmpdir_put(d, FILES_NOTE_PREFIX "0123abcd", about, strlen(about));
    files_clear_note(d->fd, FILES_NOTE_PREFIX "0123abcd");
    cr_expect_eq(tmpdir_count(d, FILES_NOTE_PREFIX), 0, "%s", about);
}

Test(files, a_note_clears_the_empty_file_made_with_it_and_nothing_else)
{
    struct tmpdir d = tmpdir_make();
    const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    bool found;

    tmpdir_put(&d, "placeholder", "", 0);
    tmpdir_put(&d, "full", "x", 1);
    tmpdir_put(&d, "old", "", 0);
    cr_assert_eq(utimensat(d.fd, "old", old, 0), 0);
    cr_assert_eq(symlinkat("placeholder", d.fd, "link"), 0);
    tmpdir_put(&d, "outside", "", 0);
    cr_assert_eq(mkdirat(d.fd, "dir", 0700), 0);
    leave_note(&d, "full");
    leave_note(&d, "old");
    leave_note(&d, "link");
    leave_note(&d, "dir");
    leave_note(&d, "dir/../outside");
    leave_note(&d, "never made");
    leave_note(&d, "");
    cr_expect_eq(tmpdir_count(&d, ""), 6);
    leave_note(&d, "placeholder");
    tmpdir_get(&d, "placeholder", &found);
    cr_expect_not(found);
    cr_expect_eq(tmpdir_count(&d, ""), 5);
    tmpdir_remove(&d);
}
