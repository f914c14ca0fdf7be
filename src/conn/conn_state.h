/*
 * conn_state: the states of a connection, and which follows which (the drawing is in conn.h).
 */
#ifndef DUET_CONN_CONN_STATE_H
#define DUET_CONN_CONN_STATE_H

#include <stdbool.h>

/* clang-format off */
/* Name, word, and a letter for each state that may follow, in the order of the rows. */
#define CONN_STATE_LIST(X)                          \
    X(CONN_SYN_SENT,     "syn_sent",      "--a---x") \
    X(CONN_SYN_RECEIVED, "syn_received",  "---e--x") \
    X(CONN_ACK_SENT,     "ack_sent",      "--aec-x") /* again: another answer to the SYN took the first one's place */ \
    X(CONN_ESTABLISHED,  "established",   "----cdx") \
    X(CONN_CLOSING,      "closing",       "-----dx") \
    X(CONN_DRAINING,     "draining",      "-----dx") /* again: one more CLOSE has to leave, the last */ \
    X(CONN_DEAD,         "dead",          "-------")
/* clang-format on */

enum conn_state {
#define X(name, word, next) name,
    CONN_STATE_LIST(X)
#undef X
};
#define CONN_STATES (CONN_DEAD + 1)

const char *conn_state_name(enum conn_state s);
bool conn_state_may_follow(enum conn_state from, enum conn_state to);

#endif
