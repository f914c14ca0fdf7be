#include "chat/chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "client/words.h"
#include "crypto/aead.h"
#include "io/clock.h"

static admission_sink on_admission;

void talk_init(struct talk *t, struct program *p, talk_sink *sink, void *face)
{
    *t = (struct talk){.program = p, .sink = sink, .face = face, .dialling = p->has_target};
    admission_init(&t->admission, p, &t->roster, on_admission, t);
    if (p->has_target)
        talk_dial(t, &p->target);
}

void talk_dial(struct talk *t, const struct resolve_query *q)
{
    if (!admission_dial(&t->admission, q, clock_now()))
        talk_tell(t, TALK_ERROR, "too many connections are being made already");
}

void talk_dispose(struct talk *t)
{
    kept_dispose(&t->kept);
    receipts_dispose(&t->said);
    roster_dispose(&t->roster);
    free(t->reason);
}

/* A trouble with HOST ends the program with its code; any other is only told. */
void talk_finish(struct talk *t, int code, const char *format, ...)
{
    va_list args;

    t->over = true;
    if (t->code != EXIT_DONE)
        return;
    t->code = code;
    va_start(args, format);
    if (vasprintf(&t->reason, format, args) < 0)
        t->reason = NULL;
    va_end(args);
}

bool talk_has_room(const struct talk *t)
{
    return t->kept.count < KEPT_MAX / 2 && t->said.count < RECEIPTS_MAX / 2 &&
           t->kept.bytes + t->said.bytes < TALK_SAID_BYTES;
}

/* ---- peers ---- */

static void emit_peer(struct talk *t, enum talk_kind kind, const char *name, const char *text, uint64_t value)
{
    talk_emit(t, &(struct talk_event){.kind = kind, .name = name, .text = text ? text : "", .value = value});
}

/* ---- who is let in ---- */

static void tell_stranger(struct talk *t, const struct stranger *s, size_t count)
{
    char text[FINGERPRINT_BYTES + ADDR_TEXT_BYTES + ROSTER_NAME_BYTES + 16], addr[ADDR_TEXT_BYTES];

    if (count > 1) {
        emit_peer(t, TALK_STRANGERS, "", NULL, count);
        return;
    }
    snprintf(text, sizeof text, "%s %s%s%s", s->print, words_endpoint(&s->key.addr, addr),
             s->known_as[0] != '\0' ? " known as " : "", s->known_as);
    emit_peer(t, TALK_STRANGER, s->key.name, text, 0);
}

/* Whom we called and did not let in. */
static void on_turned_away(struct talk *t, const struct stranger *s, const char *why)
{
    if (s->dialled[0] == '\0')
        return;
    talk_tell(t, TALK_ERROR, "%s", why);
    if (s->is_target) {
        t->dialling = false;
        talk_finish(t, EXIT_TRUST, "%s", why);
    } else {
        talk_drop_dialled(t);
    }
}

static void on_early_end(struct talk *t, const char *name, bool is_target, const struct msg *m);
static void on_failed(struct talk *t, const struct msg *m);

static void on_admission(void *self, const struct admission_event *ev)
{
    struct talk *t = self;

    switch (ev->type) {
    case ADMISSION_WAITS: /* the row above the input shows it */
        break;
    case ADMISSION_LET_IN:
        if (ev->who->is_target)
            t->target = ev->who->peer;
        if (ev->who->dialled[0] != '\0')
            roster_peer(&t->roster, ev->who->peer)->dialled = true;
        break;
    case ADMISSION_TURNED_AWAY:
        on_turned_away(t, ev->who, ev->text);
        break;
    case ADMISSION_LEFT:
        if (ev->who->dialled[0] != '\0')
            on_early_end(t, ev->who->key.name, ev->who->is_target, ev->why);
        break;
    case ADMISSION_STRANGER:
        tell_stranger(t, ev->who, ev->count);
        break;
    case ADMISSION_CALLING:
        talk_tell(t, TALK_NOTICE, "%s", ev->text);
        break;
    case ADMISSION_CALL_FAILED:
        on_failed(t, ev->why);
        break;
    case ADMISSION_TEXT:
    case ADMISSION_ERROR:
        talk_tell(t, ev->type == ADMISSION_TEXT ? TALK_INFO : TALK_ERROR, "%s", ev->text);
        break;
    }
}

static void on_peer_key(struct talk *t, const struct msg *m)
{
    admission_judge(&t->admission, m, true, clock_now());
}

uint64_t talk_tick(struct talk *t)
{
    const duet_time now = clock_now();

    admission_tick(&t->admission, now);
    const duet_time due = admission_due(&t->admission);
    if (t->over) /* a lookup ended it */
        return 0;
    return time_is_never(due) ? PROGRAM_FOREVER : time_since(due, now);
}

/* ---- the way of a connection ---- */

static void on_listening(struct talk *t, const struct msg *m)
{
    char text[ADDR_TEXT_BYTES], providers[AEAD_PROVIDERS_TEXT_BYTES];

    emit_peer(t, TALK_LISTENING, "", words_endpoint(&m->addr, text), 0);
    if (t->program->set->verbose)
        talk_tell(t, TALK_NOTICE, "encryption: %s", aead_providers_text(providers));
}

static void on_connected(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (!p)
        return;
    roster_enter(&t->roster, p, ROSTER_CONNECTED);
    if (m->peer == t->target)
        t->dialling = false;
    emit_peer(t, TALK_CONNECTED, p->name, p->fingerprint, 0);
    kept_peer_came(&t->kept, p->fingerprint);
    t->told_kept = false;
    talk_hand_over(t, p);
}

static void on_failed(struct talk *t, const struct msg *m)
{
    struct dial dial;

    if (!admission_dial_over(&t->admission, m->id, &dial))
        return;
    const char *why = words_failed(m);
    talk_tell(t, TALK_ERROR, "could not connect to %s: %s", dial.query.dialled, why);
    if (!t->dialling || dial.id != ADMISSION_TARGET) {
        talk_drop_dialled(t);
        return;
    }
    t->dialling = false;
    talk_finish(t, exit_of_failure(m), "could not connect to %s: %s", dial.query.dialled, why);
}

static void on_silence(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);
    uint64_t now_us = clock_now().us;

    if (!p)
        return;
    p->unreachable = m->type == MSG_UNREACHABLE;
    p->silent_since_us = now_us > m->value ? now_us - m->value : 0;
    if (p->state == ROSTER_CONNECTED)
        emit_peer(t, p->unreachable ? TALK_UNREACHABLE : TALK_BACK, p->name, NULL, m->value);
}

/* What became of messages every receipt of which came, or will not come. */
static void tell_ended(struct talk *t)
{
    uint32_t number;
    bool delivered;

    while (receipts_take_ended(&t->said, &number, &delivered)) {
        if (!delivered)
            t->undelivered++;
        else if (!kept_has_message(&t->kept, number) && !receipts_has(&t->said, number)) /* else not all have it */
            talk_emit(t, &(struct talk_event){.kind = TALK_DELIVERED, .name = "", .text = "", .id = number});
    }
}

/* Before MSG_CONNECTED: one side did not want the other. */
static void on_early_end(struct talk *t, const char *name, bool is_target, const struct msg *m)
{
    char text[WORDS_ENDED_BYTES];

    words_ended(name, m, text);
    talk_tell(t, TALK_ERROR, "%s", text);
    if (!is_target) {
        talk_drop_dialled(t);
        return;
    }
    t->dialling = false;
    talk_finish(t, exit_of_end(m), "%s", text);
}

/* Is another session with this key connected? */
static bool is_here(const struct talk *t, const char *key)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));)
        if (strcmp(p->fingerprint, key) == 0)
            return true;
    return false;
}

static void on_gone(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (admission_gone(&t->admission, m, clock_now()) || p == NULL) /* else turned away by us */
        return;
    receipts_give_up(&t->said, p->slot, 0);
    tell_ended(t);
    const bool is_target = m->peer == t->target;
    struct roster_peer gone = *p;
    roster_remove_peer(&t->roster, m->peer);
    if (gone.state == ROSTER_CONNECTED && !is_here(t, gone.fingerprint))
        kept_peer_gone(&t->kept, gone.fingerprint, gone.name);
    if (gone.state != ROSTER_CONNECTED)
        on_early_end(t, gone.name, is_target, m);
    else if (m->type == MSG_LOST)
        emit_peer(t, TALK_LOST, gone.name, m->text, 0);
    else if (m->value != CLOSE_REPLACED) /* else a newer session with it goes on */
        emit_peer(t, TALK_LEFT, gone.name, m->value == CLOSE_OK ? NULL : m->text, 0);
    if (!is_target)
        return;
    t->target = 0;
    if (m->type == MSG_LOST && t->ends_when_lost)
        talk_finish(t, EXIT_LOST, "the connection to %s was lost%s%s", gone.name, m->text ? ": " : "",
                    m->text ? m->text : "");
}

/* ---- messages and files ---- */

static void on_text(struct talk *t, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (p)
        talk_emit(t, &(struct talk_event){
                         .kind = TALK_TEXT, .name = p->name, .key = p->fingerprint, .text = m->text ? m->text : ""});
}

static void on_delivered(struct talk *t, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (p)
        receipts_came(&t->said, p->slot, m->id);
    tell_ended(t);
}

/* MSG_OFFER and MSG_SENDING: a transfer begins. */
static void on_transfer(struct talk *t, const struct msg *m)
{
    bool sending = m->type == MSG_SENDING;
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);
    struct roster_transfer *transfer = roster_add_transfer(&t->roster, m->id);

    if (transfer) {
        transfer->peer = m->peer;
        transfer->sending = sending;
        transfer->total_bytes = m->value;
        transfer->state = !sending && m->flag ? ROSTER_RUNNING : ROSTER_OFFERED;
        snprintf(transfer->name, sizeof transfer->name, "%s", m->text ? m->text : "");
    }
    talk_emit(t, &(struct talk_event){
                     .kind = sending ? TALK_SENDING : TALK_OFFER,
                     .name = p ? p->name : "",
                     .text = m->text ? m->text : "",
                     .id = m->id,
                     .value = m->value,
                     .flag = m->flag,
                 });
}

static void on_transferred(struct talk *t, const struct msg *m)
{
    bool sent = m->type == MSG_SENT;
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);

    roster_remove_transfer(&t->roster, m->id);
    if (sent && t->sends_open > 0)
        t->sends_open--;
    talk_emit(t, &(struct talk_event){
                     .kind = sent ? TALK_SENT : TALK_RECEIVED,
                     .name = p ? p->name : "",
                     .text = m->text ? m->text : "",
                     .id = m->id,
                     .value = m->value,
                 });
}

static void on_transfer_failed(struct talk *t, const struct msg *m)
{
    roster_remove_transfer(&t->roster, m->id);
    if (m->flag && t->sends_open > 0)
        t->sends_open--;
    talk_tell(t, TALK_ERROR, "%s", m->text ? m->text : err_text(m->err));
}

static void on_progress(struct talk *t, const struct msg *m)
{
    roster_update(&t->roster, m->progress, clock_now().us);
}

static void on_answer(struct talk *t, const struct msg *m)
{
    for (size_t i = 0; i < TALK_ASKS; i++) {
        struct talk_ask *ask = &t->asks[i];
        if (ask->id != m->id || m->id == 0)
            continue;
        ask->id = 0;
        if (m->flag)
            emit_peer(t, TALK_ANSWER, ask->name, m->text, 0);
        else
            talk_tell(t, TALK_ERROR, "%s: %s", ask->name, m->text ? m->text : "no answer");
        return;
    }
}

static void on_notice(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (m->flag && m->id != 0 && p) /* a message of ours that could not go out: no receipt will come */
        receipts_give_up(&t->said, p->slot, m->id);
    tell_ended(t);
    if (m->peer == 0 && m->id != 0 && !t->program->set->verbose) /* one of the addresses of a call */
        return;
    /* "Already connected": that was the answer to the call, and the one who was called. */
    if (!m->flag && m->peer != 0 && admission_dial_over(&t->admission, m->id, NULL) && p &&
        p->state == ROSTER_CONNECTED) {
        p->dialled = true;
        talk_hand_over(t, p);
    }
    talk_tell(t, m->flag ? TALK_ERROR : TALK_NOTICE, "%s", m->text ? m->text : "");
}

static void on_stats(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);
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
    talk_tell(t, TALK_INFO,
              "stats %s %s rtt %.1f ms (least %.1f), %llu packets sent, %llu lost, %llu received, window %llu B, in "
              "flight %llu B, pacing %s/s, packet %u B, %s",
              p->name, addr_format(&s->addr, addr), (double)s->rtt_us / (double)US_PER_MS,
              (double)s->min_rtt_us / (double)US_PER_MS, (unsigned long long)s->sent_packets,
              (unsigned long long)s->lost_packets, (unsigned long long)s->received_packets,
              (unsigned long long)s->cwnd_bytes, (unsigned long long)s->bytes_in_flight,
              text_size(s->pacing_bytes_per_s, rate), s->packet_bytes, s->cc ? s->cc : "no controller");
}

static void on_stopped(struct talk *t, const struct msg *m)
{
    t->stopped = true;
    if (t->over)
        return;
    talk_tell(t, TALK_ERROR, "the network thread ended: %s", err_text(m->err));
    talk_finish(t, EXIT_INTERNAL, "the network thread ended: %s", err_text(m->err));
}

static const struct {
    enum msg_type type;
    void (*handle)(struct talk *t, const struct msg *m);
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

void talk_message(struct talk *t, const struct msg *m)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == m->type)
            rules[i].handle(t, m);
    talk_settle(t);
}

void talk_refresh_stats(struct talk *t)
{
    if (roster_count(&t->roster, ROSTER_CONNECTED) == 1)
        program_send(t->program, MSG_STATS_PLEASE, roster_next_connected(&t->roster, NULL)->id, 0, false);
}
