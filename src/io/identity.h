/*
 * identity: the key pair of this user, and where their state lives.
 *
 *   STATE/key            the secret key, 0600, written atomically at the first start (hex, one line)
 *   STATE/known_peers    see io/known.h
 *
 * STATE is --home DIR, else $DUET_HOME, else $XDG_STATE_HOME/duet, else
 * ~/.local/state/duet; made 0700 when missing.  A key file readable by others is refused
 * with what to do, and so is a directory that is somebody else's or that others may write to.
 */
#ifndef DUET_IO_IDENTITY_H
#define DUET_IO_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/noise.h"
#include "wire/limits.h"

#define IDENTITY_ERROR_BYTES 256
#define IDENTITY_PATH_BYTES 4096

struct identity {
    char dir[IDENTITY_PATH_BYTES];
    struct noise_keypair keys;
};

/* Where state lives, by the rule above; home NULL: no --home.  0, DUET_ENOTFOUND (no HOME at all), DUET_ERANGE. */
int identity_dir(const char *home, char out[IDENTITY_PATH_BYTES]);

/* Loads the key, makes it when there is none.  0 or a negative code and a line for the user in error. */
int identity_open(struct identity *id, const char *home, char error[IDENTITY_ERROR_BYTES]);
void identity_wipe(struct identity *id);

/* A line for the user about a state directory that statedir_open did not open; err is its answer. */
void identity_complain_dir(const char *dir, int err, char error[IDENTITY_ERROR_BYTES]);

/* The name a user has who chose none: user-XXXX, XXXX from the key, so that two machines of one user differ. */
void identity_default_name(const struct identity *id, char out[LIMIT_NAME_BYTES + 1]);

#endif
