#include "app/patience.h"

#include "app/session.h"
#include "app/transfer.h"
#include "base/num.h"

/* Is it up to the peer's program that this one moves? */
static bool waits_for_program(const struct transfer *t)
{
    if (t->state == TRANSFER_SENDING)
        return t->out.pieces > 0 || t->jobs_out == 0; /* else our disk is what it waits for */
    return t->state == TRANSFER_CONFIRMING;
}

void patience_look(struct session *s, const struct env *env)
{
    struct patience *p = &s->patience;
    /* What the peer's program reads slowly is waited for only when nothing else keeps us. */
    const bool writes = env->quitting && !flows_written(&s->flows);
    uint64_t pending = texts_undelivered(&s->texts) + s->asks.count + writes;
    uint64_t storing = 0;

    p->waits = pending > 0;
    for (size_t i = 0; i < env->transfer_count; i++) {
        const struct transfer *t = env->transfers[i];

        if (t->peer != &s->peer || !t->sending || t->state == TRANSFER_ENDED)
            continue;
        pending++;
        p->waits = p->waits || waits_for_program(t);
        if (t->state == TRANSFER_CONFIRMING)
            storing = num_max(storing, t->size);
    }
    p->waits = p->waits && s->state == SESSION_LIVE && !s->peer.unreachable;
    p->allowed_us = storing / PATIENCE_STORE_BYTES_PER_S * US_PER_S;

    const uint64_t mark = endpoint_acked(env->endpoint, s->peer.conn) << PATIENCE_PENDING_BITS | pending;

    if (mark != p->mark || !p->waits)
        p->moved_at = env->now;
    p->mark = mark;
    p->looked_at = env->now;
}

duet_time patience_look_at(const struct session *s)
{
    return s->patience.waits ? time_add(s->patience.looked_at, PATIENCE_LOOK_US) : DUET_NEVER;
}

duet_time patience_ends(const struct session *s, uint64_t limit_us)
{
    return s->patience.waits ? time_add(s->patience.moved_at, limit_us + s->patience.allowed_us) : DUET_NEVER;
}
