/*
 * hub_state: what a hub is made of.  For the files of the hub only (hub.c, hub_conns.c, hub_ui.c, hub_pump.c);
 * everyone else sees hub.h.
 */
#ifndef DUET_APP_HUB_STATE_H
#define DUET_APP_HUB_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/env.h"
#include "app/request.h"
#include "app/session.h"
#include "app/sessions.h"
#include "app/spare.h"
#include "base/time.h"
#include "wire/limits.h"

#define HUB_CONNECTING 64      /* attempts of ours under way */
#define HUB_NEWCOMERS 64       /* sessions that wait until older ones of their key have been asked whether they live */
#define HUB_SESSIONS_PER_KEY 8 /* programs that one holder of a key may have connected to us at once */

struct attempt {
    conn_id conn;
    uint32_t ui_id;
};
struct hub {
    struct env env;
    struct sessions sessions; /* LIMIT_CONNS at most */
    uint64_t last_session;    /* number of the newest */
    size_t turn;              /* place of the session that reads first */
    struct attempt attempts[HUB_CONNECTING];
    size_t attempt_count;
    size_t refused_count; /* connections we turned away at once, not yet closed */
    conn_id refused[LIMIT_CONNS];
    duet_time next_report;                          /* NEVER: nothing moves */
    struct endpoint_event newcomers[HUB_NEWCOMERS]; /* EVENT_CONNECTED, in the order they came */
    size_t newcomer_count;
    struct spare spare;
    bool is_leaving; /* nothing is awaited but the end of what is under way */
};

/* ---- hub_conns.c: how sessions begin and end ---- */

void hub_on_connect(struct hub *h, const struct request *m); /* REQUEST_CONNECT */
void hub_on_connected(struct hub *h, const struct endpoint_event *ev);
void hub_on_failed(struct hub *h, const struct endpoint_event *ev);
void hub_on_tried(struct hub *h, const struct endpoint_event *ev);
void hub_on_hint(struct hub *h, const struct endpoint_event *ev);
void hub_on_presence(struct hub *h, const struct endpoint_event *ev);
void hub_on_closed(struct hub *h, const struct endpoint_event *ev);

/* Lets in those whose key has no session any more that has yet to say whether it lives. */
void hub_admit_newcomers(struct hub *h);

/* ---- hub_ui.c: what the front end wants ---- */

void hub_on_session_message(struct hub *h, struct request *m);        /* of what is for one session */
void hub_on_transfer_message(struct hub *h, const struct request *m); /* … for one transfer */
void hub_give_stats(struct hub *h, conn_id peer);
void hub_on_quit(struct hub *h, bool at_once);
void hub_on_serve(struct hub *h, const struct request *m);

/* ---- hub_pump.c: what moves on ---- */

/* Lets everything move that can: sessions, transfers, those that want to end or rest. */
void hub_pump(struct hub *h);

/* Until when this session is waited for: a silent peer, or when quitting the last acknowledgements.  NEVER: nothing
 * is. */
duet_time hub_waits_until(const struct hub *h, const struct session *s);

#endif
