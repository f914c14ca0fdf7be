#include "lab.h"

#include <stdlib.h>
#include <string.h>

#include "duet/conn/endpoint.h"
#include "duet/conn/endpoint_state.h"

#define BUFFER_BYTES 65536
#define WIRE_MAX (1u << 17)
#define SLICE_US 100000 /* progress is kept by this */
#define SLICES_MAX 20000
#define FILE_ROOM (UINT64_C(1) << 40) /* "endless" */
#define PIECE_BYTES (1u << 20)

struct dgram {
    duet_time at;
    duet_time leaves; /* the bottleneck */
    uint32_t len;
    uint16_t flow;
    uint8_t *bytes;
};

/* One direction.  In order of arrival: a ring; the few reordered ones are inserted. */
struct way {
    struct dgram *v;
    size_t first, count;
    size_t queued_from; /* index into v (absolute) of the first still in the queue */
    duet_time busy_until, last_at;
    double tokens;
    duet_time tokens_at;
    uint64_t in, dropped;
    struct {
        duet_time leaves;
        uint32_t bytes;
    } * wait;
    size_t wait_first, wait_count;
    uint64_t queued_bytes, peak_bytes;
};

struct flow {
    struct endpoint *e[2];
    struct duet_addr addr[2];
    conn_id id[2];
    uint64_t stream;
    bool started, opened, done;
    uint64_t supplied, got, sent_file_bytes, got_steady;
    duet_time start, end;
};

struct lab {
    const struct lab_setup *s;
    struct duet_rand rng;
    duet_time now, zero;
    double rate; /* bytes per µs */
    struct way way[2];
    struct flow flow[LAB_FLOWS];
    uint64_t bdp, queue_limit;
    uint32_t slice_bytes[SLICES_MAX];
    duet_time slice_end;
    /* queue statistics */
    double queue_area;
    duet_time queue_at;
    uint64_t rtt_low;
    duet_time rtt_end;
    double low_sum;
    uint64_t low_count;
    uint64_t half_in, half_dropped;
};

static uint8_t file_bytes[PIECE_BYTES];

static double seconds(const struct lab *l)
{
    return (double)time_since(l->now, l->zero) / 1e6;
}

static void drain_queue(struct way *w, duet_time now)
{
    while (w->wait_count > 0 && time_due(w->wait[w->wait_first].leaves, now)) {
        w->queued_bytes -= w->wait[w->wait_first].bytes;
        w->wait_first = (w->wait_first + 1) % WIRE_MAX;
        w->wait_count--;
    }
}

static void note_queue(struct lab *l)
{
    struct way *w = &l->way[0];
    drain_queue(w, l->now);
    l->queue_area += (double)w->queued_bytes * (double)time_since(l->now, l->queue_at);
    l->queue_at = l->now;
    if (w->queued_bytes < l->rtt_low)
        l->rtt_low = w->queued_bytes;
    if (time_due(l->rtt_end, l->now)) {
        if (seconds(l) > 2) {
            l->low_sum += (double)l->rtt_low;
            l->low_count++;
        }
        l->rtt_low = w->queued_bytes;
        l->rtt_end = time_add(l->now, (uint64_t)(l->s->rtt_ms * 1000));
    }
}

static bool pass(struct lab *l, struct way *w, uint32_t wire, duet_time *leaves)
{
    const struct lab_setup *s = l->s;
    const double t = seconds(l);
    if (s->hole_s > 0 && t >= s->hole_at_s && t < s->hole_at_s + s->hole_s)
        return false;
    if (s->policer_kb > 0 && w == &l->way[0]) {
        w->tokens += l->rate * (double)time_since(l->now, w->tokens_at);
        w->tokens_at = l->now;
        if (w->tokens > s->policer_kb * 1024)
            w->tokens = s->policer_kb * 1024;
        if (w->tokens < wire)
            return false;
        w->tokens -= wire;
        *leaves = l->now;
        return rand_unit(&l->rng) >= s->loss;
    }
    drain_queue(w, l->now);
    if (w->queued_bytes + wire > l->queue_limit || w->wait_count == WIRE_MAX)
        return false;
    *leaves = time_max(w->busy_until, l->now);
    /* In whole µs with the remainder carried by rounding at random: right on average. */
    const double us = wire / l->rate;
    *leaves = time_add(*leaves, (uint64_t)us + (rand_unit(&l->rng) < us - (double)(uint64_t)us));
    w->busy_until = *leaves;
    w->wait[(w->wait_first + w->wait_count++) % WIRE_MAX].leaves = *leaves;
    w->wait[(w->wait_first + w->wait_count - 1) % WIRE_MAX].bytes = wire;
    w->queued_bytes += wire;
    if (w->queued_bytes > w->peak_bytes)
        w->peak_bytes = w->queued_bytes;
    return rand_unit(&l->rng) >= s->loss;
}

static void put(struct lab *l, int flow, int dir, const uint8_t *bytes, size_t len)
{
    struct way *w = &l->way[dir];
    const struct lab_setup *s = l->s;
    duet_time at;
    w->in++;
    if (dir == 0)
        l->half_in++;
    if (!pass(l, w, (uint32_t)len + LAB_IP_BYTES, &at)) {
        w->dropped++;
        if (dir == 0)
            l->half_dropped++;
        return;
    }
    at = time_add(at, (uint64_t)(s->rtt_ms * 500));
    if (s->jitter_ms > 0)
        at = time_add(at, (uint64_t)(s->jitter_ms * 1000 * rand_unit(&l->rng)));
    if (s->hold_ms > 0 && dir == 1) {
        const uint64_t hold = (uint64_t)(s->hold_ms * 1000);
        at.us = (at.us + hold - 1) / hold * hold;
    }
    const bool late = s->reorder > 0 && rand_unit(&l->rng) < s->reorder;
    if (!late)
        at = w->last_at = time_max(at, w->last_at);
    else
        at = time_add(at, (uint64_t)(s->reorder_ms * 1000));
    if (w->count == WIRE_MAX)
        abort();
    struct dgram d = {.at = at, .len = (uint32_t)len, .flow = (uint16_t)flow, .bytes = malloc(len)};
    memcpy(d.bytes, bytes, len);
    size_t i = w->count++;
    while (i > 0 && time_before(d.at, w->v[(w->first + i - 1) % WIRE_MAX].at)) {
        w->v[(w->first + i) % WIRE_MAX] = w->v[(w->first + i - 1) % WIRE_MAX];
        i--;
    }
    w->v[(w->first + i) % WIRE_MAX] = d;
}

static void supply(struct lab *l, struct flow *f)
{
    const struct lab_setup *s = l->s;
    const int n = (int)(f - l->flow);
    const uint64_t end = s->steady ? FILE_ROOM : (uint64_t)(s->mb * 1e6);
    uint64_t want = f->got + 64 * (uint64_t)PIECE_BYTES;
    if (s->flow[n].app_mbit > 0)
        want = (uint64_t)(s->flow[n].app_mbit / 8 * (double)time_since(l->now, f->start));
    while (f->supplied < end && f->supplied < want) {
        const uint64_t len = end - f->supplied < PIECE_BYTES ? end - f->supplied : PIECE_BYTES;
        const uint64_t some = s->flow[n].app_mbit > 0 && want - f->supplied < len ? want - f->supplied : len;
        if (endpoint_supply(f->e[0], f->id[0], f->stream, f->supplied, file_bytes, some, f->supplied, l->now) != 0)
            break;
        f->supplied += some;
        if (f->supplied == end)
            endpoint_finish(f->e[0], f->id[0], f->stream, end, l->now);
    }
}

static void start_transfer(struct lab *l, struct flow *f)
{
    f->opened = true;
    f->start = l->now;
    if (endpoint_open_bulk(f->e[0], f->id[0], &f->stream) != 0 ||
        endpoint_accept_bulk(f->e[1], f->id[1], f->stream, l->s->window_bytes, l->now) != 0)
        abort();
    supply(l, f);
}

static void drain(struct lab *l, struct flow *f, int side)
{
    struct endpoint_event ev;
    while (endpoint_poll(f->e[side], &ev)) {
        if (ev.type == EVENT_CONNECTED)
            f->id[side] = ev.conn;
        if (ev.type == EVENT_EXTENT) {
            f->got += ev.extent.len;
            const size_t slice = (size_t)(time_since(l->now, l->zero) / SLICE_US);
            if (slice < SLICES_MAX)
                l->slice_bytes[slice] += (uint32_t)ev.extent.len;
            if (seconds(l) >= l->s->steady_from_s)
                f->got_steady += ev.extent.len;
            endpoint_consumed(f->e[1], ev.conn, ev.stream, ev.extent.len, l->now);
        }
        if (ev.type == EVENT_RELEASED)
            supply(l, f);
        if (ev.type == EVENT_FINISHED) {
            f->done = true;
            f->end = l->now;
        }
    }
}

static void settle(struct lab *l, struct flow *f, int side)
{
    static uint8_t buf[BUFFER_BYTES];
    struct duet_addr to;
    size_t segment;
    ssize_t n;
    endpoint_tick(f->e[side], l->now);
    drain(l, f, side);
    while ((n = endpoint_send(f->e[side], &to, buf, sizeof buf, &segment, l->now)) > 0)
        for (size_t at = 0; at < (size_t)n; at += segment)
            put(l, (int)(f - l->flow), side, buf + at, (size_t)n - at < segment ? (size_t)n - at : segment);
    drain(l, f, side);
}

static void deliver(struct lab *l, int dir)
{
    struct way *w = &l->way[dir];
    struct dgram d = w->v[w->first];
    w->first = (w->first + 1) % WIRE_MAX;
    w->count--;
    struct flow *f = &l->flow[d.flow];
    endpoint_recv(f->e[1 - dir], &f->addr[dir], d.bytes, d.len, 0, l->now);
    free(d.bytes);
    drain(l, f, 1 - dir);
    settle(l, f, 1 - dir);
    if (f->id[0] != 0 && f->id[1] != 0 && !f->opened)
        start_transfer(l, f);
    settle(l, f, 0);
    settle(l, f, 1);
}

static void open_flow(struct lab *l, int i)
{
    struct flow *f = &l->flow[i];
    for (int side = 0; side < 2; side++) {
        struct endpoint_config cfg = {.params = params_default(), .accept = true, .cc = l->s->flow[i].cc};
        struct duet_rand rng;
        cfg.params.max_packet_bytes = 1472;
        cfg.params.window_bytes = l->s->window_bytes;
        rand_init_u64(&rng, l->s->seed * 100 + (uint64_t)i * 2 + (uint64_t)side);
        rand_bytes(&rng, cfg.seed, sizeof cfg.seed);
        rand_bytes(&rng, cfg.identity.secret, sizeof cfg.identity.secret);
        noise_public(cfg.identity.public, cfg.identity.secret);
        strcpy(cfg.name, "lab");
        f->e[side] = endpoint_new(&cfg, l->now);
        if (f->e[side] == NULL)
            abort();
        f->addr[side] =
            (struct duet_addr){.family = ADDR_V4, .ip = {10, 0, (uint8_t)i, (uint8_t)(side + 1)}, .port = 1};
    }
}

static const struct conn *conn_of(const struct flow *f)
{
    return f->e[0]->count > 0 ? f->e[0]->all[0] : NULL;
}

static double megabits(uint64_t bytes_per_s)
{
    return bytes_per_s == UINT64_MAX ? -1 : (double)bytes_per_s * 8e-6;
}

static double kilobytes(uint64_t bytes)
{
    return bytes == UINT64_MAX ? -1 : (double)bytes * 1e-3;
}

static void describe_bbr(const struct cc_bbr *b, char *out, size_t size)
{
    static const char *const phases[] = {"STARTUP", "DRAIN", "DOWN", "CRUISE", "REFILL", "UP", "PROBE_RTT"};
    const struct cc_bbr_path *p = &b->path;

    snprintf(out, size, "%s%s bw %.2f/%.2f lo %.1f p0 %.3f (%.0f) hi %.0fK lo %.0fK round %lu extra %.1fK",
             phases[b->phase], b->phase == BBR_DOWN && b->guarding ? " guard" : "", megabits(p->bw[0]),
             megabits(p->bw[1]), megabits(p->bw_lo), b->loss.floor, b->loss.floor_packets, kilobytes(p->inflight_hi),
             kilobytes(p->inflight_lo), p->round_count, kilobytes(cc_bbr_path_extra(p)));
}

static void trace(struct lab *l)
{
    for (int i = 0; i < l->s->flows; i++) {
        const struct conn *c = conn_of(&l->flow[i]);
        if (c == NULL || !c->transport_ready)
            continue;
        char extra[256] = "";
        if (strcmp(c->cc.ops->name, "bbr") == 0)
            describe_bbr(&c->cc.bbr, extra, sizeof extra);
        fprintf(l->s->trace,
                "%7.2f f%d mtu %4u got %7.2f pace %7.2f cwnd %7.1fK fl %7.1fK q %7.1fK rtt %6.1f/%6.1f lost %lu sp %lu "
                "%s\n",
                seconds(l), i, c->packet_bytes, (double)l->flow[i].got / 1e6,
                (double)c->cc.pacing_bytes_per_s * 8 / 1e6, (double)c->cc.cwnd_bytes / 1e3,
                (double)c->loss.bytes_in_flight / 1e3, (double)l->way[0].queued_bytes / 1e3,
                (double)c->loss.rtt.latest_us / 1e3, (double)c->loss.rtt.min_us / 1e3, c->loss.lost_packets,
                c->loss.spurious_packets, extra);
    }
}

static bool finished(const struct lab *l)
{
    for (int i = 0; i < l->s->flows; i++)
        if (!l->flow[i].done)
            return false;
    return true;
}

static duet_time next_event(struct lab *l)
{
    duet_time next = l->slice_end;
    for (int d = 0; d < 2; d++)
        if (l->way[d].count > 0)
            next = time_min(next, l->way[d].v[l->way[d].first].at);
    for (int i = 0; i < l->s->flows; i++) {
        struct flow *f = &l->flow[i];
        if (!f->started)
            next = time_min(next, time_add(l->zero, (uint64_t)(l->s->flow[i].start_s * 1e6)));
        else
            next = time_min(next, time_min(endpoint_deadline(f->e[0]), endpoint_deadline(f->e[1])));
    }
    return time_max(next, l->now);
}

static void tick_slice(struct lab *l)
{
    const struct lab_setup *s = l->s;
    l->slice_end = time_add(l->slice_end, SLICE_US);
    if (s->change_rate_mbit > 0 && seconds(l) >= s->change_at_s)
        l->rate = s->change_rate_mbit / 8;
    for (int i = 0; i < s->flows; i++)
        if (l->flow[i].opened && s->flow[i].app_mbit > 0) {
            supply(l, &l->flow[i]);
            settle(l, &l->flow[i], 0);
        }
    if (s->trace)
        trace(l);
    if (time_since(l->now, l->zero) / SLICE_US == (uint64_t)(s->limit_s * 1e6 / SLICE_US / 2))
        l->half_in = l->half_dropped = 0;
}

static void loop(struct lab *l)
{
    const duet_time limit = time_add(l->zero, (uint64_t)(l->s->limit_s * 1e6));
    while (!finished(l) && time_before(l->now, limit)) {
        l->now = next_event(l);
        note_queue(l);
        for (int i = 0; i < l->s->flows; i++) {
            struct flow *f = &l->flow[i];
            if (!f->started && time_due(time_add(l->zero, (uint64_t)(l->s->flow[i].start_s * 1e6)), l->now)) {
                conn_id id;
                f->started = true;
                endpoint_connect(f->e[0], &f->addr[1], l->now, &id);
                settle(l, f, 0);
            }
            for (int side = 0; side < 2; side++)
                if (f->started && time_due(endpoint_deadline(f->e[side]), l->now))
                    settle(l, f, side);
        }
        for (int d = 0; d < 2; d++)
            while (l->way[d].count > 0 && time_due(l->way[d].v[l->way[d].first].at, l->now))
                deliver(l, d);
        if (time_due(l->slice_end, l->now))
            tick_slice(l);
    }
}

static double recovery_ms(const struct lab *l)
{
    const struct lab_setup *s = l->s;
    if (s->hole_s <= 0)
        return 0;
    const size_t from = (size_t)(s->hole_at_s * 10), to = (size_t)((s->hole_at_s + s->hole_s) * 10);
    double before = 0;
    for (size_t i = from - 10; i < from; i++)
        before += (double)l->slice_bytes[i] / 10;
    for (size_t i = to; i < SLICES_MAX; i++)
        if (l->slice_bytes[i] >= 0.9 * before)
            return (double)(i + 1 - to) * 100;
    return -1;
}

static struct lab_result result(struct lab *l)
{
    const struct lab_setup *s = l->s;
    struct lab_result r = {.done = finished(l), .seconds = seconds(l)};
    double sent = 0, got = 0;
    for (int i = 0; i < s->flows; i++) {
        struct flow *f = &l->flow[i];
        const struct conn *c = conn_of(f);
        if (s->steady)
            r.mbit[i] = (double)f->got_steady * 8 / 1e6 / (s->limit_s - s->steady_from_s);
        else if (f->opened)
            r.mbit[i] = (double)f->got * 8 / (double)time_since(f->done ? f->end : l->now, f->start);
        if (c != NULL && c->transport_ready) {
            r.spurious += c->loss.spurious_packets;
            /* A full packet of 1472 carries 1432 or so: header, tag, frame. */
            sent += (double)c->sent_bytes * 1432 / 1472;
            if (!f->done)
                sent -= (double)c->loss.bytes_in_flight;
        }
        got += (double)f->got;
    }
    r.waste = got > 0 ? sent / got * (1 - s->loss) - 1 : 0;
    r.queue_peak_bdp = (double)l->way[0].peak_bytes / (double)l->bdp;
    r.queue_mean_bdp = l->queue_area / (double)time_since(l->now, l->zero) / (double)l->bdp;
    r.queue_standing_bdp = l->low_count ? l->low_sum / (double)l->low_count / (double)l->bdp : 0;
    r.late_loss = l->half_in ? (double)l->half_dropped / (double)l->half_in : 0;
    r.hole_recovery_ms = recovery_ms(l);
    return r;
}

static void dispose(struct lab *l)
{
    for (int i = 0; i < l->s->flows; i++)
        for (int side = 0; side < 2; side++)
            endpoint_free(l->flow[i].e[side]);
    for (int d = 0; d < 2; d++) {
        for (size_t i = 0; i < l->way[d].count; i++)
            free(l->way[d].v[(l->way[d].first + i) % WIRE_MAX].bytes);
        free(l->way[d].v);
        free(l->way[d].wait);
    }
    free(l);
}

struct lab_result lab_run(const struct lab_setup *s)
{
    struct lab *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    l->s = s;
    l->now = l->zero = DUET_TIME(1000000);
    l->slice_end = time_add(l->zero, SLICE_US);
    l->queue_at = l->rtt_end = l->zero;
    l->rate = s->rate_mbit / 8;
    l->bdp = (uint64_t)(l->rate * s->rtt_ms * 1000);
    l->queue_limit = s->queue_kb > 0 ? (uint64_t)(s->queue_kb * 1000) : (uint64_t)((double)l->bdp * s->queue_bdp);
    if (l->queue_limit < 4 * 1500)
        l->queue_limit = 4 * 1500;
    rand_init_u64(&l->rng, s->seed + 77);
    for (int d = 0; d < 2; d++) {
        l->way[d].v = calloc(WIRE_MAX, sizeof *l->way[d].v);
        l->way[d].wait = calloc(WIRE_MAX, sizeof *l->way[d].wait);
        l->way[d].tokens = s->policer_kb * 1024;
        l->way[d].tokens_at = l->now;
        if (l->way[d].v == NULL || l->way[d].wait == NULL)
            abort();
    }
    for (int i = 0; i < s->flows; i++)
        open_flow(l, i);
    loop(l);
    struct lab_result r = result(l);
    dispose(l);
    return r;
}
