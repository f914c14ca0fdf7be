/*
 * duet id: prints own name and key fingerprint, making the key when there is none.
 */
#include <stdio.h>

#include "duet/cli/exit.h"
#include "duet/cli/subcommand.h"
#include "duet/io/identity.h"

static int run(struct options *o)
{
    struct identity id;
    char error[IDENTITY_ERROR_BYTES];
    char name[LIMIT_NAME_BYTES + 1];
    char print[FINGERPRINT_BYTES];

    if (o->arg_count > 0) {
        fprintf(stderr, "duet: id takes no arguments\n");
        return EXIT_USAGE;
    }
    if (identity_open(&id, o->home, error) < 0) {
        fprintf(stderr, "duet: %s\n", error);
        return EXIT_INTERNAL;
    }
    identity_default_name(&id, name);
    printf("%s %s\n", o->name ? o->name : name, fingerprint(id.keys.public, print));
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
