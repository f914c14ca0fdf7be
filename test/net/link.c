#include "link.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_QUEUE_BYTES 150000u /* a hundred full packets */
#define DEFAULT_REORDER_NS UINT64_C(10000000)
#define NS_PER_S UINT64_C(1000000000)
#define SLOT_BITS UINT64_C(12000) /* of a full packet, in which a burst is measured */
#define SWING_MIN_NS UINT64_C(100000000)
#define SWING_MAX_NS UINT64_C(2000000000)

enum { IPV4_MIN_HEADER = 20, IPV6_HEADER = 40, UDP_HEADER = 8, PROTOCOL_UDP = 17 };

void link_init(struct link *l, uint64_t seed)
{
    memset(l, 0, sizeof *l);
    l->random = seed;
    l->swing_random = ~seed;
    l->set.queue_bytes = DEFAULT_QUEUE_BYTES;
    l->set.reorder_ns = DEFAULT_REORDER_NS;
    l->stats.latency_min_ns = LINK_NEVER;
}

void link_dispose(struct link *l)
{
    for (size_t i = 0; i < l->heap_count; i++)
        free(l->heap[i]);
    l->heap_count = 0;
}

struct link_share link_share(double percent)
{
    return (struct link_share){.below = (uint64_t)(percent / 100.0 * 4294967296.0)};
}

void link_set_bursts(struct link_settings *set, double percent, double packets)
{
    double share = percent / 100;
    set->burst_end = link_share(100 / packets);
    set->burst_start = link_share(100 * share / (1 - share) / packets);
}

/* splitmix64: small, seedable, and good enough to throw dice. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t draw(struct link *l)
{
    return next_random(&l->random);
}

/* Uniform in [0, 1). */
static double unit(uint64_t random)
{
    return (double)(random >> 11) / 9007199254740992.0;
}

static bool hit(struct link *l, struct link_share share)
{
    return (draw(l) >> 32) < share.below;
}

static bool sooner(const struct link_packet *a, const struct link_packet *b)
{
    return a->deliver_ns != b->deliver_ns ? a->deliver_ns < b->deliver_ns : a->order < b->order;
}

static void heap_push(struct link *l, struct link_packet *p)
{
    size_t i = l->heap_count++;
    while (i > 0) {
        size_t up = (i - 1) / 2;
        if (!sooner(p, l->heap[up]))
            break;
        l->heap[i] = l->heap[up];
        i = up;
    }
    l->heap[i] = p;
}

static struct link_packet *heap_pop(struct link *l)
{
    struct link_packet *top = l->heap[0], *last = l->heap[--l->heap_count];
    size_t i = 0;
    for (;;) {
        size_t down = 2 * i + 1;
        if (down >= l->heap_count)
            break;
        if (down + 1 < l->heap_count && sooner(l->heap[down + 1], l->heap[down]))
            down++;
        if (!sooner(l->heap[down], last))
            break;
        l->heap[i] = l->heap[down];
        i = down;
    }
    l->heap[i] = last;
    return top;
}

/* Let out of the queue what has been transmitted by now. */
static void drain_queue(struct link *l, uint64_t now_ns)
{
    while (l->waiting_count > 0 && l->waiting[l->waiting_first].leaves_ns <= now_ns) {
        l->queued_bytes -= l->waiting[l->waiting_first].bytes;
        l->waiting_first = (l->waiting_first + 1) % LINK_PACKETS_MAX;
        l->waiting_count--;
    }
}

static uint64_t rate_bps(struct link *l, uint64_t now_ns)
{
    if (l->set.swing <= 1)
        return l->set.rate_bps;
    if (now_ns >= l->swing_until_ns) {
        l->swing_factor = pow(l->set.swing, 2 * unit(next_random(&l->swing_random)) - 1);
        l->swing_until_ns = now_ns + SWING_MIN_NS + next_random(&l->swing_random) % (SWING_MAX_NS - SWING_MIN_NS);
    }
    return 1 + (uint64_t)((double)l->set.rate_bps * l->swing_factor);
}

/* false if the bucket is empty. */
static bool police(struct link *l, size_t len, uint64_t now_ns)
{
    double full = (double)l->set.policer_bytes;
    double earned = (double)(now_ns - l->tokens_ns) * (double)l->set.rate_bps / 8 / (double)NS_PER_S;
    l->tokens = l->tokens_ns == 0 || l->tokens + earned > full ? full : l->tokens + earned;
    l->tokens_ns = now_ns;
    if (l->tokens < (double)len)
        return false;
    l->tokens -= (double)len;
    return true;
}

/* Take a place in the queue: false if it is full, else when the last bit leaves.  A changed rate counts for packets
 * that enter after the change. */
static bool enqueue(struct link *l, size_t len, uint64_t now_ns, uint64_t *leaves_ns)
{
    *leaves_ns = now_ns;
    if (l->set.rate_bps == 0)
        return true;
    if (l->set.policer_bytes > 0)
        return police(l, len, now_ns);
    drain_queue(l, now_ns);
    if (l->queued_bytes + len > l->set.queue_bytes || l->waiting_count == LINK_PACKETS_MAX)
        return false;
    uint64_t starts_ns = l->busy_until_ns > now_ns ? l->busy_until_ns : now_ns;
    *leaves_ns = l->busy_until_ns = starts_ns + len * 8 * NS_PER_S / rate_bps(l, now_ns);
    l->waiting[(l->waiting_first + l->waiting_count++) % LINK_PACKETS_MAX] =
        (struct link_waiting){.leaves_ns = *leaves_ns, .bytes = len};
    l->queued_bytes += len;
    if (l->queued_bytes > l->stats.queue_peak_bytes)
        l->stats.queue_peak_bytes = l->queued_bytes;
    return true;
}

/* Where the UDP header starts; 0 if this is something else, a fragment, or cut short. */
static size_t udp_header_at(const uint8_t *b, size_t len)
{
    size_t at = 0;
    if (len >= IPV4_MIN_HEADER && b[0] >> 4 == 4 && b[9] == PROTOCOL_UDP && (b[6] & 0x3f) == 0 && b[7] == 0)
        at = (size_t)(b[0] & 15) * 4;
    else if (len >= IPV6_HEADER && b[0] >> 4 == 6 && b[6] == PROTOCOL_UDP)
        at = IPV6_HEADER;
    return at != 0 && len > at + UDP_HEADER ? at : 0;
}

/* Flip one bit.  In UDP it is a payload bit and no checksum tells, for the card computes none: the damage a checksum
 * misses, which is what the program under test must notice by itself.  Anything else the receiving kernel is made to
 * check, and throws away. */
static void corrupt(struct link_packet *p, uint64_t random)
{
    size_t udp = udp_header_at(p->bytes, p->len);
    size_t from = udp ? udp + UDP_HEADER : 0;
    p->bytes[from + random % (p->len - from)] ^= (uint8_t)(1u << (random >> 32) % 8);
    p->origin.train = 0;
    if (!udp)
        p->origin.how.flags = 0;
}

static void schedule(struct link *l, const struct link_origin *origin, const uint8_t *bytes, size_t len,
                     uint64_t arrived_ns, uint64_t deliver_ns, bool corrupted, uint64_t where)
{
    struct link_packet *p = l->heap_count < LINK_PACKETS_MAX ? malloc(sizeof *p + len) : NULL;
    if (!p) {
        l->stats.dropped_overflow++;
        return;
    }
    p->origin = *origin;
    p->deliver_ns = deliver_ns;
    p->arrived_ns = arrived_ns;
    p->order = l->order++;
    p->len = len;
    memcpy(p->bytes, bytes, len);
    if (corrupted)
        corrupt(p, where);
    heap_push(l, p);
}

uint64_t link_next_train(struct link *l)
{
    return ++l->trains;
}

/* ECN is the low two bits of TOS, and of the traffic class, which begins half-way through the first byte. */
static bool is_marked(const uint8_t *b, size_t len)
{
    if (len >= IPV4_MIN_HEADER && b[0] >> 4 == 4)
        return (b[1] & 3) != 0;
    return len >= IPV6_HEADER && b[0] >> 4 == 6 && (b[1] & 0x30) != 0;
}

/* Each packet is a step of the two-state chain; and the air gets better or worse while nobody sends, too: by as many
 * steps as packets would have fitted in between. */
static void step_burst(struct link *l, uint64_t now_ns)
{
    const double start = (double)l->set.burst_start.below / 4294967296.0;
    const double end = (double)l->set.burst_end.below / 4294967296.0;
    const uint64_t slot_ns = l->set.rate_bps == 0 ? 0 : SLOT_BITS * NS_PER_S / l->set.rate_bps;

    if (start > 0 && slot_ns > 0 && now_ns > l->burst_ns + slot_ns) {
        const double steps = (double)(now_ns - l->burst_ns) / (double)slot_ns;
        const double share = start / (start + end), kept = pow(fabs(1 - start - end), steps);

        l->in_burst = unit(draw(l)) < share + kept * (l->in_burst - share);
        l->burst_ns = now_ns;
    }
    l->burst_ns += slot_ns;
    l->in_burst ^= hit(l, l->in_burst ? l->set.burst_end : l->set.burst_start);
}

void link_push(struct link *l, const struct link_origin *origin, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    bool lost = hit(l, l->set.loss), late = hit(l, l->set.reorder);
    bool twice = hit(l, l->set.duplicate), corrupted = hit(l, l->set.corrupt);
    uint64_t where = draw(l), deliver_ns;
    double late_by = unit(draw(l));
    step_burst(l, now_ns);

    l->stats.in++;
    l->stats.in_bytes += len;
    if (l->set.hole || (l->set.no_marks && is_marked(bytes, len))) {
        l->stats.dropped_hole++;
    } else if (l->set.max_packet > 0 && len > l->set.max_packet) {
        l->stats.dropped_size++;
    } else if (!enqueue(l, len, now_ns, &deliver_ns)) {
        l->stats.dropped_queue++;
    } else if (lost || l->in_burst || l->set.drop_next > 0) {
        l->stats.dropped_loss++;
        if (l->set.drop_next > 0)
            l->set.drop_next--;
    } else {
        deliver_ns += l->set.delay_ns + (late ? l->set.reorder_ns : 0) + (uint64_t)(late_by * (double)l->set.jitter_ns);
        l->stats.reordered += late;
        l->stats.corrupted += corrupted;
        schedule(l, origin, bytes, len, now_ns, deliver_ns, corrupted, where);
        if (twice) {
            l->stats.duplicated++;
            schedule(l, origin, bytes, len, now_ns, deliver_ns, corrupted, where);
        }
    }
}

uint64_t link_due(const struct link *l)
{
    return l->heap_count > 0 ? l->heap[0]->deliver_ns : LINK_NEVER;
}

struct link_packet *link_pop(struct link *l, uint64_t now_ns)
{
    if (link_due(l) > now_ns)
        return NULL;
    struct link_packet *p = heap_pop(l);
    uint64_t latency_ns = now_ns - p->arrived_ns;
    l->stats.out++;
    l->stats.out_bytes += p->len;
    if (latency_ns < l->stats.latency_min_ns)
        l->stats.latency_min_ns = latency_ns;
    if (latency_ns > l->stats.latency_max_ns)
        l->stats.latency_max_ns = latency_ns;
    return p;
}

void link_print_stats(const struct link *l, FILE *out)
{
    const struct link_stats *s = &l->stats;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"in", s->in},
        {"in_bytes", s->in_bytes},
        {"out", s->out},
        {"out_bytes", s->out_bytes},
        {"under_way", l->heap_count},
        {"dropped_hole", s->dropped_hole},
        {"dropped_size", s->dropped_size},
        {"dropped_queue", s->dropped_queue},
        {"dropped_loss", s->dropped_loss},
        {"dropped_overflow", s->dropped_overflow},
        {"not_understood", s->not_understood},
        {"reordered", s->reordered},
        {"duplicated", s->duplicated},
        {"corrupted", s->corrupted},
        {"write_failed", s->write_failed},
        {"queue_peak_bytes", s->queue_peak_bytes},
        {"latency_min_us", s->out > 0 ? s->latency_min_ns / 1000 : 0},
        {"latency_max_us", s->latency_max_ns / 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "{", rows[i].name, rows[i].value);
    fputc('}', out);
}
