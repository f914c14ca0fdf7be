/*
 * rival: a TCP that duet has to share a queue with, as a controller of a lab
 * flow (lab.h).  "bbr1" is BBR version 1 as Linux runs it (Cardwell et al., "BBR:
 * Congestion-Based Congestion Control", ACM Queue 14(5), 2016; draft-cardwell-iccrg-bbr-congestion-control-00):
 *
 *   STARTUP, gain 2/ln 2 ─▶ DRAIN ─▶ PROBE_BW, gains 1.25 .75 1 1 1 1 1 1, a min_rtt each
 *   any ── min_rtt not seen for 10 s ──▶ PROBE_RTT: 4 packets for 200 ms
 *
 * It aims at two bandwidth-delay products in flight and takes no loss for congestion: only the first round of a
 * recovery sends no more than it gets acknowledged.
 *
 * "unpaced" is duet's own CUBIC (cc_cubic) sent as Linux sends it without fq, at the pace of the acknowledgements: what
 * each lets go leaves at once, and of such a burst a full queue takes more.  Beside duet it gets 10 % less of
 * the path than the paced one, as the kernel's does.
 */
#ifndef SIM_RIVAL_H
#define SIM_RIVAL_H

#include "recovery/cc.h"

/* NULL: duet knows the name, or nobody does. */
const struct cc_ops *rival_find(const char *name);
/* From now on c, new or not, is controlled by these. */
void rival_take_over(struct cc *c, const struct cc_ops *ops, duet_time now);

#endif
