/*
 * acktr: what of the peer's packets to acknowledge, and when (PROTOCOL.md §6).
 *
 * Who sends the packets knows how many are in flight, so it says when it wants
 * to hear of them (ACK_POLICY; recovery/ackpolicy.h): an acknowledgement is due
 * after so many ack-eliciting packets, or so long after the first
 * unacknowledged one.  Each second of the first 100 packets is acknowledged
 * whatever was asked; until asked each eighth and within RTT/8.  At once when
 * something waits for it (chat, fin, probe, step mode, CE).  A gap asks for
 * one too, but not again before `gap_us`: else 20 % loss would be an ACK storm.
 *
 * An ACK lists what changed lately, not all that is remembered: each packet is
 * in ACKTR_REPEATS ACKs and then in none, so that an ACK costs what is new and
 * not what was lost since the peer last confirmed one.  ACKs that follow each
 * other closer than half the longest wait count as one repeat, because they
 * get lost together.  Every ACKTR_COMPLETE_EVERY-th lists everything, and so
 * do those after a peer asked (PING), repeated what it should know arrived, or
 * moved to another address: then our ACKs did not get through.
 * A packet none of whose ACKs arrives does no harm but a needless repeat: its
 * sender takes it for lost, and the repeat has a number of its own, which is
 * news again.
 *
 * Ranges are forgotten when the peer acknowledges an ACK that listed them, and
 * beyond LIMIT_ACK_RANGES (the oldest first).
 * Owned by the connection.
 */
#ifndef DUET_RECOVERY_ACKTR_H
#define DUET_RECOVERY_ACKTR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ranges.h"
#include "base/time.h"
#include "wire/frame.h"

#define ACKTR_START_PACKETS 100 /* the first packets are acknowledged by twos: slow start needs the clock */
#define ACKTR_EVERY_START 2
#define ACKTR_EVERY 8           /* later, until the peer asked for something else; so are the next two */
#define ACKTR_DELAY_MAX_US 5000 /* RTT/8 up to this */
#define ACKTR_REPEATS 4         /* ACKs a packet is listed in: at 20 % loss one in 600 is in none that arrives */
#define ACKTR_COMPLETE_EVERY 32 /* one ACK in so many lists everything remembered, and asks to be acknowledged itself */

#define ACKTR_LOSS_PACKETS 256 /* the loss on the way here is that of about so many packets; */
#define ACKTR_LOSS_PRIOR 16    /* as if so many had come before the first */

/* Packets that came late, below the largest: an ACK sent before them does not speak for them. */
struct acktr_late {
    uint64_t lowest;       /* UINT64_MAX: none */
    uint64_t largest_then; /* any ACK with a greater largest was written after the last of them came */
};

struct acktr {
    struct ranges received;         /* packet numbers to acknowledge */
    struct frame_ack_policy policy; /* in force */
    bool told;                      /* … because the peer asked for it, else by our own RTT */
    uint64_t policy_sequence;
    bool started;         /* a packet was received: largest is valid */
    bool news;            /* a packet came since the last ACK went out */
    uint64_t largest;     /* of all received ever */
    duet_time largest_at; /* when it came: the ack delay counts from here */
    uint64_t eliciting_total;
    uint32_t eliciting_pending;        /* not yet acknowledged by an ACK we sent */
    duet_time due;                     /* DUET_NEVER: nothing to acknowledge */
    duet_time last_gap_ack;            /* when a gap last asked for one; DUET_NEVER: not yet */
    uint64_t news_from[ACKTR_REPEATS]; /* lowest number that came since the last repeat, since the one before, …;
                                          UINT64_MAX: none */
    duet_time repeat_at;               /* when the last repeat was counted */
    uint32_t acks;                     /* sent since one that was complete by turn */
    uint64_t confirmed_end;            /* one past the largest of the newest ACK the peer has acknowledged */
    double loss;                       /* share of the peer's packets that do not come, ACKs among them */
    uint64_t loss_packets;             /* it was learnt from so many */
    struct acktr_late late[2];         /* being confirmed, gathering: see acktr_confirmed */
    uint64_t ecn[3];                   /* ect0, ect1, ce */
};

void acktr_init(struct acktr *a);
void acktr_dispose(struct acktr *a);

/*
 * A packet was accepted.  `at_once`: it carries something whose sender waits
 * (chat, control, fin, probe) or the session is in step mode.  `ecn`: the two
 * ECN bits of its IP header.  rtt_us: our own, while nobody asked for a policy.
 * 0, DUET_ENOMEM (the packet must then be treated as not received).
 */
int acktr_received(struct acktr *a, uint64_t number, bool eliciting, bool at_once, uint8_t ecn, uint64_t rtt_us,
                   duet_time now);

/* The peer asks for another policy, which is kept within the limits.  An older one than that in
 * force is ignored. */
void acktr_ask(struct acktr *a, uint64_t sequence, const struct frame_ack_policy *want);

/* The peer shows that it lacks our ACKs, or they went where it no longer is: everything is news
 * again. */
void acktr_want_all(struct acktr *a);

/* Is there something worth adding to a packet that leaves anyway?  From half the wait on; and when
 * only packets came that need no answer: the peer prunes its own bookkeeping with it, and no ACK
 * leaves for that alone. */
bool acktr_pending(const struct acktr *a, duet_time now);
/* When must an ACK leave?  DUET_NEVER: not on its own. */
duet_time acktr_deadline(const struct acktr *a);
/* Delay to report for an ACK written now. */
uint64_t acktr_delay_us(const struct acktr *a, duet_time now);
/* An ACK written now lists `received` from this number up. */
uint64_t acktr_from(const struct acktr *a);
/* Is it complete by turn?  Then its packet should ask to be acknowledged. */
bool acktr_is_turn(const struct acktr *a);
/* An ACK from the largest of `received` (not empty) down went out: timers and counts start anew.
 * Returns that largest. */
uint64_t acktr_sent(struct acktr *a, duet_time now);
/* The peer acknowledged an ACK of ours that listed `lowest` up to `largest`: that is known
 * there, except what came later than that ACK left.  Less new confirmations than one before are
 * ignored. */
void acktr_confirmed(struct acktr *a, uint64_t lowest, uint64_t largest);

#endif
