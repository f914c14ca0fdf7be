/*
 * options: the command line.  One table drives both the parser and --help.
 *
 * Options may stand anywhere, "--" ends them; "--opt=value", "--opt value", "-pVALUE",
 * "-p VALUE", flags may be joined ("-yk").  Sizes take k, M, G (powers of 1024, as in
 * coreutils; kB, MB, GB are powers of 1000).  Values are checked here, so what comes out
 * can be used as it is.  Strings point into argv.  Main thread.
 */
#ifndef DUET_CLI_OPTIONS_H
#define DUET_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/settings.h"

#define OPTIONS_ERROR_BYTES 320

/* Which subcommands know an option, as bits. */
enum options_command {
    FOR_CHAT = 1,
    FOR_SEND = 2,
    FOR_RECV = 4,
    FOR_ASK = 8,
    FOR_ID = 16,
    FOR_ALL = 31,
};

struct options {
    enum options_command command;
    struct settings settings; /* .host: -c, or chat's argument */
    bool plain, yes, keep, help, version;
    char **args; /* positional arguments, on the heap; they point into argv */
    size_t arg_count;
};

/* Index in argv of the first argument that is not an option nor an option's value, before any "--"; 0: none. */
int options_first_word(int argc, char *const argv[]);

/* Parses argv[1..] except argv[skip] (the subcommand's name; 0: none).  0 or DUET_EINVAL,
 * DUET_ENOMEM with a line in error. */
int options_parse(struct options *o, enum options_command command, int argc, char *argv[], int skip,
                  char error[OPTIONS_ERROR_BYTES]);
void options_dispose(struct options *o);

/* Prints the options of these commands, one or two lines each. */
void options_print_help(FILE *out, enum options_command command);

/* "64k" → 65536.  0 or DUET_EINVAL, DUET_ERANGE. */
int options_read_size(const char *text, uint64_t *bytes);

/* "2.5" → 2500000.  0 or DUET_EINVAL, DUET_ERANGE. */
int options_read_seconds(const char *text, uint64_t *span_us);

#endif
