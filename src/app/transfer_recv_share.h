/*
 * transfer_recv_share: what the two files of transfer_recv share.  For them only; everyone else sees transfer_recv.h.
 */
#ifndef DUET_APP_TRANSFER_RECV_SHARE_H
#define DUET_APP_TRANSFER_RECV_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/transfer.h"
#include "base/time.h"

/* Does it have a place: may bytes come? */
bool recv_is_active(const struct transfer *t);
size_t recv_count_active(const struct env *env);

/* Bytes the peer may still send or that are not written yet. */
uint64_t recv_outstanding(const struct transfer *t);

/* The endpoint may have granted more. */
void recv_note_limit(const struct env *env, struct transfer *t);

/* When the first may lose its place, since it stands still; NEVER: nobody wants it. */
duet_time recv_next_still(const struct env *env);

#endif
