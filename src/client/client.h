/*
 * client: what everything that talks to a peer needs: identity, trust, whom to call, the running node, and one place
 * to wait for its news, signals and input.
 *
 * SIGINT, SIGTERM and SIGHUP arrive through a signalfd, so nothing is interrupted half-way; worker threads take no
 * signals.  While client_close waits for the farewell, a second SIGINT ends the process at once; the others, of which
 * closing a terminal brings several, do not.  Main thread.
 */
#ifndef DUET_CLIENT_CLIENT_H
#define DUET_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <duet/duet.h>

#include "base/time.h"
#include "client/exit.h"
#include "client/settings.h"
#include "client/trust.h"

/* What a front end has for its peers. */
struct client_role {
    bool receive_files;
    bool accept_offers;  /* -y: offers are accepted without asking */
    bool serve;          /* remote commands are answered */
    uint64_t give_up_us; /* a peer silent for so long is lost; 0: as the library has it */
};

struct client {
    const struct settings *set;
    struct duet_identity *id;
    struct trust_policy policy;
    char name[DUET_NAME_BYTES + 1];
    struct duet_node *node;
    bool has_target;
    char target[DUET_DIALLED_BYTES]; /* -c, or chat's HOST */
    int signal_fd;
    bool leave_sent, quit_sent;
    bool interrupted; /* SIGINT, SIGTERM or SIGHUP came */
};

/* Everything up to a running node.  EXIT_DONE, or what to exit with after the error was printed.  The settings must
 * outlive it. */
int client_open(struct client *c, const struct settings *set, const struct client_role *role);

/* Says goodbye if nobody has, waits for it, frees everything. */
void client_close(struct client *c);

/* duet_leave, once. */
void client_leave(struct client *c);
/* duet_quit, once. at_once: what is still on its way is left. */
void client_quit(struct client *c, bool at_once);

/* The next event; NULL: none now.  Valid until the next call. */
const struct duet_event *client_next(struct client *c);

/* Events a front end takes from the node before it looks for keys, lines and signals again: a peer that talks without
 * end must not keep its user from leaving. */
#define CLIENT_MESSAGES 64

/* The time, for all that is told what time it is; and in microseconds since 1970, UTC, for what people read. */
duet_time client_now(void);
uint64_t client_wall_us(void);

enum client_wake { WAKE_NODE = 1, WAKE_SIGNAL = 2, WAKE_INPUT = 4 };
#define CLIENT_FOREVER UINT64_MAX
/* Waits for the node, a signal, or input_fd (-1: none); a set of client_wake, 0 after
 * timeout_us.  Sets interrupted. *signal_number (may be NULL) gets the signal, 0 without one. */
unsigned client_wait(struct client *c, int input_fd, uint64_t timeout_us, int *signal_number);

/* The next signal that waits, 0: none.  Sets interrupted. */
int client_take_signal(struct client *c);

/* Prints why a FAILED, or a LEFT or LOST before CONNECTED, ended it; returns the exit code. */
int client_report_failure(struct client *c, const char *name, const struct duet_event *ev);

/* Is DIR a directory we can write to?  0, or an error printed and EXIT_FILE. */
int client_check_dir(const char *dir);

#endif
