/*
 * trace: typed events of what the transport did, for --trace and the simulator.
 *
 * A bounded ring inside the endpoint, pulled like the other events; what does
 * not fit is counted and left out, never waited for.  io turns them into JSON
 * lines with qlog's names (draft-ietf-quic-qlog-quic-events).
 */
#ifndef DUET_CONN_TRACE_H
#define DUET_CONN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define TRACE_EVENTS 4096 /* ring length */

/* X(name, qlog name) */
#define TRACE_LIST(X)                                     \
    X(TRACE_PACKET_SENT, "transport:packet_sent")         \
    X(TRACE_PACKET_RECEIVED, "transport:packet_received") \
    X(TRACE_PACKET_DROPPED, "transport:packet_dropped")   \
    X(TRACE_PACKET_LOST, "recovery:packet_lost")          \
    X(TRACE_METRICS, "recovery:metrics_updated")          \
    X(TRACE_STATE, "connectivity:connection_state_updated")

enum trace_type {
#define X(name, words) name,
    TRACE_LIST(X)
#undef X
};

struct trace_event {
    duet_time at;
    enum trace_type type;
    uint64_t conn;
    uint64_t number; /* packet number */
    uint64_t bytes;
    const char *detail; /* static text: trigger, state, frame; never peer text */
    uint64_t cwnd_bytes, in_flight_bytes, srtt_us, latest_rtt_us, pacing_bytes_per_s; /* METRICS */
};

const char *trace_name(enum trace_type type);

struct endpoint;
/* The oldest event not yet taken; false: none. */
bool endpoint_trace_poll(struct endpoint *e, struct trace_event *out);
/* Events left out so far because the ring was full. */
uint64_t endpoint_trace_dropped(const struct endpoint *e);

#endif
