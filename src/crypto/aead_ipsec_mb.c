/*
 * aead_ipsec_mb: AES-128-GCM by Intel's IPSec-MB, for short packets the fastest everywhere, for all with AVX-512.
 *
 * In the build where the Makefile found the library, else an entry without
 * suites.  Of the library only six functions are used, the ones it deems best
 * for this CPU; its manager tells them and is freed again (200 KB, over a
 * ms the first time, because it runs its own self-tests).
 *
 * Two dangers are fenced off here.  struct gcm_key_data grows in 1.4
 * (intel-ipsec-mb on GitHub, no. 116), so one other than that of the header could write past
 * our state: it must be the very version, whatever the loader accepted.  And its
 * calls return nothing: one that dislikes its arguments (NULL, a length out of
 * range) could leave plaintext in place unnoticed, hence the assertions.
 */
#include "crypto/aead_provider.h"

#ifdef DUET_HAVE_IPSEC_MB

#include <assert.h>
#include <intel-ipsec-mb.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"

#define LINE_BYTES 64 /* of the cache; what the vector code reads is best aligned to it */

struct state {
    struct gcm_key_data key;
    struct gcm_context_data context; /* of the packet at hand */
    aes_gcm_enc_dec_t run;
    aes_gcm_init_t begin; /* these only where it seals */
    aes_gcm_enc_dec_update_t run_part;
    aes_gcm_enc_dec_finalize_t end;
};
/* aligned_alloc wants a multiple. */
#define STATE_BYTES ((sizeof(struct state) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES)

/* Found once, the same by every thread that looks; `expand` is stored last, so where it is set all are. */
static _Atomic(aes_gcm_enc_dec_t) encrypt, decrypt;
static _Atomic(aes_gcm_init_t) begin; /* the three for a packet in two parts */
static _Atomic(aes_gcm_enc_dec_update_t) encrypt_part;
static _Atomic(aes_gcm_enc_dec_finalize_t) end;
static _Atomic(aes_gcm_pre_t) expand;

/* As the library chooses: VAES with AVX-512 (which every CPU with VPCLMULQDQ and AVX-512 has), else AES-NI. */
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

static bool load(void)
{
    if (atomic_load(&expand) != NULL)
        return true;
    IMB_MGR *manager = imb_get_version() == IMB_VERSION_NUM ? alloc_mb_mgr(0) : NULL;
    if (manager == NULL)
        return false;

    bool usable = suits_this_cpu(manager);
    if (usable) {
        atomic_store(&encrypt, manager->gcm128_enc);
        atomic_store(&decrypt, manager->gcm128_dec);
        atomic_store(&begin, manager->gcm128_init);
        atomic_store(&encrypt_part, manager->gcm128_enc_update);
        atomic_store(&end, manager->gcm128_enc_finalize);
        atomic_store(&expand, manager->gcm128_pre);
    }
    free_mb_mgr(manager);
    return usable;
}

static void *new_state(enum params_suite suite, const uint8_t *key, bool sealing)
{
    assert(suite == SUITE_AES128GCM);
    struct state *s = load() ? aligned_alloc(LINE_BYTES, STATE_BYTES) : NULL;
    if (s == NULL)
        return NULL;

    aes_gcm_pre_t expand_key = atomic_load(&expand);
    expand_key(key, &s->key);
    s->run = sealing ? atomic_load(&encrypt) : atomic_load(&decrypt);
    s->begin = atomic_load(&begin);
    s->run_part = atomic_load(&encrypt_part);
    s->end = atomic_load(&end);
    return s;
}

static void free_state(void *state)
{
    sodium_memzero(state, STATE_BYTES);
    free(state);
}

/* The text in place and its tag, in the direction of the state. */
static void run(struct state *s, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, uint8_t *buf, size_t len,
                uint8_t tag[AEAD_TAG_BYTES])
{
    assert(buf != NULL && (ad != NULL || ad_len == 0) && len <= LIMIT_PACKET_MAX_BYTES);
    s->run(&s->key, &s->context, buf, buf, len, nonce, ad, ad_len, tag, AEAD_TAG_BYTES);
}

static int seal_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len, const uint8_t *tail, size_t tail_len)
{
    struct state *s = state;

    if (tail_len == 0) {
        run(s, nonce, ad, ad_len, buf, len, buf + len);
        return 0;
    }
    assert(buf != NULL && tail != NULL && (ad != NULL || ad_len == 0) && len <= LIMIT_PACKET_MAX_BYTES &&
           tail_len <= LIMIT_PACKET_MAX_BYTES);
    s->begin(&s->key, &s->context, nonce, ad, ad_len);
    s->run_part(&s->key, &s->context, buf, buf, len);
    s->run_part(&s->key, &s->context, buf + len, tail, tail_len);
    s->end(&s->key, &s->context, buf + len + tail_len, AEAD_TAG_BYTES);
    return 0;
}

_Static_assert(AEAD_TAG_BYTES == crypto_verify_16_BYTES, "the comparison is of a whole tag");

static int open_packet(void *state, const uint8_t nonce[AEAD_IV_BYTES], const uint8_t *ad, size_t ad_len, uint8_t *buf,
                       size_t len)
{
    size_t text_len = len - AEAD_TAG_BYTES;
    uint8_t tag[AEAD_TAG_BYTES];

    run(state, nonce, ad, ad_len, buf, text_len, tag);
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
