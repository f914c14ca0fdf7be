/*
 * words: what the node tells, as sentences for the user.  Pure; any thread.
 */
#ifndef DUET_CLIENT_WORDS_H
#define DUET_CLIENT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <duet/duet.h>

#include "base/addr.h"

/* Why a LEFT or LOST ended what it ended. */
#define WORDS_ENDED_BYTES 1024
const char *words_ended(const char *name, const struct duet_event *ev, char out[WORDS_ENDED_BYTES]);

/* Why a FAILED came, with what to do where that is known. */
const char *words_failed(const struct duet_event *ev);

/* It fell silent, or is back; how long it was silent. */
#define WORDS_SILENCE_BYTES 512
const char *words_silence(const char *name, bool unreachable, uint64_t silent_us, char out[WORDS_SILENCE_BYTES]);

/* "[ADDR]:PORT", with brackets whatever the family. */
const char *words_endpoint(const struct duet_addr *addr, char out[ADDR_TEXT_BYTES]);

#endif
