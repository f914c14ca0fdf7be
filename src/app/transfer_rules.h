/*
 * transfer_rules: state × event of a file transfer, as one table.
 *
 * Every event of every transfer asks the table first, so a race (a cancel that
 * crosses an accept, a disk result after the end) has exactly one place where
 * it is decided, and a peer that says what it may not is told apart from one
 * that is merely late.  Pure; any thread.
 */
#ifndef DUET_APP_TRANSFER_RULES_H
#define DUET_APP_TRANSFER_RULES_H

/* clang-format off */
/* X(name): the enum, the counts and the names in tests come from this list. */
#define TRANSFER_STATE_LIST(X)                                             \
    X(OPENING)      /* sending: the disk opens the file */                 \
    X(OFFERED)      /* sending: the peer decides */                        \
    X(SENDING)      /* sending: read, supply, release */                   \
    X(DIGESTING)    /* sending: everything was read, the disk sums up */   \
    X(CONFIRMING)   /* sending: the peer checks and stores */              \
    X(ASKED)        /* receiving: our user decides */                      \
    X(CREATING)     /* receiving: the disk makes the file */               \
    X(QUEUED)       /* receiving: waits for its share of the window */     \
    X(RECEIVING)    /* receiving: extents to the disk */                   \
    X(COMMITTING)   /* receiving: everything was written, the disk checks and renames */ \
    X(ENDED)        /* ui knows; waits until disk and endpoint have let go */
enum transfer_state {
#define X(name) TRANSFER_##name,
    TRANSFER_STATE_LIST(X)
#undef X
};

#define TRANSFER_EVENT_LIST(X)                                        \
    /* results of the disk, good or bad */                            \
    X(OPENED) X(READ) X(DIGESTED) X(CREATED) X(WROTE) X(COMMITTED)    \
    /* from the peer, to the sender */                                \
    X(ACCEPT) X(REFUSE) X(COMPLETE) X(FAILED) X(STOPPED) X(RELEASED)  \
    /* from the peer, to the receiver */                              \
    X(DIGEST) X(CANCEL) X(EXTENT) X(FINISHED) X(RESET)                \
    /* from our user, and the end of the session */                   \
    X(USER_ACCEPT) X(USER_REJECT) X(USER_CANCEL) X(GONE)
enum transfer_event {
#define X(name) TRANSFER_ON_##name,
    TRANSFER_EVENT_LIST(X)
#undef X
};

/* clang-format on */

#define X(name) +1
enum { TRANSFER_STATES = TRANSFER_STATE_LIST(X), TRANSFER_EVENTS = TRANSFER_EVENT_LIST(X) };
#undef X

enum transfer_rule {
    RULE_DO,        /* the handler of the state acts */
    RULE_IGNORE,    /* late, or already decided: only what the event carries is put back */
    RULE_VIOLATION, /* no honest peer says this now: CLOSE_PROTOCOL */
    RULE_BUG,       /* cannot be: ours to assert */
};

enum transfer_rule transfer_rule(enum transfer_state state, enum transfer_event event);

#endif
