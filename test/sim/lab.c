/*
 * The running half of lab.h: set up, then the earliest of an arrival, a timer
 * or something the script wants, until the files are through or time is up.
 */
#include "lab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "conn/endpoint_state.h"
#include "rival.h"

#define TRAIN_BYTES 65536
#define FILE_ROOM (UINT64_C(1) << 40) /* "endless" */
#define PIECE_BYTES (UINT64_C(1) << 20)
#define AHEAD_PIECES 64
#define MTU_BYTES 1500
#define SWING_MIN_S 0.1
#define SWING_MAX_S 2.0
#define QUEUE_MIN_BYTES (4 * 1500)
#define WRITE_BYTES (UINT64_C(256) * 1024) /* CHUNK_BYTES of the real thing */
#define CHAT_BYTES 64
#define CHAT_TAIL_US (2 * US_PER_S) /* what was written this late may still be under way at the end */

struct lab_datagram {
    struct heap_node heap; /* first: the heap hands these back */
    struct duet_addr from, to;
    int pair, dir;
    struct lab_datagram *next; /* in an inbox */
    size_t len;
    uint8_t bytes[];
};

static uint8_t piece[PIECE_BYTES];

double lab_seconds(const struct lab *l)
{
    return (double)time_since(l->now, l->zero) / 1e6;
}

static duet_time at_seconds(const struct lab *l, double s)
{
    return time_add(l->zero, (uint64_t)(s * 1e6));
}

/* The wire */

static void put(struct lab *l, int pair, int dir, const struct duet_addr *to, const uint8_t *bytes, size_t len)
{
    const struct lab_setup *s = l->s;
    struct link_fate fate = link_pass(&l->link[dir], len, l->now);

    l->hash = XXH3_64bits_withSeed(bytes, len, l->hash ^ (l->now.us * 2 + (uint64_t)dir));
    l->datagrams++;
    l->way_datagrams[dir]++;
    l->way_bytes[dir] += len;
    if (dir == 0 && s->hole_s > 0 && !time_before(l->now, at_seconds(l, s->hole_at_s + s->hole_s)))
        l->resumed_at = time_min(l->resumed_at, l->now);
    for (size_t i = 0; i < fate.copies; i++) {
        struct lab_datagram *d = malloc(sizeof(*d) + len);
        if (d == NULL)
            abort();
        *d = (struct lab_datagram){.from = l->pair[pair].addr[dir], .to = *to, .pair = pair, .dir = dir, .len = len};
        memcpy(d->bytes, bytes, len);
        if (heap_set(&l->wire, &d->heap, fate.at[i]) < 0)
            abort();
    }
}

/* The application */

static void supply(struct lab *l, struct lab_pair *p, struct lab_file *f)
{
    const struct lab_setup *s = l->s;
    const struct lab_flow *flow = &s->flow[p - l->pair];
    uint64_t end = s->steady ? FILE_ROOM : (uint64_t)(s->mb * 1e6) / (uint64_t)p->files;
    uint64_t want = f->got + AHEAD_PIECES * PIECE_BYTES;

    if (flow->app_mbit > 0)
        want = (uint64_t)(flow->app_mbit / 8 * (double)time_since(l->now, p->start));
    if (want > end)
        want = end;
    while (f->supplied < want) {
        uint64_t len = want - f->supplied < PIECE_BYTES ? want - f->supplied : PIECE_BYTES;
        if (endpoint_supply(p->e[0], p->id[0], f->stream, f->supplied, piece, len, f->supplied, l->now) != 0)
            break;
        f->supplied += len;
        if (f->supplied == end)
            endpoint_finish(p->e[0], p->id[0], f->stream, end, l->now);
    }
}

static void start_transfer(struct lab *l, struct lab_pair *p)
{
    const struct cc_ops *rival = rival_find(l->s->flow[p - l->pair].cc);

    p->opened = true;
    p->open_at = l->now;
    if (rival != NULL)
        rival_take_over(&p->e[0]->all[0]->cc, rival, l->now);
    p->extent_at = l->now;
    for (int i = 0; i < p->files; i++) {
        struct lab_file *f = &p->file[i];
        if (endpoint_open_bulk(p->e[0], p->id[0], &f->stream) != 0 ||
            endpoint_accept_bulk(p->e[1], p->id[1], f->stream, l->s->window_bytes, l->now) != 0)
            abort();
        supply(l, p, f);
    }
}

static struct lab_file *file_of(struct lab_pair *p, uint64_t stream)
{
    for (int i = 0; i < p->files; i++) {
        if (p->file[i].stream == stream)
            return &p->file[i];
    }
    abort();
}

/* The disk takes up to WRITE_BYTES of the file that has most to write. */
static void begin_write(struct lab *l, struct lab_pair *p)
{
    uint64_t most = 0;

    p->writing = NULL;
    p->write_at = DUET_NEVER;
    for (int i = 0; i < p->files; i++) {
        struct lab_file *f = &p->file[i];
        if (f->got - f->written > most) {
            most = f->got - f->written;
            p->writing = f;
        }
    }
    if (p->writing == NULL)
        return;
    p->write_bytes = most < WRITE_BYTES ? most : WRITE_BYTES;
    p->write_at = time_add(l->now, (uint64_t)((double)p->write_bytes / l->s->disk_mb_s));
}

static void end_write(struct lab *l, struct lab_pair *p)
{
    p->writing->written += p->write_bytes;
    p->written += p->write_bytes;
    endpoint_consumed(p->e[1], p->id[1], p->writing->stream, p->write_bytes, l->now);
    begin_write(l, p);
}

static void take_extent(struct lab *l, struct lab_pair *p, const struct endpoint_event *ev)
{
    if (l->s->disk_mb_s <= 0) {
        endpoint_consumed(p->e[1], ev->conn, ev->stream, ev->extent.len, l->now);
        return;
    }
    l->held_peak = p->got - p->written > l->held_peak ? p->got - p->written : l->held_peak;
    if (p->writing == NULL)
        begin_write(l, p);
}

static void on_extent(struct lab *l, struct lab_pair *p, const struct endpoint_event *ev)
{
    uint64_t len = ev->extent.len, pause_us = time_since(l->now, p->extent_at);
    size_t slice = (size_t)(time_since(l->now, l->zero) / LAB_SLICE_US);

    if (pause_us > p->stall_us && p->got > 0)
        p->stall_us = pause_us;
    p->extent_at = l->now;
    p->got += len;
    file_of(p, ev->stream)->got += len;
    if (slice < LAB_SLICES)
        l->slice_bytes[slice] += len;
    if (lab_seconds(l) >= l->s->steady_from_s)
        p->got_steady += len;
    take_extent(l, p, ev);
}

static void on_sent(struct lab *l, struct lab_pair *p, uint64_t stream)
{
    file_of(p, stream)->sent = true;
    p->done = true;
    for (int i = 0; i < p->files; i++)
        p->done = p->done && p->file[i].sent;
    p->end = l->now;
}

/* Each text begins with the time it was written. */
static void read_chat(struct lab *l, struct lab_pair *p)
{
    uint8_t text[CHAT_BYTES];
    uint64_t written_us;

    while (endpoint_read(p->e[1], p->id[1], STREAM_CHAT, text, sizeof(text), l->now) == CHAT_BYTES) {
        memcpy(&written_us, text, sizeof(written_us));
        if (l->chats < LAB_CHATS)
            l->chat_us[l->chats++] = (uint32_t)(l->now.us - written_us);
    }
}

static void write_chat(struct lab *l, struct lab_pair *p, double every_ms)
{
    uint8_t text[CHAT_BYTES] = {0};

    p->chat_at = time_add(p->chat_at, (uint64_t)(every_ms * 1000));
    if (p->id[0] == 0 || time_before(at_seconds(l, l->s->limit_s), time_add(l->now, CHAT_TAIL_US)))
        return;
    memcpy(text, &l->now.us, sizeof(l->now.us));
    if (endpoint_write(p->e[0], p->id[0], STREAM_CHAT, text, sizeof(text), l->now) != CHAT_BYTES)
        abort();
    l->chats_written++;
}

static void drain(struct lab *l, struct lab_pair *p, int side)
{
    struct endpoint_event ev;

    while (endpoint_poll(p->e[side], &ev)) {
        if (ev.type == EVENT_CONNECTED)
            p->id[side] = ev.conn;
        else if (ev.type == EVENT_EXTENT)
            on_extent(l, p, &ev);
        else if (ev.type == EVENT_RELEASED)
            supply(l, p, file_of(p, ev.stream));
        else if (ev.type == EVENT_SENT)
            on_sent(l, p, ev.stream);
        else if (ev.type == EVENT_READABLE && side == 1 && ev.stream == STREAM_CHAT)
            read_chat(l, p);
    }
}

/* The contract of endpoint.h: events, then datagrams until there are none. */
static void settle(struct lab *l, struct lab_pair *p, int side)
{
    static uint8_t train[TRAIN_BYTES];
    struct envelope to;
    size_t segment;
    ssize_t n;

    if (time_due(endpoint_deadline(p->e[side]), l->now))
        endpoint_tick(p->e[side], l->now);
    drain(l, p, side);
    while ((n = endpoint_send(p->e[side], &to, train, sizeof(train), &segment, l->now)) > 0) {
        for (size_t at = 0; at < (size_t)n; at += segment) {
            size_t left = (size_t)n - at;
            put(l, (int)(p - l->pair), side, &to.route.peer, train + at, left < segment ? left : segment);
        }
        drain(l, p, side);
    }
}

static bool is_away(const struct lab *l, struct lab_pair *p, int side)
{
    return time_before(l->now, turns_back(&p->turns[side], l->now));
}

static void keep(struct lab_inbox *in, struct lab_datagram *d)
{
    if (in->first == NULL)
        in->first = d;
    else
        in->last->next = d;
    in->last = d;
}

static void receive(struct lab *l, struct lab_pair *p, int side, struct lab_datagram *d)
{
    if (addr_equal(&d->to, &p->addr[side])) { /* not a mapping that is gone */
        endpoint_recv(p->e[side], &(struct envelope){.route.peer = d->from}, d->bytes, d->len, d->len, l->now);
        drain(l, p, side);
        if (p->id[0] != 0 && p->id[1] != 0 && !p->opened) {
            start_transfer(l, p);
            settle(l, p, 1 - side);
        }
    }
    free(d);
}

static void deliver(struct lab *l)
{
    struct lab_datagram *d = (struct lab_datagram *)heap_first(&l->wire);
    struct lab_pair *p = &l->pair[d->pair];
    int side = 1 - d->dir;

    heap_remove(&l->wire, &d->heap);
    if (is_away(l, p, side)) {
        keep(&p->inbox[side], d);
        l->kept++;
        return;
    }
    receive(l, p, side, d);
    settle(l, p, side);
}

/* Back: first what came, then what is due, as the net thread does it. */
static void take_turn(struct lab *l, struct lab_pair *p, int side)
{
    struct lab_inbox *in = &p->inbox[side];

    if (is_away(l, p, side) || (in->first == NULL && !time_due(endpoint_deadline(p->e[side]), l->now)))
        return;
    for (struct lab_datagram *d; (d = in->first) != NULL;) {
        in->first = d->next;
        receive(l, p, side, d);
    }
    settle(l, p, side);
}

/* The script */

static void start_pair(struct lab *l, struct lab_pair *p)
{
    const struct lab_flow *f = &l->s->flow[p - l->pair];
    conn_id id;

    p->started = true;
    p->start = l->now;
    p->chat_at = f->chat_every_ms > 0 ? l->now : DUET_NEVER;
    p->move_at = f->move_every_s > 0 ? time_add(l->now, (uint64_t)(f->move_every_s * 1e6)) : DUET_NEVER;
    if (endpoint_connect(p->e[0], &p->addr[1], l->now, &id) != 0)
        abort();
    settle(l, p, 0);
}

static void run_script(struct lab *l, struct lab_pair *p)
{
    const struct lab_flow *f = &l->s->flow[p - l->pair];

    if (!p->started && time_due(at_seconds(l, f->start_s), l->now))
        start_pair(l, p);
    if (!p->started)
        return;
    if (time_due(p->move_at, l->now)) {
        p->addr[f->receiver_moves].port++;
        p->move_at = time_add(p->move_at, (uint64_t)(f->move_every_s * 1e6));
    }
    if (time_due(p->chat_at, l->now)) {
        write_chat(l, p, f->chat_every_ms);
        settle(l, p, 0);
    }
    if (time_due(p->write_at, l->now)) {
        end_write(l, p);
        settle(l, p, 1);
    }
    for (int side = 0; side < 2; side++)
        take_turn(l, p, side);
}

static duet_time turn_at(const struct lab *l, struct lab_pair *p, int side)
{
    duet_time wanted = p->inbox[side].first != NULL ? l->now : endpoint_deadline(p->e[side]);

    return time_max(wanted, turns_back(&p->turns[side], l->now));
}

static duet_time next_event(struct lab *l)
{
    const struct heap_node *first = heap_first(&l->wire);
    duet_time next = first != NULL ? time_min(first->at, l->slice_end) : l->slice_end;

    for (int i = 0; i < l->s->flows; i++) {
        struct lab_pair *p = &l->pair[i];
        if (!p->started) {
            next = time_min(next, at_seconds(l, l->s->flow[i].start_s));
            continue;
        }
        next = time_min(next, time_min(p->write_at, time_min(p->chat_at, p->move_at)));
        next = time_min(next, time_min(turn_at(l, p, 0), turn_at(l, p, 1)));
    }
    return time_max(next, l->now);
}

/* Packets of the first half are not asked for spurious losses: the window for reordering had to be learnt. */
static void note_half(const struct lab *l, struct lab_pair *p)
{
    struct endpoint_stats stats;
    bool is_half = l->s->steady ? lab_seconds(l) * 2 >= l->s->limit_s : (double)p->got * 2 >= l->s->mb * 1e6;

    if (p->half_noted || !is_half || endpoint_stats(p->e[0], p->id[0], &stats) < 0)
        return;
    p->half_noted = true;
    p->half_sent = stats.sent_packets;
    p->half_spurious = stats.spurious_packets;
}

static void tick_slice(struct lab *l)
{
    const struct lab_setup *s = l->s;

    l->slice_end = time_add(l->slice_end, LAB_SLICE_US);
    if (lab_seconds(l) <= 1)
        l->first_second = l->link[0].counts;
    if (s->change_mbit > 0 && lab_seconds(l) >= s->change_at_s)
        l->link[0].cfg.rate_bytes_per_s = l->link[1].cfg.rate_bytes_per_s = (uint64_t)(s->change_mbit * 1e6 / 8);
    for (int i = 0; i < s->flows; i++) {
        struct lab_pair *p = &l->pair[i];
        note_half(l, p);
        if (p->opened && s->flow[i].app_mbit > 0) {
            supply(l, p, &p->file[0]);
            settle(l, p, 0);
        }
    }
    if (s->trace != NULL)
        lab_trace(l);
}

static void note_queue(struct lab *l)
{
    uint64_t backlog = link_backlog(&l->link[0], l->now);

    l->queue_area += (double)backlog * (double)time_since(l->now, l->queue_at);
    l->queue_at = l->now;
    if (backlog < l->rtt_low)
        l->rtt_low = backlog;
    if (!time_due(l->rtt_end, l->now))
        return;
    if (lab_seconds(l) > 2) {
        l->low_sum += (double)l->rtt_low;
        l->low_count++;
    }
    l->rtt_low = backlog;
    l->rtt_end = time_add(l->now, (uint64_t)(l->s->rtt_ms * 1000));
}

static bool all_done(const struct lab *l)
{
    for (int i = 0; i < l->s->flows; i++) {
        if (!l->pair[i].done)
            return false;
    }
    return true;
}

static void loop(struct lab *l)
{
    duet_time limit = at_seconds(l, l->s->limit_s);

    while (!all_done(l) && time_before(l->now, limit)) {
        l->now = next_event(l);
        note_queue(l);
        for (int i = 0; i < l->s->flows; i++)
            run_script(l, &l->pair[i]);
        while (heap_first(&l->wire) != NULL && time_due(heap_first(&l->wire)->at, l->now))
            deliver(l);
        if (time_due(l->slice_end, l->now))
            tick_slice(l);
    }
}

/* Setting up */

static void init_pair(struct lab *l, int i)
{
    struct lab_pair *p = &l->pair[i];

    p->files = l->s->flow[i].files > 0 ? l->s->flow[i].files : 1;
    p->chat_at = p->move_at = p->write_at = DUET_NEVER;
    for (int side = 0; side < 2; side++) {
        const char *cc = l->s->flow[i].cc;
        struct endpoint_config cfg = {
            .params = params_default(), .accept = side == 1, .cc = rival_find(cc) == NULL ? cc : NULL, .name = "lab"};
        struct duet_rand rng;
        cfg.params.max_packet_bytes = MTU_BYTES - LINK_HEADER_BYTES;
        cfg.params.window_bytes = l->s->window_bytes;
        rand_init_u64(&rng, l->s->seed * 100 + (uint64_t)i * 2 + (uint64_t)side);
        rand_bytes(&rng, cfg.seed, sizeof(cfg.seed));
        rand_bytes(&rng, cfg.identity.secret, sizeof(cfg.identity.secret));
        noise_public(cfg.identity.public, cfg.identity.secret);
        p->e[side] = endpoint_new(&cfg, l->now);
        if (p->e[side] == NULL)
            abort();
        turns_init(&p->turns[side], l->s->away, (uint64_t)(l->s->away_ms * 1000),
                   l->s->seed * 1000 + (uint64_t)i * 2 + (uint64_t)side, l->now);
        p->addr[side] =
            (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, (uint8_t)i, (uint8_t)(side + 1)}, .port = 1};
    }
}

/* Everything within a burst is lost: its mean length and the mean loss give both chances. */
static void set_bursts(struct link_config *c, const struct lab_setup *s)
{
    if (s->burst_loss <= 0)
        return;
    c->burst_loss = 1;
    c->burst_end = 1 / s->burst_packets;
    c->burst_start = s->burst_loss / (1 - s->burst_loss) * c->burst_end;
}

static void init_links(struct lab *l)
{
    const struct lab_setup *s = l->s;
    double rate = s->rate_mbit * 1e6 / 8;
    double queue = s->queue_kb > 0 ? s->queue_kb * 1000 : s->queue_bdp * (double)l->bdp;
    struct link_config cfg = {
        .rate_bytes_per_s = (uint64_t)rate,
        .delay_us = (uint64_t)(s->rtt_ms * 500),
        .jitter_us = (uint64_t)(s->jitter_ms * 1000),
        .keeps_order = !s->jitter_reorders,
        .swing = s->swing,
        .swing_min_us = (uint64_t)((s->swing_min_s > 0 ? s->swing_min_s : SWING_MIN_S) * 1e6),
        .swing_max_us = (uint64_t)((s->swing_max_s > 0 ? s->swing_max_s : SWING_MAX_S) * 1e6),
        .mtu_bytes = s->mtu > 0 ? (size_t)s->mtu - LINK_HEADER_BYTES : 0,
        .pauses = s->pauses,
        .pause_us = (uint64_t)(s->pause_ms * 1000),
        .queue_bytes = queue > QUEUE_MIN_BYTES ? (uint64_t)queue : QUEUE_MIN_BYTES,
        .loss = s->loss,
        .reorder = s->reorder,
        .reorder_min_us = (uint64_t)(s->reorder_ms * 1000),
        .reorder_us = (uint64_t)(s->reorder_ms * 1000),
    };

    if (s->hole_s > 0) {
        cfg.holes[0] = (struct link_hole){.from_us = at_seconds(l, s->hole_at_s).us,
                                          .until_us = at_seconds(l, s->hole_at_s + s->hole_s).us};
        cfg.hole_count = 1;
    }
    cfg.policer_bytes = (uint64_t)(s->policer_kb * 1024);
    set_bursts(&cfg, s);
    link_init(&l->link[0], &cfg, s->seed * 2 + 77);
    cfg.policer_bytes = 0;
    cfg.burst_loss = cfg.burst_start = cfg.burst_end = 0;
    cfg.swing = 0;
    cfg.hold_us = (uint64_t)(s->hold_ms * 1000);
    cfg.loss = s->loss_back > 0 ? s->loss_back : s->loss;
    link_init(&l->link[1], &cfg, s->seed * 2 + 78);
}

static void empty(struct lab_inbox *in)
{
    for (struct lab_datagram *d; (d = in->first) != NULL;) {
        in->first = d->next;
        free(d);
    }
}

static void dispose(struct lab *l)
{
    for (struct heap_node *n; (n = heap_first(&l->wire)) != NULL;) {
        heap_remove(&l->wire, n);
        free(n);
    }
    heap_dispose(&l->wire);
    for (int i = 0; i < l->s->flows; i++) {
        for (int side = 0; side < 2; side++) {
            empty(&l->pair[i].inbox[side]);
            endpoint_free(l->pair[i].e[side]);
        }
    }
    free(l);
}

struct lab_result lab_run(const struct lab_setup *s)
{
    struct lab *l = calloc(1, sizeof(*l));

    if (l == NULL)
        abort();
    l->s = s;
    l->now = l->zero = DUET_TIME(US_PER_S);
    l->slice_end = time_add(l->zero, LAB_SLICE_US);
    l->queue_at = l->rtt_end = l->zero;
    l->resumed_at = DUET_NEVER;
    l->bdp = (uint64_t)(s->rate_mbit / 8 * s->rtt_ms * 1000);
    heap_init(&l->wire);
    init_links(l);
    for (int i = 0; i < s->flows; i++)
        init_pair(l, i);
    loop(l);
    assert(s->away <= 0 || l->kept > 0);
    struct lab_result r = lab_result(l);
    dispose(l);
    return r;
}
