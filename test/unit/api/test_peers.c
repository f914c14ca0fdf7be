/* Who is let in: the three policies, and the answers of a program that decides by itself. */
#include <stdio.h>
#include <string.h>

#include "../io/tmpdir.h"
#include "two.h"
#include "unit.h"

/* b dials a, which asks; the KEY of a. */
static const struct duet_event *meet(struct duet_node *a, struct duet_node *b)
{
    char host[DUET_DIALLED_BYTES];

    cr_assert_eq(duet_dial(b, 1, two_host(a, host), NULL), 0);
    return two_await(a, DUET_EVENT_KEY);
}

static struct duet_options asking(void)
{
    struct duet_options o = two_options();

    o.trust = DUET_TRUST_ASK;
    return o;
}

Test(api_peers, shows_who_wants_to_be_let_in_and_waits_for_the_answer)
{
    const struct duet_options ask = asking();
    struct duet_options named = two_options();
    char print[DUET_FINGERPRINT_BYTES];

    named.name = "bob";
    struct duet_node *a = two_start(&ask, 1), *b = two_start(&named, 2);
    const struct duet_event *ev = meet(a, b);
    const uint64_t peer = ev->peer;

    cr_expect(!ev->ok && ev->err == 0);
    cr_expect_str_eq(ev->key->name, "bob");
    cr_expect_str_eq(ev->key->fingerprint, duet_fingerprint(ev->key->key, print));
    cr_expect_eq(ev->key->known.verdict, DUET_KNOWN_NEW);
    cr_expect_eq(ev->key->known_err, 0);
    cr_expect_eq(duet_trust(a, peer, false), 0);
    cr_expect_eq(duet_trust(a, peer, false), DUET_ENOTFOUND, "it was answered");
    two_await(b, DUET_EVENT_CONNECTED);
    cr_expect_eq(two_await(a, DUET_EVENT_CONNECTED)->peer, peer);
    duet_node_free(a);
    duet_node_free(b);
}

Test(api_peers, refuses_with_a_reason)
{
    const struct duet_options ask = asking(), o = two_options();
    struct duet_node *a = two_start(&ask, 1), *b = two_start(&o, 2);
    const uint64_t peer = meet(a, b)->peer;
    const struct duet_event *ev;

    cr_expect_eq(duet_refuse(a, peer, "not today"), 0);
    ev = two_await(b, DUET_EVENT_LEFT);
    cr_expect_eq(ev->code, DUET_CLOSE_REFUSED);
    cr_expect_str_eq(ev->text, "not today");
    ev = two_await(a, DUET_EVENT_LEFT);
    cr_expect(ev->ours);
    cr_expect_eq(ev->peer, peer);
    cr_expect_eq(duet_say(a, peer, 1, "a", 1), DUET_ENOTFOUND, "it is gone");
    duet_node_free(a);
    duet_node_free(b);
}

Test(api_peers, of_policy_known_only_those_on_file_come_in)
{
    struct tmpdir d = tmpdir_make();
    struct duet_options known = two_options(), remembering = two_options();
    const struct duet_options o = two_options();
    const struct duet_event *ev;

    known.trust = DUET_TRUST_KNOWN;
    known.home = remembering.home = d.path;
    struct duet_node *a = two_start(&known, 1), *b = two_start(&o, 2);

    ev = meet(a, b);
    cr_expect(!ev->ok);
    cr_expect_eq(ev->err, DUET_ETRUST);
    cr_expect_not_null(ev->text);
    cr_expect_eq(two_await(b, DUET_EVENT_LEFT)->code, DUET_CLOSE_TRUST);
    duet_node_free(a);
    duet_node_free(b);

    a = two_start(&remembering, 1);
    b = two_start(&o, 2);
    cr_expect(meet(a, b)->ok);
    duet_node_free(a);
    duet_node_free(b);

    a = two_start(&known, 1);
    b = two_start(&o, 2);
    ev = meet(a, b);
    cr_expect(ev->ok);
    cr_expect_eq(ev->key->known.verdict, DUET_KNOWN_SAME);
    duet_node_free(a);
    duet_node_free(b);
    tmpdir_remove(&d);
}

/* Another key with the same name. */
Test(api_peers, of_no_policy_a_changed_key_comes_in)
{
    struct tmpdir d = tmpdir_make();
    struct duet_options o = two_options(), named = two_options();
    const struct duet_event *ev;

    o.home = d.path;
    named.name = "bob";
    struct duet_node *a = two_start(&o, 1), *b = two_start(&named, 2);

    cr_expect(meet(a, b)->ok);
    duet_node_free(b);
    duet_node_free(a);
    a = two_start(&o, 1);
    b = two_start(&named, 3);
    ev = meet(a, b);
    cr_expect(!ev->ok);
    cr_expect_eq(ev->err, DUET_ETRUST);
    cr_expect_eq(ev->key->known.verdict, DUET_KNOWN_CHANGED);
    duet_node_free(b);
    duet_node_free(a);

    o.trust = DUET_TRUST_ASK;
    a = two_start(&o, 1);
    b = two_start(&named, 3);
    ev = meet(a, b);
    const uint64_t peer = ev->peer;

    cr_expect_eq(ev->key->known.verdict, DUET_KNOWN_CHANGED);
    cr_expect_eq(duet_trust(a, peer, true), DUET_ETRUST, "nothing writes it over the other's name");
    cr_expect_eq(duet_refuse(a, peer, NULL), 0, "it still waited");
    duet_node_free(b);
    duet_node_free(a);
    tmpdir_remove(&d);
}

Test(api_peers, remembers_whom_the_program_trusts_for_good)
{
    struct tmpdir d = tmpdir_make();
    struct duet_options ask = asking();
    const struct duet_options o = two_options();
    struct duet_identity *id;
    struct duet_known known = {.size = sizeof(known)};
    uint8_t key[DUET_KEY_BYTES];
    bool found;

    ask.home = d.path;
    struct duet_node *a = two_start(&ask, 1), *b = two_start(&o, 2);
    const struct duet_event *ev = meet(a, b);

    memcpy(key, ev->key->key, sizeof(key));
    cr_expect_eq(duet_trust(a, ev->peer, true), 0);
    cr_expect_neq(tmpdir_get(&d, "known_peers", &found)[0], '\0');
    duet_node_free(a);
    duet_node_free(b);
    cr_assert_eq(duet_identity_open(d.path, &id, NULL), 0);
    cr_expect_eq(duet_known_check(id, key, NULL, NULL, &known, NULL), 0);
    cr_expect_eq(known.verdict, DUET_KNOWN_SAME);
    duet_identity_free(id);
    tmpdir_remove(&d);
}

Test(api_peers, lets_in_only_the_key_it_was_told)
{
    struct duet_options o = two_options();
    const struct duet_options any = two_options();
    struct duet_identity *two;
    char print[DUET_FINGERPRINT_BYTES];
    uint8_t secret[DUET_KEY_BYTES];

    memset(secret, 2, sizeof(secret));
    cr_assert_eq(duet_identity_new(secret, &two), 0);
    o.peer_fingerprint = duet_fingerprint(duet_identity_key(two), print);
    o.trust = DUET_TRUST_KNOWN;
    struct duet_node *a = two_start(&o, 1), *b = two_start(&any, 2), *c = two_start(&any, 3);
    char host[DUET_DIALLED_BYTES];

    two_host(a, host);
    cr_assert_eq(duet_dial(c, 1, host, NULL), 0);
    cr_expect_eq(two_await(a, DUET_EVENT_KEY)->err, DUET_ETRUST);
    cr_assert_eq(duet_dial(b, 1, host, NULL), 0);
    cr_expect(two_await(a, DUET_EVENT_KEY)->ok);
    duet_identity_free(two);
    duet_node_free(a);
    duet_node_free(b);
    duet_node_free(c);
}

Test(api_peers, closes_one_and_says_so_on_both_sides)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);

    cr_expect_eq(duet_close(t.a, t.at_a), 0);
    cr_expect(two_await(t.a, DUET_EVENT_LEFT)->ours);
    const struct duet_event *ev = two_await(t.b, DUET_EVENT_LEFT);

    cr_expect(!ev->ours);
    cr_expect_eq(ev->code, DUET_CLOSE_OK);
    cr_expect_eq(duet_close(t.a, t.at_a), DUET_ENOTFOUND);
    two_free(&t);
}
