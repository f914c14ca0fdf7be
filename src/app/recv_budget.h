/*
 * recv_budget: how much unwritten file data the receive pool can promise.
 *
 * A transfer whose peer may have `w` bytes outstanding needs at most w/CHUNK
 * chunks for full ones, one because that rounds up, one that is being filled
 * and one that left partly filled: RECV_SPARE_CHUNKS more.  So with n transfers
 * the pool can promise (CHUNK_POOL - n × RECV_SPARE_CHUNKS) chunks in all, an
 * even share each, less RECV_LEAST_BYTES: so one more can begin though none of
 * the others moves.  It gets what is left, and its share as theirs shrink.
 * A peer that cuts its bytes into crumbs needs more chunks than that: it runs
 * into its own quota, not into its neighbours.  Pure.
 */
#ifndef DUET_APP_RECV_BUDGET_H
#define DUET_APP_RECV_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "app/chunk.h"

#define RECV_SPARE_CHUNKS 3
#define RECV_ACTIVE_MAX 24 /* transfers that receive at once; the next ones wait */
/* Of one key, whatever its sessions; of others as many as are left besides (place_is_fair). */
#define RECV_PEER_MAX 12
#define RECV_LEAST_BYTES (4 * CHUNK_BYTES) /* a larger file begins with a window of this at least */
_Static_assert(CHUNK_POOL / RECV_ACTIVE_MAX > RECV_SPARE_CHUNKS,
               "every active transfer gets at least one chunk of window");

/* Bytes all of n (1..RECV_ACTIVE_MAX) transfers together may have outstanding. */
uint64_t recv_budget_total(size_t n);

/* The window of each of n. */
uint64_t recv_budget_share(size_t n);

/* Most chunks one with this much outstanding may hold. */
unsigned recv_budget_chunks(uint64_t outstanding);

#endif
