#include "app/texts.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define FIRST_CAP 16
#define ASSEMBLY_KEEP_BYTES (64 * 1024) /* memory kept from one received text to the next */

void texts_init(struct texts *c)
{
    *c = (struct texts){.first_number = 1};
}

static struct texts_waiting *at(const struct texts *c, size_t i)
{
    return &c->v[(c->head + i) % c->cap];
}

static void forget_text(struct texts *c, struct texts_waiting *t)
{
    if (t->text == NULL)
        return;
    c->waiting_bytes -= t->len;
    sodium_memzero(t->text, t->len);
    free(t->text);
    t->text = NULL;
}

static void drop_assembly(struct texts *c)
{
    if (c->in.bytes != NULL)
        sodium_memzero(c->in.bytes, c->in.cap);
    free(c->in.bytes);
    c->in.bytes = NULL;
    c->in.len = c->in.cap = 0;
}

void texts_dispose(struct texts *c)
{
    for (size_t i = 0; i < c->count; i++)
        forget_text(c, at(c, i));
    free(c->v);
    drop_assembly(c);
    texts_init(c);
}

void texts_rest(struct texts *c)
{
    if (c->in.len == 0)
        drop_assembly(c);
}

static int grow(struct texts *c)
{
    const size_t cap = c->cap == 0 ? FIRST_CAP : 2 * c->cap;
    struct texts_waiting *v = calloc(cap, sizeof(v[0]));

    if (v == NULL)
        return DUET_ENOMEM;
    for (size_t i = 0; i < c->count; i++)
        v[i] = *at(c, i);
    free(c->v);
    c->v = v;
    c->head = 0;
    c->cap = cap;
    return 0;
}

int texts_say(struct texts *c, uint32_t ui_id, char *text, size_t len)
{
    if (len > TEXTS_TEXT_BYTES)
        return DUET_ERANGE;
    if (c->count == TEXTS_WAITING || c->waiting_bytes + len > TEXTS_WAITING_BYTES)
        return DUET_EFULL;
    if (c->count == c->cap && grow(c) != 0)
        return DUET_ENOMEM;
    *at(c, c->count++) = (struct texts_waiting){.ui_id = ui_id, .text = text, .len = len};
    c->waiting_bytes += len;
    return 0;
}

bool texts_next_part(const struct texts *c, struct appmsg *part)
{
    if (c->whole == c->count)
        return false;
    const struct texts_waiting *t = at(c, c->whole);
    const size_t left = t->len - c->cut;
    const size_t len = left < APPMSG_PART_BYTES ? left : APPMSG_PART_BYTES;

    *part = (struct appmsg){.type = APPMSG_TEXT, .id = c->first_number + (uint32_t)c->whole};
    part->part.bytes = (const uint8_t *)t->text + c->cut;
    part->part.len = len;
    part->part.last = len == left;
    return true;
}

void texts_part_sent(struct texts *c, const struct appmsg *part)
{
    c->cut += part->part.len;
    if (!part->part.last)
        return;
    forget_text(c, at(c, c->whole++));
    c->cut = 0;
}

int texts_check_delivered(const struct texts *c, uint32_t number)
{
    return number - c->first_number < c->whole ? 0 : DUET_EPROTOCOL;
}

bool texts_pop(struct texts *c, uint32_t number, uint32_t *ui_id)
{
    if (c->whole == 0 || number - c->first_number >= c->whole)
        return false;
    *ui_id = at(c, 0)->ui_id;
    c->head = (c->head + 1) % c->cap;
    c->count--;
    c->whole--;
    c->first_number++;
    return true;
}

size_t texts_undelivered(const struct texts *c)
{
    return c->count;
}

static int reserve_assembly(struct texts *c, size_t len)
{
    size_t cap = c->in.cap == 0 ? APPMSG_PART_BYTES : c->in.cap;

    while (cap < len)
        cap *= 2;
    if (cap == c->in.cap)
        return 0;
    char *bytes = malloc(cap);

    if (bytes == NULL)
        return DUET_ENOMEM;
    const size_t kept = c->in.len;

    if (kept > 0)
        memcpy(bytes, c->in.bytes, kept);
    drop_assembly(c);
    c->in.bytes = bytes;
    c->in.len = kept;
    c->in.cap = cap;
    return 0;
}

int texts_receive(struct texts *c, const struct appmsg *part)
{
    assert(part->type == APPMSG_TEXT);
    if (part->id != c->in.number + 1 || c->in.len + part->part.len > TEXTS_TEXT_BYTES)
        return DUET_EPROTOCOL;
    if (reserve_assembly(c, c->in.len + part->part.len) != 0)
        return DUET_ENOMEM;
    if (part->part.len > 0)
        memcpy(c->in.bytes + c->in.len, part->part.bytes, part->part.len);
    c->in.len += part->part.len;
    if (!part->part.last)
        return 0;
    c->in.number++;
    return 1;
}

void texts_taken(struct texts *c)
{
    if (c->in.cap > ASSEMBLY_KEEP_BYTES)
        drop_assembly(c);
    c->in.len = 0;
}
