/*
 * card: what a network card does between the kernel and the cable, so that a fast link costs the machine what it costs
 * with a real card and not ten times as much.
 *
 * The kernel hands over a train (TSO, USO): up to 64 KiB under one header.  It is cut into the packets that travel,
 * each with its own fate.  Packets of one train that come out together, in order and whole, are put together again
 * (GRO).  Checksums are the card's work as well, and are never computed: the kernel is told so by the same words
 * it uses itself (VIRTIO_NET_HDR_F_NEEDS_CSUM).
 */
#ifndef DUET_TEST_NET_CARD_H
#define DUET_TEST_NET_CARD_H

#include "link.h"

#define CARD_FRAME_MAX (sizeof(struct virtio_net_hdr) + 65535u)
#define CARD_JOIN_MAX 64u /* packets in one frame to the kernel */

/* Read one frame from the device and push its packets; false if there was none to read. */
bool card_receive(int fd, struct link *into, uint64_t now_ns);

/* May `next` follow `before` in one frame? */
bool card_joins(const struct link_packet *before, const struct link_packet *next);

/* Write packets that join, 1 to CARD_JOIN_MAX, as one frame.  False if the kernel did not take it. */
bool card_deliver(int fd, struct link_packet *const *packets, size_t count);

#endif
