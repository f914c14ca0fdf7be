/*
 * lab: a virtual-time bench for congestion controllers: real endpoints, pairs
 * of them, over one shared bottleneck in each direction.
 *
 *   sender ──▶ [hole] ─▶ [policer | queue at `rate`] ─▶ [random loss] ─▶ delay (+ jitter) ──▶ receiver
 *
 * The way back is the same but has a queue of its own.  Bytes on the link are
 * UDP payload + LAB_IP_BYTES.  The same seed gives the same run.
 */
#ifndef DUET_TEST_LAB_H
#define DUET_TEST_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "duet/base/time.h"

#define LAB_FLOWS 4
#define LAB_IP_BYTES 28

struct lab_flow {
    const char *cc;
    double start_s;
    double app_mbit; /* the application offers only this much; 0: all at once */
};

struct lab_setup {
    double rate_mbit;
    double rtt_ms;
    double queue_bdp; /* drop-tail queue in bandwidth-delay products */
    double queue_kb;  /* instead, when > 0 */
    double loss;      /* 0..1, both ways */
    double jitter_ms; /* added at random, keeps the order */
    double hold_ms;   /* the way back lets ACKs through in batches of this */
    double reorder;   /* share of packets that come `reorder_ms` late */
    double reorder_ms;
    double policer_kb;                    /* > 0: no queue; a bucket of this many KB filled at `rate` */
    double hole_at_s, hole_s;             /* nothing passes, either way */
    double change_at_s, change_rate_mbit; /* the rate changes then */
    double limit_s;                       /* give up then; also the length of a run with `steady` */
    double mb;                            /* file size of each flow */
    bool steady;                          /* no end of file: measure shares from steady_from_s to limit_s */
    double steady_from_s;
    uint64_t window_bytes;
    uint64_t seed;
    int flows;
    struct lab_flow flow[LAB_FLOWS];
    FILE *trace;
};

struct lab_result {
    bool done;
    double seconds;         /* from the first start to the last byte */
    double mbit[LAB_FLOWS]; /* whole transfer, or in the steady span */
    double waste;           /* sent/delivered·(1−p) − 1, file bytes, all flows */
    double queue_peak_bdp, queue_mean_bdp, queue_standing_bdp; /* standing: mean of the minima of each RTT, after 2 s */
    double late_loss; /* share of the packets dropped by the link, second half of the run, random loss included */
    double hole_recovery_ms; /* after the hole: until a tenth of a second passes at 90 % of the rate before it */
    uint64_t spurious;
};

struct lab_result lab_run(const struct lab_setup *s);

#endif
