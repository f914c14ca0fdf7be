/*
 * conn: one connection: what it is made of, its states, its life.
 *
 *   SYN_SENT ──SYN-ACK──▶ ACK_SENT ──DATA──▶ ESTABLISHED ──close──▶ CLOSING ──CLOSE, time──▶ DEAD
 *   SYN_RECEIVED ──────────ACK─────────────▶      │
 *       │ 15 s                                    └──CLOSE of the peer──▶ DRAINING ──ACK, time──▶ DEAD
 *       ▼
 *      DEAD             (every state: lost, failed, protocol error → CLOSING or DEAD)
 *
 *   state          timers that run                      what it sends
 *   SYN_SENT       repeat, give up                      SYN
 *   SYN_RECEIVED   half-open life                       SYN-ACK, only as answer to a SYN
 *   ACK_SENT       repeat, give up, + ESTABLISHED's     ACK; DATA, once EVENT_CONNECTED was given
 *   ESTABLISHED    loss, ack, pace, heartbeat, silence, path   DATA
 *   CLOSING        repeat of CLOSE                      CLOSE until the peer's CLOSE or CONN_CLOSE_TRIES (before it
 *                                                       the ACK, where that was not confirmed)
 *   DRAINING       end                                  CLOSE as answer, until an ACK of it (PROTOCOL.md §4.2)
 *
 * Who takes no connections (hs->flags has PACKET_SYN_SOLE) is connected for its owner in ACK_SENT
 * already: a peer that answers such a SYN keeps to its answer, so no crossing attempt can take this
 * one's place (PROTOCOL.md §3.4).
 *
 * The files around it are named by movement: conn_recv (and, until it is confirmed,
 * conn_recv_handshake), conn_send, conn_timers; conn_allow tells what may leave and conn_plan when,
 * conn_draft puts a packet together, conn_acked hears what became of it, conn_path follows a peer
 * that moves.  conn.c itself makes, changes state, and ends.  Only endpoint calls any of them from
 * outside.
 */
#ifndef DUET_CONN_CONN_H
#define DUET_CONN_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/rand.h"
#include "conn/caution.h"
#include "conn/conn_state.h"
#include "conn/early_repeat.h"
#include "conn/events.h"
#include "conn/handshake.h"
#include "conn/liveness.h"
#include "conn/path.h"
#include "conn/tracer.h"
#include "conn/types.h"
#include "crypto/keys.h"
#include "crypto/replay.h"
#include "recovery/ackpolicy.h"
#include "recovery/acktr.h"
#include "recovery/cc.h"
#include "recovery/loss.h"
#include "recovery/pacer.h"
#include "recovery/pmtud.h"
#include "recovery/tail.h"
#include "stream/streams.h"

#define CONN_ACK_TRIES 4        /* ACKs unanswered before every other repeat is a SYN again */
#define CONN_ACK_FIRST_US 50000 /* an ACK is repeated after 5/4 RTT, this at least, HANDSHAKE_FIRST_US at most */
#define CONN_CLOSE_TRIES 8      /* CLOSEs sent before the peer's answer is given up */
#define CONN_CLOSE_FIRST_US \
    50000 /* the second comes after a PTO, but this at least; each further one half as late again, */
#define CONN_CLOSE_SLOW_US 200000 /* up to this, or that PTO if it is longer, */
#define CONN_CLOSE_MAX_US 1000000 /* which counts as this at most */
#define CONN_DRAIN_STEPS 3 /* PTOs (of SLOW to MAX) after the last CLOSE in which a closed session answers the next */
#define CONN_NO_NUMBER UINT64_MAX /* no packet */
#define CONN_SKIP_PACKETS 256     /* about one number in so many is skipped (optimistic ACKs), */
#define CONN_SKIPS_IN_FLIGHT 4    /* and of a longer flight about so many, which LOSS_SKIPPED covers */
#define CONN_CAUTION_PTOS 2    /* timeouts in a row, or flights, unanswered: the next goes without marks, and alone */
#define CONN_FOLLOW_US 5000000 /* after own caution the peer's missing marks are not yet its word: it followed ours */
#define CONN_CHAT_EXTRA_PACKETS 2 /* control and chat may pass a full congestion window by so many packets */

/* What every connection of an endpoint shares; owned by the endpoint. */
struct conn_shared {
    struct endpoint_config cfg;
    struct duet_rand rng;
    struct events events;
    struct tracer tracer;
    uint64_t closes_unanswered;   /* as of endpoint_counters */
    struct frame_ack ack_scratch; /* 4 KB, so not one in each connection */
    size_t parked_bytes;          /* of ordered streams nobody has begun to read, over all connections */
};

/* A call for certain keys.  A SYN-ACK says which key made it, and anybody who saw the SYN can make
 * one: that of another key is kept until the right one had its time, as it came, and read once more
 * then. */
struct call {
    struct expected_keys expected;
    duet_time act_at; /* on what is kept; DUET_NEVER: nothing is */
    uint64_t cid_r;
    size_t noise_len;
    uint8_t noise[LIMIT_SYN_ACK_BYTES];
};

struct conn {
    /* What the endpoint finds it by. */
    struct heap_node timer;  /* its deadline in the endpoint's heap; first, so a node is its connection */
    struct conn *ready_next; /* the endpoint's queue of connections that can send now */
    bool ready;
    struct host *host; /* half-open: counted there, and among the endpoint's; else NULL */
    struct conn_shared *shared;
    conn_id id;              /* ours: packets to us carry it */
    struct attempt *attempt; /* whose leg it is, until it is connected; else NULL (attempt.h) */
    conn_id stands_for; /* the id of our own attempt: a further leg of it, or an answer to the SYN of a simultaneous
                              * one that will replace it; 0 */
    uint64_t syn_tag;   /* responder: of the SYN it answers, by which that is known when it comes again */

    /* Life. */
    enum conn_state state;
    bool initiator;      /* of the handshake */
    bool initiated;      /* endpoint_call led to it */
    bool connected_told; /* EVENT_CONNECTED was given */
    bool closed_told;    /* EVENT_CLOSED was given, or of a leg: it failed, */
    int failed_err;      /* with this */
    bool out_of_memory;  /* a record could not be kept: the connection ends */
    duet_time repeat_at; /* next repeat of SYN, ACK or CLOSE; DUET_NEVER */
    uint64_t repeat_us;
    uint32_t repeats;
    duet_time end_at; /* give up connecting / half-open life / end of closing and draining */

    /* The handshake. */
    struct handshake *hs;             /* until confirmed, then NULL */
    struct call *call;                /* SYN_SENT, and certain keys are expected; else NULL */
    bool other_version;               /* a VERSION packet said that the peer speaks another one */
    duet_time flight_at;              /* when the first packet of it left: an RTT sample if not repeated */
    duet_time flight_last_at;         /* … and last */
    bool flight_wanted;               /* a packet of it has to leave */
    uint8_t ack_tag[NOISE_TAG_BYTES]; /* responder: of the ACK that confirmed us */

    /* Both directions, once there are keys (transport_ready). */
    bool transport_ready;
    uint64_t session;  /* cid_i ^ cid_r */
    uint64_t peer_cid; /* packets to the peer carry it */
    uint8_t peer_key[NOISE_KEY_BYTES];
    struct params params; /* negotiated */
    struct keys *keys;
    struct path path;
    struct streams streams;
    struct liveness liveness;
    bool app_allowed; /* the peer may open streams of the application and send datagrams */

    /* In. */
    struct replay replay;
    struct acktr acktr;
    uint64_t largest_received; /* highest packet number that opened; valid when received_packets > 0 */
    bool peer_unmarked;        /* what came last bore no ECN mark: perhaps marks do not get through */
    size_t parked_bytes;       /* of streams, what shared counts */
    uint64_t received_bytes, received_packets, datagrams_received;

    /* Out. */
    uint64_t next_number;
    uint64_t skip_at;      /* the number to leave out */
    uint32_t packet_bytes; /* largest UDP payload we send now */
    struct loss loss;
    struct cc cc;
    struct pacer pacer;
    struct pmtud pmtud;
    struct ackpolicy ackpolicy; /* what we ask of the peer's acknowledgements */
    struct early_repeat early;
    struct tail tail;
    struct caution unmarked;  /* ECN marks seemed to get lost, */
    struct caution in_single; /* … trains did */
    uint64_t ce_reported;     /* CE marks the peer has told us of */
    bool cwnd_limited;        /* the window held us back since the last ACK */
    uint64_t limited_until;   /* what was sent when it last did, and before */
    bool done_wanted;         /* HANDSHAKE_DONE has to be sent (again) */
    uint64_t sent_bytes, datagrams_sent;

    /* The end. */
    uint64_t close_code;
    char close_reason[LIMIT_REASON_BYTES + 1];
    bool close_wanted;     /* a CLOSE has to leave, */
    bool close_is_last;    /* and nothing comes after it; */
    bool close_went_aside; /* the other route of a trial has it already */
    uint64_t close_sent;   /* the number of our first, */
    uint64_t close_heard;  /* and of the peer's latest, which ours acknowledge; CONN_NO_NUMBER: none yet */
};

/* ---- conn.c ---- */

/* A leg of an attempt: to reach addr until end_at (SYN_SENT), with that ephemeral key or, NULL, a
 * fresh one.  NULL: no memory. */
struct conn *conn_new_initiator(struct conn_shared *shared, conn_id id, const struct duet_addr *addr,
                                const uint8_t ephemeral[NOISE_KEY_BYTES], duet_time end_at, duet_time now);

/* Whose answer it waits for, before any came.  0, DUET_ENOMEM. */
int conn_expect(struct conn *c, const struct expected_keys *expected);

/* The answer to a SYN (SYN_RECEIVED), from the very address that got it: owns a handshake for which
 * handshake_answer succeeded.  NULL: no memory. */
struct conn *conn_new_responder(struct conn_shared *shared, conn_id id, const struct duet_route *route,
                                const struct handshake *hs, bool address_proven, duet_time now);
void conn_free(struct conn *c);

/* Keys exist: sets up everything above the handshake.  0, DUET_ENOMEM. */
int conn_start_transport(struct conn *c, duet_time now);

/* One that only says goodbye keeps what seals and opens packets; what it carried, and waited for,
 * goes. */
void conn_let_go(struct conn *c);
/* Brings what shared counts as parked up to date. */
void conn_count_parked(struct conn *c);

/* The path's packet size changed: pmtud says to what. */
void conn_packet_bytes(struct conn *c);

/* The peer is on another host: what was learnt of the way there is void (RFC 9000 §9.4). */
void conn_forget_path(struct conn *c, duet_time now);

/* The one place that changes the state, to one that may follow. */
void conn_enter(struct conn *c, enum conn_state to, duet_time now);

/* EVENT_CONNECTED, unless it was given. */
void conn_tell_connected(struct conn *c);
/* The peer has all of the handshake: ESTABLISHED. */
void conn_confirmed(struct conn *c, duet_time now);
/* EVENT_CONNECTED was given and nobody closes: its streams can be used. */
bool conn_is_usable(const struct conn *c);
/* Another answer to our SYN took the place of the first: the new keys, under which all that was
 * sent has to leave again (conn_rearm_all).  0, DUET_ENOMEM. */
int conn_change_keys(struct conn *c, duet_time now);

/* Starts closing, telling the peer.  In the handshake: ends at once. */
void conn_close(struct conn *c, enum endpoint_end end, uint64_t code, const char *reason, duet_time now);
/* A rule of the protocol was broken by the peer, or memory ran out: closes with the matching
 * code. */
void conn_fail(struct conn *c, int err, const char *what, duet_time now);
/* Over, without telling the peer: EVENT_CLOSED (of a leg that was not connected the attempt hears,
 * with err). */
void conn_abandon(struct conn *c, enum endpoint_end end, int err, duet_time now);

/* The peer's CLOSE came, in packet `number`: answers it, and each repeat of it, as long as the peer
 * may need that. */
void conn_peer_closed(struct conn *c, uint64_t number, uint64_t code, const uint8_t *reason, size_t len, duet_time now);
/* While closing or draining a packet brought CLOSE, an ACK up to `acked` (CONN_NO_NUMBER: none), or
 * both. */
void conn_close_came(struct conn *c, uint64_t number, bool has_close, uint64_t acked, duet_time now);

/* ---- conn_recv_handshake.c: a parsed packet for this connection; codes as endpoint_recv ---- */
int conn_recv_retry(struct conn *c, const struct packet *p, const struct duet_route *from, duet_time now);
int conn_recv_version(struct conn *c, const struct packet *p, const struct duet_route *from);
int conn_recv_syn_ack(struct conn *c, const struct packet *p, const struct duet_route *from, size_t len, duet_time now);
/* Time is up for the keys expected: acts on the answer of another. */
void conn_take_kept(struct conn *c, duet_time now);
int conn_recv_ack(struct conn *c, const struct packet *p, const struct duet_route *from, size_t len, duet_time now);

/* ---- conn_recv.c: the same ---- */
int conn_recv_data(struct conn *c, const struct packet *p, const struct duet_route *from, uint8_t *dgram, size_t len,
                   uint8_t ecn, duet_time now);

/* ---- conn_allow.c ---- */
/* ECN bits of the next packet: none while marked ones seem to vanish, or the peer sends none. */
uint8_t conn_ecn(const struct conn *c, duet_time now);
/* Several packets may leave as one train. */
bool conn_may_join(const struct conn *c, duet_time now);

/* ---- conn_send.c ---- */
/* Builds one packet of at most cap bytes; its length, 0: nothing to send now. *to is where it has
 * to go; NULL: one for the route in use, behind others of a train. */
size_t conn_send(struct conn *c, uint8_t *buf, size_t cap, duet_time now, struct duet_route *to);

/* ---- conn_timers.c ---- */
/* When conn_tick has something to do (sending aside: conn_plan.h). */
duet_time conn_deadline(const struct conn *c);
void conn_tick(struct conn *c, duet_time now);
/* Asks whether the peer is still there: EVENT_PRESENCE. */
void conn_ask(struct conn *c, duet_time now);
/* An authentic packet came: silence ends. */
void conn_heard(struct conn *c, duet_time now);

/* ---- conn_path.c: what the path is told; the connection follows where that leads ---- */
/* An authentic packet came. */
void conn_path_came(struct conn *c, const struct path_packet *came, duet_time now);
/* One whose number had come before, the datagram as it came. */
void conn_path_came_again(struct conn *c, struct path_packet *came, const struct packet *p, uint8_t *dgram,
                          duet_time now);
void conn_path_answered(struct conn *c, const uint8_t data[FRAME_PATH_BYTES], duet_time now);
void conn_path_tick(struct conn *c, duet_time now);

/* ---- conn_acked.c: streams and controller hear what became of packets ---- */
void conn_acked(struct conn *c, const struct loss_summary *s, duet_time now);
/* The route in use led nowhere, and another one is in use: what is under way will leave again, and
 * nobody takes that for congestion, or for packets too large. */
void conn_flight_lost(struct conn *c, duet_time now);
/* EVENT_RELEASED for every source of b in [start, end) that is no longer needed. */
void conn_release_sources(struct conn *c, struct bulksend *b, uint64_t start, uint64_t end);
/* What packet `number`, outstanding, carried will leave again though it is not lost.  false: it
 * carried nothing of use. */
bool conn_repeat(struct conn *c, uint64_t number);
/* Carries the oldest outstanding data again (a probe). */
void conn_rearm_oldest(struct conn *c);
/* Carries all outstanding data again. */
void conn_rearm_all(struct conn *c);

#endif
