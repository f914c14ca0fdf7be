#include "conn/conn_plan.h"

#include "base/num.h"
#include "conn/conn_allow.h"

/* ---- the plan ---- */

/* A packet of files of that size waits for its turn. */
static void plan_turn(const struct conn *c, struct conn_plan *plan, uint32_t bytes, duet_time now)
{
    plan->paced_bytes = bytes;
    plan->paced_at = pacer_next(&c->pacer, allow_pacing_rate(c), bytes, now);
}

/* Nothing new is left: what is unacknowledged may go again. */
static void plan_tail(const struct conn *c, struct conn_plan *plan, duet_time now)
{
    plan->limited_by = LIMITED_BY_APP;
    plan->has_tail = c->params.mode != MODE_STEP && c->loss.bytes_in_flight > 0 && streams_only_tail(&c->streams);
    if (plan->has_tail)
        plan_turn(c, plan, allow_packet_bytes(c), now);
}

static void plan_files(const struct conn *c, const struct allowed *may, struct conn_plan *plan, duet_time now)
{
    const bool in_doubt = path_is_in_doubt(&c->path);
    const bool wants = streams_class_wants(&c->streams, CLASS_BULK);
    size_t room;

    if (in_doubt && allow_ahead(c, &room) != NULL) {
        plan->limited_by = LIMITED_BY_PACING;
        plan_turn(c, plan, (uint32_t)room, now);
    } else if (!in_doubt && wants && may->bulk) {
        plan->limited_by = LIMITED_BY_PACING;
        plan_turn(c, plan, allow_packet_bytes(c), now);
    } else if (!in_doubt && wants) {
        plan->limited_by = LIMITED_BY_CWND;
    } else if (!in_doubt && may->bulk) {
        plan_tail(c, plan, now);
    } else {
        plan->limited_by = LIMITED_BY_BOTH;
    }
    if (!plan->has_tail)
        plan->at = time_min(plan->at, plan->paced_at);
}

static void plan_data(const struct conn *c, struct conn_plan *plan, duet_time now)
{
    struct path_errand errand;

    if (allow_errand(c, &errand))
        plan->at = now;
    if (!time_is_never(plan->at) || !allow_any(c))
        return;
    const struct allowed may = allow_now(c);
    if (may.probe || (may.control && allow_control_waits(c))) {
        plan->at = now;
        return;
    }
    plan->fills_larger = allow_larger(c, &may);
    plan->at = acktr_deadline(&c->acktr);
    if (plan->fills_larger && pmtud_wants(&c->pmtud, now) > 0)
        plan->at = now;
    else
        plan_files(c, &may, plan, now);
}

struct conn_plan conn_plan(const struct conn *c, duet_time now)
{
    struct conn_plan plan = {.at = DUET_NEVER, .paced_at = DUET_NEVER};

    switch (c->state) {
    case CONN_SYN_SENT:
    case CONN_SYN_RECEIVED:
        if (c->flight_wanted && path_allowance(&c->path) >= allow_flight_bytes(c))
            plan.at = now;
        break;
    case CONN_ACK_SENT:
        if (c->flight_wanted)
            plan.at = now;
        else
            plan_data(c, &plan, now);
        break;
    case CONN_ESTABLISHED:
        plan_data(c, &plan, now);
        break;
    case CONN_CLOSING:
    case CONN_DRAINING:
        if (c->close_wanted && allow_address(c))
            plan.at = now;
        break;
    case CONN_DEAD:
        break;
    }
    return plan;
}

/* ---- the act ---- */

/* Puts what the tail repeats next back among the lost, at the very moment it may leave: so that it,
 * and nothing else, is in the next packet.  When that is, or the tail is to be asked again. */
static duet_time repeat_tail(struct conn *c, duet_time turn, duet_time now)
{
    const uint64_t window_bytes = allow_window_bytes(c);
    duet_time again;

    if (time_before(now, turn))
        return turn;
    for (const struct sent_packet *p;
         (p = tail_next(&c->tail, &c->loss, window_bytes, c->sent_bytes, now, &again)) != NULL;) {
        if (conn_repeat(c, p->number))
            return now;
    }
    return again;
}

static void note_limit(struct conn *c, enum conn_limit limited_by)
{
    switch (limited_by) {
    case LIMITED_BY_OTHERS:
    case LIMITED_BY_PACING:
        return;
    case LIMITED_BY_CWND:
        c->cwnd_limited = true;
        c->limited_until = c->next_number;
        break;
    case LIMITED_BY_APP:
        loss_app_limited(&c->loss);
        break;
    case LIMITED_BY_BOTH:
        break;
    }
    pacer_idle(&c->pacer);
}

duet_time conn_apply_plan(struct conn *c, const struct conn_plan *plan, duet_time now)
{
    if (plan->fills_larger)
        pmtud_go_on(&c->pmtud, now);
    note_limit(c, plan->limited_by);
    if (!time_is_never(plan->paced_at))
        pacer_promise(&c->pacer, plan->paced_bytes, plan->paced_at);
    return plan->has_tail ? time_min(plan->at, repeat_tail(c, plan->paced_at, now)) : plan->at;
}
