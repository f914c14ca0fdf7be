/*
 * option-table: what the program's tables say of its command line, for scripts/docs: a line each, fields between tabs,
 * "-" for none.
 *
 *   command NAME SUMMARY OPERAND
 *   option  LETTER NAME ARGUMENT CHOICES(|) COMMANDS HELP TEXT
 *   exit    CODE TEXT
 *
 * COMMANDS is all, net (all that talk to a peer) or a list with commas.  HELP is what --help says, TEXT what the man page
 * does, its sentences with "\n" (two characters) between them.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/option_table.h"
#include "cli/subcommand.h"
#include "client/exit.h"

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

static void print_commands(unsigned commands)
{
    const char *between = "";

    if (commands == FOR_ALL || commands == (FOR_ALL & ~(unsigned)FOR_ID)) {
        printf("%s", commands == FOR_ALL ? "all" : "net");
        return;
    }
    for (size_t i = 0; i < subcommand_count; i++) {
        if ((commands & (unsigned)subcommands[i]->command) == 0)
            continue;
        printf("%s%s", between, subcommands[i]->name);
        between = ",";
    }
}

static void print_choices(const struct option_entry *e)
{
    if (e->choice == NULL) {
        printf("%s", e->argument != NULL && strchr(e->argument, '|') != NULL ? e->argument : "-");
        return;
    }
    for (unsigned i = 0; e->choice(i) != NULL; i++)
        printf("%s%s", i > 0 ? "|" : "", e->choice(i));
}

static void print_sentences(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            printf("\\n");
        else
            putchar(*text);
    }
}

/* "Congestion controller: `bbr` (default) or `cubic`." */
static void print_text(const struct option_entry *e)
{
    if (e->man == NULL || e->choice != NULL) {
        printf("%c%s", toupper((unsigned char)e->help[0]), e->help + 1);
        for (unsigned i = 0; e->choice != NULL && e->choice(i) != NULL; i++)
            printf("%s`%s`%s",
                   i == 0                     ? ": "
                   : e->choice(i + 1) != NULL ? ", "
                                              : " or ",
                   e->choice(i), i == 0 ? " (default)" : "");
        printf(".%s", e->man != NULL ? "\\n" : "");
    }
    if (e->man != NULL)
        print_sentences(e->man);
}

int main(void)
{
    size_t count;
    const struct option_entry *table = option_table(&count);

    for (size_t i = 0; i < subcommand_count; i++)
        printf("command\t%s\t%s\t%s\n", subcommands[i]->name, subcommands[i]->summary,
               or_none(subcommands[i]->operand));
    for (size_t i = 0; i < count; i++) {
        printf("option\t%c\t%s\t%s\t", table[i].letter != 0 ? table[i].letter : '-', table[i].name,
               or_none(table[i].argument));
        print_choices(&table[i]);
        printf("\t");
        print_commands(table[i].commands);
        printf("\t%s\t", table[i].help);
        print_text(&table[i]);
        printf("\n");
    }
#define X(name, code, help, man) printf("exit\t%d\t%s\n", (code), (man) != NULL ? (const char *)(man) : (help));
    EXIT_LIST(X)
#undef X
    return 0;
}
