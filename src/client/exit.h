/*
 * exit: the exit codes of the program, as the contract (and the man page) has them.
 */
#ifndef DUET_CLIENT_EXIT_H
#define DUET_CLIENT_EXIT_H

#include <duet/duet.h>

/* clang-format off */
/* X(name, code, what --help says, what the man page says: NULL: the same).  `make docs` brings it there. */
#define EXIT_LIST(X)                                                                                                \
    X(EXIT_DONE, 0, "done", NULL)                                                                                   \
    X(EXIT_INTERNAL, 1, "internal or system error", "internal or system error (a port in use, for one)")            \
    X(EXIT_USAGE, 2, "usage", NULL)                                                                                 \
    X(EXIT_NO_CONNECTION, 3, "could not connect", NULL)                                                             \
    X(EXIT_TRUST, 4, "trust",                                                                                       \
      "trust: the host that was dialled shows a changed, unexpected or unknown key")                                \
    X(EXIT_REFUSED, 5, "refused by the peer",                                                                       \
      "refused: the peer refused, or does not trust your key; in `recv`: everything offered was refused here")      \
    X(EXIT_LOST, 6, "connection lost", "connection lost; in a chat also: something said was never delivered")       \
    X(EXIT_FILE, 7, "local file error", "local file error: nothing could be read or written")                       \
    X(EXIT_SOME_FAILED, 8, "some files failed", NULL)                                                               \
    X(EXIT_INTERRUPTED, 130, "interrupted", "interrupted (SIGINT, SIGTERM, SIGHUP)")
/* clang-format on */

enum exit_code {
#define X(name, code, help, man) name = (code),
    EXIT_LIST(X)
#undef X
};

/* Of a LEFT or LOST, if that was all there was. */
int exit_of_end(const struct duet_event *ev);
/* Of a FAILED. */
int exit_of_failure(const struct duet_event *ev);

#endif
