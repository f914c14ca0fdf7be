/*
 * cc_bbr: the state of the BBR controller (BBRv3, draft-ietf-ccwg-bbr, with a
 * floor of random loss under it).  Only cc_bbr*.c look inside; it is here so
 * that struct cc can hold it.  Five parts, each a value of its own:
 *
 *   cc_bbr_loss   which share of the loss the path takes whatever we do   cc_bbr_loss.c
 *   cc_bbr_path   what the path carries: bandwidth and bounds in flight   cc_bbr_path.c
 *   cc_bbr_policer what a policer close by passes                        cc_bbr_policer.c
 *   cc_bbr_yield  how far to give way to whoever shares the queue         cc_bbr_yield.c
 *   cc_bbr        phases                                                  cc_bbr_phase.c
 *                 and from all that the window and the pace               cc_bbr.c
 */
#ifndef DUET_RECOVERY_CC_BBR_H
#define DUET_RECOVERY_CC_BBR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "recovery/loss.h"

/* ---- loss ---- */

#define CC_BBR_SPANS 8    /* stretches of sending whose packets are not all resolved */
#define CC_BBR_TALLIES 10 /* clean stretches behind the floor */
#define CC_BBR_FLOOR_MAX 0.25
#define CC_BBR_FLOOR_SMALL 0.02 /* a floor below this is within BBR's own tolerance: nobody doubts it */

/* What was sent between two moments at one gain, and what became of it: a round trip, or less when
 * the gain changed.  Packets are counted where they were sent, so that a loss is blamed on the rate
 * that caused it. */
struct cc_bbr_span {
    duet_time since;
    uint64_t sent_bytes, acked_bytes, lost_bytes;
    uint64_t in_flight_bytes; /* most of it while sending */
    uint64_t rtt_low_us;      /* least of the samples; UINT64_MAX: none */
    double gain;
    bool startup;
    bool guard;   /* sent slower: does the loss go away? */
    bool judged;  /* congestion was found in it already */
    bool ignored; /* the path was dead: says nothing */
};

/* Packets. */
struct cc_bbr_tally {
    double sent, lost;
};

struct cc_bbr_loss {
    struct cc_bbr_span span[CC_BBR_SPANS];     /* oldest first; the last is being sent */
    size_t span_count;                         /* >= 1 */
    struct cc_bbr_tally tally[CC_BBR_TALLIES]; /* a ring */
    size_t tally_count;                        /* ever */
    struct cc_bbr_tally running;               /* clean, not enough for a tally yet */
    uint64_t stretch_runs;                     /* runs of lost packets that followed each other closely, and */
    uint64_t stretch_bytes;                    /*   what they and the packets between them came to */
    double scatter;                            /* variance of the tallies, of what independent loss would have; >= 1 */
    struct cc_bbr_tally guard;                 /* of guard spans */
    double guard_policed;                      /* packets of them a policer would have dropped */
    double floor;                              /* p0: the share lost that no queue of ours is to blame for */
    double seen;                               /* the same, be it more than a floor may be */
    double floor_packets;                      /* behind that figure */
    uint32_t doubts; /* verdicts to come that need no queue: the bandwidth was raised lately */
};

/* What loss says now. */
struct cc_bbr_verdict {
    bool congested;
    bool probing; /* what was sent faster than the bandwidth is to blame */
    bool startup;
    bool queued;           /* a queue stood, then or lately: no policer */
    bool overestimated;    /* neither a probe nor a queue: the bandwidth is less than thought */
    uint64_t passed_bytes; /* in flight then, less what was lost of it beyond the floor */
    bool floor_refuted;    /* a guard found that sending less ends the loss: the floor was lowered */
    bool floor_held;       /* a guard found that it does not */
    double floor_before;
};

void cc_bbr_loss_init(struct cc_bbr_loss *f, duet_time now);
/* From now on packets leave at this gain. */
void cc_bbr_loss_span(struct cc_bbr_loss *f, double gain, bool startup, bool guard, duet_time now);
void cc_bbr_loss_sent(struct cc_bbr_loss *f, uint64_t bytes, uint64_t in_flight);
/* A probe ended, and raised the bandwidth or not. */
void cc_bbr_loss_doubt(struct cc_bbr_loss *f, bool raised);
/* The guard being sent is all the evidence that is kept; a longer one would tell no more. */
bool cc_bbr_loss_guarded(const struct cc_bbr_loss *f, uint32_t packet_bytes);
/* The span being sent may end with the round: it is long enough to tell something. */
bool cc_bbr_loss_full(const struct cc_bbr_loss *f, uint32_t packet_bytes, duet_time now);
/* The path was dead until now: nothing sent so far says anything. */
void cc_bbr_loss_outage(struct cc_bbr_loss *f);
/* Lost packets among passed ones over a stretch longer than a burst: what arrives is less than what
 * is sent. */
bool cc_bbr_loss_is_riddled(const struct cc_bbr_loss *f, uint32_t packet_bytes);
struct cc_bbr_verdict cc_bbr_loss_update(struct cc_bbr_loss *f, const struct loss *l, const struct loss_summary *s,
                                         uint32_t packet_bytes, duet_time now);
/* Round-trip times that exceed the minimum by more than this show a queue. */
uint64_t cc_bbr_queue_slack_us(const struct rtt *r);

/* ---- path ---- */

#define CC_BBR_BETA 0.7      /* of what was, at least this is kept by whoever yields fully */
#define CC_BBR_SHORT_US 4000 /* on a path this short one round trip tells little: samples span several, at least this */
#define CC_BBR_MARKS 16      /* rounds a sample of the bandwidth may reach back */

/* When a round began, and what had been delivered by then. */
struct cc_bbr_mark {
    duet_time at;
    uint64_t delivered_bytes;
};

struct cc_bbr_path {
    uint64_t round_count; /* counted in deliveries */
    uint64_t round_end_delivered;
    uint64_t bw[2];              /* bytes/s: maxima of the last and of this cycle of probing */
    bool cycle_ends;             /* with the next round, when the feedback of the probe is in */
    uint64_t uncapped[2];        /* bw as it was before it was capped */
    uint64_t bw_round[2];        /* maxima of the last and of this round: */
    uint64_t delivered_round[2]; /*   what the path just carried */
    uint64_t bw_lo;              /* bounds until the next probe; UINT64_MAX: none */
    uint64_t inflight_lo;
    uint64_t inflight_hi; /* found by probing; UINT64_MAX: none */
    struct cc_bbr_mark
        mark[CC_BBR_MARKS]; /* of the last rounds, a ring; on a clock that stands while nothing is in flight */
    size_t mark_count;      /* ever */
    /* Jitter: by how much the mean of a round's round-trip times exceeds the least of them. */
    uint64_t rtt_sum_us, rtt_low_us; /* of this round */
    uint32_t rtt_samples, jitter_rounds;
    uint64_t jitter_sum_us; /* over these rounds, and */
    uint64_t
        jitter_us[2]; /*   means of the two stretches before: the lesser counts, for a queue may have grown in one */
    /* Acknowledgements beyond what the bandwidth explains: they come in batches. */
    duet_time extra_since;
    uint64_t extra_acked;
    uint64_t extra[2]; /* maxima of the last and of this stretch of rounds */
    uint64_t extra_round;
};

void cc_bbr_path_init(struct cc_bbr_path *p, duet_time now);
uint64_t cc_bbr_path_bw(const struct cc_bbr_path *p);     /* the long-term estimate */
uint64_t cc_bbr_path_bw_now(const struct cc_bbr_path *p); /* within the short-term bound */
uint64_t cc_bbr_path_bdp(const struct cc_bbr_path *p, const struct rtt *r);
/* By so much the usual round trip exceeds the shortest without any queue; 0: not known. */
uint64_t cc_bbr_path_jitter_us(const struct cc_bbr_path *p, const struct rtt *r);
/* A round-trip time of a round that may show jitter: its queue, if any, neither grows nor
 * shrinks. */
void cc_bbr_path_rtt(struct cc_bbr_path *p, uint64_t rtt_us);
/* Such a round is over; or, if it does not count, what was sampled is forgotten. */
void cc_bbr_path_rtt_round(struct cc_bbr_path *p, bool counts);
uint64_t cc_bbr_path_extra(const struct cc_bbr_path *p);
/* The sample was held down by the application, not by the path. */
bool cc_bbr_path_app_limited(const struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s);
/* Takes the samples of an update in; none is worth more than most_bw.  True: a round begins. */
bool cc_bbr_path_update(struct cc_bbr_path *p, const struct loss *l, const struct loss_summary *s, double floor,
                        bool steady, uint64_t most_bw, uint32_t packet_bytes, duet_time now);
/* Nothing was in flight for so long: that time is no part of any sample. */
void cc_bbr_path_restart(struct cc_bbr_path *p, uint64_t idle_us, duet_time now);
/* Down to what the path just carried, but no lower than the share `keep` of what was. */
void cc_bbr_path_cut(struct cc_bbr_path *p, uint64_t cwnd_bytes, double keep);
void cc_bbr_path_uncut(struct cc_bbr_path *p);
/* No sample was worth more than bw; or, after all, they were. */
void cc_bbr_path_cap(struct cc_bbr_path *p, uint64_t bw);
void cc_bbr_path_uncap(struct cc_bbr_path *p);
/* The maxima themselves were wrong: no more than the last rounds carried, or `least`. */
void cc_bbr_path_lower_bw(struct cc_bbr_path *p, uint64_t least);

/* ---- policing ---- */

/* When a dropped packet left, and what had become by then of all that left before it. */
struct cc_bbr_drop {
    duet_time at;
    uint64_t passed_bytes, lost_bytes;
};

struct cc_bbr_policer {
    struct cc_bbr_drop first; /* of the stretch that is being measured; with `measuring` */
    bool measuring;
    uint64_t bw; /* bytes/s: no sample of the bandwidth is worth more; UINT64_MAX: nothing is known of a policer */
    duet_time measured_at;
    struct cc_bbr_drop tried; /* the trial counts from here, once `at` is after measured_at; with `trying` */
    double share;             /* of the packets that was dropped before it */
    bool trying;
    double explained; /* share of the packets that is lost however little is sent */
    uint64_t rest_us; /* after a trial that failed nothing is measured for so long, */
    duet_time rest_until;
};

enum cc_bbr_policer_news {
    CC_BBR_POLICER_SAME,
    CC_BBR_POLICER_MEASURED, /* bw is new, and has to be tried */
    CC_BBR_POLICER_REFUTED,  /* drops went on with less being sent: there is none */
};

void cc_bbr_policer_init(struct cc_bbr_policer *p);
/* Takes in what became of packets; not while something else holds the pace far below the
 * bandwidth. */
enum cc_bbr_policer_news cc_bbr_policer_update(struct cc_bbr_policer *p, const struct cc_bbr_loss *f,
                                               const struct loss *l, const struct loss_summary *s,
                                               uint32_t packet_bytes, duet_time now);

/* ---- yielding ---- */

struct cc_bbr_yield {
    uint64_t event_round;             /* when the last event of congestion began; 0: none yet */
    double interval_rounds;           /* mean from one to the next */
    uint64_t low_us, high_us;         /* extremes of the round-trip time since the last one */
    double answer;                    /* mean of what gave way to one, of what would if everybody did */
    double lost;                      /* mean share of the packets lost, random loss included */
    uint64_t acked_bytes, lost_bytes; /* of this round */
};

void cc_bbr_yield_init(struct cc_bbr_yield *y);
void cc_bbr_yield_update(struct cc_bbr_yield *y, const struct loss_summary *s, bool round_starts);
/* A round-trip time, but for those of a window lowered for another reason. */
void cc_bbr_yield_rtt(struct cc_bbr_yield *y, uint64_t rtt_us);
/* Congestion was found in this round. */
void cc_bbr_yield_event(struct cc_bbr_yield *y, uint64_t round, uint64_t min_rtt_us);
/* How much of the full answer to congestion is due: 0 (it would gain nothing) to 1. */
double cc_bbr_yield_weight(const struct cc_bbr_yield *y, double floor);

/* ---- the controller ---- */

#define CC_BBR_STARTUP_GAIN 2.77
#define CC_BBR_HEADROOM 0.85 /* of the ceiling: room for others to grow into */
#define CC_BBR_GUARD_ROUNDS 8

enum cc_bbr_phase { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };

struct cc_bbr {
    enum cc_bbr_phase phase;
    uint64_t phase_round; /* when it began */
    duet_time phase_at;
    struct cc_bbr_loss loss;
    struct cc_bbr_path path;
    struct cc_bbr_policer policer;
    struct cc_bbr_yield yield;
    /* Startup and UP: has the bandwidth stopped growing? */
    uint64_t full_bw;
    uint32_t full_rounds;
    bool full_reached;    /* Startup is over */
    bool queue_met;       /* a queue was seen */
    uint64_t look_rtt_us; /* least of the samples that are looked at for one */
    uint32_t look_samples;
    /* Probing. */
    duet_time probe_at; /* or */
    uint64_t probe_round;
    uint64_t probed_bw;   /* the estimate when the last probe began */
    uint64_t up_bw;       /* UP: of the round before */
    uint32_t unsteady;    /* so many probes follow each other soon: the rate changes */
    bool up_alone;        /* UP: no queue stood when it began */
    bool hi_queued;       /* what found the ceiling in flight was a queue */
    bool guarding;        /* this DOWN is a guard */
    bool guard_slowed;    /* and what was saved up before has left */
    uint64_t guard_round; /* when one is due */
    uint64_t guard_interval;
    double guard_floor;       /* the floor that the interval was stretched for */
    duet_time empty_at;       /* when the queue was last seen empty, */
    uint64_t empty_delivered; /*   and what had been delivered by then, or less: that concludes nothing */
    uint64_t refill_rtt_us;   /* REFILL: least of the samples */
    bool refill_empty;        /* … of the last one: it showed an empty queue */
    uint64_t true_bw; /* bytes/s, at most: what was delivered while a queue of our own stood; UINT64_MAX: unknown */
    uint64_t prior_cwnd;
    duet_time sent_at;  /* when a packet last left */
    duet_time acked_at; /* DUET_NEVER: nothing was acknowledged yet */
    duet_time ce_at;    /* packets sent up to then belong to the mark answered last */
    bool idle;          /* nothing in flight, */
    bool idle_by_app;   /*   for nothing was left to send, */
    duet_time idle_at;  /*   since then */
};

struct cc;

void cc_bbr_begin(struct cc_bbr *b, duet_time now);
double cc_bbr_pacing_gain(const struct cc_bbr *b);
/* The gain changed, or a round began: what is sent from now on is counted by itself. */
void cc_bbr_begin_span(struct cc_bbr *b, duet_time now);
/* UP is over: DOWN. */
void cc_bbr_end_probe(struct cc_bbr *b, duet_time now);
/* The next probe begins then, however many rounds that takes. */
void cc_bbr_probe_not_before(struct cc_bbr *b, duet_time at);
/* Leaves the phase when its time has come. */
void cc_bbr_advance(struct cc *c, const struct loss *l, const struct loss_summary *s, bool is_limited,
                    bool round_starts, duet_time now);

#endif
