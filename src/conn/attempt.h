/*
 * attempt: one call, at every address where its peer may be, in the manner of RFC 8305 ("Happy
 * Eyeballs").
 *
 *   endpoint_call ─▶ first address: a leg ──── SYN-ACK ────▶ the winner ── confirmed ──▶ EVENT_CONNECTED
 *        │           the next one after ATTEMPT_DELAY_US,        │
 *        │           or as soon as the last one stalls           ├─ it fails ──▶ EVENT_FAILED
 *        └── every leg fails, or the time is up ─────────────────┘
 *
 * A leg is a connection in SYN_SENT.  The first whose answer is authentic wins: the others end
 * without a word, before any of them could send an ACK, so a peer that is reached at several
 * addresses never has more than one session. What it holds half-open for the others is gone after
 * LIMIT_HALF_OPEN_US.
 *
 * All legs of an attempt show the same ephemeral key.  Which side gives way when both call each
 * other is decided by that key (accept.c), and has to be decided alike at each pair of addresses,
 * or two sessions would come of it. Only one leg ever goes beyond its SYN, so the key is used once.
 *
 * An attempt is known by the id of its first leg.  A part of the endpoint; it ends when its winner
 * is confirmed, when it failed, or when a session takes its place.
 */
#ifndef DUET_CONN_ATTEMPT_H
#define DUET_CONN_ATTEMPT_H

#include "conn/endpoint_state.h"

#define ATTEMPT_DELAY_US 250000 /* between one address and the next: RFC 8305 §5, "Connection Attempt Delay" */

struct candidate {
    struct duet_addr addr;
    struct conn *leg; /* NULL: not begun, or over */
    bool is_over;
    int err; /* why it is over */
    uint64_t refusal;
    bool is_hinted; /* it may come to nothing … */
    enum endpoint_hint hint;
    int hint_sys;
};

struct attempt {
    struct attempt *next;
    conn_id id;
    uint8_t flags; /* of its SYNs */
    struct noise_keypair ephemeral;
    struct expected_keys expected;
    duet_time end_at;
    duet_time begun_at; /* the last leg */
    size_t count, begun;
    struct candidate v[CALL_ADDRESSES];
    struct conn *winner;
    bool is_hint_told;
    bool is_shortened; /* one address gave its answer: the others have LIMIT_FOREIGN_ANSWER_US */
    bool is_over;      /* freed with the next tick */
};

/* As endpoint_call. */
int attempt_begin(struct endpoint *e, const struct duet_addr *addrs, size_t count, const struct expected_keys *expected,
                  duet_time now, conn_id *out);
/* Its owner gave it up: EVENT_FAILED. */
void attempt_close(struct endpoint *e, struct attempt *a, uint64_t code, const char *reason, duet_time now);
/* A session with the one it was for is there: no event. */
void attempt_replaced(struct endpoint *e, struct attempt *a, duet_time now);
void attempt_free_all(struct endpoint *e);

/* NULL: none is under way of that id; to that address; whose SYN shows that key. */
struct attempt *attempt_find(const struct endpoint *e, conn_id id);
struct attempt *attempt_to(const struct endpoint *e, const struct duet_addr *addr);
struct attempt *attempt_of(const struct endpoint *e, const uint8_t ephemeral[NOISE_KEY_BYTES]);
bool attempt_has(const struct attempt *a, const struct duet_addr *addr);

/* Something happened to a leg; it may be gone afterwards for the attempt, but stays a
 * connection. */
void attempt_look(struct endpoint *e, struct conn *leg);
/* An authentic answer came to it: the others end.  Right after the answer, before anything else
 * arrives. */
void attempt_settle(struct endpoint *e, struct conn *leg, duet_time now);
/* A leg may come to nothing; sys: errno where there is one. */
void attempt_hint(struct endpoint *e, struct conn *leg, enum endpoint_hint what, int sys);
/* The legs to that address.  false: there is none. */
bool attempt_hint_at(struct endpoint *e, const struct duet_addr *at, enum endpoint_hint what, int sys);

duet_time attempt_deadline(const struct endpoint *e);
void attempt_tick(struct endpoint *e, duet_time now);

#endif
