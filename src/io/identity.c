#include "io/identity.h"

#include <errno.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/fingerprint.h"
#include "io/statedir.h"

#define KEY_FILE "key"
#define KEY_HEX_BYTES (2 * NOISE_KEY_BYTES)
#define KEY_FILE_MAX_BYTES 1024
#define PASSWD_BYTES 4096

static const char *from_env(const char *name)
{
    const char *v = getenv(name);

    return v != NULL && v[0] != '\0' ? v : NULL;
}

int identity_dir(const char *home, char out[IDENTITY_PATH_BYTES])
{
    const char *base = home != NULL ? home : from_env("DUET_HOME");
    const char *tail = "";

    if (base == NULL) {
        base = from_env("XDG_STATE_HOME");
        tail = "/duet";
        /* The XDG specification: a relative path is invalid and ignored. */
        if (base != NULL && base[0] != '/')
            base = NULL;
    }
    if (base == NULL) {
        base = from_env("HOME");
        tail = "/.local/state/duet";
    }
    if (base == NULL)
        return DUET_ENOTFOUND;
    const int len = snprintf(out, IDENTITY_PATH_BYTES, "%s%s", base, tail);

    return len > 0 && len < IDENTITY_PATH_BYTES ? 0 : DUET_ERANGE;
}

static int write_new_key(int dirfd)
{
    uint8_t secret[NOISE_KEY_BYTES];
    char line[KEY_HEX_BYTES + 2];

    randombytes_buf(secret, sizeof(secret));
    sodium_bin2hex(line, KEY_HEX_BYTES + 1, secret, sizeof(secret));
    line[KEY_HEX_BYTES] = '\n';
    const int err = statedir_write(dirfd, KEY_FILE, line, KEY_HEX_BYTES + 1, false);

    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(line, sizeof(line));
    return err == DUET_EEXIST ? 0 : err; /* another first start was quicker: its key is ours */
}

/* 64 hex digits and perhaps a newline. */
static int parse_key(const char *text, size_t len, uint8_t secret[NOISE_KEY_BYTES])
{
    const char *end = NULL;
    size_t got = 0;

    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len != KEY_HEX_BYTES || sodium_hex2bin(secret, NOISE_KEY_BYTES, text, len, NULL, &got, &end) != 0 ||
        got != NOISE_KEY_BYTES || end != text + len)
        return DUET_EMALFORMED;
    return 0;
}

static int load_key(struct identity *id, int dirfd)
{
    char *text = NULL;
    size_t len = 0;
    int err = statedir_read(dirfd, KEY_FILE, KEY_FILE_MAX_BYTES, STATEDIR_PRIVATE, &text, &len);

    if (err == DUET_ENOTFOUND) {
        err = write_new_key(dirfd);
        if (err == 0)
            err = statedir_read(dirfd, KEY_FILE, KEY_FILE_MAX_BYTES, STATEDIR_PRIVATE, &text, &len);
    }
    if (err == 0)
        err = parse_key(text, len, id->keys.secret);
    if (err == 0)
        noise_public(id->keys.public, id->keys.secret);

    const int why = errno;

    if (text != NULL)
        sodium_memzero(text, len);
    free(text);
    errno = why;
    return err;
}

static int complain(const char *dir, int err, char error[IDENTITY_ERROR_BYTES])
{
    if (err == DUET_ETRUST)
        snprintf(error, IDENTITY_ERROR_BYTES,
                 "others can read the key %.120s/" KEY_FILE ": if you still trust it, chown it to yourself and "
                 "chmod 600 it",
                 dir);
    else if (err == DUET_EMALFORMED || err == DUET_ERANGE || err == DUET_EUNSUPPORTED)
        snprintf(error, IDENTITY_ERROR_BYTES,
                 "%.120s/" KEY_FILE " is not a key: restore it, or move it away to start with a new one", dir);
    else
        snprintf(error, IDENTITY_ERROR_BYTES, "cannot use %.120s/" KEY_FILE ": %s", dir,
                 err == DUET_ESYS ? strerror(errno) : err_text(err));
    return err;
}

void identity_complain_dir(const char *dir, int err, char error[IDENTITY_ERROR_BYTES])
{
    if (err == DUET_ETRUST)
        snprintf(
            error, IDENTITY_ERROR_BYTES,
            "the directory %.120s belongs to somebody else, or others may write to it: if you trust what is in it, "
            "chown it to yourself and chmod go-w it",
            dir);
    else if (err == DUET_ESYS && (errno == EMFILE || errno == ENFILE))
        snprintf(error, IDENTITY_ERROR_BYTES, "cannot open the directory %.120s: %s; raise the limit (ulimit -n)", dir,
                 strerror(errno));
    else
        snprintf(error, IDENTITY_ERROR_BYTES,
                 "cannot open or create the directory %.120s: %s; choose another with --home DIR or DUET_HOME", dir,
                 err == DUET_ESYS ? strerror(errno) : err_text(err));
}

int identity_open(struct identity *id, const char *home, char error[IDENTITY_ERROR_BYTES])
{
    *id = (struct identity){0};
    error[0] = '\0';
    if (sodium_init() < 0) {
        snprintf(error, IDENTITY_ERROR_BYTES, "libsodium cannot start: no randomness");
        return DUET_ESYS;
    }
    int err = identity_dir(home, id->dir);

    if (err != 0) {
        snprintf(error, IDENTITY_ERROR_BYTES, "no place for the key: set HOME, DUET_HOME or --home DIR (%s)",
                 err_text(err));
        return err;
    }
    const int dirfd = statedir_open(id->dir);

    if (dirfd < 0) {
        identity_complain_dir(id->dir, dirfd, error);
        return dirfd;
    }
    err = load_key(id, dirfd);
    if (err != 0)
        complain(id->dir, err, error);
    close(dirfd);
    return err;
}

void identity_wipe(struct identity *id)
{
    sodium_memzero(id, sizeof(*id));
}

/* $USER can be anything; the password database says who we are. */
static void login_name(char out[LIMIT_NAME_BYTES + 1])
{
    char space[PASSWD_BYTES];
    struct passwd pw, *found = NULL;
    const char *name = NULL;

    if (getpwuid_r(geteuid(), &pw, space, sizeof(space), &found) == 0 && found != NULL)
        name = found->pw_name;
    if (name == NULL)
        name = from_env("USER");
    if (name == NULL)
        name = "duet";
    text_sanitise(TEXT_LINE, name, strlen(name), out, LIMIT_NAME_BYTES + 1 - (FINGERPRINT_GROUP + 1));
}

void identity_default_name(const struct identity *id, char out[LIMIT_NAME_BYTES + 1])
{
    char print[FINGERPRINT_BYTES];
    char login[LIMIT_NAME_BYTES + 1];

    login_name(login);
    snprintf(out, LIMIT_NAME_BYTES + 1, "%.*s-%.*s", LIMIT_NAME_BYTES - FINGERPRINT_GROUP - 1, login, FINGERPRINT_GROUP,
             fingerprint(id->keys.public, print));
}
