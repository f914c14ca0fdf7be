#include "duet/cli/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/base/text.h"
#include "duet/io/clock.h"

void talk_init(struct talk *t, struct program *p, talk_sink *sink, void *face)
{
    *t = (struct talk){.program = p, .sink = sink, .face = face, .dialling = p->has_target};
    t->refusals.told_at = t->changes.told_at = DUET_NEVER;
    if (p->has_target)
        talk_dial(t, &p->target, p->dialled);
}

void talk_dial(struct talk *t, const struct duet_addr *addr, const char *dialled)
{
    struct msg m = {.type = MSG_CONNECT, .id = ++t->last_dial, .addr = *addr};
    size_t i = 0;

    while (i < TALK_DIALS && t->dials[i].id != 0)
        i++;
    if (i == TALK_DIALS) {
        talk_tell(t, TALK_ERROR, "too many connections are being made already");
        return;
    }
    t->dials[i] = (struct talk_dial){.id = m.id, .addr = *addr};
    snprintf(t->dials[i].dialled, sizeof t->dials[i].dialled, "%s", dialled);
    node_send(t->program->node, &m);
}

static void forget_key(struct roster_peer *p)
{
    free(p->key);
    free(p->dialled);
    p->key = NULL;
    p->dialled = NULL;
}

void talk_dispose(struct talk *t)
{
    for (size_t i = 0; i < t->outbox_count; i++)
        free(t->outbox[i].text);
    receipts_dispose(&t->said);
    roster_dispose(&t->roster);
}

/* A trouble with HOST ends the program with its code; any other is only told. */
void talk_finish(struct talk *t, int code)
{
    t->over = true;
    if (t->code == EXIT_DONE)
        t->code = code;
}

bool talk_has_room(const struct talk *t)
{
    return t->outbox_count < TALK_OUTBOX / 2 && t->said.count < RECEIPTS_MAX / 2 &&
           t->outbox_bytes + t->said.bytes < TALK_SAID_BYTES;
}

void talk_end_of_input(struct talk *t)
{
    if (t->leaving == TALK_STAYS)
        t->leaving = TALK_DRAINS;
    talk_settle(t);
    if (!t->over)
        program_leave(t->program); /* a dead peer shall not hold up the end for ten minutes */
}

static bool is_receiving(const struct talk *t)
{
    for (size_t i = 0; i < t->roster.transfer_count; i++)
        if (!t->roster.transfers[i].sending && t->roster.transfers[i].state == ROSTER_RUNNING)
            return true;
    return false;
}

static bool is_asking(const struct talk *t)
{
    for (size_t i = 0; i < TALK_ASKS; i++)
        if (t->asks[i].id != 0)
            return true;
    return false;
}

/* Is there anything left to wait for, now that the user wants to leave? */
void talk_settle(struct talk *t)
{
    if (t->over || t->leaving == TALK_STAYS || t->dialling)
        return;
    if (t->leaving == TALK_DRAINS) {
        /* Who waits may wait on; a HOST that is gone will hardly come back. */
        if (t->outbox_count > 0 && !(talk_is_alone(t) && t->program->has_target))
            return;
        if (t->said.count > 0 || t->sends_open > 0 || is_asking(t) || is_receiving(t))
            return;
    }
    t->over = true;
}

/* ---- trust ---- */

static void decide(struct talk *t, struct roster_peer *p, bool yes)
{
    char error[IDENTITY_ERROR_BYTES];
    conn_id id = p->id;

    program_send(t->program, MSG_TRUST, id, 0, yes); /* first: the peer waits, and writing to disk takes its time */
    if (yes && trust_remember(&t->program->policy, p->key, p->dialled, error) < 0)
        talk_tell(t, TALK_ERROR, "%s", error);
    forget_key(p);
    if (yes) {
        roster_enter(&t->roster, p, ROSTER_TRUSTED);
        return;
    }
    roster_remove_peer(&t->roster, id);
    if (id == t->target)
        talk_finish(t, EXIT_TRUST);
}

/* Strangers that come again and again must not push the conversation off the screen.  Whom the user called is none. */
static void tell_refusal(struct talk *t, struct talk_refusals *r, const struct roster_peer *p, const char *text)
{
    const duet_time now = clock_now();

    if (!p->dialled && !time_is_never(r->told_at) && time_since(now, r->told_at) < TALK_REFUSALS_US) {
        r->untold++;
        return;
    }
    if (r->untold > 0)
        talk_tell(t, TALK_ERROR, "%zu more were turned away meanwhile", r->untold);
    *r = (struct talk_refusals){.told_at = now};
    talk_tell(t, TALK_ERROR, "%s", text);
}

/* Lets in or turns away whom the policy decides about, and asks about a stranger if nobody else is asked about. */
static void judge(struct talk *t, struct roster_peer *p)
{
    char text[TRUST_TEXT_BYTES];
    enum trust_verdict verdict = trust_judge(&t->program->policy, p->key, p->dialled, text);

    if (verdict == TRUST_ASK && roster_count(&t->roster, ROSTER_UNTRUSTED) <= TALK_STRANGERS) {
        if (t->question != 0)
            return; /* its turn comes */
        t->question = p->id;
        talk_tell(t, TALK_QUESTION, "%s (y/n)", text);
        return;
    }
    if (verdict == TRUST_ASK)
        snprintf(text, sizeof text, "%s was turned away: too many wait for an answer about their key", p->name);
    if (verdict != TRUST_YES)
        tell_refusal(t, verdict == TRUST_CHANGED ? &t->changes : &t->refusals, p, text);
    decide(t, p, verdict == TRUST_YES);
}

/* The next stranger.  Judged again: meanwhile the same key may have been let in. */
static void ask_next(struct talk *t)
{
    struct roster_peer *p = roster_from(&t->roster, 0);

    while (p && t->question == 0) {
        unsigned next = p->slot + 1;
        if (p->state == ROSTER_UNTRUSTED)
            judge(t, p);
        p = roster_from(&t->roster, next);
    }
}

void talk_answer(struct talk *t, const char *line)
{
    struct roster_peer *p = roster_peer(&t->roster, t->question);
    bool yes = strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
    bool no = strcasecmp(line, "n") == 0 || strcasecmp(line, "no") == 0;

    if (p && !yes && !no) {
        talk_tell(t, TALK_QUESTION, "trust the key of %s? Please answer y or n.", p->name);
        return;
    }
    t->question = 0;
    if (p)
        decide(t, p, yes);
    ask_next(t);
}

static struct talk_dial *dial_of(struct talk *t, uint32_t id, const struct duet_addr *addr)
{
    for (size_t i = 0; i < TALK_DIALS; i++) {
        struct talk_dial *d = &t->dials[i];
        if (d->id != 0 && (id != 0 ? d->id == id : addr && addr_equal(&d->addr, addr)))
            return d;
    }
    return NULL;
}

static void on_peer_key(struct talk *t, const struct msg *m)
{
    const struct msg_peer_key *key = m->peer_key;
    struct talk_dial *dial = dial_of(t, m->id, &key->addr);
    struct roster_peer *p = roster_add_peer(&t->roster, m->peer, &key->addr);
    struct msg_peer_key *copy = p ? malloc(sizeof *copy) : NULL;

    if (!copy) {
        roster_remove_peer(&t->roster, m->peer);
        program_send(t->program, MSG_TRUST, m->peer, 0, false);
        talk_tell(t, TALK_ERROR, "%s was turned away: too many peers", key->name);
        return;
    }
    *copy = *key;
    p->key = copy;
    if (dial) {
        p->dialled = strdup(dial->dialled);
        if (t->dialling && dial == &t->dials[0])
            t->target = m->peer;
        dial->id = 0;
    }
    snprintf(p->name, sizeof p->name, "%s", key->name);
    fingerprint(key->key, p->fingerprint);
    judge(t, p);
}

/* ---- peers ---- */

static void emit_peer(struct talk *t, enum talk_kind kind, const char *name, const char *text, uint64_t value)
{
    talk_emit(t, &(struct talk_event){.kind = kind, .name = name, .text = text ? text : "", .value = value});
}

static void on_listening(struct talk *t, const struct msg *m)
{
    char text[ADDR_TEXT_BYTES];

    emit_peer(t, TALK_LISTENING, "", program_endpoint_text(&m->addr, text), 0);
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
    talk_flush_outbox(t);
}

static void on_failed(struct talk *t, const struct msg *m)
{
    struct talk_dial *dial = dial_of(t, m->id, NULL);

    if (!dial)
        return;
    bool target = t->dialling && dial == &t->dials[0];
    talk_tell(t, TALK_ERROR, "could not connect to %s: %s", dial->dialled, program_failure_text(m));
    dial->id = 0;
    if (!target)
        return;
    t->dialling = false;
    talk_finish(t, m->err == DUET_EREFUSED ? EXIT_REFUSED : m->err == DUET_EAUTH ? EXIT_TRUST : EXIT_NO_CONNECTION);
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
        if (delivered)
            talk_emit(t, &(struct talk_event){.kind = TALK_DELIVERED, .name = "", .text = "", .id = number});
        else
            t->undelivered++;
    }
}

/* Before MSG_CONNECTED: one side did not want the other. */
static void on_gone_early(struct talk *t, const struct msg *m, const char *name)
{
    bool left = m->type == MSG_LEFT;
    const char *why = m->text && !(left && m->value == CLOSE_OK) ? m->text : "";

    if (left && m->value == CLOSE_TRUST)
        talk_tell(t, TALK_ERROR,
                  "%s does not trust our key: its owner must allow it (--accept-new, or --peer with what 'duet id' "
                  "prints here)",
                  name);
    else
        talk_tell(t, TALK_ERROR, "%s %s before we were connected%s%s", name, left ? "left" : "was lost",
                  *why ? ": " : "", why);
    if (m->peer != t->target)
        return;
    t->dialling = false;
    talk_finish(t, left && (m->value == CLOSE_TRUST || m->value == CLOSE_REFUSED) ? EXIT_REFUSED : EXIT_LOST);
}

static void on_gone(struct talk *t, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (!p) /* turned away by us */
        return;
    receipts_give_up(&t->said, p->slot, 0);
    tell_ended(t);
    forget_key(p);
    struct roster_peer gone = *p;
    roster_remove_peer(&t->roster, m->peer);
    if (gone.state != ROSTER_CONNECTED)
        on_gone_early(t, m, gone.name);
    else if (m->type == MSG_LOST)
        emit_peer(t, TALK_LOST, gone.name, m->text, 0);
    else if (m->value != CLOSE_REPLACED) /* else a newer session with it goes on */
        emit_peer(t, TALK_LEFT, gone.name, m->value == CLOSE_OK ? NULL : m->text, 0);
    if (t->question == m->peer) {
        t->question = 0;
        ask_next(t);
    }
    if (m->peer != t->target)
        return;
    t->target = 0;
    if (m->type == MSG_LOST && t->ends_when_lost)
        talk_finish(t, EXIT_LOST);
}

/* ---- messages and files ---- */

static void on_text(struct talk *t, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);

    if (p)
        emit_peer(t, TALK_TEXT, p->name, m->text, 0);
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
    const struct roster_peer *p = roster_peer(&t->roster, m->peer);
    struct talk_dial *dial = m->flag ? NULL : dial_of(t, m->id, NULL);

    if (m->flag && m->id != 0 && p) /* a message of ours that could not go out: no receipt will come */
        receipts_give_up(&t->said, p->slot, m->id);
    tell_ended(t);
    if (dial) /* "already connected": that was the answer to it */
        dial->id = 0;
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
    talk_finish(t, EXIT_INTERNAL);
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

/* Our own leaving makes every peer "leave": that is no news. */
static bool is_news_at_the_end(const struct msg *m)
{
    return m->type != MSG_LEFT && m->type != MSG_CONNECTED && m->type != MSG_PEER_KEY && m->type != MSG_FAILED;
}

int talk_farewell(struct talk *t)
{
    duet_time end = time_add(clock_now(), TALK_FAREWELL_US);
    struct program *p = t->program;
    struct msg m;

    t->undelivered += t->outbox_count;
    if (t->outbox_count > 0)
        talk_tell(t, TALK_ERROR, "%zu %s never sent", t->outbox_count,
                  t->outbox_count == 1 ? "line was" : "lines were");
    program_quit(p, p->interrupted || t->code != EXIT_DONE);
    while (!t->stopped && !p->interrupted && time_before(clock_now(), end)) {
        program_wait(p, -1, time_since(end, clock_now()), NULL);
        for (int i = 0; i < PROGRAM_MESSAGES && !t->stopped && node_next(p->node, &m); i++) {
            if (m.type == MSG_STOPPED || is_news_at_the_end(&m))
                talk_message(t, &m);
            msg_dispose(&m);
        }
    }
    t->undelivered += t->said.count;
    if (p->interrupted)
        return EXIT_INTERRUPTED;
    return t->code == EXIT_DONE && t->undelivered > 0 ? EXIT_LOST : t->code;
}
