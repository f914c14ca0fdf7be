/*
 * core: encrypted connections with streams and datagrams, without a socket, a thread or a clock.
 *
 * For a program that has an event loop and a socket of its own, or none: a simulator, a tunnel.  Two cores speak to
 * each other; the chat and the files of duet.h are not in here.  A core is fed and asked:
 *
 *     what arrived    duet_core_recv        a datagram that came in, or several equal ones as the kernel joined them
 *     what leaves     duet_core_send        until it gives 0
 *     time            duet_core_deadline    says when, duet_core_tick does it
 *     news            duet_core_next        until it gives 0
 *
 * After any call drain duet_core_next, then duet_core_send, then sleep until duet_core_deadline or until something
 * arrives.  `now_us` is any clock of microseconds that never goes back; duet_now_us is one.  The same configuration,
 * with its seed, and the same calls give the same bytes.
 *
 *     duet_core_connect ─▶ CONNECTED ─ you know the key? ─ duet_core_trust ─▶ streams, datagrams ─▶ CLOSED
 *                     └──▶ FAILED                      └── duet_core_close ────────────────────────▶ CLOSED
 *
 * Nothing of a peer is taken before duet_core_trust: it can open no stream and send no datagram.
 *
 * A core is used by one thread at a time.  Connections and streams are numbers, never 0 and never used again.  What you
 * pass in is copied.  DUET_EINVAL: an argument is NULL or out of range; DUET_ENOTFOUND: there is no such connection or
 * stream (any more); DUET_ENOMEM: nothing was done.  They are possible wherever int or ssize_t is returned, and not
 * named again below.
 */
#ifndef DUET_CORE_H
#define DUET_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <duet/common.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_CORE_PACKET_BYTES 65507 /* room that any packet has place in; 1200 at the very least */

struct duet_core;

struct duet_core_config {
    size_t size; /* set by duet_core_config_init, like every other default */

    const uint8_t *secret_key;    /* DUET_KEY_BYTES that are this side's identity; needed */
    const uint8_t *seed;          /* DUET_KEY_BYTES of randomness; NULL: the system's */
    const uint8_t *shared_secret; /* DUET_KEY_BYTES that the peer must know as well; NULL: none */
    const char *name;             /* shown to peers: at most DUET_NAME_BYTES of UTF-8; NULL: none */
    const char *cc;               /* congestion controller, one of duet_controller; NULL: the default */
    bool refuse_calls;            /* nobody can connect to us */
    uint64_t max_packet_bytes;    /* largest UDP payload we take, 1200 to 65507; 0: what the path carries */
    uint64_t heartbeat_us;        /* a sign of life so often when idle, 0.5 s to 60 s; 5 s */
    uint64_t lost_us;             /* silence that ends a connection, 14 s or more; 10 minutes */
    uint64_t connect_timeout_us;  /* 30 s */
    uint64_t limit_bytes_per_s;   /* most that is sent on each connection; 0: no limit */
};

/* Defaults.  `size`: sizeof(struct duet_core_config). */
DUET_API void duet_core_config_init(struct duet_core_config *config, size_t size);

/* DUET_ENOTFOUND: no such controller; DUET_EUNSUPPORTED: an option of a later version; DUET_ESYS: no randomness. */
DUET_API int duet_core_new(const struct duet_core_config *config, uint64_t now_us, struct duet_core **out);
/* Says nothing to anybody: close the connections first, and go on until they are CLOSED.  NULL is fine. */
DUET_API void duet_core_free(struct duet_core *core);

/* ---- addresses of sockets ---- */

/* DUET_EUNSUPPORTED: neither IPv4 nor IPv6.  An IPv4 address that is written as IPv6 becomes IPv4. */
DUET_API int duet_addr_from_sockaddr(const struct sockaddr *from, socklen_t bytes, struct duet_addr *out);
/* For a socket of `family`, AF_INET or AF_INET6; the latter gets IPv4 addresses written as IPv6.  Bytes of *out, or
 * DUET_EUNSUPPORTED: that family cannot express it. */
DUET_API int duet_addr_to_sockaddr(const struct duet_addr *addr, int family, struct sockaddr_storage *out);

/* ---- what arrives and what leaves ---- */

/* What is on the outside of a datagram. */
struct duet_envelope {
    struct duet_addr peer; /* who sent it, or who gets it */
    struct duet_addr
        local;   /* at which address of ours it arrived, or from which it has to leave; family 0: whichever */
    uint8_t ecn; /* the two ECN bits of the IP header, where the socket tells and takes them; else 0 */
};

/* Datagrams of segment_bytes each, the last may be shorter; one datagram: segment_bytes == bytes.  They are decrypted
 * in place.  0; otherwise some were dropped: DUET_EMALFORMED, DUET_ENOTFOUND, DUET_EAUTH, DUET_EREPLAY, DUET_EFULL say
 * why the first was.  Nothing to report to anyone: anybody can send anything. */
DUET_API int duet_core_recv(struct duet_core *core, const struct duet_envelope *envelope, void *datagrams, size_t bytes,
                            size_t segment_bytes, uint64_t now_us);
/* The next datagrams to send, all as *envelope says: of *segment_bytes each, the last may be shorter, together at most
 * `cap` bytes, which should be DUET_CORE_PACKET_BYTES (1200 at least).  Bytes; 0: nothing to send now. */
DUET_API ssize_t duet_core_send(struct duet_core *core, struct duet_envelope *envelope, void *out, size_t cap,
                                size_t *segment_bytes, uint64_t now_us);

/* The system did not send a datagram of that size to that address (EMSGSIZE): smaller ones are made for it. */
DUET_API int duet_core_too_big(struct duet_core *core, const struct duet_addr *to, size_t bytes, uint64_t now_us);

/* When duet_core_tick has to be called; UINT64_MAX: never, as things are. */
DUET_API uint64_t duet_core_deadline(const struct duet_core *core);
DUET_API int duet_core_tick(struct duet_core *core, uint64_t now_us);

/* ---- connections ---- */

/* DUET_EEXIST: there is a connection with that address already, which *conn names; DUET_EFULL. */
DUET_API int duet_core_connect(struct duet_core *core, const struct duet_addr *peer, uint64_t now_us, uint64_t *conn);
/* The key in DUET_CORE_CONNECTED is one that you know: the peer may open streams and send datagrams. */
DUET_API int duet_core_trust(struct duet_core *core, uint64_t conn, uint64_t now_us);
/* Says goodbye; CLOSED follows.  code: 0, or 0x100 and up, of your own; reason: a line of at most 128 bytes, or NULL. */
DUET_API int duet_core_close(struct duet_core *core, uint64_t conn, uint64_t code, const char *reason, uint64_t now_us);

/* ---- streams ----
 *
 * Ordered bytes, both ways, opened by either side.  A stream is over when both directions have ended.  Bytes that you
 * do not read the peer cannot send: at first 1 MiB of each stream and 2 MiB of all, more for who reads fast. */

enum duet_priority {
    DUET_PRIORITY_INTERACTIVE = 1, /* what somebody waits for */
    DUET_PRIORITY_NORMAL = 2,
    DUET_PRIORITY_BACKGROUND = 3, /* when nothing else has anything to send */
};

/* It may be written at once.  DUET_EFULL: 64 of ours are open; DUET_EUNSUPPORTED: the peer has none. */
DUET_API int duet_core_open(struct duet_core *core, uint64_t conn, enum duet_priority priority, uint64_t now_us,
                            uint64_t *stream);
/* Bytes taken; fewer than `bytes`: WRITABLE tells when there is room again.  DUET_ECLOSED: this direction was finished,
 * reset or stopped. */
DUET_API ssize_t duet_core_write(struct duet_core *core, uint64_t conn, uint64_t stream, const void *data, size_t bytes,
                                 uint64_t now_us);
/* Bytes given; 0: none now, READABLE will tell.  DUET_EEOF: the end, said once; DUET_ECLOSED: it was reset or stopped. */
DUET_API ssize_t duet_core_read(struct duet_core *core, uint64_t conn, uint64_t stream, void *out, size_t cap,
                                uint64_t now_us);
/* What was written is all; DUET_CORE_SENT follows when the peer has it. */
DUET_API int duet_core_finish(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t now_us);
/* Gives our direction up: what was not sent is gone.  The peer hears the code. */
DUET_API int duet_core_reset(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t code, uint64_t now_us);
/* Wants no more of the peer's direction, which is reset then. */
DUET_API int duet_core_stop(struct duet_core *core, uint64_t conn, uint64_t stream, uint64_t code, uint64_t now_us);

/* ---- datagrams ----
 *
 * Sent once, soon or never; each arrives at most once. */

/* Most bytes that one may have now, which follows the path; 0: none can be sent. */
DUET_API size_t duet_core_datagram_max(const struct duet_core *core, uint64_t conn);
/* Where too many wait already the oldest is dropped.  DUET_ERANGE: longer than that; DUET_EUNSUPPORTED: the peer takes
 * none. */
DUET_API int duet_core_datagram(struct duet_core *core, uint64_t conn, const void *data, size_t bytes, uint64_t now_us);

/* ---- news ----
 *
 * X(name, value); the fields besides conn; all others are zero.
 *
 * CONNECTED    key, name, addr, initiated: by our duet_core_connect; replaces: the number that gave, when it is not this
 *              one (both connected at once), else 0
 * FAILED       err: of duet_core_connect: DUET_ETIMEOUT, EREFUSED, EUNSUPPORTED, EAUTH, ESELF
 * UNREACHABLE  silent_us
 * BACK         silent_us
 * CLOSED       err: 0: we closed; DUET_ECLOSED: the peer did; DUET_ETIMEOUT: silence; DUET_EPROTOCOL; code; data: the
 *              reason, as sent
 * OPENED       stream: the peer opened it
 * READABLE     stream: read until 0 or an error
 * WRITABLE     stream
 * SENT         stream: the peer has everything up to our end
 * RESET        stream, code: the peer gave its direction up
 * STOPPED      stream, code: the peer wants no more of ours, which is reset
 * DATAGRAM     data, bytes */
#define DUET_CORE_EVENT_LIST(X) \
    X(DUET_CORE_CONNECTED, 1)   \
    X(DUET_CORE_FAILED, 2)      \
    X(DUET_CORE_UNREACHABLE, 3) \
    X(DUET_CORE_BACK, 4)        \
    X(DUET_CORE_CLOSED, 5)      \
    X(DUET_CORE_OPENED, 6)      \
    X(DUET_CORE_READABLE, 7)    \
    X(DUET_CORE_WRITABLE, 8)    \
    X(DUET_CORE_SENT, 9)        \
    X(DUET_CORE_RESET, 10)      \
    X(DUET_CORE_STOPPED, 11)    \
    X(DUET_CORE_DATAGRAM, 12)

enum duet_core_event_type {
#define X(name, value) name = (value),
    DUET_CORE_EVENT_LIST(X)
#undef X
};

struct duet_core_event {
    size_t size; /* of this struct in the library */
    uint32_t type;
    int32_t err;
    uint64_t conn;
    uint64_t stream;
    const void *data; /* valid until the next duet_core_recv or duet_core_next */
    size_t bytes;
    uint64_t code;
    uint64_t silent_us;
    uint64_t replaces;
    bool initiated;
    const uint8_t *key; /* DUET_KEY_BYTES */
    const char *name;   /* as sent: make it safe before you show it */
    const struct duet_addr *addr;
};

/* 1; 0: none, *event is NULL.  The event belongs to the core, and is valid until the next call. */
DUET_API int duet_core_next(struct duet_core *core, const struct duet_core_event **event);

/* "DUET_CORE_OPENED"; "DUET_CORE_?" for one that is not in the list. */
DUET_API const char *duet_core_event_name(uint32_t type);

struct duet_core_figures {
    size_t size; /* filled in by you: sizeof(struct duet_core_figures) */
    uint64_t rtt_us, min_rtt_us;
    uint64_t cwnd_bytes, bytes_in_flight;
    uint64_t sent_packets, lost_packets, received_packets;
    uint64_t sent_bytes, received_bytes; /* UDP payload */
    uint64_t pacing_bytes_per_s;
    uint64_t datagrams_sent, datagrams_received, datagrams_dropped; /* dropped: here, before they left */
    uint64_t packet_bytes;
};
DUET_API int duet_core_stats(const struct duet_core *core, uint64_t conn, struct duet_core_figures *out);

#ifdef __cplusplus
}
#endif

#endif
