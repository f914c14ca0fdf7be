/*
 * pacer: spreads packets over time.  A token bucket of one train: burst = min(64 KB, rate · 1 ms),
 * at least two packets, and at multi-Gbit/s rates what passes in PACER_LATE_US, for no timer wakes
 * a thread more exactly than that. A train that has ended goes on when what passes in PACER_LATE_US
 * may leave, not packet by packet: at 1 Gbit/s that is a system call for 21 packets instead of ten,
 * and half the CPU time. A sender that waited for its turn and was woken late (a busy machine)
 * makes up for it as far as a queue may be trusted to take the lot: a quarter of the shortest round
 * trip, PACER_LATE_US to PACER_LATE_MOST_US, or PACER_LATE_PACKETS. After idling the bucket is
 * full. Packets that could not wait (chat, probes) leave a debt of at most one burst. Value type,
 * virtual time.
 */
#ifndef DUET_RECOVERY_PACER_H
#define DUET_RECOVERY_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define PACER_BURST_US 1000
#define PACER_BURST_MAX_BYTES 65536
#define PACER_LATE_US 250
#define PACER_LATE_MOST_US 16000 /* so late a turn may come where four others share two cores */
#define PACER_LATE_RTTS 4
#define PACER_LATE_PACKETS 8 /* any queue takes so many, however short the path */

struct pacer {
    int64_t tokens_bytes; /* negative: a debt */
    uint64_t fraction;    /* remainder of rate · time, in millionths of a byte: nothing is lost to rounding */
    duet_time at;         /* when tokens were counted */
    duet_time promised;   /* when it first wanted to be woken since it last was; DUET_NEVER: it waits for nothing */
    uint64_t late_max_us; /* that a late wake-up may make up for */
    bool paced;           /* a rate was set: the bucket holds something */
    bool train;           /* one is under way: it may go on packet by packet */
};

void pacer_init(struct pacer *p, duet_time now);
/* The path's shortest round trip, as known by now. */
void pacer_path(struct pacer *p, uint64_t min_rtt_us);
/* Bytes that may leave now (rate 0: unlimited, UINT64_MAX, and nothing is counted). */
uint64_t pacer_allowance(struct pacer *p, uint64_t rate_bytes_per_s, uint32_t packet_bytes, duet_time now);
void pacer_sent(struct pacer *p, uint64_t bytes);
/* There is nothing to pace just now: being asked again later is not being late. */
void pacer_idle(struct pacer *p);
/* When will a packet be allowed?  now when it is already. */
duet_time pacer_next(const struct pacer *p, uint64_t rate_bytes_per_s, uint32_t packet_bytes, duet_time now);
/* A packet of that size waits until `turn`, which pacer_next named: woken later, the sender is
 * late. */
void pacer_promise(struct pacer *p, uint32_t packet_bytes, duet_time turn);

#endif
