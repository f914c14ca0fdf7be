/*
 * ui: the scripted user of a node, and the ledger of what users do to each other.
 *
 * A deed is one thing a user sets out to do: say a text, send a file, ask a
 * question.  It starts once a session with the other is up (again, if the first
 * ended before), is driven by messages like those of the real screen, and its
 * outcome at both ends is written down.  Every message from the hub is checked
 * against the ledger: texts arrive once, in order and exact; a delivery is
 * reported after it happened; nothing is heard of a peer not trusted or gone.
 */
#ifndef SIM_UI_H
#define SIM_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/notice.h"
#include "base/time.h"
#include "source.h"

#define UI_NEVER UINT64_MAX
#define UI_NOBODY SIZE_MAX

struct world;
struct node;

enum deed_type { DEED_SAY, DEED_SEND, DEED_ASK };

/* How it must end. */
enum deed_want { WANT_DONE, WANT_FAILED, WANT_EITHER };

/* What the receiver of an offer does. */
enum deed_reply { REPLY_ACCEPT, REPLY_REJECT, REPLY_NONE };

struct deed {
    enum deed_type type;
    size_t from, to;       /* nodes */
    uint32_t id;           /* the ui's number, unique in the world */
    uint64_t after_us;     /* wait this long once the session is up */
    char *text;            /* SAY, ASK */
    const char *answer;    /* ASK: expected; NULL: any */
    struct source *source; /* SEND */
    enum deed_want want;
    enum deed_reply reply;   /* SEND */
    uint64_t reply_us;       /* and how long the receiver thinks about it */
    uint64_t cancel_here_us; /* after the offer went out or came in; UI_NEVER: not */
    uint64_t cancel_there_us;
    /* What became of it. */
    conn_id conn;      /* the sender's session */
    uint64_t sequence; /* running number of its start */
    bool is_scheduled, is_started, is_offered_here, is_offered_there, is_committed;
    bool is_arrived, is_done, is_failed_here, is_failed_there;
    bool is_ended_here, is_ended_there; /* by that user's own cancel or reject */
    int err_here, err_there;
    uint32_t transfer_here, transfer_there;
    uint64_t progress_here, progress_there;
    duet_time started_at, arrived_at, done_at;
};

struct ui_peer {
    conn_id id;
    size_t node;
    uint8_t key[NOISE_KEY_BYTES];
    bool is_trusted, is_connected, is_gone, is_unreachable;
    bool has_left;                         /* gone with a goodbye */
    uint64_t code;                         /* of the goodbye */
    uint64_t in_flight, reference, credit; /* at the last look (invariants) */
    duet_time acked_at;                    /* when bytes in flight last became fewer */
    duet_time connected_at, unreachable_at, back_at, gone_at;
};

struct ui_config {
    bool trusts;
    bool is_eager;       /* as `duet send`: offers its files once it trusts, before the other has said anything */
    bool is_program;     /* as `duet send` and `duet recv`: leaves when its files are over or its peer has left, and the
                             * process ends once the hub is done */
    uint64_t trust_us;   /* the user's time to compare a key */
    uint64_t message_us; /* what it takes to show a message */
    uint64_t away_until_us; /* messages pile up in the hub until this world time */
};

struct ui {
    struct ui_config cfg;
    uint64_t busy_until_us; /* with the last message */
    struct ui_peer *peers;
    size_t peer_count, peer_cap;
    size_t connects, connected, failed, left, lost, unreachable, back, keys_asked, notices;
    int failed_err;
    uint64_t failed_refusal;
    duet_time failed_at;
};

void ui_dispose(struct ui *u);
/* The node died: its sessions and its numbers of transfers mean nothing any more. */
void ui_forget(struct world *w, struct node *n);

/* Plans: at world time at_us, node `from` connects to `to`. */
void ui_connect(struct world *w, size_t from, size_t to, uint64_t at_us);
struct deed *ui_say(struct world *w, size_t from, size_t to, size_t len, uint64_t after_us);
struct deed *ui_send(struct world *w, size_t from, size_t to, uint64_t bytes, uint64_t after_us);
/* A question; `answer` NULL: any. */
struct deed *ui_ask(struct world *w, size_t from, size_t to, const char *text, const char *answer, uint64_t after_us);

/* The user says goodbye: at once, or after everything was delivered. */
void ui_quit(struct world *w, struct node *n, bool at_once);

/* The hub's next message for the user; takes ownership. */
void ui_on_message(struct world *w, struct node *n, struct notice *m);

/* A received file got its final name. */
void ui_on_commit(struct world *w, const struct source *s);

/* Starts what `n` set out to do with `to`, now that they are connected; or its files only, soon. */
void deeds_schedule(struct world *w, const struct node *n, size_t to);
void deeds_schedule_files(struct world *w, const struct node *n, size_t to, uint64_t after_us);

/* The two users' later decisions about a transfer. */
enum deed_move { MOVE_CANCEL_HERE, MOVE_CANCEL_THERE, MOVE_ACCEPT, MOVE_REJECT };
#define DEED_MOVES 4
void deed_plan_move(struct world *w, const struct deed *d, enum deed_move move, uint64_t after_us);

bool deed_is_settled(const struct deed *d);

/* Live sessions with that node (UI_NOBODY: with anybody); the latest one, NULL: there was none. */
size_t ui_sessions(const struct ui *u, size_t node);
struct ui_peer *ui_peer_of(struct ui *u, size_t node);
/* The latest one that is connected (or trusted at least) and not gone. */
struct ui_peer *ui_live_peer(struct ui *u, size_t node);
struct ui_peer *ui_trusted_peer(struct ui *u, size_t node);

const char *deed_describe(const struct deed *d, char *out, size_t cap);

#endif
