/*
 * duet [chat]: talk on a screen, or in lines where there is no terminal (or with --plain).
 */
#include <stdio.h>
#include <unistd.h>

#include "chat/plain.h"
#include "chat/screen.h"
#include "cli/subcommand.h"
#include "client/client.h"
#include "client/exit.h"
#include "client/print.h"

static int run(struct options *o)
{
    const struct client_role role = {.receive_files = true, .accept_offers = o->yes, .serve = true};
    bool on_screen = !o->plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    struct client p;

    if (o->arg_count > 1) {
        print_error("one host at most: '%s' is one too many (/connect reaches more)", o->args[1]);
        return EXIT_USAGE;
    }
    o->settings.host = o->arg_count > 0 ? o->args[0] : NULL;
    int code = client_open(&p, &o->settings, &role);
    if (code != EXIT_DONE)
        return code;
    code = on_screen ? screen_run(&p) : -1;
    if (code < 0)
        code = plain_run(&p);
    client_close(&p);
    return code;
}

const struct subcommand subcommand_chat = {
    .name = "chat",
    .command = FOR_CHAT,
    .usage = "[chat] [OPTIONS] [HOST[:PORT]]",
    .summary = "talk and exchange files with the peer at HOST, or with those that connect",
    .operand = "HOST[:PORT]",
    .more = "Type /help inside. With --plain, or without a terminal, lines on stdin are messages or /commands, and\n"
            "events are lines on stdout. At the end of input duet leaves once everything sent is delivered.",
    .run = run,
};
