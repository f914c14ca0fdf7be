#include "app/peer.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

static bool is_blank(int32_t cp)
{
    switch (cp) {
    case ' ':
    case 0x00A0:
    case 0x1680:
    case 0x202F:
    case 0x205F:
    case 0x2800: /* braille without dots */
    case 0x3000:
        return true;
    }
    return cp >= 0x2000 && cp <= 0x200A;
}

void peer_name(const char *sent, size_t len, char out[PEER_NAME_BYTES])
{
    size_t kept = 0;

    len = text_sanitise(TEXT_LINE, sent, len, out, PEER_NAME_BYTES);
    for (size_t at = 0; at < len;) {
        int32_t cp;
        const ssize_t used = text_decode(out + at, len - at, &cp);
        const size_t step = used > 0 ? (size_t)used : 1;

        if (cp == '<' || cp == '>' || is_blank(cp)) {
            out[kept++] = '_';
        } else {
            memmove(out + kept, out + at, step);
            kept += step;
        }
        at += step;
    }
    out[kept] = '\0';
    if (kept == 0)
        memcpy(out, "unnamed", sizeof("unnamed"));
}

bool peer_is_same(const struct peer *a, const struct peer *b)
{
    return memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

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
            peer_doom(p, CLOSE_FLOW, "too many answers are waiting to be read");
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
