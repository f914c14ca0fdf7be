/*
 * path: see the header for the rules.
 */
#include "conn/path.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"

void path_init(struct path *p, const struct duet_route *route, bool validated)
{
    *p = (struct path){.route = *route, .validated = validated};
}

static uint64_t amplified_left(uint64_t received_bytes, uint64_t sent_bytes)
{
    const uint64_t limit = received_bytes * LIMIT_AMPLIFICATION;

    return limit > sent_bytes ? limit - sent_bytes : 0;
}

uint64_t path_allowance(const struct path *p)
{
    return p->validated ? UINT64_MAX : amplified_left(p->received_bytes, p->sent_bytes);
}

void path_received(struct path *p, uint64_t bytes)
{
    if (!p->validated)
        p->received_bytes += bytes;
}

void path_sent(struct path *p, uint64_t bytes)
{
    if (!p->validated)
        p->sent_bytes += bytes;
}

void path_validate(struct path *p)
{
    p->validated = true;
}

/* ---- the trial ---- */

static void end_trial(struct path *p, duet_time now)
{
    const struct path_trial *t = &p->trial;

    if (t->home.is_answered && route_equal(&p->route, &t->home.route))
        p->rest_until = time_add(now, PATH_REST_US);
    p->trial.is_on = false;
}

static void judge_trial(struct path *p, duet_time now)
{
    const struct path_trial *t = &p->trial;

    if (t->home.is_answered && t->home_heard) {
        p->route = t->home.route;
        end_trial(p, now);
    } else if (t->candidate.is_answered && (!t->home_heard || time_due(t->patient_until, now))) {
        p->route = t->candidate.route;
    }
}

static void begin_side(struct path_side *s, const struct duet_route *route, struct duet_rand *rng)
{
    *s = (struct path_side){.route = *route, .is_due = true};
    rand_bytes(rng, s->challenge, sizeof(s->challenge));
}

static void begin_trial(struct path *p, const struct path_packet *came, const struct path_view *v,
                        struct duet_rand *rng)
{
    struct path_trial *t = &p->trial;

    *t = (struct path_trial){
        .is_on = true,
        .number = came->number,
        .received_bytes = came->bytes,
        .patient_until = time_add(v->now, num_min(v->pto_us, PATH_TRIAL_US)),
        .repeat_us = num_min(num_max(v->pto_us, PATH_CHALLENGE_MIN_US), PATH_CHALLENGE_MAX_US),
        .end_at = time_add(v->now, PATH_TRIAL_US),
    };
    t->repeat_at = time_add(v->now, t->repeat_us);
    begin_side(&t->home, &p->route, rng);
    begin_side(&t->candidate, came->from, rng);
}

/* Of n packets the last takes the place with one chance in n: so each has the same. */
static void draw_next(struct path_trial *t, const struct path_packet *came, struct duet_rand *rng)
{
    if (rand_below(rng, ++t->next_of) != 0)
        return;
    t->next = *came->from;
    t->next_number = came->number;
    t->next_bytes = came->bytes;
    t->next_sent_bytes = 0;
}

/* false: both of the trial may yet answer, or nobody else came. */
static bool take_next(struct path *p, const struct path_view *v, struct duet_rand *rng)
{
    const struct path_trial t = p->trial;

    if (t.next_of == 0 || !time_due(t.patient_until, v->now))
        return false;
    begin_trial(p, &(struct path_packet){.from = &t.next, .number = t.next_number, .bytes = t.next_bytes}, v, rng);
    p->trial.sent_bytes = t.next_sent_bytes;
    return true;
}

void path_came_again(struct path *p, const struct path_packet *came, duet_time now)
{
    struct path_trial *t = &p->trial;

    if (!t->is_on || came->number < t->number || !route_equal(came->from, &t->home.route))
        return;
    t->home_heard = true;
    judge_trial(p, now);
}

static bool is_third(const struct path *p, const struct duet_route *from)
{
    const struct path_trial *t = &p->trial;

    if (route_equal(from, &p->route))
        return false;
    return !t->is_on || (!route_equal(from, &t->home.route) && !route_equal(from, &t->candidate.route));
}

bool path_wants_copy(const struct path *p, const struct duet_route *from)
{
    return p->trial.is_on && !p->trial.home.is_answered && is_third(p, from);
}

bool path_came(struct path *p, const struct path_packet *came, const struct path_view *v, struct duet_rand *rng)
{
    struct path_trial *t = &p->trial;

    path_came_again(p, came, v->now);
    if (t->is_on && route_equal(came->from, &t->candidate.route))
        t->received_bytes += came->bytes;
    if (!came->is_newest || !is_third(p, came->from))
        return false;
    if (t->is_on) {
        draw_next(t, came, rng);
        return take_next(p, v, rng);
    }
    if (!v->in_doubt && !time_due(p->rest_until, v->now))
        return false;
    begin_trial(p, came, v, rng);
    return true;
}

static void take_answer(struct path_side *s, const uint8_t data[FRAME_PATH_BYTES])
{
    if (memcmp(s->challenge, data, FRAME_PATH_BYTES) != 0)
        return;
    s->is_answered = true;
    s->is_due = false;
}

void path_answered(struct path *p, const uint8_t data[FRAME_PATH_BYTES], duet_time now)
{
    struct path_trial *t = &p->trial;

    if (!t->is_on)
        return;
    take_answer(&t->home, data);
    take_answer(&t->candidate, data);
    judge_trial(p, now);
}

static void ask_again(struct path_trial *t, duet_time now)
{
    if (!time_due(t->repeat_at, now))
        return;
    t->home.is_due = !t->home.is_answered;
    t->candidate.is_due = !t->candidate.is_answered;
    t->repeat_at = time_add(now, t->repeat_us);
}

void path_tick(struct path *p, const struct path_view *v, struct duet_rand *rng)
{
    if (!p->trial.is_on)
        return;
    judge_trial(p, v->now);
    if (time_due(p->trial.end_at, v->now))
        end_trial(p, v->now);
    else if (!take_next(p, v, rng))
        ask_again(&p->trial, v->now);
}

duet_time path_deadline(const struct path *p)
{
    const struct path_trial *t = &p->trial;
    const bool is_awaited =
        t->next_of > 0 || (t->candidate.is_answered && !route_equal(&p->route, &t->candidate.route));

    if (!t->is_on)
        return DUET_NEVER;
    return time_min(time_min(t->repeat_at, t->end_at), is_awaited ? t->patient_until : DUET_NEVER);
}

bool path_is_in_doubt(const struct path *p)
{
    const struct path_trial *t = &p->trial;

    return t->is_on && !t->home.is_answered && !t->home_heard && !t->candidate.is_answered;
}

/* ---- errands ---- */

/* How long a packet that side of the trial may get. */
static size_t side_room(const struct path *p, const struct path_side *side)
{
    const struct path_trial *t = &p->trial;
    const bool is_proven = side == &t->home || side->is_answered;

    return is_proven ? LIMIT_PACKET_MIN_BYTES
                     : (size_t)num_min(amplified_left(t->received_bytes, t->sent_bytes), LIMIT_PACKET_MIN_BYTES);
}

const struct duet_route *path_other(const struct path *p, size_t least, size_t *room)
{
    const struct path_trial *t = &p->trial;
    const struct path_side *other = route_equal(&p->route, &t->home.route) ? &t->candidate : &t->home;

    if (!t->is_on)
        return NULL;
    *room = side_room(p, other);
    return *room >= least ? &other->route : NULL;
}

const struct duet_route *path_ahead(const struct path *p, size_t *room)
{
    const struct path_side *candidate = &p->trial.candidate;

    if (!path_is_in_doubt(p))
        return NULL;
    *room = side_room(p, candidate);
    return *room >= PATH_AHEAD_BYTES ? &candidate->route : NULL;
}

void path_acked(struct path *p)
{
    if (p->trial.is_on)
        p->trial.ack_wanted = true;
}

static void push_reply(struct path *p, const struct duet_route *to, const uint8_t data[FRAME_PATH_BYTES])
{
    if (p->reply_count == PATH_REPLIES)
        return;
    struct path_reply *r = &p->replies[p->reply_count++];
    r->to = *to;
    memcpy(r->data, data, sizeof(r->data));
}

void path_challenged(struct path *p, const struct duet_route *from, const uint8_t data[FRAME_PATH_BYTES])
{
    push_reply(p, &p->route, data);
    if (!route_equal(from, &p->route))
        push_reply(p, from, data);
}

/* The side of the trial a route is; NULL: none. */
static const struct path_side *side_of(const struct path *p, const struct duet_route *route)
{
    const struct path_trial *t = &p->trial;

    if (!t->is_on)
        return NULL;
    return route_equal(route, &t->home.route)        ? &t->home
           : route_equal(route, &t->candidate.route) ? &t->candidate
                                                     : NULL;
}

static size_t room_at(const struct path *p, const struct duet_route *route)
{
    const struct path_side *side = side_of(p, route);

    if (side != NULL)
        return side_room(p, side);
    return route_equal(route, &p->route) ? LIMIT_PACKET_MIN_BYTES : PATH_PACKET_BYTES;
}

static bool fill_errand(const struct path *p, struct path_errand *e, enum path_errand_kind kind,
                        const struct duet_route *to, const uint8_t *data)
{
    *e = (struct path_errand){.kind = kind, .to = *to, .data = data, .room = room_at(p, to)};
    return e->room >= PATH_PACKET_BYTES;
}

bool path_errand(const struct path *p, struct path_errand *out)
{
    const struct path_trial *t = &p->trial;

    /* One that may not leave yet holds up no other: it may be the one that proves home to the
     * peer. */
    for (size_t i = 0; i < p->reply_count; i++)
        if (fill_errand(p, out, PATH_RESPONSE, &p->replies[i].to, p->replies[i].data))
            return true;
    if (!t->is_on)
        return false;
    if (t->candidate.is_due && fill_errand(p, out, PATH_CHALLENGE, &t->candidate.route, t->candidate.challenge))
        return true;
    if (t->home.is_due && fill_errand(p, out, PATH_CHALLENGE, &t->home.route, t->home.challenge))
        return true;
    return t->ack_wanted && !route_equal(&p->route, &t->candidate.route) &&
           fill_errand(p, out, PATH_ACK, &t->candidate.route, NULL);
}

void path_sent_to(struct path *p, const struct duet_route *to, size_t bytes)
{
    struct path_trial *t = &p->trial;
    const struct path_side *side = side_of(p, to);

    if (side == &t->candidate)
        t->sent_bytes += bytes;
    else if (side == NULL && route_equal(to, &t->next))
        t->next_sent_bytes += bytes;
}

static void drop_reply(struct path *p, const uint8_t *data)
{
    struct path_reply *r = p->replies;

    while (r->data != data) {
        r++;
        assert(r < p->replies + p->reply_count);
    }
    p->reply_count--;
    memmove(r, r + 1, (size_t)(p->replies + p->reply_count - r) * sizeof(*r));
}

void path_errand_sent(struct path *p, const struct path_errand *e, size_t bytes)
{
    struct path_trial *t = &p->trial;

    path_sent_to(p, &e->to, bytes);
    switch (e->kind) {
    case PATH_RESPONSE:
        drop_reply(p, e->data);
        return;
    case PATH_CHALLENGE:
        (e->data == t->home.challenge ? &t->home : &t->candidate)->is_due = false;
        return;
    case PATH_ACK:
        t->ack_wanted = false;
        return;
    }
}

/* ---- our own addresses ---- */

static void forget_local(struct duet_route *r, const struct duet_addr *local)
{
    if (r->local.family != ADDR_NONE && addr_same_host(&r->local, local))
        r->local = (struct duet_addr){.family = ADDR_NONE};
}

void path_local_gone(struct path *p, const struct duet_addr *local)
{
    forget_local(&p->route, local);
    forget_local(&p->trial.home.route, local);
    forget_local(&p->trial.candidate.route, local);
    forget_local(&p->trial.next, local);
    for (size_t i = 0; i < p->reply_count; i++)
        forget_local(&p->replies[i].to, local);
}
