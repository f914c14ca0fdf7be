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

/* Signals the program takes in its own time. */
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
static int start_node(struct program *p, const struct node_config *cfg)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t all, before;
    char error[NODE_ERROR_BYTES] = "";
    int sys = 0;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof synchronous / sizeof synchronous[0]; i++)
        sigdelset(&all, synchronous[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = node_start(cfg, &p->node, error, &sys);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        return EXIT_DONE;
    say_error("%s", error[0] ? error : err_text(err));
    return err == DUET_ENOTFOUND || err == DUET_EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
}

static struct node_config node_config_of(const struct program *p, const struct hub_config *hub)
{
    const struct settings *set = p->set;
    struct node_config cfg = {
        .endpoint =
            {
                .identity = p->id.keys,
                .params = set->params,
                .cc = set->cc,
                /* One that calls and has nothing for others: it is connected a round trip
                 * sooner. */
                .accept = !p->has_target || hub->receive_files || hub->serve,
                .connect_timeout_us = set->timeout_us,
                .limit_bytes_per_s = set->limit_bytes_per_s,
                .trace = set->trace != NULL,
            },
        .hub = *hub,
        .family = settings_family(set),
        .bind = set->bind,
        .port_fallback = p->has_target && !set->port_given,
        .no_gso = set->no_gso,
        .out_dir = set->out_dir,
        .trace = set->trace,
    };

    /* One that takes no calls needs no port that others know, and leaves it to those beside it that
     * do. */
    cfg.port = cfg.endpoint.accept || set->port_given ? set->port : 0;
    snprintf(cfg.endpoint.name, sizeof cfg.endpoint.name, "%s", p->name);
    return cfg;
}

/* What is wrong with it whoever answers; a name is looked up when the front end runs (admission_dial). */
static int open_target(struct program *p)
{
    char error[RESOLVE_ERROR_BYTES];
    struct resolve_result literal = {.err = 0};

    if (!p->set->host)
        return EXIT_DONE;
    int err = resolve_parse(p->set->host, settings_family(p->set), DUET_DEFAULT_PORT, &p->target, error);
    if (err == 0 && resolve_literal(&p->target, &literal))
        err = literal.err;
    if (err < 0) {
        say_error("%s", literal.err < 0 ? literal.error : error);
        return err == DUET_EINVAL ? EXIT_USAGE : EXIT_NO_CONNECTION;
    }
    p->has_target = true;
    return EXIT_DONE;
}

static int open_lookups(struct program *p)
{
    p->lookups = lookups_new(resolve_name);
    if (p->lookups != NULL)
        return EXIT_DONE;
    say_error("cannot prepare for looking up names: %s", strerror(errno));
    return EXIT_INTERNAL;
}

int program_open(struct program *p, const struct settings *set, const struct hub_config *hub)
{
    char error[IDENTITY_ERROR_BYTES];

    *p = (struct program){.set = set, .signal_fd = -1};
    if (set->out_dir && program_check_dir(set->out_dir) != EXIT_DONE)
        return EXIT_FILE;
    if (identity_open(&p->id, set->home, error) < 0) {
        say_error("%s", error);
        return EXIT_INTERNAL;
    }
    p->policy = (struct trust_policy){
        .id = &p->id,
        .fingerprint = set->peer,
        .accept_new = set->accept_new,
        .may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
    };
    if (set->name)
        snprintf(p->name, sizeof p->name, "%s", set->name);
    else
        identity_default_name(&p->id, p->name);
    int code = open_target(p);
    if (code == EXIT_DONE)
        code = open_lookups(p);
    if (code == EXIT_DONE) {
        block_handled(SIG_BLOCK);
        p->signal_fd = open_signal_fd();
        struct node_config cfg = node_config_of(p, hub);
        code = start_node(p, &cfg);
        sodium_memzero(&cfg, sizeof cfg);
    }
    if (code != EXIT_DONE)
        program_close(p);
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

static void stop_lookups(struct program *p)
{
    lookups_free(p->lookups);
    p->lookups = NULL;
}

void program_close(struct program *p)
{
    if (p->node) {
        let_interrupt_through();
        node_stop(p->node);
        while (program_take_signal(p) != 0) /* they came to end us, which is what we do */
            continue;
    }
    block_handled(SIG_UNBLOCK);
    p->node = NULL;
    stop_lookups(p);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
    p->signal_fd = -1;
    identity_wipe(&p->id);
}

void program_send(struct program *p, enum msg_type type, conn_id peer, uint32_t id, bool flag)
{
    struct msg m = {.type = type, .peer = peer, .id = id, .flag = flag};

    node_send(p->node, &m);
}

int program_send_text(struct program *p, enum msg_type type, conn_id peer, uint32_t id, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return DUET_ENOMEM;
    struct msg m = {.type = type, .peer = peer, .id = id, .text = copy};
    node_send(p->node, &m);
    return 0; /* NOLINT(clang-analyzer-unix.Malloc): the node owns the copy now */
}

void program_leave(struct program *p)
{
    if (p->leave_sent)
        return;
    p->leave_sent = true;
    program_send(p, MSG_LEAVING, 0, 0, false);
}

void program_quit(struct program *p, bool at_once)
{
    if (p->quit_sent)
        return;
    p->quit_sent = true;
    stop_lookups(p);
    program_send(p, MSG_QUIT, 0, 0, at_once);
}

static int milliseconds(uint64_t timeout_us)
{
    const uint64_t longest_ms = 60 * 60 * 1000;

    if (timeout_us == PROGRAM_FOREVER)
        return -1;
    uint64_t ms = (timeout_us + US_PER_MS - 1) / US_PER_MS;
    return (int)(ms < longest_ms ? ms : longest_ms);
}

int program_take_signal(struct program *p)
{
    struct signalfd_siginfo info;

    if (read(p->signal_fd, &info, sizeof info) != sizeof info)
        return 0;
    for (size_t i = 0; i < sizeof handled_signals / sizeof handled_signals[0]; i++)
        p->interrupted |= info.ssi_signo == (uint32_t)handled_signals[i];
    return (int)info.ssi_signo;
}

unsigned program_wait(struct program *p, int input_fd, uint64_t timeout_us, int *signal_number)
{
    struct pollfd fds[] = {
        {.fd = node_fd(p->node), .events = POLLIN},
        {.fd = p->signal_fd, .events = POLLIN},
        {.fd = input_fd, .events = POLLIN},
        {.fd = p->lookups ? lookups_fd(p->lookups) : -1, .events = POLLIN},
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
    int number = fds[1].revents ? program_take_signal(p) : 0;
    if (number != 0)
        woken |= WAKE_SIGNAL;
    if (signal_number)
        *signal_number = number;
    return woken;
}

int program_report_failure(struct program *p, const char *name, const struct msg *m)
{
    const char *to = p->has_target ? p->target.dialled : name;
    char text[WORDS_ENDED_BYTES];

    if (m->type == MSG_LEFT || (m->type == MSG_LOST && m->err != DUET_ETIMEOUT)) {
        say_error("%s", words_ended(to, m, text));
        return exit_of_end(m);
    }
    if (m->err == DUET_EREFUSED)
        say_error("%s refused: %s", to, words_failed(m));
    else
        say_error("could not connect to %s: %s", to, words_failed(m));
    return exit_of_failure(m);
}

int program_check_dir(const char *dir)
{
    struct stat st;
    int trouble = 0;

    if (stat(dir, &st) < 0 || (S_ISDIR(st.st_mode) && access(dir, W_OK | X_OK) < 0))
        trouble = errno;
    else if (!S_ISDIR(st.st_mode))
        trouble = ENOTDIR;
    if (trouble == 0)
        return EXIT_DONE;
    say_error("directory %s: %s", dir, strerror(trouble));
    return EXIT_FILE;
}
