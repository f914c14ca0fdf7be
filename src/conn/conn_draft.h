/*
 * conn_draft: a packet being put together, frame by frame, each noted for the day its fate is
 * known.  Part of conn (conn.h), used by conn_send.
 */
#ifndef DUET_CONN_CONN_DRAFT_H
#define DUET_CONN_CONN_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "conn/conn_allow.h"

struct draft {
    struct writer w;
    size_t datagram_most;    /* one that is longer than this fits no packet of ours any more */
    struct sent_item *items; /* SENT_ITEMS, item_count of them filled */
    uint8_t item_count;
    bool eliciting;
    bool has_ack;
    uint64_t ack_lowest; /* the lowest number it lists */
    bool bulk;
    /* Bytes of a file that end the packet: room for them is reserved, they are sealed from where
     * they lie.  Whatever comes behind them has them copied first (draft_land). */
    const uint8_t *rest;
    size_t rest_len;
};

/* An ACK if there is something to say; one that travels with other frames leaves most of the packet
 * to them. */
void draft_ack(struct conn *c, struct draft *d, bool alone, duet_time now);
/* Everything that asks for an acknowledgement, as far as it may leave and fits. */
void draft_eliciting(struct conn *c, struct draft *d, const struct allowed *may, duet_time now);
/* Of files alone. */
void draft_bulk(struct conn *c, struct draft *d, duet_time now);
/* The rest is not the end of the packet: it goes where its room is. */
void draft_land(struct draft *d);

#endif
