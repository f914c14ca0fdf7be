#include "conn/attempt.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define AT_ONCE DUET_TIME(0)

/* ---- legs ---- */

static struct candidate *candidate_of(struct attempt *a, const struct conn *leg)
{
    for (size_t i = 0; i < a->begun; i++)
        if (a->v[i].leg == leg)
            return &a->v[i];
    return NULL;
}

static bool has_legs(const struct attempt *a)
{
    for (size_t i = 0; i < a->begun; i++)
        if (a->v[i].leg != NULL)
            return true;
    return false;
}

static int begin_leg(struct endpoint *e, struct attempt *a, struct candidate *k, duet_time now)
{
    const bool is_first = a->id == 0;

    if (e->count >= LIMIT_CONNS)
        return DUET_EFULL;
    struct conn *c = conn_new_initiator(&e->shared, endpoint_fresh_id(e), &k->addr,
                                        is_first ? NULL : a->ephemeral.secret, a->end_at, now);

    if (c == NULL)
        return DUET_ENOMEM;
    if (a->expected.count > 0 && conn_expect(c, &a->expected) != 0) {
        conn_free(c);
        return DUET_ENOMEM;
    }
    c->attempt = a;
    c->stands_for = a->id;
    k->leg = c;
    if (is_first) {
        a->id = c->id;
        a->flags = c->hs->flags;
        a->ephemeral = c->hs->noise.e;
    }
    const int err = endpoint_add(e, c, now);

    if (err != 0)
        k->leg = NULL;
    return err;
}

/* The next address.  0, or why nothing came of it. */
static int begin_next(struct endpoint *e, struct attempt *a, duet_time now)
{
    struct candidate *k = &a->v[a->begun++];

    a->begun_at = now;
    k->err = begin_leg(e, a, k, now);
    k->is_over = k->err != 0;
    return k->err;
}

/* All but one, without a word to anybody. */
static void drop_legs(struct endpoint *e, struct attempt *a, const struct conn *but, duet_time now)
{
    for (size_t i = 0; i < a->begun; i++) {
        struct conn *c = a->v[i].leg;

        if (c == NULL || c == but)
            continue;
        a->v[i].leg = NULL;
        a->v[i].is_over = true;
        c->attempt = NULL;
        c->closed_told = true;
        conn_enter(c, CONN_DEAD, now);
        endpoint_remove(e, c);
    }
}

/* ---- the list ---- */

static void unlink_and_free(struct endpoint *e, struct attempt *a)
{
    struct attempt **at = &e->attempts;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    sodium_memzero(a, sizeof(*a));
    free(a);
}

int attempt_begin(struct endpoint *e, const struct duet_addr *addrs, size_t count, const struct expected_keys *expected,
                  duet_time now, conn_id *out)
{
    struct attempt *a = calloc(1, sizeof(*a));

    assert(count > 0 && count <= CALL_ADDRESSES);
    if (a == NULL)
        return DUET_ENOMEM;
    a->end_at = time_add(now, e->shared.cfg.connect_timeout_us);
    a->expected = *expected;
    a->count = count;
    for (size_t i = 0; i < count; i++)
        a->v[i].addr = addrs[i];
    const int err = begin_next(e, a, now);

    if (err != 0) { /* no place or no memory: so it will be with the others */
        sodium_memzero(a, sizeof(*a));
        free(a);
        return err;
    }
    a->next = e->attempts;
    e->attempts = a;
    *out = a->id;
    return 0;
}

void attempt_free_all(struct endpoint *e)
{
    while (e->attempts != NULL)
        unlink_and_free(e, e->attempts);
}

static bool is_under_way(const struct attempt *a)
{
    return !a->is_over && (a->winner == NULL || !a->winner->connected_told);
}

struct attempt *attempt_find(const struct endpoint *e, conn_id id)
{
    for (struct attempt *a = e->attempts; a != NULL; a = a->next)
        if (a->id == id && is_under_way(a))
            return a;
    return NULL;
}

bool attempt_has(const struct attempt *a, const struct duet_addr *addr)
{
    for (size_t i = 0; i < a->count; i++)
        if (addr_equal(&a->v[i].addr, addr))
            return true;
    return false;
}

struct attempt *attempt_to(const struct endpoint *e, const struct duet_addr *addr)
{
    for (struct attempt *a = e->attempts; a != NULL; a = a->next)
        if (is_under_way(a) && attempt_has(a, addr))
            return a;
    return NULL;
}

struct attempt *attempt_of(const struct endpoint *e, const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    for (struct attempt *a = e->attempts; a != NULL; a = a->next)
        if (is_under_way(a) && memcmp(a->ephemeral.public, ephemeral, NOISE_KEY_BYTES) == 0)
            return a;
    return NULL;
}

/* ---- ends ---- */

/* Silence says least.  Of two answers the one of somebody who would not have us says more than one
 * that made no sense. */
static int weight_of(int err)
{
    switch (err) {
    case DUET_EREFUSED:
        return 6;
    case DUET_EUNSUPPORTED:
        return 5;
    case DUET_EAUTH:
    case DUET_EPROTOCOL:
        return 4;
    case DUET_ESELF:
        return 3;
    case DUET_ETIMEOUT:
        return 1;
    case 0:
        return 0;
    default: /* ours: memory, places */
        return 2;
    }
}

static void tell_failed(struct endpoint *e, struct attempt *a, const struct candidate *why)
{
    struct endpoint_event ev = {.type = EVENT_FAILED, .conn = a->id};

    ev.failed.err = why->err;
    ev.failed.refusal = why->refusal;
    ev.failed.addr = why->addr;
    a->is_over = true;
    events_push(&e->shared.events, &ev);
}

static void fail_attempt(struct endpoint *e, struct attempt *a)
{
    const struct candidate *why = &a->v[0];

    for (size_t i = 1; i < a->begun; i++)
        if (weight_of(a->v[i].err) > weight_of(why->err))
            why = &a->v[i];
    tell_failed(e, a, why);
}

/* One of several; what became of the only one EVENT_FAILED tells. */
static void tell_tried(struct endpoint *e, const struct attempt *a, const struct candidate *k)
{
    struct endpoint_event ev = {.type = EVENT_TRIED, .conn = a->id};

    if (a->count == 1)
        return;
    ev.failed.err = k->err;
    ev.failed.refusal = k->refusal;
    ev.failed.addr = k->addr;
    events_push(&e->shared.events, &ev);
}

void attempt_look(struct endpoint *e, struct conn *leg)
{
    struct attempt *a = leg->attempt;
    struct candidate *k = candidate_of(a, leg);

    if (leg->connected_told) {
        leg->attempt = NULL;
        unlink_and_free(e, a);
        return;
    }
    if (!leg->closed_told && leg->state == CONN_DEAD) { /* never over without its attempt's hearing of it */
        leg->closed_told = true;
        leg->failed_err = DUET_ECANCELLED;
    }
    if (!leg->closed_told)
        return;
    leg->attempt = NULL;
    k->leg = NULL;
    k->is_over = true;
    k->err = leg->failed_err;
    k->refusal = leg->hs != NULL ? leg->hs->refusal : (uint64_t)REFUSAL_NONE;
    tell_tried(e, a, k);
    if (a->winner == leg)
        tell_failed(e, a, k);
    else if (!has_legs(a) && a->begun == a->count)
        fail_attempt(e, a);
}

void attempt_settle(struct endpoint *e, struct conn *leg, duet_time now)
{
    struct attempt *a = leg->attempt;

    if (a == NULL || a->winner != NULL || leg->state != CONN_ACK_SENT)
        return;
    a->winner = leg;
    drop_legs(e, a, leg, now);
}

void attempt_close(struct endpoint *e, struct attempt *a, uint64_t code, const char *reason, duet_time now)
{
    const struct candidate given_up = {.addr = a->v[0].addr, .err = DUET_ECANCELLED};

    if (a->winner != NULL) { /* the peer may hold it for a session */
        struct conn *leg = a->winner;

        conn_close(leg, END_LOCAL, code, reason, now);
        attempt_look(e, leg);
        endpoint_refresh(e, leg, now);
        return;
    }
    drop_legs(e, a, NULL, now);
    tell_failed(e, a, &given_up);
    unlink_and_free(e, a);
}

void attempt_replaced(struct endpoint *e, struct attempt *a, duet_time now)
{
    drop_legs(e, a, NULL, now);
    unlink_and_free(e, a);
}

/* ---- hints ---- */

static void tell_hint(struct endpoint *e, struct attempt *a)
{
    struct endpoint_event ev = {.type = EVENT_HINT, .conn = a->id};
    const struct candidate *k = &a->v[0];

    while (!k->is_hinted)
        k++;
    a->is_hint_told = true;
    ev.hint.what = k->hint;
    ev.hint.addr = k->addr;
    ev.hint.sys = k->hint_sys;
    events_push(&e->shared.events, &ev);
}

static size_t count_hinted(const struct attempt *a)
{
    size_t hinted = 0;

    for (size_t i = 0; i < a->begun; i++)
        hinted += a->v[i].is_hinted;
    return hinted;
}

void attempt_hint(struct endpoint *e, struct conn *leg, enum endpoint_hint what, int sys)
{
    struct attempt *a = leg->attempt;
    struct candidate *k = a != NULL && leg->state == CONN_SYN_SENT ? candidate_of(a, leg) : NULL;

    if (k == NULL || k->is_hinted)
        return;
    k->is_hinted = true;
    k->hint = what;
    k->hint_sys = sys;
    if (!a->is_hint_told && count_hinted(a) == a->count)
        tell_hint(e, a);
}

bool attempt_hint_at(struct endpoint *e, const struct duet_addr *at, enum endpoint_hint what, int sys)
{
    bool is_called = false;

    for (struct attempt *a = e->attempts; a != NULL; a = a->next) {
        for (size_t i = 0; i < a->begun; i++) {
            if (a->v[i].leg == NULL || !addr_equal(&a->v[i].addr, at))
                continue;
            is_called = true;
            attempt_hint(e, a->v[i].leg, what, sys);
        }
    }
    return is_called;
}

/* ---- time ---- */

/* Nothing good is to be expected of the last one begun: the next need not wait. */
static bool is_stalled(const struct candidate *k)
{
    return k->is_over || k->is_hinted ||
           (k->leg != NULL && k->leg->call != NULL && !time_is_never(k->leg->call->act_at));
}

/* One of the addresses answered, and nothing will come of it. */
static bool has_answer(const struct attempt *a)
{
    for (size_t i = 0; i < a->begun; i++)
        if (a->v[i].is_over && weight_of(a->v[i].err) >= weight_of(DUET_ESELF))
            return true;
    return false;
}

static duet_time deadline_of(const struct attempt *a)
{
    const duet_time delayed = time_add(a->begun_at, ATTEMPT_DELAY_US);

    if (a->is_over || (!a->is_shortened && has_answer(a)) || (!has_legs(a) && a->winner == NULL))
        return AT_ONCE;
    if (a->winner != NULL)
        return DUET_NEVER;
    if (a->begun < a->count)
        return is_stalled(&a->v[a->begun - 1]) ? AT_ONCE : time_min(delayed, a->end_at);
    return !a->is_hint_told && count_hinted(a) > 0 ? delayed : DUET_NEVER;
}

duet_time attempt_deadline(const struct endpoint *e)
{
    duet_time at = DUET_NEVER;

    for (const struct attempt *a = e->attempts; a != NULL; a = a->next)
        at = time_min(at, deadline_of(a));
    return at;
}

/* Who was refused at one address need not wait half a minute for another that is dead. */
static void shorten_others(struct endpoint *e, struct attempt *a, duet_time now)
{
    a->is_shortened = true;
    a->end_at = time_min(a->end_at, time_add(now, LIMIT_FOREIGN_ANSWER_US));
    for (size_t i = 0; i < a->begun; i++) {
        struct conn *c = a->v[i].leg;

        if (c == NULL)
            continue;
        c->end_at = time_min(c->end_at, a->end_at);
        endpoint_refresh(e, c, now);
    }
}

static void step_attempt(struct endpoint *e, struct attempt *a, duet_time now)
{
    const bool may_begin = a->begun < a->count && a->winner == NULL && !time_due(a->end_at, now);
    const bool was_delayed = time_due(time_add(a->begun_at, ATTEMPT_DELAY_US), now);

    if (!a->is_shortened && has_answer(a))
        shorten_others(e, a, now);
    if (may_begin && (was_delayed || is_stalled(&a->v[a->begun - 1])))
        while (begin_next(e, a, now) != 0 && a->begun < a->count)
            continue;
    else if (a->begun == a->count && was_delayed && !a->is_hint_told && count_hinted(a) > 0)
        tell_hint(e, a);
    if (!has_legs(a) && (a->begun == a->count || time_due(a->end_at, now)))
        fail_attempt(e, a);
}

void attempt_tick(struct endpoint *e, duet_time now)
{
    for (struct attempt *a = e->attempts, *next; a != NULL; a = next) {
        next = a->next;
        if (!a->is_over && time_due(deadline_of(a), now))
            step_attempt(e, a, now);
        if (a->is_over)
            unlink_and_free(e, a);
    }
}
