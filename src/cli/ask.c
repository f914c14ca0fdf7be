/*
 * duet ask: runs one of the remote commands at a peer and prints its answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/oneshot.h"
#include "cli/subcommand.h"
#include "cli/suggest.h"
#include "client/exit.h"
#include "client/print.h"

#define ASK_ID 1
#define ASK_LINE_BYTES (16 * 1024)

static const char *const commands[] = {"echo", "reverse", "time", "sum", "status", "ping", NULL};

struct ask {
    struct oneshot oneshot;
    char line[ASK_LINE_BYTES];
    uint64_t peer;
};

static void on_peer_key(struct oneshot *o, const struct duet_event *ev)
{
    const struct ask *a = o->self;

    admission_judge(&o->admission, ev, a->peer == 0 && admission_is_called(&o->admission, ev), client_now());
}

static void on_admitted(struct oneshot *o, uint64_t peer)
{
    struct ask *a = o->self;

    a->peer = peer;
}

static void on_connected(struct oneshot *o, const struct duet_event *ev)
{
    const struct ask *a = o->self;

    if (o->client.set->verbose)
        oneshot_on_connected(o, ev);
    if (ev->peer != a->peer)
        return;
    if (!ev->serves) { /* said here: a peer that asks, too, is gone as soon as it learns the same of us */
        progress_line_error(&o->progress_line, "refused: the peer does not answer commands");
        oneshot_finish(o, EXIT_REFUSED);
        return;
    }
    if (duet_ask(o->client.node, ev->peer, ASK_ID, a->line) < 0)
        oneshot_finish(o, EXIT_INTERNAL);
}

static void on_answer(struct oneshot *o, const struct duet_event *ev)
{
    if (ev->err == DUET_ECLOSED)
        return; /* why follows */
    if (!ev->ok) {
        progress_line_error(&o->progress_line, "%s", ev->text ? ev->text : "the peer gave no answer");
        oneshot_finish(o, EXIT_REFUSED);
        return;
    }
    print_lines(stdout, "", ev->text ? ev->text : "");
    oneshot_finish(o, EXIT_DONE);
}

static void on_gone(struct oneshot *o, const struct duet_event *ev)
{
    const struct ask *a = o->self;

    if (ev->type == DUET_EVENT_FAILED ? a->peer != 0 : ev->peer != a->peer)
        return;
    oneshot_finish(o, client_report_failure(&o->client, oneshot_peer_name(o, ev->peer), ev));
}

static const struct oneshot_rule rules[] = {
    {DUET_EVENT_TRIED, oneshot_on_call},
    {DUET_EVENT_ALREADY, oneshot_on_call},
    {DUET_EVENT_KEY, on_peer_key},
    {DUET_EVENT_CONNECTED, on_connected},
    {DUET_EVENT_FAILED, on_gone},
    {DUET_EVENT_ANSWER, on_answer},
    {DUET_EVENT_UNREACHABLE, oneshot_on_silence},
    {DUET_EVENT_BACK, oneshot_on_silence},
    {DUET_EVENT_LEFT, on_gone},
    {DUET_EVENT_LOST, on_gone},
    {DUET_EVENT_NOTICE, oneshot_on_notice},
    {DUET_EVENT_STOPPED, oneshot_on_stopped},
    {DUET_EVENT_STOPPED, NULL},
};

/* The words as one line, blanks between them.  false: too long. */
static bool join(const struct options *o, char line[ASK_LINE_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < o->arg_count; i++) {
        int len = snprintf(line + used, ASK_LINE_BYTES - used, "%s%s", i > 0 ? " " : "", o->args[i]);
        if (len < 0 || (size_t)len >= ASK_LINE_BYTES - used)
            return false;
        used += (size_t)len;
    }
    return true;
}

static bool is_command(const char *word)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i], word) == 0)
            return true;
    return false;
}

static int check_usage(const struct options *o)
{
    if (!o->settings.host || o->arg_count == 0) {
        print_error("usage: duet %s", subcommand_ask.usage);
        return EXIT_USAGE;
    }
    if (is_command(o->args[0]))
        return EXIT_DONE;
    const char *meant = suggest_word(o->args[0], commands);
    char shown[80];
    text_sanitise(TEXT_LINE, o->args[0], strlen(o->args[0]), shown, sizeof shown);
    if (meant)
        print_error("no remote command '%s': did you mean '%s'?", shown, meant);
    else
        print_error("no remote command '%s': the commands are echo, reverse, time, sum, status and ping", shown);
    return EXIT_USAGE;
}

static int run(struct options *o)
{
    const struct client_role role = {.give_up_us = o->settings.timeout_us};
    int code = check_usage(o);

    if (code != EXIT_DONE)
        return code;
    struct ask *a = calloc(1, sizeof *a);
    if (!a) {
        print_error("%s", err_text(DUET_ENOMEM));
        return EXIT_INTERNAL;
    }
    if (!join(o, a->line)) {
        print_error("the arguments are longer than %d bytes", ASK_LINE_BYTES - 1);
        code = EXIT_USAGE;
    } else {
        code = oneshot_open(&a->oneshot, &o->settings, &role, rules, on_admitted, a);
        if (code == EXIT_DONE) {
            code = oneshot_run(&a->oneshot);
            oneshot_close(&a->oneshot);
        }
    }
    free(a);
    return code;
}

const struct subcommand subcommand_ask = {
    .name = "ask",
    .command = FOR_ASK,
    .usage = "ask [OPTIONS] -c HOST[:PORT] echo|reverse|time|sum|status|ping [ARG...]",
    .summary = "run a command on a peer and print its answer",
    .operand = "echo|reverse|time|sum|status|ping",
    .more = "Put arguments that start with '-' after --, as in: duet ask -c HOST -- sum -1 2",
    .run = run,
};
