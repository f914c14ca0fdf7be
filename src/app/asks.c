#include "app/asks.h"

#include <string.h>

#include "base/err.h"

static const char blanks[] = " \t\r\n";

static struct ask *entry_with(struct asks *a, uint32_t id)
{
    for (size_t i = 0; i < ASKS_MAX; i++) {
        if (a->v[i].id == id)
            return &a->v[i];
    }
    return NULL;
}

/* The next wire id: never 0, never one still in use (they wrap after 2^32). */
static uint32_t fresh_id(struct asks *a)
{
    do {
        a->last_id++;
    } while (a->last_id == 0 || entry_with(a, a->last_id) != NULL);
    return a->last_id;
}

int asks_add(struct asks *a, uint32_t ui_id, const char *line, duet_time now, struct appmsg *m)
{
    const char *command = line + strspn(line, blanks);
    const size_t command_len = strcspn(command, blanks);
    const char *arg = command + command_len + strspn(command + command_len, blanks);
    size_t arg_len = strlen(arg);
    struct ask *entry = a->count < ASKS_MAX ? entry_with(a, 0) : NULL;

    while (arg_len > 0 && strchr(blanks, arg[arg_len - 1]) != NULL)
        arg_len--;
    if (command_len == 0 || command_len > APPMSG_COMMAND_BYTES)
        return DUET_EINVAL;
    if (arg_len > APPMSG_ASK_BYTES)
        return DUET_ERANGE;
    if (entry == NULL)
        return DUET_EFULL;
    const uint32_t id = fresh_id(a);

    *entry = (struct ask){.id = id, .ui_id = ui_id, .asked_at = now};
    entry->ping = command_len == strlen("ping") && memcmp(command, "ping", command_len) == 0;
    a->count++;
    *m = (struct appmsg){.type = APPMSG_ASK, .id = id};
    m->ask.command = command;
    m->ask.command_len = command_len;
    m->ask.arg = arg;
    m->ask.arg_len = arg_len;
    return 0;
}

bool asks_take(struct asks *a, uint32_t id, struct ask *out)
{
    struct ask *entry = id != 0 ? entry_with(a, id) : NULL;

    if (entry == NULL)
        return false;
    *out = *entry;
    *entry = (struct ask){0};
    a->count--;
    return true;
}

bool asks_take_any(struct asks *a, struct ask *out)
{
    for (size_t i = 0; i < ASKS_MAX; i++) {
        if (a->v[i].id != 0)
            return asks_take(a, a->v[i].id, out);
    }
    return false;
}
