#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "duet/base/err.h"
#include "duet/cli/trust.h"

/* A home of its own; removed by whoever made it. */
struct fixture {
    char home[64];
    struct identity id;
    struct msg_peer_key peer;
    struct trust_policy policy;
};

static void set_up(struct fixture *f)
{
    char error[IDENTITY_ERROR_BYTES];

    snprintf(f->home, sizeof f->home, "/tmp/duet-trust.XXXXXX");
    cr_assert_not_null(mkdtemp(f->home));
    cr_assert_eq(identity_open(&f->id, f->home, error), 0, "%s", error);
    f->peer = (struct msg_peer_key){.name = "bob", .addr = {.family = ADDR_V4, .ip = {127, 0, 0, 1}, .port = 9}};
    memset(f->peer.key, 7, sizeof f->peer.key);
    f->policy = (struct trust_policy){.id = &f->id};
}

static void tear_down(struct fixture *f)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", f->home);
    cr_expect_eq(system(command), 0);
}

Test(trust, decides_about_a_new_key_by_the_options)
{
    struct fixture f;
    char own[FINGERPRINT_BYTES], other[FINGERPRINT_BYTES], text[TRUST_TEXT_BYTES];
    uint8_t key[NOISE_KEY_BYTES] = {1};

    set_up(&f);
    fingerprint(f.peer.key, own);
    fingerprint(key, other);
    const struct {
        const char *peer;
        bool accept_new, may_ask;
        enum trust_verdict verdict;
    } rows[] = {
        {NULL, false, false, TRUST_REFUSED}, {NULL, false, true, TRUST_ASK},      {NULL, true, false, TRUST_YES},
        {own, false, false, TRUST_YES},      {own, false, true, TRUST_YES},       {other, false, true, TRUST_REFUSED},
        {other, true, true, TRUST_REFUSED},  {"junk", true, true, TRUST_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.policy.fingerprint = rows[i].peer;
        f.policy.accept_new = rows[i].accept_new;
        f.policy.may_ask = rows[i].may_ask;
        cr_expect_eq(trust_judge(&f.policy, &f.peer, NULL, text), rows[i].verdict, "row %zu", i);
        if (rows[i].verdict == TRUST_YES)
            cr_expect_str_empty(text);
        else
            cr_expect(strstr(text, own), "row %zu shows the key: %s", i, text);
    }
    tear_down(&f);
}

Test(trust, knows_a_key_again_and_never_takes_a_changed_one)
{
    struct fixture f;
    char error[IDENTITY_ERROR_BYTES], text[TRUST_TEXT_BYTES], old[FINGERPRINT_BYTES], now[FINGERPRINT_BYTES];

    set_up(&f);
    fingerprint(f.peer.key, old);
    cr_assert_eq(trust_remember(&f.policy, &f.peer, "host:9", error), 0, "%s", error);
    cr_expect_eq(trust_judge(&f.policy, &f.peer, "host:9", text), TRUST_YES);
    cr_expect_eq(trust_judge(&f.policy, &f.peer, NULL, text), TRUST_YES);

    f.peer.key[0] ^= 1;
    fingerprint(f.peer.key, now);
    f.policy.accept_new = true;
    f.policy.may_ask = true;
    f.policy.fingerprint = now;
    cr_expect_eq(trust_judge(&f.policy, &f.peer, "host:9", text), TRUST_CHANGED);
    cr_expect(strstr(text, old) && strstr(text, now), "%s", text);
    cr_expect(strstr(text, "line 1 of") && strstr(text, f.home), "%s", text);
    tear_down(&f);
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
