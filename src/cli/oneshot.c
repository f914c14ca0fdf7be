#include "cli/oneshot.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "client/print.h"
#include "client/words.h"
#include "crypto/aead.h"
#include "io/clock.h"

/* ---- who is let in ---- */

static void on_key_answered(void *self, const struct msg *m, bool yes)
{
    struct job *j = self;

    admission_answer(&j->admission, m->peer, yes, clock_now());
}

static void ask_about_key(struct job *j, const struct stranger *s)
{
    const struct msg m = {.type = MSG_PEER_KEY, .peer = s->peer};

    if (questions_add(&j->questions, &m, s->question, on_key_answered))
        progress_clear(&j->progress);
    else
        admission_answer(&j->admission, s->peer, false, clock_now());
}

/* It left, or was lost, before it was let in. */
static void on_early_end(struct job *j, const struct stranger *s, const struct msg *why)
{
    questions_forget_peer(&j->questions, s->peer);
    if (s->dialled[0] != '\0')
        job_finish(j, program_report_failure(&j->program, s->key.name, why));
}

static void dispatch(struct job *j, const struct msg *m);

static void on_admission(void *self, const struct admission_event *ev)
{
    struct job *j = self;

    switch (ev->type) {
    case ADMISSION_WAITS:
        ask_about_key(j, ev->who);
        break;
    case ADMISSION_LET_IN:
        if (j->admitted)
            j->admitted(j, ev->who->peer);
        break;
    case ADMISSION_TURNED_AWAY:
        questions_forget_peer(&j->questions, ev->who->peer);
        if (ev->who->dialled[0] == '\0')
            break;
        progress_error(&j->progress, "%s", ev->text);
        job_finish(j, EXIT_TRUST);
        break;
    case ADMISSION_LEFT:
        on_early_end(j, ev->who, ev->why);
        break;
    case ADMISSION_TEXT:
        progress_note(&j->progress, "%s", ev->text);
        break;
    case ADMISSION_ERROR:
        progress_error(&j->progress, "%s", ev->text);
        break;
    case ADMISSION_CALLING:
        progress_note(&j->progress, "%s", ev->text);
        break;
    case ADMISSION_CALL_FAILED:
        (void)admission_dial_over(&j->admission, ev->why->id, NULL);
        dispatch(j, ev->why);
        break;
    case ADMISSION_STRANGER: /* the question names it */
        break;
    }
}

/* ---- running ---- */

int job_open(struct job *j, const struct settings *set, const struct hub_config *hub, const struct job_rule *rules,
             job_admitted *admitted, void *self)
{
    j->rules = rules;
    j->admitted = admitted;
    j->self = self;
    progress_init(&j->progress, set->quiet);
    admission_init(&j->admission, &j->program, &j->roster, on_admission, j);
    return program_open(&j->program, set, hub);
}

void job_close(struct job *j)
{
    progress_clear(&j->progress);
    program_close(&j->program);
    questions_dispose(&j->questions);
    roster_dispose(&j->roster);
}

void job_finish(struct job *j, int code)
{
    j->over = true;
    if (j->code == EXIT_DONE)
        j->code = code;
}

static void dispatch(struct job *j, const struct msg *m)
{
    if (m->type != MSG_PROGRESS)
        questions_make_way(&j->questions);
    if (m->type == MSG_TRANSFER_FAILED)
        questions_forget_offer(&j->questions, m->id);
    if ((m->type == MSG_LEFT || m->type == MSG_LOST) && admission_gone(&j->admission, m, clock_now()))
        return;
    for (const struct job_rule *rule = j->rules; rule->handler; rule++)
        if (rule->type == m->type)
            rule->handler(j, m);
}

/* The farewell: what is on its way arrives, unless somebody is in a hurry. */
static void say_goodbye(struct job *j)
{
    bool stopped = false;
    struct msg m;

    program_quit(&j->program, j->program.interrupted);
    while (!stopped && !j->program.interrupted) {
        program_wait(&j->program, -1, PROGRAM_FOREVER, NULL);
        for (int i = 0; i < PROGRAM_MESSAGES && !stopped && node_next(j->program.node, &m); i++) {
            stopped = m.type == MSG_STOPPED;
            msg_dispose(&m);
        }
    }
}

static void start_call(struct job *j)
{
    if (admission_dial(&j->admission, &j->program.target, clock_now()))
        return;
    progress_error(&j->progress, "could not connect to %s: %s", j->program.target.dialled, err_text(DUET_ENOMEM));
    job_finish(j, EXIT_INTERNAL); /* the first call has a place, and no lookup is before it */
}

int job_run(struct job *j)
{
    struct msg m;

    if (j->program.has_target)
        start_call(j);
    while (!j->over && !j->program.interrupted) {
        uint64_t again_us = QUESTIONS_LOOK_US;
        admission_tick(&j->admission, clock_now());
        if (j->over) /* a lookup ended it */
            break;
        if (j->questions.count == 0) /* else the line is taken */
            again_us = progress_show(&j->progress, &j->roster, clock_now().us);
        const uint64_t due_us = time_since(admission_due(&j->admission), clock_now());
        again_us = due_us < again_us ? due_us : again_us;
        questions_show(&j->questions);
        if (program_wait(&j->program, questions_fd(&j->questions), again_us, NULL) & WAKE_INPUT)
            questions_read(&j->questions, j);
        for (int i = 0; i < PROGRAM_MESSAGES && !j->over && node_next(j->program.node, &m); i++) {
            dispatch(j, &m);
            msg_dispose(&m);
        }
    }
    questions_make_way(&j->questions);
    progress_clear(&j->progress);
    say_goodbye(j);
    return j->program.interrupted ? EXIT_INTERRUPTED : j->code;
}

const char *job_peer_name(struct job *j, conn_id peer)
{
    const struct roster_peer *p = roster_peer(&j->roster, peer);

    return p ? p->name : "the peer";
}

void job_on_listening(struct job *j, const struct msg *m)
{
    const struct settings *set = j->program.set;
    char text[ADDR_TEXT_BYTES], providers[AEAD_PROVIDERS_TEXT_BYTES];

    /* Who connects does not care about the port, unless it was left open. */
    if (!j->program.has_target || set->verbose || (set->port_given && set->port == 0))
        progress_note(&j->progress, "listening on %s", words_endpoint(&m->addr, text));
    if (set->verbose)
        progress_note(&j->progress, "encryption: %s", aead_providers_text(providers));
}

void job_on_connected(struct job *j, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&j->roster, m->peer);

    if (!p)
        return;
    roster_enter(&j->roster, p, ROSTER_CONNECTED);
    progress_note(&j->progress, "connected to %s %s", p->name, p->fingerprint);
}

void job_on_progress(struct job *j, const struct msg *m)
{
    roster_update(&j->roster, m->progress, clock_now().us);
}

void job_on_silence(struct job *j, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&j->roster, m->peer);
    const uint64_t now_us = clock_now().us;
    char words[WORDS_SILENCE_BYTES];

    if (!p)
        return;
    p->unreachable = m->type == MSG_UNREACHABLE;
    p->silent_since_us = now_us > m->value ? now_us - m->value : 0;
    progress_note(&j->progress, "%s", words_silence(p->name, p->unreachable, m->value, words));
}

void job_on_text(struct job *j, const struct msg *m)
{
    char lead[ROSTER_NAME_BYTES + 4];

    if (j->progress.quiet)
        return;
    progress_clear(&j->progress);
    /* On every line of it, so that none can pass for one of ours. */
    snprintf(lead, sizeof lead, "<%s> ", job_peer_name(j, m->peer));
    say_lines(stderr, lead, m->text ? m->text : "");
}

void job_on_notice(struct job *j, const struct msg *m)
{
    if (m->flag)
        progress_error(&j->progress, "%s", m->text);
    else if (j->program.set->verbose)
        progress_note(&j->progress, "%s", m->text);
}

void job_on_stopped(struct job *j, const struct msg *m)
{
    progress_error(&j->progress, "the network thread ended: %s", err_text(m->err));
    job_finish(j, EXIT_INTERNAL);
}
