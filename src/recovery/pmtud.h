/*
 * pmtud: which packet size the path carries (DPLPMTUD, RFC 8899).
 *
 * Starts at the size every path carries and tries larger ones, the largest
 * first: where the local interface cannot take a size the kernel says so at
 * once (pmtud_too_big), so nothing is lost by asking.  A probe travels alone,
 * is padded, asks to be acknowledged and never counts for congestion control.
 * A size is given up after PMTUD_TRIES lost probes.
 *
 * Black hole: PMTUD_HOLE_PACKETS full packets lost in a row while a small one
 * sent after them arrived: back to the base size.
 * Value type; virtual time; owned by the connection.
 */
#ifndef DUET_RECOVERY_PMTUD_H
#define DUET_RECOVERY_PMTUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define PMTUD_TRIES 3                            /* RFC 8899 MAX_PROBES */
#define PMTUD_RAISE_US (UINT64_C(600) * 1000000) /* RFC 8899 PMTU_RAISE_TIMER: try larger sizes again */
#define PMTUD_HOLE_US UINT64_C(1000000) /* … after a black hole, which a burst of losses may only have looked like; */
                                        /*   twice as long each time nothing larger passes */
#define PMTUD_HOLE_PACKETS 16           /* at 20 % random loss a run of so many comes once in 10^11 packets */
#define PMTUD_NO_PROBE UINT64_MAX

struct pmtud {
    uint32_t base_bytes;    /* what every path carries */
    uint32_t ceiling_bytes; /* what the peer takes */
    uint32_t local_bytes;   /* what the interface said it takes at most; 0: nothing yet, in this search */
    uint32_t current_bytes; /* proven; what packets are built to */
    size_t candidate;       /* index of the size tried now; past the end: the search is over */
    unsigned tries;         /* probes of that size lost */
    uint64_t probe_number;  /* packet number of the probe in the air; PMTUD_NO_PROBE */
    uint32_t probe_bytes;
    duet_time search_at;     /* when the next search begins, once one is over */
    uint64_t hole_us;        /* the last wait after a black hole; 0: none, or a larger size has passed since */
    uint32_t full_lost;      /* full packets lost since one arrived */
    duet_time full_acked_at; /* when the newest full packet that arrived had been sent */
    duet_time full_lost_at;  /* when the last of them had been sent */
};

void pmtud_init(struct pmtud *p, uint32_t base_bytes, uint32_t ceiling_bytes);

/* Size of the probe to send now; 0: none. */
uint32_t pmtud_wants(const struct pmtud *p, duet_time now);
/* There is something to fill larger packets with: begins a search whose time has come, and ends one
 * that has nothing larger left to try. */
void pmtud_go_on(struct pmtud *p, duet_time now);
void pmtud_sent(struct pmtud *p, uint64_t number, uint32_t bytes);

/* A packet arrived / got lost, probe or not.  true: current_bytes changed. */
bool pmtud_acked(struct pmtud *p, uint64_t number, uint32_t bytes, duet_time sent_at, duet_time now);
void pmtud_lost(struct pmtud *p, uint64_t number, uint32_t bytes, duet_time sent_at);

/* The local interface refused a datagram of that size, and takes `allowed` (0: it does not say),
 * which is tried next.  true: current_bytes changed. */
bool pmtud_too_big(struct pmtud *p, uint32_t bytes, uint32_t allowed, duet_time now);

#endif
