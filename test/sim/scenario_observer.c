/*
 * Scenarios with an observer between two that talk: he sees each packet, and a copy of his, from an address of his own,
 * is there first.  He cannot stop the original.  What he wants is that answers go to him: there they end, or he passes
 * them on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "conn/endpoint_state.h"
#include "scenario.h"

#define KB UINT64_C(1000)
#define OBSERVED_FROM_US WORLD_S(1)
#define OBSERVED_S 6
#define TEXTS 40
#define TEXT_US WORLD_MS(200)
#define TEXT_MOVED_US WORLD_S(1.5) /* … when it is said from a new address that the observer outruns, too */
#define FILE_BYTES UINT64_C(6000000)
#define MANY_ADDRESSES 6

/* X(name, what he does) */
#define OBSERVER_LIST(X)                                                     \
    X(OBSERVER_COPIES, "copies")                                             \
    X(OBSERVER_COPIES_ONE, "copies what goes one way")                       \
    X(OBSERVER_COPIES_FROM_MANY, "copies, from one address after the other") \
    X(OBSERVER_RELAYS, "copies, and passes on what is sent to him")
enum observer_kind {
#define X(name, what) name,
    OBSERVER_LIST(X)
#undef X
};
#define X(name, what) +1
enum { OBSERVER_KINDS = OBSERVER_LIST(X) };
#undef X

struct observer {
    enum observer_kind kind;
    bool is_neighbour; /* other ports of the hosts themselves, as behind one NAT */
    double way;        /* his copy takes this part of the time the link takes */
    size_t addresses, next;
    uint64_t from_us; /* he is there */
    bool moves;       /* one of the two, in between */
};

static const char *observer_does(enum observer_kind kind)
{
    static const char *const words[] = {
#define X(name, what) [name] = what,
        OBSERVER_LIST(X)
#undef X
    };
    return words[kind];
}

/* Who gets his copy sees it come from here. */
static struct duet_addr address_for(const struct world *w, const struct observer *o, size_t to, size_t k)
{
    struct duet_addr a = {.family = ADDR_V4, .ip = {203, 0, 113, (uint8_t)(to + 1)}};

    if (o->is_neighbour)
        a = w->nodes[1 - to]->addr;
    a.port = (uint16_t)(40000 + k);
    return a;
}

static uint64_t way_us(struct world *w, size_t to)
{
    const struct observer *o = w->own;

    return (uint64_t)((double)world_link(w, 1 - to, to)->cfg.delay_us * o->way);
}

static bool is_at_work(const struct world *w)
{
    const struct observer *o = w->own;

    return w->now.us >= o->from_us && w->phase == PHASE_RUN;
}

static void copy(struct world *w, const struct duet_addr *from, size_t to, const uint8_t *bytes, size_t len)
{
    struct observer *o = w->own;

    if (!is_at_work(w) || (o->kind == OBSERVER_COPIES_ONE && to == 0))
        return;
    const struct duet_addr his = address_for(w, o, to, o->next++ % o->addresses);
    world_inject_copy(w, &his, from, to, bytes, len, way_us(w, to));
}

/* From one who takes him for the other: on to the other, who takes him for the first. */
static void pass_on(struct world *w, const struct duet_addr *to, const uint8_t *bytes, size_t len)
{
    const struct duet_addr nobody = {.family = ADDR_NONE};
    const struct observer *o = w->own;

    for (size_t node = 0; node < 2 && o->kind == OBSERVER_RELAYS && is_at_work(w); node++) {
        const struct duet_addr his = address_for(w, o, node, 0), other = address_for(w, o, 1 - node, 0);
        if (addr_equal(&his, to))
            world_inject_copy(w, &other, &nobody, 1 - node, bytes, len, way_us(w, 1 - node));
    }
}

static bool is_through(struct world *w)
{
    return w->now.us >= WORLD_S(OBSERVED_S) && world_is_settled(w);
}

static void move_fire(struct world *w, uint64_t arg)
{
    world_log(w, "%zu moves", (size_t)(arg % 2));
    world_move_node(w->nodes[arg % 2], arg >= 2);
}

static void set_up(struct world *w, bool is_alone, bool moves, uint64_t from_us)
{
    struct observer *o = calloc(1, sizeof(*o));

    if (o == NULL)
        abort();
    w->own = o;
    *o = (struct observer){.kind = (enum observer_kind)world_pick(w, 0, OBSERVER_KINDS - 1),
                           .is_neighbour = world_chance(w, 0.5),
                           .way = world_pick_unit(w, 0.2, 0.95),
                           .addresses = 1,
                           .from_us = from_us,
                           .moves = moves};
    if (o->kind == OBSERVER_COPIES_FROM_MANY)
        o->addresses = MANY_ADDRESSES;
    scenario_two_nodes(w);
    w->default_link = (struct link_config){.rate_bytes_per_s = world_pick(w, 2000 * KB, 10000 * KB),
                                           .delay_us = world_pick(w, WORLD_MS(2), WORLD_MS(40)),
                                           .queue_bytes = 256 * 1024};
    if (!is_alone) {
        w->overhear = copy;
        w->stray = pass_on;
    }
    const size_t sender = world_pick(w, 0, 1), mover = world_pick(w, 0, 1) + world_pick(w, 0, 1) * 2;
    const uint64_t move_us = world_pick(w, WORLD_S(2), WORLD_S(4));
    world_start_node(w, w->nodes[0]);
    world_start_node(w, w->nodes[1]);
    ui_connect(w, 0, 1, 0);
    ui_send(w, sender, 1 - sender, FILE_BYTES, OBSERVED_FROM_US + WORLD_MS(500));
    for (size_t i = 0; i < 2 * TEXTS; i++)
        ui_say(w, i % 2, 1 - i % 2, 40, OBSERVED_FROM_US + i / 2 * WORLD_S(OBSERVED_S - 2) / TEXTS);
    if (moves)
        world_at(w, move_us, move_fire, mover);
    w->no_finish = true;
    w->goal = is_through;
    world_log(w, "who observes %s, in %.2f of the time", observer_does(o->kind), o->way);
    scenario_bound(w, WORLD_S(60));
}

static void observer(struct world *w)
{
    set_up(w, false, false, OBSERVED_FROM_US);
}

/* Of the handshake as well. */
static void observer_of_a_call(struct world *w)
{
    set_up(w, false, false, 0);
}

static void no_observer(struct world *w)
{
    set_up(w, true, false, OBSERVED_FROM_US);
}

static void observer_of_a_move(struct world *w)
{
    set_up(w, false, true, OBSERVED_FROM_US);
}

static void no_observer_of_a_move(struct world *w)
{
    set_up(w, true, true, OBSERVED_FROM_US);
}

static uint64_t file_us(const struct world *w)
{
    return time_since(w->deeds[0].done_at, w->deeds[0].started_at);
}

static uint64_t slowest_text_us(const struct world *w)
{
    uint64_t slowest_us = 0;

    for (size_t i = 0; i < w->deed_count; i++) {
        if (w->deeds[i].type == DEED_SAY)
            slowest_us = num_max(slowest_us, time_since(w->deeds[i].arrived_at, w->deeds[i].started_at));
    }
    return slowest_us;
}

/* How long the file takes where nobody observes. */
static uint64_t file_us_alone(struct world *w, void (*setup)(struct world *w))
{
    const struct scenario alone = {.name = "no-observer", .setup = setup};
    struct world *twin = world_new(&alone, w->seed, 0);

    setup(twin);
    world_run(twin);
    if (twin->failed)
        world_fail(w, "without the observer: %s", twin->failure);
    const uint64_t us = file_us(twin);

    world_free(twin);
    return us;
}

static void check_observer(struct world *w)
{
    const struct observer *o = w->own;
    const uint64_t us = file_us(w);
    const uint64_t alone_us = file_us_alone(w, o->moves ? no_observer_of_a_move : no_observer);
    const uint64_t text_us = slowest_text_us(w);

    world_log(w, "slowest text %.0f ms, file %.0f ms, alone %.0f ms", (double)text_us / 1e3, (double)us / 1e3,
              (double)alone_us / 1e3);
    if (text_us > (o->moves ? TEXT_MOVED_US : TEXT_US))
        world_fail(w, "who observes %s: a text took %.0f ms", observer_does(o->kind), (double)text_us / 1e3);
    if (us > alone_us + alone_us / 20 + (o->moves ? TEXT_MOVED_US : TEXT_US))
        world_fail(w, "who observes %s: the file took %.0f ms, alone %.0f", observer_does(o->kind), (double)us / 1e3,
                   (double)alone_us / 1e3);
}

static const struct scenario table[] = {
    {.name = "observer", .weight = 4, .setup = observer, .check = check_observer},
    {.name = "observer-call", .weight = 3, .setup = observer_of_a_call, .check = check_observer},
    {.name = "observer-move", .weight = 3, .setup = observer_of_a_move, .check = check_observer},
};

const struct scenario_table scenarios_observer = {.v = table, .count = sizeof(table) / sizeof(table[0])};
