/*
 * endpoint: many connections behind one UDP socket, without the socket.
 *
 * Two axes, few operations (sans-I/O):
 *   network   endpoint_recv a train of datagrams, endpoint_send one until 0
 *   time      endpoint_deadline says when, endpoint_tick does it
 *   events    endpoint_poll until false
 *   streams   write/read (ordered), open/finish/reset/stop (those of the application), datagrams,
 *             open/supply/finish and accept/consumed (bulk)
 *
 * Contract: after any call drain endpoint_poll, then ask endpoint_send until it
 * gives 0, then sleep until endpoint_deadline.  The same config (with its seed)
 * and the same calls give the same bytes.  One thread owns the endpoint;
 * everyone else holds ids, which are never reused, so nothing dangles.
 */
#ifndef DUET_CONN_ENDPOINT_H
#define DUET_CONN_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/time.h"
#include "conn/types.h"

struct endpoint;

/* NULL: out of memory, or cfg->cc names no controller. cfg is copied. */
struct endpoint *endpoint_new(const struct endpoint_config *cfg, duet_time now);
void endpoint_free(struct endpoint *e);

/* Calls whoever is at one of these addresses, of which there are 1 to CALL_ADDRESSES, the best
 * first: each is tried while those before it have not answered, and whoever answers first has the
 * call (attempt.h).  EVENT_CONNECTED or EVENT_FAILED tells how it went; before that EVENT_HINT how
 * it may go, and of several addresses EVENT_TRIED of each that came to nothing.  An answer of a key
 * that is not among those expected, if there are any, counts only when LIMIT_FOREIGN_ANSWER_US went
 * by after it, or the time is up. 0; DUET_EEXIST: there is a live session with one of the addresses
 * already (perhaps the peer was quicker), *out names it; DUET_ENOMEM, DUET_EFULL. */
int endpoint_call(struct endpoint *e, const struct duet_addr *addrs, size_t count, const struct expected_keys *expected,
                  duet_time now, conn_id *out);
/* The same with one address and whatever key. */
int endpoint_connect(struct endpoint *e, const struct duet_addr *peer, duet_time now, conn_id *out);

/* Says goodbye (CLOSE is repeated until answered, for a bounded time).  The
 * EVENT_CLOSED with END_LOCAL comes when it is over.  Unknown ids: no effect. */
void endpoint_close(struct endpoint *e, conn_id conn, uint64_t code, const char *reason, duet_time now);

/* Is the peer still there?  EVENT_PRESENCE follows: yes with the next authentic packet, no when
 * none comes within LIVENESS_ANSWER_PTOS, or EVENT_CLOSED.  0; DUET_ENOTFOUND: there is no such
 * session, or nothing was heard of it yet. */
int endpoint_ask(struct endpoint *e, conn_id conn, duet_time now);

/* Takes new SYNs or not, from now on. */
void endpoint_set_accept(struct endpoint *e, bool accept);

/* A train, as endpoint_send gives them and as the kernel may hand them over again: equal datagrams
 * of segment_bytes (> 0), the last may be shorter; one datagram is a train of len.  They are
 * decrypted in place and EVENT_EXTENT points into them.  0: something was done with each; otherwise
 * some were dropped and counted: the code says why the first was (DUET_EMALFORMED, ENOTFOUND,
 * EAUTH, EREPLAY, EFULL). Nothing to report to anyone. */
int endpoint_recv(struct endpoint *e, const struct envelope *outside, uint8_t *train, size_t len, size_t segment_bytes,
                  duet_time now);

/* The next train: equal datagrams of *segment_bytes, the last may be shorter, to leave as *outside
 * says.  cap >= LIMIT_PACKET_MIN_BYTES.  0: nothing to send now. */
ssize_t endpoint_send(struct endpoint *e, struct envelope *outside, uint8_t *buf, size_t cap, size_t *segment_bytes,
                      duet_time now);

/* It may: endpoint_send has not given 0 since something was there to send. */
bool endpoint_is_ready(const struct endpoint *e);

/* The kernel refused a datagram of that size to that address (EMSGSIZE): the path's packet size is
 * brought down, to what the interface allows where that is known (else 0). */
void endpoint_too_big(struct endpoint *e, const struct duet_addr *to, size_t bytes, size_t allowed, duet_time now);

/* ICMP says that no program listens at that address: a hint for whom we call there. */
void endpoint_nobody_listens(struct endpoint *e, const struct duet_addr *at);

/* Our own host would not send there, for this errno.  true: we call somebody there, for whom that
 * is a hint. */
bool endpoint_cannot_send(struct endpoint *e, const struct duet_addr *to, int sys);

/* The kernel would not send from that address of ours any more: from where is its choice from now
 * on. */
void endpoint_local_gone(struct endpoint *e, const struct duet_addr *local);

duet_time endpoint_deadline(const struct endpoint *e); /* DUET_NEVER: none */
void endpoint_tick(struct endpoint *e, duet_time now);
bool endpoint_poll(struct endpoint *e, struct endpoint_event *ev); /* false: drained */

/* Ordered streams: control, chat, those of the application.  Bytes taken / given, 0 when there is
 * no room / nothing: EVENT_WRITABLE / EVENT_READABLE will tell.  DUET_ENOTFOUND: no such connection
 * or stream (any more).  Of a stream of the application besides: DUET_EEOF: all was read, up to the
 * peer's end (said once); DUET_ECLOSED: this direction was finished, reset or stopped. */
ssize_t endpoint_write(struct endpoint *e, conn_id conn, uint64_t stream, const uint8_t *bytes, size_t len,
                       duet_time now);
ssize_t endpoint_read(struct endpoint *e, conn_id conn, uint64_t stream, uint8_t *buf, size_t cap, duet_time now);
/* Has everything written to the ordered streams been acknowledged? (true for unknown ids) */
bool endpoint_flushed(const struct endpoint *e, conn_id conn);

/*
 * Streams of the application (PROTOCOL.md §7.1), where EVENT_CONNECTED says FEATURE_STREAMS:
 * ordered, both ways, opened by either side, until each side has finished or reset its direction
 * and read that of the other to its end.
 *
 * The peer can open none and say nothing on ours before endpoint_allow: call it once its key is
 * trusted.  It allows datagrams as well.  No effect on unknown ids, and the second time.
 */
void endpoint_allow(struct endpoint *e, conn_id conn, duet_time now);
/* It may be written at once; it leaves when the peer allows.  0; DUET_EUNSUPPORTED: not negotiated;
 * DUET_EFULL: LIMIT_APP_STREAMS of ours are open; DUET_ENOTFOUND, DUET_ENOMEM. */
int endpoint_open_stream(struct endpoint *e, conn_id conn, enum stream_priority priority, uint64_t *stream,
                         duet_time now);
/* What was written is all.  EVENT_SENT when the peer has it.  0; DUET_ECLOSED, DUET_ENOTFOUND. */
int endpoint_finish_stream(struct endpoint *e, conn_id conn, uint64_t stream, duet_time now);
/* Bytes that were written and not acknowledged. */
uint64_t endpoint_stream_held(const struct endpoint *e, conn_id conn, uint64_t stream);
/* Gives our direction up (endpoint_reset), wants no more of the peer's (endpoint_stop): below, for
 * bulk streams too. */

/* Datagrams (§7.2), where EVENT_CONNECTED says FEATURE_DATAGRAMS: sent once, soon or never.  The
 * most bytes one may have now; 0: none can be sent (no such connection, not negotiated).  It
 * follows the path's packet size. */
size_t endpoint_datagram_max(const struct endpoint *e, conn_id conn);
/* Copied.  Where DATAGRAM_QUEUE of them, or DATAGRAM_QUEUE_BYTES, wait already, the oldest is
 * dropped and counted (endpoint_stats).  0; DUET_ERANGE: longer than that; DUET_EUNSUPPORTED,
 * DUET_ENOTFOUND, DUET_ENOMEM. */
int endpoint_send_datagram(struct endpoint *e, conn_id conn, const uint8_t *bytes, size_t len, duet_time now);

/* Bulk, sending.  Nothing leaves before the peer accepted the stream (its credit is 0 till
 * then). */
int endpoint_open_bulk(struct endpoint *e, conn_id conn, uint64_t *stream);
/* [offset, offset+len) is at `bytes` and stays there until EVENT_RELEASED with this
 * cookie (or EVENT_CLOSED of the connection).  Pieces may come in any order but do
 * not overlap.  0; DUET_ENOTFOUND, DUET_EFULL, DUET_ENOMEM. */
int endpoint_supply(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t offset, const uint8_t *bytes,
                    size_t len, uint64_t cookie, duet_time now);
/* There is nothing at or after final_bytes. */
int endpoint_finish(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t final_bytes, duet_time now);
/* Bytes of a stream that its sender, we or the peer, was allowed by its receiver, from the
 * beginning; 0: no such stream (any more).  It changes with endpoint_accept_bulk and
 * endpoint_consumed there. */
uint64_t endpoint_bulk_limit(const struct endpoint *e, conn_id conn, uint64_t stream);
/* Bytes of an outgoing bulk stream that were sent, each counted once; 0: there is no such
 * stream. */
uint64_t endpoint_bulk_sent(const struct endpoint *e, conn_id conn, uint64_t stream);
/* Bytes of one of our bulk streams that the peer has acknowledged; 0: no such stream (any more). */
uint64_t endpoint_bulk_acked(const struct endpoint *e, conn_id conn, uint64_t stream);
/* The same of all our streams, those that are over too: it stands still while nothing gets
 * through. */
uint64_t endpoint_acked(const struct endpoint *e, conn_id conn);
/* Gives it up; the pieces of a bulk stream are RELEASED, the unsent bytes of one of the application
 * are gone.  0; DUET_ENOTFOUND. */
int endpoint_reset(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now);

/* Bulk, receiving.  `stream` is the id the peer's offer named; cap_bytes: most unconsumed bytes.
 * How many of them it is allowed for now follows from how fast they are consumed (stream/window.h).
 * The cap may be changed later by calling it again; a limit once granted is never taken back.  0;
 * DUET_EPROTOCOL: not an id the peer may open, or closed already; DUET_EFULL; DUET_ENOMEM. */
int endpoint_accept_bulk(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t cap_bytes, duet_time now);
/* Is that such an id?  (true for connections that are over: nothing can be wrong with them.) */
bool endpoint_may_offer(const struct endpoint *e, conn_id conn, uint64_t stream);
/* Most unconsumed bytes that this peer is allowed now over all its streams, as learnt so far; 0: no
 * such connection. */
uint64_t endpoint_recv_window(const struct endpoint *e, conn_id conn);
/* The application is done with `bytes` of EVENT_EXTENT: credit goes back to the peer. */
int endpoint_consumed(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t bytes, duet_time now);
/* Wants no more of it.  No extents, and nothing to read, after this call.  0; DUET_ENOTFOUND. */
int endpoint_stop(struct endpoint *e, conn_id conn, uint64_t stream, uint64_t code, duet_time now);

int endpoint_stats(const struct endpoint *e, conn_id conn, struct endpoint_stats *out); /* DUET_ENOTFOUND */
struct endpoint_counters endpoint_counters(const struct endpoint *e);
size_t endpoint_conn_count(const struct endpoint *e);
/* Is a goodbye still under way: one of ours without an answer, or a peer that may need ours
 * again? */
bool endpoint_is_parting(const struct endpoint *e);

#endif
