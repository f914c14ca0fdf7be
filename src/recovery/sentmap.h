/*
 * sentmap: what each packet in the air carried.
 *
 * Records by packet number in small pages, which come with the first number
 * that needs one and go with the last: memory follows what is really in use.
 * A ring of pages and, per class, a bitmap over the same numbers grow by
 * doubling up to LIMIT_SENT_PACKETS and shrink again; "the next outstanding
 * number from here" is a few words away however much lies between (bitmap.h),
 * so an ACK costs what it newly acknowledges, the loss scan stops at the first
 * young packet, and neither knows how much is in flight.
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

#include "base/bitmap.h"
#include "base/time.h"

#define SENT_ITEMS 4 /* things one packet can carry that need an answer when it is lost */
#define SENTMAP_NONE UINT64_MAX

enum sent_class { SENT_OUTSTANDING, SENT_ACKED, SENT_LOST_NEW, SENT_LOST, SENT_CLASSES };

/* What was carried; `kind` is the frame's type (wire/frame.h), SENT items of PADDING and PING are
 * not kept. */
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
    bool repeated; /* all it carried went again in later packets, whose fate counts (recovery/tail.h) */
    uint8_t copy;  /* 0: what it carried was not repeated before; else how often it was */
    uint8_t item_count;
    uint8_t class;      /* enum sent_class */
    bool ahead;         /* it went where the peer may be by now: not lost with what did not (loss_all_lost) */
    uint64_t delivered; /* connection's delivered bytes when this left (draft-cheng-iccrg-delivery-rate) */
    duet_time delivered_at;
    duet_time first_sent_at;
    uint64_t lost;                      /* connection's lost bytes when this left */
    uint64_t in_flight;                 /* bytes in flight just after it left */
    duet_time lost_at;                  /* when it was declared lost */
    struct sent_item items[SENT_ITEMS]; /* item_count of them */
};

struct sentmap {
    struct sent_packet **pages; /* of SENTMAP_PAGE records; NULL where no number is in use */
    struct sent_packet *spare;  /* a page kept for the next one needed */
    size_t cap;                 /* numbers the ring stands for: 0 or a power of two */
    uint64_t first;             /* lowest number that may be in use */
    uint64_t next;              /* one past the highest number added */
    struct bitmap in[SENT_CLASSES];
    uint64_t work; /* words and records looked at so far: tests prove the costs above with it */
};

#define SENTMAP_PAGE 16 /* an idle connection has one or two pages of 2.8 KB */

void sentmap_init(struct sentmap *m);
void sentmap_dispose(struct sentmap *m);

/* Can another packet be added?  True as long as first..number are fewer than LIMIT_SENT_PACKETS -
 * 64. */
bool sentmap_has_room(const struct sentmap *m, uint64_t number);
/* The same of a map whose lowest number in use is `from`. */
bool sentmap_reaches(uint64_t from, uint64_t number);

/* An OUTSTANDING record for `number`, zeroed but for its items, which is >= next (numbers may be
 * skipped).  NULL: out of memory or no room.  Valid until it is forgotten. */
struct sent_packet *sentmap_add(struct sentmap *m, uint64_t number);

/* NULL: never added, or gone. */
struct sent_packet *sentmap_get(const struct sentmap *m, uint64_t number);

/* The lowest number >= from of that class; SENTMAP_NONE. */
uint64_t sentmap_next(struct sentmap *m, enum sent_class c, uint64_t from);

void sentmap_move(struct sentmap *m, struct sent_packet *p, enum sent_class to);
void sentmap_forget(struct sentmap *m, struct sent_packet *p);

#endif
