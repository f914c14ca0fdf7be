/*
 * err: the one list of error codes, their names and their words.
 *
 * Functions return 0 or a negative DUET_E… as int; counts come back as
 * ssize_t with the same negative codes.  Three kinds of trouble:
 *   our bug             -> assert
 *   the peer's bytes    -> DUET_EPROTOCOL, EAUTH, EREPLAY, EMALFORMED: drop and count, or close
 *   the environment     -> DUET_ESYS (errno holds why), ENOMEM: logged once where first seen
 *
 * Any thread; no state.
 */
#ifndef DUET_BASE_ERR_H
#define DUET_BASE_ERR_H

/* X(name, value, words) */
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

/* "DUET_EFULL"; "DUET_E?" for a code not in the list. */
const char *err_name(int code);

/* "no room left"; "unknown error" for a code not in the list. */
const char *err_text(int code);

#endif
