/*
 * limits: every protocol constant with its unit, in one place (PROTOCOL.md
 * quotes this file).  Bounds on what a peer may make us hold are here too.
 */
#ifndef DUET_WIRE_LIMITS_H
#define DUET_WIRE_LIMITS_H

#include <stdint.h>

#define DUET_PROTOCOL_NAME "duet"
#define DUET_VERSION_WIRE 1
#define DUET_DEFAULT_PORT 6254

/* Packets, bytes of UDP payload. */
#define LIMIT_SYN_BYTES 1200         /* a SYN is padded to this; RFC 9000 §14.1 has the same reason */
#define LIMIT_SYN_ACK_BYTES 400      /* a SYN-ACK is shorter than a third of a SYN */
#define LIMIT_PACKET_MIN_BYTES 1200  /* every path carries this */
#define LIMIT_PACKET_MAX_BYTES 65507 /* largest UDP payload over IPv4 */
#define LIMIT_PACKET_FRAMES 64       /* in one packet, a run of padding being one: each costs whoever reads it */
#define LIMIT_TAG_BYTES 16
#define LIMIT_DATA_HEADER_BYTES 17 /* type, dcid, packet number */
#define LIMIT_TOKEN_BYTES 40
#define LIMIT_NAME_BYTES 64                     /* display name, UTF-8 */
#define LIMIT_REASON_BYTES 128                  /* text in CLOSE and in a refusal, UTF-8 */
#define LIMIT_PACKET_NUMBER (UINT64_C(1) << 62) /* the session ends here: nonces never repeat */

/* Handshake. */
#define LIMIT_HALF_OPEN 256          /* connections answered but not confirmed */
#define LIMIT_HALF_OPEN_RETRY 64     /* from here on a SYN needs a RETRY token */
#define LIMIT_HALF_OPEN_PER_HOST 128 /* … of one host: an IPv4 address, a /64 of IPv6 */
#define LIMIT_WASTED_ANSWERS 64      /* SYNs a second that no connection came of: then a SYN needs a token as well, */
#define LIMIT_WASTED_PROVEN 512      /* and so many with a good token: then only hosts that wasted none are answered */
#define LIMIT_HALF_OPEN_US 15000000  /* life of a half-open connection, from its first SYN */
#define LIMIT_TOKEN_US 10000000      /* life of a RETRY token */
#define LIMIT_AMPLIFICATION 3        /* bytes out per byte in before the address is proven */
#define LIMIT_FOREIGN_ANSWER_US 3000000 /* after an answer by a key not expected, the expected one still has so long */
#define HANDSHAKE_FIRST_US 100000       /* first repeat of SYN, of ACK; on a long path before the answer */
#define HANDSHAKE_MAX_US 1000000        /* waits grow by half up to this: who comes late is met within a second */
#define LIMIT_CONNS 4096                /* connections on one endpoint */

/* Replay window, packets. */
#define LIMIT_REPLAY_BITS (UINT32_C(1) << 18)

/* Acknowledgements. */
#define LIMIT_ACK_RANGES 256       /* ranges remembered for one peer and sent in one frame, in either form */
#define LIMIT_ACK_PACKETS 256      /* what ACK_POLICY may ask for is bounded: packets without an ACK, */
#define LIMIT_ACK_DELAY_MIN_US 200 /* and the wait for one, */
#define LIMIT_ACK_DELAY_MAX_US 25000
#define LIMIT_ACK_MAP_BYTES 256 /* of an ACK's bitmap: the 2048 packets below the newest range */

/* Streams. */
#define LIMIT_STREAMS 64                       /* streams of one kind a peer may have open */
#define LIMIT_STREAM_WINDOW_BYTES (256 * 1024) /* ordered stream: most unread bytes */
#define LIMIT_STREAM_FIRST_BYTES (16 * 1024)   /* … until the application first reads it: HELLO and a dozen offers */
#define LIMIT_PARKED_BYTES (8 * 1024 * 1024)   /* memory of such unread streams over all connections of an endpoint */
#define LIMIT_ORDERED_RANGES 1024 /* holes in an ordered stream being received: more, and packets are dropped */
#define LIMIT_WINDOW_MIN_BYTES (64 * 1024)
/* 1 Gbit/s over 300 ms is 37.5 MB, a quarter more where 20 % gets lost; fits the chunk pool of 52 MiB. */
#define LIMIT_WINDOW_MAX_BYTES (48 * 1024 * 1024)
#define LIMIT_WINDOW_DEFAULT_BYTES LIMIT_WINDOW_MAX_BYTES
#define LIMIT_SENT_PACKETS 262144 /* packets in the air or lost and still remembered; a power of two */
#define LIMIT_EXTENT_RANGES 65536 /* holes in one bulk stream, each side */

/* Streams of the application (PROTOCOL.md §7.1). */
#define LIMIT_APP_STREAMS 64                        /* open at once that one side opened */
#define LIMIT_APP_FIRST_BYTES (1024 * 1024)         /* of one and one direction, before MAX_STREAM_DATA raises it */
#define LIMIT_APP_SUM_FIRST_BYTES (2 * 1024 * 1024) /* of all: what a peer, once trusted, may have unread */
#define LIMIT_APP_SUM_MAX_BYTES (16 * 1024 * 1024)  /* … as it is read: 1 Gbit/s over 130 ms; shared out by key */
#define LIMIT_APP_RANGES 4096 /* holes in one being received: 20 % loss in the window of 1440-byte packets have 2300 */

/* Liveness, microseconds (PROTOCOL.md §9.3). */
#define HEARTBEAT_DEFAULT_US 5000000
#define HEARTBEAT_MIN_US 500000
#define HEARTBEAT_MAX_US 60000000
/* Silence that makes a peer unreachable: 15 s, less a second for the news to be shown. */
#define UNREACHABLE_US 14000000
/* Silence that is asked about whatever the heartbeat: nobody is unreachable who was not asked. */
#define SILENCE_ASK_US (UNREACHABLE_US / 2)
#define LOST_DEFAULT_US 600000000 /* silence that ends the session */

#endif
