#include "duet/app/session.h"

#include <stdlib.h>
#include <string.h>

#include "duet/app/services.h"
#include "duet/app/transfer_recv.h"
#include "duet/app/transfer_send.h"
#include "duet/base/err.h"
#include "duet/base/text.h"

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
    chat_init(&s->chat);
    /* Bytes may have come with the handshake; the first read finds out. */
    s->control_readable = s->chat_readable = true;
    return s;
}

void session_free(struct session *s, struct env *env)
{
    transfers_forget_peer(env, &s->peer);
    channel_dispose(&s->peer.control);
    channel_dispose(&s->peer.chat);
    chat_dispose(&s->chat);
    for (size_t i = 0; i < s->sends_count; i++)
        free(s->sends[(s->sends_head + i) % SESSION_SENDS_WAITING].path);
    free(s->sends);
    free(s);
}

static bool is_open(const struct session *s)
{
    return s->state == SESSION_TRUSTED || s->state == SESSION_LIVE;
}

static const char takes_no_files[] = "the peer does not accept files";

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
    hello.hello_flags = (env->cfg.receive_files ? HELLO_TAKES_FILES : 0) | (env->cfg.serve ? HELLO_SERVES : 0);
    peer_send(&s->peer, &hello);
    env->dirty = true;
}

void session_say(struct session *s, struct env *env, struct msg *m)
{
    const size_t len = strlen(m->text);

    if (len == 0) { /* nothing to say: a text has a byte at least (PROTOCOL.md 8.2) */
        (void)outbox_push(&env->ui, (struct msg){.type = MSG_DELIVERED, .peer = s->peer.conn, .id = m->id});
        return;
    }
    const int err = s->state == SESSION_LIVE ? chat_say(&s->chat, m->id, m->text, len) : DUET_ECLOSED;
    const struct msg notice = {.type = MSG_NOTICE, .peer = s->peer.conn, .id = m->id, .err = err, .flag = true};

    if (err == 0)
        m->text = NULL;
    else if (err == DUET_ERANGE)
        env_tell(env, notice, "text not sent to %s: longer than %d MiB; put it in a file and send that", s->peer.name,
                 CHAT_TEXT_BYTES >> 20);
    else if (err == DUET_EFULL)
        env_tell(env, notice, "text not sent to %s: too many texts are waiting to be delivered", s->peer.name);
    else
        env_tell(env, notice, "text not sent to %s: %s", s->peer.name, err_text(err));
    env->dirty = true;
}

void session_send(struct session *s, struct env *env, struct msg *m)
{
    int err = is_open(s) ? 0 : DUET_ECLOSED;

    if (s->state == SESSION_LIVE && !s->peer.takes_files) {
        transfer_send_refused(env, s->peer.conn, m->id, m->text, DUET_EREFUSED, takes_no_files);
        return;
    }
    if (err == 0 && s->sends == NULL) {
        s->sends = calloc(SESSION_SENDS_WAITING, sizeof(s->sends[0]));
        err = s->sends == NULL ? DUET_ENOMEM : 0;
    }
    if (err == 0 && s->sends_count == SESSION_SENDS_WAITING)
        err = DUET_EFULL;
    if (err != 0) {
        transfer_send_refused(env, s->peer.conn, m->id, m->text, err,
                              err == DUET_EFULL ? "too many files are waiting to be sent" : err_text(err));
        return;
    }
    s->sends[(s->sends_head + s->sends_count++) % SESSION_SENDS_WAITING] =
        (struct session_send){.ui_id = m->id, .path = m->text};
    m->text = NULL;
    env->dirty = true;
}

static void answer_ui(struct env *env, const struct session *s, uint32_t ui_id, bool ok, const char *words)
{
    env_tell(env, (struct msg){.type = MSG_ANSWER, .peer = s->peer.conn, .id = ui_id, .flag = ok}, "%s", words);
}

void session_ask(struct session *s, struct env *env, const struct msg *m)
{
    struct appmsg ask;
    int err;

    if (s->state != SESSION_LIVE) {
        answer_ui(env, s, m->id, false, "the peer is not connected");
        return;
    }
    if (!s->peer.serves) {
        answer_ui(env, s, m->id, false, "refused: the peer does not answer commands");
        return;
    }
    err = asks_add(&s->asks, m->id, m->text, env->now, &ask);
    if (err == 0)
        peer_send(&s->peer, &ask);
    else if (err == DUET_EFULL)
        answer_ui(env, s, m->id, false, "too many questions are waiting for an answer");
    else if (err == DUET_ERANGE)
        answer_ui(env, s, m->id, false, "the argument is too long");
    else
        answer_ui(env, s, m->id, false, "not a command");
    env->dirty = true;
}

/* ---- from the peer ---- */

/* MSG_SENDs that had not their turn yet. */
static void refuse_sends(struct session *s, struct env *env, int err, const char *words)
{
    for (; s->sends_count > 0; s->sends_count--) {
        const struct session_send send = s->sends[s->sends_head];

        s->sends_head = (s->sends_head + 1) % SESSION_SENDS_WAITING;
        transfer_send_refused(env, s->peer.conn, send.ui_id, send.path, err, words);
        free(send.path);
    }
}

static void hello_came(struct session *s, struct env *env, const struct appmsg *m)
{
    s->peer.takes_files = (m->hello_flags & HELLO_TAKES_FILES) != 0;
    s->peer.serves = (m->hello_flags & HELLO_SERVES) != 0;
    s->state = SESSION_LIVE;
    s->is_news = true;
    env->dirty = true;
    (void)outbox_push(&env->ui, (struct msg){.type = MSG_CONNECTED, .peer = s->peer.conn, .value = m->hello_flags});
    if (!s->peer.takes_files) { /* what was offered before this was known */
        transfer_send_none_taken(env, &s->peer, takes_no_files);
        refuse_sends(s, env, DUET_EREFUSED, takes_no_files);
    }
}

static void asked(struct session *s, struct env *env, const struct appmsg *m)
{
    static const char refused[] = "refused: this peer does not answer commands";
    const struct service_call call = {
        .arg = m->ask.arg, .arg_len = m->ask.arg_len, .wall_us = env->now.us + env->cfg.wall_offset_us};
    struct appmsg answer = {.type = APPMSG_ANSWER, .id = m->id};
    struct service_answer *out = env->cfg.serve ? malloc(sizeof(*out)) : NULL;

    answer.answer.text = refused;
    answer.answer.len = sizeof(refused) - 1;
    if (out != NULL) {
        services_run(m->ask.command, m->ask.command_len, &call, out);
        answer.answer.ok = out->ok;
        answer.answer.text = out->text;
        answer.answer.len = out->len;
    } else if (env->cfg.serve) {
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
    }
    peer_send(&s->peer, &answer);
    free(out);
}

static void answered(struct session *s, struct env *env, const struct appmsg *m)
{
    struct msg out = {.type = MSG_ANSWER, .peer = s->peer.conn, .flag = m->answer.ok};
    struct ask ask;

    if (!asks_take(&s->asks, m->id, &ask)) {
        peer_doom(&s->peer, CLOSE_PROTOCOL, "answer to a question that was not asked");
        return;
    }
    out.id = ask.ui_id;
    if (ask.ping && m->answer.ok) {
        const uint64_t us = time_since(env->now, ask.asked_at);

        out.value = us;
        env_tell(env, out, "answered after %llu.%03llu ms", (unsigned long long)(us / US_PER_MS),
                 (unsigned long long)(us % US_PER_MS));
    } else if (!env_tell_raw(env, out, m->answer.text, m->answer.len)) {
        env->ui.lost = true;
    }
}

static void delivered(struct session *s, struct env *env, const struct appmsg *m)
{
    uint32_t ui_id;

    if (chat_check_delivered(&s->chat, m->id) != 0) {
        peer_doom(&s->peer, CLOSE_PROTOCOL, "receipt for a text that was not sent");
        return;
    }
    while (chat_pop(&s->chat, m->id, &ui_id))
        (void)outbox_push(&env->ui, (struct msg){.type = MSG_DELIVERED, .peer = s->peer.conn, .id = ui_id});
}

static void count_unfinished_text(struct session *s, struct env *env)
{
    const size_t bytes = s->chat.in.len > 0 ? s->chat.in.cap : 0;

    if (s->unfinished_text_bytes == 0)
        s->unfinished_since = env->now;
    env->unfinished_text_bytes += bytes - s->unfinished_text_bytes;
    s->unfinished_text_bytes = bytes;
}

/* False: there is more to come, or nothing more. */
static bool text_is_whole(struct session *s, const struct appmsg *m)
{
    const int err = chat_receive(&s->chat, m);

    if (err == DUET_EPROTOCOL)
        peer_doom(&s->peer, CLOSE_PROTOCOL, "text out of order or too long");
    else if (err < 0)
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
    return err == 1;
}

static void text_part(struct session *s, struct env *env, const struct appmsg *m)
{
    if (!text_is_whole(s, m)) {
        count_unfinished_text(s, env);
        return;
    }
    /* Its number travels with it, for the receipt once ui has taken it (hub_took_ui). */
    if (!env_tell_raw(env, (struct msg){.type = MSG_TEXT, .peer = s->peer.conn, .id = m->id}, s->chat.in.bytes,
                      s->chat.in.len))
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
    chat_taken(&s->chat);
    count_unfinished_text(s, env);
}

static void control_message(struct session *s, struct env *env, const struct appmsg *m)
{
    if ((m->type == APPMSG_HELLO) != (s->state == SESSION_TRUSTED)) {
        peer_doom(&s->peer, CLOSE_PROTOCOL, "HELLO must come first, and only once");
        return;
    }
    switch (m->type) {
    case APPMSG_HELLO:
        hello_came(s, env, m);
        return;
    case APPMSG_DELIVERED:
        delivered(s, env, m);
        return;
    case APPMSG_OFFER:
    case APPMSG_DIGEST:
    case APPMSG_CANCEL:
        transfer_recv_message(env, &s->peer, m);
        return;
    case APPMSG_ACCEPT:
    case APPMSG_REFUSE:
    case APPMSG_COMPLETE:
    case APPMSG_FAILED:
        transfer_send_message(env, &s->peer, m);
        return;
    case APPMSG_ASK:
        asked(s, env, m);
        return;
    case APPMSG_ANSWER:
        answered(s, env, m);
        return;
    case APPMSG_TEXT:
        peer_doom(&s->peer, CLOSE_PROTOCOL, "text on the control stream");
        return;
    }
}

static void message(struct session *s, struct env *env, uint64_t stream, const struct channel_message *raw)
{
    struct appmsg m;
    const int err = appmsg_parse(&m, raw->type, raw->payload, raw->len);

    if (err == DUET_EUNSUPPORTED)
        return;
    if (err != 0)
        peer_doom(&s->peer, CLOSE_PROTOCOL, "malformed message");
    else if (stream == STREAM_CONTROL)
        control_message(s, env, &m);
    else if (m.type == APPMSG_TEXT)
        text_part(s, env, &m);
    else
        peer_doom(&s->peer, CLOSE_PROTOCOL, "something other than text on the chat stream");
}

void session_readable(struct session *s, uint64_t stream)
{
    if (stream == STREAM_CONTROL)
        s->control_readable = true;
    else if (stream == STREAM_CHAT)
        s->chat_readable = true;
}

/* Handles what is complete; false: stop here (the ui is behind, the session is over, or this was enough for one turn). */
static bool handle_complete(struct session *s, struct env *env, struct channel *ch, uint64_t stream, unsigned *left)
{
    struct channel_message raw;

    for (;; (*left)--) {
        if (env_ui_is_long(env) || s->peer.doomed || s->peer.gone)
            return false;
        if (*left == 0) {
            env->dirty = true; /* the next turn, after everybody else's, goes on here */
            return false;
        }
        const int got = channel_next(ch, &raw);

        if (got == 0)
            return true;
        if (got < 0)
            peer_doom(&s->peer, CLOSE_PROTOCOL, "message too long");
        else
            message(s, env, stream, &raw);
    }
}

/* Reads until there is nothing, the turn is over, or the ui is behind: then `readable` stays set and the peer feels it. */
static void read_stream(struct session *s, struct env *env, struct channel *ch, uint64_t stream, bool *readable)
{
    unsigned left = SESSION_TURN_MESSAGES;

    while (*readable && handle_complete(s, env, ch, stream, &left)) {
        size_t cap;
        uint8_t *space = channel_space(ch, &cap);

        if (space == NULL) {
            peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
            return;
        }
        const ssize_t got = endpoint_read(env->endpoint, s->peer.conn, stream, space, cap, env->now);

        if (got > 0)
            channel_filled(ch, (size_t)got);
        else
            *readable = false;
    }
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
    while (s->peer.chat.out.len == 0 && chat_next_part(&s->chat, &part) && !s->peer.doomed) {
        peer_send(&s->peer, &part);
        chat_part_sent(&s->chat, &part);
        write_stream(s, env, &s->peer.chat, STREAM_CHAT);
    }
}

bool session_wants_to_send(const struct session *s)
{
    return s->sends_count > 0 && is_open(s);
}

void session_start_send(struct session *s, struct env *env)
{
    const struct session_send send = s->sends[s->sends_head];

    s->sends_head = (s->sends_head + 1) % SESSION_SENDS_WAITING;
    s->sends_count--;
    transfer_send_start(env, &s->peer, send.ui_id, send.path);
    free(send.path);
}

void session_read(struct session *s, struct env *env)
{
    if (!is_open(s))
        return;
    read_stream(s, env, &s->peer.control, STREAM_CONTROL, &s->control_readable);
    if (s->state == SESSION_LIVE)
        read_stream(s, env, &s->peer.chat, STREAM_CHAT, &s->chat_readable);
}

void session_write(struct session *s, struct env *env)
{
    if (!is_open(s))
        return;
    if (s->delivered_owed != s->delivered_said) {
        peer_send(&s->peer, &(struct appmsg){.type = APPMSG_DELIVERED, .id = s->delivered_owed});
        s->delivered_said = s->delivered_owed;
    }
    if (s->peer.doomed) {
        session_close(s, env, s->peer.doom_code, s->peer.doom_reason, true);
        return;
    }
    write_stream(s, env, &s->peer.control, STREAM_CONTROL);
    write_chat(s, env);
}

/* ---- the end ---- */

/* Tells ui the outcome of everything that was under way, then the end itself. */
static void finish(struct session *s, struct env *env, const struct msg *end, const char *reason)
{
    const size_t texts = chat_undelivered(&s->chat);
    struct ask ask;

    s->state = SESSION_CLOSING;
    s->peer.gone = true;
    if (end->type == MSG_LEFT && end->value == CLOSE_REPLACED)
        transfers_gone(env, &s->peer, DUET_EAGAIN, "the peer restarted");
    else
        transfers_gone(env, &s->peer, DUET_ECLOSED,
                       end->type == MSG_LOST ? "the connection was lost" : "the session ended");
    refuse_sends(s, env, DUET_ECLOSED, "the session ended");
    while (asks_take_any(&s->asks, &ask))
        env_tell(env, (struct msg){.type = MSG_ANSWER, .peer = s->peer.conn, .id = ask.ui_id, .err = DUET_ECLOSED},
                 "%s", "the session ended before the answer");
    if (texts > 0)
        env_notice(env, s->peer.conn, true, "%zu %s to %s may not have been delivered", texts,
                   texts == 1 ? "text" : "texts", s->peer.name);
    chat_dispose(&s->chat);
    channel_dispose(&s->peer.control);
    channel_dispose(&s->peer.chat);
    count_unfinished_text(s, env);
    if (reason != NULL && reason[0] != '\0')
        env_tell(env, *end, "%s", reason);
    else
        (void)outbox_push(&env->ui, *end);
    env->dirty = true;
}

void session_close(struct session *s, struct env *env, uint64_t code, const char *reason, bool lost)
{
    const struct msg end = {.type = lost ? MSG_LOST : MSG_LEFT, .peer = s->peer.conn, .value = code, .flag = true};

    if (s->state == SESSION_CLOSING)
        return;
    endpoint_close(env->endpoint, s->peer.conn, code, reason, env->now);
    finish(s, env, &end, reason);
}

void session_closed(struct session *s, struct env *env, const struct endpoint_event *ev)
{
    const enum endpoint_end how = ev->closed.end;
    const struct msg end = {
        .type = how == END_LEFT || how == END_LOCAL ? MSG_LEFT : MSG_LOST,
        .peer = s->peer.conn,
        .value = ev->closed.code,
        .err = how == END_UNANSWERED ? DUET_ETIMEOUT : 0,
        .flag = how != END_LEFT,
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
    if (s->control_readable || s->peer.doomed || s->peer.control.out.len > 0 || s->delivered_owed != s->delivered_said)
        return false;
    struct appmsg part;

    return s->state != SESSION_LIVE ||
           (!s->chat_readable && s->sends_count == 0 && s->peer.chat.out.len == 0 && !chat_next_part(&s->chat, &part));
}

void session_rest(struct session *s)
{
    channel_rest(&s->peer.control);
    channel_rest(&s->peer.chat);
    chat_rest(&s->chat);
}

bool session_is_settled(const struct session *s, const struct env *env)
{
    return chat_undelivered(&s->chat) == 0 && s->asks.count == 0 && s->sends_count == 0 &&
           transfer_count(env, &s->peer, true) == 0;
}

bool session_is_flushed(const struct session *s, const struct env *env)
{
    return s->peer.control.out.len == 0 && s->peer.chat.out.len == 0 && endpoint_flushed(env->endpoint, s->peer.conn);
}
