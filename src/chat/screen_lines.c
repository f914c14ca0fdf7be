/*
 * screen_lines: what a chat tells, as lines of the scrollback.
 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "chat/screen_state.h"
#include "client/typed.h"
#include "client/words.h"
#include "ui/view.h"

static const char *time_of_day(char out[6])
{
    time_t now = (time_t)(client_wall_us() / US_PER_S);
    struct tm local;

    out[0] = '\0';
    if (localtime_r(&now, &local))
        strftime(out, 6, "%H:%M", &local);
    return out;
}

void screen_add(struct screen *s, enum line_kind kind, uint32_t id, const char *prefix, const char *text)
{
    char now[6];
    char *clean = text_sanitise_new(TEXT_MULTILINE, text, strlen(text));

    /* Without memory for a line there is none for words about it. */
    if (clean != NULL)
        (void)scrollback_add(&s->scrollback, kind, id, time_of_day(now), prefix, clean);
    free(clean);
    s->dirty = true;
}

__attribute__((format(printf, 3, 4))) static void addf(struct screen *s, enum line_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = text_format_new(format, args);
    va_end(args);
    if (text == NULL)
        return;
    screen_add(s, kind, 0, "", text);
    free(text);
}

void screen_add_typed(struct screen *s, enum text_form form, const char *bytes)
{
    char error[TYPED_ERROR_BYTES];
    char *text = typed_utf8(bytes, nl_langinfo(CODESET), error);
    const char *shown = text != NULL ? text : bytes;
    char *clean = text_sanitise_new(form, shown, strlen(shown));

    if (clean != NULL)
        screen_add(s, LINE_INFO, 0, "", clean);
    free(clean);
    free(text);
}

static void add_speech(struct screen *s, enum line_kind kind, const struct chat_event *ev)
{
    char prefix[ROSTER_NAME_BYTES + 4];

    snprintf(prefix, sizeof prefix, "<%s>", ev->name);
    screen_add(s, kind, ev->id, prefix, ev->text);
    if (kind == LINE_PEER)
        scrollback_paint(&s->scrollback, view_hue(ev->key));
}

static void add_peer_event(struct screen *s, const struct chat_event *ev)
{
    char words[WORDS_SILENCE_BYTES];
    const char *why = ev->text[0] ? ": " : "";

    if (ev->kind == CHAT_CONNECTED)
        addf(s, LINE_EVENT, "connected to %s %s", ev->name, ev->text);
    else if (ev->kind == CHAT_UNREACHABLE || ev->kind == CHAT_BACK)
        addf(s, LINE_EVENT, "%s", words_silence(ev->name, ev->kind == CHAT_UNREACHABLE, ev->value, words));
    else
        addf(s, LINE_EVENT, ev->kind == CHAT_LEFT ? "%s left%s%s" : "the connection to %s was lost%s%s", ev->name, why,
             ev->text);
}

static void add_file_event(struct screen *s, const struct chat_event *ev)
{
    char size[TEXT_SIZE_BYTES];

    text_size(ev->value, size);
    if (ev->kind == CHAT_OFFER && !ev->flag)
        addf(s, LINE_EVENT, "%s offers %s (%s): /accept %u or /reject %u", ev->name, ev->text, size, ev->id, ev->id);
    else if (ev->kind == CHAT_OFFER)
        addf(s, LINE_EVENT, "%s sends %s (%s)", ev->name, ev->text, size);
    else if (ev->kind == CHAT_SENDING)
        addf(s, LINE_EVENT, "offered %s (%s) to %s, transfer %u", ev->text, size, ev->name, ev->id);
    else if (ev->kind == CHAT_RECEIVED)
        addf(s, LINE_EVENT, "received %s (%s)", ev->text, size);
    else
        addf(s, LINE_EVENT, "%s has %s (%s)", ev->name, ev->text, size);
}

void screen_on_event(void *face, const struct chat_event *ev)
{
    struct screen *s = face;

    s->dirty = true;
    switch (ev->kind) {
    case CHAT_LISTENING:
        snprintf(s->listening, sizeof s->listening, "%s", ev->text);
        addf(s, LINE_EVENT, "listening on %s", ev->text);
        break;
    case CHAT_CONNECTED:
        s->stats_us = 0;
        add_peer_event(s, ev);
        break;
    case CHAT_UNREACHABLE:
    case CHAT_BACK:
    case CHAT_LEFT:
    case CHAT_LOST:
        add_peer_event(s, ev);
        break;
    case CHAT_TEXT:
        add_speech(s, LINE_PEER, ev);
        break;
    case CHAT_OWN:
        add_speech(s, LINE_OWN, ev);
        break;
    case CHAT_DELIVERED:
        scrollback_delivered(&s->scrollback, ev->id);
        break;
    case CHAT_OFFER:
    case CHAT_SENDING:
    case CHAT_RECEIVED:
    case CHAT_SENT:
        add_file_event(s, ev);
        break;
    case CHAT_ANSWER:
        addf(s, LINE_INFO, "%s answers: %s", ev->name, ev->text);
        break;
    case CHAT_ERROR:
        screen_add(s, LINE_ERROR, 0, "", ev->text);
        break;
    case CHAT_STRANGER:
    case CHAT_STRANGERS: /* the row above the input names them */
        break;
    case CHAT_NOTICE:
        screen_add(s, LINE_EVENT, 0, "", ev->text);
        break;
    case CHAT_INFO:
        screen_add(s, LINE_INFO, 0, "", ev->text);
        break;
    case CHAT_CLEAR:
        scrollback_clear(&s->scrollback);
        break;
    }
}
