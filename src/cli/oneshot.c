#include "cli/oneshot.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "client/print.h"
#include "client/words.h"
#include "crypto/aead.h"

/* ---- who is let in ---- */

static void on_key_answered(void *self, const struct msg *m, bool yes)
{
    struct oneshot *o = self;

    admission_answer(&o->admission, m->peer, yes, client_now());
}

static void ask_about_key(struct oneshot *o, const struct stranger *s)
{
    const struct msg m = {.type = MSG_PEER_KEY, .peer = s->peer};

    if (questions_add(&o->questions, &m, s->question, on_key_answered))
        progress_line_clear(&o->progress_line);
    else
        admission_answer(&o->admission, s->peer, false, client_now());
}

/* It left, or was lost, before it was let in. */
static void on_early_end(struct oneshot *o, const struct stranger *s, const struct msg *why)
{
    questions_forget_peer(&o->questions, s->peer);
    if (s->dialled[0] != '\0')
        oneshot_finish(o, client_report_failure(&o->client, s->key.name, why));
}

static void dispatch(struct oneshot *o, const struct msg *m);

static void on_admission(void *self, const struct admission_event *ev)
{
    struct oneshot *o = self;

    switch (ev->type) {
    case ADMISSION_WAITS:
        ask_about_key(o, ev->who);
        break;
    case ADMISSION_LET_IN:
        if (o->admitted)
            o->admitted(o, ev->who->peer);
        break;
    case ADMISSION_TURNED_AWAY:
        questions_forget_peer(&o->questions, ev->who->peer);
        if (ev->who->dialled[0] == '\0')
            break;
        progress_line_error(&o->progress_line, "%s", ev->text);
        oneshot_finish(o, EXIT_TRUST);
        break;
    case ADMISSION_LEFT:
        on_early_end(o, ev->who, ev->why);
        break;
    case ADMISSION_TEXT:
        progress_line_note(&o->progress_line, "%s", ev->text);
        break;
    case ADMISSION_ERROR:
        progress_line_error(&o->progress_line, "%s", ev->text);
        break;
    case ADMISSION_CALLING:
        progress_line_note(&o->progress_line, "%s", ev->text);
        break;
    case ADMISSION_CALL_FAILED:
        (void)admission_dial_over(&o->admission, ev->why->id, NULL);
        dispatch(o, ev->why);
        break;
    case ADMISSION_STRANGER: /* the question names it */
        break;
    }
}

/* ---- running ---- */

int oneshot_open(struct oneshot *o, const struct settings *set, const struct hub_config *hub,
                 const struct oneshot_rule *rules, oneshot_admitted *admitted, void *self)
{
    o->rules = rules;
    o->admitted = admitted;
    o->self = self;
    progress_line_init(&o->progress_line, set->quiet);
    admission_init(&o->admission, &o->client, &o->roster, on_admission, o);
    return client_open(&o->client, set, hub);
}

void oneshot_close(struct oneshot *o)
{
    progress_line_clear(&o->progress_line);
    client_close(&o->client);
    questions_dispose(&o->questions);
    roster_dispose(&o->roster);
}

void oneshot_finish(struct oneshot *o, int code)
{
    o->over = true;
    if (o->code == EXIT_DONE)
        o->code = code;
}

static void dispatch(struct oneshot *o, const struct msg *m)
{
    if (m->type != MSG_PROGRESS)
        questions_make_way(&o->questions);
    if (m->type == MSG_TRANSFER_FAILED)
        questions_forget_offer(&o->questions, m->id);
    if ((m->type == MSG_LEFT || m->type == MSG_LOST) && admission_gone(&o->admission, m, client_now()))
        return;
    for (const struct oneshot_rule *rule = o->rules; rule->handler; rule++)
        if (rule->type == m->type)
            rule->handler(o, m);
}

/* The farewell: what is on its way arrives, unless somebody is in a hurry. */
static void say_goodbye(struct oneshot *o)
{
    bool stopped = false;
    struct msg m;

    client_quit(&o->client, o->client.interrupted);
    while (!stopped && !o->client.interrupted) {
        client_wait(&o->client, -1, CLIENT_FOREVER, NULL);
        for (int i = 0; i < CLIENT_MESSAGES && !stopped && node_next(o->client.node, &m); i++) {
            stopped = m.type == MSG_STOPPED;
            msg_dispose(&m);
        }
    }
}

static void start_call(struct oneshot *o)
{
    if (admission_dial(&o->admission, &o->client.target, client_now()))
        return;
    progress_line_error(&o->progress_line, "could not connect to %s: %s", o->client.target.dialled,
                        err_text(DUET_ENOMEM));
    oneshot_finish(o, EXIT_INTERNAL); /* the first call has a place, and no lookup is before it */
}

int oneshot_run(struct oneshot *o)
{
    struct msg m;

    if (o->client.has_target)
        start_call(o);
    while (!o->over && !o->client.interrupted) {
        uint64_t again_us = QUESTIONS_LOOK_US;
        admission_tick(&o->admission, client_now());
        if (o->over) /* a lookup ended it */
            break;
        if (o->questions.count == 0) /* else the line is taken */
            again_us = progress_line_show(&o->progress_line, &o->roster, client_now().us);
        const uint64_t due_us = time_since(admission_due(&o->admission), client_now());
        again_us = due_us < again_us ? due_us : again_us;
        questions_show(&o->questions);
        if (client_wait(&o->client, questions_fd(&o->questions), again_us, NULL) & WAKE_INPUT)
            questions_read(&o->questions, o);
        for (int i = 0; i < CLIENT_MESSAGES && !o->over && node_next(o->client.node, &m); i++) {
            dispatch(o, &m);
            msg_dispose(&m);
        }
    }
    questions_make_way(&o->questions);
    progress_line_clear(&o->progress_line);
    say_goodbye(o);
    return o->client.interrupted ? EXIT_INTERRUPTED : o->code;
}

const char *oneshot_peer_name(struct oneshot *o, conn_id peer)
{
    const struct roster_peer *p = roster_peer(&o->roster, peer);

    return p ? p->name : "the peer";
}

void oneshot_on_listening(struct oneshot *o, const struct msg *m)
{
    const struct settings *set = o->client.set;
    char text[ADDR_TEXT_BYTES], providers[AEAD_PROVIDERS_TEXT_BYTES];

    /* Who connects does not care about the port, unless it was left open. */
    if (!o->client.has_target || set->verbose || (set->port_given && set->port == 0))
        progress_line_note(&o->progress_line, "listening on %s", words_endpoint(&m->addr, text));
    if (set->verbose)
        progress_line_note(&o->progress_line, "encryption: %s", aead_providers_text(providers));
}

void oneshot_on_connected(struct oneshot *o, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&o->roster, m->peer);

    if (!p)
        return;
    roster_enter(&o->roster, p, ROSTER_CONNECTED);
    progress_line_note(&o->progress_line, "connected to %s %s", p->name, p->fingerprint);
}

void oneshot_on_progress(struct oneshot *o, const struct msg *m)
{
    roster_update(&o->roster, m->progress, client_now().us);
}

void oneshot_on_silence(struct oneshot *o, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&o->roster, m->peer);
    const uint64_t now_us = client_now().us;
    char words[WORDS_SILENCE_BYTES];

    if (!p)
        return;
    p->unreachable = m->type == MSG_UNREACHABLE;
    p->silent_since_us = now_us > m->value ? now_us - m->value : 0;
    progress_line_note(&o->progress_line, "%s", words_silence(p->name, p->unreachable, m->value, words));
}

void oneshot_on_text(struct oneshot *o, const struct msg *m)
{
    char lead[ROSTER_NAME_BYTES + 4];

    if (o->progress_line.quiet)
        return;
    progress_line_clear(&o->progress_line);
    /* On every line of it, so that none can pass for one of ours. */
    snprintf(lead, sizeof lead, "<%s> ", oneshot_peer_name(o, m->peer));
    print_lines(stderr, lead, m->text ? m->text : "");
}

void oneshot_on_notice(struct oneshot *o, const struct msg *m)
{
    if (m->flag)
        progress_line_error(&o->progress_line, "%s", m->text);
    else if (o->client.set->verbose)
        progress_line_note(&o->progress_line, "%s", m->text);
}

void oneshot_on_stopped(struct oneshot *o, const struct msg *m)
{
    progress_line_error(&o->progress_line, "the network thread ended: %s", err_text(m->err));
    oneshot_finish(o, EXIT_INTERNAL);
}
