/*
 * transfer_bar: a transfer of the roster as the bar that shows it.  Pure; main thread.
 */
#ifndef DUET_CLIENT_TRANSFER_BAR_H
#define DUET_CLIENT_TRANSFER_BAR_H

#include <stdint.h>

#include "client/roster.h"
#include "ui/bar.h"

#define TRANSFER_BAR_STALL_US UINT64_C(3000000) /* without a byte for this long a transfer is shown as stalled */
#define TRANSFER_BAR_STATE_BYTES 48

/* What to draw for it; `state` keeps the words.  now_us: the ui's clock. */
struct bar transfer_bar(const struct roster *r, const struct roster_transfer *t, uint64_t now_us,
                        char state[TRANSFER_BAR_STATE_BYTES]);

#endif
