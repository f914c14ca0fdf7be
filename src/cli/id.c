/*
 * duet id: prints own name and key fingerprint, making the key when there is none.
 */
#include <stdio.h>

#include <duet/duet.h>

#include "cli/subcommand.h"
#include "client/exit.h"
#include "client/print.h"

static int run(struct options *o)
{
    struct duet_identity *id;
    char error[DUET_ERROR_BYTES];
    char print[DUET_FINGERPRINT_BYTES], line[DUET_NAME_BYTES + DUET_FINGERPRINT_BYTES + 2];

    if (o->arg_count > 0) {
        print_error("id takes no arguments");
        return EXIT_USAGE;
    }
    if (duet_identity_open(o->settings.home, &id, error) < 0) {
        print_error("%s", error);
        return EXIT_INTERNAL;
    }
    snprintf(line, sizeof(line), "%s %s", o->settings.name ? o->settings.name : duet_identity_name(id),
             duet_fingerprint(duet_identity_key(id), print));
    print_lines(stdout, "", line);
    duet_identity_free(id);
    return EXIT_DONE;
}

const struct subcommand subcommand_id = {
    .name = "id",
    .command = FOR_ID,
    .usage = "id [OPTIONS]",
    .summary = "print your name and key fingerprint",
    .run = run,
};
