/*
 * message: what a queue between threads has to know of the messages it carries, whatever they say.
 *
 * A message is a plain struct and is copied.  Who holds it owns what it points to; a chunk belongs to its pool.
 */
#ifndef DUET_APP_MESSAGE_H
#define DUET_APP_MESSAGE_H

#include <stddef.h>

struct message_kind {
    size_t bytes;                        /* of the struct */
    size_t (*text_bytes)(const void *m); /* of the texts it owns */
    void (*dispose)(void *m);            /* frees what it owns */
};

#endif
