#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "client/trust.h"
#include "host.h"

/* A home of its own; removed by whoever made it. */
struct fixture {
    char home[64];
    struct duet_identity *id;
    struct duet_peer_key peer;
    struct trust_policy policy;
    struct trust_outcome out;
};

static void set_up(struct fixture *f)
{
    char error[DUET_ERROR_BYTES];

    snprintf(f->home, sizeof f->home, "/tmp/duet-trust.XXXXXX");
    cr_assert_not_null(mkdtemp(f->home));
    cr_assert_eq(duet_identity_open(f->home, &f->id, error), 0, "%s", error);
    f->peer = (struct duet_peer_key){.name = "bob", .addr = {.family = ADDR_V4, .ip = {127, 0, 0, 1}, .port = 9}};
    memset(f->peer.key, 7, sizeof f->peer.key);
    f->policy = (struct trust_policy){.id = f->id};
}

static void tear_down(struct fixture *f)
{
    char command[128];

    duet_identity_free(f->id);
    snprintf(command, sizeof command, "rm -rf %s", f->home);
    cr_expect_eq(system(command), 0);
}

Test(trust, decides_about_a_new_key_by_the_options)
{
    struct fixture f;
    char own[DUET_FINGERPRINT_BYTES], other[DUET_FINGERPRINT_BYTES];
    uint8_t key[DUET_KEY_BYTES] = {1};

    set_up(&f);
    duet_fingerprint(f.peer.key, own);
    duet_fingerprint(key, other);
    const struct {
        const char *peer;
        bool accept_new, may_ask;
        enum trust_verdict verdict;
    } rows[] = {
        {NULL, false, false, TRUST_REFUSED}, {NULL, false, true, TRUST_ASK},      {NULL, true, false, TRUST_ALLOWED},
        {own, false, false, TRUST_ALLOWED},  {own, false, true, TRUST_ALLOWED},   {other, false, true, TRUST_REFUSED},
        {other, true, true, TRUST_REFUSED},  {"junk", true, true, TRUST_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.policy.fingerprint = rows[i].peer;
        f.policy.accept_new = rows[i].accept_new;
        f.policy.may_ask = rows[i].may_ask;
        host_fill_key(f.id, &f.peer, NULL);
        trust_judge(&f.policy, &f.peer, NULL, &f.out);
        cr_expect_eq(f.out.verdict, rows[i].verdict, "row %zu", i);
        if (rows[i].verdict == TRUST_ALLOWED)
            cr_expect_str_empty(f.out.text);
        else
            cr_expect(strstr(f.out.text, own), "row %zu shows the key: %s", i, f.out.text);
    }
    tear_down(&f);
}

static enum trust_verdict judge(struct fixture *f, const char *dialled)
{
    host_fill_key(f->id, &f->peer, dialled);
    trust_judge(&f->policy, &f->peer, dialled, &f->out);
    return f->out.verdict;
}

static enum trust_verdict accept_new(struct fixture *f, const char *dialled)
{
    trust_accept(&f->policy, &f->peer, dialled, f->out.on_file, &f->out);
    return f->out.verdict;
}

Test(trust, knows_a_key_again_and_never_takes_a_changed_one)
{
    struct fixture f;
    char old[DUET_FINGERPRINT_BYTES], now[DUET_FINGERPRINT_BYTES];

    set_up(&f);
    duet_fingerprint(f.peer.key, old);
    f.policy.accept_new = true;
    cr_assert_eq(judge(&f, "host:9"), TRUST_ALLOWED);
    cr_assert_eq(accept_new(&f, "host:9"), TRUST_KNOWN, "%s", f.out.text);
    cr_expect_eq(judge(&f, "host:9"), TRUST_KNOWN);
    cr_expect_not(f.out.fresh);
    cr_expect_eq(judge(&f, NULL), TRUST_KNOWN);

    f.peer.key[0] ^= 1;
    duet_fingerprint(f.peer.key, now);
    f.policy.may_ask = true;
    f.policy.fingerprint = now;
    cr_expect_eq(judge(&f, "host:9"), TRUST_CHANGED);
    cr_expect(strstr(f.out.text, old) && strstr(f.out.text, now), "%s", f.out.text);
    cr_expect(strstr(f.out.text, "line 1 of") && strstr(f.out.text, f.home), "%s", f.out.text);
    tear_down(&f);
}

/* Two of one name, both new when they came: the second yes is judged with what the first one wrote. */
Test(trust, judges_again_in_the_step_that_remembers)
{
    struct fixture f;

    set_up(&f);
    f.policy.may_ask = true;
    cr_assert_eq(judge(&f, NULL), TRUST_ASK);
    cr_assert_eq(accept_new(&f, NULL), TRUST_KNOWN);
    f.peer.key[0] ^= 1;
    f.out.on_file = DUET_KNOWN_NEW; /* as it was when it was asked about */
    cr_expect_eq(accept_new(&f, NULL), TRUST_CHANGED);

    /* The key that the first one has, asked about when nobody had it, as somebody else. */
    f.peer.key[0] ^= 1;
    snprintf(f.peer.name, sizeof f.peer.name, "carol");
    f.out.on_file = DUET_KNOWN_NEW;
    cr_expect_eq(accept_new(&f, "carol.example:9"), TRUST_REFUSED);
    cr_expect(strstr(f.out.text, "the key you know as bob"), "%s", f.out.text);
    tear_down(&f);
}

/* "mallory" is known; she answers at an address that was never dialled, as "carol", of whom nothing is known. */
Test(trust, a_known_key_is_not_anybody_else_unasked)
{
    struct fixture f;

    set_up(&f);
    f.policy.accept_new = true;
    cr_assert_eq(judge(&f, NULL), TRUST_ALLOWED);
    cr_assert_eq(accept_new(&f, NULL), TRUST_KNOWN);
    snprintf(f.peer.name, sizeof f.peer.name, "carol");
    cr_expect_eq(judge(&f, "carol.example:9"), TRUST_ALLOWED, "a new key would be, too");
    f.policy.accept_new = false;
    cr_expect_eq(judge(&f, "carol.example:9"), TRUST_REFUSED);
    cr_expect(strstr(f.out.text, "the key you know as bob"), "%s", f.out.text);
    f.policy.may_ask = true;
    cr_expect_eq(judge(&f, "carol.example:9"), TRUST_ASK);
    cr_expect(strstr(f.out.text, "the key you know as bob"), "%s", f.out.text);
    cr_expect_str_eq(f.out.known_as, "bob");
    cr_expect_eq(judge(&f, NULL), TRUST_KNOWN, "who comes to us may have another name");
    cr_expect(strstr(f.out.text, "the key you know as bob"), "and that is told: %s", f.out.text);
    cr_expect_eq(judge(&f, "carol.example:9"), TRUST_ASK);
    cr_expect_eq(accept_new(&f, "carol.example:9"), TRUST_KNOWN, "%s", f.out.text);
    cr_expect(strstr(f.out.text, "the key you know as bob"), "%s", f.out.text);
    cr_expect_eq(judge(&f, "carol.example:9"), TRUST_KNOWN);
    cr_expect_str_empty(f.out.text);
    tear_down(&f);
}

Test(trust, nobody_is_trusted_who_cannot_be_remembered)
{
    struct fixture f;
    char path[128];

    set_up(&f);
    f.policy.accept_new = true;
    cr_assert_eq(judge(&f, "host:9"), TRUST_ALLOWED);
    snprintf(path, sizeof(path), "%s/known_peers.lock", f.home);
    cr_assert_eq(mkdir(path, 0700), 0); /* as on a file system that is read only, whoever we are */
    cr_expect_eq(accept_new(&f, "host:9"), TRUST_REFUSED);
    cr_expect(strstr(f.out.text, "cannot be remembered"), "%s", f.out.text);
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(accept_new(&f, "host:9"), TRUST_KNOWN);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(judge(&f, "other:9"), TRUST_KNOWN);
    cr_assert(f.out.fresh);
    cr_expect_eq(accept_new(&f, "other:9"), TRUST_KNOWN, "who is on file stays known");
    cr_expect(strstr(f.out.text, "known_peers"), "%s", f.out.text);
    tear_down(&f);
}

/* Without a descriptor nobody can be looked up. */
static void allow_no_files(bool none)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = none ? 0 : limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(trust, trouble_here_is_not_told_as_a_verdict_on_the_key)
{
    struct fixture f;
    char path[128];

    set_up(&f);
    cr_assert_eq(judge(&f, NULL), TRUST_REFUSED);
    cr_expect_null(f.out.reason, "this is one");
    f.policy.accept_new = true;
    cr_assert_eq(judge(&f, NULL), TRUST_ALLOWED);
    cr_assert_eq(accept_new(&f, NULL), TRUST_KNOWN, "%s", f.out.text);

    allow_no_files(true);
    cr_expect_eq(judge(&f, NULL), TRUST_REFUSED);
    allow_no_files(false);
    cr_expect_str_eq(f.out.reason, "it cannot read its list of known peers");
    cr_expect(strstr(f.out.text, strerror(EMFILE)), "%s", f.out.text);
    cr_expect_eq(judge(&f, NULL), TRUST_KNOWN);

    f.peer.key[0] ^= 1;
    snprintf(f.peer.name, sizeof f.peer.name, "carol");
    cr_assert_eq(judge(&f, NULL), TRUST_ALLOWED);
    snprintf(path, sizeof(path), "%s/known_peers.lock", f.home);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_eq(accept_new(&f, NULL), TRUST_REFUSED);
    cr_expect_str_eq(f.out.reason, "it cannot remember your key");
    tear_down(&f);
}

Test(trust, a_key_the_user_names_is_let_in_when_it_comes)
{
    struct fixture f;
    char own[DUET_FINGERPRINT_BYTES], short_one[DUET_FINGERPRINT_BYTES];

    set_up(&f);
    duet_fingerprint(f.peer.key, own);
    snprintf(short_one, sizeof(short_one), "%.9s", own);
    cr_expect_eq(trust_allow(&f.policy, short_one), DUET_EINVAL);
    cr_expect_eq(trust_allow(&f.policy, "bob"), DUET_EINVAL);
    cr_expect_eq(trust_allow(&f.policy, ""), DUET_EINVAL);
    cr_expect_eq(judge(&f, NULL), TRUST_REFUSED);
    cr_expect_eq(trust_allow(&f.policy, own), 0);
    cr_expect_eq(judge(&f, NULL), TRUST_ALLOWED);
    for (int i = 1; i < TRUST_ALLOWED_KEYS; i++)
        cr_expect_eq(trust_allow(&f.policy, own), 0);
    cr_expect_eq(trust_allow(&f.policy, own), DUET_EFULL);
    tear_down(&f);
}

Test(trust, takes_four_characters_of_a_fingerprint_for_it_and_no_fewer)
{
    cr_expect(trust_fingerprint_starts("abcd-ef23", "abcd"));
    cr_expect(trust_fingerprint_starts("abcd-ef23", "ABCDE"));
    cr_expect(trust_fingerprint_starts("abcd-ef23", "abcd-ef23"));
    cr_expect_not(trust_fingerprint_starts("abcd-ef23", "abc"));
    cr_expect_not(trust_fingerprint_starts("abcd-ef23", "abcf"));
    cr_expect_not(trust_fingerprint_starts("abcd-ef23", "abcd-ef234"));
    cr_expect_not(trust_fingerprint_starts("abcd-ef23", ""));
}

Test(trust, compares_fingerprints_however_they_are_written)
{
    cr_expect(trust_same_fingerprint("abcd-ef23", "ABCD EF23"));
    cr_expect(trust_same_fingerprint("abcdef23", "abcd-ef23"));
    cr_expect_not(trust_same_fingerprint("abcd-ef23", "abcd-ef24"));
    cr_expect_not(trust_same_fingerprint("abcd", "abcd-ef23"));
    cr_expect_not(trust_same_fingerprint("abcd-ef23", "abcd"));
    cr_expect_not(trust_same_fingerprint("", ""));
    cr_expect_not(trust_same_fingerprint("-", ""));
}
