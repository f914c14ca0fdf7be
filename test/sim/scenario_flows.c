/*
 * Scenarios of programs that use duet as their transport: streams each way of every priority, some given up by either
 * side, datagrams, requests that a program answers; beside a chat and a file, over paths that lose and reorder, with a
 * peer that moves.  What arrives is compared byte for byte with what was written.
 */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define KB UINT64_C(1000)
#define STREAMS_MAX 12   /* of both sides */
#define DATAGRAMS_MAX 60 /* of each side */
#define QUEUED_BYTES (64 * 1024)
#define PIECE_BYTES (16 * 1024)
#define RESET_CODE 42
#define STOP_CODE 43

enum flow_fate { FATE_FINISH, FATE_RESET, FATE_STOP };

/* One direction of a stream, from the writer's side and from the reader's. */
struct flow_way {
    uint64_t total, written, left; /* bytes to write, handed to the hub, and gone from it */
    uint64_t read;
    enum flow_fate fate;
    bool ended_there, over_here; /* the reader knows the end; the writer knows that it is over */
    bool gave_up;
};

struct flow_plan {
    size_t from; /* node that opens it */
    enum stream_priority priority;
    uint64_t stream; /* 0: not opened yet */
    uint64_t lazy_us;
    struct flow_way way[2]; /* opener's, and the answer */
};

struct flows_world {
    struct flow_plan plans[STREAMS_MAX];
    size_t count;
    uint64_t datagrams[2]; /* sent by each node, */
    bool came[2][DATAGRAMS_MAX];
    uint64_t most[2];
    size_t requests;
    uint64_t next_us[2]; /* what is told to a hub arrives in the order it was said */
};

static uint8_t byte_of(uint64_t stream, size_t way, uint64_t offset)
{
    return (uint8_t)(stream * 41 + way * 97 + offset * 131 + (offset >> 8) * 7 + (offset >> 16));
}

static struct flow_plan *plan_of(struct world *w, uint64_t stream)
{
    struct flows_world *f = w->own;

    for (size_t i = 0; i < f->count; i++) {
        if (f->plans[i].stream == stream && stream != 0)
            return &f->plans[i];
    }
    return NULL;
}

static conn_id peer_id(struct node *n)
{
    struct ui_peer *p = ui_live_peer(&n->ui, 1 - n->index);

    return p != NULL ? p->id : 0;
}

static void tell(struct world *w, struct node *n, struct request m, uint64_t after_us)
{
    m.peer = peer_id(n);
    if (m.peer != 0)
        world_tell_later(w, n, &m, after_us);
    else
        request_dispose(&m);
}

/* At once, but behind what was said before. */
static void tell_next(struct world *w, struct node *n, struct request m)
{
    struct flows_world *f = w->own;
    uint64_t *next = &f->next_us[n->index];
    const uint64_t after_us = *next > w->now.us ? *next - w->now.us : 0;

    *next = w->now.us + after_us + 1;
    tell(w, n, m, after_us);
}

/* The writer hands over what the hub may hold, then the end. */
static void write_more(struct world *w, struct flow_plan *p, size_t at)
{
    struct flow_way *way = &p->way[at];
    struct node *n = w->nodes[at == 0 ? p->from : 1 - p->from];

    while (!way->gave_up && way->written < way->total && way->written - way->left < QUEUED_BYTES) {
        const size_t len = (size_t)(way->total - way->written < PIECE_BYTES ? way->total - way->written : PIECE_BYTES);
        struct request m = {.type = REQUEST_STREAM_WRITE, .write = {.stream = p->stream, .blob = blob_new(NULL, len)}};

        if (m.write.blob == NULL)
            abort();
        for (size_t i = 0; i < len; i++)
            m.write.blob->data[i] = byte_of(p->stream, at, way->written + i);
        way->written += len;
        tell_next(w, n, m);
        if (way->fate == FATE_RESET && way->written > way->total / 2) {
            way->gave_up = way->over_here = true;
            tell_next(w, n, (struct request){.type = REQUEST_STREAM_RESET, .stream = {p->stream, RESET_CODE}});
        }
    }
    if (way->gave_up || way->written < way->total)
        return;
    way->gave_up = true; /* nothing more to write */
    tell_next(w, n, (struct request){.type = REQUEST_STREAM_FINISH, .stream = {.stream = p->stream}});
}

static void on_data(struct world *w, struct node *n, struct flow_plan *p, size_t at, const struct notice *m)
{
    struct flow_way *way = &p->way[at];
    const size_t len = m->data.blob->len;

    for (size_t i = 0; i < len; i++) {
        if (m->data.blob->data[i] != byte_of(p->stream, at, way->read + i)) {
            world_fail(w, "stream %llu: another byte at %llu", (unsigned long long)p->stream,
                       (unsigned long long)way->read + i);
            return;
        }
    }
    way->read += len;
    tell(w, n, (struct request){.type = REQUEST_STREAM_CONSUMED, .consumed = {p->stream, len}}, p->lazy_us);
    if (way->fate == FATE_STOP && !way->ended_there) {
        way->ended_there = true;
        tell(w, n, (struct request){.type = REQUEST_STREAM_STOP, .stream = {p->stream, STOP_CODE}}, 0);
    }
}

/* The reader has the end: the other direction is answered now. */
static void on_end(struct world *w, struct flow_plan *p, size_t at, const struct notice *m)
{
    struct flow_way *way = &p->way[at];
    const bool whole = m->type == NOTICE_STREAM_ENDED;

    if (whole && way->read != way->total)
        world_fail(w, "stream %llu ended at %llu of %llu", (unsigned long long)p->stream, (unsigned long long)way->read,
                   (unsigned long long)way->total);
    if (!whole && (way->fate != FATE_RESET || m->stream.code != RESET_CODE))
        world_fail(w, "stream %llu broke with %llu", (unsigned long long)p->stream, (unsigned long long)m->stream.code);
    way->ended_there = true;
}

static void on_over(struct world *w, struct flow_plan *p, size_t at, const struct notice *m)
{
    struct flow_way *way = &p->way[at];

    if (m->type == NOTICE_STREAM_STOPPED && (way->fate != FATE_STOP || m->stream.code != STOP_CODE))
        world_fail(w, "stream %llu was stopped with %llu", (unsigned long long)p->stream,
                   (unsigned long long)m->stream.code);
    way->gave_up = way->over_here = true;
}

static void on_opened(struct world *w, struct node *n, const struct notice *m)
{
    struct flows_world *f = w->own;
    struct flow_plan *p = m->opened.open != 0 ? &f->plans[m->opened.open - 1] : plan_of(w, m->opened.stream);

    if (m->opened.err != 0 || p == NULL) {
        world_fail(w, "node %zu: a stream was not opened: %s", n->index, err_name(m->opened.err));
        return;
    }
    if (m->opened.open != 0)
        p->stream = m->opened.stream;
    write_more(w, p, m->opened.open != 0 ? 0 : 1);
}

static void on_datagram(struct world *w, const struct node *n, const struct notice *m)
{
    struct flows_world *f = w->own;
    const size_t i = m->datagram.blob->len > 0 ? m->datagram.blob->data[0] : DATAGRAMS_MAX;
    bool good = i < DATAGRAMS_MAX && !f->came[n->index][i];

    for (size_t k = 1; good && k < m->datagram.blob->len; k++)
        good = m->datagram.blob->data[k] == byte_of(i, 1 - n->index, k);
    if (!good)
        world_fail(w, "node %zu: a datagram twice, or not as it was sent", n->index);
    else
        f->came[n->index][i] = true;
}

static void on_asked(struct world *w, struct node *n, const struct notice *m)
{
    static const char answer[] = "eleven";
    const struct question *q = m->asked.question;
    struct flows_world *f = w->own;

    if (strcmp(q->name, "roll") != 0 || q->len != 1 || q->arg[0] != '2')
        world_fail(w, "a request for %s", q->name);
    f->requests++;
    tell(w, n,
         (struct request){
             .type = REQUEST_REPLY,
             .reply = {.ask = m->asked.ask, .ok = true, .blob = blob_new((const uint8_t *)answer, sizeof(answer) - 1)}},
         world_pick(w, 0, WORLD_MS(500)));
}

static void open_all(struct world *w, struct node *n)
{
    struct flows_world *f = w->own;

    for (size_t i = 0; i < f->count; i++) {
        if (f->plans[i].from == n->index && f->plans[i].stream == 0)
            tell(w, n, (struct request){.type = REQUEST_STREAM_OPEN, .open = {(uint32_t)i + 1, f->plans[i].priority}},
                 world_pick(w, 0, WORLD_MS(300)));
    }
}

/* Which stream it is about; 0: none. */
static uint64_t stream_of(const struct notice *m)
{
    return m->type == NOTICE_STREAM_DATA    ? m->data.stream
           : m->type == NOTICE_STREAM_WROTE ? m->wrote.stream
           : m->type == NOTICE_STREAM_SENT || m->type == NOTICE_STREAM_ENDED || m->type == NOTICE_STREAM_BROKEN ||
                   m->type == NOTICE_STREAM_STOPPED
               ? m->stream.stream
               : 0;
}

static void told(struct world *w, struct node *n, const struct notice *m)
{
    struct flows_world *f = w->own;
    struct flow_plan *p = plan_of(w, stream_of(m));
    /* The direction in which this node writes, of that stream. */
    const size_t mine = p != NULL && p->from == n->index ? 0 : 1;

    if (m->type == NOTICE_CONNECTED)
        open_all(w, n);
    else if (m->type == NOTICE_STREAM_OPENED)
        on_opened(w, n, m);
    else if (m->type == NOTICE_DATAGRAM)
        on_datagram(w, n, m);
    else if (m->type == NOTICE_DATAGRAM_MOST)
        f->most[n->index] = m->most.bytes;
    else if (m->type == NOTICE_ASKED)
        on_asked(w, n, m);
    else if (p == NULL)
        return;
    else if (m->type == NOTICE_STREAM_DATA)
        on_data(w, n, p, 1 - mine, m);
    else if (m->type == NOTICE_STREAM_ENDED || m->type == NOTICE_STREAM_BROKEN)
        on_end(w, p, 1 - mine, m);
    else if (m->type == NOTICE_STREAM_SENT || m->type == NOTICE_STREAM_STOPPED)
        on_over(w, p, mine, m);
    else if (m->type == NOTICE_STREAM_WROTE) {
        p->way[mine].left += m->wrote.bytes;
        write_more(w, p, mine);
    }
}

static bool is_settled(struct world *w)
{
    const struct flows_world *f = w->own;

    for (size_t i = 0; i < f->count; i++) {
        for (size_t at = 0; at < 2; at++) {
            if (!f->plans[i].way[at].ended_there || !f->plans[i].way[at].over_here)
                return false;
        }
    }
    return world_is_settled(w);
}

static void datagram_fire(struct world *w, uint64_t arg)
{
    struct flows_world *f = w->own;
    struct node *n = w->nodes[arg % 2];
    const uint64_t i = arg / 2;
    const size_t len = (size_t)world_pick(w, 1, 1164);

    if (n->hub == NULL || f->most[n->index] < len)
        return;
    struct request m = {.type = REQUEST_DATAGRAM, .datagram = {.blob = blob_new(NULL, len)}};

    if (m.datagram.blob == NULL)
        abort();
    m.datagram.blob->data[0] = (uint8_t)i;
    for (size_t k = 1; k < len; k++)
        m.datagram.blob->data[k] = byte_of(i, n->index, k);
    f->datagrams[n->index]++;
    tell(w, n, m, 0);
}

static void plan_flow(struct world *w, struct flow_plan *p)
{
    p->from = (size_t)world_pick(w, 0, 1);
    p->priority = (enum stream_priority)world_pick(w, PRIORITY_INTERACTIVE, PRIORITY_BACKGROUND);
    p->lazy_us = world_chance(w, 0.6) ? 0 : world_pick_log(w, 1, WORLD_MS(200));
    for (size_t at = 0; at < 2; at++) {
        struct flow_way *way = &p->way[at];

        way->total = world_chance(w, 0.1) ? 0 : world_pick_log(w, 1, at == 0 ? 300 * KB : 60 * KB);
        way->fate = FATE_FINISH;
        if (way->total > 1 && world_chance(w, 0.3))
            way->fate = world_chance(w, 0.5) ? FATE_RESET : FATE_STOP;
    }
}

static void move_fire(struct world *w, uint64_t arg)
{
    world_move_node(w->nodes[arg % 2], arg < 2);
}

static void transport(struct world *w)
{
    struct flows_world *f = calloc(1, sizeof(*f));

    if (f == NULL)
        abort();
    w->own = f;
    w->told = told;
    w->goal = is_settled;
    scenario_two_nodes(w);
    w->default_link = scenario_path(w);
    w->default_link.loss = world_chance(w, 0.4) ? 0 : world_pick_unit(w, 0, 0.05);
    w->default_link.reorder = world_chance(w, 0.5) ? 0 : world_pick_unit(w, 0, 0.05);
    for (size_t i = 0; i < 2; i++)
        w->nodes[i]->endpoint_config.params.features = FEATURE_STREAMS | FEATURE_DATAGRAMS;
    f->count = (size_t)world_pick(w, 1, STREAMS_MAX);
    for (size_t i = 0; i < f->count; i++)
        plan_flow(w, &f->plans[i]);
    scenario_pair(w, 0);
    struct request serve = {.type = REQUEST_SERVE, .text = strdup("roll"), .serve = {.on = true}};
    world_tell(w, w->nodes[0], &serve);
    ui_ask(w, 1, 0, "roll 2", "eleven", world_pick(w, 0, WORLD_S(1)));
    for (uint64_t i = 0; i < DATAGRAMS_MAX; i++)
        world_at(w, WORLD_MS(200) + world_pick(w, 0, WORLD_S(2)), datagram_fire, i * 2 + i % 2);
    scenario_chatter(w, 0, 1, 10, WORLD_S(2));
    if (world_chance(w, 0.4))
        ui_send(w, 0, 1, world_pick_log(w, 1 * KB, 300 * KB), world_pick(w, 0, WORLD_S(1)));
    if (world_chance(w, 0.3))
        world_at(w, world_pick(w, WORLD_MS(300), WORLD_S(2)), move_fire, world_pick(w, 0, 3));
    scenario_bound(w, WORLD_S(120));
}

/* On a path that loses nothing they all arrive. */
static void check_transport(struct world *w)
{
    const struct flows_world *f = w->own;
    size_t sent = 0, came = 0;

    for (size_t side = 0; side < 2; side++) {
        sent += f->datagrams[side];
        for (size_t i = 0; i < DATAGRAMS_MAX; i++)
            came += f->came[side][i];
    }
    if (came > sent)
        world_fail(w, "%zu datagrams came of %zu", came, sent);
    if (sent >= 20 && came == 0)
        world_fail(w, "none of %zu datagrams came", sent);
    if (f->requests != 1)
        world_fail(w, "%zu requests", f->requests);
}

static const struct scenario table[] = {
    {.name = "transport", .weight = 4, .setup = transport, .check = check_transport},
};

const struct scenario_table scenarios_flows = {.v = table, .count = sizeof(table) / sizeof(table[0])};
