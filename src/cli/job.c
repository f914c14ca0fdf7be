#include "duet/cli/job.h"

#include <stdio.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/base/time.h"
#include "duet/cli/say.h"
#include "duet/io/clock.h"

int job_open(struct job *j, const struct options *o, const struct hub_config *hub, const struct job_rule *rules,
             job_admitted *admitted, void *self)
{
    j->rules = rules;
    j->admitted = admitted;
    j->self = self;
    progress_init(&j->progress, o->quiet);
    return program_open(&j->program, o, hub);
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

/* A stranger that left is not asked about any more, and nobody waits for it.  Whoever we called, and was not judged yet,
 * is no stranger: its handler says why it left. */
static bool is_over_before_it_began(struct job *j, const struct msg *m)
{
    const struct roster_peer *p = roster_peer(&j->roster, m->peer);

    if ((m->type != MSG_LEFT && m->type != MSG_LOST) || !p || p->state != ROSTER_UNTRUSTED || j->program.has_target)
        return false;
    progress_note(&j->progress, "%s left before it was trusted", p->name);
    roster_remove_peer(&j->roster, m->peer);
    return true;
}

static void dispatch(struct job *j, const struct msg *m)
{
    if (m->type != MSG_PROGRESS)
        questions_make_way(&j->questions);
    if (m->type == MSG_LEFT || m->type == MSG_LOST)
        questions_forget_peer(&j->questions, m->peer);
    else if (m->type == MSG_TRANSFER_FAILED)
        questions_forget_offer(&j->questions, m->id);
    if (is_over_before_it_began(j, m))
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

int job_run(struct job *j)
{
    struct msg m;

    program_connect(&j->program);
    while (!j->over && !j->program.interrupted) {
        uint64_t again_us = QUESTIONS_LOOK_US;
        if (j->questions.count == 0) /* else the line is taken */
            again_us = progress_show(&j->progress, &j->roster, clock_now().us);
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

static void let_in(struct job *j, struct roster_peer *p, const struct msg *m)
{
    roster_enter(&j->roster, p, ROSTER_TRUSTED);
    fingerprint(m->peer_key->key, p->fingerprint);
}

static void decide(struct job *j, const struct msg *m, bool yes)
{
    struct roster_peer *p = roster_peer(&j->roster, m->peer);

    program_trust(&j->program, m, yes);
    if (yes)
        let_in(j, p, m);
    else
        roster_remove_peer(&j->roster, m->peer);
    j->admitted(j, m, yes);
}

/* Judged again: meanwhile somebody of that name may have been let in. */
static void answered(void *self, const struct msg *m, bool yes)
{
    struct job *j = self;
    char text[TRUST_TEXT_BYTES];
    enum trust_verdict verdict = program_judge(&j->program, m, text);

    if (yes && (verdict == TRUST_REFUSED || verdict == TRUST_CHANGED)) {
        progress_error(&j->progress, "%s", text);
        yes = false;
    }
    decide(j, m, yes);
}

void job_admit(struct job *j, const struct msg *m, bool wanted)
{
    struct roster_peer *p = wanted ? roster_add_peer(&j->roster, m->peer, &m->peer_key->addr) : NULL;
    char text[TRUST_TEXT_BYTES];

    if (!p) {
        if (wanted)
            progress_error(&j->progress, "%s was turned away: too many peers", m->peer_key->name);
        program_trust(&j->program, m, false);
        if (wanted)
            j->admitted(j, m, false);
        return;
    }
    snprintf(p->name, sizeof p->name, "%s", m->peer_key->name);
    enum trust_verdict verdict = program_judge(&j->program, m, text);
    if (verdict == TRUST_ASK && questions_add(&j->questions, m, text, answered)) {
        progress_clear(&j->progress);
        return;
    }
    if (verdict == TRUST_ASK)
        progress_error(&j->progress, "%s was turned away: too many wait for an answer about their key", p->name);
    else if (verdict != TRUST_YES)
        progress_error(&j->progress, "%s", text);
    decide(j, m, verdict == TRUST_YES);
}

const char *job_peer_name(struct job *j, conn_id peer)
{
    const struct roster_peer *p = roster_peer(&j->roster, peer);

    return p ? p->name : "the peer";
}

void job_on_listening(struct job *j, const struct msg *m)
{
    const struct options *o = j->program.o;
    char text[ADDR_TEXT_BYTES];

    /* Who connects does not care about the port, unless it was left open. */
    if (!j->program.has_target || o->verbose || (o->port_given && o->port == 0))
        progress_note(&j->progress, "listening on %s", program_endpoint_text(&m->addr, text));
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

void job_on_unreachable(struct job *j, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&j->roster, m->peer);
    uint64_t now_us = clock_now().us;

    if (!p)
        return;
    p->unreachable = true;
    p->silent_since_us = now_us > m->value ? now_us - m->value : 0;
    progress_note(&j->progress, "%s is unreachable since %llu s", p->name, (unsigned long long)(m->value / US_PER_S));
}

void job_on_back(struct job *j, const struct msg *m)
{
    struct roster_peer *p = roster_peer(&j->roster, m->peer);

    if (!p)
        return;
    p->unreachable = false;
    progress_note(&j->progress, "%s is back after %llu s", p->name, (unsigned long long)(m->value / US_PER_S));
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
    else if (j->program.o->verbose)
        progress_note(&j->progress, "%s", m->text);
}

void job_on_stopped(struct job *j, const struct msg *m)
{
    progress_error(&j->progress, "the network thread ended: %s", err_text(m->err));
    job_finish(j, EXIT_INTERNAL);
}
