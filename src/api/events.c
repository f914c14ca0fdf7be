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

static void take_progress(struct duet_node *n, const struct transfer_now *p)
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

/* About a text, a call, or anything. */
static void on_words(struct duet_node *n, const struct notice *m)
{
    struct duet_event *e = &n->event;

    if (m->words.say != 0) {
        e->type = DUET_EVENT_UNSENT;
        e->id = m->words.say;
        e->err = m->words.err;
    } else if (m->words.call == 0) {
        e->type = DUET_EVENT_NOTICE;
        e->is_error = m->words.is_error;
        e->sys = m->words.sys;
    } else {
        e->type = m->peer == 0 ? DUET_EVENT_TRIED : DUET_EVENT_ALREADY;
        e->id = m->words.call;
        if (m->peer != 0)
            api_call_over(n, m->words.call);
    }
}

static void on_end(struct duet_node *n, const struct notice *m)
{
    struct duet_event *e = &n->event;

    e->type = m->type == NOTICE_LEFT ? DUET_EVENT_LEFT : DUET_EVENT_LOST;
    e->err = m->end.err;
    e->code = m->end.code;
    e->ours = m->end.by_us;
    api_peer_gone(n, m->peer);
}

static void on_failed(struct duet_node *n, const struct notice *m)
{
    n->event.type = DUET_EVENT_FAILED;
    n->event.id = m->failed.call;
    n->event.err = m->failed.err;
    n->event.code = m->failed.refusal;
    if (m->text == NULL)
        api_event_text(n, m->failed.err == DUET_EREFUSED ? params_refusal_text(m->failed.refusal)
                                                         : err_text(m->failed.err));
    api_call_over(n, m->failed.call);
}

static void on_offer(struct duet_node *n, const struct notice *m)
{
    n->event.type = DUET_EVENT_OFFER;
    n->event.transfer = m->offer.transfer;
    n->event.bytes = m->offer.bytes;
    n->event.ok = m->offer.is_accepted;
}

static void on_sending(struct duet_node *n, const struct notice *m)
{
    n->event.type = DUET_EVENT_SENDING;
    n->event.transfer = m->sending.transfer;
    n->event.bytes = m->sending.bytes;
    n->event.id = m->sending.send;
}

/* RECEIVED and SENT. */
static void on_file(struct duet_node *n, const struct notice *m)
{
    n->event.type = m->type == NOTICE_SENT ? DUET_EVENT_SENT : DUET_EVENT_RECEIVED;
    n->event.transfer = m->file.transfer;
    n->event.bytes = m->file.bytes;
}

static void on_transfer_failed(struct duet_node *n, const struct notice *m)
{
    n->event.type = DUET_EVENT_TRANSFER_FAILED;
    n->event.transfer = m->failure.transfer;
    n->event.err = m->failure.err;
    n->event.sys = m->failure.sys;
    n->event.ours = m->failure.is_sending;
    n->event.id = m->failure.send;
}

static void on_connected(struct duet_node *n, const struct notice *m)
{
    struct api_peer *p = api_peer(n, m->peer);

    if (p != NULL)
        p->is_connected = true;
    n->event.type = DUET_EVENT_CONNECTED;
    n->event.takes_files = (m->connected.hello_flags & HELLO_TAKES_FILES) != 0;
    n->event.serves = (m->connected.hello_flags & HELLO_SERVES) != 0;
}

static void on_answer(struct duet_node *n, const struct notice *m)
{
    n->event.type = DUET_EVENT_ANSWER;
    n->event.id = m->answer.ask;
    n->event.ok = m->answer.ok;
    n->event.err = m->answer.err;
    n->event.time_us = m->answer.took_us;
}

/* false: nothing for the caller. */
static bool take_message(struct duet_node *n, const struct notice *m)
{
    struct duet_event *e = &n->event;

    e->peer = m->peer;
    if (m->text != NULL) {
        e->text = m->text;
        e->text_bytes = strlen(m->text);
    }
    switch (m->type) {
    case NOTICE_LISTENING:
        e->type = DUET_EVENT_LISTENING;
        e->addr = &n->message.listening.addr;
        return true;
    case NOTICE_PEER_KEY:
        e->type = DUET_EVENT_KEY;
        return api_peer_came(n, m);
    case NOTICE_CONNECTED:
        on_connected(n, m);
        return true;
    case NOTICE_FAILED:
        on_failed(n, m);
        return true;
    case NOTICE_TEXT:
        e->type = DUET_EVENT_TEXT;
        return true;
    case NOTICE_DELIVERED:
        e->type = DUET_EVENT_DELIVERED;
        e->id = m->delivered.say;
        return true;
    case NOTICE_OFFER:
        on_offer(n, m);
        return true;
    case NOTICE_SENDING:
        on_sending(n, m);
        return true;
    case NOTICE_RECEIVED:
    case NOTICE_SENT:
        on_file(n, m);
        return true;
    case NOTICE_TRANSFER_FAILED:
        on_transfer_failed(n, m);
        return true;
    case NOTICE_PROGRESS:
        e->type = DUET_EVENT_PROGRESS;
        take_progress(n, m->progress.now);
        return true;
    case NOTICE_UNREACHABLE:
    case NOTICE_BACK:
        e->type = m->type == NOTICE_BACK ? DUET_EVENT_BACK : DUET_EVENT_UNREACHABLE;
        e->time_us = m->silence.silent_us;
        return true;
    case NOTICE_LEFT:
    case NOTICE_LOST:
        on_end(n, m);
        return true;
    case NOTICE_ANSWER:
        on_answer(n, m);
        return true;
    case NOTICE_WORDS:
        on_words(n, m);
        return true;
    case NOTICE_STATS:
        e->type = DUET_EVENT_STATS;
        take_stats(n, m->stats.now);
        return true;
    case NOTICE_STREAM_OPENED: /* of features that no node has yet */
    case NOTICE_STREAM_DATA:
    case NOTICE_STREAM_WROTE:
    case NOTICE_STREAM_SENT:
    case NOTICE_STREAM_ENDED:
    case NOTICE_STREAM_BROKEN:
    case NOTICE_STREAM_STOPPED:
    case NOTICE_DATAGRAM:
    case NOTICE_DATAGRAM_MOST:
    case NOTICE_ASKED:
        return false;
    case NOTICE_RESTING:
        e->type = DUET_EVENT_RESTING;
        return true;
    case NOTICE_STOPPED:
        e->type = DUET_EVENT_STOPPED;
        e->err = m->stopped.err;
        n->stopped = true;
        return true;
    }
    return false;
}

/* ---- waiting ---- */

static void let_go(struct duet_node *n)
{
    if (n->has_message)
        notice_dispose(&n->message);
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
