/*
 * aead_ipsec_mb: how much memory the calls of the IPSec-MB that is loaded want.
 *
 * The library asks its caller for the memory of a key and has no call that tells how much that is,
 * so a newer one of the same soname may write past what its older header declares.  Hence it is
 * measured, before the first key.  For aead_ipsec_mb.c and its test; exists in builds with the
 * library only.  Any thread.
 */
#ifndef DUET_CRYPTO_AEAD_IPSEC_MB_H
#define DUET_CRYPTO_AEAD_IPSEC_MB_H

#include <intel-ipsec-mb.h>
#include <stdbool.h>
#include <stddef.h>

#define AEAD_IPSEC_MB_CONTEXT_BYTES 256 /* of the packet at hand; 88 in version 1.3 */
#define AEAD_IPSEC_MB_KEY_BYTES 4096    /* of one key, at most; 1008 in version 1.3, 1264 in 1.4 */

struct aead_ipsec_mb_calls {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t encrypt, decrypt;
    aes_gcm_init_t begin; /* the three for a packet in two parts */
    aes_gcm_enc_dec_update_t encrypt_part;
    aes_gcm_enc_dec_finalize_t end;
};

/* How many bytes of a key's memory the calls write, and at least what the header says.  0: more
 * than the bounds above, of the key or of the context. */
size_t aead_ipsec_mb_key_bytes(const struct aead_ipsec_mb_calls *calls);

#endif
