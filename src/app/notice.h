/*
 * notice: what the net thread tells a front end.
 *
 * What peers say (TEXT, ANSWER) comes as it was said, and is made safe where it is shown (client/print.h,
 * chat/screen.c); their names, reasons and file names are sanitised already.
 *
 * Every PEER_KEY is followed by exactly one LEFT or LOST of that peer, every REQUEST_CONNECT by PEER_KEY with its
 * number or FAILED, every REQUEST_SEND by SENT or TRANSFER_FAILED, every OFFER by RECEIVED or TRANSFER_FAILED, every
 * REQUEST_ASK by ANSWER; an outcome that belongs to a session comes before the end of the session, with one exception:
 * a file all of whose bytes had arrived is still stored, and RECEIVED (or its failure) may come after the end.
 *
 * Who holds a notice owns its text and what it points to: after a push the receiver, after a refused push the sender.
 */
#ifndef DUET_APP_NOTICE_H
#define DUET_APP_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/appmsg.h"
#include "app/blob.h"
#include "app/message.h"
#include "base/addr.h"
#include "conn/endpoint.h"

#define NOTICE_LIST(X)        \
    X(NOTICE_LISTENING)       \
    X(NOTICE_PEER_KEY)        \
    X(NOTICE_CONNECTED)       \
    X(NOTICE_FAILED)          \
    X(NOTICE_TEXT)            \
    X(NOTICE_DELIVERED)       \
    X(NOTICE_OFFER)           \
    X(NOTICE_SENDING)         \
    X(NOTICE_PROGRESS)        \
    X(NOTICE_RECEIVED)        \
    X(NOTICE_SENT)            \
    X(NOTICE_TRANSFER_FAILED) \
    X(NOTICE_UNREACHABLE)     \
    X(NOTICE_BACK)            \
    X(NOTICE_LEFT)            \
    X(NOTICE_LOST)            \
    X(NOTICE_ANSWER)          \
    X(NOTICE_WORDS)           \
    X(NOTICE_STATS)           \
    X(NOTICE_STREAM_OPENED)   \
    X(NOTICE_STREAM_DATA)     \
    X(NOTICE_STREAM_WROTE)    \
    X(NOTICE_STREAM_SENT)     \
    X(NOTICE_STREAM_ENDED)    \
    X(NOTICE_STREAM_BROKEN)   \
    X(NOTICE_STREAM_STOPPED)  \
    X(NOTICE_DATAGRAM)        \
    X(NOTICE_DATAGRAM_MOST)   \
    X(NOTICE_ASKED)           \
    X(NOTICE_RESTING)         \
    X(NOTICE_STOPPED)

enum notice_type {
#define X(name) name,
    NOTICE_LIST(X)
#undef X
};

/* What a peer shows before it is trusted. */
struct peer_card {
    uint8_t key[NOISE_KEY_BYTES];
    char name[LIMIT_NAME_BYTES * 4 + 1]; /* sanitised */
    struct duet_addr addr;
    struct params params; /* negotiated */
};

/* How a transfer stands. */
struct transfer_now {
    uint32_t id;
    bool sending;
    bool stalled; /* the peer is unreachable */
    bool limited_by_disk;
    uint64_t done_bytes; /* acknowledged when sending, received when receiving */
    uint64_t total_bytes;
    uint64_t rate_bytes_per_s; /* smoothed */
    uint64_t eta_us;           /* UINT64_MAX: unknown */
};

/* Bound address and port. */
struct notice_listening {
    struct duet_addr addr;
};

/* May we trust it?  Nothing of this peer is processed before REQUEST_TRUST. */
struct notice_peer_key {
    uint32_t call;          /* that led here; 0: none */
    struct peer_card *card; /* heap */
};

/* Trusted by us and by it; chat and files may flow. */
struct notice_connected {
    uint64_t hello_flags; /* appmsg.h */
};

/* Nobody answered a call.  The text: words. */
struct notice_failed {
    uint32_t call;
    int32_t err;      /* DUET_ECANCELLED: we are quitting */
    uint64_t refusal; /* where err is DUET_EREFUSED */
};

/* The text: what the peer said. */
struct notice_said {
    uint32_t number; /* the sender's; hub_took_ui acknowledges it */
};

/* The peer has the text of a REQUEST_SAY. */
struct notice_delivered {
    uint32_t say;
};

/* The text: the name. */
struct notice_offer {
    uint32_t transfer;
    uint64_t bytes;
    bool is_accepted; /* already (-y): no answer is waited for */
};

/* A file is opened and offered.  The text: the name. */
struct notice_sending {
    uint32_t transfer;
    uint32_t send; /* the REQUEST_SEND */
    uint64_t bytes;
};

/* The latest value; may be dropped. */
struct notice_progress {
    struct transfer_now *now; /* heap */
};

/* RECEIVED: the text is the final path.  SENT: the peer verified, fsynced and renamed it; the text is the name. */
struct notice_file {
    uint32_t transfer;
    uint64_t bytes;
};

/* The text: what, which, why.  DUET_ESYS: sys is our errno, 0: the trouble is the peer's.  DUET_EAGAIN: a newer session
 * of the peer took this one's place, in which it may offer the file again. */
struct notice_failure {
    uint32_t transfer; /* 0: ui never saw one; receiving: an offer refused unasked */
    bool is_sending;   /* we were the sender; then: */
    uint32_t send;     /* the REQUEST_SEND */
    int32_t err, sys;
};

/* UNREACHABLE: so long until now; BACK: so long in all. */
struct notice_silence {
    uint64_t silent_us;
};

/* LEFT.  LOST: silence, give_up_us, protocol errors of either side seen here; err DUET_ETIMEOUT: it never was there for
 * good, the handshake had no end.  The text: the reason, or NULL. */
struct notice_end {
    uint64_t code; /* why the connection was closed */
    bool by_us;
    int32_t err;
};

/* The text: lines, kept; of "ping" the time in words. */
struct notice_answer {
    uint32_t ask;
    bool ok;
    int32_t err; /* DUET_ECLOSED: the session ended */
    uint64_t took_us;
};

/* The text: something worth a line. */
struct notice_words {
    bool is_error; /* of ours */
    uint32_t say;  /* the REQUEST_SAY it is about; 0: none */
    uint32_t call; /* the REQUEST_CONNECT; 0: none.  No peer: one of its addresses came to nothing */
    int32_t err, sys;
};

struct notice_stats {
    struct endpoint_stats *now; /* heap */
};

/* Behind CONNECTED.  The end of the session ends all its streams, without a word of each. */
struct notice_stream_opened {
    uint64_t stream;
    uint32_t open; /* the REQUEST_STREAM_OPEN; 0: the peer opened it */
    int32_t err;   /* it could not be: DUET_EUNSUPPORTED (the peer has none), EFULL, ECLOSED, EINVAL */
};

/* In order; to be consumed (REQUEST_STREAM_CONSUMED). */
struct notice_stream_data {
    uint64_t stream;
    struct blob *blob; /* heap */
};

/* So many more of the bytes written are on their way, and wait no longer. */
struct notice_stream_wrote {
    uint64_t stream;
    uint64_t bytes;
};

/* SENT: the peer has all up to our end.  ENDED: that was all of the peer's direction.  BROKEN: the peer gave it up.
 * STOPPED: the peer wants no more of ours; it is reset. */
struct notice_stream {
    uint64_t stream;
    uint64_t code; /* BROKEN, STOPPED */
};

struct notice_datagram {
    struct blob *blob; /* heap */
    uint32_t bytes;    /* of it: hub_took_ui looks when it has left */
    uint64_t missed;   /* so many came before it for which there was no room */
};

/* The longest that may be sent now; until told, and where the peer has none: 0. */
struct notice_datagram_most {
    uint64_t bytes;
};

/* A command that the front end serves; REQUEST_REPLY is due within SERVED_WAIT_US. */
struct question {
    char name[APPMSG_COMMAND_BYTES + 1];
    size_t len; /* of the argument: any bytes, not NUL-terminated */
    char arg[];
};

struct notice_asked {
    uint32_t ask;              /* the peer's number */
    struct question *question; /* heap */
};

/* The net thread has ended; the last notice. */
struct notice_stopped {
    int32_t err, sys;
};

struct notice {
    enum notice_type type;
    conn_id peer; /* whom it is about; 0: nobody */
    char *text;   /* heap, NULL: none */
    union {
        struct notice_listening listening;
        struct notice_peer_key peer_key;
        struct notice_connected connected;
        struct notice_failed failed;
        struct notice_said said;
        struct notice_delivered delivered;
        struct notice_offer offer;
        struct notice_sending sending;
        struct notice_progress progress;
        struct notice_file file;
        struct notice_failure failure;
        struct notice_silence silence;
        struct notice_end end;
        struct notice_answer answer;
        struct notice_words words;
        struct notice_stats stats;
        struct notice_stopped stopped;
        struct notice_stream_opened opened;
        struct notice_stream_data data;
        struct notice_stream_wrote wrote;
        struct notice_stream stream;
        struct notice_datagram datagram;
        struct notice_datagram_most most;
        struct notice_asked asked;
        /* RESTING: nothing is under way any more, and what it took was freed. */
    };
};
_Static_assert(sizeof(struct notice) <= 64, "a notice stays one cache line");

/* Frees what it owns. */
void notice_dispose(struct notice *n);

const char *notice_name(enum notice_type type);

extern const struct message_kind notice_kind;

#endif
