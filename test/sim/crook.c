#include "crook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/appmsg.h"
#include "app/channel.h"
#include "conn/endpoint_state.h"
#include "world.h"

#define SESSIONS 16
#define ACT_US 1000            /* it acts this often */
#define SESSION_EVERY_US 50000 /* one more session */
#define PARK_EVERY_US 200000   /* the next stranger, when the former one was turned away */
#define STRANGER_EVERY_US 60000
#define HOSTS 10
#define OUT_BYTES (128 * 1024)
#define TEXTS_A_TURN 60
#define OFFERED 40
#define RESET_PACKETS 2 /* a turn: 2.4 MB/s */
#define RESET_BYTES 28  /* of such a frame, at most */
#define RESET_FROM (UINT64_C(1) << 40)

struct crook_session {
    conn_id id; /* 0: none */
    bool has_offered;
    uint32_t text, offer, ask;
    uint64_t stream, resets;
    size_t said; /* of the long text */
    struct channel ch[2];
};

struct crook {
    enum crook_kind kind;
    size_t victim;
    uint64_t until_us, next_us;
    uint64_t strangers;
    struct crook_session sessions[SESSIONS];
    struct source *offered[OFFERED];
};

static const uint64_t stream_ids[2] = {STREAM_CONTROL, STREAM_CHAT};
static const uint8_t filler[APPMSG_PART_BYTES] = {'x'};

const char *crook_name(enum crook_kind kind)
{
    static const char *const names[] = {
#define X(name, what) [name] = #name ": " what,
        CROOK_LIST(X)
#undef X
    };
    return names[kind];
}

bool crook_is_stranger(enum crook_kind kind)
{
    return kind == CROOK_PARK || kind == CROOK_STRANGERS;
}

/* ---- saying ---- */

static void put(struct crook_session *s, const struct appmsg *m)
{
    struct channel *ch = &s->ch[m->type == APPMSG_TEXT];
    const size_t bound = appmsg_bound(m);
    int err;
    uint8_t *at = channel_reserve(ch, bound, &err);

    if (at != NULL)
        channel_commit(ch, (size_t)appmsg_write(m, at, bound));
}

static size_t waiting(const struct crook_session *s, size_t i)
{
    size_t len;

    (void)channel_waiting(&s->ch[i], &len);
    return len;
}

static void put_text(struct crook_session *s, size_t len, bool is_last)
{
    put(s, &(struct appmsg){
               .type = APPMSG_TEXT, .id = s->text + 1, .part = {.bytes = filler, .len = len, .last = is_last}});
    s->text += is_last;
}

static void put_offer(struct crook_session *s, const char *name, uint64_t bytes, bool by_initiator)
{
    struct appmsg m = {.type = APPMSG_OFFER, .id = ++s->offer};

    m.offer.stream = s->stream++ * 4 + (by_initiator ? 2 : 3);
    m.offer.entry_count = 1;
    m.offer.first = (struct appmsg_entry){.size = bytes, .name = name, .name_len = strlen(name)};
    put(s, &m);
}

static void offer_all(const struct crook *c, struct crook_session *s)
{
    for (size_t i = 0; i < OFFERED && !s->has_offered; i++)
        put_offer(s, c->offered[i]->name, c->offered[i]->bytes, true);
    s->has_offered = true;
}

/* One authentic packet with these for frames, whatever the window says. */
static void send_frames(struct world *w, struct node *n, const struct crook_session *s, const struct writer *frames)
{
    const duet_time now = world_node_time(w, n);
    const size_t len = writer_used(frames);
    uint8_t dgram[LIMIT_PACKET_MIN_BYTES];
    struct conn *c = idmap_get(&n->endpoint->by_id, s->id);

    if (c == NULL || c->keys == NULL)
        return;
    const uint64_t number = c->next_number++;
    const int epoch = keys_send_epoch(c->keys, number, now);
    if (epoch < 0)
        abort();
    packet_write_data_header(dgram, (uint8_t)epoch, c->peer_cid, number);
    memcpy(dgram + LIMIT_DATA_HEADER_BYTES, frames->start, len);
    if (keys_seal(c->keys, number, dgram, LIMIT_DATA_HEADER_BYTES, dgram + LIMIT_DATA_HEADER_BYTES, len, NULL, 0) != 0)
        abort();
    const size_t whole = LIMIT_DATA_HEADER_BYTES + len + LIMIT_TAG_BYTES;
    (void)loss_sent(&c->loss, number, (uint32_t)whole, true, false, now);
    world_transmit(w, n, &c->path.route, dgram, whole);
}

/* Every other id, from a high one down: as many runs of ids as there are frames, and as many of those as a packet may
 * carry. */
static void reset_unknown(struct world *w, struct node *n, struct crook_session *s)
{
    uint8_t bytes[LIMIT_PACKET_MIN_BYTES - LIMIT_DATA_HEADER_BYTES - LIMIT_TAG_BYTES];

    for (size_t i = 0; i < RESET_PACKETS; i++) {
        struct writer frames = writer_of(bytes, sizeof(bytes));

        for (unsigned count = 0; count < LIMIT_PACKET_FRAMES && writer_left(&frames) >= RESET_BYTES; count++)
            frame_write(&frames,
                        &(struct frame){.type = FRAME_RESET_STREAM, .stream = RESET_FROM + 2 - 8 * s->resets++});
        send_frames(w, n, s, &frames);
    }
}

static void act(struct world *w, struct node *n, struct crook_session *s)
{
    const struct crook *c = n->crook;
    struct appmsg cancel = {.type = APPMSG_CANCEL, .end = {.code = WHY_CANCELLED, .reason = ""}};
    struct appmsg ask = {.type = APPMSG_ASK};

    switch (c->kind) {
    case CROOK_FLOOD:
        for (size_t i = 0; i < TEXTS_A_TURN && waiting(s, 1) < OUT_BYTES / 2; i++)
            put_text(s, 1, true);
        return;
    case CROOK_LONG:
        while (waiting(s, 1) < OUT_BYTES / 2) {
            s->said = (s->said + APPMSG_PART_BYTES) % (1024 * 1024);
            put_text(s, APPMSG_PART_BYTES, s->said == 0);
        }
        return;
    case CROOK_OFFERS:
        offer_all(c, s);
        return;
    case CROOK_NAMES:
        for (size_t i = 0; i < 10 && waiting(s, 0) < OUT_BYTES / 2; i++) {
            put_offer(s, c->offered[0]->name, c->offered[0]->bytes, true);
            cancel.id = s->offer;
            put(s, &cancel);
        }
        return;
    case CROOK_DEAF:
        ask.ask.command = "echo";
        ask.ask.command_len = 4;
        ask.ask.arg = (const char *)filler;
        ask.ask.arg_len = 1000;
        ask.id = ++s->ask;
        if (waiting(s, 0) < OUT_BYTES / 2)
            put(s, &ask);
        return;
    case CROOK_RESETS:
        reset_unknown(w, n, s);
        return;
    case CROOK_MISER: /* hears, and does not answer */
    case CROOK_SESSIONS:
    case CROOK_PARK:
    case CROOK_STRANGERS:
        return;
    }
}

static void write_out(struct node *n, struct crook_session *s, duet_time now)
{
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        const uint8_t *bytes = channel_waiting(&s->ch[i], &len);
        const ssize_t taken = len > 0 ? endpoint_write(n->endpoint, s->id, stream_ids[i], bytes, len, now) : 0;

        if (taken > 0)
            channel_sent(&s->ch[i], (size_t)taken);
    }
}

static void fill_windows(struct node *n, conn_id id, duet_time now)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 16; k++)
            (void)endpoint_write(n->endpoint, id, stream_ids[i], filler, sizeof(filler), now);
    }
}

/* ---- hearing ---- */

static struct crook_session *session_of(struct crook *c, conn_id id)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        if (c->sessions[i].id == id)
            return &c->sessions[i];
    }
    return NULL;
}

static void forget(struct crook_session *s)
{
    channel_dispose(&s->ch[0]);
    channel_dispose(&s->ch[1]);
    *s = (struct crook_session){.id = 0};
}

static void connected(struct node *n, conn_id id, duet_time now)
{
    struct crook *c = n->crook;
    struct crook_session *s = session_of(c, 0);

    if (crook_is_stranger(c->kind)) {
        if (c->kind == CROOK_PARK)
            fill_windows(n, id, now);
        return;
    }
    if (s == NULL)
        return;
    s->id = id;
    channel_init(&s->ch[0], OUT_BYTES);
    channel_init(&s->ch[1], OUT_BYTES);
    put(s, &(struct appmsg){.type = APPMSG_HELLO, .hello_flags = HELLO_TAKES_FILES});
}

/* A miser takes every file it is offered; the credit that would let it come never follows. */
static void take_offer(struct crook_session *s, const struct channel_message *raw)
{
    struct appmsg m, yes = {.type = APPMSG_ACCEPT};

    if (appmsg_parse(&m, raw->type, raw->payload, raw->len) != 0 || m.type != APPMSG_OFFER)
        return;
    yes.id = m.id;
    yes.accept.extent_count = 1;
    yes.accept.first = (struct appmsg_extent){.offset = 0, .len = m.offer.first.size};
    put(s, &yes);
}

static void read_control(struct node *n, struct crook_session *s, duet_time now)
{
    struct channel *ch = &s->ch[0];
    struct channel_message raw;
    ssize_t got;
    size_t cap;

    do {
        uint8_t *space = channel_space(ch, &cap);

        got = space != NULL ? endpoint_read(n->endpoint, s->id, STREAM_CONTROL, space, cap, now) : 0;
        channel_filled(ch, got > 0 ? (size_t)got : 0);
        while (channel_next(ch, &raw) > 0)
            take_offer(s, &raw);
    } while (got > 0);
}

static void read_all(struct node *n, const struct endpoint_event *ev, struct crook_session *s, duet_time now)
{
    uint8_t buf[4096];

    if (n->crook->kind == CROOK_DEAF)
        return;
    if (n->crook->kind == CROOK_MISER && s != NULL && ev->stream == STREAM_CONTROL) {
        read_control(n, s, now);
        return;
    }
    while (endpoint_read(n->endpoint, ev->conn, ev->stream, buf, sizeof(buf), now) > 0)
        ;
}

/* Whatever there was is gone without a word; the next one has a key of its own. */
static void begin_anew(struct world *w, struct node *n)
{
    endpoint_free(n->endpoint);
    rand_bytes(&w->rng, n->endpoint_config.identity.secret, sizeof(n->endpoint_config.identity.secret));
    noise_public(n->endpoint_config.identity.public, n->endpoint_config.identity.secret);
    rand_bytes(&w->rng, n->endpoint_config.seed, sizeof(n->endpoint_config.seed));
    n->endpoint = endpoint_new(&n->endpoint_config, world_node_time(w, n));
}

void crook_work(struct world *w, struct node *n)
{
    const duet_time now = world_node_time(w, n);
    struct endpoint_event ev;

    while (endpoint_poll(n->endpoint, &ev)) {
        struct crook_session *s = session_of(n->crook, ev.conn);

        if (ev.type == EVENT_CLOSED && n->crook->kind == CROOK_PARK) {
            begin_anew(w, n); /* it answers no goodbye */
            return;
        }
        if (ev.type == EVENT_CONNECTED)
            connected(n, ev.conn, now);
        else if (ev.type == EVENT_READABLE)
            read_all(n, &ev, s, now);
        else if (ev.type == EVENT_CLOSED && s != NULL)
            forget(s);
    }
    for (size_t i = 0; i < SESSIONS; i++) {
        if (n->crook->sessions[i].id != 0)
            write_out(n, &n->crook->sessions[i], now);
    }
}

/* ---- coming ---- */

/* Another session beside those there are: to the endpoint's knowledge they are no good. */
static void call(struct world *w, struct node *n)
{
    const duet_time now = world_node_time(w, n);
    conn_id id;

    for (size_t i = 0; i < n->endpoint->count; i++)
        n->endpoint->all[i]->liveness.unreachable = true;
    monitor_chose(&n->monitor, &w->nodes[n->crook->victim]->addr);
    (void)endpoint_connect(n->endpoint, &w->nodes[n->crook->victim]->addr, now, &id);
    for (size_t i = 0; i < n->endpoint->count; i++)
        n->endpoint->all[i]->liveness.unreachable = false;
}

/* The stranger of before answers nothing any more. */
static void next_stranger(struct world *w, struct node *n)
{
    struct crook *c = n->crook;

    begin_anew(w, n);
    n->addr.port++;
    if (c->kind == CROOK_STRANGERS)
        n->addr.ip[1] = (uint8_t)(1 + c->strangers % HOSTS);
    c->strangers++;
    call(w, n);
}

static void come(struct world *w, struct node *n)
{
    struct crook *c = n->crook;
    const bool is_first = c->next_us == 0;

    if (w->now.us < c->next_us)
        return;
    c->next_us = w->now.us + (c->kind == CROOK_PARK        ? PARK_EVERY_US
                              : c->kind == CROOK_STRANGERS ? STRANGER_EVERY_US
                                                           : SESSION_EVERY_US);
    if (crook_is_stranger(c->kind))
        next_stranger(w, n);
    else if (is_first || c->kind == CROOK_SESSIONS)
        call(w, n);
}

/* Who only comes, one after the other, has nothing to do in between. */
static uint64_t rest_us(enum crook_kind kind)
{
    return kind == CROOK_STRANGERS ? STRANGER_EVERY_US / 4 : ACT_US;
}

static void crook_fire(struct world *w, uint64_t node)
{
    struct node *n = w->nodes[node];
    struct crook *c = n->crook;

    if (w->now.us > c->until_us)
        return;
    come(w, n);
    for (size_t i = 0; i < SESSIONS; i++) {
        if (c->sessions[i].id != 0)
            act(w, n, &c->sessions[i]);
    }
    n->idle_turns = 0;
    world_turn(w, n);
    world_at(w, w->now.us + rest_us(c->kind), crook_fire, node);
}

void crook_make(struct world *w, struct node *n, enum crook_kind kind, size_t victim, uint64_t at_us, uint64_t until_us)
{
    n->crook = calloc(1, sizeof(*n->crook));
    if (n->crook == NULL)
        abort();
    n->crook->kind = kind;
    n->crook->victim = victim;
    n->crook->until_us = until_us;
    for (size_t i = 0; i < (kind == CROOK_OFFERS ? OFFERED : kind == CROOK_NAMES ? 1 : 0); i++)
        n->crook->offered[i] = ui_send(w, n->index, victim, UINT64_C(100000000), 0)->source;
    world_at(w, at_us, crook_fire, n->index);
}

void crook_free(struct crook *c)
{
    for (size_t i = 0; c != NULL && i < SESSIONS; i++)
        forget(&c->sessions[i]);
    free(c);
}
