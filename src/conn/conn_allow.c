/*
 * conn_allow: see the header.
 */
#include "conn/conn_allow.h"

#include "base/num.h"

#define LIMITED_PACKETS_PER_S 10 /* under --limit packets are so small that as many leave, but 1200 bytes at least */

uint64_t allow_window_bytes(const struct conn *c)
{
    return c->cc.cwnd_bytes < c->params.window_bytes ? c->cc.cwnd_bytes : c->params.window_bytes;
}

uint64_t allow_pacing_rate(const struct conn *c)
{
    const uint64_t limit = c->shared->cfg.limit_bytes_per_s;
    const uint64_t rate = c->cc.pacing_bytes_per_s;

    return limit != 0 && (rate == 0 || limit < rate) ? limit : rate;
}

/* A packet waits until all of it may leave: at 1 kB/s one of 64 KiB did so for a minute, whatever
 * there was to fill it. */
static uint32_t limited_bytes(const struct conn *c)
{
    const uint64_t limit = c->shared->cfg.limit_bytes_per_s;

    return limit == 0 ? UINT32_MAX
                      : (uint32_t)num_min(num_max(limit / LIMITED_PACKETS_PER_S, LIMIT_PACKET_MIN_BYTES), UINT32_MAX);
}

uint32_t allow_packet_bytes(const struct conn *c)
{
    const uint32_t path = c->path.validated && c->loss.pto_count < 2 ? c->packet_bytes : LIMIT_PACKET_MIN_BYTES;
    const uint32_t size = (uint32_t)num_min(path, limited_bytes(c));
    const uint64_t allowed = path_allowance(&c->path);

    return allowed < size ? (uint32_t)allowed : size;
}

size_t allow_datagram_most(const struct conn *c)
{
    const uint32_t size = allow_packet_bytes(c);

    return size < ALLOW_LEAST_BYTES ? 0 : frame_datagram_most(size - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES);
}

bool allow_address(const struct conn *c)
{
    return allow_packet_bytes(c) >= ALLOW_LEAST_BYTES;
}

/* The number after the next is asked for because one may be skipped. */
bool allow_any(const struct conn *c)
{
    return allow_address(c) && loss_has_room(&c->loss, c->next_number + 1);
}

struct allowed allow_now(const struct conn *c)
{
    struct allowed may = {.control = false};

    if (c->loss.probes_due > 0)
        return (struct allowed){.control = true, .bulk = true, .probe = true};
    if (c->params.mode == MODE_STEP) {
        may.control = c->loss.eliciting_in_flight == 0;
        may.bulk = may.control && !path_is_in_doubt(&c->path);
        return may;
    }
    const uint64_t used = c->loss.bytes_in_flight + allow_packet_bytes(c);
    may.bulk = used <= allow_window_bytes(c) && !path_is_in_doubt(&c->path);
    may.control = used <= allow_window_bytes(c) + (uint64_t)allow_packet_bytes(c) * CONN_CHAT_EXTRA_PACKETS;
    return may;
}

bool allow_control_waits(const struct conn *c)
{
    return c->done_wanted || c->liveness.ping_wanted || streams_update_wanted(&c->streams) ||
           streams_class_wants(&c->streams, CLASS_CONTROL) || streams_class_wants(&c->streams, CLASS_CHAT);
}

bool allow_larger(const struct conn *c, const struct allowed *may)
{
    return may->bulk && !may->probe && c->state == CONN_ESTABLISHED && c->path.validated &&
           streams_class_wants(&c->streams, CLASS_BULK);
}

static bool has_turn(struct conn *c, uint32_t size, duet_time now)
{
    return pacer_allowance(&c->pacer, allow_pacing_rate(c), size, now) >= size;
}

bool allow_bulk(struct conn *c, const struct allowed *may, duet_time now)
{
    return may->bulk && (may->probe || has_turn(c, allow_packet_bytes(c), now));
}

const struct duet_route *allow_ahead(const struct conn *c, size_t *room)
{
    const struct duet_route *to = path_ahead(&c->path, room);
    const bool fits = to != NULL && c->loss.bytes_in_flight + *room <= allow_window_bytes(c);

    return fits && c->params.mode == MODE_BURST && streams_class_wants(&c->streams, CLASS_BULK) ? to : NULL;
}

bool allow_ahead_now(struct conn *c, size_t room, duet_time now)
{
    return has_turn(c, (uint32_t)room, now);
}

bool allow_errand(const struct conn *c, struct path_errand *e)
{
    return path_errand(&c->path, e) && loss_has_room(&c->loss, c->next_number + 1);
}

size_t allow_flight_bytes(const struct conn *c)
{
    return c->state == CONN_SYN_RECEIVED ? LIMIT_SYN_ACK_BYTES : LIMIT_SYN_BYTES;
}

/* Every other flight of a handshake that nobody answers, each one of timeouts: whichever gets
 * through. */
static bool tries_without(const struct conn *c)
{
    if (c->state == CONN_SYN_SENT || c->state == CONN_ACK_SENT)
        return c->repeats >= CONN_CAUTION_PTOS && c->repeats % 2 == 0;
    return c->transport_ready && c->loss.pto_count >= CONN_CAUTION_PTOS;
}

uint8_t conn_ecn(const struct conn *c, duet_time now)
{
    const bool was_ours = c->unmarked.last_us > 0 && time_before(now, time_add(c->unmarked.until, CONN_FOLLOW_US));
    const bool follows = c->peer_unmarked && !was_ours;

    return tries_without(c) || caution_holds(&c->unmarked, now) || follows ? 0 : ENVELOPE_ECT0;
}

bool conn_may_join(const struct conn *c, duet_time now)
{
    return !tries_without(c) && !caution_holds(&c->in_single, now);
}
