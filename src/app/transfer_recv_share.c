/*
 * transfer_recv_share: which files are received, and how much of each at once.
 *
 * Places are shared out among keys: who has fewest begins next, and nobody gets
 * more than are left for the others.  A promise is only taken back with its
 * file: from one that stands still while somebody waits who has no place at all.
 */
#include "app/transfer_recv_share.h"

#include "app/recv_budget.h"
#include "app/transfer_recv.h"
#include "base/err.h"
#include "base/num.h"

/* ---- credit ---- */

bool recv_is_active(const struct transfer *t)
{
    return !t->sending && t->state == TRANSFER_RECEIVING;
}

uint64_t recv_outstanding(const struct transfer *t)
{
    const uint64_t limit = t->in.limit < t->size ? t->in.limit : t->size;

    return limit - t->in.consumed_bytes;
}

/* … or that it may come to: under its cap the credit grows by itself (stream/window.h). */
static uint64_t promise(const struct transfer *t)
{
    return num_max(recv_outstanding(t), num_min(t->in.cap, t->size - t->in.consumed_bytes));
}

/* Promises of all transfers, and chunks of ended ones that the disk still holds. */
static uint64_t promised(const struct env *env)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        const struct transfer *t = env->transfers[i];

        if (recv_is_active(t))
            sum += promise(t);
        else if (!t->sending)
            sum += (uint64_t)t->in.chunks_out * CHUNK_BYTES;
    }
    return sum;
}

void recv_note_limit(const struct env *env, struct transfer *t)
{
    t->in.limit = num_max(t->in.limit, endpoint_bulk_limit(env->endpoint, t->conn, t->stream));
}

static void grant(struct env *env, struct transfer *t, uint64_t cap)
{
    const int err = endpoint_accept_bulk(env->endpoint, t->conn, t->stream, cap, env->now);

    if (err != 0) { /* DUET_EPROTOCOL: its sender gave the stream up already, and says so on the control stream, too */
        const enum transfer_code why = err == DUET_EPROTOCOL ? WHY_CANCELLED : WHY_MEMORY;

        transfer_fail(env, t, &(struct transfer_trouble){.err = err, .code = why, .words = err_text(err)});
        return;
    }
    t->has_stream = true;
    t->in.cap = cap;
    recv_note_limit(env, t);
}

static void begin(struct env *env, struct transfer *t, uint64_t cap)
{
    struct appmsg m = {.type = APPMSG_ACCEPT, .id = t->in.remote_id};

    grant(env, t, cap);
    if (t->state != TRANSFER_QUEUED)
        return;
    t->state = TRANSFER_RECEIVING;
    t->in.moved_at = env->now;
    progress_sample(&t->progress, 0, env->now);
    m.accept.extent_count = 1;
    m.accept.first = (struct appmsg_extent){.offset = 0, .len = t->size};
    peer_send(t->peer, &m);
}

/* ---- places ---- */

static size_t count_active_of(const struct env *env, const struct peer *peer)
{
    size_t count = 0;

    for (size_t i = 0; i < env->transfer_count; i++)
        count +=
            recv_is_active(env->transfers[i]) && (peer == NULL || peer_is_same(env->transfers[i]->peer, peer)) ? 1 : 0;
    return count;
}

size_t recv_count_active(const struct env *env)
{
    return count_active_of(env, NULL);
}

/* Of keys that may have one more place that with the fewest, of its files the one that waited
 * longest; NULL: none waits. */
static struct transfer *next_queued(const struct env *env)
{
    const size_t active = recv_count_active(env);
    struct transfer *first = NULL;
    size_t fewest = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->state != TRANSFER_QUEUED)
            continue;
        const size_t mine = count_active_of(env, t->peer);

        if (mine >= RECV_PEER_MAX || !place_is_fair(mine, active, RECV_ACTIVE_MAX))
            continue;
        if (first == NULL || mine < fewest || (mine == fewest && t->id < first->id)) {
            first = t;
            fewest = mine;
        }
    }
    return first;
}

/* Does one wait whose key has no place at all? */
static bool anybody_starves(const struct env *env)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        if (env->transfers[i]->state == TRANSFER_QUEUED && count_active_of(env, env->transfers[i]->peer) == 0)
            return true;
    }
    return false;
}

/* When it counts as standing still.  What the disk has yet to write is no fault of the sender's. */
static duet_time still_at(const struct transfer *t)
{
    return recv_is_active(t) && !t->in.finished && t->in.chunks_out == 0 ? time_add(t->in.moved_at, RECV_STILL_US)
                                                                         : DUET_NEVER;
}

/* Takes the place of one that stands still, of the key that has most, for one that has none.
 * false: there is none to take, or to give. */
static bool drop_still(struct env *env)
{
    const struct transfer_trouble why = {.err = DUET_ETIMEOUT, .code = WHY_STILL};
    struct transfer *still = NULL;
    size_t most = 0;

    for (size_t i = 0; i < env->transfer_count && anybody_starves(env); i++) {
        struct transfer *t = env->transfers[i];
        const size_t places = time_due(still_at(t), env->now) ? count_active_of(env, t->peer) : 0;

        if (places > most) {
            still = t;
            most = places;
        }
    }
    if (still != NULL)
        transfer_fail(env, still, &why);
    return still != NULL;
}

/* Brings every cap to `share`: less at once (it only stops growing), more as far as the budget
 * goes. */
static void adjust_caps(struct env *env, uint64_t share, uint64_t budget)
{
    uint64_t sum = promised(env);

    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (!recv_is_active(t) || t->quiet || t->in.finished || t->in.cap == share)
            continue;
        const uint64_t before = promise(t);

        if (share < t->in.cap || sum + (share - t->in.cap) <= budget)
            grant(env, t, share);
        if (recv_is_active(t))
            sum += promise(t) - before;
    }
}

static void begin_queued(struct env *env)
{
    for (;;) {
        struct transfer *next = next_queued(env);
        const size_t active = recv_count_active(env);
        const size_t n = active + (next != NULL && active < RECV_ACTIVE_MAX ? 1 : 0);

        if (n == 0)
            return;
        const uint64_t share = recv_budget_share(n);
        const uint64_t budget = recv_budget_total(n);

        adjust_caps(env, share, budget);
        if (n == active)
            return;
        const uint64_t left = budget - num_min(promised(env), budget);
        const uint64_t least = num_min(num_max(next->size, 1), RECV_LEAST_BYTES); /* an empty file's end needs credit */

        if (left < least)
            return;
        begin(env, next, num_min(share, left));
    }
}

duet_time recv_next_still(const struct env *env)
{
    duet_time at = DUET_NEVER;

    for (size_t i = 0; i < env->transfer_count && anybody_starves(env); i++)
        at = time_min(at, still_at(env->transfers[i]));
    return at;
}

void transfer_recv_pump(struct env *env)
{
    do
        begin_queued(env);
    while (drop_still(env));
}
