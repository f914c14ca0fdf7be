/*
 * The last words of a conversation: waiting for what is on its way, and telling what never arrived.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "chat/chat.h"

/* Our own leaving makes every peer "leave": that is no news. */
static bool is_news_at_the_end(const struct duet_event *ev)
{
    return ev->type != DUET_EVENT_LEFT && ev->type != DUET_EVENT_CONNECTED && ev->type != DUET_EVENT_KEY &&
           ev->type != DUET_EVENT_FAILED;
}

/* One of those who have not acknowledged it. */
static const char *name_waited_for(const struct chat *c, const struct receipt *m)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&c->roster, p));)
        if (receipt_waits_for(m, p->slot))
            return p->name;
    return "the peer";
}

static void begin_farewell(struct chat *c)
{
    struct client *client = c->client;
    const bool at_once = client->interrupted || c->code != EXIT_DONE;

    c->undelivered += c->kept.count;
    if (c->kept.count > 0)
        chat_tell(c, CHAT_ERROR, "%zu %s never sent", c->kept.count, c->kept.count == 1 ? "line was" : "lines were");
    if (c->said.count > 0 && !at_once)
        chat_tell(c, CHAT_NOTICE, "waiting for %s to receive %zu %s; /quit or ^C quits at once",
                  c->said.v[0].waiting > 1 ? "the peers" : name_waited_for(c, &c->said.v[0]), c->said.count,
                  c->said.count == 1 ? "line" : "lines");
    client_quit(client, at_once);
}

/* For whom it was kept. */
static const char *name_meant(const struct chat *c, const struct kept_item *item)
{
    switch (item->whom) {
    case KEPT_FOR_ANYONE:
        return "anybody";
    case KEPT_FOR_DIALLED:
        return chat_called_name(c);
    case KEPT_FOR_KEY:
        return item->name;
    }
    return "";
}

/* By its first words, one a line. */
static void write_undelivered(FILE *out, const struct chat *c)
{
    size_t named = 0;

    for (size_t i = 0; i < c->said.count && named < CHAT_UNDELIVERED_NAMED; i++, named++) {
        const struct receipt *m = &c->said.v[i];

        fprintf(out, "%snot delivered to %s: %s%s", named > 0 ? "\n" : "", name_waited_for(c, m), m->head,
                strlen(m->head) < m->bytes ? "..." : "");
    }
    for (size_t i = 0; i < c->kept.count && named < CHAT_UNDELIVERED_NAMED; i++, named++) {
        const struct kept_item *item = &c->kept.v[i];
        const size_t len = strlen(item->text);
        char head[RECEIPT_HEAD_BYTES];

        text_sanitise(TEXT_LINE, item->text, len < sizeof(head) ? len : sizeof(head), head, sizeof(head));
        fprintf(out, "%snever sent to %s: %s%s", named > 0 ? "\n" : "", name_meant(c, item), head,
                strlen(head) < len ? "..." : "");
    }
    if (c->said.count + c->kept.count > named)
        fprintf(out, "\nnot delivered: %zu more", c->said.count + c->kept.count - named);
}

/* What did not arrive, in lines on the heap; NULL: nothing, or no memory. */
static char *list_undelivered(const struct chat *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = c->said.count + c->kept.count > 0 ? open_memstream(&text, &len) : NULL;

    if (out == NULL)
        return NULL;
    write_undelivered(out, c);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* Lines that were said and not delivered make the exit code, if nothing else does. */
static void finish_undelivered(struct chat *c)
{
    char *names = list_undelivered(c);

    c->undelivered += c->said.count;
    if (names != NULL)
        chat_tell(c, CHAT_ERROR, "%s", names);
    if (c->undelivered > 0 && names != NULL && c->undelivered == c->said.count + c->kept.count)
        chat_finish(c, EXIT_LOST, "%s", names);
    else if (c->undelivered > 0)
        chat_finish(c, EXIT_LOST, "%zu of your lines never arrived%s%s", c->undelivered, names ? "\n" : "",
                    names ? names : "");
    free(names);
}

int chat_farewell(struct chat *c, chat_wait *wait)
{
    duet_time end = time_add(client_now(), CHAT_FAREWELL_US);
    struct client *client = c->client;
    const struct duet_event *ev;

    begin_farewell(c);
    while (!c->stopped && !c->hurried && !client->interrupted && time_before(client_now(), end)) {
        const uint64_t left_us = time_since(end, client_now());

        if (wait)
            wait(c->face, left_us);
        else
            client_wait(client, -1, left_us, NULL);
        for (int i = 0; i < CLIENT_MESSAGES && !c->stopped && (ev = client_next(client)) != NULL; i++)
            if (is_news_at_the_end(ev))
                chat_on_event(c, ev);
    }
    if (client->interrupted)
        return EXIT_INTERRUPTED;
    finish_undelivered(c);
    return c->code;
}
