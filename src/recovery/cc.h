/*
 * cc: the congestion controller table.  A controller is a set of pure-looking
 * operations over its own state inside struct cc; it never sees a packet, a
 * stream or a timer, only what loss reports.
 *
 * A connection holds one struct cc and asks two things of it: how many bytes
 * may be in flight (cwnd_bytes) and how fast they may leave (pacing_bytes_per_s).
 */
#ifndef DUET_RECOVERY_CC_H
#define DUET_RECOVERY_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "recovery/cc_bbr.h"
#include "recovery/loss.h"

#define CC_INITIAL_PACKETS 10 /* RFC 9002 §7.2: this many, at most CC_INITIAL_BYTES or two packets */
#define CC_INITIAL_BYTES 14720
#define CC_MIN_PACKETS 2

struct cc;

/* Did the window hold the sender back?  Not the application, nor the pace.  ACKs come in batches,
 * and the first one of a batch opens the window: whoever asks whether the window was used asks
 * about the packets, not about this moment. */
enum cc_limit {
    CC_UNLIMITED,
    CC_WAS_LIMITED, /* when some of what is acknowledged now was in flight */
    CC_IS_LIMITED,  /* since the ACK before */
};

struct cc_ops {
    const char *name;
    void (*init)(struct cc *c, duet_time now);
    /* A packet of `bytes` left; in_flight includes it. */
    void (*sent)(struct cc *c, uint64_t bytes, uint64_t in_flight, duet_time now);
    /* An ACK or timer changed something. */
    void (*update)(struct cc *c, const struct loss *l, const struct loss_summary *s, enum cc_limit limit,
                   duet_time now);
    /* Packets with the CE mark were reported anew. */
    void (*marked)(struct cc *c, duet_time largest_acked_sent_at, duet_time now);
};

/* Where on the cubic curve the window is; a value, so that undoing a reduction is an assignment
 * (RFC 9438 §4.9.2). */
struct cc_cubic_curve {
    uint64_t ssthresh_bytes; /* UINT64_MAX: the first slow start has not ended */
    uint64_t prior_bytes;    /* cwnd before the last reduction */
    duet_time epoch_start;   /* DUET_NEVER: no epoch running */
    double w_max_bytes, k_s, w_est_bytes;
};

/* HyStart++ (RFC 9406): leaves the first slow start when the round-trip time rises. */
struct cc_hystart {
    uint64_t round_end_delivered; /* ends when a packet is acknowledged that left after this was delivered */
    uint64_t round_min_rtt_us, last_round_min_rtt_us; /* UINT64_MAX: none */
    uint64_t css_baseline_us;
    uint32_t round_samples, css_rounds;
    bool in_css; /* conservative slow start */
};

struct cc_cubic {
    struct cc_cubic_curve curve, undo_curve;
    uint64_t round_us; /* the window is what leaves in so long, or in a round trip if that is longer; 0: the latter */
    uint64_t undo_round_us;
    uint64_t srtt_us;         /* as of the last update */
    uint64_t undo_cwnd_bytes; /* 0: nothing to undo */
    uint64_t undo_lost_bytes; /* lost in this recovery and not yet seen to be spurious */
    duet_time recovery_since; /* packets sent up to then are of the old window; DUET_NEVER: no recovery yet */
    duet_time counted_at;     /* the epoch's clock is right up to here: it stands while the application is idle */
    struct cc_hystart hystart;
};

struct cc {
    const struct cc_ops *ops;
    uint64_t cwnd_bytes;
    uint64_t pacing_bytes_per_s; /* 0: not paced yet */
    uint32_t packet_bytes;       /* current packet size */
    uint64_t window_limit_bytes; /* the negotiated window: cwnd never needs to pass 2x this */
    union {
        struct cc_cubic cubic;
        struct cc_bbr bbr;
    };
};

/* NULL name: the default.  0, DUET_ENOTFOUND: no such controller. */
int cc_init(struct cc *c, const char *name, uint32_t packet_bytes, uint64_t window_limit_bytes, duet_time now);
/* The least and the most a controller may set cwnd_bytes to. */
uint64_t cc_floor_bytes(const struct cc *c);
uint64_t cc_ceiling_bytes(const struct cc *c);
/* The i-th controller's name, NULL past the end (for --help and errors). */
const char *cc_name(unsigned i);
/* The path's packet size changed. */
void cc_packet_bytes(struct cc *c, uint32_t packet_bytes);

extern const struct cc_ops cc_cubic_ops;
extern const struct cc_ops cc_bbr_ops;

#endif
