/*
 * asks: remote commands of ours that wait for their answer.  A small table per
 * session; every ask is answered exactly once towards ui, if only because the
 * session ended.  Owned by one thread.
 */
#ifndef DUET_APP_ASKS_H
#define DUET_APP_ASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"
#include "base/time.h"

#define ASKS_MAX 32 /* unanswered at once; a peer need not keep more answers of ours waiting either */

struct ask {
    uint32_t id; /* on the wire, from 1; 0: free entry */
    uint32_t ui_id;
    duet_time asked_at;
    bool ping; /* the answer worth showing is the time it took */
};

struct asks {
    struct ask v[ASKS_MAX];
    uint32_t last_id;
    size_t count;
};

/* Splits "command argument…" (blanks around both dropped) and records it; *m is the message to send, pointing
 * into line.  0; DUET_EFULL; DUET_EINVAL: no command, or one longer than any; DUET_ERANGE: argument too long. */
int asks_add(struct asks *a, uint32_t ui_id, const char *line, duet_time now, struct appmsg *m);

/* Takes the ask with this wire id out; false: none. */
bool asks_take(struct asks *a, uint32_t id, struct ask *out);

/* Takes any one out; false: none left. */
bool asks_take_any(struct asks *a, struct ask *out);

#endif
