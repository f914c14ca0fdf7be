/*
 * known: the known_peers file: which key has which name and answers at which address.
 *
 *   KEY(64 hex) TAB name TAB address TAB date [TAB "seen"] NEWLINE
 *
 * Each line is a binding: this key had this name, and this address if it is not "-".  All of them
 * hold, so another key with a name like one of these, or at one of these addresses, is refused.
 * Names are compared by text_alike.  A line of four fields is somebody's consent, or the user's
 * own: duet never changes nor drops it.  With "seen" duet added it by itself, when a key that was
 * known came with another name or answered at another address; there are at most KNOWN_BINDINGS
 * lines of a key, then the oldest of these makes room.
 *
 * "-" stands for no address, an empty name for none.  Empty lines and lines that start with # are kept.  A line of any
 * other form stops everything: guessing about whom the user trusts is worse than asking them to mend the file.
 *
 * Looking takes no lock.  known_accept looks again under the lock file and writes in the same step, one line at the end
 * of the file, so of two programs only one can take a name or an address for a key.  Any thread.
 */
#ifndef DUET_IO_KNOWN_H
#define DUET_IO_KNOWN_H

#include "crypto/fingerprint.h"
#include "io/identity.h"

#define KNOWN_BINDINGS 16 /* lines of one key before its oldest "seen" one goes */

enum known_verdict {
    KNOWN_NEW,     /* never seen, and nothing contradicts */
    KNOWN_SAME,    /* this key is known */
    KNOWN_MOVED,   /* it is known, but dialled at an address and showing a name that are both new: who is that? */
    KNOWN_CHANGED, /* the address dialled, or the name, belongs to another key */
};

struct known_match {
    enum known_verdict verdict;
    bool fresh;                              /* not CHANGED: there is something to write */
    bool renamed;                            /* SAME, MOVED: it never had this name; `name` is one it had */
    char old_fingerprint[FINGERPRINT_BYTES]; /* CHANGED: of the key on file */
    char name[LIMIT_NAME_BYTES * 4 + 1];     /* of the line on file, sanitised */
    unsigned line;                           /* of the file, for the advice */
};

/* Whom it is about.  `dialled`: "host:port" as the user gave it, NULL for a peer that came to us; `name`: the peer's
 * sanitised display name, NULL: none. */
struct known_peer {
    const uint8_t *key; /* NOISE_KEY_BYTES */
    const char *dialled, *name;
};

/* What the file says.  0, or a negative code (unreadable, others may write to it, malformed line:
 * its number) with a line in error, and then the verdict is KNOWN_NEW. */
int known_check(const struct identity *id, const struct known_peer *peer, struct known_match *out,
                char error[IDENTITY_ERROR_BYTES]);

/* The same, and if it is `expected`, or SAME where something weaker was expected, it is on the disk when this returns.
 * Any other verdict writes nothing.  0 or a negative code with a line in error: nothing was written. */
int known_accept(const struct identity *id, const struct known_peer *peer, enum known_verdict expected,
                 struct known_match *out, char error[IDENTITY_ERROR_BYTES]);

/* The keys that are on file for the address `dialled`, `cap` at most; how many.  0 also where the file cannot be used:
 * known_check says why. */
size_t known_keys_at(const struct identity *id, const char *dialled, uint8_t keys[][NOISE_KEY_BYTES], size_t cap);

#endif
