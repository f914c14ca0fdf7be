/*
 * conn_recv_handshake: RETRY, VERSION, SYN-ACK and ACK into state.  Whoever sees a SYN can answer
 * it and come first: nothing here believes a packet that does not come from where ours went, and an
 * answer of another key than expected is kept until the right one had its time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "conn/conn.h"

int conn_recv_retry(struct conn *c, const struct packet *p, const struct duet_route *from, duet_time now)
{
    /* A token is only as good as its maker: who knows our SYN's cid_i, but is not where it went,
     * gets none in. */
    if (c->state != CONN_SYN_SENT || !route_equal(from, &c->path.route))
        return DUET_ENOTFOUND;
    memcpy(c->hs->token, p->token, sizeof(c->hs->token));
    /* Only the first has the SYN repeated at once: later ones (a token grew old, or is forged) wait
     * for its timer. */
    if (!c->hs->has_token) {
        c->flight_wanted = true;
        c->repeat_at = now;
    }
    c->hs->has_token = true;
    return 0;
}

int conn_recv_version(struct conn *c, const struct packet *p, const struct duet_route *from)
{
    /* Not authentic, so it only words the error that the time-out will bring. */
    if (c->state != CONN_SYN_SENT || !route_equal(from, &c->path.route))
        return DUET_ENOTFOUND;
    for (size_t i = 0; i < p->versions_len; i++) {
        if (p->versions[i] == DUET_VERSION_WIRE)
            return DUET_EMALFORMED;
    }
    c->other_version = true;
    return 0;
}

/* How long the answer to an ACK may take: it comes at once, and as late as the SYN-ACK did.  If
 * that answered not the last SYN but one before, an ACK or two go out too early.  On a long path
 * the ACK is not waited for any longer than a SYN: the peer can read nothing of what follows it. */
static uint64_t ack_repeat_us(const struct conn *c, duet_time now)
{
    const uint64_t answer_us = num_max(time_since(now, c->flight_last_at) * 5 / 4, CONN_ACK_FIRST_US);

    return num_min(answer_us, HANDSHAKE_FIRST_US);
}

/* `expected`: NULL: an answer of any key will do.  DUET_ETRUST: it is of another, and nothing
 * happened. */
static int take_answer(struct conn *c, const struct packet *p, const struct expected_keys *expected, duet_time now)
{
    const bool anew = c->state == CONN_ACK_SENT;
    int err = handshake_confirm(c->hs, &c->shared->cfg, expected, p);

    if (err == DUET_EREFUSED || err == DUET_EPROTOCOL) {
        conn_abandon(c, END_ERROR, err, now);
        return 0;
    }
    if (err != 0)
        return err;
    c->peer_cid = p->cid_r;
    err = anew ? conn_change_keys(c, now) : conn_start_transport(c, now);
    if (err != 0) {
        conn_abandon(c, END_ERROR, err, now);
        return err;
    }
    if (anew)
        conn_rearm_all(c);
    conn_enter(c, CONN_ACK_SENT, now);
    c->flight_wanted = true;
    c->repeats = 0;
    c->repeat_us = ack_repeat_us(c, now);
    (void)liveness_heard(&c->liveness, now);
    free(c->call);
    c->call = NULL;
    if (c->hs->flags & PACKET_SYN_SOLE)
        conn_tell_connected(c);
    return 0;
}

/* The first of another key is kept; who sends more of them cannot prolong the wait. */
static int keep_answer(struct conn *c, const struct packet *p, duet_time now)
{
    struct call *call = c->call;

    if (!time_is_never(call->act_at) || p->noise_len > sizeof(call->noise))
        return DUET_EAUTH;
    memcpy(call->noise, p->noise, p->noise_len);
    call->noise_len = p->noise_len;
    call->cid_r = p->cid_r;
    call->act_at = time_min(time_add(now, LIMIT_FOREIGN_ANSWER_US), c->end_at);
    return 0;
}

void conn_take_kept(struct conn *c, duet_time now)
{
    const struct call kept = *c->call;
    const struct packet p = {
        .type = PACKET_SYN_ACK, .cid_i = c->id, .cid_r = kept.cid_r, .noise = kept.noise, .noise_len = kept.noise_len};

    c->call->act_at = DUET_NEVER;
    /* Its ACK needs some time as well; if nothing else, the time-out tells. */
    c->end_at = time_max(c->end_at, time_add(now, LIMIT_FOREIGN_ANSWER_US));
    (void)take_answer(c, &p, NULL, now);
}

int conn_recv_syn_ack(struct conn *c, const struct packet *p, const struct duet_route *from, size_t len, duet_time now)
{
    /* Another answer to our SYN: the responder forgot the first one before our ACK came, or was
     * started anew.  Not before the SYN went again: who sends copies of it from elsewhere gets
     * answers as well, and could pass them on to us for as long as the peer's own is under way. */
    const bool anew = c->state == CONN_ACK_SENT && c->repeats > CONN_ACK_TRIES && p->cid_r != c->peer_cid;
    if ((c->state != CONN_SYN_SENT && !anew) || !route_equal(from, &c->path.route))
        return DUET_ENOTFOUND;
    const bool was_unmarked = c->repeats > CONN_CAUTION_PTOS && c->repeats % 2 != 0; /* the last SYN (conn_allow.c) */
    const int err = take_answer(c, p, c->call != NULL ? &c->call->expected : NULL, now);
    if (err == DUET_ETRUST)
        return keep_answer(c, p, now);
    if (err != 0 || c->state != CONN_ACK_SENT)
        return err;
    if (was_unmarked)
        caution_helped(&c->unmarked, now);
    c->received_bytes += len;
    return 0;
}

static const uint8_t *ack_tag_of(const struct packet *ack)
{
    return ack->noise + ack->noise_len - NOISE_TAG_BYTES;
}

/* The ACK that confirmed us again, and nothing of ours acknowledged: HANDSHAKE_DONE did not get
 * through.  Its tag, which nobody can invent, is what it is known by. */
static bool is_known_ack(const struct conn *c, const struct packet *ack)
{
    return c->state == CONN_ESTABLISHED && !c->initiator && c->loss.acked_packets == 0 &&
           ack->noise_len >= NOISE_TAG_BYTES && memcmp(ack_tag_of(ack), c->ack_tag, NOISE_TAG_BYTES) == 0;
}

int conn_recv_ack(struct conn *c, const struct packet *p, const struct duet_route *from, size_t len, duet_time now)
{
    if (!route_equal(from, &c->path.route))
        return DUET_ENOTFOUND;
    if (is_known_ack(c, p)) {
        c->done_wanted = true;
        return 0;
    }
    if (c->state != CONN_SYN_RECEIVED || p->noise_len < NOISE_TAG_BYTES)
        return DUET_ENOTFOUND;
    path_received(&c->path, len);
    int err = handshake_complete(c->hs, p);
    if (err != 0)
        return err;
    err = conn_start_transport(c, now);
    if (err != 0) {
        conn_abandon(c, END_ERROR, err, now);
        return err;
    }
    memcpy(c->ack_tag, ack_tag_of(p), sizeof(c->ack_tag));
    c->received_bytes += len;
    (void)liveness_heard(&c->liveness, now);
    conn_confirmed(c, now);
    return 0;
}
