#include "app/notice.h"

#include <stdlib.h>
#include <string.h>

void notice_dispose(struct notice *n)
{
    free(n->text);
    n->text = NULL;
    if (n->type == NOTICE_PEER_KEY) {
        free(n->peer_key.card);
        n->peer_key.card = NULL;
    } else if (n->type == NOTICE_PROGRESS) {
        free(n->progress.now);
        n->progress.now = NULL;
    } else if (n->type == NOTICE_STATS) {
        free(n->stats.now);
        n->stats.now = NULL;
    } else if (n->type == NOTICE_STREAM_DATA) {
        free(n->data.blob);
        n->data.blob = NULL;
    } else if (n->type == NOTICE_DATAGRAM) {
        free(n->datagram.blob);
        n->datagram.blob = NULL;
    } else if (n->type == NOTICE_ASKED) {
        free(n->asked.question);
        n->asked.question = NULL;
    }
}

const char *notice_name(enum notice_type type)
{
    switch (type) {
#define X(name) \
    case name:  \
        return #name;
        NOTICE_LIST(X)
#undef X
    }
    return "NOTICE_?";
}

/* ---- for queues ---- */

static size_t notice_text_bytes(const void *m)
{
    const struct notice *n = m;

    return n->text != NULL ? strlen(n->text) : 0;
}

static void dispose_notice(void *m)
{
    notice_dispose(m);
}

const struct message_kind notice_kind = {
    .bytes = sizeof(struct notice),
    .text_bytes = notice_text_bytes,
    .dispose = dispose_notice,
};
