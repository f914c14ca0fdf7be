/*
 * hub_config: what this side allows, set once when the hub is made.
 */
#ifndef DUET_APP_HUB_CONFIG_H
#define DUET_APP_HUB_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chunk.h"
#include "base/time.h"

struct hub_config {
    bool receive_files;  /* false: every offer is refused (send, ask) */
    bool accept_offers;  /* -y: offers are accepted without asking */
    bool serve;          /* answer remote commands */
    uint64_t give_up_us; /* a peer unreachable for this long is lost (--timeout in send/recv); 0: the negotiated time */
    const char *version; /* of this program, for `ask status` */
    duet_time started;   /* since when it runs; likewise */
    uint64_t wall_offset_us;           /* wall clock (µs since 1970 UTC) = now + this; for the `time` service */
    const struct chunk_memory *memory; /* for file bytes; NULL: the C library's */
};

#endif
