/*
 * job: what send, recv and ask have in common: a program with its roster and progress line, a loop
 * that hands the node's messages to a table of handlers, and the messages they all treat alike.
 *
 * A question on the terminal holds up nobody but who it is about.  Only the key of a host we called
 * decides how it ends: a stranger that comes and is refused is told, and the waiting goes on.
 *
 *   job_open → job_run (until job_finish, a signal, or the node's end; then the farewell) → job_close
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

struct job;
typedef void job_handler(struct job *j, const struct msg *m);
/* A peer was let in: it is in the roster. */
typedef void job_admitted(struct job *j, conn_id peer);

/* One entry of a subcommand's table; the table ends with a NULL handler. */
struct job_rule {
    enum msg_type type;
    job_handler *handler;
};

struct job {
    struct program program;
    struct progress progress;
    struct roster roster;
    struct questions questions; /* their `self` is the job */
    struct admission admission; /* asks by way of the questions */
    job_admitted *admitted;     /* may be NULL */
    const struct job_rule *rules;
    void *self; /* the subcommand's own state */
    bool over;  /* nothing left to do but say goodbye */
    int code;
};

/* EXIT_DONE, or the code to exit with (the error is printed, nothing to close). */
int job_open(struct job *j, const struct settings *set, const struct hub_config *hub, const struct job_rule *rules,
             job_admitted *admitted, void *self);

/* Runs to the end; the exit code: what job_finish said, EXIT_INTERRUPTED after a signal. */
int job_run(struct job *j);
void job_close(struct job *j);

/* It ends, with this code unless there was a worse one before. */
void job_finish(struct job *j, int code);

/* "NAME" of a peer, "the peer" of an unknown one. */
const char *job_peer_name(struct job *j, conn_id peer);

/* Handlers that serve as they are. */
job_handler job_on_listening, job_on_connected, job_on_progress, job_on_silence, job_on_text, job_on_notice,
    job_on_stopped;

#endif
