#include "chat/command.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

/* What may follow the command's name. */
enum argument_rule { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_NEEDED };

struct entry {
    enum command_id id;
    const char *name, *argument, *help;
};

static const struct entry entries[] = {
#define X(command_id, command_name, command_argument, command_help) \
    {.id = (command_id), .name = (command_name), .argument = (command_argument), .help = (command_help)},
    COMMAND_LIST(X)
#undef X
};
#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

/* The table says it in words for the user; the same words are the rule. */
static enum argument_rule rule_of(const struct entry *e)
{
    if (e->argument[0] == '\0')
        return ARGUMENT_NONE;
    return e->argument[0] == '[' ? ARGUMENT_OPTIONAL : ARGUMENT_NEEDED;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int finish(struct command *out, enum command_id id, char *text)
{
    out->id = id;
    out->text = text;
    return text ? 0 : DUET_ENOMEM;
}

__attribute__((format(printf, 2, 3))) static int finish_bad(struct command *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    return finish(out, COMMAND_BAD, text);
}

/* "~" or "~user" at the start becomes the home directory; what cannot be expanded stays. NULL: out of
 * memory. */
static char *expand_home(char *path)
{
    if (path[0] != '~')
        return path;
    size_t name_len = strcspn(path + 1, "/");
    const char *home = NULL;
    if (name_len == 0) {
        home = getenv("HOME");
    } else {
        char *name = strndup(path + 1, name_len);
        const struct passwd *user = name ? getpwnam(name) : NULL;
        home = user ? user->pw_dir : NULL;
        free(name);
    }
    if (!home)
        return path;
    char *whole = NULL;
    int len = asprintf(&whole, "%s%s", home, path + 1 + name_len);
    free(path);
    return len < 0 ? NULL : whole;
}

/* The rest of the line as a path.  Quotes around all of it are taken off; in double quotes and
 * outside of any, a backslash before a blank, quote or backslash takes away its meaning. */
static int finish_path(struct command *out, enum command_id id, const char *argument)
{
    size_t len = strlen(argument);
    char *path = malloc(len + 1);
    char quote = argument[0] == '"' || argument[0] == '\'' ? argument[0] : '\0';
    size_t used = 0;
    const char *at = argument + (quote ? 1 : 0);

    if (!path)
        return DUET_ENOMEM;
    for (; *at && (!quote || *at != quote); at++) {
        if (*at == '\\' && quote != '\'' && at[1] && strchr(" \t\"'\\", at[1]))
            at++;
        path[used++] = *at;
    }
    path[used] = '\0';
    if (quote && at[0] != quote) {
        free(path);
        return finish_bad(out, "the path starts with %c but does not end with it", quote);
    }
    if (quote && at[1] != '\0') {
        free(path);
        return finish_bad(out, "there is more after the closing %c", quote);
    }
    if (used == 0) {
        free(path);
        return finish_bad(out, "the path is empty");
    }
    return finish(out, id, quote ? path : expand_home(path));
}

static int parse_slash(const char *line, struct command *out)
{
    size_t name_len = strcspn(line + 1, " \t\n");
    const char *argument = line + 1 + name_len;
    const struct entry *e = NULL;

    for (size_t i = 0; i < ENTRY_COUNT && !e; i++)
        if (strlen(entries[i].name) == name_len && memcmp(entries[i].name, line + 1, name_len) == 0)
            e = &entries[i];
    if (!e) {
        char shown[64];
        text_sanitise(TEXT_LINE, line, name_len + 1, shown, sizeof shown);
        return finish_bad(out, "unknown command %s: /help lists them, // starts a message with a slash", shown);
    }
    while (is_blank(*argument))
        argument++;
    size_t len = strlen(argument);
    while (len > 0 && is_blank(argument[len - 1]) && !(len > 1 && argument[len - 2] == '\\'))
        len--;
    enum argument_rule rule = rule_of(e);
    if ((rule == ARGUMENT_NEEDED && len == 0) || (rule == ARGUMENT_NONE && len > 0))
        return finish_bad(out, "usage: /%s%s%s", e->name, *e->argument ? " " : "", e->argument);
    char *trimmed = strndup(argument, len);
    if (!trimmed || e->id != COMMAND_SEND)
        return finish(out, e->id, trimmed);
    int err = finish_path(out, e->id, trimmed);
    free(trimmed);
    return err;
}

int command_parse(const char *line, struct command *out)
{
    *out = (struct command){.id = COMMAND_NOTHING};
    if (line[0] == '/' && line[1] != '/')
        return parse_slash(line, out);
    if (line[0] == '/')
        line++;
    if (line[strspn(line, " \t\r\n")] == '\0')
        return 0;
    return finish(out, COMMAND_SAY, strdup(line));
}

void command_dispose(struct command *c)
{
    free(c->text);
    c->text = NULL;
}

size_t command_word(const char **rest, const char **word)
{
    const char *at = *rest;

    while (is_blank(*at))
        at++;
    *word = at;
    while (*at && !is_blank(*at))
        at++;
    size_t len = (size_t)(at - *word);
    while (is_blank(*at))
        at++;
    *rest = at;
    return len;
}

const char *command_help(size_t index, char out[COMMAND_HELP_BYTES])
{
    char left[48];

    if (index >= ENTRY_COUNT)
        return NULL;
    const struct entry *e = &entries[index];
    snprintf(left, sizeof left, "/%s%s%s", e->name, *e->argument ? " " : "", e->argument);
    snprintf(out, COMMAND_HELP_BYTES, "%-26s %s", left, e->help);
    return out;
}

const char *command_name(size_t index)
{
    return index < ENTRY_COUNT ? entries[index].name : NULL;
}
