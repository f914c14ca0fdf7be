/*
 * cc_bbr: the state of the BBR controller (BBRv3, draft-ietf-ccwg-bbr, with a
 * floor of random loss under it).  Only cc_bbr*.c look inside; it is here so
 * that struct cc can hold it.
 *
 * Two models: the path (bandwidth, ceilings of what may be in flight), kept by
 * cc_bbr.c, and the loss (which share of it the path takes whatever we do),
 * kept by cc_bbr_loss.c: struct cc_bbr_loss and the functions on it below.
 */
#ifndef DUET_RECOVERY_CC_BBR_H
#define DUET_RECOVERY_CC_BBR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duet/base/time.h"
#include "duet/recovery/loss.h"

#define CC_BBR_SPANS 8    /* stretches of sending whose packets are not all resolved */
#define CC_BBR_TALLIES 10 /* of them behind the floor */
#define CC_BBR_FLOOR_MAX 0.25
#define CC_BBR_FLOOR_SMALL 0.02 /* a floor below this is neither doubted nor worth it */

/* What was sent between two moments at one gain, and what became of it: a round trip, or less when the gain changed.
 * Packets are counted where they were sent, so a loss is blamed on the rate that caused it. */
struct cc_bbr_span {
    duet_time since;
    uint64_t sent_bytes, acked_bytes, lost_bytes;
    uint64_t in_flight_bytes; /* most of it while sending */
    uint64_t rtt_low_us;      /* least of the samples; UINT64_MAX: none */
    double gain;
    bool startup;
    bool guard;  /* sent slower to see whether the loss goes away */
    bool judged; /* congestion was found in it already */
    bool void_;  /* the path was dead: says nothing */
};

struct cc_bbr_tally {
    double sent, lost; /* packets */
};

struct cc_bbr_loss {
    struct cc_bbr_span span[CC_BBR_SPANS]; /* oldest first; the last is being sent */
    size_t span_count;
    struct cc_bbr_tally tally[CC_BBR_TALLIES]; /* a ring: clean stretches of enough packets */
    size_t tally_count;                        /* ever */
    struct cc_bbr_tally running;               /* clean, not enough yet */
    struct cc_bbr_tally guard;                 /* of guard spans */
    double floor;                              /* p0: the share lost that is nobody's queue */
    double floor_packets;                      /* behind that figure */
};

/* What loss says now. */
struct cc_bbr_verdict {
    bool congested;
    bool probing;             /* what was sent above the bandwidth is to blame */
    bool startup;
    uint64_t passed_bytes;    /* in flight then, less what was lost of it */
    bool floor_refuted;       /* the guard found that sending less ends the loss: the floor was lowered */
    bool floor_held;          /* the guard found that it does not */
    double floor_before;
};

void cc_bbr_loss_init(struct cc_bbr_loss *f, duet_time now);
/* From now on packets leave at this gain. */
void cc_bbr_loss_span(struct cc_bbr_loss *f, double gain, bool startup, bool guard, duet_time now);
void cc_bbr_loss_sent(struct cc_bbr_loss *f, uint64_t bytes, uint64_t in_flight);
/* The path was dead until now: nothing sent so far says anything. */
void cc_bbr_loss_outage(struct cc_bbr_loss *f);
struct cc_bbr_verdict cc_bbr_loss_update(struct cc_bbr_loss *f, const struct loss *l, const struct loss_summary *s,
                                         uint32_t packet_bytes, duet_time now);

enum cc_bbr_phase { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };

struct cc_bbr {
    enum cc_bbr_phase phase;
    struct cc_bbr_loss loss;
    /* Rounds are counted in deliveries. */
    uint64_t round_count, round_end_delivered;
    uint64_t phase_round; /* round_count when the phase began */
    duet_time phase_at;
    /* Bandwidth: bytes/s that get to where the random loss is. */
    uint64_t bw[2];    /* maxima of the last and of this cycle of probing */
    uint64_t bw_lo;    /* short-term bound; UINT64_MAX: none */
    uint64_t bw_round[2], in_flight_round[2]; /* maxima of the last and this round: what the path just carried */
    uint64_t inflight_hi, inflight_lo;        /* bytes; UINT64_MAX: none */
    uint64_t up_bw;                           /* UP: of the round before */
    bool up_alone;                            /* UP: no queue stood when it began */
    bool cycle_ends;                          /* feedback of the probe is in by the next round: the maxima move on */
    /* Startup and UP: has the bandwidth stopped growing? */
    uint64_t full_bw;
    uint32_t full_rounds;
    bool full_reached; /* Startup is over */
    /* Probing. */
    duet_time probe_at;
    uint64_t probe_round;
    uint64_t guard_round, guard_interval;
    double guard_floor; /* the floor that the interval was stretched for */
    bool guarding;      /* this DOWN is a guard */
    duet_time empty_at; /* when the queue was last seen empty */
    uint64_t prior_cwnd;
    /* Ack aggregation. */
    duet_time extra_since;
    uint64_t extra_acked, extra[2], extra_round;
    duet_time acked_at; /* DUET_NEVER: nothing acknowledged yet */
    duet_time ce_at;
    bool idle;
};

#endif
