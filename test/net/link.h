/*
 * link: one direction of an emulated cable, without devices or clocks.
 *
 *   in → hole? → too big? → [ drop-tail queue, drained at the rate ] → lost? → corrupted? → delay (+ reorder) → out
 *                                                                                     └ duplicated?
 *
 * A lost packet has used its share of the rate, as on a real cable.  Every packet draws the same number of random
 * values whatever the settings are, so the same seed and the same packets meet the same fate, and turning one knob
 * does not change what the others do.
 */
#ifndef DUET_TEST_NET_LINK_H
#define DUET_TEST_NET_LINK_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINK_NEVER UINT64_MAX
#define LINK_PACKETS_MAX 65536u /* held at once in one direction; a delay-bandwidth product of 98 MB at 1500 B */

/* A share of all packets, as a threshold over 32 random bits: 0 never, 2^32 always. */
struct link_share {
    uint64_t below;
};

struct link_settings {
    uint64_t rate_bps; /* 0: no limit, and then no queue either */
    uint64_t queue_bytes;
    uint64_t delay_ns;
    uint64_t reorder_ns;    /* what a reordered packet waits on top */
    uint64_t max_packet;    /* bigger ones vanish, as behind a tunnel that sends no ICMP; 0: no limit */
    uint64_t drop_next;     /* so many of the next packets are lost */
    uint64_t jitter_ns;     /* a random delay up to this on top, in which packets overtake each other; 0: none */
    uint64_t policer_bytes; /* a bucket of so many bytes, filled at the rate, passes or drops; 0: a queue instead */
    double swing;           /* > 1: the rate is drawn anew each 0.1 to 2 s, between rate / swing and rate * swing */
    struct link_share loss, reorder, duplicate, corrupt;
    struct link_share burst_start, burst_end; /* a burst loses everything (Gilbert-Elliott) */
    bool no_marks;                            /* what has an ECN codepoint is lost, as behind some routers */
    bool hole;                                /* everything that enters is lost; what is under way arrives */
};

struct link_stats {
    uint64_t in, in_bytes, out, out_bytes;
    uint64_t dropped_hole, dropped_size, dropped_queue, dropped_loss, dropped_overflow;
    uint64_t not_understood; /* trains the card could not cut */
    uint64_t reordered, duplicated, corrupted, write_failed;
    uint64_t queue_peak_bytes;
    uint64_t latency_min_ns, latency_max_ns; /* from arrival to delivery, as measured */
};

/* How a packet came to the cable; card.h reads it again at the other end. */
struct link_origin {
    uint64_t train; /* packets cut from one train have its number; 0: it came alone */
    uint32_t place; /* in the train, from 0 */
    struct virtio_net_hdr how;
};

struct link_packet {
    struct link_origin origin;
    uint64_t deliver_ns, order, arrived_ns;
    size_t len;
    uint8_t bytes[];
};

/* A packet waiting for or in transmission; only its size matters here. */
struct link_waiting {
    uint64_t leaves_ns;
    uint64_t bytes;
};

struct link {
    struct link_settings set;
    struct link_stats stats;
    uint64_t random;       /* splitmix64 state */
    uint64_t swing_random; /* another, for the rate, which changes by the clock */
    uint64_t swing_until_ns;
    double swing_factor; /* of the rate, now; 0: as set */
    double tokens;       /* of the policer, in bytes */
    uint64_t tokens_ns;  /* when they were counted */
    bool in_burst;
    uint64_t burst_ns;      /* until when its steps have been made */
    uint64_t trains;        /* numbers given */
    uint64_t order;         /* ties in deliver_ns keep the order of arrival */
    uint64_t busy_until_ns; /* the transmitter sends until then */
    uint64_t queued_bytes;  /* sum over waiting */
    struct link_waiting waiting[LINK_PACKETS_MAX];
    size_t waiting_first, waiting_count;
    struct link_packet *heap[LINK_PACKETS_MAX]; /* by deliver_ns, then order */
    size_t heap_count;
};

void link_init(struct link *l, uint64_t seed);
void link_dispose(struct link *l);

/* A packet enters.  The bytes are copied. */
void link_push(struct link *l, const struct link_origin *origin, const uint8_t *bytes, size_t len, uint64_t now_ns);

/* A number for a train, never 0. */
uint64_t link_next_train(struct link *l);

/* When the next packet comes out; LINK_NEVER if none is under way. */
uint64_t link_due(const struct link *l);

/* The next packet that is due, NULL if none.  The caller frees it. */
struct link_packet *link_pop(struct link *l, uint64_t now_ns);

/* percent 0 to 100 → share. */
struct link_share link_share(double percent);

/* So many per cent are lost, in bursts of `packets` (1 or more) on average; less than 100. */
void link_set_bursts(struct link_settings *set, double percent, double packets);

void link_print_stats(const struct link *l, FILE *out);

#endif
