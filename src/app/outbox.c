#include "app/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int outbox_init(struct outbox *o, const struct message_kind *kind, size_t reserve)
{
    assert(reserve > 0);
    *o = (struct outbox){.kind = kind, .cap = reserve};
    o->v = calloc(reserve, kind->bytes);
    o->text_lens = calloc(reserve, sizeof(o->text_lens[0]));
    if (o->v != NULL && o->text_lens != NULL)
        return 0;
    outbox_dispose(o);
    return DUET_ENOMEM;
}

static size_t place_of(const struct outbox *o, size_t i)
{
    return (o->head + i) % o->cap;
}

static void *message_at(struct outbox *o, size_t i)
{
    return o->v + place_of(o, i) * o->kind->bytes;
}

void outbox_dispose(struct outbox *o)
{
    for (size_t i = 0; i < o->count; i++)
        o->kind->dispose(message_at(o, i));
    free(o->v);
    free(o->text_lens);
    *o = (struct outbox){0};
}

static int grow_outbox(struct outbox *o)
{
    assert(o->cap > 0);
    struct outbox more = {.kind = o->kind, .cap = 2 * o->cap, .count = o->count, .text_bytes = o->text_bytes};

    more.lost = o->lost;
    more.v = calloc(more.cap, o->kind->bytes);
    more.text_lens = calloc(more.cap, sizeof(more.text_lens[0]));
    if (more.v == NULL || more.text_lens == NULL) {
        free(more.v);
        free(more.text_lens);
        return DUET_ENOMEM;
    }
    for (size_t i = 0; i < o->count; i++) {
        memcpy(more.v + i * o->kind->bytes, message_at(o, i), o->kind->bytes);
        more.text_lens[i] = o->text_lens[place_of(o, i)];
    }
    free(o->v);
    free(o->text_lens);
    *o = more;
    return 0;
}

int outbox_push(struct outbox *o, void *m)
{
    if (o->count == o->cap && grow_outbox(o) != 0) {
        o->kind->dispose(m);
        o->lost = true;
        return DUET_ENOMEM;
    }
    const size_t len = o->kind->text_bytes(m);

    o->text_bytes += len;
    o->text_lens[place_of(o, o->count)] = len;
    memcpy(message_at(o, o->count++), m, o->kind->bytes);
    return 0;
}

int outbox_push_snapshot(struct outbox *o, void *m, bool (*is_same)(const void *waiting, const void *m))
{
    for (size_t i = o->count; i-- > 0;) {
        void *waiting = message_at(o, i);

        if (!is_same(waiting, m))
            continue;
        o->kind->dispose(waiting);
        memcpy(waiting, m, o->kind->bytes);
        return 0;
    }
    return outbox_push(o, m);
}

void *outbox_first(struct outbox *o)
{
    return o->count > 0 ? message_at(o, 0) : NULL;
}

void outbox_drop(struct outbox *o)
{
    assert(o->count > 0);
    o->text_bytes -= o->text_lens[o->head];
    o->head = (o->head + 1) % o->cap;
    o->count--;
}
