#include "io/identity.h"

#include "unit.h"
#include <pthread.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/fingerprint.h"
#include "tmpdir.h"

static const char *const key_hex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

Test(identity, the_first_start_makes_a_private_key_that_stays)
{
    struct tmpdir d = tmpdir_make();
    struct identity a, b;
    char error[IDENTITY_ERROR_BYTES];
    struct stat st;

    cr_assert_eq(identity_open(&a, tmpdir_path(&d, "deep/home"), error), 0, "%s", error);
    cr_assert_eq(stat(tmpdir_path(&d, "deep/home/key"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(stat(tmpdir_path(&d, "deep/home"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0700);
    cr_assert_eq(identity_open(&b, tmpdir_path(&d, "deep/home"), error), 0);
    cr_expect_eq(memcmp(&a.keys, &b.keys, sizeof(a.keys)), 0);

    cr_assert_eq(identity_open(&b, tmpdir_path(&d, "other"), error), 0);
    cr_expect_neq(memcmp(a.keys.public, b.keys.public, NOISE_KEY_BYTES), 0);
    identity_wipe(&a);
    cr_expect_eq(a.keys.secret[0] | a.keys.secret[31], 0);
    tmpdir_remove(&d);
}

Test(identity, a_key_others_can_read_is_refused_with_what_to_do)
{
    struct tmpdir d = tmpdir_make();
    struct identity id;
    char error[IDENTITY_ERROR_BYTES];

    tmpdir_put(&d, "key", key_hex, strlen(key_hex));
    cr_assert_eq(identity_open(&id, d.path, error), 0, "%s", error);
    cr_assert_eq(fchmodat(d.fd, "key", 0644, 0), 0);
    cr_expect_eq(identity_open(&id, d.path, error), DUET_ETRUST);
    cr_expect_not_null(strstr(error, "chmod 600"), "%s", error);
    cr_expect_not_null(strstr(error, d.path));
    tmpdir_remove(&d);
}

Test(identity, what_is_no_key_is_refused_and_left_alone)
{
    static const char *const row[] = {
        "",
        "\n",
        "00",
        "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddee\n",
        " 0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    };
    struct tmpdir d = tmpdir_make();
    struct identity id;
    char error[IDENTITY_ERROR_BYTES];
    bool found;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        tmpdir_put(&d, "key", row[i], strlen(row[i]));
        cr_expect_eq(identity_open(&id, d.path, error), DUET_EMALFORMED, "%zu", i);
        cr_expect_neq(error[0], '\0');
        cr_expect_str_eq(tmpdir_get(&d, "key", &found), row[i]);
    }
    tmpdir_remove(&d);
}

Test(identity, finds_its_folder_by_the_documented_order)
{
    static const struct {
        const char *home, *duet_home, *xdg, *env_home, *want;
        int err;
    } row[] = {
        {"/h", "/d", "/x", "/u", "/h", 0},
        {NULL, "/d", "/x", "/u", "/d", 0},
        {NULL, NULL, "/x", "/u", "/x/duet", 0},
        {NULL, "", "/x", "/u", "/x/duet", 0},
        {NULL, NULL, "relative", "/u", "/u/.local/state/duet", 0},
        {NULL, NULL, NULL, "/u", "/u/.local/state/duet", 0},
        {NULL, NULL, NULL, NULL, NULL, DUET_ENOTFOUND},
    };
    char out[IDENTITY_PATH_BYTES];
    static char longest[IDENTITY_PATH_BYTES + 1];

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        const char *const value[] = {row[i].duet_home, row[i].xdg, row[i].env_home};
        static const char *const name[] = {"DUET_HOME", "XDG_STATE_HOME", "HOME"};

        for (size_t j = 0; j < 3; j++) {
            if (value[j] != NULL)
                setenv(name[j], value[j], 1);
            else
                unsetenv(name[j]);
        }
        cr_expect_eq(identity_dir(row[i].home, out), row[i].err, "%zu", i);
        if (row[i].err == 0)
            cr_expect_str_eq(out, row[i].want, "%zu", i);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    cr_expect_eq(identity_dir(longest, out), DUET_ERANGE);
}

Test(identity, default_name_ends_in_the_first_group_of_the_fingerprint)
{
    struct identity id = {0};
    char name[LIMIT_NAME_BYTES + 1], print[FINGERPRINT_BYTES];

    fingerprint(id.keys.public, print);
    identity_default_name(&id, name);
    cr_expect_gt(strlen(name), 5);
    cr_expect_leq(strlen(name), LIMIT_NAME_BYTES);
    cr_expect_eq(name[strlen(name) - 5], '-');
    cr_expect_eq(strncmp(name + strlen(name) - 4, print, 4), 0);
    cr_expect(text_valid(name, strlen(name)));
}

static void *open_first(void *arg)
{
    struct identity *id = arg;
    char error[IDENTITY_ERROR_BYTES], home[IDENTITY_PATH_BYTES];

    snprintf(home, sizeof(home), "%s", id->dir);
    return identity_open(id, home, error) == 0 ? id : NULL;
}

Test(identity, two_first_starts_at_once_agree_on_one_key)
{
    struct tmpdir d = tmpdir_make();

    for (int round = 0; round < 20; round++) {
        static struct identity id[2];
        pthread_t thread[2];
        void *ok[2];

        for (int i = 0; i < 2; i++) {
            snprintf(id[i].dir, sizeof(id[i].dir), "%s/%d", d.path, round);
            cr_assert_eq(pthread_create(&thread[i], NULL, open_first, &id[i]), 0);
        }
        for (int i = 0; i < 2; i++)
            pthread_join(thread[i], &ok[i]);
        cr_assert(ok[0] != NULL && ok[1] != NULL);
        cr_expect_eq(memcmp(&id[0].keys, &id[1].keys, sizeof(id[0].keys)), 0);
    }
    tmpdir_remove(&d);
}
