#include "chat/completion.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chat/command.h"

static enum input_completes complete_command(const char *before, size_t *start)
{
    static const char send[] = "/send ";

    if (before[0] == '/' && before[1] != '/' && !strpbrk(before, " \t")) {
        *start = 1;
        return INPUT_COMPLETES_WORDS;
    }
    if (strncmp(before, send, sizeof send - 1) != 0)
        return INPUT_COMPLETES_NOTHING;
    *start = sizeof send - 1;
    while (before[*start] == ' ')
        (*start)++;
    if (before[*start] == '"' || before[*start] == '\'')
        (*start)++;
    return INPUT_COMPLETES_PATHS;
}

/* The command parser knows how "~" is meant. */
static bool is_directory(const char *path)
{
    struct stat st;
    struct command c;
    char line[4096];
    bool directory;

    snprintf(line, sizeof line, "/send %s", path);
    if (command_parse(line, &c) < 0)
        return false;
    directory = c.id == COMMAND_SEND && stat(c.text, &st) == 0 && S_ISDIR(st.st_mode);
    command_dispose(&c);
    return directory;
}

const struct input_language completion_language = {
    .complete = complete_command,
    .word = command_name,
    .is_directory = is_directory,
};
