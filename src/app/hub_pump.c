/*
 * hub_pump: what happens after each message, event or time that may have moved
 * something: sessions read and write, transfers begin and go on, sessions whose
 * time has come end, those in which nothing can move rest.
 */
#include "app/hub_state.h"
#include "app/patience.h"
#include "app/transfer_recv.h"
#include "app/transfer_send.h"
#include "base/num.h"

#define HUB_QUIT_SILENCE_US (UINT64_C(30) * US_PER_S) /* when leaving: for silence, and for the last of our bytes */

/* A peer that is not unreachable yet was heard this long ago, at most: nobody is given up who may
 * only be silent. */
#define HUB_STILL_LEAST_US (UNREACHABLE_US + US_PER_S)

/* How long to wait without news: by --timeout, and in any case while we only wait so that we can
 * leave; 0: for ever. */
static uint64_t patience_us(const struct hub *h)
{
    const uint64_t us = h->env.cfg.give_up_us;

    if ((h->is_leaving || h->env.quitting) && (us == 0 || us > HUB_QUIT_SILENCE_US))
        return HUB_QUIT_SILENCE_US;
    return us;
}

/* When a silent peer counts as lost. */
static duet_time give_up_at(const struct hub *h, const struct session *s)
{
    if (!s->peer.unreachable || s->state == SESSION_CLOSING || patience_us(h) == 0)
        return DUET_NEVER;
    return time_add(s->silent_since, patience_us(h));
}

/* When one counts as lost that lives but moves nothing on. */
static duet_time still_until(const struct hub *h, const struct session *s)
{
    if (s->state == SESSION_CLOSING || patience_us(h) == 0)
        return DUET_NEVER;
    return patience_ends(s, num_max(patience_us(h), HUB_STILL_LEAST_US));
}

/* When quitting: until when a peer has time to acknowledge the last of our bytes, once nobody needs
 * to know any more. */
static duet_time flush_until(const struct hub *h, const struct session *s)
{
    return h->env.quitting && s->state != SESSION_CLOSING ? time_add(s->settled_since, HUB_QUIT_SILENCE_US)
                                                          : DUET_NEVER;
}

duet_time hub_waits_until(const struct hub *h, const struct session *s)
{
    const duet_time look_at = time_is_never(still_until(h, s)) ? DUET_NEVER : patience_look_at(s);

    const duet_time given_up = time_min(give_up_at(h, s), flush_until(h, s));

    return time_min(time_min(given_up, look_at), served_asks_deadline(&s->asked));
}

static bool may_leave(const struct hub *h, struct session *s)
{
    if (!session_is_settled(s, &h->env))
        s->settled_since = DUET_NEVER;
    else if (time_is_never(s->settled_since))
        s->settled_since = h->env.now;
    return !time_is_never(s->settled_since) &&
           (session_is_flushed(s, &h->env) || time_due(flush_until(h, s), h->env.now));
}

/* Ends the sessions whose time has come. */
static void end_sessions(struct hub *h)
{
    if (h->env.ui.lost)
        sessions_wake_all(&h->sessions);
    for (size_t i = 0; i < h->sessions.awake; i++) {
        struct session *s = h->sessions.v[i];

        for (struct session *older; s->is_news && (older = sessions_replaced(&h->sessions, s)) != NULL;)
            session_close(older, &h->env, CLOSE_REPLACED, "a newer session with this peer took over", false);
        s->is_news = false;
        if (s->state == SESSION_CLOSING)
            continue;
        if (patience_us(h) != 0)
            patience_look(s, &h->env);
        if (h->env.ui.lost)
            session_close(s, &h->env, CLOSE_INTERNAL, "out of memory", true);
        else if (time_due(give_up_at(h, s), h->env.now))
            session_close(s, &h->env, CLOSE_OK, "silent for too long", true);
        else if (time_due(still_until(h, s), h->env.now))
            session_close(s, &h->env, CLOSE_OK, "it is still there, but no longer accepts or confirms anything", true);
        else if (h->env.quitting && may_leave(h, s))
            session_close(s, &h->env, CLOSE_OK, "bye", false);
    }
    h->env.ui.lost = false;
}

static struct session *longest_unfinished(const struct hub *h)
{
    struct session *first = NULL;

    for (size_t i = 0; i < h->sessions.count; i++) {
        struct session *s = h->sessions.v[i];

        if (s->unfinished_text_bytes > 0 &&
            (first == NULL || time_before(s->unfinished_since, first->unfinished_since)))
            first = s;
    }
    return first;
}

/* Many peers that begin texts and never end them must not take all memory. */
static void bound_texts(struct hub *h)
{
    while (h->env.unfinished_text_bytes > UNFINISHED_TEXT_BYTES) {
        struct session *s = sessions_find(&h->sessions, longest_unfinished(h)->peer.conn); /* and awake */

        session_close(s, &h->env, CLOSE_FLOW, "a text stayed unfinished for too long", true);
    }
}

/* The silent ones have a time at which they are given up; and those that are only waited for have
 * no event to wake them when the last of their bytes is acknowledged. */
static bool may_rest(const struct hub *h, const struct session *s)
{
    return s->state == SESSION_CLOSING ||
           (!s->peer.unreachable && !h->env.quitting && time_is_never(still_until(h, s)) && session_rests(s));
}

/* In turns: each round begins one further, and when the ui is behind, with the one after whom it
 * became so.  Who says most must not be the only one heard. */
static void read_sessions(struct hub *h)
{
    const size_t count = h->sessions.awake, first = h->turn++;

    for (size_t i = 0; i < count && !env_ui_is_long(&h->env); i++) {
        const size_t at = (first + i) % count;

        session_read(h->sessions.v[at], &h->env);
        if (env_ui_is_long(&h->env))
            h->turn = at + 1;
    }
}

static void write_sessions(struct hub *h)
{
    for (size_t i = 0; i < h->sessions.awake; i++)
        session_write(h->sessions.v[i], &h->env);
}

/* The one that waits to send, and has the fewest files under way; NULL: none waits, or may. */
static struct session *next_to_send(const struct hub *h)
{
    struct session *next = NULL;
    size_t fewest = TRANSFERS_PER_PEER;

    for (size_t i = 0; i < h->sessions.awake; i++) {
        struct session *s = h->sessions.v[i];
        const size_t under_way = session_wants_to_send(s) ? transfer_count(&h->env, &s->peer, true) : fewest;

        if (under_way < fewest) {
            fewest = under_way;
            next = s;
        }
    }
    return next;
}

static void start_sends(struct hub *h)
{
    for (struct session *s; !transfers_full(&h->env, true) && (s = next_to_send(h)) != NULL;)
        session_start_send(s, &h->env);
}

/* From the back: who takes the place of one that goes to rest was asked before. */
static void rest_sessions(struct hub *h)
{
    for (size_t i = h->sessions.awake; i-- > 0;) {
        struct session *s = h->sessions.v[i];

        if (!may_rest(h, s))
            continue;
        session_rest(s);
        sessions_rest(&h->sessions, s);
    }
}

/* Transfers put what they have to say into the channels of their session. */
static void wake_for_transfers(struct hub *h)
{
    for (size_t i = 0; i < h->env.transfer_count; i++)
        (void)sessions_find(&h->sessions, h->env.transfers[i]->conn);
}

void hub_pump(struct hub *h)
{
    read_sessions(h);
    start_sends(h);
    transfer_recv_pump(&h->env);
    transfer_send_pump(&h->env);
    wake_for_transfers(h);
    write_sessions(h);
    bound_texts(h);
    end_sessions(h);
    hub_admit_newcomers(h);
    rest_sessions(h);
    transfers_sweep(&h->env);
    spare_plan(&h->spare, &h->env);
    if (!transfers_moving(&h->env))
        h->next_report = DUET_NEVER;
    else if (time_is_never(h->next_report))
        h->next_report = time_add(h->env.now, PROGRESS_INTERVAL_US);
}
