#include "conn/liveness.h"

#include "base/num.h"
#include "recovery/rtt.h"
#include "wire/limits.h"

void liveness_init(struct liveness *l, duet_time now)
{
    *l = (struct liveness){.heard_at = now, .answer_by = DUET_NEVER, .file_at = DUET_NEVER, .sleeps_until = DUET_NEVER};
}

void liveness_begin(struct liveness *l, uint64_t heartbeat_us, uint64_t lost_us, duet_time now)
{
    l->heartbeat_us = heartbeat_us;
    l->lost_us = lost_us;
    l->spoke_at = now;
    l->file_at = DUET_NEVER;
    l->file_gap_us = RTT_INITIAL_US; /* unknown: a long one */
    l->file_asked_at = now;
}

/* ---- what happens ---- */

struct liveness_news liveness_heard(struct liveness *l, duet_time now)
{
    const struct liveness_news news = {
        .answers = !time_is_never(l->answer_by), .is_back = l->unreachable, .silent_us = time_since(now, l->heard_at)};

    l->answer_by = DUET_NEVER;
    l->unreachable = false;
    l->heard_at = now;
    return news;
}

void liveness_file_came(struct liveness *l, duet_time now)
{
    if (!time_is_never(l->file_at))
        l->file_gap_us =
            l->file_gap_us - l->file_gap_us / LIVENESS_GAP_WEIGHT + time_since(now, l->file_at) / LIVENESS_GAP_WEIGHT;
    l->file_at = now;
}

void liveness_file_over(struct liveness *l)
{
    l->file_at = DUET_NEVER;
}

void liveness_spoke(struct liveness *l, duet_time now)
{
    l->spoke_at = now;
}

void liveness_ask(struct liveness *l, uint64_t pto_us, duet_time now)
{
    l->ping_wanted = true;
    l->answer_by = time_add(now, num_max(LIVENESS_ANSWER_PTOS * pto_us, LIVENESS_ANSWER_MIN_US));
}

void liveness_sleeps(struct liveness *l, duet_time until)
{
    l->sleeps_until = until;
}

/* ---- time ---- */

static duet_time heartbeat_at(const struct liveness *l)
{
    if (l->ping_wanted)
        return DUET_NEVER; /* due already, and about to leave */
    return time_add(time_max(l->heard_at, l->spoke_at), num_min(l->heartbeat_us, SILENCE_ASK_US));
}

/* Where a file flows, a gap of a few usual ones is news: a whole round trip need not pass first.
 * Where one packet takes longer than that, only a probe timeout is.  Each PING about the same
 * silence comes twice as long after its start. */
static duet_time ask_file_at(const struct liveness *l, uint64_t pto_us)
{
    const uint64_t asked_us = time_since(l->file_asked_at, l->file_at);
    uint64_t step_us = num_min(LIVENESS_FILE_GAPS * l->file_gap_us, pto_us);

    step_us = num_max(num_max(step_us, LIVENESS_FILE_MIN_US), asked_us);
    if (time_is_never(l->file_at) || step_us >= l->heartbeat_us)
        return DUET_NEVER;
    return time_add(time_max(l->file_at, l->file_asked_at), step_us);
}

duet_time liveness_deadline(const struct liveness *l, uint64_t pto_us, bool judged)
{
    const duet_time ask_at = time_min(heartbeat_at(l), ask_file_at(l, pto_us));
    const duet_time t = time_min(ask_at, l->answer_by);

    return judged ? time_min(t, time_add(l->heard_at, l->unreachable ? l->lost_us : UNREACHABLE_US)) : t;
}

bool liveness_slept(const struct liveness *l, duet_time now)
{
    return !time_is_never(l->sleeps_until) && time_since(now, l->sleeps_until) > LIVENESS_SUSPEND_US;
}

void liveness_wake(struct liveness *l, duet_time now)
{
    l->heard_at = now;
    l->ping_wanted = true;
}

enum liveness_due liveness_judge(struct liveness *l, duet_time now)
{
    const uint64_t silent_us = time_since(now, l->heard_at);

    if (silent_us >= l->lost_us)
        return LIVENESS_LOST;
    if (l->unreachable || silent_us < UNREACHABLE_US)
        return LIVENESS_OK;
    l->unreachable = true;
    return LIVENESS_SILENT;
}

bool liveness_unanswered(struct liveness *l, duet_time now)
{
    if (!time_due(l->answer_by, now))
        return false;
    l->answer_by = DUET_NEVER;
    return true;
}

bool liveness_beat(struct liveness *l, duet_time now)
{
    const bool is_due = time_due(heartbeat_at(l), now);

    l->ping_wanted = l->ping_wanted || is_due;
    return is_due;
}

bool liveness_file_stands(const struct liveness *l, uint64_t pto_us, duet_time now)
{
    return time_due(ask_file_at(l, pto_us), now);
}

void liveness_ask_file(struct liveness *l, duet_time now)
{
    l->file_asked_at = now;
    l->ping_wanted = true;
}
