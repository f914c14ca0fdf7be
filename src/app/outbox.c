#include "app/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int outbox_init(struct outbox *o, size_t reserve)
{
    assert(reserve > 0);
    *o = (struct outbox){.cap = reserve};
    o->v = calloc(reserve, sizeof(o->v[0]));
    return o->v != NULL ? 0 : DUET_ENOMEM;
}

static struct outbox_entry *at(struct outbox *o, size_t i)
{
    return &o->v[(o->head + i) % o->cap];
}

void outbox_dispose(struct outbox *o)
{
    for (size_t i = 0; i < o->count; i++)
        msg_dispose(&at(o, i)->m);
    free(o->v);
    *o = (struct outbox){0};
}

static int grow(struct outbox *o)
{
    assert(o->cap > 0);
    struct outbox_entry *v = calloc(2 * o->cap, sizeof(v[0]));

    if (v == NULL)
        return DUET_ENOMEM;
    for (size_t i = 0; i < o->count; i++)
        v[i] = *at(o, i);
    free(o->v);
    o->v = v;
    o->head = 0;
    o->cap *= 2;
    return 0;
}

static size_t text_len(const struct msg *m)
{
    return msg_has_text(m->type) && m->text != NULL ? strlen(m->text) : 0;
}

int outbox_push(struct outbox *o, struct msg m)
{
    if (o->count == o->cap && grow(o) != 0) {
        msg_dispose(&m);
        o->lost = true;
        return DUET_ENOMEM;
    }
    const size_t len = text_len(&m);

    o->text_bytes += len;
    *at(o, o->count++) = (struct outbox_entry){.m = m, .text_len = len};
    return 0;
}

void outbox_push_progress(struct outbox *o, struct msg m)
{
    assert(m.type == MSG_PROGRESS);
    for (size_t i = o->count; i-- > 0;) {
        struct msg *waiting = &at(o, i)->m;

        if (waiting->type == MSG_PROGRESS && waiting->progress->id == m.progress->id) {
            msg_dispose(waiting);
            *waiting = m;
            return;
        }
    }
    (void)outbox_push(o, m);
}

struct msg *outbox_first(struct outbox *o)
{
    return o->count > 0 ? &at(o, 0)->m : NULL;
}

void outbox_drop(struct outbox *o)
{
    assert(o->count > 0);
    o->text_bytes -= at(o, 0)->text_len;
    o->head = (o->head + 1) % o->cap;
    o->count--;
}
