/*
 * chat: one conversation, without a face: what the line mode and the screen have in common.
 *
 *   user's line ── chat_line ──▶ command ──▶ messages to the node
 *   node's event ──── chat_on_event ─▶ roster, bookkeeping ──▶ events ──▶ the front end's sink
 *
 * Messages and files go to everyone connected.  While nobody is, they are kept for those they are
 * meant for (kept.h), in order.  A message counts as delivered when everyone it went to (and who is
 * still there) has it.
 *
 * Leaving: end of input drains (everything sent is delivered, files and answers too, a connection
 * under way comes to its end one way or the other; a peer that stays silent is soon lost, see
 * duet_leave); /quit cancels transfers and only sees to the messages.  Main thread.
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

#define CHAT_SAID_BYTES (16 * 1024 * 1024) /* from here on no more lines are taken */
#define CHAT_ASKS 64                       /* questions under way */
#define CHAT_UNDELIVERED_NAMED 5           /* messages that are named when they were not delivered */
#define CHAT_FAREWELL_US UINT64_C(5000000) /* at most this long after everything is settled, or /quit */

enum chat_kind {
    CHAT_LISTENING,   /* text: [ADDR]:PORT */
    CHAT_CONNECTED,   /* name, text: fingerprint */
    CHAT_UNREACHABLE, /* name, value: µs of silence */
    CHAT_BACK,        /* name, value: µs of silence */
    CHAT_LEFT,        /* name, text: reason or "" */
    CHAT_LOST,        /* name, text: reason or "" */
    CHAT_TEXT,        /* name, key, text */
    CHAT_OWN,         /* id, text: taken */
    CHAT_DELIVERED,   /* id */
    CHAT_OFFER,       /* name, id, text: file, value: bytes; flag: accepted already */
    CHAT_SENDING,     /* name, id, text: file, value: bytes */
    CHAT_RECEIVED,    /* name, id, text: path, value: bytes */
    CHAT_SENT,        /* name, id, text: file, value: bytes */
    CHAT_ANSWER,      /* name, text */
    CHAT_STRANGER,    /* name, text: fingerprint and address: waits for /trust or /refuse */
    CHAT_STRANGERS,   /* value: so many came to wait since the last such line */
    CHAT_ERROR,       /* text */
    CHAT_INFO,        /* text: a line the user asked for */
    CHAT_NOTICE,      /* text: news of less weight */
    CHAT_CLEAR,       /* /clear */
};

struct chat_event {
    enum chat_kind kind;
    const char *name, *text;
    const char *key; /* a fingerprint */
    uint32_t id;
    uint64_t value;
    bool flag;
};

typedef void chat_sink(void *face, const struct chat_event *ev);
/* Waits for messages of the node, at most so long, and does what the face has to do meanwhile. */
typedef void chat_wait(void *face, uint64_t at_most_us);

enum chat_leaving { CHAT_STAYS, CHAT_DRAINS, CHAT_LEAVES };

struct chat_ask {
    uint32_t id; /* 0: free */
    char name[ROSTER_NAME_BYTES];
};

struct chat {
    struct client *client;
    struct roster roster;
    chat_sink *sink;
    void *face;
    bool ends_when_lost; /* line mode with a HOST: losing it ends the program */

    struct kept kept;
    bool told_kept; /* that what is said now is kept, and for whom */
    struct receipts said;
    struct chat_ask asks[CHAT_ASKS];
    size_t sends_open;
    uint32_t last_number, last_send, last_ask;

    struct admission admission;
    uint64_t target; /* the session with the HOST of the command line; 0: none now */
    bool dialling;   /* HOST neither reached nor given up */

    enum chat_leaving leaving;
    bool over, stopped;
    bool hurried; /* the second /quit: nothing is waited for */
    size_t undelivered;
    int code;
    char *reason; /* heap: why it ended with `code`, the first reason; NULL: none */
};

/* The client is open; starts connecting to its target. */
void chat_init(struct chat *c, struct client *client, chat_sink *sink, void *face);
void chat_dispose(struct chat *c);

/* One line of the user, without its newline: a message or a command, whoever waits for whatever answer. */
void chat_line(struct chat *c, const char *line);
/* A message that is no command whatever it starts with (a paste). */
void chat_say(struct chat *c, const char *typed);
/* Offers a file to everyone connected. */
void chat_send_path(struct chat *c, const char *path);
/* May more lines come, or is too much under way? */
bool chat_has_room(const struct chat *c);
void chat_end_of_input(struct chat *c);

/* An event of the node. */
void chat_on_event(struct chat *c, const struct duet_event *ev);

/* What is due by the clock, and how long there is nothing. */
uint64_t chat_tick(struct chat *c);

/* Once `over`: says goodbye, waits CHAT_FAREWELL_US at most for what is undelivered, tells what
 * stays so; the exit code.  `wait` may be NULL. */
int chat_farewell(struct chat *c, chat_wait *wait);

/* Asks for fresh statistics of the only one connected, for the roster; of many none is shown. */
void chat_refresh_stats(struct chat *c);

/* Within this module: chat_commands.c is the user's half and chat_farewell.c the end, both above chat.c, the node's
 * half; below it are chat_leave.c, when it ends, and chat_send.c, what all stand on. */
void chat_emit(struct chat *c, const struct chat_event *ev);
void chat_tell(struct chat *c, enum chat_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool chat_is_alone(const struct chat *c); /* nobody is connected */
void chat_settle(struct chat *c);
/* It ends; the first code and reason stay. */
void chat_finish(struct chat *c, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void chat_dial(struct chat *c, const char *dialled);
bool chat_is_dialling(const struct chat *c); /* somebody whom we called may still come */
const char *chat_called_name(const struct chat *c);
/* This one gets what is kept for it. */
void chat_hand_over(struct chat *c, struct roster_peer *p);
/* Whom we called will not come: what was kept for it is dropped, and told. */
void chat_drop_dialled(struct chat *c);
/* COMMAND_SAY, COMMAND_SEND or COMMAND_ASK to everyone connected, or kept. */
void chat_dispatch(struct chat *c, enum command_id id, uint32_t number, const char *text);

#endif
