/*
 * trust: may we talk to the holder of this key?  One policy for every front end; duet.h has what the file says.
 *
 *   known_peers   --peer, or a key allowed since   --accept-new   verdict
 *   changed       any                              any            CHANGED: refused, always
 *   any other     differs (--peer)                 any            REFUSED
 *   same          fits or none                     any            KNOWN
 *   new, moved    fits                             any            ALLOWED
 *   new, moved    none                             yes            ALLOWED; of a moved one the old name is told
 *   new, moved    none                             no             ASK where somebody can answer, else REFUSED
 *
 * "moved" is a known key at an address and with a name that are both new to it.  Nobody is trusted
 * before it is on file: after ALLOWED, or a yes to ASK, trust_accept decides, in one step with the
 * writing.
 *
 * Main thread.
 */
#ifndef DUET_CLIENT_TRUST_H
#define DUET_CLIENT_TRUST_H

#include <stdbool.h>

#include <duet/duet.h>

#define TRUST_TEXT_BYTES 8192 /* holds a path */
#define TRUST_ALLOWED_KEYS 16 /* by the user, while the program runs */

struct trust_policy {
    const struct duet_identity *id;
    const char *fingerprint; /* --peer; NULL: none */
    bool accept_new;
    bool may_ask; /* somebody is there to answer */
    char allowed[TRUST_ALLOWED_KEYS][DUET_FINGERPRINT_BYTES];
    size_t allowed_count;
};

enum trust_verdict { TRUST_KNOWN, TRUST_ALLOWED, TRUST_ASK, TRUST_REFUSED, TRUST_CHANGED };

struct trust_outcome {
    enum trust_verdict verdict;
    enum duet_known_verdict on_file;      /* of what a yes would be about: for trust_accept */
    bool fresh;                           /* KNOWN: trust_accept has a name or an address to add */
    const char *reason;                   /* REFUSED: what the peer is told; NULL: that its key is not trusted */
    char known_as[DUET_SHOWN_NAME_BYTES]; /* a name the key had, if it has another one now; else "" */
    char text[TRUST_TEXT_BYTES]; /* to tell: ASK: the question without "y/N"; REFUSED, CHANGED: why, and what to do;
                                  * KNOWN: "", or what is odd about it */
};

/* What known_peers says is in `peer`.  dialled: as duet_host_parse made it canonical, NULL for a peer that came to us. */
void trust_judge(const struct trust_policy *policy, const struct duet_peer_key *peer, const char *dialled,
                 struct trust_outcome *out);

/* After a yes to what `on_file` says: judges again, and remembers.  KNOWN: it is on the disk.  Else REFUSED or CHANGED,
 * also where it could not be written. */
void trust_accept(const struct trust_policy *policy, const struct duet_peer_key *peer, const char *dialled,
                  enum duet_known_verdict on_file, struct trust_outcome *out);

/* The user names a key that may come from now on.  0; DUET_EINVAL: no whole fingerprint; DUET_EFULL. */
int trust_allow(struct trust_policy *policy, const char *fingerprint);

/* Is it a whole one, grouped in whatever way? */
bool trust_is_fingerprint(const char *text);
/* Are these the same, however they are grouped and whatever the case? */
bool trust_same_fingerprint(const char *a, const char *b);
/* Is `start` the beginning of this fingerprint, of TRUST_PREFIX characters or more? */
#define TRUST_PREFIX 4
bool trust_fingerprint_starts(const char *fingerprint, const char *start);

#endif
