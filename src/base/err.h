/*
 * err: names and words of the error codes, whose one list is in the door (duet/common.h).
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

#include <duet/common.h>

/* "DUET_EFULL"; "DUET_E?" for a code not in the list. */
const char *err_name(int code);

/* "no room left"; "unknown error" for a code not in the list. */
const char *err_text(int code);

#endif
