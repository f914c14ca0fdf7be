/*
 * texts: what one session says and hears, both directions, without the stream.
 *
 * Out: texts wait in order, leave in parts of at most APPMSG_PART_BYTES, and are
 * kept (their number only, once all parts left) until the peer says DELIVERED.
 * In: parts of one text follow each other until the last; memory is what was
 * received of the one text being assembled.
 *
 * Texts are numbered from 1 in each direction; DELIVERED n covers all up to n.
 * Owned by one thread.
 */
#ifndef DUET_APP_TEXTS_H
#define DUET_APP_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"

#define TEXTS_TEXT_BYTES (1024 * 1024)         /* longest text: what is longer is a file */
#define TEXTS_WAITING 1024                     /* said and not yet delivered */
#define TEXTS_WAITING_BYTES (16 * 1024 * 1024) /* of them, not yet handed to the transport */

struct texts_waiting {
    uint32_t ui_id;
    char *text; /* NULL once every part left */
    size_t len;
};

struct texts {
    struct texts_waiting *v; /* ring of cap; v[head] has number first_number */
    size_t head, count, cap;
    size_t whole; /* texts at the front all parts of which left */
    size_t cut;   /* bytes of the next one that left */
    size_t waiting_bytes;
    uint32_t first_number;
    struct {
        char *bytes;
        size_t len, cap;
        uint32_t number; /* of the last complete text */
    } in;
};

void texts_init(struct texts *c);
void texts_dispose(struct texts *c);
/* Gives back the memory of a text that is not begun yet. */
void texts_rest(struct texts *c);

/* Queues a text and owns it from then on.  0; DUET_ERANGE: longer than TEXTS_TEXT_BYTES; DUET_EFULL; DUET_ENOMEM. */
int texts_say(struct texts *c, uint32_t ui_id, char *text, size_t len);

/* The next part to send; false: none.  It points into the text until texts_part_sent. */
bool texts_next_part(const struct texts *c, struct appmsg *part);
void texts_part_sent(struct texts *c, const struct appmsg *part);

/* The peer says that everything up to `number` was delivered: 0, DUET_EPROTOCOL (it was not sent yet).
 * Then texts_pop gives the ui numbers of those texts one by one. */
int texts_check_delivered(const struct texts *c, uint32_t number);
bool texts_pop(struct texts *c, uint32_t number, uint32_t *ui_id);

size_t texts_undelivered(const struct texts *c);

/* A part from the peer: 1: the text is complete, in.bytes/in.len until texts_taken; 0: more to come;
 * DUET_EPROTOCOL: out of order or too long; DUET_ENOMEM. */
int texts_receive(struct texts *c, const struct appmsg *part);
void texts_taken(struct texts *c); /* the complete text was used */

#endif
