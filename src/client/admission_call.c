/*
 * Whom we call: the name is looked up beside everything else (io/lookup.h), then all its addresses are called.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "client/admission.h"

static bool start_lookup(struct admission *a, struct dial *d, duet_time now)
{
    if (a->client->lookups == NULL || lookups_start(a->client->lookups, d->id, &d->query) != 0)
        return false;
    d->looks_up = true;
    d->told_at = time_add(now, ADMISSION_SLOW_US);
    d->give_up_at = time_add(now, a->client->set->timeout_us);
    return true;
}

/* The addresses are known.  false: no memory. */
static bool call_addresses(struct admission *a, struct dial *d, const struct resolve_result *found)
{
    struct msg m = {.type = MSG_CONNECT, .id = d->id, .call = msg_call_new(found->addrs, found->count)};

    if (m.call == NULL)
        return false;
    trust_expected(&a->client->policy, d->query.dialled, &m.call->expected);
    /* That HOST of the command line is called is no news, unless somebody was told that it is looked up. */
    if (d->id != ADMISSION_TARGET || (d->looks_up && time_is_never(d->told_at)))
        admission_say(a, ADMISSION_CALLING, "connecting to %s", d->query.dialled);
    d->looks_up = false;
    d->told_at = DUET_NEVER;
    d->count = found->count;
    memcpy(d->addrs, found->addrs, sizeof(d->addrs));
    node_send(a->client->node, &m);
    return true;
}

bool admission_dial(struct admission *a, const struct resolve_query *q, duet_time now)
{
    struct resolve_result literal;
    size_t i = 0;

    while (i < ADMISSION_DIALS && a->dials[i].id != 0)
        i++;
    if (i == ADMISSION_DIALS)
        return false;
    struct dial *d = &a->dials[i];

    *d = (struct dial){.id = a->last_dial + 1, .told_at = DUET_NEVER, .query = *q};
    const bool is_under_way =
        resolve_literal(q, &literal) ? literal.err == 0 && call_addresses(a, d, &literal) : start_lookup(a, d, now);

    if (!is_under_way)
        d->id = 0;
    else
        a->last_dial++;
    return is_under_way;
}

/* As if the node had said so: whoever waits for the call learns it the same way. */
static void fail_call(struct admission *a, const struct dial *d, int err, char *text)
{
    const struct msg m = {.type = MSG_FAILED, .id = d->id, .err = err, .text = text};

    a->sink(a->self, &(struct admission_event){.type = ADMISSION_CALL_FAILED, .why = &m});
}

static void end_lookup(struct admission *a, uint32_t id, struct resolve_result *found)
{
    struct dial *d = a->dials;

    while (d < a->dials + ADMISSION_DIALS && d->id != id)
        d++;
    if (d == a->dials + ADMISSION_DIALS)
        return;
    if (found->err != 0)
        fail_call(a, d, found->err, found->error);
    else if (!call_addresses(a, d, found))
        fail_call(a, d, DUET_ENOMEM, NULL);
}

/* The resolver tries for minutes where no server answers. */
static void give_up_lookup(struct admission *a, const struct dial *d)
{
    char text[RESOLVE_ERROR_BYTES];

    lookups_cancel(a->client->lookups, d->id);
    snprintf(text, sizeof(text), "cannot find %.100s: no name server answered within %llu s", d->query.host,
             (unsigned long long)(a->client->set->timeout_us / US_PER_S));
    fail_call(a, d, DUET_ENOTFOUND, text);
}

void admission_look_after_calls(struct admission *a, duet_time now)
{
    struct resolve_result found;
    uint32_t id;

    while (a->client->lookups != NULL && lookups_next(a->client->lookups, &id, &found))
        end_lookup(a, id, &found);
    for (size_t i = 0; i < ADMISSION_DIALS; i++) {
        struct dial *d = &a->dials[i];

        if (d->id == 0 || !d->looks_up)
            continue;
        if (time_due(d->give_up_at, now)) {
            give_up_lookup(a, d);
        } else if (time_due(d->told_at, now)) {
            d->told_at = DUET_NEVER;
            admission_say(a, ADMISSION_CALLING, "looking up %s", d->query.host);
        }
    }
}

static bool is_at(const struct dial *d, const struct duet_addr *addr)
{
    for (size_t i = 0; i < d->count; i++)
        if (addr_equal(&d->addrs[i], addr))
            return true;
    return false;
}

/* By the number of the call, or, when both called at once, by the address. */
const struct dial *admission_find_dial(const struct admission *a, uint32_t id, const struct duet_addr *addr)
{
    for (size_t i = 0; i < ADMISSION_DIALS; i++) {
        const struct dial *d = &a->dials[i];

        if (d->id != 0 && (id != 0 ? d->id == id : addr != NULL && is_at(d, addr)))
            return d;
    }
    return NULL;
}

const struct dial *admission_calling(const struct admission *a)
{
    for (size_t i = 0; i < ADMISSION_DIALS; i++)
        if (a->dials[i].id != 0)
            return &a->dials[i];
    return NULL;
}

bool admission_dial_over(struct admission *a, uint32_t id, struct dial *was)
{
    const struct dial *d = id != 0 ? admission_find_dial(a, id, NULL) : NULL;

    if (d == NULL)
        return false;
    if (was != NULL)
        *was = *d;
    if (d->looks_up && a->client->lookups != NULL)
        lookups_cancel(a->client->lookups, id);
    a->dials[d - a->dials].id = 0;
    return true;
}

bool admission_is_called(const struct admission *a, const struct msg *m)
{
    return admission_find_dial(a, m->id, &m->peer_key->addr) != NULL;
}

duet_time admission_calls_due(const struct admission *a)
{
    duet_time due = DUET_NEVER;

    for (size_t i = 0; i < ADMISSION_DIALS; i++)
        if (a->dials[i].id != 0 && a->dials[i].looks_up)
            due = time_min(due, time_min(a->dials[i].told_at, a->dials[i].give_up_at));
    return due;
}
