/*
 * path: which route leads to the peer (RFC 9000 §8.2 and §9; PROTOCOL.md §9.4).
 *
 * Everything is sent on the route in use.  An authentic packet with the highest
 * number yet from elsewhere moves nothing: it begins a trial between the route
 * in use (home) and its own (the candidate).  Each gets a challenge of its own,
 * and whichever the peer answers is known to lead to it, by whatever way that
 * answer came back.  Home is heard when a packet at least as new as the one that
 * began the trial comes from there, be it for the second time: then the peer is
 * still there, and somebody else was faster with a copy.
 *
 *   home answered and heard                          home is in use; the trial is over
 *   the candidate answered, and home not heard, or   the candidate is in use, as long
 *   heard and silent for a probe timeout             as home does not answer and is heard
 *   PATH_TRIAL_US over                               whichever is in use stays
 *
 * A third route waits until both have had a probe timeout.  Which one is the
 * next candidate is a matter of luck, not of speed: whoever copies, from however
 * many addresses, keeps no peer from having its turn.
 *
 * So who only copies packets wins nothing; who passes the challenge on, too, has
 * the route for as long as the other one does not work; and a NAT's new port is
 * in use a round trip after the first packet came from there.
 *
 * Until the candidate answered, LIMIT_AMPLIFICATION times the bytes that came
 * from it go there at most; so much for the address of a handshake, too.
 * Value type; virtual time.
 */
#ifndef DUET_CONN_PATH_H
#define DUET_CONN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"
#include "base/time.h"
#include "wire/frame.h"
#include "wire/limits.h"

#define PATH_TRIAL_US 3000000        /* a trial takes so long at most */
#define PATH_CHALLENGE_MIN_US 50000  /* what is not answered is asked again after a probe timeout, but this at least, */
#define PATH_CHALLENGE_MAX_US 300000 /* … and at most */
#define PATH_REST_US 1000000         /* a copier begins the next trial this late, unless the route seems dead */
#define PATH_AHEAD_BYTES 96          /* of files less is not worth a packet */
#define PATH_REPLIES 4               /* answers that wait to leave; the peer repeats other challenges */
/* The shortest packet with a PATH_* frame: a challenge that came allows an answer of the same size,
 * wherever it goes. */
#define PATH_FRAME_BYTES (1 + FRAME_PATH_BYTES)
#define PATH_PACKET_BYTES (LIMIT_DATA_HEADER_BYTES + PATH_FRAME_BYTES + LIMIT_TAG_BYTES)

struct path_side {
    struct duet_route route;
    uint8_t challenge[FRAME_PATH_BYTES];
    bool is_due;      /* its challenge has to leave (again) */
    bool is_answered; /* what we send there reaches the peer */
};

struct path_trial {
    bool is_on;
    struct path_side home, candidate;
    uint64_t number;         /* of the packet that began it */
    bool home_heard;         /* that or a later one, or a copy, came from home */
    uint64_t received_bytes; /* from the candidate, */
    uint64_t sent_bytes;     /* and to it, while it has not answered */
    bool ack_wanted;         /* an ACK went to the route in use: the candidate gets one, too */
    duet_time patient_until; /* both have had the time to answer */
    /* Of the packets that came from third routes meanwhile one, each with the same chance: the next
     * candidate. */
    struct duet_route next;
    uint64_t next_number;
    size_t next_bytes, next_sent_bytes; /* an answer to a challenge went there already */
    uint64_t next_of;
    uint64_t repeat_us;
    duet_time repeat_at, end_at;
};

struct path_reply {
    struct duet_route to;
    uint8_t data[FRAME_PATH_BYTES];
};

struct path {
    struct duet_route route; /* in use: where the peer is, and at which address of ours it reaches us */
    bool validated;          /* false: only in a handshake */
    uint64_t received_bytes; /* on this route, while not validated */
    uint64_t sent_bytes;     /* on it, while not validated */
    struct path_trial trial;
    duet_time rest_until; /* home won a trial: no other before */
    struct path_reply replies[PATH_REPLIES];
    size_t reply_count;
};

/* A packet for a route of its own choice, in the order in which they leave. */
enum path_errand_kind { PATH_RESPONSE, PATH_CHALLENGE, PATH_ACK };
struct path_errand {
    enum path_errand_kind kind;
    struct duet_route to;
    const uint8_t *data; /* of RESPONSE and CHALLENGE */
    size_t room;         /* as long as the packet may be; PATH_PACKET_BYTES at least */
};

/* What came, and from where. */
struct path_packet {
    const struct duet_route *from;
    uint64_t number;
    size_t bytes;
    bool is_newest; /* its number is the highest yet */
};

/* What the connection knows of the route in use. */
struct path_view {
    uint64_t pto_us;
    bool in_doubt; /* packets time out there */
    duet_time now;
};

void path_init(struct path *p, const struct duet_route *route, bool validated);

/* ---- of a handshake ---- */

/* Bytes that may go to the address now; UINT64_MAX once it is validated. */
uint64_t path_allowance(const struct path *p);
void path_received(struct path *p, uint64_t bytes);
void path_sent(struct path *p, uint64_t bytes);
void path_validate(struct path *p);

/* ---- of a session: any of these may put another route in use ---- */

/* An authentic packet came; true: it began a trial. */
bool path_came(struct path *p, const struct path_packet *came, const struct path_view *v, struct duet_rand *rng);
/* One came whose number had come before.  Nobody looked whether it is authentic: all it can do is
 * to have home waited for, or kept if that answers. */
void path_came_again(struct path *p, const struct path_packet *came, duet_time now);
/* Such a copy of the newest packet is worth opening, and path_came: while home does not answer this
 * may be the peer, whom somebody outruns. */
bool path_wants_copy(const struct path *p, const struct duet_route *from);
/* PATH_RESPONSE came, from wherever. */
void path_answered(struct path *p, const uint8_t data[FRAME_PATH_BYTES], duet_time now);
void path_tick(struct path *p, const struct path_view *v, struct duet_rand *rng);
duet_time path_deadline(const struct path *p);

/* The route in use may lead nowhere: neither answered nor heard since the trial began. */
bool path_is_in_doubt(const struct path *p);
/* The candidate, if home is in doubt and it may get so much: whatever would go nowhere else may go
 * there; NULL: no. */
const struct duet_route *path_ahead(const struct path *p, size_t *room);
/* The other route of a trial, and how long a packet it may get; NULL: there is none, or not one as
 * long as `least`. */
const struct duet_route *path_other(const struct path *p, size_t least, size_t *room);
/* A packet with an ACK left on the route in use. */
void path_acked(struct path *p);

/* PATH_CHALLENGE came.  Its answer goes to where it came from, for the peer may be nowhere else,
 * and on the route in use, for what came may have been a copy. */
void path_challenged(struct path *p, const struct duet_route *from, const uint8_t data[FRAME_PATH_BYTES]);
/* The next packet that leaves by a route of its own; false: none. */
bool path_errand(const struct path *p, struct path_errand *out);
/* It left. */
void path_errand_sent(struct path *p, const struct path_errand *e, size_t bytes);
/* So did something else that is not for the route in use. */
void path_sent_to(struct path *p, const struct duet_route *to, size_t bytes);

/* An address of ours is gone: from where is the kernel's choice again. */
void path_local_gone(struct path *p, const struct duet_addr *local);

#endif
