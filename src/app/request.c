#include "app/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct callee *callee_new(const struct duet_addr *addrs, size_t count)
{
    struct callee *c = calloc(1, sizeof(*c));

    assert(count > 0 && count <= CALL_ADDRESSES);
    if (c == NULL)
        return NULL;
    c->count = count;
    memcpy(c->addrs, addrs, count * sizeof(*addrs));
    return c;
}

void request_dispose(struct request *r)
{
    free(r->text);
    r->text = NULL;
    if (r->type == REQUEST_CONNECT) {
        free(r->connect.callee);
        r->connect.callee = NULL;
    } else if (r->type == REQUEST_STREAM_WRITE) {
        free(r->write.blob);
        r->write.blob = NULL;
    } else if (r->type == REQUEST_DATAGRAM) {
        free(r->datagram.blob);
        r->datagram.blob = NULL;
    } else if (r->type == REQUEST_REPLY) {
        free(r->reply.blob);
        r->reply.blob = NULL;
    }
}

const char *request_name(enum request_type type)
{
    switch (type) {
#define X(name) \
    case name:  \
        return #name;
        REQUEST_LIST(X)
#undef X
    }
    return "REQUEST_?";
}

/* ---- for queues ---- */

static size_t request_text_bytes(const void *m)
{
    const struct request *r = m;

    return r->text != NULL ? strlen(r->text) : 0;
}

static void dispose_request(void *m)
{
    request_dispose(m);
}

const struct message_kind request_kind = {
    .bytes = sizeof(struct request),
    .text_bytes = request_text_bytes,
    .dispose = dispose_request,
};
