/* Calls: what can be dialled, and what comes of it. */
#include <stdio.h>
#include <string.h>

#include <pthread.h>
#include <sys/epoll.h>

#include "../io/tmpdir.h"
#include "api/state.h"
#include "two.h"
#include "unit.h"

Test(api_dial, reads_hosts)
{
    static const struct {
        const char *host;
        int family, err;
        const char *dialled;
    } rows[] = {
        {"Example.ORG", 0, 0, "example.org:6254"},
        {"192.0.2.1:7", 0, 0, "192.0.2.1:7"},
        {"::1", 0, 0, "[::1]:6254"},
        {"[::1]:7", 6, 0, "[::1]:7"},
        {"a b", 0, DUET_EINVAL, ""},
        {"host:0", 0, DUET_EINVAL, ""},
        {"", 0, DUET_EINVAL, ""},
        {"fe80::1", 0, DUET_EINVAL, ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char dialled[DUET_DIALLED_BYTES] = "", error[DUET_ERROR_BYTES] = "";

        cr_expect_eq(duet_host_parse(rows[i].host, rows[i].family, dialled, error), rows[i].err, "%s", rows[i].host);
        cr_expect_str_eq(dialled, rows[i].dialled);
        cr_expect_eq(error[0] != '\0', rows[i].err != 0, "%s", rows[i].host);
    }
}

Test(api_dial, tells_a_bad_host_and_a_number_in_use_at_once)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    char error[DUET_ERROR_BYTES] = "";

    cr_expect_eq(duet_dial(n, 1, "a b", error), DUET_EINVAL);
    cr_expect_neq(error[0], '\0');
    cr_expect_eq(duet_dial(n, 1, "127.0.0.1:9", error), 0);
    cr_expect_eq(duet_dial(n, 1, "127.0.0.1:9", error), DUET_EEXIST);
    cr_expect_eq(duet_dial_cancel(n, 1), DUET_ENOTFOUND, "it is called already");
    for (uint32_t i = 2; i <= DUET_CALLS; i++)
        cr_assert_eq(duet_dial(n, i, "127.0.0.1:9", error), 0, "%s", error);
    cr_expect_eq(duet_dial(n, DUET_CALLS + 1, "127.0.0.1:9", error), DUET_EFULL);
    duet_node_free(n);
}

Test(api_dial, gives_each_call_one_outcome)
{
    struct duet_options o = two_options();
    struct duet_node *n;
    const struct duet_event *ev;

    o.connect_timeout_us = 1;
    n = two_start(&o, 1);
    cr_assert_eq(duet_dial(n, 5, "127.0.0.1:9", NULL), 0);
    cr_assert_eq(duet_wait(n, TWO_WAIT_MS, &ev), 1); /* LISTENING, or what is due before it */
    while (ev->type != DUET_EVENT_FAILED)
        cr_assert_eq(duet_wait(n, TWO_WAIT_MS, &ev), 1);
    cr_expect_eq(ev->id, 5);
    cr_expect_eq(ev->err, DUET_ETIMEOUT);
    cr_expect_not_null(ev->text);
    cr_expect_eq(duet_dial(n, 5, "127.0.0.1:9", NULL), 0, "the number is free again");
    duet_node_free(n);
}

Test(api_dial, says_whom_it_calls_before_anybody_answers)
{
    const struct duet_options o = two_options();
    struct duet_node *a = two_start(&o, 1), *b = two_start(&o, 2);
    char host[DUET_DIALLED_BYTES];
    const struct duet_event *ev;

    cr_assert_eq(duet_dial(b, 5, two_host(a, host), NULL), 0);
    cr_assert_eq(duet_wait(b, TWO_WAIT_MS, &ev), 1);
    cr_assert_eq(ev->type, DUET_EVENT_CALLING, "%s", duet_event_name(ev->type));
    cr_expect_eq(ev->id, 5);
    cr_expect_str_eq(ev->text, host);
    ev = two_await(b, DUET_EVENT_KEY);
    cr_expect_eq(ev->id, 5);
    cr_expect_str_eq(ev->key->dialled, host);
    cr_expect(ev->ok);
    ev = two_await(a, DUET_EVENT_KEY);
    cr_expect_eq(ev->id, 0);
    cr_expect_null(ev->key->dialled);
    duet_node_free(a);
    duet_node_free(b);
}

Test(api_dial, says_that_a_session_is_there_already)
{
    const struct duet_options o = two_options();
    struct two t = two_connect(&o, &o);
    char host[DUET_DIALLED_BYTES];
    const struct duet_event *ev;

    cr_assert_eq(duet_stats(t.b, t.at_b), 0);
    duet_addr_text(&two_await(t.b, DUET_EVENT_STATS)->stats->addr, host);
    cr_assert_eq(duet_dial(t.b, 9, host, NULL), 0);
    ev = two_await(t.b, DUET_EVENT_ALREADY);
    cr_expect_eq(ev->id, 9);
    cr_expect_eq(ev->peer, t.at_b);
    cr_expect_eq(duet_dial(t.b, 9, host, NULL), 0, "the call is over");
    two_free(&t);
}

Test(api_dial, fails_the_names_it_still_looks_up_when_it_quits)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    const struct duet_event *ev;
    bool failed = false;

    cr_assert_eq(duet_dial(n, 3, "nobody.invalid", NULL), 0);
    cr_assert_eq(duet_quit(n, true), 0);
    cr_expect_eq(duet_dial(n, 4, "nobody.invalid", NULL), DUET_ECLOSED);
    while (duet_wait(n, TWO_WAIT_MS, &ev) == 1)
        failed |= ev->type == DUET_EVENT_FAILED && ev->id == 3 && ev->err == DUET_ECANCELLED;
    cr_expect(failed);
    duet_node_free(n);
}

/* ---- names: behind the door, with a resolver of the test's own ---- */

/* "dead": no answer until the test's end; "none": there is no such name; any other has an address of each family. */
static pthread_mutex_t dead = PTHREAD_MUTEX_INITIALIZER;

static void answer(const struct resolve_query *q, struct resolve_result *out)
{
    *out = (struct resolve_result){
        .count = 2,
        .addrs = {{.family = ADDR_V6, .ip = {1}, .port = q->port}, {.family = ADDR_V4, .ip = {2}, .port = q->port}}};
    if (strcmp(q->host, "dead") == 0) {
        pthread_mutex_lock(&dead);
        pthread_mutex_unlock(&dead);
    } else if (strcmp(q->host, "none") == 0) {
        *out = (struct resolve_result){.err = DUET_ENOTFOUND, .error = "cannot find none"};
    }
}

static struct duet_node *start_with_resolver(void)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    struct epoll_event ev = {.events = EPOLLIN};

    two_await(n, DUET_EVENT_LISTENING);
    api_calls_free(n);
    n->lookups = lookups_new(answer);
    cr_assert_eq(epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, lookups_fd(n->lookups), &ev), 0);
    return n;
}

Test(api_dial, a_name_is_called_at_all_its_addresses_once_it_is_looked_up)
{
    struct duet_node *n = start_with_resolver();
    char dialled[RESOLVE_TEXT_BYTES];
    const struct duet_event *ev;

    cr_assert_eq(duet_dial(n, 3, "bob:9", NULL), 0);
    ev = two_await(n, DUET_EVENT_CALLING);
    cr_expect_eq(ev->id, 3);
    cr_expect_str_eq(ev->text, "bob:9");
    cr_assert_eq(n->calls[0].count, 2);
    const struct duet_addr second = n->calls[0].addrs[1];

    cr_expect_eq(api_call_answered(n, 0, &second, dialled), 3, "who called us at once is known by any of them");
    cr_expect_str_eq(dialled, "bob:9");
    cr_expect_eq(api_call_answered(n, 0, &second, dialled), 0, "that call is over");
    duet_node_free(n);
}

Test(api_dial, a_name_that_is_not_found_fails_as_a_call_does)
{
    struct duet_node *n = start_with_resolver();
    const struct duet_event *ev;

    cr_assert_eq(duet_dial(n, 3, "none", NULL), 0);
    cr_assert_eq(duet_wait(n, TWO_WAIT_MS, &ev), 1);
    cr_assert_eq(ev->type, DUET_EVENT_FAILED);
    cr_expect_eq(ev->id, 3);
    cr_expect_eq(ev->err, DUET_ENOTFOUND);
    cr_expect_str_eq(ev->text, "cannot find none");
    duet_node_free(n);
}

Test(api_dial, a_slow_lookup_is_told_of_once_and_given_up_in_the_time_for_connecting)
{
    struct duet_node *n = start_with_resolver();

    pthread_mutex_lock(&dead);
    cr_assert_eq(duet_dial(n, 3, "dead", NULL), 0);
    const duet_time told = n->calls[0].told_at, given_up = n->calls[0].give_up_at;

    cr_expect_not(api_calls_next(n, time_back(told, 1)), "most are quick");
    cr_assert(api_calls_next(n, told));
    cr_expect_eq(n->event.type, DUET_EVENT_LOOKING_UP);
    cr_expect_str_eq(n->event.text, "dead");
    cr_expect_not(api_calls_next(n, time_back(given_up, 1)), "once");
    cr_assert(api_calls_next(n, given_up));
    cr_expect_eq(n->event.type, DUET_EVENT_FAILED);
    cr_expect_eq(n->event.err, DUET_ENOTFOUND);
    cr_expect_str_eq(n->event.text, "cannot find dead: no name server answered within 30 s");
    cr_expect_not(api_calls_next(n, DUET_NEVER));
    duet_node_free(n); /* it would hang here */
    pthread_mutex_unlock(&dead);
}

Test(api_dial, a_lookup_that_is_taken_back_says_no_more)
{
    struct duet_node *n = start_with_resolver();

    pthread_mutex_lock(&dead);
    cr_assert_eq(duet_dial(n, 3, "dead", NULL), 0);
    cr_expect_eq(duet_dial_cancel(n, 3), 0);
    cr_expect_eq(duet_dial_cancel(n, 3), DUET_ENOTFOUND);
    cr_expect_not(api_calls_next(n, DUET_NEVER));
    pthread_mutex_unlock(&dead);
    duet_node_free(n);
}

static bool is_print_of(const uint8_t print[NOISE_PRINT_BYTES], const uint8_t key[NOISE_KEY_BYTES])
{
    uint8_t want[NOISE_PRINT_BYTES];

    noise_print(want, key);
    return memcmp(print, want, sizeof(want)) == 0;
}

Test(api_dial, a_call_expects_the_keys_on_file_for_its_address_or_the_only_one_wanted)
{
    struct tmpdir d = tmpdir_make();
    const uint8_t bob[DUET_KEY_BYTES] = {1}, other[DUET_KEY_BYTES] = {2};
    char print[DUET_FINGERPRINT_BYTES];
    struct duet_known known = {.size = sizeof(known)};
    struct duet_options o = two_options();
    struct duet_identity *id;
    struct expected_keys expected;

    o.home = d.path;
    cr_assert_eq(duet_identity_open(d.path, &id, NULL), 0);
    struct duet_node *n = two_start(&o, 1);

    api_calls_expect(n, "host:9", &expected);
    cr_expect_eq(expected.count, 0, "nothing is on file");
    cr_assert_eq(duet_known_accept(id, bob, "host:9", "bob", DUET_KNOWN_NEW, &known, NULL), 0);
    api_calls_expect(n, "host:9", &expected);
    cr_assert_eq(expected.count, 1);
    cr_expect(is_print_of(expected.prints[0], bob));
    api_calls_expect(n, "elsewhere:9", &expected);
    cr_expect_eq(expected.count, 0);
    api_calls_expect(n, "-", &expected);
    cr_expect_eq(expected.count, 0, "which stands for no address");
    duet_node_free(n);

    o.peer_fingerprint = duet_fingerprint(other, print);
    n = two_start(&o, 1);
    api_calls_expect(n, "host:9", &expected);
    cr_assert_eq(expected.count, 1);
    cr_expect(is_print_of(expected.prints[0], other), "whatever is on file");
    duet_node_free(n);
    duet_identity_free(id);
    tmpdir_remove(&d);
}
