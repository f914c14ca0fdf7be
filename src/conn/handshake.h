/*
 * handshake: SYN, SYN-ACK, ACK as Noise XXpsk3 with parameters inside
 * (PROTOCOL.md §3 numbers the steps).
 *
 *   H1  initiator  handshake_start     SYN:     e, params proposed
 *   H2  responder  handshake_answer    SYN-ACK: e, s, status, cid_r, name, params result
 *   H3  initiator  handshake_confirm   ACK:     s, name
 *   H4  responder  handshake_complete
 *
 * Every read works on a copy of the Noise state and commits it only when the
 * message verified, so a forged packet leaves the handshake where it was.
 * No timers and no addresses here: conn repeats, endpoint demultiplexes.
 */
#ifndef DUET_CONN_HANDSHAKE_H
#define DUET_CONN_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rand.h"
#include "conn/types.h"
#include "crypto/noise.h"
#include "wire/packet.h"
#include "wire/params.h"

#define HANDSHAKE_NOISE_BYTES 384 /* room for any of the three Noise messages */

struct handshake {
    struct noise noise;
    uint8_t flags; /* of the SYN: PACKET_SYN_SOLE */
    uint64_t cid_i;
    uint64_t cid_r;         /* initiator: 0 before H3 */
    struct params proposed; /* the initiator's */
    struct params result;   /* valid from H2 on */
    uint64_t refusal;       /* enum params_refusal: status in the SYN-ACK */
    char peer_name[LIMIT_NAME_BYTES + 1];
    uint8_t token[LIMIT_TOKEN_BYTES];
    bool has_token;
    uint8_t message[HANDSHAKE_NOISE_BYTES]; /* the Noise message of our last flight */
    size_t message_len;
    /* The initiator can take another SYN-ACK for the same SYN, should the responder have forgotten
     * the first answer. */
    struct noise after_syn;
    uint8_t syn[HANDSHAKE_NOISE_BYTES];
    size_t syn_len;
};

/* H1.  Who takes no connections (cfg->accept) says so.  0, or DUET_ERANGE (a bug: the proposal does
 * not fit). */
int handshake_start(struct handshake *h, const struct endpoint_config *cfg, uint64_t cid_i, struct duet_rand *rng);

/* The same with the ephemeral key of another SYN, of the same attempt: one of the two at most is
 * ever answered by an ACK. */
int handshake_start_again(struct handshake *h, const struct endpoint_config *cfg, uint64_t cid_i,
                          const uint8_t ephemeral[NOISE_KEY_BYTES]);

/* The SYN to send, with the token once a RETRY brought one.  Bytes, or DUET_ERANGE (cap). */
ssize_t handshake_syn(const struct handshake *h, uint8_t *buf, size_t cap);

/* H2.  `refusal` other than REFUSAL_NONE answers with that status.  0; DUET_EAUTH, DUET_EMALFORMED:
 * drop the SYN. */
int handshake_answer(struct handshake *h, const struct endpoint_config *cfg, const struct packet *syn, uint64_t cid_r,
                     enum params_refusal refusal, struct duet_rand *rng);
ssize_t handshake_syn_ack(const struct handshake *h, uint8_t *buf, size_t cap);

/* H3.  0: confirmed, the ACK is ready; DUET_EREFUSED: refusal says why; DUET_EAUTH,
 * DUET_EMALFORMED: drop it; DUET_EPROTOCOL: authentic but not a result of our proposal.  A further
 * answer to the same SYN takes the place of the first only if it comes from the same key with the
 * same parameters (DUET_EAUTH): what was built on that one stays.  DUET_ETRUST: authentic, but of
 * none of the keys in `expected` (NULL: of any), whatever else it says. */
int handshake_confirm(struct handshake *h, const struct endpoint_config *cfg, const struct expected_keys *expected,
                      const struct packet *syn_ack);
ssize_t handshake_ack(const struct handshake *h, uint8_t *buf, size_t cap);

/* H4.  0; DUET_EAUTH, DUET_EMALFORMED: drop it. */
int handshake_complete(struct handshake *h, const struct packet *ack);

void handshake_wipe(struct handshake *h);

#endif
