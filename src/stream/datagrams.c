#include "stream/datagrams.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void datagrams_dispose(struct datagrams *q)
{
    while (q->count > 0)
        datagrams_pop(q);
}

int datagrams_push(struct datagrams *q, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy == NULL)
        return DUET_ENOMEM;
    if (len > 0)
        memcpy(copy, bytes, len);
    while (q->count > 0 && (q->count == DATAGRAM_QUEUE || q->bytes + len > DATAGRAM_QUEUE_BYTES))
        datagrams_drop(q);
    q->v[(q->head + q->count++) % DATAGRAM_QUEUE] = (struct waiting_datagram){.bytes = copy, .len = len};
    q->bytes += len;
    return 0;
}

const struct waiting_datagram *datagrams_first(const struct datagrams *q)
{
    return q->count > 0 ? &q->v[q->head] : NULL;
}

void datagrams_pop(struct datagrams *q)
{
    struct waiting_datagram *first = &q->v[q->head];

    q->bytes -= first->len;
    sodium_memzero(first->bytes, first->len);
    free(first->bytes);
    *first = (struct waiting_datagram){.bytes = NULL};
    q->head = (q->head + 1) % DATAGRAM_QUEUE;
    q->count--;
}

void datagrams_drop(struct datagrams *q)
{
    datagrams_pop(q);
    q->dropped++;
}
