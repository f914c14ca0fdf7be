#include "chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "client/words.h"
#include "crypto/aead.h"

static admission_sink on_admission;

void chat_init(struct chat *c, struct client *client, chat_sink *sink, void *face)
{
    *c = (struct chat){.client = client, .sink = sink, .face = face, .dialling = client->has_target};
    admission_init(&c->admission, client, &c->roster, on_admission, c);
    if (client->has_target)
        chat_dial(c, &client->target);
}

void chat_dial(struct chat *c, const struct resolve_query *q)
{
    if (!admission_dial(&c->admission, q, client_now()))
        chat_tell(c, CHAT_ERROR, "too many connections are being made already");
}

void chat_dispose(struct chat *c)
{
    kept_dispose(&c->kept);
    receipts_dispose(&c->said);
    roster_dispose(&c->roster);
    free(c->reason);
}

bool chat_has_room(const struct chat *c)
{
    return c->kept.count < KEPT_MAX / 2 && c->said.count < RECEIPTS_MAX / 2 &&
           c->kept.bytes + c->said.bytes < CHAT_SAID_BYTES;
}

/* ---- peers ---- */

static void emit_peer(struct chat *c, enum chat_kind kind, const char *name, const char *text, uint64_t value)
{
    chat_emit(c, &(struct chat_event){.kind = kind, .name = name, .text = text ? text : "", .value = value});
}

/* ---- who is let in ---- */

static void tell_stranger(struct chat *c, const struct stranger *s, size_t count)
{
    char text[FINGERPRINT_BYTES + ADDR_TEXT_BYTES + ROSTER_NAME_BYTES + 16], addr[ADDR_TEXT_BYTES];

    if (count > 1) {
        emit_peer(c, CHAT_STRANGERS, "", NULL, count);
        return;
    }
    snprintf(text, sizeof text, "%s %s%s%s", s->print, words_endpoint(&s->key.addr, addr),
             s->known_as[0] != '\0' ? " known as " : "", s->known_as);
    emit_peer(c, CHAT_STRANGER, s->key.name, text, 0);
}

/* Whom we called and did not let in. */
static void on_turned_away(struct chat *c, const struct stranger *s, const char *why)
{
    if (s->dialled[0] == '\0')
        return;
    chat_tell(c, CHAT_ERROR, "%s", why);
    if (s->is_target) {
        c->dialling = false;
        chat_finish(c, EXIT_TRUST, "%s", why);
    } else {
        chat_drop_dialled(c);
    }
}

static void on_early_end(struct chat *c, const char *name, bool is_target, const struct msg *m);
static void on_failed(struct chat *c, const struct msg *m);

static void on_admission(void *self, const struct admission_event *ev)
{
    struct chat *c = self;

    switch (ev->type) {
    case ADMISSION_WAITS: /* the row above the input shows it */
        break;
    case ADMISSION_LET_IN:
        if (ev->who->is_target)
            c->target = ev->who->peer;
        if (ev->who->dialled[0] != '\0')
            roster_peer(&c->roster, ev->who->peer)->dialled = true;
        break;
    case ADMISSION_TURNED_AWAY:
        on_turned_away(c, ev->who, ev->text);
        break;
    case ADMISSION_LEFT:
        if (ev->who->dialled[0] != '\0')
            on_early_end(c, ev->who->key.name, ev->who->is_target, ev->why);
        break;
    case ADMISSION_STRANGER:
        tell_stranger(c, ev->who, ev->count);
        break;
    case ADMISSION_CALLING:
        chat_tell(c, CHAT_NOTICE, "%s", ev->text);
        break;
    case ADMISSION_CALL_FAILED:
        on_failed(c, ev->why);
        break;
    case ADMISSION_TEXT:
    case ADMISSION_ERROR:
        chat_tell(c, ev->type == ADMISSION_TEXT ? CHAT_INFO : CHAT_ERROR, "%s", ev->text);
        break;
    }
}

static void on_peer_key(struct chat *c, const struct msg *m)
{
    admission_judge(&c->admission, m, true, client_now());
}

uint64_t chat_tick(struct chat *c)
{
    const duet_time now = client_now();

    admission_tick(&c->admission, now);
    const duet_time due = admission_due(&c->admission);
    if (c->over) /* a lookup ended it */
        return 0;
    return time_is_never(due) ? CLIENT_FOREVER : time_since(due, now);
}

/* ---- the way of a connection ---- */

static void on_listening(struct chat *c, const struct msg *m)
{
    char text[ADDR_TEXT_BYTES], providers[AEAD_PROVIDERS_TEXT_BYTES];

    emit_peer(c, CHAT_LISTENING, "", words_endpoint(&m->addr, text), 0);
    if (c->client->set->verbose)
        chat_tell(c, CHAT_NOTICE, "encryption: %s", aead_providers_text(providers));
}

static void on_connected(struct chat *c, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&c->roster, m->peer);

    if (!p)
        return;
    roster_enter(&c->roster, p, ROSTER_CONNECTED);
    if (m->peer == c->target)
        c->dialling = false;
    emit_peer(c, CHAT_CONNECTED, p->name, p->fingerprint, 0);
    kept_peer_came(&c->kept, p->fingerprint);
    c->told_kept = false;
    chat_hand_over(c, p);
}

static void on_failed(struct chat *c, const struct msg *m)
{
    struct dial dial;

    if (!admission_dial_over(&c->admission, m->id, &dial))
        return;
    const char *why = words_failed(m);
    chat_tell(c, CHAT_ERROR, "could not connect to %s: %s", dial.query.dialled, why);
    if (!c->dialling || dial.id != ADMISSION_TARGET) {
        chat_drop_dialled(c);
        return;
    }
    c->dialling = false;
    chat_finish(c, exit_of_failure(m), "could not connect to %s: %s", dial.query.dialled, why);
}

static void on_silence(struct chat *c, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&c->roster, m->peer);
    uint64_t now_us = client_now().us;

    if (!p)
        return;
    p->unreachable = m->type == MSG_UNREACHABLE;
    p->silent_since_us = now_us > m->value ? now_us - m->value : 0;
    if (p->state == ROSTER_CONNECTED)
        emit_peer(c, p->unreachable ? CHAT_UNREACHABLE : CHAT_BACK, p->name, NULL, m->value);
}

/* What became of messages every receipt of which came, or will not come. */
static void tell_ended(struct chat *c)
{
    uint32_t number;
    bool delivered;

    while (receipts_take_ended(&c->said, &number, &delivered)) {
        if (!delivered)
            c->undelivered++;
        else if (!kept_has_message(&c->kept, number) && !receipts_has(&c->said, number)) /* else not all have it */
            chat_emit(c, &(struct chat_event){.kind = CHAT_DELIVERED, .name = "", .text = "", .id = number});
    }
}

/* Before MSG_CONNECTED: one side did not want the other. */
static void on_early_end(struct chat *c, const char *name, bool is_target, const struct msg *m)
{
    char text[WORDS_ENDED_BYTES];

    words_ended(name, m, text);
    chat_tell(c, CHAT_ERROR, "%s", text);
    if (!is_target) {
        chat_drop_dialled(c);
        return;
    }
    c->dialling = false;
    chat_finish(c, exit_of_end(m), "%s", text);
}

/* Is another session with this key connected? */
static bool is_here(const struct chat *c, const char *key)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));)
        if (strcmp(p->fingerprint, key) == 0)
            return true;
    return false;
}

static void on_gone(struct chat *c, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&c->roster, m->peer);

    if (admission_gone(&c->admission, m, client_now()) || p == NULL) /* else turned away by us */
        return;
    receipts_give_up(&c->said, p->slot, 0);
    tell_ended(c);
    const bool is_target = m->peer == c->target;
    struct roster_peer gone = *p;
    roster_remove_peer(&c->roster, m->peer);
    if (gone.state == ROSTER_CONNECTED && !is_here(c, gone.fingerprint))
        kept_peer_gone(&c->kept, gone.fingerprint, gone.name);
    if (gone.state != ROSTER_CONNECTED)
        on_early_end(c, gone.name, is_target, m);
    else if (m->type == MSG_LOST)
        emit_peer(c, CHAT_LOST, gone.name, m->text, 0);
    else if (m->value != CLOSE_REPLACED) /* else a newer session with it goes on */
        emit_peer(c, CHAT_LEFT, gone.name, m->value == CLOSE_OK ? NULL : m->text, 0);
    if (!is_target)
        return;
    c->target = 0;
    if (m->type == MSG_LOST && c->ends_when_lost)
        chat_finish(c, EXIT_LOST, "the connection to %s was lost%s%s", gone.name, m->text ? ": " : "",
                    m->text ? m->text : "");
}

/* ---- messages and files ---- */

static void on_text(struct chat *c, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&c->roster, m->peer);

    if (p)
        chat_emit(c, &(struct chat_event){
                         .kind = CHAT_TEXT, .name = p->name, .key = p->fingerprint, .text = m->text ? m->text : ""});
}

static void on_delivered(struct chat *c, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&c->roster, m->peer);

    if (p)
        receipts_came(&c->said, p->slot, m->id);
    tell_ended(c);
}

/* MSG_OFFER and MSG_SENDING: a transfer begins. */
static void on_transfer(struct chat *c, const struct msg *m)
{
    bool sending = m->type == MSG_SENDING;
    const struct roster_peer *p = roster_peer(&c->roster, m->peer);
    struct roster_transfer *transfer = roster_add_transfer(&c->roster, m->id);

    if (transfer) {
        transfer->peer = m->peer;
        transfer->sending = sending;
        transfer->total_bytes = m->value;
        transfer->state = !sending && m->flag ? ROSTER_RUNNING : ROSTER_OFFERED;
        snprintf(transfer->name, sizeof transfer->name, "%s", m->text ? m->text : "");
    }
    chat_emit(c, &(struct chat_event){
                     .kind = sending ? CHAT_SENDING : CHAT_OFFER,
                     .name = p ? p->name : "",
                     .text = m->text ? m->text : "",
                     .id = m->id,
                     .value = m->value,
                     .flag = m->flag,
                 });
}

static void on_transferred(struct chat *c, const struct msg *m)
{
    bool sent = m->type == MSG_SENT;
    const struct roster_peer *p = roster_peer(&c->roster, m->peer);

    roster_remove_transfer(&c->roster, m->id);
    if (sent && c->sends_open > 0)
        c->sends_open--;
    chat_emit(c, &(struct chat_event){
                     .kind = sent ? CHAT_SENT : CHAT_RECEIVED,
                     .name = p ? p->name : "",
                     .text = m->text ? m->text : "",
                     .id = m->id,
                     .value = m->value,
                 });
}

static void on_transfer_failed(struct chat *c, const struct msg *m)
{
    roster_remove_transfer(&c->roster, m->id);
    if (m->flag && c->sends_open > 0)
        c->sends_open--;
    chat_tell(c, CHAT_ERROR, "%s", m->text ? m->text : err_text(m->err));
}

static void on_progress(struct chat *c, const struct msg *m)
{
    roster_update(&c->roster, m->progress, client_now().us);
}

static void on_answer(struct chat *c, const struct msg *m)
{
    for (size_t i = 0; i < CHAT_ASKS; i++) {
        struct chat_ask *ask = &c->asks[i];
        if (ask->id != m->id || m->id == 0)
            continue;
        ask->id = 0;
        if (m->flag)
            emit_peer(c, CHAT_ANSWER, ask->name, m->text, 0);
        else
            chat_tell(c, CHAT_ERROR, "%s: %s", ask->name, m->text ? m->text : "no answer");
        return;
    }
}

static void on_notice(struct chat *c, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&c->roster, m->peer);

    if (m->flag && m->id != 0 && p) /* a message of ours that could not go out: no receipt will come */
        receipts_give_up(&c->said, p->slot, m->id);
    tell_ended(c);
    if (m->peer == 0 && m->id != 0 && !c->client->set->verbose) /* one of the addresses of a call */
        return;
    /* "Already connected": that was the answer to the call, and the one who was called. */
    if (!m->flag && m->peer != 0 && admission_dial_over(&c->admission, m->id, NULL) && p &&
        p->state == ROSTER_CONNECTED) {
        p->dialled = true;
        chat_hand_over(c, p);
    }
    chat_tell(c, m->flag ? CHAT_ERROR : CHAT_NOTICE, "%s", m->text ? m->text : "");
}

static void on_stats(struct chat *c, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&c->roster, m->peer);
    char rate[TEXT_SIZE_BYTES], addr[ADDR_TEXT_BYTES];

    if (!p)
        return;
    const struct endpoint_stats *s = m->stats;
    p->stats = *s;
    p->addr = s->addr;
    p->has_stats = true;
    if (!p->wants_stats)
        return;
    p->wants_stats = false;
    chat_tell(c, CHAT_INFO,
              "stats %s %s rtt %.1f ms (least %.1f), %llu packets sent, %llu lost, %llu received, window %llu B, in "
              "flight %llu B, pacing %s/s, packet %u B, %s",
              p->name, addr_format(&s->addr, addr), (double)s->rtt_us / (double)US_PER_MS,
              (double)s->min_rtt_us / (double)US_PER_MS, (unsigned long long)s->sent_packets,
              (unsigned long long)s->lost_packets, (unsigned long long)s->received_packets,
              (unsigned long long)s->cwnd_bytes, (unsigned long long)s->bytes_in_flight,
              text_size(s->pacing_bytes_per_s, rate), s->packet_bytes, s->cc ? s->cc : "no controller");
}

static void on_stopped(struct chat *c, const struct msg *m)
{
    c->stopped = true;
    if (c->over)
        return;
    chat_tell(c, CHAT_ERROR, "the network thread ended: %s", err_text(m->err));
    chat_finish(c, EXIT_INTERNAL, "the network thread ended: %s", err_text(m->err));
}

static const struct {
    enum msg_type type;
    void (*handle)(struct chat *c, const struct msg *m);
} rules[] = {
    {MSG_LISTENING, on_listening}, {MSG_PEER_KEY, on_peer_key},
    {MSG_CONNECTED, on_connected}, {MSG_FAILED, on_failed},
    {MSG_TEXT, on_text},           {MSG_DELIVERED, on_delivered},
    {MSG_OFFER, on_transfer},      {MSG_SENDING, on_transfer},
    {MSG_PROGRESS, on_progress},   {MSG_RECEIVED, on_transferred},
    {MSG_SENT, on_transferred},    {MSG_TRANSFER_FAILED, on_transfer_failed},
    {MSG_UNREACHABLE, on_silence}, {MSG_BACK, on_silence},
    {MSG_LEFT, on_gone},           {MSG_LOST, on_gone},
    {MSG_ANSWER, on_answer},       {MSG_NOTICE, on_notice},
    {MSG_STATS, on_stats},         {MSG_STOPPED, on_stopped},
};

void chat_message(struct chat *c, const struct msg *m)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == m->type)
            rules[i].handle(c, m);
    chat_settle(c);
}

void chat_refresh_stats(struct chat *c)
{
    if (roster_count(&c->roster, ROSTER_CONNECTED) == 1)
        client_send(c->client, MSG_STATS_PLEASE, roster_next_connected(&c->roster, NULL)->id, 0, false);
}
