#include "invariants.h"

#include <stdlib.h>
#include <string.h>

#include "recovery/loss.h"
#include "wire/packet.h"
#include "world.h"

#define FIRST_REMOTES 16
#define AMPLIFICATION 3
/* A probe or two, and a chat text, may go beyond the congestion window. */
#define SLACK_PACKETS 4
#define PTO_MIN_US 5000
#define PTO_MAX_US LOSS_PTO_MAX_US
/* Ordered streams and acknowledgements have no part in the negotiated window. */
#define SLACK_WINDOW_BYTES (2 * LIMIT_STREAM_WINDOW_BYTES + 256 * 1024)
#define LOOK_EVERY_CROWDED 16 /* turns between looks at all connections of a node with many */
#define CROWD 4
#define STEP_PACKETS 3        /* one, and its probes */
#define STEP_LOSSY_PACKETS 13 /* where probes get lost too */

void monitor_dispose(struct monitor *m)
{
    free(m->remotes);
    free(m->sealed);
    *m = (struct monitor){0};
}

static uint64_t slot_of(const struct duet_addr *a)
{
    uint8_t key[ADDR_KEY_BYTES];
    uint64_t h = UINT64_C(14695981039346656037);

    addr_key(a, key);
    for (size_t i = 0; i < sizeof(key); i++)
        h = (h ^ key[i]) * UINT64_C(1099511628211);
    return h ^ (h >> 29);
}

static struct monitor_remote *slot_for(struct monitor_remote *v, size_t cap, const struct duet_addr *a)
{
    size_t i = slot_of(a) & (cap - 1);

    while (v[i].addr.family != ADDR_NONE && !addr_equal(&v[i].addr, a))
        i = (i + 1) & (cap - 1);
    return &v[i];
}

static void grow(struct monitor *m)
{
    size_t cap = m->remote_cap != 0 ? m->remote_cap * 2 : FIRST_REMOTES;
    struct monitor_remote *v = calloc(cap, sizeof(*v));

    if (v == NULL)
        abort();
    for (size_t i = 0; i < m->remote_cap; i++) {
        if (m->remotes[i].addr.family != ADDR_NONE)
            *slot_for(v, cap, &m->remotes[i].addr) = m->remotes[i];
    }
    free(m->remotes);
    m->remotes = v;
    m->remote_cap = cap;
}

static struct monitor_remote *remote_of(struct monitor *m, const struct duet_addr *a)
{
    if (m->remote_count * 2 >= m->remote_cap)
        grow(m);
    struct monitor_remote *r = slot_for(m->remotes, m->remote_cap, a);
    if (r->addr.family == ADDR_NONE) {
        *r = (struct monitor_remote){.addr = *a};
        m->remote_count++;
    }
    return r;
}

void monitor_chose(struct monitor *m, const struct duet_addr *addr)
{
    remote_of(m, addr)->is_chosen = true;
}

bool monitor_is_heard(struct monitor *m, const struct duet_addr *addr)
{
    return remote_of(m, addr)->is_heard;
}

void monitor_delivered(struct world *w, struct node *n, const struct datagram *d)
{
    struct monitor_remote *r = remote_of(&n->monitor, &d->from);

    r->in_bytes += d->len;
    if (d->is_echo && !d->is_injected && !d->is_damaged)
        r->is_proven = true;
    if (d->is_injected && d->is_echo)
        remote_of(&n->monitor, &d->original)->is_proven = true; /* what it says was not said by whoever copied it */
    if (d->is_injected)
        return;
    for (size_t i = 0; i < w->node_count; i++) {
        struct node *other = w->nodes[i];
        size_t k;
        if (world_is_at(other, &d->from, &k))
            remote_of(&other->monitor, &d->to)->is_heard = true;
    }
}

static struct monitor_sealed *sealed_of(struct monitor *m, uint64_t dcid)
{
    for (size_t i = m->sealed_count; i > 0; i--) {
        if (m->sealed[i - 1].dcid == dcid)
            return &m->sealed[i - 1];
    }
    if (m->sealed_count == m->sealed_cap) {
        m->sealed_cap = m->sealed_cap * 2 + 8;
        m->sealed = realloc(m->sealed, m->sealed_cap * sizeof(*m->sealed));
        if (m->sealed == NULL)
            abort();
    }
    m->sealed[m->sealed_count] = (struct monitor_sealed){.dcid = dcid};
    return &m->sealed[m->sealed_count++];
}

static void check_packet(struct world *w, struct node *n, const uint8_t *dgram, size_t len)
{
    struct packet p;

    if (packet_parse(&p, dgram, len) < 0) {
        world_fail(w, "node %zu sends %zu bytes that are no packet", n->index, len);
        return;
    }
    n->monitor.retries += p.type == PACKET_RETRY;
    n->monitor.syn_acks += p.type == PACKET_SYN_ACK;
    if (w->verbose > 1)
        world_log(w, "%zu sends %s %llu, %zu bytes", n->index, packet_type_name(p.type), (unsigned long long)p.number,
                  len);
    if (p.type != PACKET_DATA)
        return;
    struct monitor_sealed *s = sealed_of(&n->monitor, p.dcid);
    if (p.number < s->next)
        world_fail(w, "node %zu: packet number %llu after %llu under one key", n->index, (unsigned long long)p.number,
                   (unsigned long long)s->next - 1);
    s->next = p.number + 1;
    s->count++;
}

void monitor_sent(struct world *w, struct node *n, const struct duet_addr *to, const uint8_t *dgram, size_t len)
{
    struct monitor_remote *r = remote_of(&n->monitor, to);
    char text[ADDR_TEXT_BYTES];

    r->out_bytes += len;
    if (to->ip[0] == GARBAGE_NET && to->family == ADDR_V4)
        world_fail(w, "node %zu answers garbage from %s", n->index, addr_format(to, text));
    if (!r->is_chosen && !r->is_proven && r->out_bytes > AMPLIFICATION * r->in_bytes)
        world_fail(w, "node %zu sent %llu bytes to unproven %s for %llu", n->index, (unsigned long long)r->out_bytes,
                   addr_format(to, text), (unsigned long long)r->in_bytes);
    check_packet(w, n, dgram, len);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Packets that may go beyond the congestion window: chat, and two probes at each PTO of a silence, which come at
 * doubling distances and then every few seconds. */
static uint64_t slack_packets(uint64_t silent_us)
{
    uint64_t probes = silent_us / PTO_MAX_US;

    for (uint64_t pto = PTO_MIN_US; pto < silent_us && pto < PTO_MAX_US; pto *= 2)
        probes++;
    return SLACK_PACKETS + 2 * probes;
}

/*
 * Bytes in flight against the reference: the window, or what was in flight
 * when the window became smaller and has not been acknowledged since.
 */
static void check_in_flight(struct world *w, const struct node *n, struct ui_peer *p, const struct endpoint_stats *s)
{
    if (s->bytes_in_flight < p->in_flight || p->in_flight == 0)
        p->acked_at = w->now;
    p->reference = larger(s->cwnd_bytes, smaller(p->reference, p->in_flight));
    uint64_t slack = slack_packets(time_since(w->now, p->acked_at)) * s->packet_bytes;
    /* What a silence allowed stays allowed until its probes are out of flight. */
    p->credit = s->bytes_in_flight <= s->cwnd_bytes ? slack : larger(p->credit, slack);
    if (s->bytes_in_flight > p->reference + p->credit)
        world_fail(w, "node %zu: %llu bytes in flight, cwnd %llu, reference %llu, slack %llu", n->index,
                   (unsigned long long)s->bytes_in_flight, (unsigned long long)s->cwnd_bytes,
                   (unsigned long long)p->reference, (unsigned long long)p->credit);
    p->in_flight = s->bytes_in_flight;
    uint64_t window = n->endpoint_config.params.window_bytes;
    if (s->bytes_in_flight > window + window / 8 + SLACK_WINDOW_BYTES)
        world_fail(w, "node %zu: %llu bytes in flight in a window of %llu", n->index,
                   (unsigned long long)s->bytes_in_flight, (unsigned long long)window);
    uint64_t step = (w->default_link.loss > 0 ? STEP_LOSSY_PACKETS : STEP_PACKETS) * (uint64_t)s->packet_bytes;
    if (n->endpoint_config.params.mode == MODE_STEP && s->bytes_in_flight > step)
        world_fail(w, "node %zu: %llu bytes in flight in step mode", n->index, (unsigned long long)s->bytes_in_flight);
    if (s->bytes_in_flight > 0 && time_is_never(endpoint_deadline(n->endpoint)))
        world_fail(w, "node %zu: %llu bytes in flight and no deadline", n->index,
                   (unsigned long long)s->bytes_in_flight);
}

/* No more packets were taken for new than were sent to this connection: a replay counts for nothing. */
static void check_received(struct world *w, const struct node *n, const struct ui_peer *p,
                           const struct endpoint_stats *s)
{
    uint64_t sent = 0;

    for (size_t i = 0; i < w->node_count; i++) {
        const struct monitor *m = &w->nodes[i]->monitor;
        for (size_t k = 0; k < m->sealed_count; k++)
            sent += m->sealed[k].dcid == p->id ? m->sealed[k].count : 0;
    }
    if (s->received_packets > sent)
        world_fail(w, "node %zu took %llu packets of %llu for new", n->index, (unsigned long long)s->received_packets,
                   (unsigned long long)sent);
}

static void check_conn(struct world *w, struct node *n, struct ui_peer *p)
{
    struct endpoint_stats s;

    if (endpoint_stats(n->endpoint, p->id, &s) < 0)
        return;
    check_in_flight(w, n, p, &s);
    if (w->node_count <= CROWD)
        check_received(w, n, p, &s);
}

void invariants_after_turn(struct world *w, struct node *n)
{
    if (n->ui.peer_count > CROWD && n->monitor.looks++ % LOOK_EVERY_CROWDED != 0)
        return;
    for (size_t i = 0; i < n->ui.peer_count; i++) {
        if (!n->ui.peers[i].is_gone)
            check_conn(w, n, &n->ui.peers[i]);
    }
    if (disk_chunks(&n->disk) > 2 * CHUNK_POOL)
        world_fail(w, "node %zu: %zu chunks at the disk", n->index, disk_chunks(&n->disk));
}

void invariants_at_end(struct world *w)
{
    for (size_t i = 0; i < w->node_count; i++) {
        struct node *n = w->nodes[i];
        if (n->endpoint == NULL || w->no_finish)
            continue;
        if (disk_open_files(&n->disk) != 0)
            world_fail(w, "node %zu is done and keeps %zu files open", i, disk_open_files(&n->disk));
        if (disk_chunks(&n->disk) != 0)
            world_fail(w, "node %zu is done and has chunks at the disk", i);
    }
}
