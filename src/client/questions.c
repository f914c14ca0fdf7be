#include "client/questions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "client/print.h"

#define ANSWER_BYTES 64

static void dispose(struct question *one)
{
    free(one->text);
}

/* Takes one out; the caller disposes of it. */
static struct question take(struct questions *q, size_t index)
{
    const struct question one = q->v[index];

    q->count--;
    memmove(&q->v[index], &q->v[index + 1], (q->count - index) * sizeof(q->v[0]));
    if (index == 0) {
        questions_make_way(q);
        q->asked = false;
    }
    return one;
}

void questions_dispose(struct questions *q)
{
    while (q->count > 0)
        dispose(&q->v[--q->count]);
    *q = (struct questions){.count = 0};
}

static bool is_offer(const struct question_about *about)
{
    return about->transfer != 0;
}

static size_t count_of(const struct questions *q, bool offers)
{
    size_t count = 0;

    for (size_t i = 0; i < q->count; i++)
        count += is_offer(&q->v[i].about) == offers;
    return count;
}

/* The last of its kind, but never before the one that shows. */
static size_t place_for(const struct questions *q, bool offer)
{
    size_t at = q->count;

    while (offer && at > 1 && !is_offer(&q->v[at - 1].about))
        at--;
    return at;
}

bool questions_add(struct questions *q, const struct question_about *about, const char *text, questions_then *then)
{
    struct question one = {.about = *about, .text = strdup(text), .then = then};
    const size_t most = is_offer(about) ? QUESTIONS_OFFERS : QUESTIONS_KEYS;

    if (count_of(q, is_offer(about)) == most || !one.text) {
        free(one.text);
        return false;
    }
    const size_t at = place_for(q, is_offer(about));
    memmove(&q->v[at + 1], &q->v[at], (q->count - at) * sizeof(q->v[0]));
    q->v[at] = one;
    q->count++;
    return true;
}

void questions_forget_peer(struct questions *q, uint64_t peer)
{
    for (size_t i = q->count; i-- > 0;) {
        if (q->v[i].about.peer != peer)
            continue;
        struct question gone = take(q, i);
        dispose(&gone);
    }
}

void questions_forget_offer(struct questions *q, uint32_t id)
{
    for (size_t i = q->count; i-- > 0;) {
        if (q->v[i].about.transfer != id)
            continue;
        struct question gone = take(q, i);
        dispose(&gone);
    }
}

static void answer(struct questions *q, void *self, bool yes)
{
    struct question one = take(q, 0);

    one.then(self, &one.about, yes);
    dispose(&one);
}

/* Reading from its terminal, or flushing it, stops a program there. */
static bool is_in_background(void)
{
    const pid_t foreground = tcgetpgrp(STDIN_FILENO);

    return foreground >= 0 && foreground != getpgrp();
}

void questions_show(struct questions *q)
{
    if (q->count == 0 || q->shown)
        return;
    if (!q->asked && !is_in_background())
        (void)tcflush(STDIN_FILENO, TCIFLUSH); /* no terminal: nothing to flush */
    print_question(q->v[0].text);
    q->shown = q->asked = true;
}

void questions_make_way(struct questions *q)
{
    if (q->shown)
        fputc('\n', stderr);
    q->shown = false;
}

int questions_fd(const struct questions *q)
{
    return q->count > 0 && !is_in_background() ? STDIN_FILENO : -1;
}

void questions_read(struct questions *q, void *self)
{
    char line[ANSWER_BYTES];
    const ssize_t len = read(STDIN_FILENO, line, sizeof line - 1);

    if (q->count == 0)
        return;
    q->shown = len <= 0; /* else the user's newline ended its line */
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    answer(q, self, strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
}
