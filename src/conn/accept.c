#include "duet/conn/accept.h"

#include <sodium.h>
#include <string.h>

#include "duet/base/err.h"

static struct endpoint_reply *reply_slot(struct endpoint *e, const struct duet_route *to)
{
    if (e->reply_count == ENDPOINT_REPLIES) {
        e->counters.limited++;
        return NULL;
    }
    struct endpoint_reply *r = &e->replies[(e->reply_head + e->reply_count) % ENDPOINT_REPLIES];
    r->to = *to;
    return r;
}

static void queue_reply(struct endpoint *e, struct endpoint_reply *r, ssize_t len)
{
    if (len <= 0)
        return;
    r->len = (size_t)len;
    e->reply_count++;
}

void accept_other_version(struct endpoint *e, const struct packet *p, const struct duet_route *from)
{
    struct endpoint_reply *r = e->accept ? reply_slot(e, from) : NULL;
    if (r != NULL)
        queue_reply(e, r, packet_write_version(r->bytes, sizeof r->bytes, p->cid_i));
}

static int send_retry(struct endpoint *e, const struct packet *p, const struct duet_route *from, duet_time now)
{
    struct endpoint_reply *r = reply_slot(e, from);
    if (r == NULL)
        return DUET_EFULL;
    uint8_t token[LIMIT_TOKEN_BYTES];
    cookie_make(&e->cookie, &from->peer, p->cid_i, &e->shared.rng, now, token);
    queue_reply(e, r, packet_write_retry(r->bytes, sizeof r->bytes, p->cid_i, token));
    e->counters.retries_sent++;
    return 0;
}

/* ── simultaneous open: one that answers no SYNs stays initiator, else the larger ephemeral key ── */

/* One that EVENT_CONNECTED told of is a session. */
static bool is_attempt(const struct conn *c)
{
    return c->initiator && (c->state == CONN_SYN_SENT || c->state == CONN_ACK_SENT) && !c->connected_told;
}

/* Our SYN wins over that of the peer with these flags and this key; also over itself, come back. */
static bool ours_wins(const struct handshake *own, uint8_t flags, const uint8_t e[NOISE_KEY_BYTES])
{
    const int order = memcmp(own->noise.e.public, e, NOISE_KEY_BYTES);
    const bool sole = own->flags & PACKET_SYN_SOLE;
    if (order == 0 || sole == (bool)(flags & PACKET_SYN_SOLE))
        return order >= 0;
    return sole;
}

static struct conn *attempt_to(const struct endpoint *e, const struct duet_addr *addr)
{
    for (size_t i = 0; i < e->count; i++) {
        if (is_attempt(e->all[i]) && addr_equal(&e->all[i]->path.route.peer, addr))
            return e->all[i];
    }
    return NULL;
}

void accept_attempt_begins(struct endpoint *e, struct conn *own, duet_time now)
{
    for (size_t i = e->count; i-- > 0;) {
        struct conn *c = e->all[i];
        if (c->state != CONN_SYN_RECEIVED || !addr_equal(&c->path.route.peer, &own->path.route.peer))
            continue;
        if (ours_wins(own->hs, c->hs->flags, c->hs->noise.re)) {
            conn_abandon(c, END_LOCAL, DUET_ECANCELLED, now);
            endpoint_update(e, c, now);
        } else {
            c->rival = own->id;
            c->initiated = true;
        }
    }
}

void accept_confirmed(struct endpoint *e, struct conn *c, duet_time now)
{
    struct conn *own = c->rival != 0 ? idmap_get(&e->by_id, c->rival) : NULL;
    if (own == NULL || !is_attempt(own))
        return;
    own->closed_told = true; /* EVENT_CONNECTED of c names it */
    conn_enter(own, CONN_DEAD, now);
    endpoint_update(e, own, now);
}

/* ── answering ───────────────────────────────────────────────────────── */

/* The SYN of a handshake we know: repeat the answer, if it is the same one. */
static int repeat_answer(struct endpoint *e, struct conn *c, const struct packet *p, const struct duet_route *from,
                         size_t len, duet_time now)
{
    if (c->state != CONN_SYN_RECEIVED || !route_equal(&c->path.route, from) ||
        memcmp(c->hs->noise.re, p->noise, NOISE_KEY_BYTES) != 0)
        return DUET_EREPLAY;
    path_received(&c->path, len);
    c->flight_wanted = true;
    c->end_at = time_add(now, LIMIT_HALF_OPEN_US);
    endpoint_update(e, c, now);
    return 0;
}

static int refuse(struct endpoint *e, const struct packet *p, const struct duet_route *from, enum params_refusal why)
{
    struct endpoint_reply *r = reply_slot(e, from);
    struct handshake hs;
    if (r == NULL)
        return DUET_EFULL;
    const int rc = handshake_answer(&hs, &e->shared.cfg, p, endpoint_fresh_id(e), why, &e->shared.rng);
    if (rc == 0)
        queue_reply(e, r, handshake_syn_ack(&hs, r->bytes, sizeof r->bytes));
    handshake_wipe(&hs);
    e->counters.refused++;
    return rc;
}

static int answer(struct endpoint *e, const struct packet *p, const struct duet_route *from, size_t len,
                  bool address_proven, conn_id rival, duet_time now)
{
    struct handshake hs;
    int rc = handshake_answer(&hs, &e->shared.cfg, p, endpoint_fresh_id(e), REFUSAL_NONE, &e->shared.rng);
    if (rc == 0 && hs.refusal != REFUSAL_NONE) {
        struct endpoint_reply *r = reply_slot(e, from);
        if (r != NULL)
            queue_reply(e, r, handshake_syn_ack(&hs, r->bytes, sizeof r->bytes));
        rc = DUET_EREFUSED;
    } else if (rc == 0) {
        struct conn *c = conn_new_responder(&e->shared, hs.cid_r, from, &hs, address_proven, now);
        rc = c == NULL ? DUET_ENOMEM : 0;
        if (c != NULL) {
            path_received(&c->path, len);
            c->rival = rival;
            c->initiated = rival != 0;
            rc = endpoint_add(e, c, now);
        }
    }
    handshake_wipe(&hs);
    return rc;
}

/* One host with a proven address could otherwise take every half-open place. */
static bool host_has_enough(const struct endpoint *e, const struct duet_route *from)
{
    size_t count = 0;
    for (size_t i = 0; i < e->count && e->half_open >= LIMIT_HALF_OPEN_PER_HOST; i++)
        count += e->all[i]->half_open && addr_same_host(&e->all[i]->path.route.peer, &from->peer) ? 1 : 0;
    return count >= LIMIT_HALF_OPEN_PER_HOST;
}

/* A SYN that will be refused, or is garbage, costs about as much as a good one and takes no place: a flood of those, from
 * wherever it likes, must not be cheaper than one that fills the places. */
static bool wastes_answers(struct endpoint *e, duet_time now)
{
    if (time_since(now, e->wasted_since) >= US_PER_S) {
        e->wasted_since = now;
        e->wasted = 0;
    }
    return e->wasted >= LIMIT_WASTED_ANSWERS;
}

int accept_syn(struct endpoint *e, const struct packet *p, const struct duet_route *from, size_t len, duet_time now)
{
    e->counters.syns++;
    if (p->noise_len < NOISE_KEY_BYTES)
        return DUET_EMALFORMED;
    struct conn *known = idmap_get(&e->by_peer, p->cid_i);
    if (known != NULL)
        return repeat_answer(e, known, p, from, len, now);

    const struct conn *own = attempt_to(e, &from->peer);
    /* Ours wins, or it is our own SYN come back.  Where theirs wins it is answered even if they had answered ours:
     * they dropped that answer when their own attempt began (accept_attempt_begins). */
    if (own != NULL && ours_wins(own->hs, p->flags, p->noise))
        return DUET_EREPLAY;
    if (own == NULL && !e->accept)
        return DUET_EREFUSED;

    if (e->half_open >= LIMIT_HALF_OPEN || host_has_enough(e, from))
        return DUET_EFULL;
    /* A bad one is as good as none: it may have grown old, be of our former life, or forged by somebody who saw the SYN. */
    const bool token_ok = p->token != NULL && cookie_check(&e->cookie, &from->peer, p->cid_i, p->token, now);
    if ((e->half_open >= LIMIT_HALF_OPEN_RETRY || wastes_answers(e, now)) && !token_ok)
        return send_retry(e, p, from, now);
    const bool is_busy = e->count >= LIMIT_CONNS;
    const int rc =
        is_busy ? refuse(e, p, from, REFUSAL_BUSY) : answer(e, p, from, len, token_ok, own != NULL ? own->id : 0, now);
    e->wasted += is_busy || rc != 0;
    return rc;
}
