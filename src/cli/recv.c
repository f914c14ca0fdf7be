/*
 * duet recv: takes files, prints the final path of each on stdout, and ends when the peer that sent
 * them has left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/oneshot.h"
#include "cli/subcommand.h"
#include "client/exit.h"
#include "client/print.h"

struct recv {
    struct oneshot oneshot;
    bool keep, yes; /* of the command line */
    size_t received, refused, failed_here,
        failed;        /* failed: everything offered that did not come, the others among them */
    size_t begun_anew; /* of programs that crashed and came back: whether the files come again is yet to be seen */
    bool cut_short;    /* a peer was lost, or left, with files under way */
    bool unprinted;    /* a path could not be written to standard output */
};

static bool may_end(const struct recv *r)
{
    return !r->keep;
}

static int count_up(const struct recv *r)
{
    if (r->failed + r->begun_anew == 0)
        return r->unprinted ? EXIT_INTERNAL : EXIT_DONE;
    if (r->cut_short || r->begun_anew > 0)
        return EXIT_LOST;
    if (r->received == 0 && r->refused == r->failed)
        return EXIT_REFUSED;
    if (r->received == 0 && r->failed_here == r->failed)
        return EXIT_FILE;
    return EXIT_SOME_FAILED;
}

static void on_peer_key(struct oneshot *o, const struct duet_event *ev)
{
    admission_judge(&o->admission, ev, !o->client.has_target || admission_is_called(&o->admission, ev), client_now());
}

static void answer_offer(void *self, const struct question_about *about, bool yes)
{
    struct oneshot *o = self;
    struct roster_transfer *t = roster_transfer(&o->roster, about->transfer);

    (void)(yes ? duet_accept : duet_reject)(o->client.node, about->transfer);
    if (yes && t)
        t->state = ROSTER_RUNNING;
}

/* With -y the node has accepted it.  Otherwise somebody is asked, or it is refused. */
static void judge_offer(struct oneshot *o, const struct duet_event *ev, struct roster_transfer *t)
{
    const struct question_about about = {.peer = ev->peer, .transfer = ev->transfer};
    char size[TEXT_SIZE_BYTES];
    char question[ROSTER_NAME_BYTES + ROSTER_FILE_BYTES + 64];
    const struct recv *r = o->self;

    if (r->yes) {
        t->state = ROSTER_RUNNING;
        return;
    }
    progress_line_clear(&o->progress_line);
    snprintf(question, sizeof question, "%s offers %s (%s). Take it?", oneshot_peer_name(o, t->peer), t->name,
             text_size(t->total_bytes, size));
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        progress_line_error(&o->progress_line, "%s was refused: without -y, duet needs a terminal to ask on", t->name);
    else if (questions_add(&o->questions, &about, question, answer_offer))
        return;
    else
        progress_line_error(&o->progress_line, "%s was refused: too many questions are waiting for an answer", t->name);
    answer_offer(o, &about, false);
}

static void on_offer(struct oneshot *o, const struct duet_event *ev)
{
    struct roster_peer *p = roster_peer(&o->roster, ev->peer);
    struct roster_transfer *t = roster_add_transfer(&o->roster, ev->transfer);

    if (p)
        p->offered = true;
    if (!t) {
        (void)duet_reject(o->client.node, ev->transfer);
        return;
    }
    t->peer = ev->peer;
    t->total_bytes = ev->bytes;
    t->began_us = client_now().us;
    snprintf(t->name, sizeof t->name, "%s", ev->text ? ev->text : "");
    judge_offer(o, ev, t);
}

/* A full disk, or a reader that went away, is no reason to cut the other files short. */
static void print_path(struct recv *r, const char *path)
{
    print_lines(stdout, "", path);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    progress_line_error(&r->oneshot.progress_line,
                        "%s was received, but its path cannot be written to standard output: %s", path,
                        strerror(errno));
    clearerr(stdout);
    r->unprinted = true;
}

static void on_received(struct oneshot *o, const struct duet_event *ev)
{
    struct recv *r = o->self;
    const struct roster_transfer *t = roster_transfer(&o->roster, ev->transfer);
    uint64_t began_us = t ? t->began_us : client_now().us;

    r->received++;
    r->begun_anew -= r->begun_anew > 0;
    progress_line_clear(&o->progress_line);
    print_path(r, ev->text);
    progress_line_summary(&o->progress_line, "received", t ? t->name : ev->text, ev->bytes, client_now().us - began_us);
    roster_remove_transfer(&o->roster, ev->transfer);
}

static void on_file_failed(struct oneshot *o, const struct duet_event *ev)
{
    struct recv *r = o->self;
    const struct roster_transfer *t = roster_transfer(&o->roster, ev->transfer);
    struct roster_peer *p = roster_peer(&o->roster, ev->peer);
    bool by_us = ev->err == DUET_EREFUSED && t && t->state == ROSTER_OFFERED;

    if (p)
        p->offered = true; /* also what was refused out of hand */
    if (ev->err == DUET_EAGAIN)
        r->begun_anew++;
    else
        r->failed++;
    if (ev->err == DUET_EREFUSED || ev->err == DUET_ENAME)
        r->refused++;
    else if (ev->err == DUET_ESYS && ev->sys != 0)
        r->failed_here++;
    r->cut_short |= ev->err == DUET_ECLOSED;
    if (!by_us) /* else it was said, or answered, when it was offered */
        progress_line_error(&o->progress_line, "%s", ev->text ? ev->text : err_text(ev->err));
    roster_remove_transfer(&o->roster, ev->transfer);
}

static void on_failed(struct oneshot *o, const struct duet_event *ev)
{
    if (roster_count(&o->roster, ROSTER_CONNECTED) == 0)
        oneshot_finish(o, client_report_failure(&o->client, oneshot_peer_name(o, ev->peer), ev));
}

/* Left or lost. */
static void on_gone(struct oneshot *o, const struct duet_event *ev)
{
    struct recv *r = o->self;
    const struct roster_peer *p = roster_peer(&o->roster, ev->peer);
    int code = EXIT_DONE;

    if (!p) /* somebody we turned away */
        return;
    bool offered = p->offered;
    bool connected = p->state == ROSTER_CONNECTED;
    if (ev->type == DUET_EVENT_LEFT && ev->code == DUET_CLOSE_REPLACED) { /* its next session is about to come */
        roster_remove_peer(&o->roster, ev->peer);
        return;
    }
    progress_line_clear(&o->progress_line);
    if (connected && ev->type == DUET_EVENT_LEFT)
        progress_line_note(&o->progress_line, "%s left", p->name);
    else
        code = client_report_failure(&o->client, p->name, ev);
    roster_remove_peer(&o->roster, ev->peer);
    bool last = roster_count(&o->roster, ROSTER_CONNECTED) == 0;
    if (may_end(r) && last && (offered || o->client.has_target)) /* a stranger's coming and going ends nothing */
        oneshot_finish(o, code);
}

static const struct oneshot_rule rules[] = {
    {DUET_EVENT_LISTENING, oneshot_on_listening},
    {DUET_EVENT_TRIED, oneshot_on_call},
    {DUET_EVENT_ALREADY, oneshot_on_call},
    {DUET_EVENT_KEY, on_peer_key},
    {DUET_EVENT_CONNECTED, oneshot_on_connected},
    {DUET_EVENT_FAILED, on_failed},
    {DUET_EVENT_OFFER, on_offer},
    {DUET_EVENT_PROGRESS, oneshot_on_progress},
    {DUET_EVENT_RECEIVED, on_received},
    {DUET_EVENT_TRANSFER_FAILED, on_file_failed},
    {DUET_EVENT_UNREACHABLE, oneshot_on_silence},
    {DUET_EVENT_BACK, oneshot_on_silence},
    {DUET_EVENT_LEFT, on_gone},
    {DUET_EVENT_LOST, on_gone},
    {DUET_EVENT_TEXT, oneshot_on_text},
    {DUET_EVENT_NOTICE, oneshot_on_notice},
    {DUET_EVENT_STOPPED, oneshot_on_stopped},
    {DUET_EVENT_STOPPED, NULL},
};

static int run(struct options *o)
{
    const struct client_role role = {
        .receive_files = true,
        .accept_offers = o->yes,
        .serve = true,
        .give_up_us = o->settings.timeout_us,
    };

    if (o->arg_count > 0) {
        print_error("recv takes no arguments; to connect to a host: duet recv -c %s", o->args[0]);
        return EXIT_USAGE;
    }
    if (!o->settings.out_dir && client_check_dir(".") != EXIT_DONE)
        return EXIT_FILE;
    struct recv *r = calloc(1, sizeof *r);
    if (!r) {
        print_error("%s", err_text(DUET_ENOMEM));
        return EXIT_INTERNAL;
    }
    r->keep = o->keep;
    r->yes = o->yes;
    int code = oneshot_open(&r->oneshot, &o->settings, &role, rules, NULL, r);
    if (code == EXIT_DONE) {
        code = oneshot_run(&r->oneshot);
        oneshot_close(&r->oneshot);
        if (code == EXIT_DONE)
            code = count_up(r);
    }
    free(r);
    return code;
}

const struct subcommand subcommand_recv = {
    .name = "recv",
    .command = FOR_RECV,
    .usage = "recv [OPTIONS] [-c HOST[:PORT]] [-o DIR] [-y]",
    .summary = "receive files from the peer at HOST, or from one that connects",
    .more = "Prints the final path of each file on stdout. Without -y it asks about each offer on a terminal, and\n"
            "refuses where there is none. Ends when the peer that sent has left; with -k it waits for the next one.\n"
            "Exit codes: 0 everything offered arrived, 5 everything was refused, 6 the connection was lost with\n"
            "files under way, 8 some files failed.",
    .run = run,
};
