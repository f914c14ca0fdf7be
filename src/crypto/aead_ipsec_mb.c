/*
 * aead_ipsec_mb: AES-128-GCM by Intel's IPSec-MB, for short packets the fastest everywhere, for all
 * with AVX-512.
 *
 * In the build where the Makefile found the library, else an entry without
 * suites.  Of the library only six functions are used, the ones it deems best
 * for this CPU; its manager tells them and is freed again (200 KB, over a
 * ms the first time, because it runs its own self-tests).
 *
 * Two dangers are fenced off here.  Any library of the soname will do, so that a
 * security update costs no speed; but struct gcm_key_data grew in 1.4 under the
 * same soname (intel-ipsec-mb on GitHub, no. 116), and one that outgrew our state
 * would be written past it.  So what a key takes is measured and not taken from
 * the header.  And the calls return nothing: one that dislikes its arguments
 * (NULL, a length out of range) could leave plaintext in place unnoticed, hence
 * the assertions.
 */
#include "crypto/aead_provider.h"

#ifdef DUET_HAVE_IPSEC_MB

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/aead_ipsec_mb.h"

#define LINE_BYTES 64 /* of the cache; what the vector code reads is best aligned to it */

struct state {
    union {
        struct gcm_context_data data; /* of the packet at hand */
        uint8_t room[AEAD_IPSEC_MB_CONTEXT_BYTES];
    } context;
    aes_gcm_enc_dec_t run;
    aes_gcm_init_t begin; /* these only where it seals */
    aes_gcm_enc_dec_update_t run_part;
    aes_gcm_enc_dec_finalize_t end;
    size_t bytes;                                   /* of this and the key */
    _Alignas(LINE_BYTES) struct gcm_key_data key[]; /* one, as long as `key_bytes` says */
};

/* Found once, the same by every thread that looks; `expand` is stored last, so where it is set all
 * are. */
static _Atomic(aes_gcm_enc_dec_t) encrypt, decrypt;
static _Atomic(aes_gcm_init_t) begin; /* the three for a packet in two parts */
static _Atomic(aes_gcm_enc_dec_update_t) encrypt_part;
static _Atomic(aes_gcm_enc_dec_finalize_t) end;
static atomic_size_t key_bytes;
static _Atomic(aes_gcm_pre_t) expand;

/* ---- what a key takes ---- */

/* Twice what is allowed, so that what goes too far is seen and hurts nobody. */
struct trial {
    _Alignas(LINE_BYTES) uint8_t key[2 * AEAD_IPSEC_MB_KEY_BYTES];
    _Alignas(LINE_BYTES) uint8_t context[2 * AEAD_IPSEC_MB_CONTEXT_BYTES];
};

/* Up to the last byte that is not `fill`. */
static size_t bytes_written(const uint8_t *room, size_t size, uint8_t fill)
{
    while (size > 0 && room[size - 1] == fill)
        size--;
    return size;
}

/* One packet each way and one in parts, in memory that held nothing but `fill`. */
static void try_calls(const struct aead_ipsec_mb_calls *calls, struct trial *t, uint8_t fill)
{
    static const uint8_t zeros[AEAD_KEY_MAX_BYTES]; /* key, nonce, associated data */
    struct gcm_key_data *key = (struct gcm_key_data *)t->key;
    struct gcm_context_data *context = (struct gcm_context_data *)t->context;
    uint8_t text[1024] = {0}, tag[AEAD_TAG_BYTES];

    memset(t, fill, sizeof(*t));
    calls->expand(zeros, key);
    calls->encrypt(key, context, text, text, sizeof(text), zeros, zeros, AEAD_IV_BYTES, tag, sizeof(tag));
    calls->decrypt(key, context, text, text, sizeof(text), zeros, zeros, AEAD_IV_BYTES, tag, sizeof(tag));
    calls->begin(key, context, zeros, zeros, AEAD_IV_BYTES);
    calls->encrypt_part(key, context, text, text, sizeof(text) - 1);
    calls->end(key, context, tag, sizeof(tag));
}

size_t aead_ipsec_mb_key_bytes(const struct aead_ipsec_mb_calls *calls)
{
    static const uint8_t fills[] = {0x00, 0xff}; /* no byte looks untouched in both */
    struct trial t;
    size_t most = sizeof(struct gcm_key_data);

    for (size_t i = 0; i < sizeof(fills); i++) {
        try_calls(calls, &t, fills[i]);
        const size_t key = bytes_written(t.key, sizeof(t.key), fills[i]);
        if (key > AEAD_IPSEC_MB_KEY_BYTES ||
            bytes_written(t.context, sizeof(t.context), fills[i]) > AEAD_IPSEC_MB_CONTEXT_BYTES)
            return 0;
        most = key > most ? key : most;
    }
    return most;
}

/* ---- the library ---- */

/* As the library chooses: VAES with AVX-512 (which every CPU with VPCLMULQDQ and AVX-512 has), else
 * AES-NI. */
static unsigned width_bits(void)
{
    return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512vl") ? 512 : 128;
}

static bool suits_this_cpu(IMB_MGR *manager)
{
    const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;

    if ((manager->features & needed) != needed)
        return false; /* it would emulate them, in code that is slow and not constant time */
    init_mb_mgr_auto(manager, NULL);
    return imb_get_errno(manager) == 0 && manager->gcm128_pre != NULL && manager->gcm128_enc != NULL &&
           manager->gcm128_dec != NULL && manager->gcm128_init != NULL && manager->gcm128_enc_update != NULL &&
           manager->gcm128_enc_finalize != NULL;
}

static bool keep_calls(const struct aead_ipsec_mb_calls *calls)
{
    const size_t measured = aead_ipsec_mb_key_bytes(calls);

    if (measured == 0)
        return false;
    atomic_store(&key_bytes, measured);
    atomic_store(&encrypt, calls->encrypt);
    atomic_store(&decrypt, calls->decrypt);
    atomic_store(&begin, calls->begin);
    atomic_store(&encrypt_part, calls->encrypt_part);
    atomic_store(&end, calls->end);
    atomic_store(&expand, calls->expand);
    return true;
}

static bool load_library(void)
{
    if (atomic_load(&expand) != NULL)
        return true;
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return false;

    bool usable = suits_this_cpu(manager);
    if (usable) {
        const struct aead_ipsec_mb_calls calls = {.expand = manager->gcm128_pre,
                                                  .encrypt = manager->gcm128_enc,
                                                  .decrypt = manager->gcm128_dec,
                                                  .begin = manager->gcm128_init,
                                                  .encrypt_part = manager->gcm128_enc_update,
                                                  .end = manager->gcm128_enc_finalize};

        usable = keep_calls(&calls);
    }
    free_mb_mgr(manager);
    return usable;
}

static void *new_state(enum params_suite suite, const uint8_t *key, bool sealing)
{
    assert(suite == SUITE_AES128GCM);
    if (!load_library())
        return NULL;

    /* aligned_alloc wants a multiple. */
    const size_t bytes = (sizeof(struct state) + atomic_load(&key_bytes) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    struct state *s = aligned_alloc(LINE_BYTES, bytes);
    if (s == NULL)
        return NULL;

    aes_gcm_pre_t expand_key = atomic_load(&expand);
    expand_key(key, s->key);
    s->run = sealing ? atomic_load(&encrypt) : atomic_load(&decrypt);
    s->begin = atomic_load(&begin);
    s->run_part = atomic_load(&encrypt_part);
    s->end = atomic_load(&end);
    s->bytes = bytes;
    return s;
}

static void free_state(void *state)
{
    struct state *s = state;

    sodium_memzero(s, s->bytes);
    free(s);
}

/* The text in place and its tag, in the direction of the state. */
static void run_gcm(struct state *s, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
                    uint8_t tag[AEAD_TAG_BYTES])
{
    assert(buf != NULL && (ad != NULL || ad_len == 0) && len <= LIMIT_PACKET_MAX_BYTES);
    s->run(s->key, &s->context.data, buf, buf, len, nonce, ad, ad_len, tag, AEAD_TAG_BYTES);
}

static int seal_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len, const uint8_t *rest, size_t rest_len)
{
    struct state *s = state;

    if (rest_len == 0) {
        run_gcm(s, nonce, ad, ad_len, buf, len, buf + len);
        return 0;
    }
    assert(buf != NULL && rest != NULL && (ad != NULL || ad_len == 0) && len <= LIMIT_PACKET_MAX_BYTES &&
           rest_len <= LIMIT_PACKET_MAX_BYTES);
    s->begin(s->key, &s->context.data, nonce, ad, ad_len);
    s->run_part(s->key, &s->context.data, buf, buf, len);
    s->run_part(s->key, &s->context.data, buf + len, rest, rest_len);
    s->end(s->key, &s->context.data, buf + len + rest_len, AEAD_TAG_BYTES);
    return 0;
}

_Static_assert(AEAD_TAG_BYTES == crypto_verify_16_BYTES, "the comparison is of a whole tag");

static int open_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len)
{
    size_t text_len = len - AEAD_TAG_BYTES;
    uint8_t tag[AEAD_TAG_BYTES];

    run_gcm(state, nonce, ad, ad_len, buf, text_len, tag);
    bool authentic = crypto_verify_16(tag, buf + text_len) == 0; /* in constant time */
    sodium_memzero(tag, sizeof(tag));                            /* the right tag of a forgery is for nobody to find */
    if (authentic)
        return 0;
    sodium_memzero(buf, text_len);
    return DUET_EAUTH;
}

const struct aead_provider aead_ipsec_mb = {
    .name = "ipsec-mb",
    .suites = SUITE_AES128GCM,
    .width_bits = width_bits,
    .new = new_state,
    .free = free_state,
    .seal = seal_packet,
    .open = open_packet,
};

#else

const struct aead_provider aead_ipsec_mb = {.name = "ipsec-mb"};

#endif
