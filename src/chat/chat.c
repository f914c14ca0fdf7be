#include "chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "client/words.h"

static admission_sink on_admission;

void chat_init(struct chat *c, struct client *client, chat_sink *sink, void *face)
{
    *c = (struct chat){.client = client, .sink = sink, .face = face, .dialling = client->has_target};
    admission_init(&c->admission, client, &c->roster, on_admission, c);
    if (client->has_target)
        chat_dial(c, client->target);
}

void chat_dial(struct chat *c, const char *dialled)
{
    if (!admission_dial(&c->admission, dialled))
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
    char text[DUET_FINGERPRINT_BYTES + ADDR_TEXT_BYTES + ROSTER_NAME_BYTES + 16], addr[ADDR_TEXT_BYTES];

    if (count > 1) {
        emit_peer(c, CHAT_STRANGERS, "", NULL, count);
        return;
    }
    snprintf(text, sizeof text, "%s %s%s%s", s->key.fingerprint, words_endpoint(&s->key.addr, addr),
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

static void on_early_end(struct chat *c, const char *name, bool is_target, const struct duet_event *ev);

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
    case ADMISSION_TEXT:
    case ADMISSION_ERROR:
        chat_tell(c, ev->type == ADMISSION_TEXT ? CHAT_INFO : CHAT_ERROR, "%s", ev->text);
        break;
    }
}

static void on_call(struct chat *c, const struct duet_event *ev)
{
    admission_on_call(&c->admission, ev);
}

static void on_peer_key(struct chat *c, const struct duet_event *ev)
{
    admission_judge(&c->admission, ev, true, client_now());
}

uint64_t chat_tick(struct chat *c)
{
    const duet_time now = client_now();

    admission_tick(&c->admission, now);
    const duet_time due = admission_due(&c->admission);
    return time_is_never(due) ? CLIENT_FOREVER : time_since(due, now);
}

/* ---- the way of a connection ---- */

static void on_listening(struct chat *c, const struct duet_event *ev)
{
    char text[ADDR_TEXT_BYTES], providers[DUET_CIPHERS_BYTES];

    emit_peer(c, CHAT_LISTENING, "", words_endpoint(ev->addr, text), 0);
    if (c->client->set->verbose)
        chat_tell(c, CHAT_NOTICE, "encryption: %s", duet_ciphers(providers));
}

static void on_connected(struct chat *c, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (!p)
        return;
    roster_enter(&c->roster, p, ROSTER_CONNECTED);
    if (ev->peer == c->target)
        c->dialling = false;
    emit_peer(c, CHAT_CONNECTED, p->name, p->fingerprint, 0);
    kept_peer_came(&c->kept, p->fingerprint);
    c->told_kept = false;
    chat_hand_over(c, p);
}

static void on_failed(struct chat *c, const struct duet_event *ev)
{
    struct dial dial;

    if (!admission_dial_over(&c->admission, ev->id, &dial))
        return;
    const char *why = words_failed(ev);
    chat_tell(c, CHAT_ERROR, "could not connect to %s: %s", dial.dialled, why);
    if (!c->dialling || dial.id != ADMISSION_TARGET) {
        chat_drop_dialled(c);
        return;
    }
    c->dialling = false;
    chat_finish(c, exit_of_failure(ev), "could not connect to %s: %s", dial.dialled, why);
}

static void on_silence(struct chat *c, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&c->roster, ev->peer);
    uint64_t now_us = client_now().us;

    if (!p)
        return;
    p->unreachable = ev->type == DUET_EVENT_UNREACHABLE;
    p->silent_since_us = now_us > ev->time_us ? now_us - ev->time_us : 0;
    if (p->state == ROSTER_CONNECTED)
        emit_peer(c, p->unreachable ? CHAT_UNREACHABLE : CHAT_BACK, p->name, NULL, ev->time_us);
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

/* Before CONNECTED: one side did not want the other. */
static void on_early_end(struct chat *c, const char *name, bool is_target, const struct duet_event *ev)
{
    char text[WORDS_ENDED_BYTES];

    words_ended(name, ev, text);
    chat_tell(c, CHAT_ERROR, "%s", text);
    if (!is_target) {
        chat_drop_dialled(c);
        return;
    }
    c->dialling = false;
    chat_finish(c, exit_of_end(ev), "%s", text);
}

/* Is another session with this key connected? */
static bool is_here(const struct chat *c, const char *key)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));)
        if (strcmp(p->fingerprint, key) == 0)
            return true;
    return false;
}

static void on_gone(struct chat *c, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (admission_gone(&c->admission, ev, client_now()) || p == NULL) /* else turned away by us */
        return;
    receipts_give_up(&c->said, p->slot, 0);
    tell_ended(c);
    const bool is_target = ev->peer == c->target;
    struct roster_peer gone = *p;
    roster_remove_peer(&c->roster, ev->peer);
    if (gone.state == ROSTER_CONNECTED && !is_here(c, gone.fingerprint))
        kept_peer_gone(&c->kept, gone.fingerprint, gone.name);
    if (gone.state != ROSTER_CONNECTED)
        on_early_end(c, gone.name, is_target, ev);
    else if (ev->type == DUET_EVENT_LOST)
        emit_peer(c, CHAT_LOST, gone.name, ev->text, 0);
    else if (ev->code != DUET_CLOSE_REPLACED) /* else a newer session with it goes on */
        emit_peer(c, CHAT_LEFT, gone.name, ev->code == DUET_CLOSE_OK ? NULL : ev->text, 0);
    if (!is_target)
        return;
    c->target = 0;
    if (ev->type == DUET_EVENT_LOST && c->ends_when_lost)
        chat_finish(c, EXIT_LOST, "the connection to %s was lost%s%s", gone.name, ev->text ? ": " : "",
                    ev->text ? ev->text : "");
}

/* ---- messages and files ---- */

static void on_text(struct chat *c, const struct duet_event *ev)
{
    const struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (p)
        chat_emit(c, &(struct chat_event){
                         .kind = CHAT_TEXT, .name = p->name, .key = p->fingerprint, .text = ev->text ? ev->text : ""});
}

static void on_delivered(struct chat *c, const struct duet_event *ev)
{
    const struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (p)
        receipts_came(&c->said, p->slot, ev->id);
    tell_ended(c);
}

/* OFFER and SENDING: a transfer begins. */
static void on_transfer(struct chat *c, const struct duet_event *ev)
{
    bool sending = ev->type == DUET_EVENT_SENDING;
    const struct roster_peer *p = roster_peer(&c->roster, ev->peer);
    struct roster_transfer *transfer = roster_add_transfer(&c->roster, ev->transfer);

    if (transfer) {
        transfer->peer = ev->peer;
        transfer->sending = sending;
        transfer->total_bytes = ev->bytes;
        transfer->state = !sending && ev->ok ? ROSTER_RUNNING : ROSTER_OFFERED;
        snprintf(transfer->name, sizeof transfer->name, "%s", ev->text ? ev->text : "");
    }
    chat_emit(c, &(struct chat_event){
                     .kind = sending ? CHAT_SENDING : CHAT_OFFER,
                     .name = p ? p->name : "",
                     .text = ev->text ? ev->text : "",
                     .id = ev->transfer,
                     .value = ev->bytes,
                     .flag = ev->ok,
                 });
}

static void on_transferred(struct chat *c, const struct duet_event *ev)
{
    bool sent = ev->type == DUET_EVENT_SENT;
    const struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    roster_remove_transfer(&c->roster, ev->transfer);
    if (sent && c->sends_open > 0)
        c->sends_open--;
    chat_emit(c, &(struct chat_event){
                     .kind = sent ? CHAT_SENT : CHAT_RECEIVED,
                     .name = p ? p->name : "",
                     .text = ev->text ? ev->text : "",
                     .id = ev->transfer,
                     .value = ev->bytes,
                 });
}

static void on_transfer_failed(struct chat *c, const struct duet_event *ev)
{
    roster_remove_transfer(&c->roster, ev->transfer);
    if (ev->ours && c->sends_open > 0)
        c->sends_open--;
    chat_tell(c, CHAT_ERROR, "%s", ev->text ? ev->text : err_text(ev->err));
}

static void on_progress(struct chat *c, const struct duet_event *ev)
{
    roster_update(&c->roster, ev->progress, client_now().us);
}

static void on_answer(struct chat *c, const struct duet_event *ev)
{
    for (size_t i = 0; i < CHAT_ASKS; i++) {
        struct chat_ask *ask = &c->asks[i];
        if (ask->id != ev->id || ev->id == 0)
            continue;
        ask->id = 0;
        if (ev->ok)
            emit_peer(c, CHAT_ANSWER, ask->name, ev->text, 0);
        else
            chat_tell(c, CHAT_ERROR, "%s: %s", ask->name, ev->text ? ev->text : "no answer");
        return;
    }
}

static void on_notice(struct chat *c, const struct duet_event *ev)
{
    chat_tell(c, ev->is_error ? CHAT_ERROR : CHAT_NOTICE, "%s", ev->text ? ev->text : "");
}

/* A message of ours that could not go out: no receipt will come. */
static void on_unsent(struct chat *c, const struct duet_event *ev)
{
    const struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (p)
        receipts_give_up(&c->said, p->slot, ev->id);
    tell_ended(c);
    chat_tell(c, CHAT_ERROR, "%s", ev->text);
}

/* One of the addresses of a call. */
static void on_tried(struct chat *c, const struct duet_event *ev)
{
    if (c->client->set->verbose)
        chat_tell(c, CHAT_NOTICE, "%s", ev->text);
}

/* That was the answer to the call, and the one who was called. */
static void on_already(struct chat *c, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&c->roster, ev->peer);

    if (admission_dial_over(&c->admission, ev->id, NULL) && p && p->state == ROSTER_CONNECTED) {
        p->dialled = true;
        chat_hand_over(c, p);
    }
    chat_tell(c, CHAT_NOTICE, "%s", ev->text);
}

static void on_stats(struct chat *c, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&c->roster, ev->peer);
    char rate[TEXT_SIZE_BYTES], addr[ADDR_TEXT_BYTES];

    if (!p)
        return;
    const struct duet_peer_stats *s = ev->stats;
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

static void on_stopped(struct chat *c, const struct duet_event *ev)
{
    c->stopped = true;
    if (c->over)
        return;
    chat_tell(c, CHAT_ERROR, "the network thread ended: %s", err_text(ev->err));
    chat_finish(c, EXIT_INTERNAL, "the network thread ended: %s", err_text(ev->err));
}

static const struct {
    enum duet_event_type type;
    void (*handle)(struct chat *c, const struct duet_event *ev);
} rules[] = {
    {DUET_EVENT_LISTENING, on_listening},
    {DUET_EVENT_LOOKING_UP, on_call},
    {DUET_EVENT_CALLING, on_call},
    {DUET_EVENT_TRIED, on_tried},
    {DUET_EVENT_FAILED, on_failed},
    {DUET_EVENT_ALREADY, on_already},
    {DUET_EVENT_KEY, on_peer_key},
    {DUET_EVENT_CONNECTED, on_connected},
    {DUET_EVENT_UNREACHABLE, on_silence},
    {DUET_EVENT_BACK, on_silence},
    {DUET_EVENT_LEFT, on_gone},
    {DUET_EVENT_LOST, on_gone},
    {DUET_EVENT_TEXT, on_text},
    {DUET_EVENT_DELIVERED, on_delivered},
    {DUET_EVENT_UNSENT, on_unsent},
    {DUET_EVENT_OFFER, on_transfer},
    {DUET_EVENT_SENDING, on_transfer},
    {DUET_EVENT_PROGRESS, on_progress},
    {DUET_EVENT_RECEIVED, on_transferred},
    {DUET_EVENT_SENT, on_transferred},
    {DUET_EVENT_TRANSFER_FAILED, on_transfer_failed},
    {DUET_EVENT_ANSWER, on_answer},
    {DUET_EVENT_STATS, on_stats},
    {DUET_EVENT_NOTICE, on_notice},
    {DUET_EVENT_STOPPED, on_stopped},
};

void chat_on_event(struct chat *c, const struct duet_event *ev)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if ((uint32_t)rules[i].type == ev->type)
            rules[i].handle(c, ev);
    chat_settle(c);
}

void chat_refresh_stats(struct chat *c)
{
    if (roster_count(&c->roster, ROSTER_CONNECTED) == 1)
        (void)duet_stats(c->client->node, roster_next_connected(&c->roster, NULL)->id);
}
