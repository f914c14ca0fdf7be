#include "ui/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define OSC_8 "\x1b]8;"
#define ST "\x1b\\"

static bool is_url_byte(char c)
{
    return c > ' ' && c < 0x7f && strchr("<>\"`{}|\\^", c) == NULL;
}

bool links_find(const char *text, size_t len, size_t *at, size_t *bytes)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (; *at < len; (*at)++) {
        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
            const size_t scheme = strlen(schemes[i]);
            size_t end = *at;

            if (len - *at < scheme || memcmp(text + *at, schemes[i], scheme) != 0)
                continue;
            while (end < len && is_url_byte(text[end]))
                end++;
            while (end > *at && strchr(".,;:!?')]", text[end - 1]) != NULL) /* belongs to the sentence */
                end--;
            if (end - *at <= scheme || end - *at > LINKS_URL_BYTES)
                continue;
            *bytes = end - *at;
            return true;
        }
    }
    return false;
}

bool links_are_taken(const char *term, const char *(*variable)(const char *name))
{
    static const char *const marks[] = {"KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "GHOSTTY_RESOURCES_DIR"};
    static const char *const programs[] = {"iTerm.app", "WezTerm", "vscode", "ghostty"};
    static const char *const terms[] = {"foot", "alacritty", "xterm-kitty", "xterm-ghostty", "wezterm", "contour"};
    /* What stands between us and the terminal may know nothing of links. */
    static const char *const never[] = {"linux", "screen", "tmux"};
    const char *program = variable("TERM_PROGRAM");
    const char *vte = variable("VTE_VERSION");

    if (term == NULL)
        return false;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (strncmp(term, never[i], strlen(never[i])) == 0)
            return false;
    if (vte != NULL && atoi(vte) >= 5000)
        return true;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (variable(marks[i]) != NULL)
            return true;
    for (size_t i = 0; program != NULL && i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(program, programs[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
        if (strncmp(term, terms[i], strlen(terms[i])) == 0)
            return true;
    return false;
}

void links_begin(struct links *l)
{
    l->count = 0;
}

void links_collect(struct links *l, int row, int column, const char *line, size_t line_len, size_t start, size_t len)
{
    const size_t end = start + len;
    size_t bytes = 0;

    if (row >= LINKS_ROWS || line_len > LINKS_LINE_BYTES)
        return;
    for (size_t at = 0; l->count < LINKS_MAX && links_find(line, line_len, &at, &bytes) && at < end; at += bytes) {
        const size_t from = at > start ? at : start;
        const size_t to = at + bytes < end ? at + bytes : end;

        if (from >= to)
            continue;
        l->v[l->count++] = (struct link_piece){
            .row = row,
            .column = column + (int)text_columns(line + start, from - start),
            .text = line + from,
            .len = to - from,
            .url = line + at,
            .url_len = bytes,
        };
    }
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211u; /* FNV-1a */
    return hash;
}

static uint64_t hash_pieces(const struct links *l)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < l->count; i++) {
        const struct link_piece *p = &l->v[i];

        hash = hash_bytes(hash, &p->row, sizeof(p->row));
        hash = hash_bytes(hash, &p->column, sizeof(p->column));
        hash = hash_bytes(hash, p->text, p->len);
        hash = hash_bytes(hash, p->url, p->url_len);
    }
    return l->count > 0 ? hash : 0;
}

bool links_changed(const struct links *l)
{
    return hash_pieces(l) != l->written;
}

/* All pieces of one link have its hash as their id, so that a terminal shows them as one. */
void links_write(struct links *l, FILE *out)
{
    memset(l->has_link, 0, sizeof(l->has_link));
    l->written = hash_pieces(l);
    if (l->count == 0)
        return;
    fputs("\x1b"
          "7\x1b[0m",
          out); /* the cursor is kept and comes back */
    for (size_t i = 0; i < l->count; i++) {
        const struct link_piece *p = &l->v[i];
        const unsigned id = (unsigned)hash_bytes(14695981039346656037u, p->url, p->url_len);

        l->has_link[p->row] = true;
        fprintf(out, "\x1b[%d;%dH" OSC_8 "id=%08x;%.*s" ST "%.*s" OSC_8 ";" ST, p->row + 1, p->column + 1, id,
                (int)p->url_len, p->url, (int)p->len, p->text);
    }
    fputs("\x1b"
          "8",
          out);
    fflush(out);
}

void links_forget(struct links *l)
{
    l->written = 0;
    memset(l->has_link, 0, sizeof(l->has_link));
}
