/*
 * endpoint: datagrams to connections and back (the tables are endpoint_state's).
 *
 * Every operation ends in endpoint_update for the connection it touched, which
 * sets that connection's timer and puts it among the ready ones when it has
 * something to send now; a train of datagrams does so once, not for each.
 * endpoint_send serves the ready ones in turn; one that has nothing more leaves
 * the queue.
 */
#include "conn/endpoint.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "conn/accept.h"
#include "conn/attempt.h"
#include "conn/endpoint_state.h"

#define CONNECT_TIMEOUT_US 30000000
#define TRAIN_PACKETS 64    /* most packets in one train: the kernel's UDP_MAX_SEGMENTS */
#define READY_RETRY_US 1000 /* a connection that promised a packet and gave none is asked again then, not at once */

/* What the datagrams of a train have in common. */
struct arrival {
    const struct envelope *outside;
    duet_time now;
    struct conn *open; /* its timer and readiness wait for the end of the train; NULL: none */
};

struct endpoint *endpoint_new(const struct endpoint_config *cfg, duet_time now)
{
    struct cc probe;

    if (cc_init(&probe, cfg->cc, LIMIT_PACKET_MIN_BYTES, LIMIT_WINDOW_MIN_BYTES, now) != 0)
        return NULL;
    struct endpoint *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    e->shared.cfg = *cfg;
    if (cfg->connect_timeout_us == 0)
        e->shared.cfg.connect_timeout_us = CONNECT_TIMEOUT_US;
    e->accept = cfg->accept;
    rand_init(&e->shared.rng, cfg->seed);
    sodium_memzero(e->shared.cfg.seed, sizeof(e->shared.cfg.seed));
    events_init(&e->shared.events);
    idmap_init(&e->by_id, rand_u64(&e->shared.rng));
    e->syn_secret = rand_u64(&e->shared.rng);
    idmap_init(&e->by_syn, e->syn_secret);
    heap_init(&e->timers);
    hosts_init(&e->hosts, rand_u64(&e->shared.rng));
    cookie_init(&e->cookie, &e->shared.rng, now);
    if (tracer_init(&e->shared.tracer, cfg->trace) != 0) {
        endpoint_free(e);
        return NULL;
    }
    return e;
}

void endpoint_free(struct endpoint *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->count; i++)
        conn_free(e->all[i]);
    attempt_free_all(e);
    free(e->all);
    idmap_dispose(&e->by_id);
    idmap_dispose(&e->by_syn);
    heap_dispose(&e->timers);
    hosts_dispose(&e->hosts);
    events_dispose(&e->shared.events);
    tracer_dispose(&e->shared.tracer);
    cookie_wipe(&e->cookie);
    rand_wipe(&e->shared.rng);
    sodium_memzero(e, sizeof(*e));
    free(e);
}

/* ---- opening and closing ---- */

/* A live session with exactly one of these addresses; NULL: none. */
static const struct conn *session_with(const struct endpoint *e, const struct duet_addr *addrs, size_t count)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct conn *c = e->all[i];

        if (!conn_is_usable(c) || c->liveness.unreachable)
            continue;
        for (size_t k = 0; k < count; k++) {
            if (addr_equal(&c->path.route.peer, &addrs[k]))
                return c;
        }
    }
    return NULL;
}

int endpoint_call(struct endpoint *e, const struct duet_addr *addrs, size_t count, const struct expected_keys *expected,
                  duet_time now, conn_id *out)
{
    const struct conn *live = session_with(e, addrs, count);

    if (live != NULL) {
        *out = live->id;
        return DUET_EEXIST;
    }
    const int err = attempt_begin(e, addrs, count, expected, now, out);

    if (err == 0)
        accept_attempt_begins(e, attempt_find(e, *out), now);
    return err;
}

int endpoint_connect(struct endpoint *e, const struct duet_addr *peer, duet_time now, conn_id *out)
{
    return endpoint_call(e, peer, 1, &(struct expected_keys){.count = 0}, now, out);
}

void endpoint_close(struct endpoint *e, conn_id conn, uint64_t code, const char *reason, duet_time now)
{
    struct attempt *a = attempt_find(e, conn);
    struct conn *c = endpoint_find(e, conn);

    if (a != NULL) {
        attempt_close(e, a, code, reason == NULL ? "" : reason, now);
        return;
    }
    if (c == NULL)
        return;
    conn_close(c, END_LOCAL, code, reason == NULL ? "" : reason, now);
    endpoint_update(e, c, now);
}

int endpoint_ask(struct endpoint *e, conn_id conn, duet_time now)
{
    struct conn *c = endpoint_find_open(e, conn);

    if (c == NULL || c->state != CONN_ESTABLISHED)
        return DUET_ENOTFOUND;
    conn_ask(c, now);
    endpoint_update(e, c, now);
    return 0;
}

void endpoint_set_accept(struct endpoint *e, bool accept)
{
    e->accept = accept;
}

/* ---- datagrams in ---- */

/* The connection a packet names; NULL: none, or a SYN, which names none. */
static struct conn *named_by(const struct endpoint *e, const struct packet *p)
{
    switch (p->type) {
    case PACKET_SYN:
        return NULL;
    case PACKET_DATA:
        return endpoint_find(e, p->dcid);
    case PACKET_ACK:
        return endpoint_find(e, p->cid_r);
    case PACKET_RETRY:
    case PACKET_SYN_ACK:
    case PACKET_VERSION:
        return endpoint_find(e, p->cid_i);
    }
    return NULL;
}

static int recv_syn_ack(struct endpoint *e, struct conn *c, const struct packet *p, const struct duet_route *from,
                        size_t len, duet_time now)
{
    const int err = conn_recv_syn_ack(c, p, from, len, now);

    attempt_settle(e, c, now);
    return err;
}

static int recv_ack(struct endpoint *e, struct conn *c, const struct packet *p, const struct duet_route *from,
                    size_t len, duet_time now)
{
    const int err = conn_recv_ack(c, p, from, len, now);

    if (err == 0)
        accept_confirmed(e, c, now);
    return err;
}

static int dispatch_packet(struct endpoint *e, struct conn *c, const struct packet *p, const struct arrival *a,
                           uint8_t *dgram, size_t len)
{
    if (p->type == PACKET_SYN)
        return accept_syn(e, p, a->outside, len, a->now);
    if (c == NULL)
        return DUET_ENOTFOUND;
    switch (p->type) {
    case PACKET_SYN:
        break;
    case PACKET_RETRY:
        return conn_recv_retry(c, p, &a->outside->route, a->now);
    case PACKET_SYN_ACK:
        return recv_syn_ack(e, c, p, &a->outside->route, len, a->now);
    case PACKET_ACK:
        return recv_ack(e, c, p, &a->outside->route, len, a->now);
    case PACKET_VERSION:
        return conn_recv_version(c, p, &a->outside->route);
    case PACKET_DATA:
        return conn_recv_data(c, p, &a->outside->route, dgram, len, a->outside->ecn, a->now);
    }
    return DUET_ENOTFOUND;
}

static void count_drop(struct endpoint *e, int err, size_t len, duet_time now)
{
    struct endpoint_counters *n = &e->counters;

    if (err == DUET_EMALFORMED || err == DUET_EUNSUPPORTED)
        n->malformed++;
    else if (err == DUET_ENOTFOUND)
        n->unknown++;
    else if (err == DUET_EAUTH)
        n->unauthentic++;
    else if (err == DUET_EREPLAY)
        n->replayed++;
    else if (err == DUET_EREFUSED)
        n->refused++;
    else
        n->limited++;
    tracer_push(&e->shared.tracer,
                &(struct trace_event){.at = now, .type = TRACE_PACKET_DROPPED, .bytes = len, .detail = err_text(err)});
}

/* Timer and readiness of the connection the last datagrams were for, unless the next one is for it,
 * too. */
static void settle_arrival(struct endpoint *e, struct arrival *a, struct conn *next)
{
    if (a->open != NULL && a->open != next)
        endpoint_update(e, a->open, a->now);
    a->open = next;
}

static int recv_datagram(struct endpoint *e, struct arrival *a, uint8_t *dgram, size_t len)
{
    struct packet p;

    e->counters.received++;
    int err = packet_parse(&p, dgram, len);
    if (err == DUET_EUNSUPPORTED)
        accept_other_version(e, &p, &a->outside->route);
    else if (err == 0) {
        struct conn *c = named_by(e, &p);

        settle_arrival(e, a, c);
        err = dispatch_packet(e, c, &p, a, dgram, len);
    }
    if (err != 0)
        count_drop(e, err, len, a->now);
    return err;
}

int endpoint_recv(struct endpoint *e, const struct envelope *outside, uint8_t *train, size_t len, size_t segment_bytes,
                  duet_time now)
{
    struct arrival a = {.outside = outside, .now = now};
    size_t at = 0;
    int first = 0;

    assert(len == 0 || segment_bytes > 0);
    do {
        const int err = recv_datagram(e, &a, train + at, num_min(segment_bytes, len - at));

        first = first == 0 ? err : first;
        at += segment_bytes;
    } while (at < len);
    settle_arrival(e, &a, NULL);
    return first;
}

/* ---- datagrams out ---- */

static size_t send_reply(struct endpoint *e, struct envelope *outside, uint8_t *buf)
{
    const struct endpoint_reply *r = &e->replies[e->reply_head];

    memcpy(buf, r->bytes, r->len);
    outside->route = r->to;
    outside->ecn = 0; /* no connection, so nobody whom a mark could tell anything */
    e->reply_head = (e->reply_head + 1) % ENDPOINT_REPLIES;
    e->reply_count--;
    return r->len;
}

/* As many equal packets as fit; only a full one is followed by another, and only one for the route
 * in use. */
static size_t send_train(struct conn *c, uint8_t *buf, size_t cap, size_t *segment_bytes, duet_time now,
                         struct duet_route *to)
{
    const bool joins = conn_may_join(c, now); /* before the packet that pays off what it is judged by */
    size_t used = conn_send(c, buf, cap, now, to);

    *segment_bytes = used;
    size_t last = used;
    const size_t most = joins && route_equal(to, &c->path.route) ? TRAIN_PACKETS : 1;
    for (size_t n = 1; n < most && last == c->packet_bytes && cap - used >= last; n++) {
        last = conn_send(c, buf + used, *segment_bytes, now, NULL);
        used += last;
    }
    return used;
}

ssize_t endpoint_send(struct endpoint *e, struct envelope *outside, uint8_t *buf, size_t cap, size_t *segment_bytes,
                      duet_time now)
{
    if (e->reply_count > 0) {
        *segment_bytes = send_reply(e, outside, buf);
        return (ssize_t)*segment_bytes;
    }
    while (e->ready_first != NULL) {
        struct conn *c = e->ready_first;

        outside->ecn = conn_ecn(c, now);
        const size_t used = send_train(c, buf, cap, segment_bytes, now, &outside->route);
        endpoint_leave_ready(e, c);
        if (used > 0) {
            endpoint_update(e, c, now); /* to the end of the queue, if it has more */
            return (ssize_t)used;
        }
        if (c->state == CONN_DEAD)
            endpoint_update(e, c, now);
        else
            endpoint_set_timer(e, c, time_max(endpoint_plan(c, now), time_add(now, READY_RETRY_US)));
    }
    return 0;
}

void endpoint_too_big(struct endpoint *e, const struct duet_addr *to, size_t bytes, size_t allowed, duet_time now)
{
    for (size_t i = 0; i < e->count; i++) {
        struct conn *c = e->all[i];

        if (!c->transport_ready || !addr_equal(&c->path.route.peer, to))
            continue;
        if (pmtud_too_big(&c->pmtud, (uint32_t)bytes, (uint32_t)allowed, now))
            conn_packet_bytes(c);
        endpoint_update(e, c, now);
    }
}

void endpoint_nobody_listens(struct endpoint *e, const struct duet_addr *at)
{
    (void)attempt_hint_at(e, at, HINT_NOBODY_LISTENS, 0);
}

bool endpoint_cannot_send(struct endpoint *e, const struct duet_addr *to, int sys)
{
    return attempt_hint_at(e, to, HINT_CANNOT_SEND, sys);
}

/* The peers see us move, and ask whether we did (path.h). */
void endpoint_local_gone(struct endpoint *e, const struct duet_addr *local)
{
    for (size_t i = 0; i < e->count; i++)
        path_local_gone(&e->all[i]->path, local);
}

/* ---- time and events ---- */

duet_time endpoint_deadline(const struct endpoint *e)
{
    const struct heap_node *first = heap_first(&e->timers);

    return time_min(first == NULL ? DUET_NEVER : first->at, attempt_deadline(e));
}

void endpoint_tick(struct endpoint *e, duet_time now)
{
    struct heap_node *first;

    while ((first = heap_first(&e->timers)) != NULL && time_due(first->at, now)) {
        struct conn *c = (struct conn *)first;

        conn_tick(c, now);
        attempt_settle(e, c, now);
        endpoint_update(e, c, now);
    }
    attempt_tick(e, now);
}

bool endpoint_is_ready(const struct endpoint *e)
{
    return e->reply_count > 0 || e->ready_first != NULL;
}

bool endpoint_poll(struct endpoint *e, struct endpoint_event *ev)
{
    return events_pop(&e->shared.events, ev);
}

bool endpoint_trace_poll(struct endpoint *e, struct trace_event *out)
{
    return tracer_pop(&e->shared.tracer, out);
}

uint64_t endpoint_trace_dropped(const struct endpoint *e)
{
    return e->shared.tracer.dropped;
}

/* ---- figures ---- */

int endpoint_stats(const struct endpoint *e, conn_id conn, struct endpoint_stats *out)
{
    const struct conn *c = endpoint_find(e, conn);

    if (c == NULL)
        return DUET_ENOTFOUND;
    *out = (struct endpoint_stats){
        .sent_bytes = c->sent_bytes,
        .received_bytes = c->received_bytes,
        .received_packets = c->received_packets,
        .unreachable = c->liveness.unreachable,
        .addr = c->path.route.peer,
        .state = conn_state_name(c->state),
    };
    if (!c->transport_ready)
        return 0;
    out->rtt_us = c->loss.rtt.srtt_us;
    out->min_rtt_us = c->loss.rtt.min_us;
    out->cwnd_bytes = c->cc.cwnd_bytes;
    out->bytes_in_flight = c->loss.bytes_in_flight;
    out->sent_packets = c->loss.sent_packets;
    out->lost_packets = c->loss.lost_packets;
    out->spurious_packets = c->loss.spurious_packets;
    out->pacing_bytes_per_s = c->cc.pacing_bytes_per_s;
    out->delivered_bytes = c->loss.delivered_bytes;
    out->packet_bytes = c->packet_bytes;
    out->datagrams_sent = c->datagrams_sent;
    out->datagrams_received = c->datagrams_received;
    out->datagrams_dropped = c->streams.datagrams.dropped;
    out->cc = c->cc.ops->name;
    return 0;
}

struct endpoint_counters endpoint_counters(const struct endpoint *e)
{
    struct endpoint_counters n = e->counters;

    n.events_dropped = e->shared.events.dropped;
    n.closes_unanswered = e->shared.closes_unanswered;
    return n;
}

size_t endpoint_conn_count(const struct endpoint *e)
{
    return e->count;
}

bool endpoint_is_parting(const struct endpoint *e)
{
    for (size_t i = 0; i < e->count; i++) {
        if (e->all[i]->state == CONN_CLOSING || e->all[i]->state == CONN_DRAINING)
            return true;
    }
    return false;
}
