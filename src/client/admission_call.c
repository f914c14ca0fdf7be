/*
 * Whom we call.  The node looks names up and calls their addresses; here is what becomes of it, for the user.
 */
#include <stdio.h>
#include <string.h>

#include "client/admission.h"

bool admission_dial(struct admission *a, const char *dialled)
{
    size_t i = 0;

    while (i < ADMISSION_DIALS && a->dials[i].id != 0)
        i++;
    if (i == ADMISSION_DIALS || duet_dial(a->client->node, a->last_dial + 1, dialled, NULL) != 0)
        return false;
    struct dial *d = &a->dials[i];

    *d = (struct dial){.id = ++a->last_dial};
    snprintf(d->dialled, sizeof(d->dialled), "%s", dialled);
    return true;
}

const struct dial *admission_find_dial(const struct admission *a, uint32_t id)
{
    for (size_t i = 0; i < ADMISSION_DIALS; i++)
        if (id != 0 && a->dials[i].id == id)
            return &a->dials[i];
    return NULL;
}

void admission_on_call(struct admission *a, const struct duet_event *ev)
{
    const struct dial *found = admission_find_dial(a, ev->id);

    if (found == NULL)
        return;
    struct dial *d = &a->dials[found - a->dials];

    if (ev->type == DUET_EVENT_LOOKING_UP) {
        d->was_slow = true;
        admission_say(a, ADMISSION_CALLING, "looking up %s", ev->text);
        return;
    }
    d->is_called = true;
    /* That HOST of the command line is called is no news, unless somebody was told that it is looked up. */
    if (d->id != ADMISSION_TARGET || d->was_slow)
        admission_say(a, ADMISSION_CALLING, "connecting to %s", d->dialled);
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
    const struct dial *d = admission_find_dial(a, id);

    if (d == NULL)
        return false;
    if (was != NULL)
        *was = *d;
    a->dials[d - a->dials].id = 0;
    return true;
}

bool admission_is_called(const struct admission *a, const struct duet_event *ev)
{
    return admission_find_dial(a, ev->id) != NULL;
}
