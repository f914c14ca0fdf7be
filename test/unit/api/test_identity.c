/* Identities on disk and in memory, and what is on file. */
#include <string.h>

#include "../io/tmpdir.h"
#include "two.h"
#include "unit.h"

Test(api_identity, is_made_once_and_loaded_from_then_on)
{
    struct tmpdir d = tmpdir_make();
    struct duet_identity *a, *b;
    char error[DUET_ERROR_BYTES] = "";

    cr_assert_eq(duet_identity_open(d.path, &a, error), 0, "%s", error);
    cr_assert_eq(duet_identity_open(d.path, &b, error), 0, "%s", error);
    cr_expect_eq(memcmp(duet_identity_key(a), duet_identity_key(b), DUET_KEY_BYTES), 0);
    cr_expect_str_eq(duet_identity_directory(a), d.path);
    cr_expect_not_null(strchr(duet_identity_name(a), '-'));
    duet_identity_free(a);
    duet_identity_free(b);
    tmpdir_remove(&d);
}

Test(api_identity, in_memory_follows_from_its_secret_and_remembers_nobody)
{
    const uint8_t secret[DUET_KEY_BYTES] = {1}, peer[DUET_KEY_BYTES] = {9};
    struct duet_identity *a, *b, *random;
    struct duet_known known = {.size = sizeof(known)};

    cr_assert_eq(duet_identity_new(secret, &a), 0);
    cr_assert_eq(duet_identity_new(secret, &b), 0);
    cr_assert_eq(duet_identity_new(NULL, &random), 0);
    cr_expect_eq(memcmp(duet_identity_key(a), duet_identity_key(b), DUET_KEY_BYTES), 0);
    cr_expect_neq(memcmp(duet_identity_key(a), duet_identity_key(random), DUET_KEY_BYTES), 0);
    cr_expect_str_eq(duet_identity_directory(a), "");
    cr_expect_eq(duet_known_accept(a, peer, NULL, "bob", DUET_KNOWN_NEW, &known, NULL), 0);
    cr_expect_eq(duet_known_check(a, peer, NULL, "bob", &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_NEW);
    duet_identity_free(a);
    duet_identity_free(b);
    duet_identity_free(random);
    duet_identity_free(NULL);
}

Test(api_identity, tells_who_is_new_who_is_known_and_who_changed)
{
    struct tmpdir d = tmpdir_make();
    const uint8_t bob[DUET_KEY_BYTES] = {1}, other[DUET_KEY_BYTES] = {2};
    struct duet_identity *id;
    struct duet_known known = {.size = sizeof(known)};

    cr_assert_eq(duet_identity_open(d.path, &id, NULL), 0);
    cr_expect_eq(duet_known_check(id, bob, "host:1", "bob", &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_NEW);
    cr_expect(known.fresh);
    cr_expect_eq(duet_known_accept(id, bob, "host:1", "bob", DUET_KNOWN_NEW, &known, NULL), 0);
    cr_expect_eq(duet_known_check(id, bob, "host:1", "bob", &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_SAME);
    cr_expect(!known.fresh);
    cr_expect_eq(duet_known_check(id, other, "host:1", "eve", &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_CHANGED);
    cr_expect_str_eq(known.name, "bob");
    cr_expect_neq(known.old_fingerprint[0], '\0');
    duet_identity_free(id);
    tmpdir_remove(&d);
}

Test(api_identity, writes_no_further_than_an_older_struct_goes)
{
    const uint8_t key[DUET_KEY_BYTES] = {1};
    struct duet_identity *id;
    struct duet_known known;

    cr_assert_eq(duet_identity_new(NULL, &id), 0);
    memset(&known, 0xff, sizeof(known));
    known.size = offsetof(struct duet_known, name);
    cr_expect_eq(duet_known_check(id, key, NULL, NULL, &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_NEW);
    cr_expect_eq((unsigned char)known.name[0], 0xff);
    known.size = 0;
    cr_expect_eq(duet_known_check(id, key, NULL, NULL, &known, NULL), DUET_EINVAL);
    cr_expect_eq(duet_known_check(NULL, key, NULL, NULL, &known, NULL), DUET_EINVAL);
    cr_expect_eq(duet_known_check(id, NULL, NULL, NULL, &known, NULL), DUET_EINVAL);
    cr_expect_eq(duet_identity_open(NULL, NULL, NULL), DUET_EINVAL);
    cr_expect_eq(duet_identity_new(NULL, NULL), DUET_EINVAL);
    cr_expect_null(duet_identity_key(NULL));
    duet_identity_free(id);
}
