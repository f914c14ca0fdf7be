/*
 * simlink: one direction of a path between two nodes: a queue in front of a line
 * of some rate and delay, and everything that goes wrong on the way.  Decides
 * the fate of one datagram at a time from its own seeded generator; holds no
 * datagrams itself.  Worlds (world.h) and the performance bench (lab.h) share
 * it; what is off draws no dice, so each scenario keeps its own.
 */
#ifndef SIM_SIMLINK_H
#define SIM_SIMLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"
#include "base/time.h"
#include "rates.h"
#include "turns.h"

#define LINK_HOLES 24
#define LINK_COPIES 2
#define LINK_HEADER_BYTES 28 /* IPv4 and UDP, which take line time too */

struct link_hole {
    uint64_t from_us, until_us; /* world time: nothing passes */
};

struct link_config {
    uint64_t rate_bytes_per_s; /* 0: no limit */
    double swing;              /* > 1: the rate itself changes, between rate/swing and rate·swing (rates.h), */
    uint64_t swing_min_us, swing_max_us; /* each time for so long */
    uint64_t delay_us;
    uint64_t jitter_us;     /* uniform on top of the delay */
    bool keeps_order;       /* jitter lets nobody overtake; only `reorder` does */
    uint64_t hold_us;       /* > 0: datagrams come out in batches, at multiples of this */
    double pauses;          /* share of the time in which nothing leaves the queue, as by air that others use, */
    uint64_t pause_us;      /* and the longest such pause */
    uint64_t queue_bytes;   /* drop-tail; 0: no limit */
    uint64_t policer_bytes; /* > 0: no queue; a bucket of so many bytes, filled at the rate, passes or drops */
    size_t mtu_bytes;       /* longest UDP payload; 0: any */
    double loss;            /* each datagram by itself */
    double burst_start;     /* Gilbert-Elliott: chance that a burst begins with a datagram, */
    double burst_end;       /* that it ends, */
    double burst_loss;      /* and of loss within one */
    uint64_t loss_mask;     /* bit i: the i-th datagram is lost (the first 64) */
    double reorder;         /* chance of being late by reorder_min_us to reorder_us */
    uint64_t reorder_us, reorder_min_us;
    double duplicate;
    double corrupt; /* a few bits flip */
    double truncate;
    struct link_hole holes[LINK_HOLES];
    size_t hole_count;
    /* An active attacker: in the next `flip_left` packets whose first byte is flip_type, bit flip_bit is turned and the
     * CRC made right again. */
    uint8_t flip_type;
    uint32_t flip_bit;
    unsigned flip_left;
};

struct link_counts {
    uint64_t passed, lost, overflowed, oversized, duplicated, damaged;
};

struct link {
    struct link_config cfg;
    struct duet_rand rng;
    duet_time busy_until; /* the line is serialising what was queued before, */
    uint64_t busy_rest;   /* and this many byte·µs/s less than a whole µs more; with swing: was early by so many */
    uint64_t peak_bytes;  /* longest the queue ever was */
    duet_time last_at;    /* with keeps_order: the latest arrival so far */
    uint64_t tokens;      /* of the policer, in byte·µs/s */
    duet_time tokens_at;
    struct turns turns; /* its pauses */
    struct rates rates; /* with swing */
    bool is_in_burst;
    uint64_t seen;
    struct link_counts counts;
};

struct link_fate {
    size_t copies; /* 0: lost */
    duet_time at[LINK_COPIES];
};

void link_init(struct link *l, const struct link_config *cfg, uint64_t seed);

/* What becomes of a datagram of len bytes handed over now? */
struct link_fate link_pass(struct link *l, size_t len, duet_time now);

/* Bytes that wait in the queue, the one on the line included. */
uint64_t link_backlog(const struct link *l, duet_time now);

/* Damages a copy on its way; returns its length from now on, and whether it differs. */
size_t link_damage(struct link *l, uint8_t *dgram, size_t len, bool *is_damaged);

#endif
