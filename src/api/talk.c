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

/* A request with `bytes` of text. */
static int send_one(struct duet_node *n, struct request r, uint64_t peer, const char *text, size_t bytes)
{
    r.peer = peer;
    r.text = malloc(bytes + 1);
    if (r.text == NULL)
        return DUET_ENOMEM;
    memcpy(r.text, text, bytes);
    r.text[bytes] = '\0';
    node_send(n->node, &r);
    return 0;
}

static int send_text(struct duet_node *n, struct request r, uint64_t peer, const char *text, size_t bytes)
{
    int err = DUET_ENOTFOUND;

    if (peer != DUET_EVERYBODY)
        return api_peer(n, peer) == NULL ? DUET_ENOTFOUND : send_one(n, r, peer, text, bytes);
    for (size_t i = 0; i < n->peers.cap; i++) {
        const struct api_peer *p = n->peers.v[i].value;

        if (p == NULL || !p->is_connected)
            continue;
        err = send_one(n, r, p->id, text, bytes);
        if (err != 0)
            break;
    }
    return err;
}

int duet_say(struct duet_node *n, uint64_t peer, uint32_t id, const char *text, size_t bytes)
{
    if (n == NULL || text == NULL || memchr(text, '\0', bytes) != NULL || !text_valid(text, bytes))
        return DUET_EINVAL;
    return send_text(n, (struct request){.type = REQUEST_SAY, .say = {.id = id}}, peer, text, bytes);
}

int duet_send_file(struct duet_node *n, uint64_t peer, uint32_t id, const char *path)
{
    if (n == NULL || path == NULL || path[0] == '\0')
        return DUET_EINVAL;
    return send_text(n, (struct request){.type = REQUEST_SEND, .send = {.id = id}}, peer, path, strlen(path));
}

int duet_ask(struct duet_node *n, uint64_t peer, uint32_t id, const char *question)
{
    if (n == NULL || question == NULL || question[0] == '\0')
        return DUET_EINVAL;
    return send_text(n, (struct request){.type = REQUEST_ASK, .ask = {.id = id}}, peer, question, strlen(question));
}

static int about_transfer(struct duet_node *n, enum request_type type, uint32_t transfer)
{
    struct request m = {.type = type, .transfer = {.id = transfer}};

    if (n == NULL || transfer == 0)
        return DUET_EINVAL;
    node_send(n->node, &m);
    return 0;
}

int duet_accept(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, REQUEST_ACCEPT, transfer);
}

int duet_reject(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, REQUEST_REJECT, transfer);
}

int duet_cancel(struct duet_node *n, uint32_t transfer)
{
    return about_transfer(n, REQUEST_CANCEL, transfer);
}

int duet_stats(struct duet_node *n, uint64_t peer)
{
    struct request m = {.type = REQUEST_STATS, .peer = peer};

    if (n == NULL)
        return DUET_EINVAL;
    if (api_peer(n, peer) == NULL)
        return DUET_ENOTFOUND;
    node_send(n->node, &m);
    return 0;
}
