/*
 * window: how much file data of one connection may be outstanding (allowed and
 * not consumed), learnt from how fast the application consumes.
 *
 * It begins at WINDOW_INITIAL_BYTES and doubles whenever more than a quarter of
 * it is consumed in a round trip, up to a maximum.  So it comes to rest at 4 to
 * 8 times what is consumed in a round trip: a sender in start-up sends up to
 * four times as much in the next one, and new credit needs half of one to
 * reach it (with half instead of a quarter all rates at RTT 300 fall by 2 to
 * 4 %).  The round trip is the least seen: a queue is no reason for more.  What
 * limits the application limits the window, too: a disk that takes 10 MB/s over
 * a path of 50 ms makes it 2 MiB, however fast the path.  It never
 * shrinks: the next file goes the same way.
 *
 * The connection's credit has this window, a stream's the smaller of it and
 * what the application allows that stream (its cap).  Pure.
 */
#ifndef DUET_STREAM_WINDOW_H
#define DUET_STREAM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* Of files: eight chunks of the application, which consumes by whole ones; and what a sender may
 * have sent on a path of 300 ms before new credit reaches it, its first two flights and half of the
 * third. */
#define WINDOW_INITIAL_BYTES (2 * 1024 * 1024)
#define WINDOW_GROWTH_SHARE 4 /* more than this part of it consumed in a round: it doubles */
/* It is looked at by the quarter of a round, and not more often than every 5 ms: what the threads
 * hand over in one go was not written in that moment.  A round trip counts as no less than 1 ms: on
 * a local path the time counts that the threads take to hear of each other. */
#define WINDOW_SAMPLES 4
#define WINDOW_SAMPLE_MIN_US 5000
#define WINDOW_ROUND_MIN_US 1000

struct window {
    uint64_t bytes;
    uint64_t max_bytes;
    duet_time sample_at;   /* since when it is counted … */
    uint64_t sample_bytes; /* … what is consumed */
};

void window_init(struct window *w, uint64_t first_bytes, uint64_t max_bytes);

/* The application consumed so much.  true: the window has grown. */
bool window_consumed(struct window *w, uint64_t bytes, uint64_t rtt_us, duet_time now);

/* The window of a stream with this cap (UINT64_MAX: of the connection). */
uint64_t window_capped(const struct window *w, uint64_t cap_bytes);

/* How much credit has to gather before the peer is told: RECV_GRANT_SHARE of the window, for what
 * has gathered is credit it lacks, and a lost frame delays it until the next.  (By quarters while
 * the window grew, one in four searches for the rate stood still at 10 % loss and 300 ms.) */
uint64_t window_step(const struct window *w, uint64_t cap_bytes);

#endif
