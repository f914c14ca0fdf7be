/*
 * stream_id: what the id of a stream says (PROTOCOL.md §7).
 *
 *   ordered   … index … | priority (bits 3, 2) | kind 0 (bit 1) | opener (bit 0)
 *   bulk      … index …                        | kind 1         | opener
 *
 * Opener: 0 the handshake's initiator, 1 the responder.  Of the ordered ones two are there from the start, whoever is
 * initiator: control (0) and chat (4), both of index 0.  The others are streams of the application: index from 1, over
 * all priorities, each used once.
 */
#ifndef DUET_WIRE_STREAM_ID_H
#define DUET_WIRE_STREAM_ID_H

#include <stdbool.h>
#include <stdint.h>

#define STREAM_CONTROL 0
#define STREAM_CHAT 4

/* How a stream of the application is served, the first first; on the wire. */
enum stream_priority {
    PRIORITY_INTERACTIVE = 1, /* before files: what somebody waits for */
    PRIORITY_NORMAL = 2,      /* by turns with files */
    PRIORITY_BACKGROUND = 3,  /* when nothing else has anything to send */
};

uint64_t stream_id_app(bool by_initiator, enum stream_priority priority, uint64_t index);
uint64_t stream_id_bulk(bool by_initiator, uint64_t index);

bool stream_id_is_ordered(uint64_t id);
/* Is it one of the application: neither bulk, nor control or chat, nor an id that nobody may use? */
bool stream_id_is_app(uint64_t id);
/* Of such a one. */
enum stream_priority stream_id_priority(uint64_t id);
uint64_t stream_id_app_index(uint64_t id);

/* Is it a bulk stream that this side opens? */
bool stream_id_is_bulk_of(uint64_t id, bool by_initiator);
uint64_t stream_id_bulk_index(uint64_t id);

bool stream_id_is_by_initiator(uint64_t id);

#endif
