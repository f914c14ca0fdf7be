/*
 * session: one peer: trust, HELLO, and its streams bound to texts, transfers,
 * asks and services.
 *
 *   ASKING ──yes──▶ TRUSTED ──its HELLO──▶ LIVE            any ──▶ CLOSING ──EVENT_CLOSED──▶ freed
 *   (nothing of     (our HELLO is sent,    (everything)    (ui was told how it ended; nothing more is
 *    it is read)     control is read,                       read or said)
 *                    files are offered)
 *
 * Each NOTICE_PEER_KEY is followed by exactly one NOTICE_LEFT or NOTICE_LOST, and before
 * it every transfer, ask and text that was under way has had its outcome told.
 * Owned by the net thread.
 */
#ifndef DUET_APP_SESSION_H
#define DUET_APP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "app/asks.h"
#include "app/env.h"
#include "app/flows.h"
#include "app/patience.h"
#include "app/peer.h"
#include "app/request.h"
#include "app/texts.h"

/* REQUEST_SENDs beyond TRANSFERS_PER_PEER, or TRANSFERS_MAX / 2 to all peers, that wait for their turn. */
#define SESSION_SENDS_WAITING 1024

/* Messages of one stream a session may have handled before the others have had their turn: enough for a flight of an
 * honest peer, and a thousandth of a second of work. */
#define SESSION_TURN_MESSAGES 32

enum session_state { SESSION_ASKING, SESSION_TRUSTED, SESSION_LIVE, SESSION_CLOSING };

struct session_send {
    uint32_t ui_id;
    char *path;
};

struct session {
    struct peer peer;
    enum session_state state;
    uint64_t number; /* rises with every session: which one is newer? */
    size_t place;    /* in the table (sessions.h) */
    bool is_asked;   /* whether it is still there: a newer one with its key waits for the answer */
    bool is_news;    /* it has begun or ceased to work: is one replaced by the other? (sessions_replaced) */
    bool control_readable, chat_readable;
    struct patience patience;
    duet_time silent_since;  /* while peer.unreachable */
    duet_time settled_since; /* while quitting (hub.c); NEVER: something is under way */
    struct texts texts;
    size_t unfinished_text_bytes; /* what env counts for this session */
    duet_time unfinished_since;   /* when that text began; while there is one */
    uint32_t delivered_owed;      /* texts up to here were handed to ui */
    uint32_t delivered_said;      /* and up to here the peer knows */
    struct asks asks;
    struct served_asks asked; /* by the peer, of the front end */
    struct flows flows;
    struct session_send *sends; /* ring of SESSION_SENDS_WAITING, allocated at first use */
    size_t sends_head, sends_count;
};

/* For an EVENT_CONNECTED; NULL: out of memory. */
struct session *session_new(const struct endpoint_event *ev, uint64_t number);
/* After EVENT_CLOSED, or when everything goes: its transfers forget it. */
void session_free(struct session *s, struct env *env);

/* From ui. */
void session_trust(struct session *s, struct env *env, bool yes, const char *reason); /* of a no; NULL: the key */
void session_say(struct session *s, struct env *env, struct request *m);              /* takes m->text */
void session_send(struct session *s, struct env *env, struct request *m);             /* takes m->text */
void session_ask(struct session *s, struct env *env, const struct request *m);
void session_reply(struct session *s, struct env *env, const struct request *m);
void session_flow(struct session *s, struct env *env, struct request *m); /* takes its blob */

/* Sends that wait for a place among the transfers; while there is one, the first of them starts. */
bool session_wants_to_send(const struct session *s);
void session_start_send(struct session *s, struct env *env);

/* From the endpoint: READABLE of one of the two ordered streams. */
void session_readable(struct session *s, uint64_t stream);

/* … and what is about streams and datagrams of the application. */
void session_flow_event(struct session *s, struct env *env, const struct endpoint_event *ev);

/* Its turn: reads and handles messages, SESSION_TURN_MESSAGES of each stream at most.  env->dirty: there may be
 * more. */
void session_read(struct session *s, struct env *env);
/* Hands what it has to say to the endpoint, or says goodbye if it must end. */
void session_write(struct session *s, struct env *env);

/* Says goodbye to it and to ui (lost: as NOTICE_LOST). */
void session_close(struct session *s, struct env *env, uint64_t code, const char *reason, bool lost);
/* EVENT_CLOSED came; then session_free. */
void session_closed(struct session *s, struct env *env, const struct endpoint_event *ev);

/* Nothing can move in it before a message, an event or a transfer of its own comes. */
bool session_rests(const struct session *s);
/* It does: gives back what memory it can do without meanwhile. */
void session_rest(struct session *s);

/* Everything the user set out to do has come to its end: texts delivered, files sent, asks answered. */
bool session_is_settled(const struct session *s, const struct env *env);
/* Nothing of ours is on its way to the peer any more: bytes acknowledged. */
bool session_is_flushed(const struct session *s, const struct env *env);

/* ---- between session.c and session_read.c ---- */

#define SESSION_TAKES_NO_FILES "the peer does not accept files"

/* Do both trust, as far as we know: may it be read and written? */
bool session_is_open(const struct session *s);
/* REQUEST_SENDs that have not had their turn yet. */
void session_refuse_sends(struct session *s, struct env *env, int err, const char *words);
/* The text that is being put together has grown, or is gone. */
void session_count_unfinished_text(struct session *s, struct env *env);

#endif
