/*
 * ackpolicy: when the peer shall acknowledge what we send (ACK_POLICY,
 * PROTOCOL.md §6.1); the other end of it is acktr.
 *
 * About eight acknowledgements a round trip tell the controller and the loss
 * detection all they need, so the wish is clamp(cwnd/8, 4, 64) packets or RTT/8
 * (200 µs to 5 ms), whichever comes first; and for gaps one in RTT/8.  More of
 * them, each ACKTR_EVERY packets as before anything was told, are worth it
 *   - while the rate is searched for: what may come without an ACK grows with
 *     what was sent;
 *   - while the window holds us back: then they are the clock, and a wait of
 *     d costs up to d/RTT of the rate (4 % with a queue of a tenth of the
 *     bandwidth-delay product);
 *   - where ACKs get lost: several in the place of one, so that hardly ever
 *     none arrives (at 50 % it is a sixth of the rate).
 *
 * It is told when ACKs of the first packets are through (those come by twos
 * anyhow), and again when it became half as large again, or a third smaller;
 * one wish is under way at a time, so at most one in a round trip.  A lost one
 * is replaced by what is wanted then.
 *
 * The probe timeout needs to know how long the peer may wait: as long as an
 * answer is open, the longest of what it may have been told.
 *
 * Value type; owned by the connection.
 */
#ifndef DUET_RECOVERY_ACKPOLICY_H
#define DUET_RECOVERY_ACKPOLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"

#define ACKPOLICY_SHARE 8 /* ACKs in a round trip, and in a window */
#define ACKPOLICY_PACKETS_MIN 4
#define ACKPOLICY_PACKETS_MAX 64
#define ACKPOLICY_DELAY_MAX_US 5000
#define ACKPOLICY_EARN_PACKETS 128 /* sent, for each one more without an ACK */
#define ACKPOLICY_HELD_BACK 0.25   /* share of ACKs that come to a full window: above it they are the clock */
#define ACKPOLICY_HELD_ACKS 16     /* … over about so many */
#define ACKPOLICY_SILENCE 0.005    /* chance that none of the ACKs of an eighth of a round trip arrives */

struct ackpolicy {
    struct frame_ack_policy want;
    struct frame_ack_policy told; /* in the last frame that left; all 0: none did */
    uint64_t sequence;            /* of that frame */
    uint64_t delay_us;            /* longest wait the peer may have been told of */
    double held_back;             /* share of the latest ACKs before which the window was full */
    bool open;                    /* neither acknowledged nor lost */
    bool lost;                    /* that is what became of it */
    bool wanted;                  /* another frame has to leave */
};

void ackpolicy_init(struct ackpolicy *p);

/* What the wish depends on. */
struct ackpolicy_path {
    uint64_t cwnd_packets;
    uint64_t srtt_us;
    uint64_t sent_packets; /* ever */
    bool held_back;        /* since the last ACK the window was full, with more to send */
    double loss_back;      /* share of the peer's packets that get lost, 0 … 1 */
};
void ackpolicy_update(struct ackpolicy *p, const struct ackpolicy_path *path);

/* The frame that has to leave now; false: none. */
bool ackpolicy_take(struct ackpolicy *p, struct frame *f);
/* The fate of the frame with that sequence number. */
void ackpolicy_acked(struct ackpolicy *p, uint64_t sequence);
void ackpolicy_lost(struct ackpolicy *p, uint64_t sequence);

#endif
