/*
 * known: the known_peers file (see identity.h).
 *
 *   KEY(64 hex) TAB name TAB address TAB date NEWLINE
 *
 * "-" stands for no address.  Empty lines and lines starting with # are kept
 * as they are.  A line of any other form stops everything: guessing about whom
 * the user trusts is worse than asking them to mend the file.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "duet/base/err.h"
#include "duet/base/text.h"
#include "duet/io/clock.h"
#include "duet/io/identity.h"
#include "duet/io/statedir.h"

#define KNOWN_FILE "known_peers"
#define LOCK_FILE "known_peers.lock"
#define KNOWN_FILE_MAX_BYTES (4u << 20)
#define NO_ADDRESS "-"
#define ADDRESS_BYTES 300
#define NAME_BYTES (LIMIT_NAME_BYTES * 4 + 1)
#define LINE_BYTES (2 * NOISE_KEY_BYTES + NAME_BYTES + ADDRESS_BYTES + CLOCK_DATE_BYTES + 8)

struct slice {
    const char *at;
    size_t len;
};

struct entry {
    uint8_t key[NOISE_KEY_BYTES];
    struct slice name, address;
    unsigned line;
};

/* A walk over the lines of the file. */
struct walk {
    const char *at, *end;
    struct slice text; /* of the current line, without its newline */
    unsigned line;
};

static bool same_text(struct slice s, const char *text)
{
    return text != NULL && text[0] != '\0' && s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static bool next_line(struct walk *w)
{
    if (w->at == w->end)
        return false;
    const char *newline = memchr(w->at, '\n', (size_t)(w->end - w->at));
    const char *stop = newline != NULL ? newline : w->end;

    w->text = (struct slice){.at = w->at, .len = (size_t)(stop - w->at)};
    w->at = newline != NULL ? newline + 1 : w->end;
    w->line++;
    return true;
}

static bool is_comment(struct slice line)
{
    return line.len == 0 || line.at[0] == '#';
}

/* Cuts the field before the next tab (or the end) off `rest`. */
static struct slice cut_field(struct slice *rest, bool *tab)
{
    const char *stop = memchr(rest->at, '\t', rest->len);
    const size_t len = stop != NULL ? (size_t)(stop - rest->at) : rest->len;
    const struct slice field = {.at = rest->at, .len = len};
    const size_t used = stop != NULL ? len + 1 : len;

    *tab = stop != NULL;
    rest->at += used;
    rest->len -= used;
    return field;
}

static bool parse_entry(const struct walk *w, struct entry *out)
{
    struct slice rest = w->text;
    bool after_key, after_name, after_address, after_date;
    size_t got = 0;
    const char *end = NULL;
    const struct slice key = cut_field(&rest, &after_key);

    out->line = w->line;
    out->name = cut_field(&rest, &after_name);
    out->address = cut_field(&rest, &after_address);
    const struct slice date = cut_field(&rest, &after_date);

    return after_key && after_name && after_address && !after_date && date.len > 0 && out->address.len > 0 &&
           out->name.len < NAME_BYTES && text_valid(out->name.at, out->name.len) && key.len == 2 * NOISE_KEY_BYTES &&
           sodium_hex2bin(out->key, sizeof(out->key), key.at, key.len, NULL, &got, &end) == 0 &&
           got == NOISE_KEY_BYTES && end == key.at + key.len;
}

static int malformed(const struct identity *id, unsigned line, char error[IDENTITY_ERROR_BYTES])
{
    snprintf(error, IDENTITY_ERROR_BYTES, "%.120s/" KNOWN_FILE " line %u is malformed: mend or delete it", id->dir,
             line);
    return DUET_EMALFORMED;
}

static int complain(const struct identity *id, int err, char error[IDENTITY_ERROR_BYTES])
{
    snprintf(error, IDENTITY_ERROR_BYTES, "cannot use %.120s/" KNOWN_FILE ": %s", id->dir,
             err == DUET_ESYS ? strerror(errno) : err_text(err));
    return err;
}

/* The file's text on the heap; a missing file is an empty one. */
static int load(int dirfd, char **text, size_t *len)
{
    const int err = statedir_read(dirfd, KNOWN_FILE, KNOWN_FILE_MAX_BYTES, false, text, len);

    return err == DUET_ENOTFOUND ? 0 : err;
}

static void describe(const struct entry *e, enum known_verdict verdict, struct known_match *out)
{
    out->verdict = verdict;
    out->line = e->line;
    text_sanitise(TEXT_LINE, e->name.at, e->name.len, out->name, sizeof(out->name));
    if (verdict == KNOWN_CHANGED)
        fingerprint(e->key, out->old_fingerprint);
}

/* Looks through all lines.  A known key does not excuse the address or the name of somebody else: who was trusted once
 * is not trusted to be anybody. */
static int judge(const struct identity *id, const char *text, size_t len, const uint8_t key[NOISE_KEY_BYTES],
                 const char *dialled, const char *name, struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    struct walk w = {.at = text, .end = text + len};
    struct entry e, same_key = {.line = 0}, same_address = same_key, same_name = same_key;
    bool by_key = false, by_address = false, by_name = false, own_address = false, own_name = false;

    while (next_line(&w)) {
        if (is_comment(w.text))
            continue;
        if (!parse_entry(&w, &e))
            return malformed(id, w.line, error);
        if (memcmp(e.key, key, NOISE_KEY_BYTES) == 0) {
            if (!by_key)
                same_key = e;
            by_key = true;
            own_address = own_address || same_text(e.address, dialled);
            own_name = own_name || same_text(e.name, name);
        } else if (!by_address && same_text(e.address, dialled) && !same_text(e.address, NO_ADDRESS)) {
            by_address = true;
            same_address = e;
        } else if (!by_name && same_text(e.name, name)) {
            by_name = true;
            same_name = e;
        }
    }
    if (by_address && !own_address)
        describe(&same_address, KNOWN_CHANGED, out);
    else if (by_name && !own_name)
        describe(&same_name, KNOWN_CHANGED, out);
    else if (by_key)
        describe(&same_key, KNOWN_SAME, out);
    return 0;
}

int known_check(const struct identity *id, const uint8_t key[NOISE_KEY_BYTES], const char *dialled, const char *name,
                struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    char *text = NULL;
    size_t len = 0;

    *out = (struct known_match){.verdict = KNOWN_NEW};
    error[0] = '\0';
    const int dirfd = statedir_open(id->dir);

    if (dirfd < 0)
        return complain(id, dirfd, error);
    int err = load(dirfd, &text, &len);

    if (err != 0)
        complain(id, err, error);
    else if (len > 0)
        err = judge(id, text, len, key, dialled, name, out, error);
    free(text);
    close(dirfd);
    return err;
}

/* The line of the peer, with its newline; `old` is its former address, kept when it was not dialled now. */
static size_t format_entry(const uint8_t key[NOISE_KEY_BYTES], const char *name, const char *dialled, struct slice old,
                           char out[LINE_BYTES])
{
    char hex[2 * NOISE_KEY_BYTES + 1], date[CLOCK_DATE_BYTES], clean[NAME_BYTES], address[ADDRESS_BYTES];
    const char *shown = name != NULL ? name : "";

    sodium_bin2hex(hex, sizeof(hex), key, NOISE_KEY_BYTES);
    text_sanitise(TEXT_LINE, shown, strlen(shown), clean, sizeof(clean));
    if (dialled != NULL && dialled[0] != '\0')
        text_sanitise(TEXT_LINE, dialled, strlen(dialled), address, sizeof(address));
    else
        snprintf(address, sizeof(address), "%.*s", (int)old.len, old.at);
    return (size_t)snprintf(out, LINE_BYTES, "%s\t%s\t%s\t%s\n", hex, clean, address, clock_date(date));
}

/* The new contents: every other line as it was, the peer's line where it stood or at the end. */
static int rewrite(const struct identity *id, const char *text, size_t len, const uint8_t key[NOISE_KEY_BYTES],
                   const char *dialled, const char *name, char *out, size_t *out_len, char error[IDENTITY_ERROR_BYTES])
{
    struct walk w = {.at = text, .end = text + len};
    const struct slice none = {.at = NO_ADDRESS, .len = sizeof(NO_ADDRESS) - 1};
    struct entry e;
    bool placed = false;
    char *at = out;

    while (next_line(&w)) {
        const bool comment = is_comment(w.text);

        if (!comment && !parse_entry(&w, &e))
            return malformed(id, w.line, error);
        if (!comment && memcmp(e.key, key, NOISE_KEY_BYTES) == 0) {
            if (!placed)
                at += format_entry(key, name, dialled, e.address, at);
            placed = true;
            continue;
        }
        memcpy(at, w.text.at, w.text.len);
        at += w.text.len;
        *at++ = '\n';
    }
    if (!placed)
        at += format_entry(key, name, dialled, none, at);
    *out_len = (size_t)(at - out);
    return 0;
}

static int add_locked(const struct identity *id, int dirfd, const uint8_t key[NOISE_KEY_BYTES], const char *dialled,
                      const char *name, char error[IDENTITY_ERROR_BYTES])
{
    char *text = NULL, *fresh = NULL;
    size_t len = 0, fresh_len = 0;
    int err = load(dirfd, &text, &len);

    if (err == 0) {
        fresh = malloc(len + LINE_BYTES + 1);
        err = fresh == NULL ? DUET_ENOMEM : 0;
    }
    if (err == 0) {
        err = rewrite(id, len > 0 ? text : "", len, key, dialled, name, fresh, &fresh_len, error);
        if (err == 0 && fresh_len > KNOWN_FILE_MAX_BYTES)
            err = DUET_EFULL;
        /* A known peer changes nothing more than once a day; the disk is spared, and so is the wait for it. */
        if (err == 0 && (fresh_len != len || memcmp(fresh, text, len) != 0))
            err = statedir_write(dirfd, KNOWN_FILE, fresh, fresh_len, true);
    }
    if (err != 0 && err != DUET_EMALFORMED)
        complain(id, err, error);
    free(fresh);
    free(text);
    return err;
}

int known_add(const struct identity *id, const uint8_t key[NOISE_KEY_BYTES], const char *dialled, const char *name,
              char error[IDENTITY_ERROR_BYTES])
{
    error[0] = '\0';
    const int dirfd = statedir_open(id->dir);

    if (dirfd < 0)
        return complain(id, dirfd, error);
    const int lock = statedir_lock(dirfd, LOCK_FILE);
    int err = lock;

    if (lock < 0) {
        complain(id, err, error);
    } else {
        err = add_locked(id, dirfd, key, dialled, name, error);
        close(lock);
    }
    close(dirfd);
    return err;
}
