/*
 * lab: a virtual-time bench: real endpoints, in pairs, over one shared
 * bottleneck in each direction, without hubs, disks or users.  What a world
 * (world.h) proves right, a lab measures: rates, waste, queues, latencies.
 *
 *   sender, side 0 ──▶ link.h (queue at a rate, or policer; loss; delay) ──▶ receiver, side 1
 *
 * The way back is the same but has a queue of its own.  Bytes on the link are
 * UDP payload + LINK_HEADER_BYTES.  The same setup is the same run to the byte
 * (`hash` takes in every datagram).
 */
#ifndef SIM_LAB_H
#define SIM_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/heap.h"
#include "conn/endpoint.h"
#include "simlink.h"
#include "turns.h"

#define LAB_FLOWS 8
#define LAB_FILES 4
#define LAB_SLICE_US 100000 /* progress is kept by this */
#define LAB_SLICES 20000
#define LAB_CHATS 4096

struct lab_flow {
    const char *cc;       /* NULL: the default; or one of rival.h */
    double start_s;       /* endpoint_connect */
    double app_mbit;      /* the application offers only this much; 0: all at once */
    double chat_every_ms; /* a short text along with the files; 0: none */
    double move_every_s;  /* one side's NAT gives it another port that often; 0: never */
    bool receiver_moves;  /* … the receiver's instead of the sender's */
    int files;            /* at once; 0: 1 */
};

struct lab_setup {
    double rate_mbit;
    double rtt_ms;
    double queue_bdp;     /* drop-tail queue in bandwidth-delay products */
    double queue_kb;      /* instead, when > 0 */
    double loss;          /* 0..1, both ways */
    double loss_back;     /* > 0: instead, on the way of the ACKs */
    double burst_loss;    /* on top of it, on the way of the file only, in bursts (Gilbert-Elliott), within which */
    double burst_packets; /* everything is lost: so many datagrams in a row on average */
    double jitter_ms;     /* added at random, keeps the order */
    bool jitter_reorders; /* … or lets datagrams overtake each other, as Wi-Fi does that sends again */
    double swing;         /* > 1: the rate changes, between rate/swing and rate·swing (rates.h), */
    double swing_min_s, swing_max_s; /* each time for so long; 0: 0.1 to 2 s */
    double mtu;                      /* of IPv4 packets; 0: 1500 */
    double away;             /* share of the time in which a program does not get its turn (turns.h), each for itself */
    double away_ms;          /* the longest such absence */
    double pauses, pause_ms; /* the line's (link.h) */
    double hold_ms;          /* the way back lets ACKs through in batches of this */
    double reorder;          /* share of datagrams that come `reorder_ms` late */
    double reorder_ms;
    double policer_kb;               /* > 0: no queue; a bucket of this many KiB filled at `rate` */
    double hole_at_s, hole_s;        /* nothing passes, either way */
    double change_at_s, change_mbit; /* the rate changes then */
    double disk_mb_s;                /* the receiver's disk writes so many 10^6 bytes a second; 0: all at once */
    double limit_s;                  /* give up then; also the length of a run with `steady` */
    double mb;                       /* bytes of each flow, over all its files, in 10^6 */
    bool steady;                     /* no end of file: measure shares from steady_from_s to limit_s */
    double steady_from_s;
    uint64_t window_bytes;
    uint64_t seed;
    int flows;
    struct lab_flow flow[LAB_FLOWS];
    FILE *trace;
};

struct lab_result {
    bool done;
    double seconds;         /* of virtual time */
    double opened_s;        /* … until the first flow's file could begin */
    double mbit[LAB_FLOWS]; /* from endpoint_connect to everything acknowledged; steady: in the steady span */
    double waste;           /* sent/delivered·(1−p) − 1, in file bytes, all flows */
    double queue_peak_bdp, queue_mean_bdp, queue_standing_bdp; /* standing: mean of the minima of each RTT, after 2 s */
    double dropped;      /* share of the datagrams that the link took away, random loss included */
    double overflowed;   /* … that found a full queue or an empty bucket */
    double dropped_late; /* … that the link took away after the first second */
    double spurious;     /* packets sent again in vain, of those sent in the second half of the run */
    double chat_p50_ms, chat_p99_ms, chat_max_ms; /* one way, from write to read */
    double chats_missing;                         /* written two seconds before the end and not there */
    double resume_ms;                             /* from the end of the hole to the sender's first datagram */
    double hole_recovery_ms; /* … to the first tenth of a second at 90 % of the rate before it; -1: never */
    double stall_ms;         /* longest time without file bytes, between the first and the last */
    double held_mb;          /* most file bytes of one flow that arrived and were not written, 10^6 */
    double acks, back_bytes; /* datagrams and their UDP payload on the way back for each that the sender sent */
    double work;             /* sentmap's words and records looked at for each packet sent */
    uint64_t hash, datagrams;
};

struct lab_file {
    uint64_t stream;
    uint64_t supplied, got, written;
    bool sent; /* everything acknowledged */
};

struct lab_datagram;

/* What came while the program was away, oldest first. */
struct lab_inbox {
    struct lab_datagram *first, *last;
};

/* Two endpoints and what they are about. */
struct lab_pair {
    struct endpoint *e[2];
    struct turns turns[2];
    struct lab_inbox inbox[2];
    struct duet_addr addr[2];
    conn_id id[2];
    struct lab_file file[LAB_FILES];
    int files;
    bool started, opened, done;
    uint64_t got, got_steady;
    struct lab_file *writing; /* the disk is busy with write_bytes of it till write_at; NULL: idle */
    uint64_t write_bytes, written;
    duet_time write_at; /* DUET_NEVER: idle */
    duet_time start, open_at, end;
    duet_time extent_at; /* when file bytes last came */
    uint64_t stall_us;
    duet_time chat_at, move_at;        /* the next; DUET_NEVER */
    uint64_t half_sent, half_spurious; /* packets in the first half of the run */
    bool half_noted;
};

struct lab {
    const struct lab_setup *s;
    duet_time now, zero, slice_end;
    struct link link[2];
    struct heap wire; /* of struct lab_datagram */
    struct lab_pair pair[LAB_FLOWS];
    uint64_t bdp;
    uint64_t slice_bytes[LAB_SLICES];
    double queue_area; /* byte·µs */
    duet_time queue_at;
    uint64_t rtt_low; /* lowest backlog of this RTT */
    duet_time rtt_end;
    double low_sum;
    uint64_t low_count;
    uint32_t chat_us[LAB_CHATS];
    size_t chats, chats_written;
    duet_time resumed_at;                    /* DUET_NEVER */
    uint64_t held_peak;                      /* arrived and not written */
    struct link_counts first_second;         /* of the way of the file */
    uint64_t hash, datagrams, kept;          /* kept: datagrams that came while a program was away */
    uint64_t way_datagrams[2], way_bytes[2]; /* sent each way */
};

struct lab_result lab_run(const struct lab_setup *s);

/* lab_report.c */
struct lab_result lab_result(struct lab *l);
void lab_trace(const struct lab *l);
double lab_seconds(const struct lab *l);

#endif
