/*
 * subcommand: one entry a subcommand; the file of each defines it, subcommand.c lists them.
 */
#ifndef DUET_CLI_SUBCOMMAND_H
#define DUET_CLI_SUBCOMMAND_H

#include "cli/options.h"

struct subcommand {
    const char *name;
    enum options_command command;
    const char *usage;             /* after "duet " */
    const char *summary;           /* one line */
    const char *operand;           /* what its arguments are: "PATH", "HOST[:PORT]", words with | between; NULL: none */
    const char *more;              /* paragraphs for its --help; NULL: none */
    int (*run)(struct options *o); /* → enum cli_exit */
};

extern const struct subcommand subcommand_chat;
extern const struct subcommand subcommand_send;
extern const struct subcommand subcommand_recv;
extern const struct subcommand subcommand_ask;
extern const struct subcommand subcommand_id;

/* All of them, as --help shows them. */
extern const struct subcommand *const subcommands[];
extern const size_t subcommand_count;

#endif
