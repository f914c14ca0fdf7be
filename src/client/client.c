#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"
#include "client/memory.h"
#include "client/print.h"
#include "client/words.h"

/* Signals a client takes in its own time. */
static const int handled_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* A SIGHUP that nohup ignores stays ignored.  SIGINT is taken even where a script's "&" made it
 * ignored: whoever sends it to us means it. */
static void fill_handled(sigset_t *set)
{
    struct sigaction old;

    sigemptyset(set);
    for (size_t i = 0; i < sizeof handled_signals / sizeof handled_signals[0]; i++) {
        bool ignored = sigaction(handled_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN;
        if (handled_signals[i] != SIGHUP || !ignored)
            sigaddset(set, handled_signals[i]);
    }
}

static void block_handled(int how)
{
    sigset_t set;

    fill_handled(&set);
    pthread_sigmask(how, &set, NULL);
}

/* The screen's signals only come through here while it has them blocked. */
static int open_signal_fd(void)
{
    sigset_t set;

    fill_handled(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static struct duet_options options_of(const struct client *c, const struct client_role *role)
{
    const struct settings *set = c->set;
    struct duet_options o;

    duet_options_init(&o, sizeof(o));
    o.trust = DUET_TRUST_ASK; /* admission decides */
    o.identity = c->id;
    o.name = c->name;
    /* What is none fits nobody: admission refuses whoever comes. */
    o.peer_fingerprint = set->peer != NULL && trust_is_fingerprint(set->peer) ? set->peer : NULL;
    o.family = settings_family(set);
    o.bind = set->bind;
    o.port_is_a_wish = c->has_target && !set->port_given;
    /* One that calls and has nothing for others: it is connected a round trip sooner. */
    o.refuse_calls = c->has_target && !role->receive_files && !role->serve;
    /* One that takes no calls needs no port that others know, and leaves it to those beside it that
     * do. */
    o.port = !o.refuse_calls || set->port_given ? set->port : 0;
    o.no_gso = set->no_gso;
    o.receive_files = role->receive_files;
    o.accept_offers = role->accept_offers;
    o.serve = role->serve;
    o.give_up_us = role->give_up_us;
    o.out_dir = set->out_dir;
    o.step = set->step;
    o.window_bytes = set->window_bytes;
    o.max_packet_bytes = set->max_packet_bytes;
    o.heartbeat_us = set->heartbeat_us;
    o.connect_timeout_us = set->timeout_us;
    o.limit_bytes_per_s = set->limit_bytes_per_s;
    o.cc = set->cc;
    o.trace = set->trace;
    return o;
}

static int start_node(struct client *c, const struct client_role *role)
{
    const struct duet_options o = options_of(c, role);
    char error[DUET_ERROR_BYTES] = "";
    const int err = duet_node_new(&o, &c->node, error);

    memory_forget_start();
    if (err == 0)
        return EXIT_DONE;
    print_error("%s", error[0] ? error : err_text(err));
    return err == DUET_ENOTFOUND || err == DUET_EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
}

/* What is wrong with it whoever answers; a name is looked up when the front end runs (admission_dial). */
static int open_target(struct client *c)
{
    char error[DUET_ERROR_BYTES];

    if (!c->set->host)
        return EXIT_DONE;
    const int err = duet_host_parse(c->set->host, settings_family(c->set), c->target, error);
    if (err < 0) {
        print_error("%s", error);
        return err == DUET_EINVAL ? EXIT_USAGE : EXIT_NO_CONNECTION;
    }
    c->has_target = true;
    return EXIT_DONE;
}

int client_open(struct client *c, const struct settings *set, const struct client_role *role)
{
    char error[DUET_ERROR_BYTES];

    *c = (struct client){.set = set, .signal_fd = -1};
    if (set->out_dir && client_check_dir(set->out_dir) != EXIT_DONE)
        return EXIT_FILE;
    if (duet_identity_open(set->home, &c->id, error) < 0) {
        print_error("%s", error);
        return EXIT_INTERNAL;
    }
    c->policy = (struct trust_policy){
        .id = c->id,
        .fingerprint = set->peer,
        .accept_new = set->accept_new,
        .may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
    };
    snprintf(c->name, sizeof c->name, "%s", set->name ? set->name : duet_identity_name(c->id));
    int code = open_target(c);
    if (code == EXIT_DONE) {
        block_handled(SIG_BLOCK);
        c->signal_fd = open_signal_fd();
        code = start_node(c, role);
    }
    if (code != EXIT_DONE)
        client_close(c);
    return code;
}

/* Closing a terminal brings more than one SIGHUP, a session that ends SIGTERM and SIGHUP: none of
 * them may come between us and the goodbye.  Only ^C may. */
static void let_interrupt_through(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void client_close(struct client *c)
{
    if (c->node) {
        let_interrupt_through();
        duet_node_free(c->node);
        while (client_take_signal(c) != 0) /* they came to end us, which is what we do */
            continue;
    }
    block_handled(SIG_UNBLOCK);
    c->node = NULL;
    if (c->signal_fd >= 0)
        close(c->signal_fd);
    c->signal_fd = -1;
    duet_identity_free(c->id);
    c->id = NULL;
}

const struct duet_event *client_next(struct client *c)
{
    const struct duet_event *ev;

    while (duet_next(c->node, &ev) == 1) {
        if (ev->type != DUET_EVENT_RESTING)
            return ev;
        memory_return_free();
    }
    return NULL;
}

void client_leave(struct client *c)
{
    if (c->leave_sent)
        return;
    c->leave_sent = true;
    (void)duet_leave(c->node);
}

void client_quit(struct client *c, bool at_once)
{
    if (c->quit_sent)
        return;
    c->quit_sent = true;
    (void)duet_quit(c->node, at_once);
}

duet_time client_now(void)
{
    return DUET_TIME(duet_now_us());
}

uint64_t client_wall_us(void)
{
    return duet_wall_us();
}

static int milliseconds(uint64_t timeout_us)
{
    const uint64_t longest_ms = 60 * 60 * 1000;

    if (timeout_us == CLIENT_FOREVER)
        return -1;
    uint64_t ms = (timeout_us + US_PER_MS - 1) / US_PER_MS;
    return (int)(ms < longest_ms ? ms : longest_ms);
}

int client_take_signal(struct client *c)
{
    struct signalfd_siginfo info;

    if (read(c->signal_fd, &info, sizeof info) != sizeof info)
        return 0;
    for (size_t i = 0; i < sizeof handled_signals / sizeof handled_signals[0]; i++)
        c->interrupted |= info.ssi_signo == (uint32_t)handled_signals[i];
    return (int)info.ssi_signo;
}

unsigned client_wait(struct client *c, int input_fd, uint64_t timeout_us, int *signal_number)
{
    struct pollfd fds[] = {
        {.fd = duet_fd(c->node), .events = POLLIN},
        {.fd = c->signal_fd, .events = POLLIN},
        {.fd = input_fd, .events = POLLIN},
    };
    unsigned woken = 0;

    if (signal_number)
        *signal_number = 0;
    if (poll(fds, sizeof fds / sizeof fds[0], milliseconds(timeout_us)) <= 0)
        return 0;
    if (fds[0].revents)
        woken |= WAKE_NODE;
    if (fds[2].revents)
        woken |= WAKE_INPUT;
    int number = fds[1].revents ? client_take_signal(c) : 0;
    if (number != 0)
        woken |= WAKE_SIGNAL;
    if (signal_number)
        *signal_number = number;
    return woken;
}

int client_report_failure(struct client *c, const char *name, const struct duet_event *ev)
{
    const char *to = c->has_target ? c->target : name;
    char text[WORDS_ENDED_BYTES];

    if (ev->type == DUET_EVENT_LEFT || (ev->type == DUET_EVENT_LOST && ev->err != DUET_ETIMEOUT)) {
        print_error("%s", words_ended(to, ev, text));
        return exit_of_end(ev);
    }
    if (ev->err == DUET_EREFUSED)
        print_error("%s refused: %s", to, words_failed(ev));
    else
        print_error("could not connect to %s: %s", to, words_failed(ev));
    return exit_of_failure(ev);
}

int client_check_dir(const char *dir)
{
    struct stat st;
    int trouble = 0;

    if (stat(dir, &st) < 0 || (S_ISDIR(st.st_mode) && access(dir, W_OK | X_OK) < 0))
        trouble = errno;
    else if (!S_ISDIR(st.st_mode))
        trouble = ENOTDIR;
    if (trouble == 0)
        return EXIT_DONE;
    print_error("directory %s: %s", dir, strerror(trouble));
    return EXIT_FILE;
}
