/*
 * conn_path: what the path (path.h) is told of the packets that come, and what follows when another
 * route is in use.
 */
#include "conn/conn.h"

static struct path_view view_of(const struct conn *c, duet_time now)
{
    return (struct path_view){
        .pto_us = rtt_pto_us(&c->loss.rtt), .in_doubt = c->loss.pto_count > 0 || c->liveness.unreachable, .now = now};
}

/* A NAT's new port is the same way through the network; a new host is not (RFC 9000 §9.4). */
static void follow_route(struct conn *c, const struct duet_route *former, duet_time now)
{
    c->loss.in_doubt = path_is_in_doubt(&c->path);
    if (c->state != CONN_ESTABLISHED || route_equal(&c->path.route, former))
        return;
    conn_flight_lost(c, now);
    if (!addr_same_host(&c->path.route.peer, &former->peer))
        conn_forget_path(c, now);
    acktr_want_all(&c->acktr);
}

void conn_path_came(struct conn *c, const struct path_packet *came, duet_time now)
{
    const struct duet_route former = c->path.route;
    const struct path_view v = view_of(c, now);

    if (c->state == CONN_SYN_RECEIVED || c->state == CONN_ACK_SENT)
        return;
    /* What we said lately may have gone where the peer no longer is. */
    if (path_came(&c->path, came, &v, &c->shared->rng))
        acktr_want_all(&c->acktr);
    follow_route(c, &former, now);
}

/* Not taken twice, but it says that somebody sends from there; opened, if that may be the peer. */
void conn_path_came_again(struct conn *c, struct path_packet *came, const struct packet *p, uint8_t *dgram,
                          duet_time now)
{
    const struct duet_route former = c->path.route;

    if (c->state != CONN_ESTABLISHED)
        return;
    path_came_again(&c->path, came, now);
    follow_route(c, &former, now);
    if (p->number != c->largest_received || !path_wants_copy(&c->path, came->from))
        return;
    came->is_newest = true;
    if (keys_open(c->keys, p->epoch, p->number, dgram, p->header_len, dgram + p->header_len,
                  came->bytes - p->header_len, now) == 0)
        conn_path_came(c, came, now);
}

void conn_path_answered(struct conn *c, const uint8_t data[FRAME_PATH_BYTES], duet_time now)
{
    const struct duet_route former = c->path.route;

    path_answered(&c->path, data, now);
    follow_route(c, &former, now);
}

void conn_path_tick(struct conn *c, duet_time now)
{
    const struct duet_route former = c->path.route;
    const struct path_view v = view_of(c, now);

    path_tick(&c->path, &v, &c->shared->rng);
    follow_route(c, &former, now);
}
