/*
 * What both halves of a chat stand on: telling the face, and sending to everyone connected, or
 * keeping it for those for whom it is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "chat/chat.h"

void chat_emit(struct chat *c, const struct chat_event *ev)
{
    c->sink(c->face, ev);
}

void chat_tell(struct chat *c, enum chat_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    if (text == NULL)
        return;
    chat_emit(c, &(struct chat_event){.kind = kind, .name = "", .text = text});
    free(text);
}

bool chat_is_alone(const struct chat *c)
{
    return roster_count(&c->roster, ROSTER_CONNECTED) == 0;
}

bool chat_is_dialling(const struct chat *c)
{
    const struct stranger *s;

    if (c->dialling)
        return true;
    for (size_t i = 0; i < ADMISSION_DIALS; i++)
        if (c->admission.dials[i].id != 0)
            return true;
    for (size_t i = 0; (s = admission_next(&c->admission, &i)) != NULL; i++)
        if (s->dialled[0] != '\0')
            return true;
    for (struct roster_peer *p = roster_from(&c->roster, 0); p != NULL; p = roster_from(&c->roster, p->slot + 1))
        if (p->state == ROSTER_TRUSTED && p->dialled)
            return true;
    return false;
}

/* ---- what goes to peers, now or when those come for whom it is ---- */

const char *chat_called_name(const struct chat *c)
{
    return c->dialling ? c->client->target : "the host you called";
}

static void tell_kept(struct chat *c, enum command_id id, const char *whom, const char *text)
{
    if (id == COMMAND_SEND)
        chat_tell(c, CHAT_NOTICE, "%s is kept for %s: /cancel k%u drops it", text, whom, c->kept.last_file);
    else if (!c->told_kept && c->kept.absent_count == 1)
        chat_tell(c, CHAT_NOTICE, "%s is not here: what you say is kept until %s comes back", whom, whom);
    else if (!c->told_kept && c->kept.absent_count > 1)
        chat_tell(c, CHAT_NOTICE, "%s are not here: what you say is kept until they come back", whom);
    c->told_kept = true;
}

static void keep(struct chat *c, enum command_id id, uint32_t number, const char *text)
{
    const bool dialling = chat_is_dialling(c);
    char buffer[KEPT_WHOM_BYTES];
    const char *whom = kept_whom(&c->kept, dialling, buffer);

    if (kept_add(&c->kept, dialling, id, number, text)) {
        tell_kept(c, id, whom ? whom : chat_called_name(c), text);
        return;
    }
    c->undelivered++;
    chat_tell(c, CHAT_ERROR, "not sent: too much is kept already");
}

/* To everyone connected, or only to one. */
static void say_now(struct chat *c, struct roster_peer *only, uint32_t number, const char *text)
{
    struct receipt *said = receipts_add(&c->said, number, strlen(text), c->roster.slot_count);

    if (!said) {
        c->undelivered++;
        chat_tell(c, CHAT_ERROR, "not sent: too many messages are on their way already");
        return;
    }
    const size_t len = strlen(text);
    text_sanitise(TEXT_LINE, text, len < sizeof said->head ? len : sizeof said->head, said->head, sizeof said->head);
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));)
        if ((!only || p == only) && duet_say(c->client->node, p->id, number, text, strlen(text)) == 0)
            receipt_expect(said, p->slot);
    if (said->waiting > 0)
        return;
    receipts_drop(&c->said, said);
    c->undelivered++;
    chat_tell(c, CHAT_ERROR, "not sent: %s", err_text(DUET_ENOMEM));
}

static void send_now(struct chat *c, const struct roster_peer *only, const char *path)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));) {
        if (only && p != only)
            continue;
        if (duet_send_file(c->client->node, p->id, ++c->last_send, path) == 0)
            c->sends_open++;
        else
            chat_tell(c, CHAT_ERROR, "not sent: %s", err_text(DUET_ENOMEM));
    }
}

/* "NAME COMMAND ARGS"; the name may be left out while only one peer is there. */
static struct roster_peer *ask_whom(struct chat *c, const char **rest)
{
    const char *at = *rest;
    const char *word;
    size_t len = command_word(&at, &word);
    char name[ROSTER_NAME_BYTES];
    bool ambiguous;

    /* A name may have blanks in it: the longest that fits. */
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));) {
        size_t n = strlen(p->name);
        if (strncmp(*rest, p->name, n) == 0 && (*rest)[n] == ' ') {
            struct roster_peer *only = roster_named(&c->roster, p->name, &ambiguous);
            if (only)
                *rest += n + 1;
            else
                chat_tell(c, CHAT_ERROR, "more than one peer is called %s: use the start of the fingerprint", p->name);
            return only;
        }
    }
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), word);
    struct roster_peer *p = roster_named(&c->roster, name, &ambiguous);
    if (p) {
        *rest = at;
        return p;
    }
    if (roster_count(&c->roster, ROSTER_CONNECTED) == 1)
        return roster_next_connected(&c->roster, NULL);
    chat_tell(c, CHAT_ERROR, "nobody called %s is connected", name);
    return NULL;
}

static void ask_now(struct chat *c, const char *argument)
{
    const char *rest = argument;
    struct roster_peer *p = ask_whom(c, &rest);
    size_t i = 0;

    if (!p)
        return;
    if (*rest == '\0') {
        chat_tell(c, CHAT_ERROR, "ask %s what? echo, reverse, time, sum, status or ping", p->name);
        return;
    }
    while (i < CHAT_ASKS && c->asks[i].id != 0)
        i++;
    if (i == CHAT_ASKS || duet_ask(c->client->node, p->id, c->last_ask + 1, rest) < 0) {
        chat_tell(c, CHAT_ERROR, "not asked: too many questions are open");
        return;
    }
    c->asks[i].id = ++c->last_ask;
    snprintf(c->asks[i].name, sizeof c->asks[i].name, "%s", p->name);
}

void chat_dispatch(struct chat *c, enum command_id id, uint32_t number, const char *text)
{
    if (chat_is_alone(c)) {
        keep(c, id, number, text);
        return;
    }
    kept_user_spoke(&c->kept);
    if (id == COMMAND_SAY)
        say_now(c, NULL, number, text);
    else if (id == COMMAND_SEND)
        send_now(c, NULL, text);
    else
        ask_now(c, text);
}

void chat_hand_over(struct chat *c, struct roster_peer *p)
{
    struct kept_item item;

    while (kept_take(&c->kept, p->fingerprint, p->dialled, &item)) {
        if (item.id == COMMAND_SAY)
            say_now(c, p, item.number, item.text);
        else if (item.id == COMMAND_SEND)
            send_now(c, p, item.text);
        else
            ask_now(c, item.text);
        free(item.text);
    }
}

void chat_drop_dialled(struct chat *c)
{
    struct kept_item item;
    size_t dropped = 0;

    if (chat_is_dialling(c))
        return;
    for (; kept_take_dialled(&c->kept, &item); dropped++)
        free(item.text);
    if (dropped == 0)
        return;
    c->undelivered += dropped;
    chat_tell(c, CHAT_ERROR, "not sent: %zu %s for the host you called", dropped, dropped == 1 ? "line" : "lines");
}
