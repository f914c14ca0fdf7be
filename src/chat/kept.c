#include "chat/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kept_dispose(struct kept *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->v[i].text);
    k->count = k->bytes = k->absent_count = 0;
}

/* ---- who is meant ---- */

static void forget_absent(struct kept *k, size_t i)
{
    k->absent_count--;
    memmove(&k->absent[i], &k->absent[i + 1], (k->absent_count - i) * sizeof(k->absent[0]));
}

void kept_peer_came(struct kept *k, const char *key)
{
    for (size_t i = 0; i < k->absent_count; i++) {
        if (strcmp(k->absent[i].key, key) == 0) {
            forget_absent(k, i);
            return;
        }
    }
}

void kept_peer_gone(struct kept *k, const char *key, const char *name)
{
    kept_peer_came(k, key);
    if (k->absent_count == KEPT_ABSENT)
        forget_absent(k, 0);
    snprintf(k->absent[k->absent_count].key, sizeof(k->absent[0].key), "%s", key);
    snprintf(k->absent[k->absent_count].name, sizeof(k->absent[0].name), "%s", name);
    k->absent_count++;
}

void kept_user_spoke(struct kept *k)
{
    k->absent_count = 0;
}

const char *kept_whom(const struct kept *k, bool dialling, char out[KEPT_WHOM_BYTES])
{
    if (dialling)
        return NULL;
    if (k->absent_count == 0)
        snprintf(out, KEPT_WHOM_BYTES, "whoever comes first");
    else if (k->absent_count == 1)
        snprintf(out, KEPT_WHOM_BYTES, "%s", k->absent[0].name);
    else if (k->absent_count == 2)
        snprintf(out, KEPT_WHOM_BYTES, "%s and %s", k->absent[0].name, k->absent[1].name);
    else
        snprintf(out, KEPT_WHOM_BYTES, "%s and %zu others", k->absent[0].name, k->absent_count - 1);
    return out;
}

/* ---- items ---- */

static bool add_item(struct kept *k, struct kept_item item, const char *text)
{
    item.text = strdup(text);
    if (item.text == NULL)
        return false;
    k->bytes += strlen(text);
    k->v[k->count++] = item;
    return true;
}

bool kept_add(struct kept *k, bool dialling, enum command_id id, uint32_t number, const char *text)
{
    const size_t copies = dialling || k->absent_count == 0 ? 1 : k->absent_count;
    struct kept_item item = {.whom = dialling ? KEPT_FOR_DIALLED : KEPT_FOR_ANYONE, .id = id, .number = number};

    if (k->count + copies > KEPT_MAX || k->bytes + copies * strlen(text) > KEPT_BYTES)
        return false;
    if (id == COMMAND_SEND)
        item.number = ++k->last_file;
    if (dialling || k->absent_count == 0)
        return add_item(k, item, text);
    bool added = true;

    for (size_t i = 0; added && i < copies; i++) {
        item.whom = KEPT_FOR_KEY;
        memcpy(item.key, k->absent[i].key, sizeof(item.key));
        memcpy(item.name, k->absent[i].name, sizeof(item.name));
        added = add_item(k, item, text);
    }
    return added;
}

static struct kept_item take_out(struct kept *k, size_t i)
{
    const struct kept_item item = k->v[i];

    k->count--;
    k->bytes -= strlen(item.text);
    memmove(&k->v[i], &k->v[i + 1], (k->count - i) * sizeof(k->v[0]));
    return item;
}

static bool is_for(const struct kept_item *item, const char *key, bool dialled)
{
    switch (item->whom) {
    case KEPT_FOR_ANYONE:
        return true;
    case KEPT_FOR_DIALLED:
        return dialled;
    case KEPT_FOR_KEY:
        return strcmp(item->key, key) == 0;
    }
    return false;
}

bool kept_take(struct kept *k, const char *key, bool dialled, struct kept_item *out)
{
    for (size_t i = 0; i < k->count; i++) {
        if (is_for(&k->v[i], key, dialled)) {
            *out = take_out(k, i);
            return true;
        }
    }
    return false;
}

bool kept_take_dialled(struct kept *k, struct kept_item *out)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->v[i].whom == KEPT_FOR_DIALLED) {
            *out = take_out(k, i);
            return true;
        }
    }
    return false;
}

bool kept_cancel(struct kept *k, uint32_t number)
{
    bool found = false;

    for (size_t i = 0; i < k->count;) {
        if (k->v[i].id != COMMAND_SEND || k->v[i].number != number) {
            i++;
            continue;
        }
        free(take_out(k, i).text);
        found = true;
    }
    return found;
}

bool kept_has_message(const struct kept *k, uint32_t number)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->v[i].id == COMMAND_SAY && k->v[i].number == number)
            return true;
    }
    return false;
}
