/*
 * streams: all that one connection sends and receives of streams and
 * datagrams: their tables, their credit, and which one sends next.
 *
 * Ids are those of PROTOCOL.md §7 (wire/stream_id.h).  The ordered streams, of
 * control, chat and the application, are ordered.h's.  A bulk
 * stream is one-way and exists at the receiver only once the application
 * accepted it, so a peer can open nothing by itself and no stream count has to
 * be negotiated; its credit is 0 till then.
 *
 * Connection credit (MAX_DATA) bounds the bulk streams together, is 0 as well
 * till the first of them is accepted, and has the window that window.h finds;
 * a bulk stream has the same one or less.  Control and chat are bounded each by
 * its own window, so a full disk never silences the chat; that window is small
 * until they are first read, which is once the peer is trusted.  Streams of the
 * application have a sum of their own.
 *
 * Owned by one connection; knows nothing of packets.
 */
#ifndef DUET_STREAM_STREAMS_H
#define DUET_STREAM_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/extents.h"
#include "stream/bulk.h"
#include "stream/datagrams.h"
#include "stream/ordered.h"
#include "stream/window.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/stream_id.h"

#define STREAMS_QUANTUM_BYTES \
    (32 * 1024) /* a file, or a stream of its rank, sends this much before the next one's turn */

#define STREAMS_CLOSED_RANGES 1024 /* runs of ids remembered as over; honest peers leave one per refused offer */

/* Strict order of service.  BULK is all that waits for the congestion window and the pacer: files,
 * and what the application sends; within it go datagrams, then rank by rank those of enum
 * stream_rank. */
enum stream_class { CLASS_CONTROL, CLASS_CHAT, CLASS_BULK, STREAM_CLASSES };
enum stream_rank { RANK_INTERACTIVE, RANK_NORMAL, RANK_BACKGROUND, STREAM_RANKS }; /* files are NORMAL */

/* Whose turn it is among those of one rank. */
struct stream_turn {
    size_t at;      /* index: files first, in sends, then ordered.v */
    uint64_t bytes; /* of its quantum used */
};

struct streams {
    bool initiator;
    struct ordered_table ordered;
    struct datagrams datagrams;
    struct bulksend *sends[LIMIT_STREAMS];
    size_t send_count;
    struct stream_turn turns[STREAM_RANKS];
    uint64_t next_send_index;
    struct bulkrecv *recvs[LIMIT_STREAMS];
    size_t recv_count;
    uint64_t acked_bytes;         /* distinct ones of all our streams that the peer has */
    struct extents closed;        /* indexes of the peer's bulk streams that are over */
    struct window window;         /* of the credit we give, at most the negotiated one */
    uint64_t data_limit_bytes;    /* bulk bytes the peer allows us */
    uint64_t data_fresh_bytes;    /* of them sent */
    uint64_t data_received_bytes; /* distinct bulk bytes received */
    uint64_t data_consumed_bytes; /* of them consumed, or never to come (reset) */
    uint64_t data_granted_bytes;  /* what the peer was told */
    bool data_limit_wanted;       /* MAX_DATA has to be sent (again) */
};

void streams_init(struct streams *s, bool initiator, uint64_t window_bytes);
void streams_dispose(struct streams *s);

/* NULL: no such stream (any more). */
struct bulksend *streams_send(const struct streams *s, uint64_t id);
struct bulkrecv *streams_recv(const struct streams *s, uint64_t id);
/* Is it a bulk stream of the peer's that was accepted and is over? Late frames for it are
 * ignored. */
bool streams_is_closed(const struct streams *s, uint64_t id);
/* Is it the id of a bulk stream that the peer may open?  (That of one that is over is.) */
bool streams_is_peers_bulk(const struct streams *s, uint64_t id);

/* Sending.  What the class would send next in at most max_len bytes, no more than lies in one piece
 * of memory (but of control and chat); changes nothing but whose turn it is. */
bool streams_next(struct streams *s, enum stream_class class, size_t max_len, uint64_t *id, struct stream_piece *out);
bool streams_class_wants(const struct streams *s, enum stream_class class);
/* Files are under way, every one sent to its end, and only acknowledgements are missing. */
bool streams_only_tail(const struct streams *s);
/* The bytes of a piece that streams_next gave.  Of a bulk stream: where they lie, until its source
 * is released; of one of the application, until it is written.  Of control and chat: NULL, and they
 * are copied to `room`. */
const uint8_t *streams_bytes(const struct streams *s, uint64_t id, const struct stream_piece *p, uint8_t *room);
/* 0, DUET_ENOMEM, DUET_EFULL (the connection must end).  Unknown ids: 0, they are over. */
int streams_sent(struct streams *s, uint64_t id, const struct stream_piece *p);
int streams_lost(struct streams *s, uint64_t id, const struct stream_piece *p);

/* Memory of ordered streams that nobody has begun to read. */
size_t streams_parked(const struct streams *s);

/* Credit and stream ends to tell the peer: the next such frame, marked as sent; false: none.  One
 * that was lost is asked for again with streams_update_lost, and then carries the value of that
 * time. */
bool streams_next_update(struct streams *s, struct frame *out);
bool streams_update_wanted(const struct streams *s);
void streams_update_lost(struct streams *s, enum frame_type type, uint64_t id);

/* The peer's credit: only ever grows. */
void streams_max_data(struct streams *s, uint64_t bytes);
void streams_max_stream_data(struct streams *s, uint64_t id, uint64_t bytes);

/* Bulk. 0 or a code as in conn/endpoint.h. */
int streams_open(struct streams *s, uint64_t *id);
int streams_accept(struct streams *s, uint64_t id, uint64_t cap_bytes);
/* An id that is over or was stopped: no effect. DUET_EINVAL: more than was received. */
int streams_consumed(struct streams *s, uint64_t id, uint64_t bytes, uint64_t rtt_us, duet_time now);
int streams_stop(struct streams *s, uint64_t id, uint64_t code);
int streams_reset(struct streams *s, uint64_t id, uint64_t code);

/* Records a checked bulk piece against both credits.  0; DUET_EFLOW, DUET_EPROTOCOL: close;
 * DUET_ENOMEM, DUET_EFULL: drop. */
int streams_check_bulk(const struct streams *s, const struct bulkrecv *b, const struct stream_piece *p,
                       uint64_t *fresh);
int streams_add_bulk(struct streams *s, struct bulkrecv *b, const struct stream_piece *p, uint64_t fresh);

/* After a piece was added: a stopped stream's bytes count as consumed; one that is complete and
 * consumed is over (b is gone then). */
void streams_settle_recv(struct streams *s, struct bulkrecv *b);

/* The peer gave its stream up having sent final_bytes of fresh bytes.  *known: it was open and not
 * stopped by us.  0; DUET_EPROTOCOL: fewer bytes than have arrived, or more than allowed. */
int streams_peer_reset(struct streams *s, uint64_t id, uint64_t final_bytes, bool *known);

/* Removes a stream that is over. */
void streams_close_send(struct streams *s, struct bulksend *b);
void streams_close_recv(struct streams *s, struct bulkrecv *b);

#endif
