#include "scene.h"

#include "unit.h"
#include <stdlib.h>
#include <string.h>

static struct scene scene;

static const uint64_t streams[2] = {STREAM_CONTROL, STREAM_CHAT};

/* ---- turning the crank ---- */

static void take_from_hub(struct scene *s)
{
    struct notice *m;
    const struct disk_job *job;

    while (!s->ui_stands_still && (m = hub_next_ui(s->hub)) != NULL) {
        cr_assert_lt(s->told_count, SCENE_KEPT);
        if (m->type == NOTICE_PEER_KEY)
            s->peer = m->peer;
        s->told[s->told_count++] = *m;
        hub_took_ui(s->hub);
    }
    while ((job = hub_next_disk(s->hub)) != NULL) {
        cr_assert_lt(s->job_count, SCENE_KEPT);
        s->jobs[s->job_count++] = *job;
        hub_took_disk(s->hub);
    }
}

static void hub_turn(struct pair *p)
{
    struct scene *s = p->user;

    if (time_due(hub_deadline(s->hub), p->now))
        hub_tick(s->hub, p->now);
    hub_run(s->hub, p->now);
    take_from_hub(s);
    hub_run(s->hub, p->now); /* what was taken may let others move */
    take_from_hub(s);
    p->turn_at[SCENE_HUB] = hub_deadline(s->hub);
}

static void keep_heard(struct scene *s, const struct channel_message *raw)
{
    struct scene_heard *h = &s->heard[s->heard_count];

    cr_assert_lt(s->heard_count, SCENE_KEPT);
    h->bytes = malloc(raw->len + 1);
    if (raw->len > 0)
        memcpy(h->bytes, raw->payload, raw->len);
    cr_assert_eq(appmsg_parse(&h->m, raw->type, h->bytes, raw->len), 0, "the hub says what nobody understands");
    s->heard_count++;
}

static void guest_reads(struct scene *s)
{
    struct pair *p = &s->pair;

    for (size_t i = 0; i < 2 && !s->guest_is_deaf; i++) {
        struct channel_message raw;
        ssize_t got;
        size_t cap;
        uint8_t *space;

        do {
            space = channel_space(&s->guest_in[i], &cap);
            got = endpoint_read(p->e[SCENE_GUEST], p->conn[SCENE_GUEST], streams[i], space, cap, p->now);
            channel_filled(&s->guest_in[i], got > 0 ? (size_t)got : 0);
            while (channel_next(&s->guest_in[i], &raw) > 0)
                keep_heard(s, &raw);
        } while (got > 0);
    }
}

static void guest_event(struct pair *p, int side, const struct endpoint_event *ev)
{
    struct scene *s = p->user;

    cr_assert_eq(side, SCENE_GUEST);
    if (ev->type == EVENT_CLOSED) {
        s->guest_closed = true;
        s->guest_close_code = ev->closed.code;
        memcpy(s->guest_close_reason, ev->closed.reason, sizeof(s->guest_close_reason));
    }
    s->guest_stopped += ev->type == EVENT_STOPPED;
    guest_reads(s);
}

void scene_run(struct scene *s, uint64_t us)
{
    pair_run(&s->pair, time_add(s->pair.now, us));
}

/* ---- making and ending ---- */

struct scene *scene_open_with(const struct hub_config *cfg, const struct params *params)
{
    static const struct hub_config usual = {.receive_files = true, .serve = true};
    struct endpoint_config hub = pair_config(1, "hub"), guest = pair_config(2, "guest");
    struct scene *s = &scene;

    memset(s, 0, sizeof(*s));
    if (params != NULL)
        hub.params = guest.params = *params;
    pair_open(&s->pair, &hub, &guest);
    s->pair.delay_us = 5000;
    s->pair.user = s;
    s->pair.turn[SCENE_HUB] = hub_turn;
    s->pair.on_event = guest_event;
    s->hub = hub_new(cfg != NULL ? cfg : &usual, s->pair.e[SCENE_HUB]);
    cr_assert_not_null(s->hub);
    for (size_t i = 0; i < 2; i++)
        channel_init(&s->guest_in[i], 0);
    return s;
}

struct scene *scene_open(const struct hub_config *cfg)
{
    return scene_open_with(cfg, NULL);
}

void scene_forget(struct scene *s)
{
    for (size_t i = 0; i < s->told_count; i++)
        notice_dispose(&s->told[i]);
    for (size_t i = 0; i < s->job_count; i++)
        disk_job_dispose(&s->jobs[i]);
    for (size_t i = 0; i < s->heard_count; i++)
        free(s->heard[i].bytes);
    s->told_count = s->job_count = s->heard_count = 0;
}

void scene_close(struct scene *s)
{
    scene_forget(s);
    hub_free(s->hub);
    pair_close(&s->pair);
    for (size_t i = 0; i < 2; i++)
        channel_dispose(&s->guest_in[i]);
}

void scene_meet(struct scene *s)
{
    conn_id id;

    for (size_t i = 0; i < 2; i++) {
        channel_dispose(&s->guest_in[i]);
        channel_init(&s->guest_in[i], 0);
    }
    s->guest_closed = false;
    cr_assert_eq(endpoint_connect(s->pair.e[SCENE_GUEST], &s->pair.addr[SCENE_HUB], s->pair.now, &id), 0);
    scene_run(s, 200000);
    cr_assert(s->peer != 0 && s->pair.conn[SCENE_GUEST] != 0, "no session");
}

void scene_befriend(struct scene *s, uint64_t hello_flags)
{
    scene_meet(s);
    scene_tell(s, (struct request){.type = REQUEST_TRUST, .peer = s->peer, .trust = {.yes = true}});
    scene_guest_hello(s, hello_flags);
    scene_run(s, 200000);
    cr_assert_eq(scene_told_count(s, NOTICE_CONNECTED), 1);
    cr_assert_eq(scene_heard_count(s, APPMSG_HELLO), 1);
}

/* ---- user and disk ---- */

void scene_tell(struct scene *s, struct request m)
{
    hub_handle(s->hub, &m, s->pair.now);
    scene_run(s, 0);
}

void scene_tell_text(struct scene *s, struct request m, const char *text)
{
    m.text = strdup(text);
    scene_tell(s, m);
}

void scene_done(struct scene *s, struct disk_result done)
{
    hub_handle_disk(s->hub, &done, s->pair.now);
    scene_run(s, 0);
}

void scene_opened(struct scene *s, size_t n, const char *name, uint64_t bytes)
{
    struct disk_result done = {.type = DONE_OPENED, .id = scene_job(s, JOB_OPEN, n)->id};

    done.opened.name = strdup(name);
    done.opened.bytes = bytes;
    scene_done(s, done);
}

void scene_read(struct scene *s, size_t n)
{
    const struct disk_job *job = scene_job(s, JOB_READ, n);
    const struct disk_result done = {.type = DONE_READ, .id = job->id, .read = {.chunk = job->read.chunk}};

    done.read.chunk->used = CHUNK_BYTES;
    memset(done.read.chunk->bytes, 7, CHUNK_BYTES);
    scene_done(s, done);
}

static size_t count_of(const struct notice *v, size_t count, enum notice_type type)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += v[i].type == type;
    return found;
}

static const struct notice *nth_of(const struct notice *v, size_t count, enum notice_type type, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        if (v[i].type == type && n-- == 0)
            return &v[i];
    }
    return NULL;
}

size_t scene_told_count(const struct scene *s, enum notice_type type)
{
    return count_of(s->told, s->told_count, type);
}

const struct notice *scene_told(const struct scene *s, enum notice_type type, size_t n)
{
    return nth_of(s->told, s->told_count, type, n);
}

size_t scene_told_at(const struct scene *s, enum notice_type type)
{
    const struct notice *m = scene_told(s, type, 0);

    return m != NULL ? (size_t)(m - s->told) : SIZE_MAX;
}

size_t scene_job_count(const struct scene *s, enum disk_job_type type)
{
    size_t found = 0;

    for (size_t i = 0; i < s->job_count; i++)
        found += s->jobs[i].type == type;
    return found;
}

const struct disk_job *scene_job(const struct scene *s, enum disk_job_type type, size_t n)
{
    for (size_t i = 0; i < s->job_count; i++) {
        if (s->jobs[i].type == type && n-- == 0)
            return &s->jobs[i];
    }
    return NULL;
}

/* ---- the guest ---- */

bool scene_guest_writes(struct scene *s, uint64_t stream, const uint8_t *bytes, size_t len)
{
    struct pair *p = &s->pair;

    for (int patience = 100; len > 0; patience--) {
        const ssize_t taken = endpoint_write(p->e[SCENE_GUEST], p->conn[SCENE_GUEST], stream, bytes, len, p->now);

        if (taken < 0 || patience == 0)
            return false; /* it is over, or nobody reads */
        bytes += taken;
        len -= (size_t)taken;
        patience = taken > 0 ? 100 : patience;
        if (len > 0)
            scene_run(s, 20000);
    }
    return true;
}

bool scene_guest_payload(struct scene *s, uint64_t stream, uint8_t type, const uint8_t *payload, size_t len)
{
    const uint8_t head[APPMSG_HEADER_BYTES] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                                               (uint8_t)len, type};

    return scene_guest_writes(s, stream, head, sizeof(head)) && scene_guest_writes(s, stream, payload, len);
}

bool scene_guest_says(struct scene *s, const struct appmsg *m)
{
    const size_t bound = appmsg_bound(m);
    uint8_t *bytes = malloc(bound);
    const ssize_t len = appmsg_write(m, bytes, bound);

    cr_assert_gt(len, 0);
    const bool whole = scene_guest_writes(s, m->type == APPMSG_TEXT ? STREAM_CHAT : STREAM_CONTROL, bytes, (size_t)len);

    free(bytes);
    return whole;
}

void scene_guest_hello(struct scene *s, uint64_t flags)
{
    scene_guest_says(s, &(struct appmsg){.type = APPMSG_HELLO, .hello_flags = flags});
}

bool scene_guest_text(struct scene *s, uint32_t number, const char *text)
{
    return scene_guest_says(
        s, &(struct appmsg){.type = APPMSG_TEXT,
                            .id = number,
                            .part = {.last = true, .bytes = (const uint8_t *)text, .len = strlen(text)}});
}

void scene_guest_offers(struct scene *s, uint32_t id, uint64_t stream, const char *name, uint64_t bytes)
{
    struct appmsg m = {.type = APPMSG_OFFER, .id = id};

    m.offer.stream = stream;
    m.offer.entry_count = 1;
    m.offer.first = (struct appmsg_entry){.size = bytes, .name = name, .name_len = strlen(name)};
    scene_guest_says(s, &m);
}

size_t scene_heard_count(const struct scene *s, enum appmsg_type type)
{
    size_t found = 0;

    for (size_t i = 0; i < s->heard_count; i++)
        found += s->heard[i].m.type == type;
    return found;
}

const struct appmsg *scene_heard(const struct scene *s, enum appmsg_type type, size_t n)
{
    for (size_t i = 0; i < s->heard_count; i++) {
        if (s->heard[i].m.type == type && n-- == 0)
            return &s->heard[i].m;
    }
    return NULL;
}
