/* A node from its options to its end, and what it makes of the options of other versions. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "two.h"
#include "unit.h"

/* The old struct ended before `bind`. */
#define OLD_BYTES offsetof(struct duet_options, bind)

Test(api_node, starts_and_stops_without_a_peer)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    const struct duet_event *ev = two_await(n, DUET_EVENT_LISTENING);

    cr_expect_eq(ev->size, sizeof(*ev));
    cr_expect_eq(ev->addr->family, 4);
    cr_expect_neq(ev->addr->port, 0);
    duet_node_free(n);
    n = two_start(&o, 1);
    duet_node_free(n); /* with its event unread */
    duet_node_free(NULL);
}

Test(api_node, ends_with_stopped_and_then_says_that_it_is_over)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    const struct duet_event *ev;

    cr_expect_eq(duet_quit(n, false), 0);
    cr_expect_eq(two_await(n, DUET_EVENT_STOPPED)->err, 0);
    cr_expect_eq(duet_next(n, &ev), DUET_ECLOSED);
    cr_expect_null(ev);
    cr_expect_eq(duet_wait(n, -1, &ev), DUET_ECLOSED);
    duet_node_free(n);
}

Test(api_node, wakes_a_poll_when_there_is_something)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    struct pollfd p = {.fd = duet_fd(n), .events = POLLIN};
    const struct duet_event *ev;

    two_await(n, DUET_EVENT_LISTENING);
    while (duet_next(n, &ev) == 1)
        continue;
    cr_expect_eq(poll(&p, 1, 0), 0, "nothing is left");
    cr_expect_eq(duet_quit(n, true), 0);
    cr_expect_eq(poll(&p, 1, TWO_WAIT_MS), 1);
    duet_node_free(n);
}

Test(api_node, waits_no_longer_than_it_was_told)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);
    const struct duet_event *ev;
    int got;

    while ((got = duet_wait(n, 1, &ev)) == 1)
        continue;
    cr_expect_eq(got, 0);
    cr_expect_null(ev);
    duet_node_free(n);
}

Test(api_node, says_what_keeps_it_from_starting)
{
    struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1), *m = NULL;
    char error[DUET_ERROR_BYTES];

    o.identity = NULL;
    o.home = "/proc/nowhere";
    cr_expect_eq(duet_node_new(&o, &m, error), DUET_ESYS);
    cr_expect_not_null(strstr(error, "/proc/nowhere"));
    cr_expect_null(m);

    struct duet_identity *id;

    cr_assert_eq(duet_identity_new(NULL, &id), 0);
    o.identity = id;
    o.port = two_await(n, DUET_EVENT_LISTENING)->addr->port;
    cr_expect_eq(duet_node_new(&o, &m, error), DUET_ESYS);
    cr_expect_eq(errno, EADDRINUSE);
    cr_expect_eq(duet_node_new(&o, &m, NULL), DUET_ESYS, "who wants no words gets none");
    o.port = 0;
    o.cc = "reno";
    cr_expect_eq(duet_node_new(&o, &m, error), DUET_ENOTFOUND);
    cr_expect_not_null(strstr(error, "reno"));
    o.cc = NULL;
    o.bind = "everywhere";
    cr_expect_eq(duet_node_new(&o, &m, error), DUET_EINVAL);
    duet_identity_free(id);
    duet_node_free(n);
}

Test(api_node, refuses_options_out_of_their_limits)
{
    const struct duet_options good = two_options();
    struct duet_options o[] = {good, good, good, good, good, good, good, good, good, good};
    struct duet_node *n;
    char error[DUET_ERROR_BYTES];
    size_t i = 0;

    o[i++].family = 5;
    o[i++].trust = 3;
    o[i++].name = "";
    o[i++].name = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";
    o[i++].name = "two\nlines";
    o[i++].peer_fingerprint = "abcd";
    o[i++].window_bytes = 1;
    o[i++].max_packet_bytes = 1199;
    o[i++].heartbeat_us = 1;
    o[i++].size = 3;
    for (i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
        error[0] = '\0';
        cr_expect_eq(duet_node_new(&o[i], &n, error), DUET_EINVAL, "row %zu", i);
        cr_expect_neq(error[0], '\0', "row %zu has words", i);
        cr_expect_null(n);
    }
}

Test(api_node, takes_the_options_of_an_older_header)
{
    struct duet_identity *id;
    struct duet_node *n;
    union {
        unsigned char bytes[OLD_BYTES + 16];
        size_t size;
    } old;
    char error[DUET_ERROR_BYTES] = "";

    memset(&old, 0xff, sizeof(old));
    duet_options_init((struct duet_options *)&old, OLD_BYTES);
    cr_expect_eq(old.size, OLD_BYTES);
    for (size_t i = OLD_BYTES; i < sizeof(old); i++)
        cr_assert_eq(old.bytes[i], 0xff, "what is behind the old struct is somebody else's");
    cr_assert_eq(duet_identity_new(NULL, &id), 0);
    memcpy(old.bytes + offsetof(struct duet_options, identity), &id, sizeof(id));
    memcpy(old.bytes + offsetof(struct duet_options, family), &(int32_t){4}, sizeof(int32_t));
    memcpy(old.bytes + offsetof(struct duet_options, port), &(uint16_t){0}, sizeof(uint16_t));
    cr_assert_eq(duet_node_new((const struct duet_options *)&old, &n, error), 0, "%s", error);
    cr_expect_eq(two_await(n, DUET_EVENT_LISTENING)->addr->family, 4);
    duet_node_free(n);
    duet_identity_free(id);
}

Test(api_node, refuses_an_option_it_does_not_know_and_takes_its_default)
{
    struct {
        struct duet_options o;
        uint64_t later;
    } newer = {.o = two_options()};
    struct duet_identity *id;
    struct duet_node *n;
    char error[DUET_ERROR_BYTES] = "";

    cr_assert_eq(duet_identity_new(NULL, &id), 0);
    newer.o.identity = id;
    newer.o.size = sizeof(newer);
    cr_expect_eq(duet_node_new(&newer.o, &n, error), 0, "%s", error);
    duet_node_free(n);
    newer.later = 1;
    cr_expect_eq(duet_node_new(&newer.o, &n, error), DUET_EUNSUPPORTED);
    cr_expect_not_null(strstr(error, duet_version()));
    duet_identity_free(id);
}

Test(api_node, says_no_to_every_null)
{
    const struct duet_options o = two_options();
    const struct duet_event *ev;
    struct duet_node *n = two_start(&o, 1);

    duet_options_init(NULL, sizeof(o));
    cr_expect_eq(duet_node_new(&o, NULL, NULL), DUET_EINVAL);
    cr_expect_eq(duet_fd(NULL), DUET_EINVAL);
    cr_expect_eq(duet_next(NULL, &ev), DUET_EINVAL);
    cr_expect_eq(duet_next(n, NULL), DUET_EINVAL);
    cr_expect_eq(duet_wait(NULL, 0, &ev), DUET_EINVAL);
    cr_expect_eq(duet_wait(n, 0, NULL), DUET_EINVAL);
    cr_expect_eq(duet_leave(NULL), DUET_EINVAL);
    cr_expect_eq(duet_quit(NULL, true), DUET_EINVAL);
    cr_expect_eq(duet_close(NULL, 1), DUET_EINVAL);
    cr_expect_eq(duet_trust(NULL, 1, false), DUET_EINVAL);
    cr_expect_eq(duet_refuse(NULL, 1, NULL), DUET_EINVAL);
    cr_expect_eq(duet_stats(NULL, 1), DUET_EINVAL);
    cr_expect_eq(duet_dial(NULL, 1, "a", NULL), DUET_EINVAL);
    cr_expect_eq(duet_dial(n, 0, "a", NULL), DUET_EINVAL);
    cr_expect_eq(duet_dial(n, 1, NULL, NULL), DUET_EINVAL);
    cr_expect_eq(duet_dial_cancel(n, 0), DUET_EINVAL);
    cr_expect_eq(duet_host_parse(NULL, 0, NULL, NULL), DUET_EINVAL);
    cr_expect_eq(duet_host_parse("a", 7, NULL, NULL), DUET_EINVAL);
    cr_expect_eq(duet_say(NULL, 1, 1, "a", 1), DUET_EINVAL);
    cr_expect_eq(duet_say(n, 1, 1, NULL, 1), DUET_EINVAL);
    cr_expect_eq(duet_say(n, 1, 1, "a\0b", 3), DUET_EINVAL);
    cr_expect_eq(duet_say(n, 1, 1, "\xff", 1), DUET_EINVAL);
    cr_expect_eq(duet_send_file(n, 1, 1, NULL), DUET_EINVAL);
    cr_expect_eq(duet_send_file(n, 1, 1, ""), DUET_EINVAL);
    cr_expect_eq(duet_ask(n, 1, 1, ""), DUET_EINVAL);
    cr_expect_eq(duet_accept(n, 0), DUET_EINVAL);
    cr_expect_eq(duet_reject(NULL, 1), DUET_EINVAL);
    cr_expect_eq(duet_cancel(NULL, 1), DUET_EINVAL);
    duet_node_free(n);
}

Test(api_node, knows_nobody_of_a_number_it_never_gave)
{
    const struct duet_options o = two_options();
    struct duet_node *n = two_start(&o, 1);

    cr_expect_eq(duet_say(n, 99, 1, "a", 1), DUET_ENOTFOUND);
    cr_expect_eq(duet_send_file(n, 99, 1, "a"), DUET_ENOTFOUND);
    cr_expect_eq(duet_ask(n, 99, 1, "ping"), DUET_ENOTFOUND);
    cr_expect_eq(duet_stats(n, 99), DUET_ENOTFOUND);
    cr_expect_eq(duet_close(n, 99), DUET_ENOTFOUND);
    cr_expect_eq(duet_trust(n, 99, false), DUET_ENOTFOUND);
    cr_expect_eq(duet_refuse(n, 99, NULL), DUET_ENOTFOUND);
    duet_node_free(n);
}

Test(api_node, names_events_and_errors)
{
    char text[DUET_ADDR_BYTES];

    cr_expect_str_eq(duet_event_name(DUET_EVENT_TEXT), "DUET_EVENT_TEXT");
    cr_expect_str_eq(duet_event_name(0), "DUET_EVENT_?");
    cr_expect_str_eq(duet_strerror(DUET_EFULL), "no room left");
    cr_expect_str_eq(duet_error_name(DUET_EFULL), "DUET_EFULL");
    cr_expect_str_eq(duet_version(), DUET_VERSION_STRING);
    cr_expect_str_eq(duet_controller(0), "bbr");
    cr_expect_null(duet_controller(99));
    cr_expect_not_null(duet_addr_text(NULL, text));
}
