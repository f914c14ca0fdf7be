/*
 * hub_conns: how sessions begin and end.  Our attempts to reach somebody, newcomers
 * that wait for an older session of their key, who is let in or turned away, and what
 * is left to do when a connection is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "app/hub_state.h"
#include "base/err.h"

#define HUB_UI_FULL 8192 /* messages for ui: from here on newcomers are turned away, for it stands still */

/* ---- attempts of ours ---- */

/* The ui number of the attempt with this id, which is over then; 0: there was none. */
static uint32_t take_attempt(struct hub *h, conn_id conn)
{
    for (size_t i = 0; i < h->attempt_count; i++) {
        if (h->attempts[i].conn == conn) {
            const uint32_t ui_id = h->attempts[i].ui_id;

            h->attempts[i] = h->attempts[--h->attempt_count];
            return ui_id;
        }
    }
    return 0;
}

/* What came of an attempt may have another id than it. */
static void follow_attempt(struct hub *h, const struct endpoint_event *ev)
{
    for (size_t i = 0; i < h->attempt_count && ev->connected.replaces != 0; i++)
        if (h->attempts[i].conn == ev->connected.replaces)
            h->attempts[i].conn = ev->conn;
}

static void connect_failed(struct hub *h, uint32_t ui_id, int err, uint64_t refusal)
{
    const struct notice m = {.type = NOTICE_FAILED, .failed = {.call = ui_id, .err = err, .refusal = refusal}};
    const char *why = err_text(err);

    if (err == DUET_EREFUSED)
        why = params_refusal_text(refusal);
    else if (err == DUET_EFULL)
        why = "there are too many connections already";
    env_tell(&h->env, m, "%s", why);
}

void hub_on_connect(struct hub *h, const struct request *m)
{
    const struct callee *callee = m->connect.callee;
    conn_id conn;
    int err = h->attempt_count < HUB_CONNECTING ? 0 : DUET_EFULL;

    if (h->env.quitting)
        err = DUET_ECANCELLED;
    if (err == 0)
        err = endpoint_call(h->env.endpoint, callee->addrs, callee->count, &callee->expected, h->env.now, &conn);
    if (err == DUET_EEXIST) /* the peer was quicker: its session serves */
        env_tell(&h->env, (struct notice){.type = NOTICE_WORDS, .peer = conn, .words = {.call = m->connect.call}},
                 "already connected to that peer");
    else if (err != 0)
        connect_failed(h, m->connect.call, err, 0);
    else
        h->attempts[h->attempt_count++] = (struct attempt){.conn = conn, .ui_id = m->connect.call};
}

void hub_on_failed(struct hub *h, const struct endpoint_event *ev)
{
    const uint32_t ui_id = take_attempt(h, ev->conn);

    if (ui_id != 0)
        connect_failed(h, ui_id, ev->failed.err, ev->failed.refusal);
}

/* Words only: what said so may be forged. */
void hub_on_hint(struct hub *h, const struct endpoint_event *ev)
{
    const struct duet_addr *addr = &ev->hint.addr;
    char text[ADDR_TEXT_BYTES];
    const char *port = strrchr(addr_format(addr, text), ':');

    switch (ev->hint.what) {
    case HINT_NOBODY_LISTENS:
        env_notice(&h->env, 0, true, "%.*s says that nothing is listening on port %u; still trying", (int)(port - text),
                   text, (unsigned)addr->port);
        break;
    case HINT_COMES_BACK:
        env_notice(&h->env, 0, true, "what is sent to %s comes back: is that address your own? Still trying", text);
        break;
    case HINT_CANNOT_SEND:
        env_notice(&h->env, 0, true, "nothing can be sent to %s: %s; still trying", text, strerror(ev->hint.sys));
        break;
    }
}

/* One of the addresses of a call.  For those who want to know more: the call itself goes on, or fails for all. */
void hub_on_tried(struct hub *h, const struct endpoint_event *ev)
{
    struct notice m = {.type = NOTICE_WORDS};
    char text[ADDR_TEXT_BYTES];

    for (size_t i = 0; i < h->attempt_count; i++)
        if (h->attempts[i].conn == ev->conn)
            m.words.call = h->attempts[i].ui_id;
    addr_format(&ev->failed.addr, text);
    if (m.words.call != 0)
        env_tell(&h->env, m, "tried %s: %s", text,
                 ev->failed.err == DUET_EREFUSED ? params_refusal_text(ev->failed.refusal) : err_text(ev->failed.err));
}

/* ---- who comes ---- */

static void turn_away(struct hub *h, conn_id conn, uint64_t code, const char *reason)
{
    endpoint_close(h->env.endpoint, conn, code, reason, h->env.now);
    if (h->refused_count < LIMIT_CONNS)
        h->refused[h->refused_count++] = conn;
}

/* Why this one cannot come in, in words for both sides; NULL: it can. */
static const char *why_no_room(const struct hub *h, const struct endpoint_event *ev)
{
    if (h->env.quitting)
        return "about to leave";
    if (h->env.ui.count >= HUB_UI_FULL)
        return "too many messages are waiting to be shown";
    if (h->sessions.count == LIMIT_CONNS)
        return "too many peers are connected";
    if (sessions_of_key(&h->sessions, ev->connected.key) >= HUB_SESSIONS_PER_KEY)
        return "too many sessions with one key";
    return NULL;
}

static bool has_room(struct hub *h, const struct endpoint_event *ev, uint32_t ui_id)
{
    const char *why = why_no_room(h, ev);
    const struct notice failed = {.type = NOTICE_FAILED,
                                  .failed = {.call = ui_id, .err = h->env.quitting ? DUET_ECANCELLED : DUET_EFULL}};

    if (why == NULL)
        return true;
    turn_away(h, ev->conn, h->env.quitting ? CLOSE_REFUSED : CLOSE_BUSY, why);
    if (ui_id != 0)
        env_tell(&h->env, failed, "%s", why);
    return false;
}

static void admit(struct hub *h, const struct endpoint_event *ev)
{
    const uint32_t ui_id = take_attempt(h, ev->conn);

    if (!has_room(h, ev, ui_id))
        return;
    struct session *s = session_new(ev, h->last_session + 1);
    struct peer_card *card = calloc(1, sizeof(*card));

    if (s == NULL || card == NULL || sessions_add(&h->sessions, s) != 0) {
        if (s != NULL)
            session_free(s, &h->env);
        free(card);
        turn_away(h, ev->conn, CLOSE_INTERNAL, "out of memory");
        if (ui_id != 0)
            connect_failed(h, ui_id, DUET_ENOMEM, 0);
        return;
    }
    h->last_session++;
    memcpy(card->key, s->peer.key, sizeof(card->key));
    memcpy(card->name, s->peer.name, sizeof(card->name));
    card->addr = ev->connected.addr;
    card->params = ev->connected.params;
    struct notice told = {.type = NOTICE_PEER_KEY, .peer = ev->conn, .peer_key = {.call = ui_id}};

    told.peer_key.card = card;
    env_post(&h->env, told);
}

/*
 * Whose program crashed comes back as a new session, while the old one would be silent for minutes.
 * And whoever has two programs at one home has two sessions that live.  So the older ones of a key
 * are asked, and meanwhile the newcomer waits: those that do not answer make way before anybody
 * hears of it.
 */
void hub_on_connected(struct hub *h, const struct endpoint_event *ev)
{
    bool waits = false;

    follow_attempt(h, ev);
    for (size_t i = 0; i < h->sessions.count && !h->env.quitting && h->newcomer_count < HUB_NEWCOMERS; i++) {
        struct session *s = h->sessions.v[i];

        if (s->state == SESSION_CLOSING || memcmp(s->peer.key, ev->connected.key, sizeof(s->peer.key)) != 0)
            continue;
        if (!s->is_asked)
            s->is_asked = endpoint_ask(h->env.endpoint, s->peer.conn, h->env.now) == 0;
        waits = waits || s->is_asked;
    }
    if (waits)
        h->newcomers[h->newcomer_count++] = *ev;
    else
        admit(h, ev);
}

void hub_on_presence(struct hub *h, const struct endpoint_event *ev)
{
    struct session *s = sessions_find(&h->sessions, ev->conn);

    if (s == NULL)
        return;
    s->is_asked = false;
    if (!ev->is_there)
        session_close(s, &h->env, CLOSE_REPLACED, "a newer session with this peer took over", false);
}

static struct endpoint_event take_newcomer(struct hub *h, size_t i)
{
    const struct endpoint_event ev = h->newcomers[i];

    h->newcomer_count--;
    memmove(&h->newcomers[i], &h->newcomers[i + 1], (h->newcomer_count - i) * sizeof(h->newcomers[0]));
    return ev;
}

void hub_admit_newcomers(struct hub *h)
{
    for (size_t i = 0; i < h->newcomer_count;) {
        if (!h->env.quitting && sessions_is_asked(&h->sessions, h->newcomers[i].connected.key)) {
            i++;
            continue;
        }
        const struct endpoint_event ev = take_newcomer(h, i);

        admit(h, &ev);
    }
}

/* ---- who goes ---- */

static bool take_refused(struct hub *h, conn_id conn)
{
    for (size_t i = 0; i < h->refused_count; i++) {
        if (h->refused[i] == conn) {
            h->refused[i] = h->refused[--h->refused_count];
            return true;
        }
    }
    return false;
}

static int error_of(enum endpoint_end end)
{
    switch (end) {
    case END_LOST:
    case END_UNANSWERED:
        return DUET_ETIMEOUT;
    case END_LOCAL:
        return DUET_ECANCELLED;
    case END_ERROR:
        return DUET_EPROTOCOL;
    case END_LEFT:
        break;
    }
    return DUET_ECLOSED;
}

/* Before ui heard that somebody is there. */
static void attempt_closed(struct hub *h, uint32_t ui_id, const struct endpoint_event *ev)
{
    const struct notice m = {.type = NOTICE_FAILED, .failed = {.call = ui_id, .err = error_of(ev->closed.end)}};
    const char *reason = ev->closed.reason;

    if (m.failed.err == DUET_ECLOSED)
        env_tell(&h->env, m, "the peer closed the connection%s%s", reason[0] != '\0' ? ": " : "", reason);
    else
        connect_failed(h, ui_id, m.failed.err, 0);
}

void hub_on_closed(struct hub *h, const struct endpoint_event *ev)
{
    const uint32_t ui_id = take_attempt(h, ev->conn);

    for (size_t i = 0; i < h->newcomer_count; i++) {
        if (h->newcomers[i].conn == ev->conn)
            (void)take_newcomer(h, i);
    }
    if (ui_id != 0) {
        attempt_closed(h, ui_id, ev);
        return;
    }
    if (take_refused(h, ev->conn))
        return;
    struct session *s = sessions_find(&h->sessions, ev->conn);

    if (s == NULL)
        return;
    session_closed(s, &h->env, ev);
    sessions_remove(&h->sessions, s);
    session_free(s, &h->env);
    h->spare.sessions_ended = true;
}
