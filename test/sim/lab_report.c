/*
 * The reading half of lab.h: what a finished run comes to, and a line of the
 * state of every flow for whoever works on a controller.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "conn/endpoint_state.h"
#include "lab.h"

/* A full packet of 1472 bytes carries about 1432 of a file: header, tag and frame are not waste. */
#define FILE_SHARE (1432.0 / 1472.0)

static const struct conn *conn_of(const struct lab_pair *p)
{
    const struct conn *c = p->e[0]->count > 0 ? p->e[0]->all[0] : NULL;

    return c != NULL && c->transport_ready ? c : NULL;
}

/* The trace */

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

    snprintf(
        out, size, "%s%s bw %.2f/%.2f lo %.1f p0 %.3f (%.0f) hi %.0fK lo %.0fK round %llu extra %.1fK jitter %.1f ms",
        phases[b->phase], b->phase == BBR_DOWN && b->guarding ? " guard" : "", megabits(p->bw[0]), megabits(p->bw[1]),
        megabits(p->bw_lo), b->loss.floor, b->loss.floor_packets, kilobytes(p->inflight_hi), kilobytes(p->inflight_lo),
        (unsigned long long)p->round_count, kilobytes(cc_bbr_path_extra(p)), (double)p->jitter_us[1] / 1e3);
}

void lab_trace(const struct lab *l)
{
    for (int i = 0; i < l->s->flows; i++) {
        const struct conn *c = conn_of(&l->pair[i]);
        char extra[256] = "";
        if (c == NULL)
            continue;
        if (strcmp(c->cc.ops->name, "bbr") == 0)
            describe_bbr(&c->cc.bbr, extra, sizeof(extra));
        fprintf(l->s->trace,
                "%7.2f f%d mtu %4u got %7.2f pace %7.2f cwnd %7.1fK fl %7.1fK q %7.1fK rtt %6.1f/%6.1f lost %llu "
                "sp %llu %s\n",
                lab_seconds(l), i, c->packet_bytes, (double)l->pair[i].got / 1e6, megabits(c->cc.pacing_bytes_per_s),
                kilobytes(c->cc.cwnd_bytes), kilobytes(c->loss.bytes_in_flight),
                kilobytes(link_backlog(&l->link[0], l->now)), (double)c->loss.rtt.latest_us / 1e3,
                (double)c->loss.rtt.min_us / 1e3, (unsigned long long)c->loss.lost_packets,
                (unsigned long long)c->loss.spurious_packets, extra);
    }
}

/* The result */

static int compare_us(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double chat_ms(const struct lab *l, double share)
{
    size_t rank = (size_t)ceil(share * (double)l->chats);

    return l->chats == 0 ? 0 : (double)l->chat_us[rank > 0 ? rank - 1 : 0] / 1e3;
}

static double hole_recovery_ms(const struct lab *l)
{
    const struct lab_setup *s = l->s;
    size_t per_s = US_PER_S / LAB_SLICE_US;
    size_t from = (size_t)(s->hole_at_s * (double)per_s);
    size_t to = (size_t)((s->hole_at_s + s->hole_s) * (double)per_s);
    double before = 0;

    if (s->hole_s <= 0 || from < per_s)
        return 0;
    for (size_t i = from - per_s; i < from; i++)
        before += (double)l->slice_bytes[i] / (double)per_s;
    for (size_t i = to; i < LAB_SLICES; i++) {
        if ((double)l->slice_bytes[i] >= 0.9 * before)
            return (double)(i + 1 - to) * LAB_SLICE_US / 1e3;
    }
    return -1;
}

static double resume_ms(const struct lab *l)
{
    double healed_s = l->s->hole_at_s + l->s->hole_s;

    if (l->s->hole_s <= 0)
        return 0;
    return (double)time_since(l->resumed_at, l->zero) / 1e3 - healed_s * 1e3;
}

static double rate_mbit(const struct lab *l, const struct lab_pair *p)
{
    if (l->s->steady)
        return (double)p->got_steady * 8 / 1e6 / (l->s->limit_s - l->s->steady_from_s);
    return p->opened ? (double)p->got * 8 / (double)time_since(p->done ? p->end : l->now, p->start) : 0;
}

static void add_flows(const struct lab *l, struct lab_result *r)
{
    double sent = 0, got = 0, late = 0, late_spurious = 0, work = 0, packets = 0;

    for (int i = 0; i < l->s->flows; i++) {
        const struct lab_pair *p = &l->pair[i];
        const struct conn *c = conn_of(p);
        r->mbit[i] = rate_mbit(l, p);
        if ((double)p->stall_us / 1e3 > r->stall_ms)
            r->stall_ms = (double)p->stall_us / 1e3;
        got += (double)p->got;
        if (c == NULL)
            continue;
        sent += (double)(c->sent_bytes - (p->done ? 0 : c->loss.bytes_in_flight)) * FILE_SHARE;
        work += (double)c->loss.sent.work;
        packets += (double)c->loss.sent_packets;
        late += (double)(c->loss.sent_packets - p->half_sent);
        late_spurious += (double)(c->loss.spurious_packets - p->half_spurious);
    }
    r->waste = got > 0 ? sent / got * (1 - l->s->loss) * (1 - l->s->burst_loss) - 1 : 0;
    r->spurious = late > 0 ? late_spurious / late : 0;
    r->work = packets > 0 ? work / packets : 0;
}

static double dropped_late(const struct link_counts *all, const struct link_counts *first)
{
    double lost = (double)(all->lost + all->overflowed - first->lost - first->overflowed);
    double passed = (double)(all->passed - first->passed);

    return lost + passed > 0 ? lost / (lost + passed) : 0;
}

struct lab_result lab_result(struct lab *l)
{
    const struct link_counts *n = &l->link[0].counts;
    double bdp = (double)l->bdp, in = (double)(n->passed + n->lost + n->overflowed);
    struct lab_result r = {.done = true, .seconds = lab_seconds(l), .hash = l->hash, .datagrams = l->datagrams};
    r.opened_s = l->pair[0].opened ? (double)time_since(l->pair[0].open_at, l->zero) / 1e6 : r.seconds;

    for (int i = 0; i < l->s->flows; i++)
        r.done = r.done && l->pair[i].done;
    add_flows(l, &r);
    qsort(l->chat_us, l->chats, sizeof(l->chat_us[0]), compare_us);
    r.chat_p50_ms = chat_ms(l, 0.50);
    r.chat_p99_ms = chat_ms(l, 0.99);
    r.chat_max_ms = chat_ms(l, 1);
    r.chats_missing = (double)(l->chats_written - l->chats);
    r.queue_peak_bdp = (double)l->link[0].peak_bytes / bdp;
    r.queue_mean_bdp = l->queue_area / (double)time_since(l->now, l->zero) / bdp;
    r.queue_standing_bdp = l->low_count > 0 ? l->low_sum / (double)l->low_count / bdp : 0;
    r.dropped = in > 0 ? (double)(n->lost + n->overflowed) / in : 0;
    r.overflowed = in > 0 ? (double)n->overflowed / in : 0;
    r.dropped_late = dropped_late(n, &l->first_second);
    r.held_mb = (double)l->held_peak / 1e6;
    r.acks = (double)l->way_datagrams[1] / (double)l->way_datagrams[0];
    r.back_bytes = (double)l->way_bytes[1] / (double)l->way_datagrams[0];
    r.resume_ms = resume_ms(l);
    r.hole_recovery_ms = hole_recovery_ms(l);
    return r;
}
