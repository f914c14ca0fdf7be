/*
 * conn: making, changing state, ending.  The state table is in conn.h; every
 * change of state goes through conn_enter, every end through conn_close,
 * conn_fail or conn_abandon, so that the owner hears of each end exactly once.
 */
#include "conn/conn.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"

static void trace_state(struct conn *c, duet_time now)
{
    tracer_push(
        &c->shared->tracer,
        &(struct trace_event){.at = now, .type = TRACE_STATE, .conn = c->id, .detail = conn_state_name(c->state)});
}

/* In the state it begins in. */
static struct conn *new_conn(struct conn_shared *shared, conn_id id, enum conn_state state,
                             const struct duet_route *route, bool address_proven, duet_time now)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->hs = calloc(1, sizeof(*c->hs));
    if (c->hs == NULL) {
        free(c);
        return NULL;
    }
    c->shared = shared;
    c->id = id;
    c->state = state;
    c->repeat_at = c->end_at = c->flight_at = DUET_NEVER;
    c->repeat_us = HANDSHAKE_FIRST_US;
    c->flight_wanted = true;
    liveness_init(&c->liveness, now);
    c->close_sent = c->close_heard = CONN_NO_NUMBER;
    path_init(&c->path, route, address_proven);
    return c;
}

struct conn *conn_new_initiator(struct conn_shared *shared, conn_id id, const struct duet_addr *addr,
                                const uint8_t ephemeral[NOISE_KEY_BYTES], duet_time end_at, duet_time now)
{
    /* From where is the kernel's choice, now and whenever its routes change: the peer answers
     * wherever we are. */
    const struct duet_route route = {.peer = *addr};
    struct conn *c = new_conn(shared, id, CONN_SYN_SENT, &route, true, now);

    if (c == NULL)
        return NULL;
    c->initiator = c->initiated = true;
    const int err = ephemeral != NULL ? handshake_start_again(c->hs, &shared->cfg, id, ephemeral)
                                      : handshake_start(c->hs, &shared->cfg, id, &shared->rng);
    if (err != 0) {
        conn_free(c);
        return NULL;
    }
    c->end_at = end_at;
    trace_state(c, now);
    return c;
}

int conn_expect(struct conn *c, const struct expected_keys *expected)
{
    c->call = calloc(1, sizeof(*c->call));
    if (c->call == NULL)
        return DUET_ENOMEM;
    c->call->expected = *expected;
    c->call->act_at = DUET_NEVER;
    return 0;
}

struct conn *conn_new_responder(struct conn_shared *shared, conn_id id, const struct duet_route *route,
                                const struct handshake *hs, bool address_proven, duet_time now)
{
    struct conn *c = new_conn(shared, id, CONN_SYN_RECEIVED, route, address_proven, now);

    if (c == NULL)
        return NULL;
    *c->hs = *hs;
    c->peer_cid = hs->cid_i;
    c->end_at = time_add(now, LIMIT_HALF_OPEN_US);
    trace_state(c, now);
    return c;
}

static void drop_handshake(struct conn *c)
{
    if (c->hs == NULL)
        return;
    handshake_wipe(c->hs);
    free(c->hs);
    c->hs = NULL;
}

void conn_count_parked(struct conn *c)
{
    const size_t parked = streams_parked(&c->streams);

    c->shared->parked_bytes += parked - c->parked_bytes;
    c->parked_bytes = parked;
}

/* Doing it twice does no harm. */
static void drop_streams(struct conn *c)
{
    streams_dispose(&c->streams);
    loss_dispose(&c->loss);
    acktr_dispose(&c->acktr);
    conn_count_parked(c);
}

void conn_let_go(struct conn *c)
{
    if (c->transport_ready && (c->state == CONN_CLOSING || c->state == CONN_DRAINING))
        drop_streams(c);
}

static void stop_transport(struct conn *c)
{
    if (!c->transport_ready)
        return;
    c->transport_ready = false;
    keys_free(c->keys);
    replay_dispose(&c->replay);
    drop_streams(c);
}

void conn_free(struct conn *c)
{
    free(c->call);
    drop_handshake(c);
    stop_transport(c);
    sodium_memzero(c, sizeof(*c));
    free(c);
}

static struct keys *split_keys(const struct conn *c, duet_time now)
{
    uint8_t i2r[NOISE_KEY_BYTES], r2i[NOISE_KEY_BYTES], hash[NOISE_HASH_BYTES];

    noise_split(&c->hs->noise, i2r, r2i, hash);
    struct keys *k =
        keys_new((enum params_suite)c->hs->result.suites, c->initiator ? i2r : r2i, c->initiator ? r2i : i2r, now);
    sodium_memzero(i2r, sizeof(i2r));
    sodium_memzero(r2i, sizeof(r2i));
    sodium_memzero(hash, sizeof(hash));
    return k;
}

int conn_start_transport(struct conn *c, duet_time now)
{
    c->params = c->hs->result;
    c->packet_bytes = LIMIT_PACKET_MIN_BYTES;
    if (cc_init(&c->cc, c->shared->cfg.cc, c->packet_bytes, c->params.window_bytes, now) != 0)
        return DUET_ENOTFOUND;
    c->keys = split_keys(c, now);
    if (c->keys == NULL)
        return DUET_ENOMEM;
    memcpy(c->peer_key, c->hs->noise.rs, sizeof(c->peer_key));
    c->session = c->hs->cid_i ^ c->hs->cid_r;
    replay_init(&c->replay);
    c->early = (struct early_repeat){.count = 0};
    streams_init(&c->streams, c->initiator, c->params.window_bytes);
    loss_init(&c->loss);
    acktr_init(&c->acktr);
    ackpolicy_init(&c->ackpolicy);
    pacer_init(&c->pacer, now);
    tail_init(&c->tail);
    pmtud_init(&c->pmtud, c->packet_bytes, c->params.max_packet_bytes);
    c->skip_at = c->next_number + 1 + rand_below(&c->shared->rng, CONN_SKIP_PACKETS);
    liveness_begin(&c->liveness, c->params.heartbeat_us, c->params.lost_us, now);
    c->transport_ready = true;
    /* Only a flight sent once tells whose answer came (Karn), and the initiator's ACK may have been
     * lost before it came; but no round trip is longer than from the first of them. */
    const uint64_t answer_us = time_since(now, c->flight_at);
    if (c->repeats == 0 && (c->initiator || answer_us < RTT_INITIAL_US))
        rtt_sample(&c->loss.rtt, answer_us, 0, now);
    else
        rtt_bound(&c->loss.rtt, answer_us);
    return 0;
}

/* Packet numbers go on: a former answer that comes again brings its former keys, and no number may
 * be theirs twice.  Nothing was received yet, or the handshake would be over: there is nothing else
 * to forget. */
int conn_change_keys(struct conn *c, duet_time now)
{
    struct keys *k = split_keys(c, now);

    if (k == NULL)
        return DUET_ENOMEM;
    keys_free(c->keys);
    c->keys = k;
    c->session = c->hs->cid_i ^ c->hs->cid_r;
    return 0;
}

void conn_packet_bytes(struct conn *c)
{
    c->packet_bytes = c->pmtud.current_bytes;
    cc_packet_bytes(&c->cc, c->packet_bytes);
}

void conn_forget_path(struct conn *c, duet_time now)
{
    pmtud_init(&c->pmtud, LIMIT_PACKET_MIN_BYTES, c->params.max_packet_bytes);
    loss_forget_path(&c->loss, now);
    c->packet_bytes = c->pmtud.current_bytes;
    /* The name was found when the connection began, so it is found now. */
    cc_init(&c->cc, c->cc.ops->name, c->packet_bytes, c->params.window_bytes, now);
}

void conn_enter(struct conn *c, enum conn_state to, duet_time now)
{
    assert(conn_state_may_follow(c->state, to));
    c->state = to;
    trace_state(c, now);
}

bool conn_is_usable(const struct conn *c)
{
    return c->connected_told && (c->state == CONN_ESTABLISHED || c->state == CONN_ACK_SENT);
}

void conn_tell_connected(struct conn *c)
{
    if (c->connected_told)
        return;
    struct endpoint_event ev = {.type = EVENT_CONNECTED, .conn = c->id};
    memcpy(ev.connected.key, c->peer_key, sizeof(ev.connected.key));
    memcpy(ev.connected.name, c->hs->peer_name, sizeof(ev.connected.name));
    ev.connected.addr = c->path.route.peer;
    ev.connected.params = c->params;
    ev.connected.initiated = c->initiated;
    ev.connected.replaces = c->stands_for;
    ev.connected.session = c->session;
    events_push(&c->shared->events, &ev);
    c->connected_told = true;
}

void conn_confirmed(struct conn *c, duet_time now)
{
    conn_enter(c, CONN_ESTABLISHED, now);
    c->repeat_at = c->end_at = DUET_NEVER;
    c->flight_wanted = false;
    c->done_wanted = !c->initiator;
    path_validate(&c->path);
    conn_tell_connected(c);
    drop_handshake(c);
}

/* ---- ends ---- */

static void tell_end(struct conn *c, enum endpoint_end end, int err)
{
    if (c->closed_told)
        return;
    c->closed_told = true;
    struct endpoint_event ev = {.conn = c->id};
    if (c->connected_told) {
        ev.type = EVENT_CLOSED;
        ev.closed.end = end;
        ev.closed.code = c->close_code;
        memcpy(ev.closed.reason, c->close_reason, sizeof(ev.closed.reason));
    } else {
        /* Of a leg its attempt tells, if no other goes on.  Of an answer that came to nothing
         * nobody knows the id, not even when it stood for an attempt of ours. */
        c->failed_err = err;
        return;
    }
    events_push(&c->shared->events, &ev);
}

static void set_reason(struct conn *c, uint64_t code, const char *reason)
{
    c->close_code = code;
    const size_t len = strnlen(reason, LIMIT_REASON_BYTES);
    memcpy(c->close_reason, reason, len);
    c->close_reason[len] = '\0';
}

void conn_abandon(struct conn *c, enum endpoint_end end, int err, duet_time now)
{
    tell_end(c, end, err);
    conn_enter(c, CONN_DEAD, now);
}

/* One PTO, within reason. */
static uint64_t close_step_us(const struct conn *c, uint64_t least_us)
{
    return num_min(num_max(rtt_pto_us(&c->loss.rtt), least_us), CONN_CLOSE_MAX_US);
}

/* Repeats CLOSE until the peer's own arrives or the tries are used up. */
static void start_closing(struct conn *c, duet_time now)
{
    conn_enter(c, CONN_CLOSING, now);
    c->close_wanted = true;
    c->repeats = 0;
    c->repeat_us = close_step_us(c, CONN_CLOSE_FIRST_US);
    c->repeat_at = time_add(now, c->repeat_us);
    c->end_at = DUET_NEVER;
}

/* Answers each CLOSE of the peer, until it shows that it has one of ours, or comes no more. */
static void start_draining(struct conn *c, duet_time now)
{
    conn_enter(c, CONN_DRAINING, now);
    c->end_at = time_add(now, close_step_us(c, CONN_CLOSE_SLOW_US) * CONN_DRAIN_STEPS);
    c->repeat_at = DUET_NEVER;
    c->repeats = 0;
    c->close_wanted = true;
}

void conn_close(struct conn *c, enum endpoint_end end, uint64_t code, const char *reason, duet_time now)
{
    switch (c->state) {
    case CONN_SYN_SENT:
    case CONN_SYN_RECEIVED:
        conn_abandon(c, end, DUET_ECANCELLED, now);
        return;
    case CONN_ACK_SENT:
    case CONN_ESTABLISHED:
        set_reason(c, code, reason);
        start_closing(c, now);
        if (end != END_LOCAL)
            tell_end(c, end, DUET_EPROTOCOL);
        return;
    case CONN_CLOSING:
    case CONN_DRAINING:
    case CONN_DEAD:
        return;
    }
}

void conn_fail(struct conn *c, int err, const char *what, duet_time now)
{
    const bool ours = err == DUET_ENOMEM || err == DUET_EFULL || err == DUET_EEXHAUSTED || err == DUET_ESYS;

    conn_close(c, END_ERROR, err == DUET_EFLOW ? CLOSE_FLOW : ours ? CLOSE_INTERNAL : CLOSE_PROTOCOL, what, now);
}

/* Both know, and each that the other does.  Who has not shown it yet does so, with one last
 * CLOSE. */
static void part_from_peer(struct conn *c, duet_time now)
{
    tell_end(c, END_LOCAL, DUET_ECANCELLED);
    if (c->state == CONN_DRAINING && !c->close_wanted) {
        conn_enter(c, CONN_DEAD, now);
        return;
    }
    start_draining(c, now);
    c->close_is_last = true;
}

void conn_close_came(struct conn *c, uint64_t number, bool has_close, uint64_t acked, duet_time now)
{
    if (has_close)
        c->close_heard = number;
    if (c->close_sent != CONN_NO_NUMBER && acked != CONN_NO_NUMBER && acked >= c->close_sent &&
        acked < c->next_number) {
        if (has_close || c->state == CONN_DRAINING)
            part_from_peer(c, now);
        return;
    }
    if (!has_close)
        return;
    tell_end(c, END_LOCAL, DUET_ECANCELLED); /* theirs crossed ours, or came before ours had left */
    if (c->state == CONN_CLOSING) {
        start_draining(c, now);
    } else if (++c->repeats < CONN_CLOSE_TRIES) {
        c->end_at = time_add(now, close_step_us(c, CONN_CLOSE_SLOW_US) * CONN_DRAIN_STEPS);
        c->close_wanted = true;
    }
}

void conn_peer_closed(struct conn *c, uint64_t number, uint64_t code, const uint8_t *reason, size_t len, duet_time now)
{
    char text[LIMIT_REASON_BYTES + 1] = "";

    if (len > 0)
        memcpy(text, reason, len);
    set_reason(c, code, text);
    tell_end(c, END_LEFT, DUET_EREFUSED);
    c->close_heard = number;
    start_draining(c, now);
}
