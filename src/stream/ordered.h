/*
 * ordered: the ordered streams of one connection: control, chat, and those of
 * the application (PROTOCOL.md §7).
 *
 * Control and chat exist from the start, live as long as the connection, and
 * have each its own small window.  A stream of the application is opened by
 * either side, has two directions that end each by itself, and is over once
 * both have; its bytes are bounded by its own credit and by that of all of them
 * together.  Number and sum are told in one frame, MAX_STREAMS, and are 0 until
 * ordered_allow: so a peer that is not trusted yet can make us hold nothing.
 *
 *   ours      index 1 … opened_ours; what the peer has not allowed yet waits
 *   theirs    `opened` are the indexes seen so far, open or over; the first frame of one opens it
 *
 * Owned by one connection; part of `streams`, which has the files besides.
 */
#ifndef DUET_STREAM_ORDERED_H
#define DUET_STREAM_ORDERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/extents.h"
#include "stream/recvstream.h"
#include "stream/sendstream.h"
#include "stream/window.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/stream_id.h"

#define ORDERED_FIXED 2 /* control, chat */

/* Written and never sent, of one stream: what keeps a fast path busy until the application has its
 * next turn.  With less a sender in start-up runs dry, and what it then learns of the path is how
 * fast the application writes. */
#define ORDERED_UNSENT_BYTES (4 * 1024 * 1024)
#define ORDERED_ROOM_BYTES (ORDERED_UNSENT_BYTES / 2) /* it is worth waking the application for so much room */

struct ordered {
    uint64_t id;
    struct sendstream out;
    struct recvstream in;
    bool limit_wanted; /* MAX_STREAM_DATA has to be sent (again) */

    /* Of the application only. */
    bool is_ours;      /* we opened it */
    bool reset;        /* our direction was given up: RESET_STREAM is on its way */
    bool reset_wanted; /* … and has to be sent (again) */
    bool out_over;     /* all of it, with its end, is acknowledged */
    bool stopped;      /* we want no more of the peer's direction */
    bool stop_wanted;
    bool in_over; /* the application knows its end */
    uint64_t reset_code, stop_code;
    uint64_t highest; /* offset of the peer's, as far as the sum counts it */
    uint64_t counted; /* of it consumed, as far as the sum counts that */
};

struct ordered_table {
    bool initiator;
    bool allowed; /* the peer may open and send */
    struct ordered fixed[ORDERED_FIXED];
    struct ordered **v; /* of the application, unordered */
    size_t count, cap;
    size_t ours_open, theirs_open;
    uint64_t opened_ours;  /* index of the newest of ours */
    uint64_t may_open;     /* indexes of ours that the peer allows */
    uint64_t may_send;     /* bytes over all that it allows, */
    uint64_t sent_bytes;   /* and those sent */
    struct extents opened; /* indexes of the peer's: LIMIT_APP_STREAMS + 1 runs at most, for no more are allowed */
    uint64_t theirs_over;  /* of them over */
    uint64_t granted_streams, granted_bytes; /* what the peer was told */
    uint64_t received_bytes;                 /* the sum of `highest`, */
    uint64_t consumed_bytes;                 /* and of `counted`, those that are over among both */
    bool limits_wanted;                      /* MAX_STREAMS has to be sent (again) */
    struct window window;                    /* of granted_bytes */
};

void ordered_init(struct ordered_table *t, bool initiator);
void ordered_dispose(struct ordered_table *t);

/* Control, chat, or an open one of the application; NULL: none. */
struct ordered *ordered_find(const struct ordered_table *t, uint64_t id);
static inline bool ordered_is_app(const struct ordered *o)
{
    return stream_id_is_app(o->id);
}

/* The peer is trusted: it may open streams, and send on them what their window allows, max_bytes at
 * most in all. */
void ordered_allow(struct ordered_table *t, uint64_t max_bytes);

/* ---- sending ---- */

/* 0; DUET_EFULL: LIMIT_APP_STREAMS of ours are open; DUET_ENOMEM. */
int ordered_open(struct ordered_table *t, enum stream_priority priority, uint64_t *id);
/* Bytes taken; DUET_ECLOSED: this direction has ended; DUET_ENOMEM, DUET_EFULL. */
ssize_t ordered_write(struct ordered *o, const uint8_t *bytes, size_t len);
/* 0; DUET_ECLOSED. */
int ordered_finish(struct ordered *o);
/* Nothing more of our direction leaves but RESET_STREAM.  No effect once it has ended. */
void ordered_reset(struct ordered *o, uint64_t code);
/* The application was turned away, and there is room worth coming back for. */
bool ordered_has_room(struct ordered *o);

/* What would leave next, in one piece of memory; changes nothing. */
bool ordered_next(const struct ordered_table *t, const struct ordered *o, size_t max_len, struct stream_piece *out);
/* Where the bytes of such a piece lie, until the next write; of control and chat NULL, they are
 * copied to `room`. */
const uint8_t *ordered_bytes(const struct ordered *o, const struct stream_piece *p, uint8_t *room);
/* 0, DUET_ENOMEM, DUET_EFULL: the connection must end. */
int ordered_sent(struct ordered_table *t, struct ordered *o, const struct stream_piece *p);
int ordered_lost(struct ordered *o, const struct stream_piece *p);
/* *writable: as ordered_has_room; *done: all of it, with its end, has arrived (once). */
int ordered_acked(struct ordered *o, const struct stream_piece *p, bool *writable, bool *done);
void ordered_reset_acked(struct ordered *o);

/* ---- receiving ---- */

/* The stream a frame of the peer names, which it may open; *is_new: it has just done so.  NULL: it
 * is over, the frame is ignored.  0; DUET_EPROTOCOL: an id that cannot be; DUET_EFLOW: more streams
 * than allowed; DUET_ENOMEM. */
int ordered_named(struct ordered_table *t, uint64_t id, struct ordered **out, bool *is_new);
/* *readable: there is more to read, or the end is there to be told.
 * 0; DUET_EPROTOCOL, DUET_EFLOW: close; DUET_ENOMEM, DUET_EFULL: treat the packet as lost. */
int ordered_push(struct ordered_table *t, struct ordered *o, const struct stream_piece *p, const uint8_t *data,
                 bool *readable);
/* Bytes given, 0: none now; of the application besides DUET_EEOF: no more will come (once),
 * DUET_ECLOSED. */
ssize_t ordered_read(struct ordered_table *t, struct ordered *o, uint8_t *buf, size_t cap, uint64_t rtt_us,
                     duet_time now);
/* No more of the peer's direction is wanted.  No effect once it has ended. */
void ordered_stop(struct ordered_table *t, struct ordered *o, uint64_t code);
/* The peer gave its direction up.  *is_news: the application does not know its end yet.  0;
 * DUET_EPROTOCOL, DUET_EFLOW. */
int ordered_peer_reset(struct ordered_table *t, struct ordered *o, uint64_t final_bytes, bool *is_news);

/* ---- both ---- */

/* The stream is removed if both directions have ended; o is gone then. */
void ordered_settle(struct ordered_table *t, struct ordered *o);
/* May any frame of it leave: the peer's, or one of ours that the peer allows? */
bool ordered_may_leave(const struct ordered_table *t, const struct ordered *o);

/* The next MAX_STREAMS, STOP, RESET or MAX_STREAM_DATA of the application's streams, marked as
 * sent; and is there one? */
bool ordered_next_update(struct ordered_table *t, struct frame *out);
bool ordered_update_wanted(const struct ordered_table *t);
/* One was lost. */
void ordered_update_lost(struct ordered_table *t, enum frame_type type, uint64_t id);
/* The peer's. */
void ordered_allowed(struct ordered_table *t, uint64_t streams, uint64_t bytes);

/* Everything written is acknowledged, but for what was given up. */
bool ordered_flushed(const struct ordered_table *t);
/* Gives back the memory of rings that are empty. */
void ordered_trim(struct ordered_table *t);

#endif
