/*
 * params: what the two sides negotiate, and its codec (PROTOCOL.md §3.2).
 *
 * The SYN proposes, the SYN-ACK confirms the result (params_negotiate), both
 * inside the Noise transcript, so neither can be changed on the way.  TLV: id
 * varint, length varint, value (one varint for every id of version 1).  Unknown
 * ids are skipped; a repeated id, more than 32 fields or a value outside its
 * limits is DUET_EMALFORMED.
 *   1 mode  2 max_packet_bytes  3 window_bytes  4 heartbeat_us  5 lost_us  6 suites  7 features
 */
#ifndef DUET_WIRE_PARAMS_H
#define DUET_WIRE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/limits.h"

enum params_mode {
    MODE_BURST = 1, /* selective repeat in the negotiated window */
    MODE_STEP = 2,  /* one data packet outstanding */
};

/* Cipher suites as bits of `suites`. */
enum params_suite {
    SUITE_AES128GCM = 1,
    SUITE_CHACHA20POLY1305 = 2,
};

/* `features`: what either side may do only if both can. */
enum params_feature {
    FEATURE_STREAMS = 1,   /* streams of the application (PROTOCOL.md §7.1) */
    FEATURE_DATAGRAMS = 2, /* §7.2 */
};

struct params {
    enum params_mode mode;
    uint32_t max_packet_bytes; /* LIMIT_PACKET_MIN..MAX: largest UDP payload this side takes */
    uint64_t window_bytes;     /* LIMIT_WINDOW_MIN..MAX: most bulk bytes unacknowledged, and unconsumed */
    uint64_t heartbeat_us;     /* HEARTBEAT_MIN..MAX */
    uint64_t lost_us;          /* silence that ends the session; >= UNREACHABLE_US */
    uint32_t suites;           /* proposal: bits of params_suite; result: exactly one bit */
    uint64_t features;         /* bits of params_feature; unknown ones are ignored */
    enum params_suite prefer;  /* never on the wire: the responder's choice where both offer both; 0: AES */
};

/* Status of a SYN-ACK. */
#define REFUSAL_LIST(X)                                                \
    X(REFUSAL_NONE, 0, "accepted")                                     \
    X(REFUSAL_BUSY, 1, "the peer has too many connections")            \
    X(REFUSAL_NOT_WAITING, 2, "the peer is not accepting connections") \
    X(REFUSAL_PARAMS, 3, "no common parameters")
enum params_refusal {
#define X(name, value, words) name = value,
    REFUSAL_LIST(X)
#undef X
};
const char *params_refusal_text(uint64_t refusal); /* of an unknown one it says so */

struct params params_default(void);

/* 0, or DUET_ERANGE when a field is outside its limits. */
int params_check(const struct params *p);

void params_write(const struct params *p, struct writer *w);

/* Reads to the end of r.  Absent fields take their defaults; suites unknown here are dropped,
 * which may leave none (params_negotiate then refuses).  0, DUET_EMALFORMED. */
int params_read(struct params *p, struct reader *r);

/*
 * The result both sides can derive: step if either asks for it; the smaller
 * packet, window and heartbeat; the smaller lost_us; own->prefer (the
 * responder's: SUITE_AES128GCM where its CPU has AES) if both offer it, else the
 * suite both do.  0, DUET_EUNSUPPORTED: no common suite.
 */
int params_negotiate(const struct params *proposed, const struct params *own, struct params *result);

/* Do both say the same, as far as it goes over the wire? */
bool params_same(const struct params *a, const struct params *b);

/* Is `result` something an honest responder could make of `proposed`? */
bool params_result_fits(const struct params *proposed, const struct params *result);

#endif
