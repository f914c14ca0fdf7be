#include "ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world.h"

#define DESCRIPTION_BYTES 160

void ui_dispose(struct ui *u)
{
    free(u->peers);
    *u = (struct ui){.cfg = u->cfg};
}

void ui_forget(struct world *w, struct node *n)
{
    for (size_t i = 0; i < n->ui.peer_count; i++)
        n->ui.peers[i].is_gone = true;
    for (size_t i = 0; i < w->deed_count; i++) {
        struct deed *d = &w->deeds[i];
        if (d->from == n->index) {
            d->transfer_here = 0;
            d->is_ended_here = d->is_ended_here || d->is_started;
        }
        if (d->to == n->index) {
            d->transfer_there = 0;
            d->is_ended_there = d->is_ended_there || d->is_started;
        }
    }
}

size_t ui_sessions(const struct ui *u, size_t node)
{
    size_t count = 0;

    for (size_t i = 0; i < u->peer_count; i++) {
        const struct ui_peer *p = &u->peers[i];
        count += p->is_connected && !p->is_gone && (node == UI_NOBODY || p->node == node);
    }
    return count;
}

struct ui_peer *ui_peer_of(struct ui *u, size_t node)
{
    for (size_t i = u->peer_count; i > 0; i--) {
        if (u->peers[i - 1].node == node)
            return &u->peers[i - 1];
    }
    return NULL;
}

struct ui_peer *ui_live_peer(struct ui *u, size_t node)
{
    for (size_t i = u->peer_count; i > 0; i--) {
        struct ui_peer *p = &u->peers[i - 1];
        if (p->node == node && p->is_connected && !p->is_gone)
            return p;
    }
    return NULL;
}

struct ui_peer *ui_trusted_peer(struct ui *u, size_t node)
{
    struct ui_peer *p = ui_peer_of(u, node);

    return p != NULL && p->is_trusted && !p->is_gone ? p : NULL;
}

static struct ui_peer *peer_by_id(struct ui *u, conn_id id)
{
    for (size_t i = u->peer_count; i > 0; i--) {
        if (u->peers[i - 1].id == id)
            return &u->peers[i - 1];
    }
    return NULL;
}

static void deed_fail(struct world *w, const struct deed *d, const char *why)
{
    char text[DESCRIPTION_BYTES];

    world_fail(w, "%s: %s", deed_describe(d, text, sizeof(text)), why);
}

/* Hearing */

static struct deed *deed_by_id(struct world *w, const struct node *n, enum deed_type type, uint64_t id)
{
    struct deed *d = id >= 1 && id <= w->deed_count ? &w->deeds[id - 1] : NULL;

    if (d != NULL && d->type == type && d->from == n->index && d->is_started)
        return d;
    world_fail(w, "node %zu hears of deed %llu, which it did not do", n->index, (unsigned long long)id);
    return NULL;
}

static struct deed *deed_by_transfer(struct world *w, const struct node *n, uint32_t id, bool is_sender)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        struct deed *d = &w->deeds[i];
        if (is_sender ? d->from == n->index && d->is_offered_here && d->transfer_here == id
                      : d->to == n->index && d->is_offered_there && d->transfer_there == id)
            return d;
    }
    return NULL;
}

static struct deed *deed_by_name(struct world *w, size_t to, const char *text)
{
    for (size_t i = 0; text != NULL && i < w->deed_count; i++) {
        struct deed *d = &w->deeds[i];
        const char *at = d->source != NULL && d->to == to ? strstr(text, d->source->name) : NULL;
        if (at != NULL)
            return d;
    }
    return NULL;
}

/* Did that node show another key before?  Then it is not trusted, whatever the user's habits. */
static bool has_changed(struct ui *u, size_t node, const uint8_t key[NOISE_KEY_BYTES])
{
    const struct ui_peer *p = ui_peer_of(u, node);

    return p != NULL && memcmp(p->key, key, NOISE_KEY_BYTES) != 0;
}

/* Nobody lets in whose key is no node's, or a crook's that comes as one stranger after the other. */
static void turn_away(struct world *w, struct node *n, conn_id peer)
{
    struct request no = {.type = REQUEST_TRUST, .peer = peer};

    world_tell_later(w, n, &no, n->ui.cfg.trust_us);
}

static void on_peer_key(struct world *w, struct node *n, const struct notice *m)
{
    struct ui *u = &n->ui;
    size_t node = UI_NOBODY;

    for (size_t i = 0; i < w->node_count; i++) {
        if (memcmp(w->nodes[i]->identity.public, m->peer_key.card->key, NOISE_KEY_BYTES) == 0)
            node = i;
    }
    if (node == UI_NOBODY && w->has_strangers) {
        turn_away(w, n, m->peer);
        return;
    }
    if (node == UI_NOBODY || node == n->index || peer_by_id(u, m->peer) != NULL) {
        world_fail(w, "node %zu is asked to trust %s", n->index,
                   node == UI_NOBODY ? "a key of nobody" : "a peer twice");
        return;
    }
    if (u->peer_count == u->peer_cap) {
        u->peer_cap = u->peer_cap * 2 + 2;
        u->peers = realloc(u->peers, u->peer_cap * sizeof(*u->peers));
        if (u->peers == NULL)
            abort();
    }
    bool yes = u->cfg.trusts && !has_changed(u, node, m->peer_key.card->key);
    u->keys_asked++;
    u->peers[u->peer_count++] = (struct ui_peer){.id = m->peer, .node = node, .is_trusted = yes};
    memcpy(u->peers[u->peer_count - 1].key, m->peer_key.card->key, NOISE_KEY_BYTES);
    struct request answer = {.type = REQUEST_TRUST, .peer = m->peer, .trust = {.yes = yes}};
    world_tell_later(w, n, &answer, u->cfg.trust_us);
    if (yes && u->cfg.is_eager)
        deeds_schedule_files(w, n, node, u->cfg.trust_us + 1);
}

static void on_connected(struct world *w, struct node *n, struct ui_peer *p)
{
    if (!p->is_trusted || p->is_connected)
        world_fail(w, "node %zu is connected %s", n->index, p->is_trusted ? "twice" : "to one it did not trust");
    p->is_connected = true;
    p->connected_at = w->now;
    n->ui.connected++;
    deeds_schedule(w, n, p->node);
}

/* A text that was said before this one in the same session and has not arrived yet. */
static const struct deed *overtaken(const struct world *w, const struct deed *d)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        const struct deed *e = &w->deeds[i];
        if (e->type == DEED_SAY && e->from == d->from && e->to == d->to && e->is_started && e->conn == d->conn &&
            e->sequence < d->sequence && !e->is_arrived)
            return e;
    }
    return NULL;
}

static void on_text(struct world *w, struct node *n, const struct ui_peer *p, const char *text)
{
    unsigned id = 0;

    if (!p->is_connected || text == NULL || sscanf(text, "#%u ", &id) != 1 || id > w->deed_count || id == 0) {
        world_fail(w, "node %zu gets a text nobody wrote", n->index);
        return;
    }
    struct deed *d = &w->deeds[id - 1];
    if (d->type != DEED_SAY || d->from != p->node || d->to != n->index || strcmp(d->text, text) != 0)
        deed_fail(w, d, "arrives changed, or at the wrong one");
    else if (d->is_arrived)
        deed_fail(w, d, "arrives twice");
    else if (overtaken(w, d) != NULL)
        deed_fail(w, overtaken(w, d), "is overtaken");
    d->is_arrived = true;
    d->arrived_at = w->now;
}

static void on_delivered(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d = deed_by_id(w, n, DEED_SAY, m->delivered.say);

    if (d == NULL)
        return;
    if (d->is_done)
        deed_fail(w, d, "is delivered twice");
    if (!d->is_arrived)
        deed_fail(w, d, "is reported delivered before it arrived");
    d->is_done = true;
    d->done_at = w->now;
}

static void on_offer(struct world *w, struct node *n, const struct ui_peer *p, const struct notice *m)
{
    struct deed *d = deed_by_name(w, n->index, m->text);

    if (d == NULL || d->from != p->node || d->is_offered_there || m->offer.bytes != d->source->bytes ||
        !p->is_connected) {
        world_fail(w, "node %zu gets a wrong offer: %s, %llu bytes", n->index, m->text,
                   (unsigned long long)m->offer.bytes);
        return;
    }
    d->is_offered_there = true;
    d->transfer_there = m->offer.transfer;
    if (d->reply == REPLY_ACCEPT && !n->hub_config.accept_offers)
        deed_plan_move(w, d, MOVE_ACCEPT, d->reply_us);
    if (d->reply == REPLY_REJECT)
        deed_plan_move(w, d, MOVE_REJECT, d->reply_us);
    deed_plan_move(w, d, MOVE_CANCEL_THERE, d->cancel_there_us);
}

static void on_sending(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d = deed_by_id(w, n, DEED_SEND, m->sending.send);

    if (d == NULL)
        return;
    if (d->is_offered_here || m->sending.bytes != d->source->bytes)
        deed_fail(w, d, "is announced twice, or with a wrong size");
    d->is_offered_here = true;
    d->transfer_here = m->sending.transfer;
    deed_plan_move(w, d, MOVE_CANCEL_HERE, d->cancel_here_us);
}

static void on_progress(struct world *w, struct node *n, const struct transfer_now *g)
{
    struct deed *d = deed_by_transfer(w, n, g->id, g->sending);

    if (d == NULL) {
        if (!n->hub_config.accept_offers)
            world_fail(w, "node %zu: progress of transfer %u, which it does not have", n->index, g->id);
        return;
    }
    uint64_t *last = g->sending ? &d->progress_here : &d->progress_there;
    if (g->done_bytes > g->total_bytes || g->total_bytes != d->source->bytes || g->done_bytes < *last)
        deed_fail(w, d, "makes progress backwards or beyond its end");
    *last = g->done_bytes;
}

void ui_on_commit(struct world *w, const struct source *s)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        if (w->deeds[i].source == s)
            w->deeds[i].is_committed = true;
    }
}

static void on_received(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d = deed_by_name(w, n->index, m->text);

    if (d == NULL || m->file.bytes != d->source->bytes) {
        world_fail(w, "node %zu received %s, %llu bytes, which nobody sent", n->index, m->text,
                   (unsigned long long)m->file.bytes);
        return;
    }
    if (!d->is_committed || d->is_arrived || d->is_failed_there)
        deed_fail(w, d, "is received twice, or without a commit");
    d->is_offered_there = true;
    d->is_arrived = true;
    d->arrived_at = w->now;
}

static bool has_sent_all(const struct world *w, const struct node *n)
{
    for (size_t i = 0; i < w->deed_count; i++) {
        if (w->deeds[i].type == DEED_SEND && w->deeds[i].from == n->index && !w->deeds[i].is_done)
            return false;
    }
    return true;
}

static void on_sent(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d = deed_by_transfer(w, n, m->file.transfer, true);

    if (d == NULL) {
        world_fail(w, "node %zu has sent transfer %u, which is none of its own", n->index, m->file.transfer);
        return;
    }
    if (!d->is_committed || d->is_done || d->is_failed_here)
        deed_fail(w, d, "is reported sent wrongly");
    if (d->want == WANT_FAILED)
        deed_fail(w, d, "should have failed");
    d->is_done = true;
    d->done_at = w->now;
    if (n->ui.cfg.is_program && has_sent_all(w, n))
        world_leave(w, n);
}

static void on_transfer_failed(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d =
        m->failure.transfer != 0 ? deed_by_transfer(w, n, m->failure.transfer, m->failure.is_sending) : NULL;
    char why[WORLD_FAILURE_BYTES];

    if (d == NULL && m->failure.is_sending && m->failure.transfer == 0)
        d = deed_by_id(w, n, DEED_SEND, m->failure.send);
    if (d == NULL && !m->failure.is_sending)
        d = deed_by_name(w, n->index, m->text);
    if (d == NULL) {
        world_fail(w, "node %zu: transfer %u failed, which it does not have", n->index, m->failure.transfer);
        return;
    }
    snprintf(why, sizeof(why), "fails at node %zu: %s: %s", n->index, err_name(m->failure.err),
             m->text != NULL ? m->text : "");
    if (m->failure.is_sending ? d->is_failed_here || d->is_done
                              : d->is_failed_there || d->is_arrived || d->is_committed)
        deed_fail(w, d, "fails after its end");
    if (d->want == WANT_DONE)
        deed_fail(w, d, why);
    *(m->failure.is_sending ? &d->is_failed_here : &d->is_failed_there) = true;
    *(m->failure.is_sending ? &d->err_here : &d->err_there) = m->failure.err;
}

static void on_answer(struct world *w, struct node *n, const struct notice *m)
{
    struct deed *d = deed_by_id(w, n, DEED_ASK, m->answer.ask);

    if (d == NULL)
        return;
    if (d->is_done)
        deed_fail(w, d, "is answered twice");
    bool is_right = d->answer == NULL || (m->answer.ok && m->text != NULL && strcmp(m->text, d->answer) == 0);
    if (!is_right && d->want == WANT_DONE)
        deed_fail(w, d, m->text != NULL ? m->text : "no answer");
    d->is_done = true;
    d->is_failed_here = !m->answer.ok;
}

static void on_reachability(struct world *w, struct node *n, struct ui_peer *p, bool is_unreachable, uint64_t silent_us)
{
    if (p->is_unreachable == is_unreachable)
        world_fail(w, "node %zu: peer %zu is %s again", n->index, p->node, is_unreachable ? "unreachable" : "back");
    if (silent_us < UNREACHABLE_US)
        world_fail(w, "node %zu: unreachable after %llu us", n->index, (unsigned long long)silent_us);
    p->is_unreachable = is_unreachable;
    *(is_unreachable ? &p->unreachable_at : &p->back_at) = w->now;
    *(is_unreachable ? &n->ui.unreachable : &n->ui.back) += 1;
}

static void on_gone(struct world *w, struct node *n, struct ui_peer *p, const struct notice *m)
{
    p->is_gone = true;
    p->has_left = m->type == NOTICE_LEFT;
    p->code = m->end.code;
    p->gone_at = w->now;
    n->ui.left += p->has_left;
    n->ui.lost += !p->has_left;
    if (n->ui.cfg.is_program)
        world_leave(w, n);
}

/* What is about a peer: it must be one that the user knows and that is still there. */
static void on_peer_message(struct world *w, struct node *n, const struct notice *m)
{
    struct ui_peer *p = peer_by_id(&n->ui, m->peer);

    if (p == NULL || p->is_gone) {
        world_fail(w, "node %zu: %s of a peer that is %s", n->index, notice_name(m->type),
                   p == NULL ? "unknown" : "gone");
        return;
    }
    if (m->type == NOTICE_CONNECTED)
        on_connected(w, n, p);
    else if (m->type == NOTICE_TEXT)
        on_text(w, n, p, m->text);
    else if (m->type == NOTICE_OFFER)
        on_offer(w, n, p, m);
    else if (m->type == NOTICE_UNREACHABLE || m->type == NOTICE_BACK)
        on_reachability(w, n, p, m->type == NOTICE_UNREACHABLE, m->silence.silent_us);
    else
        on_gone(w, n, p, m);
}

static void on_failed(struct world *w, struct node *n, const struct notice *m)
{
    n->ui.failed++;
    n->ui.failed_err = m->failed.err;
    n->ui.failed_refusal = m->failed.refusal;
    n->ui.failed_at = w->now;
}

/* What becomes of something that the user itself did to a peer. */
static bool is_of_own_deed(const struct notice *m)
{
    return m->type == NOTICE_SENDING || m->type == NOTICE_SENT || m->type == NOTICE_DELIVERED ||
           m->type == NOTICE_ANSWER || (m->type == NOTICE_TRANSFER_FAILED && m->failure.is_sending);
}

/* What is heard of a crook is none of the deeds; its offers are taken. */
static bool is_of_crook(struct world *w, struct node *n, const struct notice *m)
{
    const struct ui_peer *p = peer_by_id(&n->ui, m->peer);
    struct request yes = {.type = REQUEST_ACCEPT, .transfer = {.id = m->offer.transfer}};

    if (m->type == NOTICE_PEER_KEY || m->peer == 0)
        return false;
    if (p == NULL)
        return w->has_strangers;
    if (w->nodes[p->node]->crook == NULL || m->type == NOTICE_CONNECTED || m->type == NOTICE_LEFT ||
        m->type == NOTICE_LOST || is_of_own_deed(m))
        return false;
    if (m->type == NOTICE_OFFER)
        world_tell_later(w, n, &yes, 0);
    return true;
}

static void dispatch(struct world *w, struct node *n, struct notice *m)
{
    if (is_of_crook(w, n, m))
        return;
    switch (m->type) {
    case NOTICE_PEER_KEY:
        on_peer_key(w, n, m);
        return;
    case NOTICE_CONNECTED:
    case NOTICE_TEXT:
    case NOTICE_OFFER:
    case NOTICE_UNREACHABLE:
    case NOTICE_BACK:
    case NOTICE_LEFT:
    case NOTICE_LOST:
        on_peer_message(w, n, m);
        return;
    case NOTICE_FAILED:
        on_failed(w, n, m);
        return;
    case NOTICE_DELIVERED:
        on_delivered(w, n, m);
        return;
    case NOTICE_SENDING:
        on_sending(w, n, m);
        return;
    case NOTICE_PROGRESS:
        on_progress(w, n, m->progress.now);
        return;
    case NOTICE_RECEIVED:
        on_received(w, n, m);
        return;
    case NOTICE_SENT:
        on_sent(w, n, m);
        return;
    case NOTICE_TRANSFER_FAILED:
        on_transfer_failed(w, n, m);
        return;
    case NOTICE_ANSWER:
        on_answer(w, n, m);
        return;
    case NOTICE_WORDS:
        n->ui.notices++;
        return;
    case NOTICE_STATS:
    case NOTICE_STREAM_OPENED:
    case NOTICE_STREAM_DATA:
    case NOTICE_STREAM_WROTE:
    case NOTICE_STREAM_SENT:
    case NOTICE_STREAM_ENDED:
    case NOTICE_STREAM_BROKEN:
    case NOTICE_STREAM_STOPPED:
    case NOTICE_DATAGRAM:
    case NOTICE_DATAGRAM_MOST:
    case NOTICE_ASKED:
        return;
    case NOTICE_LISTENING:
    case NOTICE_RESTING:
    case NOTICE_STOPPED:
        world_fail(w, "node %zu: the hub tells the user %s", n->index, notice_name(m->type));
        return;
    }
}

void ui_on_message(struct world *w, struct node *n, struct notice *m)
{
    if (w->verbose > 0 && (m->type != NOTICE_PROGRESS || w->verbose > 1))
        world_log(w, "%zu hears %s %.60s", n->index, notice_name(m->type), m->text != NULL ? m->text : "");
    w->is_dirty = w->is_dirty || m->type != NOTICE_PROGRESS;
    dispatch(w, n, m);
    if (w->told != NULL)
        w->told(w, n, m);
    notice_dispose(m);
}
