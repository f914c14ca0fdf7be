/*
 * Any datagram: packet_parse reads nothing beyond it, points only into it, and
 * what it accepts is written again as the very same bytes.
 * Input: one byte (odd: the CRC is mended first), then the datagram.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/packet.h"

#define CRC_BYTES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *dgram, size_t len)
{
    uint32_t crc = packet_crc32c(dgram, len - CRC_BYTES);

    for (size_t i = 0; i < CRC_BYTES; i++)
        dgram[len - 1 - i] = (uint8_t)(crc >> (8 * i));
}

static void assert_inside(const uint8_t *part, size_t len, const uint8_t *dgram, size_t size)
{
    assert(part == NULL || (part >= dgram && len <= size && part <= dgram + size - len));
}

/* The same packet from its parsed form; 0: there is no writer for such a one. */
static ssize_t write_again(const struct packet *p, uint8_t *out, size_t cap)
{
    switch (p->type) {
    case PACKET_SYN:
        return packet_write_syn(out, cap, p->flags, p->cid_i, p->token, p->noise, p->noise_len);
    case PACKET_RETRY:
        return packet_write_retry(out, cap, p->cid_i, p->token);
    case PACKET_SYN_ACK:
        return packet_write_syn_ack(out, cap, p->cid_i, p->cid_r, p->noise, p->noise_len);
    case PACKET_ACK:
        return packet_write_ack(out, cap, p->cid_r, p->noise, p->noise_len);
    case PACKET_VERSION:
        return p->versions_len == 1 && p->versions[0] == DUET_VERSION_WIRE ? packet_write_version(out, cap, p->cid_i)
                                                                           : 0;
    case PACKET_DATA:
        packet_write_data_header(out, p->epoch, p->dcid, p->number);
        return LIMIT_DATA_HEADER_BYTES;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[LIMIT_PACKET_MAX_BYTES];
    struct packet p;

    if (size < 1)
        return 0;
    /* A copy of just this length: one byte too far is seen. */
    size_t len = size - 1;
    uint8_t *dgram = malloc(len + (len == 0));
    if (dgram == NULL)
        return 0;
    memcpy(dgram, data + 1, len);
    if ((data[0] & 1) != 0 && len > CRC_BYTES)
        mend(dgram, len);
    int err = packet_parse(&p, dgram, len);
    assert(err == 0 || err == DUET_EMALFORMED || err == DUET_EUNSUPPORTED);
    assert(err != DUET_EUNSUPPORTED || (p.type == PACKET_SYN && p.noise == NULL));
    if (err == 0) {
        assert_inside(p.token, LIMIT_TOKEN_BYTES, dgram, len);
        assert_inside(p.noise, p.noise_len, dgram, len);
        assert_inside(p.versions, p.versions_len, dgram, len);
        ssize_t n = write_again(&p, again, sizeof(again));
        assert(n >= 0);
        assert(p.type == PACKET_DATA || n == 0 || (size_t)n == len);
        assert(n == 0 || memcmp(again, dgram, (size_t)n) == 0);
    }
    free(dgram);
    return 0;
}
