/*
 * chat: texts of one session, both directions, without the stream.
 *
 * Out: texts wait in order, leave in parts of at most APPMSG_PART_BYTES, and are
 * kept (their number only, once all parts left) until the peer says DELIVERED.
 * In: parts of one text follow each other until the last; memory is what was
 * received of the one text being assembled.
 *
 * Texts are numbered from 1 in each direction; DELIVERED n covers all up to n.
 * Owned by one thread.
 */
#ifndef DUET_APP_CHAT_H
#define DUET_APP_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"

#define CHAT_TEXT_BYTES (1024 * 1024)         /* longest text: what is longer is a file */
#define CHAT_WAITING_TEXTS 1024               /* said and not yet delivered */
#define CHAT_WAITING_BYTES (16 * 1024 * 1024) /* of them, not yet handed to the transport */

struct chat_text {
    uint32_t ui_id;
    char *text; /* NULL once every part left */
    size_t len;
};

struct chat {
    struct chat_text *v; /* ring of cap; v[head] has number first_number */
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

void chat_init(struct chat *c);
void chat_dispose(struct chat *c);
/* Gives back the memory of a text that is not begun yet. */
void chat_rest(struct chat *c);

/* Queues a text and owns it from then on.  0; DUET_ERANGE: longer than CHAT_TEXT_BYTES; DUET_EFULL; DUET_ENOMEM. */
int chat_say(struct chat *c, uint32_t ui_id, char *text, size_t len);

/* The next part to send; false: none.  It points into the text until chat_part_sent. */
bool chat_next_part(const struct chat *c, struct appmsg *part);
void chat_part_sent(struct chat *c, const struct appmsg *part);

/* The peer says that everything up to `number` was delivered: 0, DUET_EPROTOCOL (it was not sent yet).
 * Then chat_pop gives the ui numbers of those texts one by one. */
int chat_check_delivered(const struct chat *c, uint32_t number);
bool chat_pop(struct chat *c, uint32_t number, uint32_t *ui_id);

size_t chat_undelivered(const struct chat *c);

/* A part from the peer: 1: the text is complete, in.bytes/in.len until chat_taken; 0: more to come;
 * DUET_EPROTOCOL: out of order or too long; DUET_ENOMEM. */
int chat_receive(struct chat *c, const struct appmsg *part);
void chat_taken(struct chat *c); /* the complete text was used */

#endif
