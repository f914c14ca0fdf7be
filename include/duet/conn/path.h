/*
 * path: where the peer is, whether it proved to be there, and what may be sent
 * to it before (RFC 9000 §8.1, §8.2, §9 in miniature).
 *
 * Until an address is proven, no more than LIMIT_AMPLIFICATION times the bytes
 * received from it go to it.  An authentic packet with the highest number yet
 * from another address moves the path there at once; a challenge has to be
 * answered from it within PATH_VALIDATE_US, else the path falls back.
 * Value type; virtual time.
 */
#ifndef DUET_CONN_PATH_H
#define DUET_CONN_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "duet/base/addr.h"
#include "duet/base/rand.h"
#include "duet/base/time.h"
#include "duet/wire/frame.h"

#define PATH_VALIDATE_US 3000000 /* a challenge unanswered for so long failed */
#define PATH_CHALLENGE_US 300000 /* it is repeated this often meanwhile */

struct path {
    struct duet_route route; /* where it is, and at which address of ours it reached us */
    bool validated;
    uint64_t received_bytes;  /* on this route, while not validated */
    uint64_t sent_bytes;      /* on it, while not validated */
    struct duet_route former; /* the last validated one; its peer ADDR_NONE: none to fall back to */
    uint8_t challenge[FRAME_PATH_BYTES];
    duet_time challenge_at; /* when the next PATH_CHALLENGE leaves; DUET_NEVER: none */
    duet_time give_up_at;   /* when the address counts as failed; DUET_NEVER */
    uint8_t response[FRAME_PATH_BYTES];
    bool response_wanted;
};

void path_init(struct path *p, const struct duet_route *route, bool validated);

/* Bytes that may go to the address now; UINT64_MAX once it is validated. */
uint64_t path_allowance(const struct path *p);
void path_received(struct path *p, uint64_t bytes);
void path_sent(struct path *p, uint64_t bytes);
void path_validate(struct path *p);

/* The peer is there now. */
void path_move(struct path *p, const struct duet_route *to, struct duet_rand *rng, duet_time now);
/* A PATH_RESPONSE came from `from`; true: the address is proven now. */
bool path_response(struct path *p, const struct duet_route *from, const uint8_t data[FRAME_PATH_BYTES]);
/* Time passed; true: the new address failed and the former one is in force again. */
bool path_tick(struct path *p, duet_time now);

#endif
