#include "io/udp.h"

#include "unit.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"

#define WAIT_MS 60000 /* loopback delivers at once: only a bug takes this long */

static struct udp *open_with(struct udp_config cfg)
{
    struct udp *u = NULL;
    char error[UDP_ERROR_BYTES];
    int sys = 0;

    cr_assert_eq(udp_open(&cfg, &u, error, &sys), 0, "%s", error);
    return u;
}

static struct duet_addr loopback_of(const struct udp *u)
{
    struct duet_addr a;

    udp_local(u, &a);
    return (struct duet_addr){.family = ADDR_V4, .ip = {127, 0, 0, 1}, .port = a.port};
}

static struct udp_train rest; /* of the train that next() is taking apart */

/* The next datagram, waiting for it. */
static bool next(struct udp *u, struct udp_train *d)
{
    struct pollfd p = {.fd = udp_fd(u), .events = POLLIN};

    while (rest.len == 0 && !udp_next(u, &rest)) {
        if (poll(&p, 1, WAIT_MS) != 1)
            return false;
        udp_recv(u);
    }
    *d = rest;
    d->len = rest.len < rest.segment ? rest.len : rest.segment;
    rest.bytes += d->len;
    rest.len -= d->len;
    return true;
}

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
}

/* Sends one train and checks that the very same datagrams arrive. */
static void send_and_check(struct udp *from, struct udp *to, size_t len, size_t segment)
{
    static uint8_t bytes[UDP_TRAIN_BYTES * 2];
    const struct duet_addr target = loopback_of(to);
    struct udp_train d;

    fill(bytes, len);
    cr_assert_eq(udp_send(from, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0}, bytes, len, segment),
                 len);
    for (size_t at = 0; at < len; at += segment) {
        const size_t want = len - at < segment ? len - at : segment;

        cr_assert(next(to, &d), "datagram at %zu of %zu/%zu", at, len, segment);
        cr_assert_eq(d.len, want);
        cr_assert_eq(memcmp(d.bytes, bytes + at, want), 0);
        cr_assert_eq(d.outside.route.peer.family, ADDR_V4, "never v4-mapped");
        cr_assert_eq(d.outside.route.peer.port, loopback_of(from).port);
    }
    cr_assert(rest.len == 0 && !udp_next(to, &d));
}

static const struct {
    size_t len, segment;
} trains[] = {
    {1, 1200},         {1200, 1200},      {1201, 1200},   {2400, 1200},   {12000, 1200},
    {64 * 1000, 1000}, {65 * 1000, 1000}, {65507, 65507}, {60000, 30000}, {100 * 17, 17},
};

static void exchange(struct udp_config a, struct udp_config b)
{
    struct udp *from = open_with(a), *to = open_with(b);

    for (size_t i = 0; i < sizeof(trains) / sizeof(trains[0]); i++)
        send_and_check(from, to, trains[i].len, trains[i].segment);
    cr_expect_eq(udp_counters(from).refused_segments, 0);
    udp_close(from);
    udp_close(to);
}

Test(udp, trains_arrive_as_sent_with_segmentation_and_gro)
{
    exchange((struct udp_config){0}, (struct udp_config){0});
}

Test(udp, trains_arrive_as_sent_without_segmentation)
{
    exchange((struct udp_config){.no_gso = true}, (struct udp_config){0});
}

Test(udp, trains_arrive_as_sent_without_gro)
{
    exchange((struct udp_config){0}, (struct udp_config){.no_gro = true});
}

Test(udp, trains_arrive_as_sent_over_ipv4_sockets)
{
    exchange((struct udp_config){.family = 4}, (struct udp_config){.family = 4, .bind = "127.0.0.1"});
}

Test(udp, ipv6_sockets_exchange_too)
{
    struct udp *u = NULL, *v = NULL;
    char error[UDP_ERROR_BYTES];
    int sys = 0;
    const struct udp_config cfg = {.family = 6, .bind = "::1"};
    struct udp_train d;
    struct duet_addr target;

    if (udp_open(&cfg, &u, error, &sys) != 0)
        unit_skip("no IPv6 here: %s", error);
    cr_assert_eq(udp_open(&cfg, &v, error, &sys), 0, "%s", error);
    udp_local(v, &target);
    cr_expect_eq(target.family, ADDR_V6);
    cr_assert_eq(
        udp_send(u, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0}, (const uint8_t *)"hello", 5, 1200),
        5);
    cr_assert(next(v, &d));
    cr_expect_eq(d.len, 5);
    cr_expect_eq(d.outside.route.peer.family, ADDR_V6);
    udp_close(u);
    udp_close(v);
}

/* A socket without UDP checksums refuses UDP_SEGMENT with EINVAL: what a device without offload does with EIO. */
Test(udp, falls_back_when_segmentation_fails_and_tries_again_later)
{
    struct udp *from = open_with((struct udp_config){.family = 4}), *to = open_with((struct udp_config){.family = 4});
    int on = 1, off = 0;

    cr_assert_eq(setsockopt(udp_fd(from), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    send_and_check(from, to, 12000, 1200);
    if (udp_counters(from).gso_failures == 0) {
        udp_close(from);
        udp_close(to);
        unit_skip("this kernel has no UDP_SEGMENT, or does not mind");
    }
    send_and_check(from, to, 12000, 1200);
    cr_expect_eq(udp_counters(from).gso_failures, 1, "paused after the first failure");

    cr_assert_eq(setsockopt(udp_fd(from), SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)), 0);
    for (int i = 0; i < UDP_GSO_PAUSE_TRAINS; i++)
        send_and_check(from, to, 2, 1);
    cr_expect_eq(udp_counters(from).gso_failures, 1);
    cr_assert_eq(setsockopt(udp_fd(from), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    send_and_check(from, to, 12000, 1200);
    cr_expect_eq(udp_counters(from).gso_failures, 2, "it was in use again");
    udp_close(from);
    udp_close(to);
}

Test(udp, carries_ecn_marks_of_both_families)
{
    static const char *const text[] = {"127.0.0.1", "::1"};

    for (int v6 = 0; v6 < 2; v6++) {
        const struct udp_config cfg = {.bind = text[v6]};
        struct udp *from = NULL, *to = open_with((struct udp_config){0});
        char error[UDP_ERROR_BYTES];
        int sys = 0, mark = 3;
        struct udp_train d;
        struct duet_addr target = loopback_of(to);

        if (udp_open(&cfg, &from, error, &sys) != 0) {
            udp_close(to);
            continue; /* no IPv6 */
        }
        if (v6)
            target = (struct duet_addr){.family = ADDR_V6, .ip = {[15] = 1}, .port = target.port};
        cr_assert_eq(
            setsockopt(udp_fd(from), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &mark, sizeof(mark)),
            0);
        cr_assert_eq(udp_send(from, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0},
                              (const uint8_t *)"abc", 3, 1),
                     3);
        for (int i = 0; i < 3; i++) {
            cr_assert(next(to, &d));
            cr_expect_eq(d.outside.ecn, 3, "%s", text[v6]);
        }
        udp_close(from);
        udp_close(to);
    }
}

/* 127.0.1.1 is this machine, and yet not where it would answer from. */
static void answer_from(struct udp_config cfg, size_t len)
{
    static uint8_t bytes[12000];
    struct udp *asker = open_with((struct udp_config){.family = 4}), *host = open_with(cfg);
    struct duet_addr to = loopback_of(host);
    struct udp_train d;

    to.ip[2] = 1;
    cr_assert_eq(udp_send(asker, &(struct envelope){.route.peer = to, .ecn = ENVELOPE_ECT0}, bytes, 4, 4), 4);
    cr_assert(next(host, &d));
    cr_assert(addr_same_host(&d.outside.route.local, &to));
    struct envelope back = d.outside;
    for (uint8_t ecn = 0; ecn <= ENVELOPE_ECT0; ecn += ENVELOPE_ECT0) {
        back.ecn = ecn;
        cr_assert_eq(udp_send(host, &back, bytes, len, 1200), len);
        for (size_t at = 0; at < len; at += 1200) {
            cr_assert(next(asker, &d));
            cr_assert(addr_equal(&d.outside.route.peer, &to), "at %zu of %zu", at, len);
            cr_assert_eq(d.outside.ecn, ecn);
        }
    }
    udp_close(asker);
    udp_close(host);
}

Test(udp, an_answer_leaves_from_the_address_that_was_asked)
{
    answer_from((struct udp_config){0}, 1200);
    answer_from((struct udp_config){0}, 12000);
    answer_from((struct udp_config){.no_gso = true}, 12000);
    answer_from((struct udp_config){.family = 4}, 12000);
    answer_from((struct udp_config){.family = 4, .no_gso = true}, 12000);
}

Test(udp, a_local_address_that_is_gone_is_told_and_done_without)
{
    static uint8_t bytes[12000];

    for (int row = 0; row < 4; row++) {
        struct udp *from = open_with((struct udp_config){.family = row < 2 ? 4 : 0, .no_gso = row % 2 != 0});
        struct udp *to = open_with((struct udp_config){.family = 4});
        struct envelope e = {.route = {.peer = loopback_of(to), .local = {.family = ADDR_V4, .ip = {192, 0, 2, 77}}}};
        struct duet_addr gone;
        struct udp_train d;

        e.ecn = ENVELOPE_ECT0;
        cr_assert_eq(udp_send(from, &e, bytes, sizeof(bytes), 1200), sizeof(bytes));
        for (size_t at = 0; at < sizeof(bytes); at += 1200)
            cr_assert(next(to, &d), "row %d at %zu", row, at);
        cr_expect(udp_local_gone(from, &gone), "row %d", row);
        cr_expect(addr_same_host(&gone, &e.route.local));
        cr_expect_not(udp_local_gone(from, &gone), "told once");
        cr_expect_eq(udp_counters(from).refused_segments, 0);
        udp_close(from);
        udp_close(to);
    }
}

Test(udp, reports_a_port_in_use_or_takes_another)
{
    struct udp *u = open_with((struct udp_config){.bind = "127.0.0.1"}), *v = NULL;
    const struct duet_addr taken = loopback_of(u);
    struct udp_config cfg = {.bind = "127.0.0.1", .port = taken.port};
    char error[UDP_ERROR_BYTES];
    int sys = 0;

    cr_expect_eq(udp_open(&cfg, &v, error, &sys), DUET_ESYS);
    cr_expect_eq(sys, EADDRINUSE);
    cr_expect_not_null(strstr(error, "in use"));
    cr_expect_null(v);

    cfg.port_fallback = true;
    v = open_with(cfg);
    cr_expect_neq(loopback_of(v).port, taken.port);
    cr_expect_neq(loopback_of(v).port, 0);
    udp_close(u);
    udp_close(v);
}

Test(udp, refuses_a_bind_address_that_is_none_or_of_the_other_family)
{
    static const struct udp_config row[] = {
        {.bind = "localhost"},
        {.bind = ""},
        {.bind = "1.2.3.4.5"},
        {.bind = "::1", .family = 4},
        {.bind = "127.0.0.1", .family = 6},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct udp *u = NULL;
        char error[UDP_ERROR_BYTES];
        int sys = 0;

        cr_expect_eq(udp_open(&row[i], &u, error, &sys), DUET_EINVAL, "%zu: %s", i, row[i].bind);
        cr_expect_null(u);
        cr_expect_neq(error[0], '\0');
    }
}

Test(udp, an_address_not_of_this_machine_is_a_system_error)
{
    const struct udp_config cfg = {.bind = "192.0.2.77"};
    struct udp *u = NULL;
    char error[UDP_ERROR_BYTES];
    int sys = 0;

    cr_expect_eq(udp_open(&cfg, &u, error, &sys), DUET_ESYS);
    cr_expect_eq(sys, EADDRNOTAVAIL);
    cr_expect_not_null(strstr(error, "192.0.2.77"));
}

Test(udp, what_the_kernel_refuses_is_lost_and_reported_once)
{
    struct udp *u = open_with((struct udp_config){.family = 4});
    const struct duet_addr v6 = {.family = ADDR_V6, .ip = {[15] = 1}, .port = 9};
    /* 255.255.255.255 without SO_BROADCAST: EACCES. */
    const struct duet_addr broadcast = {.family = ADDR_V4, .ip = {255, 255, 255, 255}, .port = 9};
    uint8_t bytes[100] = {0};

    cr_expect_eq(udp_send_error(u), 0);
    cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = v6, .ecn = ENVELOPE_ECT0}, bytes, 100, 10), 100,
                 "done with: the core sees loss");
    cr_expect_eq(udp_send_error(u), EAFNOSUPPORT);
    cr_expect_eq(udp_send_error(u), 0, "no news");
    cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = broadcast, .ecn = ENVELOPE_ECT0}, bytes, 100, 10), 100);
    cr_expect_eq(udp_send_error(u), EACCES);
    cr_expect_eq(udp_counters(u).refused_segments, 20);
    udp_send(u, &(struct envelope){.route.peer = v6, .ecn = ENVELOPE_ECT0}, bytes, 1, 1);
    cr_expect_eq(udp_send_error(u), 0, "told before");
    udp_close(u);
}

Test(udp, a_dead_port_does_not_disturb_the_socket)
{
    struct udp *u = open_with((struct udp_config){.bind = "127.0.0.1"}),
               *v = open_with((struct udp_config){.bind = "127.0.0.1"});
    const struct duet_addr dead = loopback_of(v);

    udp_close(v);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(
            udp_send(u, &(struct envelope){.route.peer = dead, .ecn = ENVELOPE_ECT0}, (const uint8_t *)"x", 1, 1), 1);
    v = open_with((struct udp_config){0});
    send_and_check(v, u, 5000, 1000);
    udp_close(u);
    udp_close(v);
}

/* A live peer and a dead port in turns: every report of the dead one would make the next packet of the live one
 * fail. */
static void hear_of_a_dead_port(struct udp_config cfg, const char *name)
{
    struct udp *u = open_with(cfg), *v = open_with((struct udp_config){.bind = "127.0.0.1"}),
               *w = open_with((struct udp_config){.bind = "127.0.0.1"});
    const struct duet_addr dead = loopback_of(v), live = loopback_of(w);
    const uint8_t bytes[3000] = {1};
    struct duet_addr at;
    size_t refused = 0, arrived = 0;
    struct udp_train d;

    udp_close(v);
    udp_send(u, &(struct envelope){.route.peer = dead}, bytes, 1, 1);
    cr_expect_not(udp_refusal(u, &at), "%s: not asked for", name);
    udp_hear_refusals(u, true);
    for (int i = 0; i < 8; i++) {
        cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = dead}, bytes, 1, 1), 1);
        cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = live}, bytes, 3000, i % 2 == 0 ? 1000 : 3000), 3000);
    }
    while (udp_refusal(u, &at)) {
        cr_expect(addr_equal(&at, &dead), "%s", name);
        refused++;
    }
    cr_expect_eq(refused, 8, "%s: %zu", name, refused);
    while (arrived < 8 * 3000 && next(w, &d))
        arrived += d.len;
    cr_expect_eq(arrived, 8 * 3000, "%s: the live peer got %zu bytes", name, arrived);
    cr_expect_eq(udp_counters(u).refused_segments, 0, "%s", name);
    cr_expect_eq(udp_send_error(u), 0, "%s", name);
    udp_send(u, &(struct envelope){.route.peer = dead}, bytes, 1, 1);
    udp_hear_refusals(u, false);
    cr_expect_not(udp_refusal(u, &at), "%s: no more", name);
    udp_close(u);
    udp_close(w);
}

Test(udp, a_port_nobody_listens_on_is_told_on_request_and_costs_the_others_nothing)
{
    hear_of_a_dead_port((struct udp_config){.family = 4}, "IPv4");
    hear_of_a_dead_port((struct udp_config){.family = 4, .no_gso = true}, "IPv4, one by one");
    hear_of_a_dead_port((struct udp_config){0}, "both families");
}

static bool run(const char *command)
{
    return system(command) == 0;
}

/* Loopback never fills a socket.  A neighbour that does not answer does: packets wait for its address,
 * charged to us. */
Test(udp, a_full_socket_takes_whole_datagrams_and_goes_on_later)
{
    const struct duet_addr target = {.family = ADDR_V4, .ip = {10, 99, 0, 2}, .port = 9};
    static uint8_t bytes[60000];
    const int small = 1;

    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 ||
        !run("ip link add da type veth peer name db && ip addr add 10.99.0.1/24 dev da && ip link set da up && "
             "ip link set db up"))
        unit_skip("needs root and a veth pair");
    struct udp *u = open_with((struct udp_config){.family = 4, .no_gso = true});

    cr_assert_eq(setsockopt(udp_fd(u), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    const size_t done =
        udp_send(u, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0}, bytes, sizeof(bytes), 1000);

    cr_expect_lt(done, sizeof(bytes));
    cr_expect_eq(done % 1000, 0);
    cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0}, bytes, 1000, 1000), 0,
                 "still full");
    cr_assert(run("ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:01 dev da"));
    struct pollfd p = {.fd = udp_fd(u), .events = POLLOUT};
    cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
    cr_expect_eq(udp_send(u, &(struct envelope){.route.peer = target, .ecn = ENVELOPE_ECT0}, bytes, 1000, 1000), 1000);
    cr_expect_eq(udp_counters(u).refused_segments, 0, "full is not refused");
    udp_close(u);
}

/* How many datagrams of `len` bytes, all there already, come with the second call: the first one shows their size. */
static size_t taken_by_second_call(size_t len)
{
    static uint8_t bytes[UDP_TRAIN_BYTES];
    struct udp *u = open_with((struct udp_config){.family = 4, .bind = "127.0.0.1", .no_gro = true});
    const struct duet_addr to = loopback_of(u);
    struct udp_train t;

    for (size_t i = 0; i < UDP_BUFFERS_LEAST + UDP_BUFFERS; i++)
        cr_assert_eq(udp_send(u, &(struct envelope){.route.peer = to, .ecn = ENVELOPE_ECT0}, bytes, len, len), len);
    cr_assert_eq(udp_recv(u), UDP_BUFFERS_LEAST);
    while (udp_next(u, &t))
        continue;
    const size_t taken = udp_recv(u);

    while (udp_next(u, &t))
        continue;
    udp_close(u);
    return taken;
}

/* Else each receiver of a file would touch all of its buffers in the moment in which its packets become large. */
Test(udp, takes_no_more_in_a_call_after_one_that_was_not_full)
{
    static uint8_t bytes[UDP_TRAIN_BYTES];
    struct udp *u = open_with((struct udp_config){.family = 4, .bind = "127.0.0.1"});
    const struct envelope there = {.route.peer = loopback_of(u), .ecn = ENVELOPE_ECT0};
    struct udp_train t;

    cr_assert_eq(udp_send(u, &there, bytes, 1, 1), 1);
    cr_assert(next(u, &t));
    cr_assert_not(udp_next(u, &t));
    for (size_t i = 0; i <= UDP_BUFFERS_LEAST; i++)
        cr_assert_eq(udp_send(u, &there, bytes, sizeof(bytes), sizeof(bytes)), sizeof(bytes));
    cr_expect_eq(udp_recv(u), UDP_BUFFERS_LEAST);
    udp_close(u);
}

Test(udp, takes_many_small_datagrams_in_a_call_and_few_large_ones)
{
    cr_expect_eq(taken_by_second_call(1), UDP_BUFFERS);
    cr_expect_eq(taken_by_second_call(1500), UDP_BUFFERS);
    cr_expect_eq(taken_by_second_call(UDP_BATCH_BYTES / 8), 8);
    cr_expect_eq(taken_by_second_call(UDP_TRAIN_BYTES), UDP_BATCH_BYTES / UDP_TRAIN_BYTES);
}

Test(udp, empty_datagrams_are_left_out_and_buffers_begin_at_a_page)
{
    struct udp *u = open_with((struct udp_config){.family = 4, .bind = "127.0.0.1"});
    const struct duet_addr to = loopback_of(u);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(to.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct udp_train d;

    cr_assert_eq(sendto(udp_fd(u), "", 0, 0, (struct sockaddr *)&sa, sizeof(sa)), 0);
    cr_assert_eq(udp_send(u, &(struct envelope){.route.peer = to, .ecn = ENVELOPE_ECT0}, (const uint8_t *)"y", 1, 1),
                 1);
    cr_assert(next(u, &d));
    cr_expect_eq(d.len, 1);
    cr_expect_eq(d.bytes[0], 'y');
    cr_expect_eq((uintptr_t)d.bytes % COPY_ALIGN_BYTES, 0);
    udp_close(u);
}
