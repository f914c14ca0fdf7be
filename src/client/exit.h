/*
 * exit: the exit codes of the program, as the contract (and the man page) has them.
 */
#ifndef DUET_CLIENT_EXIT_H
#define DUET_CLIENT_EXIT_H

#include "app/msg.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_INTERNAL = 1, /* internal or system error */
    EXIT_USAGE = 2,
    EXIT_NO_CONNECTION = 3, /* could not connect */
    EXIT_TRUST = 4,         /* changed or unexpected key */
    EXIT_REFUSED = 5,       /* the peer refused */
    EXIT_LOST = 6,          /* connection lost */
    EXIT_FILE = 7,          /* local file error */
    EXIT_SOME_FAILED = 8,   /* some files failed */
    EXIT_INTERRUPTED = 130, /* SIGINT, SIGTERM, SIGHUP */
};

/* Of a MSG_LEFT or MSG_LOST, if that was all there was. */
int exit_of_end(const struct msg *m);
/* Of a MSG_FAILED. */
int exit_of_failure(const struct msg *m);

#endif
