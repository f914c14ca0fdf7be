/*
 * trust: may we talk to the holder of this key?  One policy for every subcommand.
 *
 *   known_peers   --peer      --accept-new   verdict
 *   changed       any         any            refused
 *   any other     differs     any            refused
 *   same          fits/none   any            yes
 *   new           fits        any            yes, and remembered
 *   new           none        yes            yes, and remembered
 *   new           none        no             ask where somebody can answer, else refused
 *
 * Main thread.
 */
#ifndef DUET_CLI_TRUST_H
#define DUET_CLI_TRUST_H

#include <stdbool.h>

#include "duet/app/msg.h"
#include "duet/io/identity.h"

#define TRUST_TEXT_BYTES 8192 /* holds a path */

struct trust_policy {
    const struct identity *id;
    const char *fingerprint; /* --peer; NULL: none */
    bool accept_new;
    bool may_ask; /* somebody is there to answer */
};

enum trust_verdict { TRUST_YES, TRUST_ASK, TRUST_REFUSED, TRUST_CHANGED /* refused because of that */ };

/* dialled: as resolve_peer made it canonical, NULL for a peer that came to us.  `text` gets what to tell the user for ASK
 * (the question without "y/N"), REFUSED and CHANGED (lines separated by newlines: what, and what to do); "" for YES. */
enum trust_verdict trust_judge(const struct trust_policy *policy, const struct msg_peer_key *peer, const char *dialled,
                               char text[TRUST_TEXT_BYTES]);

/* After a yes: writes the peer into known_peers.  0 or a negative code with a line in error. */
int trust_remember(const struct trust_policy *policy, const struct msg_peer_key *peer, const char *dialled,
                   char error[IDENTITY_ERROR_BYTES]);

/* Are these the same, however they are grouped and whatever the case? */
bool trust_same_fingerprint(const char *a, const char *b);

#endif
