/*
 * duet id: prints own name and key fingerprint, making the key when there is none.
 */
#include <stdio.h>

#include "cli/subcommand.h"
#include "client/exit.h"
#include "client/print.h"
#include "crypto/fingerprint.h"
#include "io/identity.h"

static int run(struct options *o)
{
    struct identity id;
    char error[IDENTITY_ERROR_BYTES];
    char name[LIMIT_NAME_BYTES + 1];
    char print[FINGERPRINT_BYTES], line[LIMIT_NAME_BYTES + FINGERPRINT_BYTES + 2];

    if (o->arg_count > 0) {
        print_error("id takes no arguments");
        return EXIT_USAGE;
    }
    if (identity_open(&id, o->settings.home, error) < 0) {
        print_error("%s", error);
        return EXIT_INTERNAL;
    }
    identity_default_name(&id, name);
    snprintf(line, sizeof(line), "%s %s", o->settings.name ? o->settings.name : name,
             fingerprint(id.keys.public, print));
    print_lines(stdout, "", line);
    identity_wipe(&id);
    return EXIT_DONE;
}

const struct subcommand subcommand_id = {
    .name = "id",
    .command = FOR_ID,
    .usage = "id [OPTIONS]",
    .summary = "print your name and key fingerprint",
    .run = run,
};
