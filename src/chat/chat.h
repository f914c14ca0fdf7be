/*
 * talk: one conversation, without a face: what the line mode and the screen have in common.
 *
 *   user's line ── talk_line ──▶ command ──▶ messages to the node
 *   node's message ── talk_message ──▶ roster, bookkeeping ──▶ events ──▶ the front end's sink
 *
 * Messages and files go to everyone connected.  While nobody is, they are kept for those they are
 * meant for (kept.h), in order.  A message counts as delivered when everyone it went to (and who is
 * still there) has it.
 *
 * Leaving: end of input drains (everything sent is delivered, files and answers too, a connection
 * under way comes to its end one way or the other; a peer that stays silent is soon lost, see
 * MSG_LEAVING); /quit cancels transfers and only sees to the messages.  Main thread.
 */
#ifndef DUET_CHAT_CHAT_H
#define DUET_CHAT_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/command.h"
#include "chat/kept.h"
#include "chat/receipts.h"
#include "client/admission.h"
#include "client/client.h"
#include "client/roster.h"

#define TALK_SAID_BYTES (16 * 1024 * 1024) /* from here on no more lines are taken */
#define TALK_ASKS 64                       /* questions under way */
#define TALK_UNDELIVERED_NAMED 5           /* messages that are named when they were not delivered */
#define TALK_FAREWELL_US UINT64_C(5000000) /* at most this long after everything is settled, or /quit */

enum talk_kind {
    TALK_LISTENING,   /* text: [ADDR]:PORT */
    TALK_CONNECTED,   /* name, text: fingerprint */
    TALK_UNREACHABLE, /* name, value: µs of silence */
    TALK_BACK,        /* name, value: µs of silence */
    TALK_LEFT,        /* name, text: reason or "" */
    TALK_LOST,        /* name, text: reason or "" */
    TALK_TEXT,        /* name, key, text */
    TALK_OWN,         /* id, text: taken */
    TALK_DELIVERED,   /* id */
    TALK_OFFER,       /* name, id, text: file, value: bytes; flag: accepted already */
    TALK_SENDING,     /* name, id, text: file, value: bytes */
    TALK_RECEIVED,    /* name, id, text: path, value: bytes */
    TALK_SENT,        /* name, id, text: file, value: bytes */
    TALK_ANSWER,      /* name, text */
    TALK_STRANGER,    /* name, text: fingerprint and address: waits for /trust or /refuse */
    TALK_STRANGERS,   /* value: so many came to wait since the last such line */
    TALK_ERROR,       /* text */
    TALK_INFO,        /* text: a line the user asked for */
    TALK_NOTICE,      /* text: news of less weight */
    TALK_CLEAR,       /* /clear */
};

struct talk_event {
    enum talk_kind kind;
    const char *name, *text;
    const char *key; /* a fingerprint */
    uint32_t id;
    uint64_t value;
    bool flag;
};

typedef void talk_sink(void *face, const struct talk_event *ev);
/* Waits for messages of the node, at most so long, and does what the face has to do meanwhile. */
typedef void talk_wait(void *face, uint64_t at_most_us);

enum talk_leaving { TALK_STAYS, TALK_DRAINS, TALK_LEAVES };

struct talk_ask {
    uint32_t id; /* 0: free */
    char name[ROSTER_NAME_BYTES];
};

struct talk {
    struct program *program;
    struct roster roster;
    talk_sink *sink;
    void *face;
    bool ends_when_lost; /* line mode with a HOST: losing it ends the program */

    struct kept kept;
    bool told_kept; /* that what is said now is kept, and for whom */
    struct receipts said;
    struct talk_ask asks[TALK_ASKS];
    size_t sends_open;
    uint32_t last_number, last_send, last_ask;

    struct admission admission;
    conn_id target; /* the session with the HOST of the command line; 0: none now */
    bool dialling;  /* HOST neither reached nor given up */

    enum talk_leaving leaving;
    bool over, stopped;
    bool hurried; /* the second /quit: nothing is waited for */
    size_t undelivered;
    int code;
    char *reason; /* heap: why it ended with `code`, the first reason; NULL: none */
};

/* The program is open; starts connecting to its target. */
void talk_init(struct talk *t, struct program *p, talk_sink *sink, void *face);
void talk_dispose(struct talk *t);

/* One line of the user, without its newline: a message or a command, whoever waits for whatever answer. */
void talk_line(struct talk *t, const char *line);
/* A message that is no command whatever it starts with (a paste). */
void talk_say(struct talk *t, const char *typed);
/* Offers a file to everyone connected. */
void talk_send_path(struct talk *t, const char *path);
/* May more lines come, or is too much under way? */
bool talk_has_room(const struct talk *t);
void talk_end_of_input(struct talk *t);

/* A message of the node; the caller disposes of it. */
void talk_message(struct talk *t, const struct msg *m);

/* What is due by the clock, and how long there is nothing. */
uint64_t talk_tick(struct talk *t);

/* Once `over`: says goodbye, waits TALK_FAREWELL_US at most for what is undelivered, tells what
 * stays so; the exit code.  `wait` may be NULL. */
int talk_farewell(struct talk *t, talk_wait *wait);

/* Asks for fresh statistics of the only one connected, for the roster; of many none is shown. */
void talk_refresh_stats(struct talk *t);

/* Within this module: talk.c is the node's half, talk_command.c the user's, talk_leave.c the end, talk_send.c what all
 * stand on. */
void talk_emit(struct talk *t, const struct talk_event *ev);
void talk_tell(struct talk *t, enum talk_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool talk_is_alone(const struct talk *t); /* nobody is connected */
void talk_settle(struct talk *t);
/* It ends; the first code and reason stay. */
void talk_finish(struct talk *t, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void talk_dial(struct talk *t, const struct resolve_query *q);
bool talk_is_dialling(const struct talk *t); /* somebody whom we called may still come */
const char *talk_called_name(const struct talk *t);
/* This one gets what is kept for it. */
void talk_hand_over(struct talk *t, struct roster_peer *p);
/* Whom we called will not come: what was kept for it is dropped, and told. */
void talk_drop_dialled(struct talk *t);
/* COMMAND_SAY, COMMAND_SEND or COMMAND_ASK to everyone connected, or kept. */
void talk_dispatch(struct talk *t, enum command_id id, uint32_t number, const char *text);

#endif
