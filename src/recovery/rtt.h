/*
 * rtt: round-trip time estimate, RFC 9002 §5.  Value type.
 */
#ifndef DUET_RECOVERY_RTT_H
#define DUET_RECOVERY_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/limits.h"

#define RTT_INITIAL_US 250000   /* before anything is known (RFC 9002 says 333 ms; half the world is nearer) */
#define RTT_GRANULARITY_US 1000 /* least variance term of a probe timeout */
#define RTT_MAX_ACK_DELAY_US LIMIT_ACK_DELAY_MAX_US /* most an honest peer holds an acknowledgement back */
#define RTT_ACK_DELAY_US 5000                       /* … if it was not asked for more or less (PROTOCOL.md §6.1) */
#define RTT_LATE_US 4000 /* how late a busy machine may wake who holds it: what the pacer makes up for, too */
#define RTT_SAMPLE_MAX_US (UINT64_C(5) * 1000000)  /* a stopped peer or a suspend must not teach us minutes */
#define RTT_MIN_WINDOW_US (UINT64_C(10) * 1000000) /* the minimum forgets after this, so that a new path is learnt */

struct rtt {
    bool sampled;
    uint64_t latest_us;
    uint64_t srtt_us;
    uint64_t rttvar_us;
    uint64_t min_us;        /* minimum of the last one to two windows of RTT_MIN_WINDOW_US */
    uint64_t window_min_us; /* minimum of the running window */
    uint64_t bound_us;      /* no round trip without a queue is longer; UINT64_MAX: unknown */
    duet_time window_at;    /* when the running window began */
    uint64_t ack_delay_us;  /* longest the peer may hold an acknowledgement back now; set by the connection */
};

void rtt_init(struct rtt *r);
/* It is at most that: replaces the guess before the first sample, if lower, and bounds the minimum,
 * for that sample may have met a queue of our own: on a modem the SYN's repeats are one. */
void rtt_bound(struct rtt *r, uint64_t most_us);
/* sample_us is bounded to 1..RTT_SAMPLE_MAX_US, so that srtt is never 0 once sampled.  ack_delay_us
 * is the peer's word: bounded to RTT_MAX_ACK_DELAY_US, never taken below the minimum. */
void rtt_sample(struct rtt *r, uint64_t sample_us, uint64_t ack_delay_us, duet_time now);
/* srtt + max(4·rttvar, granularity) + longest ack delay (and RTT_LATE_US), RFC 9002 §6.2.1; without
 * backoff. */
uint64_t rtt_pto_us(const struct rtt *r);

#endif
