/*
 * The planning and doing half of ui.h: deeds are made by scenarios before the
 * run, start when their session is up, and turn into messages to the hub.
 */
#include "ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world.h"

#define SAY_MIN_BYTES 12 /* room for "#number " */

const char *deed_describe(const struct deed *d, char *out, size_t cap)
{
    static const char *const verbs[] = {[DEED_SAY] = "says", [DEED_SEND] = "sends", [DEED_ASK] = "asks"};

    snprintf(out, cap, "deed %u: %zu %s %zu %s%s%s%s%s%s%s%s", d->id, d->from, verbs[d->type], d->to,
             d->source != NULL ? d->source->name : "", d->is_started ? " started" : "",
             d->is_offered_there ? " offered" : "", d->is_committed ? " committed" : "",
             d->is_arrived ? " arrived" : "", d->is_done ? " done" : "", d->is_failed_here ? " failed-here" : "",
             d->is_failed_there ? " failed-there" : "");
    return out;
}

static bool send_is_settled(const struct deed *d)
{
    bool failed_here = d->is_failed_here || d->is_ended_here;
    bool failed_there = d->is_failed_there || d->is_ended_there || !d->is_offered_there;

    if (d->want == WANT_DONE)
        return d->is_done && d->is_arrived;
    if (d->want == WANT_FAILED)
        return failed_here && failed_there;
    return (d->is_done || failed_here) && (d->is_arrived || failed_there);
}

bool deed_is_settled(const struct deed *d)
{
    switch (d->type) {
    case DEED_SAY:
        return d->want != WANT_DONE || (d->is_done && d->is_arrived);
    case DEED_SEND:
        return send_is_settled(d);
    case DEED_ASK:
        return d->want != WANT_DONE || d->is_done;
    }
    return false;
}

/* Planning */

/* As a name is looked up. */
static size_t addresses_of(const struct node *to, struct duet_addr out[CALL_ADDRESSES])
{
    size_t count = 0;

    for (; count < to->dead_before; count++)
        out[count] = (struct duet_addr){.family = ADDR_V6, .ip = {0xfd, [15] = (uint8_t)count}, .port = 1};
    out[count++] = world_address(to, to->known_as);
    for (size_t k = 0; to->is_known_as_all && k <= to->aliases; k++)
        if (k != to->known_as)
            out[count++] = world_address(to, k);
    return count;
}

static void connect_fire(struct world *w, uint64_t arg)
{
    struct node *from = w->nodes[arg / WORLD_NODES];
    const struct node *to = w->nodes[arg % WORLD_NODES];

    if (from->hub == NULL)
        return;
    from->ui.connects++;
    struct duet_addr addrs[CALL_ADDRESSES];
    const size_t count = addresses_of(to, addrs);

    for (size_t i = 0; i < count; i++)
        monitor_chose(&from->monitor, &addrs[i]);
    struct request m = {.type = REQUEST_CONNECT,
                        .connect = {.call = (uint32_t)(1000 + to->index), .callee = callee_new(addrs, count)}};
    if (m.connect.callee == NULL)
        abort();
    if (from->calls_by_key) {
        m.connect.callee->expected.count = 1;
        noise_print(m.connect.callee->expected.prints[0], to->identity.public);
    }
    world_log(w, "%zu connects to %zu", from->index, to->index);
    world_tell(w, from, &m);
}

void ui_connect(struct world *w, size_t from, size_t to, uint64_t at_us)
{
    world_at(w, at_us, connect_fire, from * WORLD_NODES + to);
}

static struct deed *add_deed(struct world *w, enum deed_type type, size_t from, size_t to, uint64_t after_us)
{
    if (w->deed_count == w->deed_cap) {
        w->deed_cap = w->deed_cap * 2 + 16;
        w->deeds = realloc(w->deeds, w->deed_cap * sizeof(*w->deeds));
        if (w->deeds == NULL)
            abort();
    }
    struct deed *d = &w->deeds[w->deed_count++];
    *d = (struct deed){.type = type,
                       .from = from,
                       .to = to,
                       .id = (uint32_t)w->deed_count,
                       .after_us = after_us,
                       .cancel_here_us = UI_NEVER,
                       .cancel_there_us = UI_NEVER};
    return d;
}

struct deed *ui_say(struct world *w, size_t from, size_t to, size_t len, uint64_t after_us)
{
    struct deed *d = add_deed(w, DEED_SAY, from, to, after_us);

    if (len < SAY_MIN_BYTES)
        len = SAY_MIN_BYTES;
    d->text = source_text(&w->rng, len);
    int n = snprintf(NULL, 0, "#%u ", d->id);
    /* Overwrites whole characters only: what remains of a cut one becomes a letter. */
    snprintf(d->text, (size_t)n + 1, "#%u ", d->id);
    char *rest = d->text + n;
    *rest++ = 'x';
    for (; ((unsigned char)*rest & 0xc0) == 0x80; rest++)
        *rest = 'x';
    return d;
}

struct deed *ui_send(struct world *w, size_t from, size_t to, uint64_t bytes, uint64_t after_us)
{
    struct deed *d = add_deed(w, DEED_SEND, from, to, after_us);
    struct source *s = calloc(1, sizeof(*s));

    if (s == NULL)
        abort();
    *s = (struct source){.seed = rand_u64(&w->rng), .bytes = bytes};
    snprintf(s->name, sizeof(s->name), "file-%u.bin", d->id);
    d->source = s;
    d->reply_us = world_pick(w, 0, WORLD_MS(200));
    return d;
}

struct deed *ui_ask(struct world *w, size_t from, size_t to, const char *text, const char *answer, uint64_t after_us)
{
    struct deed *d = add_deed(w, DEED_ASK, from, to, after_us);

    d->text = strdup(text);
    if (d->text == NULL)
        abort();
    d->answer = answer;
    return d;
}

/* Doing */

static char *copy_of(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

static void start_deed(struct world *w, struct deed *d)
{
    struct node *n = w->nodes[d->from];
    bool is_early = d->type == DEED_SEND && n->ui.cfg.is_eager;
    struct ui_peer *p = n->hub == NULL ? NULL : is_early ? ui_trusted_peer(&n->ui, d->to) : ui_live_peer(&n->ui, d->to);

    if (d->is_started)
        return; /* planned twice, by a node that died in between */
    if (p == NULL) {
        d->is_scheduled = false; /* with the next session */
        return;
    }
    d->is_started = true;
    d->sequence = ++w->deeds_started;
    d->conn = p->id;
    d->started_at = w->now;
    struct request m = {.peer = p->id};
    if (d->type == DEED_SEND) {
        char path[SOURCE_NAME_BYTES + 16];
        snprintf(path, sizeof(path), "/home/%s", d->source->name);
        m.type = REQUEST_SEND;
        m.send.id = d->id;
        m.text = copy_of(path);
    } else if (d->type == DEED_SAY) {
        m.type = REQUEST_SAY;
        m.say.id = d->id;
        m.text = copy_of(d->text);
    } else {
        m.type = REQUEST_ASK;
        m.ask.id = d->id;
        m.text = copy_of(d->text);
    }
    world_log(w, "%zu %s %u to %zu", d->from, request_name(m.type), d->id, d->to);
    world_tell(w, n, &m);
}

static void deed_fire(struct world *w, uint64_t arg)
{
    start_deed(w, &w->deeds[arg]);
    w->is_dirty = true;
}

static void schedule(struct world *w, const struct node *n, size_t to, bool files_only, uint64_t after_us)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        struct deed *d = &w->deeds[i];
        if (d->from != n->index || d->to != to || d->is_scheduled || (files_only && d->type != DEED_SEND))
            continue;
        d->is_scheduled = true;
        world_at(w, w->now.us + after_us + d->after_us, deed_fire, i);
    }
}

void deeds_schedule(struct world *w, const struct node *n, size_t to)
{
    schedule(w, n, to, false, 0);
}

void deeds_schedule_files(struct world *w, const struct node *n, size_t to, uint64_t after_us)
{
    schedule(w, n, to, true, after_us);
}

void ui_quit(struct world *w, struct node *n, bool at_once)
{
    struct request m = {.type = REQUEST_QUIT, .quit = {.at_once = at_once}};

    n->was_quit = true;
    world_log(w, "%zu quits", n->index);
    world_tell(w, n, &m);
}

/* The argument: deed index * DEED_MOVES + move. */
static void move_fire(struct world *w, uint64_t arg)
{
    struct deed *d = &w->deeds[arg / DEED_MOVES];
    enum deed_move move = (enum deed_move)(arg % DEED_MOVES);
    bool is_here = move == MOVE_CANCEL_HERE;
    struct node *n = w->nodes[is_here ? d->from : d->to];
    struct request m = {.type = REQUEST_CANCEL, .transfer = {.id = is_here ? d->transfer_here : d->transfer_there}};

    if (n->hub == NULL || (is_here ? d->is_done || d->is_failed_here : d->is_arrived || d->is_failed_there))
        return;
    if (move == MOVE_ACCEPT)
        m.type = REQUEST_ACCEPT;
    if (move == MOVE_REJECT)
        m.type = REQUEST_REJECT;
    if (move == MOVE_CANCEL_HERE)
        d->is_ended_here = true;
    else if (move != MOVE_ACCEPT)
        d->is_ended_there = true;
    world_log(w, "%zu %s transfer %u", n->index, request_name(m.type), m.transfer.id);
    w->is_dirty = true;
    world_tell(w, n, &m);
}

void deed_plan_move(struct world *w, const struct deed *d, enum deed_move move, uint64_t after_us)
{
    if (after_us != UI_NEVER)
        world_at(w, w->now.us + after_us, move_fire, (uint64_t)(d - w->deeds) * DEED_MOVES + move);
}
