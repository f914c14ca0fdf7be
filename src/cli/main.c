/*
 * duet: finds the subcommand, parses its options, runs it.
 *
 * stdout is data (line-buffered, so that a pipe sees each line at once), everything else goes to
 * stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <duet/duet.h>

#include "base/text.h"
#include "cli/options.h"
#include "cli/subcommand.h"
#include "cli/suggest.h"
#include "client/exit.h"
#include "client/locale.h"
#include "client/memory.h"
#include "client/print.h"

#define HELP_COLUMNS 110
#define SUBCOMMANDS_MAX 16

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < subcommand_count; i++)
        if (strcmp(subcommands[i]->name, name) == 0)
            return subcommands[i];
    return NULL;
}

/* A word that is not a subcommand is chat's host, unless it looks like a slip of the finger. */
static const char *meant(const char *word)
{
    const char *names[SUBCOMMANDS_MAX + 1] = {NULL};

    if (strpbrk(word, ".:[%"))
        return NULL;
    for (size_t i = 0; i < subcommand_count && i < SUBCOMMANDS_MAX; i++)
        names[i] = subcommands[i]->name;
    if (suggest_distance(word, "receive") <= 1)
        return subcommand_recv.name;
    return suggest_word(word, names);
}

/* In lines of the width of the others. */
static void print_exit_codes(void)
{
    static const struct {
        int code;
        const char *words;
    } codes[] = {
#define X(name, code, help, man) {(code), (help)},
        EXIT_LIST(X)
#undef X
    };
    const size_t count = sizeof(codes) / sizeof(codes[0]);
    int column = printf("Exit codes:");

    for (size_t i = 0; i < count; i++) {
        char words[80];
        const int len =
            snprintf(words, sizeof(words), " %d %s%s", codes[i].code, codes[i].words, i + 1 < count ? "," : ".");

        if (column + len > HELP_COLUMNS)
            column = printf("\n%s", words + 1) - 1;
        else
            column += printf("%s", words);
    }
    printf("\n");
}

static void print_help(const struct subcommand *only)
{
    if (only) {
        printf("usage: duet %s\n\n%s\n", only->usage, only->summary);
        if (only->more)
            printf("\n%s\n", only->more);
        printf("\noptions:\n");
        options_print_help(stdout, only->command);
        return;
    }
    printf("duet: encrypted chat and file transfer between two terminals, over UDP\n\nusage:\n");
    for (size_t i = 0; i < subcommand_count; i++)
        printf("  duet %s\n      %s\n", subcommands[i]->usage, subcommands[i]->summary);
    printf("\nWithout a host, duet waits for peers to connect. Both sides may also connect at once.\n\noptions:\n");
    options_print_help(stdout, FOR_ALL);
    printf("\nSizes take k, M, G (1024) or kB, MB, GB (1000).\n");
    print_exit_codes();
}

/* In one line; with -v also what runs here. */
static void print_version(bool verbose)
{
    char providers[DUET_CIPHERS_BYTES];

    printf("duet %s\n", DUET_VERSION_STRING);
    if (verbose)
        printf("encryption: %s\n", duet_ciphers(providers));
}

/* Has everything that was printed arrived?  A full disk or a closed pipe must not look like
 * success. */
static int finish(int code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || code != EXIT_DONE)
        return code;
    print_error("cannot write to standard output: %s", strerror(errno));
    return EXIT_INTERNAL;
}

static int dispatch(int argc, char *argv[])
{
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    int word = options_first_word(argc, argv);
    const struct subcommand *command = word ? find(argv[word]) : NULL;
    const char *suggestion = word && !command ? meant(argv[word]) : NULL;

    if (suggestion) {
        char shown[80];
        text_sanitise(TEXT_LINE, argv[word], strlen(argv[word]), shown, sizeof shown);
        print_error("no command '%s': did you mean '%s'? (to connect to a host of that name: duet chat %s)", shown,
                    suggestion, shown);
        return EXIT_USAGE;
    }
    int skip = command ? word : 0;
    const struct subcommand *runs = command ? command : &subcommand_chat;
    if (options_parse(&o, runs->command, argc, argv, skip, error) < 0) {
        print_error("%s; try 'duet %s%s--help'", error, command ? command->name : "", command ? " " : "");
        return EXIT_USAGE;
    }
    int code = EXIT_DONE;
    if (o.help)
        print_help(command);
    else if (o.version)
        print_version(o.settings.verbose);
    else
        code = runs->run(&o);
    options_dispose(&o);
    return finish(code);
}

/* Started with 0, 1 or 2 closed, the next socket or file would get that number, and be read as
 * input or printed into. What takes the place behaves as the closed one would: no input, and output
 * that cannot be written. */
static bool hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char *argv[])
{
    memory_keep_to_itself();
    if (!hold_standard_streams())
        return EXIT_INTERNAL;
    if (locale_start() != NULL)
        print_error("%s", locale_note());
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return dispatch(argc, argv);
}
