/*
 * Messages of the node become events.
 *
 * One event is out at a time, in the node itself; what it points to is there, too, or in the message it came with,
 * which is kept until the next one is asked for.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "api/state.h"
#include "app/appmsg.h"
#include "base/err.h"
#include "io/clock.h"

_Static_assert((int)DUET_CLOSE_OK == (int)CLOSE_OK && (int)DUET_CLOSE_PROTOCOL == (int)CLOSE_PROTOCOL &&
                   (int)DUET_CLOSE_FLOW == (int)CLOSE_FLOW && (int)DUET_CLOSE_INTERNAL == (int)CLOSE_INTERNAL &&
                   (int)DUET_CLOSE_TRUST == (int)CLOSE_TRUST && (int)DUET_CLOSE_REFUSED == (int)CLOSE_REFUSED &&
                   (int)DUET_CLOSE_REPLACED == (int)CLOSE_REPLACED && (int)DUET_CLOSE_BUSY == (int)CLOSE_BUSY,
               "the caller's codes are those of the wire");

static void take_stats(struct duet_node *n, const struct endpoint_stats *s)
{
    n->stats = (struct duet_peer_stats){
        .rtt_us = s->rtt_us,
        .min_rtt_us = s->min_rtt_us,
        .cwnd_bytes = s->cwnd_bytes,
        .bytes_in_flight = s->bytes_in_flight,
        .sent_packets = s->sent_packets,
        .lost_packets = s->lost_packets,
        .spurious_packets = s->spurious_packets,
        .received_packets = s->received_packets,
        .sent_bytes = s->sent_bytes,
        .received_bytes = s->received_bytes,
        .pacing_bytes_per_s = s->pacing_bytes_per_s,
        .delivered_bytes = s->delivered_bytes,
        .packet_bytes = s->packet_bytes,
        .unreachable = s->unreachable,
        .addr = s->addr,
        .state = s->state,
        .cc = s->cc,
    };
    n->event.stats = &n->stats;
}

static void take_progress(struct duet_node *n, const struct msg_progress *p)
{
    n->progress = (struct duet_progress){
        .transfer = p->id,
        .sending = p->sending,
        .stalled = p->stalled,
        .limited_by_disk = p->limited_by_disk,
        .done_bytes = p->done_bytes,
        .total_bytes = p->total_bytes,
        .rate_bytes_per_s = p->rate_bytes_per_s,
        .eta_us = p->eta_us,
    };
    n->event.transfer = p->id;
    n->event.progress = &n->progress;
}

/* About a call, a text, or anything. */
static void on_notice(struct duet_node *n, const struct msg *m)
{
    struct duet_event *e = &n->event;

    e->id = m->id;
    if (m->id == 0) {
        e->type = DUET_EVENT_NOTICE;
        e->is_error = m->flag;
        e->sys = m->sys;
    } else if (m->peer == 0) {
        e->type = DUET_EVENT_TRIED;
    } else if (m->flag) {
        e->type = DUET_EVENT_UNSENT;
        e->err = m->err;
    } else {
        e->type = DUET_EVENT_ALREADY;
        api_call_over(n, m->id);
    }
}

static void on_end(struct duet_node *n, const struct msg *m)
{
    struct duet_event *e = &n->event;

    e->type = m->type == MSG_LEFT ? DUET_EVENT_LEFT : DUET_EVENT_LOST;
    e->err = m->err;
    e->code = m->value;
    e->ours = m->flag;
    api_peer_gone(n, m->peer);
}

static void on_failed(struct duet_node *n, const struct msg *m)
{
    n->event.type = DUET_EVENT_FAILED;
    n->event.id = m->id;
    n->event.err = m->err;
    n->event.code = m->value;
    if (m->text == NULL)
        api_event_text(n, m->err == DUET_EREFUSED ? params_refusal_text(m->value) : err_text(m->err));
    api_call_over(n, m->id);
}

/* OFFER, SENDING, RECEIVED, SENT, TRANSFER_FAILED. */
static void on_transfer(struct duet_node *n, const struct msg *m)
{
    struct duet_event *e = &n->event;

    e->transfer = m->id;
    e->bytes = m->value;
    if (m->type == MSG_OFFER) {
        e->type = DUET_EVENT_OFFER;
        e->ok = m->flag;
    } else if (m->type == MSG_SENDING) {
        e->type = DUET_EVENT_SENDING;
        e->id = (uint32_t)m->err; /* as msg.h has it */
    } else if (m->type == MSG_RECEIVED) {
        e->type = DUET_EVENT_RECEIVED;
    } else if (m->type == MSG_SENT) {
        e->type = DUET_EVENT_SENT;
    } else {
        e->type = DUET_EVENT_TRANSFER_FAILED;
        e->err = m->err;
        e->sys = m->sys;
        e->ours = m->flag;
        e->bytes = 0;
        e->id = m->flag ? (uint32_t)m->value : 0;
    }
}

static void on_connected(struct duet_node *n, const struct msg *m)
{
    struct api_peer *p = api_peer(n, m->peer);

    if (p != NULL)
        p->is_connected = true;
    n->event.type = DUET_EVENT_CONNECTED;
    n->event.takes_files = (m->value & HELLO_TAKES_FILES) != 0;
    n->event.serves = (m->value & HELLO_SERVES) != 0;
}

static void on_answer(struct duet_node *n, const struct msg *m)
{
    n->event.type = DUET_EVENT_ANSWER;
    n->event.id = m->id;
    n->event.ok = m->flag;
    n->event.err = m->err;
    n->event.time_us = m->value;
}

/* false: nothing for the caller. */
static bool take_message(struct duet_node *n, const struct msg *m)
{
    struct duet_event *e = &n->event;

    e->peer = m->peer;
    if (msg_has_text(m->type) && m->text != NULL) {
        e->text = m->text;
        e->text_bytes = strlen(m->text);
    }
    switch (m->type) {
    case MSG_LISTENING:
        e->type = DUET_EVENT_LISTENING;
        e->addr = &n->message.addr;
        return true;
    case MSG_PEER_KEY:
        e->type = DUET_EVENT_KEY;
        return api_peer_came(n, m);
    case MSG_CONNECTED:
        on_connected(n, m);
        return true;
    case MSG_FAILED:
        on_failed(n, m);
        return true;
    case MSG_TEXT:
        e->type = DUET_EVENT_TEXT;
        return true;
    case MSG_DELIVERED:
        e->type = DUET_EVENT_DELIVERED;
        e->id = m->id;
        return true;
    case MSG_OFFER:
    case MSG_SENDING:
    case MSG_RECEIVED:
    case MSG_SENT:
    case MSG_TRANSFER_FAILED:
        on_transfer(n, m);
        return true;
    case MSG_PROGRESS:
        e->type = DUET_EVENT_PROGRESS;
        take_progress(n, m->progress);
        return true;
    case MSG_UNREACHABLE:
    case MSG_BACK:
        e->type = m->type == MSG_BACK ? DUET_EVENT_BACK : DUET_EVENT_UNREACHABLE;
        e->time_us = m->value;
        return true;
    case MSG_LEFT:
    case MSG_LOST:
        on_end(n, m);
        return true;
    case MSG_ANSWER:
        on_answer(n, m);
        return true;
    case MSG_NOTICE:
        on_notice(n, m);
        return true;
    case MSG_STATS:
        e->type = DUET_EVENT_STATS;
        take_stats(n, m->stats);
        return true;
    case MSG_RESTING:
        e->type = DUET_EVENT_RESTING;
        return true;
    case MSG_STOPPED:
        e->type = DUET_EVENT_STOPPED;
        e->err = m->err;
        n->stopped = true;
        return true;
    case MSG_CONNECT:
    case MSG_TRUST:
    case MSG_SAY:
    case MSG_SEND:
    case MSG_ACCEPT:
    case MSG_REJECT:
    case MSG_CANCEL:
    case MSG_ASK:
    case MSG_STATS_PLEASE:
    case MSG_CLOSE:
    case MSG_LEAVING:
    case MSG_QUIT:
        break;
    }
    return false;
}

/* ---- waiting ---- */

static void let_go(struct duet_node *n)
{
    if (n->has_message)
        msg_dispose(&n->message);
    n->has_message = false;
    n->event = (struct duet_event){.size = sizeof(n->event)};
}

static bool next_event(struct duet_node *n)
{
    let_go(n);
    if (n->stopped)
        return false;
    if (api_calls_next(n, clock_now()))
        return true;
    while (node_next(n->node, &n->message)) {
        n->has_message = true;
        if (take_message(n, &n->message))
            return true;
        let_go(n);
    }
    return false;
}

int duet_fd(const struct duet_node *n)
{
    return n != NULL ? n->epoll_fd : DUET_EINVAL;
}

int duet_next(struct duet_node *n, const struct duet_event **event)
{
    if (event != NULL)
        *event = NULL;
    if (n == NULL || event == NULL)
        return DUET_EINVAL;
    const bool has_one = next_event(n);

    api_arm(n);
    if (has_one)
        *event = &n->event;
    else if (n->stopped)
        return DUET_ECLOSED;
    return has_one ? 1 : 0;
}

int duet_wait(struct duet_node *n, int timeout_ms, const struct duet_event **event)
{
    const duet_time start = clock_now();
    int left_ms = timeout_ms;

    for (;;) {
        const int got = duet_next(n, event);
        struct pollfd p = {.events = POLLIN};

        if (got != 0)
            return got;
        p.fd = n->epoll_fd;
        const int ready = poll(&p, 1, left_ms);

        if (ready <= 0)
            return 0;
        if (timeout_ms > 0) {
            const uint64_t gone_ms = time_since(clock_now(), start) / US_PER_MS;

            left_ms = gone_ms < (uint64_t)timeout_ms ? timeout_ms - (int)gone_ms : 0;
        }
    }
}

const char *duet_event_name(uint32_t type)
{
    switch (type) {
#define X(name, value) \
    case value:        \
        return #name;
        DUET_EVENT_LIST(X)
#undef X
    }
    return "DUET_EVENT_?";
}
