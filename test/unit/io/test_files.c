#include "duet/io/files.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "duet/base/err.h"
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

Test(files, rename_never_replaces)
{
    struct tmpdir d = tmpdir_make();
    bool found;

    tmpdir_put(&d, "from", "new", 3);
    tmpdir_put(&d, "file", "old", 3);
    cr_assert_eq(symlinkat("nowhere", d.fd, "dangling"), 0);
    cr_assert_eq(mkdirat(d.fd, "dir", 0700), 0);
    cr_expect_eq(files_rename_new(d.fd, "from", "file"), DUET_EEXIST);
    cr_expect_eq(files_rename_new(d.fd, "from", "dangling"), DUET_EEXIST);
    cr_expect_eq(files_rename_new(d.fd, "from", "dir"), DUET_EEXIST);
    cr_expect_str_eq(tmpdir_get(&d, "file", &found), "old");
    cr_expect_eq(files_rename_new(d.fd, "from", "free"), 0);
    cr_expect_str_eq(tmpdir_get(&d, "free", &found), "new");
    cr_expect_eq(files_rename_new(d.fd, "from", "gone"), DUET_ESYS);
    cr_expect_eq(errno, ENOENT);
    tmpdir_remove(&d);
}
