/*
 * The identity of a user, and whom they know.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/err.h"

_Static_assert(DUET_ERROR_BYTES >= IDENTITY_ERROR_BYTES, "identity and known write into the caller's");
_Static_assert(DUET_SHOWN_NAME_BYTES == sizeof(((struct known_match *)0)->name), "a name is as long as on file");
_Static_assert((int)DUET_KNOWN_NEW == (int)KNOWN_NEW && (int)DUET_KNOWN_SAME == (int)KNOWN_SAME &&
                   (int)DUET_KNOWN_MOVED == (int)KNOWN_MOVED && (int)DUET_KNOWN_CHANGED == (int)KNOWN_CHANGED,
               "the caller's verdicts are ours");

int duet_identity_open(const char *home, struct duet_identity **out, char *error)
{
    char words[DUET_ERROR_BYTES];

    if (out == NULL)
        return DUET_EINVAL;
    *out = NULL;
    struct duet_identity *id = calloc(1, sizeof(*id));

    if (id == NULL) {
        api_complain(error, "%s", err_text(DUET_ENOMEM));
        return DUET_ENOMEM;
    }
    const int err = identity_open(&id->id, home, words);

    if (err != 0) {
        api_complain(error, "%s", words);
        duet_identity_free(id);
        return err;
    }
    identity_default_name(&id->id, id->name);
    *out = id;
    return 0;
}

int duet_identity_new(const uint8_t *secret, struct duet_identity **out)
{
    if (out == NULL)
        return DUET_EINVAL;
    *out = NULL;
    if (sodium_init() < 0)
        return DUET_ESYS;
    struct duet_identity *id = calloc(1, sizeof(*id));

    if (id == NULL)
        return DUET_ENOMEM;
    if (secret != NULL)
        memcpy(id->id.keys.secret, secret, NOISE_KEY_BYTES);
    else
        randombytes_buf(id->id.keys.secret, NOISE_KEY_BYTES);
    noise_public(id->id.keys.public, id->id.keys.secret);
    identity_default_name(&id->id, id->name);
    *out = id;
    return 0;
}

void duet_identity_free(struct duet_identity *id)
{
    if (id != NULL)
        identity_wipe(&id->id);
    free(id);
}

const uint8_t *duet_identity_key(const struct duet_identity *id)
{
    return id != NULL ? id->id.keys.public : NULL;
}

const char *duet_identity_directory(const struct duet_identity *id)
{
    return id != NULL ? id->id.dir : NULL;
}

const char *duet_identity_name(const struct duet_identity *id)
{
    return id != NULL ? id->name : NULL;
}

/* ---- who is known ---- */

int api_known_check(const struct duet_identity *id, const struct known_peer *who, struct known_match *out,
                    char error[DUET_ERROR_BYTES])
{
    error[0] = '\0';
    if (id->id.dir[0] != '\0')
        return known_check(&id->id, who, out, error);
    *out = (struct known_match){.verdict = KNOWN_NEW, .fresh = true};
    return 0;
}

int api_known_accept(const struct duet_identity *id, const struct known_peer *who, enum known_verdict expected,
                     struct known_match *out, char error[DUET_ERROR_BYTES])
{
    if (id->id.dir[0] == '\0')
        return api_known_check(id, who, out, error);
    return known_accept(&id->id, who, expected, out, error);
}

void api_known_give(const struct known_match *match, struct duet_known *out)
{
    struct duet_known full = {
        .size = out->size,
        .verdict = (int32_t)match->verdict,
        .fresh = match->fresh,
        .renamed = match->renamed,
        .line = match->line,
    };

    memcpy(full.name, match->name, sizeof(match->name));
    memcpy(full.old_fingerprint, match->old_fingerprint, sizeof(match->old_fingerprint));
    memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
}

static bool is_usable(const struct duet_identity *id, const uint8_t *key, const struct duet_known *out)
{
    return id != NULL && key != NULL && out != NULL && out->size >= offsetof(struct duet_known, fresh);
}

int duet_known_check(const struct duet_identity *id, const uint8_t key[DUET_KEY_BYTES], const char *dialled,
                     const char *name, struct duet_known *out, char *error)
{
    const struct known_peer who = {.key = key, .dialled = dialled, .name = name};
    char words[DUET_ERROR_BYTES];
    struct known_match match;

    if (!is_usable(id, key, out))
        return DUET_EINVAL;
    const int err = api_known_check(id, &who, &match, words);

    api_complain(error, "%s", words);
    api_known_give(&match, out);
    return err;
}

int duet_known_accept(const struct duet_identity *id, const uint8_t key[DUET_KEY_BYTES], const char *dialled,
                      const char *name, enum duet_known_verdict expected, struct duet_known *out, char *error)
{
    const struct known_peer who = {.key = key, .dialled = dialled, .name = name};
    char words[DUET_ERROR_BYTES];
    struct known_match match;

    if (!is_usable(id, key, out))
        return DUET_EINVAL;
    const int err = api_known_accept(id, &who, (enum known_verdict)expected, &match, words);

    api_complain(error, "%s", words);
    api_known_give(&match, out);
    return err;
}
