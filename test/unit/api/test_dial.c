/* Calls: what can be dialled, and what comes of it. */
#include <stdio.h>
#include <string.h>

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
