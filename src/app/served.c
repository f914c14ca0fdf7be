#include "app/served.h"

#include <string.h>

#include "base/err.h"

static size_t place_of(const struct served *s, const char *name, size_t len)
{
    size_t i = 0;

    while (i < s->count && (strlen(s->names[i]) != len || memcmp(s->names[i], name, len) != 0))
        i++;
    return i;
}

int served_add(struct served *s, const char *name)
{
    const size_t len = strlen(name);

    if (len == 0 || len > APPMSG_COMMAND_BYTES || strpbrk(name, " \t\r\n") != NULL)
        return DUET_EINVAL;
    if (place_of(s, name, len) < s->count)
        return 0;
    if (s->count == SERVED_NAMES)
        return DUET_EFULL;
    memcpy(s->names[s->count++], name, len + 1);
    return 0;
}

void served_remove(struct served *s, const char *name)
{
    const size_t i = place_of(s, name, strlen(name));

    if (i == s->count)
        return;
    s->count--;
    memmove(s->names[i], s->names[i + 1], (s->count - i) * sizeof(s->names[0]));
}

bool served_has(const struct served *s, const char *name, size_t len)
{
    return place_of(s, name, len) < s->count;
}

static size_t waits_at(const struct served_asks *r, uint32_t id)
{
    size_t i = 0;

    while (i < r->count && r->v[i].id != id)
        i++;
    return i;
}

int served_asks_add(struct served_asks *r, uint32_t id, duet_time now)
{
    if (id == 0 || waits_at(r, id) < r->count)
        return DUET_EPROTOCOL;
    if (r->count == SERVED_ASKS_MAX)
        return DUET_EFULL;
    r->v[r->count++] = (struct served_ask){.id = id, .until = time_add(now, SERVED_WAIT_US)};
    return 0;
}

bool served_asks_take(struct served_asks *r, uint32_t id)
{
    const size_t i = waits_at(r, id);

    if (i == r->count)
        return false;
    r->count--;
    memmove(&r->v[i], &r->v[i + 1], (r->count - i) * sizeof(r->v[0]));
    return true;
}

bool served_asks_expired(struct served_asks *r, duet_time now, uint32_t *id)
{
    if (r->count == 0 || !time_due(r->v[0].until, now))
        return false;
    *id = r->v[0].id;
    return served_asks_take(r, *id);
}

duet_time served_asks_deadline(const struct served_asks *r)
{
    return r->count > 0 ? r->v[0].until : DUET_NEVER;
}
