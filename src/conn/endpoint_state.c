/*
 * endpoint_state: the tables: who is there, under which ids, whose timer is
 * next, who can send.
 */
#include "conn/endpoint_state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "conn/conn_plan.h"

conn_id endpoint_fresh_id(struct endpoint *e)
{
    conn_id id;

    do
        id = rand_u64(&e->shared.rng);
    while (id == 0 || idmap_get(&e->by_id, id) != NULL);
    return id;
}

static int keep_conn(struct endpoint *e, struct conn *c)
{
    if (e->count == e->cap) {
        const size_t cap = e->cap == 0 ? 8 : e->cap * 2;
        struct conn **all = realloc(e->all, cap * sizeof(*all));

        if (all == NULL)
            return DUET_ENOMEM;
        e->all = all;
        e->cap = cap;
    }
    int err = idmap_put(&e->by_id, c->id, c);
    if (err == 0 && !c->initiator)
        err = idmap_put(&e->by_syn, c->syn_tag, c);
    if (err != 0) {
        idmap_remove(&e->by_id, c->id);
        return err;
    }
    e->all[e->count++] = c;
    return 0;
}

/* The place was taken when the answer was made (accept.c). */
static void leave_half_open(struct endpoint *e, struct conn *c)
{
    if (c->host == NULL)
        return;
    c->host->half_open--;
    c->host = NULL;
    e->half_open--;
}

int endpoint_add(struct endpoint *e, struct conn *c, duet_time now)
{
    const int err = keep_conn(e, c);

    if (err != 0) {
        leave_half_open(e, c);
        conn_free(c);
        return err;
    }
    endpoint_refresh(e, c, now);
    return 0;
}

void endpoint_leave_ready(struct endpoint *e, struct conn *c)
{
    if (!c->ready)
        return;
    struct conn *before = NULL;
    struct conn **at = &e->ready_first;
    while (*at != c) {
        before = *at;
        at = &(*at)->ready_next;
    }
    *at = c->ready_next;
    if (e->ready_last == c)
        e->ready_last = before;
    c->ready = false;
    c->ready_next = NULL;
}

static void enter_ready(struct endpoint *e, struct conn *c)
{
    if (c->ready)
        return;
    c->ready = true;
    c->ready_next = NULL;
    if (e->ready_last != NULL)
        e->ready_last->ready_next = c;
    else
        e->ready_first = c;
    e->ready_last = c;
}

void endpoint_remove(struct endpoint *e, struct conn *c)
{
    assert(c->attempt == NULL);
    endpoint_leave_ready(e, c);
    heap_remove(&e->timers, &c->timer);
    idmap_remove(&e->by_id, c->id);
    if (!c->initiator)
        idmap_remove(&e->by_syn, c->syn_tag);
    for (size_t i = 0; i < e->count; i++) {
        if (e->all[i] == c) {
            e->all[i] = e->all[--e->count];
            break;
        }
    }
    leave_half_open(e, c);
    conn_free(c);
}

/* The timer, and `send_at` when that lies in the future. */
void endpoint_set_timer(struct endpoint *e, struct conn *c, duet_time send_at)
{
    const duet_time t = time_min(conn_deadline(c), send_at);

    liveness_sleeps(&c->liveness, t);
    if (heap_set(&e->timers, &c->timer, t) != 0)
        conn_fail(c, DUET_ENOMEM, "out of memory", t);
}

duet_time endpoint_plan(struct conn *c, duet_time now)
{
    const struct conn_plan plan = conn_plan(c, now);

    return conn_apply_plan(c, &plan, now);
}

void endpoint_refresh(struct endpoint *e, struct conn *c, duet_time now)
{
    if (c->state == CONN_DEAD) {
        endpoint_remove(e, c);
        return;
    }
    if (c->state != CONN_SYN_RECEIVED)
        leave_half_open(e, c);
    conn_let_go(c);
    const duet_time send_at = endpoint_plan(c, now);
    if (time_due(send_at, now))
        enter_ready(e, c);
    endpoint_set_timer(e, c, time_due(send_at, now) ? DUET_NEVER : send_at);
}

struct conn *endpoint_find(const struct endpoint *e, conn_id id)
{
    return id == 0 ? NULL : idmap_get(&e->by_id, id);
}

struct conn *endpoint_find_open(const struct endpoint *e, conn_id id)
{
    struct conn *c = endpoint_find(e, id);

    return c != NULL && conn_is_usable(c) ? c : NULL;
}
