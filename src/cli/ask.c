/*
 * duet ask: runs one of the remote commands at a peer and prints its answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/appmsg.h"
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
    conn_id peer;
};

static void on_peer_key(struct oneshot *o, const struct msg *m)
{
    const struct ask *a = o->self;

    admission_judge(&o->admission, m, a->peer == 0 && admission_is_called(&o->admission, m), client_now());
}

static void on_admitted(struct oneshot *o, conn_id peer)
{
    struct ask *a = o->self;

    a->peer = peer;
}

static void on_connected(struct oneshot *o, const struct msg *m)
{
    const struct ask *a = o->self;

    if (o->client.set->verbose)
        oneshot_on_connected(o, m);
    if (m->peer != a->peer)
        return;
    if (!(m->value &
          HELLO_SERVES)) { /* said here: a peer that asks, too, is gone as soon as it learns the same of us */
        progress_line_error(&o->progress_line, "refused: the peer does not answer commands");
        oneshot_finish(o, EXIT_REFUSED);
        return;
    }
    if (client_send_text(&o->client, MSG_ASK, m->peer, ASK_ID, a->line) < 0)
        oneshot_finish(o, EXIT_INTERNAL);
}

static void on_answer(struct oneshot *o, const struct msg *m)
{
    if (m->err == DUET_ECLOSED)
        return; /* why follows */
    if (!m->flag) {
        progress_line_error(&o->progress_line, "%s", m->text ? m->text : "the peer gave no answer");
        oneshot_finish(o, EXIT_REFUSED);
        return;
    }
    print_lines(stdout, "", m->text ? m->text : "");
    oneshot_finish(o, EXIT_DONE);
}

static void on_gone(struct oneshot *o, const struct msg *m)
{
    const struct ask *a = o->self;

    if (m->type == MSG_FAILED ? a->peer != 0 : m->peer != a->peer)
        return;
    oneshot_finish(o, client_report_failure(&o->client, oneshot_peer_name(o, m->peer), m));
}

static const struct oneshot_rule rules[] = {
    {MSG_PEER_KEY, on_peer_key},
    {MSG_CONNECTED, on_connected},
    {MSG_FAILED, on_gone},
    {MSG_ANSWER, on_answer},
    {MSG_UNREACHABLE, oneshot_on_silence},
    {MSG_BACK, oneshot_on_silence},
    {MSG_LEFT, on_gone},
    {MSG_LOST, on_gone},
    {MSG_NOTICE, oneshot_on_notice},
    {MSG_STOPPED, oneshot_on_stopped},
    {MSG_STOPPED, NULL},
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
    const struct hub_config hub = {.give_up_us = o->settings.timeout_us};
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
        code = oneshot_open(&a->oneshot, &o->settings, &hub, rules, on_admitted, a);
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
