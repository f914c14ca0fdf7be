/*
 * hub_ui: what the front end wants of a session, a transfer or all of them.
 */
#include <stdlib.h>

#include "app/hub_state.h"
#include "app/transfer_recv.h"
#include "app/transfer_send.h"
#include "base/err.h"

/* What ui wants of a session that is not there (any more). */
static void no_session(struct hub *h, const struct request *m)
{
    if (m->type == REQUEST_SEND)
        transfer_send_refused(&h->env, m->peer, m->send.id, m->text, DUET_ECLOSED, "the peer is not connected");
    else if (m->type == REQUEST_ASK)
        env_tell(&h->env, (struct notice){.type = NOTICE_ANSWER, .peer = m->peer, .answer = {.ask = m->ask.id}},
                 "the peer is not connected");
    else if (m->type == REQUEST_STREAM_OPEN)
        env_post(&h->env, (struct notice){.type = NOTICE_STREAM_OPENED,
                                          .peer = m->peer,
                                          .opened = {.open = m->open.id, .err = DUET_ECLOSED}});
    else if (m->type == REQUEST_SAY)
        env_tell(&h->env,
                 (struct notice){
                     .type = NOTICE_WORDS,
                     .peer = m->peer,
                     .words = {.is_error = true, .say = m->say.id, .err = DUET_ECLOSED},
                 },
                 "text not sent: the peer is not connected");
}

void hub_give_stats(struct hub *h, conn_id peer)
{
    struct endpoint_stats *stats = calloc(1, sizeof(*stats));

    if (stats == NULL || endpoint_stats(h->env.endpoint, peer, stats) != 0) {
        free(stats);
        env_notice(&h->env, peer, true, "no statistics: the peer is not connected");
        return;
    }
    env_post(&h->env, (struct notice){.type = NOTICE_STATS, .peer = peer, .stats = {.now = stats}});
}

void hub_on_session_message(struct hub *h, struct request *m)
{
    struct session *s = sessions_find(&h->sessions, m->peer);

    if (s == NULL || s->state == SESSION_CLOSING)
        no_session(h, m);
    else if (m->type == REQUEST_TRUST)
        session_trust(s, &h->env, m->trust.yes, m->text);
    else if (m->type == REQUEST_SAY)
        session_say(s, &h->env, m);
    else if (m->type == REQUEST_SEND)
        session_send(s, &h->env, m);
    else if (m->type == REQUEST_ASK)
        session_ask(s, &h->env, m);
    else if (m->type == REQUEST_REPLY)
        session_reply(s, &h->env, m);
    else if (m->type != REQUEST_CLOSE)
        session_flow(s, &h->env, m);
    else
        session_close(s, &h->env, CLOSE_OK, "", false);
}

void hub_on_transfer_message(struct hub *h, const struct request *m)
{
    struct transfer *t = transfer_find(&h->env, m->transfer.id);

    if (t == NULL || t->state == TRANSFER_ENDED)
        env_notice(&h->env, 0, true, "no such transfer: %u", (unsigned)m->transfer.id);
    else if (m->type == REQUEST_CANCEL)
        transfer_cancel(&h->env, t);
    else if (!transfer_recv_answer(&h->env, t, m->type == REQUEST_ACCEPT))
        env_notice(&h->env, t->conn, true, "transfer %u is not an open offer", (unsigned)m->transfer.id);
}

void hub_on_serve(struct hub *h, const struct request *m)
{
    const int err = m->serve.on ? served_add(&h->env.served, m->text) : 0;

    if (!m->serve.on)
        served_remove(&h->env.served, m->text);
    if (err != 0)
        env_notice(&h->env, 0, true, "cannot serve \"%s\": %s", m->text,
                   err == DUET_EFULL ? "too many commands are served" : "not one word of at most 32 bytes");
}

void hub_on_quit(struct hub *h, bool at_once)
{
    h->env.quitting = true;
    sessions_wake_all(&h->sessions);
    endpoint_set_accept(h->env.endpoint, false);
    for (size_t i = 0; i < h->attempt_count; i++)
        endpoint_close(h->env.endpoint, h->attempts[i].conn, CLOSE_OK, "bye", h->env.now);
    for (size_t i = 0; i < h->sessions.count; i++) {
        if (at_once || h->sessions.v[i]->state != SESSION_LIVE)
            session_close(h->sessions.v[i], &h->env, CLOSE_OK, "bye", false);
    }
}
