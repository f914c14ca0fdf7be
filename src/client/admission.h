/*
 * admission: who is let in.  Whom we call, from the name on, the strangers that wait for the user's
 * answer, and what becomes of each.
 *
 *   KEY ─ trust_judge ─▶ known, allowed ────────────────────────────▶ LET_IN: in the roster, ROSTER_TRUSTED
 *                                 ask ─▶ WAITS ─ yes ─ trust_accept ─────────▶ LET_IN
 *                                          │ └─ left, lost ──────────────────▶ LEFT
 *                                          └─ no, waited too long            ┐
 *                                 refused, changed, no room, not wanted ─────┴▶ TURNED_AWAY
 *
 * Nothing here ever stops a conversation: whoever waits, waits in this table until the user has the time.
 *
 * A consent names whom it is for.  Who left while waiting keeps its place for ADMISSION_GONE_US, so that no other
 * takes over its name under the user's fingers: in that time the name means neither.
 *
 * Strangers cannot fill or flood anything: ADMISSION_WAITING_PER_HOST wait at most, each at most
 * ADMISSION_WAIT_US; a host brings ADMISSION_NEW_PER_HOST new keys a minute at most; there is one
 * line about strangers each ADMISSION_LINES_US.  None of this holds for whom the user called, who
 * comes first and stays.
 *
 * Front ends: a sink takes what happens, words included.  Main thread; the time is passed in.
 */
#ifndef DUET_CLIENT_ADMISSION_H
#define DUET_CLIENT_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "client/client.h"
#include "client/roster.h"

#define ADMISSION_TARGET 1                    /* the number of the first call: HOST of the command line */
#define ADMISSION_DIALS 16                    /* connections being made, names being looked up for one among them */
#define ADMISSION_WAITING 64                  /* strangers that wait for an answer */
#define ADMISSION_WAITING_PER_HOST 4          /* … of one host */
#define ADMISSION_WAIT_US UINT64_C(300000000) /* then a stranger is turned away */
#define ADMISSION_GONE_US UINT64_C(10000000)  /* who left is held this long */
#define ADMISSION_LINES_US UINT64_C(10000000) /* between two lines about strangers */
#define ADMISSION_NEW_PER_HOST 32             /* keys remembered of one host … */
#define ADMISSION_NEW_US UINT64_C(60000000)   /* … in this time */
#define ADMISSION_HOSTS 64                    /* hosts for which that is counted at once */
#define ADMISSION_QUESTION_BYTES 1024
#define ADMISSION_ROW_BYTES 1024 /* of words that name all who wait */

/* A connection being made: first the name is looked up, then all its addresses are called. */
struct dial {
    uint32_t id;              /* of duet_dial; 0: free */
    bool is_called, was_slow; /* its addresses are known; the user was told that its name is looked up */
    char dialled[DUET_DIALLED_BYTES];
};

struct stranger {
    uint64_t peer;
    struct duet_peer_key key;                /* without what it points to */
    char dialled[DUET_DIALLED_BYTES];        /* "": it came to us */
    bool is_target;                          /* the first one dialled: HOST of the command line */
    enum duet_known_verdict on_file;         /* what a yes would be about */
    char known_as[ROSTER_NAME_BYTES];        /* the name the user knows its key by, if that is another; else "" */
    char question[ADMISSION_QUESTION_BYTES]; /* for a front end that asks */
    duet_time came_at, gone_at;              /* gone_at: NEVER while it waits */
    bool told;                               /* a line named it */
};

enum admission_event_type {
    ADMISSION_WAITS,       /* `who` needs an answer */
    ADMISSION_LET_IN,      /* `who` is in the roster */
    ADMISSION_TURNED_AWAY, /* `who` is not, and was told so; `text` is why, to be told if we called it */
    ADMISSION_LEFT,        /* `who` left, or was lost, before it was let in; `why` says it */
    ADMISSION_STRANGER,    /* a line about `who` that waits (`count` 1), or about so many */
    ADMISSION_CALLING,     /* `text`: whose name is looked up, or who is called */
    ADMISSION_TEXT,        /* `text` is what the user asked for */
    ADMISSION_ERROR,       /* `text` is what went wrong */
};

struct admission_event {
    enum admission_event_type type;
    const struct stranger *who; /* valid during the call */
    const struct duet_event *why;
    const char *text;
    size_t count;
};

typedef void admission_sink(void *self, const struct admission_event *ev);

/* One line in ADMISSION_LINES_US, the others are counted. */
struct line_limit {
    duet_time told_at; /* NEVER: none yet */
    size_t untold;
};

struct admission {
    struct client *client;
    struct roster *roster;
    admission_sink *sink;
    void *self;
    struct dial dials[ADMISSION_DIALS];
    uint32_t last_dial;
    struct stranger v[ADMISSION_WAITING + ADMISSION_DIALS]; /* the first `count`: those called first, then by arrival */
    size_t count;
    struct line_limit lines, changes; /* about strangers; about keys that changed */
    struct {
        struct duet_addr host;
        duet_time since;
        unsigned keys; /* 0: free */
    } hosts[ADMISSION_HOSTS];
};

void admission_init(struct admission *a, struct client *client, struct roster *r, admission_sink *sink, void *self);

/* Calls a host, as soon as its name is looked up; the first one called is the target.  `dialled`: of duet_host_parse.
 * false: too many are being called. */
bool admission_dial(struct admission *a, const char *dialled);
/* LOOKING_UP or CALLING. */
void admission_on_call(struct admission *a, const struct duet_event *ev);
/* Takes back a call that FAILED or ALREADY ended.  false: there was none.  *was may be NULL. */
bool admission_dial_over(struct admission *a, uint32_t id, struct dial *was);
/* The first of those we are calling; NULL: nobody. */
const struct dial *admission_calling(const struct admission *a);
/* Is this KEY of one we are calling? */
bool admission_is_called(const struct admission *a, const struct duet_event *ev);

/* A KEY.  Whoever is not `wanted` is turned away without a word to anybody. */
void admission_judge(struct admission *a, const struct duet_event *ev, bool wanted, duet_time now);
/* A LEFT or LOST.  false: of nobody who waits. */
bool admission_gone(struct admission *a, const struct duet_event *ev, duet_time now);
/* An answer to the question about this peer. */
void admission_answer(struct admission *a, uint64_t peer, bool yes, duet_time now);
/* /trust and /refuse: `whom` is a name, the start of a key, or "" for the only one; a whole key that nobody shows is
 * trusted when it comes. */
void admission_command(struct admission *a, const char *whom, bool yes, duet_time now);
/* Nobody else is wanted: who waits is turned away. */
void admission_close(struct admission *a, duet_time now);

/* Words for the user, of a type that has only those: for the files of admission. */
void admission_say(struct admission *a, enum admission_event_type type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line about somebody who came and went, one of those there are ADMISSION_LINES_US between. */
void admission_say_limited(struct admission *a, const char *text, duet_time now);

/* What time brings, and when to come again. */
void admission_tick(struct admission *a, duet_time now);
duet_time admission_due(const struct admission *a);

/* How many wait, and the first of them at or after *index; NULL: no more. */
size_t admission_waiting(const struct admission *a);
const struct stranger *admission_next(const struct admission *a, size_t *index);
/* Who waits, and what to type, in at most `columns` where there are enough for a name; "": nobody. */
const char *admission_row(const struct admission *a, size_t columns, char out[ADMISSION_ROW_BYTES]);

/* Within this module: admission_call.c is about whom we call, admission_command.c about what is
 * typed, admission_row.c about the row, admission.c about who comes. */
const struct dial *admission_find_dial(const struct admission *a, uint32_t id);

#endif
