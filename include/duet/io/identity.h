/*
 * identity: the key pair of this user and the peers known to them, as files.
 *
 *   STATE/key            the secret key, 0600, written atomically at the first start (hex, one line)
 *   STATE/known_peers    one line a peer: KEY(64 hex) TAB name TAB address TAB date
 *
 * STATE is --home DIR, else $DUET_HOME, else $XDG_STATE_HOME/duet, else
 * ~/.local/state/duet; made 0700 when missing.  A key file readable by others is refused
 * with what to do.  known_peers is rewritten atomically (temp, fsync, rename) under a lock
 * file, re-read first, so two programs at once lose nothing.
 */
#ifndef DUET_IO_IDENTITY_H
#define DUET_IO_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duet/crypto/noise.h"
#include "duet/wire/limits.h"

#define IDENTITY_ERROR_BYTES 256
#define IDENTITY_PATH_BYTES 4096
#define FINGERPRINT_BYTES 64 /* "XXXX-XXXX-…" and NUL, see fingerprint */

struct identity {
    char dir[IDENTITY_PATH_BYTES];
    struct noise_keypair keys;
};

/* Where state lives, by the rule above; home NULL: no --home.  0, DUET_ENOTFOUND (no HOME at all), DUET_ERANGE. */
int identity_dir(const char *home, char out[IDENTITY_PATH_BYTES]);

/* Loads the key, makes it when there is none.  0 or a negative code and a line for the user in error. */
int identity_open(struct identity *id, const char *home, char error[IDENTITY_ERROR_BYTES]);
void identity_wipe(struct identity *id);

/* Eight groups of four base32 characters (160 bits of BLAKE2b of the key): "k3vx-…". Returns out. */
const char *fingerprint(const uint8_t key[NOISE_KEY_BYTES], char out[FINGERPRINT_BYTES]);

/* The name a user has who chose none: user-XXXX, XXXX from the key, so that two machines of one user differ. */
void identity_default_name(const struct identity *id, char out[LIMIT_NAME_BYTES + 1]);

enum known_verdict {
    KNOWN_NEW,     /* never seen, and nothing contradicts */
    KNOWN_SAME,    /* this key is known */
    KNOWN_CHANGED, /* the address dialled, or a chosen name, belongs to another key */
};

struct known_match {
    enum known_verdict verdict;
    char old_fingerprint[FINGERPRINT_BYTES]; /* CHANGED: of the key on file */
    char name[LIMIT_NAME_BYTES * 4 + 1];     /* of the entry on file, sanitised */
    unsigned line;                           /* of the file, for the advice */
};

/*
 * What the file says of this key.  `dialled`: "host:port" as the user gave it, NULL for a peer that
 * came to us; `name`: the peer's sanitised display name.  Order: dialled address, then name, on
 * file with another key, and not with this one, → CHANGED; key known → SAME; else NEW.
 * 0 or a negative code (unreadable, malformed line: its number) with a line in error.
 */
int known_check(const struct identity *id, const uint8_t key[NOISE_KEY_BYTES], const char *dialled, const char *name,
                struct known_match *out, char error[IDENTITY_ERROR_BYTES]);

/* Adds or refreshes an entry; what says the same already is not written again.  0 or a negative code with a line in
 * error. */
int known_add(const struct identity *id, const uint8_t key[NOISE_KEY_BYTES], const char *dialled, const char *name,
              char error[IDENTITY_ERROR_BYTES]);

#endif
