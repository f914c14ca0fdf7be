#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/time.h"
#include "client/print.h"
#include "client/words.h"
#include "io/clock.h"

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

/* The threads of the node inherit a mask that leaves every signal to the main thread. */
static int start_node(struct client *c, const struct node_config *cfg)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t all, before;
    char error[NODE_ERROR_BYTES] = "";
    int sys = 0;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof synchronous / sizeof synchronous[0]; i++)
        sigdelset(&all, synchronous[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = node_start(cfg, &c->node, error, &sys);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        return EXIT_DONE;
    print_error("%s", error[0] ? error : err_text(err));
    return err == DUET_ENOTFOUND || err == DUET_EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
}

static struct node_config node_config_of(const struct client *c, const struct hub_config *hub)
{
    const struct settings *set = c->set;
    struct node_config cfg = {
        .endpoint =
            {
                .identity = c->id.keys,
                .params = set->params,
                .cc = set->cc,
                /* One that calls and has nothing for others: it is connected a round trip
                 * sooner. */
                .accept = !c->has_target || hub->receive_files || hub->serve,
                .connect_timeout_us = set->timeout_us,
                .limit_bytes_per_s = set->limit_bytes_per_s,
                .trace = set->trace != NULL,
            },
        .hub = *hub,
        .family = settings_family(set),
        .bind = set->bind,
        .port_fallback = c->has_target && !set->port_given,
        .no_gso = set->no_gso,
        .out_dir = set->out_dir,
        .trace = set->trace,
    };

    /* One that takes no calls needs no port that others know, and leaves it to those beside it that
     * do. */
    cfg.port = cfg.endpoint.accept || set->port_given ? set->port : 0;
    snprintf(cfg.endpoint.name, sizeof cfg.endpoint.name, "%s", c->name);
    return cfg;
}

/* What is wrong with it whoever answers; a name is looked up when the front end runs (admission_dial). */
static int open_target(struct client *c)
{
    char error[RESOLVE_ERROR_BYTES];
    struct resolve_result literal = {.err = 0};

    if (!c->set->host)
        return EXIT_DONE;
    int err = resolve_parse(c->set->host, settings_family(c->set), DUET_DEFAULT_PORT, &c->target, error);
    if (err == 0 && resolve_literal(&c->target, &literal))
        err = literal.err;
    if (err < 0) {
        print_error("%s", literal.err < 0 ? literal.error : error);
        return err == DUET_EINVAL ? EXIT_USAGE : EXIT_NO_CONNECTION;
    }
    c->has_target = true;
    return EXIT_DONE;
}

static int open_lookups(struct client *c)
{
    c->lookups = lookups_new(resolve_name);
    if (c->lookups != NULL)
        return EXIT_DONE;
    print_error("cannot prepare for looking up names: %s", strerror(errno));
    return EXIT_INTERNAL;
}

int client_open(struct client *c, const struct settings *set, const struct hub_config *hub)
{
    char error[IDENTITY_ERROR_BYTES];

    *c = (struct client){.set = set, .signal_fd = -1};
    if (set->out_dir && client_check_dir(set->out_dir) != EXIT_DONE)
        return EXIT_FILE;
    if (identity_open(&c->id, set->home, error) < 0) {
        print_error("%s", error);
        return EXIT_INTERNAL;
    }
    c->policy = (struct trust_policy){
        .id = &c->id,
        .fingerprint = set->peer,
        .accept_new = set->accept_new,
        .may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
    };
    if (set->name)
        snprintf(c->name, sizeof c->name, "%s", set->name);
    else
        identity_default_name(&c->id, c->name);
    int code = open_target(c);
    if (code == EXIT_DONE)
        code = open_lookups(c);
    if (code == EXIT_DONE) {
        block_handled(SIG_BLOCK);
        c->signal_fd = open_signal_fd();
        struct node_config cfg = node_config_of(c, hub);
        code = start_node(c, &cfg);
        sodium_memzero(&cfg, sizeof cfg);
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

static void stop_lookups(struct client *c)
{
    lookups_free(c->lookups);
    c->lookups = NULL;
}

void client_close(struct client *c)
{
    if (c->node) {
        let_interrupt_through();
        node_stop(c->node);
        while (client_take_signal(c) != 0) /* they came to end us, which is what we do */
            continue;
    }
    block_handled(SIG_UNBLOCK);
    c->node = NULL;
    stop_lookups(c);
    if (c->signal_fd >= 0)
        close(c->signal_fd);
    c->signal_fd = -1;
    identity_wipe(&c->id);
}

void client_send(struct client *c, enum msg_type type, conn_id peer, uint32_t id, bool flag)
{
    struct msg m = {.type = type, .peer = peer, .id = id, .flag = flag};

    node_send(c->node, &m);
}

int client_send_text(struct client *c, enum msg_type type, conn_id peer, uint32_t id, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return DUET_ENOMEM;
    struct msg m = {.type = type, .peer = peer, .id = id, .text = copy};
    node_send(c->node, &m);
    return 0; /* NOLINT(clang-analyzer-unix.Malloc): the node owns the copy now */
}

void client_leave(struct client *c)
{
    if (c->leave_sent)
        return;
    c->leave_sent = true;
    client_send(c, MSG_LEAVING, 0, 0, false);
}

void client_quit(struct client *c, bool at_once)
{
    if (c->quit_sent)
        return;
    c->quit_sent = true;
    stop_lookups(c);
    client_send(c, MSG_QUIT, 0, 0, at_once);
}

duet_time client_now(void)
{
    return clock_now();
}

uint64_t client_wall_us(void)
{
    return clock_wall_us();
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
        {.fd = node_fd(c->node), .events = POLLIN},
        {.fd = c->signal_fd, .events = POLLIN},
        {.fd = input_fd, .events = POLLIN},
        {.fd = c->lookups ? lookups_fd(c->lookups) : -1, .events = POLLIN},
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
    if (fds[3].revents)
        woken |= WAKE_LOOKUP;
    int number = fds[1].revents ? client_take_signal(c) : 0;
    if (number != 0)
        woken |= WAKE_SIGNAL;
    if (signal_number)
        *signal_number = number;
    return woken;
}

int client_report_failure(struct client *c, const char *name, const struct msg *m)
{
    const char *to = c->has_target ? c->target.dialled : name;
    char text[WORDS_ENDED_BYTES];

    if (m->type == MSG_LEFT || (m->type == MSG_LOST && m->err != DUET_ETIMEOUT)) {
        print_error("%s", words_ended(to, m, text));
        return exit_of_end(m);
    }
    if (m->err == DUET_EREFUSED)
        print_error("%s refused: %s", to, words_failed(m));
    else
        print_error("could not connect to %s: %s", to, words_failed(m));
    return exit_of_failure(m);
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
