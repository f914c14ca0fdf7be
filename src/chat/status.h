/*
 * status: who is connected and how it goes, in the words of the screen's status line.  Pure; main thread.
 */
#ifndef DUET_CHAT_STATUS_H
#define DUET_CHAT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/roster.h"
#include "ui/view.h"

/* One peer in detail, many as a number, and what all transfers carry; `idle` while nobody is connected.  now_us: the
 * ui's clock, for "unreachable for 12 s". */
const char *status_peers(const struct roster *r, const char *idle, uint64_t now_us, bool ascii,
                         char out[VIEW_STATUS_BYTES]);

/* The names of the first few of many, with a separator in front; "": they are named already. */
const char *status_names(const struct roster *r, bool ascii, char out[VIEW_STATUS_BYTES]);

#endif
