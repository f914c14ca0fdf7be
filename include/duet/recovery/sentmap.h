/*
 * sentmap: what each packet in the air carried.
 *
 * A power-of-two ring of records by packet number, growing with what is really
 * in flight up to LIMIT_SENT_PACKETS, and per class a bitmap with a summary
 * level, so that "the next outstanding number from here" skips resolved runs
 * 64·64 at a time: an ACK costs O(newly acknowledged), the loss scan stops at
 * the first young packet.
 *
 * Life of a record: OUTSTANDING → ACKED → gone (when taken), or
 * OUTSTANDING → LOST_NEW → LOST (when taken; kept so that a late ACK is
 * recognised as spurious loss) → ACKED or forgotten.
 */
#ifndef DUET_RECOVERY_SENTMAP_H
#define DUET_RECOVERY_SENTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duet/base/time.h"

#define SENT_ITEMS 4 /* things one packet can carry that need an answer when it is lost */
#define SENTMAP_NONE UINT64_MAX

enum sent_class { SENT_OUTSTANDING, SENT_ACKED, SENT_LOST_NEW, SENT_LOST, SENT_CLASSES };

/* What was carried; `kind` is the frame's type (wire/frame.h), SENT items of PADDING and PING are not kept. */
struct sent_item {
    uint8_t kind;    /* enum frame_type, as uint8_t */
    bool fin;        /* STREAM */
    uint32_t len;    /* STREAM */
    uint64_t stream; /* STREAM, RESET, STOP, MAX_STREAM_DATA; ACK: lowest acknowledged */
    uint64_t offset; /* STREAM: offset; ACK: largest acknowledged; MAX_*: the value */
};

struct sent_packet {
    uint64_t number;
    duet_time sent_at;
    uint32_t bytes; /* UDP payload; 0 when it does not count as in flight */
    bool eliciting;
    bool probe;       /* PTO probe or path probe */
    bool app_limited; /* the sender had nothing more to send (delivery-rate sample) */
    bool in_use;
    bool was_lost; /* declared lost before it was acknowledged */
    uint8_t item_count;
    uint8_t class;      /* enum sent_class */
    uint64_t delivered; /* connection's delivered bytes when this left (draft-cheng-iccrg-delivery-rate) */
    duet_time delivered_at;
    duet_time first_sent_at;
    uint64_t lost;      /* connection's lost bytes when this left */
    uint64_t in_flight; /* bytes in flight just after it left */
    duet_time lost_at;  /* when it was declared lost */
    struct sent_item items[SENT_ITEMS];
};

struct sentmap {
    struct sent_packet *ring;
    size_t cap;     /* 0 or a power of two >= 64 */
    uint64_t first; /* lowest number that may be in use */
    uint64_t next;  /* one past the highest number added */
    size_t counts[SENT_CLASSES];
    uint64_t *bits[SENT_CLASSES];    /* cap bits each */
    uint64_t *summary[SENT_CLASSES]; /* a bit per word of bits */
    uint64_t work;                   /* words and records looked at so far: tests prove the costs above with it */
};

void sentmap_init(struct sentmap *m);
void sentmap_dispose(struct sentmap *m);

/* Can another packet be added (span first..number within LIMIT_SENT_PACKETS)? */
bool sentmap_has_room(const struct sentmap *m, uint64_t number);

/* A zeroed OUTSTANDING record for `number`, which is >= next (numbers may be skipped).
 * NULL: out of memory or no room.  Valid until the next add. */
struct sent_packet *sentmap_add(struct sentmap *m, uint64_t number);

/* NULL: never added, or gone. */
struct sent_packet *sentmap_get(const struct sentmap *m, uint64_t number);

/* The lowest number >= from of that class; SENTMAP_NONE. */
uint64_t sentmap_next(struct sentmap *m, enum sent_class c, uint64_t from);

void sentmap_move(struct sentmap *m, struct sent_packet *p, enum sent_class to);
void sentmap_forget(struct sentmap *m, struct sent_packet *p);

#endif
