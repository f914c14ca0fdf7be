/*
 * loss: which packets are lost, when to probe (RFC 9002 with RFC 8985's RACK).
 *
 * Time only, never counts: a packet is lost when one sent after it was
 * delivered and it is older than max(srtt, latest) · 9/8 (+ the adaptive part).
 * A late acknowledgement of a packet declared lost widens the window (1/8 →
 * 2/8 … → 1 RTT); it narrows again after 16 recoveries without one.  A probe
 * timeout declares nothing lost: it asks for two probes and doubles, up to
 * LOSS_PTO_MAX_US.
 *
 * Events in:  loss_sent   after every packet that left
 *             loss_ack    for every ACK frame (bounds were checked by frame_parse)
 *             loss_timer  when loss_deadline came
 * Events out: loss_take_acked / loss_take_lost until NULL, after each of them.
 *
 * Owned by the connection; the controller (cc) is told by the connection.
 */
#ifndef DUET_RECOVERY_LOSS_H
#define DUET_RECOVERY_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "recovery/ackmemo.h"
#include "recovery/rtt.h"
#include "recovery/sentmap.h"
#include "wire/frame.h"

#define LOSS_REORDER_MIN_US 200  /* timer granularity of the reordering window */
#define LOSS_REORDER_STEPS 8     /* the window goes from 1/8 to 8/8 of an RTT */
#define LOSS_QUIET_RECOVERIES 16 /* recoveries without a spurious loss before it narrows */
/* Cap of the backed-off probe timeout, unless one plain PTO is longer: an outage that heals is
 * noticed within a second, the way there and back of a usual path included. */
#define LOSS_PTO_MAX_US 750000
#define LOSS_PROBES 2
#define LOSS_KEEP_PTOS 4    /* PTOs a lost packet is remembered for, */
#define LOSS_KEPT 32768     /* and of more than so many the oldest are forgotten sooner: 20 % of 1 Gbit/s for 1.6 s */
#define LOSS_LONE_KEPT 1024 /* outstanding packets that ask for no answer (ACKs); of more the oldest are forgotten */
#define LOSS_PERSISTENT_PTOS 3 /* RFC 9002 §7.6 */
#define LOSS_SKIPPED 16        /* numbers left out on purpose that are remembered */

struct loss {
    struct rtt rtt;
    duet_time path_since; /* what was sent before took another path: no sample of this one (RFC 9000 §9.4) */
    struct sentmap sent;
    struct ackmemo memo; /* what the last ACKs said */
    uint64_t bytes_in_flight;
    uint64_t eliciting_in_flight; /* outstanding packets to be answered: the probe timer runs for them */
    uint64_t lone_in_flight;      /* outstanding packets that ask for none */
    uint64_t lone_from;           /* and the lowest number that one of them may have */
    uint64_t largest_acked;       /* SENTMAP_NONE: none yet; the order of numbers is the order of sending */
    duet_time loss_at;            /* when the oldest suspect becomes lost; DUET_NEVER */
    duet_time last_eliciting_at;  /* when an ack-eliciting packet last left */
    duet_time pto_from;           /* the probe timeout counts from here: that, or the last timeout */
    duet_time seen_at;            /* latest time handed in */
    uint32_t pto_count;           /* consecutive timeouts */
    uint32_t probes_due;          /* probes the sender owes */
    bool in_doubt;          /* set by the owner: the way may lead nowhere, so what does not arrive tells nothing yet */
    uint32_t reorder_steps; /* 1..LOSS_REORDER_STEPS eighths of an RTT */
    uint32_t quiet_recoveries;
    uint64_t recovery_end;          /* losses below this number belong to the recovery counted last */
    uint64_t widened_end;           /* spurious losses below this number were answered by the last widening */
    uint64_t taken_acked;           /* record handed out by loss_take_acked, to be forgotten; SENTMAP_NONE */
    uint64_t skipped[LOSS_SKIPPED]; /* numbers never sent on purpose, a ring */
    size_t skipped_count;           /* ever */
    /* Persistent congestion: a run of lost packets with none acknowledged between. */
    duet_time first_sample_at; /* DUET_NEVER: no RTT sample yet */
    duet_time run_since;       /* send time of its first ack-eliciting packet; DUET_NEVER: no run */
    uint64_t run_next;         /* the number that would continue it */
    /* Delivery-rate state and totals. */
    uint64_t delivered_bytes;
    duet_time delivered_at;
    duet_time first_sent_at;
    uint64_t app_limited_until; /* delivered_bytes mark; 0: not limited */
    uint64_t lost_bytes;
    uint64_t lost_end; /* the number after the last one declared lost */
    duet_time lost_at; /* when a packet was last declared lost, path probes aside; DUET_NEVER */
    uint64_t sent_packets, lost_packets, spurious_packets, acked_packets;
};

/* What one ACK or timer changed, for the controller. */
struct loss_summary {
    uint64_t acked_bytes;    /* newly acknowledged, in flight before */
    uint64_t lost_bytes;     /* newly declared lost */
    uint64_t spurious_bytes; /* had been declared lost, now acknowledged */
    uint64_t prior_in_flight;
    bool rtt_sampled; /* rtt.latest_us is new */
    bool persistent_congestion;
    bool largest_is_new;            /* largest acknowledged moved forward */
    duet_time largest_lost_sent_at; /* send time of the newest packet lost here (a recovery epoch's mark) */
    /* Lost packets whose numbers follow each other are one run.  Those that began here, and the
     * most packets between one of them and the run before it. */
    uint64_t lost_runs, lost_gap;
    uint64_t lost_passed_bytes; /* of what left before the newest of them, so much was not lost */
    duet_time largest_acked_sent_at;
    /* Delivery-rate sample of the newest acknowledged packet; rate 0: none. */
    uint64_t rate_bytes_per_s; /* the other rate_ fields hold whenever rate_delivered > 0 */
    bool rate_app_limited;
    uint64_t rate_prior_delivered; /* delivered_bytes when that packet left: a round ends when it passes the mark */
    uint64_t rate_delivered;       /* bytes delivered between its sending and now */
    uint64_t rate_lost;            /* bytes lost in the same span */
    uint64_t rate_in_flight;       /* bytes in flight just after that packet left */
};

void loss_init(struct loss *l);
/* The peer is elsewhere: its round-trip time is unknown. */
void loss_forget_path(struct loss *l, duet_time now);
void loss_dispose(struct loss *l);

/* Records a packet that leaves now; one that elicits pays off one probe due, one that does not
 * counts 0 bytes in flight (so does any with bytes 0).  Numbers and times never go back.  The
 * caller then fills items.  NULL: no room, no memory (ask loss_has_room first). */
struct sent_packet *loss_sent(struct loss *l, uint64_t number, uint32_t bytes, bool eliciting, bool probe,
                              duet_time now);
/* Can loss_sent record it?  It gives up remembering the oldest lost packets when they alone stand
 * in the way. */
bool loss_has_room(const struct loss *l, uint64_t number);
/* `number` is left out on purpose: acknowledging it proves that the peer invents
 * acknowledgements. */
void loss_skip(struct loss *l, uint64_t number);
/* The sender has nothing more to send and room to send it: samples until these bytes are through
 * say little. */
void loss_app_limited(struct loss *l);

/* 0; DUET_EPROTOCOL: acknowledges a number never sent (also one skipped on purpose), and nothing
 * changed. */
int loss_ack(struct loss *l, const struct frame_ack *ack, duet_time now, struct loss_summary *out);

/* Suspects become lost, or a probe timeout counts: probes_due = LOSS_PROBES.  Nothing when called
 * early. */
void loss_timer(struct loss *l, duet_time now, struct loss_summary *out);

/* DUET_NEVER: nothing in flight. */
duet_time loss_deadline(const struct loss *l);

/* Records to hand to the streams, in ascending order; valid until the next call or loss_sent.  A
 * taken ACKED one is forgotten with the next take; a taken LOST one is kept for LOSS_KEEP_PTOS.
 * *spurious: was declared lost before. */
const struct sent_packet *loss_take_acked(struct loss *l, bool *spurious);
const struct sent_packet *loss_take_lost(struct loss *l);

/* Declares everything outstanding lost (a path that died, a suspend) but what went ahead of the
 * peer's move; taken by loss_take_lost. */
void loss_all_lost(struct loss *l, struct loss_summary *out);

#endif
