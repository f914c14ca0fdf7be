#include "duet/cli/trust.h"

#include <ctype.h>
#include <stdio.h>

static bool is_separator(char c)
{
    return c == '-' || c == ' ' || c == ':';
}

bool trust_same_fingerprint(const char *a, const char *b)
{
    size_t compared = 0;

    for (;; a++, b++, compared++) {
        while (is_separator(*a))
            a++;
        while (is_separator(*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return compared > 0;
    }
}

static enum trust_verdict refuse_changed(const struct trust_policy *policy, const struct msg_peer_key *peer,
                                         const char *dialled, const struct known_match *match, const char *now,
                                         char text[TRUST_TEXT_BYTES])
{
    snprintf(
        text, TRUST_TEXT_BYTES,
        "THE KEY OF %s%s%s HAS CHANGED, so it was refused: known as %s with key %s, it now shows %s; somebody may be "
        "in between, so ask its owner, and only if the change is meant remove line %u of %s/known_peers",
        peer->name, dialled ? " at " : "", dialled ? dialled : "", match->name, match->old_fingerprint, now,
        match->line, policy->id->dir);
    return TRUST_CHANGED;
}

static enum trust_verdict judge_new(const struct trust_policy *policy, const struct msg_peer_key *peer, const char *now,
                                    char text[TRUST_TEXT_BYTES])
{
    char addr[ADDR_TEXT_BYTES];

    if (policy->may_ask) {
        snprintf(text, TRUST_TEXT_BYTES, "new peer %s at %s with key\n  %s\ntrust this key?", peer->name,
                 addr_format(&peer->addr, addr), now);
        return TRUST_ASK;
    }
    snprintf(
        text, TRUST_TEXT_BYTES,
        "%s at %s is not known here and was refused: compare its key %s with what 'duet id' prints there, then allow "
        "it with --peer and that key, or any new key with --accept-new",
        peer->name, addr_format(&peer->addr, addr), now);
    return TRUST_REFUSED;
}

enum trust_verdict trust_judge(const struct trust_policy *policy, const struct msg_peer_key *peer, const char *dialled,
                               char text[TRUST_TEXT_BYTES])
{
    char now[FINGERPRINT_BYTES];
    char error[IDENTITY_ERROR_BYTES];
    struct known_match match = {.verdict = KNOWN_NEW};

    text[0] = '\0';
    fingerprint(peer->key, now);
    if (known_check(policy->id, peer->key, dialled, peer->name, &match, error) < 0) {
        snprintf(text, TRUST_TEXT_BYTES, "%s", error);
        return TRUST_REFUSED;
    }
    if (match.verdict == KNOWN_CHANGED)
        return refuse_changed(policy, peer, dialled, &match, now, text);
    if (policy->fingerprint) {
        if (trust_same_fingerprint(policy->fingerprint, now))
            return TRUST_YES;
        snprintf(text, TRUST_TEXT_BYTES, "%s was refused: its key is %s, not the one --peer asks for", peer->name, now);
        return TRUST_REFUSED;
    }
    if (match.verdict == KNOWN_SAME || policy->accept_new)
        return TRUST_YES;
    return judge_new(policy, peer, now, text);
}

int trust_remember(const struct trust_policy *policy, const struct msg_peer_key *peer, const char *dialled,
                   char error[IDENTITY_ERROR_BYTES])
{
    return known_add(policy->id, peer->key, dialled, peer->name, error);
}
