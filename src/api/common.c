#include <duet/duet.h>

#include "base/addr.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/fingerprint.h"
#include "io/clock.h"
#include "recovery/cc.h"
#include "wire/limits.h"

_Static_assert(DUET_ADDR_BYTES >= ADDR_TEXT_BYTES, "addr_format writes into the caller's");
_Static_assert(DUET_FINGERPRINT_BYTES >= FINGERPRINT_BYTES, "fingerprint writes into the caller's");
_Static_assert(DUET_CIPHERS_BYTES >= AEAD_PROVIDERS_TEXT_BYTES, "aead writes into the caller's");
_Static_assert(DUET_KEY_BYTES == NOISE_KEY_BYTES && DUET_NAME_BYTES == LIMIT_NAME_BYTES, "as on the wire");

const char *duet_version(void)
{
    return DUET_VERSION_STRING;
}

const char *duet_strerror(int code)
{
    return err_text(code);
}

const char *duet_error_name(int code)
{
    return err_name(code);
}

const char *duet_addr_text(const struct duet_addr *addr, char out[DUET_ADDR_BYTES])
{
    static const struct duet_addr none;

    return addr_format(addr != NULL ? addr : &none, out);
}

const char *duet_fingerprint(const uint8_t key[DUET_KEY_BYTES], char out[DUET_FINGERPRINT_BYTES])
{
    return fingerprint(key, out);
}

uint64_t duet_now_us(void)
{
    return clock_now().us;
}

uint64_t duet_wall_us(void)
{
    return clock_wall_us();
}

const char *duet_ciphers(char out[DUET_CIPHERS_BYTES])
{
    (void)aead_suites(); /* the self-tests decide */
    return aead_providers_text(out);
}

const char *duet_controller(unsigned i)
{
    return cc_name(i);
}
