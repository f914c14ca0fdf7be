/*
 * perf: performance as a test.  Each row of the table in scenario_perf.c is a
 * run of the lab and what it must come to, exactly repeatable because time is
 * virtual and the dice are fixed: a bound that breaks is a change of ours.
 *
 *   sim --perf [--only WORD] [--cc NAME] [--seed N]    the table; last line "N passed, N failed"
 *   sim --perf many N [key=value ...]                  N seeds of such a run: the tail of the seconds they took, and its seeds
 *   sim --perf one [key=value ...]                     one run of your own: rate rtt queue queue_kb loss loss_back
 *                                                      burst (share lost in bursts) burst_len (their mean length)
 *                                                      jitter wifi=1 (it reorders) hold away away_ms
 *                                                      swing (the rate changes by up to this factor) swing_min swing_max
 *                                                      mtu
 *                                                      reorder reorder_ms policer hole_at hole change_at change limit
 *                                                      mb disk window seed steady trace=1 chat (one each so many ms)
 *                                                      move (one side's port, each so many s) receiver=1 (its)
 *                                                      flows=bbr,cubic@2,bbr:5,bbr1 (@start s, :app Mbit/s;
 *                                                      bbr1, unpaced: rival.h)
 *
 * With another controller or seed than the table was made with, bounds near
 * today's figures may break without meaning anything.
 */
#ifndef SIM_PERF_H
#define SIM_PERF_H

#include <stddef.h>

#include "lab.h"

#define PERF_CHECKS 6
#define PERF_RUNS 40 /* most runs of a row */
#define PERF_WINDOW_BYTES LIMIT_WINDOW_DEFAULT_BYTES

/* X(name, words, decimals, the more the better) */
#define METRIC_LIST(X)                               \
    X(METRIC_NONE, "", 0, false)                     \
    X(MBIT, "Mbit/s", 2, true)                       \
    X(WASTE, "waste %", 1, false)                    \
    X(SPURIOUS, "spurious %", 2, false)              \
    X(QUEUE_PEAK, "queue peak BDP", 2, false)        \
    X(QUEUE_MEAN, "mean", 2, false)                  \
    X(CHAT_P50, "chat p50 ms", 1, false)             \
    X(CHAT_P99, "p99", 1, false)                     \
    X(CHAT_MISSING, "missing", 0, false)             \
    X(STALL, "stall ms", 0, false)                   \
    X(RESUME, "sends after ms", 0, false)            \
    X(RECOVERY, "at 90 % after ms", 0, false)        \
    X(JAIN, "Jain", 3, true)                         \
    X(LESS_SHARE, "share of the lesser", 2, true)    \
    X(ACKS, "ACKs per packet", 3, false)             \
    X(BACK, "bytes back per packet", 1, false)       \
    X(WORK, "work per packet", 1, false)             \
    X(HELD, "unwritten MB", 1, false)                \
    X(OVERFLOW, "overflowed %", 1, false)            \
    X(DROPPED_LATE, "dropped after 1 s %", 1, false) \
    X(SLOWEST, "slowest run", 2, true)               \
    X(OF_TCP, "of TCP", 2, true)
enum perf_metric {
#define X(name, words, decimals, is_floor) name,
    METRIC_LIST(X)
#undef X
        METRICS
};

struct perf_check {
    enum perf_metric metric;
    double bound;  /* what is reached today, less a margin: breaking it fails */
    double target; /* what the project wants; 0: nothing more than the bound */
};

struct perf_row {
    const char *name;
    struct lab_setup setup; /* fields left 0 take those of perf_setup */
    unsigned runs;          /* seeds in a row, of which the median rate counts; 0: 1 */
    bool beside_tcp; /* the same runs with BBR version 1 and CUBIC: the median rate is told in shares of the better */
    struct perf_check checks[PERF_CHECKS];
};

extern const struct perf_row perf_rows[];
extern const size_t perf_row_count;

/* The path most rows share: 100 Mbit/s, 50 ms, a queue of one bandwidth-delay product, one file of 100 MB. */
struct lab_setup perf_setup(const struct lab_setup *given);

/* Exit status. */
int perf_main(int argc, char **argv);

#endif
