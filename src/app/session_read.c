/*
 * session_read: what comes from the peer.  Messages are cut out of the two ordered
 * streams, judged, and handed to chat, transfers, asks and services.  Whatever no
 * honest peer says dooms the session (peer_doom); session_write then ends it.
 */
#include <stdlib.h>
#include <string.h>

#include "app/services.h"
#include "app/session.h"
#include "app/transfer_recv.h"
#include "app/transfer_send.h"
#include "base/err.h"

static void hello_came(struct session *s, struct env *env, const struct appmsg *m)
{
    s->peer.takes_files = (m->hello_flags & HELLO_TAKES_FILES) != 0;
    s->peer.serves = (m->hello_flags & HELLO_SERVES) != 0;
    s->state = SESSION_LIVE;
    env->live_count++;
    s->is_news = true;
    env->dirty = true;
    env_post(env, (struct notice){
                      .type = NOTICE_CONNECTED, .peer = s->peer.conn, .connected = {.hello_flags = m->hello_flags}});
    if (!s->peer.takes_files) { /* what was offered before this was known */
        transfer_send_none_taken(env, &s->peer, SESSION_TAKES_NO_FILES);
        session_refuse_sends(s, env, DUET_EREFUSED, SESSION_TAKES_NO_FILES);
    }
}

/* What `ask status` may tell: counts, and of addresses none but the asker's own. */
static struct service_status status_for(const struct session *s, const struct env *env)
{
    struct service_status status = {
        .version = env->cfg.version, .up_us = time_since(env->now, env->cfg.started), .peers = env->live_count};

    for (size_t i = 0; i < env->transfer_count; i++) {
        if (env->transfers[i]->state != TRANSFER_ENDED)
            (*(env->transfers[i]->sending ? &status.sending : &status.receiving))++;
    }
    (void)endpoint_stats(env->endpoint, s->peer.conn, &status.path); /* gone meanwhile: zeros, which nobody reads */
    return status;
}

/* One for the front end, which answers when it can (session_reply). */
static void asked_of_ui(struct session *s, struct env *env, const struct appmsg *m)
{
    const int err = served_asks_add(&s->asked, m->id, env->now);

    if (err != 0) {
        peer_doom(&s->peer, CLOSE_PROTOCOL,
                  err == DUET_EFULL ? "more questions than may wait for an answer"
                                    : "a question under a number that is in use");
        return;
    }
    struct question *q = calloc(1, sizeof(*q) + m->ask.arg_len);

    if (q == NULL) {
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
        return;
    }
    memcpy(q->name, m->ask.command, m->ask.command_len);
    q->len = m->ask.arg_len;
    if (q->len > 0)
        memcpy(q->arg, m->ask.arg, q->len);
    env_post(env, (struct notice){.type = NOTICE_ASKED, .peer = s->peer.conn, .asked = {.ask = m->id, .question = q}});
}

static void asked(struct session *s, struct env *env, const struct appmsg *m)
{
    static const char refused[] = "refused: this peer does not answer commands";
    const struct service_status status = status_for(s, env);
    const struct service_call call = {.arg = m->ask.arg,
                                      .arg_len = m->ask.arg_len,
                                      .wall_us = env->now.us + env->cfg.wall_offset_us,
                                      .status = &status};
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
    struct notice out = {.type = NOTICE_ANSWER, .peer = s->peer.conn, .answer = {.ok = m->answer.ok}};
    struct ask ask;

    if (!asks_take(&s->asks, m->id, &ask)) {
        peer_doom(&s->peer, CLOSE_PROTOCOL, "answer to a question that was not asked");
        return;
    }
    out.answer.ask = ask.ui_id;
    if (ask.ping && m->answer.ok) {
        const uint64_t us = time_since(env->now, ask.asked_at);

        out.answer.took_us = us;
        env_tell(env, out, "answered after %llu.%03llu ms", (unsigned long long)(us / US_PER_MS),
                 (unsigned long long)(us % US_PER_MS));
    } else if (!env_tell_raw(env, out, m->answer.text, m->answer.len)) {
        env->ui.lost = true;
    }
}

static void delivered(struct session *s, struct env *env, const struct appmsg *m)
{
    uint32_t ui_id;

    if (texts_check_delivered(&s->texts, m->id) != 0) {
        peer_doom(&s->peer, CLOSE_PROTOCOL, "receipt for a text that was not sent");
        return;
    }
    while (texts_pop(&s->texts, m->id, &ui_id))
        env_post(env, (struct notice){.type = NOTICE_DELIVERED, .peer = s->peer.conn, .delivered = {.say = ui_id}});
}

/* False: there is more to come, or nothing more. */
static bool text_is_whole(struct session *s, const struct appmsg *m)
{
    const int err = texts_receive(&s->texts, m);

    if (err == DUET_EPROTOCOL)
        peer_doom(&s->peer, CLOSE_PROTOCOL, "text out of order or too long");
    else if (err < 0)
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
    return err == 1;
}

static void text_part(struct session *s, struct env *env, const struct appmsg *m)
{
    if (!text_is_whole(s, m)) {
        session_count_unfinished_text(s, env);
        return;
    }
    /* Its number travels with it, for the receipt once ui has taken it (hub_took_ui). */
    if (!env_tell_raw(env, (struct notice){.type = NOTICE_TEXT, .peer = s->peer.conn, .said = {.number = m->id}},
                      s->texts.in.bytes, s->texts.in.len))
        peer_doom(&s->peer, CLOSE_INTERNAL, "out of memory");
    texts_taken(&s->texts);
    session_count_unfinished_text(s, env);
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
        if (served_has(&env->served, m->ask.command, m->ask.command_len))
            asked_of_ui(s, env, m);
        else
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

/* Handles what is complete; false: stop here (the ui is behind, the session is over, or this was
 * enough for one turn). */
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

/* Reads until there is nothing, the turn is over, or the ui is behind: then `readable` stays set
 * and the peer feels it. */
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

void session_read(struct session *s, struct env *env)
{
    if (!session_is_open(s))
        return;
    read_stream(s, env, &s->peer.control, STREAM_CONTROL, &s->control_readable);
    if (s->state == SESSION_LIVE)
        read_stream(s, env, &s->peer.chat, STREAM_CHAT, &s->chat_readable);
}
