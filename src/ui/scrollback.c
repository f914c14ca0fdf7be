#include "ui/scrollback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#define CUT_NOTE_BYTES 48

static struct scrollback_line *line_at(const struct scrollback *s, size_t index)
{
    return s->lines[(s->first + index) % SCROLLBACK_LINES];
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

size_t scrollback_wrap(const char *text, size_t len, size_t width, size_t *next)
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

static struct scrollback_row next_flush_row(const struct scrollback *s, const struct scrollback_line *line,
                                            struct row_cursor *c)
{
    const size_t whole_width = s->gutter + s->width;
    const size_t bytes = word_bytes(line->text + c->at, line->len - c->at, whole_width);
    const struct scrollback_row row = {.line = line, .start = c->at, .len = bytes, .flush = true};

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
static struct scrollback_row next_row(const struct scrollback *s, const struct scrollback_line *line,
                                      struct row_cursor *c)
{
    const char *text = line->text + c->at;
    const size_t left = line->len - c->at;
    size_t blanks = 0;
    size_t next;

    while (blanks < left && blanks < s->width && text[blanks] == ' ')
        blanks++;
    if (!c->in_word && s->gutter > 0 && word_bytes(text + blanks, left - blanks, s->width + 1) > s->width) {
        c->at += blanks;
        c->in_word = true;
        if (c->at == blanks) /* the time and the mark of the line need a row of their own */
            return (struct scrollback_row){.line = line, .start = 0, .len = 0, .first = true};
    }
    if (c->in_word)
        return next_flush_row(s, line, c);
    const size_t used = scrollback_wrap(text, left, s->width, &next);
    const struct scrollback_row row = {.line = line, .start = c->at, .len = used, .first = c->at == 0};

    c->at += next;
    return row;
}

static size_t count_rows(const struct scrollback *s, const struct scrollback_line *line)
{
    struct row_cursor c = {0};
    size_t rows = 0;

    do {
        (void)next_row(s, line, &c);
        rows++;
    } while (c.at < line->len);
    return rows;
}

static size_t scroll_max(const struct scrollback *s)
{
    return s->total_rows > s->height ? s->total_rows - s->height : 0;
}

static void clamp_scroll(struct scrollback *s)
{
    if (s->scroll > scroll_max(s))
        s->scroll = scroll_max(s);
    if (s->scroll == 0)
        s->unseen = 0;
}

void scrollback_init(struct scrollback *s)
{
    *s = (struct scrollback){.width = 80, .height = 24};
}

void scrollback_dispose(struct scrollback *s)
{
    scrollback_clear(s);
}

static void drop_oldest(struct scrollback *s)
{
    struct scrollback_line *line = line_at(s, 0);

    s->total_rows -= line->rows;
    s->bytes -= line->len;
    s->lines[s->first] = NULL;
    s->first = (s->first + 1) % SCROLLBACK_LINES;
    s->count--;
    free(line);
}

void scrollback_clear(struct scrollback *s)
{
    while (s->count > 0)
        drop_oldest(s);
    s->scroll = 0;
    s->unseen = 0;
}

/* Bytes of the text that are kept beside a prefix; what to say about the rest, if any. */
static size_t keep(const char *text, size_t prefix_len, char note[CUT_NOTE_BYTES])
{
    const size_t len = strlen(text);
    const size_t room = SCROLLBACK_LINE_BYTES - CUT_NOTE_BYTES - 1;
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

int scrollback_add(struct scrollback *s, enum line_kind kind, uint32_t id, const char *time, const char *prefix,
                   const char *text)
{
    char note[CUT_NOTE_BYTES];
    size_t prefix_len = strlen(prefix);
    size_t kept = keep(text, prefix_len, note);
    size_t len = prefix_len + (prefix_len > 0) + kept + strlen(note);
    struct scrollback_line *line = malloc(sizeof *line + len + 1);

    if (!line)
        return DUET_ENOMEM;
    *line = (struct scrollback_line){.kind = kind, .id = id, .prefix = prefix_len, .len = len};
    snprintf(line->time, sizeof line->time, "%s", time);
    snprintf(line->text, len + 1, "%s%s%.*s%s", prefix, prefix_len > 0 ? " " : "", (int)kept, text, note);
    while (s->count > 0 && (s->count == SCROLLBACK_LINES || s->bytes + len > SCROLLBACK_BYTES))
        drop_oldest(s);
    line->rows = count_rows(s, line);
    s->lines[(s->first + s->count) % SCROLLBACK_LINES] = line;
    s->count++;
    s->bytes += len;
    s->total_rows += line->rows;
    if (s->scroll > 0) {
        s->scroll += line->rows;
        s->unseen++;
    }
    clamp_scroll(s);
    return 0;
}

void scrollback_paint(struct scrollback *s, uint8_t hue)
{
    if (s->count > 0)
        line_at(s, s->count - 1)->hue = hue;
}

bool scrollback_delivered(struct scrollback *s, uint32_t id)
{
    for (size_t i = s->count; i-- > 0;) {
        struct scrollback_line *line = line_at(s, i);
        if (line->kind != LINE_OWN || line->id != id)
            continue;
        line->delivered = true;
        return true;
    }
    return false;
}

static void rewrap(struct scrollback *s)
{
    size_t below = 0; /* whole lines under the lowest row that is seen */
    size_t rows = 0;

    while (below < s->count && rows + line_at(s, s->count - 1 - below)->rows <= s->scroll)
        rows += line_at(s, s->count - 1 - below++)->rows;
    s->total_rows = 0;
    s->scroll = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct scrollback_line *line = line_at(s, i);
        line->rows = count_rows(s, line);
        s->total_rows += line->rows;
        if (i + below >= s->count)
            s->scroll += line->rows;
    }
}

void scrollback_resize(struct scrollback *s, size_t gutter, size_t width, size_t height)
{
    const size_t new_width = width > 0 ? width : 1;
    const bool wraps_anew = new_width != s->width || gutter != s->gutter;

    s->gutter = gutter;
    s->width = new_width;
    s->height = height > 0 ? height : 1;
    if (wraps_anew)
        rewrap(s);
    clamp_scroll(s);
}

void scrollback_scroll(struct scrollback *s, long rows)
{
    if (rows >= 0)
        s->scroll += (size_t)rows;
    else if (s->scroll > (size_t)-rows)
        s->scroll -= (size_t)-rows;
    else
        s->scroll = 0;
    clamp_scroll(s);
}

void scrollback_follow(struct scrollback *s)
{
    s->scroll = 0;
    s->unseen = 0;
}

size_t scrollback_rows(const struct scrollback *s, struct scrollback_row *out, size_t cap)
{
    size_t end = s->total_rows - s->scroll; /* rows from the top of everything; [begin, end) are seen */
    size_t wanted = s->height < cap ? s->height : cap;
    size_t begin = end > wanted ? end - wanted : 0;
    size_t row = s->total_rows;
    size_t index = s->count;
    size_t filled = 0;

    while (index > 0 && row > begin)
        row -= line_at(s, --index)->rows;
    for (; index < s->count && row < end; index++) {
        const struct scrollback_line *line = line_at(s, index);
        struct row_cursor c = {0};
        do {
            struct scrollback_row each = next_row(s, line, &c);
            if (row >= begin && row < end)
                out[filled++] = each;
            row++;
        } while (c.at < line->len);
    }
    return filled;
}
