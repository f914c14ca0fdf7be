/*
 * What both halves of talk stand on: telling the face, and sending to everyone connected, or
 * keeping it for those for whom it is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "chat/chat.h"

void talk_emit(struct talk *t, const struct talk_event *ev)
{
    t->sink(t->face, ev);
}

void talk_tell(struct talk *t, enum talk_kind kind, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    talk_emit(t, &(struct talk_event){.kind = kind, .name = "", .text = text});
    free(text);
}

bool talk_is_alone(const struct talk *t)
{
    return roster_count(&t->roster, ROSTER_CONNECTED) == 0;
}

bool talk_is_dialling(const struct talk *t)
{
    const struct stranger *s;

    if (t->dialling)
        return true;
    for (size_t i = 0; i < ADMISSION_DIALS; i++)
        if (t->admission.dials[i].id != 0)
            return true;
    for (size_t i = 0; (s = admission_next(&t->admission, &i)) != NULL; i++)
        if (s->dialled[0] != '\0')
            return true;
    for (struct roster_peer *p = roster_from(&t->roster, 0); p != NULL; p = roster_from(&t->roster, p->slot + 1))
        if (p->state == ROSTER_TRUSTED && p->dialled)
            return true;
    return false;
}

/* ---- what goes to peers, now or when those come for whom it is ---- */

const char *talk_called_name(const struct talk *t)
{
    return t->dialling ? t->program->target.dialled : "the host you called";
}

static void tell_kept(struct talk *t, enum command_id id, const char *whom, const char *text)
{
    if (id == COMMAND_SEND)
        talk_tell(t, TALK_NOTICE, "%s is kept for %s: /cancel k%u drops it", text, whom, t->kept.last_file);
    else if (!t->told_kept && t->kept.absent_count == 1)
        talk_tell(t, TALK_NOTICE, "%s is not here: what you say is kept until %s comes back", whom, whom);
    else if (!t->told_kept && t->kept.absent_count > 1)
        talk_tell(t, TALK_NOTICE, "%s are not here: what you say is kept until they come back", whom);
    t->told_kept = true;
}

static void keep(struct talk *t, enum command_id id, uint32_t number, const char *text)
{
    const bool dialling = talk_is_dialling(t);
    char buffer[KEPT_WHOM_BYTES];
    const char *whom = kept_whom(&t->kept, dialling, buffer);

    if (kept_add(&t->kept, dialling, id, number, text)) {
        tell_kept(t, id, whom ? whom : talk_called_name(t), text);
        return;
    }
    t->undelivered++;
    talk_tell(t, TALK_ERROR, "not sent: too much is kept already");
}

/* To everyone connected, or only to one. */
static void say_now(struct talk *t, struct roster_peer *only, uint32_t number, const char *text)
{
    struct receipt *said = receipts_add(&t->said, number, strlen(text), t->roster.slot_count);

    if (!said) {
        t->undelivered++;
        talk_tell(t, TALK_ERROR, "not sent: too many messages are on their way already");
        return;
    }
    const size_t len = strlen(text);
    text_sanitise(TEXT_LINE, text, len < sizeof said->head ? len : sizeof said->head, said->head, sizeof said->head);
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));)
        if ((!only || p == only) && program_send_text(t->program, MSG_SAY, p->id, number, text) == 0)
            receipt_expect(said, p->slot);
    if (said->waiting > 0)
        return;
    receipts_drop(&t->said, said);
    t->undelivered++;
    talk_tell(t, TALK_ERROR, "not sent: %s", err_text(DUET_ENOMEM));
}

static void send_now(struct talk *t, const struct roster_peer *only, const char *path)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));) {
        if (only && p != only)
            continue;
        if (program_send_text(t->program, MSG_SEND, p->id, ++t->last_send, path) == 0)
            t->sends_open++;
        else
            talk_tell(t, TALK_ERROR, "not sent: %s", err_text(DUET_ENOMEM));
    }
}

/* "NAME COMMAND ARGS"; the name may be left out while only one peer is there. */
static struct roster_peer *ask_whom(struct talk *t, const char **rest)
{
    const char *at = *rest;
    const char *word;
    size_t len = command_word(&at, &word);
    char name[ROSTER_NAME_BYTES];
    bool ambiguous;

    /* A name may have blanks in it: the longest that fits. */
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));) {
        size_t n = strlen(p->name);
        if (strncmp(*rest, p->name, n) == 0 && (*rest)[n] == ' ') {
            struct roster_peer *only = roster_named(&t->roster, p->name, &ambiguous);
            if (only)
                *rest += n + 1;
            else
                talk_tell(t, TALK_ERROR, "more than one peer is called %s: use the start of the fingerprint", p->name);
            return only;
        }
    }
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), word);
    struct roster_peer *p = roster_named(&t->roster, name, &ambiguous);
    if (p) {
        *rest = at;
        return p;
    }
    if (roster_count(&t->roster, ROSTER_CONNECTED) == 1)
        return roster_next_connected(&t->roster, NULL);
    talk_tell(t, TALK_ERROR, "nobody called %s is connected", name);
    return NULL;
}

static void ask_now(struct talk *t, const char *argument)
{
    const char *rest = argument;
    struct roster_peer *p = ask_whom(t, &rest);
    size_t i = 0;

    if (!p)
        return;
    if (*rest == '\0') {
        talk_tell(t, TALK_ERROR, "ask %s what? echo, reverse, time, sum, status or ping", p->name);
        return;
    }
    while (i < TALK_ASKS && t->asks[i].id != 0)
        i++;
    if (i == TALK_ASKS || program_send_text(t->program, MSG_ASK, p->id, t->last_ask + 1, rest) < 0) {
        talk_tell(t, TALK_ERROR, "not asked: too many questions are open");
        return;
    }
    t->asks[i].id = ++t->last_ask;
    snprintf(t->asks[i].name, sizeof t->asks[i].name, "%s", p->name);
}

void talk_dispatch(struct talk *t, enum command_id id, uint32_t number, const char *text)
{
    if (talk_is_alone(t)) {
        keep(t, id, number, text);
        return;
    }
    kept_user_spoke(&t->kept);
    if (id == COMMAND_SAY)
        say_now(t, NULL, number, text);
    else if (id == COMMAND_SEND)
        send_now(t, NULL, text);
    else
        ask_now(t, text);
}

void talk_hand_over(struct talk *t, struct roster_peer *p)
{
    struct kept_item item;

    while (kept_take(&t->kept, p->fingerprint, p->dialled, &item)) {
        if (item.id == COMMAND_SAY)
            say_now(t, p, item.number, item.text);
        else if (item.id == COMMAND_SEND)
            send_now(t, p, item.text);
        else
            ask_now(t, item.text);
        free(item.text);
    }
}

void talk_drop_dialled(struct talk *t)
{
    struct kept_item item;
    size_t dropped = 0;

    if (talk_is_dialling(t))
        return;
    for (; kept_take_dialled(&t->kept, &item); dropped++)
        free(item.text);
    if (dropped == 0)
        return;
    t->undelivered += dropped;
    talk_tell(t, TALK_ERROR, "not sent: %zu %s for the host you called", dropped, dropped == 1 ? "line" : "lines");
}
