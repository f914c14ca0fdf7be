#include "duet/io/statedir.h"

#include "unit.h"
#include <errno.h>

#include "duet/base/err.h"
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

    cr_expect_eq(statedir_read(d.fd, "f", 100, true, &text, &len), DUET_ENOTFOUND);
    cr_assert_eq(statedir_write(d.fd, "f", "one", 3, false), 0);
    cr_expect_eq(statedir_write(d.fd, "f", "two", 3, false), DUET_EEXIST);
    cr_assert_eq(statedir_read(d.fd, "f", 100, true, &text, &len), 0);
    cr_expect_str_eq(text, "one");
    free(text);
    cr_assert_eq(statedir_write(d.fd, "f", "three", 5, true), 0);
    cr_assert_eq(statedir_read(d.fd, "f", 5, true, &text, &len), 0);
    cr_expect_str_eq(text, "three");
    cr_expect_eq(len, 5);
    free(text);
    cr_expect_eq(statedir_read(d.fd, "f", 4, true, &text, &len), DUET_ERANGE);
    cr_expect_null(text);
    cr_expect_eq(tmpdir_count(&d, ""), 1, "no temporary file is left");
    tmpdir_remove(&d);
}

Test(statedir, a_private_file_is_refused_when_others_may_touch_it)
{
    static const struct {
        mode_t mode;
        int want;
    } row[] = {{0600, 0},           {0400, 0},           {0640, DUET_ETRUST},
               {0604, DUET_ETRUST}, {0620, DUET_ETRUST}, {0610, DUET_ETRUST}};
    struct tmpdir d = tmpdir_make();
    char *text = NULL;
    size_t len = 0;

    tmpdir_put(&d, "f", "x", 1);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_assert_eq(fchmodat(d.fd, "f", row[i].mode, 0), 0);
        cr_expect_eq(statedir_read(d.fd, "f", 100, true, &text, &len), row[i].want, "%o", row[i].mode);
        free(text);
        cr_expect_eq(statedir_read(d.fd, "f", 100, false, &text, &len), 0, "%o", row[i].mode);
        free(text);
    }
    cr_assert_eq(mkfifoat(d.fd, "fifo", 0600), 0);
    cr_expect_eq(statedir_read(d.fd, "fifo", 100, false, &text, &len), DUET_EUNSUPPORTED);
    tmpdir_remove(&d);
}
