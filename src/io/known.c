#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/known.h"
#include "io/statedir.h"

#define KNOWN_FILE "known_peers"
#define LOCK_FILE "known_peers.lock"
#define KNOWN_FILE_MAX_BYTES (4u << 20)
#define NO_ADDRESS "-"
#define SEEN_MARK "seen"
#define ADDRESS_BYTES 300
#define NAME_BYTES (LIMIT_NAME_BYTES * 4 + 1)
#define LINE_BYTES (2 * NOISE_KEY_BYTES + NAME_BYTES + ADDRESS_BYTES + CLOCK_DATE_BYTES + sizeof(SEEN_MARK) + 8)

struct slice {
    const char *at;
    size_t len;
};

struct entry {
    uint8_t key[NOISE_KEY_BYTES];
    struct slice name, address;
    bool seen; /* duet added it by itself */
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
    bool after_key, after_name, after_address, after_date, after_mark = false;
    size_t got = 0;
    const char *end = NULL;
    const struct slice key = cut_field(&rest, &after_key);

    out->line = w->line;
    out->name = cut_field(&rest, &after_name);
    out->address = cut_field(&rest, &after_address);
    const struct slice date = cut_field(&rest, &after_date);

    out->seen = after_date && same_text(cut_field(&rest, &after_mark), SEEN_MARK);
    return after_key && after_name && after_address && after_date == out->seen && !after_mark && date.len > 0 &&
           out->address.len > 0 && out->name.len < NAME_BYTES && text_valid(out->name.at, out->name.len) &&
           key.len == 2 * NOISE_KEY_BYTES &&
           sodium_hex2bin(out->key, sizeof(out->key), key.at, key.len, NULL, &got, &end) == 0 &&
           got == NOISE_KEY_BYTES && end == key.at + key.len;
}

static int malformed(const struct identity *id, unsigned line, char error[IDENTITY_ERROR_BYTES])
{
    snprintf(error, IDENTITY_ERROR_BYTES, "%.120s/" KNOWN_FILE " line %u is malformed: correct or delete it", id->dir,
             line);
    return DUET_EMALFORMED;
}

static int complain(const struct identity *id, int err, char error[IDENTITY_ERROR_BYTES])
{
    if (err == DUET_ETRUST)
        snprintf(error, IDENTITY_ERROR_BYTES,
                 "others can write to %.120s/" KNOWN_FILE
                 ": look through it, then chown it to yourself and chmod go-w it",
                 id->dir);
    else
        snprintf(error, IDENTITY_ERROR_BYTES, "cannot use %.120s/" KNOWN_FILE ": %s", id->dir,
                 err == DUET_ESYS ? strerror(errno) : err_text(err));
    return err;
}

/* The file's text on the heap; a missing file is an empty one. */
static int load(int dirfd, char **text, size_t *len)
{
    const int err = statedir_read(dirfd, KNOWN_FILE, KNOWN_FILE_MAX_BYTES, STATEDIR_OURS, text, len);

    return err == DUET_ENOTFOUND ? 0 : err;
}

/* ---- judging ---- */

/* What all lines together say of one peer. */
struct findings {
    struct entry own, at_address, of_name;    /* the first ones; line 0: none.  The latter two are of other keys */
    bool own_address, own_name, own_any_name; /* this key had them; it had a name at all */
    unsigned own_lines;
    struct slice oldest_seen; /* of this key, with its newline; at NULL: none */
};

static bool same_name(struct slice s, const char *name)
{
    return name != NULL && name[0] != '\0' && s.len > 0 && text_alike(s.at, s.len, name, strlen(name));
}

static void note_own(struct findings *f, const struct entry *e, const struct known_peer *peer, const struct walk *w)
{
    if (f->own_lines++ == 0)
        f->own = *e;
    f->own_address = f->own_address || same_text(e->address, peer->dialled);
    f->own_name = f->own_name || same_name(e->name, peer->name);
    if (e->name.len > 0 && !f->own_any_name) {
        f->own_any_name = true;
        f->own = *e; /* the line that says who it is */
    }
    if (e->seen && f->oldest_seen.at == NULL)
        f->oldest_seen = (struct slice){.at = w->text.at, .len = (size_t)(w->at - w->text.at)};
}

static int find(const struct identity *id, const char *text, size_t len, const struct known_peer *peer,
                struct findings *f, char error[IDENTITY_ERROR_BYTES])
{
    struct walk w = {.at = text, .end = text + len};
    struct entry e;

    *f = (struct findings){.own_lines = 0};
    while (next_line(&w)) {
        if (is_comment(w.text))
            continue;
        if (!parse_entry(&w, &e))
            return malformed(id, w.line, error);
        if (memcmp(e.key, peer->key, NOISE_KEY_BYTES) == 0) {
            note_own(f, &e, peer, &w);
            continue;
        }
        if (f->at_address.line == 0 && same_text(e.address, peer->dialled) && !same_text(e.address, NO_ADDRESS))
            f->at_address = e;
        if (f->of_name.line == 0 && same_name(e.name, peer->name))
            f->of_name = e;
    }
    return 0;
}

static void describe(const struct entry *e, enum known_verdict verdict, struct known_match *out)
{
    out->verdict = verdict;
    out->line = e->line;
    text_sanitise(TEXT_LINE, e->name.at, e->name.len, out->name, sizeof(out->name));
    if (verdict == KNOWN_CHANGED)
        fingerprint(e->key, out->old_fingerprint);
}

/* A known key does not excuse the address or the name of somebody else: who was trusted once is not
 * trusted to be anybody. */
static void judge(const struct findings *f, const struct known_peer *peer, struct known_match *out)
{
    const bool dialled = peer->dialled != NULL && peer->dialled[0] != '\0';
    const bool new_address = dialled && !f->own_address;
    const bool new_name = peer->name != NULL && peer->name[0] != '\0' && !f->own_name;

    *out = (struct known_match){.verdict = KNOWN_NEW, .fresh = true};
    if (f->at_address.line != 0 && !f->own_address) {
        describe(&f->at_address, KNOWN_CHANGED, out);
    } else if (f->of_name.line != 0 && !f->own_name) {
        describe(&f->of_name, KNOWN_CHANGED, out);
    } else if (f->own_lines > 0) {
        out->renamed = new_name && f->own_any_name;
        describe(&f->own, new_address && out->renamed ? KNOWN_MOVED : KNOWN_SAME, out);
        out->fresh = new_address || new_name;
    }
    if (out->verdict == KNOWN_CHANGED)
        out->fresh = false;
}

/* Opens the directory, reads, judges: *text is the caller's to free whatever comes of it. */
static int look(const struct identity *id, int dirfd, const struct known_peer *peer, char **text, size_t *len,
                struct findings *f, struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    int err = load(dirfd, text, len);

    *out = (struct known_match){.verdict = KNOWN_NEW};
    if (err != 0)
        return complain(id, err, error);
    err = find(id, *len > 0 ? *text : "", *len, peer, f, error);
    if (err == 0)
        judge(f, peer, out);
    return err;
}

static int open_dir(const struct identity *id, struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    const int dirfd = statedir_open(id->dir);

    *out = (struct known_match){.verdict = KNOWN_NEW};
    error[0] = '\0';
    if (dirfd < 0)
        identity_complain_dir(id->dir, dirfd, error);
    return dirfd;
}

int known_check(const struct identity *id, const struct known_peer *peer, struct known_match *out,
                char error[IDENTITY_ERROR_BYTES])
{
    struct findings f;
    char *text = NULL;
    size_t len = 0;
    const int dirfd = open_dir(id, out, error);

    if (dirfd < 0)
        return dirfd;
    const int err = look(id, dirfd, peer, &text, &len, &f, out, error);

    free(text);
    close(dirfd);
    return err;
}

static size_t keys_in(const char *text, size_t len, const char *dialled, uint8_t keys[][NOISE_KEY_BYTES], size_t cap)
{
    struct walk w = {.at = text, .end = text + len};
    struct entry e;
    size_t count = 0;

    while (count < cap && next_line(&w)) {
        if (is_comment(w.text))
            continue;
        if (!parse_entry(&w, &e))
            return 0;
        if (same_text(e.address, dialled) && !same_text(e.address, NO_ADDRESS))
            memcpy(keys[count++], e.key, NOISE_KEY_BYTES);
    }
    return count;
}

size_t known_keys_at(const struct identity *id, const char *dialled, uint8_t keys[][NOISE_KEY_BYTES], size_t cap)
{
    char *text = NULL;
    size_t len = 0, count = 0;
    const int dirfd = statedir_open(id->dir);

    if (dirfd < 0)
        return 0;
    if (load(dirfd, &text, &len) == 0 && len > 0)
        count = keys_in(text, len, dialled, keys, cap);
    free(text);
    close(dirfd);
    return count;
}

/* ---- remembering ---- */

/* The line of the peer, with its newline; what it did not show or was not asked for is left
 * open. */
static size_t format_entry(const struct known_peer *peer, bool seen, char out[LINE_BYTES])
{
    char hex[2 * NOISE_KEY_BYTES + 1], date[CLOCK_DATE_BYTES], name[NAME_BYTES], address[ADDRESS_BYTES];
    const char *shown = peer->name != NULL ? peer->name : "";
    const char *dialled = peer->dialled != NULL && peer->dialled[0] != '\0' ? peer->dialled : NO_ADDRESS;

    sodium_bin2hex(hex, sizeof(hex), peer->key, NOISE_KEY_BYTES);
    text_sanitise(TEXT_LINE, shown, strlen(shown), name, sizeof(name));
    text_sanitise(TEXT_LINE, dialled, strlen(dialled), address, sizeof(address));
    return (size_t)snprintf(out, LINE_BYTES, "%s\t%s\t%s\t%s%s\n", hex, name, address, clock_date(date),
                            seen ? "\t" SEEN_MARK : "");
}

/* The whole file without its line `old`, and with one more. */
static int replace_line(int dirfd, const char *text, size_t len, struct slice old, const char *line, size_t line_len)
{
    const size_t before = (size_t)(old.at - text), after = len - before - old.len;
    char *fresh = malloc(len + line_len + 1);
    size_t used = before;

    if (faccessat(dirfd, KNOWN_FILE, W_OK, AT_EACCESS) != 0) { /* a rename would not ask */
        free(fresh);
        return DUET_ESYS;
    }
    if (fresh == NULL)
        return DUET_ENOMEM;
    memcpy(fresh, text, before);
    memcpy(fresh + used, old.at + old.len, after);
    used += after;
    if (used > 0 && fresh[used - 1] != '\n')
        fresh[used++] = '\n';
    memcpy(fresh + used, line, line_len);
    const int err = statedir_write(dirfd, KNOWN_FILE, fresh, used + line_len, true);

    free(fresh);
    return err;
}

/* A binding of a known key is one more "seen" line, or takes the place of the oldest; where all are
 * the user's own, and as many as there may be, it is left out. */
static int write_line(int dirfd, const char *text, size_t len, const struct findings *f, const struct known_peer *peer)
{
    char line[LINE_BYTES + 1] = "\n";
    const bool unended = len > 0 && text[len - 1] != '\n'; /* as an editor may leave it */
    const size_t line_len = format_entry(peer, f->own_lines > 0, line + 1);

    if (f->own_lines >= KNOWN_BINDINGS)
        return f->oldest_seen.at == NULL ? 0 : replace_line(dirfd, text, len, f->oldest_seen, line + 1, line_len);
    if (len + line_len + 1 > KNOWN_FILE_MAX_BYTES)
        return DUET_EFULL;
    return statedir_append(dirfd, KNOWN_FILE, unended ? line : line + 1, unended ? line_len + 1 : line_len);
}

static int accept_locked(const struct identity *id, int dirfd, const struct known_peer *peer,
                         enum known_verdict expected, struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    struct findings f;
    char *text = NULL;
    size_t len = 0;
    int err = look(id, dirfd, peer, &text, &len, &f, out, error);

    if (err == 0 && out->fresh && (out->verdict == KNOWN_SAME || out->verdict == expected)) {
        err = write_line(dirfd, len > 0 ? text : "", len, &f, peer);
        if (err != 0)
            complain(id, err, error);
    }
    free(text);
    return err;
}

int known_accept(const struct identity *id, const struct known_peer *peer, enum known_verdict expected,
                 struct known_match *out, char error[IDENTITY_ERROR_BYTES])
{
    const int dirfd = open_dir(id, out, error);

    if (dirfd < 0)
        return dirfd;
    const int lock = statedir_lock(dirfd, LOCK_FILE);
    int err = lock;

    if (lock < 0) {
        complain(id, err, error);
    } else {
        err = accept_locked(id, dirfd, peer, expected, out, error);
        close(lock);
    }
    close(dirfd);
    return err;
}
