#include "app/msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Which member of the union a message owns. */
enum owned { OWNS_NOTHING, OWNS_TEXT, OWNS_CALL, OWNS_PEER_KEY, OWNS_STATS, OWNS_PROGRESS };

static enum owned owned_by(enum msg_type type)
{
    switch (type) {
    case MSG_CONNECT:
        return OWNS_CALL;
    case MSG_PEER_KEY:
        return OWNS_PEER_KEY;
    case MSG_STATS:
        return OWNS_STATS;
    case MSG_PROGRESS:
        return OWNS_PROGRESS;
    case MSG_TRUST:
    case MSG_SAY:
    case MSG_SEND:
    case MSG_ASK:
    case MSG_FAILED:
    case MSG_TEXT:
    case MSG_OFFER:
    case MSG_SENDING:
    case MSG_RECEIVED:
    case MSG_SENT:
    case MSG_TRANSFER_FAILED:
    case MSG_LEFT:
    case MSG_LOST:
    case MSG_ANSWER:
    case MSG_NOTICE:
        return OWNS_TEXT;
    case MSG_ACCEPT:
    case MSG_REJECT:
    case MSG_CANCEL:
    case MSG_STATS_PLEASE:
    case MSG_CLOSE:
    case MSG_LEAVING:
    case MSG_QUIT:
    case MSG_LISTENING:
    case MSG_CONNECTED:
    case MSG_DELIVERED:
    case MSG_UNREACHABLE:
    case MSG_BACK:
    case MSG_RESTING:
    case MSG_STOPPED:
        return OWNS_NOTHING;
    }
    return OWNS_NOTHING;
}

struct msg_call *msg_call_new(const struct duet_addr *addrs, size_t count)
{
    struct msg_call *call = calloc(1, sizeof(*call));

    assert(count > 0 && count <= CALL_ADDRESSES);
    if (call == NULL)
        return NULL;
    call->count = count;
    memcpy(call->addrs, addrs, count * sizeof(*addrs));
    return call;
}

void msg_dispose(struct msg *m)
{
    switch (owned_by(m->type)) {
    case OWNS_NOTHING:
        return;
    case OWNS_TEXT:
        free(m->text);
        break;
    case OWNS_CALL:
        free(m->call);
        break;
    case OWNS_PEER_KEY:
        free(m->peer_key);
        break;
    case OWNS_STATS:
        free(m->stats);
        break;
    case OWNS_PROGRESS:
        free(m->progress);
        break;
    }
    m->text = NULL;
}

bool msg_has_text(enum msg_type type)
{
    return owned_by(type) == OWNS_TEXT;
}

const char *msg_type_name(enum msg_type type)
{
    switch (type) {
#define X(name) \
    case name:  \
        return #name;
        MSG_LIST(X)
#undef X
    }
    return "MSG_?";
}

/* ---- for queues ---- */

static size_t text_bytes(const void *m)
{
    const struct msg *msg = m;

    return msg_has_text(msg->type) && msg->text != NULL ? strlen(msg->text) : 0;
}

static void dispose(void *m)
{
    msg_dispose(m);
}

const struct message_kind msg_kind = {
    .bytes = sizeof(struct msg),
    .text_bytes = text_bytes,
    .dispose = dispose,
};
