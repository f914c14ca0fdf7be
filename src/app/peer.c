#include "duet/app/peer.h"

#include "duet/base/err.h"

void peer_doom(struct peer *p, enum close_code code, const char *reason)
{
    if (p->doomed)
        return;
    p->doomed = true;
    p->doom_code = code;
    p->doom_reason = reason;
}

void peer_send(struct peer *p, const struct appmsg *m)
{
    struct channel *ch = m->type == APPMSG_TEXT ? &p->chat : &p->control;
    const size_t bound = appmsg_bound(m);
    int err;

    if (p->gone || p->doomed)
        return;
    uint8_t *at = channel_reserve(ch, bound, &err);

    if (at == NULL) {
        if (err == DUET_EFULL)
            peer_doom(p, CLOSE_FLOW, "asks for more than it reads");
        else
            peer_doom(p, CLOSE_INTERNAL, "out of memory");
        return;
    }
    const ssize_t len = appmsg_write(m, at, bound);

    if (len < 0) {
        peer_doom(p, CLOSE_INTERNAL, "a message of ours does not fit its bounds");
        return;
    }
    channel_commit(ch, (size_t)len);
}
