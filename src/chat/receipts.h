/*
 * receipts: which messages of ours are on their way, and whose receipt each of them waits for.
 *
 * A message goes to a set of peers, named by their roster slots.  It has ended when every one of
 * them has acknowledged it or is not waited for any more; then receipts_take_ended gives it out,
 * once.  A message that was kept for several peers is added anew for each that comes.  Main thread.
 */
#ifndef DUET_CHAT_RECEIPTS_H
#define DUET_CHAT_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIPTS_MAX 512 /* messages under way */
#define RECEIPT_HEAD_BYTES 64

struct receipt {
    uint32_t number;
    char head[RECEIPT_HEAD_BYTES]; /* how the message begins, for words about it */
    size_t bytes;                  /* of the message */
    bool delivered;                /* at least one has it */
    size_t waiting;                /* bits set in waits_for */
    size_t words;                  /* of waits_for */
    uint64_t *waits_for;
};

/* All zero is empty. */
struct receipts {
    struct receipt v[RECEIPTS_MAX]; /* the first count, by number */
    size_t count, bytes;
    size_t ended; /* of them, not yet taken */
};

void receipts_dispose(struct receipts *r);

/* A message to come, for peers with slots below `slots`; NULL: too many under way, or no memory.  Valid until the next
 * call; receipts_drop undoes it. */
struct receipt *receipts_add(struct receipts *r, uint32_t number, size_t bytes, size_t slots);
void receipt_expect(struct receipt *m, unsigned slot);
bool receipt_waits_for(const struct receipt *m, unsigned slot);
void receipts_drop(struct receipts *r, struct receipt *m);

void receipts_came(struct receipts *r, unsigned slot, uint32_t number);
/* No receipt of `slot` will come: for message `number`, or (0) for any. */
void receipts_give_up(struct receipts *r, unsigned slot, uint32_t number);

/* Is this message still waited for (by another copy of it)? */
bool receipts_has(const struct receipts *r, uint32_t number);

/* false: none has ended. */
bool receipts_take_ended(struct receipts *r, uint32_t *number, bool *delivered);

#endif
