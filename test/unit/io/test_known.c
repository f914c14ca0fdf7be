#include "unit.h"
#include <pthread.h>
#include <sodium.h>

#include "duet/base/err.h"
#include "duet/io/identity.h"
#include "tmpdir.h"

#define ADDS 50

static struct tmpdir dir;
static struct identity id;
static char error[IDENTITY_ERROR_BYTES];

static void setup(void)
{
    dir = tmpdir_make();
    snprintf(id.dir, sizeof(id.dir), "%s", dir.path);
    cr_assert_geq(sodium_init(), 0);
}

static void teardown(void)
{
    tmpdir_remove(&dir);
}

TestSuite(known, .init = setup, .fini = teardown);

static const uint8_t *key(uint8_t n)
{
    static uint8_t keys[4][NOISE_KEY_BYTES];
    static unsigned turn;
    uint8_t *k = keys[turn++ % 4];

    memset(k, n, NOISE_KEY_BYTES);
    return k;
}

static const char *file(void)
{
    bool found;

    return tmpdir_get(&dir, "known_peers", &found);
}

Test(known, nothing_is_known_at_first)
{
    struct known_match m;

    cr_assert_eq(known_check(&id, key(1), "host:6254", "bob", &m, error), 0);
    cr_expect_eq(m.verdict, KNOWN_NEW);
}

Test(known, judges_by_address_then_name_then_key)
{
    static const struct {
        uint8_t key;
        const char *dialled, *name;
        enum known_verdict want;
        uint8_t of; /* CHANGED: whose fingerprint */
    } row[] = {
        {1, "a:1", "ann", KNOWN_SAME, 0},     {1, NULL, "other name", KNOWN_SAME, 0},
        {1, "b:1", "ann", KNOWN_SAME, 0},     {1, "b:1", "bob", KNOWN_CHANGED, 2},
        {2, "a:1", "bob", KNOWN_CHANGED, 1},  {2, "c:1", "bob", KNOWN_SAME, 0},
        {3, "a:1", "carl", KNOWN_CHANGED, 1}, {3, "a:1", "bob", KNOWN_CHANGED, 1},
        {3, NULL, "bob", KNOWN_CHANGED, 2},   {3, "c:1", "bob", KNOWN_CHANGED, 2},
        {3, "c:1", "carl", KNOWN_NEW, 0},     {3, NULL, "carl", KNOWN_NEW, 0},
        {3, NULL, "", KNOWN_NEW, 0},          {3, NULL, NULL, KNOWN_NEW, 0},
        {3, "-", "carl", KNOWN_NEW, 0},       {3, "a:11", "an", KNOWN_NEW, 0},
    };

    cr_assert_eq(known_add(&id, key(1), "a:1", "ann", error), 0, "%s", error);
    cr_assert_eq(known_add(&id, key(2), NULL, "bob", error), 0);
    cr_assert_eq(known_add(&id, key(4), "", "", error), 0);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct known_match m;
        char print[FINGERPRINT_BYTES];

        cr_assert_eq(known_check(&id, key(row[i].key), row[i].dialled, row[i].name, &m, error), 0, "%s", error);
        cr_expect_eq(m.verdict, row[i].want, "row %zu", i);
        if (row[i].of != 0) {
            cr_expect_str_eq(m.old_fingerprint, fingerprint(key(row[i].of), print), "row %zu", i);
            cr_expect_eq(m.line, row[i].of);
            cr_expect_str_eq(m.name, row[i].of == 1 ? "ann" : "bob");
        }
    }
}

Test(known, refreshing_keeps_the_place_the_comments_and_the_old_address)
{
    char want[512], a[65], b[65];
    const char *start = "# my friends\n\n";

    sodium_bin2hex(a, sizeof(a), key(1), NOISE_KEY_BYTES);
    sodium_bin2hex(b, sizeof(b), key(2), NOISE_KEY_BYTES);
    snprintf(want, sizeof(want), "%s%s\told\ta:1\t2020-01-01\n%s\tbob\tb:1\t2020-01-01", start, a, b);
    tmpdir_put(&dir, "known_peers", want, strlen(want)); /* and no newline at the end */
    cr_assert_eq(known_add(&id, key(1), NULL, "new", error), 0, "%s", error);
    snprintf(want, sizeof(want), "%s%s\tnew\ta:1\t20", start, a);
    cr_expect_eq(strncmp(file(), want, strlen(want)), 0, "%s", file());
    snprintf(want, sizeof(want), "\n%s\tbob\tb:1\t2020-01-01\n", b);
    cr_expect_not_null(strstr(file(), want), "%s", file());
    cr_assert_eq(known_add(&id, key(1), "z:9", "new", error), 0);
    cr_expect_not_null(strstr(file(), "\tnew\tz:9\t"));
    cr_expect_null(strstr(file(), "a:1"));
}

/* As files merged by hand have it. */
Test(known, two_lines_of_one_key_are_one_peer)
{
    char text[512], a[65];
    struct known_match m;

    sodium_bin2hex(a, sizeof(a), key(1), NOISE_KEY_BYTES);
    snprintf(text, sizeof(text), "%s\told\ta:1\t2020-01-01\n%s\tann\tb:1\t2020-01-02\n", a, a);
    tmpdir_put(&dir, "known_peers", text, strlen(text));
    cr_assert_eq(known_check(&id, key(1), "b:1", "ann", &m, error), 0, "%s", error);
    cr_expect_eq(m.verdict, KNOWN_SAME);
}

Test(known, a_peer_of_today_is_not_written_again)
{
    char path[512];
    struct stat before, after;

    cr_assert_eq(known_add(&id, key(1), "a:1", "ann", error), 0, "%s", error);
    snprintf(path, sizeof(path), "%s/known_peers", id.dir);
    cr_assert_eq(stat(path, &before), 0);
    cr_assert_eq(known_add(&id, key(1), "a:1", "ann", error), 0);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    cr_assert_eq(known_add(&id, key(1), "a:2", "ann", error), 0);
    cr_expect_not_null(strstr(file(), "\ta:2\t"), "%s", file());
}

Test(known, a_malformed_line_stops_everything_and_is_named)
{
    static const char *const row[] = {
        "nonsense",
        "KEY\tname\taddress",
        "KEY\tname\taddress\tdate\tmore",
        "KEY\tname\t\tdate",
        "KEY\tname\taddress\t",
        "KEYff\tname\taddress\tdate",
        "zKEY\tname\taddress\tdate",
        " KEY\tname\taddress\tdate",
        "\tname\taddress\tdate",
        "KEY\t\xff\xfe\taddress\tdate",
        " ",
    };
    char hex[65];

    sodium_bin2hex(hex, sizeof(hex), key(1), NOISE_KEY_BYTES);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct known_match m;
        char text[512];
        const char *place = strstr(row[i], "KEY");
        const size_t before = place != NULL ? (size_t)(place - row[i]) : strlen(row[i]);

        snprintf(text, sizeof(text), "%s\tgood\ta:1\t2020-01-01\n# comment\n%.*s%s%s\n", hex, (int)before, row[i],
                 place != NULL ? hex : "", place != NULL ? place + 3 : "");
        tmpdir_put(&dir, "known_peers", text, strlen(text));
        cr_expect_eq(known_check(&id, key(1), "a:1", "x", &m, error), DUET_EMALFORMED, "row %zu", i);
        cr_expect_not_null(strstr(error, "line 3"), "%s", error);
        cr_expect_neq(m.verdict, KNOWN_SAME, "not even what stood before it");
        cr_expect_eq(known_add(&id, key(2), "b:1", "y", error), DUET_EMALFORMED, "row %zu", i);
        cr_expect_str_eq(file(), text, "left as it was");
    }
}

Test(known, text_that_would_break_the_file_cannot)
{
    struct known_match m;

    cr_assert_eq(known_add(&id, key(1), "a\tb\n:1", "ann\tx\ny\x1b[0m", error), 0);
    cr_assert_eq(known_add(&id, key(2), "b:1", "bob", error), 0);
    cr_assert_eq(known_check(&id, key(2), NULL, "bob", &m, error), 0, "%s", error);
    cr_expect_eq(m.verdict, KNOWN_SAME);
    cr_expect_eq(m.line, 2);
    cr_expect_null(strchr(file(), '\x1b'));
}

static void *add_many(void *arg)
{
    const uint8_t first = *(const uint8_t *)arg;
    char why[IDENTITY_ERROR_BYTES];

    for (uint8_t i = 0; i < ADDS; i++) {
        uint8_t k[NOISE_KEY_BYTES];

        memset(k, first + i, sizeof(k));
        if (known_add(&id, k, NULL, "peer", why) != 0)
            return NULL;
    }
    return arg;
}

Test(known, adding_at_once_loses_nothing)
{
    uint8_t first[2] = {0, 100};
    pthread_t thread[2];
    void *ok[2];
    struct known_match m;

    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, add_many, &first[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], &ok[i]);
    cr_assert(ok[0] != NULL && ok[1] != NULL);
    for (uint8_t i = 0; i < ADDS; i++) {
        for (int j = 0; j < 2; j++) {
            cr_assert_eq(known_check(&id, key((uint8_t)(first[j] + i)), NULL, NULL, &m, error), 0);
            cr_expect_eq(m.verdict, KNOWN_SAME);
        }
    }
}

Test(known, an_unreadable_file_is_an_error_not_a_new_peer)
{
    struct known_match m;

    cr_assert_eq(mkdirat(dir.fd, "known_peers", 0700), 0);
    cr_expect_lt(known_check(&id, key(1), NULL, NULL, &m, error), 0);
    cr_expect_neq(error[0], '\0');
    cr_expect_lt(known_add(&id, key(1), NULL, NULL, error), 0);
}
