#include "client/trust.h"

#include <ctype.h>
#include <stdio.h>

#include "base/addr.h"

#define FINGERPRINT_CHARACTERS 32

static bool is_separator(char c)
{
    return c == '-' || c == ' ' || c == ':';
}

/* How many characters of `start` are those of `whole`, separators aside; -1: one is not.  *left:
 * `whole` goes on. */
static long common(const char *whole, const char *start, bool *left)
{
    long compared = 0;

    for (;; whole++, start++, compared++) {
        while (is_separator(*whole))
            whole++;
        while (is_separator(*start))
            start++;
        *left = *whole != '\0';
        if (*start == '\0')
            return compared;
        if (tolower((unsigned char)*whole) != tolower((unsigned char)*start))
            return -1;
    }
}

bool trust_same_fingerprint(const char *a, const char *b)
{
    bool left;

    return common(a, b, &left) > 0 && !left;
}

bool trust_fingerprint_starts(const char *fingerprint, const char *start)
{
    bool left;

    return common(fingerprint, start, &left) >= TRUST_PREFIX;
}

bool trust_is_fingerprint(const char *text)
{
    size_t characters = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (is_separator(*c))
            continue;
        if (!isalpha((unsigned char)*c) && (*c < '2' || *c > '7')) /* RFC 4648 §6 */
            return false;
        characters++;
    }
    return characters == FINGERPRINT_CHARACTERS;
}

int trust_allow(struct trust_policy *policy, const char *fingerprint)
{
    if (!trust_is_fingerprint(fingerprint))
        return DUET_EINVAL;
    if (policy->allowed_count == TRUST_ALLOWED_KEYS)
        return DUET_EFULL;
    snprintf(policy->allowed[policy->allowed_count++], DUET_FINGERPRINT_BYTES, "%s", fingerprint);
    return 0;
}

static bool is_allowed(const struct trust_policy *policy, const char *fingerprint)
{
    for (size_t i = 0; i < policy->allowed_count; i++)
        if (trust_same_fingerprint(policy->allowed[i], fingerprint))
            return true;
    return policy->fingerprint != NULL && trust_same_fingerprint(policy->fingerprint, fingerprint);
}

/* ---- words ---- */

static void refuse_changed(const struct trust_policy *policy, const struct duet_peer_key *peer, const char *dialled,
                           const struct duet_known *match, const char *now, struct trust_outcome *out)
{
    out->verdict = TRUST_CHANGED;
    snprintf(out->text, sizeof(out->text),
             "THE KEY OF %s%s%s HAS CHANGED, so it was refused: known as %s with key %s, it now shows %s; somebody may "
             "be in between, so ask its owner, and only if the change is intended, remove line %u of %s/known_peers",
             peer->name, dialled ? " at " : "", dialled ? dialled : "", match->name, match->old_fingerprint, now,
             match->line, duet_identity_directory(policy->id));
}

static void ask(const struct duet_peer_key *peer, const struct duet_known *match, const char *now,
                struct trust_outcome *out)
{
    char addr[ADDR_TEXT_BYTES];

    out->verdict = TRUST_ASK;
    addr_format(&peer->addr, addr);
    if (match->verdict == DUET_KNOWN_MOVED)
        snprintf(out->text, sizeof(out->text), "%s at %s shows the key you know as %s\n  %s\ntrust it as %s too?",
                 peer->name, addr, match->name, now, peer->name);
    else
        snprintf(out->text, sizeof(out->text), "new peer %s at %s with key\n  %s\ntrust this key?", peer->name, addr,
                 now);
}

static void refuse_unknown(const struct duet_peer_key *peer, const struct duet_known *match, const char *now,
                           struct trust_outcome *out)
{
    char addr[ADDR_TEXT_BYTES];

    out->verdict = TRUST_REFUSED;
    addr_format(&peer->addr, addr);
    if (match->verdict == DUET_KNOWN_MOVED)
        snprintf(
            out->text, sizeof(out->text),
            "%s at %s was refused: it shows %s, the key you know as %s; if that is right, allow it with --peer and "
            "that key",
            peer->name, addr, now, match->name);
    else
        snprintf(
            out->text, sizeof(out->text),
            "%s at %s is not known here and was refused: compare its key %s with what 'duet id' prints there, then "
            "allow it with --peer and that key (in a chat: /trust), or any new key with --accept-new",
            peer->name, addr, now);
}

static void tell_renamed(const struct duet_peer_key *peer, struct trust_outcome *out)
{
    if (out->known_as[0] != '\0')
        snprintf(out->text, sizeof(out->text), "%s shows the key you know as %s", peer->name, out->known_as);
}

/* ---- judging ---- */

void trust_judge(const struct trust_policy *policy, const struct duet_peer_key *peer, const char *dialled,
                 struct trust_outcome *out)
{
    const struct duet_known *match = &peer->known;
    const char *now = peer->fingerprint;

    *out = (struct trust_outcome){.verdict = TRUST_KNOWN};
    if (peer->known_err < 0) {
        out->verdict = TRUST_REFUSED;
        out->reason = "it cannot read its list of known peers";
        snprintf(out->text, sizeof(out->text), "%s was refused: %s", peer->name, peer->known_error);
        return;
    }
    out->on_file = (enum duet_known_verdict)match->verdict;
    out->fresh = match->fresh;
    snprintf(out->known_as, sizeof(out->known_as), "%s", match->renamed ? match->name : "");
    if (match->verdict == DUET_KNOWN_CHANGED) {
        refuse_changed(policy, peer, dialled, match, now, out);
    } else if (!is_allowed(policy, now) && policy->fingerprint != NULL) {
        out->verdict = TRUST_REFUSED;
        snprintf(out->text, sizeof(out->text), "%s was refused: its key is %s, not the one --peer asks for", peer->name,
                 now);
    } else if (match->verdict == DUET_KNOWN_SAME) {
        tell_renamed(peer, out);
    } else if (is_allowed(policy, now) || policy->accept_new) { /* a known key is no worse than a new one there */
        out->verdict = TRUST_ALLOWED;
    } else if (policy->may_ask) {
        ask(peer, match, now, out);
    } else {
        refuse_unknown(peer, match, now, out);
    }
}

void trust_accept(const struct trust_policy *policy, const struct duet_peer_key *peer, const char *dialled,
                  enum duet_known_verdict on_file, struct trust_outcome *out)
{
    const char *now = peer->fingerprint;
    struct duet_known match = {.size = sizeof(match)};
    char error[DUET_ERROR_BYTES];

    *out = (struct trust_outcome){.verdict = TRUST_KNOWN, .on_file = on_file};
    if (duet_known_accept(policy->id, peer->key, dialled, peer->name, on_file, &match, error) < 0 &&
        on_file == DUET_KNOWN_SAME) {
        snprintf(out->text, sizeof(out->text), "%s is known, but its new name or address cannot be remembered: %s",
                 peer->name, error);
    } else if (error[0] != '\0') {
        out->verdict = TRUST_REFUSED;
        out->reason = "it cannot remember your key";
        snprintf(out->text, sizeof(out->text), "%s was refused because its key cannot be remembered: %s", peer->name,
                 error);
    } else if (match.verdict == DUET_KNOWN_CHANGED) {
        refuse_changed(policy, peer, dialled, &match, now, out);
    } else if (match.verdict != (int32_t)on_file && match.verdict != DUET_KNOWN_SAME) {
        refuse_unknown(peer, &match, now, out);
    } else {
        snprintf(out->known_as, sizeof(out->known_as), "%s", match.renamed ? match.name : "");
        tell_renamed(peer, out);
    }
}
