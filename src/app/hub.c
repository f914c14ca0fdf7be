/*
 * hub: routes messages of ui (hub_ui.c) and disk, and events of the endpoint, to
 * the session or transfer they are about, or to what begins and ends sessions
 * (hub_conns.c); then lets everything move that can (hub_pump.c), until nothing is
 * dirty and no event is left.
 *
 * Nothing here waits: what cannot go on now is kept where it is and looked at
 * again when the event, the message or the time comes that may change it.
 */
#include "app/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/hub_state.h"
#include "app/transfer_recv.h"
#include "app/transfer_send.h"
#include "base/err.h"

#define HUB_UI_RESERVE 1024 /* messages for ui that never need memory for themselves */
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
    h->env.send_pool = chunk_pool_new(CHUNK_POOL, cfg->memory);
    h->env.recv_pool = chunk_pool_new(CHUNK_POOL, cfg->memory);
    const int ui = outbox_init(&h->env.ui, &notice_kind, HUB_UI_RESERVE);
    const int disk = outbox_init(&h->env.disk, &disk_job_kind, DISK_JOBS_MAX);

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

/* ---- from disk and ui ---- */

void hub_handle_disk(struct hub *h, struct disk_result *done, duet_time now)
{
    struct transfer *t = transfer_find(&h->env, done->id);

    h->env.now = now;
    h->env.dirty = true;
    assert(t != NULL); /* a transfer stays until its jobs are answered */
    if (t->sending)
        transfer_send_done(&h->env, t, done);
    else
        transfer_recv_done(&h->env, t, done);
    disk_result_dispose(done);
}

void hub_handle(struct hub *h, struct request *m, duet_time now)
{
    h->env.now = now;
    h->env.dirty = true;
    switch (m->type) {
    case REQUEST_CONNECT:
        hub_on_connect(h, m);
        break;
    case REQUEST_TRUST:
    case REQUEST_SAY:
    case REQUEST_SEND:
    case REQUEST_ASK:
    case REQUEST_REPLY:
    case REQUEST_CLOSE:
    case REQUEST_STREAM_OPEN:
    case REQUEST_STREAM_WRITE:
    case REQUEST_STREAM_FINISH:
    case REQUEST_STREAM_RESET:
    case REQUEST_STREAM_STOP:
    case REQUEST_STREAM_CONSUMED:
    case REQUEST_DATAGRAM:
        hub_on_session_message(h, m);
        break;
    case REQUEST_SERVE:
        hub_on_serve(h, m);
        break;
    case REQUEST_ACCEPT:
    case REQUEST_REJECT:
    case REQUEST_CANCEL:
        hub_on_transfer_message(h, m);
        break;
    case REQUEST_STATS:
        hub_give_stats(h, m->peer);
        break;
    case REQUEST_LEAVING:
        h->is_leaving = true;
        sessions_wake_all(&h->sessions); /* from now on they are waited for */
        h->env.dirty = true;
        break;
    case REQUEST_QUIT:
        hub_on_quit(h, m->quit.at_once);
        break;
    }
    request_dispose(m);
}

/* ---- from the endpoint ---- */

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
    env_post(&h->env, (struct notice){.type = unreachable ? NOTICE_UNREACHABLE : NOTICE_BACK,
                                      .peer = ev->conn,
                                      .silence = {.silent_us = ev->silent_us}});
}

/* Bytes of a file.  They go into chunks and on to the disk; nothing else moves because of them, so
 * they, which come by the hundred thousand, cause no pump unless they broke a rule. */
static void extent(struct hub *h, const struct endpoint_event *ev)
{
    const struct session *s = sessions_find(&h->sessions, ev->conn);

    if (s == NULL || s->peer.gone || s->peer.doomed)
        return;
    transfer_recv_event(&h->env, ev);
    h->env.dirty = h->env.dirty || s->peer.doomed;
}

/* Of a stream or datagram of the application. */
static bool is_flow(const struct endpoint_event *ev)
{
    switch (ev->type) {
    case EVENT_DATAGRAM:
        return true;
    case EVENT_OPENED:
    case EVENT_READABLE:
    case EVENT_WRITABLE:
    case EVENT_SENT:
    case EVENT_RESET:
    case EVENT_STOPPED:
        return stream_id_is_app(ev->stream);
    case EVENT_CONNECTED:
    case EVENT_FAILED:
    case EVENT_TRIED:
    case EVENT_HINT:
    case EVENT_UNREACHABLE:
    case EVENT_BACK:
    case EVENT_PRESENCE:
    case EVENT_CLOSED:
    case EVENT_EXTENT:
    case EVENT_FINISHED:
    case EVENT_RUNS_LOW:
    case EVENT_RELEASED:
        return false;
    }
    return false;
}

static void event(struct hub *h, const struct endpoint_event *ev)
{
    struct session *s;

    h->env.dirty = h->env.dirty || ev->type != EVENT_EXTENT;
    if (is_flow(ev)) {
        s = sessions_find(&h->sessions, ev->conn);
        if (s != NULL)
            session_flow_event(s, &h->env, ev);
        return;
    }

    switch (ev->type) {
    case EVENT_CONNECTED:
        hub_on_connected(h, ev);
        return;
    case EVENT_FAILED:
        hub_on_failed(h, ev);
        return;
    case EVENT_TRIED:
        hub_on_tried(h, ev);
        return;
    case EVENT_HINT:
        hub_on_hint(h, ev);
        return;
    case EVENT_UNREACHABLE:
    case EVENT_BACK:
        reachability(h, ev);
        return;
    case EVENT_PRESENCE:
        hub_on_presence(h, ev);
        return;
    case EVENT_CLOSED:
        hub_on_closed(h, ev);
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
    case EVENT_OPENED:
    case EVENT_DATAGRAM:
        return;          /* is_flow */
    case EVENT_RUNS_LOW: /* the pump reads on */
    case EVENT_WRITABLE: /* … writes whatever waits */
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

struct notice *hub_next_ui(struct hub *h)
{
    return outbox_first(&h->env.ui);
}

void hub_took_ui(struct hub *h)
{
    const struct notice *m = outbox_first(&h->env.ui);
    const bool was_long = env_ui_is_long(&h->env);
    struct session *s = m->type == NOTICE_TEXT ? sessions_find(&h->sessions, m->peer) : NULL;

    if (s != NULL) {
        s->delivered_owed = m->said.number;
        h->env.dirty = true;
    }
    struct session *to = m->type == NOTICE_DATAGRAM ? sessions_find(&h->sessions, m->peer) : NULL;

    if (to != NULL && to->state != SESSION_CLOSING)
        flows_took_datagram(&to->flows, m->datagram.bytes);
    outbox_drop(&h->env.ui);
    if (was_long && !env_ui_is_long(&h->env))
        h->env.dirty = true;
}

struct disk_job *hub_next_disk(struct hub *h)
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
