/*
 * inside: a test's hands in an endpoint: its connections, packets sealed with
 * their keys, and a copy of a session's state to compare with later.
 */
#ifndef DUET_TEST_INSIDE_H
#define DUET_TEST_INSIDE_H

#include "base/bytes.h"
#include "conn/endpoint_state.h"
#include "pair.h"

/* The connection with this id, or the only one there is for 0; NULL. */
struct conn *inside_conn(const struct endpoint *e, conn_id id);
/* The session of that side. */
struct conn *inside_session(const struct pair *p, int side);

/* Seals frames as the next packet of c into dgram (recorded as sent, carrying nothing that is sent again); its
 * length. */
size_t inside_seal(struct conn *c, const struct writer *frames, uint8_t dgram[LIMIT_PACKET_MIN_BYTES], duet_time now);

/* Gives the other side one authentic packet of `from` with these frames; endpoint_recv's code. */
int inside_send(struct pair *p, int from, const struct writer *frames);
/* The same with one frame (not an ACK). */
int inside_send_frame(struct pair *p, int from, const struct frame *f);

/* Makes the CRC of an unkeyed packet right again. */
void inside_fix_crc(uint8_t *dgram, size_t len);

/* All that a dropped packet must leave alone. */
struct inside_state {
    size_t count, half_open;
    size_t events;
    struct conn conns[4];
    struct handshake hs[4];
};
void inside_save(const struct endpoint *e, struct inside_state *s);
bool inside_same(const struct endpoint *e, const struct inside_state *s);

#endif
