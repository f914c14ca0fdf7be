/*
 * kept: what was said, sent and asked while nobody it was meant for was here.
 *
 * Meant for whom?  While a connection is being made: whoever was dialled.  Else whoever was here when the user spoke
 * last, or came since, each by key.  Else, before anybody ever came: whoever comes first.  Nobody else gets any of it.
 *
 * Pure state in bounded tables; main thread.
 */
#ifndef DUET_CHAT_KEPT_H
#define DUET_CHAT_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/command.h"
#include "client/roster.h"
#include <duet/duet.h>

#define KEPT_MAX 512                  /* items; one for three peers is three */
#define KEPT_BYTES (16 * 1024 * 1024) /* of their texts */
#define KEPT_ABSENT 16                /* peers that are gone and may come back; the oldest is forgotten */

enum kept_for { KEPT_FOR_ANYONE, KEPT_FOR_DIALLED, KEPT_FOR_KEY };

struct kept_item {
    enum kept_for whom;
    char key[DUET_FINGERPRINT_BYTES]; /* KEPT_FOR_KEY */
    char name[ROSTER_NAME_BYTES];     /* … as it called itself */
    enum command_id id;               /* COMMAND_SAY, COMMAND_SEND, COMMAND_ASK */
    uint32_t number;                  /* of a message; of a file: k1, k2, … */
    char *text;
};

struct kept {
    struct kept_item v[KEPT_MAX]; /* the first `count`, in order */
    size_t count, bytes;
    uint32_t last_file;
    struct {
        char key[DUET_FINGERPRINT_BYTES], name[ROSTER_NAME_BYTES];
    } absent[KEPT_ABSENT];
    size_t absent_count;
};

void kept_dispose(struct kept *k);

/* Somebody who was connected is gone; came; the user spoke to those who are here: the others are not meant any more. */
void kept_peer_gone(struct kept *k, const char *key, const char *name);
void kept_peer_came(struct kept *k, const char *key);
void kept_user_spoke(struct kept *k);

/* Keeps a copy for everyone it is meant for.  false: there is no room, nothing was kept. */
bool kept_add(struct kept *k, bool dialling, enum command_id id, uint32_t number, const char *text);
/* For whom that would be, in words: "bob and carol", "whoever comes first", NULL: who was dialled. */
#define KEPT_WHOM_BYTES (2 * ROSTER_NAME_BYTES + 32)
const char *kept_whom(const struct kept *k, bool dialling, char out[KEPT_WHOM_BYTES]);

/* Takes out the first that is for this peer; the caller frees its text.  false: no more. */
bool kept_take(struct kept *k, const char *key, bool dialled, struct kept_item *out);
/* … for those who were dialled, whom nobody will reach any more. */
bool kept_take_dialled(struct kept *k, struct kept_item *out);
/* Forgets file k<number>.  false: there is none. */
bool kept_cancel(struct kept *k, uint32_t number);

/* Is there another copy of this message? */
bool kept_has_message(const struct kept *k, uint32_t number);

#endif
