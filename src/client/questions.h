/*
 * questions: yes or no, asked on the terminal one after the other, while everything else goes on.
 *
 * Whoever asks says what is in question, and gets it named with the answer.  A
 * question whose peer or transfer is gone is forgotten.  Offers, which are of peers that were let
 * in, come before the keys of strangers.  In the background nothing is read: it would stop the
 * program, and its transfers with it.  What was typed before a question shows is no answer to it.
 * Main thread.
 */
#ifndef DUET_CLIENT_QUESTIONS_H
#define DUET_CLIENT_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <duet/duet.h>

/* That wait for their turn; further ones are answered no. */
#define QUESTIONS_KEYS 64
#define QUESTIONS_OFFERS DUET_TRANSFERS
#define QUESTIONS_MAX (QUESTIONS_KEYS + QUESTIONS_OFFERS)

/* What is asked about: a key that a peer shows, or a file it offers. */
struct question_about {
    uint64_t peer;
    uint32_t transfer; /* 0: the key */
};

typedef void questions_then(void *self, const struct question_about *about, bool yes);

struct question {
    struct question_about about;
    char *text;
    questions_then *then;
};

/* All zero is an empty one. */
struct questions {
    struct question v[QUESTIONS_MAX]; /* the first is the one that shows */
    size_t count;
    bool shown, asked; /* on the last line of the terminal; ever */
};

void questions_dispose(struct questions *q);

/* false: too many, or no memory; nothing is asked. */
bool questions_add(struct questions *q, const struct question_about *about, const char *text, questions_then *then);
void questions_forget_peer(struct questions *q, uint64_t peer);
void questions_forget_offer(struct questions *q, uint32_t id);

/* Shows the first one, if it does not. */
void questions_show(struct questions *q);
/* Something else is about to be printed: on a line of its own. */
void questions_make_way(struct questions *q);

/* What to wait for: stdin; -1 while nothing is asked, or we are in the background (look again after
 * QUESTIONS_LOOK_US). */
int questions_fd(const struct questions *q);
#define QUESTIONS_LOOK_US UINT64_C(1000000)
/* stdin can be read: takes a line and tells the one who asked.  The end of input is a no. */
void questions_read(struct questions *q, void *self);

#endif
