#include "conn/accept.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "conn/attempt.h"

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
        queue_reply(e, r, packet_write_version(r->bytes, sizeof(r->bytes), p->cid_i));
}

static int send_retry(struct endpoint *e, const struct packet *p, const struct duet_route *from, duet_time now)
{
    struct endpoint_reply *r = reply_slot(e, from);

    if (r == NULL)
        return DUET_EFULL;
    uint8_t token[LIMIT_TOKEN_BYTES];
    cookie_make(&e->cookie, &from->peer, p->cid_i, &e->shared.rng, now, token);
    queue_reply(e, r, packet_write_retry(r->bytes, sizeof(r->bytes), p->cid_i, token));
    e->counters.retries_sent++;
    return 0;
}

/* ---- simultaneous open: one that answers no SYNs stays initiator, else the larger key ---- */

/* Our SYN wins over that of the peer with these flags and this key. */
static bool ours_wins(const struct attempt *own, uint8_t flags, const uint8_t e[NOISE_KEY_BYTES])
{
    const bool sole = own->flags & PACKET_SYN_SOLE;

    if (sole == (bool)(flags & PACKET_SYN_SOLE))
        return memcmp(own->ephemeral.public, e, NOISE_KEY_BYTES) > 0;
    return sole;
}

static bool is_loopback_v4(const struct duet_addr *a)
{
    return a->family == ADDR_V4 && a->ip[0] == 127;
}

/* From an address of ours to the one that was called, so that is ours as well.  Anybody can send us
 * our SYN, and over IPv6 even from our own address, but not to where it was sent.  All of
 * 127.0.0.0/8 is ours, and what is sent to any of them comes from 127.0.0.1. */
static bool is_own_call(const struct duet_addr *called, const struct duet_route *from)
{
    if (!addr_same_host(called, &from->local))
        return false;
    return addr_same_host(&from->peer, &from->local) || (is_loopback_v4(&from->peer) && is_loopback_v4(&from->local));
}

/* The SYN of our own leg `cid_i` has come back.  From this host: the user called this very program.
 * From another one: perhaps a router sends us back, perhaps somebody on the way wants us to give
 * up, so only a hint. */
static void came_back(struct endpoint *e, uint64_t cid_i, const struct duet_route *from, duet_time now)
{
    struct conn *leg = endpoint_find(e, cid_i);

    if (leg == NULL || leg->attempt == NULL)
        return;
    if (!is_own_call(&leg->path.route.peer, from)) {
        attempt_hint(e, leg, HINT_COMES_BACK, 0);
        return;
    }
    conn_abandon(leg, END_LOCAL, DUET_ESELF, now);
    endpoint_update(e, leg, now);
}

void accept_attempt_begins(struct endpoint *e, const struct attempt *own, duet_time now)
{
    for (size_t i = e->count; i-- > 0;) {
        struct conn *c = e->all[i];

        if (c->state != CONN_SYN_RECEIVED || !attempt_has(own, &c->path.route.peer))
            continue;
        if (ours_wins(own, c->hs->flags, c->hs->noise.re)) {
            conn_abandon(c, END_LOCAL, DUET_ECANCELLED, now);
            endpoint_update(e, c, now);
        } else {
            c->stands_for = own->id;
            c->initiated = true;
        }
    }
}

void accept_confirmed(struct endpoint *e, struct conn *c, duet_time now)
{
    struct attempt *own = c->stands_for != 0 ? attempt_find(e, c->stands_for) : NULL;

    if (own != NULL)
        attempt_replaced(e, own, now); /* EVENT_CONNECTED of c names it */
}

/* ---- answering ---- */

/* By what a SYN is known when it comes again: where it came from, and all of it that counts.
 * Whoever sees a SYN can be faster with a copy of his own address, or with another one of the same
 * cid_i.  Those are other SYNs, with answers of their own, or the peer would get none. */
static uint64_t syn_tag_of(const struct endpoint *e, const struct packet *p, const struct duet_route *from)
{
    uint8_t all[2 * ADDR_KEY_BYTES + PACKET_SYN_BOUND_BYTES + LIMIT_SYN_BYTES];
    uint8_t key[crypto_shorthash_KEYBYTES] = {0}, hash[crypto_shorthash_BYTES];
    struct writer k = writer_of(key, sizeof(key)), w = writer_of(all, sizeof(all));

    writer_u64(&k, e->syn_secret);
    addr_key(&from->peer, writer_reserve(&w, ADDR_KEY_BYTES));
    addr_key(&from->local, writer_reserve(&w, ADDR_KEY_BYTES));
    packet_syn_bound(writer_reserve(&w, PACKET_SYN_BOUND_BYTES), p->version, p->flags, p->cid_i);
    writer_bytes(&w, p->noise, p->noise_len);
    (void)crypto_shorthash(hash, all, writer_used(&w), key); /* SipHash never fails */
    struct reader r = reader_of(hash, sizeof(hash));
    return reader_u64(&r);
}

/* The answer is marked as the SYN was: to one that came without, perhaps because marks do not get
 * through, without. */
static void note_mark(struct conn *c, const struct envelope *outside)
{
    c->peer_unmarked = (outside->ecn & ENVELOPE_ECN_MASK) == 0;
}

/* A SYN that was answered has come again. */
static int repeat_answer(struct endpoint *e, struct conn *c, const struct envelope *outside, size_t len, duet_time now)
{
    if (c->state != CONN_SYN_RECEIVED)
        return DUET_EREPLAY;
    path_received(&c->path, len);
    note_mark(c, outside);
    c->flight_wanted = true; /* its life goes on as it was: who only repeats SYNs holds no place for ever */
    endpoint_update(e, c, now);
    return 0;
}

static int refuse_syn(struct endpoint *e, const struct packet *p, const struct duet_route *from,
                      enum params_refusal why)
{
    struct endpoint_reply *r = reply_slot(e, from);
    struct handshake hs;

    if (r == NULL)
        return DUET_EFULL;
    const int err = handshake_answer(&hs, &e->shared.cfg, p, endpoint_fresh_id(e), why, &e->shared.rng);
    if (err == 0)
        queue_reply(e, r, handshake_syn_ack(&hs, r->bytes, sizeof(r->bytes)));
    handshake_wipe(&hs);
    e->counters.refused++;
    return err;
}

static int answer_syn(struct endpoint *e, const struct packet *p, const struct envelope *outside, size_t len,
                      bool address_proven, conn_id stands_for, struct host *host, duet_time now)
{
    const struct duet_route *from = &outside->route;
    struct handshake hs;
    int err = handshake_answer(&hs, &e->shared.cfg, p, endpoint_fresh_id(e), REFUSAL_NONE, &e->shared.rng);

    if (err == 0 && hs.refusal != REFUSAL_NONE) {
        struct endpoint_reply *r = reply_slot(e, from);

        if (r != NULL)
            queue_reply(e, r, handshake_syn_ack(&hs, r->bytes, sizeof(r->bytes)));
        err = DUET_EREFUSED;
    } else if (err == 0) {
        struct conn *c = conn_new_responder(&e->shared, hs.cid_r, from, &hs, address_proven, now);

        err = c == NULL ? DUET_ENOMEM : 0;
        if (c != NULL) {
            path_received(&c->path, len);
            note_mark(c, outside);
            c->syn_tag = syn_tag_of(e, p, from);
            c->stands_for = stands_for;
            c->initiated = stands_for != 0;
            c->host = host;
            host->half_open++;
            e->half_open++;
            err = endpoint_add(e, c, now);
        }
    }
    handshake_wipe(&hs);
    return err;
}

/* ---- places ---- */

/* Whose place a newcomer gets: the oldest of the host that has most.  Of `only`, if that is one. */
static struct conn *first_to_go(const struct endpoint *e, const struct host *only)
{
    struct conn *first = NULL;

    for (size_t i = 0; i < e->count; i++) {
        struct conn *c = e->all[i];

        if (c->host == NULL || c->stands_for != 0 || (only != NULL && c->host != only))
            continue; /* one that stands for an attempt of our own user is not theirs to push out */
        if (first == NULL || c->host->half_open > first->host->half_open ||
            (c->host->half_open == first->host->half_open && time_before(c->end_at, first->end_at)))
            first = c;
    }
    return first;
}

/* Who fills the places again and again pushes out its own: a host that has few is through before
 * its turn comes.  false: there is none, and none to be had. */
static bool make_room(struct endpoint *e, const struct host *host, bool address_proven, duet_time now)
{
    const bool host_has_enough = host->half_open >= LIMIT_HALF_OPEN_PER_HOST;

    if (e->half_open < LIMIT_HALF_OPEN && !host_has_enough)
        return true;
    struct conn *c = address_proven ? first_to_go(e, host_has_enough ? host : NULL) : NULL;
    if (c == NULL)
        return false;
    conn_abandon(c, END_LOCAL, DUET_ECANCELLED, now);
    endpoint_update(e, c, now);
    return true;
}

/* ---- work ---- */

/* A SYN that will be refused, or is garbage, costs about as much as a good one and takes no place:
 * a flood of those, from wherever it likes, must not be cheaper than one that fills the places. */
static bool wastes_answers(struct endpoint *e, duet_time now)
{
    if (time_since(now, e->wasted_since) >= US_PER_S) {
        e->wasted_since = now;
        e->wasted = e->wasted_proven = 0;
    }
    return e->wasted >= LIMIT_WASTED_ANSWERS;
}

/* A good token does not make a SYN worth its answer: one can be sent as often as one likes, and be
 * garbage otherwise. */
static bool may_ask(const struct endpoint *e, struct host *host, duet_time now)
{
    const bool wasted_lately = !time_is_never(host->wasted_at) && !time_before(host->wasted_at, e->wasted_since);

    if (wasted_lately && e->wasted_proven >= LIMIT_WASTED_PROVEN)
        return false;
    return host_takes_answer(host, now);
}

static void note_wasted(struct endpoint *e, struct host *host, bool address_proven, duet_time now)
{
    e->wasted++;
    if (!address_proven)
        return; /* whoever's address it is, it may have nothing to do with it */
    e->wasted_proven++;
    host_wasted(host, now);
}

int accept_syn(struct endpoint *e, const struct packet *p, const struct envelope *outside, size_t len, duet_time now)
{
    const struct duet_route *from = &outside->route;

    e->counters.syns++;
    if (p->noise_len < NOISE_KEY_BYTES)
        return DUET_EMALFORMED;
    if (attempt_of(e, p->noise) != NULL) {
        came_back(e, p->cid_i, from, now);
        return DUET_EREPLAY;
    }
    struct conn *known = idmap_get(&e->by_syn, syn_tag_of(e, p, from));
    if (known != NULL)
        return repeat_answer(e, known, outside, len, now);

    const struct attempt *own = attempt_to(e, &from->peer);
    /* Where theirs wins it is answered even if they had answered ours: they dropped that answer
     * when their own attempt began (accept_attempt_begins). */
    if (own != NULL && ours_wins(own, p->flags, p->noise))
        return DUET_EREPLAY;
    if (own == NULL && !e->accept)
        return DUET_EREFUSED;

    /* A bad one is as good as none: it may have grown old, be of our former life, or forged by
     * somebody who saw the SYN. */
    const bool token_ok = p->token != NULL && cookie_check(&e->cookie, &from->peer, p->cid_i, p->token, now);
    if ((wastes_answers(e, now) || e->half_open >= LIMIT_HALF_OPEN_RETRY) && !token_ok)
        return send_retry(e, p, from, now);
    struct host *host = hosts_at(&e->hosts, &from->peer, now);
    const bool is_busy = e->count >= LIMIT_CONNS;
    if (host == NULL || (token_ok && !may_ask(e, host, now)) || (!is_busy && !make_room(e, host, token_ok, now)))
        return DUET_EFULL;
    const int err = is_busy ? refuse_syn(e, p, from, REFUSAL_BUSY)
                            : answer_syn(e, p, outside, len, token_ok, own != NULL ? own->id : 0, host, now);
    if (is_busy || err != 0)
        note_wasted(e, host, token_ok, now);
    return err;
}
