/*
 * What is said, sent and asked.
 */
#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "app/appmsg.h"
#include "app/env.h"
#include "base/err.h"
#include "base/text.h"

_Static_assert(DUET_QUESTION_BYTES == APPMSG_ASK_BYTES, "as on the wire");
_Static_assert(DUET_TRANSFERS == TRANSFERS_MAX / 2, "half of them for each direction");

/* A message with `bytes` of text. */
static int send_one(struct duet_node *n, enum msg_type type, uint64_t peer, uint32_t id, const char *text, size_t bytes)
{
    struct msg m = {.type = type, .peer = peer, .id = id, .text = malloc(bytes + 1)};

    if (m.text == NULL)
        return DUET_ENOMEM;
    memcpy(m.text, text, bytes);
    m.text[bytes] = '\0';
    node_send(n->node, &m);
    return 0;
}

static int send_text(struct duet_node *n, enum msg_type type, uint64_t peer, uint32_t id, const char *text,
                     size_t bytes)
{
    int err = DUET_ENOTFOUND;

    if (peer != DUET_EVERYBODY)
        return api_peer(n, peer) == NULL ? DUET_ENOTFOUND : send_one(n, type, peer, id, text, bytes);
    for (size_t i = 0; i < n->peers.cap; i++) {
        const struct api_peer *p = n->peers.v[i].value;

        if (p == NULL || !p->is_connected)
            continue;
        err = send_one(n, type, p->id, id, text, bytes);
        if (err != 0)
            break;
    }
    return err;
}

int duet_say(struct duet_node *n, uint64_t peer, uint32_t id, const char *text, size_t bytes)
{
    if (n == NULL || text == NULL || memchr(text, '\0', bytes) != NULL || !text_valid(text, bytes))
        return DUET_EINVAL;
    return send_text(n, MSG_SAY, peer, id, text, bytes);
}

int duet_send_file(struct duet_node *n, uint64_t peer, uint32_t id, const char *path)
{
    if (n == NULL || path == NULL || path[0] == '\0')
        return DUET_EINVAL;
    return send_text(n, MSG_SEND, peer, id, path, strlen(path));
}

int duet_ask(struct duet_node *n, uint64_t peer, uint32_t id, const char *question)
{
    if (n == NULL || question == NULL || question[0] == '\0')
        return DUET_EINVAL;
    return send_text(n, MSG_ASK, peer, id, question, strlen(question));
}

static int about_transfer(struct duet_node *n, enum msg_type type, uint32_t transfer)
{
    struct msg m = {.type = type, .id = transfer};

    if (n == NULL || transfer == 0)
        return DUET_EINVAL;
    node_send(n->node, &m);
    return 0;
}

int duet_accept(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, MSG_ACCEPT, transfer);
}

int duet_reject(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, MSG_REJECT, transfer);
}

int duet_cancel(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, MSG_CANCEL, transfer);
}

int duet_stats(struct duet_node *n, uint64_t peer)
{
    struct msg m = {.type = MSG_STATS_PLEASE, .peer = peer};

    if (n == NULL)
        return DUET_EINVAL;
    if (api_peer(n, peer) == NULL)
        return DUET_ENOTFOUND;
    node_send(n->node, &m);
    return 0;
}
