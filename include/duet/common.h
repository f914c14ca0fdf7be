/*
 * common: what both doors of libduet share: error codes, addresses, fingerprints, the clock.
 *
 * Included by duet.h and core.h; there is no need to include it yourself.  Everything here may be called from any
 * thread at any time.
 */
#ifndef DUET_COMMON_H
#define DUET_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include <duet/version.h>

#if defined(__GNUC__)
#define DUET_API __attribute__((visibility("default")))
#else
#define DUET_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- error codes ----
 *
 * A function that can fail returns int: 0, or one of these.  Functions that count return the count, or one of these.
 * The values are frozen: new ones are added at the end.  DUET_ESYS: errno says why, where a function returned it;
 * `sys`, where an event has it.
 *
 * X(name, value, words) */
#define DUET_ERR_LIST(X)                                             \
    X(DUET_OK, 0, "success")                                         \
    X(DUET_ENOMEM, -1, "out of memory")                              \
    X(DUET_EINVAL, -2, "invalid argument")                           \
    X(DUET_ERANGE, -3, "value out of range")                         \
    X(DUET_EMALFORMED, -4, "malformed bytes")                        \
    X(DUET_EPROTOCOL, -5, "protocol violation")                      \
    X(DUET_EAUTH, -6, "authentication failed")                       \
    X(DUET_EREPLAY, -7, "replayed packet")                           \
    X(DUET_EFULL, -8, "no room left")                                \
    X(DUET_EAGAIN, -9, "not now, try again")                         \
    X(DUET_ECLOSED, -10, "closed")                                   \
    X(DUET_ENOTFOUND, -11, "not found")                              \
    X(DUET_EEXIST, -12, "exists already")                            \
    X(DUET_ESYS, -13, "system error")                                \
    X(DUET_ETIMEOUT, -14, "timed out")                               \
    X(DUET_EREFUSED, -15, "refused by the peer")                     \
    X(DUET_ETRUST, -16, "peer key not trusted")                      \
    X(DUET_EUNSUPPORTED, -17, "not supported")                       \
    X(DUET_EINTEGRITY, -18, "contents do not match their checksum")  \
    X(DUET_ECANCELLED, -19, "cancelled")                             \
    X(DUET_ENAME, -20, "name not acceptable")                        \
    X(DUET_EFLOW, -21, "flow control limit exceeded")                \
    X(DUET_EEXHAUSTED, -22, "key or number space used up")           \
    X(DUET_ESELF, -23, "that is the address of this program itself") \
    X(DUET_EEOF, -24, "end of the stream")

enum duet_err {
#define X(name, value, words) name = (value),
    DUET_ERR_LIST(X)
#undef X
};

/* "no room left"; "unknown error" for a code that is not in the list. */
DUET_API const char *duet_strerror(int code);
/* "DUET_EFULL"; "DUET_E?" for a code that is not in the list. */
DUET_API const char *duet_error_name(int code);

/* ---- addresses ---- */

#define DUET_DEFAULT_PORT 6254

/* An UDP address.  IPv4 has 4 bytes, never the form ::ffff:a.b.c.d, so that one peer has one address. */
struct duet_addr {
    uint8_t family; /* 4; 6; 0: none */
    uint8_t ip[16]; /* network order; the first 4 for IPv4, the rest zero */
    uint16_t port;  /* host order */
    uint32_t scope; /* of an IPv6 link-local address: index of the interface; else 0 */
};

/* "192.0.2.1:6254", "[2001:db8::1]:6254", "[fe80::1%2]:6254", and "none" for none.  Returns out. */
#define DUET_ADDR_BYTES 72
DUET_API const char *duet_addr_text(const struct duet_addr *addr, char out[DUET_ADDR_BYTES]);

/* ---- keys ---- */

#define DUET_KEY_BYTES 32
#define DUET_NAME_BYTES 64 /* most bytes of a display name, without a NUL */

/* What people compare: eight groups of four characters, 160 bits of the key's hash, as in "k3vx-…".  Returns out. */
#define DUET_FINGERPRINT_BYTES 64
DUET_API const char *duet_fingerprint(const uint8_t key[DUET_KEY_BYTES], char out[DUET_FINGERPRINT_BYTES]);

/* ---- time ---- */

/* Microseconds since an arbitrary start.  Goes on while the machine sleeps. */
DUET_API uint64_t duet_now_us(void);

/* ---- congestion control ---- */

/* The name of the i-th controller, the first being the default; NULL past the end. */
DUET_API const char *duet_controller(unsigned i);

#ifdef __cplusplus
}
#endif

#endif
