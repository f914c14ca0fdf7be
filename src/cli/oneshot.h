/*
 * oneshot: what send, recv and ask have in common: a client with its roster and progress line, a loop
 * that hands the node's events to a table of handlers, and the events they all treat alike.
 *
 * A question on the terminal holds up nobody but who it is about.  Only the key of a host we called
 * decides how it ends: a stranger that comes and is refused is told, and the waiting goes on.
 *
 *   oneshot_open → oneshot_run (until oneshot_finish, a signal, or the node's end; then the farewell) → oneshot_close
 *
 * Main thread.
 */
#ifndef DUET_CLI_ONESHOT_H
#define DUET_CLI_ONESHOT_H

#include <stdbool.h>

#include "client/admission.h"
#include "client/client.h"
#include "client/progress_line.h"
#include "client/questions.h"

struct oneshot;
typedef void oneshot_handler(struct oneshot *o, const struct duet_event *ev);
/* A peer was let in: it is in the roster. */
typedef void oneshot_admitted(struct oneshot *o, uint64_t peer);

/* One entry of a subcommand's table; the table ends with a NULL handler. */
struct oneshot_rule {
    enum duet_event_type type;
    oneshot_handler *handler;
};

struct oneshot {
    struct client client;
    struct progress_line progress_line;
    struct roster roster;
    struct questions questions; /* their `self` is the oneshot */
    struct admission admission; /* asks by way of the questions */
    oneshot_admitted *admitted; /* may be NULL */
    const struct oneshot_rule *rules;
    void *self; /* the subcommand's own state */
    bool over;  /* nothing left to do but say goodbye */
    int code;
};

/* EXIT_DONE, or the code to exit with (the error is printed, nothing to close). */
int oneshot_open(struct oneshot *o, const struct settings *set, const struct client_role *role,
                 const struct oneshot_rule *rules, oneshot_admitted *admitted, void *self);

/* Runs to the end; the exit code: what oneshot_finish said, EXIT_INTERRUPTED after a signal. */
int oneshot_run(struct oneshot *o);
void oneshot_close(struct oneshot *o);

/* It ends, with this code unless there was a worse one before. */
void oneshot_finish(struct oneshot *o, int code);

/* "NAME" of a peer, "the peer" of an unknown one. */
const char *oneshot_peer_name(struct oneshot *o, uint64_t peer);

/* Handlers that serve as they are; on_call: TRIED, ALREADY. */
oneshot_handler oneshot_on_listening, oneshot_on_call, oneshot_on_connected, oneshot_on_progress, oneshot_on_silence,
    oneshot_on_text, oneshot_on_notice, oneshot_on_stopped;

#endif
