/*
 * settings: how the user wants duet to run, whichever front end shows it.  Strings are not owned.
 */
#ifndef DUET_CLIENT_SETTINGS_H
#define DUET_CLIENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <duet/duet.h>

#define SETTINGS_TIMEOUT_US UINT64_C(30000000)

struct settings {
    const char *host;                                             /* to connect to; NULL: wait */
    const char *bind, *home, *name, *peer, *cc, *trace, *out_dir; /* NULL: not given */
    bool only_v4, only_v6, no_gso;
    bool port_given;
    uint16_t port;
    bool accept_new, quiet, verbose, no_color;
    bool step; /* one packet at a time */
    uint64_t window_bytes, max_packet_bytes, heartbeat_us;
    uint64_t timeout_us;
    uint64_t limit_bytes_per_s; /* 0: none */
};

struct settings settings_default(void);

/* The family for the node: 0, 4 or 6. */
int settings_family(const struct settings *s);

#endif
