/* aead_ipsec_mb: a library of another version is used if it keeps within bounds. */
#ifdef DUET_HAVE_IPSEC_MB

#include "crypto/aead_ipsec_mb.h"

#include <string.h>

#include "crypto/aead_provider.h"
#include "unit.h"

/* The program's own stands before the library's: to whoever asks, the library is another version than the header. */
unsigned imb_get_version(void)
{
    return IMB_VERSION_NUM + 1;
}

Test(aead_ipsec_mb, another_version_of_the_soname_is_used)
{
    if (aead_prefers_aes())
        cr_assert(aead_provider_works(&aead_ipsec_mb, SUITE_AES128GCM));
}

/* A library that writes so much: of the key, and of the context. */
static size_t of_key, of_context;

static void fill(void *room, size_t bytes)
{
    memset(room, 0x00, bytes);
}

static void expand(const void *key, struct gcm_key_data *data)
{
    (void)key;
    fill(data, of_key);
}

static void crypt_packet(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *out,
                         const uint8_t *in, uint64_t len, const uint8_t *iv, const uint8_t *ad, uint64_t ad_len,
                         uint8_t *tag, uint64_t tag_len)
{
    (void)key, (void)out, (void)in, (void)len, (void)iv, (void)ad, (void)ad_len, (void)tag, (void)tag_len;
    fill(context, of_context);
}

static void begin(const struct gcm_key_data *key, struct gcm_context_data *context, const uint8_t *iv,
                  const uint8_t *ad, uint64_t ad_len)
{
    (void)key, (void)context, (void)iv, (void)ad, (void)ad_len;
}

static void crypt_part(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *out,
                       const uint8_t *in, uint64_t len)
{
    (void)key, (void)context, (void)out, (void)in, (void)len;
}

static void end(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *tag, uint64_t tag_len)
{
    (void)key, (void)context, (void)tag, (void)tag_len;
}

Test(aead_ipsec_mb, a_key_gets_what_the_library_writes_and_no_library_more_than_the_bound)
{
    static const struct aead_ipsec_mb_calls calls = {.expand = expand,
                                                     .encrypt = crypt_packet,
                                                     .decrypt = crypt_packet,
                                                     .begin = begin,
                                                     .encrypt_part = crypt_part,
                                                     .end = end};
    static const size_t declared = sizeof(struct gcm_key_data);
    const struct {
        size_t of_key, of_context, expected;
    } rows[] = {
        {0, 0, declared},
        {declared, sizeof(struct gcm_context_data), declared},
        {declared + 256, 88, declared + 256}, /* as 1.4 does */
        {AEAD_IPSEC_MB_KEY_BYTES, AEAD_IPSEC_MB_CONTEXT_BYTES, AEAD_IPSEC_MB_KEY_BYTES},
        {AEAD_IPSEC_MB_KEY_BYTES + 1, 88, 0},
        {declared, AEAD_IPSEC_MB_CONTEXT_BYTES + 1, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        of_key = rows[i].of_key;
        of_context = rows[i].of_context;
        cr_assert_eq(aead_ipsec_mb_key_bytes(&calls), rows[i].expected, "row %zu", i);
    }
}

#endif
