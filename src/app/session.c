#include "app/session.h"

#include <stdlib.h>
#include <string.h>

#include "app/transfer_send.h"
#include "base/err.h"
#include "base/num.h"

struct session *session_new(const struct endpoint_event *ev, uint64_t number)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->peer.conn = ev->conn;
    s->number = number;
    s->settled_since = DUET_NEVER;
    memcpy(s->peer.key, ev->connected.key, sizeof(s->peer.key));
    peer_name(ev->connected.name, strnlen(ev->connected.name, LIMIT_NAME_BYTES), s->peer.name);
    channel_init(&s->peer.control, PEER_CONTROL_OUT_BYTES);
    channel_init(&s->peer.chat, PEER_CHAT_OUT_BYTES);
    texts_init(&s->texts);
    /* Bytes may have come with the handshake; the first read finds out. */
    s->control_readable = s->chat_readable = true;
    return s;
}

void session_free(struct session *s, struct env *env)
{
    transfers_forget_peer(env, &s->peer);
    channel_dispose(&s->peer.control);
    channel_dispose(&s->peer.chat);
    texts_dispose(&s->texts);
    flows_dispose(&s->flows);
    for (size_t i = 0; i < s->sends_count; i++)
        free(s->sends[(s->sends_head + i) % SESSION_SENDS_WAITING].path);
    free(s->sends);
    free(s);
}

bool session_is_open(const struct session *s)
{
    return s->state == SESSION_TRUSTED || s->state == SESSION_LIVE;
}

/* ---- from ui ---- */

void session_trust(struct session *s, struct env *env, bool yes, const char *reason)
{
    struct appmsg hello = {.type = APPMSG_HELLO};

    if (s->state != SESSION_ASKING)
        return;
    if (!yes) {
        session_close(s, env, reason != NULL ? CLOSE_REFUSED : CLOSE_TRUST,
                      reason != NULL ? reason : "the key is not trusted here", false);
        return;
    }
    s->state = SESSION_TRUSTED;
    hello.hello_flags =
        (env->cfg.receive_files ? HELLO_TAKES_FILES : 0) | (env->cfg.serve || env->served.count > 0 ? HELLO_SERVES : 0);
    peer_send(&s->peer, &hello);
    endpoint_allow(env->endpoint, s->peer.conn, env->now);
    env->dirty = true;
}

void session_say(struct session *s, struct env *env, struct request *m)
{
    const size_t len = strlen(m->text);

    if (len == 0) { /* nothing to say: a text has a byte at least (PROTOCOL.md 8.2) */
        env_post(env, (struct notice){.type = NOTICE_DELIVERED, .peer = s->peer.conn, .delivered = {.say = m->say.id}});
        return;
    }
    const int err = s->state == SESSION_LIVE ? texts_say(&s->texts, m->say.id, m->text, len) : DUET_ECLOSED;
    const struct notice notice = {
        .type = NOTICE_WORDS, .peer = s->peer.conn, .words = {.say = m->say.id, .err = err, .is_error = true}};

    if (err == 0)
        m->text = NULL;
    else if (err == DUET_ERANGE)
        env_tell(env, notice, "text not sent to %s: longer than %d MiB; put it in a file and send that", s->peer.name,
                 TEXTS_TEXT_BYTES >> 20);
    else if (err == DUET_EFULL)
        env_tell(env, notice, "text not sent to %s: too many texts are waiting to be delivered", s->peer.name);
    else
        env_tell(env, notice, "text not sent to %s: %s", s->peer.name, err_text(err));
    env->dirty = true;
}

void session_send(struct session *s, struct env *env, struct request *m)
{
    int err = session_is_open(s) ? 0 : DUET_ECLOSED;

    if (s->state == SESSION_LIVE && !s->peer.takes_files) {
        transfer_send_refused(env, s->peer.conn, m->send.id, m->text, DUET_EREFUSED, SESSION_TAKES_NO_FILES);
        return;
    }
    if (err == 0 && s->sends == NULL) {
        s->sends = calloc(SESSION_SENDS_WAITING, sizeof(s->sends[0]));
        err = s->sends == NULL ? DUET_ENOMEM : 0;
    }
    if (err == 0 && s->sends_count == SESSION_SENDS_WAITING)
        err = DUET_EFULL;
    if (err != 0) {
        transfer_send_refused(env, s->peer.conn, m->send.id, m->text, err,
                              err == DUET_EFULL ? "too many files are waiting to be sent" : err_text(err));
        return;
    }
    s->sends[(s->sends_head + s->sends_count++) % SESSION_SENDS_WAITING] =
        (struct session_send){.ui_id = m->send.id, .path = m->text};
    m->text = NULL;
    env->dirty = true;
}

static void answer_ui(struct env *env, const struct session *s, uint32_t ui_id, bool ok, const char *words)
{
    env_tell(env, (struct notice){.type = NOTICE_ANSWER, .peer = s->peer.conn, .answer = {.ask = ui_id, .ok = ok}},
             "%s", words);
}

void session_ask(struct session *s, struct env *env, const struct request *m)
{
    struct appmsg ask;
    int err;

    if (s->state != SESSION_LIVE) {
        answer_ui(env, s, m->ask.id, false, "the peer is not connected");
        return;
    }
    if (!s->peer.serves) {
        answer_ui(env, s, m->ask.id, false, "refused: the peer does not answer commands");
        return;
    }
    err = asks_add(&s->asks, m->ask.id, m->text, env->now, &ask);
    if (err == 0)
        peer_send(&s->peer, &ask);
    else if (err == DUET_EFULL)
        answer_ui(env, s, m->ask.id, false, "too many questions are waiting for an answer");
    else if (err == DUET_ERANGE)
        answer_ui(env, s, m->ask.id, false, "the argument is too long");
    else
        answer_ui(env, s, m->ask.id, false, "not a command");
    env->dirty = true;
}

static void say_answer(struct session *s, uint32_t id, bool ok, const char *text, size_t len)
{
    struct appmsg answer = {.type = APPMSG_ANSWER, .id = id};

    answer.answer.ok = ok;
    answer.answer.text = text;
    answer.answer.len = num_min(len, APPMSG_ANSWER_BYTES);
    peer_send(&s->peer, &answer);
}

void session_reply(struct session *s, struct env *env, const struct request *m)
{
    const struct blob *blob = m->reply.blob;

    if (!served_asks_take(&s->asked, m->reply.ask))
        return; /* too late, and the peer knows */
    say_answer(s, m->reply.ask, m->reply.ok, blob != NULL ? (const char *)blob->data : "",
               blob != NULL ? blob->len : 0);
    env->dirty = true;
}

static void expire_asked(struct session *s, struct env *env)
{
    static const char late[] = "the program that answers this did not do so in time";
    uint32_t id;

    while (served_asks_expired(&s->asked, env->now, &id))
        say_answer(s, id, false, late, sizeof(late) - 1);
}

void session_flow(struct session *s, struct env *env, struct request *m)
{
    if (s->state == SESSION_LIVE)
        flows_handle(&s->flows, env, &s->peer, m);
    else if (m->type == REQUEST_STREAM_OPEN)
        env_post(env, (struct notice){.type = NOTICE_STREAM_OPENED,
                                      .peer = s->peer.conn,
                                      .opened = {.open = m->open.id, .err = DUET_ECLOSED}});
    env->dirty = true;
}

void session_flow_event(struct session *s, struct env *env, const struct endpoint_event *ev)
{
    /* Streams wait for the peer's HELLO, which may come behind them; datagrams do not wait. */
    if (session_is_open(s) && (s->state == SESSION_LIVE || ev->type != EVENT_DATAGRAM))
        flows_event(&s->flows, env, &s->peer, ev);
}

/* ---- moving on ---- */

static void write_stream(struct session *s, struct env *env, struct channel *ch, uint64_t stream)
{
    size_t len;
    const uint8_t *bytes = channel_waiting(ch, &len);

    while (len > 0) {
        const ssize_t taken = endpoint_write(env->endpoint, s->peer.conn, stream, bytes, len, env->now);

        if (taken <= 0)
            return; /* EVENT_WRITABLE, or the end of the connection, comes */
        channel_sent(ch, (size_t)taken);
        bytes = channel_waiting(ch, &len);
    }
}

static void write_chat(struct session *s, struct env *env)
{
    struct appmsg part;

    write_stream(s, env, &s->peer.chat, STREAM_CHAT);
    while (s->peer.chat.out.len == 0 && texts_next_part(&s->texts, &part) && !s->peer.doomed) {
        peer_send(&s->peer, &part);
        texts_part_sent(&s->texts, &part);
        write_stream(s, env, &s->peer.chat, STREAM_CHAT);
    }
}

bool session_wants_to_send(const struct session *s)
{
    return s->sends_count > 0 && session_is_open(s);
}

void session_start_send(struct session *s, struct env *env)
{
    const struct session_send send = s->sends[s->sends_head];

    s->sends_head = (s->sends_head + 1) % SESSION_SENDS_WAITING;
    s->sends_count--;
    transfer_send_start(env, &s->peer, send.ui_id, send.path);
    free(send.path);
}

void session_write(struct session *s, struct env *env)
{
    if (!session_is_open(s))
        return;
    if (s->delivered_owed != s->delivered_said) {
        peer_send(&s->peer, &(struct appmsg){.type = APPMSG_DELIVERED, .id = s->delivered_owed});
        s->delivered_said = s->delivered_owed;
    }
    expire_asked(s, env);
    if (s->state == SESSION_LIVE && !s->peer.doomed)
        flows_pump(&s->flows, env, &s->peer);
    if (s->peer.doomed) {
        session_close(s, env, s->peer.doom_code, s->peer.doom_reason, true);
        return;
    }
    write_stream(s, env, &s->peer.control, STREAM_CONTROL);
    write_chat(s, env);
}

/* ---- the end ---- */

void session_count_unfinished_text(struct session *s, struct env *env)
{
    const size_t bytes = s->texts.in.len > 0 ? s->texts.in.cap : 0;

    if (s->unfinished_text_bytes == 0)
        s->unfinished_since = env->now;
    env->unfinished_text_bytes += bytes - s->unfinished_text_bytes;
    s->unfinished_text_bytes = bytes;
}

void session_refuse_sends(struct session *s, struct env *env, int err, const char *words)
{
    for (; s->sends_count > 0; s->sends_count--) {
        const struct session_send send = s->sends[s->sends_head];

        s->sends_head = (s->sends_head + 1) % SESSION_SENDS_WAITING;
        transfer_send_refused(env, s->peer.conn, send.ui_id, send.path, err, words);
        free(send.path);
    }
}

/* Tells ui the outcome of everything that was under way, then the end itself. */
static void finish(struct session *s, struct env *env, const struct notice *end, const char *reason)
{
    const size_t texts = texts_undelivered(&s->texts);
    struct ask ask;

    if (s->state == SESSION_LIVE)
        env->live_count--;
    s->state = SESSION_CLOSING;
    s->peer.gone = true;
    if (end->type == NOTICE_LEFT && end->end.code == CLOSE_REPLACED)
        transfers_gone(env, &s->peer, DUET_EAGAIN, "the peer restarted");
    else
        transfers_gone(env, &s->peer, DUET_ECLOSED,
                       end->type == NOTICE_LOST ? "the connection was lost" : "the session ended");
    session_refuse_sends(s, env, DUET_ECLOSED, "the session ended");
    while (asks_take_any(&s->asks, &ask))
        env_tell(env,
                 (struct notice){
                     .type = NOTICE_ANSWER, .peer = s->peer.conn, .answer = {.ask = ask.ui_id, .err = DUET_ECLOSED}},
                 "%s", "the session ended before the answer");
    if (texts > 0)
        env_notice(env, s->peer.conn, true, "%zu %s to %s may not have been delivered", texts,
                   texts == 1 ? "text" : "texts", s->peer.name);
    texts_dispose(&s->texts);
    flows_dispose(&s->flows);
    s->asked.count = 0;
    channel_dispose(&s->peer.control);
    channel_dispose(&s->peer.chat);
    session_count_unfinished_text(s, env);
    if (reason != NULL && reason[0] != '\0')
        env_tell(env, *end, "%s", reason);
    else
        env_post(env, *end);
    env->dirty = true;
}

void session_close(struct session *s, struct env *env, uint64_t code, const char *reason, bool lost)
{
    const struct notice end = {
        .type = lost ? NOTICE_LOST : NOTICE_LEFT,
        .peer = s->peer.conn,
        .end = {.code = code, .by_us = true},
    };

    if (s->state == SESSION_CLOSING)
        return;
    endpoint_close(env->endpoint, s->peer.conn, code, reason, env->now);
    finish(s, env, &end, reason);
}

void session_closed(struct session *s, struct env *env, const struct endpoint_event *ev)
{
    const enum endpoint_end how = ev->closed.end;
    const struct notice end = {
        .type = how == END_LEFT || how == END_LOCAL ? NOTICE_LEFT : NOTICE_LOST,
        .peer = s->peer.conn,
        .end =
            {
                .code = ev->closed.code,
                .by_us = how != END_LEFT,
                .err = how == END_UNANSWERED ? DUET_ETIMEOUT : 0,
            },
    };
    char reason[LIMIT_REASON_BYTES + 1];

    if (s->state == SESSION_CLOSING)
        return;
    memcpy(reason, ev->closed.reason, sizeof(reason));
    reason[LIMIT_REASON_BYTES] = '\0';
    finish(s, env, &end, reason);
}

bool session_rests(const struct session *s)
{
    if (s->state == SESSION_ASKING || s->state == SESSION_CLOSING)
        return true; /* until the user has decided, or the connection is gone */
    if (s->control_readable || s->asked.count > 0 || !flows_rest(&s->flows) || s->peer.doomed ||
        s->peer.control.out.len > 0 || s->delivered_owed != s->delivered_said)
        return false;
    struct appmsg part;

    return s->state != SESSION_LIVE || (!s->chat_readable && s->sends_count == 0 && s->peer.chat.out.len == 0 &&
                                        !texts_next_part(&s->texts, &part));
}

void session_rest(struct session *s)
{
    channel_rest(&s->peer.control);
    channel_rest(&s->peer.chat);
    texts_rest(&s->texts);
}

bool session_is_settled(const struct session *s, const struct env *env)
{
    return texts_undelivered(&s->texts) == 0 && s->asks.count == 0 && s->sends_count == 0 && flows_written(&s->flows) &&
           transfer_count(env, &s->peer, true) == 0;
}

bool session_is_flushed(const struct session *s, const struct env *env)
{
    return s->peer.control.out.len == 0 && s->peer.chat.out.len == 0 && endpoint_flushed(env->endpoint, s->peer.conn);
}
