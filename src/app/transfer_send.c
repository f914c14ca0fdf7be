/*
 * transfer_send: reads are asked for in order and answered in order (one disk
 * thread, one queue), so the offset of a read that came back is simply where
 * the supplied bytes end.  A chunk is in exactly one place: the pool, the disk
 * (between JOB_READ and DONE_READ) or the endpoint (its bit in `pieces`).
 */
#include "app/transfer_send.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

void transfer_send_refused(struct env *env, conn_id conn, uint32_t ui_id, const char *path, int err, const char *words)
{
    const struct notice m = {
        .type = NOTICE_TRANSFER_FAILED, .peer = conn, .failure = {.err = err, .is_sending = true, .send = ui_id}};

    env_tell(env, m, "sending %s: %s", path, words);
}

void transfer_send_none_taken(struct env *env, const struct peer *peer, const char *words)
{
    const struct transfer_trouble why = {.err = DUET_EREFUSED, .words = words};

    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->peer == peer && t->sending && t->state != TRANSFER_ENDED)
            transfer_fail(env, t, &why);
    }
}

void transfer_send_start(struct env *env, struct peer *peer, uint32_t ui_id, const char *path)
{
    enum transfer_code why;
    char *copy = strdup(path);
    struct transfer *t = copy != NULL ? transfer_new(env, peer, true, path, &why) : NULL;

    if (t == NULL) {
        const enum transfer_code code = copy != NULL ? why : WHY_MEMORY;

        free(copy);
        transfer_send_refused(env, peer->conn, ui_id, path, transfer_code_err(code), transfer_code_text(code));
        return;
    }
    t->out.ui_id = ui_id;
    t->on_disk = true;
    transfer_job(env, t, (struct disk_job){.type = JOB_OPEN, .open = {.path = copy}});
}

static void opened(struct env *env, struct transfer *t, const struct disk_result *done)
{
    const char *plain = done->opened.name;
    const size_t name_len = plain != NULL ? strlen(plain) : 0;
    char *name = name_len > 0 ? text_sanitise_new(TEXT_LINE, plain, name_len) : NULL;
    int err = name == NULL ? DUET_ENOMEM : 0;

    if (err == 0)
        err = endpoint_open_bulk(env->endpoint, t->conn, &t->stream);
    if (err != 0) {
        free(name);
        transfer_fail(env, t, &(struct transfer_trouble){.err = err, .words = err_text(err)});
        return;
    }
    free(t->name);
    t->name = name;
    t->has_stream = true;
    t->size = done->opened.bytes;
    t->state = TRANSFER_OFFERED;
    t->shown = true;
    t->peer->last_offered = t->id;

    struct appmsg m = {.type = APPMSG_OFFER, .id = t->id};

    m.offer.stream = t->stream;
    m.offer.entry_count = 1;
    m.offer.first = (struct appmsg_entry){.kind = ENTRY_FILE, .size = t->size, .name = plain, .name_len = name_len};
    peer_send(t->peer, &m);
    env_tell(env,
             (struct notice){.type = NOTICE_SENDING,
                             .peer = t->conn,
                             .sending = {.transfer = t->id, .bytes = t->size, .send = t->out.ui_id}},
             "%s", t->name);
}

/* Everything was read and supplied: the end of the stream is known, the disk may sum up. */
static void read_all(struct env *env, struct transfer *t)
{
    const int err = endpoint_finish(env->endpoint, t->conn, t->stream, t->size, env->now);

    if (err != 0) {
        transfer_fail(env, t, &(struct transfer_trouble){.err = err, .code = WHY_MEMORY, .words = err_text(err)});
        return;
    }
    t->state = TRANSFER_DIGESTING;
    transfer_job(env, t, (struct disk_job){.type = JOB_DIGEST});
}

static void read_done(struct env *env, struct transfer *t, const struct disk_result *done)
{
    const uint64_t left = t->size - t->out.supplied_bytes;
    const uint64_t expected = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    struct chunk *c = done->read.chunk;

    if (c->used != expected) { /* shorter than when it was opened */
        chunk_give(env->send_pool, c);
        transfer_fail_disk(env, t, &(struct disk_result){.type = DONE_READ, .err = DUET_EINTEGRITY});
        return;
    }
    if (t->quiet) { /* the peer stopped the stream; its FAILED is on the way */
        chunk_give(env->send_pool, c);
        return;
    }
    const int err = endpoint_supply(env->endpoint, t->conn, t->stream, t->out.supplied_bytes, c->bytes, c->used,
                                    c->index, env->now);

    if (err != 0) {
        chunk_give(env->send_pool, c);
        transfer_fail(env, t, &(struct transfer_trouble){.err = err, .code = WHY_MEMORY, .words = err_text(err)});
        return;
    }
    c->holder = t->id;
    t->out.pieces++;
    t->out.supplied_bytes += c->used;
    if (t->out.supplied_bytes == t->size)
        read_all(env, t);
}

static void digested(struct env *env, struct transfer *t, const struct disk_result *done)
{
    struct appmsg m = {.type = APPMSG_DIGEST, .id = t->id};
    char size[TEXT_SIZE_BYTES];

    if (done->digest.grew)
        env_notice(env, t->conn, true, "%s grew while it was being sent: %s gets the first %s, as offered", t->name,
                   t->peer->name, text_size(t->size, size));
    memcpy(m.digest, done->digest.digest, DIGEST_BYTES);
    t->state = TRANSFER_CONFIRMING;
    peer_send(t->peer, &m);
}

void transfer_send_done(struct env *env, struct transfer *t, const struct disk_result *done)
{
    const enum transfer_event event = done->type == DONE_OPENED ? TRANSFER_ON_OPENED
                                      : done->type == DONE_READ ? TRANSFER_ON_READ
                                                                : TRANSFER_ON_DIGESTED;
    const bool may = transfer_may(t, event);

    assert(t->jobs_out > 0);
    t->jobs_out--;
    env->dirty = true;
    if (event == TRANSFER_ON_READ && (!may || done->err != 0))
        chunk_give(env->send_pool, done->read.chunk);
    if (!may)
        return;
    if (done->err != 0)
        transfer_fail_disk(env, t, done);
    else if (event == TRANSFER_ON_OPENED)
        opened(env, t, done);
    else if (event == TRANSFER_ON_READ)
        read_done(env, t, done);
    else
        digested(env, t, done);
}

static void accepted(struct env *env, struct transfer *t, const struct appmsg *m)
{
    if (m->accept.extent_count != 1 || m->accept.first.offset != 0 || m->accept.first.len != t->size) {
        peer_doom(t->peer, CLOSE_PROTOCOL, "request for a part of a file");
        return;
    }
    t->state = TRANSFER_SENDING;
    progress_sample(&t->progress, 0, env->now);
    env->dirty = true;
    if (t->size == 0)
        read_all(env, t);
}

static void completed(struct env *env, struct transfer *t)
{
    const struct notice m = {.type = NOTICE_SENT, .peer = t->conn, .file = {.transfer = t->id, .bytes = t->size}};

    env_tell(env, m, "%s", t->name);
    transfer_end(env, t); /* the disk closes the source */
}

static struct transfer *addressed(struct env *env, struct peer *peer, uint32_t id)
{
    struct transfer *t = transfer_find(env, id);

    if (t != NULL && t->peer == peer && t->sending)
        return t;
    if (id > peer->last_offered)
        peer_doom(peer, CLOSE_PROTOCOL, "message about a transfer that was not offered");
    return NULL; /* one that is over */
}

void transfer_send_message(struct env *env, struct peer *peer, const struct appmsg *m)
{
    struct transfer *t = addressed(env, peer, m->id);

    if (t == NULL)
        return;
    if (m->type == APPMSG_ACCEPT) {
        if (transfer_may(t, TRANSFER_ON_ACCEPT))
            accepted(env, t, m);
    } else if (m->type == APPMSG_COMPLETE) {
        if (transfer_may(t, TRANSFER_ON_COMPLETE))
            completed(env, t);
    } else if (transfer_may(t, m->type == APPMSG_REFUSE ? TRANSFER_ON_REFUSE : TRANSFER_ON_FAILED)) {
        transfer_ended_by_peer(env, t, m);
    }
}

static void released(struct env *env, struct transfer *t, uint64_t cookie)
{
    struct chunk *c = chunk_at(env->send_pool, cookie);

    if (c == NULL || c->holder != t->id)
        return;
    t->out.pieces--;
    if (t->state != TRANSFER_ENDED && !t->quiet)
        t->out.released_bytes += c->used;
    chunk_give(env->send_pool, c);
    env->dirty = true;
}

void transfer_send_event(struct env *env, const struct endpoint_event *ev)
{
    struct transfer *t = transfer_by_stream(env, ev->conn, ev->stream, true);

    if (t == NULL)
        return;
    if (ev->type == EVENT_RELEASED) {
        if (transfer_may(t, TRANSFER_ON_RELEASED))
            released(env, t, ev->cookie);
    } else if (transfer_may(t, TRANSFER_ON_STOPPED) && !t->quiet) {
        t->quiet = true;
        (void)endpoint_reset(env->endpoint, t->conn, t->stream, ev->code, env->now);
    }
}

/* Is there more to read, and not yet too much read ahead? */
static bool wants_chunk(const struct env *env, const struct transfer *t)
{
    if (!t->sending || t->state != TRANSFER_SENDING || t->quiet || t->out.asked_bytes == t->size)
        return false;
    return t->out.asked_bytes < endpoint_bulk_limit(env->endpoint, t->conn, t->stream) + SEND_AHEAD_BYTES &&
           t->out.asked_bytes < endpoint_bulk_sent(env->endpoint, t->conn, t->stream) + SEND_UNSENT_BYTES;
}

static unsigned held(const struct transfer *t)
{
    return t->out.pieces + t->jobs_out;
}

static unsigned held_for(const struct env *env, const struct peer *peer)
{
    unsigned sum = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        const struct transfer *t = env->transfers[i];

        sum += t->sending && t->peer != NULL && peer_is_same(t->peer, peer) ? held(t) : 0;
    }
    return sum;
}

/* Holds it less than its share, or, while chunks are scarce, its peer next to nothing? */
static bool may_hold_more(const struct env *env, const struct transfer *t, unsigned share)
{
    if (chunk_available(env->send_pool) > SEND_RESERVED_CHUNKS)
        return held(t) < share;
    return held_for(env, t->peer) < SEND_LEAST_CHUNKS;
}

static bool read_next(struct env *env, struct transfer *t, unsigned share)
{
    struct chunk *c = wants_chunk(env, t) && may_hold_more(env, t, share) ? chunk_take(env->send_pool) : NULL;

    if (c == NULL)
        return false;
    const uint64_t left = t->size - t->out.asked_bytes;

    t->limited_by_disk = t->limited_by_disk || t->out.pieces == 0;
    transfer_job(env, t, (struct disk_job){.type = JOB_READ, .read = {.chunk = c, .offset = t->out.asked_bytes}});
    t->out.asked_bytes += left < CHUNK_BYTES ? left : CHUNK_BYTES;
    return true;
}

void transfer_send_pump(struct env *env)
{
    unsigned readers = 0;
    bool any = true;

    for (size_t i = 0; i < env->transfer_count; i++)
        readers += env->transfers[i]->sending && env->transfers[i]->state == TRANSFER_SENDING ? 1 : 0;
    if (readers == 0)
        return;
    const unsigned share = readers < CHUNK_POOL ? CHUNK_POOL / readers : 1;

    /* Round robin, one chunk a turn, beginning after the one that began last time. */
    env->transfer_turn++;
    while (any) {
        any = false;
        for (size_t i = 0; i < env->transfer_count; i++)
            any |= read_next(env, env->transfers[(env->transfer_turn + i) % env->transfer_count], share);
    }
}
