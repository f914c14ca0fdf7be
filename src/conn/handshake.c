#include "conn/handshake.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

#define PROLOGUE_NAME_BYTES (sizeof(DUET_PROTOCOL_NAME) - 1)
#define PROLOGUE_BYTES (PROLOGUE_NAME_BYTES + PACKET_SYN_BOUND_BYTES)

/* "duet" ‖ the SYN's type, version, flags, cid_i: what is in the clear is bound into the
 * transcript. */
static void init_noise(struct handshake *h, bool initiator, const struct endpoint_config *cfg, uint8_t version,
                       const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    uint8_t prologue[PROLOGUE_BYTES];

    memcpy(prologue, DUET_PROTOCOL_NAME, PROLOGUE_NAME_BYTES);
    packet_syn_bound(prologue + PROLOGUE_NAME_BYTES, version, h->flags, h->cid_i);
    noise_init(&h->noise, initiator, prologue, sizeof(prologue), &cfg->identity, ephemeral, cfg->psk);
}

static void put_name(struct writer *w, const char *name)
{
    const size_t len = strnlen(name, LIMIT_NAME_BYTES);

    writer_u8(w, (uint8_t)len);
    writer_bytes(w, (const uint8_t *)name, len);
}

static int take_name(struct reader *r, char name[LIMIT_NAME_BYTES + 1])
{
    const size_t len = reader_u8(r);

    if (len > LIMIT_NAME_BYTES)
        return DUET_EMALFORMED;
    const uint8_t *bytes = reader_bytes(r, len);
    if (bytes == NULL && len > 0)
        return DUET_EMALFORMED;
    if (len > 0)
        memcpy(name, bytes, len);
    name[len] = '\0';
    return r->failed ? DUET_EMALFORMED : 0;
}

static int write_message(struct handshake *h, const struct writer *payload)
{
    if (payload->failed)
        return DUET_ERANGE;
    const ssize_t n = noise_write(&h->noise, payload->start, writer_used(payload), h->message, sizeof(h->message));
    if (n < 0)
        return (int)n;
    h->message_len = (size_t)n;
    return 0;
}

/* ---- H1 ---- */

int handshake_start(struct handshake *h, const struct endpoint_config *cfg, uint64_t cid_i, struct duet_rand *rng)
{
    uint8_t ephemeral[NOISE_KEY_BYTES];

    rand_bytes(rng, ephemeral, sizeof(ephemeral));
    const int err = handshake_start_again(h, cfg, cid_i, ephemeral);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    return err;
}

int handshake_start_again(struct handshake *h, const struct endpoint_config *cfg, uint64_t cid_i,
                          const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    *h = (struct handshake){.cid_i = cid_i, .proposed = cfg->params, .flags = cfg->accept ? 0 : PACKET_SYN_SOLE};
    init_noise(h, true, cfg, DUET_VERSION_WIRE, ephemeral);
    uint8_t payload[HANDSHAKE_NOISE_BYTES];
    struct writer w = writer_of(payload, sizeof(payload));
    params_write(&h->proposed, &w);
    const int err = write_message(h, &w);
    h->after_syn = h->noise;
    memcpy(h->syn, h->message, sizeof(h->syn));
    h->syn_len = h->message_len;
    return err;
}

ssize_t handshake_syn(const struct handshake *h, uint8_t *buf, size_t cap)
{
    return packet_write_syn(buf, cap, h->flags, h->cid_i, h->has_token ? h->token : NULL, h->syn, h->syn_len);
}

/* ---- H2 ---- */

static int read_proposal(struct handshake *h, const struct packet *syn)
{
    uint8_t payload[LIMIT_SYN_BYTES];
    const ssize_t n = noise_read(&h->noise, syn->noise, syn->noise_len, payload, sizeof(payload));

    if (n < 0)
        return (int)n;
    struct reader r = reader_of(payload, (size_t)n);
    return params_read(&h->proposed, &r);
}

int handshake_answer(struct handshake *h, const struct endpoint_config *cfg, const struct packet *syn, uint64_t cid_r,
                     enum params_refusal refusal, struct duet_rand *rng)
{
    *h = (struct handshake){.flags = syn->flags, .cid_i = syn->cid_i, .cid_r = cid_r, .refusal = refusal};
    uint8_t ephemeral[NOISE_KEY_BYTES];
    rand_bytes(rng, ephemeral, sizeof(ephemeral));
    init_noise(h, false, cfg, syn->version, ephemeral);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    int err = read_proposal(h, syn);
    if (err != 0)
        return err;
    h->result = h->proposed;
    if (params_negotiate(&h->proposed, &cfg->params, &h->result) != 0 && h->refusal == REFUSAL_NONE)
        h->refusal = REFUSAL_PARAMS;

    uint8_t payload[HANDSHAKE_NOISE_BYTES];
    struct writer w = writer_of(payload, sizeof(payload));
    writer_varint(&w, h->refusal);
    writer_u64(&w, h->cid_r); /* the one field of the clear part that the prologue could not bind yet */
    put_name(&w, cfg->name);
    params_write(&h->result, &w);
    return write_message(h, &w);
}

ssize_t handshake_syn_ack(const struct handshake *h, uint8_t *buf, size_t cap)
{
    return packet_write_syn_ack(buf, cap, h->cid_i, h->cid_r, h->message, h->message_len);
}

/* ---- H3 ---- */

static bool is_expected(const struct expected_keys *expected, const uint8_t key[NOISE_KEY_BYTES])
{
    uint8_t print[NOISE_PRINT_BYTES];

    noise_print(print, key);
    for (size_t i = 0; i < expected->count; i++) {
        if (memcmp(expected->prints[i], print, sizeof(print)) == 0)
            return true;
    }
    return false;
}

/* `first`: the answer taken before, NULL: none. */
static int read_answer(struct handshake *next, const struct handshake *first, const struct expected_keys *expected,
                       const struct packet *syn_ack)
{
    uint8_t payload[LIMIT_SYN_ACK_BYTES];
    const ssize_t n = noise_read(&next->noise, syn_ack->noise, syn_ack->noise_len, payload, sizeof(payload));

    if (n < 0)
        return (int)n;
    struct reader r = reader_of(payload, (size_t)n);
    next->refusal = reader_varint(&r);
    if (reader_u64(&r) != syn_ack->cid_r)
        return DUET_EAUTH;
    if (first != NULL && memcmp(next->noise.rs, first->noise.rs, NOISE_KEY_BYTES) != 0)
        return DUET_EAUTH;
    if (expected != NULL && !is_expected(expected, next->noise.rs))
        return DUET_ETRUST;
    int err = take_name(&r, next->peer_name);
    if (err == 0)
        err = params_read(&next->result, &r);
    if (err != 0)
        return DUET_EPROTOCOL;
    if (next->refusal != REFUSAL_NONE)
        return DUET_EREFUSED;
    if (!params_result_fits(&next->proposed, &next->result))
        return DUET_EPROTOCOL;
    return first == NULL || params_same(&next->result, &first->result) ? 0 : DUET_EAUTH;
}

int handshake_confirm(struct handshake *h, const struct endpoint_config *cfg, const struct expected_keys *expected,
                      const struct packet *syn_ack)
{
    struct handshake next = *h;

    next.noise = h->after_syn;
    next.cid_r = syn_ack->cid_r;
    int err = read_answer(&next, h->cid_r != 0 ? h : NULL, expected, syn_ack);
    if (err == 0) {
        uint8_t payload[HANDSHAKE_NOISE_BYTES];
        struct writer w = writer_of(payload, sizeof(payload));

        put_name(&w, cfg->name);
        err = write_message(&next, &w);
    }
    if (err == 0)
        *h = next;
    else if (err == DUET_EREFUSED)
        h->refusal = next.refusal;
    handshake_wipe(&next);
    return err;
}

ssize_t handshake_ack(const struct handshake *h, uint8_t *buf, size_t cap)
{
    return packet_write_ack(buf, cap, h->cid_r, h->message, h->message_len);
}

/* ---- H4 ---- */

int handshake_complete(struct handshake *h, const struct packet *ack)
{
    struct noise next = h->noise;
    uint8_t payload[LIMIT_SYN_BYTES];
    char name[LIMIT_NAME_BYTES + 1];
    const ssize_t n = noise_read(&next, ack->noise, ack->noise_len, payload, sizeof(payload));
    int err = n < 0 ? (int)n : 0;

    if (err == 0) {
        struct reader r = reader_of(payload, (size_t)n);

        err = take_name(&r, name);
    }
    if (err == 0) {
        h->noise = next;
        memcpy(h->peer_name, name, sizeof(name));
    }
    noise_wipe(&next);
    return err;
}

void handshake_wipe(struct handshake *h)
{
    sodium_memzero(h, sizeof(*h));
}
