#include "client/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

void admission_init(struct admission *a, struct client *client, struct roster *r, admission_sink *sink, void *self)
{
    *a = (struct admission){.client = client, .roster = r, .sink = sink, .self = self};
    a->lines.told_at = a->changes.told_at = DUET_NEVER;
}

/* ---- words ---- */

static bool may_say(const struct line_limit *l, duet_time now)
{
    return time_is_never(l->told_at) || time_since(now, l->told_at) >= ADMISSION_LINES_US;
}

static const char *strangers_were(size_t count)
{
    return count == 1 ? "stranger was" : "strangers were";
}

/* Peers that come again and again must not push a conversation off the screen. */
static void say_limited(struct admission *a, struct line_limit *l, const char *text, duet_time now)
{
    if (!may_say(l, now)) {
        l->untold++;
        return;
    }
    if (l->untold > 0)
        admission_say(a, ADMISSION_ERROR, "%s; meanwhile %zu more %s turned away or left", text, l->untold,
                      strangers_were(l->untold));
    else
        admission_say(a, ADMISSION_ERROR, "%s", text);
    *l = (struct line_limit){.told_at = now};
}

void admission_say_limited(struct admission *a, const char *text, duet_time now)
{
    say_limited(a, &a->lines, text, now);
}

/* ---- who waits ---- */

static struct stranger *find_stranger(struct admission *a, uint64_t peer)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->v[i].peer == peer && time_is_never(a->v[i].gone_at))
            return &a->v[i];
    return NULL;
}

static struct stranger *find_key(struct admission *a, const uint8_t key[DUET_KEY_BYTES])
{
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(a->v[i].key.key, key, DUET_KEY_BYTES) == 0)
            return &a->v[i];
    return NULL;
}

static void remove_stranger(struct admission *a, struct stranger *s)
{
    const size_t at = (size_t)(s - a->v);

    a->count--;
    memmove(&a->v[at], &a->v[at + 1], (a->count - at) * sizeof(a->v[0]));
}

/* Places of those who came to us, and of these the ones of this host. */
static void count_places(const struct admission *a, const struct duet_addr *host, size_t *all, size_t *of_host)
{
    *all = *of_host = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->v[i].dialled[0] != '\0')
            continue;
        ++*all;
        *of_host += addr_same_site(&a->v[i].key.addr, host);
    }
}

static struct stranger *insert_stranger(struct admission *a, const struct stranger *s)
{
    size_t at = a->count;

    while (s->dialled[0] != '\0' && at > 0 && a->v[at - 1].dialled[0] == '\0')
        at--;
    memmove(&a->v[at + 1], &a->v[at], (a->count - at) * sizeof(a->v[0]));
    a->v[at] = *s;
    a->count++;
    return &a->v[at];
}

/* ---- outcomes ---- */

/* `reason` goes to the peer; NULL: its key is not trusted here.  Who left meanwhile needs no answer. */
static void send_away(struct admission *a, uint64_t peer, const char *reason)
{
    (void)duet_refuse(a->client->node, peer, reason);
}

/* `text`: why, to the user; of strangers within `limit`, NULL: nothing. */
static void turn_away(struct admission *a, const struct stranger *s, const char *reason, const char *text,
                      struct line_limit *limit, duet_time now)
{
    send_away(a, s->peer, reason);
    if (s->dialled[0] == '\0' && limit != NULL)
        say_limited(a, limit, text, now);
    a->sink(a->self, &(struct admission_event){.type = ADMISSION_TURNED_AWAY, .who = s, .text = text});
}

/* It would be let in, or asked about, but there is no place: the same words for both sides. */
static void turn_away_full(struct admission *a, const struct stranger *s, const char *reason, duet_time now)
{
    char text[sizeof(s->key.name) + 96];

    snprintf(text, sizeof(text), "%s was turned away: %s", s->key.name, reason);
    turn_away(a, s, reason, text, &a->lines, now);
}

static void refuse(struct admission *a, const struct stranger *s, const struct trust_outcome *out, duet_time now)
{
    turn_away(a, s, out->reason, out->text, out->verdict == TRUST_CHANGED ? &a->changes : &a->lines, now);
}

/* The roster has a place for it already. */
static void let_in(struct admission *a, struct roster_peer *p, const struct stranger *s)
{
    (void)duet_trust(a->client->node, s->peer, false); /* it is on file, where it has to be */
    snprintf(p->name, sizeof(p->name), "%s", s->key.name);
    snprintf(p->fingerprint, sizeof(p->fingerprint), "%s", s->key.fingerprint);
    a->sink(a->self, &(struct admission_event){.type = ADMISSION_LET_IN, .who = s});
}

/* Is there still room for a new key of this host?  Takes it. */
static bool take_new_key(struct admission *a, const struct duet_addr *host, duet_time now)
{
    size_t place = ADMISSION_HOSTS;

    for (size_t i = 0; i < ADMISSION_HOSTS; i++) {
        if (time_since(now, a->hosts[i].since) >= ADMISSION_NEW_US)
            a->hosts[i].keys = 0;
        if (a->hosts[i].keys == 0)
            place = i;
        else if (addr_same_site(&a->hosts[i].host, host))
            return a->hosts[i].keys < ADMISSION_NEW_PER_HOST && a->hosts[i].keys++ > 0;
    }
    if (place == ADMISSION_HOSTS)
        return false;
    a->hosts[place].host = *host;
    a->hosts[place].since = now;
    a->hosts[place].keys = 1;
    return true;
}

static const char *dialled_or_null(const struct stranger *s)
{
    return s->dialled[0] != '\0' ? s->dialled : NULL;
}

/* Whom the policy or the user wants to let in: remembered first, and judged once more with that. */
static void accept_peer(struct admission *a, const struct stranger *s, struct trust_outcome *out, bool by_user,
                        duet_time now)
{
    const bool is_known = out->verdict == TRUST_KNOWN;
    struct roster_peer *p = roster_add_peer(a->roster, s->peer, &s->key.addr);

    if (p == NULL) {
        turn_away_full(a, s, "too many peers are connected", now);
        return;
    }
    if (out->fresh || !is_known) {
        /* The user's own answers and calls are not counted. */
        if (by_user || s->dialled[0] != '\0' || take_new_key(a, &s->key.addr, now)) {
            trust_accept(&a->client->policy, &s->key, dialled_or_null(s), s->on_file, out);
        } else if (!is_known) {
            roster_remove_peer(a->roster, s->peer);
            turn_away_full(a, s, "too many new keys from this address", now);
            return;
        }
    }
    if (out->verdict != TRUST_KNOWN) {
        roster_remove_peer(a->roster, s->peer);
        refuse(a, s, out, now);
        return;
    }
    if (out->text[0] != '\0' && s->dialled[0] != '\0')
        admission_say(a, ADMISSION_ERROR, "%s", out->text);
    else if (out->text[0] != '\0')
        say_limited(a, &a->lines, out->text, now);
    if (by_user)
        admission_say(a, ADMISSION_TEXT, "trusted %s %s", s->key.name, s->key.fingerprint);
    let_in(a, p, s);
}

/* ---- what comes ---- */

/* Who came of this KEY; a call of ours is over with it. */
static struct stranger make_stranger(struct admission *a, const struct duet_event *ev, duet_time now)
{
    struct stranger s = {.peer = ev->peer, .key = *ev->key, .came_at = now, .gone_at = DUET_NEVER};
    const struct dial *d = admission_find_dial(a, ev->id);

    s.key.dialled = s.key.known_error = NULL;
    if (d == NULL)
        return s;
    snprintf(s.dialled, sizeof(s.dialled), "%s", d->dialled);
    s.is_target = d->id == ADMISSION_TARGET;
    a->dials[d - a->dials].id = 0;
    return s;
}

/* Tells of those who wait and were in no line yet, if one is due: of one by name. */
static void tell_waiting(struct admission *a, duet_time now)
{
    struct stranger *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++) {
        struct stranger *s = &a->v[i];

        if (s->told || !time_is_never(s->gone_at))
            continue;
        if (s->dialled[0] != '\0') {
            s->told = true;
            a->sink(a->self, &(struct admission_event){.type = ADMISSION_STRANGER, .who = s, .count = 1});
            continue;
        }
        if (count++ == 0)
            first = s;
    }
    if (count == 0 || !may_say(&a->lines, now))
        return;
    a->lines.told_at = now;
    for (size_t i = 0; i < a->count; i++)
        a->v[i].told = true;
    a->sink(a->self, &(struct admission_event){.type = ADMISSION_STRANGER, .who = first, .count = count});
}

/* It waits for the user, if there is a place. */
static void wait_for_answer(struct admission *a, struct stranger *s, const char *question, duet_time now)
{
    struct stranger *before = find_key(a, s->key.key);
    size_t all, of_host;

    if (before != NULL && before->dialled[0] != '\0' && s->dialled[0] == '\0') { /* the call is what counts */
        turn_away(a, s, "another session with your key is waiting", "", NULL, now);
        return;
    }
    if (before != NULL) { /* it comes again: a killed program's session may stay for minutes */
        if (time_is_never(before->gone_at))
            turn_away(a, before, "a newer session with your key is waiting", "", NULL, now);
        s->came_at = before->came_at;
        s->told = before->told;
        remove_stranger(a, before);
    }
    count_places(a, &s->key.addr, &all, &of_host);
    if (s->dialled[0] == '\0' && (all == ADMISSION_WAITING || of_host == ADMISSION_WAITING_PER_HOST)) {
        turn_away_full(a, s, "too many others are waiting for an answer about their key", now);
        return;
    }
    snprintf(s->question, sizeof(s->question), "%s", question);
    const struct stranger *waits = insert_stranger(a, s);

    a->sink(a->self, &(struct admission_event){.type = ADMISSION_WAITS, .who = waits});
    tell_waiting(a, now);
}

void admission_judge(struct admission *a, const struct duet_event *ev, bool wanted, duet_time now)
{
    struct stranger s = make_stranger(a, ev, now);
    struct trust_outcome out;

    if (!wanted) {
        send_away(a, s.peer, "busy with another peer");
        return;
    }
    trust_judge(&a->client->policy, ev->key, dialled_or_null(&s), &out);
    s.on_file = out.on_file;
    snprintf(s.known_as, sizeof(s.known_as), "%s", out.known_as);
    if (out.verdict == TRUST_KNOWN || out.verdict == TRUST_ALLOWED)
        accept_peer(a, &s, &out, false, now);
    else if (out.verdict == TRUST_ASK)
        wait_for_answer(a, &s, out.text, now);
    else
        refuse(a, &s, &out, now);
}

bool admission_gone(struct admission *a, const struct duet_event *ev, duet_time now)
{
    struct stranger *s = find_stranger(a, ev->peer);
    char text[sizeof(s->key.name) + 48];

    if (s == NULL)
        return false;
    const struct stranger was = *s;

    s->gone_at = now;
    if (was.dialled[0] != '\0')
        remove_stranger(a, s);
    else {
        snprintf(text, sizeof(text), "%s left before it was trusted", was.key.name);
        say_limited(a, &a->lines, text, now);
    }
    a->sink(a->self, &(struct admission_event){.type = ADMISSION_LEFT, .who = &was, .why = ev});
    return true;
}

/* ---- answers ---- */

static void answer_stranger(struct admission *a, struct stranger *s, bool yes, duet_time now)
{
    const struct stranger one = *s;
    struct trust_outcome out = {.verdict = TRUST_ALLOWED};

    remove_stranger(a, s);
    if (yes) {
        accept_peer(a, &one, &out, true, now);
        return;
    }
    char text[sizeof(one.key.name) + 48];

    admission_say(a, ADMISSION_TEXT, "refused %s %s", one.key.name, one.key.fingerprint);
    snprintf(text, sizeof(text), "%s was refused: you do not trust its key", one.key.name);
    turn_away(a, &one, NULL, text, NULL, now);
}

void admission_answer(struct admission *a, uint64_t peer, bool yes, duet_time now)
{
    struct stranger *s = find_stranger(a, peer);

    if (s != NULL)
        answer_stranger(a, s, yes, now);
}

void admission_close(struct admission *a, duet_time now)
{
    while (a->count > 0) {
        const struct stranger one = a->v[0];

        remove_stranger(a, &a->v[0]);
        if (time_is_never(one.gone_at))
            turn_away(a, &one, "busy with another peer", "", NULL, now);
    }
}

/* ---- time ---- */

static duet_time end_of(const struct stranger *s)
{
    if (!time_is_never(s->gone_at))
        return time_add(s->gone_at, ADMISSION_GONE_US);
    return s->dialled[0] != '\0' ? DUET_NEVER : time_add(s->came_at, ADMISSION_WAIT_US);
}

void admission_tick(struct admission *a, duet_time now)
{
    for (size_t i = a->count; i-- > 0;) {
        const struct stranger one = a->v[i];

        if (!time_due(end_of(&one), now))
            continue;
        remove_stranger(a, &a->v[i]);
        if (time_is_never(one.gone_at))
            turn_away_full(a, &one, "the question about its key was not answered", now);
    }
    tell_waiting(a, now);
    if (a->lines.untold > 0 && may_say(&a->lines, now)) {
        admission_say(a, ADMISSION_ERROR, "%zu more %s turned away or left", a->lines.untold,
                      strangers_were(a->lines.untold));
        a->lines = (struct line_limit){.told_at = now};
    }
}

duet_time admission_due(const struct admission *a)
{
    duet_time due = DUET_NEVER;
    bool untold = a->lines.untold > 0;

    for (size_t i = 0; i < a->count; i++) {
        due = time_min(due, end_of(&a->v[i]));
        untold = untold || (!a->v[i].told && time_is_never(a->v[i].gone_at));
    }
    return untold ? time_min(due, time_add(a->lines.told_at, ADMISSION_LINES_US)) : due;
}
