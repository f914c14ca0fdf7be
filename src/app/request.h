/*
 * request: what a front end asks of the net thread.
 *
 * Peers are named by their conn_id, transfers by small numbers that the net thread gives out (unique over all peers and
 * both directions, never reused in a run), everything else by numbers of the front end's own; what comes of a request
 * is told with its number (app/notice.h).
 *
 * Who holds a request owns its text and what it points to: after a push the receiver, after a refused push the sender.
 */
#ifndef DUET_APP_REQUEST_H
#define DUET_APP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/blob.h"
#include "app/message.h"
#include "base/addr.h"
#include "conn/endpoint.h"

#define REQUEST_LIST(X)        \
    X(REQUEST_CONNECT)         \
    X(REQUEST_TRUST)           \
    X(REQUEST_SAY)             \
    X(REQUEST_SEND)            \
    X(REQUEST_ASK)             \
    X(REQUEST_ACCEPT)          \
    X(REQUEST_REJECT)          \
    X(REQUEST_CANCEL)          \
    X(REQUEST_STATS)           \
    X(REQUEST_STREAM_OPEN)     \
    X(REQUEST_STREAM_WRITE)    \
    X(REQUEST_STREAM_FINISH)   \
    X(REQUEST_STREAM_RESET)    \
    X(REQUEST_STREAM_STOP)     \
    X(REQUEST_STREAM_CONSUMED) \
    X(REQUEST_DATAGRAM)        \
    X(REQUEST_SERVE)           \
    X(REQUEST_REPLY)           \
    X(REQUEST_CLOSE)           \
    X(REQUEST_LEAVING)         \
    X(REQUEST_QUIT)

enum request_type {
#define X(name) name,
    REQUEST_LIST(X)
#undef X
};

/* A call of whoever is at one of these addresses. */
struct callee {
    size_t count;
    struct duet_addr addrs[CALL_ADDRESSES]; /* the best first (endpoint_call) */
    struct expected_keys expected;          /* an answer of another key waits */
};

struct request_connect {
    uint32_t call;         /* not 0 */
    struct callee *callee; /* heap */
};

/* The answer to NOTICE_PEER_KEY.  No: the text is the reason for the peer, NULL: its key is not trusted; NOTICE_LEFT
 * follows (by us, CLOSE_REFUSED or CLOSE_TRUST). */
struct request_trust {
    bool yes;
};

/* The text: UTF-8, TEXTS_TEXT_BYTES at most.  NOTICE_WORDS with this id says what cannot be sent. */
struct request_say {
    uint32_t id;
};

/* The text: the path as the user wrote it.  Beyond TRANSFERS_PER_PEER, or TRANSFERS_MAX / 2 to all peers, files wait
 * their turn.  From REQUEST_TRUST on: the offer need not wait for NOTICE_CONNECTED. */
struct request_send {
    uint32_t id;
};

/* The text: "echo hello world". */
struct request_ask {
    uint32_t id;
};

/* ACCEPT, REJECT (NOTICE_TRANSFER_FAILED, DUET_EREFUSED, follows here too) and CANCEL, of either direction. */
struct request_transfer {
    uint32_t id;
};

/* NOTICE_STREAM_OPENED follows.  Requests about a stream that is over have no effect. */
struct request_stream_open {
    uint32_t id; /* not 0 */
    enum stream_priority priority;
};

struct request_stream_write {
    uint64_t stream;
    struct blob *blob; /* heap */
};

/* FINISH: what was written is all.  RESET: our direction is given up, what waits is dropped.  STOP: no more of the
 * peer's direction is wanted, and nothing of it need be consumed any more. */
struct request_stream {
    uint64_t stream;
    uint64_t code; /* RESET, STOP */
};

/* So many bytes of NOTICE_STREAM_DATA the application is done with; it will be with every byte (app/flows.h). */
struct request_consumed {
    uint64_t stream;
    uint64_t bytes;
};

/* At most as long as NOTICE_DATAGRAM_MOST says; goes soon or never. */
struct request_datagram {
    struct blob *blob; /* heap */
};

/* The text: a command, one word, that the front end answers from now on, for all peers. */
struct request_serve {
    bool on; /* false: no longer */
};

/* The answer to NOTICE_ASKED: APPMSG_ANSWER_BYTES of it at most.  After SERVED_WAIT_US it has no effect. */
struct request_reply {
    uint32_t ask;
    bool ok;
    struct blob *blob; /* heap; NULL: empty */
};

/* At once: without waiting until everything that was sent is delivered, that is, texts acknowledged, files we send
 * ended, questions answered.  Files being received are never waited for. */
struct request_quit {
    bool at_once;
};

struct request {
    enum request_type type;
    conn_id peer; /* of TRUST, SAY, SEND, ASK, STATS, CLOSE, REPLY, and of streams and datagrams */
    char *text;   /* heap, NULL: none */
    union {
        struct request_connect connect;
        struct request_trust trust;
        struct request_say say;
        struct request_send send;
        struct request_ask ask;
        struct request_transfer transfer;
        struct request_quit quit;
        struct request_stream_open open;
        struct request_stream_write write;
        struct request_stream stream;
        struct request_consumed consumed;
        struct request_datagram datagram;
        struct request_serve serve;
        struct request_reply reply;
        /* STATS: NOTICE_STATS.  CLOSE: at once; NOTICE_LEFT follows.  LEAVING: the user leaves as soon as everything
         * under way has come to its end, in either direction; from now on 30 s of silence make a peer lost, as after
         * QUIT. */
    };
};

/* At most CALL_ADDRESSES; keys are not expected.  NULL: out of memory. */
struct callee *callee_new(const struct duet_addr *addrs, size_t count);

/* Frees what it owns. */
void request_dispose(struct request *r);

const char *request_name(enum request_type type);

extern const struct message_kind request_kind;

#endif
