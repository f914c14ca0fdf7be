#include "unit.h"
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include "base/err.h"
#include "io/known.h"
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

static int check(uint8_t k, const char *dialled, const char *name, struct known_match *m)
{
    return known_check(&id, &(struct known_peer){.key = key(k), .dialled = dialled, .name = name}, m, error);
}

static int accept_as(uint8_t k, const char *dialled, const char *name, enum known_verdict expected)
{
    struct known_match m;
    const int err =
        known_accept(&id, &(struct known_peer){.key = key(k), .dialled = dialled, .name = name}, expected, &m, error);

    return err != 0 ? err : (int)m.verdict;
}

static void add(uint8_t k, const char *dialled, const char *name)
{
    struct known_match m;

    cr_assert_eq(check(k, dialled, name, &m), 0, "%s", error);
    cr_assert_eq(accept_as(k, dialled, name, m.verdict), (int)m.verdict, "%s", error);
}

static enum known_verdict verdict(uint8_t k, const char *dialled, const char *name)
{
    struct known_match m;

    cr_assert_eq(check(k, dialled, name, &m), 0, "%s", error);
    return m.verdict;
}

/* A line as a user, or an older consent, has it. */
static void put_line(uint8_t k, const char *rest)
{
    char text[512], hex[65];
    FILE *f = fopen(tmpdir_path(&dir, "known_peers"), "a");

    cr_assert_not_null(f);
    cr_assert_eq(fchmod(fileno(f), 0600), 0);
    sodium_bin2hex(hex, sizeof(hex), key(k), NOISE_KEY_BYTES);
    snprintf(text, sizeof(text), "%s\t%s\n", hex, rest);
    fputs(text, f);
    fclose(f);
}

static unsigned lines(void)
{
    unsigned count = 0;

    for (const char *at = file(); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

Test(known, nothing_is_known_at_first)
{
    cr_expect_eq(verdict(1, "host:6254", "bob"), KNOWN_NEW);
}

Test(known, judges_by_address_then_name_then_key)
{
    static const struct {
        uint8_t key;
        const char *dialled, *name;
        enum known_verdict want;
        uint8_t of; /* CHANGED: whose fingerprint */
    } row[] = {
        {1, "a:1", "ann", KNOWN_SAME, 0},
        {1, NULL, "other name", KNOWN_SAME, 0},
        {1, "b:1", "ann", KNOWN_SAME, 0},
        {1, "b:1", "bob", KNOWN_CHANGED, 2},
        {1, "a:1", "bob", KNOWN_CHANGED, 2},
        {1, "b:1", "carl", KNOWN_MOVED, 0},
        {1, "b:1", "", KNOWN_SAME, 0},
        {2, "a:1", "bob", KNOWN_CHANGED, 1},
        {2, "c:1", "bob", KNOWN_SAME, 0},
        {2, "c:1", "carl", KNOWN_MOVED, 0},
        {3, "a:1", "carl", KNOWN_CHANGED, 1},
        {3, "a:1", "bob", KNOWN_CHANGED, 1},
        {3, NULL, "bob", KNOWN_CHANGED, 2},
        {3, NULL, "BOB", KNOWN_CHANGED, 2},
        {3, NULL,
         "b\xd0\xbe"
         "b",
         KNOWN_CHANGED, 2},
        {3, "c:1", "bob", KNOWN_CHANGED, 2},
        {3, "c:1", "carl", KNOWN_NEW, 0},
        {3, NULL, "carl", KNOWN_NEW, 0},
        {3, NULL, "", KNOWN_NEW, 0},
        {3, NULL, NULL, KNOWN_NEW, 0},
        {3, "-", "carl", KNOWN_NEW, 0},
        {3, "a:11", "an", KNOWN_NEW, 0},
        {4, "x:1", "xaver", KNOWN_SAME, 0}, /* of whom only the key is on file */
    };

    add(1, "a:1", "ann");
    add(2, NULL, "bob");
    add(4, "", "");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct known_match m;
        char print[FINGERPRINT_BYTES];

        cr_assert_eq(check(row[i].key, row[i].dialled, row[i].name, &m), 0, "%s", error);
        cr_expect_eq(m.verdict, row[i].want, "row %zu", i);
        if (row[i].of != 0) {
            cr_expect_str_eq(m.old_fingerprint, fingerprint(key(row[i].of), print), "row %zu", i);
            cr_expect_eq(m.line, row[i].of);
            cr_expect_str_eq(m.name, row[i].of == 1 ? "ann" : "bob");
        }
    }
}

/* Bob is dialled by name, then once by address, and calls himself otherwise for a day: nobody else gets any of
 * these. */
Test(known, every_name_and_address_a_key_had_stays_its_own)
{
    static const struct {
        const char *dialled, *name;
    } row[] = {{"bob.example:1", "x"}, {"192.0.2.9:1", "x"}, {NULL, "bob"}, {NULL, "bobby"}, {NULL, "Bobby"}};

    add(1, "bob.example:1", "bob");
    add(1, "192.0.2.9:1", "bob");
    add(1, "192.0.2.9:1", "bobby");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_eq(verdict(2, row[i].dialled, row[i].name), KNOWN_CHANGED, "row %zu", i);
        cr_expect_eq(accept_as(2, row[i].dialled, row[i].name, KNOWN_NEW), KNOWN_CHANGED, "row %zu", i);
    }
    cr_expect_eq(lines(), 3, "%s", file());
}

Test(known, lines_of_the_user_and_comments_are_never_touched)
{
    char want[4096], a[65];

    put_line(9, "old\ta:1\t2020-01-01");
    for (int i = 0; i < KNOWN_BINDINGS - 4; i++) {
        char rest[64];

        snprintf(rest, sizeof(rest), "old\thost-%d:1\t2020-01-01", i);
        put_line(1, rest);
    }
    snprintf(want, sizeof(want), "%s\n# my friends", file());
    tmpdir_put(&dir, "known_peers", want, strlen(want)); /* and no newline at the end */
    for (int i = 0; i < 3 * KNOWN_BINDINGS; i++) {
        char dialled[32];

        snprintf(dialled, sizeof(dialled), "new-%d:1", i);
        add(1, dialled, "old");
    }
    cr_expect_eq(strncmp(file(), want, strlen(want)), 0, "%s", file());
    cr_expect_eq(lines(), 1 + KNOWN_BINDINGS + 2, "%s", file());
    sodium_bin2hex(a, sizeof(a), key(1), NOISE_KEY_BYTES);
    cr_expect_null(strstr(file(), "new-43:1"), "the oldest went");
    for (int i = 3 * KNOWN_BINDINGS - 4; i < 3 * KNOWN_BINDINGS; i++) {
        snprintf(want, sizeof(want), "%s\told\tnew-%d:1\t20", a, i);
        cr_expect_not_null(strstr(file(), want), "%s", file());
    }
    cr_expect_not_null(strstr(file(), "\tseen\n"));
}

Test(known, a_key_with_as_many_lines_of_the_user_as_there_may_be_gets_no_more)
{
    for (int i = 0; i < KNOWN_BINDINGS; i++) {
        char rest[64];

        snprintf(rest, sizeof(rest), "old\thost-%d:1\t2020-01-01", i);
        put_line(1, rest);
    }
    cr_expect_eq(accept_as(1, "new:1", "old", KNOWN_SAME), KNOWN_SAME);
    cr_expect_eq(lines(), KNOWN_BINDINGS);
}

Test(known, a_peer_that_is_on_file_as_it_is_writes_nothing)
{
    struct known_match m;
    struct stat before, after;

    add(1, "a:1", "ann");
    cr_assert_eq(stat(tmpdir_path(&dir, "known_peers"), &before), 0);
    cr_assert_eq(check(1, "a:1", "Ann", &m), 0);
    cr_expect_not(m.fresh);
    add(1, "a:1", "Ann");
    add(1, NULL, "ann");
    cr_assert_eq(stat(tmpdir_path(&dir, "known_peers"), &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino);
    cr_expect_eq(before.st_size, after.st_size);
    cr_assert_eq(check(1, "a:2", "ann", &m), 0);
    cr_expect(m.fresh);
    cr_expect_not(m.renamed);
}

/* A thousand new peers cost a line each, not the file each. */
Test(known, a_new_peer_is_added_at_the_end)
{
    struct stat before, after;

    add(1, NULL, "ann");
    cr_assert_eq(stat(tmpdir_path(&dir, "known_peers"), &before), 0);
    add(2, NULL, "bob");
    add(2, "b:1", "bob");
    cr_assert_eq(stat(tmpdir_path(&dir, "known_peers"), &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino, "the file was not written anew");
    cr_expect_eq(lines(), 3);
}

Test(known, what_was_not_expected_is_not_written)
{
    add(1, "a:1", "ann");
    cr_expect_eq(accept_as(1, "b:1", "carl", KNOWN_NEW), KNOWN_MOVED);
    cr_expect_eq(accept_as(1, "b:1", "carl", KNOWN_SAME), KNOWN_MOVED);
    cr_expect_eq(accept_as(2, "b:1", "carl", KNOWN_MOVED), KNOWN_NEW);
    cr_expect_eq(lines(), 1);
    cr_expect_eq(accept_as(1, "b:1", "carl", KNOWN_MOVED), KNOWN_MOVED);
    cr_expect_eq(lines(), 2);
    cr_expect_eq(accept_as(1, "b:1", "carl", KNOWN_NEW), KNOWN_SAME);
}

Test(known, a_malformed_line_stops_everything_and_is_named)
{
    static const char *const row[] = {
        "nonsense",
        "KEY\tname\taddress",
        "KEY\tname\taddress\tdate\tmore",
        "KEY\tname\taddress\tdate\t",
        "KEY\tname\taddress\tdate\tseen\t",
        "KEY\tname\taddress\tdate\tseen\tmore",
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
        cr_expect_eq(check(1, "a:1", "x", &m), DUET_EMALFORMED, "row %zu", i);
        cr_expect_not_null(strstr(error, "line 3"), "%s", error);
        cr_expect_neq(m.verdict, KNOWN_SAME, "not even what stood before it");
        cr_expect_eq(accept_as(2, "b:1", "y", KNOWN_NEW), DUET_EMALFORMED, "row %zu", i);
        cr_expect_str_eq(file(), text, "left as it was");
    }
}

Test(known, text_that_would_break_the_file_cannot)
{
    struct known_match m;

    add(1, "a\tb\n:1", "ann\tx\ny\x1b[0m");
    add(2, "b:1", "bob");
    cr_assert_eq(check(2, NULL, "bob", &m), 0, "%s", error);
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
        char name[16];
        struct known_match m;

        memset(k, first + i, sizeof(k));
        snprintf(name, sizeof(name), "peer-%d", i); /* both threads want each name */
        if (known_accept(&id, &(struct known_peer){.key = k, .name = name}, KNOWN_NEW, &m, why) != 0)
            return NULL;
    }
    return arg;
}

Test(known, of_two_who_want_a_name_at_once_one_gets_it)
{
    uint8_t first[2] = {0, 100};
    pthread_t thread[2];
    void *ok[2];

    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, add_many, &first[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], &ok[i]);
    cr_assert(ok[0] != NULL && ok[1] != NULL);
    cr_expect_eq(lines(), ADDS, "each name once");
    for (uint8_t i = 0; i < ADDS; i++)
        cr_expect((verdict((uint8_t)(first[0] + i), NULL, NULL) == KNOWN_SAME) !=
                  (verdict((uint8_t)(first[1] + i), NULL, NULL) == KNOWN_SAME));
}

Test(known, an_unusable_file_is_an_error_not_a_new_peer)
{
    struct known_match m;

    cr_assert_eq(mkdirat(dir.fd, "known_peers", 0700), 0);
    cr_expect_lt(check(1, NULL, NULL, &m), 0);
    cr_expect_neq(error[0], '\0');
    cr_expect_lt(accept_as(1, NULL, NULL, KNOWN_NEW), 0);
    cr_assert_eq(unlinkat(dir.fd, "known_peers", AT_REMOVEDIR), 0);

    add(1, "a:1", "ann");
    cr_assert_eq(fchmodat(dir.fd, "known_peers", 0620, 0), 0);
    cr_expect_eq(check(1, "a:1", "ann", &m), DUET_ETRUST);
    cr_expect_not_null(strstr(error, "chmod go-w"), "%s", error);
    cr_assert_eq(fchmodat(dir.fd, "known_peers", 0600, 0), 0);
    cr_assert_eq(fchmod(dir.fd, 0770), 0);
    cr_expect_eq(check(1, "a:1", "ann", &m), DUET_ETRUST);
    cr_expect_eq(accept_as(2, NULL, "bob", KNOWN_NEW), DUET_ETRUST);
    cr_expect_not_null(strstr(error, "chmod go-w"), "%s", error);
    cr_assert_eq(fchmod(dir.fd, 0700), 0);
    cr_expect_eq(lines(), 1);
}

/* The limit of the file's size stands for a full disk. */
Test(known, what_cannot_be_remembered_is_an_error)
{
    add(1, "a:1", "ann");
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 100, .rlim_max = RLIM_INFINITY}), 0);
    cr_expect_lt(accept_as(2, NULL, "bob", KNOWN_NEW), 0);
    cr_expect_neq(error[0], '\0');
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY}), 0);
    cr_expect_eq(verdict(2, NULL, "bob"), KNOWN_NEW);
    cr_expect_eq(lines(), 1);
}
