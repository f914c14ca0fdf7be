/*
 * Who is there, and who is let in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/err.h"

_Static_assert(DUET_SHOWN_NAME_BYTES == sizeof(((struct peer_card *)0)->name), "a name is as long as the node's");

struct api_peer *api_peer(const struct duet_node *n, uint64_t peer)
{
    return idmap_get(&n->peers, peer);
}

static void free_peer(struct api_peer *p)
{
    if (p != NULL)
        free(p->stranger);
    free(p);
}

void api_peer_gone(struct duet_node *n, uint64_t peer)
{
    struct api_peer *p = api_peer(n, peer);

    if (p == NULL)
        return;
    idmap_remove(&n->peers, peer);
    free_peer(p);
}

void api_peers_free(struct duet_node *n)
{
    for (size_t i = 0; i < n->peers.cap; i++)
        free_peer(n->peers.v[i].value);
    idmap_dispose(&n->peers);
}

static struct api_peer *add_peer(struct duet_node *n, const struct notice *m)
{
    struct api_peer *p = calloc(1, sizeof(*p));
    struct api_stranger *s = calloc(1, sizeof(*s));

    if (p == NULL || s == NULL) {
        free(p);
        free(s);
        return NULL;
    }
    p->id = m->peer;
    p->stranger = s;
    if (idmap_put(&n->peers, m->peer, p) != 0) {
        free_peer(p);
        return NULL;
    }
    memcpy(s->key.key, m->peer_key.card->key, sizeof(s->key.key));
    memcpy(s->key.name, m->peer_key.card->name, sizeof(s->key.name));
    s->key.addr = m->peer_key.card->addr;
    fingerprint(s->key.key, s->key.fingerprint);
    return p;
}

/* ---- answers ---- */

static int send_answer(struct duet_node *n, struct api_peer *p, bool yes, const char *reason)
{
    struct request m = {.type = REQUEST_TRUST, .peer = p->id, .trust = {.yes = yes}};

    m.text = reason != NULL ? strdup(reason) : NULL;
    if (reason != NULL && m.text == NULL)
        return DUET_ENOMEM;
    free(p->stranger);
    p->stranger = NULL;
    node_send(n->node, &m);
    return 0;
}

static struct known_peer known_of(const struct api_stranger *s)
{
    return (struct known_peer){
        .key = s->key.key,
        .dialled = s->dialled[0] != '\0' ? s->dialled : NULL,
        .name = s->key.name,
    };
}

/* On the disk when this returns 0; words: why not. */
static int remember(const struct duet_node *n, const struct api_stranger *s, char words[DUET_ERROR_BYTES])
{
    const struct known_peer who = known_of(s);
    struct known_match match;
    int err = api_known_accept(&n->identity, &who, s->on_file, &match, words);

    if (err == 0 && match.verdict != s->on_file && match.verdict != KNOWN_SAME) {
        err = DUET_ETRUST;
        api_complain(words, "known_peers now says something else about %.64s", s->key.name);
    }
    return err;
}

static bool is_the_only_one(const struct duet_node *n, const struct api_stranger *s)
{
    uint8_t print[NOISE_PRINT_BYTES];

    noise_print(print, s->key.key);
    return n->only.count == 0 || memcmp(print, n->only.prints[0], sizeof(print)) == 0;
}

/* What keeps the policy from letting it in, on file by now if that is wanted; 0: nothing. */
static int judge(const struct duet_node *n, const struct api_stranger *s, const struct known_match *match,
                 char words[DUET_ERROR_BYTES])
{
    if (match->verdict == KNOWN_CHANGED) {
        api_complain(words, "the key has changed: known as %.64s with %s, it shows %s", match->name,
                     match->old_fingerprint, s->key.fingerprint);
        return DUET_ETRUST;
    }
    if (!is_the_only_one(n, s)) {
        api_complain(words, "its key is %s, which is not the one wanted", s->key.fingerprint);
        return DUET_ETRUST;
    }
    if (match->verdict == KNOWN_SAME) {
        if (match->fresh) /* a new name or address that cannot be written down makes nobody unknown */
            (void)remember(n, s, words);
        return 0;
    }
    if (n->trust == DUET_TRUST_KNOWN && n->only.count == 0) {
        api_complain(words, "its key %s is not known here", s->key.fingerprint);
        return DUET_ETRUST;
    }
    return remember(n, s, words);
}

/* What the event says of it, known_peers included. */
static void describe(struct duet_node *n, struct api_stranger *s, struct known_match *match)
{
    const struct known_peer who = known_of(s);

    s->file_err = api_known_check(&n->identity, &who, match, n->known_words);
    s->on_file = match->verdict;
    n->key = s->key;
    memcpy(n->dialled, s->dialled, sizeof(n->dialled));
    n->key.dialled = n->dialled[0] != '\0' ? n->dialled : NULL;
    n->key.known.size = sizeof(n->key.known);
    api_known_give(match, &n->key.known);
    n->key.known_err = s->file_err;
    n->key.known_error = s->file_err != 0 ? n->known_words : NULL;
    n->event.key = &n->key;
}

/* As much as there is memory for. */
static void turn_away(struct duet_node *n, const struct notice *m)
{
    struct request no = {.type = REQUEST_TRUST, .peer = m->peer, .text = strdup(err_text(DUET_ENOMEM))};

    node_send(n->node, &no);
    api_call_over(n, m->peer_key.call);
}

bool api_peer_came(struct duet_node *n, const struct notice *m)
{
    struct api_peer *p = add_peer(n, m);
    char words[DUET_ERROR_BYTES] = "";
    struct known_match match;

    if (p == NULL) {
        turn_away(n, m);
        return false;
    }
    n->event.id = api_call_answered(n, m->peer_key.call, &p->stranger->key.addr, p->stranger->dialled);
    describe(n, p->stranger, &match);
    if (n->trust == DUET_TRUST_ASK)
        return true;
    if (p->stranger->file_err != 0)
        api_event_text(n, n->known_words);
    n->event.err = p->stranger->file_err != 0 ? p->stranger->file_err : judge(n, p->stranger, &match, words);
    n->event.ok = n->event.err == 0;
    if (!n->event.ok && n->event.text == NULL)
        api_event_text(n, words);
    (void)send_answer(n, p, n->event.ok, NULL); /* without a reason it cannot fail */
    return true;
}

int duet_trust(struct duet_node *n, uint64_t peer, bool remembered)
{
    char words[DUET_ERROR_BYTES];
    struct api_peer *p = n != NULL ? api_peer(n, peer) : NULL;
    int err = 0;

    if (n == NULL)
        return DUET_EINVAL;
    if (p == NULL || p->stranger == NULL)
        return DUET_ENOTFOUND;
    if (remembered && p->stranger->on_file == KNOWN_CHANGED)
        err = DUET_ETRUST;
    else if (remembered)
        err = remember(n, p->stranger, words);
    return err == 0 ? send_answer(n, p, true, NULL) : err;
}

int duet_refuse(struct duet_node *n, uint64_t peer, const char *reason)
{
    struct api_peer *p = n != NULL ? api_peer(n, peer) : NULL;

    if (n == NULL)
        return DUET_EINVAL;
    return p != NULL && p->stranger != NULL ? send_answer(n, p, false, reason) : DUET_ENOTFOUND;
}

int duet_close(struct duet_node *n, uint64_t peer)
{
    struct request m = {.type = REQUEST_CLOSE, .peer = peer};

    if (n == NULL)
        return DUET_EINVAL;
    if (api_peer(n, peer) == NULL)
        return DUET_ENOTFOUND;
    node_send(n->node, &m);
    return 0;
}
