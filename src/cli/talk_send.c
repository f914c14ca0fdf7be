/*
 * What both halves of talk stand on: telling the face, and sending to everyone connected, or into the outbox until
 * somebody is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duet/base/err.h"
#include "duet/base/text.h"
#include "duet/cli/talk.h"

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

/* ---- what goes to peers, now or when somebody comes ---- */

static void enqueue(struct talk *t, enum command_id id, uint32_t number, const char *text)
{
    char *copy = t->outbox_count < TALK_OUTBOX ? strdup(text) : NULL;

    if (!copy) {
        t->undelivered++;
        talk_tell(t, TALK_ERROR, "not sent: too much waits for somebody to connect");
        return;
    }
    t->outbox_bytes += strlen(copy);
    t->outbox[t->outbox_count++] = (struct talk_waiting){.id = id, .number = number, .text = copy};
}

static void say_now(struct talk *t, uint32_t number, const char *text)
{
    struct receipt *said = receipts_add(&t->said, number, strlen(text), t->roster.slot_count);

    if (!said) {
        t->undelivered++;
        talk_tell(t, TALK_ERROR, "not sent: too many messages are on their way");
        return;
    }
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));)
        if (program_send_text(t->program, MSG_SAY, p->id, number, text) == 0)
            receipt_expect(said, p->slot);
    if (said->waiting > 0)
        return;
    receipts_drop(&t->said, said);
    t->undelivered++;
    talk_tell(t, TALK_ERROR, "not sent: %s", err_text(DUET_ENOMEM));
}

static void send_now(struct talk *t, const char *path)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));) {
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
        talk_tell(t, TALK_ERROR, "ask %s what? echo, reverse, time, sum or ping", p->name);
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
    if (talk_is_alone(t))
        enqueue(t, id, number, text);
    else if (id == COMMAND_SAY)
        say_now(t, number, text);
    else if (id == COMMAND_SEND)
        send_now(t, text);
    else
        ask_now(t, text);
}

void talk_flush_outbox(struct talk *t)
{
    struct talk_waiting queue[TALK_OUTBOX];
    size_t count = t->outbox_count;

    memcpy(queue, t->outbox, count * sizeof queue[0]);
    t->outbox_count = 0;
    t->outbox_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct talk_waiting *w = &queue[i];
        talk_dispatch(t, w->id, w->number, w->text);
        free(w->text);
    }
}
