/*
 * A handshake between two honest peers with somebody in between who may change
 * any bytes of the three messages (with the CRC mended): whenever both ends
 * believe that they are done, they hold the same parameters and keys.
 * Input: { message, offset, xor }… with offset of two bytes; message 3 and above
 * means: the rest of the input is handed over as a packet of its own.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conn/handshake.h"

#define MESSAGES 3
#define EDIT_BYTES 4
#define CRC_BYTES 4
#define CAP 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
    const uint8_t *edits;
    size_t count;
    const uint8_t *raw; /* a packet of its own, NULL: none */
    size_t raw_len;
};

static struct endpoint_config config_of(uint8_t who)
{
    struct endpoint_config cfg = {.params = params_default(), .accept = true};

    memset(cfg.identity.secret, who, sizeof(cfg.identity.secret));
    noise_public(cfg.identity.public, cfg.identity.secret);
    cfg.name[0] = (char)('a' + who);
    if (who == 2)
        cfg.params.window_bytes = LIMIT_WINDOW_MIN_BYTES;
    return cfg;
}

static struct script script_of(const uint8_t *data, size_t size)
{
    struct script s = {.edits = data};

    while (size - s.count * EDIT_BYTES >= EDIT_BYTES && data[s.count * EDIT_BYTES] < MESSAGES)
        s.count++;
    size_t used = s.count * EDIT_BYTES;
    if (size > used) {
        s.raw = data + used + 1;
        s.raw_len = size - used - 1;
    }
    return s;
}

static void mend(uint8_t *dgram, size_t len)
{
    uint32_t crc = packet_crc32c(dgram, len - CRC_BYTES);

    for (size_t i = 0; i < CRC_BYTES; i++)
        dgram[len - 1 - i] = (uint8_t)(crc >> (8 * i));
}

static void edit(const struct script *s, unsigned message, uint8_t *dgram, size_t len)
{
    for (size_t i = 0; i < s->count; i++) {
        const uint8_t *e = s->edits + i * EDIT_BYTES;
        if (e[0] == message)
            dgram[((size_t)e[1] << 8 | e[2]) % len] ^= e[3];
    }
    mend(dgram, len);
}

/* The packet that is no part of the conversation, wherever it might be taken for one. */
static void inject(const struct script *s, struct handshake *h, const struct endpoint_config *cfg,
                   struct duet_rand *rng)
{
    uint8_t copy[CAP];
    struct packet p;

    if (s->raw == NULL || s->raw_len <= CRC_BYTES || s->raw_len > sizeof(copy))
        return;
    memcpy(copy, s->raw, s->raw_len);
    mend(copy, s->raw_len);
    if (packet_parse(&p, copy, s->raw_len) < 0)
        return;
    struct handshake fresh = {0};
    struct noise before = h->noise;
    if (p.type == PACKET_SYN && handshake_answer(&fresh, cfg, &p, 7, REFUSAL_NONE, rng) == 0)
        assert(params_result_fits(&fresh.proposed, &fresh.result));
    if (p.type == PACKET_SYN_ACK)
        assert(handshake_confirm(h, cfg, NULL, &p) < 0 && memcmp(&before, &h->noise, sizeof(before)) == 0);
    if (p.type == PACKET_ACK)
        assert(handshake_complete(h, &p) < 0 && memcmp(&before, &h->noise, sizeof(before)) == 0);
}

static void compare(const struct handshake *i, const struct handshake *r)
{
    uint8_t a[2][NOISE_KEY_BYTES], b[2][NOISE_KEY_BYTES], ha[NOISE_HASH_BYTES], hb[NOISE_HASH_BYTES];

    assert(memcmp(&i->result, &r->result, sizeof(i->result)) == 0 || i->result.suites == r->result.suites);
    assert(i->result.mode == r->result.mode && i->result.window_bytes == r->result.window_bytes);
    assert(i->result.max_packet_bytes == r->result.max_packet_bytes && i->result.lost_us == r->result.lost_us);
    assert(i->cid_i == r->cid_i);
    noise_split(&i->noise, a[0], a[1], ha);
    noise_split(&r->noise, b[0], b[1], hb);
    assert(memcmp(ha, hb, sizeof(ha)) == 0 && memcmp(a, b, sizeof(a)) == 0);
}

static void converse(const struct script *s)
{
    struct endpoint_config ci = config_of(1), cr = config_of(2);
    struct handshake i, r = {0};
    struct duet_rand rng;
    struct packet p;
    uint8_t buf[CAP];

    rand_init_u64(&rng, 1);
    assert(handshake_start(&i, &ci, 0x1111, &rng) == 0);
    inject(s, &i, &ci, &rng);
    size_t len = (size_t)handshake_syn(&i, buf, sizeof(buf));
    edit(s, 0, buf, len);
    if (packet_parse(&p, buf, len) < 0 || p.type != PACKET_SYN ||
        handshake_answer(&r, &cr, &p, 0x2222, REFUSAL_NONE, &rng) < 0)
        return;
    inject(s, &r, &cr, &rng);
    len = (size_t)handshake_syn_ack(&r, buf, sizeof(buf));
    assert(len < LIMIT_SYN_ACK_BYTES);
    edit(s, 1, buf, len);
    if (packet_parse(&p, buf, len) < 0 || p.type != PACKET_SYN_ACK || handshake_confirm(&i, &ci, NULL, &p) < 0)
        return;
    len = (size_t)handshake_ack(&i, buf, sizeof(buf));
    edit(s, 2, buf, len);
    /* An ACK finds its connection by cid_r. */
    if (packet_parse(&p, buf, len) < 0 || p.type != PACKET_ACK || p.cid_r != r.cid_r || handshake_complete(&r, &p) < 0)
        return;
    compare(&i, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (sodium_init() < 0)
        return 0;
    struct script s = script_of(data, size);
    converse(&s);
    return 0;
}
