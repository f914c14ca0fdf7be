/*
 * option_table: the rows of the one table of options, for what is made of them elsewhere: completions and the man page
 * (scripts/docs).  The parser and --help are in options.c, where the table is.
 */
#ifndef DUET_CLI_OPTION_TABLE_H
#define DUET_CLI_OPTION_TABLE_H

#include "cli/options.h"

/* The value's setter: 0, or -1 with what would have been right in `wanted`. */
typedef int option_setter(struct options *o, const char *value, const char **wanted);

/* One option.  Exactly one of flag_at, text_at and set says where its value goes. */
struct option_entry {
    const char *name;     /* without "--" */
    const char *argument; /* what --help calls its value, and completions know it by; NULL: a flag */
    const char *help;
    const char *man; /* sentences for the man page, one a line, `bold` and _ITALIC_, instead of `help`, or with
                        choices after it; NULL: `help` says it all */
    size_t flag_at;  /* offset of its bool */
    size_t text_at;  /* offset of its const char * */
    option_setter *set;
    const char *(*choice)(unsigned i); /* its values for --help, the default first, NULL past the end; NULL: no list */
    unsigned commands;                 /* enum options_command */
    char letter;                       /* 0: none */
};

const struct option_entry *option_table(size_t *count);

#endif
