#include "cli/oneshot.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "client/print.h"
#include "client/words.h"

/* ---- who is let in ---- */

static void on_key_answered(void *self, const struct question_about *about, bool yes)
{
    struct oneshot *o = self;

    admission_answer(&o->admission, about->peer, yes, client_now());
}

static void ask_about_key(struct oneshot *o, const struct stranger *s)
{
    const struct question_about about = {.peer = s->peer};

    if (questions_add(&o->questions, &about, s->question, on_key_answered))
        progress_line_clear(&o->progress_line);
    else
        admission_answer(&o->admission, s->peer, false, client_now());
}

/* It left, or was lost, before it was let in. */
static void on_early_end(struct oneshot *o, const struct stranger *s, const struct duet_event *why)
{
    questions_forget_peer(&o->questions, s->peer);
    if (s->dialled[0] != '\0')
        oneshot_finish(o, client_report_failure(&o->client, s->key.name, why));
}

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
    case ADMISSION_STRANGER: /* the question names it */
        break;
    }
}

/* ---- running ---- */

int oneshot_open(struct oneshot *o, const struct settings *set, const struct client_role *role,
                 const struct oneshot_rule *rules, oneshot_admitted *admitted, void *self)
{
    o->rules = rules;
    o->admitted = admitted;
    o->self = self;
    progress_line_init(&o->progress_line, set->quiet);
    admission_init(&o->admission, &o->client, &o->roster, on_admission, o);
    return client_open(&o->client, set, role);
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

static void dispatch(struct oneshot *o, const struct duet_event *ev)
{
    if (ev->type != DUET_EVENT_PROGRESS)
        questions_make_way(&o->questions);
    if (ev->type == DUET_EVENT_TRANSFER_FAILED && ev->transfer != 0)
        questions_forget_offer(&o->questions, ev->transfer);
    if (ev->type == DUET_EVENT_LOOKING_UP || ev->type == DUET_EVENT_CALLING)
        admission_on_call(&o->admission, ev);
    if (ev->type == DUET_EVENT_FAILED || ev->type == DUET_EVENT_ALREADY)
        (void)admission_dial_over(&o->admission, ev->id, NULL);
    if ((ev->type == DUET_EVENT_LEFT || ev->type == DUET_EVENT_LOST) && admission_gone(&o->admission, ev, client_now()))
        return;
    for (const struct oneshot_rule *rule = o->rules; rule->handler; rule++)
        if ((uint32_t)rule->type == ev->type)
            rule->handler(o, ev);
}

/* The farewell: what is on its way arrives, unless somebody is in a hurry. */
static void say_goodbye(struct oneshot *o)
{
    bool stopped = false;
    const struct duet_event *ev;

    client_quit(&o->client, o->client.interrupted);
    while (!stopped && !o->client.interrupted) {
        client_wait(&o->client, -1, CLIENT_FOREVER, NULL);
        for (int i = 0; i < CLIENT_MESSAGES && !stopped && (ev = client_next(&o->client)) != NULL; i++)
            stopped = ev->type == DUET_EVENT_STOPPED;
    }
}

static void start_call(struct oneshot *o)
{
    if (admission_dial(&o->admission, o->client.target))
        return;
    progress_line_error(&o->progress_line, "could not connect to %s: %s", o->client.target, err_text(DUET_ENOMEM));
    oneshot_finish(o, EXIT_INTERNAL); /* the first call has a place, and no other lookup is before it */
}

int oneshot_run(struct oneshot *o)
{
    const struct duet_event *ev;

    if (o->client.has_target)
        start_call(o);
    while (!o->over && !o->client.interrupted) {
        uint64_t again_us = QUESTIONS_LOOK_US;
        admission_tick(&o->admission, client_now());
        if (o->questions.count == 0) /* else the line is taken */
            again_us = progress_line_show(&o->progress_line, &o->roster, client_now().us);
        const uint64_t due_us = time_since(admission_due(&o->admission), client_now());
        again_us = due_us < again_us ? due_us : again_us;
        questions_show(&o->questions);
        if (client_wait(&o->client, questions_fd(&o->questions), again_us, NULL) & WAKE_INPUT)
            questions_read(&o->questions, o);
        for (int i = 0; i < CLIENT_MESSAGES && !o->over && (ev = client_next(&o->client)) != NULL; i++)
            dispatch(o, ev);
    }
    questions_make_way(&o->questions);
    progress_line_clear(&o->progress_line);
    say_goodbye(o);
    return o->client.interrupted ? EXIT_INTERRUPTED : o->code;
}

const char *oneshot_peer_name(struct oneshot *o, uint64_t peer)
{
    const struct roster_peer *p = roster_peer(&o->roster, peer);

    return p ? p->name : "the peer";
}

void oneshot_on_listening(struct oneshot *o, const struct duet_event *ev)
{
    const struct settings *set = o->client.set;
    char text[ADDR_TEXT_BYTES], providers[DUET_CIPHERS_BYTES];

    /* Who connects does not care about the port, unless it was left open. */
    if (!o->client.has_target || set->verbose || (set->port_given && set->port == 0))
        progress_line_note(&o->progress_line, "listening on %s", words_endpoint(ev->addr, text));
    if (set->verbose)
        progress_line_note(&o->progress_line, "encryption: %s", duet_ciphers(providers));
}

void oneshot_on_connected(struct oneshot *o, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&o->roster, ev->peer);

    if (!p)
        return;
    roster_enter(&o->roster, p, ROSTER_CONNECTED);
    progress_line_note(&o->progress_line, "connected to %s %s", p->name, p->fingerprint);
}

void oneshot_on_progress(struct oneshot *o, const struct duet_event *ev)
{
    roster_update(&o->roster, ev->progress, client_now().us);
}

void oneshot_on_silence(struct oneshot *o, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&o->roster, ev->peer);
    const uint64_t now_us = client_now().us;
    char words[WORDS_SILENCE_BYTES];

    if (!p)
        return;
    p->unreachable = ev->type == DUET_EVENT_UNREACHABLE;
    p->silent_since_us = now_us > ev->time_us ? now_us - ev->time_us : 0;
    progress_line_note(&o->progress_line, "%s", words_silence(p->name, p->unreachable, ev->time_us, words));
}

void oneshot_on_text(struct oneshot *o, const struct duet_event *ev)
{
    char lead[ROSTER_NAME_BYTES + 4];

    if (o->progress_line.quiet)
        return;
    progress_line_clear(&o->progress_line);
    /* On every line of it, so that none can pass for one of ours. */
    snprintf(lead, sizeof lead, "<%s> ", oneshot_peer_name(o, ev->peer));
    print_lines(stderr, lead, ev->text ? ev->text : "");
}

void oneshot_on_notice(struct oneshot *o, const struct duet_event *ev)
{
    if (ev->is_error)
        progress_line_error(&o->progress_line, "%s", ev->text);
    else if (o->client.set->verbose)
        progress_line_note(&o->progress_line, "%s", ev->text);
}

void oneshot_on_call(struct oneshot *o, const struct duet_event *ev)
{
    if (o->client.set->verbose)
        progress_line_note(&o->progress_line, "%s", ev->text);
}

void oneshot_on_stopped(struct oneshot *o, const struct duet_event *ev)
{
    progress_line_error(&o->progress_line, "the network thread ended: %s", err_text(ev->err));
    oneshot_finish(o, EXIT_INTERNAL);
}
