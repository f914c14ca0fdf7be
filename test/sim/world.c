#include "world.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#define STEPS_MAX 30000000
#define FINISH_US WORLD_S(90) /* time for each half of the goodbyes */
#define DEFAULT_BOUND_US WORLD_S(600)

struct post {
    struct event event;
    struct node *node;
    struct request request;
};

struct call {
    struct event event;
    void (*fire)(struct world *w, uint64_t arg);
    uint64_t arg;
};

/* Failure and log */

void world_fail(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->failed)
        return;
    w->failed = true;
    va_start(args, format);
    int n = snprintf(w->failure, sizeof(w->failure), "at %.6f s: ", (double)w->now.us / 1e6);
    vsnprintf(w->failure + n, sizeof(w->failure) - (size_t)n, format, args);
    va_end(args);
    world_log(w, "FAILURE %s", w->failure);
}

void world_log(const struct world *w, const char *format, ...)
{
    va_list args;

    if (w->verbose == 0)
        return;
    printf("%12.6f ", (double)w->now.us / 1e6);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

uint64_t world_memory(void)
{
    const struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd; /* hblkhd: what is so large that it has pages of its own, as chunks have */
}

/* Dice */

uint64_t world_pick(struct world *w, uint64_t low, uint64_t high)
{
    return low + rand_below(&w->rng, high - low + 1);
}

uint64_t world_pick_log(struct world *w, uint64_t low, uint64_t high)
{
    while (high > low * 2 && rand_below(&w->rng, 2) != 0)
        low *= 2;
    return world_pick(w, low, high < low * 2 ? high : low * 2);
}

double world_pick_unit(struct world *w, double low, double high)
{
    return low + (high - low) * rand_unit(&w->rng);
}

bool world_chance(struct world *w, double p)
{
    return rand_unit(&w->rng) < p;
}

/* Events */

void world_set_event(struct world *w, struct event *e, duet_time at)
{
    if (heap_set(&w->events, &e->heap, at) < 0)
        abort();
}

static void call_fire(struct world *w, struct event *e)
{
    struct call *c = (struct call *)e;

    w->is_dirty = true;
    c->fire(w, c->arg);
}

void world_at(struct world *w, uint64_t at_us, void (*fire)(struct world *w, uint64_t arg), uint64_t arg)
{
    struct call *c = calloc(1, sizeof(*c));

    if (c == NULL)
        abort();
    *c = (struct call){.event = {.fire = call_fire, .is_owned = true}, .fire = fire, .arg = arg};
    world_set_event(w, &c->event, time_max(DUET_TIME(at_us), w->now));
}

static void post_fire(struct world *w, struct event *e)
{
    struct post *p = (struct post *)e;

    w->is_dirty = true;
    if (p->node->hub == NULL)
        request_dispose(&p->request);
    else
        world_tell(w, p->node, &p->request);
}

static void post_drop(struct event *e)
{
    request_dispose(&((struct post *)e)->request);
}

void world_tell_later(struct world *w, struct node *n, const struct request *m, uint64_t after_us)
{
    struct post *p = calloc(1, sizeof(*p));

    if (p == NULL)
        abort();
    *p = (struct post){.event = {.fire = post_fire, .drop = post_drop, .is_owned = true}, .node = n, .request = *m};
    world_set_event(w, &p->event, time_add(w->now, after_us));
}

struct link *world_link(struct world *w, size_t a, size_t b)
{
    if (w->links[a][b] == NULL) {
        struct link *l = malloc(sizeof(*l));
        if (l == NULL)
            abort();
        link_init(l, &w->default_link, w->seed * WORLD_NODES * WORLD_NODES + a * WORLD_NODES + b);
        w->links[a][b] = l;
    }
    return w->links[a][b];
}

/* The run */

struct world *world_new(const struct scenario *s, uint64_t seed, int verbose)
{
    struct world *w = calloc(1, sizeof(*w));

    if (w == NULL)
        abort();
    w->seed = seed;
    w->scenario = s;
    w->verbose = verbose;
    rand_init_u64(&w->rng, seed);
    heap_init(&w->events);
    w->bound = DUET_TIME(DEFAULT_BOUND_US);
    return w;
}

static void free_event(struct event *e)
{
    if (e->is_owned)
        free(e);
}

void world_free(struct world *w)
{
    struct heap_node *h;

    for (size_t i = 0; i < w->node_count; i++)
        world_set_event(w, &w->nodes[i]->timer, DUET_NEVER);
    for (size_t i = 0; i < w->node_count; i++)
        world_free_node(w, w->nodes[i]);
    while ((h = heap_first(&w->events)) != NULL) {
        struct event *e = (struct event *)h;
        heap_remove(&w->events, h);
        if (e->drop != NULL)
            e->drop(e);
        free_event(e);
    }
    heap_dispose(&w->events);
    for (size_t i = 0; i < WORLD_NODES * WORLD_NODES; i++)
        free(w->links[i / WORLD_NODES][i % WORLD_NODES]);
    for (size_t i = 0; i < w->deed_count; i++) {
        free(w->deeds[i].text);
        free(w->deeds[i].source);
    }
    free(w->deeds);
    outsider_free(w->outsider);
    free(w->own);
    free(w);
}

bool world_is_settled(const struct world *w)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        if (!deed_is_settled(&w->deeds[i]))
            return false;
    }
    for (size_t i = 0; i < w->node_count; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (w->nodes[i]->hub != NULL && u->connects > 0 && u->connected + u->failed == 0)
            return false;
    }
    return w->deeds_started > 0 || w->deed_count == 0;
}

static bool all_done(const struct world *w)
{
    for (size_t i = 0; i < w->node_count; i++) {
        if (w->nodes[i]->hub != NULL && !hub_done(w->nodes[i]->hub))
            return false;
    }
    return true;
}

/* The first has left: it is done, and all that were with it know. */
static bool first_has_left(struct world *w)
{
    if (!hub_done(w->nodes[w->quitter]->hub))
        return false;
    for (size_t i = 0; i < w->node_count; i++) {
        struct node *n = w->nodes[i];
        if (n->hub != NULL && i != w->quitter && ui_sessions(&n->ui, w->quitter) > 0 && !w->may_miss_left)
            return false;
    }
    return true;
}

static void quit_others(struct world *w)
{
    for (size_t i = 0; i < w->node_count && !w->failed; i++) {
        if (w->nodes[i]->hub != NULL && i != w->quitter && !w->nodes[i]->was_quit)
            ui_quit(w, w->nodes[i], w->may_miss_left); /* who missed the goodbye would wait for receipts */
    }
}

static void check_goodbye(struct world *w)
{
    for (size_t i = 0; i < w->node_count; i++) {
        const struct ui_peer *p = ui_peer_of(&w->nodes[i]->ui, w->quitter);
        bool was_there = p != NULL && p->is_connected && time_before(w->leaving_at, p->gone_at);
        if (w->nodes[i]->hub != NULL && was_there && !p->has_left && !w->may_miss_left)
            world_fail(w, "node %zu did not hear the goodbye of %zu", i, w->quitter);
    }
}

static bool run_is_over(struct world *w)
{
    return w->goal != NULL ? w->goal(w) : world_is_settled(w);
}

static void start_goodbyes(struct world *w)
{
    world_log(w, "the goal is met");
    w->phase = w->no_finish ? PHASE_OVER : PHASE_FIRST_LEAVES;
    w->bound = time_add(w->now, FINISH_US);
    w->leaving_at = w->now;
    for (size_t i = 0; i < w->node_count && w->nodes[w->quitter]->hub == NULL; i++)
        w->quitter = i;
    if (!w->no_finish && !w->nodes[w->quitter]->was_quit)
        ui_quit(w, w->nodes[w->quitter], false);
}

static bool all_drained(const struct world *w)
{
    for (size_t i = 0; i < w->node_count; i++) {
        const struct node *n = w->nodes[i];
        if (n->hub != NULL && (endpoint_conn_count(n->endpoint) > 0 || n->disk.count > 0))
            return false;
    }
    return true;
}

/* Moves to the next phase when this one has what it waited for. */
static void judge(struct world *w)
{
    if (w->phase == PHASE_RUN && (w->is_dirty || w->goal != NULL)) {
        w->is_dirty = false;
        if (run_is_over(w))
            start_goodbyes(w);
    } else if (w->phase == PHASE_FIRST_LEAVES && first_has_left(w)) {
        check_goodbye(w);
        w->phase = PHASE_ALL_LEAVE;
        w->bound = time_add(w->now, FINISH_US);
        quit_others(w);
    } else if (w->phase == PHASE_ALL_LEAVE && all_done(w)) {
        w->phase = PHASE_DRAIN;
        w->bound = time_add(w->now, FINISH_US);
    } else if (w->phase == PHASE_DRAIN && all_drained(w)) {
        w->phase = PHASE_OVER;
    }
}

/* Who is to blame when time is up. */
static void fail_late(struct world *w)
{
    char text[200] = "";

    for (size_t i = 0; i < w->deed_count && text[0] == '\0'; i++) {
        if (!deed_is_settled(&w->deeds[i]))
            deed_describe(&w->deeds[i], text, sizeof(text));
    }
    for (size_t i = 0; i < w->node_count; i++) {
        const struct ui *u = &w->nodes[i]->ui;
        if (w->verbose > 0)
            world_log(w, "%zu: %zu connects, %zu connected, %zu failed, %zu left, %zu lost", i, u->connects,
                      u->connected, u->failed, u->left, u->lost);
    }
    world_fail(w, "phase %d is not over in time: %s", (int)w->phase, text);
}

static void step(struct world *w)
{
    struct heap_node *h = heap_first(&w->events);

    if (h == NULL) {
        world_fail(w, "deadlock: nothing is left to happen");
        return;
    }
    if (time_before(w->bound, h->at)) {
        w->now = w->bound;
        fail_late(w);
        return;
    }
    struct event *e = (struct event *)h;
    w->now = h->at;
    heap_remove(&w->events, h);
    e->fire(w, e);
    free_event(e);
    if (++w->steps > STEPS_MAX)
        world_fail(w, "too many steps");
}

void world_run(struct world *w)
{
    w->is_dirty = true;
    while (!w->failed && w->phase != PHASE_OVER) {
        enum world_phase before;
        do {
            before = w->phase;
            judge(w);
        } while (!w->failed && w->phase != before);
        if (!w->failed && w->phase != PHASE_OVER)
            step(w);
    }
    if (!w->failed)
        invariants_at_end(w);
}
