/*
 * net: see the header.  Order of a turn, and why:
 *
 *   receive    first: acknowledgements open windows, data wants answers
 *   messages   what the user and the disk want, before deciding what to send
 *   ticks      with the time after both
 *   send       until nothing is left, the socket is full, or it is enough for one turn
 *   hand out   the hub's messages to ui and disk; full queues tell when they have room
 *
 * The endpoint's contract (drain events after every call, then send until 0)
 * holds at the end of every turn that is followed by sleep.  Everything else that a turn leaves undone
 * says so: epoll tells again of what is still in the socket and in the queues, and what the hub has
 * left is due at once.
 */
#include "io/net.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "io/clock.h"
#include "io/worker.h"

#define NOTICE_BYTES 160
#define NS_PER_US 1000

enum wake { WAKE_SOCKET, WAKE_UI, WAKE_DISK, WAKE_UI_ROOM, WAKE_DISK_ROOM, WAKE_TIMER, WAKE_COUNT };

struct net {
    struct net_config cfg;
    pthread_t thread;
    int epoll_fd, timer_fd;
    duet_time armed;        /* what timer_fd is set to */
    bool readable;          /* the socket may have something */
    bool has_errors;        /* the socket may have ICMP errors */
    bool messages, results; /* the queue of ui, or of the disk, may have something */
    bool blocked;           /* the socket is full; `train` waits for it */
    bool busy;              /* this turn did something */
    unsigned idle_turns;
    duet_time flushed; /* the trace, to its file */
    bool quitting;
    duet_time quit_by;
    struct notice notice;          /* our own message to ui while its queue is full */
    bool has_notice, rests;        /* rests: NOTICE_RESTING waits as well */
    struct envelope train_outside; /* the train being sent: bytes [train_at, train_len) are left */
    size_t train_at, train_len, train_segment;
    uint8_t train[UDP_TRAIN_BYTES];
};

/* One line to the user about the machine, not about a peer. */
static void tell_user(struct net *n, const char *what, int why)
{
    char line[NOTICE_BYTES];

    if (n->has_notice)
        return; /* one is waiting already: the user hears that something is wrong */
    snprintf(line, sizeof(line), "%s: %s", what, strerror(why));
    n->notice = (struct notice){.type = NOTICE_WORDS, .text = strdup(line), .words = {.is_error = true, .sys = why}};
    n->has_notice = n->notice.text != NULL;
}

static void receive(struct net *n)
{
    struct udp_train t;

    if (!n->readable)
        return;
    n->readable = false; /* epoll says so again while there is more */
    if (udp_recv(n->cfg.udp) == 0)
        return;
    n->busy = true;
    /* When they arrived, as near as we know; not when their turn comes. */
    const duet_time now = clock_now();

    while (udp_next(n->cfg.udp, &t)) {
        /* What was dropped is counted inside; there is nothing to say to anyone. */
        (void)endpoint_recv(n->cfg.endpoint, &t.outside, t.bytes, t.len, t.segment, now);
        hub_run(n->cfg.hub, now);
    }
}

/* Who says that nobody listens there.  Asked for only while we call somebody: sessions need no word of it. */
static void hear_refusals(struct net *n)
{
    struct duet_addr at;

    udp_hear_refusals(n->cfg.udp, hub_is_calling(n->cfg.hub));
    if (!n->has_errors)
        return;
    n->has_errors = false; /* epoll says so again while there are more */
    for (int i = 0; i < NET_REFUSALS && udp_refusal(n->cfg.udp, &at); i++)
        endpoint_nobody_listens(n->cfg.endpoint, &at);
    hub_run(n->cfg.hub, clock_now());
}

static void take_messages(struct net *n)
{
    struct request m;

    if (!n->messages)
        return;
    n->messages = false;
    for (int i = 0; i < NET_MESSAGES && mqueue_pop(n->cfg.from_ui, &m); i++) {
        const duet_time now = clock_now();

        n->busy = true;
        if (m.type == REQUEST_QUIT) {
            n->quitting = true;
            if (m.quit.at_once)
                n->quit_by = time_min(n->quit_by, time_add(now, NET_QUIT_US));
        }
        hub_handle(n->cfg.hub, &m, now);
    }
}

static void take_results(struct net *n)
{
    struct disk_result done;

    if (!n->results)
        return;
    n->results = false;
    for (int i = 0; i < NET_MESSAGES && mqueue_pop(n->cfg.from_disk, &done); i++) {
        n->busy = true;
        hub_handle_disk(n->cfg.hub, &done, clock_now());
    }
}

static void tick(struct net *n)
{
    const duet_time now = clock_now();

    if (time_due(endpoint_deadline(n->cfg.endpoint), now))
        endpoint_tick(n->cfg.endpoint, now);
    if (time_due(hub_deadline(n->cfg.hub), now))
        hub_tick(n->cfg.hub, now);
    n->rests |= hub_gave_back(n->cfg.hub);
    hub_run(n->cfg.hub, now);
}

static void watch_socket(struct net *n, bool writable)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = WAKE_SOCKET};

    if (writable)
        ev.events |= EPOLLOUT;
    const int failed = epoll_ctl(n->epoll_fd, EPOLL_CTL_MOD, udp_fd(n->cfg.udp), &ev);

    assert(failed == 0); /* the descriptor is in the set and needs no memory */
    (void)failed;
}

/* The kernel would not send.  Where that was to an address we call it is a hint, and there may be others. */
static void tell_refused(struct net *n)
{
    const int refused = udp_refused(n->cfg.udp);

    if (refused == 0)
        return;
    if (endpoint_cannot_send(n->cfg.endpoint, &n->train_outside.route.peer, refused)) {
        hub_run(n->cfg.hub, clock_now()); /* it may be the last train of this turn */
        return;
    }
    const int why = udp_send_error(n->cfg.udp);

    if (why != 0)
        tell_user(n, "the network does not accept our packets", why);
}

/* Sends on with the train.  true: it is gone. */
static bool send_train(struct net *n)
{
    n->train_at +=
        udp_send(n->cfg.udp, &n->train_outside, n->train + n->train_at, n->train_len - n->train_at, n->train_segment);
    const bool was_blocked = n->blocked;

    n->blocked = n->train_at < n->train_len;
    if (n->blocked != was_blocked)
        watch_socket(n, n->blocked);
    const size_t too_big = udp_too_big(n->cfg.udp);

    if (too_big > 0)
        endpoint_too_big(n->cfg.endpoint, &n->train_outside.route.peer, too_big,
                         udpsock_most_bytes(&n->train_outside.route.peer), clock_now());
    struct duet_addr gone;

    if (udp_local_gone(n->cfg.udp, &gone))
        endpoint_local_gone(n->cfg.endpoint, &gone);
    tell_refused(n);
    return !n->blocked;
}

static void send_trains(struct net *n)
{
    if (n->blocked)
        return; /* epoll tells when the socket has room */
    for (int i = 0; i < NET_TRAINS; i++) {
        if (n->train_at == n->train_len) {
            const duet_time now = clock_now();
            const ssize_t len =
                endpoint_send(n->cfg.endpoint, &n->train_outside, n->train, sizeof(n->train), &n->train_segment, now);

            hub_run(n->cfg.hub, now);
            if (len <= 0)
                return;
            n->train_at = 0;
            n->train_len = (size_t)len;
        }
        n->busy = true;
        if (!send_train(n))
            return;
    }
}

static void hand_out(struct net *n)
{
    struct notice *m;
    struct disk_job *job;

    if (n->has_notice && mqueue_push(n->cfg.to_ui, &n->notice))
        n->has_notice = false;
    if (n->rests && mqueue_push(n->cfg.to_ui, &(struct notice){.type = NOTICE_RESTING}))
        n->rests = false;
    while ((m = hub_next_ui(n->cfg.hub)) != NULL && mqueue_push(n->cfg.to_ui, m))
        hub_took_ui(n->cfg.hub);
    while ((job = hub_next_disk(n->cfg.hub)) != NULL && mqueue_push(n->cfg.to_disk, job))
        hub_took_disk(n->cfg.hub);
}

static void flush_trace(struct net *n)
{
    int sys = 0;

    if (n->cfg.trace == NULL)
        return;
    n->flushed = clock_now();
    if (tracefile_flush(n->cfg.trace, endpoint_trace_dropped(n->cfg.endpoint), &sys) != 0)
        tell_user(n, "cannot write any more of the trace file", sys);
}

static void write_trace(struct net *n)
{
    struct trace_event ev;
    int sys = 0;

    if (n->cfg.trace == NULL)
        return;
    while (endpoint_trace_poll(n->cfg.endpoint, &ev))
        if (tracefile_write(n->cfg.trace, &ev, &sys) != 0)
            tell_user(n, "cannot write any more of the trace file", sys);
    if (time_since(clock_now(), n->flushed) >= NET_TRACE_FLUSH_US)
        flush_trace(n);
}

static void turn(struct net *n)
{
    n->busy = false;
    receive(n);
    take_messages(n);
    take_results(n);
    hear_refusals(n);
    tick(n);
    send_trains(n);
    write_trace(n);
    hand_out(n);
    n->idle_turns = n->busy ? 0 : n->idle_turns + 1;
}

static void arm(struct net *n, duet_time at)
{
    /* 0 disarms, so the first microsecond stands for "long ago". */
    const uint64_t us = time_is_never(at) ? 0 : at.us == 0 ? 1 : at.us;
    const struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(us / US_PER_S), .tv_nsec = (long)(us % US_PER_S * NS_PER_US)},
    };

    if (at.us == n->armed.us)
        return;
    const int failed = timerfd_settime(n->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);

    assert(failed == 0);
    (void)failed;
    n->armed = at;
}

/* When to be awake again.  A deadline that has come while nothing can be done about it (the socket is full)
 * must not keep the loop spinning. */
static duet_time next_deadline(const struct net *n, duet_time now)
{
    duet_time at = time_min(endpoint_deadline(n->cfg.endpoint), hub_deadline(n->cfg.hub));

    if (n->quitting)
        at = time_min(at, n->quit_by);
    if (n->blocked || n->idle_turns > NET_IDLE_TURNS)
        at = time_max(at, time_add(now, NET_BREATH_US));
    return at;
}

static void note_wake(struct net *n, const struct epoll_event *ev)
{
    uint64_t expired;

    switch ((enum wake)ev->data.u32) {
    case WAKE_SOCKET:
        n->readable |= (ev->events & (EPOLLIN | EPOLLERR)) != 0;
        n->has_errors |= (ev->events & EPOLLERR) != 0;
        if ((ev->events & EPOLLOUT) != 0 && n->blocked)
            send_train(n);
        break;
    case WAKE_UI:
        n->messages = true;
        break;
    case WAKE_DISK:
        n->results = true;
        break;
    case WAKE_UI_ROOM:
        mqueue_room_seen(n->cfg.to_ui);
        break;
    case WAKE_DISK_ROOM:
        mqueue_room_seen(n->cfg.to_disk);
        break;
    case WAKE_TIMER:
        if (read(n->timer_fd, &expired, sizeof(expired)) == (ssize_t)sizeof(expired))
            n->armed = DUET_NEVER;
        break;
    case WAKE_COUNT:
        break;
    }
}

/* Sleeps until there is something to do; not at all while there is something to send, and room for it. */
static int wait_for_work(struct net *n)
{
    struct epoll_event ev[WAKE_COUNT];
    const duet_time now = clock_now();
    const duet_time at = next_deadline(n, now);
    const bool sleep = !time_due(at, now) && (n->blocked || !endpoint_is_ready(n->cfg.endpoint));

    if (sleep)
        arm(n, at);
    const int count = epoll_wait(n->epoll_fd, ev, WAKE_COUNT, sleep ? -1 : 0);

    if (count < 0)
        return errno == EINTR ? 0 : errno;
    for (int i = 0; i < count; i++)
        note_wake(n, &ev[i]);
    return 0;
}

/* The goodbyes: until the endpoint has no more, for a bounded time where the socket is full. */
static void send_last(struct net *n)
{
    const duet_time stop = time_add(clock_now(), NET_LINGER_US);
    struct pollfd socket = {.fd = udp_fd(n->cfg.udp), .events = POLLOUT};

    do {
        n->busy = false;
        if (n->blocked) {
            poll(&socket, 1, NET_BREATH_US / US_PER_MS);
            send_train(n);
        }
        send_trains(n);
    } while ((n->busy || n->blocked) && time_before(clock_now(), stop));
}

/* What is left goes out: packets, then every message.  The queues to us are closed first, so that the disk
 * thread cannot wait for us while we wait for it. */
static void finish(struct net *n, int failed)
{
    struct notice *m;
    struct disk_job *job;

    send_last(n);
    write_trace(n);
    flush_trace(n);
    mqueue_close(n->cfg.from_ui);
    mqueue_close(n->cfg.from_disk);
    while ((job = hub_next_disk(n->cfg.hub)) != NULL && mqueue_push_wait(n->cfg.to_disk, job))
        hub_took_disk(n->cfg.hub);
    if (n->has_notice && !mqueue_push_wait(n->cfg.to_ui, &n->notice))
        notice_dispose(&n->notice);
    while ((m = hub_next_ui(n->cfg.hub)) != NULL && mqueue_push_wait(n->cfg.to_ui, m))
        hub_took_ui(n->cfg.hub);
    const struct notice stopped = {.type = NOTICE_STOPPED,
                                   .stopped = {.err = failed == 0 ? 0 : DUET_ESYS, .sys = failed}};

    mqueue_push_wait(n->cfg.to_ui, &stopped);
}

static bool over(const struct net *n)
{
    return n->quitting && (hub_done(n->cfg.hub) || time_due(n->quit_by, clock_now()));
}

static void *body(void *arg)
{
    struct net *n = arg;
    int failed = 0;

    /* Timers fire when they are due, not up to 50 µs later: pacing lives from it. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (;;) {
        turn(n);
        if (over(n))
            break;
        failed = wait_for_work(n);
        if (failed != 0)
            break;
    }
    finish(n, failed);
    return NULL;
}

static int watch(struct net *n, int fd, enum wake who)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = who};

    return epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void dispose(struct net *n)
{
    if (n->timer_fd >= 0)
        close(n->timer_fd);
    if (n->epoll_fd >= 0)
        close(n->epoll_fd);
    free(n);
}

int net_start(const struct net_config *cfg, struct net **out, int *sys)
{
    struct net *n = calloc(1, sizeof(*n));

    *out = NULL;
    *sys = 0;
    if (n == NULL)
        return DUET_ENOMEM;
    n->cfg = *cfg;
    n->armed = DUET_NEVER;
    n->quit_by = DUET_NEVER;
    n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    n->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (n->epoll_fd < 0 || n->timer_fd < 0 || watch(n, udp_fd(cfg->udp), WAKE_SOCKET) != 0 ||
        watch(n, n->timer_fd, WAKE_TIMER) != 0 || watch(n, mqueue_ready_fd(cfg->from_ui), WAKE_UI) != 0 ||
        watch(n, mqueue_ready_fd(cfg->from_disk), WAKE_DISK) != 0 ||
        watch(n, mqueue_room_fd(cfg->to_ui), WAKE_UI_ROOM) != 0 ||
        watch(n, mqueue_room_fd(cfg->to_disk), WAKE_DISK_ROOM) != 0)
        *sys = errno;
    else
        *sys = worker_start(&n->thread, "duet-net", body, n);
    if (*sys != 0) {
        dispose(n);
        return DUET_ESYS;
    }
    *out = n;
    return 0;
}

void net_join(struct net *n)
{
    pthread_join(n->thread, NULL);
    dispose(n);
}
