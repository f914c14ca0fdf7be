/*
 * ackmemo: which ranges of an ACK say something new.
 *
 * Every ACK repeats most of the ranges of the one before it (they protect each
 * other against loss): looking each of them up again would cost holes times
 * ACKs.  The memo is the list of ranges that were dealt with, in the frame's
 * own order, so that a repeated stretch is recognised by one comparison a
 * range.  It may forget any of them (no memory, an ACK that came late): then
 * some are looked up once more, and nothing else changes.
 *
 * Owned by loss.  At most LIMIT_ACK_RANGES, as much memory as the ACKs need.
 */
#ifndef DUET_RECOVERY_ACKMEMO_H
#define DUET_RECOVERY_ACKMEMO_H

#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

struct ackmemo {
    struct range *v; /* descending, disjoint */
    size_t count;
    size_t cap;
};

void ackmemo_init(struct ackmemo *m);
void ackmemo_dispose(struct ackmemo *m);

/* The ranges of `ack` that are not known as they stand, descending; their number.  *work grows by
 * the lines of memory compared. */
size_t ackmemo_fresh(const struct ackmemo *m, const struct frame_ack *ack, const struct range *fresh[LIMIT_ACK_RANGES],
                     uint64_t *work);

/* All ranges of `ack` are dealt with.  What lies below `floor` will not be asked for again. */
void ackmemo_keep(struct ackmemo *m, const struct frame_ack *ack, uint64_t floor);

#endif
