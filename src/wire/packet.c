/*
 * packet: headers of the six packets and the CRC32C of those sent before keys
 * exist.
 *
 * The CRC (RFC 3720 §B.4's polynomial) finds damage, never an attacker: what
 * matters in a SYN, SYN-ACK or ACK is inside the Noise transcript.  Everything
 * parsed here may come from anyone, so the order is fixed: length, CRC, fields;
 * and a packet has exactly one valid length for its contents.
 */
#include "wire/packet.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

#define CRC_BYTES 4
#define CID_BYTES 8

/* Bytes before and behind the parts of variable length. */
#define SYN_FIXED_BYTES (4 + CID_BYTES + 2 + CRC_BYTES)
#define RETRY_BYTES (2 + CID_BYTES + LIMIT_TOKEN_BYTES + CRC_BYTES)
#define SYN_ACK_FIXED_BYTES (2 + 2 * CID_BYTES + CRC_BYTES)
#define ACK_FIXED_BYTES (2 + CID_BYTES + CRC_BYTES)
#define VERSION_FIXED_BYTES (2 + CID_BYTES + CRC_BYTES)
#define DATA_MIN_BYTES (LIMIT_DATA_HEADER_BYTES + LIMIT_TAG_BYTES)

/*
 * The byte table of the reflected polynomial 0x82f63b78.  CRCs are linear, so
 * an entry is the XOR of the entries of its bits, and those are eight numbers.
 */
#define CRC_BIT(i, bit, value) (((i) & (bit)) != 0 ? UINT32_C(value) : 0)
#define CRC_1(i)                                                                                  \
    (CRC_BIT(i, 0x01, 0xf26b8303) ^ CRC_BIT(i, 0x02, 0xe13b70f7) ^ CRC_BIT(i, 0x04, 0xc79a971f) ^ \
     CRC_BIT(i, 0x08, 0x8ad958cf) ^ CRC_BIT(i, 0x10, 0x105ec76f) ^ CRC_BIT(i, 0x20, 0x20bd8ede) ^ \
     CRC_BIT(i, 0x40, 0x417b1dbc) ^ CRC_BIT(i, 0x80, 0x82f63b78))
#define CRC_4(i) CRC_1(i), CRC_1((i) + 1), CRC_1((i) + 2), CRC_1((i) + 3)
#define CRC_16(i) CRC_4(i), CRC_4((i) + 4), CRC_4((i) + 8), CRC_4((i) + 12)
#define CRC_64(i) CRC_16(i), CRC_16((i) + 16), CRC_16((i) + 32), CRC_16((i) + 48)

static const uint32_t crc_table[256] = {CRC_64(0), CRC_64(64), CRC_64(128), CRC_64(192)};

uint32_t packet_crc32c(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++)
        crc = (crc >> 8) ^ crc_table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

/* Does the packet end in the CRC of what is before it?  len >= CRC_BYTES. */
static bool crc_matches(const uint8_t *dgram, size_t len)
{
    struct reader r = reader_of(dgram + len - CRC_BYTES, CRC_BYTES);

    return reader_u32(&r) == packet_crc32c(dgram, len - CRC_BYTES);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

/* The Noise message is all that is left before the CRC. */
static void take_noise(struct packet *p, struct reader *r)
{
    p->noise_len = reader_left(r);
    p->noise = reader_bytes(r, p->noise_len);
}

static int parse_syn(struct packet *p, struct reader *r, size_t len)
{
    p->version = reader_u8(r);
    p->flags = reader_u8(r);
    uint8_t token_len = reader_u8(r);
    p->cid_i = reader_u64(r);
    /* Up to here every version is alike, so that each can say which it speaks. */
    if (p->version != DUET_VERSION_WIRE)
        return DUET_EUNSUPPORTED;

    if (len != LIMIT_SYN_BYTES || (token_len != 0 && token_len != LIMIT_TOKEN_BYTES))
        return DUET_EMALFORMED;
    if (token_len != 0)
        p->token = reader_bytes(r, token_len);
    size_t noise_len = reader_u16(r);
    if (noise_len == 0 || noise_len > reader_left(r))
        return DUET_EMALFORMED;
    p->noise_len = noise_len;
    p->noise = reader_bytes(r, noise_len);
    return all_zero(r->at, reader_left(r)) ? 0 : DUET_EMALFORMED;
}

static int parse_known_version(struct packet *p, struct reader *r)
{
    p->version = reader_u8(r);
    if (p->version != DUET_VERSION_WIRE)
        return DUET_EMALFORMED; /* nothing to be answered here: only a SYN asks for a VERSION */

    if (p->type == PACKET_ACK)
        p->cid_r = reader_u64(r);
    else
        p->cid_i = reader_u64(r);
    if (p->type == PACKET_SYN_ACK)
        p->cid_r = reader_u64(r);
    if (p->type == PACKET_RETRY)
        p->token = reader_bytes(r, LIMIT_TOKEN_BYTES);
    else
        take_noise(p, r);
    return 0;
}

static int parse_version(struct packet *p, struct reader *r)
{
    uint8_t count = reader_u8(r);

    p->cid_i = reader_u64(r);
    if (count != reader_left(r)) /* whose bounds length_fits has seen to */
        return DUET_EMALFORMED;
    p->versions_len = count;
    p->versions = reader_bytes(r, count);
    return 0;
}

static int parse_data(struct packet *p, const uint8_t *dgram, size_t len)
{
    if (len < DATA_MIN_BYTES || len > LIMIT_PACKET_MAX_BYTES)
        return DUET_EMALFORMED;
    struct reader r = reader_of(dgram, LIMIT_DATA_HEADER_BYTES);

    p->type = PACKET_DATA;
    p->epoch = reader_u8(&r) & PACKET_EPOCH_MASK;
    p->dcid = reader_u64(&r);
    p->number = reader_u64(&r);
    p->header_len = LIMIT_DATA_HEADER_BYTES;
    return p->number < LIMIT_PACKET_NUMBER ? 0 : DUET_EMALFORMED;
}

/* Can a packet of this type, an unkeyed one, have this length?  False too for what is no type. */
static bool length_fits(uint8_t type, size_t len)
{
    switch ((enum packet_type)type) {
    case PACKET_SYN:
        return len >= LIMIT_SYN_BYTES && len <= LIMIT_PACKET_MAX_BYTES; /* exact once the version is known */
    case PACKET_RETRY:
        return len == RETRY_BYTES;
    case PACKET_SYN_ACK:
        return len > SYN_ACK_FIXED_BYTES && len < LIMIT_SYN_ACK_BYTES;
    case PACKET_ACK:
        return len > ACK_FIXED_BYTES && len <= LIMIT_PACKET_MIN_BYTES;
    case PACKET_VERSION:
        return len > VERSION_FIXED_BYTES && len <= VERSION_FIXED_BYTES + PACKET_VERSIONS_MAX;
    case PACKET_DATA:
        return false;
    }
    return false;
}

static int parse_unkeyed(struct packet *p, struct reader *r, size_t len)
{
    if (p->type == PACKET_SYN)
        return parse_syn(p, r, len);
    if (p->type == PACKET_VERSION)
        return parse_version(p, r);
    return parse_known_version(p, r);
}

int packet_parse(struct packet *p, const uint8_t *dgram, size_t len)
{
    *p = (struct packet){0};
    if (len == 0)
        return DUET_EMALFORMED;
    if ((dgram[0] & ~PACKET_EPOCH_MASK) == PACKET_DATA)
        return parse_data(p, dgram, len);
    if (!length_fits(dgram[0], len) || !crc_matches(dgram, len))
        return DUET_EMALFORMED;

    struct reader r = reader_of(dgram, len - CRC_BYTES);
    p->type = (enum packet_type)reader_u8(&r);
    int err = parse_unkeyed(p, &r, len);
    return err == 0 && r.failed ? DUET_EMALFORMED : err;
}

/* Adds the CRC; the packet's bytes, or DUET_ERANGE when it did not fit. */
static ssize_t finish(struct writer *w)
{
    writer_u32(w, w->failed ? 0 : packet_crc32c(w->start, writer_used(w)));
    return w->failed ? DUET_ERANGE : (ssize_t)writer_used(w);
}

ssize_t packet_write_syn(uint8_t *buf, size_t cap, uint8_t flags, uint64_t cid_i, const uint8_t *token,
                         const uint8_t *noise, size_t noise_len)
{
    size_t token_len = token != NULL ? LIMIT_TOKEN_BYTES : 0;
    size_t room = LIMIT_SYN_BYTES - SYN_FIXED_BYTES - token_len;

    if (cap < LIMIT_SYN_BYTES || noise_len == 0 || noise_len > room)
        return DUET_ERANGE;
    struct writer w = writer_of(buf, LIMIT_SYN_BYTES);
    writer_u8(&w, PACKET_SYN);
    writer_u8(&w, DUET_VERSION_WIRE);
    writer_u8(&w, flags);
    writer_u8(&w, (uint8_t)token_len);
    writer_u64(&w, cid_i);
    if (token != NULL)
        writer_bytes(&w, token, LIMIT_TOKEN_BYTES);
    writer_u16(&w, (uint16_t)noise_len);
    writer_bytes(&w, noise, noise_len);
    writer_fill(&w, 0, room - noise_len);
    return finish(&w);
}

ssize_t packet_write_retry(uint8_t *buf, size_t cap, uint64_t cid_i, const uint8_t token[LIMIT_TOKEN_BYTES])
{
    struct writer w = writer_of(buf, cap);

    writer_u8(&w, PACKET_RETRY);
    writer_u8(&w, DUET_VERSION_WIRE);
    writer_u64(&w, cid_i);
    writer_bytes(&w, token, LIMIT_TOKEN_BYTES);
    return finish(&w);
}

ssize_t packet_write_syn_ack(uint8_t *buf, size_t cap, uint64_t cid_i, uint64_t cid_r, const uint8_t *noise,
                             size_t noise_len)
{
    struct writer w = writer_of(buf, cap);

    if (noise_len == 0 || noise_len >= LIMIT_SYN_ACK_BYTES - SYN_ACK_FIXED_BYTES)
        return DUET_ERANGE;
    writer_u8(&w, PACKET_SYN_ACK);
    writer_u8(&w, DUET_VERSION_WIRE);
    writer_u64(&w, cid_i);
    writer_u64(&w, cid_r);
    writer_bytes(&w, noise, noise_len);
    return finish(&w);
}

ssize_t packet_write_ack(uint8_t *buf, size_t cap, uint64_t cid_r, const uint8_t *noise, size_t noise_len)
{
    struct writer w = writer_of(buf, cap);

    if (noise_len == 0 || noise_len > LIMIT_PACKET_MIN_BYTES - ACK_FIXED_BYTES)
        return DUET_ERANGE;
    writer_u8(&w, PACKET_ACK);
    writer_u8(&w, DUET_VERSION_WIRE);
    writer_u64(&w, cid_r);
    writer_bytes(&w, noise, noise_len);
    return finish(&w);
}

ssize_t packet_write_version(uint8_t *buf, size_t cap, uint64_t cid_i)
{
    struct writer w = writer_of(buf, cap);

    writer_u8(&w, PACKET_VERSION);
    writer_u8(&w, 1);
    writer_u64(&w, cid_i);
    writer_u8(&w, DUET_VERSION_WIRE);
    return finish(&w);
}

void packet_write_data_header(uint8_t buf[LIMIT_DATA_HEADER_BYTES], uint8_t epoch, uint64_t dcid, uint64_t number)
{
    struct writer w = writer_of(buf, LIMIT_DATA_HEADER_BYTES);

    writer_u8(&w, (uint8_t)(PACKET_DATA | (epoch & PACKET_EPOCH_MASK)));
    writer_u64(&w, dcid);
    writer_u64(&w, number);
}

void packet_syn_bound(uint8_t out[PACKET_SYN_BOUND_BYTES], uint8_t version, uint8_t flags, uint64_t cid_i)
{
    struct writer w = writer_of(out, PACKET_SYN_BOUND_BYTES);

    writer_u8(&w, PACKET_SYN);
    writer_u8(&w, version);
    writer_u8(&w, flags);
    writer_u64(&w, cid_i);
}

const char *packet_type_name(enum packet_type type)
{
    switch (type) {
    case PACKET_SYN:
        return "syn";
    case PACKET_RETRY:
        return "retry";
    case PACKET_SYN_ACK:
        return "syn_ack";
    case PACKET_ACK:
        return "ack";
    case PACKET_VERSION:
        return "version";
    case PACKET_DATA:
        return "data";
    }
    return "unknown";
}
