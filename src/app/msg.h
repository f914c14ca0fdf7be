/*
 * msg: what the front end and the net thread say to each other (what the disk
 * does is in app/disk_job.h).  A tagged value of at most 64 bytes; after a push
 * the receiver owns what it points to (heap text is freed with free()), after a
 * refused push the sender still does.
 *
 *   ui → net   MSG_CONNECT … MSG_QUIT        net → ui    MSG_LISTENING … MSG_STOPPED
 *
 * Peers are named by their conn_id, transfers by small numbers the net thread
 * gives out (unique over all peers and both directions, never reused in a run).
 * What peers say (MSG_TEXT, MSG_ANSWER) reaches ui as it came, and is made safe
 * where it is shown (client/print.h, chat/screen.c); their names, reasons and file
 * names are sanitised already.
 *
 * Every MSG_PEER_KEY is followed by exactly one MSG_LEFT or MSG_LOST of that
 * peer, every MSG_CONNECT by MSG_PEER_KEY with its id or MSG_FAILED, every
 * MSG_SEND by MSG_SENT or MSG_TRANSFER_FAILED, every MSG_OFFER by MSG_RECEIVED
 * or MSG_TRANSFER_FAILED, every MSG_ASK by MSG_ANSWER; an outcome that belongs
 * to a session comes before the end of the session, with one exception: a file
 * all of whose bytes had arrived is still stored, and MSG_RECEIVED (or its
 * failure) may come after the end.
 */
#ifndef DUET_APP_MSG_H
#define DUET_APP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/message.h"
#include "base/addr.h"
#include "conn/endpoint.h"

/* clang-format off */
enum msg_type {
    /* ui → net */
    MSG_CONNECT,          /* id (ui's number, not 0), call */
    MSG_TRUST,            /* peer, flag: yes or no; the answer to MSG_PEER_KEY. No: text is the reason for the peer, if
                           * it is not the key; MSG_LEFT follows (flag, value CLOSE_REFUSED, or CLOSE_TRUST without
                           * one) */
    MSG_SAY,              /* peer, id (ui's number), text: UTF-8, NUL-terminated, at most TEXTS_TEXT_BYTES; what
                           * cannot be sent: MSG_NOTICE with this id */
    MSG_SEND,             /* peer, id (ui's number), text: path as the user wrote it; beyond TRANSFERS_PER_PEER, or
                           * TRANSFERS_MAX / 2 to all peers, they wait their turn. From MSG_TRUST on: the offer
                           * need not wait for MSG_CONNECTED */
    MSG_ACCEPT,           /* id: transfer */
    MSG_REJECT,           /* id: transfer; MSG_TRANSFER_FAILED (DUET_EREFUSED) follows here too */
    MSG_CANCEL,           /* id: transfer, of either direction */
    MSG_ASK,              /* peer, id (ui's number), text: "echo hello world" */
    MSG_STATS_PLEASE,     /* peer */
    MSG_CLOSE,            /* peer: at once; MSG_LEFT follows (flag) */
    MSG_LEAVING,          /* the user leaves as soon as everything under way has come to its end, in either direction:
                           * from now on 30 s of silence make a peer lost (MSG_LOST), as after MSG_QUIT */
    MSG_QUIT,             /* flag: at once (leave now) instead of after everything sent is delivered: texts
                           * acknowledged, files we send ended, asks answered. Files being received are not waited
                           * for */

    /* net → ui */
    MSG_LISTENING,        /* addr: bound address and port */
    MSG_PEER_KEY,         /* peer, id of the MSG_CONNECT that led here or 0, peer_key: may we trust it? Nothing of
                           * this peer is processed before MSG_TRUST */
    MSG_CONNECTED,        /* peer, value: the flags of its HELLO (appmsg.h): trusted by us and by it; chat and files may
                           * flow */
    MSG_FAILED,           /* id of MSG_CONNECT, err (DUET_ECANCELLED: we are quitting), value: refusal; text: words */
    MSG_TEXT,             /* peer, text; id: the sender's running number (hub_took_ui acknowledges it) */
    MSG_DELIVERED,        /* peer, id of MSG_SAY */
    MSG_OFFER,            /* peer, id: transfer, value: bytes, text: name; flag: accepted already (-y), no answer is
                           * waited for */
    MSG_SENDING,          /* peer, id: transfer, value: bytes, err: the id of MSG_SEND as int, text: name: opened
                           * and offered */
    MSG_PROGRESS,         /* progress: latest value; may be dropped */
    MSG_RECEIVED,         /* peer, id: transfer, value: bytes, text: final path */
    MSG_SENT,             /* peer, id: transfer, value: bytes, text: name; the peer verified, fsynced and renamed it */
    MSG_TRANSFER_FAILED,  /* peer, id: transfer (0: ui never saw one; receiving: an offer refused unasked), err, sys,
                           * flag: we were the sender (then value: the id of MSG_SEND); text: what, which, why.
                           * DUET_ESYS: sys is our errno, 0:
                           * the trouble is the peer's; DUET_EAGAIN: a newer session of the peer took this one's
                           * place, in which it may offer the file again */
    MSG_UNREACHABLE,      /* peer, value: µs of silence */
    MSG_BACK,             /* peer, value: µs it was silent */
    MSG_LEFT,             /* peer, value: close code, text: reason or NULL, flag: we ended it, not the peer */
    MSG_LOST,             /* peer, value: close code, text: reason or NULL (silence, give_up_us, protocol errors of
                           * either side seen here); err DUET_ETIMEOUT: it never was there for good, the
                           * handshake had no end */
    MSG_ANSWER,           /* peer, id of MSG_ASK, flag: success, err (DUET_ECLOSED: the session ended), text (lines
                           * kept); to "ping": value: µs it took, text: that in words */
    MSG_NOTICE,           /* text: something worth a line (also errors of ours: flag); peer or 0; id of the MSG_SAY
                           * it is about or 0. id and no peer: of the MSG_CONNECT, one of whose addresses came to
                           * nothing */
    MSG_STATS,            /* peer, stats: heap, struct endpoint_stats */
    MSG_RESTING,          /* nothing is under way any more, and what it took was freed */
    MSG_STOPPED,          /* err: the net thread has ended; the last message */
};

/* The same names as a list, for msg_type_name; its switch tells when one is missing. */
#define MSG_LIST(X) \
    X(MSG_CONNECT) X(MSG_TRUST) X(MSG_SAY) X(MSG_SEND) X(MSG_ACCEPT) X(MSG_REJECT) X(MSG_CANCEL) X(MSG_ASK) \
    X(MSG_STATS_PLEASE) X(MSG_CLOSE) X(MSG_LEAVING) X(MSG_QUIT) X(MSG_LISTENING) X(MSG_PEER_KEY) X(MSG_CONNECTED) \
    X(MSG_FAILED) X(MSG_TEXT) X(MSG_DELIVERED) X(MSG_OFFER) X(MSG_SENDING) X(MSG_PROGRESS) X(MSG_RECEIVED) X(MSG_SENT) \
    X(MSG_TRANSFER_FAILED) X(MSG_UNREACHABLE) X(MSG_BACK) X(MSG_LEFT) X(MSG_LOST) X(MSG_ANSWER) X(MSG_NOTICE) \
    X(MSG_STATS) X(MSG_RESTING) X(MSG_STOPPED)
/* clang-format on */

struct msg_peer_key {
    uint8_t key[NOISE_KEY_BYTES];
    char name[LIMIT_NAME_BYTES * 4 + 1]; /* sanitised */
    struct duet_addr addr;
    struct params params; /* negotiated */
};

struct msg_call {
    size_t count;
    struct duet_addr addrs[CALL_ADDRESSES]; /* the best first (endpoint_call) */
    struct expected_keys expected;          /* an answer of another key waits */
};

struct msg_progress {
    uint32_t id; /* transfer */
    bool sending;
    bool stalled; /* the peer is unreachable */
    bool limited_by_disk;
    uint64_t done_bytes; /* acknowledged when sending, received when receiving */
    uint64_t total_bytes;
    uint64_t rate_bytes_per_s; /* smoothed */
    uint64_t eta_us;           /* UINT64_MAX: unknown */
};

struct msg {
    enum msg_type type;
    bool flag;
    int32_t err; /* negative DUET_E…, 0 */
    uint32_t id;
    int32_t sys; /* errno where err is DUET_ESYS */
    conn_id peer;
    uint64_t value;
    union {
        char *text;                    /* heap, owned by whoever holds the msg; may be NULL */
        struct msg_call *call;         /* heap */
        struct msg_peer_key *peer_key; /* heap */
        struct endpoint_stats *stats;  /* heap */
        struct msg_progress *progress; /* heap */
        struct duet_addr addr;
    };
};
_Static_assert(sizeof(struct msg) <= 64, "a message stays one cache line");

/* What a MSG_CONNECT owns: a call of whoever is at one of these addresses, at most CALL_ADDRESSES.
 * NULL: out of memory. */
struct msg_call *msg_call_new(const struct duet_addr *addrs, size_t count);

/* Frees what the message owns. */
void msg_dispose(struct msg *m);

/* Does the union hold `text` in messages of this type? */
bool msg_has_text(enum msg_type type);

const char *msg_type_name(enum msg_type type);

extern const struct message_kind msg_kind;

#endif
