/*
 * packet: headers of the six packets, and the CRC32C of the unkeyed ones
 * (PROTOCOL.md §2 draws each).
 *
 *   SYN      type version flags token_len | cid_i 8 | token 0/40 | noise_len 2 | noise | zeros | crc 4   = 1200
 *   RETRY    type version | cid_i 8 | token 40 | crc 4
 *   SYN-ACK  type version | cid_i 8 | cid_r 8 | noise | crc 4                                             < 400
 *   ACK      type version | cid_r 8 | noise | crc 4
 *   VERSION  type count | cid_i 8 | versions[count] | crc 4                                               <= 40
 *   DATA     type+epoch | dcid 8 | packet number 8 | sealed frames | tag 16
 *
 * The parsed form points into the datagram; nothing is copied or owned.
 */
#ifndef DUET_WIRE_PACKET_H
#define DUET_WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/limits.h"

enum packet_type {
    PACKET_SYN = 0x01,
    PACKET_RETRY = 0x02,
    PACKET_SYN_ACK = 0x03,
    PACKET_ACK = 0x04,
    PACKET_VERSION = 0x05,
    PACKET_DATA = 0x40, /* the low two bits are the key epoch */
};
#define PACKET_EPOCH_MASK 0x03
#define PACKET_VERSIONS_MAX 16

/* The SYN's first bytes that go into the Noise prologue: type, version, flags, cid_i. */
#define PACKET_SYN_BOUND_BYTES 11

/* Flag of a SYN: its sender answers no SYNs, so this attempt is the only way to a session with it (PROTOCOL.md §3.4).
 * Other bits are sent as 0 and ignored. */
#define PACKET_SYN_SOLE 0x01

struct packet {
    enum packet_type type;
    uint8_t version;      /* not in DATA */
    uint8_t flags;        /* SYN: PACKET_SYN_SOLE, other bits ignored */
    uint8_t epoch;        /* DATA: 0..3 */
    uint64_t cid_i;       /* SYN, RETRY, SYN-ACK, VERSION */
    uint64_t cid_r;       /* SYN-ACK, ACK */
    uint64_t dcid;        /* DATA */
    uint64_t number;      /* DATA */
    const uint8_t *token; /* SYN, RETRY; LIMIT_TOKEN_BYTES or NULL */
    const uint8_t *noise; /* SYN, SYN-ACK, ACK */
    size_t noise_len;
    const uint8_t *versions; /* VERSION */
    size_t versions_len;
    size_t header_len; /* DATA: bytes before the sealed part */
};

/*
 * Parses one datagram: length first, then CRC, then fields; never reads past
 * len.  A SYN of an unknown version parses as far as cid_i with noise NULL and
 * returns DUET_EUNSUPPORTED, so that a VERSION can be answered; of any other
 * packet an unknown version is malformed.
 * 0, DUET_EMALFORMED, DUET_EUNSUPPORTED (a SYN only).
 */
int packet_parse(struct packet *p, const uint8_t *dgram, size_t len);

/* Writers: bytes written or DUET_ERANGE when it does not fit cap.  The noise
 * message is passed in and copied. */
ssize_t packet_write_syn(uint8_t *buf, size_t cap, uint8_t flags, uint64_t cid_i, const uint8_t *token,
                         const uint8_t *noise, size_t noise_len);
ssize_t packet_write_retry(uint8_t *buf, size_t cap, uint64_t cid_i, const uint8_t token[LIMIT_TOKEN_BYTES]);
ssize_t packet_write_syn_ack(uint8_t *buf, size_t cap, uint64_t cid_i, uint64_t cid_r, const uint8_t *noise,
                             size_t noise_len);
ssize_t packet_write_ack(uint8_t *buf, size_t cap, uint64_t cid_r, const uint8_t *noise, size_t noise_len);
ssize_t packet_write_version(uint8_t *buf, size_t cap, uint64_t cid_i);
void packet_write_data_header(uint8_t buf[LIMIT_DATA_HEADER_BYTES], uint8_t epoch, uint64_t dcid, uint64_t number);

/* The bytes of a SYN that its Noise prologue binds. */
void packet_syn_bound(uint8_t out[PACKET_SYN_BOUND_BYTES], uint8_t version, uint8_t flags, uint64_t cid_i);

uint32_t packet_crc32c(const uint8_t *bytes, size_t len);

const char *packet_type_name(enum packet_type type); /* "syn_ack" */

#endif
