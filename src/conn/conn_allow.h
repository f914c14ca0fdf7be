/*
 * conn_allow: what may leave; when that is, is conn_plan's.  No frame is written here.  Part of
 * conn (conn.h), used by conn_plan, conn_send and conn_draft.
 *
 *   an ACK            always, when due (and the address allows)
 *   control, chat     room in min(cwnd, window), or CONN_CHAT_EXTRA_PACKETS past it; never paced
 *   bulk              room in min(cwnd, window), and the pacer's leave; only ahead (path.h) while
 *                     the route in use may lead nowhere
 *   a probe           one packet past all of these
 *   an errand         always: a small packet to prove a route, or its answer (path.h)
 *   step mode         only while nothing is outstanding
 */
#ifndef DUET_CONN_CONN_ALLOW_H
#define DUET_CONN_CONN_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn/conn.h"

#define ALLOW_LEAST_BYTES 96 /* of any packet but a PATH_* frame's; enough for a CLOSE with its ACK */

/* What the window lets through now. */
struct allowed {
    bool control; /* anything that asks for an acknowledgement, but files */
    bool bulk;
    bool probe;
};

struct allowed allow_now(const struct conn *c);
/* May the address get a packet worth sending, CLOSE among them? */
bool allow_address(const struct conn *c);
/* May any packet leave at all? */
bool allow_any(const struct conn *c);
/* A packet that leaves by a route of its own. */
bool allow_errand(const struct conn *c, struct path_errand *e);
/* While the route in use may lead nowhere, files wait, but for what the peer's next address may get
 * already: where a packet of files of `room` bytes may go; NULL: nowhere. */
const struct duet_route *allow_ahead(const struct conn *c, size_t *room);
/* The pacer has a turn for it: one that goes ahead. */
bool allow_ahead_now(struct conn *c, size_t room, duet_time now);
/* The next packet's size.  Packets are small while the address is unproven (it may get only so
 * much), and after two probe timeouts in a row: perhaps only the large ones get lost. */
uint32_t allow_packet_bytes(const struct conn *c);
/* Bytes of the longest datagram that such a packet holds. */
size_t allow_datagram_most(const struct conn *c);
size_t allow_flight_bytes(const struct conn *c); /* of the handshake */
bool allow_control_waits(const struct conn *c);
/* Larger packets are worth looking for only when there are files to fill them. */
bool allow_larger(const struct conn *c, const struct allowed *may);
/* min(cwnd, window) */
uint64_t allow_window_bytes(const struct conn *c);
/* What the controller and --limit allow, in bytes per second; 0: unlimited. */
uint64_t allow_pacing_rate(const struct conn *c);
/* A full packet of files may leave now. */
bool allow_bulk(struct conn *c, const struct allowed *may, duet_time now);

#endif
