/*
 * liveness: is the peer still there?  What was heard of it and when, what has to be asked, and what
 * silence means.
 *
 *   silent for                     what follows
 *   the heartbeat's time           a PING, unless something of ours waits for an answer anyway
 *   a few gaps between packets     a PING, at doubling distances up to the heartbeat's: our NAT may
 *   of a file                      have moved us, and only a packet of ours tells the sender where
 *   the time a question has        the user who asked is told that nobody is there
 *   UNREACHABLE_US                 unreachable, until something comes
 *   lost_us                        the session ends
 *
 * A timer that is much later than it was set for means that we slept: the silence was ours.
 * Value type; virtual time.  The connection sends the PINGs and tells the events.
 */
#ifndef DUET_CONN_LIVENESS_H
#define DUET_CONN_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define LIVENESS_FILE_MIN_US 100000 /* a file that stands still this long is asked after, */
#define LIVENESS_FILE_GAPS 8        /* or so many times its usual gap, a probe timeout at most */
#define LIVENESS_GAP_WEIGHT 8       /* of the usual gap: one part in so many is the newest, as of RFC 6298's SRTT */
/* A peer that is asked whether it is there has this long to answer.  Five packets ask, so of ten
 * thousand such silences at 5 % loss none is an accident. */
#define LIVENESS_ANSWER_PTOS 4
#define LIVENESS_ANSWER_MIN_US 400000
#define LIVENESS_SUSPEND_US 5000000 /* a timer this late means that we slept, not that the peer was silent */

struct liveness {
    uint64_t heartbeat_us, lost_us; /* negotiated */
    duet_time heard_at;             /* last authentic packet, or when silence began to count */
    duet_time spoke_at;             /* last packet of ours that has to be answered */
    bool unreachable;
    bool ping_wanted;        /* somebody has to ask the peer for an answer */
    duet_time answer_by;     /* somebody asked whether the peer is there: when it is taken for gone; DUET_NEVER */
    duet_time file_at;       /* when bytes of a file last came; DUET_NEVER: none is under way to us */
    uint64_t file_gap_us;    /* … and usually, after the bytes before: an average */
    duet_time file_asked_at; /* the last PING because no more came */
    duet_time sleeps_until;  /* what the timer was set for; DUET_NEVER */
};

/* What time has brought. */
enum liveness_due {
    LIVENESS_OK,
    LIVENESS_SILENT, /* UNREACHABLE_US: now it is unreachable */
    LIVENESS_LOST,
};

/* What a packet of the peer has changed. */
struct liveness_news {
    bool answers;       /* the question whether it is there */
    bool is_back;       /* it was unreachable, */
    uint64_t silent_us; /* for so long */
};

/* ---- before there is a session, and its start ---- */

void liveness_init(struct liveness *l, duet_time now);
void liveness_begin(struct liveness *l, uint64_t heartbeat_us, uint64_t lost_us, duet_time now);

/* ---- what happens ---- */

/* An authentic packet came. */
struct liveness_news liveness_heard(struct liveness *l, duet_time now);
/* … with bytes of a file. */
void liveness_file_came(struct liveness *l, duet_time now);
/* No file is under way to us (any more). */
void liveness_file_over(struct liveness *l);
/* A packet left that has to be answered. */
void liveness_spoke(struct liveness *l, duet_time now);
/* Somebody wants to know whether the peer is there: it has until answer_by. */
void liveness_ask(struct liveness *l, uint64_t pto_us, duet_time now);
/* The timer is set. */
void liveness_sleeps(struct liveness *l, duet_time until);

/* ---- time ---- */

/* When something below is due; judged: silence counts. */
duet_time liveness_deadline(const struct liveness *l, uint64_t pto_us, bool judged);
/* We were not running: probes first, judges later. */
bool liveness_slept(const struct liveness *l, duet_time now);
void liveness_wake(struct liveness *l, duet_time now);
/* What silence means by now. */
enum liveness_due liveness_judge(struct liveness *l, duet_time now);
/* Nobody answered the question: it is over. */
bool liveness_unanswered(struct liveness *l, duet_time now);
/* Asks, if the heartbeat is due; true: it was. */
bool liveness_beat(struct liveness *l, duet_time now);
/* A file stands still for too long: should be asked after, with liveness_ask_file. */
bool liveness_file_stands(const struct liveness *l, uint64_t pto_us, duet_time now);
void liveness_ask_file(struct liveness *l, duet_time now);

#endif
