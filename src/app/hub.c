/*
 * hub: routes messages of ui and disk, and events of the endpoint, to the
 * session or transfer they are about; then lets everything move that can
 * (hub_pump.c), until nothing is dirty and no event is left.
 *
 * Nothing here waits: what cannot go on now is kept where it is and looked at
 * again when the event, the message or the time comes that may change it.
 */
#include "duet/app/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "duet/app/hub_state.h"
#include "duet/app/transfer_recv.h"
#include "duet/app/transfer_send.h"
#include "duet/base/err.h"

#define HUB_UI_RESERVE 1024 /* messages for ui that never need memory for themselves */
#define HUB_UI_FULL 8192    /* from here on newcomers are turned away: ui stands still */
#define HUB_ROUNDS 16       /* turns of every session in one hub_run: then the socket has its turn */

struct hub *hub_new(const struct hub_config *cfg, struct endpoint *e)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->env.cfg = *cfg;
    h->env.endpoint = e;
    h->next_report = DUET_NEVER;
    spare_init(&h->spare);
    h->env.send_pool = chunk_pool_new(CHUNK_POOL);
    h->env.recv_pool = chunk_pool_new(CHUNK_POOL);
    const int ui = outbox_init(&h->env.ui, HUB_UI_RESERVE);
    const int disk = outbox_init(&h->env.disk, DISK_JOBS_MAX);

    if (h->env.send_pool == NULL || h->env.recv_pool == NULL || ui != 0 || disk != 0) {
        hub_free(h);
        return NULL;
    }
    return h;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->sessions.count; i++)
        session_free(h->sessions.v[i], &h->env);
    sessions_dispose(&h->sessions);
    transfers_dispose(&h->env);
    outbox_dispose(&h->env.ui);
    outbox_dispose(&h->env.disk);
    chunk_pool_free(h->env.send_pool);
    chunk_pool_free(h->env.recv_pool);
    free(h);
}

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

/* ---- from ui ---- */

static void connect_failed(struct hub *h, uint32_t ui_id, int err, uint64_t refusal)
{
    const struct msg m = {.type = MSG_FAILED, .id = ui_id, .err = err, .value = refusal};

    env_tell(&h->env, m, "%s", err == DUET_EREFUSED ? params_refusal_text(refusal) : err_text(err));
}

static void handle_connect(struct hub *h, const struct msg *m)
{
    conn_id conn;
    int err = h->attempt_count < HUB_CONNECTING ? 0 : DUET_EFULL;

    if (h->env.quitting)
        err = DUET_ECANCELLED;
    if (err == 0)
        err = endpoint_connect(h->env.endpoint, &m->call->addr, h->env.now, &conn);
    if (err == 0 && endpoint_expect(h->env.endpoint, conn, &m->call->expected) != 0) {
        endpoint_close(h->env.endpoint, conn, CLOSE_OK, NULL, h->env.now); /* nobody knows of it yet */
        err = DUET_ENOMEM;
    }
    if (err == DUET_EEXIST) /* the peer was quicker: its session serves */
        env_tell(&h->env, (struct msg){.type = MSG_NOTICE, .peer = conn, .id = m->id},
                 "already connected to that peer");
    else if (err != 0)
        connect_failed(h, m->id, err, 0);
    else
        h->attempts[h->attempt_count++] = (struct attempt){.conn = conn, .ui_id = m->id};
}

/* What ui wants of a session that is not there (any more). */
static void no_session(struct hub *h, const struct msg *m)
{
    struct msg answer = {.type = MSG_ANSWER, .peer = m->peer, .id = m->id};

    if (m->type == MSG_SEND)
        transfer_send_refused(&h->env, m->peer, m->id, m->text, DUET_ECLOSED, "the peer is not connected");
    else if (m->type == MSG_ASK)
        env_tell(&h->env, answer, "the peer is not connected");
    else if (m->type == MSG_SAY)
        env_tell(&h->env,
                 (struct msg){.type = MSG_NOTICE, .peer = m->peer, .id = m->id, .err = DUET_ECLOSED, .flag = true},
                 "text not sent: the peer is not connected");
}

static void give_stats(struct hub *h, conn_id peer)
{
    struct endpoint_stats *stats = calloc(1, sizeof(*stats));

    if (stats == NULL || endpoint_stats(h->env.endpoint, peer, stats) != 0) {
        free(stats);
        env_notice(&h->env, peer, true, "no statistics: the peer is not connected");
        return;
    }
    (void)outbox_push(&h->env.ui, (struct msg){.type = MSG_STATS, .peer = peer, .stats = stats});
}

static void handle_for_session(struct hub *h, struct msg *m)
{
    struct session *s = sessions_find(&h->sessions, m->peer);

    if (s == NULL || s->state == SESSION_CLOSING)
        no_session(h, m);
    else if (m->type == MSG_TRUST)
        session_trust(s, &h->env, m->flag, m->text);
    else if (m->type == MSG_SAY)
        session_say(s, &h->env, m);
    else if (m->type == MSG_SEND)
        session_send(s, &h->env, m);
    else if (m->type == MSG_ASK)
        session_ask(s, &h->env, m);
    else
        session_close(s, &h->env, CLOSE_OK, "", false);
}

static void handle_for_transfer(struct hub *h, const struct msg *m)
{
    struct transfer *t = transfer_find(&h->env, m->id);

    if (t == NULL || t->state == TRANSFER_ENDED)
        env_notice(&h->env, 0, true, "no such transfer: %u", (unsigned)m->id);
    else if (m->type == MSG_CANCEL)
        transfer_cancel(&h->env, t);
    else if (!transfer_recv_answer(&h->env, t, m->type == MSG_ACCEPT))
        env_notice(&h->env, t->conn, true, "transfer %u is no open offer", (unsigned)m->id);
}

static void handle_quit(struct hub *h, bool at_once)
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

/* ---- from disk ---- */

static void handle_done(struct hub *h, struct msg *m)
{
    struct transfer *t = transfer_find(&h->env, m->id);

    assert(t != NULL); /* a transfer stays until its jobs are answered */
    if (t->sending)
        transfer_send_done(&h->env, t, m);
    else
        transfer_recv_done(&h->env, t, m);
}

void hub_handle(struct hub *h, struct msg *m, duet_time now)
{
    h->env.now = now;
    h->env.dirty = true;
    switch (m->type) {
    case MSG_CONNECT:
        handle_connect(h, m);
        break;
    case MSG_TRUST:
    case MSG_SAY:
    case MSG_SEND:
    case MSG_ASK:
    case MSG_CLOSE:
        handle_for_session(h, m);
        break;
    case MSG_ACCEPT:
    case MSG_REJECT:
    case MSG_CANCEL:
        handle_for_transfer(h, m);
        break;
    case MSG_STATS_PLEASE:
        give_stats(h, m->peer);
        break;
    case MSG_LEAVING:
        h->is_leaving = true;
        sessions_wake_all(&h->sessions); /* from now on they are waited for */
        h->env.dirty = true;
        break;
    case MSG_QUIT:
        handle_quit(h, m->flag);
        break;
    case DONE_OPENED:
    case DONE_READ:
    case DONE_DIGEST:
    case DONE_CREATED:
    case DONE_WROTE:
    case DONE_COMMITTED:
        handle_done(h, m);
        break;
    case MSG_LISTENING:
    case MSG_PEER_KEY:
    case MSG_CONNECTED:
    case MSG_FAILED:
    case MSG_TEXT:
    case MSG_DELIVERED:
    case MSG_OFFER:
    case MSG_SENDING:
    case MSG_PROGRESS:
    case MSG_RECEIVED:
    case MSG_SENT:
    case MSG_TRANSFER_FAILED:
    case MSG_UNREACHABLE:
    case MSG_BACK:
    case MSG_LEFT:
    case MSG_LOST:
    case MSG_ANSWER:
    case MSG_NOTICE:
    case MSG_STATS:
    case MSG_STOPPED:
    case JOB_OPEN:
    case JOB_READ:
    case JOB_DIGEST:
    case JOB_CREATE:
    case JOB_WRITE:
    case JOB_COMMIT:
    case JOB_ABORT:
        assert(false && "a message that leaves the hub came to it");
        break;
    }
    msg_dispose(m);
}

/* ---- from the endpoint ---- */

static void turn_away(struct hub *h, conn_id conn, uint64_t code, const char *reason)
{
    endpoint_close(h->env.endpoint, conn, code, reason, h->env.now);
    if (h->refused_count < LIMIT_CONNS)
        h->refused[h->refused_count++] = conn;
}

/* May this one come in, and if not, why? */
static bool has_room(struct hub *h, const struct endpoint_event *ev, uint32_t ui_id)
{
    static const char many[] = "too many sessions with one key";
    const struct msg failed = {.type = MSG_FAILED, .id = ui_id, .err = DUET_EFULL};

    if (h->env.quitting || h->env.ui.count >= HUB_UI_FULL || h->sessions.count == LIMIT_CONNS) {
        turn_away(h, ev->conn, h->env.quitting ? CLOSE_REFUSED : CLOSE_BUSY,
                  h->env.quitting ? "about to leave" : "too busy");
        if (ui_id != 0)
            connect_failed(h, ui_id, DUET_ECANCELLED, 0);
        return false;
    }
    if (sessions_of_key(&h->sessions, ev->connected.key) < HUB_SESSIONS_PER_KEY)
        return true;
    turn_away(h, ev->conn, CLOSE_BUSY, many);
    if (ui_id != 0)
        env_tell(&h->env, failed, "%s", many);
    return false;
}

static void admit(struct hub *h, const struct endpoint_event *ev)
{
    uint32_t ui_id = take_attempt(h, ev->conn);

    if (ui_id == 0 && ev->connected.replaces != 0)
        ui_id = take_attempt(h, ev->connected.replaces);
    if (!has_room(h, ev, ui_id))
        return;
    struct session *s = session_new(ev, h->last_session + 1);
    struct msg_peer_key *key = calloc(1, sizeof(*key));

    if (s == NULL || key == NULL || sessions_add(&h->sessions, s) != 0) {
        if (s != NULL)
            session_free(s, &h->env);
        free(key);
        turn_away(h, ev->conn, CLOSE_INTERNAL, "out of memory");
        if (ui_id != 0)
            connect_failed(h, ui_id, DUET_ENOMEM, 0);
        return;
    }
    h->last_session++;
    memcpy(key->key, s->peer.key, sizeof(key->key));
    memcpy(key->name, s->peer.name, sizeof(key->name));
    key->addr = ev->connected.addr;
    key->params = ev->connected.params;
    struct msg told = {.type = MSG_PEER_KEY, .peer = ev->conn, .id = ui_id};

    told.peer_key = key;
    (void)outbox_push(&h->env.ui, told);
}

/*
 * Whose program crashed comes back as a new session, while the old one would be silent for minutes.  And whoever has two
 * programs at one home has two sessions that live.  So the older ones of a key are asked, and meanwhile the newcomer waits:
 * those that do not answer make way before anybody hears of it.
 */
static void connected(struct hub *h, const struct endpoint_event *ev)
{
    bool waits = false;

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

static void presence(struct hub *h, const struct endpoint_event *ev)
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

static void failed(struct hub *h, const struct endpoint_event *ev)
{
    const uint32_t ui_id = take_attempt(h, ev->conn);

    if (ui_id != 0)
        connect_failed(h, ui_id, ev->failed.err, ev->failed.refusal);
}

/* Words only: what said so may be forged. */
static void hint(struct hub *h, const struct endpoint_event *ev)
{
    const struct duet_addr *addr = &ev->hint.addr;
    char text[ADDR_TEXT_BYTES];
    const char *port = strrchr(addr_format(addr, text), ':');

    if (ev->hint.what == HINT_NOBODY_LISTENS)
        env_notice(&h->env, 0, true, "%.*s says that nobody listens on port %u; still trying", (int)(port - text), text,
                   (unsigned)addr->port);
    else
        env_notice(&h->env, 0, true, "what is sent to %s comes back: is that address our own? Still trying", text);
}

static void closed(struct hub *h, const struct endpoint_event *ev)
{
    const uint32_t ui_id = take_attempt(h, ev->conn);

    for (size_t i = 0; i < h->newcomer_count; i++) {
        if (h->newcomers[i].conn == ev->conn)
            (void)take_newcomer(h, i);
    }
    if (ui_id != 0) {
        connect_failed(h, ui_id, DUET_ECANCELLED, 0);
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

/* UNREACHABLE and BACK. */
static void reachability(struct hub *h, const struct endpoint_event *ev)
{
    struct session *s = sessions_find(&h->sessions, ev->conn);
    const bool unreachable = ev->type == EVENT_UNREACHABLE;

    if (s == NULL || s->state == SESSION_CLOSING || s->peer.unreachable == unreachable)
        return;
    s->peer.unreachable = unreachable;
    s->is_news = true;
    s->silent_since = time_back(h->env.now, ev->silent_us);
    (void)outbox_push(
        &h->env.ui,
        (struct msg){.type = unreachable ? MSG_UNREACHABLE : MSG_BACK, .peer = ev->conn, .value = ev->silent_us});
}

/* Bytes of a file.  They go into chunks and on to the disk; nothing else moves because of them, so they, which come by
 * the hundred thousand, cause no pump unless they broke a rule. */
static void extent(struct hub *h, const struct endpoint_event *ev)
{
    const struct session *s = sessions_find(&h->sessions, ev->conn);

    if (s == NULL || s->peer.gone || s->peer.doomed)
        return;
    transfer_recv_event(&h->env, ev);
    h->env.dirty = h->env.dirty || s->peer.doomed;
}

static void event(struct hub *h, const struct endpoint_event *ev)
{
    struct session *s;

    h->env.dirty = h->env.dirty || ev->type != EVENT_EXTENT;

    switch (ev->type) {
    case EVENT_CONNECTED:
        connected(h, ev);
        return;
    case EVENT_FAILED:
        failed(h, ev);
        return;
    case EVENT_HINT:
        hint(h, ev);
        return;
    case EVENT_UNREACHABLE:
    case EVENT_BACK:
        reachability(h, ev);
        return;
    case EVENT_PRESENCE:
        presence(h, ev);
        return;
    case EVENT_CLOSED:
        closed(h, ev);
        return;
    case EVENT_READABLE:
        s = sessions_find(&h->sessions, ev->conn);
        if (s != NULL)
            session_readable(s, ev->stream);
        return;
    case EVENT_EXTENT:
        extent(h, ev);
        return;
    case EVENT_FINISHED:
    case EVENT_RESET:
        s = sessions_find(&h->sessions, ev->conn);
        if (s != NULL && !s->peer.gone && !s->peer.doomed)
            transfer_recv_event(&h->env, ev);
        return;
    case EVENT_RELEASED:
    case EVENT_STOPPED:
        transfer_send_event(&h->env, ev);
        return;
    case EVENT_WRITABLE: /* the pump writes whatever waits */
    case EVENT_SENT:     /* COMPLETE is what counts */
        return;
    }
}

/* ---- moving on (hub_pump.c) ---- */

void hub_run(struct hub *h, duet_time now)
{
    struct endpoint_event ev;

    h->env.now = now;
    h->env.dirty = h->env.dirty || h->env.quitting; /* whether all bytes are acknowledged has no event */
    for (unsigned round = 0;; round++) {
        while (endpoint_poll(h->env.endpoint, &ev))
            event(h, &ev);
        if (!h->env.dirty || round == HUB_ROUNDS)
            return; /* what is left is due at once (hub_deadline) */
        h->env.dirty = false;
        hub_pump(h);
    }
}

/* ---- to ui and disk ---- */

struct msg *hub_next_ui(struct hub *h)
{
    return outbox_first(&h->env.ui);
}

void hub_took_ui(struct hub *h)
{
    const struct msg *m = outbox_first(&h->env.ui);
    const bool was_long = env_ui_is_long(&h->env);
    struct session *s = m->type == MSG_TEXT ? sessions_find(&h->sessions, m->peer) : NULL;

    if (s != NULL) {
        s->delivered_owed = m->id;
        h->env.dirty = true;
    }
    outbox_drop(&h->env.ui);
    if (was_long && !env_ui_is_long(&h->env))
        h->env.dirty = true;
}

struct msg *hub_next_disk(struct hub *h)
{
    return outbox_first(&h->env.disk);
}

void hub_took_disk(struct hub *h)
{
    transfer_job_left(&h->env, outbox_first(&h->env.disk));
    outbox_drop(&h->env.disk);
}

/* ---- time ---- */

duet_time hub_deadline(const struct hub *h)
{
    duet_time at = time_min(h->next_report, time_min(h->spare.release_at, transfer_recv_deadline(&h->env)));

    if (h->env.dirty)
        return DUET_TIME(0);
    for (size_t i = 0; i < h->sessions.awake; i++) /* the unreachable ones are among them, and all when quitting */
        at = time_min(at, hub_waits_until(h, h->sessions.v[i]));
    return at;
}

void hub_tick(struct hub *h, duet_time now)
{
    h->env.now = now;
    transfer_recv_tick(&h->env);
    if (time_due(h->next_report, now)) {
        transfers_report(&h->env);
        h->next_report = DUET_NEVER;
        h->env.dirty = true; /* pump sets the next one while something moves */
    }
    if (time_due(h->spare.release_at, now))
        spare_release(&h->spare, &h->env);
    for (size_t i = 0; i < h->sessions.awake; i++)
        h->env.dirty = h->env.dirty || time_due(hub_waits_until(h, h->sessions.v[i]), now);
    hub_run(h, now);
}

bool hub_is_calling(const struct hub *h)
{
    return h->attempt_count > 0;
}

bool hub_done(const struct hub *h)
{
    return h->env.quitting && h->sessions.count == 0 && h->attempt_count == 0 && h->newcomer_count == 0 &&
           h->refused_count == 0 && h->env.transfer_count == 0 && h->env.disk.count == 0 &&
           !endpoint_is_parting(h->env.endpoint); /* whoever left first would repeat its goodbye to nobody */
}

bool hub_gave_back(struct hub *h)
{
    return spare_gave_back(&h->spare);
}
