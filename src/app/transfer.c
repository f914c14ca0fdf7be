#include "app/transfer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#define DISK_WORDS_BYTES 256

size_t transfer_count(const struct env *env, const struct peer *peer, bool sending)
{
    size_t count = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        const struct transfer *t = env->transfers[i];

        if (t->sending == sending && t->state != TRANSFER_ENDED && (peer == NULL || t->peer == peer))
            count++;
    }
    return count;
}

/* Entries of one direction, ended ones too: they still hold memory. */
static size_t entries(const struct env *env, bool sending)
{
    size_t count = 0;

    for (size_t i = 0; i < env->transfer_count; i++)
        count += env->transfers[i]->sending == sending ? 1 : 0;
    return count;
}

bool place_is_fair(size_t mine, size_t held, size_t places)
{
    return held < places && mine < places - held;
}

/* Of one key, over all its sessions. */
static size_t entries_of_key(const struct env *env, const struct peer *peer, bool sending)
{
    size_t count = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        const struct transfer *t = env->transfers[i];

        count += t->sending == sending && t->peer != NULL && t->state != TRANSFER_ENDED && peer_is_same(t->peer, peer);
    }
    return count;
}

/* What we receive is shared out among keys; what we send our own user decides. */
static bool has_place(const struct env *env, const struct peer *peer, bool sending)
{
    const size_t mine = sending ? transfer_count(env, peer, true) : entries_of_key(env, peer, false);

    return mine < TRANSFERS_PER_PEER && !transfers_full(env, sending) &&
           (sending || place_is_fair(mine, entries(env, false), TRANSFERS_MAX / 2));
}

bool transfers_full(const struct env *env, bool sending)
{
    return entries(env, sending) >= TRANSFERS_MAX / 2;
}

struct transfer *transfer_new(struct env *env, struct peer *peer, bool sending, const char *name,
                              enum transfer_code *why)
{
    *why = WHY_BUSY;
    if (!has_place(env, peer, sending))
        return NULL;
    *why = WHY_MEMORY;
    struct transfer *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->name = text_sanitise_new(TEXT_LINE, name, strlen(name));
    if (t->name == NULL) {
        free(t);
        return NULL;
    }
    t->id = ++env->last_transfer;
    t->sending = sending;
    t->state = sending ? TRANSFER_OPENING : TRANSFER_ASKED;
    t->peer = peer;
    t->conn = peer->conn;
    env->transfers[env->transfer_count++] = t;
    return t;
}

struct transfer *transfer_find(struct env *env, uint32_t id)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        if (env->transfers[i]->id == id)
            return env->transfers[i];
    }
    return NULL;
}

struct transfer *transfer_by_stream(struct env *env, conn_id conn, uint64_t stream, bool sending)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->stream == stream && t->conn == conn && t->sending == sending && t->has_stream)
            return t;
    }
    return NULL;
}

bool transfer_may(struct transfer *t, enum transfer_event event)
{
    switch (transfer_rule(t->state, event)) {
    case RULE_DO:
        return true;
    case RULE_IGNORE:
        return false;
    case RULE_VIOLATION:
        if (t->peer != NULL)
            peer_doom(t->peer, CLOSE_PROTOCOL, "transfer message out of order");
        return false;
    case RULE_BUG:
        break;
    }
    assert(false && "transfer event out of order");
    return false;
}

void transfer_job(struct env *env, struct transfer *t, struct disk_job job)
{
    job.id = t->id;
    t->jobs_out++;
    /* At most one job with a chunk per chunk, and per transfer one other job and its JOB_ABORT:
     * room was reserved. */
    assert(env->disk.count < DISK_JOBS_MAX);
    (void)outbox_push(&env->disk, &job);
}

void transfer_job_left(struct env *env, const struct disk_job *job)
{
    struct transfer *t = job->type == JOB_ABORT ? transfer_find(env, job->id) : NULL;

    if (t == NULL)
        return;
    t->jobs_out--;
    env->dirty = true;
}

static void close_open_chunk(struct env *env, struct transfer *t)
{
    if (!t->sending && t->in.open != NULL) {
        chunk_give(env->recv_pool, t->in.open);
        t->in.open = NULL;
    }
}

void transfer_end(struct env *env, struct transfer *t)
{
    close_open_chunk(env, t);
    if (t->on_disk)
        transfer_job(env, t, (struct disk_job){.type = JOB_ABORT});
    t->on_disk = false;
    t->state = TRANSFER_ENDED;
    env->dirty = true;
}

/* Lets the stream go and says why on the control stream, in the words that fit the state. */
static void tell_peer(struct env *env, struct transfer *t, uint64_t code, const char *words)
{
    struct appmsg m = {.id = t->sending ? t->id : t->in.remote_id};

    if (t->peer == NULL || t->peer->gone)
        return;
    if (t->has_stream && t->sending)
        (void)endpoint_reset(env->endpoint, t->conn, t->stream, code, env->now);
    else if (t->has_stream)
        (void)endpoint_stop(env->endpoint, t->conn, t->stream, code, env->now);
    if (code == 0 || t->state == TRANSFER_OPENING)
        return;
    if (t->sending)
        m.type = APPMSG_CANCEL;
    else
        m.type = t->state == TRANSFER_RECEIVING || t->state == TRANSFER_COMMITTING ? APPMSG_FAILED : APPMSG_REFUSE;
    m.end.code = code;
    m.end.reason = words;
    m.end.reason_len = strnlen(words, LIMIT_REASON_BYTES);
    peer_send(t->peer, &m);
}

static void tell_ui(struct env *env, const struct transfer *t, const struct transfer_trouble *why, const char *words)
{
    const char *name = t->peer != NULL ? t->peer->name : "a peer that left";
    struct notice m = {.type = NOTICE_TRANSFER_FAILED,
                       .peer = t->conn,
                       .failure = {.transfer = t->shown ? t->id : 0,
                                   .err = why->err,
                                   .sys = why->sys,
                                   .is_sending = t->sending,
                                   .send = t->sending ? t->out.ui_id : 0}};

    if (t->sending)
        env_tell(env, m, "sending %s to %s: %s", t->name, name, words);
    else
        env_tell(env, m, "receiving %s from %s: %s", t->name, name, words);
}

void transfer_fail(struct env *env, struct transfer *t, const struct transfer_trouble *why)
{
    const char *words = why->words != NULL ? why->words : transfer_code_text(why->code);

    assert(t->state != TRANSFER_ENDED);
    tell_ui(env, t, why, words);
    tell_peer(env, t, why->code, why->peer_words != NULL ? why->peer_words : words);
    transfer_end(env, t);
}

/* What our user is told; the peer hears only the system's own words, nothing of our paths. */
static const char *disk_words(const struct transfer *t, const struct disk_result *done, const char *plain,
                              char out[DISK_WORDS_BYTES])
{
    const char *reason = done->type == DONE_CREATED     ? done->created.why
                         : done->type == DONE_COMMITTED ? done->committed.why
                                                        : NULL;
    const char *what = done->type == DONE_READ ? "cannot read it: " : "cannot open it: ";

    if (reason != NULL)
        return reason;
    if (done->err == DUET_EINTEGRITY || done->err == DUET_EUNSUPPORTED || done->err == DUET_ERANGE)
        return plain;
    snprintf(out, DISK_WORDS_BYTES, "%s%s", t->sending ? what : "cannot write it: ", plain);
    return out;
}

void transfer_fail_disk(struct env *env, struct transfer *t, const struct disk_result *done)
{
    char buffer[DISK_WORDS_BYTES], for_peer[DISK_WORDS_BYTES];
    const char *sys_words = done->sys != 0 ? strerrordesc_np(done->sys) : NULL;
    const char *plain = sys_words != NULL ? sys_words : err_text(done->err);
    struct transfer_trouble why = {.err = done->err, .sys = done->sys, .code = WHY_DISK};

    if (done->err == DUET_EINTEGRITY) {
        plain = t->sending ? "the file changed while it was being sent" : transfer_code_text(WHY_INTEGRITY);
        why.code = WHY_INTEGRITY;
    } else if (done->err == DUET_EUNSUPPORTED && t->sending) {
        plain = "it is not a regular file";
    } else if (done->err == DUET_ERANGE && t->sending) {
        plain = "its size is unknown, and it is longer than the 16 MB that are read to find out";
    } else if (done->err == DUET_ENAME) {
        plain = transfer_code_text(WHY_NAME);
        why.code = WHY_NAME;
    }
    why.words = disk_words(t, done, plain, buffer);
    why.peer_words = plain;
    if (plain == sys_words) {
        snprintf(for_peer, sizeof(for_peer), "cannot %s it: %s", t->sending ? "read" : "store", plain);
        why.peer_words = for_peer;
    }
    transfer_fail(env, t, &why);
}

void transfer_ended_by_peer(struct env *env, struct transfer *t, const struct appmsg *m)
{
    char reason[TEXT_SANITISED_MAX(LIMIT_REASON_BYTES)];
    char words[sizeof(reason) + sizeof(t->peer->name) + sizeof(" says: ")];
    struct transfer_trouble why = {.err = transfer_code_err(m->end.code), .words = words};

    (void)text_sanitise(TEXT_LINE, m->end.reason, m->end.reason_len, reason, sizeof(reason));
    snprintf(words, sizeof(words), "%s says: %s", t->peer->name,
             reason[0] != '\0' ? reason : transfer_code_text(m->end.code));
    transfer_fail(env, t, &why);
}

void transfer_cancel(struct env *env, struct transfer *t)
{
    const struct transfer_trouble why = {
        .err = DUET_ECANCELLED,
        .code = t->state == TRANSFER_ASKED ? WHY_REJECTED : WHY_CANCELLED,
        .words = "cancelled here",
        .peer_words = "cancelled",
    };

    if (transfer_may(t, TRANSFER_ON_USER_CANCEL))
        transfer_fail(env, t, &why);
}

void transfers_gone(struct env *env, const struct peer *peer, int err, const char *words)
{
    const struct transfer_trouble why = {.err = err, .words = words};

    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->peer == peer && transfer_may(t, TRANSFER_ON_GONE))
            transfer_fail(env, t, &why);
    }
}

void transfers_forget_peer(struct env *env, const struct peer *peer)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->peer != peer)
            continue;
        t->peer = NULL;
        t->has_stream = false;
        for (uint64_t n = 0; t->sending && t->out.pieces > 0; n++) {
            struct chunk *c = chunk_at(env->send_pool, n);

            if (c == NULL || c->holder != t->id)
                continue;
            chunk_give(env->send_pool, c);
            t->out.pieces--;
        }
    }
    env->dirty = true;
}

static bool is_moving(const struct transfer *t)
{
    return t->state == TRANSFER_SENDING || t->state == TRANSFER_DIGESTING || t->state == TRANSFER_CONFIRMING ||
           t->state == TRANSFER_RECEIVING || t->state == TRANSFER_COMMITTING;
}

bool transfers_moving(const struct env *env)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        if (is_moving(env->transfers[i]))
            return true;
    }
    return false;
}

/* Chunks are released whole: at 50 kB/s one in five seconds, and none while the first is on its
 * way. */
static uint64_t acked_bytes(const struct env *env, struct transfer *t)
{
    const uint64_t now = endpoint_bulk_acked(env->endpoint, t->conn, t->stream);

    t->out.acked_bytes = num_max(t->out.acked_bytes, num_max(now, t->out.released_bytes));
    return t->out.acked_bytes;
}

static void report(struct env *env, struct transfer *t)
{
    const uint64_t done = t->sending ? acked_bytes(env, t) : t->in.received_bytes;
    struct transfer_now *p = calloc(1, sizeof(*p));

    progress_sample(&t->progress, done, env->now);
    if (p == NULL)
        return; /* the next snapshot says the same and more */
    *p = (struct transfer_now){
        .id = t->id,
        .sending = t->sending,
        .stalled = t->peer == NULL || t->peer->unreachable,
        .limited_by_disk = t->limited_by_disk,
        .done_bytes = done,
        .total_bytes = t->size,
        .rate_bytes_per_s = t->progress.rate_bytes_per_s,
        .eta_us = progress_eta_us(&t->progress, t->size),
    };
    if (p->stalled)
        p->eta_us = UINT64_MAX;
    t->limited_by_disk = false;
    env_post_progress(env, (struct notice){.type = NOTICE_PROGRESS, .peer = t->conn, .progress = {.now = p}});
}

void transfers_report(struct env *env)
{
    for (size_t i = 0; i < env->transfer_count; i++) {
        if (is_moving(env->transfers[i]))
            report(env, env->transfers[i]);
    }
}

static void free_transfer(struct transfer *t)
{
    free(t->name);
    free(t);
}

void transfers_sweep(struct env *env)
{
    size_t kept = 0;

    for (size_t i = 0; i < env->transfer_count; i++) {
        struct transfer *t = env->transfers[i];

        if (t->state == TRANSFER_ENDED && t->jobs_out == 0 && (!t->sending || t->out.pieces == 0))
            free_transfer(t);
        else
            env->transfers[kept++] = t;
    }
    env->dirty = env->dirty || kept < env->transfer_count; /* somebody may have waited for a place */
    env->transfer_count = kept;
}

void transfers_dispose(struct env *env)
{
    for (size_t i = 0; i < env->transfer_count; i++)
        free_transfer(env->transfers[i]);
    env->transfer_count = 0;
}
