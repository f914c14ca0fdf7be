/*
 * types: what passes between the connection layer and its owner: the
 * configuration, the events, the codes and the figures.  Included by
 * endpoint.h, which says what to do with them.
 */
#ifndef DUET_CONN_TYPES_H
#define DUET_CONN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"
#include "crypto/noise.h"
#include "wire/limits.h"
#include "wire/params.h"
#include "wire/stream_id.h"

/* Our connection id on the wire; 0 is none. */
typedef uint64_t conn_id;

#define CALL_ADDRESSES 8 /* of one name that are tried: four of each family, where it has both */
#define EXPECTED_KEYS 16 /* at one address: as many as known_peers keeps lines of one key */

/* Whose answer a call is for: the hashes of their keys (noise_print).  None: anybody's. */
struct expected_keys {
    size_t count;
    uint8_t prints[EXPECTED_KEYS][NOISE_PRINT_BYTES];
};

struct endpoint_config {
    struct noise_keypair identity;
    char name[LIMIT_NAME_BYTES + 1]; /* own display name, UTF-8 */
    struct params params;            /* what we propose or accept at most */
    const char *cc;                  /* controller's name; NULL: the default */
    bool accept;                     /* answer SYNs; one that does not is connected one round trip sooner */
    uint64_t connect_timeout_us;     /* 0: 30 s */
    uint64_t limit_bytes_per_s;      /* upper bound of each connection's sending rate; 0: none */
    uint8_t psk[NOISE_KEY_BYTES];    /* zeros without a code */
    uint8_t seed[RAND_SEED_BYTES];
    bool trace; /* keep trace events for endpoint_trace_poll */
};

/* Why a connection ended, as the user is told (PROTOCOL.md §4.2, §9.3). */
enum endpoint_end {
    END_LEFT,       /* the peer closed */
    END_LOST,       /* silent for lost_us */
    END_LOCAL,      /* we closed */
    END_ERROR,      /* protocol violation, ours to report: `code` says which side's rule */
    END_UNANSWERED, /* connected on our side only: the peer answered our SYN, but never what followed */
};

/* Close codes on the wire (PROTOCOL.md §4). Application codes start at 0x100. */
enum close_code {
    CLOSE_OK = 0,       /* done, goodbye */
    CLOSE_PROTOCOL = 1, /* malformed or forbidden */
    CLOSE_FLOW = 2,     /* flow control exceeded */
    CLOSE_INTERNAL = 3, /* out of memory or numbers */
    CLOSE_TRUST = 4,    /* the key is not trusted here */
    CLOSE_REFUSED = 5,  /* not wanted now */
    CLOSE_REPLACED = 6, /* a newer session with the same peer took over */
    CLOSE_BUSY = 7,     /* no room for one more: of this key, or at all */
};

/* What an attempt may come to nothing for. */
enum endpoint_hint {
    HINT_NOBODY_LISTENS, /* ICMP: no program has that port */
    HINT_COMES_BACK,     /* our own SYN, by way of somebody else: a router that sends us back to ourselves */
    HINT_CANNOT_SEND,    /* our own host would not send there: no route, a firewall */
};

#define RUNS_LOW_BYTES (6 * 1024 * 1024) /* of a bulk stream, supplied and never sent */

enum endpoint_event_type {
    EVENT_CONNECTED,   /* authenticated both ways; streams usable (cfg.accept false: the peer may not know yet) */
    EVENT_FAILED,      /* an endpoint_call came to nothing */
    EVENT_TRIED,       /* … at one of its several addresses */
    EVENT_HINT,        /* an endpoint_call may come to nothing: anyone can forge what says so, hence it goes on */
    EVENT_UNREACHABLE, /* silence for UNREACHABLE_US */
    EVENT_BACK,        /* heard again */
    EVENT_PRESENCE,    /* the answer to endpoint_ask, or that none came */
    EVENT_CLOSED,      /* over; the id is gone */
    EVENT_OPENED,      /* the peer opened a stream of the application */
    EVENT_READABLE,    /* ordered stream has bytes, or its end (edge: read until 0 or an error) */
    EVENT_WRITABLE,    /* ordered stream has room again after a short write */
    EVENT_DATAGRAM,    /* one of the peer's: data and len of extent, in the train just received */
    EVENT_EXTENT,      /* bulk stream: bytes, in the train just received */
    EVENT_FINISHED,    /* bulk stream: every byte up to its final size was delivered */
    EVENT_RUNS_LOW,    /* bulk stream: less than RUNS_LOW_BYTES are left to be sent, there were more: time to read on */
    EVENT_RELEASED,    /* bulk stream: a supplied piece is no longer referenced */
    EVENT_SENT,        /* bulk stream, or ours of one of the application: everything up to the end is acknowledged */
    EVENT_RESET,       /* the same: the peer, who sends it, gave it up */
    EVENT_STOPPED,     /* the same: the peer, who receives it, wants no more; our direction is reset */
};

struct endpoint_event {
    enum endpoint_event_type type;
    conn_id conn;
    uint64_t stream;
    union {
        struct {
            uint8_t key[NOISE_KEY_BYTES];    /* the peer's static key */
            char name[LIMIT_NAME_BYTES + 1]; /* as sent: not yet sanitised */
            struct duet_addr addr;
            struct params params; /* negotiated */
            bool initiated;       /* our endpoint_call led to it (whatever the role) */
            conn_id replaces;     /* the id endpoint_call gave, when it is not this one: another of the addresses
                                   * answered first, or a simultaneous open made another session; else 0 */
            uint64_t session;     /* cid_i ^ cid_r: the same at both ends, for logs */
        } connected;
        struct {
            int err;               /* DUET_ETIMEOUT, EREFUSED (refusal says why), EUNSUPPORTED, EAUTH, ESELF */
            uint64_t refusal;      /* enum params_refusal */
            struct duet_addr addr; /* the one it is about: of several that failed the one that said most */
        } failed;                  /* FAILED, TRIED */
        struct {
            enum endpoint_hint what;
            struct duet_addr addr; /* that was called */
            int sys;               /* CANNOT_SEND: errno */
        } hint;                    /* once in each call: of several addresses when each has been tried */
        uint64_t silent_us;        /* UNREACHABLE, BACK */
        bool is_there;             /* PRESENCE */
        struct {
            enum endpoint_end end;
            uint64_t code;                       /* enum close_code or application code */
            char reason[LIMIT_REASON_BYTES + 1]; /* as sent: not yet sanitised */
        } closed;
        struct {
            uint64_t offset;
            const uint8_t *data;
            size_t len;
        } extent;        /* EXTENT, DATAGRAM: valid until the next endpoint_recv */
        uint64_t cookie; /* RELEASED */
        uint64_t code;   /* RESET, STOPPED */
    };
};

struct endpoint_stats {
    uint64_t rtt_us, min_rtt_us;
    uint64_t cwnd_bytes, bytes_in_flight;
    uint64_t sent_packets, lost_packets, spurious_packets, received_packets;
    uint64_t sent_bytes, received_bytes; /* UDP payload */
    uint64_t pacing_bytes_per_s;
    uint64_t delivered_bytes;
    uint64_t datagrams_sent, datagrams_received, datagrams_dropped; /* dropped: by us, before they left */
    uint32_t packet_bytes;
    bool unreachable;
    struct duet_addr addr;
    const char *state; /* name of the connection's state */
    const char *cc;
};

/* Datagrams that changed nothing, by reason: the only trace forged packets leave. */
struct endpoint_counters {
    uint64_t received, malformed, unknown, unauthentic, replayed, refused, limited, retries_sent, syns, events_dropped;
    uint64_t closes_unanswered; /* connections of which the peer never said that it heard our goodbye */
};

#endif
