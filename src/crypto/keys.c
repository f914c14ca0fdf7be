/*
 * keys: the two key chains of a connection, one per direction.
 *
 * A chain is a secret per epoch n, each made of the one before and wiped once
 * the next exists, so a stolen state opens nothing recorded from a former epoch.
 * Send side: the context of epoch n, the first number it may seal, when it
 * began, and whether the peer is known to have followed.  Receive side: the
 * context of epoch n, the former one for a while, and the next one, derived
 * when first asked for and kept so that forged epochs cost one AEAD run like
 * any forged packet, not a key derivation.
 *
 * Invariants: numbers sealed only ascend, whatever the caller does, so a nonce
 * never repeats under a key; the peer is at our epoch or one behind, so the two
 * epoch bits name former, current or next without doubt.
 */
#include "crypto/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/packet.h"

#define EXPAND_BYTES 64 /* one block of HMAC-SHA512 */
#define LABEL_KEY "duet v1 key"
#define LABEL_NEXT "duet v1 next"

struct sender {
    uint8_t secret[NOISE_KEY_BYTES];
    struct aead *aead;
    uint64_t epoch;
    uint64_t first; /* smallest number of this epoch */
    uint64_t next;  /* smallest number not yet sealed */
    duet_time since;
    bool is_confirmed; /* the peer has opened a packet of this epoch */
};

struct receiver {
    uint8_t secret[NOISE_KEY_BYTES];
    uint8_t next_secret[NOISE_KEY_BYTES]; /* valid with next */
    struct aead *current;
    struct aead *next;   /* NULL until a packet claims that epoch */
    struct aead *former; /* NULL before the first rekey and once its time is over */
    duet_time former_until;
    uint64_t epoch;
};

struct keys {
    enum params_suite suite;
    struct sender send;
    struct receiver recv;
};

/* HKDF-Expand (RFC 5869 §2.3) of one block: HMAC(secret, label ‖ suite ‖ 1); no suite byte for
 * 0. */
static void expand_secret(const uint8_t secret[NOISE_KEY_BYTES], const char *label, uint8_t suite,
                          uint8_t out[EXPAND_BYTES])
{
    crypto_auth_hmacsha512_state state;
    static const uint8_t block = 1;

    crypto_auth_hmacsha512_init(&state, secret, NOISE_KEY_BYTES);
    crypto_auth_hmacsha512_update(&state, (const uint8_t *)label, strlen(label));
    if (suite != 0)
        crypto_auth_hmacsha512_update(&state, &suite, 1);
    crypto_auth_hmacsha512_update(&state, &block, 1);
    crypto_auth_hmacsha512_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

static struct aead *aead_of_secret(enum params_suite suite, const uint8_t secret[NOISE_KEY_BYTES], bool sealing)
{
    uint8_t block[EXPAND_BYTES];

    expand_secret(secret, LABEL_KEY, (uint8_t)suite, block);
    struct aead *a = aead_new(suite, block, block + aead_key_bytes(suite), sealing);
    sodium_memzero(block, sizeof(block));
    return a;
}

static void secret_after(const uint8_t secret[NOISE_KEY_BYTES], uint8_t next[NOISE_KEY_BYTES])
{
    uint8_t block[EXPAND_BYTES];

    expand_secret(secret, LABEL_NEXT, 0, block);
    memcpy(next, block, NOISE_KEY_BYTES);
    sodium_memzero(block, sizeof(block));
}

struct keys *keys_new(enum params_suite suite, const uint8_t send_secret[NOISE_KEY_BYTES],
                      const uint8_t recv_secret[NOISE_KEY_BYTES], duet_time now)
{
    struct keys *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;

    k->suite = suite;
    memcpy(k->send.secret, send_secret, NOISE_KEY_BYTES);
    memcpy(k->recv.secret, recv_secret, NOISE_KEY_BYTES);
    k->send.since = now;
    k->send.aead = aead_of_secret(suite, send_secret, true);
    k->recv.current = aead_of_secret(suite, recv_secret, false);
    if (k->send.aead == NULL || k->recv.current == NULL) {
        keys_free(k);
        return NULL;
    }
    return k;
}

void keys_free(struct keys *k)
{
    if (k == NULL)
        return;
    aead_free(k->send.aead);
    aead_free(k->recv.current);
    aead_free(k->recv.next);
    aead_free(k->recv.former);
    sodium_memzero(k, sizeof(*k));
    free(k);
}

static void drop_former(struct receiver *r)
{
    aead_free(r->former);
    r->former = NULL;
}

static bool rekey_is_due(const struct sender *s, uint64_t number, duet_time now)
{
    bool is_old = number - s->first >= KEYS_REKEY_PACKETS || time_since(now, s->since) >= KEYS_REKEY_US;

    return s->is_confirmed && is_old;
}

static int rekey_send(struct keys *k, uint64_t number, duet_time now)
{
    struct sender *s = &k->send;
    uint8_t secret[NOISE_KEY_BYTES];

    secret_after(s->secret, secret);
    struct aead *a = aead_of_secret(k->suite, secret, true);
    if (a != NULL) {
        aead_free(s->aead);
        s->aead = a;
        memcpy(s->secret, secret, sizeof(s->secret));
        s->epoch++;
        s->first = number;
        s->since = now;
        s->is_confirmed = false;
    }
    sodium_memzero(secret, sizeof(secret));
    return a != NULL ? 0 : DUET_ENOMEM;
}

int keys_send_epoch(struct keys *k, uint64_t number, duet_time now)
{
    if (number >= LIMIT_PACKET_NUMBER)
        return DUET_EEXHAUSTED;
    if (number < k->send.next)
        return DUET_EINVAL;
    if (time_due(k->recv.former_until, now))
        drop_former(&k->recv);
    if (rekey_is_due(&k->send, number, now)) {
        int err = rekey_send(k, number, now);

        if (err < 0)
            return err;
    }
    return (int)(k->send.epoch & PACKET_EPOCH_MASK);
}

int keys_seal(struct keys *k, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
              const uint8_t *rest, size_t rest_len)
{
    if (number >= LIMIT_PACKET_NUMBER)
        return DUET_EEXHAUSTED;
    if (number < k->send.next)
        return DUET_EINVAL; /* a repeated nonce would give the key away: never, whoever asks */
    k->send.next = number + 1;
    return aead_seal(k->send.aead, number, ad, ad_len, buf, len, rest, rest_len);
}

/* The context of the epoch after the current one.  NULL: out of memory. */
static struct aead *next_context(struct keys *k)
{
    struct receiver *r = &k->recv;

    if (r->next == NULL) {
        secret_after(r->secret, r->next_secret);
        r->next = aead_of_secret(k->suite, r->next_secret, false);
    }
    return r->next;
}

/* The peer moved on, and proved it. */
static void follow_rekey(struct receiver *r, duet_time now)
{
    drop_former(r);
    r->former = r->current;
    r->former_until = time_add(now, KEYS_KEEP_US);
    r->current = r->next;
    r->next = NULL;
    memcpy(r->secret, r->next_secret, sizeof(r->secret));
    sodium_memzero(r->next_secret, sizeof(r->next_secret));
    r->epoch++;
}

int keys_open(struct keys *k, uint8_t epoch, uint64_t number, const uint8_t *ad, size_t ad_len, uint8_t *buf,
              size_t len, duet_time now)
{
    struct receiver *r = &k->recv;

    if (time_due(r->former_until, now))
        drop_former(r);
    if (len < AEAD_TAG_BYTES || number >= LIMIT_PACKET_NUMBER)
        return DUET_EAUTH;
    if (epoch == (r->epoch & PACKET_EPOCH_MASK))
        return aead_open(r->current, number, ad, ad_len, buf, len);
    if (r->former != NULL && epoch == ((r->epoch - 1) & PACKET_EPOCH_MASK))
        return aead_open(r->former, number, ad, ad_len, buf, len);
    if (epoch != ((r->epoch + 1) & PACKET_EPOCH_MASK))
        return DUET_EAUTH;

    struct aead *next = next_context(k);
    if (next == NULL)
        return DUET_ENOMEM;
    int err = aead_open(next, number, ad, ad_len, buf, len);
    if (err == 0)
        follow_rekey(r, now);
    return err;
}

void keys_confirm(struct keys *k, uint64_t number)
{
    if (number >= k->send.first && number < k->send.next)
        k->send.is_confirmed = true;
}

uint64_t keys_sent_epochs(const struct keys *k)
{
    return k->send.epoch;
}
