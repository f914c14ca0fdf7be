/*
 * linkemu: a cable between two network namespaces, as bad as the test wants it.
 *
 *     netns A                                linkemu                                netns B
 *   [ program ] - UDP/IP - [ TUN a ] = fd → link ab → fd = [ TUN b ] - IP/UDP - [ program ]
 *                                     fd ← link ba ← fd
 *
 * One thread, one loop: read packets into a link (card.h: the devices offload as cards do), sleep until the next one is
 * due or something comes in (ppoll with 1 ns of timer slack, but TICK_NS at least: so much a packet may be late), write
 * what is due.  netem would do much of this but is missing from many kernels; a TUN device is not.  Multicast (IPv6
 * housekeeping) is thrown away unseen, so a run's counts are the test's own packets.
 *
 *   linkemu --ns-a NS --ns-b NS [--dev NAME] [--seed N] [--control PATH] ['KNOB [ab|ba|both] VALUE']...
 *   linkemu --ctl PATH 'LINE'           turn a knob of a running one, or ask it for stats
 *
 * Ends at SIGTERM, SIGINT or with its parent, and prints both links' counters as JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "card.h"
#include "control.h"
#include "link.h"
#include "tun.h"

enum {
    READ_BATCH = 64, /* frames from one side before the other side and the clock get their turn */
    NS_PER_S = 1000000000,
    TICK_NS = 50000, /* the shortest sleep: timers each 12 µs, as 1 Gbit/s wants, took 30 % of a core */
    EXIT_USAGE = 2,
};

struct options {
    const char *ns_a, *ns_b, *device, *control, *ask;
    uint64_t seed;
};

/* Only the main loop's ppoll lets these signals in. */
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Read one batch; true if there may be more. */
static bool read_side(int fd, struct link *into)
{
    for (int i = 0; i < READ_BATCH; i++)
        if (!card_receive(fd, into, now_ns()))
            return false;
    return true;
}

static void write_due(int fd, struct link *from)
{
    if (link_due(from) == LINK_NEVER)
        return;
    uint64_t now = now_ns();
    for (struct link_packet *p = link_pop(from, now), *together[CARD_JOIN_MAX]; p != NULL;) {
        size_t count = 0;
        do
            together[count++] = p;
        while ((p = link_pop(from, now)) != NULL && count < CARD_JOIN_MAX && card_joins(together[count - 1], p));
        if (!card_deliver(fd, together, count))
            from->stats.write_failed += count;
        while (count > 0)
            free(together[--count]);
    }
}

static void sleep_until(uint64_t due_ns, struct pollfd *fds, nfds_t count, const sigset_t *while_asleep)
{
    struct timespec wait, *limit = NULL;
    if (due_ns != LINK_NEVER) {
        uint64_t now = now_ns(), left = due_ns > now ? due_ns - now : 0;
        if (left > 0 && left < TICK_NS)
            left = TICK_NS;
        wait = (struct timespec){.tv_sec = (time_t)(left / NS_PER_S), .tv_nsec = (long)(left % NS_PER_S)};
        limit = &wait;
    }
    if (ppoll(fds, count, limit, while_asleep) < 0)
        for (nfds_t i = 0; i < count; i++)
            fds[i].revents = 0;
}

static void run(int tun_a, int tun_b, int control, struct link *ab, struct link *ba, const sigset_t *while_asleep)
{
    struct pollfd fds[] = {
        {.fd = tun_a, .events = POLLIN}, {.fd = tun_b, .events = POLLIN}, {.fd = control, .events = POLLIN}};
    bool more_a = false, more_b = false;
    while (!ended) {
        uint64_t due = link_due(ab) < link_due(ba) ? link_due(ab) : link_due(ba);
        sleep_until(more_a || more_b ? 0 : due, fds, 3, while_asleep);
        more_a = fds[0].revents && read_side(tun_a, ab);
        more_b = fds[1].revents && read_side(tun_b, ba);
        write_due(tun_b, ab);
        write_due(tun_a, ba);
        if (fds[2].revents)
            control_serve(control, ab, ba);
    }
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        {"ns-a", required_argument, NULL, 'a'},
        {"ns-b", required_argument, NULL, 'b'},
        {"dev", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'},
        {"control", required_argument, NULL, 'c'},
        {"ctl", required_argument, NULL, 'q'},
        {NULL, 0, NULL, 0},
    };
    *o = (struct options){.device = "duet0", .seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        char *end = NULL;
        if (c == 'a')
            o->ns_a = optarg;
        else if (c == 'b')
            o->ns_b = optarg;
        else if (c == 'd')
            o->device = optarg;
        else if (c == 's')
            o->seed = strtoull(optarg, &end, 0);
        else if (c == 'c')
            o->control = optarg;
        else if (c == 'q')
            o->ask = optarg;
        else
            return false;
        if (end && (*end || end == optarg))
            return false;
    }
    return o->ask ? optind + 1 == argc : o->ns_a && o->ns_b;
}

/* Signals wait until ppoll; timers are exact; nothing outlives the test; best effort, except for the signals. */
static void settle(sigset_t *while_asleep)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, while_asleep);
    sigdelset(while_asleep, SIGTERM);
    sigdelset(while_asleep, SIGINT);
    sigdelset(while_asleep, SIGHUP);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1L);
    setpriority(PRIO_PROCESS, 0, -10);
}

int main(int argc, char **argv)
{
    struct options o;
    if (!parse_options(argc, argv, &o)) {
        fprintf(stderr, "usage: linkemu --ns-a NS --ns-b NS [--dev NAME] [--seed N] [--control PATH] ['KNOB "
                        "[ab|ba|both] VALUE']...\n       linkemu --ctl PATH 'LINE'\n");
        return EXIT_USAGE;
    }
    if (o.ask)
        return control_ask(o.ask, argv[optind]);

    static struct link ab, ba;
    link_init(&ab, o.seed);
    link_init(&ba, ~o.seed);
    for (int i = optind; i < argc; i++) {
        const char *wrong = control_apply(argv[i], &ab, &ba);
        if (wrong) {
            fprintf(stderr, "linkemu: '%s': %s\n", argv[i], wrong);
            return EXIT_USAGE;
        }
    }
    sigset_t while_asleep;
    settle(&while_asleep);
    int tun_a = tun_open(o.ns_a, o.device), tun_b = tun_a < 0 ? -1 : tun_open(o.ns_b, o.device), control = -1;
    if (tun_b < 0 || (o.control && (control = control_listen(o.control)) < 0))
        return EXIT_FAILURE;

    run(tun_a, tun_b, control, &ab, &ba, &while_asleep);

    control_print_stats(&ab, &ba, stdout);
    if (o.control)
        unlink(o.control);
    link_dispose(&ab);
    link_dispose(&ba);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
