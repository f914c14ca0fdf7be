#include "ui/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#define CUT_NOTE_BYTES 48

static struct model_line *line_at(const struct model *m, size_t index)
{
    return m->lines[(m->first + index) % MODEL_LINES];
}

/* Bytes of whole clusters that fit in `width`, up to a newline at most (which has no width: looking
 * beyond it would make wrapping many of them quadratic). */
static size_t fit_row(const char *text, size_t len, size_t width)
{
    size_t at = 0;

    while (at < len && text[at] != '\n') {
        int columns;
        const size_t bytes = text_grapheme(text + at, len - at, &columns);

        if ((size_t)columns > width)
            break;
        width -= (size_t)columns;
        at += bytes;
    }
    return at;
}

size_t model_wrap(const char *text, size_t len, size_t width, size_t *next)
{
    size_t fit = fit_row(text, len, width);
    int columns;

    if (fit < len && text[fit] == '\n') {
        *next = fit + 1;
        return fit;
    }
    if (fit == 0 && len > 0)
        fit = text_cell(text, text_grapheme(text, len, &columns), &columns); /* wider than the screen */
    if (fit == len) {
        *next = len;
        return len;
    }
    size_t cut = fit;
    if (text[fit] != ' ')
        while (cut > 0 && text[cut - 1] != ' ')
            cut--;
    if (cut == strspn(text, " ")) { /* one long word: no row of its own for the blanks before it */
        *next = fit;
        return fit;
    }
    *next = cut;
    while (*next < len && text[*next] == ' ')
        (*next)++;
    while (cut > 1 && text[cut - 1] == ' ')
        cut--;
    return cut;
}

/* Where the next row of a line starts. */
struct row_cursor {
    size_t at;
    bool in_word; /* a long one, that goes on */
};

/* Bytes of the ASCII word at the start of the text, counted up to `most`; 0: none, or not all of it
 * is ASCII. */
static size_t word_bytes(const char *text, size_t len, size_t most)
{
    size_t n = 0;

    while (n < len && n < most && text[n] > ' ' && text[n] < 0x7f)
        n++;
    return n < len && n < most && text[n] != ' ' && text[n] != '\n' ? 0 : n;
}

static struct model_row next_flush_row(const struct model *m, const struct model_line *line, struct row_cursor *c)
{
    const size_t whole_width = m->gutter + m->width;
    const size_t bytes = word_bytes(line->text + c->at, line->len - c->at, whole_width);
    const struct model_row row = {.line = line, .start = c->at, .len = bytes, .flush = true};

    c->at += bytes;
    c->in_word = c->at < line->len && word_bytes(line->text + c->at, line->len - c->at, 1) > 0;
    if (c->at < line->len && line->text[c->at] == '\n')
        c->at++;
    else
        while (c->at < line->len && line->text[c->at] == ' ')
            c->at++;
    return row;
}

/* The row at the cursor, which it moves behind it. */
static struct model_row next_row(const struct model *m, const struct model_line *line, struct row_cursor *c)
{
    const char *text = line->text + c->at;
    const size_t left = line->len - c->at;
    size_t blanks = 0;
    size_t next;

    while (blanks < left && blanks < m->width && text[blanks] == ' ')
        blanks++;
    if (!c->in_word && m->gutter > 0 && word_bytes(text + blanks, left - blanks, m->width + 1) > m->width) {
        c->at += blanks;
        c->in_word = true;
        if (c->at == blanks) /* the time and the mark of the line need a row of their own */
            return (struct model_row){.line = line, .start = 0, .len = 0, .first = true};
    }
    if (c->in_word)
        return next_flush_row(m, line, c);
    const size_t used = model_wrap(text, left, m->width, &next);
    const struct model_row row = {.line = line, .start = c->at, .len = used, .first = c->at == 0};

    c->at += next;
    return row;
}

static size_t count_rows(const struct model *m, const struct model_line *line)
{
    struct row_cursor c = {0};
    size_t rows = 0;

    do {
        (void)next_row(m, line, &c);
        rows++;
    } while (c.at < line->len);
    return rows;
}

static size_t scroll_max(const struct model *m)
{
    return m->total_rows > m->height ? m->total_rows - m->height : 0;
}

static void clamp_scroll(struct model *m)
{
    if (m->scroll > scroll_max(m))
        m->scroll = scroll_max(m);
    if (m->scroll == 0)
        m->unseen = 0;
}

void model_init(struct model *m)
{
    *m = (struct model){.width = 80, .height = 24};
}

void model_dispose(struct model *m)
{
    model_clear(m);
}

static void drop_oldest(struct model *m)
{
    struct model_line *line = line_at(m, 0);

    m->total_rows -= line->rows;
    m->bytes -= line->len;
    m->lines[m->first] = NULL;
    m->first = (m->first + 1) % MODEL_LINES;
    m->count--;
    free(line);
}

void model_clear(struct model *m)
{
    while (m->count > 0)
        drop_oldest(m);
    m->scroll = 0;
    m->unseen = 0;
}

/* Bytes of the text that are kept beside a prefix; what to say about the rest, if any. */
static size_t keep(const char *text, size_t prefix_len, char note[CUT_NOTE_BYTES])
{
    const size_t len = strlen(text);
    const size_t room = MODEL_LINE_BYTES - CUT_NOTE_BYTES - 1;
    size_t kept = prefix_len < room ? room - prefix_len : 0;
    char size[TEXT_SIZE_BYTES];

    note[0] = '\0';
    if (len <= kept)
        return len;
    while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--;
    snprintf(note, CUT_NOTE_BYTES, "\n[cut: %s more]", text_size(len - kept, size));
    return kept;
}

int model_add(struct model *m, enum model_kind kind, uint32_t id, const char *time, const char *prefix,
              const char *text)
{
    char note[CUT_NOTE_BYTES];
    size_t prefix_len = strlen(prefix);
    size_t kept = keep(text, prefix_len, note);
    size_t len = prefix_len + (prefix_len > 0) + kept + strlen(note);
    struct model_line *line = malloc(sizeof *line + len + 1);

    if (!line)
        return DUET_ENOMEM;
    *line = (struct model_line){.kind = kind, .id = id, .prefix = prefix_len, .len = len};
    snprintf(line->time, sizeof line->time, "%s", time);
    snprintf(line->text, len + 1, "%s%s%.*s%s", prefix, prefix_len > 0 ? " " : "", (int)kept, text, note);
    while (m->count > 0 && (m->count == MODEL_LINES || m->bytes + len > MODEL_BYTES))
        drop_oldest(m);
    line->rows = count_rows(m, line);
    m->lines[(m->first + m->count) % MODEL_LINES] = line;
    m->count++;
    m->bytes += len;
    m->total_rows += line->rows;
    if (m->scroll > 0) {
        m->scroll += line->rows;
        m->unseen++;
    }
    clamp_scroll(m);
    return 0;
}

void model_paint(struct model *m, uint8_t hue)
{
    if (m->count > 0)
        line_at(m, m->count - 1)->hue = hue;
}

bool model_delivered(struct model *m, uint32_t id)
{
    for (size_t i = m->count; i-- > 0;) {
        struct model_line *line = line_at(m, i);
        if (line->kind != LINE_OWN || line->id != id)
            continue;
        line->delivered = true;
        return true;
    }
    return false;
}

static void rewrap(struct model *m)
{
    size_t below = 0; /* whole lines under the lowest row that is seen */
    size_t rows = 0;

    while (below < m->count && rows + line_at(m, m->count - 1 - below)->rows <= m->scroll)
        rows += line_at(m, m->count - 1 - below++)->rows;
    m->total_rows = 0;
    m->scroll = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct model_line *line = line_at(m, i);
        line->rows = count_rows(m, line);
        m->total_rows += line->rows;
        if (i + below >= m->count)
            m->scroll += line->rows;
    }
}

void model_resize(struct model *m, size_t gutter, size_t width, size_t height)
{
    const size_t new_width = width > 0 ? width : 1;
    const bool wraps_anew = new_width != m->width || gutter != m->gutter;

    m->gutter = gutter;
    m->width = new_width;
    m->height = height > 0 ? height : 1;
    if (wraps_anew)
        rewrap(m);
    clamp_scroll(m);
}

void model_scroll(struct model *m, long rows)
{
    if (rows >= 0)
        m->scroll += (size_t)rows;
    else if (m->scroll > (size_t)-rows)
        m->scroll -= (size_t)-rows;
    else
        m->scroll = 0;
    clamp_scroll(m);
}

void model_follow(struct model *m)
{
    m->scroll = 0;
    m->unseen = 0;
}

size_t model_rows(const struct model *m, struct model_row *out, size_t cap)
{
    size_t end = m->total_rows - m->scroll; /* rows from the top of everything; [begin, end) are seen */
    size_t wanted = m->height < cap ? m->height : cap;
    size_t begin = end > wanted ? end - wanted : 0;
    size_t row = m->total_rows;
    size_t index = m->count;
    size_t filled = 0;

    while (index > 0 && row > begin)
        row -= line_at(m, --index)->rows;
    for (; index < m->count && row < end; index++) {
        const struct model_line *line = line_at(m, index);
        struct row_cursor c = {0};
        do {
            struct model_row each = next_row(m, line, &c);
            if (row >= begin && row < end)
                out[filled++] = each;
            row++;
        } while (c.at < line->len);
    }
    return filled;
}
