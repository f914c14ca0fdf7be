/*
 * When a conversation ends: what is waited for once the user wants to leave.
 */
#include <stdarg.h>

#include "base/text.h"
#include "chat/chat.h"

/* A trouble with HOST ends the program with its code; any other is only told. */
void chat_finish(struct chat *c, int code, const char *format, ...)
{
    va_list args;

    c->over = true;
    if (c->code != EXIT_DONE)
        return;
    c->code = code;
    va_start(args, format);
    c->reason = text_format_new(format, args);
    va_end(args);
}

void chat_end_of_input(struct chat *c)
{
    if (c->leaving == CHAT_STAYS)
        c->leaving = CHAT_DRAINS;
    chat_settle(c);
    if (!c->over)
        client_leave(c->client); /* a dead peer shall not hold up the end for ten minutes */
}

static bool is_receiving(const struct chat *c)
{
    for (size_t i = 0; i < c->roster.transfer_count; i++)
        if (!c->roster.transfers[i].sending && c->roster.transfers[i].state == ROSTER_RUNNING)
            return true;
    return false;
}

static bool is_asking(const struct chat *c)
{
    for (size_t i = 0; i < CHAT_ASKS; i++)
        if (c->asks[i].id != 0)
            return true;
    return false;
}

/* Is there anything left to wait for, now that the user wants to leave? */
void chat_settle(struct chat *c)
{
    if (c->over || c->leaving == CHAT_STAYS || c->dialling)
        return;
    if (c->leaving == CHAT_DRAINS) {
        /* Who waits may wait on; a HOST that is gone will hardly come back. */
        if (c->kept.count > 0 && !c->client->has_target)
            return;
        if (c->said.count > 0 || c->sends_open > 0 || is_asking(c) || is_receiving(c))
            return;
    }
    c->over = true;
}
