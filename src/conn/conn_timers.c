/*
 * conn_timers: everything that happens because time passed.
 *
 *   timer        armed                         does
 *   repeat       a handshake flight or CLOSE   sends it again, up to HANDSHAKE_MAX_US apart
 *                is unanswered                 (CLOSE: CONN_CLOSE_TRIES times)
 *   end          connecting, half-open,        ends the connection
 *                draining
 *   call         another key answered than     acts on that answer
 *                expected
 *   loss         packets are in flight         loss_timer: lost, or probes
 *   ack          something to acknowledge      conn_send finds it due
 *   pace         bulk waits for its turn       conn_send finds it due
 *   path         two routes are on trial       challenges again, or an end of it
 *   liveness     always, while connected       PING, and empty streams keep no memory; unreachable, lost; what was
 *                                              asked is answered (liveness.h)
 *   early        a small chat frame left,     the frame again
 *                the first credit of a file
 */
#include "base/err.h"
#include "base/num.h"
#include "conn/conn.h"

static bool is_open(const struct conn *c)
{
    return c->state == CONN_ESTABLISHED || c->state == CONN_ACK_SENT;
}

static duet_time open_deadline(const struct conn *c)
{
    duet_time t = time_min(loss_deadline(&c->loss), path_deadline(&c->path));

    t = time_min(t, early_deadline(&c->early));
    return time_min(t, liveness_deadline(&c->liveness, rtt_pto_us(&c->loss.rtt), c->state == CONN_ESTABLISHED));
}

duet_time conn_deadline(const struct conn *c)
{
    duet_time t = time_min(c->repeat_at, c->end_at);

    if (c->call != NULL)
        t = time_min(t, c->call->act_at);
    return is_open(c) ? time_min(t, open_deadline(c)) : t;
}

/* Step mode has one packet outstanding: instead of probing past it, a timeout gives it up and sends
 * it again. */
static void step_timeout(struct conn *c, duet_time now)
{
    struct loss_summary s;
    const uint32_t backoff = c->loss.pto_count;

    loss_all_lost(&c->loss, &s);
    c->loss.pto_count = backoff;
    conn_acked(c, &s, now);
    c->liveness.ping_wanted = true; /* if what it carried need not be sent again, something else has to ask */
}

/* A flight of the handshake goes out again; the responder's never on a timer. */
static void repeat_flight(struct conn *c, duet_time now)
{
    if (c->state == CONN_CLOSING) {
        if (++c->repeats >= CONN_CLOSE_TRIES) {
            c->shared->closes_unanswered++;
            conn_abandon(c, END_LOCAL, DUET_ECANCELLED, now);
            return;
        }
        c->close_wanted = true;
        c->flight_wanted = c->hs != NULL; /* our ACK may be lost, and without it the peer cannot read the CLOSE */
        c->repeat_at = time_add(now, c->repeat_us);
        c->repeat_us = num_max(c->repeat_us, num_min(c->repeat_us * 3 / 2, CONN_CLOSE_SLOW_US));
        return;
    }
    c->flight_wanted = true;
    /* What we sent behind the former ACK was in vain if that got lost: it goes along. */
    if (c->state == CONN_ACK_SENT && c->params.mode == MODE_BURST)
        conn_rearm_all(c);
    else if (c->state == CONN_ACK_SENT && c->loss.eliciting_in_flight > 0)
        step_timeout(c, now);
    c->repeat_at = DUET_NEVER; /* conn_send arms it anew */
}

static void give_up(struct conn *c, duet_time now)
{
    c->end_at = DUET_NEVER;
    conn_abandon(c, END_UNANSWERED, c->other_version ? DUET_EUNSUPPORTED : DUET_ETIMEOUT, now);
}

static void push_silence(struct conn *c, enum endpoint_event_type type, uint64_t silent_us)
{
    struct endpoint_event ev = {.type = type, .conn = c->id};

    ev.silent_us = silent_us;
    events_push(&c->shared->events, &ev);
}

static void judge_silence(struct conn *c, duet_time now)
{
    switch (liveness_judge(&c->liveness, now)) {
    case LIVENESS_OK:
        return;
    case LIVENESS_SILENT:
        push_silence(c, EVENT_UNREACHABLE, time_since(now, c->liveness.heard_at));
        return;
    case LIVENESS_LOST:
        conn_abandon(c, END_LOST, DUET_ETIMEOUT, now);
        return;
    }
}

static void tell_presence(struct conn *c, bool is_there)
{
    const struct endpoint_event ev = {.type = EVENT_PRESENCE, .conn = c->id, .is_there = is_there};

    events_push(&c->shared->events, &ev);
}

void conn_heard(struct conn *c, duet_time now)
{
    const struct liveness_news news = liveness_heard(&c->liveness, now);

    if (news.answers)
        tell_presence(c, true);
    if (!news.is_back)
        return;
    push_silence(c, EVENT_BACK, news.silent_us);
    /* Whatever waits for a backed-off timer may go now. */
    if (c->params.mode != MODE_STEP && c->loss.eliciting_in_flight > 0 && c->loss.probes_due == 0)
        c->loss.probes_due = LOSS_PROBES;
}

/* The timeouts begin anew: what was tried before the question is no answer to it. */
void conn_ask(struct conn *c, duet_time now)
{
    c->loss.pto_count = 0;
    liveness_ask(&c->liveness, rtt_pto_us(&c->loss.rtt), now);
}

/* We were not running: the silence was ours, so probe first and judge later. */
static void wake_from_suspend(struct conn *c, duet_time now)
{
    liveness_wake(&c->liveness, now);
    if (!time_is_never(c->liveness.answer_by))
        conn_ask(c, now);
}

static void repeat_credit(struct conn *c, uint64_t stream)
{
    const struct bulkrecv *b = streams_recv(&c->streams, stream);

    if (b == NULL || b->stopped || b->state.distinct_bytes > 0)
        return;
    streams_update_lost(&c->streams, FRAME_MAX_DATA, stream);
    streams_update_lost(&c->streams, FRAME_MAX_STREAM_DATA, stream);
}

/* Small chat frames and first credits go again before they could be known lost (early_repeat.h). */
static void repeat_early(struct conn *c, duet_time now)
{
    struct stream_piece p;
    uint64_t stream;

    while (early_due(&c->early, now, &stream, &p)) {
        if (p.len == 0)
            repeat_credit(c, stream);
        else if (streams_lost(&c->streams, stream, &p) != 0)
            conn_fail(c, DUET_ENOMEM, "out of memory", now);
    }
}

static bool is_receiving(const struct streams *s)
{
    for (size_t i = 0; i < s->recv_count; i++) {
        if (!s->recvs[i]->stopped && !recvstate_complete(&s->recvs[i]->state))
            return true;
    }
    return false;
}

static void ask_for_more(struct conn *c, duet_time now)
{
    if (!liveness_file_stands(&c->liveness, rtt_pto_us(&c->loss.rtt), now))
        return;
    if (is_receiving(&c->streams))
        liveness_ask_file(&c->liveness, now);
    else
        liveness_file_over(&c->liveness);
}

static void open_tick(struct conn *c, duet_time now)
{
    struct loss_summary s;

    if (time_due(loss_deadline(&c->loss), now)) {
        loss_timer(&c->loss, now, &s);
        conn_acked(c, &s, now);
        if (c->params.mode == MODE_STEP && c->loss.probes_due > 0)
            step_timeout(c, now);
    }
    if (c->state == CONN_ESTABLISHED)
        judge_silence(c, now);
    if (!is_open(c))
        return;
    if (liveness_unanswered(&c->liveness, now))
        tell_presence(c, false);
    conn_path_tick(c, now);
    repeat_early(c, now);
    if (liveness_beat(&c->liveness, now))
        ordered_trim(&c->streams.ordered); /* nothing moved for a while */
    ask_for_more(c, now);
}

void conn_tick(struct conn *c, duet_time now)
{
    if (c->state == CONN_ESTABLISHED && liveness_slept(&c->liveness, now))
        wake_from_suspend(c, now);
    if (c->call != NULL && time_due(c->call->act_at, now)) {
        conn_take_kept(c, now);
        return;
    }
    if (time_due(c->end_at, now)) {
        give_up(c, now);
        return;
    }
    if (time_due(c->repeat_at, now))
        repeat_flight(c, now);
    if (is_open(c))
        open_tick(c, now);
}
