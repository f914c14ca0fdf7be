/*
 * transfer_recv: extents go into the transfer's open chunk as they come; a full
 * chunk, or one that waited RECV_FLUSH_US, goes to the disk; what was written is
 * credit again.  So the peer's credit, not our memory, is what a slow disk uses
 * up.  Invariant: what peers may still send fits the chunks that are left
 * (recv_budget), also while shares change: a limit once granted is a promise,
 * so a newcomer gets what is left until the others' promises have shrunk
 * (transfer_recv_share.c).
 */
#include "app/transfer_recv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/recv_budget.h"
#include "app/transfer_recv_share.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

/* ---- offers ---- */

/* Is it a file that fails, as far as our user is concerned?  Who takes no files, or is leaving,
 * misses none. */
static bool is_failure(enum transfer_code code)
{
    return code != WHY_NO_FILES && code != WHY_LEAVING;
}

/* An offer ui never saw as a transfer.  Its user hears of it, or would wait for the file; but a
 * peer that offers nonsense without end has only so many lines. */
static void refuse_offer(struct env *env, struct peer *peer, const struct appmsg *offer, enum transfer_code code)
{
    const char *words = transfer_code_text(code);
    const char *name = offer->offer.first.name != NULL ? offer->offer.first.name : "";
    struct notice told = {.type = NOTICE_WORDS, .peer = peer->conn};
    struct appmsg m = {.type = APPMSG_REFUSE, .id = offer->id};

    m.end.code = code;
    m.end.reason = words;
    m.end.reason_len = strlen(words);
    peer_send(peer, &m);
    if (++peer->refused_offers > RECV_REFUSALS_TOLD)
        return;
    if (is_failure(code))
        told = (struct notice){.type = NOTICE_TRANSFER_FAILED, .peer = peer->conn, .failure = {.err = DUET_EREFUSED}};
    env_tell(env, told, "refused %.*s from %s: %s%s", (int)offer->offer.first.name_len, name, peer->name, words,
             peer->refused_offers == RECV_REFUSALS_TOLD ? "; further refusals for this peer are not reported" : "");
}

static void create(struct env *env, struct transfer *t)
{
    char *name = strdup(t->name);

    if (name == NULL) {
        transfer_fail(env, t, &(struct transfer_trouble){.err = DUET_ENOMEM, .code = WHY_MEMORY});
        return;
    }
    t->state = TRANSFER_CREATING;
    t->on_disk = true;
    transfer_job(env, t, (struct disk_job){.type = JOB_CREATE, .create = {.name = name, .bytes = t->size}});
}

/* 0 and the safe name, or why this offer is refused out of hand. */
static uint64_t judge_offer(const struct env *env, const struct appmsg *offer, char name[TEXT_NAME_BYTES])
{
    if (!env->cfg.receive_files)
        return WHY_NO_FILES;
    if (env->quitting)
        return WHY_LEAVING;
    if (offer->offer.entry_count != 1 || offer->offer.first.kind != ENTRY_FILE)
        return WHY_UNSUPPORTED;
    return text_file_name(offer->offer.first.name, offer->offer.first.name_len, name) == 0 ? 0 : WHY_NAME;
}

static void offered(struct env *env, struct peer *peer, const struct appmsg *m)
{
    char name[TEXT_NAME_BYTES];

    if (m->id <= peer->last_offer || (peer->any_stream && m->offer.stream <= peer->last_stream)) {
        peer_doom(peer, CLOSE_PROTOCOL, "transfer or stream offered twice");
        return;
    }
    if (!endpoint_may_offer(env->endpoint, peer->conn, m->offer.stream)) {
        peer_doom(peer, CLOSE_PROTOCOL, "offer of a stream of the other side");
        return;
    }
    peer->last_offer = m->id;
    peer->last_stream = m->offer.stream;
    peer->any_stream = true;
    uint64_t refusal = judge_offer(env, m, name);
    enum transfer_code why;
    struct transfer *t = refusal == 0 ? transfer_new(env, peer, false, name, &why) : NULL;

    if (t == NULL) {
        refuse_offer(env, peer, m, refusal != 0 ? (enum transfer_code)refusal : why);
        return;
    }
    t->in.remote_id = m->id;
    t->stream = m->offer.stream;
    t->size = m->offer.first.size;
    t->shown = true;
    env_tell(env,
             (struct notice){.type = NOTICE_OFFER,
                             .peer = t->conn,
                             .offer = {.transfer = t->id, .bytes = t->size, .is_accepted = env->cfg.accept_offers}},
             "%s", t->name);
    if (env->cfg.accept_offers)
        create(env, t);
}

bool transfer_recv_answer(struct env *env, struct transfer *t, bool accept)
{
    const struct transfer_trouble rejected = {.err = DUET_EREFUSED,
                                              .code = WHY_REJECTED,
                                              .words = "rejected here",
                                              .peer_words = transfer_code_text(WHY_REJECTED)};

    if (!transfer_may(t, accept ? TRANSFER_ON_USER_ACCEPT : TRANSFER_ON_USER_REJECT))
        return false;
    if (accept)
        create(env, t);
    else
        transfer_fail(env, t, &rejected);
    return true;
}

/* ---- bytes ---- */

static void flush(struct env *env, struct transfer *t)
{
    struct chunk *c = t->in.open;

    t->in.open = NULL;
    t->in.chunks_out++;
    t->in.partial_out = t->in.partial_out || c->used < CHUNK_BYTES;
    transfer_job(env, t, (struct disk_job){.type = JOB_WRITE, .write = {.chunk = c}});
}

/* Makes sure that there is an open chunk; on trouble the transfer has failed. */
static bool open_chunk(struct env *env, struct transfer *t)
{
    if (t->in.open != NULL)
        return true;
    if (t->in.chunks_out < recv_budget_chunks(recv_outstanding(t)))
        t->in.open = chunk_take(env->recv_pool);
    if (t->in.open == NULL) {
        transfer_fail(env, t,
                      &(struct transfer_trouble){.err = DUET_EFULL,
                                                 .code = WHY_MEMORY,
                                                 .words = "out of memory: it arrived in too many fragments"});
        return false;
    }
    t->in.open_since = env->now;
    return true;
}

/* A chunk is handed to the disk when it is full, or holds an eighth of what the connection's window
 * leaves each transfer: credit comes back, and the window grows, only by what was written.  Of
 * those partly filled one is at the disk at a time, or small ones would use up the chunks that
 * recv_budget counts. */
static bool is_ripe(const struct env *env, const struct transfer *t)
{
    const uint32_t used = t->in.open->used;

    if (used < RECV_FLUSH_BYTES || used == CHUNK_BYTES || t->in.partial_out)
        return used == CHUNK_BYTES;
    return RECV_FLUSH_SHARE * recv_count_active(env) * used >= endpoint_recv_window(env->endpoint, t->conn);
}

static void extent(struct env *env, struct transfer *t, uint64_t offset, const uint8_t *data, size_t len)
{
    if (offset > t->size || len > t->size - offset || len > t->size - t->in.received_bytes) {
        peer_doom(t->peer, CLOSE_PROTOCOL, "more data than was offered");
        return;
    }
    t->in.received_bytes += len;
    t->in.moved_at = env->now;
    while (len > 0) {
        if (!open_chunk(env, t))
            return;
        const size_t taken = chunk_append(t->in.open, offset, data, len);

        offset += taken;
        data += taken;
        len -= taken;
        if (len > 0 || is_ripe(env, t))
            flush(env, t);
    }
}

/* Everything is here, written, and its digest known: the disk may check and rename. */
static void try_commit(struct env *env, struct transfer *t)
{
    struct disk_job job = {.type = JOB_COMMIT};

    if (t->in.finished && t->in.open != NULL)
        flush(env, t);
    if (!t->in.finished || !t->in.has_digest || t->in.consumed_bytes < t->size)
        return;
    memcpy(job.commit.digest, t->in.digest, DIGEST_BYTES);
    t->state = TRANSFER_COMMITTING;
    transfer_job(env, t, job);
}

static void finished(struct env *env, struct transfer *t)
{
    if (t->in.received_bytes != t->size) {
        peer_doom(t->peer, CLOSE_PROTOCOL, "less data than was offered");
        return;
    }
    t->in.finished = true;
    try_commit(env, t);
}

static enum transfer_event event_of(enum endpoint_event_type type)
{
    if (type == EVENT_EXTENT)
        return TRANSFER_ON_EXTENT;
    return type == EVENT_FINISHED ? TRANSFER_ON_FINISHED : TRANSFER_ON_RESET;
}

void transfer_recv_event(struct env *env, const struct endpoint_event *ev)
{
    struct transfer *t = transfer_by_stream(env, ev->conn, ev->stream, false);

    if (t == NULL || !transfer_may(t, event_of(ev->type)) || t->quiet)
        return;
    if (ev->type == EVENT_EXTENT)
        extent(env, t, ev->extent.offset, ev->extent.data, ev->extent.len);
    else if (ev->type == EVENT_FINISHED)
        finished(env, t);
    else
        t->quiet = true;
}

/* ---- messages and results ---- */

static void digest_came(struct env *env, struct transfer *t, const struct appmsg *m)
{
    if (t->in.has_digest) {
        peer_doom(t->peer, CLOSE_PROTOCOL, "two digests for one file");
        return;
    }
    t->in.has_digest = true;
    memcpy(t->in.digest, m->digest, DIGEST_BYTES);
    try_commit(env, t);
}

static struct transfer *addressed(struct env *env, struct peer *peer, uint32_t remote_id)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (!t->sending && t->peer == peer && t->in.remote_id == remote_id)
            return t;
    }
    if (remote_id > peer->last_offer)
        peer_doom(peer, CLOSE_PROTOCOL, "message about a transfer that was not offered");
    return NULL; /* one that is over, or was refused */
}

void transfer_recv_message(struct env *env, struct peer *peer, const struct appmsg *m)
{
    if (m->type == APPMSG_OFFER) {
        offered(env, peer, m);
        return;
    }
    struct transfer *t = addressed(env, peer, m->id);

    if (t == NULL)
        return;
    if (m->type == APPMSG_DIGEST) {
        if (transfer_may(t, TRANSFER_ON_DIGEST))
            digest_came(env, t, m);
    } else if (transfer_may(t, TRANSFER_ON_CANCEL)) {
        transfer_ended_by_peer(env, t, m);
    }
}

static void wrote(struct env *env, struct transfer *t, uint64_t bytes)
{
    t->in.consumed_bytes += bytes;
    t->in.moved_at = env->now;
    if (!t->quiet)
        (void)endpoint_consumed(env->endpoint, t->conn, t->stream, bytes,
                                env->now); /* fails only once the session is over */
    recv_note_limit(env, t);
    if (t->in.open != NULL && is_ripe(env, t))
        flush(env, t);
    try_commit(env, t);
}

static void committed(struct env *env, struct transfer *t, struct disk_result *done)
{
    const struct appmsg m = {.type = APPMSG_COMPLETE, .id = t->in.remote_id};

    if (t->peer != NULL)
        peer_send(t->peer, &m);
    struct notice told = {.type = NOTICE_RECEIVED, .peer = t->conn, .file = {.transfer = t->id, .bytes = t->size}};

    told.text = done->committed.path;
    done->committed.path = NULL;
    if (told.text != NULL)
        env_post(env, told); /* our own path, byte for byte: scripts use it */
    else
        env_tell(env, told, "%s", t->name); /* the disk had no memory for it */
    t->on_disk = false;                     /* it is the user's now */
    transfer_end(env, t);
}

void transfer_recv_done(struct env *env, struct transfer *t, struct disk_result *done)
{
    const enum transfer_event event = done->type == DONE_CREATED ? TRANSFER_ON_CREATED
                                      : done->type == DONE_WROTE ? TRANSFER_ON_WROTE
                                                                 : TRANSFER_ON_COMMITTED;
    const bool may = transfer_may(t, event);
    uint64_t written = 0;

    assert(t->jobs_out > 0);
    t->jobs_out--;
    env->dirty = true;
    if (event == TRANSFER_ON_WROTE) {
        written = done->wrote.chunk->used;
        t->in.partial_out = t->in.partial_out && written == CHUNK_BYTES;
        t->in.chunks_out--;
        chunk_give(env->recv_pool, done->wrote.chunk);
    }
    if (!may)
        return;
    if (done->err != 0)
        transfer_fail_disk(env, t, done);
    else if (event == TRANSFER_ON_CREATED)
        t->state = TRANSFER_QUEUED;
    else if (event == TRANSFER_ON_WROTE)
        wrote(env, t, written);
    else
        committed(env, t, done);
}

/* ---- time ---- */

/* When a chunk that does not fill has to go; one partly filled chunk at the disk at a time, so that
 * trickles use few chunks however slow the disk is. */
static duet_time flush_at(const struct transfer *t)
{
    const bool waits = recv_is_active(t) && t->in.open != NULL && t->in.open->used > 0 && !t->in.partial_out;

    return waits ? time_add(t->in.open_since, RECV_FLUSH_US) : DUET_NEVER;
}

static uint64_t window(const struct env *env, const struct transfer *t)
{
    return num_min(t->in.cap, endpoint_recv_window(env->endpoint, t->conn));
}

void transfer_recv_tick(struct env *env)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (!t->sending)
            t->limited_by_disk = t->limited_by_disk || t->in.chunks_out * (uint64_t)CHUNK_BYTES > window(env, t) / 2;
        if (time_due(flush_at(t), env->now))
            flush(env, t);
    }
    env->dirty = env->dirty || time_due(recv_next_still(env), env->now);
}

duet_time transfer_recv_deadline(const struct env *env)
{
    duet_time at = recv_next_still(env);

    for (size_t i = 0; i < env->transfer_count; i++)
        at = time_min(at, flush_at(env->transfers[i]));
    return at;
}
