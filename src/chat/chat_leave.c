/*
 * How a conversation ends: what is waited for once the user wants to leave, and the farewell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/chat.h"
#include "io/clock.h"

void talk_end_of_input(struct talk *t)
{
    if (t->leaving == TALK_STAYS)
        t->leaving = TALK_DRAINS;
    talk_settle(t);
    if (!t->over)
        program_leave(t->program); /* a dead peer shall not hold up the end for ten minutes */
}

static bool is_receiving(const struct talk *t)
{
    for (size_t i = 0; i < t->roster.transfer_count; i++)
        if (!t->roster.transfers[i].sending && t->roster.transfers[i].state == ROSTER_RUNNING)
            return true;
    return false;
}

static bool is_asking(const struct talk *t)
{
    for (size_t i = 0; i < TALK_ASKS; i++)
        if (t->asks[i].id != 0)
            return true;
    return false;
}

/* Is there anything left to wait for, now that the user wants to leave? */
void talk_settle(struct talk *t)
{
    if (t->over || t->leaving == TALK_STAYS || t->dialling)
        return;
    if (t->leaving == TALK_DRAINS) {
        /* Who waits may wait on; a HOST that is gone will hardly come back. */
        if (t->kept.count > 0 && !t->program->has_target)
            return;
        if (t->said.count > 0 || t->sends_open > 0 || is_asking(t) || is_receiving(t))
            return;
    }
    t->over = true;
}

/* Our own leaving makes every peer "leave": that is no news. */
static bool is_news_at_the_end(const struct msg *m)
{
    return m->type != MSG_LEFT && m->type != MSG_CONNECTED && m->type != MSG_PEER_KEY && m->type != MSG_FAILED;
}

/* One of those who have not acknowledged it. */
static const char *name_waited_for(const struct talk *t, const struct receipt *m)
{
    for (struct roster_peer *p = NULL; (p = roster_next_connected(&t->roster, p));)
        if (receipt_waits_for(m, p->slot))
            return p->name;
    return "the peer";
}

static void begin_farewell(struct talk *t)
{
    struct program *p = t->program;
    const bool at_once = p->interrupted || t->code != EXIT_DONE;

    t->undelivered += t->kept.count;
    if (t->kept.count > 0)
        talk_tell(t, TALK_ERROR, "%zu %s never sent", t->kept.count, t->kept.count == 1 ? "line was" : "lines were");
    if (t->said.count > 0 && !at_once)
        talk_tell(t, TALK_NOTICE, "waiting for %s to receive %zu %s; /quit or ^C quits at once",
                  t->said.v[0].waiting > 1 ? "the peers" : name_waited_for(t, &t->said.v[0]), t->said.count,
                  t->said.count == 1 ? "line" : "lines");
    program_quit(p, at_once);
}

/* What was said and did not arrive, by its first words, in lines on the heap; NULL: nothing, or no
 * memory. */
static char *list_undelivered(const struct talk *t)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = t->said.count > 0 ? open_memstream(&text, &len) : NULL;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < t->said.count && i < TALK_UNDELIVERED_NAMED; i++) {
        const struct receipt *m = &t->said.v[i];

        fprintf(out, "%snot delivered to %s: %s%s", i > 0 ? "\n" : "", name_waited_for(t, m), m->head,
                strlen(m->head) < m->bytes ? "..." : "");
    }
    if (t->said.count > TALK_UNDELIVERED_NAMED)
        fprintf(out, "\nnot delivered: %zu more", t->said.count - TALK_UNDELIVERED_NAMED);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* Lines that were said and not delivered make the exit code, if nothing else does. */
static void finish_undelivered(struct talk *t)
{
    char *names = list_undelivered(t);

    t->undelivered += t->said.count;
    if (names != NULL)
        talk_tell(t, TALK_ERROR, "%s", names);
    if (t->undelivered > 0 && names != NULL && t->undelivered == t->said.count)
        talk_finish(t, EXIT_LOST, "%s", names);
    else if (t->undelivered > 0)
        talk_finish(t, EXIT_LOST, "%zu of your lines never arrived%s%s", t->undelivered, names ? "\n" : "",
                    names ? names : "");
    free(names);
}

int talk_farewell(struct talk *t, talk_wait *wait)
{
    duet_time end = time_add(clock_now(), TALK_FAREWELL_US);
    struct program *p = t->program;
    struct msg m;

    begin_farewell(t);
    while (!t->stopped && !t->hurried && !p->interrupted && time_before(clock_now(), end)) {
        const uint64_t left_us = time_since(end, clock_now());

        if (wait)
            wait(t->face, left_us);
        else
            program_wait(p, -1, left_us, NULL);
        for (int i = 0; i < PROGRAM_MESSAGES && !t->stopped && node_next(p->node, &m); i++) {
            if (m.type == MSG_STOPPED || is_news_at_the_end(&m))
                talk_message(t, &m);
            msg_dispose(&m);
        }
    }
    if (p->interrupted)
        return EXIT_INTERRUPTED;
    finish_undelivered(t);
    return t->code;
}
